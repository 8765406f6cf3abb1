/* fields.c - the table of a job's fields, and the three who walk it */
#include "handler/record/fields.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handler/job/job.h"

enum type {
    NUMBER,  /* unsigned, of 4 or 8 bytes */
    LIMIT,   /* the same; MEMCG_NO_LIMIT is INT64_MAX there,
                                   since JSON's numbers end so */
    FLAG,    /* bool */
    SET,     /* a number, told as whether it is any */
    TEXT,    /* char[] */
    PATH,    /* char *, the job's own */
    TRIGGER, /* enum incident_trigger, by its name */
    LADDER,  /* of ladder_share */
    RETRY,   /* struct mw_retry */
    STOPPED, /* struct stopped; told as pids */
    PROC,    /* struct job_proc */
};

/* [at] and [size] in bytes, of the member in struct job. */
static const struct field {
    const char *name;
    size_t at, size;
    enum type type;
    unsigned in; /* of enum fields_part */
} fields[] = {
#define FIELD(name, type, member, in) \
    { \
        name, offsetof (struct job, member), \
            sizeof (((struct job *) NULL)->member), type, in \
    }
#define STATE FIELDS_STATE
#define FACTS FIELDS_FACTS
#define INCIDENT FIELDS_INCIDENT
#define TOLD FIELDS_TOLD
    FIELD ("key", TEXT, spec.key, TOLD),
    FIELD ("name", TEXT, spec.name, TOLD),
    FIELD ("uid", NUMBER, spec.uid, TOLD),
    FIELD ("slurm_id", NUMBER, spec.slurm_id, TOLD),
    FIELD ("array_job_id", NUMBER, spec.array_job_id, TOLD),
    FIELD ("array_task_id", NUMBER, spec.array_task_id, TOLD),

    FIELD ("memory", PATH, memcg.path, STATE | TOLD),
    FIELD ("inode", NUMBER, memcg.inode, STATE),
    FIELD ("freezer", PATH, freezer_path, STATE | TOLD),
    FIELD ("armed", FLAG, memcg.armed, STATE),
    FIELD ("shadow", FLAG, memcg.shadow, STATE),
    FIELD ("set_limit", LIMIT, memcg.set_limit, STATE),
    FIELD ("given", NUMBER, given, STATE),
    FIELD ("given_hard", LIMIT, given_hard, STATE),
    FIELD ("start_limit", LIMIT, given_hard, TOLD),
    FIELD ("oom_kills", NUMBER, memcg.seen_oom_kill, STATE),
    FIELD ("reservation", NUMBER, reservation, STATE | TOLD),
    FIELD ("limit", NUMBER, limit, STATE | TOLD),
    FIELD ("reserve", NUMBER, reserve, STATE | TOLD),
    FIELD ("priority", NUMBER, priority, STATE | TOLD),
    FIELD ("ladder", LADDER, ladder, STATE | TOLD),
    FIELD ("retry", RETRY, retry, STATE | TOLD),
    FIELD ("proc_limit", PROC, proc, STATE | TOLD),
    FIELD ("strikes", NUMBER, strikes, STATE | TOLD),
    FIELD ("struck", FLAG, struck, STATE),
    FIELD ("incidents", NUMBER, incidents, STATE | TOLD),
    FIELD ("registered_ms", NUMBER, registered_ms, STATE),
    FIELD ("loan", NUMBER, loan, STATE | TOLD),
    FIELD ("loan_ms", NUMBER, loan_ms, STATE),
    FIELD ("loan_over", FLAG, loan_over, STATE | TOLD),
    FIELD ("mark_ms", NUMBER, mark_ms, STATE),
    FIELD ("peak", NUMBER, peak, STATE | TOLD),
    FIELD ("peak_used", NUMBER, peak_used, STATE | TOLD),
    FIELD ("allowed", NUMBER, allowed, STATE),
    FIELD ("huge_refused", NUMBER, huge_refused, STATE),
    FIELD ("bounces", NUMBER, bounces, STATE),
    FIELD ("bounce_ms", NUMBER, bounce_ms, STATE),

    FIELD ("partition", TEXT, facts.partition, FACTS | TOLD),
    FIELD ("account", TEXT, facts.account, FACTS | TOLD),
    FIELD ("qos", TEXT, facts.qos, FACTS | TOLD),
    FIELD ("restarts", NUMBER, facts.restarts, FACTS),
    FIELD ("cpus", NUMBER, facts.cpus, FACTS),

    FIELD ("open", FLAG, incident.open, INCIDENT),
    FIELD ("closing", FLAG, incident.closing, INCIDENT),
    FIELD ("number", NUMBER, incident.number, INCIDENT),
    FIELD ("trigger", TRIGGER, incident.trigger, INCIDENT),
    FIELD ("guilty", FLAG, incident.guilty, INCIDENT),
    FIELD ("ladder", LADDER, incident.ladder, INCIDENT),
    FIELD ("step", NUMBER, incident.step, INCIDENT),
    FIELD ("opened_ms", NUMBER, incident.opened_ms, INCIDENT),
    FIELD ("step_ms", NUMBER, incident.step_ms, INCIDENT),
    FIELD ("deadline_ms", NUMBER, incident.deadline_ms, INCIDENT),
    FIELD ("again_ms", NUMBER, incident.again_ms, INCIDENT),
    FIELD ("frozen", FLAG, incident.frozen, INCIDENT),
    FIELD ("held", FLAG, incident.frozen, TOLD),
    FIELD ("reserve_open", FLAG, incident.reserve_open, INCIDENT),
    FIELD ("frozen_ms", NUMBER, incident.frozen_ms, INCIDENT),
    FIELD ("slowed", FLAG, incident.slowed, INCIDENT),
    FIELD ("enomem", FLAG, incident.enomem, INCIDENT),
    FIELD ("stopped", STOPPED, incident.stopped, INCIDENT),
    FIELD ("stopped_pids", STOPPED, incident.stopped, TOLD),
    FIELD ("suspended", FLAG, incident.suspended, INCIDENT | TOLD),
    FIELD ("kernel_killed", FLAG, incident.kernel_killed, INCIDENT),
    FIELD ("slurm_stops_ms", NUMBER, incident.slurm_stops_ms, INCIDENT),
    FIELD ("slurm_suspended", SET, incident.slurm_stops_ms, TOLD),
    FIELD ("lent", NUMBER, incident.lent, INCIDENT | TOLD),
    FIELD ("slurm_ends", FLAG, incident.slurm_ends, INCIDENT),
    FIELD ("request", TEXT, incident.request, INCIDENT),
    FIELD ("phase", NUMBER, incident.phase, INCIDENT),
    FIELD ("target_pid", NUMBER, incident.target_pid, INCIDENT),
    FIELD ("target_started", NUMBER, incident.target_started, INCIDENT),
    FIELD ("target_limit", NUMBER, incident.target_limit, INCIDENT),
    FIELD ("grow_refused", FLAG, incident.grow_refused, INCIDENT),
    FIELD ("requeue", TEXT, incident.requeue, INCIDENT),
    FIELD ("requeue_mb", NUMBER, incident.requeue_mb, INCIDENT),
    FIELD ("requeue_tries", NUMBER, incident.requeue_tries, INCIDENT),

    FIELD ("used", NUMBER, usage.used, TOLD),
    FIELD ("total", NUMBER, usage.total, TOLD),
    FIELD ("swap", NUMBER, usage.swap, TOLD),
};

#define EACH(f, part) \
    for (const struct field *f = fields; \
         f < fields + sizeof (fields) / sizeof (fields[0]); f++) \
        if (f->in & (part))

static uint64_t _get (const struct field *f, const struct job *job)
{
    const char *at = (const char *) job + f->at;
    uint32_t small;
    uint64_t n;

    if (f->size == sizeof (small)) {
        memcpy (&small, at, sizeof (small));
        return small;
    }
    memcpy (&n, at, sizeof (n));
    return n;
}

static void _fields_set (const struct field *f, struct job *job, uint64_t n)
{
    char *at = (char *) job + f->at;
    uint32_t small = (uint32_t) n;

    if (f->size == sizeof (small))
        memcpy (at, &small, sizeof (small));
    else
        memcpy (at, &n, sizeof (n));
}

/* What [f] is as a text, in [buf] if need be; NULL where it is NULL. */
static const char *_fields_text (const struct field *f, const struct job *job,
                                 char buf[MW_LADDER_STRLEN])
{
    const char *at = (const char *) job + f->at;
    const struct mw_ladder *ladder;
    const struct job_proc *proc;

    switch (f->type) {
    case PATH:
        return *(char *const *) (const void *) at;
    case TRIGGER:
        return incident_trigger_name[_get (f, job)];
    case LADDER:
        ladder = *(const struct mw_ladder *const *) (const void *) at;
        return ladder ? mw_ladder_format (ladder, buf, MW_LADDER_STRLEN) : NULL;
    case RETRY:
        return mw_retry_format ((const struct mw_retry *) (const void *) at,
                                buf, MW_LADDER_STRLEN);
    case STOPPED:
        return stopped_format ((const struct stopped *) (const void *) at, buf);
    case PROC:
        proc = (const struct job_proc *) (const void *) at;
        return proc->bytes == 0
                   ? NULL
                   : mw_proclimit_format (proc->bytes, proc->actions, buf,
                                          MW_LADDER_STRLEN);
    default:
        return at;
    }
}

/* ---- what is written ----------------------------------------------------- */

void fields_put (struct json_put *p, const struct job *job,
                 enum fields_part part)
{
    char buf[MW_LADDER_STRLEN];
    const char *text;

    EACH (f, part)
    {
        switch (f->type) {
        case NUMBER:
        case LIMIT:
            json_put_number (p, f->name, _get (f, job));
            break;
        case FLAG:
            json_put_flag (p, f->name,
                           *(const bool *) ((const char *) job + f->at));
            break;
        case SET:
            json_put_flag (p, f->name, _get (f, job) > 0);
            break;
        default:
            if ((text = _fields_text (f, job, buf)))
                json_put_text (p, f->name, text);
        }
    }
}

/* ---- what is read back --------------------------------------------------- */

/* Set [*slot] to a copy of [text], NULL for "". */
static bool _take_path (const char *text, char **slot)
{
    char *copy = *text ? strdup (text) : NULL;

    if (*text && !copy)
        return false;
    free (*slot);
    *slot = copy;
    return true;
}

/* Replace [*slot] by the ladder [text], NULL for "". */
static bool _take_ladder (const char *text, const struct mw_ladder **slot)
{
    const struct mw_ladder *shared = NULL;
    struct mw_ladder ladder;

    if (*text && (mw_ladder_parse_asked (text, &ladder, NULL) < 0 ||
                  !(shared = ladder_share (&ladder))))
        return false;
    if (*slot)
        ladder_drop (*slot);
    *slot = shared;
    return true;
}

static bool _take_retry (const char *text, struct mw_retry *retry)
{
    *retry = (struct mw_retry) { 0 };
    return !*text || mw_retry_parse (text, retry, NULL) == 0;
}

static bool _take_proc (const char *text, struct job *job)
{
    struct mw_proclimit limit = { 0 };

    return (!*text || mw_proclimit_parse (text, &limit, NULL) == 0) &&
           job_set_proc_limit (job, &limit) == 0;
}

static enum incident_trigger _trigger (const char *name)
{
    for (unsigned i = 0; i < TRIGGER_COUNT; i++) {
        if (!strcmp (name, incident_trigger_name[i]))
            return (enum incident_trigger) i;
    }
    return TRIGGER_JOB;
}

static bool _fields_take_one (const struct field *f, const json_t *value,
                              struct job *job)
{
    void *at = (char *) job + f->at;
    const char *text = json_is_string (value) ? json_string_value (value) : "";
    json_int_t n = json_integer_value (value);

    switch (f->type) {
    case NUMBER:
        _fields_set (f, job, n > 0 ? (uint64_t) n : 0);
        return true;
    case LIMIT:
        _fields_set (f, job,
                     n == INT64_MAX ? MEMCG_NO_LIMIT
                     : n > 0        ? (uint64_t) n
                                    : 0);
        return true;
    case FLAG:
        *(bool *) at = json_is_true (value);
        return true;
    case SET:
        return true; /* only told */
    case TEXT:
        snprintf (at, f->size, "%s", text);
        return true;
    case PATH:
        return _take_path (text, at);
    case TRIGGER:
        _fields_set (f, job, _trigger (text));
        return true;
    case LADDER:
        return _take_ladder (text, at);
    case RETRY:
        return _take_retry (text, at);
    case STOPPED:
        stopped_parse (text, at);
        return true;
    case PROC:
        return _take_proc (text, job);
    }
    return false;
}

bool fields_take (const json_t *from, struct job *job, enum fields_part part)
{
    EACH (f, part)
    {
        if (!_fields_take_one (f, json_object_get (from, f->name), job))
            return false;
    }
    return true;
}

/* ---- what is told -------------------------------------------------------- */

static json_t *_fields_pids (const struct stopped *s)
{
    json_t *pids = json_array ();

    for (unsigned i = 0; i < s->n; i++)
        json_array_append_new (pids, json_integer (s->one[i].pid));
    return pids;
}

static json_t *_fields_json (const struct field *f, const struct job *job)
{
    char buf[MW_LADDER_STRLEN];
    uint64_t n;
    const char *text;
    json_t *j;

    switch (f->type) {
    case NUMBER:
        return json_integer ((json_int_t) _get (f, job));
    case LIMIT:
        n = _get (f, job);
        return json_integer (n < INT64_MAX ? (json_int_t) n : INT64_MAX);
    case FLAG:
        return json_boolean (*(const bool *) ((const char *) job + f->at));
    case SET:
        return json_boolean (_get (f, job) > 0);
    case STOPPED:
        return _fields_pids (
            (const struct stopped *) (const void *) ((const char *) job +
                                                     f->at));
    default:
        text = _fields_text (f, job, buf);
        j = json_string (text ? text : ""); /* NULL: not UTF-8 */
        return j ? j : json_string ("?");
    }
}

void fields_tell (json_t *to, const struct job *job, enum fields_part part)
{
    EACH (f, part)
    json_object_set_new (to, f->name, _fields_json (f, job));
}
