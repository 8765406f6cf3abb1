/* signs.h - what MemAvailable, swap and PSI together say of the node: pure
 *
 * Memory falls as fast as MemAvailable and SwapFree fall together: while the
 * kernel pushes pages out, MemAvailable alone stands still.  When to look again
 * comes from that rate and from how far MemAvailable is above the node reserve.
 *
 * Tasks that stall (PSI) are one sign only.  A second one must say that it is
 * the node's memory that lacks, or nobody is harmed.
 */
#ifndef MW_SIGNS_H
#define MW_SIGNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "handler/policy/policy.h"

struct signs_fall {
    uint64_t left;          /* bytes that were left at the last look */
    uint64_t ms;            /* when that look was; 0 = there was none */
    uint64_t rate;          /* fastest fall seen, bytes a ms */
    uint64_t mark, fell_ms; /* highest since it last fell, and when it did */
    bool falling;           /* it fell within the last second */
    uint64_t look_ms;       /* how long until the next look */
};

/* At [now_ms] there were [left] bytes (MemAvailable and SwapFree).  A clock
 *   that has not moved on, or back, teaches nothing. */
void signs_learn (struct signs_fall *f, uint64_t now_ms, uint64_t left);

/* In how many ms to look again where MemAvailable is [above] bytes above the
 *   reserve of [reserve] bytes.  While it falls: when it could be at the
 *   reserve at [rate], 5 ms apart at most often.  While it does not: less and
 *   less often, but before a quarter of the reserve could be gone too; at most
 *   5 s. */
uint64_t signs_next_look (struct signs_fall *f, uint64_t rate, uint64_t above,
                          uint64_t reserve);

/* What happened while tasks stalled. */
struct signs_stall {
    uint64_t ms;        /* that long; 0 = not known yet */
    uint64_t scanned;   /* pages that tasks had to look for memory in
                               themselves, for the node, not for a memcg */
    uint64_t refaulted; /* bytes read in again that had just been dropped,
                               other than by jobs at their own limits */
};

enum signs_second {
    SIGNS_NONE,      /* PSI stands alone */
    SIGNS_AVAILABLE, /* MemAvailable is less than half the reserve above it, than a
                               16th of the capacity, and than 1 GiB */
    SIGNS_SWAP,      /* swap is full, and MemAvailable is less than a
                               quarter of the capacity */
    SIGNS_REFAULTS, /* pages go out and come in again, and MemAvailable
                               is less than a quarter of the capacity */
};

/* Which second sign is there?  None where the node itself did not look for
 *   memory: then it is a memcg at its limit that stalls.  [*need]: bytes to be
 *   freed, else 0. */
enum signs_second signs_second (const struct policy_node *node,
                                const struct signs_stall *stall,
                                uint64_t *need);

/* Is a memcg at its limit only turning its pages over (livelock without an
 *   OOM)? [used] of [limit] cannot be reclaimed, [refaulted] bytes were read in
 *   again in [ms]. */
bool signs_livelock (uint64_t used, uint64_t total, uint64_t limit,
                     uint64_t refaulted, uint64_t ms);

#endif /* !MW_SIGNS_H */
