/* hook.c - an admin's program, told of an incident
 *
 * JSON on its standard input; MEMWARDEN_JOB, _HOOK, _REQUEST and _MEMCG in its
 * environment.  It runs as the courier's user, in the process group of its
 * worker. Bounded are its time and what is kept of its output; the rest is read
 * all the same, so that no hook stands still for a full pipe.
 */
#include "handler/courier/courier.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/user.h"

struct output {
    char text[SPOOL_TEXT_MAX / 2];
    size_t len;
    bool newline; /* one is owed before the next byte */
};

struct running {
    pid_t pid;
    int pidfd, out;
};

/* Set [path] to the program of [hook]. Returns false, with [res] filled. */
static bool _program (const struct conf_hook *hook, char path[PATH_MAX],
                      struct courier_result *res)
{
    char copy[PATH_MAX];
    const char *bad;

    if (!realpath (hook->path, path) || access (path, X_OK) < 0) {
        courier_say (res, COURIER_REFUSED, errno, "cannot run hook %s: %s",
                     hook->path, strerror (errno));
        return false;
    }
    strcpy (copy, path);
    bad = mw_not_roots (copy);
    if (bad)
        courier_say (res, COURIER_REFUSED, EPERM,
                     "hook %s is not run: %.200s "
                     "can be changed by others than root",
                     hook->path, bad);
    return !bad;
}

/* In the child. */
static void _hook_exec (const struct spool_request *r,
                        const struct conf_hook *hook, const char *path, int in,
                        int out)
{
    cleanup_json json_t *j = json_loads (r->text, 0, NULL);
    const char *memcg = json_string_value (json_object_get (j, "memory"));

    prctl (PR_SET_PDEATHSIG, SIGKILL);
    signal (SIGPIPE, SIG_DFL);
    signal (SIGXFSZ, SIG_DFL);
    if (dup2 (in, STDIN_FILENO) < 0 || dup2 (out, STDOUT_FILENO) < 0 ||
        dup2 (out, STDERR_FILENO) < 0)
        _exit (126);
    setenv ("MEMWARDEN_JOB", r->job, 1);
    setenv ("MEMWARDEN_HOOK", hook->name, 1);
    setenv ("MEMWARDEN_REQUEST", r->id, 1);
    setenv ("MEMWARDEN_MEMCG", memcg ? memcg : "", 1);
    execl (path, path, (char *) NULL);
    _exit (errno == ENOENT ? 127 : 126);
}

static int _hook_start (const struct spool_request *r,
                        const struct conf_hook *hook, const char *path,
                        struct running *run)
{
    cleanup_fd int in = -1, in_end = -1, out = -1, out_end = -1;
    size_t len = strlen (r->text);
    int a[2], b[2];

    if (pipe2 (a, O_CLOEXEC) < 0)
        return -1;
    in = a[0];
    in_end = a[1];
    if (pipe2 (b, O_CLOEXEC) < 0)
        return -1;
    out_end = b[0];
    out = b[1];
    /* SPOOL_TEXT_MAX is less than what a pipe holds: this does not wait */
    if (write (in_end, r->text, len) != (ssize_t) len ||
        fcntl (out_end, F_SETFL, O_NONBLOCK) < 0 || (run->pid = fork ()) < 0)
        return -1;
    if (run->pid == 0)
        _hook_exec (r, hook, path, in, out);
    run->pidfd = (int) syscall (SYS_pidfd_open, run->pid, 0);
    run->out = mw_steal_fd (&out_end);
    return 0;
}

/* One line of it all, in which control characters are tamed. */
static void _hook_keep (struct output *o, const char *buf, ssize_t n)
{
    const size_t room = sizeof (o->text) - 1;

    for (ssize_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char) buf[i];

        if (c == '\n') {
            o->newline = o->len > 0;
            continue;
        }
        if (o->len + (o->newline ? sizeof (COURIER_LINE) : 1) > room)
            return;
        if (o->newline)
            strcpy (o->text + o->len, COURIER_LINE);
        o->len += o->newline ? sizeof (COURIER_LINE) - 1 : 0;
        o->newline = false;
        o->text[o->len++] = c < 0x20 || c >= 0x7f ? '?' : (char) c;
    }
}

/* Returns false at its end. */
static bool _hook_read (int fd, struct output *o)
{
    char buf[4096];
    ssize_t n;

    while ((n = read (fd, buf, sizeof (buf))) > 0)
        _hook_keep (o, buf, n);
    return n < 0 && (errno == EAGAIN || errno == EINTR);
}

/* Until it ends, or [end] (clock_ms). Returns whether it has ended. */
static bool _follow (const struct running *run, uint64_t end, struct output *o)
{
    struct pollfd p[2] = { { .fd = run->out, .events = POLLIN },
                           { .fd = run->pidfd, .events = POLLIN } };
    uint64_t now;

    while ((now = clock_ms ()) < end) {
        if (poll (p, 2, (int) (end - now)) < 0 && errno != EINTR)
            return false;
        if (p[0].revents && !_hook_read (run->out, o))
            p[0].fd = -1;
        if (p[1].revents) { /* what it left running may hold the pipe */
            _hook_read (run->out, o);
            return true;
        }
        if (p[0].fd < 0 && run->pidfd < 0) /* Linux before 5.3 */
            return true;
    }
    return false;
}

static void _hook_tell (const struct conf_hook *hook, int status,
                        const struct output *o, struct courier_result *res)
{
    const char *colon = o->len ? ": " : "";

    if (WIFEXITED (status) && WEXITSTATUS (status) == 0)
        courier_say (res, COURIER_DONE, 0, "hook \"%s\" done%s%s", hook->name,
                     colon, o->text);
    else if (WIFEXITED (status))
        courier_say (res, COURIER_REFUSED, WEXITSTATUS (status),
                     "hook \"%s\" failed: exit status %d%s%s", hook->name,
                     WEXITSTATUS (status), colon, o->text);
    else
        courier_say (res, COURIER_REFUSED, 128 + WTERMSIG (status),
                     "hook \"%s\" died of signal %d%s%s", hook->name,
                     WTERMSIG (status), colon, o->text);
}

void courier_hook (const struct spool_request *r, const struct conf *conf,
                   struct courier_result *res)
{
    const struct conf_hook *hook = conf_find_hook (conf, r->arg);
    struct running run = { .pid = -1, .pidfd = -1, .out = -1 };
    static struct output o;
    uint64_t end = clock_ms ();
    char path[PATH_MAX];
    int status;

    if (!r->arg[0]) {
        courier_ps (r, res);
        return;
    }
    if (!hook) {
        courier_say (res, COURIER_REFUSED, ENOENT,
                     "no hook \"%s\" is configured", r->arg);
        return;
    }
    if (!_program (hook, path, res))
        return;
    if (_hook_start (r, hook, path, &run) < 0) {
        courier_say (res, COURIER_AGAIN, errno, "cannot start hook \"%s\": %s",
                     hook->name, strerror (errno));
        return;
    }
    end += hook->timeout_ms;
    if (r->not_after_ms && r->not_after_ms < end)
        end = r->not_after_ms;
    if (_follow (&run, end, &o) && waitpid (run.pid, &status, 0) == run.pid)
        _hook_tell (hook, status, &o, res);
    else
        courier_say (res, COURIER_REFUSED, ETIMEDOUT,
                     "hook \"%s\" did not end in its time; killed%s%s",
                     hook->name, o.len ? ": " : "", o.text);
}
