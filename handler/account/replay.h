/* replay.h - a decision on record, made again under another configuration
 *
 * What a configuration decides is taken from it: node-reserve, pool, psi,
 * order, and of each job's class protect, max-priority and node-ladder.  What
 * the jobs had been given at their start, reservation and limit, and the
 * moment itself are as they were.
 */
#ifndef MW_REPLAY_H
#define MW_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "handler/conf/conf.h"
#include "handler/policy/policy.h"
#include "handler/record/decision.h"

struct replay {
    struct policy_node node;
    struct policy_job *jobs;       /* as [conf] has them, same places */
    struct policy_plan plan;       /* 0 needed: no OOM at that moment */
    char ladder[MW_LADDER_STRLEN]; /* of the first victim; "" = none */
    bool same;                     /* same victims in the same order, and the
                                       same ladder for the first of them */
};

/* Decide [d] again by [conf] into [r] (replay_free).
 * Returns 0; -1 with errno: no memory, or EINVAL where [conf] leaves the jobs of that
 *   node nothing. */
int replay_decide (const struct decision *d, const struct conf *conf,
                   struct replay *r, struct mw_err *err);
void replay_free (struct replay *r);

/* How many of [d]'s jobs were chosen then: the first ones of its plan. */
unsigned replay_chosen (const struct decision *d);

#endif /* !MW_REPLAY_H */
