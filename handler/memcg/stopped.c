/* stopped.c - processes of a job that are stopped one by one: see stopped.h */
#include "handler/memcg/stopped.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "handler/memcg/hears.h"
#include "handler/memcg/live.h"
#include "lib/cgfile.h"
#include "lib/cleanup.h"
#include "lib/pidfd.h"

#define NAME "trusted.memwarden.stopped"

int stopped_find (const struct stopped *s, pid_t pid)
{
    for (unsigned i = 0; i < s->n; i++) {
        if (s->one[i].pid == pid)
            return (int) i;
    }
    return -1;
}

/* The start is that of its first thread, which is kept also when that has ended before
 * the others. */
int stopped_add (struct stopped *s, pid_t pid, enum stopped_why why,
                 struct mw_err *err)
{
    uint64_t started = live_began (pid);

    if (started == 0)
        return mw_err_code (err, ESRCH, "process %d has ended", (int) pid);
    if (s->n == STOPPED_MAX)
        return mw_err_code (err, EBUSY,
                            "%d of its processes are stopped already, which "
                            "is the most",
                            STOPPED_MAX);
    s->one[s->n++] = (struct stopped_one) { .pid = pid,
                                            .started = started,
                                            .why = why };
    return 0;
}

void stopped_drop (struct stopped *s, unsigned at)
{
    s->n--;
    memmove (&s->one[at], &s->one[at + 1], (s->n - at) * sizeof (s->one[0]));
}

/* Returns 1; 0: it has gone, whoever has its number; -1: that cannot be seen. */
static int _stopped_is (const struct stopped_one *one)
{
    uint64_t started;

    errno = 0;
    started = live_began (one->pid);
    if (started == 0 && errno && errno != ENOENT && errno != ESRCH)
        return -1;
    return started == one->started;
}

int stopped_send (const struct stopped_one *one, int signo)
{
    cleanup_fd int fd = mw_pidfd_open (one->pid);

    if (fd < 0 && errno == ESRCH)
        return -1;
    /* behind the pidfd: from now on it is of this process, or of none */
    switch (_stopped_is (one)) {
    case 1:
        return mw_pidfd_send (fd, one->pid, signo);
    case 0:
        errno = ESRCH;
    }
    return -1;
}

enum stopped_look stopped_look (const struct stopped_one *one)
{
    cleanup_fd int proc = -1;
    char status[512];
    const char *state;
    int is = _stopped_is (one);

    if (is < 0)
        return STOPPED_UNKNOWN;
    if (is == 0 || hears_started (one->pid) == 0)
        return STOPPED_ENDED;
    proc = live_open (one->pid);
    if (proc < 0 || cg_read (proc, "status", status, sizeof (status)) <= 0 ||
        !(state = strstr (status, "\nState:\t")))
        return STOPPED_UNKNOWN;
    state += strlen ("\nState:\t");
    if (strchr ("Tt", *state))
        return STOPPED_STANDS;
    return strchr ("RS", *state) ? STOPPED_RUNS : STOPPED_UNKNOWN;
}

/* ---- they go on ---------------------------------------------------------- */

int stopped_let_all_go (struct stopped *s, struct mw_err *err)
{
    int n = 0, failed = 0;

    for (unsigned i = s->n; i-- > 0;) {
        const struct stopped_one *one = &s->one[i];

        if (stopped_send (one, SIGCONT) == 0) {
            n++;
        } else if (errno != ESRCH) {
            failed = errno;
            mw_err_errno (err, "SIGCONT to process %d", (int) one->pid);
            continue;
        }
        stopped_drop (s, i);
    }
    errno = failed;
    return failed ? -1 : n;
}

/* ---- on record ----------------------------------------------------------- */

char *stopped_format (const struct stopped *s, char buf[STOPPED_TEXT])
{
    size_t used = 0;

    buf[0] = '\0';
    for (unsigned i = 0; i < s->n && used < STOPPED_TEXT; i++)
        used += (size_t) snprintf (buf + used, STOPPED_TEXT - used,
                                   "%s%d:%" PRIu64 ":%d", i ? " " : "",
                                   (int) s->one[i].pid, s->one[i].started,
                                   (int) s->one[i].why);
    return buf;
}

void stopped_parse (const char *text, struct stopped *s)
{
    int pid, why, len;
    uint64_t started;

    *s = (struct stopped) { 0 };
    while (s->n < STOPPED_MAX && sscanf (text, "%d:%" SCNu64 ":%d%n", &pid,
                                         &started, &why, &len) == 3) {
        if (pid > 1 && started > 0)
            s->one[s->n++] = (struct stopped_one) {
                .pid = pid,
                .started = started,
                .why = why == STOPPED_BY_TURNS || why == STOPPED_FOR_HOOK
                           ? (enum stopped_why) why
                           : STOPPED_HELD,
            };
        text += len;
    }
}

void stopped_mark (int dir, const struct stopped *s)
{
    int saved = errno;
    char text[STOPPED_TEXT];

    stopped_format (s, text);
    if (s->n > 0)
        fsetxattr (dir, NAME, text, strlen (text), 0);
    else
        fremovexattr (dir, NAME);
    errno = saved;
}

void stopped_marked (int dir, struct stopped *s)
{
    int saved = errno;
    char text[STOPPED_TEXT];
    ssize_t n = fgetxattr (dir, NAME, text, sizeof (text) - 1);

    text[n > 0 ? n : 0] = '\0';
    stopped_parse (text, s);
    errno = saved;
}
