/* hold_one.c - hold=WHO@T: one process of the job waits, the others go on in its reserve
 *
 * It is stopped by SIGSTOP, which its parent may notice (waitpid(2), WUNTRACED).  What
 * it holds it keeps: the others may end, or give back, what it would take.  It goes on when
 * the job is below its limit, at T, and when somebody says so; a person may have several
 * wait, one after the other.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "handler/record/report.h"
#include "handler/step/stop.h"

/* Phases: it is looked at who it is; somebody waits */
enum { LOOKING = 1, WAITS };

#define LOOK_MS 250

/* Nobody more is to wait: for those who do it is waited. */
static enum step_result _hold_one_rest (struct warden *w, struct job *job)
{
    if (stop_undone (job, STOPPED_HELD))
        return step_relieved (w, job, true) ? STEP_SOLVED : STEP_NEXT;
    job->incident.phase = WAITS;
    step_timer (w, job, LOOK_MS);
    return STEP_WAIT;
}

static void _hold_one_stop (struct warden *w, struct job *job, unsigned at)
{
    const struct stopped_one *one = &job->incident.stopped.one[at];
    struct mw_err err;

    if (stopped_send (one, SIGSTOP) == 0)
        return;
    if (errno == ESRCH) {
        stop_drop (w, job, at, "has ended");
        return;
    }
    mw_err_errno (&err, "SIGSTOP to process %d", (int) one->pid);
    report_failed (w, job, "a process of it cannot be held", &err);
    stop_drop (w, job, at, "is not held");
}

static enum step_result _hold_one_now (struct warden *w, struct job *job)
{
    struct mw_err why;
    struct one one;
    int at;

    if (one_choose (job, &one, &why) < 0) {
        report (w, job, "step", REPORT_LOG | REPORT_JOB,
                "%s: none is held alone", why.text);
        return _hold_one_rest (w, job);
    }
    job->incident.phase = WAITS;
    at = stop_begin (w, job, &one, STOPPED_HELD, "held alone:");
    if (at >= 0)
        _hold_one_stop (w, job, (unsigned) at);
    one_drop (&one);
    /* nobody is to have the room that it would take */
    if (job->incident.trigger != TRIGGER_ADMIN &&
        step_open_reserve (w, job, true) < 0)
        return STEP_NEXT;
    return _hold_one_rest (w, job);
}

/* They are on record, and may be not stopped yet, or not any more. */
static void _hold_one_assert (struct warden *w, struct job *job)
{
    for (unsigned i = job->incident.stopped.n; i-- > 0;) {
        if (job->incident.stopped.one[i].why == STOPPED_HELD)
            _hold_one_stop (w, job, i);
    }
}

/* Without a number the rung is that of those who wait already (incident_do). */
static enum step_result _hold_one_start (struct warden *w, struct job *job)
{
    _hold_one_assert (w, job);
    if (step_rung (job)->target == MW_TARGET_PID &&
        job->incident.target_pid == 0)
        return _hold_one_rest (w, job);
    if (one_begin (w, job))
        return _hold_one_now (w, job);
    return one_waits (w, job, LOOKING);
}

/* Who is there, and stands? Where somebody else has let it go on, that is his to say; its
 * SIGCONT is for what of it may still stand. */
static void _hold_one_look (struct warden *w, struct job *job)
{
    struct stopped *s = &job->incident.stopped;

    for (unsigned i = s->n; i-- > 0;) {
        enum stopped_look is = stopped_look (&s->one[i]);

        s->one[i].seen |= is == STOPPED_STANDS;
        if (is == STOPPED_ENDED) {
            stop_drop (w, job, i, "has ended");
        } else if (is == STOPPED_RUNS && s->one[i].seen) {
            stopped_send (&s->one[i], SIGCONT);
            stop_drop (w, job, i, "goes on: somebody else has said so");
        }
    }
}

static enum step_result _hold_one_timer (struct warden *w, struct job *job)
{
    if (job->incident.phase == LOOKING && !one_look (w, job, false))
        return STEP_WAIT;
    if (job->incident.phase == LOOKING)
        return _hold_one_now (w, job);
    _hold_one_look (w, job);
    if (step_relieved (w, job, false))
        return STEP_SOLVED;
    return _hold_one_rest (w, job);
}

/* Its reserve is full: who is guilty has shown it, or it is of no use. */
static enum step_result _hold_one_again (struct warden *w, struct job *job)
{
    return job->incident.phase == LOOKING ? _hold_one_now (w, job) : STEP_NEXT;
}

static enum step_result _hold_one_deadline (struct warden *w, struct job *job)
{
    return step_relieved (w, job, true) ? STEP_SOLVED : STEP_NEXT;
}

/* A look is forgotten, and begun anew. */
static enum step_result _hold_one_recover (struct warden *w, struct job *job)
{
    if (job->incident.phase != WAITS)
        return _hold_one_start (w, job);
    _hold_one_assert (w, job);
    return _hold_one_timer (w, job);
}

/* Does only a step that somebody has asked for come before the rung of those who wait? */
static bool _hold_one_is_kept (const struct job *job)
{
    const struct incident *in = &job->incident;

    for (unsigned i = in->step + 1; !in->closing && i < in->ladder->count;
         i++) {
        if (in->ladder->step[i].kind == MW_STEP_HOLD_ONE &&
            in->ladder->step[i].target == MW_TARGET_PID)
            return true;
    }
    return false;
}

static void _hold_one_undo (struct warden *w, struct job *job)
{
    if (!_hold_one_is_kept (job))
        stop_undo (w, job, STOPPED_HELD);
}

static bool _hold_one_undone (const struct job *job)
{
    return stop_undone (job, STOPPED_HELD) || _hold_one_is_kept (job);
}

const struct step_ops step_hold_one = {
    .kind = MW_STEP_HOLD_ONE,
    .done = "it has room again, one of its processes held",
    .available = step_has_reserve,
    .start = _hold_one_start,
    .again = _hold_one_again,
    .timer = _hold_one_timer,
    .deadline = _hold_one_deadline,
    .recover = _hold_one_recover,
    .undo = _hold_one_undo,
    .undone = _hold_one_undone,
};
