/* signal.c - signal=SIG[:WHO]@T: tell the job, and give it room to answer
 *
 * Only processes that can answer get it (memcg/hears.h): of any other it would
 * be the end, most of all of the batch script's shell, with which Slurm ends the job
 * and the checkpoint that was asked for.  Where there is none the ladder goes
 * on at once.
 *
 * The reserve opens first: a handler that writes a checkpoint needs memory, and a
 * shell that is asked behind its limit cannot even fork (v1: ENOMEM).  A job whose
 * reserve is full, or 0, may be asleep in the kernel and never hear; then T passes and
 * the ladder goes on.
 *
 * Whoever was asked and has ended is no longer at work on the job's behalf:
 * where the ladder has a requeue further on it is carried out then, whether the
 * job's script has still something to do or is over as well.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "handler/memcg/hears.h"
#include "handler/record/report.h"
#include "handler/step/one.h"

#define LOOK_MS 100

/* How long word of the script's end may take, once all who were asked have ended */
#define WORD_MS 3000

/* Phases: the job has the signal; nobody is left in it; its requeue is asked; only
 * such as were not asked are left in it; it is looked at who is to have it */
enum { SENT = 1, GONE, ASKED, LEFT, LOOKING };

/* Is it still open how the job has answered? */
static bool _is_open (const struct job *job)
{
    int phase = job->incident.phase;

    return phase == SENT || phase == GONE || phase == LEFT;
}

static void _signal_ended (struct warden *w, struct job *job)
{
    if (_is_open (job))
        step_requeue_ended (w, job, false);
}

/* Is nobody left of [job]?  Its extern step is, as long as Slurm has not heard
 * of its end. */
static bool _nobody_left (struct job *job)
{
    int n = memcg_ask (&job->memcg, 0, true, true, NULL, NULL);

    return n == 0 || (n < 0 && errno == ENODEV);
}

/* Those who were asked have ended in answer. */
static enum step_result _signal_over (struct warden *w, struct job *job)
{
    bool followed = job->incident.trigger == TRIGGER_ADMIN &&
                    job->incident.step + 1 < job->incident.ladder->count;

    if (step_requeue_ended (w, job, true) < 0)
        return followed ? STEP_NEXT : STEP_SOLVED;
    job->incident.phase = ASKED;
    job->incident.deadline_ms = 0;
    step_timer (w, job, w->conf.controller_timeout_ms);
    return STEP_WAIT;
}

/* What a shell says of a command that a signal has ended, it says for itself. */
static bool _died_of (int status, int signo)
{
    return (WIFSIGNALED (status) && WTERMSIG (status) == signo) ||
           (WIFEXITED (status) && WEXITSTATUS (status) == 128 + signo);
}

static enum step_result _script_ended (struct warden *w, struct job *job)
{
    if (!_is_open (job))
        return STEP_WAIT;
    if (!_died_of (job->incident.status, step_rung (job)->signo))
        return _signal_over (w, job);
    report (w, job, "step", REPORT_LOG | REPORT_JOB,
            "job %s: its script has "
            "died of the signal, which is no answer",
            job->spec.key);
    return STEP_NEXT;
}

/* Has the job made room, as an answer?  Where they who were asked hold most of
 * its memory it is theirs to give back: else they are still at their checkpoint,
 * and only somebody beside them has ended. */
static bool _made_room (struct warden *w, struct job *job)
{
    const struct memcg_sent *sent = &job->incident.sent;

    if (!step_relieved (w, job, false))
        return false;
    if (job->incident.trigger == TRIGGER_PROCESS)
        return true;
    return sent->held < job->limit / 2 ||
           memcg_sent_hold (sent) + job->limit / 32 < sent->held;
}

/* One after the other: what room there is may be theirs who have died of it, and
 * the job's script may be the next. */
static bool _are_ending (struct job *job)
{
    unsigned before = job->incident.sent_left;

    job->incident.sent_left = memcg_sent_left (&job->incident.sent);
    return job->incident.sent_left < before;
}

/* All who were asked have ended, and the job is still at its limit.  A script
 * that was one of them may have answered with its exit status: how it ended is
 * known when Slurm has heard of it. */
static enum step_result _only_others_left (struct warden *w, struct job *job)
{
    if (job->spec.batch && job->incident.phase == SENT) {
        job->incident.phase = LEFT;
        step_timer (w, job, WORD_MS);
        return STEP_WAIT;
    }
    report (w, job, "step", REPORT_LOG,
            "job %s: all that were sent the "
            "signal have ended, and it is still at its limit",
            job->spec.key);
    return STEP_NEXT;
}

static enum step_result _signal_look (struct warden *w, struct job *job)
{
    bool relieved = _made_room (w, job);
    bool ending = _are_ending (job);
    /* behind the usage: who ends gives up its map before its memory, and is not
     * to be taken for one that has made room and goes on */
    bool ended = memcg_sent_ended (&job->incident.sent);

    if (job->incident.phase == ASKED) /* the request stays */
        return STEP_SOLVED;
    if (job->incident.phase == GONE)
        return _signal_over (w, job);
    if (job->spec.batch && _nobody_left (job)) {
        job->incident.phase = GONE;
        step_timer (w, job, WORD_MS);
        return STEP_WAIT;
    }
    if (ended && step_below (job))
        return _signal_over (w, job);
    if (relieved && !ending)
        return STEP_SOLVED;
    if (ended)
        return _only_others_left (w, job);
    step_timer (w, job, LOOK_MS);
    return STEP_WAIT;
}

static enum step_result _nobody (struct warden *w, struct job *job,
                                 const char *name)
{
    report (w, job, "step", REPORT_LOG | REPORT_JOB,
            "job %s: none of its "
            "processes catches signal %s: nobody can answer it, so it is not "
            "sent",
            job->spec.key, name);
    return STEP_NEXT;
}

/* Whoever has passed its limit is sent what it can answer; a person may send anything. */
static bool _is_deaf (const struct job *job, const struct one *one)
{
    return job->incident.trigger == TRIGGER_PROCESS &&
           !hears (one->is.pid, step_rung (job)->signo);
}

static enum step_result _signal_deaf (struct warden *w, struct job *job,
                                      struct one *one, const char *name)
{
    report (w, job, "step", REPORT_LOG | REPORT_JOB,
            "job %s: process %d does not catch signal %s, so it is not sent",
            job->spec.key, (int) one->is.pid, name);
    one_drop (one);
    return STEP_NEXT;
}

/* To the one process that the rung names. */
static enum step_result _signal_one (struct warden *w, struct job *job)
{
    struct incident *in = &job->incident;
    int signo = step_rung (job)->signo, rc;
    char what[40], buf[16];
    const char *name = mw_signal_format (signo, buf, sizeof (buf));
    struct mw_err err;
    struct one one;

    if (one_choose (job, &one, &err) < 0) {
        report (w, job, "step", REPORT_LOG | REPORT_JOB,
                "%s: signal %s is not sent", err.text, name);
        return STEP_NEXT;
    }
    if (_is_deaf (job, &one))
        return _signal_deaf (w, job, &one, name);
    step_open_reserve (w, job, true);
    in->phase = SENT;
    snprintf (what, sizeof (what), "sent signal %s to", name);
    one_tell (w, job, what, &one);
    in->sent = (struct memcg_sent) {
        .n = 1,
        .held = hears_holds (one.is.pid),
        .task = { { .pid = one.is.pid, .started = one.is.started } },
    };
    in->sent_left = 1;
    rc = member_signal (one.fd, one.is.pid, signo);
    one_drop (&one);
    if (rc < 0 && errno != ESRCH) {
        mw_err_errno (&err, "signal %s", name);
        report_failed (w, job, "cannot signal it", &err);
        return STEP_NEXT;
    }
    step_timer (w, job, LOOK_MS);
    return STEP_WAIT;
}

static enum step_result _signal_seek (struct warden *w, struct job *job)
{
    if (one_begin (w, job))
        return _signal_one (w, job);
    return one_waits (w, job, LOOKING);
}

static enum step_result _signal_timer (struct warden *w, struct job *job)
{
    if (job->incident.phase != LOOKING)
        return _signal_look (w, job);
    return one_look (w, job, false) ? _signal_one (w, job) : STEP_WAIT;
}

/* Its reserve is full: who is guilty has shown it. */
static enum step_result _signal_again (struct warden *w, struct job *job)
{
    return job->incident.phase == LOOKING ? _signal_one (w, job) : STEP_WAIT;
}

/* A look is forgotten, and begun anew. */
static enum step_result _signal_recover (struct warden *w, struct job *job)
{
    int phase = job->incident.phase;

    if (phase == LOOKING ||
        (phase == 0 && mw_target_is_one (step_rung (job)->target)))
        return _signal_seek (w, job);
    return _signal_look (w, job);
}

static enum step_result _signal_start (struct warden *w, struct job *job)
{
    const struct mw_ladder_step *s = step_rung (job);
    char buf[16];
    const char *name = mw_signal_format (s->signo, buf, sizeof (buf));
    struct incident *in = &job->incident;
    bool to_all = s->target == MW_TARGET_ALL;
    struct mw_err err;
    int n;

    if (mw_target_is_one (s->target))
        return _signal_seek (w, job);
    n = memcg_ask (&job->memcg, s->signo, to_all, true, NULL, &err);
    if (n == 0)
        return _nobody (w, job, name);
    step_open_reserve (w, job, true);
    in->phase = SENT;
    report (w, job, "step", REPORT_LOG | REPORT_JOB,
            "job %s: sent signal %s to "
            "%s",
            job->spec.key, name,
            to_all ? "all its processes" : "its processes that catch it");
    if (n > 0)
        n = memcg_ask (&job->memcg, s->signo, to_all, false, &in->sent, &err);
    in->sent_left = memcg_sent_left (&in->sent);
    if (n < 0) {
        report_failed (w, job, "cannot signal it", &err);
        return STEP_NEXT;
    }
    step_timer (w, job, LOOK_MS);
    return STEP_WAIT;
}

static enum step_result _signal_answered (struct warden *w, struct job *job,
                                          const struct spool_answer *a)
{
    (void) w;
    (void) job;
    (void) a;
    return STEP_SOLVED;
}

static enum step_result _signal_deadline (struct warden *w, struct job *job)
{
    if (job->incident.phase == GONE)
        return _signal_over (w, job);
    if (job->incident.phase == LOOKING) /* a short T */
        return STEP_NEXT;
    return step_relieved (w, job, true) ? STEP_SOLVED : STEP_NEXT;
}

const struct step_ops step_signal = {
    .kind = MW_STEP_SIGNAL,
    .done = "it has answered the signal",
    .start = _signal_start,
    .again = _signal_again,
    .timer = _signal_timer,
    .deadline = _signal_deadline,
    .answer = _signal_answered,
    .script_ended = _script_ended,
    .ended = _signal_ended,
    .recover = _signal_recover,
};
