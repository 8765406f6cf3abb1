/* guest.c - in the child: become the job, then its hook */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "handler/attend/attend.h"
#include "lib/cgfile.h"
#include "lib/clock.h"
#include "lib/fds.h"
#include "lib/units.h"

/* Behind the job's own work, but not for ever: with 19, beside a job that keeps its CPU
 * busy, no hook has been seen to end in its time. */
#define GUEST_NICE 10

_Noreturn __attribute__ ((format (printf, 1, 2))) static void _guest_not (
    const char *fmt, ...)
{
    char text[ATTEND_DIR_MAX + 256];
    va_list ap;

    va_start (ap, fmt);
    vsnprintf (text, sizeof (text), fmt, ap);
    va_end (ap);
    dprintf (STDOUT_FILENO, "not run: %s\n", text);
    _exit (126);
}

/* Its user, and all his groups where he is known here: may ask LDAP and the like. */
static void _guest_groups (const struct attend_wish *wish)
{
    const struct passwd *pw = getpwuid (wish->uid);
    gid_t gid = wish->gid;

    if ((pw ? initgroups (pw->pw_name, gid) : setgroups (1, &gid)) < 0)
        _guest_not ("cannot have the groups of user %u: %s",
                    (unsigned) wish->uid, strerror (errno));
}

/* Its memory is the job's from here on; and where that has not enough, it is the first
 * to be killed for it. */
static void _guest_cgroup (int procs)
{
    if (procs < 0 || write (procs, "0", 1) != 1)
        _guest_not ("cannot be put into the job's memory cgroup: %s",
                    procs < 0 ? "it is gone" : strerror (errno));
    cg_write (AT_FDCWD, "/proc/self/oom_score_adj", "1000");
}

static void _guest_identity (const struct attend_wish *wish, pid_t parent)
{
    struct mw_err err;

    if (setresgid (wish->gid, wish->gid, wish->gid) < 0 ||
        setresuid (wish->uid, wish->uid, wish->uid) < 0)
        _guest_not ("cannot become user %u: %s", (unsigned) wish->uid,
                    strerror (errno));
    prctl (PR_SET_PDEATHSIG, SIGKILL); /* which that has cleared */
    if (getppid () != parent)
        _exit (126);
    /* a kernel without seccomp: what is left over is looked for (visit.c) */
    if (attend_rights_guest (&err) < 0 && errno != ENOSYS && errno != EINVAL)
        _guest_not ("%s", err.text);
}

static void _guest_limit (int what, uint64_t value)
{
    const struct rlimit limit = { value, value };

    if (setrlimit (what, &limit) < 0)
        _guest_not ("cannot be bounded: %s", strerror (errno));
}

/* Into its directory, with what there is room for. */
static void _guest_bounds (const struct attend_wish *wish, const char *dir)
{
    uint64_t used, room, now = clock_ms (), left;
    char a[MW_SIZE_STRLEN], b[MW_SIZE_STRLEN];
    struct mw_err err;

    if (chdir (dir) < 0)
        _guest_not ("cannot enter %s: %s", dir, strerror (errno));
    if (attend_store_used (&used, &err) < 0)
        _guest_not ("%s: %s; remove what is not needed", dir, err.text);
    if (used >= wish->max_dir)
        _guest_not ("%s is full: there are %s, evidence-max is %s; remove what "
                    "is not needed",
                    dir, mw_size_format (used, a, sizeof (a)),
                    mw_size_format (wish->max_dir, b, sizeof (b)));
    room = wish->max_dir - used;
    left = wish->end_ms > now ? wish->end_ms - now : 0;
    _guest_limit (RLIMIT_FSIZE, mw_least (room, wish->max_size));
    _guest_limit (RLIMIT_CPU, left / 1000 + 1);
    _guest_limit (RLIMIT_CORE, 0);
    setpriority (PRIO_PROCESS, 0, GUEST_NICE);
}

static void _guest_number (const char *name, uint64_t value)
{
    char text[24];

    snprintf (text, sizeof (text), "%" PRIu64, value);
    setenv (name, text, 1);
}

/* Nothing that the user has named: HOME may have a file that a program runs. */
static void _guest_environment (const struct attend_wish *wish, const char *dir)
{
    struct rlimit size = { 0 };

    clearenv ();
    getrlimit (RLIMIT_FSIZE, &size);
    setenv ("PATH", "/usr/local/bin:/usr/bin:/bin", 1);
    setenv ("HOME", dir, 1);
    setenv ("LC_ALL", "C", 1);
    setenv ("MEMWARDEN_JOB", wish->job, 1);
    setenv ("MEMWARDEN_HOOK", wish->hook, 1);
    setenv ("MEMWARDEN_REQUEST", wish->id, 1);
    setenv ("MEMWARDEN_MEMCG", wish->memcg, 1);
    setenv ("MEMWARDEN_DIR", dir, 1);
    _guest_number ("MEMWARDEN_PID", (uint64_t) wish->pid);
    _guest_number ("MEMWARDEN_STARTED", wish->started);
    _guest_number ("MEMWARDEN_MAX_SIZE", size.rlim_cur);
}

_Noreturn void attend_guest (const void *guest)
{
    const struct attend_guest *g = guest;
    char dir[ATTEND_DIR_MAX];
    pid_t parent = getppid ();
    struct mw_err err;
    sigset_t none;

    setpgid (0, 0);
    umask (077);
    sigemptyset (&none);
    sigprocmask (SIG_SETMASK, &none, NULL);
    signal (SIGCHLD, SIG_DFL);
    if (attend_store (g->wish, dir, &err) < 0)
        _guest_not ("%s", err.text);
    _guest_groups (g->wish);
    _guest_cgroup (g->procs);
    _guest_identity (g->wish, parent);
    _guest_bounds (g->wish, dir);
    _guest_environment (g->wish, dir);
    mw_close_from (3, NULL, 0);
    execl (g->path, g->path, (char *) NULL);
    _guest_not ("%s: %s", g->path, strerror (errno));
}
