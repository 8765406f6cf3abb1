/* requeue.c - requeue[=xF]: once more from the start, with more memory
 *
 * Asked first and killed then: Slurm requeues a running job, and ends it itself
 * (SIGTERM, KillWait, SIGKILL) if we did not; killed here its memory is free at
 * once.  A controller that does not answer in time leaves the request in the
 * spool.  How the job ends meanwhile is then said in it: killed by a later step
 * it is still to be run again, ended by itself it is not.
 *
 * A job with --mem-retry gets more memory by itself, and that is counted, but only
 * where its OOM was its own making; else it is run again as it was.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "handler/record/ask.h"
#include "handler/record/report.h"
#include "handler/record/request.h"
#include "handler/step/step.h"
#include "lib/clock.h"
#include "lib/json_put.h"

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

/* The kernel's high-water mark.  What it got past its limit (v2: a few MiB before
 * it is slowed) is not what it has used; nor, of one that stands back for others, is
 * its clean page cache: at its own limit none is left. */
static uint64_t _measured (const struct job *job)
{
    uint64_t most = mw_least (job->peak, job->allowed);
    uint64_t used = mw_least (job->usage.used, job->allowed);
    uint64_t cache = job->incident.trigger == TRIGGER_NODE ? job->usage.cache
                                                           : 0;

    most -= mw_least (cache, most);
    return most > used ? most : used;
}

/* Was [job]'s OOM its own making?  As HTCondor has it, who uses less than 90 % of
 * what is his has only been hit by it. */
static bool _guilty (const struct job *job)
{
    return job->incident.trigger == TRIGGER_JOB ||
           job->usage.used >= job->reservation / 10 * 9;
}

/* Decide what --mem to ask for (requeue_mb, 0 = as it was), and whether that is one
 * of its tries. */
static void _requeue_decide (struct job *job, const struct mw_ladder_step *s)
{
    struct incident *in = &job->incident;
    struct mw_amount by = s->amount;
    uint64_t bytes;

    in->requeue_mb = in->requeue_tries = 0;
    if (mw_retry_is (&job->retry)) {
        if (!_guilty (job))
            return;
        in->requeue_tries = job->retry.tries;
        if (by.kind == MW_AMOUNT_NONE)
            by = (struct mw_amount) { .kind = MW_AMOUNT_FACTOR,
                                      .ratio = job->retry.factor };
    }
    if (by.kind == MW_AMOUNT_NONE)
        return;
    bytes = mw_amount_of (&by, _measured (job), 0);
    in->requeue_mb = (bytes + MW_MIB - 1) / MW_MIB;
    if (in->requeue_tries > 0 && job->retry.max > 0)
        in->requeue_mb = mw_least (in->requeue_mb, job->retry.max / MW_MIB);
}

/* Told in numbers, too. */
static void _requeue_tell (struct warden *w, struct job *job)
{
    const struct incident *in = &job->incident;
    const unsigned whom = REPORT_LOG | REPORT_JOB | REPORT_COMMENT;
    char a[MW_SIZE_STRLEN], b[MW_SIZE_STRLEN], more[160], retry[32] = "";
    struct json_put p = { .text = more, .size = sizeof (more) };

    mw_size_format (_measured (job), a, sizeof (a));
    if (in->requeue_mb == 0 && mw_retry_is (&job->retry) &&
        in->trigger != TRIGGER_ADMIN) {
        report (w, job, "step", whom,
                "job %s: to be requeued with what it has: it used %s of its "
                "%s, so the node's want of memory is not of its making",
                job->spec.key, mw_size_format (job->usage.used, a, sizeof (a)),
                mw_size_format (job->reservation, b, sizeof (b)));
        return;
    }
    if (in->requeue_mb == 0) {
        report (w, job, "step", whom, "job %s: to be requeued", job->spec.key);
        return;
    }
    json_put_number (&p, "measured", _measured (job));
    json_put_number (&p, "mem_mb", in->requeue_mb);
    json_put_number (&p, "tries", in->requeue_tries);
    if (in->requeue_tries > 0)
        snprintf (retry, sizeof (retry), "; in %u tries at most",
                  in->requeue_tries);
    report_more (w, job, "step", whom, json_put_done (&p),
                 "job %s: to be requeued with --mem=%" PRIu64
                 "M (it used %s%s)",
                 job->spec.key, in->requeue_mb, a, retry);
}

/* Say it, and ask for it; -1 where that cannot be. */
static int _requeue_ask (struct warden *w, struct job *job,
                         const struct mw_ladder_step *s, bool await)
{
    job_read_usage (job);
    _requeue_decide (job, s);
    _requeue_tell (w, job);
    report_flush (w); /* the job is not told any more once it is leaving */
    if (ask (w, job, SPOOL_REQUEUE, NULL, await) < 0)
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

void step_requeue_join (struct warden *w, struct job *job)
{
    static const struct mw_ladder_step any = { .kind = MW_STEP_REQUEUE };
    static struct spool_request r; /* 2 KiB: not on the stack */
    struct incident *in = &job->incident;
    char a[MW_SIZE_STRLEN];
    struct mw_err err;

    if (!mw_retry_is (&job->retry) || job->leaving || in->requeue[0] ||
        job->facts.cpus <= job->spec.cpus || job->incidents == 0)
        return;
    job_read_usage (job); /* as long as there is something to be read */
    if (_measured (job) <= job->reservation)
        return;
    _requeue_decide (job, &any);
    request_fill (&r, w, job, SPOOL_REQUEUE);
    r.joins = true;
    report (w, job, "asked", REPORT_LOG,
            "job %s: where another of its nodes has it requeued, it is to have "
            "--mem=%" PRIu64 "M for what it used here (%s)",
            job->spec.key, in->requeue_mb,
            mw_size_format (_measured (job), a, sizeof (a)));
    if (request_put (w, job, &r, true, NULL, &err) < 0)
        report_log (w, LOG_WARNING, "job %s: that cannot be asked for: %s",
                    job->spec.key, err.text);
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
