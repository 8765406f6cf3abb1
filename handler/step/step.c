/* step.c - the table of steps, and what several of them do to a job */

#include "handler/step/step.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "handler/account/aftermath.h"
#include "handler/account/headroom.h"
#include "handler/memcg/members.h"
#include "handler/record/ask.h"
#include "handler/record/leftover.h"
#include "handler/record/report.h"
#include "handler/record/request.h"
#include "handler/record/story.h"
#include "handler/step/freezer.h"
#include "lib/clock.h"
#include "lib/json_put.h"

extern const struct step_ops step_hold, step_grow, step_reclaim, step_slow,
    step_enomem, step_signal, step_dump, step_suspend, step_requeue,
    step_hold_one, step_kill_one;

const struct step_ops *const step_table[MW_STEP_COUNT] = {
    [MW_STEP_HOLD] = &step_hold,         [MW_STEP_GROW] = &step_grow,
    [MW_STEP_RECLAIM] = &step_reclaim,   [MW_STEP_SLOW] = &step_slow,
    [MW_STEP_ENOMEM] = &step_enomem,     [MW_STEP_SIGNAL] = &step_signal,
    [MW_STEP_DUMP] = &step_dump,         [MW_STEP_SUSPEND] = &step_suspend,
    [MW_STEP_REQUEUE] = &step_requeue,   [MW_STEP_HOLD_ONE] = &step_hold_one,
    [MW_STEP_KILL_ONE] = &step_kill_one, [MW_STEP_KILL] = &step_kill,
};

#define KILLS_FAST 200

/* ---- the causes ---------------------------------------------------------- */

const struct mw_ladder_step *step_rung (const struct job *job)
{
    return &job->incident.ladder->step[job->incident.step];
}

enum step_result step_wait (struct warden *w, struct job *job)
{
    (void) w;
    (void) job;
    return STEP_WAIT;
}

enum step_result step_next (struct warden *w, struct job *job)
{
    (void) w;
    (void) job;
    return STEP_NEXT;
}

static step_handler *_handler (const struct step_ops *ops,
                               enum step_cause cause)
{
    switch (cause) {
    case STEP_START:
        return ops->start;
    case STEP_AGAIN:
        return ops->again;
    case STEP_TIMER:
        return ops->timer;
    case STEP_DEADLINE:
        return ops->deadline ? ops->deadline : step_next;
    case STEP_HEADROOM:
        return ops->headroom;
    case STEP_WOKEN:
        return ops->woken;
    case STEP_SCRIPT_ENDED:
        return ops->script_ended;
    case STEP_RECOVER:
        return ops->recover ? ops->recover : ops->timer;
    case STEP_ANSWER:
        break; /* that has an argument more */
    }
    return NULL;
}

enum step_result step_run (struct warden *w, struct job *job,
                           enum step_cause cause,
                           const struct spool_answer *answer)
{
    const struct step_ops *ops = step_table[step_rung (job)->kind];
    step_handler *handler = _handler (ops, cause);
    enum step_result r;

    if (cause == STEP_ANSWER && ops->answer)
        return ops->answer (w, job, answer);
    r = handler ? handler (w, job) : STEP_WAIT;
    if (cause == STEP_START && r != STEP_NEXT)
        report_deed (w);
    return r;
}

/* ---- what several do ----------------------------------------------------- */

void step_timer (struct warden *w, struct job *job, uint64_t ms)
{
    (void) w;
    job->incident.again_ms = clock_ms () + ms;
}

bool step_below (struct job *job)
{
    if (job_read_usage (job) < 0)
        return false;
    return job->usage.used + job->limit / 32 < job->limit;
}

/* Is the process that has passed its limit gone, or below it again? */
static bool _step_process_below (const struct job *job)
{
    const struct incident *in = &job->incident;
    struct member one;

    return member_read ((pid_t) in->target_pid, job->spec.uid, &one) < 0 ||
           one.started != in->target_started ||
           member_holds (&one) <= in->target_limit;
}

bool step_relieved (struct warden *w, struct job *job, bool last)
{
    const struct incident *in = &job->incident;

    if (in->trigger == TRIGGER_PROCESS)
        return _step_process_below (job);
    if (memcg_populated (&job->memcg) == 0)
        return true;
    if (in->trigger == TRIGGER_ADMIN) /* it may be held behind it */
        return last && in->step + 1 == in->ladder->count;
    if (in->trigger == TRIGGER_NODE)
        return last && !w->up.node_is_short (w);
    return step_below (job);
}

bool step_has_reserve (struct warden *w, struct job *job, struct mw_err *why)
{
    (void) w;
    if (job->reserve > 0 || job->incident.trigger != TRIGGER_JOB)
        return true;
    mw_err_set (why, "it has no reserve to go on in");
    return false;
}

/* On v1 who is SIGKILLed must be thawed to die, and without proctrack/cgroup Slurm
 * has no freezer: it does not know the one that our plugin has made. */
#define MADE "/memwarden/"
#define KILLED_LOOK_MS 1000

static bool _slurm_cannot_thaw (const struct job *job)
{
    return job->spec.slurm_id != 0 && job->freezer_path &&
           strstr (job->freezer_path, MADE);
}

/* [job] is frozen now. */
static void _step_watch (struct warden *w, struct job *job)
{
    step_watch_freezer (w, job);
    job->incident.killed_look_ms = job->incident.frozen &&
                                           _slurm_cannot_thaw (job)
                                       ? clock_ms () + KILLED_LOOK_MS
                                       : 0;
}

void step_killed_look (struct warden *w, struct job *job)
{
    struct incident *in = &job->incident;

    if (in->killed_look_ms == 0 || clock_ms () < in->killed_look_ms)
        return;
    in->killed_look_ms = in->frozen ? clock_ms () + KILLED_LOOK_MS : 0;
    if (in->frozen && memcg_dying (&job->memcg))
        step_freeze (w, job, false);
}

static void _record_freeze (struct warden *w, struct job *job, bool on)
{
    struct incident *in = &job->incident;
    uint64_t ms = in->frozen_ms ? clock_ms () - in->frozen_ms : 0;
    char a[MW_SIZE_STRLEN], out[64] = "", more[80];
    struct json_put p = { .text = more, .size = sizeof (more) };

    in->frozen = on;
    in->frozen_ms = on ? clock_ms () : 0;
    if (on) {
        report (w, job, "held", REPORT_LOG,
                "job %s: held (its tasks are "
                "frozen)",
                job->spec.key);
        return;
    }
    if (in->pushed > 0)
        snprintf (out, sizeof (out), "; %s of it had been moved to swap",
                  mw_size_format (in->pushed, a, sizeof (a)));
    json_put_number (&p, "frozen_for_ms", ms);
    json_put_number (&p, "pushed", in->pushed);
    report_more (w, job, "thawed", REPORT_LOG, json_put_done (&p),
                 "job %s: "
                 "goes on (its tasks are thawed) after %" PRIu64 ".%" PRIu64
                 " s%s",
                 job->spec.key, ms / 1000, ms % 1000 / 100, out);
}

void step_failed (struct warden *w, struct job *job, const char *what,
                  const struct mw_err *why)
{
    if (job->incident.undo_tries == 0)
        report_failed (w, job, what, why);
}

bool step_nothing_there (int error)
{
    return error == ENODEV || error == ESRCH;
}

/* What undoes is recorded when it is done: a warden that is killed in between has
 * it in its journal as it was, and whoever takes over as that has it. */
static int _step_thaw (struct warden *w, struct job *job)
{
    struct mw_err err;

    if (job->memcg.ops->freeze (&job->memcg, false, &err) < 0 &&
        !step_nothing_there (errno)) {
        step_failed (w, job, "cannot thaw it", &err);
        return -1;
    }
    _record_freeze (w, job, false);
    return 0;
}

int step_freeze (struct warden *w, struct job *job, bool on)
{
    struct mw_err err;

    if (job->incident.frozen == on)
        return 0;
    if (!on && job->incident.slurm_stops_ms) {
        job->incident.frozen = false;
        job->incident.frozen_ms = 0;
        report (w, job, "step", REPORT_LOG,
                "job %s: left frozen, as Slurm has "
                "suspended it",
                job->spec.key);
        return 0;
    }
    if (!on)
        return _step_thaw (w, job);
    _record_freeze (w, job, true);
    if (job->memcg.ops->freeze (&job->memcg, true, &err) == 0) {
        _step_watch (w, job);
        return 0;
    }
    job->incident.frozen = false;
    report_failed (w, job, "cannot freeze it", &err);
    return -1;
}

void step_freeze_again (struct warden *w, struct job *job)
{
    bool on = job->incident.frozen;
    struct mw_err err;

    if (job->memcg.ops->freeze (&job->memcg, on, &err) < 0)
        report_failed (w, job, on ? "cannot freeze it" : "cannot thaw it",
                       &err);
    _step_watch (w, job);
}

static int _close_reserve (struct warden *w, struct job *job)
{
    char a[MW_SIZE_STRLEN];
    struct mw_err err;

    if (job_assert_limit (job, &err) < 0 && errno != ENODEV) {
        job->incident.reserve_open = true;
        step_failed (w, job, "cannot close its reserve", &err);
        return -1;
    }
    report (w, job, "returned", REPORT_LOG,
            "job %s: its reserve of %s is closed", job->spec.key,
            mw_size_format (job->reserve, a, sizeof (a)));
    return 0;
}

int step_open_reserve (struct warden *w, struct job *job, bool on)
{
    char a[MW_SIZE_STRLEN];
    struct mw_err err;

    if (job->incident.reserve_open == on || (on && job->reserve == 0))
        return 0;
    if (on && job->incident.trigger == TRIGGER_PROCESS)
        return 0; /* the job is not at its limit */
    job->incident.reserve_open = on;
    if (!on)
        return _close_reserve (w, job);
    report (w, job, "lent", REPORT_LOG, "job %s: its reserve of %s is open",
            job->spec.key, mw_size_format (job->reserve, a, sizeof (a)));
    if (job_assert_limit (job, &err) == 0)
        return 0;
    job->incident.reserve_open = false;
    report_failed (w, job, "cannot open its reserve", &err);
    return -1;
}

int step_lend (struct warden *w, struct job *job, uint64_t bytes)
{
    char a[MW_SIZE_STRLEN], b[MW_SIZE_STRLEN], more[REPORT_LENT];
    struct incident *in = &job->incident;
    struct mw_err err;

    in->lent += bytes;
    report_more (w, job, "lent", REPORT_LOG | REPORT_JOB,
                 report_lent (job, bytes, more), "job %s: grown by %s to %s",
                 job->spec.key, mw_size_format (bytes, a, sizeof (a)),
                 mw_size_format (job->limit + in->lent, b, sizeof (b)));
    if (job_assert_limit (job, &err) == 0)
        return 0;
    in->lent -= bytes;
    job_commit (job);
    report_failed (w, job, "cannot be grown", &err);
    return -1;
}

int step_return (struct warden *w, struct job *job)
{
    char a[MW_SIZE_STRLEN], b[MW_SIZE_STRLEN], more[REPORT_LENT];
    struct incident *in = &job->incident;
    uint64_t lent = in->lent;
    struct mw_err err;

    if (lent == 0)
        return 0;
    in->lent = 0;
    if (job_assert_limit (job, &err) < 0 && errno != ENODEV) {
        in->lent = lent;
        job_commit (job);
        step_failed (w, job, "cannot take back what it was lent", &err);
        return -1;
    }
    report_more (w, job, "returned", REPORT_LOG | REPORT_JOB,
                 report_lent (job, lent, more),
                 "job %s: gave back the %s it was lent; its limit is %s again",
                 job->spec.key, mw_size_format (lent, a, sizeof (a)),
                 mw_size_format (job->limit, b, sizeof (b)));
    warden_room (w);
    return 0;
}

bool step_of_slurm (const struct warden *w, const struct job *job)
{
    (void) w;
    return job->spec.slurm_id != 0;
}

/* Slurm's suspend stops tasks by signal besides the freezer, so they are told
 * to go on also where its resume is late. */
void step_unsuspend (struct warden *w, struct job *job)
{
    struct incident *in = &job->incident;

    if (!in->suspended)
        return;
    /* each try is in the log: ever fewer of them */
    if ((in->undo_tries & (in->undo_tries - 1)) != 0)
        return;
    if (in->request[0])
        request_cancel (w, in->request);
    in->request[0] = '\0';
    in->suspended = false;
    if (ask (w, job, SPOOL_RESUME, NULL, false) < 0) {
        in->suspended = true;
        return;
    }
    job->resumed_ms = clock_ms ();
    memcg_signal (&job->memcg, SIGCONT, NULL);
}

/* Is no task of [job] left?  Not being able to look is no answer. */
static bool _is_empty (struct job *job)
{
    return memcg_gone (&job->memcg) || memcg_populated (&job->memcg) == 0;
}

/* What a job may be charged with when none of its tasks is left: what CPUs hold in
 * stock, kernel memory that is freed later, a slurmstepd (v2). */
#define GONE_BYTES (4 * MW_MIB)
#define GONE_LOOK_MS 10

/* Is the memory of [job], of which no task is left, free?  It is waited for as long
 * as it gets less; what does not are files in a tmpfs, which no kill removes. */
static bool _is_free (struct warden *w, struct job *job)
{
    uint64_t was = job->incident.stays;
    char text[LEFTOVER_TEXT], more[LEFTOVER_MORE];
    struct json_put p = { .text = more, .size = sizeof (more) };
    struct leftover left;

    if (job_read_usage (job) < 0 || job->usage.used <= GONE_BYTES)
        return true;
    job->incident.stays = job->usage.used;
    if (was == 0 || job->usage.used < was) {
        step_timer (w, job, GONE_LOOK_MS);
        return false;
    }
    if (job->usage.used < JOB_STAYS_BYTES)
        return true;
    leftover_look (job, &left);
    leftover_put (&p, &left);
    report_more (w, job, "step", REPORT_LOG | REPORT_JOB, json_put_done (&p),
                 "job %s: all its processes are gone, %s", job->spec.key,
                 leftover_text (&left, text));
    return true;
}

/* A job that Slurm has suspended is killed by slurmd in the moment it hears of
 * its end.  In 22.05 and 24.11, a step whose tasks end by somebody else's hand
 * in that moment may hang (its slurmstepd starts its terminate monitor once more
 * while it joins the first), and the node is drained: "Kill task failed".  So
 * whoever has ended it for Slurm leaves the killing to slurmd, and comes for what
 * is left after controller-timeout. */
static bool _left_to_slurm (struct warden *w, struct job *job)
{
    struct incident *in = &job->incident;
    uint64_t now = clock_ms (), waited;

    if (!in->slurm_ends)
        return false;
    if (in->ends_ms == 0) {
        in->ends_ms = now;
        in->kills = 1;
        report (w, job, "step", REPORT_LOG,
                "job %s: suspended as it is, Slurm "
                "kills it",
                job->spec.key);
    }
    if (_slurm_cannot_thaw (job)) /* at each look: it may fail */
        job->memcg.ops->freeze (&job->memcg, false, NULL);
    waited = now - in->ends_ms;
    if (waited >= w->conf.controller_timeout_ms) {
        in->slurm_ends = false;
        report (w, job, "step", REPORT_LOG,
                "job %s: Slurm has not killed all "
                "of it in %" PRIu64 " ms",
                job->spec.key, waited);
        return false;
    }
    waited /= 4; /* so it is looked at 25 times, whatever the time-out */
    step_timer (w, job, waited < 10 ? 10 : waited);
    return true;
}

/* Tasks that do not die of it are in the kernel (state D): after KILLS_FAST
 * rounds that is said, and they are only looked at each second. */
enum step_result step_kill_all (struct warden *w, struct job *job)
{
    struct incident *in = &job->incident;
    struct mw_err err = { "they do not die of SIGKILL" };
    unsigned left = 0;
    int rc;

    in->frozen = false;
    in->suspended = false;
    if (_left_to_slurm (w, job))
        return _is_empty (job) && _is_free (w, job) ? STEP_SOLVED : STEP_WAIT;
    rc = job->memcg.ops->kill (&job->memcg, &left, &err);
    if (rc < 0 && errno == ENODEV)
        return STEP_SOLVED;
    if (rc == 0 && left == 0 && _is_empty (job))
        return _is_free (w, job) ? STEP_SOLVED : STEP_WAIT;
    if (++in->kills == KILLS_FAST) {
        report (w, job, "failed", REPORT_LOG,
                "job %s: %u processes cannot be killed: %s", job->spec.key,
                left, err.text);
        aftermath_stuck (w, job, left);
    }
    step_timer (w, job, in->kills < KILLS_FAST ? 10 : 1000);
    return STEP_WAIT;
}

static const struct mw_ladder_step *_refused_grow (const struct incident *in)
{
    for (unsigned i = in->step; in->grow_refused && i-- > 0;) {
        if (in->ladder->step[i].kind == MW_STEP_GROW)
            return &in->ladder->step[i];
    }
    return NULL;
}

/* Has the pool a piece that it is worth to come back for?  One that comes back
 * for a MiB is at its limit again at once: resume-at, or what a grow usually
 * lends, or all that this one still may. */
static bool _piece_is_free (struct warden *w, struct job *job,
                            const struct mw_amount *grow)
{
    static const struct mw_amount usual = { .kind = MW_AMOUNT_NONE };
    uint64_t limit = job->limit + job->incident.lent, piece;
    struct policy_node node;
    unsigned n;

    piece = mw_amount_of (&w->conf.resume_at, headroom_capacity (w), 0);
    piece = mw_least (piece, policy_grow (&usual, limit, job->incident.lent,
                                          UINT64_MAX));
    piece = mw_least (piece, policy_grow (grow, limit, job->incident.lent,
                                          UINT64_MAX));
    n = headroom_snapshot (w, &node, w->scratch, w->scratch_max);
    return headroom_left (w, &node, n) >= piece;
}

/* Who is below its limit by itself, and not since that was raised, may be at it again at
 * once: what the kernel counts varies by what CPUs have in stock, which is much of a
 * small limit.  The next time it waits for twice as long. */
#define BACK_MS 250
#define BACK_DOUBLED_MAX 8 /* 64 s */

static bool _in_vain (struct job *job)
{
    struct incident *in = &job->incident;
    unsigned n = job->backs < BACK_DOUBLED_MAX ? job->backs : BACK_DOUBLED_MAX;
    uint64_t due = in->step_ms + ((uint64_t) BACK_MS << n);

    if (job->backs == 0 || job->limit > job->back_limit || clock_ms () >= due)
        return false;
    if (in->again_ms == 0 || in->again_ms > due)
        in->again_ms = due;
    return true;
}

static enum step_result _goes_back (struct job *job, bool asked)
{
    if (memcg_dying (&job->memcg) || (!asked && _in_vain (job)))
        return STEP_WAIT;
    job->back_ms = clock_ms ();
    job->back_limit = job->limit;
    return STEP_SOLVED;
}

void step_was_back (struct job *job)
{
    bool vain = job->back_ms && clock_ms () - job->back_ms < STEP_VAIN_MS;

    job->backs = vain ? job->backs + 1 : 0;
    job->back_ms = 0;
}

enum step_result step_look_for_room (struct warden *w, struct job *job,
                                     bool asked)
{
    const struct mw_ladder_step *grow = _refused_grow (&job->incident);

    if (job->incident.trigger == TRIGGER_ADMIN)
        return STEP_WAIT;
    if (job->incident.trigger == TRIGGER_NODE)
        return w->up.node_may_return (w, job) ? STEP_SOLVED : STEP_WAIT;
    if (job->incident.trigger == TRIGGER_JOB && step_below (job))
        return _goes_back (job, asked);
    if (grow && headroom_may_lend (w, job, &grow->amount) > 0 &&
        (asked || _piece_is_free (w, job, &grow->amount)))
        return STEP_BACK;
    return STEP_WAIT;
}
