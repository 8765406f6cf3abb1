/* procs.c - the processes of a job, for people to look at */
#include "handler/memcg/procs.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "handler/memcg/live.h"
#include "lib/cgfile.h"
#include "lib/cleanup.h"
#include "lib/err.h"

struct each {
    void (*visit) (const struct proc *p, void *arg);
    void *arg;
};

static void _procs_tame (char *s, size_t len)
{
    for (size_t i = 0; i + 1 < len; i++) {
        if (s[i] == '\0')
            s[i] = ' ';
    }
    mw_tame (s, "");
}

static uint64_t _procs_number (const char *status, const char *key)
{
    uint64_t n = 0;

    cg_key (status, key, &n);
    return n;
}

/* One process, unless it has gone meanwhile. */
static int _procs_visit_pid (pid_t pid, void *arg)
{
    const struct each *e = arg;
    struct proc p = { .pid = pid, .state = '?' };
    cleanup_fd int dir = live_open (pid);
    char status[4096];
    const char *state;
    ssize_t n;

    if (dir < 0 || cg_read (dir, "status", status, sizeof (status)) < 0)
        return 0;
    n = cg_read (dir, "cmdline", p.command, sizeof (p.command));
    if (n > 0)
        _procs_tame (p.command, (size_t) n);
    else if (sscanf (status, "Name:\t%200[^\n]", p.command) == 1)
        _procs_tame (p.command, strlen (p.command) + 1);
    if ((state = strstr (status, "\nState:\t")))
        p.state = state[8];
    p.uid = (uid_t) _procs_number (status, "Uid:");
    p.rss = _procs_number (status, "VmRSS:") * 1024;
    e->visit (&p, e->arg);
    return 0;
}

static int _visit_dir (int dir, const char *name, void *arg)
{
    if (strcmp (name, "slurm") == 0)
        return CG_SKIP;
    cg_each_pid (dir, "cgroup.procs", _procs_visit_pid, arg);
    return 0;
}

void procs_each (int dir, void (*visit) (const struct proc *p, void *arg),
                 void *arg)
{
    struct each e = { .visit = visit, .arg = arg };

    cg_walk (dir, _visit_dir, &e);
}
