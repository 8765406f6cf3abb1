/* check.h - what this node offers, what it lacks, and what that costs
 *
 * Each check is a function and a row of a table; all of them read below the
 * sysroot (lib/cgfile.h), so that recorded trees of other nodes can be
 * examined.
 */
#ifndef MW_DOCTOR_H
#define MW_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>

#include "handler/memcg/mounts.h"

enum doctor_verdict {
    DOCTOR_OK,    /* it is there */
    DOCTOR_LACKS, /* it is not; the row says what that costs */
    DOCTOR_NA,    /* means nothing on this node */
};

struct doctor_check {
    const char *item;
    const char *cost; /* what is lost where it is lacking */
    /* Look, and write what was found as a short text into [found]. */
    enum doctor_verdict (*look) (const struct memcg_mounts *m, char *found,
                                 size_t len);
};

extern const struct doctor_check doctor_node_checks[];
extern const size_t doctor_node_count;
extern const struct doctor_check doctor_slurm_checks[];
extern const size_t doctor_slurm_count;

#endif /* !MW_DOCTOR_H */
