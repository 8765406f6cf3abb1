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

#define TURN_MS 400             /* a run and a stop */
#define RUN_MIN_MS 10           /* shorter runs are only overhead */
#define SHARE_DEFAULT 0.25

enum { RUNNING = 0, STOPPED };

static double _share (const struct mw_ladder_step *s)
{
    return s->amount.kind == MW_AMOUNT_NONE ? SHARE_DEFAULT : s->amount.ratio;
}

/* Run for a share of the turn, or stop for the rest of it. */
static enum step_result _turn (struct warden *w, struct job *job,
                               const struct mw_ladder_step *s, unsigned phase)
{
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
static enum step_result _timer (struct warden *w, struct job *job,
                                const struct mw_ladder_step *s)
{
    if (job->incident.phase == STOPPED)
        return _turn (w, job, s, RUNNING);
    if (step_relieved (w, job, false))
        return STEP_SOLVED;
    if (_share (s) < 1)
        return _turn (w, job, s, STOPPED);
    step_timer (w, job, TURN_MS);
    return STEP_WAIT;
}

static enum step_result _start (struct warden *w, struct job *job,
                                const struct mw_ladder_step *s)
{
    job->incident.slowed = true;
    report (w, job, "step", REPORT_LOG | REPORT_JOB,
            "job %s: slowed to %.0f%% of its speed", job->spec.key,
            100 * _share (s));
    if (step_open_reserve (w, job, true) < 0)
        return STEP_NEXT;
    return _turn (w, job, s, RUNNING);
}

static enum step_result _run (struct warden *w, struct job *job,
                              const struct mw_ladder_step *s,
                              enum step_cause cause,
                              const struct spool_answer *answer)
{
    (void) answer;
    switch (cause) {
    case STEP_START:
        return _start (w, job, s);
    case STEP_AGAIN:            /* the reserve is full */
        return STEP_NEXT;
    case STEP_TIMER:
        return _timer (w, job, s);
    case STEP_RECOVER:
        return _turn (w, job, s, RUNNING);
    case STEP_DEADLINE:
        return step_relieved (w, job, true) ? STEP_SOLVED : STEP_NEXT;
    default:
        return STEP_WAIT;
    }
}

static void _undo (struct warden *w, struct job *job)
{
    struct mw_err err;

    if (!job->incident.slowed)
        return;
    job->incident.slowed = false;
    report (w, job, "step", REPORT_LOG, "job %s: is not slowed any more",
            job->spec.key);
    if (job->memcg.ops->freeze (&job->memcg, job->incident.frozen, &err) < 0)
        report_failed (w, job, "cannot thaw it", &err);
}

const struct step_ops step_slow = {
    .kind = MW_STEP_SLOW,
    .done = "slowed, it has come down by itself",
    .available = step_has_reserve,
    .run = _run,
    .undo = _undo,
};
