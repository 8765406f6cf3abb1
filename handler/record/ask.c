/* ask.c - what an incident asks of the courier: see ask.h */
#include "handler/record/ask.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "handler/job/warden.h"
#include "handler/pass/attend.h"
#include "handler/pass/pass.h"
#include "handler/record/report.h"
#include "handler/record/request.h"
#include "handler/record/story.h"
#include "lib/clock.h"
#include "lib/cleanup.h"
#include "lib/json_put.h"

/* 2 KiB that need not be on the stack; for [job], all else is the caller's. */
static struct spool_request *_request (struct warden *w, struct job *job,
                                       enum spool_op op)
{
    static struct spool_request r;

    request_fill (&r, w, job, op);
    r.after_end = job->incident.ended;
    return &r;
}

/* Hand [r] over. */
static int _ask_hand_over (struct warden *w, struct job *job,
                           struct spool_request *r, bool await)
{
    const char *name = spool_op_name[r->op];
    bool hook = r->op == SPOOL_HOOK;
    struct mw_err err;

    if (await)
        snprintf (job->incident.request, sizeof (job->incident.request), "%s",
                  r->id);
    if (r->op == SPOOL_REQUEUE && !r->after_end) /* that stays as it is */
        memcpy (job->incident.requeue, r->id, sizeof (r->id));
    report (w, job, "asked", REPORT_LOG, "job %s: the %s is asked: %s%s%s",
            job->spec.key, hook ? "courier" : "controller", name,
            r->arg[0] ? " " : "", r->arg);
    if (request_put (w, job, r, hook && !await, NULL, &err) == 0)
        return 0;
    if (await)
        job->incident.request[0] = '\0';
    if (r->op == SPOOL_REQUEUE)
        job->incident.requeue[0] = '\0';
    report (w, job, "failed", REPORT_LOG, "job %s: cannot ask for %s: %s",
            job->spec.key, name, err.text);
    return -1;
}

bool ask_has_courier (const struct warden *w)
{
    return w->courier_kept || spool_courier_alive (&w->spool, NULL);
}

int ask (struct warden *w, struct job *job, enum spool_op op, const char *text,
         bool await)
{
    struct spool_request *r;

    /* what is said of the job until now is told first: once it is suspended,
     * requeued or over, the controller tells it nothing any more */
    if (await)
        report_flush (w);
    r = _request (w, job, op);
    snprintf (r->text, sizeof (r->text), "%s", text ? text : "");
    return _ask_hand_over (w, job, r, await);
}

/* Sizes in bytes. Without the path where that makes it too long. */
static void _describe (const struct job *job, const char *event,
                       const struct member *about, const char *outcome,
                       char *buf, size_t len)
{
    struct json_put p = { .text = buf, .size = len - 1 }; /* the brace's */
    char id[INCIDENT_ID_MAX];

    json_put (&p, "{");
    json_put_text (&p, "event", event);
    json_put_text (&p, "trigger", incident_trigger_name[job->incident.trigger]);
    json_put_text (&p, "outcome", outcome ? outcome : "");
    json_put_text (&p, "job", job->spec.key);
    json_put_number (&p, "uid", job->spec.uid);
    json_put_number (&p, "slurm_id", job->spec.slurm_id);
    json_put_text (&p, "incident", incident_id (job, id));
    json_put_number (&p, "used", job->usage.used);
    json_put_number (&p, "peak", job->peak);
    json_put_number (&p, "peak_used", job->peak_used);
    json_put_number (&p, "limit", job->limit);
    json_put_number (&p, "reservation", job->reservation);
    json_put_number (&p, "reserve", job->reserve);
    json_put_number (&p, "priority", job->priority);
    if (about) {
        json_put_number (&p, "pid", (uint64_t) about->pid);
        json_put_number (&p, "started", about->started);
    }
    json_put_text (&p, "memory", job->memcg.path);
    p.size = len;
    json_put_end (&p, "}");
    json_put_done (&p);
}

int ask_hook (struct warden *w, struct job *job, const char *hook,
              const struct member *about, const char *outcome,
              uint64_t not_after_ms)
{
    struct spool_request *r = _request (w, job, SPOOL_HOOK);

    snprintf (r->arg, sizeof (r->arg), "%s", hook);
    _describe (job, outcome ? "resolved" : "dump", about, outcome, r->text,
               sizeof (r->text));
    r->not_after_ms = not_after_ms;
    return _ask_hand_over (w, job, r, !outcome);
}

/* So long before its rung's deadline a hook is over, so that it is heard of in time. */
#define ANSWERS_MS 500

static void _ask_wish (struct attend_wish *a, struct warden *w,
                       const struct job *job, const struct conf_hook *hook,
                       const struct member *about, uint64_t not_after_ms)
{
    uint64_t now = clock_ms ();
    uint64_t left = not_after_ms > now ? not_after_ms - now : 0;

    left -= mw_least (left / 4, ANSWERS_MS);
    *a = (struct attend_wish) {
        .uid = job->spec.uid,
        .gid = job->spec.gid,
        .pid = about->pid,
        .started = about->started,
        .end_ms = now + mw_least (left, hook->timeout_ms),
        .max_size = hook->max_size.bytes,
        .max_dir = w->conf.evidence_max.bytes,
    };
    snprintf (a->job, sizeof (a->job), "%s", job->spec.key);
    snprintf (a->hook, sizeof (a->hook), "%s", hook->name);
    snprintf (a->path, sizeof (a->path), "%s", hook->path);
    snprintf (a->dir, sizeof (a->dir), "%s", w->conf.evidence_dir);
    snprintf (a->memcg, sizeof (a->memcg), "%s", job->memcg.path);
    _describe (job, "dump", about, NULL, a->text, sizeof (a->text));
}

int ask_attendant (struct warden *w, struct job *job,
                   const struct conf_hook *hook, const struct member *about,
                   uint64_t not_after_ms)
{
    static struct attend_wish a; /* 12 KiB */
    cleanup_fd int procs = member_place (&job->memcg, about->pid);
    struct incident *in = &job->incident;

    _ask_wish (&a, w, job, hook, about, not_after_ms);
    memcpy (a.id, _request (w, job, SPOOL_HOOK)->id, sizeof (a.id));
    strcpy (in->request, a.id);
    report (w, job, "asked", REPORT_LOG,
            "job %s: the attendant is asked: hook %s", job->spec.key,
            hook->name);
    if (pass_send (w->attendant, &a, sizeof (a), procs) == 0)
        return 0;
    report (w, job, "failed", REPORT_LOG,
            "job %s: the attendant takes no hook now: %s", job->spec.key,
            strerror (errno));
    in->request[0] = '\0';
    return -1;
}

void ask_webhook (struct warden *w, struct job *job, const char *outcome,
                  uint64_t not_after_ms)
{
    struct spool_request *r = _request (w, job, SPOOL_WEBHOOK);
    char name[STORY_NAME_MAX];
    struct mw_err err;

    _describe (job, "resolved", NULL, outcome, r->text, sizeof (r->text));
    r->not_after_ms = not_after_ms;
    story_flush (w);
    if (request_put (w, job, r, true, story_name (job, name), &err) == 0)
        return;
    if (errno != ENOBUFS) /* that is said by how many there are */
        report_log (w, LOG_ERR, "job %s: cannot ask for the webhook: %s",
                    job->spec.key, err.text);
    spool_drop_story (&w->spool, name);
}
