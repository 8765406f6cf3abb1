/* refault.c - livelock of a job at its limit: see refault.h
 *
 * Refaults alone are no harm: whoever reads a large file twice has some.
 * Needed are all of: the limit is full of what cannot be reclaimed, the rest is
 * read in again and again (signs_livelock), and tasks stall for it: by the
 * memcg's own PSI on v2, by the node's on v1.
 */
#include "handler/watch/refault.h"

#include "handler/incident/incident.h"
#include "handler/job/warden.h"
#include "handler/memcg/memcg.h"
#include "handler/policy/signs.h"
#include "handler/record/report.h"
#include "handler/step/step.h"
#include "handler/watch/psi.h"
#include "lib/clock.h"

#define LOOKS 3 /* in a row */
#define LOOK_LEAST_MS 500
#define LOOK_MOST_MS 3000 /* further apart they are not in a row */
#define STALLED_PART 4    /* of the time at least that part */

/* Cheap: most jobs are not at their limit. */
static bool _at_limit (const struct job *job)
{
    uint64_t limit = job->memcg.set_limit, total;

    return limit != MEMCG_NO_LIMIT &&
           memcg_read_total (&job->memcg, &total) == 0 &&
           total + limit / 32 >= limit;
}

static bool _refault_due (const struct job *job)
{
    return !job->incident.open &&
           clock_ms () - job->refault.ms >= LOOK_LEAST_MS && _at_limit (job);
}

/* Is [job], which has had to read in [bytes] again ever, livelocked? */
static void _refault_judge (struct warden *w, struct job *job, uint64_t bytes)
{
    struct job_refault *r = &job->refault, now = *r;
    bool own_stalls;
    uint64_t ms;

    if (job_read_usage (job) < 0)
        return;
    now.ms = clock_ms ();
    ms = now.ms - r->ms;
    now.bytes = bytes;
    own_stalls = memcg_stalled (&job->memcg, &now.stalled_us);
    if (r->ms > 0 && ms <= LOOK_MOST_MS &&
        signs_livelock (job->usage.used, job->usage.total, job->memcg.set_limit,
                        now.bytes - r->bytes, ms) &&
        (own_stalls
             ? (now.stalled_us - r->stalled_us) / 1000 >= ms / STALLED_PART
             : watch_psi_stalled (w)))
        now.looks++;
    else
        now.looks = 0;
    *r = now;
    if (now.looks != LOOKS)
        return;
    if (!w->conf.shadow) /* there it goes on: it is told once */
        r->looks = 0;
    report (w, job, "livelock", REPORT_LOG,
            "job %s: at its limit it only "
            "reads in again what it has just dropped: that is taken for its "
            "OOM",
            job->spec.key);
    job->memcg.seen = job->usage;
    incident_oom (w, job, TRIGGER_JOB);
}

void watch_refault (struct warden *w, struct job *job)
{
    uint64_t bytes;

    if (_refault_due (job) && memcg_refaulted (&job->memcg, &bytes))
        _refault_judge (w, job, bytes);
}

/* Of the [bytes] that [job] has had to read in again ever, those since the last
 * call.  Where there was no such call it is all of them: the node's share is
 * rather taken for too small. */
static uint64_t _refault_own (struct job_refault *r, uint64_t hits,
                              uint64_t bytes)
{
    uint64_t own = bytes > r->own_bytes ? bytes - r->own_bytes : 0;

    r->own_bytes = bytes;
    r->own_hits = hits;
    return own;
}

/* Has [job] not been near its limit since the last call?  Where each time there
 * is told it is known, so that 1,000 jobs need not be read because one of them
 * stalls. */
static bool _refault_quiet (struct job *job)
{
    struct job_refault *r = &job->refault;
    bool seen = job->memcg.seen_high == r->own_seen;

    r->own_seen = job->memcg.seen_high;
    return !job->memcg.ops->hits_are_silent && job->memcg.armed &&
           !job->memcg.shadow && seen && job->look_ms == 0 &&
           !job->incident.open;
}

uint64_t watch_refault_all (struct warden *w)
{
    uint64_t own = 0, hits, bytes;
    struct job *next;
    bool hit, due, read;

    for (struct job *j = w->jobs.first; j; j = next) {
        next = j->next; /* an incident may end the job */
        if (_refault_quiet (j)) {
            j->refault.own_bytes = 0;
            continue;
        }
        /* what it uses does not tell: that falls by whole folios, of several
         * MiB, when it is there */
        hits = memcg_hits (&j->memcg);
        hit = hits != j->refault.own_hits;
        due = _refault_due (j);
        /* memory.stat is long: it is read once, and of few jobs */
        read = (hit || due) && memcg_refaulted (&j->memcg, &bytes);
        if (hit && read)
            own += _refault_own (&j->refault, hits, bytes);
        else
            j->refault.own_bytes = 0;
        if (due && read)
            _refault_judge (w, j, bytes);
    }
    return own;
}
