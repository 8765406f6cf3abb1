#include "handler/daemon/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "handler/daemon/rights.h"
#include "handler/desk/desk.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/fds.h"

#define PAUSE_S 1

/* Of what has a pulse: it is asked for a byte, and has to answer before it has been
 * asked so often. */
#define PULSE_S 5
#define PULSES 2

/* What is kept. */
struct kept {
    const char *path, *name;
    char *const *argv;
    const struct passwd *pw; /* NULL: root, as we are */
    int fds[3];              /* its descriptors from 3 on, up to a -1 */
    bool pulses;             /* it answers what it is asked over a pulse */
    int pulse;               /* the keeper's end of that; -1 */
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
    mw_close_from (3 + n, NULL, 0);
}

/* In the kept process: its parent's end is its own.  One that is stopped heeds no other
 * signal; but only the desk has nothing to end. */
static void _keeper_exec (const struct kept *k, int pulse, pid_t keeper)
{
    const int end = pulse < 0 ? SIGTERM : SIGKILL;
    const struct passwd *pw = k->pw;
    sigset_t none;

    prctl (PR_SET_PDEATHSIG, end);
    if (pw && pw->pw_uid != geteuid () &&
        (initgroups (pw->pw_name, pw->pw_gid) < 0 || setgid (pw->pw_gid) < 0 ||
         setuid (pw->pw_uid) < 0))
        _exit (1);
    /* after setuid(2), which clears it */
    prctl (PR_SET_PDEATHSIG, end);
    /* it has ended before that; who inherits its children need not be process 1 */
    if (getppid () != keeper)
        _exit (1);
    if (pulse >= 0 && pulse != DESK_PULSE && dup2 (pulse, DESK_PULSE) < 0)
        _exit (1);
    if (pulse == DESK_PULSE)
        fcntl (pulse, F_SETFD, 0);
    sigemptyset (&none);
    sigprocmask (SIG_SETMASK, &none, NULL);
    signal (SIGXFSZ, SIG_DFL); /* which it would have for ever, too */
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

static void _keeper_on_child (int signo)
{
    (void) signo;
}

/* Start it, with a pulse where it has to have one. Returns its pid; -1. */
static pid_t _keeper_begin (struct kept *k)
{
    int pair[2] = { -1, -1 };
    pid_t self = getpid (), pid;

    if (k->pulses &&
        socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return -1;
    pid = fork ();
    if (pid == 0)
        _keeper_exec (k, pair[1], self);
    if (pair[1] >= 0)
        close (pair[1]);
    k->pulse = pair[0];
    return pid;
}

/* Has it a pulse?  [asked] counts what it has not answered; who comes late himself, since
 * the machine stood still, does not judge. */
static bool _keeper_feels (const struct kept *k, bool late, unsigned *asked)
{
    char byte = 0;

    if (late)
        *asked = 0;
    while (recv (k->pulse, &byte, 1, MSG_DONTWAIT) == 1)
        *asked = 0;
    if (*asked >= PULSES)
        return false;
    *asked += send (k->pulse, &byte, 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1 ? 1
                                                                          : 0;
    return true;
}

/* Until [pid] has ended, by itself or since it does not answer: who is not waited for
 * has its number to itself.  SIGCHLD comes in ppoll alone. */
static void _keeper_wait (const struct kept *k, pid_t pid)
{
    const struct timespec tick = { .tv_sec = PULSE_S };
    unsigned asked = 0;
    sigset_t none;

    sigemptyset (&none);
    while (waitpid (pid, NULL, WNOHANG) == 0) {
        uint64_t began = clock_ms ();
        int rc = ppoll (NULL, 0, k->pulse < 0 ? NULL : &tick, &none);
        bool late = clock_ms () - began > 2000 * PULSE_S;

        if (rc == 0 && !_keeper_feels (k, late, &asked)) {
            kill (pid, SIGKILL);
            setenv (DESK_HUNG, "1", 1);
        }
    }
}

static void _keeper_serve (struct kept *k, pid_t warden)
{
    const struct sigaction on_child = { .sa_handler = _keeper_on_child };
    struct mw_err err;
    sigset_t child;
    pid_t pid;

    prctl (PR_SET_PDEATHSIG, SIGKILL);
    prctl (PR_SET_NAME, "memwarden-keep");
    _ordinary ();
    _keeper_descriptors (k);
    if (rights_keeper (k->fds[0] >= 0, !k->pw || k->pw->pw_uid == 0, &err) < 0)
        fprintf (stderr, "memwardend: keeper of the %s: %s\n", k->name,
                 err.text);
    prctl (PR_SET_PDEATHSIG, SIGKILL); /* what is given up may clear it */
    sigemptyset (&child);
    sigaddset (&child, SIGCHLD);
    sigprocmask (SIG_SETMASK, &child, NULL);
    sigaction (SIGCHLD, &on_child, NULL);
    while (getppid () == warden) {
        pid = _keeper_begin (k);
        unsetenv (DESK_HUNG);
        if (pid > 0)
            _keeper_wait (k, pid);
        if (k->pulse >= 0)
            close (k->pulse);
        sleep (PAUSE_S);
    }
    _exit (0);
}

static pid_t _keep (struct kept *k, struct mw_err *err)
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
    struct kept courier = { .path = conf->courier_path,
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
    struct kept scribe = { .path = SELF,
                           .name = "scribe",
                           .argv = argv,
                           .fds = { warden, desk, -1 } };

    return _keep (&scribe, err);
}

pid_t keeper_attendant (int warden, struct mw_err *err)
{
    char *const argv[] = { "memwardend", "--attendant", NULL };
    struct kept attendant = {
        .path = SELF, .name = "attendant", .argv = argv, .fds = { warden, -1 }
    };

    return _keep (&attendant, err);
}

pid_t keeper_desk (int listening, int pass, int scribe, struct mw_err *err)
{
    char *const argv[] = { "memwardend", "--desk", NULL };
    struct kept desk = { .path = SELF,
                         .name = "desk",
                         .argv = argv,
                         .pw = getpwnam ("memwarden"),
                         .pulses = true,
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
