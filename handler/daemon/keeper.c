#include "handler/daemon/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fds.h"

#define PAUSE_S 1

/* What is kept. */
struct kept {
    const char *path, *name;
    char *const *argv;
    const struct passwd *pw; /* NULL: root, as we are */
    int fds[3];              /* its descriptors from 3 on, up to a -1 */
};
#define FDS 3

/* Only 0, 1, 2 and [k]'s own. */
static void _keeper_descriptors (const struct kept *k)
{
    int aside[FDS], n = 0;

    /* first out of each other's way */
    for (; n < FDS && k->fds[n] >= 0; n++)
        aside[n] = fcntl (k->fds[n], F_DUPFD, 16);
    for (int i = 0; i < n; i++)
        dup2 (aside[i], 3 + i);
    mw_close_from (3 + n, (const int[2]) { -1, -1 });
}

/* In the kept process: its parent's end is its own. */
static void _keeper_exec (const struct kept *k)
{
    const struct passwd *pw = k->pw;

    prctl (PR_SET_PDEATHSIG, SIGTERM);
    if (pw && pw->pw_uid != geteuid () &&
        (initgroups (pw->pw_name, pw->pw_gid) < 0 || setgid (pw->pw_gid) < 0 ||
         setuid (pw->pw_uid) < 0))
        _exit (1);
    /* after setuid(2), which clears it */
    prctl (PR_SET_PDEATHSIG, SIGTERM);
    if (getppid () == 1)
        _exit (1);
    execv (k->path, k->argv);
    fprintf (stderr, "memwardend: cannot run %s\n", k->path);
    _exit (127);
}

/* What a unit or an admin has given the warden so that it is not starved and not
 * killed is not for who talks to the controller, runs an admin's hooks, or hears users. */
static void _ordinary (void)
{
    const struct sched_param param = { 0 };
    cleanup_fd int fd = open ("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

    sched_setscheduler (0, SCHED_OTHER, &param);
    if (fd >= 0 && write (fd, "0", 1) != 1)
        fprintf (stderr, "memwardend: cannot reset oom_score_adj: %s\n",
                 strerror (errno));
}

static void _keeper_serve (const struct kept *k, pid_t warden)
{
    sigset_t none;
    pid_t pid;

    prctl (PR_SET_PDEATHSIG, SIGKILL);
    prctl (PR_SET_NAME, "memwarden-keep");
    _ordinary ();
    _keeper_descriptors (k);
    sigemptyset (&none);
    sigprocmask (SIG_SETMASK, &none, NULL);
    while (getppid () == warden) {
        pid = fork ();
        if (pid == 0)
            _keeper_exec (k);
        if (pid > 0)
            waitpid (pid, NULL, 0);
        sleep (PAUSE_S);
    }
    _exit (0);
}

static pid_t _keep (const struct kept *k, struct mw_err *err)
{
    pid_t warden = getpid (), pid = fork ();

    if (pid == 0)
        _keeper_serve (k, warden);
    return pid < 0 ? mw_err_errno (err, "cannot start the %s", k->name) : pid;
}

pid_t keeper_start (const struct conf *conf, const char *conf_path,
                    const char *state_dir, struct mw_err *err)
{
    char *const argv[] = { (char *) conf->courier_path,
                           "--foreground",
                           "--config",
                           (char *) conf_path,
                           "--state-dir",
                           (char *) state_dir,
                           NULL };
    const struct kept courier = { .path = conf->courier_path,
                                  .name = "courier",
                                  .argv = argv,
                                  .pw = getpwnam (conf->courier_user),
                                  .fds = { -1 } };

    if (!courier.pw)
        return mw_err_code (err, ENOENT,
                            "cannot start the courier: there is "
                            "no user %s; name a Slurm operator as courier "
                            "{ user = … }",
                            conf->courier_user);
    return _keep (&courier, err);
}

/* The program that this process is, though its file be replaced meanwhile. */
#define SELF "/proc/self/exe"

pid_t keeper_scribe (int warden, int desk, struct mw_err *err)
{
    char *const argv[] = { "memwardend", "--scribe", NULL };
    const struct kept scribe = { .path = SELF,
                                 .name = "scribe",
                                 .argv = argv,
                                 .fds = { warden, desk, -1 } };

    return _keep (&scribe, err);
}

pid_t keeper_desk (int listening, int pass, int scribe, struct mw_err *err)
{
    char *const argv[] = { "memwardend", "--desk", NULL };
    struct kept desk = { .path = SELF,
                         .name = "desk",
                         .argv = argv,
                         .pw = getpwnam ("memwarden"),
                         .fds = { listening, pass, scribe } };

    if (!desk.pw)
        desk.pw = getpwnam ("nobody");
    if (!desk.pw)
        return mw_err_code (err, ENOENT,
                            "cannot start the desk: there is no user memwarden "
                            "and no user nobody");
    return _keep (&desk, err);
}

/* Is there an interface beside "lo"?  Two lines are a head. */
static bool _has_interface (void)
{
    cleanup_file FILE *f = fopen ("/proc/self/net/dev", "re");
    char line[512], name[32];
    bool found = !f;

    for (int i = 0; !found && fgets (line, sizeof (line), f); i++)
        found = i >= 2 && sscanf (line, " %31[^:]", name) == 1 &&
                strcmp (name, "lo") != 0;
    return found;
}

bool keeper_network (void)
{
    struct stat own, nodes;

    if (stat ("/proc/self/ns/net", &own) < 0)
        return true;
    /* who may not look at process 1 (CapabilityBoundingSet=) looks around */
    if (stat ("/proc/1/ns/net", &nodes) < 0)
        return _has_interface ();
    return own.st_ino == nodes.st_ino;
}
