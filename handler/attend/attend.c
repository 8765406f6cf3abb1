/* attend.c - the attendant's loop: who is let in, and how many */
#include "handler/attend/attend.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "handler/pass/pass.h"
#include "lib/cleanup.h"

#define AT_ONCE 8
#define OF_A_USER 2 /* so that nobody keeps all others' from being run */

struct attend {
    int life[2]; /* a pipe: as long as this process lives its visits have an end
                    that nobody has closed */
    unsigned n;
    struct {
        pid_t pid;
        uint32_t uid;
    } visit[AT_ONCE];
};

static void _attend_reap (struct attend *a)
{
    pid_t pid;

    while ((pid = waitpid (-1, NULL, WNOHANG)) > 0) {
        for (unsigned i = 0; i < a->n; i++) {
            if (a->visit[i].pid == pid)
                a->visit[i--] = a->visit[--a->n];
        }
    }
}

/* Is there a place for it?  Else it is said that there is none. */
static bool _attend_admit (const struct attend *a,
                           const struct attend_wish *wish)
{
    unsigned same = 0;

    for (unsigned i = 0; i < a->n; i++)
        same += a->visit[i].uid == wish->uid;
    if (a->n < AT_ONCE && same < OF_A_USER)
        return true;
    attend_say (wish, false, EBUSY,
                "hook \"%s\" is not run: %u %s at it already", wish->hook,
                same < OF_A_USER ? a->n : same,
                same < OF_A_USER ? "others are"
                                 : "others of the same user are");
    return false;
}

static void _attend_begin (struct attend *a, const struct attend_wish *wish,
                           int procs)
{
    pid_t pid = fork ();

    if (pid == 0) {
        close (a->life[1]);
        attend_visit (wish, procs, a->life[0]);
    }
    if (pid < 0) {
        attend_say (wish, false, errno, "cannot start hook \"%s\": %s",
                    wish->hook, strerror (errno));
        return;
    }
    a->visit[a->n].uid = wish->uid;
    a->visit[a->n++].pid = pid;
}

/* Returns false when the warden is gone. */
static bool _attend_hear (struct attend *a)
{
    static struct attend_wish wish;
    cleanup_fd int procs = -1;
    ssize_t n = pass_receive (ATTEND_WARDEN, &wish, sizeof (wish), &procs);

    if (n == 0)
        return false;
    if (n == (ssize_t) sizeof (wish) && _attend_admit (a, &wish))
        _attend_begin (a, &wish, procs);
    return true;
}

static void _attend_on_child (int signo)
{
    (void) signo;
}

/* SIGCHLD comes in ppoll alone. */
static void _attend_serve (struct attend *a)
{
    const struct sigaction on_child = { .sa_handler = _attend_on_child };
    struct pollfd p = { .fd = ATTEND_WARDEN, .events = POLLIN };
    sigset_t child, none;

    sigemptyset (&none);
    sigemptyset (&child);
    sigaddset (&child, SIGCHLD);
    sigprocmask (SIG_BLOCK, &child, NULL);
    sigaction (SIGCHLD, &on_child, NULL);
    for (;;) {
        _attend_reap (a);
        if (ppoll (&p, 1, NULL, &none) == 1 && !_attend_hear (a))
            return;
    }
}

int attend_main (void)
{
    static struct attend a;
    struct mw_err err;

    prctl (PR_SET_NAME, "memwarden-atten");
    prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    signal (SIGPIPE, SIG_IGN);
    if (attend_rights (&err) < 0)
        fprintf (stderr, "memwardend: attendant: %s\n", err.text);
    if (pipe2 (a.life, O_CLOEXEC) < 0) {
        perror ("memwardend: attendant");
        return 1;
    }
    _attend_serve (&a);
    return 0;
}
