/* process.c - one process of a job holds more than it may
 *
 * An incident as any other, of the trigger "process": its ladder is what is to be done to
 * that one, rung by rung for as long as it is above its limit.  It gives way to whatever
 * concerns the whole job (incident_give_way).
 */
#include <errno.h>
#include <stdio.h>

#include "handler/incident/incident.h"
#include "handler/incident/machine.h"
#include "handler/job/warden.h"
#include "handler/record/report.h"
#include "handler/step/one.h"

/* "above its limit of 1.0 GiB:" */
static void _process_tell (struct warden *w, struct job *job,
                           const struct one *one, uint64_t bytes)
{
    char what[96], a[MW_SIZE_STRLEN];

    snprintf (what, sizeof (what), "above the %s that it may hold:",
              mw_size_format (bytes, a, sizeof (a)));
    one_tell (w, job, what, one);
}

static void _process_shadow (struct warden *w, struct job *job,
                             const struct one *one, uint64_t bytes,
                             const struct mw_ladder *actions)
{
    char a[MW_SIZE_STRLEN], b[MW_SIZE_STRLEN], step[MW_LADDER_STRLEN];

    report (w, job, "shadow", REPORT_LOG,
            "job %s: shadow: process %d (%s) holds %s, which is above the %s "
            "that it may: memwarden would have begun with %s",
            job->spec.key, (int) one->is.pid, one->is.comm,
            mw_size_format (member_holds (&one->is), a, sizeof (a)),
            mw_size_format (bytes, b, sizeof (b)),
            mw_ladder_step_format (&actions->step[0], step, sizeof (step)));
}

static int _process_begin (struct warden *w, struct job *job,
                           const struct one *one, uint64_t bytes,
                           const struct mw_ladder *actions, struct mw_err *err)
{
    struct incident *in = &job->incident;

    if (member_holds (&one->is) <= bytes)
        return mw_err_code (err, ERANGE, "process %d is below its limit again",
                            (int) one->is.pid);
    if (w->conf.shadow) {
        _process_shadow (w, job, one, bytes, actions);
        return 0;
    }
    if (incident_open (w, job, TRIGGER_PROCESS, actions) < 0)
        return mw_err_errno (err, "nothing is done to process %d",
                             (int) one->is.pid);
    in->target_pid = (uint32_t) one->is.pid;
    in->target_started = one->is.started;
    in->target_limit = bytes;
    _process_tell (w, job, one, bytes);
    incident_settle (w, job, incident_enter (w, job, 0));
    return 0;
}

int incident_process (struct warden *w, struct job *job, pid_t pid,
                      uint64_t started, uint64_t bytes,
                      const struct mw_ladder *actions, struct mw_err *err)
{
    struct one one;
    int rc;

    if (job->incident.open)
        return mw_err_code (err, EBUSY, "job %s is in an incident",
                            job->spec.key);
    if (one_find (job, &actions->step[0], pid, started, &one, err) < 0)
        return -1;
    if (one.is.script) /* a rung that signals would take it */
        rc = mw_err_code (err, EPERM, "process %d is the script of job %s",
                          (int) pid, job->spec.key);
    else
        rc = _process_begin (w, job, &one, bytes, actions, err);
    one_drop (&one);
    return rc;
}

void incident_lift (struct warden *w, struct job *job)
{
    incident_give_way (w, job, "its limit is another now");
}
