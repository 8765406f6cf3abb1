/* slow.c - slow[=PCT]@T: the job runs PCT of the time, in its reserve
 *
 * It stands still and runs by turns, by the freezer.  A CPU quota would bound
 * the sum over the job's CPUs, so that the one thread that leaks in a job of
 * many CPUs would not be slowed at all; and many a job has no cpu cgroup of its
 * own.  A job that is slowed costs the warden two wake-ups a turn, for as long
 * as the step lasts.
 *
 * That it is slowed is in the journal; where in its turn it is is not: whoever
 * takes over thaws first.
 */

#include <errno.h>
#include "handler/record/report.h"
#include "handler/step/step.h"

#define TURN_MS 400   /* a run and a stop */
#define RUN_MIN_MS 10 /* shorter runs are only overhead */
#define SHARE_DEFAULT 0.25

enum { RUNNING = 0, STOPPED };

static double _share (const struct mw_ladder_step *s)
{
    return s->amount.kind == MW_AMOUNT_NONE ? SHARE_DEFAULT : s->amount.ratio;
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
    if (job->memcg.ops->freeze (&job->memcg, phase == STOPPED, &err) < 0) {
        if (errno == ENODEV || memcg_populated (&job->memcg) == 0)
            return STEP_SOLVED;
        report_failed (w, job, "cannot slow it", &err);
        return STEP_NEXT;
    }
    step_timer (w, job, ms < 1 ? 1 : (uint64_t) ms);
    return STEP_WAIT;
}

/* Full speed needs no turns, only to be looked at. */
static enum step_result _slow_timer (struct warden *w, struct job *job)
{
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
    job->incident.slowed = true;
    report (w, job, "step", REPORT_LOG | REPORT_JOB,
            "job %s: slowed to %.0f%% of its speed", job->spec.key,
            100 * _share (step_rung (job)));
    if (step_open_reserve (w, job, true) < 0)
        return STEP_NEXT;
    return _turn (w, job, RUNNING);
}

static enum step_result _slow_deadline (struct warden *w, struct job *job)
{
    return step_relieved (w, job, true) ? STEP_SOLVED : STEP_NEXT;
}

/* Where in its turn it was is not known. */
static enum step_result _slow_recover (struct warden *w, struct job *job)
{
    return _turn (w, job, RUNNING);
}

static void _slow_undo (struct warden *w, struct job *job)
{
    struct mw_err err;

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
    return !job->incident.slowed;
}

const struct step_ops step_slow = {
    .kind = MW_STEP_SLOW,
    .done = "slowed, it has come down by itself",
    .available = step_has_reserve,
    .start = _slow_start,
    .again = step_next, /* the reserve is full */
    .timer = _slow_timer,
    .deadline = _slow_deadline,
    .recover = _slow_recover,
    .undo = _slow_undo,
    .undone = _slow_undone,
};
