/* suspend.c - suspend@T: like hold, and its CPUs are free for others
 *
 * The job is frozen here at once; that the controller suspends it too only
 * frees its CPUs, so a controller that is slow or down changes nothing for the
 * memory: the job stays frozen here, and the request stays in the spool until
 * it is carried out or the job is to go on (step_unsuspend).
 *
 * For the node's sake its pages are pushed out to swap meanwhile, where there
 * is some, all of them: whoever gets the room is to have it for a while.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "handler/record/ask.h"
#include "handler/record/report.h"
#include "handler/step/step.h"
#include "lib/clock.h"
#include "lib/json_put.h"

#define PIECE (16 * MW_MIB)

enum { ASKED = 1, PARKED, DOUBTED };

/* One more piece, or the time of the controller's answer. */
static void _next_timer (struct warden *w, struct job *job)
{
    struct incident *in = &job->incident;
    uint64_t due = in->step_ms + w->conf.controller_timeout_ms;
    uint64_t now = clock_ms ();

    if (in->pushing)
        step_timer (w, job, 1);
    else if (in->phase == ASKED)
        step_timer (w, job, due > now ? due - now : 0);
}

static void _push (struct warden *w, struct job *job)
{
    char a[MW_SIZE_STRLEN], b[MW_SIZE_STRLEN], c[MW_SIZE_STRLEN], more[40];
    struct json_put p = { .text = more, .size = sizeof (more) };
    struct incident *in = &job->incident;
    uint64_t freed = 0;
    int rc = job->memcg.ops->reclaim (&job->memcg, PIECE, &freed, NULL);

    in->pushed += freed;
    if (rc == 0 && freed > 0 && step_swap_free ())
        return;
    in->pushing = false;
    job_read_usage (job);
    json_put_number (&p, "pushed", in->pushed);
    report_more (w, job, "step", REPORT_LOG, json_put_done (&p),
                 "job %s: %s of "
                 "it pushed out in %" PRIu64 " ms; it uses %s now, and %s of "
                 "swap",
                 job->spec.key, mw_size_format (in->pushed, a, sizeof (a)),
                 clock_ms () - in->step_ms,
                 mw_size_format (job->usage.total, b, sizeof (b)),
                 mw_size_format (job->usage.swap, c, sizeof (c)));
    warden_room (w);
}

/* Have it suspended at the controller. Returns 0 or -1. */
static int _suspend_ask (struct warden *w, struct job *job)
{
    struct incident *in = &job->incident;

    in->suspended = true;
    if (ask (w, job, SPOOL_SUSPEND, NULL, true) == 0)
        return 0;
    in->suspended = false;
    return -1;
}

static enum step_result _suspend_start (struct warden *w, struct job *job)
{
    struct incident *in = &job->incident;

    if (step_freeze (w, job, true) < 0)
        return STEP_NEXT;
    in->phase = PARKED;
    in->pushed = 0;
    in->pushing = in->trigger == TRIGGER_NODE && step_swap_free ();
    _next_timer (w, job);
    if (job->spec.slurm_id == 0) {
        report (w, job, "step", REPORT_LOG,
                "job %s: no controller knows it: "
                "it is held here, its CPUs are not freed",
                job->spec.key);
        return STEP_WAIT;
    }
    if (in->slurm_stops_ms || _suspend_ask (w, job) < 0)
        return STEP_WAIT;
    in->phase = ASKED;
    _next_timer (w, job);
    return STEP_WAIT;
}

/* It was not resumed but is being ended, which has it resumed first: it is to hear
 * Slurm's SIGTERM.  What suspending it has left behind is undone at its end. */
static void _let_end (struct warden *w, struct job *job)
{
    job->incident.suspended = true;
    report (w, job, "step", REPORT_LOG, "job %s: Slurm ends this run of it",
            job->spec.key);
    step_freeze (w, job, false);
}

static void _parked (struct warden *w, struct job *job)
{
    report (w, job, "step", REPORT_LOG,
            "job %s: suspended at the "
            "controller, its CPUs are free",
            job->spec.key);
}

/* Slurm lets it go on, as somebody else wants it or, where [ours] is not set, since
 * what had suspended it does.  Who resumes it wants it tried again, now: as
 * `memwarden resume`, but that with nothing left than to kill it, or for the node's
 * sake, nobody can be refused who has done it already. */
static enum step_result _resumed (struct warden *w, struct job *job, bool ours)
{
    struct incident *in = &job->incident;
    enum step_result r;

    job->resumed_ms = clock_ms ();
    if (ours)
        report (w, job, "note", REPORT_LOG | REPORT_JOB,
                "job %s: resumed at "
                "Slurm by somebody else",
                job->spec.key);
    r = step_look_for_room (w, job, true);
    if (r != STEP_WAIT)
        return r;
    if (ours && in->trigger == TRIGGER_JOB && in->step + 2 < in->ladder->count)
        return STEP_NEXT;
    report (w, job, "step", REPORT_LOG | REPORT_JOB,
            "job %s: there is no room "
            "for it: suspended %s",
            job->spec.key, ours ? "again" : "by us now");
    if (in->suspended)
        _parked (w, job);
    else
        _suspend_ask (w, job);
    return STEP_WAIT;
}

static enum step_result _suspend_answered (struct warden *w, struct job *job,
                                           const struct spool_answer *a)
{
    struct incident *in = &job->incident;
    bool doubted = in->phase == DOUBTED;

    in->phase = PARKED;
    in->suspended = a->ok;
    if (!a->ok && a->code == ESTALE) {
        _let_end (w, job);
        return STEP_WAIT;
    }
    _next_timer (w, job);
    if (a->ok && doubted)
        return a->suspended ? STEP_WAIT : _resumed (w, job, true);
    if (a->ok)
        _parked (w, job);
    else
        report (w, job, "step", REPORT_LOG,
                "job %s: the controller does not "
                "suspend it (%s); it is held here",
                job->spec.key, a->text);
    return STEP_WAIT;
}

/* slurmd carries a resume out late, and step by step: what thaws a job so soon after
 * one, ours or somebody else's, may be still that one, or one more. */
#define LATE_MS 30000

/* It stands still again already.  Where Slurm had suspended it, and not we, we have
 * not asked yet.  In doubt the controller is asked to suspend it, who tells whether
 * it had been resumed. */
static enum step_result _suspend_woken (struct warden *w, struct job *job)
{
    struct incident *in = &job->incident;
    bool ours = in->suspended;

    if (in->request[0])
        return STEP_WAIT;
    if (ours && job->resumed_ms && clock_ms () - job->resumed_ms < LATE_MS) {
        in->phase = DOUBTED;
        if (_suspend_ask (w, job) < 0)
            in->phase = PARKED;
        return STEP_WAIT;
    }
    in->suspended = false;
    return _resumed (w, job, ours);
}

static enum step_result _suspend_timer (struct warden *w, struct job *job)
{
    struct incident *in = &job->incident;

    if (in->pushing)
        _push (w, job);
    if (in->phase == ASKED &&
        clock_ms () - in->step_ms >= w->conf.controller_timeout_ms) {
        in->phase = PARKED;
        report (w, job, "step", REPORT_LOG,
                "job %s: no answer of the "
                "controller in %" PRIu64 " ms; it is held here, the request "
                "stays",
                job->spec.key, w->conf.controller_timeout_ms);
    }
    _next_timer (w, job);
    return job->backs > 0 ? step_look_for_room (w, job, false) : STEP_WAIT;
}

static enum step_result _suspend_headroom (struct warden *w, struct job *job)
{
    return step_look_for_room (w, job, false);
}

static enum step_result _suspend_recover (struct warden *w, struct job *job)
{
    _next_timer (w, job);
    return step_look_for_room (w, job, false);
}

const struct step_ops step_suspend = {
    .kind = MW_STEP_SUSPEND,
    .done = "it has room again",
    .frozen = true,
    .by_courier = step_of_slurm,
    .start = _suspend_start,
    .timer = _suspend_timer,
    .answer = _suspend_answered,
    .headroom = _suspend_headroom,
    .woken = _suspend_woken,
    .recover = _suspend_recover,
};
