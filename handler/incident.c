/* incident.c - the one state machine: event → step → record
 *
 * Read it downwards from incident_oom: _open writes down what happened, _enter
 * climbs to a rung, _settle acts on what the rung says, _close undoes and
 * writes how it ended.  What each rung does is in its own step_*.c.
 *
 * An incident is closed by undoing first and recording "resolved" last: as long
 * as the journal has it open, a restart asserts again what it says, so that a
 * warden killed in between leaves nobody frozen or over its limit.
 */

#include "handler/incident.h"

#include <errno.h>
#include <string.h>

#include "handler/clock.h"
#include "handler/shadow.h"
#include "handler/step.h"
#include "handler/warden.h"
#include "handler/watch_kmsg.h"

/* `memwarden hold`: until somebody says resume, so without kill at its end. */
static const struct mw_ladder admin_ladder = {
    .count = 1,
    .step = { { .kind = MW_STEP_HOLD } },
};

/* A job that went on after an incident may be back in its OOM without a new
 * event (v1 tells of the first sleeper only): looked at once, this much
 * later. */
#define LOOK_AGAIN_MS 10

static const struct mw_ladder_step *_rung (const struct job *job)
{
    return &job->incident.ladder->step[job->incident.step];
}

static const struct step_ops *_ops (const struct job *job)
{
    return step_table[_rung (job)->kind];
}

/* ---- closing ------------------------------------------------------------- */

static void _undo (struct warden *w, struct job *job)
{
    struct incident *in = &job->incident;
    const struct step_ops *ops = _ops (job);

    if (ops->undo)
        ops->undo (w, job);
    if (in->request[0] && !in->requeue_asked && !in->suspended)
        spool_cancel (&w->spool, in->request);
    step_unsuspend (w, job);
    step_open_reserve (w, job, false);
    step_return (w, job);
    step_freeze (w, job, false);
}

static void _close (struct warden *w, struct job *job, const char *outcome)
{
    struct incident *in = &job->incident;
    char a[MW_SIZE_STRLEN], b[MW_SIZE_STRLEN];

    step_read_usage (job);      /* its peak, for the record */
    _undo (w, job);
    in->open = false;
    report (w, job, "resolved", REPORT_LOG | REPORT_JOB | REPORT_COMMENT,
            "job %s: %s; it used up to %s, its limit is %s", job->spec.key,
            outcome, mw_size_format (job->peak, a, sizeof (a)),
            mw_size_format (job->limit, b, sizeof (b)));
    aftermath_hook (w, job, outcome);
    ladder_drop (in->ladder);
    *in = (struct incident) { .number = in->number };
    job->look_ms = clock_ms () + LOOK_AGAIN_MS;
    warden_set_timer (job);
    warden_room (w);
}

/* ---- climbing ------------------------------------------------------------ */

/* Leave the rung; what it did stays where the rung [to] works on that. */
static void _leave (struct warden *w, struct job *job, unsigned to)
{
    struct incident *in = &job->incident;
    const struct step_ops *next = step_table[in->ladder->step[to].kind];

    in->pushing = false;
    if (_ops (job)->undo)
        _ops (job)->undo (w, job);
    if (!next->frozen) {
        step_unsuspend (w, job);
        step_freeze (w, job, false);
    } else if (in->request[0] && in->suspended && !in->requeue_asked) {
        spool_cancel (&w->spool, in->request);      /* of the suspend */
    }
    in->request[0] = '\0';
}

/* Is [job] on a rung that only makes it stand still? */
static bool _stops (const struct job *job)
{
    return _rung (job)->kind == MW_STEP_HOLD ||
           _rung (job)->kind == MW_STEP_SUSPEND;
}

/* Is [job] not to be stopped for the node's sake any more?  It would come and
 * go without getting anywhere.  One that is not yet over it is counted. */
static bool _bounced_out (struct warden *w, struct job *job)
{
    uint64_t now = clock_ms ();
    char t[32];

    if (job->incident.trigger != TRIGGER_NODE || job->incident.frozen ||
        !_stops (job))
        return false;
    if (now - job->bounce_ms > w->conf.bounce_window_ms) {
        job->bounce_ms = now;
        job->bounces = 0;
    }
    if (job->bounces < w->conf.max_bounces) {
        job->bounces++;
        return false;
    }
    report (w, job, "step", REPORT_LOG | REPORT_JOB, "job %s: it has been "
            "stopped for the node's sake %u times within %s, and is not again",
            job->spec.key, job->bounces,
            mw_duration_format (w->conf.bounce_window_ms, t, sizeof (t)));
    return true;
}

static enum step_result _enter (struct warden *w, struct job *job, unsigned to)
{
    struct incident *in = &job->incident;
    const struct mw_ladder_step *s = &in->ladder->step[to];
    char name[MW_LADDER_STRLEN];
    struct mw_err why;

    in->step = to;
    in->step_ms = clock_ms ();
    in->deadline_ms = s->deadline_ms ? in->step_ms + s->deadline_ms : 0;
    in->again_ms = 0;
    in->phase = 0;
    if (_ops (job)->available && !_ops (job)->available (w, job, &why)) {
        report (w, job, "step", REPORT_LOG | REPORT_JOB,
                "job %s: %s is not available on this node: %s", job->spec.key,
                mw_ladder_step_format (s, name, sizeof (name)), why.text);
        return STEP_NEXT;
    }
    if (_bounced_out (w, job))
        return STEP_NEXT;
    return _ops (job)->run (w, job, s, STEP_START, NULL);
}

/* The last grow below the present rung: the one that was refused. */
static unsigned _grow_below (const struct incident *in)
{
    unsigned i = in->step;

    while (i > 0 && in->ladder->step[i].kind != MW_STEP_GROW)
        i--;
    return i;
}

static void _settle (struct warden *w, struct job *job, enum step_result r)
{
    struct incident *in = &job->incident;

    while (r == STEP_NEXT || r == STEP_BACK) {
        unsigned to = r == STEP_BACK ? _grow_below (in) : in->step + 1;

        if (to >= in->ladder->count) {
            _close (w, job, "its ladder has ended");
            return;
        }
        _leave (w, job, to);
        r = _enter (w, job, to);
    }
    if (r == STEP_SOLVED)
        _close (w, job, _ops (job)->done);
    else
        warden_set_timer (job);
}

static void _step (struct warden *w, struct job *job, enum step_cause cause,
                   const struct spool_answer *answer)
{
    _settle (w, job, _ops (job)->run (w, job, _rung (job), cause, answer));
}

/* ---- opening ------------------------------------------------------------- */

static const struct mw_ladder *_ladder (struct warden *w, struct job *job,
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
                mw_size_format (job->limit, a, sizeof (a)), b);
    else if (in->trigger == TRIGGER_ADMIN)
        report (w, job, "detected", REPORT_LOG | REPORT_JOB,
                "job %s is to be held", key);
    else
        report (w, job, "detected", REPORT_LOG | REPORT_JOB,
                "job %s has to give memory back to the node: it uses %s, its "
                "reservation is %s; to be done: %s", key,
                mw_size_format (job->usage.used, a, sizeof (a)), b, l);
}

static int _open (struct warden *w, struct job *job,
                  enum incident_trigger trigger)
{
    struct incident *in = &job->incident;
    const struct mw_ladder *l = ladder_share (_ladder (w, job, trigger));

    if (!l)
        return -1;
    *in = (struct incident) {
        .open = true,
        .number = ++job->incidents,
        .trigger = trigger,
        .ladder = l,
        .opened_ms = clock_ms (),
    };
    if (trigger == TRIGGER_JOB)
        step_seen_usage (job);
    else if (trigger != TRIGGER_NODE)   /* who chose it has just read it */
        step_read_usage (job);
    _record_detected (w, job);
    watch_kmsg_detected (w, job);
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
    if (_rung (job)->kind == MW_STEP_KILL) {
        _step (w, job, STEP_TIMER, NULL);
        return;
    }
    if (was == TRIGGER_NODE) {
        _settle (w, job, STEP_NEXT);
        return;
    }
    if (!(l = ladder_share (_ladder (w, job, TRIGGER_NODE))))
        return;
    if (_ops (job)->undo)
        _ops (job)->undo (w, job);
    in->request[0] = '\0';
    in->ladder = l;
    ladder_drop (old);
    _settle (w, job, _enter (w, job, 0));
}

void incident_oom (struct warden *w, struct job *job,
                   enum incident_trigger trigger)
{
    if (w->conf.shadow) {
        shadow_oom (w, job, trigger, _ladder (w, job, trigger));
        return;
    }
    if (job->incident.open && trigger == TRIGGER_NODE) {
        _press (w, job);
        return;
    }
    if (job->incident.open) {
        if (trigger == TRIGGER_JOB)
            step_seen_usage (job);
        _step (w, job, STEP_AGAIN, NULL);
        return;
    }
    if (_open (w, job, trigger) == 0)
        _settle (w, job, _enter (w, job, 0));
}

void incident_timer (struct warden *w, struct job *job)
{
    struct incident *in = &job->incident;
    uint64_t now = clock_ms ();

    if (!in->open)
        return;
    if (in->deadline_ms && now >= in->deadline_ms) {
        in->deadline_ms = in->again_ms = 0;
        _step (w, job, STEP_DEADLINE, NULL);
    } else if (in->again_ms && now >= in->again_ms) {
        in->again_ms = 0;
        _step (w, job, STEP_TIMER, NULL);
    }
}

static bool _is (const struct spool_answer *a, enum spool_op op)
{
    const char *name = strrchr (a->id, '.');

    return name && strcmp (name + 1, spool_op_name[op]) == 0;
}

/* A line in the job's stderr, or its comment: no part of an OOM's story. */
static bool _courtesy (const struct spool_answer *a)
{
    return _is (a, SPOOL_NOTIFY) || _is (a, SPOOL_COMMENT);
}

void incident_answer (struct warden *w, struct job *job,
                      const struct spool_answer *a)
{
    struct incident *in = &job->incident;

    if (_courtesy (a)) {
        if (!a->ok)
            report_log (w, 6, "job %s: %s: %s", job->spec.key, a->id, a->text);
        return;
    }
    report (w, job, "answered", REPORT_LOG, "job %s: the answer to %s: %s",
            job->spec.key, a->id, a->ok ? "done" :
            _is (a, SPOOL_HOOK) ? "not done" : a->text);
    if (!in->open || strcmp (in->request, a->id) != 0)
        return;
    in->request[0] = '\0';
    in->again_ms = 0;
    _step (w, job, STEP_ANSWER, a);
}

bool incident_waits (const struct job *job)
{
    const struct incident *in = &job->incident;

    return in->open && in->frozen && _stops (job);
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
            if (incident_waits (j) && j->round != round &&
                (!best || j->priority > best->priority))
                best = j;
        }
        if (best) {
            best->round = round;
            _step (w, best, STEP_HEADROOM, NULL);
        }
    } while (best);
}

/* ---- people -------------------------------------------------------------- */

int incident_hold (struct warden *w, struct job *job, struct mw_err *err)
{
    if (w->conf.shadow) {
        errno = ENOTSUP;
        return mw_err_set (err, "memwardend is in shadow mode: it does nothing "
                           "to any job");
    }
    if (job->incident.open) {
        errno = EBUSY;
        return mw_err_set (err, "job %s is in an incident already (%s)",
                           job->spec.key, mw_steps[_rung (job)->kind].name);
    }
    incident_oom (w, job, TRIGGER_ADMIN);
    if (!job->incident.frozen) {
        errno = EIO;
        return mw_err_set (err, "job %s could not be frozen; see the log",
                           job->spec.key);
    }
    return 0;
}

/* Ends a hold early. Where that leaves only a kill, it is refused: nobody who
 * says resume means that. */
int incident_resume (struct warden *w, struct job *job, struct mw_err *err)
{
    struct incident *in = &job->incident;
    enum step_result r;

    if (!incident_waits (job)) {
        errno = EINVAL;
        return mw_err_set (err, "job %s is not held", job->spec.key);
    }
    r = in->trigger == TRIGGER_JOB ? step_look_for_room (w, job, true)
                                   : STEP_SOLVED;
    if (r == STEP_WAIT && in->step + 2 >= in->ladder->count) {
        errno = EBUSY;
        return mw_err_set (err, "job %s is still at its limit and the only "
                           "step left is to kill it: raise its limit first "
                           "(memwarden set)", job->spec.key);
    }
    report (w, job, "note", REPORT_LOG, "job %s: resume asked for",
            job->spec.key);
    _settle (w, job, r == STEP_WAIT ? STEP_NEXT : r);
    return 0;
}

/* ---- ends and beginnings ------------------------------------------------- */

void incident_end (struct warden *w, struct job *job, const char *why)
{
    struct incident *in = &job->incident;

    if (!in->open)
        return;
    in->suspended = false;      /* nothing is left to be resumed */
    _close (w, job, in->kills > 0 ? _ops (job)->done : why);
}

void incident_recover (struct warden *w, struct job *job)
{
    struct incident *in = &job->incident;
    struct mw_err err;

    if (!in->open)
        return;
    if (in->trigger == TRIGGER_ADMIN || !in->ladder) {
        ladder_drop (in->ladder);
        in->ladder = ladder_share (_ladder (w, job, in->trigger));
    }
    if (in->step >= in->ladder->count)
        in->step = in->ladder->count - 1;
    if (w->conf.shadow) {
        _close (w, job, "from now on the warden only watches");
        return;
    }
    if (job->memcg.ops->freeze (&job->memcg, in->frozen, &err) < 0)
        report (w, job, "failed", REPORT_LOG, "job %s: cannot %s it: %s",
                job->spec.key, in->frozen ? "freeze" : "thaw", err.text);
    _step (w, job, STEP_RECOVER, NULL);
}
