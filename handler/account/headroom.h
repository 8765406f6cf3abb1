/* headroom.h - what the node has, what its jobs use, what may be lent */
#ifndef MW_HEADROOM_H
#define MW_HEADROOM_H

#include <stdint.h>

#include "handler/policy/policy.h"
#include "lib/units.h"

struct warden;
struct job;

/* What jobs may use together, bytes: the node's memory less the node
 * reserve. */
uint64_t headroom_capacity (const struct warden *w);

/* Fill [node] but for what the jobs use: one read, whatever their number. */
void headroom_meminfo (struct warden *w, struct policy_node *node);

/* What policy needs to know: fill [node] and up to [max] [jobs], in the table's
 *   order.  Reads each job's usage.  Returns how many jobs. */
unsigned headroom_snapshot (struct warden *w, struct policy_node *node,
                            struct policy_job *jobs, unsigned max);

/* The headroom that is really there, by the snapshot of [count] jobs just taken
 *   into [w]->scratch: policy_headroom, less what the system uses beyond the node
 *   reserve, and at most what MemAvailable is above the node reserve; bytes. */
uint64_t headroom_left (const struct warden *w, const struct policy_node *node,
                        unsigned count);

/* How much a grow of [amount] may lend to [job] now, in bytes; 0 = nothing. */
uint64_t headroom_may_lend (struct warden *w, struct job *job,
                            const struct mw_amount *amount);

#endif /* !MW_HEADROOM_H */
