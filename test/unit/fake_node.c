/* fake_node.c - a node without a kernel: see fake_node.h */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "test/unit/fake_node.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "handler/watch/node.h"
#include "handler/watch/psi.h"
#include "lib/cgfile.h"
#include "lib/cleanup.h"

struct fake_pool pool;

static struct {
    sd_event_source *timer; /* the node's */
    sd_event_time_handler_t on_timer;
    sd_event_io_handler_t on_pool, on_stall;
    uint64_t scanned, refaulted;
} node;

static struct mw_err err;

static void _put (const char *name, const char *text)
{
    char path[PATH_MAX + 64];
    cleanup_file FILE *f = NULL;

    snprintf (path, sizeof (path), "%s%s", fake.dir, name);
    f = fopen (path, "we");
    assert_non_null (f);
    assert_true (fputs (text, f) >= 0);
}

/* ---- what the linker puts in the place of theirs ------------------------- */

int __real_sd_event_add_time (sd_event *e, sd_event_source **s, clockid_t clock,
                              uint64_t usec, uint64_t accuracy,
                              sd_event_time_handler_t call, void *arg);
int __wrap_sd_event_add_time (sd_event *e, sd_event_source **s, clockid_t clock,
                              uint64_t usec, uint64_t accuracy,
                              sd_event_time_handler_t call, void *arg);
int __real_sd_event_add_io (sd_event *e, sd_event_source **s, int fd,
                            uint32_t events, sd_event_io_handler_t call,
                            void *arg);
int __wrap_sd_event_add_io (sd_event *e, sd_event_source **s, int fd,
                            uint32_t events, sd_event_io_handler_t call,
                            void *arg);
int __wrap_memcg_reopen (struct memcg *m, const char *path, const char *freezer,
                         uint64_t inode, enum mw_layout layout,
                         struct mw_err *why);

int __wrap_sd_event_add_time (sd_event *e, sd_event_source **s, clockid_t clock,
                              uint64_t usec, uint64_t accuracy,
                              sd_event_time_handler_t call, void *arg)
{
    int rc = __real_sd_event_add_time (e, s, clock, usec, accuracy, call, arg);

    if (rc >= 0 && arg == &fake.w) {
        node.timer = *s;
        node.on_timer = call;
    }
    return rc;
}

static int _never (sd_event_source *s, void *arg)
{
    (void) s;
    (void) arg;
    fail_msg ("nothing is to come by itself");
    return 0;
}

/* The pool's event is waited for as v2's is not, for EPOLLIN; a job's is a
 * descriptor of the test's own. */
int __wrap_sd_event_add_io (sd_event *e, sd_event_source **s, int fd,
                            uint32_t events, sd_event_io_handler_t call,
                            void *arg)
{
    int rc;

    if (arg != &fake.w)
        return __real_sd_event_add_io (e, s, fd, events, call, arg);
    rc = sd_event_add_defer (e, s, _never, arg);
    if (events == EPOLLPRI)
        node.on_stall = call;
    else
        node.on_pool = call;
    return rc < 0 ? rc : sd_event_source_set_enabled (*s, SD_EVENT_OFF);
}

/* ---- the pool ------------------------------------------------------------ */

static int _arm (struct memcg *m, struct mw_err *why)
{
    if (pool.deaf) {
        errno = EIO;
        return mw_err_errno (why, "it cannot be heard");
    }
    m->armed = true;
    pool.armed++;
    return 0;
}

static int _disarm (struct memcg *m, struct mw_err *why)
{
    (void) why;
    m->armed = false;
    pool.disarmed++;
    return 0;
}

static enum memcg_state _check (struct memcg *m)
{
    (void) m;
    return pool.state;
}

static int _read_usage (struct memcg *m, struct memcg_usage *u,
                        struct mw_err *why)
{
    (void) m;
    (void) why;
    *u = pool.usage;
    return pool.state == MEMCG_GONE ? -1 : 0;
}

static int _set_limit (struct memcg *m, uint64_t limit, uint64_t above,
                       struct mw_err *why)
{
    if (pool.stubborn) {
        errno = EIO;
        return mw_err_errno (why, "it does not want to");
    }
    pool.limit = limit;
    pool.above = above;
    return cg_write_u64 (m->dir, "memory.high", limit) < 0 ||
                   cg_write_u64 (m->dir, "memory.max", limit + above) < 0
               ? -1
               : 0;
}

static const struct memcg_ops ops = {
    .name = "fake pool",
    .epoll_events = EPOLLIN,
    .arm = _arm,
    .disarm = _disarm,
    .check = _check,
    .read_usage = _read_usage,
    .set_limit = _set_limit,
};

int __wrap_memcg_reopen (struct memcg *m, const char *path, const char *freezer,
                         uint64_t inode, enum mw_layout layout,
                         struct mw_err *why)
{
    (void) freezer;
    *m = (struct memcg) { .ops = &ops,
                          .layout = layout,
                          .freezer = -1,
                          .event = -1,
                          .usage = -1,
                          .oom_control = -1,
                          .limit = -1,
                          .hard = -1,
                          .set_limit = pool.set_limit };
    m->dir = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (m->dir < 0)
        return mw_err_errno (why, "cannot open %s", path);
    m->path = strdup (path);
    m->inode = cg_inode (m->dir);
    if (memcg_gone (m) || (inode != 0 && inode != m->inode)) {
        memcg_close (m);
        errno = ESTALE;
        return mw_err_errno (why, "%s is another", path);
    }
    m->limit = openat (m->dir, "memory.high", O_RDWR | O_CLOEXEC);
    m->hard = openat (m->dir, "memory.max", O_RDWR | O_CLOEXEC);
    pool.opened++;
    return 0;
}

void node_has_pool (const char *hard)
{
    snprintf (pool.path, sizeof (pool.path), "%s/of_jobs", fake.dir);
    assert_true (mkdir (pool.path, 0700) == 0 || errno == EEXIST);
    _put ("/of_jobs/cgroup.procs", "");
    _put ("/of_jobs/memory.high", "max\n");
    _put ("/of_jobs/memory.max", hard);
    snprintf (fake.w.conf.pool, sizeof (fake.w.conf.pool), "%s", pool.path);
}

uint64_t node_pool_file (const char *name)
{
    cleanup_fd int dir = open (pool.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char text[32];

    assert_true (cg_read (dir, name, text, sizeof (text)) > 0);
    /* unlike the kernel's, these files keep what is behind it */
    return strncmp (text, "max", 3) == 0 ? UINT64_MAX
                                         : strtoull (text, NULL, 10);
}

void node_pool_event (enum memcg_state state)
{
    pool.state = state;
    assert_non_null (node.on_pool);
    node.on_pool (NULL, -1, EPOLLIN, &fake.w);
}

/* ---- time ---------------------------------------------------------------- */

uint64_t node_due (void)
{
    int on = SD_EVENT_OFF;
    uint64_t usec;

    assert_true (sd_event_source_get_enabled (node.timer, &on) >= 0);
    if (on == SD_EVENT_OFF)
        return NODE_NEVER;
    assert_true (sd_event_source_get_time (node.timer, &usec) >= 0);
    return usec / 1000 - fake.now;
}

/* Once, as the loop has it. */
void node_later (uint64_t ms)
{
    fake.now += ms;
    sd_event_source_set_enabled (node.timer, SD_EVENT_OFF);
    node.on_timer (node.timer, fake.now * 1000, &fake.w);
}

bool node_has_room (void)
{
    int on = SD_EVENT_OFF;

    assert_true (sd_event_source_get_enabled (fake.w.room, &on) >= 0);
    sd_event_source_set_enabled (fake.w.room, SD_EVENT_OFF);
    return on != SD_EVENT_OFF;
}

/* ---- /proc --------------------------------------------------------------- */

void node_has (uint64_t available, uint64_t swap_free)
{
    char text[128];
    int n = snprintf (text, sizeof (text),
                      "MemAvailable: %20" PRIu64 " kB\n"
                      "SwapTotal: 8388608 kB\nSwapFree: %20" PRIu64 " kB\n",
                      available / 1024, swap_free / 1024);

    assert_int_equal (ftruncate (fake.w.meminfo, 0), 0);
    assert_int_equal (pwrite (fake.w.meminfo, text, (size_t) n, 0), n);
}

static void _vmstat (void)
{
    char text[256];

    snprintf (text, sizeof (text),
              "pgscan_kswapd 77777\npgscan_direct %" PRIu64
              "\nworkingset_refault_anon 0\nworkingset_refault_file %" PRIu64
              "\n",
              node.scanned, node.refaulted);
    _put ("/proc/vmstat", text);
}

void node_psi (void)
{
    char path[PATH_MAX];

    snprintf (path, sizeof (path), "%s/proc/pressure", fake.dir);
    *strrchr (path, '/') = '\0';
    assert_int_equal (mkdir (path, 0700), 0);
    path[strlen (path)] = '/';
    assert_int_equal (mkdir (path, 0700), 0);
    _put ("/proc/pressure/memory", "");
    _vmstat ();
    /* both are kept open; what is to hear a signal is in the real one */
    setenv ("MEMWARDEN_SYSROOT", fake.dir, 1);
    watch_psi_open (&fake.w);
    unsetenv ("MEMWARDEN_SYSROOT");
    assert_non_null (fake.w.psi);
    fake.w.up.stalled = node_stalled;
}

void node_stall (uint64_t ms, uint64_t scanned, uint64_t refaulted)
{
    fake.now += ms;
    node.scanned += scanned;
    node.refaulted += refaulted / (uint64_t) sysconf (_SC_PAGESIZE);
    _vmstat ();
    node.on_stall (NULL, -1, EPOLLPRI, &fake.w);
}

void node_psi_gone (void)
{
    node.on_stall (NULL, -1, EPOLLERR, &fake.w);
}

void node_slurm_conf (const char *text)
{
    char host[HOST_NAME_MAX + 1] = "", conf[1024];
    const char *at;

    gethostname (host, sizeof (host) - 1);
    host[strcspn (host, ".")] = '\0';
    at = strstr (text, "%s");
    assert_non_null (at);
    snprintf (conf, sizeof (conf), "%.*s%s%s", (int) (at - text), text, host,
              at + 2);
    _put ("/slurm.conf", conf);
}

/* ---- beginning and end --------------------------------------------------- */

int node_begin (void **state)
{
    int rc = fake_begin (state);

    pool = (struct fake_pool) { .set_limit = MEMCG_NO_LIMIT };
    memset (&node, 0, sizeof (node));
    fake.w.up.node_is_short = node_is_short;
    fake.w.up.node_may_return = node_may_return;
    snprintf (fake.w.conf.slurm_conf, sizeof (fake.w.conf.slurm_conf),
              "%s/slurm.conf", fake.dir);
    return rc;
}

int node_end (void **state)
{
    watch_psi_close (&fake.w);
    node_close (&fake.w);
    return fake_end (state);
}

void node_watched (void)
{
    assert_int_equal (node_open (&fake.w, &err), 0);
}
