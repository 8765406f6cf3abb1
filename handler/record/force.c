/* force.c - a warden that does not answer is stopped for good: see force.h */
#include "handler/record/force.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "handler/memcg/claim.h"
#include "handler/memcg/hears.h"
#include "handler/memcg/live.h"
#include "handler/memcg/mounts.h"
#include "lib/cgfile.h"
#include "lib/cleanup.h"
#include "lib/pidfd.h"

#define PROGRAM "memwardend"
#define ENDS_WITHIN_MS 10000
#define LOOK_US 10000

/* What it runs, though that be replaced by now. */
static bool _force_is_warden (pid_t pid)
{
    cleanup_fd int proc = live_open (pid);
    char buf[PATH_MAX];
    const char *program = proc < 0 ? NULL
                                   : live_program (proc, buf, sizeof (buf));

    return program && strcmp (program, PROGRAM) == 0;
}

static int _force_wait (pid_t pid, uint64_t started, struct mw_err *err)
{
    for (int us = 0; us < ENDS_WITHIN_MS * 1000; us += LOOK_US) {
        if (hears_started (pid) != started)
            return 1;
        usleep (LOOK_US);
    }
    return mw_err_code (err, EBUSY,
                        "memwardend with pid %d was killed, but has not ended: "
                        "it waits in the kernel, for a disk perhaps",
                        (int) pid);
}

/* End [pid], if [has] says so of it once more when it can be nobody else.
 * Returns 1; 0: it has gone already; -1 as above. */
static int _force_end (pid_t pid, bool (*has) (pid_t pid, int fd), int fd,
                       struct mw_err *err)
{
    cleanup_fd int pidfd = mw_pidfd_open (pid);
    uint64_t started = hears_started (pid);

    if (started == 0 || !has (pid, fd))
        return 0;
    if (started == HEARS_UNKNOWN || !_force_is_warden (pid))
        return mw_err_code (err, EPERM,
                            "pid %d has it, and is no memwardend: it is not "
                            "killed",
                            (int) pid);
    if (mw_pidfd_kill (pidfd, pid) < 0 && errno != ESRCH)
        return mw_err_errno (err, "cannot kill memwardend with pid %d",
                             (int) pid);
    return _force_wait (pid, started, err);
}

/* fcntl(2) knows who has it; 0: nobody. */
static pid_t _force_lock_holder (int lock)
{
    struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

    return fcntl (lock, F_GETLK, &l) == 0 && l.l_type != F_UNLCK ? l.l_pid : 0;
}

static bool _force_has_lock (pid_t pid, int lock)
{
    return _force_lock_holder (lock) == pid;
}

static bool _force_has_memcg (pid_t pid, int dir)
{
    return memcg_claimed_here (dir) == pid;
}

static int _force_stop_holder (const char *state_dir, struct mw_err *err)
{
    char path[PATH_MAX];
    cleanup_fd int lock = -1;
    pid_t pid;

    snprintf (path, sizeof (path), "%s/lock", state_dir);
    lock = open (path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (lock < 0)
        return errno == ENOENT ? 0 : mw_err_errno (err, "cannot open %s", path);
    pid = _force_lock_holder (lock);
    if (pid < 0)
        return mw_err_code (err, EPERM, "%s is held from another PID namespace",
                            path);
    return pid == 0 ? 0 : _force_end (pid, _force_has_lock, lock, err);
}

struct force_walk {
    struct mw_err *err;
    int ended; /* -1: one could not be */
};

static int _force_visit (int dir, const char *name, void *arg)
{
    struct force_walk *f = arg;
    pid_t pid = memcg_claimed_here (dir);
    int rc;

    (void) name;
    if (pid == 0)
        return 0;
    rc = _force_end (pid, _force_has_memcg, dir, f->err);
    f->ended = rc < 0 ? -1 : f->ended + rc;
    return rc < 0;
}

/* Whose state directory was removed has a lock that nobody finds. */
static int _force_stop_claimers (const char *state_dir, struct mw_err *err)
{
    struct force_walk f = { .err = err };
    struct memcg_mounts mounts;
    cleanup_fd int top = -1;

    memcg_claim_home (state_dir, state_dir);
    if (memcg_find_mounts (&mounts) < 0)
        return mw_err_errno (err, "cannot find the cgroups");
    top = open (mounts.memory[0] ? mounts.memory : mounts.unified,
                O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (top < 0 || (cg_walk (top, _force_visit, &f) < 0 && f.ended >= 0))
        return mw_err_errno (err, "cannot look through the memory cgroups");
    return f.ended;
}

int force_stop (const char *state_dir, struct mw_err *err)
{
    int holder = _force_stop_holder (state_dir, err);
    int claimers = holder < 0 ? -1 : _force_stop_claimers (state_dir, err);

    return claimers < 0 ? -1 : holder + claimers;
}
