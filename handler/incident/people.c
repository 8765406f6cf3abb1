/* people.c - what people have done to a job: hold, resume, and single steps
 *
 * A step that somebody asks for is a rung as any other: on record before its deed, undone
 * when its time is over, taken up again by the next warden.  In an open incident it is
 * put before the rung that the job is on, so that who looks at a held job and has one of
 * its processes killed finds it held as before, or going on where that has made room.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

#include "handler/incident/incident.h"
#include "handler/incident/machine.h"
#include "handler/job/warden.h"
#include "handler/record/ask.h"
#include "handler/record/report.h"
#include "handler/step/one.h"
#include "handler/step/stop.h"

/* ---- hold, resume --------------------------------------------------------- */

int incident_hold (struct warden *w, struct job *job, struct mw_err *err)
{
    if (w->conf.shadow)
        return mw_err_code (err, ENOTSUP,
                            "memwardend is in shadow mode: it "
                            "does nothing to any job");
    incident_give_way (w, job, "the job is to be held");
    if (job->incident.open && job->incident.below_ms)
        incident_solved (w, job); /* it only keeps a loan */
    if (job->incident.open)
        return mw_err_code (err, EBUSY, "job %s is in an incident already (%s)",
                            job->spec.key,
                            mw_steps[step_rung (job)->kind].name);
    incident_oom (w, job, TRIGGER_ADMIN);
    if (!job->incident.frozen)
        return mw_err_code (err, EIO, "job %s could not be frozen; see the log",
                            job->spec.key);
    return 0;
}

/* Nobody is told that a job goes on before it does. */
static int _is_resumed (const struct job *job, struct mw_err *err)
{
    if (!job->incident.open || job->incident.undo_ms == 0)
        return 0;
    return mw_err_code (err, EINPROGRESS,
                        "job %s does not go on yet: what holds it could not "
                        "be undone, see the log; that is tried again until it "
                        "is",
                        job->spec.key);
}

/* Does one of its processes wait, or run by turns? */
static bool _stops_one (const struct job *job)
{
    return job->incident.open && !(stop_undone (job, STOPPED_HELD) &&
                                   stop_undone (job, STOPPED_BY_TURNS));
}

/* Ends a hold early. Where that leaves only a kill, it is refused: nobody who
 * says resume means that. */
int incident_resume (struct warden *w, struct job *job, struct mw_err *err)
{
    struct incident *in = &job->incident;
    enum step_result r;

    if (in->open && in->closing) {
        incident_close (w, job, NULL);
        return _is_resumed (job, err);
    }
    if (in->open && in->trigger == TRIGGER_ADMIN && !incident_waits (job)) {
        report (w, job, "note", REPORT_LOG, "job %s: resume asked for",
                job->spec.key);
        incident_close (w, job, "resumed");
        return _is_resumed (job, err);
    }
    if (!incident_waits (job) && !_stops_one (job))
        return mw_err_code (err, EINVAL, "job %s is not held", job->spec.key);
    if (in->slurm_stops_ms)
        return mw_err_code (err, EBUSY,
                            "job %s has been suspended at Slurm by "
                            "somebody else: it goes on when it is resumed "
                            "there (scontrol resume)",
                            job->spec.key);
    r = in->trigger == TRIGGER_JOB ? step_look_for_room (w, job, true)
                                   : STEP_SOLVED;
    if (r == STEP_WAIT && in->step + 2 >= in->ladder->count)
        return mw_err_code (err, EBUSY,
                            "job %s is still at its limit and the "
                            "only step left is to kill it: raise its limit "
                            "first (memwarden set)",
                            job->spec.key);
    report (w, job, "note", REPORT_LOG, "job %s: resume asked for",
            job->spec.key);
    incident_settle (w, job, r == STEP_WAIT ? STEP_NEXT : r);
    return _is_resumed (job, err);
}

/* Where the last one goes on that was held, there is nothing to wait for any more. */
int incident_resume_one (struct warden *w, struct job *job, pid_t pid,
                         struct mw_err *err)
{
    const struct stopped *s = &job->incident.stopped;
    int at = stopped_find (s, pid);

    if (at < 0 || s->one[at].why == STOPPED_FOR_HOOK || job->incident.closing)
        return mw_err_code (err, EINVAL,
                            "process %d of job %s is not held, nor slowed, "
                            "alone",
                            (int) pid, job->spec.key);
    if (s->n == 1)
        return incident_resume (w, job, err);
    report (w, job, "note", REPORT_LOG | REPORT_JOB,
            "job %s: resume of process %d asked for", job->spec.key, (int) pid);
    stop_let_go (w, job, (unsigned) at);
    if (stopped_find (s, pid) < 0)
        return 0;
    return mw_err_code (err, EIO,
                        "process %d of job %s cannot be told to go on",
                        (int) pid, job->spec.key);
}

/* ---- single steps --------------------------------------------------------- */

/* The answer to a signal outside of an OOM is nobody's but theirs who have it. */
#define SIGNAL_MS 1000
#define GUILTY_MS 3000 /* who grows is looked for before */

void incident_asked_again (struct job *job)
{
    const struct mw_ladder *was = job->incident.ladder;
    struct mw_ladder l = *was;

    if (l.count > 1)
        l.count--;
    for (unsigned i = 0; i < l.count; i++) {
        if (mw_step_of_one (l.step[i].kind) ==
            MW_STEP_HOLD_ONE) /* until it is resumed */
            l.step[i].deadline_ms = 0;
    }
    job->incident.ladder = ladder_share (&l);
    ladder_drop (was);
}

/* Is anything to be done to [job] now? */
static int _people_may (struct warden *w, struct job *job, struct mw_err *err)
{
    const struct incident *in = &job->incident;

    if (w->conf.shadow)
        return mw_err_code (err, ENOTSUP,
                            "memwardend is in shadow mode: it "
                            "does nothing to any job");
    if (in->open && (in->closing || in->kills > 0 || in->requeued ||
                     step_rung (job)->kind == MW_STEP_KILL ||
                     step_rung (job)->kind == MW_STEP_REQUEUE))
        return mw_err_code (err, EBUSY, "job %s is being ended, or let go, now",
                            job->spec.key);
    if (in->open && in->slurm_stops_ms)
        return mw_err_code (err, EBUSY,
                            "job %s has been suspended at Slurm by somebody "
                            "else: it has to be resumed there first (scontrol "
                            "resume)",
                            job->spec.key);
    return 0;
}

/* A hook that is run as the job wants an attendant, any other the courier. */
static int _people_can_dump (struct warden *w, const struct job *job,
                             const char *name, struct mw_err *err)
{
    const struct conf_hook *hook = conf_find_hook (&w->conf, name);

    if (name[0] && !hook)
        return mw_err_code (err, EINVAL, "no hook \"%s\" is configured", name);
    if (hook && hook->as_job && w->attendant < 0)
        return mw_err_code (err, ENOTSUP, "job %s: there is no attendant",
                            job->spec.key);
    if ((!hook || !hook->as_job) && !ask_has_courier (w))
        return mw_err_code (err, ENOTSUP,
                            "job %s: no memwarden-courier runs on this node",
                            job->spec.key);
    return 0;
}

/* Can [s] be done to [job] here, and is there who does it? */
static int _people_can (struct warden *w, struct job *job,
                        const struct mw_ladder_step *s, struct mw_err *err)
{
    const struct step_ops *ops = step_table[s->kind];
    struct mw_err why;

    if (s->kind == MW_STEP_DUMP) /* not of the rung that it is on already */
        return _people_can_dump (w, job, s->hook, err);
    if ((job->incident.open || s->kind == MW_STEP_REQUEUE) && ops->available &&
        !ops->available (w, job, &why))
        return mw_err_code (err, ENOTSUP, "job %s: %s", job->spec.key,
                            why.text);
    if (ops->by_courier && ops->by_courier (w, job) && !ask_has_courier (w))
        return mw_err_code (err, ENOTSUP,
                            "job %s: no memwarden-courier runs on this node",
                            job->spec.key);
    return 0;
}

/* Is it only one more process that is to wait? */
static bool _is_one_more (const struct job *job, const struct mw_ladder_step *s)
{
    return s->kind == MW_STEP_HOLD_ONE && job->incident.open &&
           step_rung (job)->kind == MW_STEP_HOLD_ONE;
}

/* Is nothing open that concerns the job as a whole? */
static bool _people_free (const struct incident *in)
{
    return !in->open || in->trigger == TRIGGER_PROCESS;
}

/* Is whom [s] names there? [*started]: when it was. */
static int _people_find (struct job *job, const struct mw_ladder_step *s,
                         pid_t pid, uint64_t *started, struct mw_err *err)
{
    struct one one;

    if (!mw_target_is_one (s->target))
        return 0;
    if (_is_one_more (job, s) && job->incident.stopped.n == STOPPED_MAX)
        return mw_err_code (err, EBUSY,
                            "%d processes of job %s are held already, which is "
                            "the most: have one go on first (memwarden resume "
                            "%s --pid)",
                            STOPPED_MAX, job->spec.key, job->spec.key);
    if (one_find (job, s, pid, 0, &one, err) < 0)
        return -1;
    *started = one.is.started;
    one_drop (&one);
    return 0;
}

/* Do those who wait in [job] wait on, behind a step that somebody asks for? */
static bool _waits_on (const struct job *job)
{
    return job->incident.open && job->incident.stopped.n > 0 &&
           step_rung (job)->kind == MW_STEP_HOLD_ONE;
}

/* [s], and what is left of the ladder that [job] is on; but not a rung that somebody has
 * asked for of one process, whose number would be lost; that of those who wait is theirs
 * who are on record. Returns 0; -1 with errno. */
static int _people_ladder (const struct job *job,
                           const struct mw_ladder_step *s, struct mw_ladder *l,
                           struct mw_err *err)
{
    const struct incident *in = &job->incident;
    unsigned from = in->step;

    *l = (struct mw_ladder) { .count = 1, .step = { *s } };
    if (_people_free (in))
        return 0;
    if (_is_one_more (job, s) ||
        (step_rung (job)->target == MW_TARGET_PID && !_waits_on (job)))
        from++;
    if (in->ladder->count - from + 1 > MW_LADDER_MAX_STEPS)
        return mw_err_code (err, EBUSY,
                            "job %s: its ladder has no room for one more step",
                            job->spec.key);
    for (; from < in->ladder->count; from++)
        l->step[l->count++] = in->ladder->step[from];
    if (_waits_on (job) && !_is_one_more (job, s))
        l->step[1].target = MW_TARGET_PID;
    return 0;
}

static void _people_say (struct warden *w, struct job *job,
                         const struct mw_ladder_step *s, pid_t pid, uid_t uid)
{
    char step[MW_LADDER_STRLEN], of[48] = "";

    if (pid > 0)
        snprintf (of, sizeof (of), " of process %d", (int) pid);
    report (w, job, "note", REPORT_LOG | REPORT_JOB,
            "job %s: %s%s asked for by uid %u", job->spec.key,
            mw_ladder_step_format (s, step, sizeof (step)), of, (unsigned) uid);
}

/* It is at its limit, or has to give: at once what is the ladder's end. */
static int _people_kill (struct warden *w, struct job *job,
                         const struct mw_ladder_step *s, uid_t uid,
                         struct mw_err *err)
{
    struct incident *in = &job->incident;
    struct mw_ladder l = { .count = 1, .step = { *s } };

    if (!_people_free (in) && in->trigger != TRIGGER_ADMIN) {
        _people_say (w, job, s, 0, uid);
        incident_leave (w, job, &step_kill);
        incident_settle (w, job,
                         incident_enter (w, job, in->ladder->count - 1));
        return 0;
    }
    if (job->spec.slurm_id != 0)
        return mw_err_code (err, EINVAL,
                            "job %s is not out of memory, as which Slurm would "
                            "have it ended: write scancel %s, or say which "
                            "process",
                            job->spec.key, job->spec.key);
    if (in->open)
        incident_close (w, job, "to be killed");
    if (in->open || incident_open (w, job, TRIGGER_ADMIN, &l) < 0)
        return mw_err_errno (err, "job %s cannot be killed now", job->spec.key);
    _people_say (w, job, s, 0, uid);
    incident_settle (w, job, incident_enter (w, job, 0));
    return 0;
}

static int _people_climb (struct warden *w, struct job *job,
                          const struct mw_ladder *l, struct mw_err *err)
{
    struct incident *in = &job->incident;
    const struct mw_ladder *old, *new;

    incident_give_way (w, job, "something else is asked for by hand");
    old = in->ladder;
    if (in->open && in->closing)
        return mw_err_code (err, EBUSY, "job %s is being let go now",
                            job->spec.key);
    if (!in->open) {
        if (incident_open (w, job, TRIGGER_ADMIN, l) < 0)
            return mw_err_errno (err, "nothing is done to job %s",
                                 job->spec.key);
        return 0;
    }
    if (!(new = ladder_share (l)))
        return mw_err_errno (err, "nothing is done to job %s", job->spec.key);
    if (!_waits_on (job))
        incident_leave (w, job, step_table[l->step[0].kind]);
    in->ladder = new;
    in->step = 0;
    ladder_drop (old);
    return 0;
}

int incident_do (struct warden *w, struct job *job,
                 const struct mw_ladder_step *s, pid_t pid, uid_t uid,
                 struct mw_err *err)
{
    struct incident *in = &job->incident;
    struct mw_ladder_step step = *s;
    uint64_t started = 0;
    struct mw_ladder l;

    if (pid > 0)
        step.target = MW_TARGET_PID;
    if (_people_may (w, job, err) < 0)
        return -1;
    if (step.kind == MW_STEP_KILL)
        return _people_kill (w, job, &step, uid, err);
    if (step.kind == MW_STEP_SIGNAL && _people_free (in))
        step.deadline_ms = SIGNAL_MS +
                           (step.target == MW_TARGET_GUILTY ? GUILTY_MS : 0);
    if (_people_can (w, job, &step, err) < 0 ||
        _people_find (job, &step, pid, &started, err) < 0 ||
        _people_ladder (job, &step, &l, err) < 0)
        return -1;
    if (_people_climb (w, job, &l, err) < 0)
        return -1;
    in->target_pid = (uint32_t) pid;
    in->target_started = started;
    _people_say (w, job, &step, pid, uid);
    incident_settle (w, job, incident_enter (w, job, 0));
    return 0;
}
