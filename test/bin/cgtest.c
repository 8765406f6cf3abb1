/* cgtest.c - real memcgs for test programs */
#include "test/bin/cgtest.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/cgfile.h"

#define MAX_MADE 4096

bool t_v2;
static pid_t owner;
static unsigned made_count;
static char *made[MAX_MADE];

void t_die (const char *fmt, ...)
{
    va_list ap;

    va_start (ap, fmt);
    vfprintf (stderr, fmt, ap);
    va_end (ap);
    fputc ('\n', stderr);
    exit (1);
}

uint64_t t_now_us (void)
{
    struct timespec t;

    clock_gettime (CLOCK_MONOTONIC, &t);
    return (uint64_t) t.tv_sec * 1000000 + (uint64_t) t.tv_nsec / 1000;
}

static int _kill_one (pid_t pid, void *arg)
{
    (void) arg;
    kill (pid, SIGKILL);
    return 0;
}

/* Last made, first removed.  Only what is in our own directories is killed. */
static void _clean_up (void)
{
    int dir;

    if (getpid () != owner)
        return;
    for (unsigned i = made_count; i-- > 0;) {
        for (int try = 0; try < 500 && rmdir (made[i]) < 0 && errno == EBUSY;
             try++) {
            dir = open (made[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
            if (dir < 0)
                break;
            cg_write (dir, "freezer.state", "THAWED");
            cg_write (dir, "cgroup.freeze", "0");
            cg_each_pid (dir, "cgroup.procs", _kill_one, NULL);
            close (dir);
            while (waitpid (-1, NULL, WNOHANG) > 0)
                ;
            usleep (10000);
        }
        free (made[i]);
    }
    made_count = 0;
}

static void _exit_on_signal (int signo)
{
    exit (128 + signo);
}

static int _mkdir (const char *path)
{
    if (mkdir (path, 0755) < 0)
        t_die ("mkdir %s: %s", path, strerror (errno));
    T_CHECK (made_count < MAX_MADE, "too many directories");
    made[made_count++] = strdup (path);
    return open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* Where a directory's children are to have the controllers the tests use. */
static void _delegate (const char *path)
{
    char control[300];
    int fd;

    snprintf (control, sizeof (control), "%s/cgroup.subtree_control", path);
    fd = open (control, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write (fd, "+memory", 7) < 0)
        t_die ("%s: %s", control, strerror (errno));
    close (fd);
}

void t_init (struct tcg *base)
{
    static const char v1[] = "/sys/fs/cgroup/memory";
    struct tcg top = { .dir = -1 };

    owner = getpid ();
    atexit (_clean_up);
    signal (SIGINT, _exit_on_signal);
    signal (SIGTERM, _exit_on_signal);
    signal (SIGPIPE, SIG_IGN);
    t_v2 = access ("/sys/fs/cgroup/memory/memory.limit_in_bytes", F_OK) < 0;
    snprintf (top.path, sizeof (top.path), "%s", t_v2 ? "/sys/fs/cgroup" : v1);
    if (!t_v2)
        snprintf (top.freezer_path, sizeof (top.freezer_path),
                  "/sys/fs/cgroup/freezer");
    char name[64];
    snprintf (name, sizeof (name), "mwt.%d", (int) owner);
    t_make (base, &top, name);
}

void t_make (struct tcg *c, const struct tcg *parent, const char *name)
{
    *c = (struct tcg) { .dir = -1, .freezer = -1 };
    if (t_v2)
        _delegate (parent->path);
    if (snprintf (c->path, sizeof (c->path), "%s/%s", parent->path, name) >=
        (int) sizeof (c->path))
        t_die ("path too long");
    c->dir = _mkdir (c->path);
    if (!*parent->freezer_path)
        return;
    if (snprintf (c->freezer_path, sizeof (c->freezer_path), "%s/%s",
                  parent->freezer_path, name) >= (int) sizeof (c->freezer_path))
        t_die ("path too long");
    c->freezer = _mkdir (c->freezer_path);
}

void t_open (struct tcg *c, enum mw_layout layout, uint64_t limit)
{
    struct mw_err err = { "" };

    if (memcg_open (&c->m, c->dir, c->freezer, layout, &err) < 0)
        t_die ("open: %s", err.text);
    if (limit == 0)
        return;
    if (c->m.ops->set_limit (&c->m, limit, 64 * MIB, &err) < 0)
        t_die ("set_limit: %s", err.text);
    if (c->m.ops->arm (&c->m, &err) < 0)
        t_die ("arm: %s", err.text);
}

static void _rmdir (const char *path)
{
    for (int try = 0; rmdir (path) < 0; try++) {
        if (errno != EBUSY || try == 500)
            t_die ("rmdir %s: %s", path, strerror (errno));
        usleep (10000); /* a dead task's last breath */
    }
    for (unsigned i = 0; i < made_count; i++) {
        if (!strcmp (made[i], path)) {
            free (made[i]);
            made[i] = made[--made_count];
            return;
        }
    }
}

void t_remove (struct tcg *c)
{
    if (c->m.ops)
        memcg_close (&c->m);
    c->m.ops = NULL;
    _rmdir (c->path);
    if (*c->freezer_path)
        _rmdir (c->freezer_path);
    close (c->dir);
    if (c->freezer >= 0)
        close (c->freezer);
}

struct tproc t_spawn (const struct tcg *c, int (*fn) (void *arg), void *arg)
{
    struct tproc p;
    int done[2], joined[2];
    char byte = 0;

    if (pipe2 (done, O_CLOEXEC) < 0 || pipe2 (joined, O_CLOEXEC) < 0)
        t_die ("pipe: %s", strerror (errno));
    p.pid = fork ();
    if (p.pid < 0)
        t_die ("fork: %s", strerror (errno));
    if (p.pid == 0) {
        prctl (PR_SET_PDEATHSIG, SIGKILL);
        close (done[0]);
        fcntl (done[1], F_SETFD, 0); /* to its end, beyond an exec */
        if (cg_write (c->dir, "cgroup.procs", "0") < 0 ||
            (c->freezer >= 0 && cg_write (c->freezer, "cgroup.procs", "0") < 0))
            _exit (99);
        if (write (joined[1], "j", 1) != 1)
            _exit (99);
        _exit (fn (arg));
    }
    close (done[1]);
    close (joined[1]);
    if (read (joined[0], &byte, 1) != 1)
        t_die ("a process could not join %s", c->path);
    close (joined[0]);
    p.done = done[0];
    return p;
}

bool t_ended (const struct tproc *p, int timeout_ms)
{
    struct pollfd f = { .fd = p->done, .events = POLLIN };

    return poll (&f, 1, timeout_ms) == 1;
}

int t_join (struct tproc *p)
{
    int status = -1;

    if (!t_ended (p, T_PATIENCE))
        t_die ("process %d did not end", (int) p->pid);
    waitpid (p->pid, &status, 0);
    close (p->done);
    return status;
}

enum memcg_state t_wait (struct memcg *m, int timeout_ms)
{
    uint64_t now, end = t_now_us () + (uint64_t) timeout_ms * 1000;
    enum memcg_state s;
    struct pollfd f;
    int left;

    for (;;) {
        s = m->ops->check (m);
        now = t_now_us ();
        if (s != MEMCG_QUIET || now >= end)
            return s;
        left = (end - now + 999) / 1000;
        f = (struct pollfd) { .fd = m->event, .events = m->ops->epoll_events };
        if (m->backoff_ms > 0)
            poll (NULL, 0,
                  left < (int) m->backoff_ms ? left : (int) m->backoff_ms);
        else
            poll (&f, 1, left);
    }
}

int t_touch (void *arg)
{
    uint64_t bytes = *(uint64_t *) arg;
    volatile char *p = mmap (NULL, bytes, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED)
        return 98;
    for (uint64_t i = 0; i < bytes; i += 4096)
        p[i] = 1;
    return 0;
}

int t_touch_and_stay (void *arg)
{
    int rc = t_touch (arg);

    if (rc != 0)
        return rc;
    for (;;)
        pause ();
}
