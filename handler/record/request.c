/* request.c - what every request to the courier has: see request.h */
#include "handler/record/request.h"

#include <errno.h>
#include <stdio.h>

#include "handler/job/warden.h"
#include "handler/spool/waiting.h"
#include "lib/clock.h"

/* So many lines for a job's stderr may wait: what is to be said meanwhile is
 * counted, and that is said in the next one. */
#define LINES_MAX 4

static void _of_job (struct spool_request *r, const struct job *job)
{
    *r = (struct spool_request) {
        .slurm_id = job->spec.slurm_id,
        .uid = job->spec.uid,
        .array_job_id = job->spec.array_job_id,
        .array_task_id = job->spec.array_task_id,
        .restart_count = job->facts.known ? job->facts.restarts
                                          : SPOOL_RUN_UNKNOWN,
        /* a wall clock that has been set since does not matter */
        .since_s = clock_wall_us () / 1000000 -
                   (clock_ms () - job->registered_ms) / 1000,
    };
    snprintf (r->job, sizeof (r->job), "%s", job->spec.key);
}

/* As its step has decided; 2^20 bytes are what Slurm counts in. */
static void _with_memory (struct spool_request *r, const struct job *job)
{
    r->mem_mb = job->incident.requeue_mb;
    r->tries = job->incident.requeue_tries;
    r->peak = mw_least (job->peak, job->allowed);
    if (r->tries > 0)
        r->max_mb = job->retry.max / MW_MIB;
}

void request_fill (struct spool_request *r, struct warden *w,
                   const struct job *job, enum spool_op op)
{
    if (job)
        _of_job (r, job);
    else
        *r = (struct spool_request) { .job = REQUEST_NODE };
    if (job && op == SPOOL_REQUEUE)
        _with_memory (r, job);
    r->op = op;
    spool_make_id (r, ++w->request_seq);
}

/* ---- how many wait ------------------------------------------------------- */

/* Does the newer of two requests of [op] for a run of a job say all that is to be
 * done, or told? */
static bool _is_last_word (enum spool_op op)
{
    return op == SPOOL_COMMENT || op == SPOOL_SUSPEND || op == SPOOL_RESUME ||
           op == SPOOL_COMPLETE_OOM || op == SPOOL_LOOKUP;
}

static void _request_limits (struct warden *w)
{
    w->waiting->most = w->conf.max_waiting_user;
    w->waiting->in_all = w->conf.max_waiting;
}

bool request_news (struct warden *w, struct mw_err *text)
{
    char who[40] = "";
    unsigned lost;
    uint32_t uid;

    _request_limits (w);
    if (!waiting_news (w->waiting, &uid, &lost))
        return false;
    if (uid != WAITING_ALL)
        snprintf (who, sizeof (who), " of user %u", (unsigned) uid);
    if (lost == 0)
        mw_err_set (text,
                    "%u requests%s wait for memwarden-courier: what else is to "
                    "be told of such jobs is dropped until half of them are "
                    "done; what is to be done to them (requeue, suspend, kill) "
                    "is not",
                    who[0] ? w->waiting->most : w->waiting->in_all, who);
    else
        mw_err_set (text,
                    "fewer requests%s wait for memwarden-courier again; %u "
                    "were dropped meanwhile",
                    who, lost);
    return true;
}

/* [r]'s text, with how many lines are missing before it. */
static void _say_skipped (struct job *job, struct spool_request *r)
{
    char text[SPOOL_TEXT_MAX];

    if (job->lines_skipped == 0)
        return;
    snprintf (text, sizeof (text), "%s", r->text);
    snprintf (r->text, sizeof (r->text), "(%u lines are left out) %.*s",
              job->lines_skipped, (int) sizeof (text) - 64, text);
    job->lines_skipped = 0;
}

static int _hand_over (struct warden *w, struct job *job,
                       const struct spool_request *r, const char *story,
                       struct mw_err *err)
{
    static struct spool_request line; /* 2 KiB: not on the stack */

    if (story)
        return spool_put_story (&w->spool, r, story, err);
    if (r->op != SPOOL_NOTIFY || !job)
        return spool_put (&w->spool, r, err);
    line = *r;
    _say_skipped (job, &line);
    return spool_put (&w->spool, &line, err);
}

/* [r], request [seq], waits now: what it replaces does not. */
static void _instead (struct warden *w, struct job *job,
                      const struct spool_request *r, uint64_t seq)
{
    static struct spool_request old;
    uint64_t before = job->asked[r->op];

    job->asked[r->op] = seq;
    if (before == seq || !_is_last_word (r->op) ||
        !waiting_is (w->waiting, before))
        return;
    old.op = r->op;
    snprintf (old.job, sizeof (old.job), "%s", r->job);
    spool_make_id (&old, before);
    request_cancel (w, old.id);
}

/* Is there, or will there be, room for [r]? */
static bool _room_for (struct warden *w, const struct job *job,
                       const struct spool_request *r, bool courtesy)
{
    _request_limits (w);
    if (job && _is_last_word (r->op) &&
        waiting_is (w->waiting, job->asked[r->op]))
        return true;
    return waiting_has_room (w->waiting, r->uid, courtesy);
}

int request_put (struct warden *w, struct job *job,
                 const struct spool_request *r, bool courtesy,
                 const char *story, struct mw_err *err)
{
    enum spool_op op;
    uint64_t seq;

    if (!spool_id_parts (r->id, NULL, &seq, &op))
        return mw_err_code (err, EINVAL, "\"%s\" is no name for a request",
                            r->id);
    if (job && op == SPOOL_NOTIFY && job->lines_waiting >= LINES_MAX) {
        job->lines_skipped++;
        return mw_err_code (err, ENOBUFS, "%u lines wait already", LINES_MAX);
    }
    if (!waiting_is (w->waiting, seq) && !_room_for (w, job, r, courtesy)) {
        if (courtesy)
            waiting_lose (w->waiting, r->uid);
        return mw_err_code (err, ENOBUFS,
                            "too many requests wait for memwarden-courier");
    }
    if (_hand_over (w, job, r, story, err) < 0)
        return -1;
    if (job && op == SPOOL_NOTIFY)
        job->lines_waiting++;
    if (job)
        _instead (w, job, r, seq);
    waiting_add (w->waiting, seq, r->uid, courtesy);
    return 0;
}

void request_cancel (struct warden *w, const char *id)
{
    enum spool_op op;
    uint64_t seq;

    _request_limits (w);
    if (spool_id_parts (id, NULL, &seq, &op))
        waiting_done (w->waiting, seq);
    spool_cancel (&w->spool, id);
}

bool request_waits (const struct warden *w, const char *id)
{
    enum spool_op op;
    uint64_t seq;

    return spool_id_parts (id, NULL, &seq, &op) && waiting_is (w->waiting, seq);
}

void request_done (struct warden *w, struct job *job, const char *id)
{
    enum spool_op op;
    uint64_t seq;

    if (!spool_id_parts (id, NULL, &seq, &op) || !waiting_is (w->waiting, seq))
        return;
    if (job && op == SPOOL_NOTIFY && job->lines_waiting > 0)
        job->lines_waiting--;
    _request_limits (w);
    waiting_done (w->waiting, seq);
}

/* A hook within an incident has a rung that knows its name: for the count it does
 * not matter which it is. */
void request_found (struct warden *w, struct job *job, const char *id)
{
    enum spool_op op;
    uint64_t seq;

    if (!spool_id_parts (id, NULL, &seq, &op))
        return;
    _request_limits (w);
    waiting_add (w->waiting, seq, job ? job->spec.uid : WAITING_ALL,
                 op == SPOOL_NOTIFY || op == SPOOL_COMMENT ||
                     op == SPOOL_HOOK || op == SPOOL_WEBHOOK);
    waiting_see (w->waiting, seq);
    if (job && job->asked[op] < seq)
        job->asked[op] = seq;
}
