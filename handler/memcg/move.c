/* move.c - one process goes into another job's memcg: see move.h */
#include "handler/memcg/move.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "handler/memcg/live.h"
#include "handler/memcg/members.h"
#include "handler/memcg/mounts.h"
#include "handler/memcg/priv.h"
#include "lib/cgfile.h"
#include "lib/cleanup.h"
#include "lib/pidfd.h"

/* cgroup-v1/memory.rst, "Move charges at task migration": anonymous memory, and files'.
 * Since Linux 6.13 it takes no number but 0. */
#define CHARGES "memory.move_charge_at_immigrate"
#define CHARGES_ALL 3

/* ---- where --------------------------------------------------------------- */

static int _move_path (int dir, char *path, size_t len)
{
    char link[64];
    ssize_t n;

    snprintf (link, sizeof (link), "/proc/self/fd/%d", dir);
    n = readlink (link, path, len - 1);
    path[n > 0 ? n : 0] = '\0';
    return n > 0 ? 0 : -1;
}

struct move_seek {
    pid_t pid;
    bool listed;
    int dir; /* that lists it; -1 */
};

static int _move_is (pid_t pid, void *arg)
{
    struct move_seek *s = arg;

    return s->listed = pid == s->pid;
}

static int _move_visit (int dir, void *arg)
{
    struct move_seek *s = arg;

    cg_each_pid (dir, "cgroup.procs", _move_is, s);
    if (s->listed)
        s->dir = fcntl (dir, F_DUPFD_CLOEXEC, 0);
    return s->listed;
}

static int _move_walk (int dir, const char *name, void *arg)
{
    (void) name;
    return _move_visit (dir, arg);
}

/* Does the kernel charge anew?  It says so only where it is told to. */
static bool _move_charges (int dir)
{
    uint64_t was;

    if (cg_read_u64 (dir, CHARGES, &was) < 0 ||
        cg_write_u64 (dir, CHARGES, CHARGES_ALL) < 0)
        return false;
    cg_write_u64 (dir, CHARGES, was);
    return true;
}

static int _move_is_at (int dir, struct move_place *p, struct mw_err *err)
{
    p->inode = cg_inode (dir);
    p->charges = _move_charges (dir);
    if (_move_path (dir, p->memory, sizeof (p->memory)) < 0)
        return mw_err_errno (err, "cannot tell where it is");
    return 0;
}

/* What is not below the freezer of [m] is somewhere else, and stays there. */
static void _move_freezer (const struct memcg *m, pid_t pid,
                           struct move_place *p)
{
    struct move_seek s = { .pid = pid, .dir = -1 };

    if (m->freezer < 0)
        return;
    cg_walk (m->freezer, _move_walk, &s);
    if (s.dir < 0)
        return;
    _move_path (s.dir, p->freezer, sizeof (p->freezer));
    close (s.dir);
}

int move_from (struct memcg *m, pid_t pid, struct move_place *p,
               struct mw_err *err)
{
    struct move_seek s = { .pid = pid, .dir = -1 };
    int rc;

    *p = (struct move_place) { 0 };
    memcg_each_dir (m, _move_visit, &s);
    if (s.dir < 0)
        return mw_err_code (err, ESRCH, "there is no process %d in %s",
                            (int) pid, m->path);
    rc = _move_is_at (s.dir, p, err);
    close (s.dir);
    if (rc == 0)
        _move_freezer (m, pid, p);
    return rc;
}

struct move_first {
    pid_t pid;
    uint64_t started;
    bool is_extern;
};

static int _move_look (pid_t pid, void *arg)
{
    struct move_first *first = arg;
    struct move_first one = { .pid = pid, .started = live_began (pid) };
    char step[MEMBER_STEP_MAX];
    int task;

    if (one.started == 0)
        return 0;
    member_where (pid, step, &task);
    one.is_extern = strcmp (step, "extern") == 0;
    if (first->pid == 0 || (first->is_extern && !one.is_extern) ||
        (first->is_extern == one.is_extern && one.started < first->started))
        *first = one;
    return 0;
}

int move_beside (struct memcg *m, struct move_place *p, struct mw_err *err)
{
    struct move_first first = { 0 };

    memcg_each_pid (m, _move_look, &first);
    if (first.pid == 0)
        return mw_err_code (err, ESRCH,
                            "it has no process here beside which another "
                            "could be put");
    return move_from (m, first.pid, p, err);
}

int move_root (const struct memcg *from, struct move_place *p,
               struct mw_err *err)
{
    bool v1 = from->ops == &memcg_v1_ops;
    struct memcg_mounts mounts;
    cleanup_fd int dir = -1;

    *p = (struct move_place) { 0 };
    if (memcg_find_mounts (&mounts) < 0)
        return mw_err_errno (err, "cannot find the cgroups");
    dir = sysroot_open (v1 ? mounts.memory : mounts.unified,
                        O_RDONLY | O_DIRECTORY);
    if (dir < 0)
        return mw_err_errno (err, "cannot open the root of the cgroups");
    if (v1 && from->freezer >= 0)
        snprintf (p->freezer, sizeof (p->freezer), "%s", mounts.freezer);
    return _move_is_at (dir, p, err);
}

/* ---- the move ------------------------------------------------------------ */

static int _move_open (const char *path, uint64_t inode, struct mw_err *err)
{
    int dir = sysroot_open (path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);

    if (dir < 0)
        return mw_err_errno (err, "cannot open %.300s", path);
    if (inode == 0 || cg_inode (dir) == inode)
        return dir;
    close (dir);
    return mw_err_code (err, ESTALE,
                        "%.300s is not what it was: another has taken its name",
                        path);
}

static int _move_write (pid_t pid, const char *path, uint64_t inode,
                        struct mw_err *err)
{
    cleanup_fd int dir = _move_open (path, inode, err);

    if (dir < 0)
        return -1;
    if (cg_write_u64 (dir, "cgroup.procs", (uint64_t) pid) == 0)
        return 0;
    if (errno == EBUSY)
        return mw_err_code (err, EBUSY,
                            "%.300s has groups below it that share out what "
                            "it has: the kernel lets no process be there",
                            path);
    if (errno == ENOMEM)
        return mw_err_code (err, ENOMEM,
                            "%.300s has no room for what it has used", path);
    return mw_err_errno (err, "cannot write %.300s/cgroup.procs", path);
}

/* Its memory, charged anew. */
static int _move_memory (pid_t pid, const struct move_place *to,
                         struct mw_err *err)
{
    cleanup_fd int dir = _move_open (to->memory, to->inode, err);
    uint64_t was = 0;
    int rc, saved;

    if (dir < 0)
        return -1;
    if (to->charges && (cg_read_u64 (dir, CHARGES, &was) < 0 ||
                        cg_write_u64 (dir, CHARGES, CHARGES_ALL) < 0))
        return mw_err_errno (err, "cannot write %.300s/" CHARGES, to->memory);
    rc = _move_write (pid, to->memory, to->inode, err);
    saved = errno;
    if (to->charges)
        cg_write_u64 (dir, CHARGES, was);
    errno = saved;
    return rc;
}

/* Where to there is no freezer of a job's, none can freeze it. */
static int _move_all (pid_t pid, const struct move_place *from,
                      const struct move_place *to, struct mw_err *err)
{
    bool frozen_with = from->freezer[0] && to->freezer[0];
    int rc, saved;

    if (frozen_with && _move_write (pid, to->freezer, 0, err) < 0)
        return -1;
    rc = _move_memory (pid, to, err);
    saved = errno;
    if (rc < 0 && frozen_with)
        _move_write (pid, from->freezer, 0, NULL);
    errno = saved;
    return rc;
}

/* Its number may be another's only after it has ended and was waited for. */
static int _move_is_there (pid_t pid, uint64_t started, struct mw_err *err)
{
    if (live_began (pid) == started)
        return 0;
    return mw_err_code (err, ESRCH, "process %d has ended", (int) pid);
}

int move_process (pid_t pid, uint64_t started, const struct move_place *from,
                  const struct move_place *to, struct mw_err *err)
{
    cleanup_fd int fd = mw_pidfd_open (pid);
    cleanup_fd int dir = -1;
    struct move_seek s = { .pid = pid, .dir = -1 };

    if (pid <= 1 || (fd < 0 && errno == ESRCH))
        return mw_err_code (err, ESRCH, "process %d has ended", (int) pid);
    if ((dir = _move_open (from->memory, from->inode, err)) < 0)
        return -1;
    cg_each_pid (dir, "cgroup.procs", _move_is, &s);
    if (!s.listed)
        return mw_err_code (err, ESRCH, "process %d is not in %.300s any more",
                            (int) pid, from->memory);
    if (_move_is_there (pid, started, err) < 0 ||
        _move_all (pid, from, to, err) < 0)
        return -1;
    return _move_is_there (pid, started, err);
}
