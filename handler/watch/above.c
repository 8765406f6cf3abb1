/* above.c - processes that hold more than one of their job may: see above.h */
#include "handler/watch/above.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <systemd/sd-event.h>

#include "handler/incident/incident.h"
#include "handler/job/warden.h"
#include "handler/memcg/members.h"
#include "handler/policy/pace.h"
#include "handler/record/report.h"
#include "handler/watch/own.h"
#include "handler/watch/usage.h"
#include "lib/clock.h"

#define SLICE 8      /* processes that are read in a turn of the loop */
#define AGAIN_MS 250 /* somebody has been found: the next one */

/* Who has been dealt with and is above still is left alone until he has grown by another
 * such part of the limit, or has been below it. */
#define GROWN_PART 4
#define BELOW_PART 32

#define DEALT_MAX 256
#define NEVER UINT64_MAX

/* The oldest makes room. */
static struct dealt {
    uint64_t inode; /* of the job's memcg */
    pid_t pid;
    uint64_t started, held; /* NEVER: he is not to be hurt */
} dealt[DEALT_MAX];
static unsigned dealt_next;

/* The one look that is under way. */
static struct {
    struct job *job; /* NULL = none */
    char key[MW_JOBKEY_MAX];
    unsigned n, at;
    pid_t pid[MEMBERS_MAX];
    uint64_t us, used, room;
    bool cut;            /* there are more processes than are looked at */
    struct member worst; /* above, and not dealt with; pid 0 = none … */
    uint64_t limit;      /* … what it may hold … */
    const struct mw_ladder *actions; /* … and is done to it */
} look;
static sd_event_source *slice;
static uint64_t rest_ms; /* no look before, clock_ms */

/* ---- dealt with ---------------------------------------------------------- */

static struct dealt *_dealt_with (const struct job *job, const struct member *m)
{
    for (unsigned i = 0; i < DEALT_MAX; i++) {
        if (dealt[i].pid == m->pid && dealt[i].started == m->started &&
            dealt[i].inode == job->memcg.inode)
            return &dealt[i];
    }
    return NULL;
}

static void _deal (const struct job *job, const struct member *m, uint64_t held)
{
    struct dealt *d = _dealt_with (job, m);

    if (!d) {
        d = &dealt[dealt_next];
        dealt_next = (dealt_next + 1) % DEALT_MAX;
    }
    *d = (struct dealt) { job->memcg.inode, m->pid, m->started, held };
}

/* How much may [m] hold, whose limit it is, before something is done to it? */
static uint64_t _may_hold (const struct job *job, const struct member *m,
                           uint64_t limit)
{
    struct dealt *d = _dealt_with (job, m);

    if (limit == 0)
        return NEVER;
    if (!d || d->held == NEVER)
        return d ? NEVER : limit;
    if (member_holds (m) > limit - limit / BELOW_PART)
        return d->held + limit / GROWN_PART;
    *d = (struct dealt) { 0 };
    return limit;
}

/* ---- a look -------------------------------------------------------------- */

static void _above_reached (struct warden *w, struct job *job);

static void _above_ask (struct warden *w, struct job *job,
                        const struct pace *when)
{
    if (usage_ask (w, job, JOB_USAGE_PROCS, when, _above_reached) < 0)
        report_log (w, LOG_ERR,
                    "job %s: nobody sees what its processes hold: %s",
                    job->spec.key, strerror (errno));
}

static void _above_again (struct warden *w, struct job *job, uint64_t ms)
{
    const struct pace when = { .soonest = ms, .latest = ms };

    _above_ask (w, job, &when);
}

static void _above_seen (const struct member *m)
{
    const struct mw_ladder *actions;
    uint64_t holds = member_holds (m), limit = own_of (look.job, m, &actions);
    uint64_t may = _may_hold (look.job, m, limit);

    if (m->barred || may == NEVER)
        return;
    if (holds <= may) {
        if (may - holds < look.room)
            look.room = may - holds;
        return;
    }
    if (look.worst.pid > 0 && holds <= member_holds (&look.worst))
        return;
    look.worst = *m;
    look.limit = limit;
    look.actions = actions;
}

/* Who is not to be hurt, the job's script for one, is not asked about again. */
static void _above_act (struct warden *w, struct job *job,
                        const struct member *m)
{
    struct mw_err why;

    if (incident_process (w, job, m->pid, m->started, look.limit, look.actions,
                          &why) == 0)
        _deal (job, m, member_holds (m));
    else if (errno == EPERM)
        _deal (job, m, NEVER);
}

/* The look is over, or given up: what it has cost counts. */
static void _above_rest (void)
{
    rest_ms = clock_ms () + pace_rest_ms (look.us);
    look.job = NULL;
}

static void _above_end (struct warden *w)
{
    struct job *job = look.job;
    struct pace next = pace_next (look.used, look.room, own_least (job),
                                  look.us);

    if (!look.cut)
        own_looked (job);
    _above_rest ();
    if (look.worst.pid > 0) {
        next.latest = next.soonest > AGAIN_MS ? next.soonest : AGAIN_MS;
        _above_act (w, job, &look.worst);
    }
    if (own_least (job) > 0)
        _above_ask (w, job, &next);
}

static int _above_slice (sd_event_source *s, void *arg)
{
    struct warden *w = arg;
    uint64_t began = clock_us ();
    struct member m;

    (void) s;
    if (!look.job)
        return 0;
    if (warden_find (w, look.key) != look.job) {
        _above_rest ();
        return 0;
    }
    for (unsigned i = 0; i < SLICE && look.at < look.n; i++) {
        if (member_read (look.pid[look.at++], look.job->spec.uid, &m) == 0)
            _above_seen (&m);
    }
    look.us += clock_us () - began;
    if (look.at < look.n)
        return sd_event_source_set_enabled (slice, SD_EVENT_ONESHOT);
    _above_end (w);
    report_flush (w);
    return 0;
}

static int _above_pid (pid_t pid, void *arg)
{
    (void) arg;
    look.cut = look.n == MEMBERS_MAX;
    if (look.cut)
        return 1;
    look.pid[look.n++] = pid;
    return 0;
}

static int _above_begin (struct warden *w, struct job *job)
{
    uint64_t began = clock_us ();
    int rc = 0;

    if (!slice) {
        rc = sd_event_add_defer (w->loop, &slice, _above_slice, w);
        if (rc < 0)
            return rc;
        sd_event_source_set_priority (slice, SD_EVENT_PRIORITY_IDLE);
    }
    look.job = job;
    snprintf (look.key, sizeof (look.key), "%s", job->spec.key);
    look.n = look.at = 0;
    look.worst.pid = 0;
    look.room = own_least (job);
    look.cut = false;
    look.used = 0;
    memcg_read_both (&job->memcg, &look.used);
    memcg_each_pid (&job->memcg, _above_pid, NULL);
    look.us = clock_us () - began;
    return sd_event_source_set_enabled (slice, SD_EVENT_ONESHOT);
}

/* Somebody may be above. */
static void _above_reached (struct warden *w, struct job *job)
{
    uint64_t now = clock_ms ();

    if (own_least (job) == 0)
        return;
    if (job->incident.open || look.job)
        _above_again (w, job, AGAIN_MS);
    else if (now < rest_ms)
        _above_again (w, job, rest_ms - now);
    else if (_above_begin (w, job) < 0)
        _above_again (w, job, PACE_LOOK_MS);
}

void above_watch (struct warden *w, struct job *job)
{
    const struct pace when = { .at = own_least (job) };

    if (look.job == job) /* it was for another limit */
        _above_rest ();
    if (when.at == 0)
        usage_forget (job, JOB_USAGE_PROCS);
    else
        _above_ask (w, job, &when);
}

struct sought {
    pid_t pid;
    bool found;
};

static int _above_is (pid_t pid, void *arg)
{
    struct sought *s = arg;

    s->found = pid == s->pid;
    return s->found;
}

static bool _above_has (struct job *job, pid_t pid)
{
    struct sought s = { .pid = pid };

    memcg_each_pid (&job->memcg, _above_is, &s);
    return s.found;
}

int above_own (struct warden *w, struct job *job, pid_t pid, uid_t uid,
               const struct mw_proclimit *limit, bool clears,
               struct mw_err *err)
{
    struct member m;

    if (member_read (pid, uid, &m) < 0 || !_above_has (job, pid))
        return mw_err_code (err, ESRCH, "there is no process %d in job %s",
                            (int) pid, job->spec.key);
    if (own_set (job, &m, limit, clears, err) < 0)
        return -1;
    above_watch (w, job);
    return 0;
}

void above_forget (struct job *job)
{
    if (look.job == job)
        _above_rest ();
    own_forget (job);
}
