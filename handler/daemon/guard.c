/* guard.c - a process that sees a warden that hangs, and ends it: see guard.h
 *
 * It kills its parent, and nobody else: as long as getppid(2) says so that has not
 * ended, and its number is nobody else's.
 */
#include "handler/daemon/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "handler/daemon/beat.h"
#include "handler/daemon/resident.h"
#include "handler/memcg/hears.h"
#include "handler/record/failsafe.h"
#include "handler/record/report.h"
#include "lib/cgfile.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/event.h"
#include "lib/fds.h"
#include "lib/pidfd.h"

#define LOOK_MS 2500   /* every second look pokes */
#define ASK_MS 250     /* then it is looked at so often … */
#define STOPPED_ASKS 2 /* … so many times where it is stopped, */
#define HUNG_ASKS 20   /* or else so many: five seconds */
#define PHASE_S 90     /* a start, and an end: as long as systemd gives them */
#define FAILSAFE_S 20
#define SAID "MEMWARDEN_GUARD_SAID"

/* All that the guard knows. */
struct guard {
    pid_t warden;
    int pidfd; /* -1: the kernel has none */
    uint64_t started;
    int proc; /* the warden's directory in /proc */
    const struct beat *beat;
    int poke;
    const char *state_dir, *history_dir;
    char *const *argv;
    bool unit; /* systemd's: it starts the warden again */
};

/* What is seen of it from outside. */
struct guard_look {
    char state; /* proc(5): R, S, D, T, t, … */
    uint64_t cpu;
};

/* The warden's end of a pipe that nobody writes to: its end is the guard's. */
static int guard_alive = -1;

/* Not held up where nothing can be read: then it is as if it waited. */
static struct guard_look _guard_see (const struct guard *g)
{
    struct guard_look l = { .state = 'S' };
    uint64_t user = 0, system = 0;
    const char *field;
    char stat[1024];

    if (cg_read (g->proc, "stat", stat, sizeof (stat)) < 0 ||
        !(field = strrchr (stat, ')')) || field[1] != ' ')
        return l;
    l.state = field[2];
    for (int i = 2; i < 14 && field; i++)
        field = strchr (field + 1, ' ');
    if (field && sscanf (field, "%" SCNu64 " %" SCNu64, &user, &system) == 2)
        l.cpu = user + system;
    return l;
}

static bool _guard_is_over (const struct guard *g)
{
    return getppid () != g->warden;
}

/* Sleep [ms], unless the warden ends: SIGUSR1 (PR_SET_PDEATHSIG).
 * Returns false where it took so much longer that nobody else may have run either: the
 * machine was suspended, or has too much to do. */
static bool _guard_sleep (unsigned ms)
{
    const struct timespec t = { .tv_sec = ms / 1000,
                                .tv_nsec = (long) (ms % 1000) * 1000000 };
    uint64_t began = clock_ms ();
    sigset_t ended;

    sigemptyset (&ended);
    sigaddset (&ended, SIGUSR1);
    sigtimedwait (&ended, NULL, &t);
    return clock_ms () - began <= 2 * ms + 100;
}

/* Has the loop not turned since [turns], though there was time?  A look at one that was
 * ready to run and was not let tells nothing, nor one that came late. */
static bool _guard_hangs (const struct guard *g, uint64_t turns)
{
    struct guard_look last = _guard_see (g), now;
    unsigned stopped = 0, asks = 0;

    while (!_guard_is_over (g) && g->beat->turns == turns) {
        bool timely = _guard_sleep (ASK_MS);

        now = _guard_see (g);
        if (!timely)
            stopped = asks = 0;
        else if (now.state != 'R' || now.cpu != last.cpu)
            asks++;
        stopped = timely && now.state == 'T' ? stopped + 1 : 0;
        if (stopped >= STOPPED_ASKS || asks >= HUNG_ASKS)
            return g->beat->turns == turns && !_guard_is_over (g);
        last = now;
    }
    return false;
}

/* Returns false when the warden has ended, true when it hangs in its loop. */
static bool _guard_watch_loop (const struct guard *g)
{
    for (unsigned n = 0; g->beat->phase == BEAT_RUNS && !_guard_is_over (g);
         n++) {
        uint64_t turns;

        _guard_sleep (LOOK_MS);
        /* a poke costs who is stopped nothing */
        if (n % 2 == 0 && _guard_see (g).state != 'T')
            continue;
        turns = g->beat->turns;
        eventfd_write (g->poke, 1);
        if (_guard_hangs (g, turns) && g->beat->phase == BEAT_RUNS)
            return true;
    }
    return false;
}

/* A start or an end.  Returns as above. */
static bool _guard_watch_phase (const struct guard *g, uint32_t phase)
{
    for (unsigned s = 0; g->beat->phase == phase && !_guard_is_over (g);) {
        if (_guard_sleep (1000) && ++s >= PHASE_S)
            return true;
    }
    return false;
}

static bool _guard_watch (const struct guard *g)
{
    return _guard_watch_phase (g, BEAT_STARTS) || _guard_watch_loop (g) ||
           _guard_watch_phase (g, BEAT_ENDS);
}

/* Returns whether it is gone: who is stuck in the kernel goes as soon as that lets it. */
static bool _guard_kill (const struct guard *g)
{
    if (_guard_is_over (g) ||
        (g->pidfd < 0 && hears_started (g->warden) != g->started))
        return true;
    if (mw_pidfd_kill (g->pidfd, g->warden) < 0)
        return false;
    while (!_guard_is_over (g))
        _guard_sleep (1000);
    return true;
}

/* In a process of its own, since a disk may hang it, too. */
static void _guard_failsafe (const struct guard *g)
{
    pid_t pid = fork ();
    struct failsafe done;
    struct mw_err err = { "" };

    if (pid == 0) {
        int rc = failsafe_run (g->state_dir, g->history_dir, &done, &err);

        if (rc != 0)
            fprintf (stderr, "memwardend: failsafe: %s\n",
                     rc < 0 ? err.text : done.first.text);
        _exit (rc != 0);
    }
    for (unsigned ms = 0; pid > 0 && waitpid (pid, NULL, WNOHANG) == 0;
         ms += 20) {
        usleep (20000);
        if (ms == FAILSAFE_S * 1000)
            kill (pid, SIGKILL);
        if (ms > FAILSAFE_S * 1000 + 1000)
            return;
    }
}

static void _guard_start_again (const struct guard *g)
{
    sigset_t none;

    signal (SIGUSR1, SIG_IGN); /* what is pending of the warden's end goes */
    for (int i = 1; i < 32; i++)
        signal (i, SIG_DFL);
    sigemptyset (&none);
    sigprocmask (SIG_SETMASK, &none, NULL);
    prctl (PR_SET_PDEATHSIG, 0);
    mw_close_from (3, NULL, 0);
    execv ("/proc/self/exe", g->argv);
    fprintf (stderr, "memwardend: cannot be started again: %s\n",
             strerror (errno));
}

/* Nothing is said before all is done: who reads it may be what the warden waits for. */
static void _guard_acts (const struct guard *g)
{
    char said[256], state = _guard_see (g).state;
    bool gone = _guard_kill (g);

    snprintf (said, sizeof (said),
              "memwardend (pid %d) did not answer any more (its state was %c) "
              "and %s killed",
              (int) g->warden, state, gone ? "was" : "cannot be");
    if (gone && !g->unit) {
        _guard_failsafe (g);
        setenv (SAID, said, 1);
        if (g->beat->phase != BEAT_ENDS) /* else it was told to */
            _guard_start_again (g);
    }
    fprintf (stderr, "memwardend: %s\n", said);
}

/* It must be there when nobody else is. */
static void _guard_protect (void)
{
    cleanup_fd int fd = open ("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

    if (fd >= 0 && write (fd, "-1000", 5) != 5)
        fprintf (stderr, "memwardend: guard: %s\n", strerror (errno));
    resident_lock ();
}

static void _guard_main (struct guard *g, int alive)
{
    char path[64];
    sigset_t ended;

    sigemptyset (&ended);
    sigaddset (&ended, SIGUSR1);
    sigprocmask (SIG_BLOCK, &ended, NULL);
    prctl (PR_SET_PDEATHSIG, SIGUSR1);
    prctl (PR_SET_NAME, "memwarden-guard");
    /* it ends with the warden, not by what a terminal or a unit says to all */
    signal (SIGINT, SIG_IGN);
    signal (SIGTERM, SIG_IGN);
    signal (SIGHUP, SIG_IGN);
    mw_close_from (3, (const int[]) { g->poke, alive }, 2);
    snprintf (path, sizeof (path), "/proc/%d", (int) g->warden);
    g->proc = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    g->pidfd = mw_pidfd_open (g->warden);
    g->started = hears_started (g->warden);
    _guard_protect ();
    if (g->proc >= 0 && _guard_watch (g))
        _guard_acts (g);
    _exit (0);
}

int guard_start (char *const argv[], const char *state_dir,
                 const char *history_dir, struct mw_err *err)
{
    struct guard g = { .warden = getpid (),
                       .beat = beat_shared (),
                       .poke = beat_poke (),
                       .state_dir = state_dir,
                       .history_dir = history_dir,
                       .argv = argv,
                       .unit = getenv ("NOTIFY_SOCKET") != NULL };
    int alive[2];
    pid_t pid;

    if (g.warden == 1)
        return mw_err_code (err, EPERM, "it is process 1");
    if (!g.beat || pipe2 (alive, O_CLOEXEC) < 0)
        return mw_err_errno (err, "cannot fork");
    pid = fork ();
    if (pid == 0)
        _guard_main (&g, alive[1]);
    close (alive[1]);
    if (pid < 0) {
        close (alive[0]);
        return mw_err_errno (err, "cannot fork");
    }
    guard_alive = alive[0];
    return 0;
}

static int _guard_on_end (sd_event_source *s, int fd, uint32_t events,
                          void *arg)
{
    (void) fd;
    (void) events;
    sd_event_source_set_enabled (s, SD_EVENT_OFF);
    report_log (
        arg, LOG_ERR,
        "the guard has ended: nobody sees it if memwardend hangs, until "
        "it is started again");
    return 0;
}

int guard_listen (struct warden *w, struct mw_err *err)
{
    int rc = guard_alive < 0 ? 0
                             : sd_event_add_io (w->loop, NULL, guard_alive,
                                                EPOLLIN, _guard_on_end, w);

    if (rc >= 0)
        return 0;
    errno = -rc;
    return mw_err_errno (err, "cannot listen to the guard");
}

const char *guard_said (void)
{
    static char said[256];
    const char *text = getenv (SAID);

    if (!text)
        return NULL;
    snprintf (said, sizeof (said), "%s", text);
    unsetenv (SAID);
    prctl (PR_SET_NAME, "memwardend"); /* else it is called "exe" */
    return said;
}
