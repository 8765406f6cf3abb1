/* telling.c - which of a job's incidents are told: see telling.h */
#include "handler/incident/telling.h"

#include <stdio.h>

#include "handler/job/warden.h"
#include "handler/record/blame.h"
#include "handler/record/leftover.h"
#include "handler/record/report.h"
#include "lib/clock.h"
#include "lib/json_put.h"
#include "lib/units.h"

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

void telling_resolved (struct warden *w, struct job *job, const char *outcome)
{
    const struct incident *in = &job->incident;
    char a[MW_SIZE_STRLEN], b[MW_SIZE_STRLEN], untold[64];
    char held[BLAME_TEXT], more[384 + BLAME_MORE];
    struct json_put p = { .text = more, .size = sizeof (more) };

    json_put_text (&p, "trigger", incident_trigger_name[in->trigger]);
    if (in->ladder)
        json_put_text (&p, "last",
                       mw_steps[in->ladder->step[in->step].kind].name);
    json_put_text (&p, "outcome", outcome);
    json_put_number (&p, "took_ms", clock_ms () - in->opened_ms);
    json_put_number (&p, "ran_ms", in->opened_ms - job->registered_ms);
    json_put_number (&p, "cpus", job->spec.cpus);
    blame_put (&p, job);
    report_more (w, job, "resolved", REPORT_LOG | REPORT_JOB | REPORT_COMMENT,
                 json_put_done (&p),
                 "job %s: %s; it used up to %s, its limit is %s%s%s",
                 job->spec.key, outcome,
                 mw_size_format (job->peak, a, sizeof (a)),
                 mw_size_format (job->limit, b, sizeof (b)),
                 in->kills > 0
                     ? ""
                     : blame_text (job, "; when it began it held ", held),
                 telling_more (job, untold, sizeof (untold)));
}

void telling_released (struct warden *w, struct job *job, const char *what,
                       const char *left)
{
    char more[2048 + LEFTOVER_MORE];
    struct json_put p = { .text = more, .size = sizeof (more) };

    json_put_number (&p, "peak", job->peak);
    json_put_number (&p, "peak_used", job->peak_used);
    json_put_number (&p, "ran_ms", clock_ms () - job->registered_ms);
    json_put_number (&p, "cpus", job->spec.cpus);
    json_put_text (&p, "name", job->spec.name);
    json_put_text (&p, "of", job->spec.of);
    if (*left) {
        json_put (&p, left);
        json_put (&p, ",");
    }
    report_more (w, job, "released", REPORT_LOG, json_put_done (&p),
                 "job %s: %s", job->spec.key, what);
}
