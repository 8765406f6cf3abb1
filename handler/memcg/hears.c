/* hears.c - can a process answer a signal, or does it only die of it? */
#include "handler/memcg/hears.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "handler/memcg/live.h"
#include "lib/cgfile.h"
#include "lib/cleanup.h"

/* The masks come behind the list of groups, of which a user may have some. */
#define STATUS_MAX 16384

#define BIT(signo) (UINT64_C (1) << ((signo) -1))

/* What nobody traps one by one: who catches all of them is a bash that has an
 * EXIT trap (its sig.c, terminating_signals). */
#define BASH_ENDING \
    (BIT (SIGILL) | BIT (SIGTRAP) | BIT (SIGABRT) | BIT (SIGFPE) | \
     BIT (SIGBUS) | BIT (SIGSYS) | BIT (SIGXFSZ) | BIT (SIGVTALRM))

/* Blocked by the C library alone, for a moment: in a process that it has just forked it
 * may block all, these two of its own included (signal(7)), until it is done. */
#define LIBRARYS_OWN (BIT (32) | BIT (33))

static uint64_t _mask (const char *status, const char *name)
{
    const char *line = strstr (status, name);

    return line ? strtoull (line + strlen (name), NULL, 16) : 0;
}

bool hears_by_status (const char *status, const char *exe, int signo)
{
    /* a name cannot have a newline here: the kernel writes it as \n */
    uint64_t caught = _mask (status, "\nSigCgt:\t");
    uint64_t ignored = _mask (status, "\nSigIgn:\t");
    uint64_t blocked = _mask (status, "\nSigBlk:\t");

    if ((blocked & LIBRARYS_OWN) == LIBRARYS_OWN)
        blocked = 0;
    if (strcmp (exe, "srun") == 0)
        return false;
    if (strcmp (exe, "bash") == 0 &&
        (signo == SIGINT || (caught & BASH_ENDING) == BASH_ENDING))
        return false;
    return ((caught | blocked) & ~ignored & BIT (signo)) != 0;
}

/* By how it was called, "/bin/bash SCRIPT", which it may change, to its own harm alone. */
static const char *_hears_called (int proc, char *buf, size_t len)
{
    const char *slash;

    if (cg_read (proc, "cmdline", buf, len) <= 0)
        return "";
    slash = strrchr (buf, '/');
    if (!slash && buf[0] == '-') /* a shell that somebody has logged in to */
        slash = buf;
    return slash ? slash + 1 : buf;
}

bool hears (pid_t pid, int signo)
{
    char status[STATUS_MAX], buf[1024];
    cleanup_fd int proc = live_open (pid);
    const char *program;

    if (proc < 0 || cg_read (proc, "status", status, sizeof (status)) < 0)
        return false;
    program = live_program (proc, buf, sizeof (buf));
    if (!program)
        program = _hears_called (proc, buf, sizeof (buf));
    return hears_by_status (status, program, signo);
}

/* One that is at it has no memory map any more, and the signal is taken. */
bool hears_killed_by_status (const char *status)
{
    if (strstr (status, "\nState:\tZ"))
        return false;
    return !strstr (status, "\nVmSize:") ||
           ((_mask (status, "\nSigPnd:\t") | _mask (status, "\nShdPnd:\t")) &
            BIT (SIGKILL)) != 0;
}

bool hears_killed (pid_t pid)
{
    char status[STATUS_MAX];
    cleanup_fd int proc = live_open (pid);

    return proc >= 0 &&
           cg_read (proc, "status", status, sizeof (status)) >= 0 &&
           hears_killed_by_status (status);
}

uint64_t hears_holds (pid_t pid)
{
    char status[STATUS_MAX];
    cleanup_fd int proc = live_open (pid);
    uint64_t anon = 0, shmem = 0;

    if (proc < 0 || cg_read (proc, "status", status, sizeof (status)) < 0)
        return 0;
    cg_key (status, "RssAnon:", &anon);
    cg_key (status, "RssShmem:", &shmem);
    return (anon + shmem) * 1024;
}

/* proc(5): the state is the 3rd field, the start the 22nd, the size of its memory
 * map the 23rd; the name before them may contain anything.  A process that ends
 * has no map from when it begins to give its memory back, before it is a
 * zombie.  Of one whose first thread has ended it is that of a live one, which tells
 * it from another process just as well. */
uint64_t hears_started (pid_t pid)
{
    cleanup_fd int proc = live_open (pid);
    uint64_t started = 0, size = 0;
    const char *field;
    char stat[1024];

    if (proc < 0 || cg_read (proc, "stat", stat, sizeof (stat)) < 0)
        return errno == ENOENT || errno == ESRCH ? 0 : HEARS_UNKNOWN;
    if (!(field = strrchr (stat, ')')) || field[1] != ' ' ||
        strchr ("ZX", field[2]))
        return 0;
    for (int i = 2; i < 22 && field; i++)
        field = strchr (field + 1, ' ');
    if (!field || sscanf (field, "%" SCNu64 " %" SCNu64, &started, &size) != 2)
        return 0;
    return size > 0 ? started : 0;
}
