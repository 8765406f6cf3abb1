/* step_signal.c - signal=SIG@T: tell the job, and give it room to answer
 *
 * The reserve opens first: a handler that writes a checkpoint needs memory.  A
 * job whose reserve is full, or 0, may be asleep in the kernel and never hear;
 * then T passes and the ladder goes on.
 */

#include <stdio.h>
#include <string.h>

#include "handler/step.h"

#define LOOK_MS 250

static enum step_result _look (struct warden *w, struct job *job)
{
    if (step_relieved (w, job, false))
        return STEP_SOLVED;
    step_timer (w, job, LOOK_MS);
    return STEP_WAIT;
}

static enum step_result _start (struct warden *w, struct job *job, int signo)
{
    const char *name = sigabbrev_np (signo);
    char number[16];
    struct mw_err err;

    step_open_reserve (w, job, true);
    snprintf (number, sizeof (number), "%d", signo);
    report (w, job, "step", REPORT_LOG | REPORT_JOB, "job %s: sent signal %s",
            job->spec.key, name ? name : number);
    if (memcg_signal (&job->memcg, signo, &err) < 0) {
        report (w, job, "failed", REPORT_LOG, "job %s: cannot signal it: %s",
                job->spec.key, err.text);
        return STEP_NEXT;
    }
    step_timer (w, job, LOOK_MS);
    return STEP_WAIT;
}

static enum step_result _run (struct warden *w, struct job *job,
                              const struct mw_ladder_step *s,
                              enum step_cause cause,
                              const struct spool_answer *answer)
{
    (void) answer;
    switch (cause) {
    case STEP_START:
        return _start (w, job, s->signo);
    case STEP_TIMER:
    case STEP_RECOVER:
        return _look (w, job);
    case STEP_DEADLINE:
        return step_relieved (w, job, true) ? STEP_SOLVED : STEP_NEXT;
    default:
        return STEP_WAIT;
    }
}

const struct step_ops step_signal = {
    .kind = MW_STEP_SIGNAL,
    .done = "it has answered the signal",
    .run = _run,
};
