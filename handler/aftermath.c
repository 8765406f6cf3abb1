/* aftermath.c - what an incident leaves to others: the hook, and the node */
#include "handler/aftermath.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "handler/clock.h"
#include "handler/step.h"
#include "handler/warden.h"

/* In the place of a job's key, in ids of requests about the node itself. */
#define NODE_KEY "node"

void aftermath_hook (struct warden *w, struct job *job, const char *outcome)
{
    const struct conf_hook *hook = conf_find_hook (&w->conf,
                                                   w->conf.post_incident_hook);

    if (!w->conf.post_incident_hook[0] || !hook)
        return;
    step_ask_hook (w, job, hook->name, outcome,
                   clock_ms () + 10 * hook->timeout_ms);
}

/* Slurm shows the reason in sinfo -R: who says so, and the evidence. */
static void _drain (struct warden *w, const char *reason)
{
    static struct spool_request r;      /* 2 KiB: not on the stack */
    struct mw_err err;

    if (w->after.drained || w->conf.shadow)
        return;
    r = (struct spool_request) { .op = SPOOL_DRAIN, .job = NODE_KEY };
    snprintf (r.text, sizeof (r.text), "memwarden: %s", reason);
    spool_make_id (&r, ++w->request_seq);
    report (w, NULL, "asked", REPORT_LOG, "the controller is asked to drain "
            "this node: %s", reason);
    if (spool_put (&w->spool, &r, &err) < 0)
        report_log (w, 3, "cannot ask to drain this node: %s", err.text);
    else
        w->after.drained = true;
}

void aftermath_node_oom (struct warden *w)
{
    struct aftermath *a = &w->after;
    uint64_t now = clock_ms ();
    char reason[160];

    if (w->conf.drain_after == 0)
        return;
    if (a->count == 0 || now - a->since_ms > w->conf.drain_window_ms) {
        a->since_ms = now;
        a->count = 0;
    }
    if (++a->count < w->conf.drain_after)
        return;
    snprintf (reason, sizeof (reason), "out of memory %u times in %" PRIu64
              " s; see memwarden events", a->count,
              (now - a->since_ms + 999) / 1000);
    a->count = 0;
    _drain (w, reason);
}

void aftermath_stuck (struct warden *w, struct job *job, unsigned left)
{
    char reason[160];

    if (!w->conf.drain_stuck)
        return;
    snprintf (reason, sizeof (reason), "%u processes of job %.63s cannot be "
              "killed", left, job->spec.key);
    _drain (w, reason);
}

void aftermath_answer (struct warden *w, const struct spool_answer *a)
{
    if (strncmp (a->id, NODE_KEY ".", sizeof (NODE_KEY)) != 0)
        return;
    report (w, NULL, "answered", REPORT_LOG, "the controller's answer to %s: "
            "%s", a->id, a->ok ? "done" : a->text);
    w->after.drained = a->ok;       /* refused: asked again the next time */
}
