/* slow.c - slow[=PCT[:WHO]]@T: the job runs PCT of the time, in its reserve
 *
 * It stands still and runs by turns, by the freezer.  A CPU quota would bound
 * the sum over the job's CPUs, so that the one thread that leaks in a job of
 * many CPUs would not be slowed at all; and many a job has no cpu cgroup of its
 * own.  A job that is slowed costs the warden two wake-ups a turn, for as long
 * as the step lasts.
 *
 * One process of it alone (WHO) is stopped by SIGSTOP, and runs by SIGCONT.
 *
 * That it is slowed is in the journal; where in its turn it is is not: whoever
 * takes over thaws first.
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include "handler/record/report.h"
#include "handler/step/stop.h"

#define TURN_MS 400   /* a run and a stop */
#define RUN_MIN_MS 10 /* shorter runs are only overhead */
#define SHARE_DEFAULT 0.25

/* It is looked at who it is, before. */
enum { RUNNING = 0, STOPPED, LOOKING };

static double _share (const struct mw_ladder_step *s)
{
    return s->amount.kind == MW_AMOUNT_NONE ? SHARE_DEFAULT : s->amount.ratio;
}

/* The place in incident.stopped of the one process that is slowed; -1: the job is. */
static int _slow_one (const struct job *job)
{
    const struct stopped *s = &job->incident.stopped;

    for (unsigned i = 0; i < s->n; i++) {
        if (s->one[i].why == STOPPED_BY_TURNS)
            return (int) i;
    }
    return -1;
}

/* To the one that is slowed, if it is there. Returns 0; -1 with errno. */
static int _slow_send (const struct job *job, int signo)
{
    int at = _slow_one (job); /* it may have been let go on alone */
    const struct stopped_one *one = &job->incident.stopped.one[at > 0 ? at : 0];

    if (at >= 0 && stopped_look (one) != STOPPED_ENDED)
        return stopped_send (one, signo);
    errno = ESRCH;
    return -1;
}

static int _slow_stop (struct job *job, bool on, struct mw_err *err)
{
    if (!mw_target_is_one (step_rung (job)->target))
        return job->memcg.ops->freeze (&job->memcg, on, err);
    if (_slow_send (job, on ? SIGSTOP : SIGCONT) < 0)
        return mw_err_errno (err, "%s", on ? "SIGSTOP" : "SIGCONT");
    return 0;
}

/* It cannot be stopped, or thawed. */
static enum step_result _slow_fails (struct warden *w, struct job *job,
                                     const struct mw_err *why)
{
    int at = _slow_one (job), error = errno;
    bool one = mw_target_is_one (step_rung (job)->target);

    if (one && error == ESRCH) {
        if (at >= 0)
            stop_drop (w, job, (unsigned) at, "has ended");
        return step_relieved (w, job, true) ? STEP_SOLVED : STEP_NEXT;
    }
    if (!one && (error == ENODEV || memcg_populated (&job->memcg) == 0))
        return STEP_SOLVED;
    report_failed (w, job, "cannot slow it", why);
    return STEP_NEXT;
}

/* Run for a share of the turn, or stop for the rest of it. */
static enum step_result _turn (struct warden *w, struct job *job,
                               unsigned phase)
{
    const struct mw_ladder_step *s = step_rung (job);
    double run = TURN_MS * _share (s), ms;
    struct mw_err err;

    if (run < RUN_MIN_MS)
        run = RUN_MIN_MS;
    ms = phase == RUNNING ? run : run / _share (s) - run;
    job->incident.phase = phase;
    if (_slow_stop (job, phase == STOPPED, &err) < 0)
        return _slow_fails (w, job, &err);
    step_timer (w, job, ms < 1 ? 1 : (uint64_t) ms);
    return STEP_WAIT;
}

/* Whom the rung names. */
static enum step_result _slow_chosen (struct warden *w, struct job *job)
{
    struct mw_err why;
    struct one one;
    char what[40];
    int at;

    if (one_choose (job, &one, &why) < 0) {
        report (w, job, "step", REPORT_LOG | REPORT_JOB,
                "%s: none is slowed alone", why.text);
        return STEP_NEXT;
    }
    snprintf (what, sizeof (what),
              "slowed to %.0f%% of its speed:", 100 * _share (step_rung (job)));
    job->incident.phase = RUNNING;
    at = stop_begin (w, job, &one, STOPPED_BY_TURNS, what);
    one_drop (&one);
    if (at < 0 || step_open_reserve (w, job, true) < 0)
        return STEP_NEXT;
    return _turn (w, job, RUNNING);
}

/* Full speed needs no turns, only to be looked at. */
static enum step_result _slow_timer (struct warden *w, struct job *job)
{
    if (job->incident.phase == LOOKING)
        return one_look (w, job, false) ? _slow_chosen (w, job) : STEP_WAIT;
    if (job->incident.phase == STOPPED)
        return _turn (w, job, RUNNING);
    if (step_relieved (w, job, false))
        return STEP_SOLVED;
    if (_share (step_rung (job)) < 1)
        return _turn (w, job, STOPPED);
    step_timer (w, job, TURN_MS);
    return STEP_WAIT;
}

static enum step_result _slow_start (struct warden *w, struct job *job)
{
    if (mw_target_is_one (step_rung (job)->target)) {
        if (one_begin (w, job))
            return _slow_chosen (w, job);
        return one_waits (w, job, LOOKING);
    }
    job->incident.slowed = true;
    report (w, job, "step", REPORT_LOG | REPORT_JOB,
            "job %s: slowed to %.0f%% of its speed", job->spec.key,
            100 * _share (step_rung (job)));
    if (step_open_reserve (w, job, true) < 0)
        return STEP_NEXT;
    return _turn (w, job, RUNNING);
}

/* Its reserve is full. */
static enum step_result _slow_again (struct warden *w, struct job *job)
{
    return job->incident.phase == LOOKING ? _slow_chosen (w, job) : STEP_NEXT;
}

static enum step_result _slow_deadline (struct warden *w, struct job *job)
{
    return step_relieved (w, job, true) ? STEP_SOLVED : STEP_NEXT;
}

/* Where in its turn it was is not known; a look is begun anew. */
static enum step_result _slow_recover (struct warden *w, struct job *job)
{
    if (mw_target_is_one (step_rung (job)->target) && _slow_one (job) < 0)
        return _slow_start (w, job);
    return _turn (w, job, RUNNING);
}

static void _slow_undo (struct warden *w, struct job *job)
{
    struct mw_err err;

    stop_undo (w, job, STOPPED_BY_TURNS);
    if (!job->incident.slowed)
        return;
    if (job->memcg.ops->freeze (&job->memcg, job->incident.frozen, &err) < 0 &&
        !step_nothing_there (errno)) {
        step_failed (w, job, "cannot thaw it", &err);
        return;
    }
    job->incident.slowed = false;
    report (w, job, "step", REPORT_LOG, "job %s: is not slowed any more",
            job->spec.key);
}

static bool _slow_undone (const struct job *job)
{
    return !job->incident.slowed && stop_undone (job, STOPPED_BY_TURNS);
}

const struct step_ops step_slow = {
    .kind = MW_STEP_SLOW,
    .done = "slowed, it has come down by itself",
    .available = step_has_reserve,
    .start = _slow_start,
    .again = _slow_again,
    .timer = _slow_timer,
    .deadline = _slow_deadline,
    .recover = _slow_recover,
    .undo = _slow_undo,
    .undone = _slow_undone,
};
