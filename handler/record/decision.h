/* decision.h - a decision about the node, on record
 *
 * Journal event "decision", about no job, so that root alone reads it.  It has
 * the whole snapshot that policy was given, so that `memwarden replay` can
 * decide again.  Many jobs take several records, one after the other, of one
 * id; the first has the head, and "of" says how many jobs make it whole:
 *
 *   "decision":{"v":1,"id":17,
 *     "head":{"of":3,"need":…,"covered":…,"stalls":…,"at_limit":true,
 *       "order":"overage","ladder":"kill","memory":…,"pool_limit":…,
 *       "capacity":…,"used":…,"available":…,"reserve":…,"swap_free":…,
 *       "swap_total":…},
 *     "job":[[KEY, USER, index, uid, asked, priority, reservation, limit,
 *             lent, used, swap, elapsed_ms, cpus, slurm_id, flags,
 *             partition, account, qos], …],
 *     "plan":[place, verdict, place, verdict, …]}
 *
 * A place counts the jobs from 0, in the order of the records; the plan has
 * them in its own.  The last three of a job are there where they are known.
 */
#ifndef MW_DECISION_H
#define MW_DECISION_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "handler/job/job.h"
#include "handler/policy/policy.h"
#include "lib/err.h"

#define DECISION_VERSION 1

struct warden;

struct decision_job {
    char key[MW_JOBKEY_MAX];
    char user[MW_USER_MAX];
    uid_t uid;
    unsigned asked; /* priority, before any cap */
    bool raised;    /* an admin gave it more than its cap */
    struct job_facts facts;
};

struct decision {
    uint64_t id;
    char time[32];          /* as in the journal, UTC */
    uint64_t need, covered; /* bytes */
    uint64_t stalls;        /* bytes of [need] by PSI alone, else 0 */
    bool at_limit;          /* the kernel said that the pool is */
    enum conf_order order;
    char ladder[MW_LADDER_STRLEN]; /* of the first victim; "" = none */
    uint64_t memory;               /* of the node, bytes */
    uint64_t pool_limit;           /* bytes; UINT64_MAX = no pool */
    struct policy_node node;
    unsigned count;              /* jobs; each of the arrays has as many */
    unsigned got_jobs, got_plan; /* of them read until now */
    struct decision_job *jobs;
    struct policy_job *snapshot;
    struct policy_rank *plan; /* in order: .job and .verdict */
    unsigned *rank;           /* where in the plan each job is */
};

/* Journal [plan], made of [w]->scratch and [node] for [at_limit], before it is
 *   carried out.  Does not allocate.  Returns 0; -1 with errno: the disk is full;
 *   what is to be done is done all the same. */
int decision_record (struct warden *w, const struct policy_node *node,
                     bool at_limit, const struct policy_plan *plan);

/* Take [record], a line of the journal, into [d] (zeroed at first), if it is
 *   one of a decision's.
 * Returns 1 when [d] is whole (decision_free before the next one), 0 when it
 *   is not yet, and -1 with a sentence: EPROTO, or ENOTSUP where a newer
 *   version wrote it; [d] is then empty again. */
int decision_take (struct decision *d, const json_t *record,
                   struct mw_err *err);
void decision_free (struct decision *d);

#endif /* !MW_DECISION_H */
