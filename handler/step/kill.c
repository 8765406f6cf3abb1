/* kill.c - kill: SIGKILL to the whole job, until it is empty
 *
 * The last rung, so it never says STEP_NEXT.  Slurm is asked to end the job as
 * OUT_OF_MEMORY first, and the job waits frozen for the answer: killed before
 * it, the job would be FAILED.  A controller that is away is not waited for
 * longer than its time-out; the request stays in the spool, since slurmd, too,
 * has still to tell of the job's end, and tries that each 15 s only.  Nothing
 * waits when the node is short of memory, nor when a requeue has been asked for
 * and not yet answered: a job that has been completed cannot be requeued as the
 * request says, nor where no courier is there to ask it.  A job whose script had
 * ended by then, and Slurm knows, is not killed, whatever is left of it.
 */

#include <inttypes.h>

#include "handler/record/ask.h"
#include "handler/record/blame.h"
#include "handler/record/report.h"
#include "handler/step/step.h"

enum { ASKED = 1, KILLING, TOLD };

/* What a step's srun has not got of its stderr when a task ends by SIGKILL, it
 * drops.  At the step's limit its tasks wait for us anyway. */
#define TOLD_MS 100

static bool _node_is_short (const struct job *job)
{
    return job->incident.trigger == TRIGGER_NODE;
}

/* It is, or is to be as soon as the controller answers. */
static bool _is_requeued (const struct job *job)
{
    return job->incident.requeue[0] || job->incident.requeued ||
           job->incident.ended;
}

/* Is Slurm asked, and its answer waited for, first? */
static bool _asks (const struct warden *w, const struct job *job)
{
    (void) w;
    return job->spec.slurm_id != 0 && !_is_requeued (job) &&
           !_node_is_short (job);
}

static enum step_result _kill_now (struct warden *w, struct job *job)
{
    job->incident.phase = KILLING;
    job->incident.request[0] = '\0'; /* never taken back from here on */
    step_requeue_killed (w, job);
    if (!job->incident.slurm_ends)
        report (w, job, "step", REPORT_LOG,
                "job %s: SIGKILL to all its "
                "processes",
                job->spec.key);
    return step_kill_all (w, job);
}

/* Said while the controller still takes it. */
static void _kill_tell (struct warden *w, struct job *job)
{
    char a[MW_SIZE_STRLEN], b[MW_SIZE_STRLEN], c[MW_SIZE_STRLEN];
    char held[BLAME_TEXT];

    if (!_node_is_short (job)) { /* else each ms counts, and it is known */
        job_read_usage (job);
        blame_look (w, job, true);
    }
    report (w, job, "step", REPORT_LOG | REPORT_JOB | REPORT_COMMENT,
            "job %s: to be killed: it used up to %s, its limit is %s, its "
            "reservation %s%s",
            job->spec.key, mw_size_format (job->peak, a, sizeof (a)),
            mw_size_format (job->limit, b, sizeof (b)),
            mw_size_format (job->reservation, c, sizeof (c)),
            blame_text (job, "; it holds ", held));
}

/* Slurm knows the job's end by its script's, and nobody hears of another. */
static enum step_result _kill_left (struct warden *w, struct job *job)
{
    job->incident.was_over = true;
    report (w, job, "step", REPORT_LOG,
            "job %s: its script has ended; what is left of it is killed",
            job->spec.key);
    return _kill_now (w, job);
}

static enum step_result _kill_start (struct warden *w, struct job *job)
{
    struct incident *in = &job->incident;
    bool asks = job->spec.slurm_id != 0 && !_is_requeued (job);
    bool nobody = asks && !ask_has_courier (w);

    if (asks && job->over && !in->script_ended)
        return _kill_left (w, job);
    _kill_tell (w, job);
    if (job_is_step (job)) {
        in->phase = TOLD;
        step_timer (w, job, TOLD_MS);
        return STEP_WAIT;
    }
    if (!asks)
        return _kill_now (w, job);
    if (nobody)
        report (w, job, "step", REPORT_LOG,
                "job %s: no memwarden-courier runs "
                "that could tell Slurm before",
                job->spec.key);
    if (nobody || _node_is_short (job)) {
        ask (w, job, SPOOL_COMPLETE_OOM, NULL, false);
        job->leaving = true;
        return _kill_now (w, job);
    }
    step_freeze (w, job, true);
    in->phase = ASKED;
    if (ask (w, job, SPOOL_COMPLETE_OOM, NULL, true) < 0)
        return _kill_now (w, job);
    job->leaving = true;
    step_timer (w, job, w->conf.controller_timeout_ms);
    return STEP_WAIT;
}

static enum step_result _kill_timer (struct warden *w, struct job *job)
{
    return job->incident.phase == KILLING ? step_kill_all (w, job)
                                          : _kill_now (w, job);
}

/* Yes or no: the job has to go. */
static enum step_result _kill_answered (struct warden *w, struct job *job,
                                        const struct spool_answer *a)
{
    (void) a;
    return _kill_timer (w, job);
}

static enum step_result _kill_recover (struct warden *w, struct job *job)
{
    step_timer (w, job,
                job->incident.phase == KILLING ? 0
                : job_is_step (job)            ? TOLD_MS
                                               : w->conf.controller_timeout_ms);
    return STEP_WAIT;
}

const struct step_ops step_kill = {
    .kind = MW_STEP_KILL,
    .done = "killed",
    .frozen = true,
    .by_courier = _asks,
    .start = _kill_start,
    .timer = _kill_timer,
    .deadline = step_wait, /* the last rung: there is none to go on to */
    .answer = _kill_answered,
    .recover = _kill_recover,
};
