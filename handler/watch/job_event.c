/* job_event.c - a job runs out of memory, its cgroup goes, its timer fires
 *
 * An event's way: _on_event → job_event_check → incident_oom → step.  Nothing
 * on it allocates, forks or waits.
 */
#include "handler/watch/job_event.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <syslog.h>
#include <unistd.h>

#include "handler/account/loan.h"
#include "handler/incident/incident.h"
#include "handler/job/jobstep.h"
#include "handler/job/warden.h"
#include "handler/record/report.h"
#include "handler/watch/given.h"
#include "handler/watch/kmsg.h"
#include "handler/watch/node.h"
#include "handler/watch/refault.h"
#include "lib/cleanup.h"
#include "lib/clock.h"

#define UNHEARD_LOOK_MS 1000

/* v2 asks not to be looked at for a while: then its event is not listened
 * to.  Where it cannot be listened to again (ENOMEM, see epoll_ctl(2)), it is
 * looked at by time until it can. */
static void _job_event_back_off (struct job *job)
{
    bool off = job->memcg.backoff_ms > 0;
    int rc = 0;

    if (job->event)
        rc = sd_event_source_set_enabled (job->event,
                                          off ? SD_EVENT_OFF : SD_EVENT_ON);
    if (off)
        job->look_ms = clock_ms () + job->memcg.backoff_ms;
    else if (rc < 0)
        job->look_ms = clock_ms () + UNHEARD_LOOK_MS;
    job_set_timer (job);
}

/* How long a step waits whose job is stopped. */
#define STOPPED_LOOK_MS 1000

void job_event_check (struct warden *w, struct job *job)
{
    enum memcg_state state = job->memcg.ops->check (&job->memcg);
    bool stopped;

    /* at a limit that is not ours?  Then that is for us to answer first */
    if (job->memcg.moved && given_look (w, job) && state == MEMCG_OOM)
        state = job->memcg.ops->check (&job->memcg);
    if (state == MEMCG_GONE) {
        w->up.release (w, job, "its cgroup is gone");
        return;
    }
    stopped = state == MEMCG_OOM && jobstep_is_stopped (w, job);
    if (stopped)
        job->memcg.backoff_ms = STOPPED_LOOK_MS;
    _job_event_back_off (job);
    if (stopped)
        return;
    if (state == MEMCG_OOM)
        incident_oom (w, job, TRIGGER_JOB);
    else if (state == MEMCG_QUIET)
        watch_refault (w, job);
    else if (job_is_step (job))
        return; /* its job hears of that, too */
    else if (state == MEMCG_PARENT_OOM)
        node_look (w); /* that is the pool's, or the node's */
    else if (state == MEMCG_KERNEL_KILL)
        watch_kmsg_counted (w, job);
}

static struct warden *_warden; /* sd-event hands over one pointer */

static int _on_event (sd_event_source *s, int fd, uint32_t events, void *arg)
{
    (void) s;
    (void) fd;
    (void) events;
    job_event_check (_warden, arg);
    report_flush (_warden);
    return 0;
}

static int _job_event_on_timer (sd_event_source *s, uint64_t usec, void *arg)
{
    struct job *job = arg;
    char key[MW_JOBKEY_MAX];

    (void) s;
    (void) usec;
    snprintf (key, sizeof (key), "%s", job->spec.key);
    if (job->release_ms > 0 && clock_ms () >= job->release_ms) {
        job->release_ms = 0;
        _warden->up.release (_warden, job, job->release_why);
        if (warden_find (_warden, key) != job) {
            report_flush (_warden);
            return 0;
        }
    }
    if (job->look_ms > 0 && clock_ms () >= job->look_ms) {
        job->look_ms = 0;
        job_event_check (_warden, job);
        if (warden_find (_warden, key) != job) {
            report_flush (_warden);
            return 0;
        }
    }
    if (job->given_again_ms > 0 && clock_ms () >= job->given_again_ms)
        given_again (_warden, job);
    loan_timer (_warden, job);
    incident_timer (_warden, job);
    if (warden_find (_warden, key) == job)
        job_set_timer (job);
    report_flush (_warden);
    return 0;
}

/* Something was removed beside [arg]'s directory, or that itself. */
static int _on_removal (sd_event_source *s, const struct inotify_event *e,
                        void *arg)
{
    struct job *job = arg;
    const char *slash = strrchr (job->memcg.path, '/');

    (void) s;
    if (!(e->mask & IN_Q_OVERFLOW) && slash && e->len > 0 &&
        strcmp (e->name, slash + 1) != 0)
        return 0;
    job_event_check (_warden, job);
    report_flush (_warden);
    return 0;
}

/* A watch on the directory above: one on its own would be told when the last
 * descriptor of it is closed, and that is ours. */
static int _listen_removal (struct warden *w, struct job *job)
{
    cleanup_fd int above = openat (job->memcg.dir, "..",
                                   O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char path[64];
    int rc;

    if (above < 0)
        return -errno;
    snprintf (path, sizeof (path), "/proc/self/fd/%d", above);
    rc = sd_event_add_inotify (w->loop, &job->removal, path,
                               IN_DELETE | IN_ONLYDIR, _on_removal, job);
    /* each job beside the removed one is called: no OOM is to wait for that */
    return rc < 0 ? rc
                  : sd_event_source_set_priority (job->removal,
                                                  SD_EVENT_PRIORITY_IDLE);
}

int job_event_listen (struct warden *w, struct job *job, struct mw_err *err)
{
    int rc;

    _warden = w;
    if (job->memcg.ops->removal_is_silent && !job->removal &&
        (rc = _listen_removal (w, job)) < 0)
        report_log (w, LOG_WARNING,
                    "job %s: should nobody release it, its end "
                    "will not be noticed: %s",
                    job->spec.key, strerror (-rc));
    rc = sd_event_add_io (w->loop, &job->event, job->memcg.event,
                          job->memcg.ops->epoll_events, _on_event, job);
    if (rc >= 0 && !job->timer)
        rc = sd_event_add_time (w->loop, &job->timer, CLOCK_BOOTTIME, 0, 1000,
                                _job_event_on_timer, job);
    if (rc < 0) {
        errno = -rc;
        return mw_err_errno (err, "cannot listen to job %s", job->spec.key);
    }
    sd_event_source_set_enabled (job->timer, SD_EVENT_OFF);
    return 0;
}
