/* step_suspend.c - suspend@T: like hold, and its CPUs are free for others
 *
 * The job is frozen here at once; that the controller suspends it too only
 * frees its CPUs, so a controller that is slow or down changes nothing for the
 * memory: the job stays frozen here, and the request stays in the spool until
 * it is carried out or the job is to go on (step_unsuspend).
 */

#include <inttypes.h>

#include "handler/step.h"

enum { ASKED = 1, PARKED };

static enum step_result _start (struct warden *w, struct job *job)
{
    struct incident *in = &job->incident;

    if (step_freeze (w, job, true) < 0)
        return STEP_NEXT;
    in->phase = PARKED;
    if (job->spec.slurm_id == 0) {
        report (w, job, "step", REPORT_LOG, "job %s: no controller knows it: "
                "it is held here, its CPUs are not freed", job->spec.key);
        return STEP_WAIT;
    }
    in->suspended = true;
    if (step_ask (w, job, SPOOL_SUSPEND, 0, NULL, true) < 0) {
        in->suspended = false;
        return STEP_WAIT;
    }
    in->phase = ASKED;
    step_timer (w, job, w->conf.controller_timeout_ms);
    return STEP_WAIT;
}

static enum step_result _answered (struct warden *w, struct job *job,
                                   const struct spool_answer *a)
{
    job->incident.phase = PARKED;
    job->incident.suspended = a->ok;
    if (a->ok)
        report (w, job, "step", REPORT_LOG, "job %s: suspended at the "
                "controller, its CPUs are free", job->spec.key);
    else
        report (w, job, "step", REPORT_LOG, "job %s: the controller does not "
                "suspend it (%s); it is held here", job->spec.key, a->text);
    return STEP_WAIT;
}

static enum step_result _late (struct warden *w, struct job *job)
{
    if (job->incident.phase == ASKED) {
        job->incident.phase = PARKED;
        report (w, job, "step", REPORT_LOG, "job %s: no answer of the "
                "controller in %" PRIu64 " ms; it is held here, the request "
                "stays", job->spec.key, w->conf.controller_timeout_ms);
    }
    return STEP_WAIT;
}

static enum step_result _run (struct warden *w, struct job *job,
                              const struct mw_ladder_step *s,
                              enum step_cause cause,
                              const struct spool_answer *answer)
{
    (void) s;
    switch (cause) {
    case STEP_START:
        return _start (w, job);
    case STEP_ANSWER:
        return _answered (w, job, answer);
    case STEP_TIMER:
        return _late (w, job);
    case STEP_RECOVER:
        if (job->incident.phase == ASKED)
            step_timer (w, job, w->conf.controller_timeout_ms);
        return step_look_for_room (w, job);
    case STEP_HEADROOM:
        return step_look_for_room (w, job);
    case STEP_DEADLINE:
        return STEP_NEXT;
    default:
        return STEP_WAIT;
    }
}

const struct step_ops step_suspend = {
    .kind = MW_STEP_SUSPEND,
    .done = "it has room again",
    .frozen = true,
    .run = _run,
};
