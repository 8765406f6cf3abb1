/* step_requeue.c - requeue[=xF]: once more from the start, with more memory
 *
 * Asked first and killed then: Slurm requeues a running job, and ends it itself
 * (SIGTERM, KillWait, SIGKILL) if we did not; killed here its memory is free at
 * once.  A controller that does not answer in time leaves the request in the
 * spool: it works for a job that has ended meanwhile, too.
 */

#include <errno.h>
#include <inttypes.h>

#include "handler/step.h"

enum { ASKED = 1, KILLING };

static bool _available (struct warden *w, struct job *job, struct mw_err *why)
{
    (void) w;
    if (job->spec.slurm_id == 0) {
        mw_err_set (why, "no controller knows it");
        return false;
    }
    if (!job->spec.batch) {
        mw_err_set (why, "it is not a batch job");
        return false;
    }
    return true;
}

/* The --mem to ask for, in MiB; 0 = as it was. */
static uint64_t _mem_mb (const struct job *job, const struct mw_ladder_step *s)
{
    if (s->amount.kind == MW_AMOUNT_NONE)
        return 0;
    return (mw_amount_of (&s->amount, job->peak, job->peak) + MW_MIB - 1) /
           MW_MIB;
}

static enum step_result _start (struct warden *w, struct job *job,
                                const struct mw_ladder_step *s)
{
    struct incident *in = &job->incident;
    char a[MW_SIZE_STRLEN];
    uint64_t mb;

    step_freeze (w, job, true);
    step_read_usage (job);
    mb = _mem_mb (job, s);
    if (mb > 0)
        report (w, job, "step", REPORT_LOG | REPORT_JOB | REPORT_COMMENT,
                "job %s: to be requeued with --mem=%" PRIu64 "M (it used %s)",
                job->spec.key, mb, mw_size_format (job->peak, a, sizeof (a)));
    else
        report (w, job, "step", REPORT_LOG | REPORT_JOB | REPORT_COMMENT,
                "job %s: to be requeued", job->spec.key);
    in->requeue_asked = true;
    in->phase = ASKED;
    if (step_ask (w, job, SPOOL_REQUEUE, mb, NULL, true) < 0) {
        in->requeue_asked = false;
        return STEP_NEXT;
    }
    job->leaving = true;
    step_timer (w, job, w->conf.controller_timeout_ms);
    return STEP_WAIT;
}

static enum step_result _answered (struct warden *w, struct job *job,
                                   const struct spool_answer *a)
{
    if (job->incident.phase != ASKED)
        return STEP_WAIT;
    if (!a->ok) {
        job->incident.requeue_asked = job->leaving = false;
        report (w, job, "step", REPORT_LOG | REPORT_JOB, "job %s: the "
                "controller does not requeue it: %s", job->spec.key, a->text);
        return STEP_NEXT;
    }
    job->incident.phase = KILLING;
    return step_kill_all (w, job);
}

static enum step_result _timer (struct warden *w, struct job *job)
{
    if (job->incident.phase == KILLING)
        return step_kill_all (w, job);
    job->leaving = false;
    report (w, job, "step", REPORT_LOG, "job %s: no answer of the controller "
            "in %" PRIu64 " ms; the request stays and is made good later",
            job->spec.key, w->conf.controller_timeout_ms);
    return STEP_NEXT;
}

static enum step_result _run (struct warden *w, struct job *job,
                              const struct mw_ladder_step *s,
                              enum step_cause cause,
                              const struct spool_answer *answer)
{
    switch (cause) {
    case STEP_START:
        return _start (w, job, s);
    case STEP_ANSWER:
        return _answered (w, job, answer);
    case STEP_TIMER:
        return _timer (w, job);
    case STEP_RECOVER:
        step_timer (w, job, job->incident.phase == KILLING
                                ? 0 : w->conf.controller_timeout_ms);
        return STEP_WAIT;
    case STEP_DEADLINE:
        return STEP_NEXT;
    default:
        return STEP_WAIT;
    }
}

const struct step_ops step_requeue = {
    .kind = MW_STEP_REQUEUE,
    .done = "requeued",
    .frozen = true,
    .available = _available,
    .run = _run,
};
