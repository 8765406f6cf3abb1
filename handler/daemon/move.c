/* move.c - root has a process put into another job: see move.h */
#include "handler/daemon/move.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "handler/job/warden.h"
#include "handler/memcg/live.h"
#include "handler/memcg/move.h"
#include "handler/record/report.h"
#include "handler/step/one.h"
#include "lib/json_get.h"
#include "lib/json_put.h"

/* What is asked. */
struct move_wish {
    struct job *from, *to; /* to NULL: out of any job */
    pid_t pid;
    struct one one;
};

/* "job 13", "no job" */
static const char *_move_job_name (const struct job *job,
                                   char buf[MW_JOBKEY_MAX + 8])
{
    snprintf (buf, MW_JOBKEY_MAX + 8, job ? "job %s" : "no job",
              job ? job->spec.key : "");
    return buf;
}

/* ---- may it be ----------------------------------------------------------- */

static int _move_read (struct warden *w, const json_t *msg,
                       struct move_wish *wish, struct mw_err *err)
{
    json_int_t pid = json_integer_value (json_object_get (msg, "pid"));
    const char *from = json_get_text (msg, "job"),
               *to = json_get_text (msg, "to");

    *wish = (struct move_wish) { .one = { .fd = -1 } };
    if (pid < 1 || pid > INT32_MAX)
        return mw_err_code (err, EINVAL, "which process? give its number");
    wish->pid = (pid_t) pid;
    if (!(wish->from = job_named (&w->jobs, from)))
        return mw_err_code (err, ESRCH, "there is no job %.64s on this node",
                            from);
    if (strcmp (to, "/") != 0 && !(wish->to = job_named (&w->jobs, to)))
        return mw_err_code (err, ESRCH, "there is no job %.64s on this node",
                            to);
    if (wish->to == wish->from)
        return mw_err_code (err, EINVAL, "it is in job %s already",
                            wish->from->spec.key);
    return 0;
}

/* Somebody may have frozen it outside of any incident: Slurm, for one. */
static bool _move_is_frozen (struct job *job)
{
    int fd[JOB_FREEZERS];
    unsigned n = memcg_freezers (&job->memcg, fd, JOB_FREEZERS);
    bool frozen = false;

    for (unsigned i = 0; i < n; i++) {
        frozen |= memcg_freezer_is (fd[i]) == 1;
        close (fd[i]);
    }
    return frozen;
}

static int _move_may (struct job *job, struct mw_err *err)
{
    if (!job)
        return 0;
    if (job->incident.open)
        return mw_err_code (err, EBUSY,
                            "job %s is in an incident (%s): move it when that "
                            "is over",
                            job->spec.key,
                            mw_steps[step_rung (job)->kind].name);
    if (_move_is_frozen (job))
        return mw_err_code (err, EBUSY,
                            "job %s is frozen by somebody else, Slurm's "
                            "suspend perhaps: move it when it goes on",
                            job->spec.key);
    return 0;
}

/* What follows it has to fit in below the limit. */
static int _move_fits (struct job *to, const struct member *m,
                       struct mw_err *err)
{
    uint64_t holds = member_holds (m) + m->file;
    char a[MW_SIZE_STRLEN], b[MW_SIZE_STRLEN], c[MW_SIZE_STRLEN];

    if (job_read_usage (to) < 0)
        return mw_err_errno (err, "what job %s uses cannot be read",
                             to->spec.key);
    if (to->usage.used + holds <= to->limit)
        return 0;
    return mw_err_code (err, ENOSPC,
                        "job %s has no room for it: it uses %s of its limit "
                        "of %s, and process %d holds %s, which would be "
                        "charged to it",
                        to->spec.key,
                        mw_size_format (to->usage.used, a, sizeof (a)),
                        mw_size_format (to->limit, b, sizeof (b)), (int) m->pid,
                        mw_size_format (holds, c, sizeof (c)));
}

/* ---- answers ------------------------------------------------------------- */

static json_t *_move_place (const struct move_place *p)
{
    json_t *j = json_object ();

    json_object_set_new (j, "memory", json_string (p->memory));
    json_object_set_new (j, "freezer", json_string (p->freezer));
    json_object_set_new (j, "inode", json_integer ((json_int_t) p->inode));
    json_object_set_new (j, "charges", json_boolean (p->charges));
    return j;
}

static int _move_where (struct warden *w, struct move_wish *wish, json_t *reply,
                        struct mw_err *err)
{
    const struct member *m = &wish->one.is;
    struct move_place from, to;
    char name[MW_JOBKEY_MAX + 8], what[MW_JOBKEY_MAX + 32];
    int rc;

    rc = wish->to ? move_beside (&wish->to->memcg, &to, err)
                  : move_root (&wish->from->memcg, &to, err);
    if (rc < 0 || move_from (&wish->from->memcg, wish->pid, &from, err) < 0 ||
        (to.charges && wish->to && _move_fits (wish->to, m, err) < 0))
        return -1;
    json_object_set_new (reply, "pid", json_integer (wish->pid));
    json_object_set_new (reply, "started",
                         json_integer ((json_int_t) live_began (wish->pid)));
    json_object_set_new (reply, "from", _move_place (&from));
    json_object_set_new (reply, "to", _move_place (&to));
    json_object_set_new (reply, "stays",
                         json_integer (
                             to.charges ? 0 : (json_int_t) member_holds (m)));
    snprintf (what, sizeof (what),
              "to be moved by root to %s:", _move_job_name (wish->to, name));
    one_tell (w, wish->from, what, &wish->one);
    return 0;
}

int move_ask (struct warden *w, const json_t *msg, json_t *reply,
              struct mw_err *err)
{
    const struct mw_ladder_step step = { .kind = MW_STEP_KILL_ONE,
                                         .target = MW_TARGET_PID };
    struct move_wish wish;
    int rc;

    if (w->conf.shadow)
        return mw_err_code (err, ENOTSUP,
                            "memwardend is in shadow mode: it does nothing to "
                            "any job");
    if (_move_read (w, msg, &wish, err) < 0 || _move_may (wish.from, err) < 0 ||
        _move_may (wish.to, err) < 0 ||
        one_find (wish.from, &step, wish.pid, 0, &wish.one, err) < 0)
        return -1;
    rc = _move_where (w, &wish, reply, err);
    one_drop (&wish.one);
    return rc;
}

/* ---- how it went --------------------------------------------------------- */

/* "moved to job 13; 64.0 MiB that it has used so far stay charged here" */
static void _move_tell (struct warden *w, struct job *job, const char *how,
                        const json_t *msg, bool here)
{
    json_int_t pid = json_integer_value (json_object_get (msg, "pid"));
    json_int_t stays = json_integer_value (json_object_get (msg, "stays"));
    char a[MW_SIZE_STRLEN], b[MW_SIZE_STRLEN], text[96] = "", more[64];
    struct json_put p = { .text = more, .size = sizeof (more) };

    if (!job)
        return;
    if (stays > 0)
        snprintf (text, sizeof (text),
                  "; %s that it has used so far stay charged %s",
                  mw_size_format ((uint64_t) stays, a, sizeof (a)),
                  here ? "here" : "there");
    json_put_number (&p, "pid", (uint64_t) pid);
    json_put_number (&p, "stays", stays > 0 ? (uint64_t) stays : 0);
    job_read_usage (job);
    report_more (w, job, "step", REPORT_LOG | REPORT_JOB, json_put_done (&p),
                 "job %s: process %d was %s%s; it uses %s now", job->spec.key,
                 (int) pid, how, text,
                 mw_size_format (job->usage.used, b, sizeof (b)));
}

int move_done (struct warden *w, const json_t *msg, struct mw_err *err)
{
    const char *error = json_get_text (msg, "error");
    char name[MW_JOBKEY_MAX + 8], how[MW_JOBKEY_MAX + 32];
    struct move_wish wish;

    if (_move_read (w, msg, &wish, err) < 0)
        return -1;
    if (*error) {
        report (w, wish.from, "failed", REPORT_LOG | REPORT_JOB,
                "job %s: process %d was not moved to %s: %.200s",
                wish.from->spec.key, (int) wish.pid,
                _move_job_name (wish.to, name), error);
        return 0;
    }
    snprintf (how, sizeof (how), "moved to %s", _move_job_name (wish.to, name));
    _move_tell (w, wish.from, how, msg, true);
    snprintf (how, sizeof (how), "moved here from %s",
              _move_job_name (wish.from, name));
    _move_tell (w, wish.to, how, msg, false);
    return 0;
}
