/* otherwise.c - what would have spared a job: see otherwise.h */
#include "handler/account/otherwise.h"

#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/units.h"

/* A moment that was not. */
struct moment {
    const struct decision *d;
    struct policy_node node;
    struct policy_job *jobs;
    unsigned count;
    struct policy_rank *ranks;
};

/* Is the job at [place] of [m] chosen where [need] bytes are? */
static bool _is_chosen_of (const struct moment *m, unsigned place,
                           uint64_t need)
{
    struct policy_plan plan = { .ranks = m->ranks };

    policy_victims (&m->node, m->jobs, m->count, need, m->d->order, &plan);
    for (unsigned i = 0; i < plan.chosen; i++) {
        if (plan.ranks[i].job == place)
            return true;
    }
    return false;
}

static bool _with (struct moment *m, unsigned place, uint64_t reservation)
{
    uint64_t was = m->jobs[place].reservation;
    bool chosen;

    m->jobs[place].reservation = reservation;
    chosen = _is_chosen_of (m, place, m->d->need);
    m->jobs[place].reservation = was;
    return chosen;
}

/* The least reservation that spares it, between its own and what it used. */
static uint64_t _sparing_reservation (struct moment *m, unsigned place)
{
    const struct policy_job *p = &m->jobs[place];
    uint64_t low = p->reservation / MW_MIB;
    uint64_t high = (p->used + MW_MIB - 1) / MW_MIB;

    if (high <= low || _with (m, place, high * MW_MIB))
        return 0;
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;

        if (_with (m, place, middle * MW_MIB))
            low = middle;
        else
            high = middle;
    }
    return high * MW_MIB;
}

/* Would the job at [place] have been chosen had the one at [other] not been
 * there? */
static bool _without (struct moment *m, unsigned place, unsigned other)
{
    const struct decision *d = m->d;
    uint64_t freed = d->snapshot[other].used, need;

    m->node = d->node;
    m->node.used -= mw_least (m->node.used, freed);
    m->node.available += freed;
    need = policy_need (&m->node, d->at_limit && freed == 0);
    m->count = d->count - 1;
    memcpy (m->jobs, d->snapshot, other * sizeof (*m->jobs));
    memcpy (m->jobs + other, d->snapshot + other + 1,
            (m->count - other) * sizeof (*m->jobs));
    return need > 0 && _is_chosen_of (m, place - (other < place), need);
}

int otherwise_ask (const struct decision *d, unsigned place,
                   struct otherwise *o)
{
    cleanup_free struct policy_job *jobs = calloc (d->count, sizeof (*jobs));
    cleanup_free struct policy_rank *ranks = calloc (d->count, sizeof (*ranks));
    struct moment m = { d, d->node, jobs, d->count, ranks };

    *o = (struct otherwise) { .reservation = 0 };
    if (!jobs || !ranks || d->stalls > 0)
        return -1;
    memcpy (jobs, d->snapshot, d->count * sizeof (*jobs));
    if (!policy_is_chosen (&d->plan[d->rank[place]]) ||
        !_is_chosen_of (&m, place, d->need))
        return -1;
    o->reservation = _sparing_reservation (&m, place);
    for (unsigned i = 0; i < d->count; i++) {
        if (i == place || _without (&m, place, i))
            continue;
        if (o->others++ == 0 ||
            d->snapshot[i].used > d->snapshot[o->other].used)
            o->other = i;
    }
    return 0;
}
