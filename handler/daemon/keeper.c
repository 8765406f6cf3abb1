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

#define PAUSE_S 1

/* In the courier's process: its parent's end is its own. */
static void _keeper_exec (const struct conf *conf, const struct passwd *pw,
                          char *const argv[])
{
    prctl (PR_SET_PDEATHSIG, SIGTERM);
    if (pw->pw_uid != geteuid () &&
        (initgroups (pw->pw_name, pw->pw_gid) < 0 || setgid (pw->pw_gid) < 0 ||
         setuid (pw->pw_uid) < 0))
        _exit (1);
    /* after setuid(2), which clears it */
    prctl (PR_SET_PDEATHSIG, SIGTERM);
    if (getppid () == 1)
        _exit (1);
    execv (conf->courier_path, argv);
    fprintf (stderr, "memwardend: cannot run %s\n", conf->courier_path);
    _exit (127);
}

/* What a unit or an admin has given the warden so that it is not starved and not
 * killed is not for who talks to the controller, or runs an admin's hooks. */
static void _ordinary (void)
{
    const struct sched_param param = { 0 };
    cleanup_fd int fd = open ("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

    sched_setscheduler (0, SCHED_OTHER, &param);
    if (fd >= 0 && write (fd, "0", 1) != 1)
        fprintf (stderr,
                 "memwardend: cannot reset the courier's "
                 "oom_score_adj: %s\n",
                 strerror (errno));
}

static void _keeper_serve (const struct conf *conf, const struct passwd *pw,
                           char *const argv[], pid_t warden)
{
    sigset_t none;
    pid_t pid;

    prctl (PR_SET_PDEATHSIG, SIGKILL);
    prctl (PR_SET_NAME, "memwarden-keep");
    _ordinary ();
    sigemptyset (&none);
    sigprocmask (SIG_SETMASK, &none, NULL);
    while (getppid () == warden) {
        pid = fork ();
        if (pid == 0)
            _keeper_exec (conf, pw, argv);
        if (pid > 0)
            waitpid (pid, NULL, 0);
        sleep (PAUSE_S);
    }
    _exit (0);
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
    const struct passwd *pw = getpwnam (conf->courier_user);
    pid_t warden = getpid (), pid;

    if (!pw)
        return mw_err_code (err, ENOENT,
                            "cannot start the courier: there is "
                            "no user %s; name a Slurm operator as courier "
                            "{ user = … }",
                            conf->courier_user);
    pid = fork ();
    if (pid == 0)
        _keeper_serve (conf, pw, argv, warden);
    return pid < 0 ? mw_err_errno (err, "cannot start the courier") : pid;
}

bool keeper_network (void)
{
    struct stat own, nodes;

    return stat ("/proc/self/ns/net", &own) < 0 ||
           stat ("/proc/1/ns/net", &nodes) < 0 || own.st_ino == nodes.st_ino;
}
