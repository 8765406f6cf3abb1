/* kill_one.c - kill=WHO@T: SIGKILL to one process of the job, which goes on if it can
 *
 * As Slurm sees it a task has been killed, whatever follows from that (srun
 * --kill-on-bad-exit); the job itself is not ended.  The rung is over when the process is
 * gone and the job below its limit, or not below it soon after: then the next rung's
 * turn has come.
 */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "handler/record/report.h"
#include "handler/step/one.h"
#include "lib/clock.h"

/* Phases: it is looked at who it is; it has its SIGKILL; it has ended */
enum { LOOKING = 1, SENT, ENDED };

#define LOOK_MS 10

/* What it held is free by then. */
#define FREE_MS 200

static enum step_result _kill_one_sent (struct warden *w, struct job *job,
                                        int rc, const char *what)
{
    struct mw_err err;

    if (rc < 0 && errno != ESRCH) {
        mw_err_errno (&err, "%s", what);
        report_failed (w, job, "cannot be relieved of a process", &err);
        return STEP_NEXT;
    }
    step_timer (w, job, LOOK_MS);
    return STEP_WAIT;
}

static enum step_result _kill_one_now (struct warden *w, struct job *job)
{
    struct mw_err why;
    struct one one;
    int rc;

    if (one_choose (job, &one, &why) < 0) {
        report (w, job, "step", REPORT_LOG | REPORT_JOB,
                "%s: none is killed alone", why.text);
        return STEP_NEXT;
    }
    job->incident.phase = SENT;
    one_tell (w, job, "SIGKILL to", &one);
    rc = member_signal (one.fd, one.is.pid, SIGKILL);
    one_drop (&one);
    return _kill_one_sent (w, job, rc, "SIGKILL");
}

static enum step_result _kill_one_start (struct warden *w, struct job *job)
{
    if (one_begin (w, job))
        return _kill_one_now (w, job);
    return one_waits (w, job, LOOKING);
}

static enum step_result _kill_one_timer (struct warden *w, struct job *job)
{
    switch (job->incident.phase) {
    case LOOKING:
        return one_look (w, job, false) ? _kill_one_now (w, job) : STEP_WAIT;
    case SENT:
        if (one_is_there (job)) {
            step_timer (w, job, LOOK_MS);
            return STEP_WAIT;
        }
        job->incident.phase = ENDED;
        step_timer (w, job, FREE_MS);
        return step_relieved (w, job, true) ? STEP_SOLVED : STEP_WAIT;
    default:
        return step_relieved (w, job, true) ? STEP_SOLVED : STEP_NEXT;
    }
}

/* Its reserve is full: who is guilty has shown it. */
static enum step_result _kill_one_again (struct warden *w, struct job *job)
{
    if (job->incident.phase != LOOKING)
        return STEP_WAIT;
    one_look (w, job, true);
    return _kill_one_now (w, job);
}

static enum step_result _kill_one_deadline (struct warden *w, struct job *job)
{
    if (job->incident.phase == LOOKING) { /* a short T */
        job->incident.deadline_ms = clock_ms () +
                                    mw_steps[MW_STEP_KILL_ONE].default_ms;
        return _kill_one_now (w, job);
    }
    return step_relieved (w, job, true) ? STEP_SOLVED : STEP_NEXT;
}

/* It may have been chosen, and not yet hit. */
static enum step_result _kill_one_recover (struct warden *w, struct job *job)
{
    const struct incident *in = &job->incident;
    struct member m = { .pid = (pid_t) in->target_pid,
                        .started = in->target_started };
    int rc, fd;

    if (in->phase != SENT)
        return in->phase == ENDED ? _kill_one_timer (w, job)
                                  : _kill_one_start (w, job);
    if (member_take (&m, &fd) < 0) {
        step_timer (w, job, 0);
        return STEP_WAIT;
    }
    rc = member_signal (fd, m.pid, SIGKILL);
    if (fd >= 0)
        close (fd);
    return _kill_one_sent (w, job, rc, "SIGKILL");
}

const struct step_ops step_kill_one = {
    .kind = MW_STEP_KILL_ONE,
    .done = "back below its limit, one of its processes killed",
    .start = _kill_one_start,
    .again = _kill_one_again,
    .timer = _kill_one_timer,
    .deadline = _kill_one_deadline,
    .recover = _kill_one_recover,
};
