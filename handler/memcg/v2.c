/* v2.c - a memory cgroup of the unified hierarchy
 *
 * Facts from Documentation/admin-guide/cgroup-v2.rst: above memory.high tasks
 * reclaim for themselves and are slowed down, and the `high` of memory.events
 * counts each time, page cache included: it is a reason to look, no verdict.
 * Nothing is killed below memory.max.  Writing memory.max below usage ends in
 * an OOM kill by the kernel, so this is never done.
 */
#include "handler/memcg/memcg.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "handler/memcg/claim.h"
#include "handler/memcg/priv.h"
#include "lib/cgfile.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/units.h"

#define STAT_MAX 8192

/* What growth may come between reading usage and writing memory.max; over
 * memory.high a task is slowed to far less than this in any such time. */
#define MAX_ROOM (16 * MW_MIB)

int memcg_v2_open (struct memcg *m, struct mw_err *err)
{
    m->ops = &memcg_v2_ops;
    if (faccessat (m->dir, "cgroup.events", F_OK, 0) < 0 && !memcg_gone (m))
        return mw_err_code (err, EINVAL,
                            "%s is the root of its hierarchy: no "
                            "job is there",
                            m->path);
    m->usage = memcg_open_file (m, "memory.current", O_RDONLY);
    if (m->usage < 0 && errno == ENOENT && !memcg_gone (m))
        return mw_err_code (err, ENOTSUP,
                            "%s has no memory controller: enable "
                            "+memory in its parent's cgroup.subtree_control",
                            m->path);
    if (m->usage < 0)
        return memcg_fail (m, "open", "memory.current", err);
    m->limit = memcg_open_file (m, "memory.high", O_RDWR);
    if (m->limit < 0)
        return memcg_fail (m, "open", "memory.high", err);
    m->hard = memcg_open_file (m, "memory.max", O_RDWR);
    if (m->hard < 0)
        return memcg_fail (m, "open", "memory.max", err);
    if (memcg_pread_u64 (m->limit, &m->set_limit) < 0)
        return memcg_fail (m, "read", "memory.high", err);
    return 0;
}

struct events {
    uint64_t high, oom_kill;
};

static int _read_events (int fd, struct events *e)
{
    return memcg_pread_keys (fd, "high", &e->high, "oom_kill", &e->oom_kill);
}

/* The kernel's killer needs no switching off: with memory.max above memory.high
 * it is not asked.  The first read sets the mark from which poll(2) counts. */
static int _v2_arm (struct memcg *m, struct mw_err *err)
{
    struct events e;

    if (m->event < 0)
        m->event = memcg_open_file (m, "memory.events", O_RDONLY);
    if (m->event < 0)
        return memcg_fail (m, "open", "memory.events", err);
    if (_read_events (m->event, &e) < 0) {
        memcg_fail (m, "read", "memory.events", err);
        return memcg_close_event (m);
    }
    m->seen_high = e.high;
    m->seen_oom_kill = e.oom_kill;
    m->armed = true;
    return 0;
}

static int _write_limit (const struct memcg *m, int fd, const char *name,
                         uint64_t value, struct mw_err *err)
{
    int rc = value == MEMCG_NO_LIMIT ? (int) pwrite (fd, "max", 3, 0)
                                     : memcg_pwrite_u64 (fd, value);

    return rc < 0 ? memcg_fail (m, "write", name, err) : 0;
}

/* Nobody answers any more: the job must not crawl at memory.high for ever, so
 * the wall is put where the slowing began, and only the kernel judges there. */
static int _v2_disarm (struct memcg *m, struct mw_err *err)
{
    uint64_t usage = 0, wall = m->set_limit;
    int rc = 0;

    memcg_close_event (m);
    m->armed = false;
    if (memcg_pread_u64 (m->usage, &usage) < 0)
        return memcg_fail (m, "read", "memory.current", err);
    if (wall != MEMCG_NO_LIMIT && wall < usage + MAX_ROOM)
        wall = usage + MAX_ROOM;
    /* without that there is a wall all the same: the limit and the reserve */
    if (_write_limit (m, m->hard, "memory.max", wall, err) < 0)
        rc = -1;
    if (_write_limit (m, m->limit, "memory.high", MEMCG_NO_LIMIT, err) < 0)
        rc = -1;
    return rc;
}

/* As on v1 by subtraction: all that is charged except file pages reclaim can
 * take and reclaimable slab (v2 tells it apart) is anon, shmem, unevictable or
 * kernel memory.  memory.current is exact where memory.stat may lag by a batch
 * per CPU, so the sum would miss the moment a limit is passed. */
static int _read_usage (const struct memcg *m, struct memcg_usage *u)
{
    uint64_t active = 0, inactive = 0, slab = 0;
    char stat[STAT_MAX];

    *u = (struct memcg_usage) { 0 };
    if (memcg_pread_u64 (m->usage, &u->total) < 0 ||
        cg_read (m->dir, "memory.stat", stat, sizeof (stat)) < 0)
        return -1;
    cg_key (stat, "active_file", &active);
    cg_key (stat, "inactive_file", &inactive);
    cg_key (stat, "slab_reclaimable", &slab);
    u->cache = active + inactive;
    if (u->cache > u->total) /* the two were not read at one moment */
        u->cache = u->total;
    u->used = u->total - u->cache;
    u->used -= mw_least (slab, u->used);
    return 0;
}

static int _v2_read_usage (struct memcg *m, struct memcg_usage *u,
                           struct mw_err *err)
{
    if (_read_usage (m, u) < 0)
        return memcg_fail (m, "read", "memory.stat", err);
    if (cg_read_u64 (m->dir, "memory.swap.current", &u->swap) < 0)
        u->swap = 0; /* no swap controller */
    if (cg_read_u64 (m->dir, "memory.peak", &u->peak) < 0)
        u->peak = 0; /* before Linux 5.19 */
    return 0;
}

/* How long not to look again, by how often it was for nothing.  A job that just
 * passes its limit drops its cache first and is seen within 10 + 20 ms; one
 * that streams files wakes us at most 8 times a second, then once. */
static const unsigned backoff_table[] = {
    10, 20, 100, 100, 200, 300, 500, 1000
};
#define BACKOFF_MAX (sizeof (backoff_table) / sizeof (backoff_table[0]) - 1)

/* Above memory.high although reclaim ran, in so many looks in a row (some two
 * seconds): dirty, hot or locked pages that are not given up. */
#define STUCK_LOOKS 8

static void _v2_back_off (struct memcg *m, bool growing)
{
    uint64_t now = clock_ms ();

    if (growing) {
        m->backoff_ms = backoff_table[m->looks];
        if (m->looks < BACKOFF_MAX)
            m->looks++;
    } else {
        m->backoff_ms = 0;
        if (now - m->looked_ms >= backoff_table[BACKOFF_MAX])
            m->looks = 0;
    }
    m->looked_ms = now;
}

static bool _stuck (struct memcg *m, const struct memcg_usage *u, bool growing)
{
    uint64_t slack = m->set_limit / 32;

    if (growing && u->total > m->set_limit + slack)
        m->stuck_looks++;
    else
        m->stuck_looks = 0;
    return m->stuck_looks >= STUCK_LOOKS;
}

/* Slurm writes memory.high anew at the start of every step, to --mem: above
 * that a job would crawl, and with it the slurmstepd that is to register the
 * step.  What it was is for who asks whether --mem itself has changed. */
static void _keep_limit (struct memcg *m)
{
    uint64_t high, wall;

    m->moved = false;
    if (memcg_pread_u64 (m->limit, &high) < 0 || high == m->set_limit ||
        memcg_pread_u64 (m->hard, &wall) < 0)
        return;
    m->moved = true;
    m->found = high;
    m->found_hard = wall;
    if (wall < m->set_wall)
        _write_limit (m, m->hard, "memory.max", m->set_wall, NULL);
    _write_limit (m, m->limit, "memory.high", m->set_limit, NULL);
}

static enum memcg_state _v2_check (struct memcg *m)
{
    struct memcg_usage u;
    struct events e;
    bool growing;

    if (m->shadow)
        return memcg_v2_heard (m);
    m->backoff_ms = 0;
    if (m->event < 0)
        return memcg_gone (m) ? MEMCG_GONE : MEMCG_QUIET;
    if (_read_events (m->event, &e) < 0 || _read_usage (m, &u) < 0)
        return memcg_gone (m) ? MEMCG_GONE : MEMCG_QUIET;
    growing = e.high > m->seen_high;
    m->seen_high = e.high;
    m->seen = u;
    _keep_limit (m);
    if (m->set_limit != MEMCG_NO_LIMIT &&
        (u.used > m->set_limit || _stuck (m, &u, growing)))
        return MEMCG_OOM;
    /* reported once, but after an OOM that still waits */
    if (e.oom_kill > m->seen_oom_kill) {
        m->seen_oom_kill = e.oom_kill;
        return MEMCG_KERNEL_KILL;
    }
    _v2_back_off (m, growing);
    return MEMCG_QUIET;
}

/* The wall first when it goes up, last when it comes down, and never down to
 * where the job already is. */
static int _v2_set_limit (struct memcg *m, uint64_t limit, uint64_t reserve,
                          struct mw_err *err)
{
    uint64_t wall, old, usage;

    wall = limit < MEMCG_NO_LIMIT - reserve ? limit + reserve : MEMCG_NO_LIMIT;
    if (memcg_pread_u64 (m->hard, &old) < 0)
        return memcg_fail (m, "read", "memory.max", err);
    if (wall > old && _write_limit (m, m->hard, "memory.max", wall, err) < 0)
        return -1;
    if (_write_limit (m, m->limit, "memory.high", limit, err) < 0)
        return -1;
    m->set_limit = limit;
    m->set_wall = wall;
    m->stuck_looks = 0;
    if (wall >= old)
        return 0;
    if (memcg_pread_u64 (m->usage, &usage) < 0)
        return memcg_fail (m, "read", "memory.current", err);
    if (wall < usage + MAX_ROOM)
        wall = usage + MAX_ROOM;
    return wall < old ? _write_limit (m, m->hard, "memory.max", wall, err) : 0;
}

static int _v2_set_kernel_limit (struct memcg *m, uint64_t limit,
                                 struct mw_err *err)
{
    return _write_limit (m, m->hard, "memory.max", limit, err);
}

static int _set_low (int dir, void *arg)
{
    cg_write_u64 (dir, "memory.low", *(uint64_t *) arg);
    return 0;
}

static int _add_low (int child, const char *name, void *arg)
{
    uint64_t low, *sum = arg;

    (void) name;
    if (cg_read_u64 (child, "memory.low", &low) < 0)
        return 0;
    *sum = low < MEMCG_NO_LIMIT - *sum ? *sum + low : MEMCG_NO_LIMIT;
    return 0;
}

/* An ancestor's memory.low bounds what all its children get together, so each
 * is raised to their sum where it is less; never lowered, since others may have
 * set it.  Up to the root, which has no such file. */
static void _raise_ancestors (const struct memcg *m)
{
    int dir = openat (m->dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    uint64_t low, sum;
    int up;

    while (dir >= 0 && cg_read_u64 (dir, "memory.low", &low) == 0) {
        sum = 0;
        cg_each_child (dir, _add_low, &sum);
        if (sum > low)
            cg_write_u64 (dir, "memory.low", sum);
        up = openat (dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        close (dir);
        dir = up;
    }
    if (dir >= 0)
        close (dir);
}

/* Pages are charged to the directories the tasks sit in.  Those inherit the
 * job's protection only where cgroup2 is mounted with memory_recursiveprot; so
 * each is given the whole of it: the kernel shares out what the job has among
 * them by their usage.  With the mount option the same numbers do no harm. */
static int _v2_set_reservation (struct memcg *m, uint64_t bytes,
                                struct mw_err *err)
{
    if (cg_write_u64 (m->dir, "memory.low", bytes) < 0)
        return memcg_fail (m, "write", "memory.low", err);
    memcg_each_top (m, m->dir, NULL, _set_low, &bytes);
    memcg_each_dir (m, _set_low, &bytes);
    _raise_ancestors (m);
    return 0;
}

/* Some at a time: it is done in the warden's own time. */
#define RECLAIM_STEP (4 * MW_MIB)
#define RECLAIM_MS 50

static int _v2_reclaim (struct memcg *m, uint64_t bytes, uint64_t *freed,
                        struct mw_err *err)
{
    uint64_t first, usage, step, end = clock_ms () + RECLAIM_MS;
    int rc = 0;

    *freed = 0;
    if (memcg_pread_u64 (m->usage, &first) < 0)
        return memcg_fail (m, "read", "memory.current", err);
    while (rc == 0 && *freed < bytes && clock_ms () < end) {
        step = bytes - *freed < RECLAIM_STEP ? bytes - *freed : RECLAIM_STEP;
        rc = cg_write_u64 (m->dir, "memory.reclaim", step);
        if (rc < 0 && errno != EAGAIN) /* EAGAIN: less than was asked */
            return memcg_fail (m, "write", "memory.reclaim", err);
        if (memcg_pread_u64 (m->usage, &usage) < 0)
            return memcg_fail (m, "read", "memory.current", err);
        *freed = first > usage ? first - usage : 0;
    }
    return 0;
}

struct write_tops {
    const char *file, *text;
    int failed; /* errno of the first failure that counts */
};

static int _write_top (int dir, void *arg)
{
    struct write_tops *w = arg;

    /* ENODEV: the step ended meanwhile */
    if (cg_write (dir, w->file, "%s", w->text) < 0 && errno != ENODEV &&
        !w->failed)
        w->failed = errno;
    return 0;
}

/* To [file] of every step_X/user, or of the leaf; slurmstepd is beside it. */
static int _write_tops (struct memcg *m, const char *file, const char *text,
                        struct mw_err *err)
{
    struct write_tops w = { .file = file, .text = text };
    int n = memcg_each_top (m, m->dir, "user", _write_top, &w);

    if (n < 0 && !w.failed)
        w.failed = errno;
    if (memcg_gone (m)) {
        errno = ENODEV;
        return memcg_fail (m, "write", file, err);
    }
    if (n == 0 && !w.failed)
        return mw_err_code (err, ESRCH,
                            "cannot write %s below %s: no "
                            "step_*/user there",
                            file, m->path);
    if (w.failed) {
        errno = w.failed;
        return memcg_fail (m, "write", file, err);
    }
    return 0;
}

static int _v2_freeze (struct memcg *m, bool on, struct mw_err *err)
{
    int rc;

    if (on)
        memcg_mark_frozen (m->dir, true);
    rc = _write_tops (m, "cgroup.freeze", on ? "1" : "0", err);
    if (rc == 0 && !on)
        memcg_mark_frozen (m->dir, false);
    return rc;
}

/* cgroup.kill is of Linux 5.14; before it, or where it cannot be written,
 * freeze against forks and signal: a frozen task of v2 dies at once. */
static int _v2_kill (struct memcg *m, unsigned *left, struct mw_err *err)
{
    int n, unseen;

    memcg_mrelease (m);
    n = memcg_populated (m);
    unseen = n < 0 ? errno : 0;
    if (n != 0 && _write_tops (m, "cgroup.kill", "1", err) < 0 &&
        errno != ENODEV) {
        _v2_freeze (m, true, NULL);
        n = memcg_signal_all (m, SIGKILL, err);
        unseen = n < 0 ? errno : 0;
    }
    if (memcg_gone (m))
        unseen = ENODEV;
    if (unseen) {
        errno = unseen;
        return memcg_fail (m, "kill all in", "cgroup.procs", err);
    }
    *left = n;
    return 0;
}

const struct memcg_ops memcg_v2_ops = {
    .name = "v2",
    .soft_file = "memory.high",
    .soft_is_limit = true,
    .epoll_events = EPOLLPRI,
    .removal_is_silent = true,
    .arm = _v2_arm,
    .disarm = _v2_disarm,
    .listen = memcg_v2_listen,
    .check = _v2_check,
    .read_usage = _v2_read_usage,
    .set_limit = _v2_set_limit,
    .set_kernel_limit = _v2_set_kernel_limit,
    .set_reservation = _v2_set_reservation,
    .reclaim = _v2_reclaim,
    .freeze = _v2_freeze,
    .kill = _v2_kill,
};
