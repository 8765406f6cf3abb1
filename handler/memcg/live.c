/* live.c - what a process is, by its directory in /proc: see live.h */
#include "handler/memcg/live.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/cgfile.h"
#include "lib/cleanup.h"

/* What cannot be read is taken as it is. */
static bool _has_ended (int proc)
{
    char status[512]; /* the state is in its first lines */

    return cg_read (proc, "status", status, sizeof (status)) > 0 &&
           (strstr (status, "\nState:\tZ") || strstr (status, "\nState:\tX"));
}

static int _take_live (int thread, const char *name, void *arg)
{
    int *live = arg;

    (void) name;
    if (_has_ended (thread))
        return 0;
    *live = fcntl (thread, F_DUPFD_CLOEXEC, 0);
    return 1;
}

int live_open (pid_t pid)
{
    cleanup_fd int proc = -1;
    cleanup_fd int threads = -1;
    char path[64];
    int live = -1;

    snprintf (path, sizeof (path), "/proc/%d", (int) pid);
    proc = sysroot_open (path, O_RDONLY | O_DIRECTORY);
    if (proc < 0 || !_has_ended (proc))
        return mw_steal_fd (&proc);
    threads = openat (proc, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (threads >= 0)
        cg_each_child (threads, _take_live, &live);
    return live >= 0 ? live : mw_steal_fd (&proc);
}

const char *live_program (int proc, char *buf, size_t len)
{
    static const char removed[] = " (deleted)"; /* proc(5) */
    const size_t tail = sizeof (removed) - 1;
    ssize_t n = readlinkat (proc, "exe", buf, len - 1);
    const char *slash;

    if (n < 0)
        return NULL;
    buf[n] = '\0';
    if ((size_t) n > tail && strcmp (buf + n - tail, removed) == 0)
        buf[(size_t) n - tail] = '\0';
    slash = strrchr (buf, '/');
    return slash ? slash + 1 : buf;
}

uint64_t live_began (pid_t pid)
{
    char path[64], text[1024];
    cleanup_fd int dir = -1;
    uint64_t start = 0;
    const char *p;

    snprintf (path, sizeof (path), "/proc/%d", (int) pid);
    dir = sysroot_open (path, O_RDONLY | O_DIRECTORY);
    if (dir < 0 || cg_read (dir, "stat", text, sizeof (text)) <= 0 ||
        !(p = strrchr (text, ')'))) /* its name may have any bytes */
        return 0;
    for (int field = 2; p && field < 22; field++)
        p = strchr (p + 1, ' ');
    return p && sscanf (p, " %" SCNu64, &start) == 1 ? start : 0;
}
