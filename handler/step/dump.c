/* dump.c - dump[=HOOK]@T: what is it that has taken the memory?
 *
 * The courier runs the hook, or lists the job's processes.  The job is not held
 * meanwhile: it goes on in its reserve, so that a program which is asked for
 * its heap profile can write it; a debugger, too, cannot attach to frozen
 * tasks.  What the hook writes becomes part of the story.
 */

#include <stdio.h>
#include <string.h>

#include "handler/record/ask.h"
#include "handler/record/report.h"
#include "handler/record/request.h"
#include "handler/step/step.h"

#define LINE " | " /* between the lines of an answer */

static bool _dump_available (struct warden *w, struct job *job,
                             struct mw_err *why)
{
    const struct incident *in = &job->incident;
    const char *hook = in->ladder->step[in->step].hook;

    if (!hook[0] || conf_find_hook (&w->conf, hook))
        return true;
    mw_err_set (why, "no hook \"%s\" is configured", hook);
    return false;
}

static bool _by_courier (const struct job *job)
{
    (void) job;
    return true;
}

static enum step_result _dump_start (struct warden *w, struct job *job)
{
    const struct mw_ladder_step *s = step_rung (job);

    job_read_usage (job);
    step_open_reserve (w, job, true);
    if (ask_hook (w, job, s->hook, NULL, job->incident.deadline_ms) < 0)
        return STEP_NEXT;
    return STEP_WAIT;
}

static enum step_result _dump_answered (struct warden *w, struct job *job,
                                        const struct spool_answer *a)
{
    bool by_hand = job->incident.trigger == TRIGGER_ADMIN;
    const char *line = a->text, *end;

    for (unsigned whom = REPORT_LOG | REPORT_JOB; line; whom = REPORT_LOG) {
        end = strstr (line, LINE);
        report (w, job, a->ok ? "dump" : "failed", whom, "job %s: dump: %.*s",
                job->spec.key, end ? (int) (end - line) : (int) strlen (line),
                line);
        line = end ? end + strlen (LINE) : NULL;
    }
    return step_relieved (w, job, a->ok && by_hand) ? STEP_SOLVED : STEP_NEXT;
}

static enum step_result _dump_deadline (struct warden *w, struct job *job)
{
    report (w, job, "failed", REPORT_LOG, "job %s: dump: not done in its time",
            job->spec.key);
    return STEP_NEXT;
}

static enum step_result _dump_recover (struct warden *w, struct job *job)
{
    (void) w;
    return job->incident.request[0] ? STEP_WAIT : STEP_NEXT;
}

static void _dump_undo (struct warden *w, struct job *job)
{
    if (job->incident.request[0])
        request_cancel (w, job->incident.request);
    job->incident.request[0] = '\0';
}

const struct step_ops step_dump = {
    .kind = MW_STEP_DUMP,
    .done = "below its limit again",
    .available = _dump_available,
    .by_courier = _by_courier,
    .start = _dump_start,
    .deadline = _dump_deadline,
    .answer = _dump_answered,
    .recover = _dump_recover,
    .undo = _dump_undo,
};
