/* undo.c - what was done to a job is undone, whatever fails: see undo.h */
#include "handler/incident/undo.h"

#include "handler/step/step.h"
#include "lib/clock.h"

/* A write that fails (EIO, no memory) is tried so often at once, and then from
 * UNDO_MS after it on, twice as long after each, up to UNDO_MAX_MS. */
#define UNDO_AT_ONCE 3
#define UNDO_MS 10
#define UNDO_MAX_MS 1000

/* The rung that works on what was done to the job; NULL: it is over. */
static const struct step_ops *_at_work (const struct job *job)
{
    return job->incident.closing ? NULL : step_table[step_rung (job)->kind];
}

/* Is there something done to [job] that should be undone by now? */
static bool _owes (const struct job *job)
{
    const struct step_ops *now = _at_work (job);
    const struct incident *in = &job->incident;

    for (unsigned i = 0; i < MW_STEP_COUNT; i++) {
        const struct step_ops *ops = step_table[i];

        if (ops != now && ops->undone && !ops->undone (job))
            return true;
    }
    if (!now && (in->reserve_open || in->lent > 0 || job->memcg.limit_is_low))
        return true;
    return (in->frozen || in->suspended) && !(now && now->frozen);
}

static void _undo (struct warden *w, struct job *job)
{
    const struct step_ops *now = _at_work (job);
    struct incident *in = &job->incident;

    for (unsigned i = 0; i < MW_STEP_COUNT; i++) {
        const struct step_ops *ops = step_table[i];

        if (ops != now && ops->undone && !ops->undone (job))
            ops->undo (w, job);
    }
    if (!now || !now->frozen)
        step_unsuspend (w, job);
    if (!now) {
        step_open_reserve (w, job, false);
        step_return (w, job);
        if (job->memcg.limit_is_low)
            job_assert_limit (job, NULL);
    }
    if (in->frozen && !(now && now->frozen))
        step_freeze (w, job, false);
}

bool incident_undo_later (struct job *job)
{
    struct incident *in = &job->incident;
    unsigned doubled = in->undo_tries < 8 ? in->undo_tries : 8;
    uint64_t ms = mw_least (UNDO_MS << doubled, UNDO_MAX_MS);

    if (!_owes (job)) {
        in->undo_ms = in->undo_tries = 0;
        return false;
    }
    in->undo_tries++;
    in->undo_ms = clock_ms () + ms;
    job_set_timer (job);
    return true;
}

bool incident_undo (struct warden *w, struct job *job)
{
    for (int i = 0; i < UNDO_AT_ONCE; i++) {
        _undo (w, job);
        if (!_owes (job))
            break;
        job->incident.undo_tries++;
    }
    return !incident_undo_later (job);
}
