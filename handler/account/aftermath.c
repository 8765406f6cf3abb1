/* aftermath.c - what an incident leaves to others: the hook, and the node */
#include "handler/account/aftermath.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "handler/job/warden.h"
#include "handler/record/ask.h"
#include "handler/record/report.h"
#include "handler/record/request.h"
#include "lib/clock.h"
#include "lib/json_put.h"

/* A receiver that is away for a day has others to tell what it has missed. */
#define WEBHOOK_WITHIN_MS (24 * 3600 * UINT64_C (1000))

void aftermath_hook (struct warden *w, struct job *job, const char *outcome)
{
    const struct conf_hook *hook = conf_find_hook (&w->conf,
                                                   w->conf.post_incident_hook);

    if (!w->conf.post_incident_hook[0] || !hook)
        return;
    ask_hook (w, job, hook->name, NULL, outcome,
              clock_ms () + 10 * hook->timeout_ms);
}

void aftermath_webhook (struct warden *w, struct job *job, const char *outcome)
{
    if (w->conf.webhook[0])
        ask_webhook (w, job, outcome, clock_ms () + WEBHOOK_WITHIN_MS);
}

/* Slurm shows the reason in sinfo -R: who says so, and the evidence. */
static void _aftermath_drain (struct warden *w, const char *reason)
{
    static struct spool_request r; /* 2 KiB: not on the stack */
    struct mw_err err;

    if (w->after->drained || w->conf.shadow)
        return;
    request_fill (&r, w, NULL, SPOOL_DRAIN);
    snprintf (r.text, sizeof (r.text), "memwarden: %s", reason);
    report (w, NULL, "asked", REPORT_LOG,
            "the controller is asked to drain "
            "this node: %s",
            reason);
    if (request_put (w, NULL, &r, false, NULL, &err) < 0)
        report_log (w, LOG_ERR, "cannot ask to drain this node: %s", err.text);
    else
        w->after->drained = true;
}

void aftermath_node_oom (struct warden *w)
{
    struct aftermath *a = w->after;
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
    snprintf (reason, sizeof (reason),
              "out of memory %u times in %" PRIu64 " s; see memwarden events",
              a->count, (now - a->since_ms + 999) / 1000);
    a->count = 0;
    _aftermath_drain (w, reason);
}

void aftermath_stuck (struct warden *w, struct job *job, unsigned left)
{
    char reason[160];

    if (!w->conf.drain_stuck)
        return;
    snprintf (reason, sizeof (reason),
              "%u processes of job %.63s cannot be "
              "killed",
              left, job->spec.key);
    _aftermath_drain (w, reason);
}

/* [a] to a requeue of a job that is gone is the end of its story.  The id is
 * KEY.SEQ.OP. */
static void _of_gone (struct warden *w, const struct spool_answer *a)
{
    char key[SPOOL_ID_MAX], more[6 * SPOOL_ID_MAX + 16];
    struct json_put p = { .text = more, .size = sizeof (more) };
    char *op, *seq = NULL;

    snprintf (key, sizeof (key), "%s", a->id);
    op = strrchr (key, '.');
    if (op && !strcmp (op + 1, spool_op_name[SPOOL_REQUEUE])) {
        *op = '\0';
        seq = strrchr (key, '.');
    }
    if (!seq)
        return;
    *seq = '\0';
    json_put_text (&p, "job", key);
    report_more (w, NULL, "answered", REPORT_LOG, json_put_done (&p),
                 "job %s: "
                 "the answer to %s: %s",
                 key, a->id, a->text);
}

void aftermath_answer (struct warden *w, const struct spool_answer *a)
{
    if (strncmp (a->id, REQUEST_NODE ".", sizeof (REQUEST_NODE)) != 0) {
        _of_gone (w, a);
        return;
    }
    report (w, NULL, "answered", REPORT_LOG,
            "the controller's answer to %s: "
            "%s",
            a->id, a->ok ? "done" : a->text);
    w->after->drained = a->ok; /* refused: asked again the next time */
}
