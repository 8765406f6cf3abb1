/* visit.c - one hook, from its start to the last process that it has left */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "handler/attend/attend.h"
#include "handler/memcg/members.h"
#include "handler/pass/pass.h"
#include "lib/cgfile.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/errand.h"
#include "lib/user.h"

#define SPARE_S 10   /* of a visit that a file system keeps */
#define ENDS_MS 5000 /* so long it waits for who has been killed */
#define LOOK_MS 10
#define TERM_MS 250 /* so long it may put its things away */

_Static_assert(ERRAND_TEXT_MAX <= SPOOL_TEXT_MAX / 2,
               "what a hook has written is part of an answer");

void attend_say (const struct attend_wish *wish, bool ok, int code,
                 const char *fmt, ...)
{
    static struct attend_answer a;
    va_list ap;

    a = (struct attend_answer) { .ok = ok, .code = code };
    snprintf (a.id, sizeof (a.id), "%s", wish->id);
    va_start (ap, fmt);
    vsnprintf (a.text, sizeof (a.text), fmt, ap);
    va_end (ap);
    pass_send (ATTEND_WARDEN, &a, sizeof (a), -1);
}

/* Its own end it has not met: ask it to, and see to it. */
static void _visit_kill (struct errand *e, enum errand_end how)
{
    siginfo_t ended;

    /* as long as nobody has waited for it its number is its group's alone */
    if (how == ERRAND_ENDED) {
        waitid (P_PID, (id_t) e->pid, &ended, WEXITED | WNOWAIT);
    } else {
        kill (-e->pid, SIGTERM);
        errand_follow (e, clock_ms () + TERM_MS, -1, -1);
    }
    kill (-e->pid, SIGKILL);
}

static void _visit_tell (const struct attend_wish *wish, enum errand_end how,
                         int status, const struct errand *e)
{
    const char *colon = e->len ? ": " : "", *name = wish->hook;

    if (how == ERRAND_ALONE)
        attend_say (wish, false, ECHILD,
                    "hook \"%s\" was ended: so was who had started it%s%s",
                    name, colon, e->text);
    else if (how == ERRAND_POINTLESS)
        attend_say (
            wish, false, ESRCH,
            "hook \"%s\" was killed: process %d has ended before it%s%s", name,
            (int) wish->pid, colon, e->text);
    else if (how == ERRAND_LATE)
        attend_say (wish, false, ETIMEDOUT,
                    "hook \"%s\" did not end in its time; killed%s%s", name,
                    colon, e->text);
    else if (WIFEXITED (status) && WEXITSTATUS (status) == 0)
        attend_say (wish, true, 0, "hook \"%s\" done%s%s", name, colon,
                    e->text);
    else if (WIFEXITED (status))
        attend_say (wish, false, WEXITSTATUS (status),
                    "hook \"%s\" failed: exit status %d%s%s", name,
                    WEXITSTATUS (status), colon, e->text);
    else
        attend_say (wish, false, 128 + WTERMSIG (status),
                    "hook \"%s\" died of signal %d%s%s", name,
                    WTERMSIG (status), colon, e->text);
}

/* Who has lost his parent is a child of this process, and in the hook's process group;
 * where the kernel has no seccomp he may have left that. */
static void _visit_children (void)
{
    char path[48], text[4096], *at = text, *end;
    long pid;

    snprintf (path, sizeof (path), "/proc/self/task/%d/children",
              (int) getpid ());
    if (cg_read (AT_FDCWD, path, text, sizeof (text)) <= 0)
        return;
    while ((pid = strtol (at, &end, 10)) > 1 && end != at) {
        kill ((pid_t) pid, SIGKILL);
        at = end;
    }
}

static void _visit_end (void)
{
    const struct timespec look = { .tv_nsec = LOOK_MS * 1000000 };
    uint64_t until = clock_ms () + ENDS_MS;
    pid_t pid;

    while (clock_ms () < until &&
           ((pid = waitpid (-1, NULL, WNOHANG)) >= 0 || errno == EINTR)) {
        if (pid > 0)
            continue;
        _visit_children ();
        nanosleep (&look, NULL);
    }
}

/* Take hold of whom it is about. Returns false: it is not there any more. */
static bool _visit_target (const struct attend_wish *wish, int *fd)
{
    const struct member m = { .pid = (pid_t) wish->pid,
                              .started = wish->started };

    if (member_take (&m, fd) == 0)
        return true;
    attend_say (wish, false, ESRCH,
                "hook \"%s\" is not run: process %d has ended", wish->hook,
                (int) wish->pid);
    return false;
}

_Noreturn void attend_visit (const struct attend_wish *wish, int procs,
                             int life)
{
    static struct errand e;
    char path[PATH_MAX];
    struct attend_guest guest = { wish, procs, path };
    uint64_t now = clock_ms ();
    int target = -1, status = 0;
    struct mw_err err;
    enum errand_end how;

    prctl (PR_SET_NAME, "memwarden-visit");
    prctl (PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    if (wish->end_ms <= now) {
        attend_say (wish, false, ETIMEDOUT,
                    "hook \"%s\" is not run: its time has passed", wish->hook);
        _exit (0);
    }
    alarm ((unsigned) ((wish->end_ms - now) / 1000 + SPARE_S));
    if (!_visit_target (wish, &target))
        _exit (0);
    if (mw_roots_program (wish->path, path, &err) < 0) {
        attend_say (wish, false, errno, "%s", err.text);
        _exit (0);
    }
    if (errand_start (&e, wish->text, attend_guest, &guest) < 0) {
        attend_say (wish, false, errno, "cannot start hook \"%s\": %s",
                    wish->hook, strerror (errno));
        _exit (0);
    }
    setpgid (e.pid, e.pid); /* here too, before anyone kills that group */
    close (procs);
    how = errand_follow (&e, wish->end_ms, life, target);
    _visit_kill (&e, how);
    if (how == ERRAND_ENDED)
        waitpid (e.pid, &status, 0);
    _visit_tell (wish, how, status, &e);
    _visit_end ();
    _exit (0);
}
