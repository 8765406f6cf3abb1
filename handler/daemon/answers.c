/* answers.c - the courier's answers come back, and memory: see answers.h */
#include "handler/daemon/answers.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <syslog.h>

#include "handler/account/aftermath.h"
#include "handler/account/class.h"
#include "handler/incident/incident.h"
#include "handler/job/warden.h"
#include "handler/record/report.h"

static int _on_room (sd_event_source *s, void *arg)
{
    struct warden *w = arg;

    sd_event_source_set_enabled (s, SD_EVENT_OFF);
    incident_headroom (w);
    report_flush (w);
    return 0;
}

/* The job a request was for: its id begins with the key and a dot.  A key may
 * have dots of its own, so the longest one is meant. */
static struct job *_asked_by (struct warden *w, const char *id)
{
    struct job *found = NULL;
    size_t longest = 0;

    for (struct job *j = w->jobs.first; j; j = j->next) {
        size_t len = strlen (j->spec.key);

        if (len > longest && strncmp (id, j->spec.key, len) == 0 &&
            id[len] == '.') {
            found = j;
            longest = len;
        }
    }
    return found;
}

static void _take_answers (struct warden *w)
{
    static struct spool_answer a;
    struct mw_err err;
    struct job *job;
    int rc;

    while ((rc = spool_take_answer (&w->spool, &a, &err)) != 0) {
        if (rc < 0) {
            report_log (w, LOG_WARNING,
                        "an answer of the courier is dropped: "
                        "%s",
                        err.text);
            if (errno != EPROTO)
                break;
            continue;
        }
        if (!(job = _asked_by (w, a.id)))
            aftermath_answer (w, &a);
        else if (!class_answer (w, job, &a))
            incident_answer (w, job, &a);
    }
    report_flush (w);
}

static int _on_answers (sd_event_source *s, const struct inotify_event *e,
                        void *arg)
{
    (void) s;
    (void) e;
    _take_answers (arg);
    return 0;
}

int warden_listen_answers (struct warden *w, struct mw_err *err)
{
    char path[64];
    int rc;

    snprintf (path, sizeof (path), "/proc/self/fd/%d", w->spool.ans);
    rc = sd_event_add_inotify (w->loop, &w->answers, path,
                               IN_MOVED_TO | IN_CREATE, _on_answers, w);
    if (rc >= 0)
        rc = sd_event_add_defer (w->loop, &w->room, _on_room, w);
    if (rc < 0) {
        errno = -rc;
        return mw_err_errno (err, "cannot listen to the spool");
    }
    sd_event_source_set_enabled (w->room, SD_EVENT_OFF);
    _take_answers (w);
    return 0;
}
