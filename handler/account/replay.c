/* replay.c - a decision on record, made again: see replay.h */
#include "handler/account/replay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "handler/account/class.h"

/* The node as [conf] divides it.  Returns whether the pool would have been at
 * its limit: not if the limit were higher than the one it had reached. */
static bool _account_replay_node (const struct decision *d,
                                  const struct conf *conf,
                                  struct policy_node *node)
{
    uint64_t reserve = mw_amount_of (&conf->node_reserve, d->memory, 0);
    uint64_t most_then = d->memory - mw_least (d->memory, d->node.reserve);
    uint64_t most = d->memory - mw_least (d->memory, reserve);
    bool pool = d->pool_limit != UINT64_MAX && conf->pool[0];
    uint64_t limit = most;

    /* a limit that was not memwarden's is not its to raise */
    if (pool && d->pool_limit != most_then)
        limit = mw_least (d->pool_limit, most);
    *node = d->node;
    node->reserve = reserve;
    node->capacity = limit;
    node->used = pool ? d->node.used : 0;
    return pool && d->at_limit && limit <= d->pool_limit;
}

static const struct conf_class *_class (const struct decision_job *j,
                                        const struct conf *conf)
{
    static struct mw_jobspec spec; /* 1 KiB: not on the stack */

    strcpy (spec.user, j->user);
    return class_of (conf, &spec, &j->facts);
}

static void _account_replay_job (const struct decision_job *j,
                                 const struct conf *conf, struct policy_job *p)
{
    static struct job job; /* too large for the stack */
    unsigned cap;

    job.spec.uid = j->uid;
    job.class = _class (j, conf);
    cap = job_priority_cap (&job, conf);
    p->protect = job.class && job.class->protect;
    p->priority = j->raised || j->asked < cap ? j->asked : cap;
}

unsigned replay_chosen (const struct decision *d)
{
    unsigned n = 0;

    while (n < d->count && policy_is_chosen (&d->plan[n]))
        n++;
    return n;
}

static bool _account_replay_same (const struct decision *d,
                                  const struct replay *r)
{
    unsigned n = replay_chosen (d);

    if (r->plan.chosen != n || strcmp (r->ladder, d->ladder) != 0)
        return false;
    for (unsigned i = 0; i < n; i++) {
        if (r->plan.ranks[i].job != d->plan[i].job)
            return false;
    }
    return true;
}

int replay_decide (const struct decision *d, const struct conf *conf,
                   struct replay *r, struct mw_err *err)
{
    const struct conf_class *c;
    uint64_t need;
    bool at_limit;

    *r = (struct replay) { 0 };
    at_limit = _account_replay_node (d, conf, &r->node);
    if (r->node.capacity == 0)
        return mw_err_code (err, EINVAL,
                            "node-reserve leaves nothing of the "
                            "node for its jobs");
    r->jobs = calloc (d->count + 1, sizeof (*r->jobs));
    r->plan.ranks = calloc (d->count + 1, sizeof (*r->plan.ranks));
    if (!r->jobs || !r->plan.ranks)
        return mw_err_errno (err, "a decision over %u jobs", d->count);
    for (unsigned i = 0; i < d->count; i++) {
        r->jobs[i] = d->snapshot[i];
        _account_replay_job (&d->jobs[i], conf, &r->jobs[i]);
    }
    need = policy_need (&r->node, at_limit);
    if (need == 0 && conf->psi.kind != CONF_PSI_OFF)
        need = d->stalls;
    policy_victims (&r->node, r->jobs, d->count, need, conf->order, &r->plan);
    if (r->plan.chosen > 0) {
        c = _class (&d->jobs[r->plan.ranks[0].job], conf);
        mw_ladder_format (conf_node_ladder (conf, c), r->ladder,
                          sizeof (r->ladder));
    }
    r->same = _account_replay_same (d, r);
    return 0;
}

void replay_free (struct replay *r)
{
    free (r->jobs);
    free (r->plan.ranks);
    *r = (struct replay) { 0 };
}
