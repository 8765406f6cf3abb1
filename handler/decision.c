/* decision.c - a decision about the node is written down: see decision.h */
#include "handler/decision.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "handler/node.h"
#include "handler/warden.h"

#define ROW_MOST 2048           /* no job takes more, escaped */

/* One record being put together: once and locked, as journal.c has its line. */
static struct {
    char text[16384];
    size_t len;
    uint64_t id;
    char sentence[128];         /* of the first one */
} part;

static void _bytes (const char *text, size_t len)
{
    memcpy (part.text + part.len, text, len);
    part.len += len;
}

static void _put (const char *text)
{
    _bytes (text, strlen (text));
}

/* `N,`: there are thousands of them, and printf(3) would understand its format
 * anew for each. */
static void _number (uint64_t n)
{
    char digits[24], *end = digits + sizeof (digits), *p = end;

    if (n > INT64_MAX)
        n = INT64_MAX;
    *--p = ',';
    do {
        *--p = (char) ('0' + n % 10);
        n /= 10;
    } while (n > 0);
    _bytes (p, (size_t) (end - p));
}

static void _member (const char *name, uint64_t n)
{
    _put ("\"");
    _put (name);
    _put ("\":");
    _number (n);
}

/* `"text",` */
static void _text (const char *text)
{
    char buf[6 * 64];

    _put ("\"");
    _put (json_escape (text, buf, sizeof (buf)));
    _put ("\",");
}

/* ---- parts --------------------------------------------------------------- */

static void _open (void)
{
    part.len = 0;
    _put ("\"decision\":{");
    _member ("v", DECISION_VERSION);
    _member ("id", part.id);
}

static void _close (char bracket)
{
    if (part.text[part.len - 1] == ',')
        part.len--;
    part.text[part.len++] = bracket;
}

static int _flush (struct warden *w)
{
    int rc;

    _close ('}');
    part.text[part.len] = '\0';
    rc = journal_append (&w->journal, "decision", NULL, NULL, part.sentence,
                         part.text, NULL);
    part.sentence[0] = '\0';
    return rc;
}

/* Where there is no room for one more, a part ends, and [array] goes on in the
 * next one. */
static int _make_room (struct warden *w, const char *array)
{
    if (part.len + ROW_MOST < sizeof (part.text))
        return 0;
    _close (']');
    if (_flush (w) < 0)
        return -1;
    _open ();
    _put (array);
    return 0;
}

/* ---- what is written ----------------------------------------------------- */

/* What is begun with the first victim. */
static void _ladder (const struct warden *w, const struct policy_plan *plan)
{
    char ladder[MW_LADDER_STRLEN], escaped[MW_LADDER_STRLEN];
    const struct job *job = w->jobs.first;

    for (unsigned i = plan->ranks[0].job; i > 0 && job; i--)
        job = job->next;
    if (!job)
        return;
    mw_ladder_format (conf_node_ladder (&w->conf, job->class), ladder,
                      sizeof (ladder));
    _put ("\"ladder\":\"");
    _put (json_escape (ladder, escaped, sizeof (escaped)));
    _put ("\",");
}

static void _head (struct warden *w, const struct policy_node *node,
                   bool at_limit, const struct policy_plan *plan)
{
    uint64_t pool = node_pool_limit (w);

    _put ("\"head\":{");
    _member ("of", plan->count);
    _member ("need", plan->need);
    _member ("covered", plan->covered);
    _member ("stalls", policy_need (node, at_limit) == 0 ? plan->need : 0);
    _put (at_limit ? "\"at_limit\":true," : "\"at_limit\":false,");
    _put (plan->order == CONF_ORDER_STRICT_PRIORITY
          ? "\"order\":\"strict-priority\"," : "\"order\":\"overage\",");
    if (plan->chosen > 0)
        _ladder (w, plan);
    _member ("memory", w->node_memory);
    if (pool != UINT64_MAX)
        _member ("pool_limit", pool);
    _member ("capacity", node->capacity);
    _member ("used", node->used);
    _member ("available", node->available);
    _member ("reserve", node->reserve);
    _member ("swap_free", node->swap_free);
    _member ("swap_total", node->swap_total);
    _close ('}');
    _put (",");
}

static void _row (const struct job *job, const struct policy_job *p,
                  unsigned cap)
{
    bool capped = p->priority == cap && job->spec.priority > cap;
    const uint64_t terms[] = {
        p->index, job->spec.uid, capped ? job->spec.priority : p->priority,
        p->priority, p->reservation, p->limit, p->lent, p->used, p->swap,
        p->elapsed_ms, p->cpus, p->slurm_id,
        (uint64_t) p->requeueable | (uint64_t) p->protect << 1
            | (uint64_t) p->leaving << 2 | (uint64_t) p->parked << 3
            | (uint64_t) (p->priority > cap) << 4,
    };

    _put ("[");
    _text (job->spec.key);
    _text (job->spec.user);
    for (unsigned i = 0; i < sizeof (terms) / sizeof (terms[0]); i++)
        _number (terms[i]);
    if (job->facts.known) {
        _text (job->facts.partition);
        _text (job->facts.account);
        _text (job->facts.qos);
    }
    _close (']');
    _put (",");
}

static int _rows (struct warden *w, const struct policy_plan *plan)
{
    const struct job *job = w->jobs.first;

    _put ("\"job\":[");
    for (unsigned i = 0; i < plan->count && job; i++, job = job->next) {
        if (_make_room (w, "\"job\":[") < 0)
            return -1;
        _row (job, &w->scratch[i], job_priority_cap (job, &w->conf));
    }
    _close (']');
    _put (",");
    return 0;
}

static int _order (struct warden *w, const struct policy_plan *plan)
{
    _put ("\"plan\":[");
    for (unsigned i = 0; i < plan->count; i++) {
        if (_make_room (w, "\"plan\":[") < 0)
            return -1;
        _number (plan->ranks[i].job);
        _number (plan->ranks[i].verdict);
    }
    _close (']');
    return 0;
}

int decision_record (struct warden *w, const struct policy_node *node,
                     bool at_limit, const struct policy_plan *plan)
{
    char need[MW_SIZE_STRLEN];

    mw_size_format (plan->need, need, sizeof (need));
    snprintf (part.sentence, sizeof (part.sentence), "%s to be freed: %u of %u "
              "jobs chosen, see memwarden replay", need, plan->chosen,
              plan->count);
    part.id = w->journal.seq + 1;
    _open ();
    _head (w, node, at_limit, plan);
    if (_rows (w, plan) < 0 || _order (w, plan) < 0)
        return -1;
    return _flush (w);
}
