/* errand.c - a program that is run for somebody: see errand.h */
#include "lib/errand.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/pidfd.h"

static void _errand_child (int in, int out, errand_exec *exec, const void *arg)
{
    prctl (PR_SET_PDEATHSIG, SIGKILL);
    signal (SIGPIPE, SIG_DFL);
    signal (SIGXFSZ, SIG_DFL);
    if (dup2 (in, STDIN_FILENO) < 0 || dup2 (out, STDOUT_FILENO) < 0 ||
        dup2 (out, STDERR_FILENO) < 0)
        _exit (126);
    exec (arg);
    _exit (126);
}

int errand_start (struct errand *e, const char *input, errand_exec *exec,
                  const void *arg)
{
    cleanup_fd int in = -1, in_end = -1, out = -1, out_end = -1;
    size_t len = strlen (input);
    int a[2], b[2];

    *e = (struct errand) { .pid = -1, .pidfd = -1, .out = -1 };
    if (pipe2 (a, O_CLOEXEC) < 0)
        return -1;
    in = a[0];
    in_end = a[1];
    if (pipe2 (b, O_CLOEXEC) < 0)
        return -1;
    out_end = b[0];
    out = b[1];
    if (write (in_end, input, len) != (ssize_t) len ||
        fcntl (out_end, F_SETFL, O_NONBLOCK) < 0 || (e->pid = fork ()) < 0)
        return -1;
    if (e->pid == 0)
        _errand_child (in, out, exec, arg);
    e->pidfd = mw_pidfd_open (e->pid);
    e->out = mw_steal_fd (&out_end);
    return 0;
}

/* Put [n] bytes at [buf] behind its text, as one line. */
static void _errand_keep (struct errand *e, const char *buf, ssize_t n)
{
    const size_t room = sizeof (e->text) - 1;

    for (ssize_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char) buf[i];

        if (c == '\n') {
            e->newline = e->len > 0;
            continue;
        }
        if (e->len + (e->newline ? sizeof (ERRAND_LINE) : 1) > room)
            return;
        if (e->newline)
            strcpy (e->text + e->len, ERRAND_LINE);
        e->len += e->newline ? sizeof (ERRAND_LINE) - 1 : 0;
        e->newline = false;
        e->text[e->len++] = c < 0x20 || c >= 0x7f ? '?' : (char) c;
    }
}

/* What there is now, and not all that comes: who writes without end is not to keep us
 * beyond its time. Returns false at its end. */
static bool _errand_read (struct errand *e)
{
    char buf[4096];
    ssize_t n = 1;

    for (int i = 0; i < 64 && n > 0; i++) {
        n = read (e->out, buf, sizeof (buf));
        _errand_keep (e, buf, n);
    }
    return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

enum errand_end errand_follow (struct errand *e, uint64_t end, int master,
                               int target)
{
    struct pollfd p[] = { { .fd = e->out, .events = POLLIN },
                          { .fd = e->pidfd, .events = POLLIN },
                          { .fd = master },
                          { .fd = target, .events = POLLIN } };
    enum errand_end late = ERRAND_LATE;
    uint64_t now;

    while ((now = clock_ms ()) < end) {
        if (poll (p, 4, (int) (end - now)) < 0 && errno != EINTR)
            return late;
        if (p[0].revents && !_errand_read (e))
            p[0].fd = -1;
        if (p[1].revents) { /* what it left running may hold the pipe */
            _errand_read (e);
            return ERRAND_ENDED;
        }
        if (p[0].fd < 0 && e->pidfd < 0)
            return ERRAND_ENDED;
        if (p[2].revents)
            return ERRAND_ALONE;
        if (p[3].revents) {
            p[3].fd = -1;
            late = ERRAND_POINTLESS;
            if (clock_ms () + ERRAND_GRACE_MS < end)
                end = clock_ms () + ERRAND_GRACE_MS;
        }
    }
    return late;
}

void errand_close (struct errand *e)
{
    if (e->pidfd >= 0)
        close (e->pidfd);
    if (e->out >= 0)
        close (e->out);
    e->pidfd = e->out = -1;
}
