/* stop.c - one process of a job stands still: see stop.h */
#include "handler/step/stop.h"

#include <errno.h>
#include <signal.h>

#include "handler/record/report.h"

/* It is in the state that is on record, and behind that at its memcg, too. */
static void _stop_mark (const struct job *job)
{
    stopped_mark (job->memcg.dir, &job->incident.stopped);
}

int stop_begin (struct warden *w, struct job *job, const struct one *one,
                enum stopped_why why, const char *what)
{
    struct stopped *s = &job->incident.stopped;
    struct mw_err err;

    if (stopped_add (s, one->is.pid, why, &err) < 0) {
        report (w, job, "step", REPORT_LOG | REPORT_JOB, "job %s: %s",
                job->spec.key, err.text);
        return -1;
    }
    one_tell (w, job, what, one);
    _stop_mark (job);
    return (int) s->n - 1;
}

void stop_drop (struct warden *w, struct job *job, unsigned at, const char *why)
{
    struct stopped *s = &job->incident.stopped;
    int pid = (int) s->one[at].pid;

    stopped_drop (s, at);
    _stop_mark (job);
    report (w, job, "step", REPORT_LOG | REPORT_JOB, "job %s: process %d %s",
            job->spec.key, pid, why);
}

void stop_let_go (struct warden *w, struct job *job, unsigned at)
{
    const struct stopped_one *one = &job->incident.stopped.one[at];
    struct mw_err err;

    if (stopped_send (one, SIGCONT) == 0) {
        stop_drop (w, job, at, "goes on");
    } else if (errno == ESRCH) {
        stop_drop (w, job, at, "has ended");
    } else {
        mw_err_errno (&err, "SIGCONT to process %d", (int) one->pid);
        step_failed (w, job, "a process of it cannot be let go on", &err);
    }
}

void stop_undo (struct warden *w, struct job *job, enum stopped_why what)
{
    const struct stopped *s = &job->incident.stopped;

    for (unsigned i = s->n; i-- > 0;) {
        if (s->one[i].why == what)
            stop_let_go (w, job, i);
    }
}

bool stop_undone (const struct job *job, enum stopped_why what)
{
    const struct stopped *s = &job->incident.stopped;

    for (unsigned i = 0; i < s->n; i++) {
        if (s->one[i].why == what)
            return false;
    }
    return true;
}

void stop_wake_unrecorded (struct warden *w, struct job *job)
{
    struct stopped marked, *known = &job->incident.stopped;
    struct mw_err err;
    int n;

    stopped_marked (job->memcg.dir, &marked);
    for (unsigned i = marked.n; i-- > 0;) {
        if (stopped_find (known, marked.one[i].pid) >= 0)
            stopped_drop (&marked, i);
    }
    if (marked.n == 0)
        return;
    n = stopped_let_all_go (&marked, &err);
    if (n < 0)
        report_failed (w, job, "a process of it cannot be let go on", &err);
    else if (n > 0)
        report (w, job, "step", REPORT_LOG,
                "job %s: an earlier warden has stopped %d of its processes, "
                "which is not on record: they go on",
                job->spec.key, n);
    _stop_mark (job);
}
