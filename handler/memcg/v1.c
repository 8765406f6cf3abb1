/* v1.c - a memory cgroup of the v1 hierarchy
 *
 * Facts from Documentation/admin-guide/cgroup-v1/memory.rst and the kernel's
 * mm/memcontrol-v1.c: with oom_kill_disable a task that faults at the limit
 * sleeps (killable) until the limit is raised or memory is freed; the flag that
 * counts is that of the memcg whose limit was hit, not of the task's; OOM marks
 * the whole subtree below that memcg as under_oom and notifies every listener
 * in it; the rmdir of a memcg fires its eventfds as well.  A charge on behalf
 * of a system call (write(2) into tmpfs) does not sleep: the call fails with
 * ENOMEM.
 */
#include "handler/memcg/memcg.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "handler/memcg/claim.h"
#include "handler/memcg/priv.h"
#include "lib/cgfile.h"
#include "lib/clock.h"
#include "lib/units.h"

#define STAT_MAX 8192

int memcg_v1_open (struct memcg *m, struct mw_err *err)
{
    uint64_t value;

    m->ops = &memcg_v1_ops;
    if (faccessat (m->dir, "release_agent", F_OK, 0) == 0)
        return mw_err_code (err, EINVAL,
                            "%s is the root of its hierarchy: no "
                            "job is there",
                            m->path);
    m->limit = memcg_open_file (m, "memory.limit_in_bytes", O_RDWR);
    if (m->limit < 0 && errno == ENOENT && !memcg_gone (m))
        return mw_err_code (err, ENOTSUP, "%s is not of the memory controller",
                            m->path);
    if (m->limit < 0)
        return memcg_fail (m, "open", "memory.limit_in_bytes", err);
    /* missing without swap accounting: then there is nothing to keep above */
    m->hard = memcg_open_file (m, "memory.memsw.limit_in_bytes", O_RDWR);
    m->usage = memcg_open_file (m, "memory.usage_in_bytes", O_RDONLY);
    if (m->usage < 0)
        return memcg_fail (m, "open", "memory.usage_in_bytes", err);
    m->oom_control = memcg_open_file (m, "memory.oom_control", O_RDWR);
    if (m->oom_control < 0)
        return memcg_fail (m, "open", "memory.oom_control", err);
    if (memcg_pread_u64 (m->limit, &value) < 0)
        return memcg_fail (m, "read", "memory.limit_in_bytes", err);
    m->set_limit = value >= V1_NO_LIMIT ? MEMCG_NO_LIMIT : value;
    return 0;
}

/* [oom_kill] is of Linux 4.13. */
struct oom_control {
    uint64_t under_oom, oom_kill;
};

static int _read_oom_control (int fd, struct oom_control *o)
{
    return memcg_pread_keys (fd, "under_oom", &o->under_oom, "oom_kill",
                             &o->oom_kill);
}

static int _v1_arm (struct memcg *m, struct mw_err *err)
{
    struct oom_control o;

    if (m->event < 0) {
        m->event = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (m->event < 0)
            return mw_err_errno (err, "cannot make an eventfd");
        if (cg_write (m->dir, "cgroup.event_control", "%d %d", m->event,
                      m->oom_control) < 0) {
            memcg_fail (m, "listen by", "cgroup.event_control", err);
            return memcg_close_event (m);
        }
    }
    /* first the ear, then the killer off: an OOM between finds one of them */
    if (_read_oom_control (m->oom_control, &o) < 0 ||
        memcg_pwrite_u64 (m->oom_control, 1) < 0) {
        memcg_fail (m, "write", "memory.oom_control", err);
        return memcg_close_event (m);
    }
    m->seen_oom_kill = o.oom_kill;
    m->armed = true;
    return 0;
}

static int _v1_disarm (struct memcg *m, struct mw_err *err)
{
    int rc = memcg_pwrite_u64 (m->oom_control, 0);
    struct memcg_below below = { 0 };

    if (rc < 0)
        memcg_fail (m, "write", "memory.oom_control", err);
    memcg_v1_free_below (m, NULL, &below);
    memcg_close_event (m);
    m->armed = false;
    if (rc == 0 && below.failed > 0) {
        errno = below.why;
        return memcg_fail (m, "write below", "memory.oom_control", err);
    }
    return rc;
}

/* A page short of its limit a memcg may already be in OOM, and what other CPUs
 * hold for it in stock (64 pages each) is given back only then; so "at the
 * limit" is within a stock per CPU and the largest order that may sleep (8
 * pages; a huge page falls back to small ones instead). */
static uint64_t _slack (void)
{
    static uint64_t stock;

    if (!stock)
        stock = (uint64_t) sysconf (_SC_PAGESIZE) *
                (8 + 64 * sysconf (_SC_NPROCESSORS_ONLN));
    return stock;
}

/* A stock per CPU is much on a node of many CPUs, so not more than a 16th of
 * the limit is near. */
bool memcg_v1_near (uint64_t distance, uint64_t limit)
{
    return distance <= _slack () && distance <= limit / 16;
}

/* How far below its limits, memory or memory and swap, the memcg is.  It is in
 * OOM, so reclaim has been in vain: what is charged cannot be taken from it. */
static uint64_t _v1_distance (struct memcg *m, uint64_t *limit)
{
    uint64_t usage = 0, memsw, distance = UINT64_MAX;

    *limit = MEMCG_NO_LIMIT;
    if (memcg_pread_u64 (m->usage, &usage) == 0 &&
        memcg_pread_u64 (m->limit, limit) == 0 && *limit < V1_NO_LIMIT)
        distance = *limit > usage ? *limit - usage : 0;
    m->hit_limit = *limit;
    m->moved = m->set_limit != MEMCG_NO_LIMIT && !m->limit_is_low &&
               *limit + (uint64_t) sysconf (_SC_PAGESIZE) <= m->set_limit;
    m->seen = (struct memcg_usage) { .total = usage, .used = usage };
    if (distance > 0 && m->hard >= 0 &&
        memcg_pread_u64 (m->hard, &memsw) == 0 && memsw < V1_NO_LIMIT &&
        cg_read_u64 (m->dir, "memory.memsw.usage_in_bytes", &usage) == 0) {
        memsw = memsw > usage ? memsw - usage : 0;
        distance = mw_least (memsw, distance);
    }
    return distance;
}

/* Wake those who sleep in [m]'s OOM, to try again.  The kernel does so when pages
 * are uncharged and when a limit is raised, but not for what comes back from a
 * CPU's stock or as kernel memory (drain_stock, obj_cgroup_uncharge_pages): a
 * task may sleep for ever beside free memory.  So a limit is raised by a page and
 * put back; the caller has seen more than that to be free. */
static void _wake_sleepers (const struct memcg *m)
{
    uint64_t limit, page = (uint64_t) sysconf (_SC_PAGESIZE);
    int fd = m->hard; /* must not be below the other: so that one, if any */

    if (fd < 0 || memcg_pread_u64 (fd, &limit) < 0 || limit >= V1_NO_LIMIT) {
        fd = m->limit;
        if (memcg_pread_u64 (fd, &limit) < 0 || limit >= V1_NO_LIMIT)
            return;
    }
    if (memcg_pwrite_u64 (fd, limit + page) == 0)
        memcg_pwrite_u64 (fd, limit);
}

/* Whose OOM is it?  At its limit it is its own, whatever the parent's is: both
 * may be.  Else the parent is asked: the kernel marks downwards only, so where
 * that is not marked it is our own.  Far below the limit nobody has to wait any
 * more: the sleepers have yet to run, or nobody has told them. */
static enum memcg_state _whose_oom (struct memcg *m)
{
    uint64_t parent = 0, limit, distance = _v1_distance (m, &limit);
    char buf[256];

    if (memcg_v1_near (distance, limit))
        return MEMCG_OOM;
    if (cg_read (m->dir, "../memory.oom_control", buf, sizeof (buf)) > 0)
        cg_key (buf, "under_oom", &parent);
    if (parent)
        return MEMCG_PARENT_OOM;
    if (distance <= _slack ())
        return MEMCG_OOM;
    _wake_sleepers (m);
    return MEMCG_QUIET;
}

static enum memcg_state _v1_check (struct memcg *m)
{
    struct oom_control o;
    uint64_t ticks;

    if (m->shadow)
        return memcg_v1_heard (m);
    if (m->event >= 0 && read (m->event, &ticks, sizeof (ticks)) < 0)
        ticks = 0;
    m->backoff_ms = 0;
    m->moved = false;
    if (_read_oom_control (m->oom_control, &o) < 0)
        return errno == ENODEV || memcg_gone (m) ? MEMCG_GONE : MEMCG_QUIET;
    /* A kernel kill (of a task directly in this memcg: v1 does not add up the
     * subtree) is reported once, but after an OOM that still waits. */
    if (o.under_oom)
        return _whose_oom (m);
    if (o.oom_kill > m->seen_oom_kill) {
        m->seen_oom_kill = o.oom_kill;
        return MEMCG_KERNEL_KILL;
    }
    return MEMCG_QUIET;
}

/* Whatever is charged but is no file page that reclaim can take is anon, shmem,
 * unevictable or kernel memory.  By subtraction nothing is counted twice, as it
 * would be by a sum: mlocked pages are in both total_rss and total_unevictable.
 * Reclaimable slab stays counted, since v1 does not tell it apart. */
static int _v1_read_usage (struct memcg *m, struct memcg_usage *u,
                           struct mw_err *err)
{
    uint64_t active = 0, inactive = 0;
    char stat[STAT_MAX];

    *u = (struct memcg_usage) { 0 };
    if (memcg_pread_u64 (m->usage, &u->total) < 0)
        return memcg_fail (m, "read", "memory.usage_in_bytes", err);
    if (cg_read (m->dir, "memory.stat", stat, sizeof (stat)) < 0)
        return memcg_fail (m, "read", "memory.stat", err);
    cg_key (stat, "total_active_file", &active);
    cg_key (stat, "total_inactive_file", &inactive);
    cg_key (stat, "total_swap", &u->swap);
    u->cache = active + inactive;
    if (u->cache > u->total) /* the two were not read at one moment */
        u->cache = u->total;
    u->used = u->total - u->cache;
    if (cg_read_u64 (m->dir, "memory.max_usage_in_bytes", &u->peak) < 0)
        u->peak = 0;
    return 0;
}

/* Slurm's ConstrainSwapSpace limits memory and swap together.  That limit may
 * not be below the other, and its distance is the swap the job was given: it is
 * moved along.  0 where there is no such limit. */
static uint64_t _memsw_for (const struct memcg *m, uint64_t limit)
{
    uint64_t memsw, old;

    if (m->hard < 0 || memcg_pread_u64 (m->hard, &memsw) < 0 ||
        memcg_pread_u64 (m->limit, &old) < 0 || memsw >= V1_NO_LIMIT)
        return 0;
    if (limit == MEMCG_NO_LIMIT)
        return V1_NO_LIMIT;
    return limit + (memsw > old ? memsw - old : 0);
}

/* What it uses is over the limit that it should have (Slurm allows it more when a
 * step starts), and the kernel finds nothing to take from it: EBUSY.  Its wall is
 * where it is now, so its next page is its OOM.  It may go on growing meanwhile. */
#define WALL_TRIES 8

static int _wall_at_usage (struct memcg *m)
{
    uint64_t usage, more = 64 << 10;
    int rc = -1;

    errno = EBUSY;
    for (int i = 0; i < WALL_TRIES && rc < 0 && errno == EBUSY; i++) {
        if (memcg_pread_u64 (m->usage, &usage) < 0)
            return -1;
        rc = memcg_pwrite_u64 (m->limit, usage + more);
        more *= 2;
    }
    return rc;
}

static int _v1_set_limit (struct memcg *m, uint64_t limit, uint64_t reserve,
                          struct mw_err *err)
{
    uint64_t memsw = _memsw_for (m, limit), old = 0;
    int rc;

    (void) reserve; /* v1 has one wall; opening the reserve moves it */
    if (memsw)
        memcg_pread_u64 (m->hard, &old);
    if (memsw > old && memcg_pwrite_u64 (m->hard, memsw) < 0)
        return memcg_fail (m, "write", "memory.memsw.limit_in_bytes", err);
    if (limit == MEMCG_NO_LIMIT)
        rc = pwrite (m->limit, "-1", 2, 0);
    else
        rc = memcg_pwrite_u64 (m->limit, limit);
    if (rc < 0 && errno == EBUSY && (rc = _wall_at_usage (m)) == 0)
        memsw = 0; /* nor can that be lowered */
    if (rc < 0)
        return memcg_fail (m, "write", "memory.limit_in_bytes", err);
    m->set_limit = limit;
    m->limit_is_low = false;
    /* What has gone to swap may keep memory and swap above it for a while: then
     * the wall stays where it was, which takes nothing from anyone. */
    if (memsw && memsw < old && memcg_pwrite_u64 (m->hard, memsw) < 0 &&
        errno != EBUSY)
        return memcg_fail (m, "write", "memory.memsw.limit_in_bytes", err);
    return 0;
}

static int _v1_set_kernel_limit (struct memcg *m, uint64_t limit,
                                 struct mw_err *err)
{
    if (memcg_pwrite_u64 (m->limit, limit) < 0)
        return memcg_fail (m, "write", "memory.limit_in_bytes", err);
    return 0;
}

static int _v1_set_reservation (struct memcg *m, uint64_t bytes,
                                struct mw_err *err)
{
    if (cg_write_u64 (m->dir, "memory.soft_limit_in_bytes", bytes) < 0)
        return memcg_fail (m, "write", "memory.soft_limit_in_bytes", err);
    return 0;
}

/* Reclaim is the kernel's own answer to a limit that is lowered below usage.
 * While that runs the old limit holds; it either ends with the lower limit,
 * taken back at once, or in EBUSY.  A task that meets the lower limit meanwhile
 * sleeps (the killer must be off) and is woken by the restored one; its event
 * finds nobody under OOM.  In small steps and not for long, since it is done in
 * the warden's own time. */
#define RECLAIM_STEP (4 * MW_MIB)
#define RECLAIM_MS 50
#define PUT_BACK_TRIES 3

/* Whoever opened it has it put back (set_limit) where it cannot be now. */
static int _put_back (struct memcg *m, uint64_t limit)
{
    int rc = -1;

    for (int i = 0; i < PUT_BACK_TRIES && rc < 0; i++)
        rc = memcg_pwrite_u64 (m->limit, limit);
    m->limit_is_low = rc < 0;
    return rc;
}

static int _v1_reclaim (struct memcg *m, uint64_t bytes, uint64_t *freed,
                        struct mw_err *err)
{
    uint64_t limit, first, usage, step, end = clock_ms () + RECLAIM_MS;
    int rc = 0;

    *freed = 0;
    if (!m->armed)
        return mw_err_code (err, EPERM,
                            "%s: not reclaimed, since the kernel's "
                            "killer is on",
                            m->path);
    if (memcg_pread_u64 (m->limit, &limit) < 0 ||
        memcg_pread_u64 (m->usage, &first) < 0)
        return memcg_fail (m, "read", "memory.usage_in_bytes", err);
    for (usage = first; rc == 0 && *freed < bytes && clock_ms () < end;) {
        step = bytes - *freed < RECLAIM_STEP ? bytes - *freed : RECLAIM_STEP;
        if (step >= usage)
            break;
        rc = memcg_pwrite_u64 (m->limit, usage - step);
        if (_put_back (m, limit) < 0)
            return memcg_fail (m, "restore", "memory.limit_in_bytes", err);
        if (memcg_pread_u64 (m->usage, &usage) < 0)
            return memcg_fail (m, "read", "memory.usage_in_bytes", err);
        *freed = first > usage ? first - usage : 0;
    }
    return 0;
}

struct write_freezers {
    const char *state;
    int failed; /* errno of the first failure that counts */
};

static int _write_freezer (int dir, void *arg)
{
    struct write_freezers *w = arg;

    /* a step that ends meanwhile needs no freezing */
    if (cg_write (dir, "freezer.state", "%s", w->state) < 0 &&
        errno != ENODEV && errno != ENOENT && !w->failed)
        w->failed = errno;
    return 0;
}

static int _v1_freeze (struct memcg *m, bool on, struct mw_err *err)
{
    struct write_freezers w = { .state = on ? "FROZEN" : "THAWED" };
    int n;

    if (on)
        memcg_mark_frozen (m->dir, true);
    if (m->freezer < 0) {
        n = memcg_signal_all (m, on ? SIGSTOP : SIGCONT, err);
        if (n >= 0 && !on)
            memcg_mark_frozen (m->dir, false);
        return n < 0 ? -1 : 0;
    }
    n = memcg_each_top (m, m->freezer, NULL, _write_freezer, &w);
    if (n < 0 && !w.failed)
        w.failed = errno;
    if (n == 0 && !memcg_gone (m))
        return mw_err_code (err, ESRCH,
                            "cannot %s %s: no step_* in its "
                            "freezer directory",
                            on ? "freeze" : "thaw", m->path);
    if (n == 0 || faccessat (m->freezer, "freezer.state", F_OK, 0) < 0)
        w.failed = ENODEV;
    if (!w.failed) {
        if (!on)
            memcg_mark_frozen (m->dir, false);
        return 0;
    }
    errno = w.failed;
    return memcg_fail (m, on ? "freeze" : "thaw", "freezer.state", err);
}

static int _thaw (int dir, const char *name, void *arg)
{
    (void) name;
    (void) arg;
    cg_write (dir, "freezer.state", "THAWED");
    return 0;
}

static int _thaw_tree (int dir, void *arg)
{
    cg_walk (dir, _thaw, arg);
    return 0;
}

/* Frozen, a fork bomb stops forking while its pids are read.  A frozen task of
 * v1 dies only when it is thawed, so that comes last, whatever happened; what
 * the job itself has frozen below its own is no exception. */
static int _v1_kill (struct memcg *m, unsigned *left, struct mw_err *err)
{
    int n;

    if (m->freezer >= 0)
        _v1_freeze (m, true, NULL);
    memcg_mrelease (m);
    n = memcg_signal_all (m, SIGKILL, err);
    if (m->freezer >= 0)
        memcg_each_top (m, m->freezer, NULL, _thaw_tree, NULL);
    if (n < 0)
        return -1;
    *left = n;
    return 0;
}

const struct memcg_ops memcg_v1_ops = {
    .name = "v1",
    .soft_file = "memory.soft_limit_in_bytes",
    .epoll_events = EPOLLIN,
    .hits_are_silent = true,
    .sleeps_at_limit = true,
    .arm = _v1_arm,
    .disarm = _v1_disarm,
    .free_below = memcg_v1_free_below,
    .listen = memcg_v1_listen,
    .check = _v1_check,
    .read_usage = _v1_read_usage,
    .set_limit = _v1_set_limit,
    .set_kernel_limit = _v1_set_kernel_limit,
    .set_reservation = _v1_set_reservation,
    .reclaim = _v1_reclaim,
    .freeze = _v1_freeze,
    .kill = _v1_kill,
};
