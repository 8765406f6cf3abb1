/* headroom.c - what the node has, what its jobs use, what may be lent: see
 * headroom.h */
#include "handler/account/headroom.h"

#include <unistd.h>

#include "handler/job/warden.h"
#include "handler/record/report.h"
#include "lib/cgfile.h"
#include "lib/clock.h"

uint64_t headroom_capacity (const struct warden *w)
{
    uint64_t most = w->node_memory > w->node_reserve
                        ? w->node_memory - w->node_reserve
                        : 0;

    return mw_least (w->pool_limit, most);
}

static void _meminfo_fails (struct warden *w, bool fails)
{
    if (fails != w->meminfo_failed)
        report_log (
            w, fails ? 3 : 5,
            fails ? "/proc/meminfo cannot be read: "
                    "only what the jobs use and the pool's limit tell when the "
                    "node is out of memory"
                  : "/proc/meminfo can be read again");
    w->meminfo_failed = fails;
}

static void _read_meminfo (struct warden *w, struct policy_node *node)
{
    char text[2048];
    ssize_t n = w->meminfo < 0 ? -1
                               : pread (w->meminfo, text, sizeof (text) - 1, 0);

    /* without it, what the jobs use is all that is known */
    node->available = node->capacity + node->reserve;
    text[n > 0 ? n : 0] = '\0';
    if (cg_key (text, "MemAvailable:", &node->available)) {
        node->available *= 1024;
        _meminfo_fails (w, false);
    } else {
        _meminfo_fails (w, true);
    }
    if (cg_key (text, "SwapTotal:", &node->swap_total))
        node->swap_total *= 1024;
    if (cg_key (text, "SwapFree:", &node->swap_free))
        node->swap_free *= 1024;
}

void headroom_meminfo (struct warden *w, struct policy_node *node)
{
    *node = (struct policy_node) { .capacity = headroom_capacity (w),
                                   .reserve = w->node_reserve };
    _read_meminfo (w, node);
}

static void _snapshot_job (struct job *j, struct policy_job *p)
{
    job_read_usage (j);
    *p = (struct policy_job) {
        .slurm_id = j->spec.slurm_id,
        .priority = j->priority,
        .reservation = j->reservation,
        .limit = j->limit + j->incident.lent,
        .lent = job_lent (j),
        .used = j->usage.used,
        .swap = j->usage.swap,
        .elapsed_ms = clock_ms () - j->mark_ms,
        /* what ends here is lost on all its nodes */
        .cpus = j->facts.cpus > j->spec.cpus ? j->facts.cpus : j->spec.cpus,
        .requeueable = j->spec.batch,
        .protect = j->class && j->class->protect,
        .leaving = j->incident.kills > 0,
        .parked = incident_waits (j),
    };
}

unsigned headroom_snapshot (struct warden *w, struct policy_node *node,
                            struct policy_job *jobs, unsigned max)
{
    unsigned n = 0;

    headroom_meminfo (w, node);
    for (struct job *j = w->jobs.first; j && n < max; j = j->next, n++) {
        _snapshot_job (j, &jobs[n]);
        jobs[n].index = n;
        node->used += jobs[n].used;
    }
    return n;
}

/* How much of [room] in the pool is really there:
 *
 *     others = node_memory - available - used by jobs     what the system uses
 *     room   = room - (others - what the pool leaves to the system)
 *     result = min (room, available - reserve)
 *
 * where no difference is below 0. */
static uint64_t _really (const struct warden *w, const struct policy_node *node,
                         uint64_t room)
{
    uint64_t others = w->node_memory, outside, left = 0;

    others -= mw_least (others, node->available);
    others -= mw_least (others, node->used);
    outside = w->node_memory - headroom_capacity (w);
    others -= mw_least (others, outside);
    room -= mw_least (room, others);
    /* whoever took more would be the victim of the node's next OOM */
    if (node->available > node->reserve)
        left = node->available - node->reserve;
    return mw_least (room, left);
}

uint64_t headroom_left (const struct warden *w, const struct policy_node *node,
                        unsigned count)
{
    return _really (w, node, policy_headroom (node, w->scratch, count));
}

uint64_t headroom_may_lend (struct warden *w, struct job *job,
                            const struct mw_amount *amount)
{
    uint64_t limit = job->limit + job->incident.lent, bytes;
    struct policy_node node = { .capacity = headroom_capacity (w),
                                .reserve = w->node_reserve,
                                .used = w->jobs.committed };
    unsigned n;

    /* room there is even if every job used all of its limit (which is never
     * below its reservation): without a snapshot of 1,000 of them, that is
     * enough */
    _read_meminfo (w, &node);
    bytes = policy_grow (amount, limit, job->incident.lent,
                         _really (w, &node,
                                  node.capacity > node.used
                                      ? node.capacity - node.used
                                      : 0));
    if (bytes > 0)
        return bytes;
    n = headroom_snapshot (w, &node, w->scratch, w->scratch_max);
    return policy_grow (amount, limit, job->incident.lent,
                        headroom_left (w, &node, n));
}
