/* dump.c - dump[=HOOK]@T: what is it that has taken the memory?
 *
 * The courier runs the hook, or lists the job's processes; a hook that is to have the
 * job's identity is the attendant's to run (attend/attend.h).  The job is not held
 * meanwhile: it goes on in its reserve, so that a program which is asked for
 * its heap profile can write it; a debugger, too, cannot attach to frozen
 * tasks.  What the hook writes becomes part of the story.
 */

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "handler/record/ask.h"
#include "handler/record/report.h"
#include "handler/record/request.h"
#include "handler/step/stop.h"

#define LINE " | " /* between the lines of an answer */

/* It is looked at which process grows. */
enum { LOOKING = 1 };

/* The hook of [job]'s rung; NULL: the built-in one, or one that is not configured. */
static const struct conf_hook *_dump_hook (const struct warden *w,
                                           const struct job *job)
{
    return conf_find_hook (&w->conf, step_rung (job)->hook);
}

static bool _as_job (const struct warden *w, const struct job *job)
{
    const struct conf_hook *hook = _dump_hook (w, job);

    return hook && hook->as_job;
}

static bool _dump_available (struct warden *w, struct job *job,
                             struct mw_err *why)
{
    const char *hook = step_rung (job)->hook;

    if (hook[0] && !_dump_hook (w, job))
        mw_err_set (why, "no hook \"%s\" is configured", hook);
    else if (_as_job (w, job) && w->attendant < 0)
        mw_err_set (why, "there is no attendant");
    else
        return true;
    return false;
}

static bool _by_courier (const struct warden *w, const struct job *job)
{
    return !_as_job (w, job);
}

/* Put on record that [one] is stopped while the hook is at it; to be done before the
 * reserve opens, or who leaks has filled that before there is a debugger.  Who stands
 * already does so for somebody else, who will have him go on.
 * Returns its place in incident.stopped; -1: it is not to be stopped. */
static int _stops (struct warden *w, struct job *job, const struct one *one)
{
    const char *hook = step_rung (job)->hook;
    char what[MW_HOOK_MAX + 32];
    int at = -1;

    if (_as_job (w, job) && _dump_hook (w, job)->stop && one->is.state != 'T') {
        snprintf (what, sizeof (what), "hook %s is run for, and stops,", hook);
        at = stop_begin (w, job, one, STOPPED_FOR_HOOK, what);
    }
    if (at < 0) {
        snprintf (what, sizeof (what), "hook %s is run for", hook);
        one_tell (w, job, what, one);
    }
    return at;
}

/* Have the hook run, about [one]; NULL: about none. */
static enum step_result _dump_ask (struct warden *w, struct job *job,
                                   const struct one *one)
{
    const uint64_t until = job->incident.deadline_ms;
    const struct member *about = one ? &one->is : NULL;
    int rc;

    if (_as_job (w, job))
        rc = ask_attendant (w, job, _dump_hook (w, job), about, until);
    else
        rc = ask_hook (w, job, step_rung (job)->hook, about, NULL, until);
    return rc < 0 ? STEP_NEXT : STEP_WAIT;
}

/* Of the process that the rung is about; what is run as the job is about the largest
 * one where that says nothing. */
static enum step_result _dump_one (struct warden *w, struct job *job)
{
    struct mw_ladder_step s = *step_rung (job);
    struct incident *in = &job->incident;
    enum step_result rc;
    struct mw_err err;
    struct one one;
    int at;

    if (s.target == MW_TARGET_USUAL)
        s.target = MW_TARGET_LARGEST;
    if (one_find (job, &s, 0, 0, &one, &err) < 0) {
        report (w, job, "step", REPORT_LOG | REPORT_JOB,
                "%s: hook %s is not run", err.text, s.hook);
        return STEP_NEXT;
    }
    in->phase = 0;
    in->target_pid = (uint32_t) one.is.pid;
    in->target_started = one.is.started;
    at = _stops (w, job, &one);
    rc = _dump_ask (w, job, &one);
    if (rc == STEP_WAIT && at >= 0)
        stopped_send (&in->stopped.one[at], SIGSTOP);
    step_open_reserve (w, job, true);
    one_drop (&one);
    return rc;
}

static enum step_result _dump_start (struct warden *w, struct job *job)
{
    bool one = mw_target_is_one (step_rung (job)->target) || _as_job (w, job);

    job_read_usage (job);
    if (one && one_begin (w, job))
        return _dump_one (w, job);
    if (one)
        return one_waits (w, job, LOOKING);
    step_open_reserve (w, job, true);
    return _dump_ask (w, job, NULL);
}

static enum step_result _dump_timer (struct warden *w, struct job *job)
{
    if (job->incident.phase != LOOKING)
        return STEP_WAIT;
    return one_look (w, job, false) ? _dump_one (w, job) : STEP_WAIT;
}

/* Its reserve is full: who is guilty has shown it. */
static enum step_result _dump_again (struct warden *w, struct job *job)
{
    return job->incident.phase == LOOKING ? _dump_one (w, job) : STEP_WAIT;
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

/* What ran as the job has ended with the attendant of before. */
static enum step_result _dump_recover (struct warden *w, struct job *job)
{
    struct incident *in = &job->incident;

    if (in->phase == LOOKING)
        return _dump_start (w, job);
    if (!in->request[0] || !_as_job (w, job))
        return in->request[0] ? STEP_WAIT : STEP_NEXT;
    in->request[0] = '\0';
    report (w, job, "failed", REPORT_LOG,
            "job %s: dump: hook \"%s\" has ended with the memwardend that had "
            "started it",
            job->spec.key, step_rung (job)->hook);
    return STEP_NEXT;
}

static void _dump_undo (struct warden *w, struct job *job)
{
    struct incident *in = &job->incident;

    stop_undo (w, job, STOPPED_FOR_HOOK);
    if (in->request[0])
        request_cancel (w, in->request);
    in->request[0] = '\0';
}

static bool _dump_undone (const struct job *job)
{
    return stop_undone (job, STOPPED_FOR_HOOK);
}

const struct step_ops step_dump = {
    .kind = MW_STEP_DUMP,
    .done = "below its limit again",
    .available = _dump_available,
    .by_courier = _by_courier,
    .start = _dump_start,
    .again = _dump_again,
    .timer = _dump_timer,
    .deadline = _dump_deadline,
    .answer = _dump_answered,
    .recover = _dump_recover,
    .undo = _dump_undo,
    .undone = _dump_undone,
};
