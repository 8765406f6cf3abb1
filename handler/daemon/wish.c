/* wish.c - what a user may have done to a job of his */
#include "handler/daemon/wish.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "handler/account/headroom.h"
#include "handler/account/loan.h"
#include "handler/incident/incident.h"
#include "handler/record/report.h"
#include "handler/watch/above.h"
#include "handler/watch/marks.h"
#include "lib/clock.h"
#include "lib/json_put.h"

bool wish_may (const struct job *job, uid_t uid)
{
    return uid == 0 || uid == job->spec.uid;
}

/* The job that is meant, if it is [wish]'s to act on. */
static struct job *_wish_job (struct warden *w, const struct pass_wish *wish,
                              struct mw_err *err)
{
    struct job *job = job_named (&w->jobs, wish->job);

    if (!job)
        mw_err_code (err, ESRCH, "there is no job %.64s on this node",
                     wish->job);
    else if (!wish_may (job, wish->uid))
        mw_err_code (err, EPERM, "job %s is not yours", wish->job);
    else
        return job;
    return NULL;
}

static int _wish_priority (struct warden *w, struct job *job,
                           const struct pass_wish *wish, struct mw_err *err)
{
    unsigned cap = wish->uid == 0 ? MW_PRIORITY_MAX
                                  : job_priority_cap (job, &w->conf);

    if (wish->priority > MW_PRIORITY_MAX)
        return mw_err_code (err, ERANGE, "priority must be 0 to %d",
                            MW_PRIORITY_MAX);
    if (wish->priority > job->priority && wish->priority > cap)
        return mw_err_code (err, EPERM,
                            "you may raise the priority up to %u; "
                            "an admin may go above",
                            cap);
    if (wish->priority == job->priority)
        return 0;
    job->priority = wish->priority;
    report (w, job, "note", REPORT_LOG, "job %s: priority set to %u",
            job->spec.key, job->priority);
    return 0;
}

static int _wish_limit (struct warden *w, struct job *job,
                        const struct pass_wish *wish, struct mw_err *err)
{
    uint64_t cap = headroom_capacity (w), before = job->limit;
    uint64_t
        loan = job->loan; /* whoever sets a limit does not have one beside it */
    char a[MW_SIZE_STRLEN];

    if (wish->uid != 0)
        cap = job_limit_cap (job, &w->conf, cap);
    if (wish->limit < job->reservation || wish->limit > cap)
        return mw_err_code (err, ERANGE,
                            "the limit must be from the "
                            "reservation (%" PRIu64 " MiB) to %s",
                            job->reservation / MW_MIB,
                            mw_size_format (cap, a, sizeof (a)));
    if (wish->limit == before && loan == 0)
        return 0;
    job->limit = wish->limit;
    job->loan = 0;
    report (w, job, "note", REPORT_LOG | REPORT_JOB,
            "job %s: limit set to "
            "%s",
            job->spec.key, mw_size_format (wish->limit, a, sizeof (a)));
    if (job_assert_limit (job, err) < 0) {
        job->limit = before;
        job->loan = loan;
        job_commit (job);
        /* the record of before the deed would be the next warden's limit */
        report (w, job, "failed", REPORT_LOG | REPORT_JOB,
                "job %s: its "
                "limit stays %s: %s",
                job->spec.key, mw_size_format (before, a, sizeof (a)),
                err->text);
        return -1;
    }
    warden_room (w);
    return 0;
}

static int _wish_ladder (struct warden *w, struct job *job,
                         const struct pass_wish *wish, struct mw_err *err)
{
    const struct mw_ladder *shared;
    struct mw_ladder ladder;

    if (mw_ladder_parse (wish->ladder, &ladder, err) < 0)
        return -1;
    if (!(shared = ladder_share (&ladder)))
        return mw_err_errno (err, "cannot set the ladder");
    if (shared == job->ladder) {
        ladder_drop (shared);
        return 0;
    }
    ladder_drop (job->ladder);
    job->ladder = shared;
    report (w, job, "note", REPORT_LOG, "job %s: ladder set to %s",
            job->spec.key, wish->ladder);
    return 0;
}

/* What [job]'s processes may hold, as [wish] says. */
static int _wish_proc_read (const struct job *job, const struct pass_wish *wish,
                            struct mw_proclimit *limit, struct mw_err *err)
{
    char a[MW_SIZE_STRLEN], b[MW_SIZE_STRLEN];

    if (mw_proclimit_parse (wish->proc_limit, limit, err) < 0)
        return -1;
    if (limit->bytes <= job->limit)
        return 0;
    return mw_err_code (err, ERANGE,
                        "a process limit of %s is above the job's limit of "
                        "%s, which no process passes; it must be that much "
                        "or less",
                        mw_size_format (limit->bytes, a, sizeof (a)),
                        mw_size_format (job->limit, b, sizeof (b)));
}

/* By a process of the job's, of itself. */
static int _wish_own (struct warden *w, struct job *job,
                      const struct pass_wish *wish, struct mw_err *err)
{
    char text[MW_LADDER_STRLEN];
    struct mw_proclimit limit;

    if (_wish_proc_read (job, wish, &limit, err) < 0 ||
        above_own (w, job, wish->pid, job->spec.uid, &limit, wish->clears,
                   err) < 0)
        return -1;
    mw_proclimit_format (limit.bytes, &limit.actions, text, sizeof (text));
    report (w, job, "note", REPORT_LOG,
            "job %s: process %d has its own limit set to %s", job->spec.key,
            (int) wish->pid, text);
    return 0;
}

static int _wish_proc_limit (struct warden *w, struct job *job,
                             const struct pass_wish *wish, struct mw_err *err)
{
    char text[MW_LADDER_STRLEN];
    struct mw_proclimit limit;

    if (_wish_proc_read (job, wish, &limit, err) < 0)
        return -1;
    if (job_set_proc_limit (job, &limit) < 0)
        return mw_err_errno (err, "cannot set the process limit");
    mw_proclimit_format (limit.bytes, &limit.actions, text, sizeof (text));
    report (w, job, "note", REPORT_LOG | REPORT_JOB,
            "job %s: limit of each process set to %s", job->spec.key, text);
    incident_lift (w, job);
    above_watch (w, job);
    return 0;
}

/* In the order in which a refusal leaves the least behind. */
static int _wish_set (struct warden *w, struct job *job,
                      const struct pass_wish *wish, struct mw_err *err)
{
    if ((wish->has_limit && _wish_limit (w, job, wish, err) < 0) ||
        (wish->has_priority && _wish_priority (w, job, wish, err) < 0) ||
        (wish->has_proc_limit && _wish_proc_limit (w, job, wish, err) < 0) ||
        (wish->has_ladder && _wish_ladder (w, job, wish, err) < 0))
        return -1;
    return 0;
}

/* By whom is on record, also for the scribe, which tells its owner at his terminals. */
static int _wish_hold (struct warden *w, struct job *job, uid_t uid,
                       struct mw_err *err)
{
    char by[32];
    struct json_put more = { .text = by, .size = sizeof (by) };

    if (incident_hold (w, job, err) < 0)
        return -1;
    json_put_number (&more, "by", uid);
    report_more (w, job, "note", REPORT_LOG, json_put_done (&more),
                 "job %s: hold asked for by uid %u", job->spec.key,
                 (unsigned) uid);
    return 0;
}

static int _wish_do (struct warden *w, struct job *job,
                     const struct pass_wish *wish, struct mw_err *err)
{
    struct mw_ladder_step step;

    if (wish->pid < 0)
        return mw_err_code (err, EINVAL, "the pid must be of a process");
    if (pass_wish_step (wish, &step, err) < 0)
        return -1;
    return incident_do (w, job, &step, wish->pid, wish->uid, err);
}

/* Who says so falsely is the sooner chosen at the node's next OOM: less of his is lost. */
static int _wish_mark (struct warden *w, struct job *job)
{
    job->mark_ms = clock_ms ();
    report (w, job, "note", REPORT_LOG,
            "job %s: says that its work up to now is saved", job->spec.key);
    return 0;
}

int wish_grant (struct warden *w, const struct pass_wish *wish,
                struct mw_err *err)
{
    struct job *job = _wish_job (w, wish, err);

    if (!job)
        return -1;
    switch (wish->kind) {
    case PASS_HOLD:
        return _wish_hold (w, job, wish->uid, err);
    case PASS_RESUME:
        return wish->pid > 0 ? incident_resume_one (w, job, wish->pid, err)
                             : incident_resume (w, job, err);
    case PASS_SET:
        return _wish_set (w, job, wish, err);
    case PASS_DO:
        return _wish_do (w, job, wish, err);
    case PASS_GROW:
        return loan_ask (w, job, wish->limit, wish->seconds, err);
    case PASS_RETURN:
        loan_return (w, job);
        return 0;
    case PASS_MARK:
        return _wish_mark (w, job);
    case PASS_NOTIFY:
        return marks_set (w, job, wish->limit, wish->percent, err);
    case PASS_PROC:
        return _wish_own (w, job, wish, err);
    default:
        return mw_err_code (err, EINVAL, "a wish of an unknown kind");
    }
}
