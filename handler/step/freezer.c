/* freezer.c - who else freezes and thaws a job: see freezer.h */
#include "handler/step/freezer.h"

#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <syslog.h>
#include <unistd.h>

#include "handler/job/warden.h"
#include "handler/record/report.h"

static struct warden *_warden; /* sd-event hands over one pointer */

static int _on_written (sd_event_source *s, const struct inotify_event *e,
                        void *arg)
{
    struct job *job = arg;

    (void) s;
    (void) e;
    _warden->up.freezer (_warden, job, job_freezer_is (job, false),
                         job_freezer_is (job, true));
    report_flush (_warden);
    return 0;
}

void step_watch_freezer (struct warden *w, struct job *job)
{
    int fd[JOB_FREEZERS], rc = 0;
    char path[64];

    if (job->spec.slurm_id == 0)
        return;
    _warden = w;
    job_freezer_end (job);
    job->freezers = memcg_freezers (&job->memcg, fd, JOB_FREEZERS);
    for (unsigned i = 0; i < job->freezers; i++) {
        job->freezer[i].fd = fd[i];
        snprintf (path, sizeof (path), "/proc/self/fd/%d", fd[i]);
        if (rc >= 0)
            rc = sd_event_add_inotify (w->loop, &job->freezer[i].source, path,
                                       IN_MODIFY, _on_written, job);
    }
    if (rc < 0)
        report_log (w, LOG_WARNING,
                    "job %s: should somebody else resume it, "
                    "that is not noticed: %s",
                    job->spec.key, strerror (-rc));
}
