/* loan.c - memory that a job has asked for above its limit: see loan.h */
#include "handler/account/loan.h"

#include <errno.h>
#include <stdio.h>

#include "handler/account/headroom.h"
#include "handler/job/warden.h"
#include "handler/record/report.h"
#include "lib/clock.h"
#include "lib/json_put.h"

/* What is still used of a loan that is over is looked at after LOOK_MS, and then twice
 * as late each time, up to 2^LOOK_DOUBLED times that: 1,000 such jobs cost nothing. */
#define LOOK_MS 1000
#define LOOK_DOUBLED 6

#define LOAN_LEAST MW_MIB
#define BACK_LEAST (16 * MW_MIB) /* but for the last of it */

/* ---- lent ---------------------------------------------------------------- */

/* What there is of the [more] bytes: a grow would take a part of it, and come again. */
static uint64_t _loan_headroom (struct warden *w, struct job *job,
                                uint64_t more)
{
    const struct mw_amount amount = { .kind = MW_AMOUNT_BYTES,
                                      .bytes = more + job->incident.lent };
    uint64_t left = headroom_may_lend (w, job, &amount);
    struct policy_node node;
    unsigned n;

    if (left >= more)
        return left;
    n = headroom_snapshot (w, &node, w->scratch, w->scratch_max);
    return headroom_left (w, &node, n);
}

/* May [job] have [more] bytes than it has? */
static int _loan_has_room (struct warden *w, struct job *job, uint64_t more,
                           struct mw_err *err)
{
    uint64_t cap = job_limit_cap (job, &w->conf, headroom_capacity (w));
    uint64_t room = cap > job->limit ? cap - job->limit : 0, left;
    char a[MW_SIZE_STRLEN], b[MW_SIZE_STRLEN];

    if (more > room)
        return mw_err_code (err, ERANGE,
                            "job %s may be lent at most %s: its limit and "
                            "loan are capped at %s",
                            job->spec.key,
                            mw_size_format (job->loan + room, a, sizeof (a)),
                            mw_size_format (cap, b, sizeof (b)));
    left = _loan_headroom (w, job, more);
    if (left < more)
        return mw_err_code (err, ENOSPC,
                            "the node has headroom for %s more now",
                            mw_size_format (left, a, sizeof (a)));
    return 0;
}

static int _loan_may (struct warden *w, struct job *job, uint64_t bytes,
                      uint32_t seconds, struct mw_err *err)
{
    char a[MW_SIZE_STRLEN];

    if (w->conf.shadow)
        return mw_err_code (err, ENOTSUP,
                            "memwardend is in shadow mode: it "
                            "does nothing to any job");
    if (seconds == 0 || seconds > LOAN_MOST_S)
        return mw_err_code (err, ERANGE, "a loan is for 1 to %d seconds",
                            LOAN_MOST_S);
    if (bytes < LOAN_LEAST)
        return mw_err_code (err, ERANGE, "a loan is of 1 MiB or more");
    if (job->loan > 0 && job->loan_over)
        return mw_err_code (err, EBUSY,
                            "the last loan of job %s is over, and %s of it "
                            "are used yet",
                            job->spec.key,
                            mw_size_format (job->loan, a, sizeof (a)));
    if (w->up.node_is_short (w))
        return mw_err_code (err, EAGAIN, "the node is short of memory now");
    return 0;
}

static void _loan_say (struct warden *w, struct job *job, uint64_t more,
                       uint32_t seconds)
{
    char a[MW_SIZE_STRLEN], b[MW_SIZE_STRLEN], t[32], text[REPORT_LENT];

    report_more (w, job, "lent", REPORT_LOG | REPORT_JOB,
                 report_lent (job, more, text),
                 "job %s: lent %s for %s, as it asked: its limit is %s so long",
                 job->spec.key, mw_size_format (job->loan, a, sizeof (a)),
                 mw_duration_format ((uint64_t) seconds * 1000, t, sizeof (t)),
                 mw_size_format (job->limit, b, sizeof (b)));
}

int loan_ask (struct warden *w, struct job *job, uint64_t bytes,
              uint32_t seconds, struct mw_err *err)
{
    uint64_t had = job->loan, until = job->loan_ms, more;

    if (_loan_may (w, job, bytes, seconds, err) < 0)
        return -1;
    more = bytes > had ? bytes - had : 0;
    if (more > 0 && more < LOAN_LEAST)
        more = LOAN_LEAST;
    if (more > 0 && _loan_has_room (w, job, more, err) < 0)
        return -1;
    job->loan_over = false;
    job->loan_looks = 0;
    job->loan += more;
    job->limit += more;
    job->loan_ms = clock_ms () + (uint64_t) seconds * 1000;
    _loan_say (w, job, more, seconds);
    if (more > 0 && job_assert_limit (job, err) < 0) {
        job->loan = had;
        job->limit -= more;
        job->loan_ms = until;
        job_commit (job);
        report_failed (w, job, "cannot be lent what it asked for", err);
        return -1;
    }
    job_set_timer (job);
    if (more > 0)
        warden_room (w); /* it may have been held for want of it */
    return 0;
}

/* ---- taken back ---------------------------------------------------------- */

/* Returns how much was taken back. */
static uint64_t _loan_take_back (struct warden *w, struct job *job)
{
    uint64_t had = job->loan, back;
    struct mw_err err;

    if (job_read_usage (job) < 0)
        return 0;
    back = had - job_loan_in_use (job);
    if (back == 0 || (back < had && back < BACK_LEAST))
        return 0;
    job->loan -= back;
    job->limit -= back;
    if (job_assert_limit (job, &err) == 0 || errno == ENODEV) {
        warden_room (w);
        return back;
    }
    job->loan = had;
    job->limit += back;
    job_commit (job);
    if (job->loan_looks == 0)
        report_failed (w, job, "cannot take back what it was lent", &err);
    return 0;
}

static void _loan_say_back (struct warden *w, struct job *job, uint64_t back,
                            bool first)
{
    char a[MW_SIZE_STRLEN], b[MW_SIZE_STRLEN], c[MW_SIZE_STRLEN];
    char rest[MW_SIZE_STRLEN + 64] = "", more[REPORT_LENT];

    if (job->loan > 0)
        snprintf (rest, sizeof (rest),
                  "; it still uses %s, which follow as it lets go of them",
                  mw_size_format (job->loan, c, sizeof (c)));
    if (back > 0)
        report_more (w, job, "returned", REPORT_LOG | REPORT_JOB,
                     report_lent (job, back, more),
                     "job %s: gave back %s of what it had asked for: its "
                     "limit is %s%s%s",
                     job->spec.key, mw_size_format (back, a, sizeof (a)),
                     mw_size_format (job->limit, b, sizeof (b)),
                     job->loan > 0 ? "" : " again", rest);
    else if (first)
        report (w, job, "note", REPORT_LOG | REPORT_JOB,
                "job %s: its loan is over%s", job->spec.key, rest);
}

/* Nobody is at its limit because of what is taken back: of a job that is there the
 * ladder decides first. */
static void _loan_end (struct warden *w, struct job *job)
{
    const struct incident *in = &job->incident;
    bool first = !job->loan_over, busy;
    uint64_t back = 0, wait = LOOK_MS;

    busy = in->open && in->trigger == TRIGGER_JOB;
    job->loan_over = true; /* before what is said of it */
    if (!busy)
        back = _loan_take_back (w, job);
    if (back > 0 || (!busy && first))
        _loan_say_back (w, job, back, first);
    if (job->loan == 0) {
        job->loan_ms = job->loan_looks = 0;
        job->loan_over = false;
        return;
    }
    if (!busy) {
        wait <<= job->loan_looks;
        job->loan_looks += job->loan_looks < LOOK_DOUBLED;
    }
    job->loan_ms = clock_ms () + wait;
    job_set_timer (job);
}

void loan_return (struct warden *w, struct job *job)
{
    job->loan_looks = 0;
    if (job->loan > 0)
        _loan_end (w, job);
}

void loan_timer (struct warden *w, struct job *job)
{
    if (job->loan > 0 && clock_ms () >= job->loan_ms)
        _loan_end (w, job);
}
