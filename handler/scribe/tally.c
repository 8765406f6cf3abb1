/* tally.c - what the records come to, in numbers */
#include "handler/scribe/tally.h"

#include <fcntl.h>
#include <string.h>

#include "lib/cgfile.h"
#include "lib/cleanup.h"
#include "lib/json_get.h"
#include "lib/memparts.h"
#include "lib/outcome.h"

const char *const tally_trigger_name[TALLY_TRIGGERS] = { "job", "node", "admin",
                                                         "process" };
/* ---- the jobs that are here ---------------------------------------------- */

/* Of all that a state has (record/fields.c), what is added up. */
static json_t *_tally_kept (const json_t *st)
{
    static const char *const of_job[] = { "memory", "reservation", "limit",
                                          "loan" };
    static const char *const of_incident[] = { "open", "frozen", "suspended",
                                               "slowed", "lent" };
    const json_t *in = json_object_get (st, "incident");
    json_t *kept = json_object ();

    for (size_t i = 0; i < sizeof (of_job) / sizeof (of_job[0]); i++)
        json_object_set (kept, of_job[i], json_object_get (st, of_job[i]));
    for (size_t i = 0; i < sizeof (of_incident) / sizeof (of_incident[0]); i++)
        json_object_set (kept, of_incident[i],
                         json_object_get (in, of_incident[i]));
    return kept;
}

void tally_state (struct tally *t, const json_t *record)
{
    const json_t *st = json_object_get (record, "st");
    const char *event = json_get_text (record, "event");

    if (!t->jobs)
        t->jobs = json_object ();
    if (strcmp (event, "boot") == 0) /* all that are here come behind it */
        json_object_clear (t->jobs);
    if (!st || *json_get_text (json_object_get (st, "spec"), "of"))
        return; /* a step is a part of its job */
    if (strcmp (event, "released") == 0)
        json_object_del (t->jobs, json_get_text (record, "job"));
    else
        json_object_set_new (t->jobs, json_get_text (record, "job"),
                             _tally_kept (st));
}

static void _tally_usage (const char *path, struct tally_jobs *sum)
{
    cleanup_fd int dir = sysroot_open (path, O_RDONLY | O_DIRECTORY);
    struct mw_memparts p;

    if (dir < 0 || mw_memparts_read (dir, &p) < 0)
        return;
    sum->cache += p.cache;
    sum->used += mw_memparts_used (&p);
}

void tally_jobs (const struct tally *t, struct tally_jobs *sum)
{
    const char *key;
    json_t *job;

    *sum = (struct tally_jobs) { 0 };
    json_object_foreach (t->jobs, key, job) {
        sum->jobs++;
        sum->in_incident += json_is_true (json_object_get (job, "open"));
        sum->held += json_is_true (json_object_get (job, "frozen"));
        sum->suspended += json_is_true (json_object_get (job, "suspended"));
        sum->slowed += json_is_true (json_object_get (job, "slowed"));
        sum->reserved += json_get_number (job, "reservation");
        sum->limit += json_get_number (job, "limit") -
                      json_get_number (job, "loan");
        sum->lent += json_get_number (job, "lent") +
                     json_get_number (job, "loan");
        _tally_usage (json_get_text (job, "memory"), sum);
    }
}

/* ---- what has happened --------------------------------------------------- */

static unsigned _tally_trigger (const char *name)
{
    for (unsigned i = 0; i < TALLY_TRIGGERS; i++) {
        if (strcmp (name, tally_trigger_name[i]) == 0)
            return i;
    }
    return TALLY_JOB;
}

static unsigned _tally_step (const char *name)
{
    unsigned i = 0;

    while (i < MW_STEP_COUNT && strcmp (name, mw_steps[i].name) != 0)
        i++;
    return i;
}

static void _tally_resolved (struct tally *t, const json_t *record)
{
    unsigned trigger = _tally_trigger (json_get_text (record, "trigger"));
    unsigned step = _tally_step (json_get_text (record, "last"));

    t->resolved[trigger][step]
               [mw_outcome_of (json_get_text (record, "outcome"))]++;
}

void tally_count (struct tally *t, const json_t *record)
{
    const char *event = json_get_text (record, "event");
    const json_t *st = json_object_get (record, "st");

    if (strcmp (event, "detected") == 0)
        t->detected[_tally_trigger (
            json_get_text (json_object_get (st, "incident"), "trigger"))]++;
    else if (strcmp (event, "resolved") == 0)
        _tally_resolved (t, record);
    else if (strcmp (event, "kernel-kill") == 0)
        t->kernel_kills++;
    else if (strcmp (event, "lent") == 0)
        t->lent += json_get_number (record, "bytes");
    else if (strcmp (event, "returned") == 0)
        t->returned += json_get_number (record, "bytes");
}

void tally_end (struct tally *t)
{
    json_decref (t->jobs);
    *t = (struct tally) { 0 };
}
