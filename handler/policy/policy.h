/* policy.h - who has to give, how much, and why: pure
 *
 * A snapshot, the configuration and the time go in, a plan comes out.  No I/O,
 * no globals, no allocation: the caller gives every array.  The same code
 * serves the warden, `memwarden why`, `memwarden replay`, shadow mode, the
 * property tests and the fuzzers.  Rules: doc/design.md, section 4; kubelet's
 * node-pressure eviction ranks alike (over request, priority, overage).
 */
#ifndef MW_POLICY_H
#define MW_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "handler/conf/conf.h"

/* One job as policy sees it. Sizes in bytes, times in ms. */
struct policy_job {
    unsigned index;    /* the caller's own number for it, unique: the
                                   very last tie-break */
    uint32_t slurm_id; /* last but one: the younger (higher) first */
    unsigned priority;
    uint64_t reservation;
    uint64_t limit; /* at present, with what is lent */
    uint64_t lent;  /* of which lent by grow */
    uint64_t used;  /* that cannot be reclaimed */
    uint64_t swap;
    uint64_t elapsed_ms; /* since start or the last checkpoint mark */
    uint32_t cpus;
    bool requeueable;
    bool protect; /* never a victim */
    bool leaving; /* being killed, requeued or dumped already:
                                   what it will free is counted, it is not
                                   chosen again */
    bool parked;  /* held or suspended: still a candidate, since
                                   its memory is still there */
};

struct policy_node {
    uint64_t capacity;  /* pool: what jobs may use together */
    uint64_t used;      /* pool usage that cannot be reclaimed */
    uint64_t available; /* MemAvailable of the node */
    uint64_t reserve;   /* node reserve */
    uint64_t swap_free, swap_total;
};

enum policy_verdict {
    POLICY_CHOSEN,
    POLICY_SUFFICES_ALONE,     /* chosen, because it alone frees the need */
    POLICY_NOT_NEEDED,         /* the chosen suffice */
    POLICY_WITHIN_RESERVATION, /* and the overages suffice */
    POLICY_FREES_NOTHING,
    POLICY_LEAVING,
    POLICY_PROTECTED,
};

/* One line of the plan: every term of the order, so that it can be told. */
struct policy_rank {
    unsigned job; /* place in the snapshot's array */
    enum policy_verdict verdict;
    uint64_t key;       /* of policy_victims alone, for sorting */
    uint64_t overage;   /* bytes */
    uint64_t relative;  /* overage in 1/1000 of the reservation;
                                   UINT64_MAX where nothing is reserved */
    uint64_t lost_work; /* elapsed_ms × cpus */
    uint64_t frees;     /* bytes that choosing it is counted for */
};

struct policy_plan {
    uint64_t need;            /* bytes to be freed */
    uint64_t covered;         /* by what is leaving and the chosen */
    bool reservations_broken; /* overages could not cover it: overcommitted */
    enum conf_order order;
    unsigned chosen;           /* ranks[0 .. chosen - 1] are the victims, in
                                   the order they are to be taken */
    unsigned count;            /* all jobs, in order */
    struct policy_rank *ranks; /* the caller's, room for every job */
};

/* How much of the pool is neither used nor promised: capacity less, for each
 *   job, the greater of what it uses and what is reserved to it, and less what
 *   is lent and not yet used. 0 where overcommitted. */
uint64_t policy_headroom (const struct policy_node *node,
                          const struct policy_job *jobs, unsigned count);

/* Of [headroom], what a job at [limit] bytes may be lent now by a grow of
 *   [amount] when it holds [lent] (part of [limit]) already: 0 = nothing.
 *   SIZE and P% (of the limit without what is lent) are the most it may hold at
 *   a time, xF is F times that limit.  NONE: a quarter of the limit, at least
 *   64 MiB, again and again.  Less than asked for is lent where headroom is
 *   less, but nothing under 1 MiB, which would only be asked for again at
 *   once. */
uint64_t policy_grow (const struct mw_amount *amount, uint64_t limit,
                      uint64_t lent, uint64_t headroom);

/* How many bytes must be freed so that the pool is below its capacity and the
 *   node's MemAvailable above its reserve, both by a margin of 1/16 of the
 *   capacity, at most 1 GiB, so that the next page is not the next OOM.
 *   0 = there is no OOM: usage and MemAvailable are on the good side (by
 *   however little).  [at_limit]: the kernel has said that the pool is at its
 *   limit, whatever the numbers: only the margin's part that is missing is
 *   asked for, at least 1 MiB. */
uint64_t policy_need (const struct policy_node *node, bool at_limit);

/* How many bytes the jobs over their reservations use that may be chosen: what
 *   can be freed without breaking a promise. */
uint64_t policy_spare (const struct policy_job *jobs, unsigned count);

/* Rank [jobs] and choose the fewest that free [need] bytes into [plan]->ranks.
 *   Deterministic: equal input, equal plan; the order of [jobs] decides
 *   nothing.
 *
 *   Tiers are jobs of one class (over or within their reservation) and one
 *   priority.  Tiers are taken whole until one is reached that covers what is
 *   left; there the one job that suffices is preferred, otherwise the fewest.
 *   Then whoever has become unnecessary is let off, but nobody over the
 *   reservation is let off while somebody within it is not. */
void policy_victims (const struct policy_node *node,
                     const struct policy_job *jobs, unsigned count,
                     uint64_t need, enum conf_order order,
                     struct policy_plan *plan);

/* Of [jobs] that are parked, the one to come back first: highest priority, then
 *   parked longest is the caller's order.  One fits if [headroom] holds what
 *   it has in swap beyond its reservation. Returns its place, or -1 when
 *   [headroom] has not reached [resume_at] or none fits. */
int policy_resume (const struct policy_job *jobs, unsigned count,
                   uint64_t headroom, uint64_t resume_at);

/* Was the job of [rank] chosen? */
bool policy_is_chosen (const struct policy_rank *rank);

/* Write why [rank] of [plan] stands where it does, as a sentence with every
 *   term of the order. Returns [buf]. */
char *policy_explain (const struct policy_plan *plan,
                      const struct policy_job *jobs, unsigned rank, char *buf,
                      size_t len);

#endif /* !MW_POLICY_H */
