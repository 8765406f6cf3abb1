/* listen.c - shadow mode: hear of an OOM that the kernel answers itself
 *
 * Nothing of the memcg is changed.  v1: the eventfd of memory.oom_control tells
 * of an OOM with the kernel's killer on, too: before it kills, at the end of a
 * directory as well, and only below the limit that was hit, which may be a
 * step's.  v2: the `oom` of memory.events is counted where the limit was and
 * above, its `oom_kill` where the victim was and above.
 */
#include "handler/memcg/memcg.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "handler/memcg/priv.h"
#include "lib/cgfile.h"
#include "lib/cleanup.h"

/* v1: how long to wait for the kill after its event, ms. */
static const unsigned char waits[] = { 1, 2, 4, 8, 16, 32, 64, 128 };
#define WAITS (sizeof (waits) / sizeof (waits[0]))

/* ---- v1 ------------------------------------------------------------------ */

struct ears {
    int event;
    unsigned count;
};

static int _listen_at (int dir, void *arg)
{
    cleanup_fd int control = openat (dir, "memory.oom_control",
                                     O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    struct ears *e = arg;

    /* a step may end meanwhile */
    if (control >= 0 &&
        cg_write (dir, "cgroup.event_control", "%d %d", e->event, control) == 0)
        e->count++;
    return 0;
}

/* v1 does not add up the subtree. */
static int _add_kills (int dir, void *arg)
{
    uint64_t *sum = arg, kills = 0;
    char text[256];

    if (cg_read (dir, "memory.oom_control", text, sizeof (text)) > 0 &&
        cg_key (text, "oom_kill", &kills))
        *sum += kills;
    return 0;
}

int memcg_v1_listen (struct memcg *m, struct mw_err *err)
{
    struct ears ears;
    uint64_t limit;

    if (!m->counting) {
        m->seen_oom_kill = 0;
        memcg_each_dir (m, _add_kills, &m->seen_oom_kill);
    }
    m->counting = true;
    m->looks = 0; /* the old one's event may be lost with it */
    memcg_close_event (m);
    m->event = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (m->event < 0)
        return mw_err_errno (err, "cannot make an eventfd");
    ears = (struct ears) { .event = m->event };
    memcg_each_dir (m, _listen_at, &ears);
    if (ears.count == 0) {
        memcg_fail (m, "listen by", "cgroup.event_control", err);
        return memcg_close_event (m);
    }
    /* Slurm sets it anew at the start of every step */
    if (memcg_pread_u64 (m->limit, &limit) == 0)
        m->set_limit = limit >= V1_NO_LIMIT ? MEMCG_NO_LIMIT : limit;
    return 0;
}

static void _if_hit (int dir, const char *limit_file, const char *peak_file,
                     uint64_t *hit)
{
    uint64_t limit, peak;

    if (cg_read_u64 (dir, limit_file, &limit) == 0 && limit < V1_NO_LIMIT &&
        cg_read_u64 (dir, peak_file, &peak) == 0 &&
        memcg_v1_near (limit > peak ? limit - peak : 0, limit) && limit < *hit)
        *hit = limit;
}

/* Whoever was killed for it may be gone: where usage has once been at the limit
 * it was that. */
static int _least_hit (int dir, void *arg)
{
    _if_hit (dir, "memory.limit_in_bytes", "memory.max_usage_in_bytes", arg);
    _if_hit (dir, "memory.memsw.limit_in_bytes",
             "memory.memsw.max_usage_in_bytes", arg);
    return 0;
}

static enum memcg_state _hit (struct memcg *m, uint64_t limit, uint64_t kills)
{
    m->hit_kills = (unsigned) kills;
    m->hit_limit = limit;
    m->seen = (struct memcg_usage) { .total = limit, .used = limit };
    return MEMCG_OOM;
}

enum memcg_state memcg_v1_heard (struct memcg *m)
{
    uint64_t ticks, sum = 0, kills, limit = MEMCG_NO_LIMIT;

    m->backoff_ms = 0;
    if (memcg_gone (m))
        return MEMCG_GONE;
    if (m->event >= 0 && read (m->event, &ticks, sizeof (ticks)) > 0)
        m->looks = 0;
    memcg_each_dir (m, _add_kills, &sum);
    /* a directory that has gone took its kills along */
    kills = sum > m->seen_oom_kill ? sum - m->seen_oom_kill : 0;
    m->seen_oom_kill = sum;
    if (m->looks < WAITS)
        m->backoff_ms = waits[m->looks++];
    if (kills == 0)
        return MEMCG_QUIET;
    memcg_each_dir (m, _least_hit, &limit);
    return limit == MEMCG_NO_LIMIT ? MEMCG_KERNEL_KILL : _hit (m, limit, kills);
}

/* ---- v2 ------------------------------------------------------------------ */

static int _least_max (int dir, void *arg)
{
    uint64_t *least = arg, max;

    if (cg_read_u64 (dir, "memory.max", &max) == 0 && max < *least)
        *least = max;
    return 0;
}

static uint64_t _wall (struct memcg *m)
{
    uint64_t wall = MEMCG_NO_LIMIT;

    if (memcg_pread_u64 (m->hard, &wall) < 0 || wall == MEMCG_NO_LIMIT)
        memcg_each_dir (m, _least_max, &wall);
    return wall;
}

int memcg_v2_listen (struct memcg *m, struct mw_err *err)
{
    uint64_t high, wall = _wall (m), oom, kills;

    if (m->event < 0)
        m->event = memcg_open_file (m, "memory.events", O_RDONLY);
    if (m->event < 0)
        return memcg_fail (m, "open", "memory.events", err);
    if (memcg_pread_keys (m->event, "oom", &oom, "oom_kill", &kills) < 0) {
        memcg_fail (m, "read", "memory.events", err);
        return memcg_close_event (m);
    }
    if (!m->counting) {
        m->seen_oom = oom;
        m->seen_oom_kill = kills;
    }
    m->counting = true;
    if (memcg_pread_u64 (m->limit, &high) == 0)
        m->set_limit = mw_least (high, wall);
    return 0;
}

/* `oom` alone is no kill yet, and may be told several times for one. */
enum memcg_state memcg_v2_heard (struct memcg *m)
{
    uint64_t oom, sum, kills;
    bool own;

    m->backoff_ms = 0;
    if (m->event < 0 ||
        memcg_pread_keys (m->event, "oom", &oom, "oom_kill", &sum) < 0)
        return memcg_gone (m) ? MEMCG_GONE : MEMCG_QUIET;
    kills = sum - m->seen_oom_kill;
    if (kills == 0)
        return MEMCG_QUIET;
    own = oom > m->seen_oom;
    m->seen_oom_kill = sum;
    m->seen_oom = oom;
    return own ? _hit (m, _wall (m), kills) : MEMCG_KERNEL_KILL;
}
