/* decision.c - a decision about the node is written down: see decision.h */
#include "handler/record/decision.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "handler/job/warden.h"
#include "handler/record/journal.h"
#include "lib/json_put.h"

#define ROW_MOST 2048 /* no job takes more, escaped */

/* One record being put together: once and locked, as journal.c has its line. */
static char part_text[16384];
static struct json_put part = { .text = part_text, .size = sizeof (part_text) };
static uint64_t part_id;
static char part_sentence[128]; /* of the first one */

/* ---- parts --------------------------------------------------------------- */

static void _decision_open (void)
{
    part.len = 0;
    part.over = false;
    json_put (&part, "\"decision\":{");
    json_put_number (&part, "v", DECISION_VERSION);
    json_put_number (&part, "id", part_id);
}

static int _decision_flush (struct warden *w)
{
    int rc;

    json_put_end (&part, "}");
    rc = journal_append (w->journal, "decision", NULL, NULL, part_sentence,
                         json_put_done (&part), NULL);
    part_sentence[0] = '\0';
    return rc;
}

/* Where there is no room for one more, a part ends, and [array] goes on in the
 * next one. */
static int _make_room (struct warden *w, const char *array)
{
    if (part.len + ROW_MOST < part.size)
        return 0;
    json_put_end (&part, "]");
    if (_decision_flush (w) < 0)
        return -1;
    _decision_open ();
    json_put (&part, array);
    return 0;
}

/* ---- what is written ----------------------------------------------------- */

/* What is begun with the first victim. */
static void _decision_ladder (const struct warden *w,
                              const struct policy_plan *plan)
{
    char ladder[MW_LADDER_STRLEN];
    const struct job *job = job_at (&w->jobs, plan->ranks[0].job);

    if (!job)
        return;
    mw_ladder_format (conf_node_ladder (&w->conf, job->class), ladder,
                      sizeof (ladder));
    json_put_text (&part, "ladder", ladder);
}

static void _decision_head (struct warden *w, const struct policy_node *node,
                            bool at_limit, const struct policy_plan *plan)
{
    json_put (&part, "\"head\":{");
    json_put_number (&part, "of", plan->count);
    json_put_number (&part, "need", plan->need);
    json_put_number (&part, "covered", plan->covered);
    json_put_number (&part, "stalls",
                     policy_need (node, at_limit) == 0 ? plan->need : 0);
    json_put_flag (&part, "at_limit", at_limit);
    json_put_text (&part, "order",
                   plan->order == CONF_ORDER_STRICT_PRIORITY ? "strict-priority"
                                                             : "overage");
    if (plan->chosen > 0)
        _decision_ladder (w, plan);
    json_put_number (&part, "memory", w->node_memory);
    if (w->pool_limit != UINT64_MAX)
        json_put_number (&part, "pool_limit", w->pool_limit);
    json_put_number (&part, "capacity", node->capacity);
    json_put_number (&part, "used", node->used);
    json_put_number (&part, "available", node->available);
    json_put_number (&part, "reserve", node->reserve);
    json_put_number (&part, "swap_free", node->swap_free);
    json_put_number (&part, "swap_total", node->swap_total);
    json_put_end (&part, "},");
}

static void _decision_row (const struct job *job, const struct policy_job *p,
                           unsigned cap)
{
    bool capped = p->priority == cap && job->spec.priority > cap;
    const uint64_t terms[] = {
        p->index,
        job->spec.uid,
        capped ? job->spec.priority : p->priority,
        p->priority,
        p->reservation,
        p->limit,
        p->lent,
        p->used,
        p->swap,
        p->elapsed_ms,
        p->cpus,
        p->slurm_id,
        (uint64_t) p->requeueable | (uint64_t) p->protect << 1 |
            (uint64_t) p->leaving << 2 | (uint64_t) p->parked << 3 |
            (uint64_t) (p->priority > cap) << 4,
    };

    json_put (&part, "[");
    json_put_text (&part, NULL, job->spec.key);
    json_put_text (&part, NULL, job->spec.user);
    for (unsigned i = 0; i < sizeof (terms) / sizeof (terms[0]); i++)
        json_put_number (&part, NULL, terms[i]);
    if (job->facts.known) {
        json_put_text (&part, NULL, job->facts.partition);
        json_put_text (&part, NULL, job->facts.account);
        json_put_text (&part, NULL, job->facts.qos);
    }
    json_put_end (&part, "],");
}

static int _decision_rows (struct warden *w, const struct policy_plan *plan)
{
    const struct job *job = w->jobs.first;

    json_put (&part, "\"job\":[");
    for (unsigned i = 0; i < plan->count && job; i++, job = job->next) {
        if (_make_room (w, "\"job\":[") < 0)
            return -1;
        _decision_row (job, &w->scratch[i], job_priority_cap (job, &w->conf));
    }
    json_put_end (&part, "],");
    return 0;
}

static int _decision_order (struct warden *w, const struct policy_plan *plan)
{
    json_put (&part, "\"plan\":[");
    for (unsigned i = 0; i < plan->count; i++) {
        if (_make_room (w, "\"plan\":[") < 0)
            return -1;
        json_put_number (&part, NULL, plan->ranks[i].job);
        json_put_number (&part, NULL, plan->ranks[i].verdict);
    }
    json_put_end (&part, "]");
    return 0;
}

int decision_record (struct warden *w, const struct policy_node *node,
                     bool at_limit, const struct policy_plan *plan)
{
    char need[MW_SIZE_STRLEN];

    mw_size_format (plan->need, need, sizeof (need));
    snprintf (part_sentence, sizeof (part_sentence),
              "%s to be freed: %u of %u "
              "jobs chosen, see memwarden replay",
              need, plan->chosen, plan->count);
    part_id = w->journal->seq + 1;
    _decision_open ();
    _decision_head (w, node, at_limit, plan);
    if (_decision_rows (w, plan) < 0 || _decision_order (w, plan) < 0)
        return -1;
    return _decision_flush (w);
}
