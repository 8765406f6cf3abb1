/* tell.c - what is said of jobs and of the node to whoever asks */
#include "handler/daemon/tell.h"

#include <string.h>
#include <unistd.h>

#include "handler/account/headroom.h"
#include "handler/incident/incident.h"
#include "handler/record/fields.h"
#include "lib/clock.h"
#include "lib/wire.h"

/* The rung that [in] is on, and, [next], those behind it, as text. */
static void _told_ladder (const struct incident *in, char *rung, char *next)
{
    unsigned from = in->step + 1;
    struct mw_ladder rest = { .count = in->ladder->count - from };

    mw_ladder_step_format (&in->ladder->step[in->step], rung, MW_LADDER_STRLEN);
    memcpy (rest.step, in->ladder->step + from,
            rest.count * sizeof (rest.step[0]));
    mw_ladder_format (&rest, next, MW_LADDER_STRLEN);
}

static json_t *_told_incident (const struct job *job)
{
    const struct incident *in = &job->incident;
    uint64_t now = clock_ms ();
    uint64_t until = in->slurm_stops_ms ? in->slurm_stops_ms : now;
    uint64_t held_ms = in->frozen_ms ? now - in->frozen_ms : 0;
    char id[INCIDENT_ID_MAX], rung[MW_LADDER_STRLEN], next[MW_LADDER_STRLEN];

    if (!in->open)
        return json_null ();
    _told_ladder (in, rung, next);
    return json_pack ("{s:s,s:s,s:s,s:I,s:I,s:I,s:s,s:s}", "id",
                      incident_id (job, id), "trigger",
                      incident_trigger_name[in->trigger], "step",
                      mw_steps[in->ladder->step[in->step].kind].name, "age_ms",
                      (json_int_t) (now - in->opened_ms), "left_ms",
                      (json_int_t) (in->deadline_ms > until
                                        ? in->deadline_ms - until
                                        : 0),
                      "held_ms", (json_int_t) held_ms, "rung", rung, "next",
                      next);
}

static json_t *_told_job (struct job *job)
{
    json_t *j = json_object ();

    job_read_usage (job);
    fields_tell (j, job, FIELDS_TOLD);
    json_object_set_new (j, "incident", _told_incident (job));
    if (job->loan > 0 && !job->loan_over)
        json_object_set_new (j, "loan_left_ms",
                             json_integer (
                                 (json_int_t) (job->loan_ms -
                                               mw_least (job->loan_ms,
                                                         clock_ms ()))));
    json_object_set_new (j, "class",
                         json_string (job->class ? job->class->name : ""));
    return j;
}

json_t *tell_page (struct warden *w, const char *after, size_t max)
{
    json_t *page = mw_wire_new ("ok"), *list = json_array ();
    bool wait = after && *after;
    const char *last = NULL;
    size_t size = 0;

    json_object_set_new (page, "jobs", list);
    for (struct job *j = w->jobs.first; j; j = j->next) {
        json_t *one;

        if (wait) {
            wait = strcmp (j->spec.key, after) != 0;
            continue;
        }
        one = _told_job (j);
        size += one ? json_dumpb (one, NULL, 0, JSON_COMPACT) + 1 : 0;
        if (size > max && last) {
            json_object_set_new (page, "next", json_string (last));
            json_decref (one);
            break;
        }
        json_array_append_new (list, one);
        last = j->spec.key;
    }
    if (!wait)
        return page;
    json_decref (page);
    return NULL;
}

void tell_node (const struct warden *w, json_t *to)
{
    json_object_set_new (to, "memory",
                         json_integer ((json_int_t) w->node_memory));
    json_object_set_new (to, "reserve",
                         json_integer ((json_int_t) w->node_reserve));
    json_object_set_new (to, "capacity",
                         json_integer ((json_int_t) headroom_capacity (w)));
    json_object_set_new (to, "jobs", json_integer (w->jobs.count));
    json_object_set_new (to, "pid", json_integer (getpid ()));
    json_object_set_new (to, "shadow", json_boolean (w->conf.shadow));
}
