/* given.c - Slurm changes what it gives to a job that runs: see given.h */
#include "handler/watch/given.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <syslog.h>
#include <unistd.h>

#include "handler/account/headroom.h"
#include "handler/job/warden.h"
#include "handler/record/report.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/event.h"
#include "lib/granted.h"

/* Each of the job's slurmstepds writes the job's limits and then its step's, within
 * a millisecond, and we hear of the job's: so steps are looked at a little later, and
 * once more in case that one was slow. */
#define AGAIN_MS 50
#define AGAIN_LATE_MS 2000

/* A standalone job's limits are nobody's but the warden's. */
static bool _is_slurms (const struct job *job)
{
    return job->spec.layout == MW_LAYOUT_SLURM ||
           job->spec.layout == MW_LAYOUT_STEP;
}

/* Slurm counts memory in MiB.  What is no such number, or no limit, or all of the
 * node's, is not its word. */
static bool _is_allocation (const struct warden *w, uint64_t bytes)
{
    return bytes != 0 && bytes != MEMCG_NO_LIMIT && bytes % MW_MIB == 0 &&
           bytes / MW_MIB < w->node_memory / MW_MIB;
}

/* The kernel keeps whole pages. */
static bool _same_pages (uint64_t a, uint64_t b)
{
    uint64_t page = (uint64_t) sysconf (_SC_PAGESIZE);

    return a / page == b / page;
}

/* Is the soft limit what we have written there? */
static bool _given_is_ours (const struct job *job, uint64_t soft)
{
    if (job->memcg.ops->soft_is_limit)
        return _same_pages (soft, job->memcg.set_limit);
    return !job_is_step (job) && _same_pages (soft, job->reservation);
}

/* The plugin's word is of before a warden that has had the job and released it. */
void given_first (struct job *job)
{
    struct mw_granted g;

    if (!_is_slurms (job))
        return;
    if ((mw_granted_read (job->memcg.dir, &g) < 0 || g.soft == 0) &&
        memcg_read_limits (&job->memcg, &g.soft, &g.hard) < 0)
        return;
    if (g.soft == MEMCG_NO_LIMIT)
        return;
    job->given = g.soft;
    job->given_hard = g.hard;
}

/* ---- following ----------------------------------------------------------- */

static void _given_apply (struct warden *w, struct job *job)
{
    struct mw_err err;

    if (!job->memcg.shadow && !job_is_step (job))
        job->memcg.ops->set_reservation (&job->memcg, job->reservation, NULL);
    if (job_assert_limit (job, &err) < 0)
        report_failed (w, job, "its limit stays", &err);
    given_again (w, job);
    job->given_again_ms = clock_ms () + AGAIN_MS;
    job_set_timer (job);
    warden_room (w);
}

static void _given_follow (struct warden *w, struct job *job, uint64_t soft,
                           uint64_t hard)
{
    char a[MW_SIZE_STRLEN], b[MW_SIZE_STRLEN], l[MW_SIZE_STRLEN];
    uint64_t before = job->reservation;

    job->given = soft;
    job->given_hard = hard;
    if (!job->memcg.shadow && !job_is_step (job))
        mw_granted_write (job->memcg.dir,
                          &(struct mw_granted) { .hard = hard, .soft = soft },
                          false);
    job_regrant (job, soft, &w->conf, headroom_capacity (w), w->node_cpus);
    _given_apply (w, job);
    report (w, job, "given", REPORT_LOG | REPORT_JOB,
            "%s %s: Slurm gives it %s now instead of %s: reservation %s, "
            "limit %s",
            job_is_step (job) ? "step" : "job", job->spec.key,
            mw_size_format (soft, a, sizeof (a)),
            mw_size_format (before, b, sizeof (b)), a,
            mw_size_format (job->limit, l, sizeof (l)));
}

/* Is the hard limit where we have put it, or above? */
static bool _is_wide (const struct memcg *m, uint64_t hard)
{
    uint64_t ours = m->set_wall > m->set_limit ? m->set_wall : m->set_limit;

    return hard >= ours || _same_pages (hard, ours);
}

/* As it was, also where a step of the ladder has made that less than the job's own. */
static void _given_back (struct memcg *m)
{
    uint64_t wall = m->set_wall > m->set_limit ? m->set_wall - m->set_limit : 0;

    m->ops->set_limit (m, m->set_limit, wall, NULL);
}

bool given_look (struct warden *w, struct job *job)
{
    bool lowered = job->memcg.moved;
    uint64_t soft, hard;

    if (!job->given || job->memcg.dir < 0)
        return false;
    if (lowered && job->memcg.found) {
        soft = job->memcg.found;
        hard = job->memcg.found_hard;
    } else if (memcg_read_limits (&job->memcg, &soft, &hard) < 0) {
        return false;
    }
    job->memcg.moved = false;
    job->memcg.found = job->memcg.found_hard = 0;
    if (!_given_is_ours (job, soft) && !_same_pages (soft, job->given) &&
        _is_allocation (w, soft)) {
        _given_follow (w, job, soft, hard);
        return true;
    }
    if (job->memcg.shadow || (!lowered && _given_is_ours (job, soft) &&
                              _is_wide (&job->memcg, hard)))
        return false;
    _given_back (&job->memcg);
    return true;
}

void given_again (struct warden *w, struct job *job)
{
    bool late = job->given_again_ms > 0;

    (void) w;
    job->given_again_ms = 0;
    if (job->memcg.shadow || job->memcg.dir < 0 || job_is_step (job))
        return;
    memcg_lift_steps (&job->memcg, job->given_hard);
    if (late && !job->given_late) {
        job->given_late = true;
        job->given_again_ms = clock_ms () + AGAIN_LATE_MS;
    } else {
        job->given_late = false;
    }
}

/* ---- a step is to start -------------------------------------------------- */

bool given_is_above (struct job *job)
{
    return job->given && job->given_hard != MEMCG_NO_LIMIT &&
           job_read_usage (job) == 0 && job->usage.used > job->given_hard;
}

void given_tell_start (struct warden *w, struct job *job, const char *step,
                       bool kept)
{
    char a[MW_SIZE_STRLEN], b[MW_SIZE_STRLEN];
    const char *name = strncmp (step, "step_", 5) == 0 ? step + 5 : step;

    report (
        w, job, "start", REPORT_LOG | REPORT_JOB,
        "job %s: its step %.32s %s: Slurm sets the job's limit to %s at each "
        "step's start (AllowedRAMSpace in cgroup.conf), and it uses %s",
        job->spec.key, name,
        kept ? "cannot start" : "starts, and the kernel may kill in the job",
        mw_size_format (job->given_hard, a, sizeof (a)),
        mw_size_format (job->usage.used, b, sizeof (b)));
}

/* ---- listening ----------------------------------------------------------- */

static struct warden *_warden; /* sd-event hands over one pointer */

static int _given_on_written (sd_event_source *s, const struct inotify_event *e,
                              void *arg)
{
    (void) s;
    (void) e;
    if (given_look (_warden, arg))
        report_flush (_warden);
    return 0;
}

static int _given_watch (struct warden *w, struct job *job)
{
    cleanup_fd int file = openat (job->memcg.dir, job->memcg.ops->soft_file,
                                  O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    char path[64];

    if (file < 0)
        return -errno;
    snprintf (path, sizeof (path), "/proc/self/fd/%d", file);
    return sd_event_add_inotify (w->loop, &job->written, path, IN_MODIFY,
                                 _given_on_written, job);
}

void given_listen (struct warden *w, struct job *job)
{
    int rc;

    _warden = w;
    if (!job->given)
        return;
    if (!job->written && (rc = _given_watch (w, job)) < 0)
        report_log (w, LOG_WARNING,
                    "job %s: should Slurm change its memory, that will not be "
                    "noticed: %s",
                    job->spec.key, strerror (-rc));
    given_look (w, job);
}
