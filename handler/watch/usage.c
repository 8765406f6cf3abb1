/* usage.c - to be told when a job uses so much: see usage.h */
#include "handler/watch/usage.h"

#include <errno.h>
#include <systemd/sd-event.h>

#include "handler/job/warden.h"
#include "handler/memcg/memcg.h"
#include "handler/record/report.h"
#include "lib/clock.h"

/* What may be later wakes the warden together with others. */
#define USAGE_SLACK_US 10000

static struct warden *_warden; /* sd-event hands over one pointer */

/* By how much it has grown since the last reading, in how long. */
static uint64_t _usage_wait (const struct job_usage *u, uint64_t used,
                             const struct job_usage_ask *ask, uint64_t now)
{
    uint64_t grown = used > u->seen && u->seen_ms > 0 ? used - u->seen : 0;
    uint64_t wait = pace_ms (used, ask->at, grown, now - u->seen_ms), due;

    due = now + (wait > u->rest_ms ? wait : u->rest_ms);
    if (ask->latest > 0 && due > ask->latest)
        due = ask->latest;
    return due > ask->soonest ? due : ask->soonest;
}

static void _usage_set (struct job *job, uint64_t used)
{
    struct job_usage *u = &job->usage_watch;
    uint64_t now = clock_ms (), due = 0;

    for (unsigned i = 0; i < JOB_USAGE_COUNT; i++) {
        uint64_t ms = u->ask[i].reached ? _usage_wait (u, used, &u->ask[i], now)
                                        : 0;

        if (ms > 0 && (due == 0 || ms < due))
            due = ms;
    }
    u->seen = used;
    u->seen_ms = now;
    if (due == 0) {
        sd_event_source_set_enabled (u->timer, SD_EVENT_OFF);
        return;
    }
    sd_event_source_set_time (u->timer, due * 1000);
    sd_event_source_set_enabled (u->timer, SD_EVENT_ONESHOT);
}

static bool _usage_is_reached (const struct job_usage_ask *ask, uint64_t used,
                               uint64_t now)
{
    return ask->reached && now >= ask->soonest &&
           (used >= ask->at || (ask->latest > 0 && now >= ask->latest));
}

static uint64_t _usage_read (struct job *job)
{
    uint64_t began = clock_us (), used;

    if (memcg_read_both (&job->memcg, &used) < 0)
        used = 0; /* it is gone, or that is tried again */
    job->usage_watch.rest_ms = pace_rest_ms (clock_us () - began);
    return used;
}

static int _usage_on_timer (sd_event_source *s, uint64_t usec, void *arg)
{
    struct job *job = arg;
    uint64_t used = _usage_read (job);

    (void) s;
    (void) usec;
    for (unsigned i = 0; i < JOB_USAGE_COUNT; i++) {
        struct job_usage_ask *ask = &job->usage_watch.ask[i];
        void (*reached) (struct warden * w, struct job * job) = ask->reached;

        if (!_usage_is_reached (ask, used, clock_ms ()))
            continue;
        ask->reached = NULL;
        reached (_warden, job);
    }
    _usage_set (job, used);
    report_flush (_warden);
    return 0;
}

int usage_ask (struct warden *w, struct job *job, enum job_usage_for who,
               const struct pace *when,
               void (*reached) (struct warden *w, struct job *job))
{
    struct job_usage *u = &job->usage_watch;
    uint64_t now = clock_ms (), used = 0;
    int rc;

    _warden = w;
    if (!u->timer &&
        (rc = sd_event_add_time (w->loop, &u->timer, CLOCK_BOOTTIME, 0,
                                 USAGE_SLACK_US, _usage_on_timer, job)) < 0) {
        errno = -rc;
        return -1;
    }
    sd_event_source_set_priority (u->timer, SD_EVENT_PRIORITY_IDLE);
    u->ask[who] = (struct job_usage_ask) {
        .reached = reached,
        .at = when->at,
        .soonest = now + when->soonest,
        .latest = when->latest > 0 ? now + when->latest : 0,
    };
    memcg_read_both (&job->memcg, &used);
    _usage_set (job, used);
    return 0;
}

void usage_forget (struct job *job, enum job_usage_for who)
{
    job->usage_watch.ask[who].reached = NULL;
}
