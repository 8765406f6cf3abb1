/* answer.c - what is told out of the list of jobs, and notes */
#include "handler/desk/answer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "handler/desk/conn.h"
#include "lib/cgfile.h"
#include "lib/cleanup.h"
#include "lib/json_get.h"
#include "lib/wire.h"

#define ANSWER_PAGE_MAX (MW_WIRE_MAX - 8192)

static bool _answer_may (const struct conn *c, const json_t *job)
{
    return c->who.uid == 0 ||
           json_integer_value (json_object_get (job, "uid")) ==
               (json_int_t) c->who.uid;
}

/* ---- jobs, node ---------------------------------------------------------- */

static void _answer_jobs (struct conn *c)
{
    const char *after = json_string_value (json_object_get (c->msg, "after"));
    json_t *reply = mw_wire_new ("ok"), *list = json_array (), *job;
    const char *last = NULL;
    bool wait = after != NULL;
    struct mw_err err;
    size_t i, size = 0;

    json_object_set_new (reply, "jobs", list);
    json_array_foreach (c->desk->list, i, job) {
        if (!_answer_may (c, job))
            continue;
        if (wait) {
            wait = strcmp (json_get_text (job, "key"), after) != 0;
            continue;
        }
        size += json_dumpb (job, NULL, 0, JSON_COMPACT) + 1;
        if (size > ANSWER_PAGE_MAX && last) {
            json_object_set_new (reply, "next", json_string (last));
            break;
        }
        json_array_append (list, job);
        last = json_get_text (job, "key");
    }
    if (!wait) {
        conn_answer (c, reply);
        return;
    }
    /* nobody knows what came behind it */
    json_decref (reply);
    mw_err_code (&err, ESTALE,
                 "job %.64s, behind which to go on, is not there any more",
                 after);
    conn_refuse (c, &err);
}

static void _answer_node (struct conn *c)
{
    json_t *reply = mw_wire_new ("ok");

    json_object_update (reply, c->desk->node);
    conn_answer (c, reply);
}

/* ---- self ---------------------------------------------------------------- */

/* Is [path], of /proc/PID/cgroup, what the directory [dir] ends with, or below it?
 * The root's is nobody's. */
static bool _answer_is_in (const char *path, const char *dir)
{
    size_t len = strlen (path);

    if (path[0] != '/' || len == 1)
        return false;
    for (const char *at = dir; (at = strchr (at, '/')); at++) {
        size_t tail = strlen (at);

        if (tail <= len && tail > 1 && strncmp (at, path, tail) == 0 &&
            (tail == len || path[tail] == '/'))
            return true;
    }
    return false;
}

static bool _answer_holds (const json_t *job, const char *cgroups)
{
    const char *dir = json_get_text (job, "memory");
    struct cg_member m;
    int rc;

    while ((rc = cg_next_member (&cgroups, &m)) != 0) {
        if (rc > 0 && *dir && _answer_is_in (m.path, dir))
            return true;
    }
    return false;
}

/* The job whose memcg process [pid] is in. */
static json_t *_answer_job_of (const struct desk *d, pid_t pid)
{
    char path[64], text[8192];
    cleanup_fd int proc = -1;
    json_t *job;
    size_t i;

    snprintf (path, sizeof (path), "/proc/%d", (int) pid);
    proc = sysroot_open (path, O_RDONLY | O_DIRECTORY);
    if (proc < 0 || cg_read (proc, "cgroup", text, sizeof (text)) < 0)
        return NULL;
    json_array_foreach (d->list, i, job) {
        if (_answer_holds (job, text))
            return job;
    }
    return NULL;
}

static void _answer_self (struct conn *c)
{
    json_t *job = _answer_job_of (c->desk, c->who.pid), *reply;
    struct mw_err err;

    if (!job)
        mw_err_code (&err, ESRCH, "process %d is in no job of this node",
                     (int) c->who.pid);
    else if (!_answer_may (c, job))
        mw_err_code (&err, EPERM, "process %d is in job %s, which is not yours",
                     (int) c->who.pid, json_get_text (job, "key"));
    if (!job || !_answer_may (c, job)) {
        conn_refuse (c, &err);
        return;
    }
    reply = mw_wire_new ("ok");
    json_object_set (reply, "job", job);
    conn_answer (c, reply);
}

/* ---- who hears notes ----------------------------------------------------- */

/* By its key, or as ARRAY_TASK. */
static bool _answer_is_named (const json_t *job, const char *name)
{
    json_int_t array = json_integer_value (
        json_object_get (job, "array_job_id"));
    json_int_t task = json_integer_value (
        json_object_get (job, "array_task_id"));
    char other[64];

    snprintf (other, sizeof (other),
              "%" JSON_INTEGER_FORMAT "_%" JSON_INTEGER_FORMAT, array, task);
    return !strcmp (json_get_text (job, "key"), name) ||
           (array != 0 && !strcmp (other, name));
}

static void _answer_attach (struct conn *c)
{
    const char *name = json_string_value (json_object_get (c->msg, "job"));
    json_t *job, *found = NULL;
    struct mw_err err;
    size_t i;

    json_array_foreach (c->desk->list, i, job) {
        if (name && !found && _answer_is_named (job, name))
            found = job;
    }
    if (found && _answer_may (c, found)) {
        snprintf (c->attached, sizeof (c->attached), "%s",
                  json_get_text (found, "key"));
        conn_answer (c, mw_wire_new ("ok"));
        return;
    }
    if (found)
        mw_err_code (&err, EPERM, "job %.64s is not yours", name);
    else
        mw_err_code (&err, ESRCH, "there is no job %.64s on this node",
                     name ? name : "(none named)");
    conn_refuse (c, &err);
}

void answer_note (struct desk *d, const struct pass_note *note)
{
    cleanup_json json_t *msg = mw_wire_new ("note");
    struct conn *next;

    json_object_set_new (msg, "job", json_string (note->job));
    json_object_set_new (msg, "text", mw_wire_text (note->text));
    for (struct conn *c = d->conns; c; c = next) {
        next = c->next;
        /* a key may be used again: who attached to the job of before may be
         * another */
        if (!strcmp (c->attached, note->job) &&
            (c->who.uid == 0 || c->who.uid == note->uid))
            conn_tell (c, msg);
    }
}

/* ---- the requests -------------------------------------------------------- */

static const struct {
    const char *type;
    void (*answer) (struct conn *c);
} answers[] = {
    { "jobs", _answer_jobs },
    { "node", _answer_node },
    { "self", _answer_self },
    { "attach", _answer_attach },
};
#define ANSWERS (sizeof (answers) / sizeof (answers[0]))

bool answer_is_of_list (const char *type)
{
    for (size_t i = 0; i < ANSWERS; i++) {
        if (!strcmp (answers[i].type, type))
            return true;
    }
    return false;
}

void answer_list (struct conn *c)
{
    const char *type = mw_wire_type (c->msg);

    for (size_t i = 0; i < ANSWERS; i++) {
        if (!strcmp (answers[i].type, type)) {
            answers[i].answer (c);
            return;
        }
    }
}
