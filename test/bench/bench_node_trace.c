/* bench_node_trace.c - who was signalled, frozen and gone when
 *
 * The kernel's own trace (Documentation/trace/events.rst) sees every handler
 * with the same eyes: signal_generate tells of each signal, cgroup.kill's and
 * the OOM killer's too; sched_process_exit comes when a task's memory has been
 * given back.
 */
#include "test/bench/bench_node.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TRACING "/sys/kernel/tracing/"
#define SEEN_MAX 1024

static int _write (const char *file, const char *text)
{
    char path[256];
    int fd, rc;

    snprintf (path, sizeof (path), TRACING "%s", file);
    fd = open (path, O_WRONLY | O_CLOEXEC | O_TRUNC);
    if (fd < 0)
        return -1;
    rc = write (fd, text, strlen (text)) < 0 ? -1 : 0;
    close (fd);
    return rc;
}

static void _must_write (const char *file, const char *text)
{
    if (_write (file, text) < 0)
        bench_die ("cannot write \"%s\" to " TRACING "%s", text, file);
}

void trace_begin (void)
{
    _must_write ("tracing_on", "0");
    _must_write ("trace_clock", "mono");
    _must_write ("buffer_size_kb", "512");
    _must_write ("events/signal/signal_generate/filter", "sig==9 || sig==15");
    _must_write ("events/sched/sched_process_exit/filter", "comm ~ \"mwb-*\"");
    _must_write ("events/signal/signal_generate/enable", "1");
    _must_write ("events/sched/sched_process_exit/enable", "1");
    _must_write ("events/cgroup/cgroup_freeze/enable", "1");
    _must_write ("trace", "");
    _must_write ("tracing_on", "1");
}

/* "   sender-123     [000] d..1.    15.123456: event: what" */
struct record {
    pid_t sender;
    char by[16]; /* its name */
    uint64_t us;
    char event[32];
    const char *what;
};

static bool _parse (const char *line, struct record *r)
{
    const char *cpu = strstr (line, " ["), *dash, *at;
    unsigned long s, us;
    int len = 0;

    if (line[0] == '#' || !cpu)
        return false;
    for (dash = cpu; dash > line && *dash != '-'; dash--)
        ;
    r->sender = atoi (dash + 1);
    line += strspn (line, " ");
    snprintf (r->by, sizeof (r->by), "%.*s",
              dash > line ? (int) (dash - line) : 0, line);
    at = strchr (cpu, ']');
    if (!at ||
        sscanf (at, "] %*s %lu.%lu: %31[^:]:%n", &s, &us, r->event, &len) !=
            3 ||
        len == 0)
        return false;
    r->us = s * 1000000 + us;
    r->what = at + len;
    return true;
}

static void _name (const char *what, char *name, size_t len)
{
    const char *at = strstr (what, "comm=");
    size_t n = at ? strcspn (at + 5, " ") : 0;

    snprintf (name, len, "%.*s", (int) n, at ? at + 5 : "");
}

static pid_t seen[SEEN_MAX];
static unsigned count;

/* Somebody who is told twice, to end and then to die, counts once. */
static bool _again (const char *what)
{
    const char *at = strstr (what, " pid=");
    pid_t pid = at ? atoi (at + 5) : 0;

    for (unsigned i = 0; i < count; i++) {
        if (seen[i] == pid)
            return true;
    }
    if (count < SEEN_MAX)
        seen[count++] = pid;
    return false;
}

static void _first (uint64_t *first, uint64_t us)
{
    if (*first == 0)
        *first = us;
}

/* The kernel's OOM killer works in the name of whoever wanted memory, and says
 * SI_KERNEL. */
static void _act (struct deeds *d, const char *name, const struct record *r)
{
    bool kernel = strstr (r->what, " code=128 ") != NULL;

    if (d->first_us > 0)
        return;
    d->first_us = r->us;
    snprintf (d->first_of, sizeof (d->first_of), "%s", name);
    snprintf (d->first_by, sizeof (d->first_by), "%s",
              kernel ? "kernel" : r->by);
}

static void _did (struct deeds *d, const char *name, const struct record *r)
{
    uint64_t us = r->us;

    if (strncmp (name, "mwb-", 4) == 0)
        _act (d, name, r);
    if (strcmp (name, NAME_HOG) == 0)
        _first (&d->hog_us, us);
    else if (strcmp (name, NAME_INNOCENT) == 0)
        d->innocent++;
    else if (strcmp (name, NAME_OTHER) == 0)
        d->other++;
    else {
        d->strangers++;
        snprintf (d->stranger, sizeof (d->stranger), "%s", name);
    }
}

/* "root=0 id=9 level=3 path=/system.slice/bench.service/hog.7": the directory
 * is named after the job. */
static void _frozen (struct deeds *d, const struct record *r)
{
    const char *slash = strrchr (r->what, '/');
    char name[16];

    if (!slash)
        return;
    snprintf (name, sizeof (name), "mwb-%.*s", (int) strcspn (slash + 1, ".\n"),
              slash + 1);
    _act (d, name, r);
    if (strcmp (name, NAME_HOG) == 0)
        _first (&d->hog_us, r->us);
}

static void _ended (struct deeds *d, const char *name, uint64_t us)
{
    if (strcmp (name, NAME_HOG) == 0)
        d->hog_gone_us = us;
    if (d->first_us > 0 && strcmp (name, d->first_of) == 0)
        d->first_gone_us = us;
}

static void _take (struct deeds *d, const struct record *r)
{
    char name[16];

    _name (r->what, name, sizeof (name));
    if (strcmp (r->event, "signal_generate") == 0 && !_again (r->what))
        _did (d, name, r);
    else if (strcmp (r->event, "cgroup_freeze") == 0)
        _frozen (d, r);
    else if (strcmp (r->event, "sched_process_exit") == 0)
        _ended (d, name, r->us);
}

void trace_end (uint64_t from_us, pid_t self, struct deeds *d)
{
    struct record r;
    char line[512];
    FILE *f;

    *d = (struct deeds) { 0 };
    count = 0;
    _must_write ("tracing_on", "0");
    f = fopen (TRACING "trace", "re");
    if (!f)
        bench_die ("cannot read " TRACING "trace");
    while (fgets (line, sizeof (line), f)) {
        if (strstr (line, "LOST"))
            d->lost++;
        if (_parse (line, &r) && r.us >= from_us && r.sender != self)
            _take (d, &r);
    }
    fclose (f);
}
