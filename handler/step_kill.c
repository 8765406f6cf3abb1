/* step_kill.c - kill: SIGKILL to the whole job, until it is empty
 *
 * The last rung, so it never says STEP_NEXT.  Slurm is asked to end the job as
 * OUT_OF_MEMORY first, and the job waits frozen for the answer: killed before
 * it, the job would be FAILED.  A controller that is away is not waited for
 * longer than its time-out; the request stays in the spool, since slurmd, too,
 * has still to tell of the job's end, and tries that each 15 s only.  Nothing
 * waits when the node is short of memory, nor when a requeue has been asked for
 * and not yet answered: a job that has been completed cannot be requeued as the
 * request says.
 */

#include <inttypes.h>

#include "handler/step.h"

enum { ASKED = 1, KILLING };

static bool _node_is_short (const struct job *job)
{
    return job->incident.trigger == TRIGGER_NODE;
}

static enum step_result _kill (struct warden *w, struct job *job)
{
    job->incident.phase = KILLING;
    job->incident.request[0] = '\0';   /* never taken back from here on */
    report (w, job, "step", REPORT_LOG, "job %s: SIGKILL to all its processes",
            job->spec.key);
    return step_kill_all (w, job);
}

/* Said while the controller still takes it. */
static void _tell (struct warden *w, struct job *job)
{
    char a[MW_SIZE_STRLEN], b[MW_SIZE_STRLEN], c[MW_SIZE_STRLEN];

    if (!_node_is_short (job))      /* else each ms counts, and it is known */
        step_read_usage (job);
    report (w, job, "step", REPORT_LOG | REPORT_JOB | REPORT_COMMENT,
            "job %s: to be killed: it used up to %s, its limit is %s, its "
            "reservation %s", job->spec.key,
            mw_size_format (job->peak, a, sizeof (a)),
            mw_size_format (job->limit, b, sizeof (b)),
            mw_size_format (job->reservation, c, sizeof (c)));
}

static enum step_result _start (struct warden *w, struct job *job)
{
    struct incident *in = &job->incident;
    bool ask = job->spec.slurm_id != 0 && !in->requeue_asked;

    _tell (w, job);
    if (!ask)
        return _kill (w, job);
    if (_node_is_short (job)) {
        step_ask (w, job, SPOOL_COMPLETE_OOM, 0, NULL, false);
        job->leaving = true;
        return _kill (w, job);
    }
    step_freeze (w, job, true);
    in->phase = ASKED;
    if (step_ask (w, job, SPOOL_COMPLETE_OOM, 0, NULL, true) < 0)
        return _kill (w, job);
    job->leaving = true;
    step_timer (w, job, w->conf.controller_timeout_ms);
    return STEP_WAIT;
}

static enum step_result _run (struct warden *w, struct job *job,
                              const struct mw_ladder_step *s,
                              enum step_cause cause,
                              const struct spool_answer *answer)
{
    bool killing = job->incident.phase == KILLING;

    (void) s;
    (void) answer;      /* yes or no: the job has to go */
    switch (cause) {
    case STEP_START:
        return _start (w, job);
    case STEP_TIMER:
    case STEP_ANSWER:
        return killing ? step_kill_all (w, job) : _kill (w, job);
    case STEP_RECOVER:
        step_timer (w, job, killing ? 0 : w->conf.controller_timeout_ms);
        return STEP_WAIT;
    default:
        return STEP_WAIT;
    }
}

const struct step_ops step_kill = {
    .kind = MW_STEP_KILL,
    .done = "killed",
    .frozen = true,
    .run = _run,
};
