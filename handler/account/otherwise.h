/* otherwise.h - what would have spared a job that a decision on record chose
 *
 * All else is as it was at that moment; the policy itself answers. Pure.
 */
#ifndef MW_OTHERWISE_H
#define MW_OTHERWISE_H

#include <stdbool.h>
#include <stdint.h>

#include "handler/record/decision.h"

struct otherwise {
    uint64_t reservation; /* with this many bytes, whole MiB, and no MiB less it
                             would not have been chosen; 0: with none */
    unsigned others;      /* how many jobs there are without each of which it
                             would not have been chosen, */
    unsigned other;       /* and the place of the one that used the most */
};

/* Ask what would have spared the job at [place] of [d].
 * Returns 0 with [o]; -1: it was not chosen, nothing can be told (its OOM was
 *   but a stall, of which no number is known without one of the jobs), or no
 *   memory. */
int otherwise_ask (const struct decision *d, unsigned place,
                   struct otherwise *o);

#endif /* !MW_OTHERWISE_H */
