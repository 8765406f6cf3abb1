/* step.c - the table of steps, and what several of them do to a job */

#include "handler/step.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "handler/clock.h"
#include "handler/json_put.h"
#include "handler/node.h"

extern const struct step_ops step_hold, step_grow, step_reclaim, step_slow,
    step_enomem, step_signal, step_dump, step_suspend, step_requeue, step_kill;

const struct step_ops *const step_table[MW_STEP_COUNT] = {
    [MW_STEP_HOLD] = &step_hold,
    [MW_STEP_GROW] = &step_grow,
    [MW_STEP_RECLAIM] = &step_reclaim,
    [MW_STEP_SLOW] = &step_slow,
    [MW_STEP_ENOMEM] = &step_enomem,
    [MW_STEP_SIGNAL] = &step_signal,
    [MW_STEP_DUMP] = &step_dump,
    [MW_STEP_SUSPEND] = &step_suspend,
    [MW_STEP_REQUEUE] = &step_requeue,
    [MW_STEP_KILL] = &step_kill,
};

/* memory.high throttles but a task can get past it: the wall behind it (v2) is
 * never so near that the kernel would kill before the warden has acted. */
#define WALL_MIN (32 * MW_MIB)

#define KILLS_FAST 200

void step_timer (struct warden *w, struct job *job, uint64_t ms)
{
    (void) w;
    job->incident.again_ms = clock_ms () + ms;
}

static void _take_usage (struct job *job, const struct memcg_usage *u)
{
    job->usage = *u;
    if (u->total > job->peak)
        job->peak = u->total;
    if (u->peak > job->peak)
        job->peak = u->peak;
}

int step_read_usage (struct job *job)
{
    struct memcg_usage u;

    if (job->memcg.ops->read_usage (&job->memcg, &u, NULL) < 0)
        return -1;
    _take_usage (job, &u);
    return 0;
}

/* The look that found the OOM has read it: memory.stat takes longer to read
 * than all the rest of an answer (33 us). */
void step_seen_usage (struct job *job)
{
    _take_usage (job, &job->memcg.seen);
}

bool step_below (struct job *job)
{
    if (step_read_usage (job) < 0)
        return false;
    return job->usage.used + job->limit / 32 < job->limit;
}

bool step_relieved (struct warden *w, struct job *job, bool last)
{
    if (memcg_populated (&job->memcg) == 0)
        return true;
    if (job->incident.trigger == TRIGGER_NODE)
        return last && !node_is_short (w);
    return step_below (job);
}

bool step_has_reserve (struct warden *w, struct job *job, struct mw_err *why)
{
    (void) w;
    if (job->reserve > 0 || job->incident.trigger == TRIGGER_NODE)
        return true;
    mw_err_set (why, "it has no reserve to go on in");
    return false;
}

int step_assert_limit (struct job *job, struct mw_err *err)
{
    uint64_t limit = job->limit + job->incident.lent;
    uint64_t wall = job->reserve > WALL_MIN ? job->reserve : WALL_MIN;

    job_commit (job);
    if (job->memcg.shadow)
        return 0;
    if (job->incident.reserve_open)
        limit += job->reserve;
    return job->memcg.ops->set_limit (&job->memcg, limit, wall, err);
}

static void _record_freeze (struct warden *w, struct job *job, bool on)
{
    struct incident *in = &job->incident;
    uint64_t ms = in->frozen_ms ? clock_ms () - in->frozen_ms : 0;
    char a[MW_SIZE_STRLEN], out[64] = "", more[80];

    in->frozen = on;
    in->frozen_ms = on ? clock_ms () : 0;
    if (on) {
        report (w, job, "held", REPORT_LOG, "job %s: held (its tasks are "
                "frozen)", job->spec.key);
        return;
    }
    if (in->pushed > 0)
        snprintf (out, sizeof (out), "; %s of it had been moved to swap",
                  mw_size_format (in->pushed, a, sizeof (a)));
    snprintf (more, sizeof (more), "\"frozen_for_ms\":%" PRIu64
              ",\"pushed\":%" PRIu64, ms, in->pushed);
    report_more (w, job, "thawed", REPORT_LOG, more, "job %s: goes on (its "
                 "tasks are thawed) after %" PRIu64 ".%" PRIu64 " s%s",
                 job->spec.key, ms / 1000, ms % 1000 / 100, out);
}

int step_freeze (struct warden *w, struct job *job, bool on)
{
    struct mw_err err;

    if (job->incident.frozen == on)
        return 0;
    _record_freeze (w, job, on);
    if (job->memcg.ops->freeze (&job->memcg, on, &err) == 0)
        return 0;
    job->incident.frozen = !on;
    report (w, job, "failed", REPORT_LOG, "job %s: cannot %s it: %s",
            job->spec.key, on ? "freeze" : "thaw", err.text);
    return -1;
}

int step_open_reserve (struct warden *w, struct job *job, bool on)
{
    char a[MW_SIZE_STRLEN];
    struct mw_err err;

    if (job->incident.reserve_open == on || job->reserve == 0)
        return 0;
    job->incident.reserve_open = on;
    report (w, job, on ? "lent" : "returned", REPORT_LOG,
            on ? "job %s: its reserve of %s is open"
               : "job %s: its reserve of %s is closed", job->spec.key,
            mw_size_format (job->reserve, a, sizeof (a)));
    if (step_assert_limit (job, &err) == 0)
        return 0;
    job->incident.reserve_open = !on;
    report (w, job, "failed", REPORT_LOG, "job %s: cannot %s its reserve: %s",
            job->spec.key, on ? "open" : "close", err.text);
    return -1;
}

int step_lend (struct warden *w, struct job *job, uint64_t bytes)
{
    char a[MW_SIZE_STRLEN], b[MW_SIZE_STRLEN];
    struct incident *in = &job->incident;
    struct mw_err err;

    in->lent += bytes;
    report (w, job, "lent", REPORT_LOG | REPORT_JOB,
            "job %s: grown by %s to %s", job->spec.key,
            mw_size_format (bytes, a, sizeof (a)),
            mw_size_format (job->limit + in->lent, b, sizeof (b)));
    if (step_assert_limit (job, &err) == 0)
        return 0;
    in->lent -= bytes;
    job_commit (job);
    report (w, job, "failed", REPORT_LOG, "job %s: cannot be grown: %s",
            job->spec.key, err.text);
    return -1;
}

int step_return (struct warden *w, struct job *job)
{
    char a[MW_SIZE_STRLEN], b[MW_SIZE_STRLEN];
    struct incident *in = &job->incident;
    uint64_t lent = in->lent;
    struct mw_err err;

    if (lent == 0)
        return 0;
    in->lent = 0;
    report (w, job, "returned", REPORT_LOG | REPORT_JOB,
            "job %s: gave back the %s it was lent; its limit is %s again",
            job->spec.key, mw_size_format (lent, a, sizeof (a)),
            mw_size_format (job->limit, b, sizeof (b)));
    if (step_assert_limit (job, &err) < 0 && errno != ENODEV) {
        in->lent = lent;
        job_commit (job);
        report (w, job, "failed", REPORT_LOG,
                "job %s: cannot take back what it was lent: %s",
                job->spec.key, err.text);
        return -1;
    }
    warden_room (w);
    return 0;
}

/* 2 KiB that need not be on the stack; for [job], all else is the caller's. */
static struct spool_request *_request (struct job *job, enum spool_op op)
{
    static struct spool_request r;

    r = (struct spool_request) {
        .slurm_id = job->spec.slurm_id,
        .array_job_id = job->spec.array_job_id,
        .array_task_id = job->spec.array_task_id,
        .restart_count = job->spec.restart_count,
        .op = op,
    };
    snprintf (r.job, sizeof (r.job), "%s", job->spec.key);
    return &r;
}

/* Name [r] and hand it over. */
static int _ask (struct warden *w, struct job *job, struct spool_request *r,
                 bool await)
{
    const char *name = spool_op_name[r->op];
    bool hook = r->op == SPOOL_HOOK;
    struct mw_err err;

    spool_make_id (r, ++w->request_seq);
    if (await)
        snprintf (job->incident.request, sizeof (job->incident.request), "%s",
                  r->id);
    report (w, job, "asked", REPORT_LOG, "job %s: the %s is asked: %s%s%s",
            job->spec.key, hook ? "courier" : "controller", name,
            r->arg[0] ? " " : "", r->arg);
    if (spool_put (&w->spool, r, &err) == 0)
        return 0;
    if (await)
        job->incident.request[0] = '\0';
    report (w, job, "failed", REPORT_LOG, "job %s: cannot ask for %s: %s",
            job->spec.key, name, err.text);
    return -1;
}

int step_ask (struct warden *w, struct job *job, enum spool_op op,
              uint64_t mem_mb, const char *text, bool await)
{
    struct spool_request *r;

    /* what is said of the job until now is told first: once it is suspended,
     * requeued or over, the controller tells it nothing any more */
    if (await)
        report_flush (w);
    r = _request (job, op);
    r->mem_mb = mem_mb;
    snprintf (r->text, sizeof (r->text), "%s", text ? text : "");
    return _ask (w, job, r, await);
}

/* Sizes in bytes. Without the path where that makes it too long. */
static void _describe (const struct job *job, const char *event,
                       const char *outcome, char *buf, size_t len)
{
    static const char *const triggers[] = { "job", "node", "kernel", "admin" };
    char path[MEMCG_PATH_MAX];
    int n;

    n = snprintf (buf, len, "{\"event\":\"%s\",\"trigger\":\"%s\",\"outcome\""
                  ":\"%s\",\"job\":\"%s\",\"uid\":%u,"
                  "\"slurm_id\":%u,\"incident\":\"%s.%u\",\"used\":%" PRIu64
                  ",\"peak\":%" PRIu64 ",\"limit\":%" PRIu64 ",\"reservation\""
                  ":%" PRIu64 ",\"reserve\":%" PRIu64 ",\"priority\":%u}",
                  event, triggers[job->incident.trigger],
                  outcome ? outcome : "", job->spec.key,
                  (unsigned) job->spec.uid,
                  (unsigned) job->spec.slurm_id, job->spec.key,
                  job->incident.number, job->usage.used, job->peak, job->limit,
                  job->reservation, job->reserve, job->priority);
    json_escape (job->memcg.path, path, sizeof (path));
    if (n > 0 && (size_t) n + strlen (path) + sizeof (",\"memory\":\"\"") < len)
        snprintf (buf + n - 1, len - (size_t) n, ",\"memory\":\"%s\"}", path);
}

int step_ask_hook (struct warden *w, struct job *job, const char *hook,
                   const char *outcome, uint64_t not_after_ms)
{
    struct spool_request *r = _request (job, SPOOL_HOOK);

    snprintf (r->arg, sizeof (r->arg), "%s", hook);
    _describe (job, outcome ? "resolved" : "dump", outcome, r->text,
               sizeof (r->text));
    r->not_after_ms = not_after_ms;
    return _ask (w, job, r, !outcome);
}

/* Slurm's suspend stops tasks by signal besides the freezer, so they are told
 * to go on also where its resume is late. */
void step_unsuspend (struct warden *w, struct job *job)
{
    struct incident *in = &job->incident;

    if (!in->suspended)
        return;
    if (in->request[0])
        spool_cancel (&w->spool, in->request);
    in->request[0] = '\0';
    in->suspended = false;
    step_ask (w, job, SPOOL_RESUME, 0, NULL, false);
    memcg_signal (&job->memcg, SIGCONT, NULL);
}

/* Tasks that do not die of it are in the kernel (state D): after KILLS_FAST
 * rounds that is said, and they are only looked at each second. */
enum step_result step_kill_all (struct warden *w, struct job *job)
{
    struct incident *in = &job->incident;
    struct mw_err err = { "they do not die of SIGKILL" };
    unsigned left = 0;
    int rc = job->memcg.ops->kill (&job->memcg, &left, &err);

    in->frozen = false;
    in->suspended = false;
    if ((rc < 0 && errno == ENODEV) ||
        (left == 0 && memcg_populated (&job->memcg) <= 0))
        return STEP_SOLVED;
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

    piece = mw_amount_of (&w->conf.resume_at, warden_capacity (w), 0);
    piece = mw_least (piece, policy_grow (&usual, limit, job->incident.lent,
                                          UINT64_MAX));
    piece = mw_least (piece, policy_grow (grow, limit, job->incident.lent,
                                          UINT64_MAX));
    n = warden_snapshot (w, &node, w->scratch, w->scratch_max);
    return warden_headroom (w, &node, n) >= piece;
}

enum step_result step_look_for_room (struct warden *w, struct job *job,
                                     bool asked)
{
    const struct mw_ladder_step *grow = _refused_grow (&job->incident);

    if (job->incident.trigger == TRIGGER_ADMIN)
        return STEP_WAIT;
    if (job->incident.trigger == TRIGGER_NODE)
        return node_may_return (w, job) ? STEP_SOLVED : STEP_WAIT;
    if (job->incident.trigger == TRIGGER_JOB && step_below (job))
        return STEP_SOLVED;
    if (grow && warden_may_lend (w, job, &grow->amount) > 0 &&
        (asked || _piece_is_free (w, job, &grow->amount)))
        return STEP_BACK;
    return STEP_WAIT;
}
