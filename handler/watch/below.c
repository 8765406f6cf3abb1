/* below.c - v1: memcgs that somebody makes below one that we have armed:
 * see below.h */
#include "handler/watch/below.h"

#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <syslog.h>

#include "handler/job/warden.h"
#include "handler/record/report.h"

static struct warden *_warden; /* sd-event hands over one pointer */

static struct job *_owner (const struct job_table *t, const struct memcg *m)
{
    struct job *job = t->first;

    while (job && &job->memcg != m)
        job = job->next;
    return job;
}

/* The pool is none. */
static struct job *_watch_below_job_of (const struct warden *w,
                                        const struct memcg *m)
{
    struct job *job = _owner (&w->jobs, m);

    return job ? job : _owner (&w->steps, m);
}

static void _watch_below_give (struct warden *w, struct memcg *m,
                               const char *name)
{
    struct job *job = _watch_below_job_of (w, m);
    struct memcg_below found = { 0 };

    m->ops->free_below (m, name, &found);
    if (found.failed > 0)
        report_log (
            w, LOG_WARNING,
            "%s: %u memory cgroups below it cannot be given back to the "
            "kernel: %s",
            m->path, found.failed, strerror (found.why));
    if (found.waiting == 0)
        return;
    report (w, job, "nested", REPORT_LOG | (job ? REPORT_JOB : 0),
            "%s%s: below it a memory cgroup was out of memory at a limit of "
            "its own (%.256s): that is the kernel's to answer again",
            job ? "job " : "pool ", job ? job->spec.key : m->path, found.path);
}

static int _on_made (sd_event_source *s, const struct inotify_event *e,
                     void *arg)
{
    struct memcg *m = arg;

    (void) s;
    if (e->mask & IN_Q_OVERFLOW)
        _watch_below_give (_warden, m, NULL);
    else if (e->len > 0 && (e->mask & IN_ISDIR))
        _watch_below_give (_warden, m, e->name);
    report_flush (_warden);
    return 0;
}

static int _watch_below_listen (struct warden *w, struct memcg *m,
                                sd_event_source **source)
{
    char path[64];
    int rc;

    snprintf (path, sizeof (path), "/proc/self/fd/%d", m->dir);
    rc = sd_event_add_inotify (w->loop, source, path, IN_CREATE | IN_ONLYDIR,
                               _on_made, m);
    /* who makes many is not to keep an OOM waiting */
    return rc < 0
               ? rc
               : sd_event_source_set_priority (*source, SD_EVENT_PRIORITY_IDLE);
}

void watch_below (struct warden *w, struct memcg *m, sd_event_source **source)
{
    int rc;

    if (!m->ops->free_below)
        return;
    _warden = w;
    if (!*source && (rc = _watch_below_listen (w, m, source)) < 0)
        report_log (w, LOG_WARNING,
                    "%s: memory cgroups that are made below it "
                    "are not noticed, at limits of their own they wait for "
                    "ever: %s",
                    m->path, strerror (-rc));
    _watch_below_give (w, m, NULL);
}
