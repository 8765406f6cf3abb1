/* decision_read.c - a decision about the node, read back: see decision.h
 *
 * A file may be anybody's: places, numbers and names are checked before they
 * are used as any.
 */
#include "handler/record/decision.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JOBS_MOST 100000
#define ROW_TERMS 13 /* numbers behind key and user */
#define ROW_FACTS (2 + ROW_TERMS)

static bool _whole_number (const json_t *j, uint64_t *n)
{
    if (!json_is_integer (j) || json_integer_value (j) < 0)
        return false;
    *n = (uint64_t) json_integer_value (j);
    return true;
}

static bool _member (const json_t *j, const char *name, uint64_t *n)
{
    return _whole_number (json_object_get (j, name), n);
}

static bool _decision_read_text (const json_t *j, char *out, size_t len)
{
    if (!json_is_string (j) || json_string_length (j) >= len ||
        strlen (json_string_value (j)) != json_string_length (j))
        return false;
    memcpy (out, json_string_value (j), json_string_length (j) + 1);
    return true;
}

static int _malformed (struct mw_err *err, const char *what)
{
    return mw_err_code (err, EPROTO, "not a decision: %s", what);
}

/* ---- the head ------------------------------------------------------------ */

static bool _decision_read_numbers (struct decision *d, const json_t *head)
{
    return _member (head, "need", &d->need) &&
           _member (head, "covered", &d->covered) &&
           _member (head, "stalls", &d->stalls) &&
           _member (head, "memory", &d->memory) &&
           _member (head, "capacity", &d->node.capacity) &&
           _member (head, "used", &d->node.used) &&
           _member (head, "available", &d->node.available) &&
           _member (head, "reserve", &d->node.reserve) &&
           _member (head, "swap_free", &d->node.swap_free) &&
           _member (head, "swap_total", &d->node.swap_total);
}

static int _allocate (struct decision *d, struct mw_err *err)
{
    /* one more, since no job at all is no lack of memory */
    d->jobs = calloc (d->count + 1, sizeof (*d->jobs));
    d->snapshot = calloc (d->count + 1, sizeof (*d->snapshot));
    d->plan = calloc (d->count + 1, sizeof (*d->plan));
    d->rank = calloc (d->count + 1, sizeof (*d->rank));
    if (d->jobs && d->snapshot && d->plan && d->rank)
        return 0;
    return mw_err_errno (err, "a decision over %u jobs", d->count);
}

static int _decision_read_head (struct decision *d, const json_t *head,
                                struct mw_err *err)
{
    const char *order = json_string_value (json_object_get (head, "order"));
    const json_t *ladder = json_object_get (head, "ladder");
    uint64_t count;

    if (!_member (head, "of", &count) || count > JOBS_MOST)
        return _malformed (err, "how many jobs is not said");
    if (!_decision_read_numbers (d, head))
        return _malformed (err, "a number of the node is missing");
    if (!order || (ladder && !_decision_read_text (ladder, d->ladder,
                                                   sizeof (d->ladder))))
        return _malformed (err, "its order or ladder is missing");
    if (!_member (head, "pool_limit", &d->pool_limit))
        d->pool_limit = UINT64_MAX;
    d->order = strcmp (order, "strict-priority") == 0
                   ? CONF_ORDER_STRICT_PRIORITY
                   : CONF_ORDER_OVERAGE;
    d->at_limit = json_is_true (json_object_get (head, "at_limit"));
    d->count = (unsigned) count;
    return _allocate (d, err);
}

/* ---- jobs and plan ------------------------------------------------------- */

static bool _facts (const json_t *row, struct job_facts *f)
{
    if (json_array_size (row) == ROW_FACTS)
        return true;
    f->known = true;
    return _decision_read_text (json_array_get (row, ROW_FACTS), f->partition,
                                sizeof (f->partition)) &&
           _decision_read_text (json_array_get (row, ROW_FACTS + 1), f->account,
                                sizeof (f->account)) &&
           _decision_read_text (json_array_get (row, ROW_FACTS + 2), f->qos,
                                sizeof (f->qos));
}

static bool _decision_read_row (const json_t *row, struct decision_job *j,
                                struct policy_job *p)
{
    uint64_t n[ROW_TERMS];

    if (!_decision_read_text (json_array_get (row, 0), j->key,
                              sizeof (j->key)) ||
        !mw_jobkey_valid (j->key) ||
        !_decision_read_text (json_array_get (row, 1), j->user,
                              sizeof (j->user)))
        return false;
    for (unsigned i = 0; i < ROW_TERMS; i++) {
        if (!_whole_number (json_array_get (row, i + 2), &n[i]))
            return false;
    }
    if (n[0] > UINT32_MAX || n[1] > UINT32_MAX || n[2] > MW_PRIORITY_MAX ||
        n[3] > MW_PRIORITY_MAX || n[10] > UINT32_MAX || n[11] > UINT32_MAX)
        return false;
    j->uid = (uid_t) n[1];
    j->asked = (unsigned) n[2];
    j->raised = n[12] & 16;
    *p = (struct policy_job) {
        .index = (unsigned) n[0],
        .priority = (unsigned) n[3],
        .reservation = n[4],
        .limit = n[5],
        .lent = n[6],
        .used = n[7],
        .swap = n[8],
        .elapsed_ms = n[9],
        .cpus = (uint32_t) n[10],
        .slurm_id = (uint32_t) n[11],
        .requeueable = n[12] & 1,
        .protect = n[12] & 2,
        .leaving = n[12] & 4,
        .parked = n[12] & 8,
    };
    return _facts (row, &j->facts);
}

static int _decision_read_jobs (struct decision *d, const json_t *rows,
                                struct mw_err *err)
{
    const json_t *row;
    size_t i;

    json_array_foreach (rows, i, row) {
        if (d->got_jobs >= d->count ||
            !_decision_read_row (row, &d->jobs[d->got_jobs],
                                 &d->snapshot[d->got_jobs]))
            return _malformed (err, "a job is not understood");
        d->got_jobs++;
    }
    return 0;
}

static int _decision_read_plan (struct decision *d, const json_t *plan,
                                struct mw_err *err)
{
    uint64_t place, verdict;

    for (size_t i = 0; i + 1 < json_array_size (plan); i += 2) {
        if (d->got_plan >= d->count ||
            !_whole_number (json_array_get (plan, i), &place) ||
            !_whole_number (json_array_get (plan, i + 1), &verdict) ||
            place >= d->count || verdict > POLICY_PROTECTED)
            return _malformed (err, "its plan is not understood");
        d->plan[d->got_plan].job = (unsigned) place;
        d->plan[d->got_plan++].verdict = (enum policy_verdict) verdict;
    }
    return 0;
}

/* Has every job its place in the plan, and only one? */
static bool _each_once (struct decision *d)
{
    for (unsigned i = 0; i < d->count; i++)
        d->rank[i] = d->count;
    for (unsigned i = 0; i < d->count; i++) {
        if (d->rank[d->plan[i].job] < d->count)
            return false;
        d->rank[d->plan[i].job] = i;
    }
    return true;
}

/* ---- records ------------------------------------------------------------- */

static int _decision_read_part (struct decision *d, const json_t *record,
                                const json_t *part, struct mw_err *err)
{
    const json_t *head = json_object_get (part, "head");
    uint64_t version, id;

    if (!_member (part, "v", &version) || !_member (part, "id", &id))
        return _malformed (err, "version or id is missing");
    if (version != DECISION_VERSION)
        return mw_err_code (err, ENOTSUP,
                            "the decision is of version %" PRIu64
                            ", this memwarden reads %d",
                            version, DECISION_VERSION);
    if (head) {
        /* one that was never whole: its warden was killed, or its disk full */
        decision_free (d);
        d->id = id;
        if (!_decision_read_text (json_object_get (record, "t"), d->time,
                                  sizeof (d->time)))
            return _malformed (err, "its time is missing");
        if (_decision_read_head (d, head, err) < 0)
            return -1;
    } else if (!d->jobs || d->id != id) {
        return _malformed (err, "its begin is missing");
    }
    if (_decision_read_jobs (d, json_object_get (part, "job"), err) < 0 ||
        _decision_read_plan (d, json_object_get (part, "plan"), err) < 0)
        return -1;
    if (d->got_jobs < d->count || d->got_plan < d->count)
        return 0;
    return _each_once (d) ? 1 : _malformed (err, "a job is twice in its plan");
}

int decision_take (struct decision *d, const json_t *record, struct mw_err *err)
{
    const char *event = json_string_value (json_object_get (record, "event"));
    int rc, saved;

    if (!event || strcmp (event, "decision") != 0)
        return 0;
    rc = _decision_read_part (d, record, json_object_get (record, "decision"),
                              err);
    if (rc < 0) {
        saved = errno;
        decision_free (d);
        errno = saved;
    }
    return rc;
}

void decision_free (struct decision *d)
{
    free (d->jobs);
    free (d->snapshot);
    free (d->plan);
    free (d->rank);
    *d = (struct decision) { 0 };
}
