/* telling.c - which of a job's incidents are told: see telling.h */
#include "handler/incident/telling.h"

#include <stdio.h>

#include "handler/job/warden.h"
#include "handler/record/report.h"
#include "lib/clock.h"

void telling_begin (struct job *job)
{
    enum often_telling telling = often_incident (&job->often, clock_ms ());
    struct incident *in = &job->incident;

    in->begins_often = telling == OFTEN_BEGIN;
    in->quiet = telling == OFTEN_SKIP;
    if (in->trigger == TRIGGER_NODE)
        telling_rung (job, MW_STEP_KILL);
}

void telling_say (struct warden *w, struct job *job)
{
    if (!job->incident.begins_often)
        return;
    report (
        w, job, "note", REPORT_LOG | REPORT_JOB,
        "job %s: it has had %d incidents within a minute: from now on the "
        "controller and its stderr are told of one in %d s at most (all are "
        "on record: memwarden events), and it keeps what it is lent for "
        "%d s longer",
        job->spec.key, OFTEN_INCIDENTS + 1, OFTEN_TELL_MS / 1000,
        OFTEN_KEEP_MS / 1000);
}

void telling_rung (struct job *job, enum mw_step_kind kind)
{
    struct incident *in = &job->incident;
    bool stands = kind == MW_STEP_HOLD && in->trigger == TRIGGER_ADMIN;

    if (!in->quiet || stands || kind == MW_STEP_GROW ||
        kind == MW_STEP_RECLAIM || kind == MW_STEP_SLOW)
        return;
    in->quiet = false;
    often_tell_it (&job->often);
}

const char *telling_more (struct job *job, char *buf, size_t len)
{
    unsigned n = job->incident.quiet ? 0 : often_take_untold (&job->often);

    buf[0] = '\0';
    if (n > 0)
        snprintf (buf, len, "; %u incidents before it were not told", n);
    return buf;
}

const char *telling_answer (const struct spool_answer *a)
{
    enum spool_op op = spool_op_of (a->id);

    if (a->ok) /* of a requeue, with how much memory */
        return op == SPOOL_REQUEUE ? a->text : "done";
    return op == SPOOL_HOOK ? "not done" : a->text;
}
