/* incident.c - the one state machine: event → step → record
 *
 * Read it downwards from incident_oom: incident_open writes down what happened,
 * incident_enter climbs to a rung, incident_settle acts on what the rung says,
 * incident_close undoes and writes how it ended.  What each rung does is in its own
 * step/NAME.c.
 *
 * An incident is closed by undoing first and recording "resolved" last: as long
 * as the journal has it open, a restart asserts again what it says, so that a
 * warden killed in between leaves nobody frozen or over its limit.
 */

#include "handler/incident/incident.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "handler/account/aftermath.h"
#include "handler/account/strike.h"
#include "handler/incident/machine.h"
#include "handler/incident/shadow.h"
#include "handler/incident/telling.h"
#include "handler/incident/undo.h"
#include "handler/job/warden.h"
#include "handler/memcg/hears.h"
#include "handler/record/ask.h"
#include "handler/record/blame.h"
#include "handler/record/report.h"
#include "handler/record/request.h"
#include "handler/step/freezer.h"
#include "handler/step/step.h"
#include "lib/clock.h"

/* `memwarden hold`: until somebody says resume, so without kill at its end. */
static const struct mw_ladder admin_ladder = {
    .count = 1,
    .step = { { .kind = MW_STEP_HOLD } },
};

/* A job that went on after an incident may be back in its OOM without a new
 * event (v1 tells of the first sleeper only): looked at once, this much
 * later. */
#define LOOK_AGAIN_MS 10

#define COURIER_BACK_MS 3000

/* Who has been SIGKILLed is given that long before it is looked at again. */
#define DYING_MS 1000

static const struct step_ops *_ops (const struct job *job)
{
    return step_table[step_rung (job)->kind];
}

/* A single step, and no hold (incident_do). */
static bool _is_step_asked (const struct incident *in)
{
    return in->trigger == TRIGGER_ADMIN &&
           in->ladder->step[0].kind != MW_STEP_HOLD;
}

static const char *_what_was_done (const struct job *job)
{
    if (_is_step_asked (&job->incident))
        return "done as asked for";
    if (job->incident.trigger == TRIGGER_PROCESS)
        return hears_started ((pid_t) job->incident.target_pid) ==
                       job->incident.target_started
                   ? "the process is back below its limit"
                   : "the process is gone";
    return job->incident.was_over ? "it has ended by itself" : _ops (job)->done;
}

/* ---- closing ------------------------------------------------------------- */

static void _record_resolved (struct warden *w, struct job *job,
                              const char *outcome)
{
    strike_incident (w, job);
    job->incident.open = job->incident.closing = false;
    telling_resolved (w, job, outcome);
    if (job->incident.quiet)
        return;
    aftermath_hook (w, job, outcome);
    aftermath_webhook (w, job, outcome);
}

static void _incident_begin_close (struct warden *w, struct job *job,
                                   const char *outcome)
{
    struct incident *in = &job->incident;

    w->up.over (w);
    job_read_usage (job); /* its peak, for the record */
    if (in->blame.due)
        blame_look (w, job, true);
    in->closing = true;
    snprintf (in->outcome, sizeof (in->outcome), "%s", outcome);
    in->deadline_ms = in->again_ms = 0;
    if (_ops (job)->undo)
        _ops (job)->undo (w, job);
    if (in->request[0] && spool_op_of (in->request) != SPOOL_REQUEUE &&
        !in->suspended)
        request_cancel (w, in->request);
    step_requeue_withdraw (w, job);
}

/* Until all is undone it stays open, and comes back here; [outcome] is that of the
 * first time. */
void incident_close (struct warden *w, struct job *job, const char *outcome)
{
    struct incident *in = &job->incident;

    if (!in->closing)
        _incident_begin_close (w, job, outcome);
    if (!incident_undo (w, job))
        return;
    job_freezer_end (job);
    _record_resolved (w, job, in->outcome);
    ladder_drop (in->ladder);
    *in = (struct incident) { .number = in->number };
    job->look_ms = clock_ms () + LOOK_AGAIN_MS;
    job_set_timer (job);
    warden_room (w);
}

/* The step has done its work; but it is no merit of its own where the kernel has
 * killed somebody meanwhile. */
void incident_solved (struct warden *w, struct job *job)
{
    enum mw_step_kind kind = step_rung (job)->kind;
    const char *done = _what_was_done (job);
    char text[sizeof (job->incident.outcome)];

    w->up.over (w);
    if (job->incident.kernel_killed && kind != MW_STEP_KILL &&
        kind != MW_STEP_REQUEUE) {
        snprintf (text, sizeof (text), "%s, after the kernel had killed in it",
                  done);
        done = text;
    }
    incident_close (w, job, done);
}

/* ---- climbing ------------------------------------------------------------ */

void incident_leave (struct warden *w, struct job *job,
                     const struct step_ops *next)
{
    struct incident *in = &job->incident;

    in->pushing = false;
    if (_ops (job)->undo)
        _ops (job)->undo (w, job);
    if (!next->frozen) {
        step_unsuspend (w, job);
        step_freeze (w, job, false);
    } else if (in->request[0] && in->suspended &&
               spool_op_of (in->request) != SPOOL_REQUEUE) {
        request_cancel (w, in->request); /* of the suspend */
    }
    in->request[0] = '\0';
}

/* Is [job] not to be stopped for the node's sake any more?  It would come and
 * go without getting anywhere.  One that is not yet over it is counted. */
static bool _bounced_out (struct warden *w, struct job *job)
{
    uint64_t now = clock_ms ();
    char t[32];

    if (job->incident.trigger != TRIGGER_NODE || job->incident.frozen ||
        !incident_stops (job))
        return false;
    if (now - job->bounce_ms > w->conf.bounce_window_ms) {
        job->bounce_ms = now;
        job->bounces = 0;
    }
    if (job->bounces < w->conf.max_bounces) {
        job->bounces++;
        return false;
    }
    report (w, job, "step", REPORT_LOG | REPORT_JOB,
            "job %s: it has been "
            "stopped for the node's sake %u times within %s, and is not again",
            job->spec.key, job->bounces,
            mw_duration_format (w->conf.bounce_window_ms, t, sizeof (t)));
    return true;
}

/* Where a step of the courier's finds none: one that was there may be on its way
 * back (systemd's RestartSec is 1 s), any other is not waited for; nor is this
 * one while the node is short of memory. */
static bool _seeks_courier (struct warden *w, struct job *job)
{
    struct incident *in = &job->incident;
    struct spool_courier was;
    uid_t uid;

    if (in->sought || in->trigger == TRIGGER_NODE ||
        spool_courier_read (&w->spool, &was, &uid) < 0)
        return false;
    in->sought = true;
    in->phase = PHASE_SEEKS;
    step_timer (w, job, COURIER_BACK_MS);
    report (w, job, "step", REPORT_LOG,
            "job %s: memwarden-courier is away: it "
            "is looked for again in %d ms",
            job->spec.key, COURIER_BACK_MS);
    return true;
}

static bool _lacks_courier (const struct warden *w, const struct job *job)
{
    return _ops (job)->by_courier && _ops (job)->by_courier (w, job) &&
           !ask_has_courier (w);
}

static void _incident_refused (struct warden *w, struct job *job,
                               const char *why)
{
    char name[MW_LADDER_STRLEN];

    report (w, job, "step", REPORT_LOG | REPORT_JOB,
            "job %s: %s is not available on this node: %s", job->spec.key,
            mw_ladder_step_format (step_rung (job), name, sizeof (name)), why);
}

enum step_result incident_enter (struct warden *w, struct job *job, unsigned to)
{
    struct incident *in = &job->incident;
    const struct mw_ladder_step *s = &in->ladder->step[to];
    struct mw_err why;

    in->step = to;
    in->step_ms = clock_ms ();
    in->deadline_ms = s->deadline_ms ? in->step_ms + s->deadline_ms : 0;
    in->again_ms = 0;
    in->phase = 0;
    in->below_ms = 0;
    telling_rung (job, s->kind);
    if (s->kind == MW_STEP_REQUEUE || s->kind == MW_STEP_KILL)
        in->slurm_stops_ms = 0; /* that waits for nobody */
    if (_ops (job)->available && !_ops (job)->available (w, job, &why)) {
        _incident_refused (w, job, why.text);
        return STEP_NEXT;
    }
    if (_lacks_courier (w, job)) {
        if (_seeks_courier (w, job))
            return STEP_WAIT;
        if (s->kind != MW_STEP_KILL) { /* that can do without */
            _incident_refused (w, job, "no memwarden-courier runs");
            return STEP_NEXT;
        }
    }
    if (_bounced_out (w, job))
        return STEP_NEXT;
    return step_run (w, job, STEP_START, NULL);
}

/* The last grow below the present rung: the one that was refused. */
static unsigned _grow_below (const struct incident *in)
{
    unsigned i = in->step;

    while (i > 0 && in->ladder->step[i].kind != MW_STEP_GROW)
        i--;
    return i;
}

void incident_settle (struct warden *w, struct job *job, enum step_result r)
{
    struct incident *in = &job->incident;

    while (r == STEP_NEXT || r == STEP_BACK) {
        unsigned to = r == STEP_BACK ? _grow_below (in) : in->step + 1;

        if (memcg_gone (&job->memcg)) { /* that was in vain, or pointless */
            incident_close (w, job,
                            job_is_step (job) ? "the step has ended"
                                              : "the job has ended");
            return;
        }
        if (to >= in->ladder->count) {
            incident_close (w, job, "its ladder has ended");
            return;
        }
        incident_leave (w, job, step_table[in->ladder->step[to].kind]);
        if (in->ladder->step[to].kind == MW_STEP_HOLD_ONE)
            in->target_pid = 0; /* of the rung before */
        r = incident_enter (w, job, to);
    }
    if (r == STEP_SOLVED) {
        incident_solved (w, job);
        return;
    }
    incident_undo_later (job); /* of a rung before */
    job_set_timer (job);
}

static void _incident_step (struct warden *w, struct job *job,
                            enum step_cause cause,
                            const struct spool_answer *answer)
{
    struct incident *in = &job->incident;

    if (in->closing) /* there is no step any more */
        return;
    if (in->phase != PHASE_SEEKS)
        incident_settle (w, job, step_run (w, job, cause, answer));
    else if (cause == STEP_DEADLINE)
        incident_settle (w, job, STEP_NEXT);
    else if (cause == STEP_TIMER || cause == STEP_RECOVER)
        incident_settle (w, job, incident_enter (w, job, in->step));
}

/* ---- opening ------------------------------------------------------------- */

static const struct mw_ladder *_incident_ladder (struct warden *w,
                                                 struct job *job,
                                                 enum incident_trigger trigger)
{
    if (trigger == TRIGGER_ADMIN)
        return &admin_ladder;
    return trigger == TRIGGER_NODE ? conf_node_ladder (&w->conf, job->class)
                                   : job->ladder;
}

static void _record_detected (struct warden *w, struct job *job)
{
    char a[MW_SIZE_STRLEN], b[MW_SIZE_STRLEN], l[MW_LADDER_STRLEN];
    const struct incident *in = &job->incident;
    const char *key = job->spec.key;

    mw_size_format (job->reservation, b, sizeof (b));
    mw_ladder_format (in->ladder, l, sizeof (l));
    if (in->trigger == TRIGGER_JOB)
        report (w, job, "detected", REPORT_LOG | REPORT_JOB,
                "job %s reached its limit of %s (reservation %s)", key,
                mw_size_format (job_hit_limit (job), a, sizeof (a)), b);
    else if (in->trigger == TRIGGER_PROCESS)
        report (w, job, "detected", REPORT_LOG | REPORT_JOB,
                "job %s: one of its processes holds more than it may; to be "
                "done to it: %s",
                key, mw_ladder_format (in->ladder, l, sizeof (l)));
    else if (_is_step_asked (in))
        report (w, job, "detected", REPORT_LOG | REPORT_JOB,
                "job %s: to be done by hand: %s", key, l);
    else if (in->trigger == TRIGGER_ADMIN)
        report (w, job, "detected", REPORT_LOG | REPORT_JOB,
                "job %s is to be held", key);
    else
        report (w, job, "detected", REPORT_LOG | REPORT_JOB,
                "job %s has to give memory back to the node: it uses %s, its "
                "reservation is %s; to be done: %s",
                key, mw_size_format (job->usage.used, a, sizeof (a)), b, l);
}

/* Somebody, or the gang scheduler, has suspended it at Slurm: it is theirs to let
 * it go on, and until then it can do nothing about its OOM. */
static void _slurm_stops (struct warden *w, struct job *job)
{
    job->incident.slurm_stops_ms = clock_ms ();
    report (w, job, "note", REPORT_LOG | REPORT_JOB,
            "job %s: suspended at "
            "Slurm by somebody else: its ladder waits until it is resumed "
            "there",
            job->spec.key);
    job_set_timer (job);
}

int incident_open (struct warden *w, struct job *job,
                   enum incident_trigger trigger,
                   const struct mw_ladder *ladder)
{
    struct incident *in = &job->incident;
    const struct mw_ladder *l = ladder_share (ladder);

    if (!l)
        return -1;
    *in = (struct incident) {
        .open = true,
        .number = ++job->incidents,
        .trigger = trigger,
        .ladder = l,
        .opened_ms = clock_ms (),
    };
    if (trigger == TRIGGER_JOB) {
        step_was_back (job);
        job_seen_usage (job);
    } else if (trigger != TRIGGER_NODE) { /* who chose it has just read it */
        job_read_usage (job);
    }
    strike_blame (job);
    telling_begin (job);
    _record_detected (w, job);
    telling_say (w, job);
    blame_due (w, job);
    w->up.detected (w, job);
    if (trigger == TRIGGER_JOB) /* so it runs */
        return 0;
    step_watch_freezer (w, job);
    if (job_freezer_is (job, false))
        _slurm_stops (w, job);
    return 0;
}

/* ---- events -------------------------------------------------------------- */

/* The node needs memory of a job whose incident is open: from a node ladder to
 * its next rung, from any other ladder to the node's. */
static void _press (struct warden *w, struct job *job)
{
    struct incident *in = &job->incident;
    const struct mw_ladder *old = in->ladder, *l;
    enum incident_trigger was = in->trigger;

    if (in->kills > 0)
        return;
    in->trigger = TRIGGER_NODE;
    strike_blame (job);
    in->slurm_ends = false;
    telling_rung (job, MW_STEP_KILL);
    if (step_rung (job)->kind == MW_STEP_KILL) {
        _incident_step (w, job, STEP_TIMER, NULL);
        return;
    }
    if (was == TRIGGER_NODE) {
        incident_settle (w, job, STEP_NEXT);
        return;
    }
    if (!(l = ladder_share (_incident_ladder (w, job, TRIGGER_NODE))))
        return;
    if (_ops (job)->undo)
        _ops (job)->undo (w, job);
    in->request[0] = '\0';
    in->ladder = l;
    ladder_drop (old);
    incident_settle (w, job, incident_enter (w, job, 0));
}

/* It is out of memory again before all is undone.  What has been killed is not. */
static void _reopen (struct warden *w, struct job *job,
                     enum incident_trigger trigger)
{
    struct incident *in = &job->incident;
    const struct mw_ladder *old = in->ladder, *l;

    if (in->kills > 0 ||
        !(l = ladder_share (_incident_ladder (w, job, trigger))))
        return;
    in->closing = false;
    in->trigger = trigger;
    in->ladder = l;
    ladder_drop (old);
    incident_settle (w, job, incident_enter (w, job, 0));
}

void incident_give_way (struct warden *w, struct job *job, const char *why)
{
    if (job->incident.open && job->incident.trigger == TRIGGER_PROCESS)
        incident_close (w, job, why);
}

/* What a process holds that has been sent its SIGKILL is on its way back. */
static bool _incident_kills_one (const struct incident *in)
{
    return in->open && !in->closing && in->trigger == TRIGGER_PROCESS &&
           in->ladder->step[in->step].kind == MW_STEP_KILL_ONE;
}

void incident_oom (struct warden *w, struct job *job,
                   enum incident_trigger trigger)
{
    if (w->conf.shadow) {
        shadow_oom (w, job, trigger, _incident_ladder (w, job, trigger));
        return;
    }
    if (!_incident_kills_one (&job->incident))
        incident_give_way (w, job, "it has become the whole job's");
    if (job->incident.closing) {
        _reopen (w, job, trigger);
        return;
    }
    if (job->incident.open && trigger == TRIGGER_NODE) {
        _press (w, job);
        return;
    }
    if (job->incident.open) {
        if (trigger == TRIGGER_JOB)
            job_seen_usage (job);
        if (!incident_pauses (job))
            _incident_step (w, job, STEP_AGAIN, NULL);
        return;
    }
    if (trigger == TRIGGER_JOB && job->over)
        return;
    if (incident_open (w, job, trigger, _incident_ladder (w, job, trigger)) < 0)
        return;
    incident_settle (w, job, incident_enter (w, job, 0));
    if (job->incident.open && job->freezers == 0)
        step_watch_freezer (w, job);
}

static void _undo_again (struct warden *w, struct job *job)
{
    if (job->incident.closing)
        incident_close (w, job, NULL);
    else
        incident_undo (w, job);
}

void incident_timer (struct warden *w, struct job *job)
{
    struct incident *in = &job->incident;
    uint64_t now = clock_ms ();

    if (!in->open)
        return;
    step_killed_look (w, job);
    if (in->undo_ms && now >= in->undo_ms)
        _undo_again (w, job);
    if (!in->open || in->closing)
        return;
    if (in->deadline_ms && !in->slurm_stops_ms && now >= in->deadline_ms) {
        in->deadline_ms = in->again_ms = 0;
        _incident_step (w, job, STEP_DEADLINE, NULL);
    } else if (in->again_ms && !incident_pauses (job) && now >= in->again_ms) {
        in->again_ms = 0;
        if (job_freezer_is (job, true))
            incident_freezer (w, job, job_freezer_is (job, false), true);
        if (in->open)
            _incident_step (w, job, STEP_TIMER, NULL);
    }
}

/* A line in the job's stderr, its comment, a story told: no part of one. */
static bool _courtesy (const struct spool_answer *a)
{
    enum spool_op op = spool_op_of (a->id);

    return op == SPOOL_NOTIFY || op == SPOOL_COMMENT || op == SPOOL_WEBHOOK;
}

/* The requeue that an earlier step has asked for, and did not wait for any
 * longer, has its answer: where that is yes, this run is over. */
static void _requeue_answered (struct warden *w, struct job *job,
                               const struct spool_answer *a)
{
    struct incident *in = &job->incident;
    unsigned last = in->ladder->count - 1;

    in->requeue[0] = '\0';
    if (!a->ok || in->kills > 0 || step_rung (job)->kind == MW_STEP_KILL)
        return;
    in->requeued = job->leaving = true;
    incident_leave (w, job, &step_kill);
    incident_settle (w, job, incident_enter (w, job, last));
}

void incident_answer (struct warden *w, struct job *job,
                      const struct spool_answer *a)
{
    struct incident *in;

    if (_courtesy (a)) {
        if (!a->ok)
            report_log (w, LOG_INFO, "job %s: %s: %s", job->spec.key, a->id,
                        a->text);
        return;
    }
    in = &job->incident;
    report (w, job, "answered", REPORT_LOG, "job %s: the answer to %s: %s",
            job->spec.key, a->id, telling_answer (a));
    if (!in->open)
        return;
    /* not for the node's sake: the next job would have to give meanwhile */
    if (a->ok && a->suspended && in->trigger != TRIGGER_NODE)
        in->slurm_ends = true;
    if (strcmp (in->request, a->id) != 0) {
        if (strcmp (in->requeue, a->id) == 0)
            _requeue_answered (w, job, a);
        return;
    }
    in->request[0] = '\0';
    in->again_ms = 0;
    _incident_step (w, job, STEP_ANSWER, a);
}

/* … and resumed: what it has been away is nobody's time. */
static void _slurm_goes_on (struct warden *w, struct job *job)
{
    struct incident *in = &job->incident;
    uint64_t away = clock_ms () - in->slurm_stops_ms;

    in->slurm_stops_ms = 0;
    in->step_ms += away;
    if (in->deadline_ms)
        in->deadline_ms += away;
    if (in->frozen_ms)
        in->frozen_ms += away;
    report (w, job, "note", REPORT_LOG | REPORT_JOB,
            "job %s: Slurm has resumed "
            "it: its ladder goes on",
            job->spec.key);
    job_set_timer (job);
}

/* Slurm thaws the steps one by one, so this comes for each; what is done about
 * it is done to a job that stands still.  Those that leave are not waited
 * for. */
void incident_freezer (struct warden *w, struct job *job, bool frozen,
                       bool thawed)
{
    struct incident *in = &job->incident;

    if (!in->open || in->kills > 0 || step_rung (job)->kind == MW_STEP_KILL ||
        in->undo_ms > 0) /* some of it we have thawed, and the rest follows */
        return;
    if (in->slurm_stops_ms && (in->frozen ? thawed : !frozen))
        _slurm_goes_on (w, job);
    else if (!in->slurm_stops_ms && frozen && !(in->frozen && thawed) &&
             !in->suspended && !in->slowed &&
             step_rung (job)->kind != MW_STEP_REQUEUE)
        _slurm_stops (w, job);
    if (!in->frozen || !thawed)
        return;
    /* frozen again (v1), it could not die, and Slurm would drain the node */
    if (memcg_dying (&job->memcg)) {
        step_timer (w, job, DYING_MS);
        job_set_timer (job);
        return;
    }
    step_freeze_again (w, job);
    _incident_step (w, job, STEP_WOKEN, NULL);
}

/* Each that waits is asked once, by priority; what one takes, the next does not
 * find any more. */
void incident_headroom (struct warden *w)
{
    static unsigned round;
    struct job *best;

    round++;
    do {
        best = NULL;
        for (struct job *j = w->jobs.first; j; j = j->next) {
            if (incident_waits (j) && !j->incident.slurm_stops_ms &&
                j->round != round && (!best || j->priority > best->priority))
                best = j;
        }
        if (best) {
            best->round = round;
            _incident_step (w, best, STEP_HEADROOM, NULL);
        }
    } while (best);
}

/* ---- ends and beginnings ------------------------------------------------- */

/* Once Slurm knows it, a job is FAILED, or done, and can neither be completed as
 * OUT_OF_MEMORY nor be requeued before what depends on it has begun. */
bool incident_script_ended (struct warden *w, struct job *job, int status)
{
    struct incident *in = &job->incident;

    job->over = true;
    if (in->open && !in->script_ended && _ops (job)->script_ended) {
        in->script_ended = true;
        in->status = status;
        _incident_step (w, job, STEP_SCRIPT_ENDED, NULL);
    }
    return in->open && in->script_ended;
}

/* Suspended for us, its priority at Slurm is 0: whoever requeues it now (its user,
 * preemption) would have it wait for ever. */
static void _let_run_again (struct warden *w, struct job *job)
{
    if (job->incident.suspended)
        ask (w, job, SPOOL_RESUME, NULL, false);
}

/* Such a job does not end by itself. */
static bool _stood_still (const struct job *job)
{
    return job->spec.slurm_id != 0 && incident_stops (job) &&
           (job->incident.frozen || job->incident.suspended);
}

/* Slurm may be faster than its answer to us: then it is said here who did it. */
static const char *_how_it_ended (struct warden *w, struct job *job,
                                  const char *why)
{
    const struct incident *in = &job->incident;
    bool last = step_rung (job)->kind == MW_STEP_KILL;

    if (last && in->kills == 0 && in->request[0])
        report (w, job, "step", REPORT_LOG,
                "job %s: Slurm has ended it before "
                "it answered",
                job->spec.key);
    if (last || in->kills > 0)
        return _what_was_done (job);
    return _stood_still (job) ? "ended by Slurm (cancelled, its time limit, or "
                                "the like)"
                              : why;
}

void incident_end (struct warden *w, struct job *job, const char *why)
{
    struct incident *in = &job->incident;

    if (!in->open)
        return;
    if (in->closing) {
        incident_close (w, job, NULL);
        return;
    }
    if (_ops (job)->ended && !in->ended && !in->requeued)
        _ops (job)->ended (w, job);
    why = _how_it_ended (w, job, why);
    _let_run_again (w, job);
    in->suspended = false; /* nothing is left to be resumed */
    incident_close (w, job, why);
}

void incident_lost (struct warden *w, struct job *job)
{
    if (!job->incident.open)
        return;
    _let_run_again (w, job);
    _record_resolved (w, job, "the job has ended while the warden was away");
}

void incident_recover (struct warden *w, struct job *job)
{
    struct incident *in = &job->incident;

    if (!in->open)
        return;
    if ((in->trigger == TRIGGER_ADMIN || in->trigger == TRIGGER_PROCESS) &&
        in->ladder)
        incident_asked_again (job);
    else if (!in->ladder)
        in->ladder = ladder_share (_incident_ladder (w, job, in->trigger));
    if (in->step >= in->ladder->count)
        in->step = in->ladder->count - 1;
    if (w->conf.shadow) {
        incident_close (w, job, "from now on the warden only watches");
        return;
    }
    if (in->slurm_stops_ms) { /* its freezer is Slurm's */
        step_watch_freezer (w, job);
        incident_freezer (w, job, job_freezer_is (job, false),
                          job_freezer_is (job, true));
        if (!in->open || in->slurm_stops_ms)
            return;
    }
    if (in->closing) {
        snprintf (in->outcome, sizeof (in->outcome),
                  "what was done to it is undone");
        incident_close (w, job, NULL);
        return;
    }
    step_freeze_again (w, job);
    if (in->step_ms == 0) /* killed behind "detected": no rung has begun */
        incident_settle (w, job, incident_enter (w, job, in->step));
    else
        _incident_step (w, job, STEP_RECOVER, NULL);
}
