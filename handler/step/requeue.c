/* requeue.c - requeue[=xF]: once more from the start, with more memory
 *
 * Asked first and killed then: Slurm requeues a running job, and ends it itself
 * (SIGTERM, KillWait, SIGKILL) if we did not; killed here its memory is free at
 * once.  A controller that does not answer in time leaves the request in the
 * spool.  How the job ends meanwhile is then said in it: killed by a later step
 * it is still to be run again, ended by itself it is not.
 */

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "handler/record/ask.h"
#include "handler/record/report.h"
#include "handler/record/request.h"
#include "handler/step/step.h"
#include "lib/clock.h"

enum { ASKED = 1, KILLING };

static bool _requeue_available (struct warden *w, struct job *job,
                                struct mw_err *why)
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

/* The --mem to ask for, in MiB; 0 = as it was.  What it got past its limit (v2:
 * a few MiB before it is slowed) is not what it has used. */
static uint64_t _mem_mb (const struct job *job, const struct mw_ladder_step *s)
{
    uint64_t used = mw_least (job->peak, job->allowed);

    if (s->amount.kind == MW_AMOUNT_NONE)
        return 0;
    return (mw_amount_of (&s->amount, used, used) + MW_MIB - 1) / MW_MIB;
}

/* Say it, and ask for it; -1 where that cannot be. */
static int _requeue_ask (struct warden *w, struct job *job,
                         const struct mw_ladder_step *s, bool await)
{
    struct incident *in = &job->incident;
    char a[MW_SIZE_STRLEN];
    uint64_t mb;

    job_read_usage (job);
    mb = _mem_mb (job, s);
    if (mb > 0)
        report (w, job, "step", REPORT_LOG | REPORT_JOB | REPORT_COMMENT,
                "job %s: to be requeued with --mem=%" PRIu64 "M (it used %s)",
                job->spec.key, mb, mw_size_format (job->peak, a, sizeof (a)));
    else
        report (w, job, "step", REPORT_LOG | REPORT_JOB | REPORT_COMMENT,
                "job %s: to be requeued", job->spec.key);
    report_flush (w); /* the job is not told any more once it is leaving */
    in->requeue_mb = mb;
    if (ask (w, job, SPOOL_REQUEUE, mb, NULL, await) < 0)
        return -1;
    job->leaving = true;
    return 0;
}

static enum step_result _requeue_start (struct warden *w, struct job *job)
{
    step_freeze (w, job, true);
    job->incident.phase = ASKED;
    if (_requeue_ask (w, job, step_rung (job), true) < 0)
        return STEP_NEXT;
    step_timer (w, job, w->conf.controller_timeout_ms);
    return STEP_WAIT;
}

enum run_end { GOES_ON, KILLED, ENDED };

/* Put the request that has no answer yet anew, now that it is known how the run
 * ends. Returns 0 or -1. */
static int _requeue_change (struct warden *w, struct job *job, enum run_end end)
{
    static const char *const what[] = {
        [GOES_ON] = "is taken back",
        [KILLED] = "is for a job that is killed",
        [ENDED] = "is for a job that has ended in answer to a signal",
    };
    static struct spool_request r; /* 2 KiB: not on the stack */
    struct incident *in = &job->incident;
    struct mw_err err;
    int rc;

    request_fill (&r, w, job, SPOOL_REQUEUE);
    memcpy (r.id, in->requeue, sizeof (r.id));
    in->requeue[0] = '\0';
    r.mem_mb = in->requeue_mb;
    r.killed_s = end == KILLED ? clock_wall_us () / 1000000 : 0;
    r.after_end = end == ENDED;
    r.withdrawn = end == GOES_ON;
    report (w, job, "asked", REPORT_LOG,
            "job %s: its requeue, which has no "
            "answer yet, %s",
            job->spec.key, what[end]);
    rc = request_put (w, job, &r, false, NULL, &err);
    if (rc < 0)
        report (w, job, "failed", REPORT_LOG,
                "job %s: that cannot be told the "
                "courier: %s",
                job->spec.key, err.text);
    return rc;
}

int step_requeue_ended (struct warden *w, struct job *job, bool await)
{
    struct incident *in = &job->incident;
    const struct mw_ladder *l = in->ladder;
    unsigned i = in->step + 1;

    if (in->requeue[0]) {
        in->ended = true;
        if (await)
            memcpy (in->request, in->requeue, sizeof (in->request));
        return _requeue_change (w, job, ENDED);
    }
    while (i < l->count && l->step[i].kind != MW_STEP_REQUEUE)
        i++;
    if (i >= l->count || !_requeue_available (w, job, &(struct mw_err) { "" }))
        return -1;
    in->ended = true;
    if (_requeue_ask (w, job, &l->step[i], await) == 0)
        return 0;
    in->ended = false;
    return -1;
}

static enum step_result _requeue_answer (struct warden *w, struct job *job,
                                         const struct spool_answer *a)
{
    if (job->incident.phase != ASKED)
        return STEP_WAIT;
    job->incident.requeue[0] = '\0';
    if (!a->ok) {
        job->leaving = false;
        report (w, job, "step", REPORT_LOG | REPORT_JOB,
                "job %s: the "
                "controller does not requeue it: %s",
                job->spec.key, a->text);
        return STEP_NEXT;
    }
    job->incident.phase = KILLING;
    return step_kill_all (w, job);
}

static enum step_result _requeue_timer (struct warden *w, struct job *job)
{
    if (job->incident.phase == KILLING)
        return step_kill_all (w, job);
    job->leaving = false;
    report (w, job, "step", REPORT_LOG,
            "job %s: no answer of the controller "
            "in %" PRIu64 " ms; the request stays",
            job->spec.key, w->conf.controller_timeout_ms);
    return STEP_NEXT;
}

static enum step_result _requeue_recover (struct warden *w, struct job *job)
{
    step_timer (w, job,
                job->incident.phase == KILLING ? 0
                                               : w->conf.controller_timeout_ms);
    return STEP_WAIT;
}

void step_requeue_killed (struct warden *w, struct job *job)
{
    if (job->incident.requeue[0])
        _requeue_change (w, job, KILLED);
}

void step_requeue_withdraw (struct warden *w, struct job *job)
{
    char id[SPOOL_ID_MAX];

    memcpy (id, job->incident.requeue, sizeof (id));
    if (id[0] && _requeue_change (w, job, GOES_ON) < 0)
        request_cancel (w, id);
}

const struct step_ops step_requeue = {
    .kind = MW_STEP_REQUEUE,
    .done = "requeued",
    .frozen = true,
    .available = _requeue_available,
    .by_courier = step_of_slurm,
    .start = _requeue_start,
    .timer = _requeue_timer,
    .answer = _requeue_answer,
    .recover = _requeue_recover,
};
