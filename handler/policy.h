/* policy.h - who has to give, how much, and why: pure
 *
 * A snapshot, the configuration and the time go in, a plan comes out.  No I/O,
 * no globals, no allocation: the caller gives every array.  The same code serves
 * the warden, `memwarden why`, `memwarden replay`, shadow mode, the property
 * tests and the fuzzers.  Rules: DESIGN.md, section 4; kubelet's node-pressure
 * eviction ranks alike (over request, priority, overage).
 */
#ifndef MW_POLICY_H
#define MW_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "handler/conf.h"

/* One job as policy sees it. Sizes in bytes, times in ms. */
struct policy_job {
    unsigned index;             /* the caller's own number for it */
    uint32_t slurm_id;          /* last tie-break: the younger (higher) first */
    unsigned priority;
    uint64_t reservation;
    uint64_t limit;             /* at present */
    uint64_t lent;              /* of which lent by grow */
    uint64_t used;              /* that cannot be reclaimed */
    uint64_t swap;
    uint64_t elapsed_ms;        /* since start or the last checkpoint mark */
    uint32_t cpus;
    bool requeueable;
    bool protect;               /* never a victim */
    bool leaving;               /* being killed, requeued or dumped already: what it
                                   will free is counted, it is not chosen again */
    bool parked;                /* held or suspended: frees nothing more by that */
};

struct policy_node {
    uint64_t capacity;          /* pool: what jobs may use together */
    uint64_t used;              /* pool usage that cannot be reclaimed */
    uint64_t available;         /* MemAvailable of the node */
    uint64_t reserve;           /* node reserve */
    uint64_t swap_free;
};

enum policy_verdict {
    POLICY_CHOSEN,
    POLICY_NOT_NEEDED,          /* those before it suffice */
    POLICY_WITHIN_RESERVATION,  /* and the overages suffice */
    POLICY_PROTECTED,
    POLICY_LEAVING,
    POLICY_SUFFICES_ALONE,      /* chosen, because it alone frees the need */
};

/* One line of the plan: every term of the order, so that it can be told. */
struct policy_rank {
    unsigned job;               /* place in the snapshot's array */
    enum policy_verdict verdict;
    uint64_t overage;           /* bytes */
    uint64_t relative;          /* overage in 1/1000 of the reservation */
    uint64_t lost_work;         /* elapsed_ms × cpus */
    uint64_t frees;             /* bytes that choosing it is counted for */
};

struct policy_plan {
    uint64_t need;              /* bytes to be freed */
    uint64_t covered;           /* by what is leaving and the chosen */
    bool reservations_broken;   /* overages could not cover it: overcommitted */
    unsigned chosen;            /* ranks[0 .. chosen - 1] are the victims */
    unsigned count;             /* all jobs, in order */
    struct policy_rank *ranks;  /* the caller's, room for every job */
};

/* How much of the pool is neither used nor promised: capacity less, for each
 *   job, the greater of what it uses and what is reserved to it, and less what
 *   is lent and not yet used. 0 where overcommitted. */
uint64_t policy_headroom (const struct policy_node *node,
                          const struct policy_job *jobs, unsigned count);

/* Of [headroom], what a job at [limit] bytes may be lent now by a grow of
 *   [amount] when it holds [lent] already: 0 = nothing. The default amount is
 *   a quarter of the limit, at least 64 MiB, again and again. */
uint64_t policy_grow (const struct mw_amount *amount, uint64_t limit,
                      uint64_t lent, uint64_t headroom);

/* Rank [jobs] and choose the fewest that free [need] bytes into [plan]->ranks.
 *   Deterministic: equal input, equal plan. */
void policy_victims (const struct policy_node *node,
                     const struct policy_job *jobs, unsigned count,
                     uint64_t need, enum conf_order order,
                     struct policy_plan *plan);

/* Of [jobs] that are parked, the one to come back first: highest priority, then
 *   parked longest is the caller's order. Returns its place, or -1 when
 *   [headroom] has not reached [resume_at] or none fits. */
int policy_resume (const struct policy_job *jobs, unsigned count,
                   uint64_t headroom, uint64_t resume_at);

/* Write why [rank] of [plan] stands where it does, as a sentence. */
char *policy_explain (const struct policy_plan *plan,
                      const struct policy_job *jobs, unsigned rank,
                      char *buf, size_t len);

#endif /* !MW_POLICY_H */
