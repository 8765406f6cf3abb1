/* marks.c - a job is told when what it uses passes a mark: see marks.h */
#include "handler/watch/marks.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "handler/job/warden.h"
#include "handler/policy/pace.h"
#include "handler/watch/usage.h"
#include "lib/units.h"

#define LOOK_LEAST_MS 100 /* memory.stat takes 33 us */
#define LOOK_MOST_MS 1000 /* page cache gives way, so the sum tells nothing */
#define BELOW_PART 16

static uint64_t _mark_at (const struct job *job, const struct job_mark *m)
{
    uint64_t limit = job->limit + job->incident.lent;

    return m->bytes ? m->bytes : limit / 100 * m->percent;
}

static bool _mark_is (const struct job_mark *m)
{
    return m->bytes > 0 || m->percent > 0;
}

static void _mark_tell (struct warden *w, struct job *job,
                        const struct job_mark *m)
{
    char a[MW_SIZE_STRLEN], b[MW_SIZE_STRLEN], of[48] = "", text[256];

    if (m->percent > 0)
        snprintf (of, sizeof (of), ", %u %% of its limit", m->percent);
    snprintf (text, sizeof (text),
              "job %s: uses %s, which passes the mark of %s%s", job->spec.key,
              mw_size_format (job->usage.used, a, sizeof (a)),
              mw_size_format (_mark_at (job, m), b, sizeof (b)), of);
    w->up.note (w, job, text);
}

static void _marks_reached (struct warden *w, struct job *job);

/* [used]: what cannot be reclaimed; UINT64_MAX = not known. */
static int _marks_ask (struct warden *w, struct job *job, uint64_t used)
{
    struct pace when = { .at = UINT64_MAX, .soonest = LOOK_LEAST_MS };
    uint64_t both = 0;

    memcg_read_both (&job->memcg, &both);
    for (unsigned i = 0; i < JOB_MARKS; i++) {
        const struct job_mark *m = &job->mark[i];
        uint64_t at = _mark_is (m) ? _mark_at (job, m) : UINT64_MAX;

        if (at < when.at)
            when.at = at;
        if (at <= both)
            when.latest = LOOK_MOST_MS;
    }
    if (when.at == UINT64_MAX) {
        usage_forget (job, JOB_USAGE_MARKS);
        return 0;
    }
    if (used < when.at && when.at <= both)
        when.at = both + (when.at - used);
    return usage_ask (w, job, JOB_USAGE_MARKS, &when, _marks_reached);
}

static void _marks_reached (struct warden *w, struct job *job)
{
    if (job_read_usage (job) < 0) {
        _marks_ask (w, job, UINT64_MAX);
        return;
    }
    for (unsigned i = 0; i < JOB_MARKS; i++) {
        struct job_mark *m = &job->mark[i];
        uint64_t at = _mark_at (job, m);

        if (!_mark_is (m))
            continue;
        if (job->usage.used < at - at / BELOW_PART)
            m->passed = false;
        else if (job->usage.used >= at && !m->passed) {
            m->passed = true;
            _mark_tell (w, job, m);
        }
    }
    _marks_ask (w, job, job->usage.used);
}

static struct job_mark *_marks_place (struct job *job,
                                      const struct job_mark *like)
{
    struct job_mark *free_one = NULL;

    for (unsigned i = 0; i < JOB_MARKS; i++) {
        struct job_mark *m = &job->mark[i];

        if (m->bytes == like->bytes && m->percent == like->percent)
            return m;
        if (!free_one && !_mark_is (m))
            free_one = m;
    }
    return free_one;
}

static int _marks_add (struct job *job, const struct job_mark *m,
                       struct mw_err *err)
{
    char a[MW_SIZE_STRLEN], b[MW_SIZE_STRLEN];
    struct job_mark *place;

    if (m->bytes > job->limit)
        return mw_err_code (err, ERANGE,
                            "a mark at %s is above the job's limit of %s, "
                            "where its OOM is told anyway; it must be below",
                            mw_size_format (m->bytes, a, sizeof (a)),
                            mw_size_format (job->limit, b, sizeof (b)));
    if (!(place = _marks_place (job, m)))
        return mw_err_code (err, ENOSPC,
                            "job %s has %d marks, which is as many as it may",
                            job->spec.key, JOB_MARKS);
    *place = *m;
    return 0;
}

int marks_set (struct warden *w, struct job *job, uint64_t bytes,
               unsigned percent, struct mw_err *err)
{
    const struct job_mark m = { .bytes = bytes, .percent = percent };

    if (!_mark_is (&m))
        memset (job->mark, 0, sizeof (job->mark));
    else if (_marks_add (job, &m, err) < 0)
        return -1;
    if (_marks_ask (w, job, UINT64_MAX) < 0)
        return mw_err_errno (err, "job %s: its usage is not watched",
                             job->spec.key);
    return 0;
}
