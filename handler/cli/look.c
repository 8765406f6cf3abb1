/* look.c - memwarden look: what holds a job's memory
 *
 * Read by whoever asks, from cgroupfs, /proc and /dev/shm, as far as he may.  What he has
 * done about it is console.c.
 */
#include "handler/cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "handler/cli/console.h"
#include "handler/cli/sight.h"
#include "handler/cli/stacks.h"
#include "handler/memcg/hears.h"
#include "handler/memcg/procs.h"
#include "handler/record/leftover.h"
#include "lib/cgfile.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/memparts.h"
#include "lib/units.h"

#define GROWS_MS 1000

struct look {
    const struct cli_command *self;
    struct cli_common common;
    int argc;
    char **argv;
    uint64_t grows_ms;
    bool stacks, prompt;
};

/* ---- processes ----------------------------------------------------------- */

static uint64_t _look_kib (const char *status, const char *key)
{
    uint64_t n = 0;

    cg_key (status, key, &n);
    return n * 1024;
}

struct look_see {
    json_t *processes;
    bool held; /* their job is */
};

static void _look_process (const struct proc *p, void *arg)
{
    const struct look_see *see = arg;
    cleanup_fd int dir = -1;
    char path[64], status[4096], wchan[96] = "";
    uint64_t anon, shmem, huge, swap;

    snprintf (path, sizeof (path), "/proc/%d", (int) p->pid);
    dir = sysroot_open (path, O_RDONLY | O_DIRECTORY);
    if (dir < 0 || cg_read (dir, "status", status, sizeof (status)) <= 0)
        return;
    anon = _look_kib (status, "RssAnon:");
    shmem = _look_kib (status, "RssShmem:");
    huge = _look_kib (status, "HugetlbPages:");
    swap = _look_kib (status, "VmSwap:");
    if (cg_read (dir, "wchan", wchan, sizeof (wchan)) <= 0)
        wchan[0] = '\0';
    json_array_append_new (
        see->processes,
        json_pack ("{s:i,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:s#,s:s,s:o}", "pid",
                   (int) p->pid, "uid", (json_int_t) p->uid, "started",
                   (json_int_t) hears_started (p->pid), "holds",
                   (json_int_t) (anon + shmem + huge + swap), "anon",
                   (json_int_t) anon, "shmem", (json_int_t) shmem, "file",
                   (json_int_t) _look_kib (status, "RssFile:"), "hugetlb",
                   (json_int_t) huge, "swap", (json_int_t) swap, "state",
                   &p->state, 1, "does",
                   stacks_does (p->state, wchan, see->held), "command",
                   cli_json_text (p->command)));
}

static long long _look_holds (const json_t *process)
{
    return json_integer_value (json_object_get (process, "holds"));
}

/* What each of [now] has grown by since [before], if it was there. */
static void _look_growth (json_t *now, const json_t *before)
{
    json_t *n, *b;
    size_t i, k;

    json_array_foreach (now, i, n) {
        json_array_foreach (before, k, b) {
            if (cli_number (n, "pid") == cli_number (b, "pid") &&
                cli_number (n, "started") == cli_number (b, "started"))
                json_object_set_new (n, "grew",
                                     json_integer (_look_holds (n) -
                                                   _look_holds (b)));
        }
    }
}

/* The largest first. */
static int _look_larger (const void *x, const void *y)
{
    long long a = _look_holds (*(json_t *const *) x);
    long long b = _look_holds (*(json_t *const *) y);

    return (a < b) - (a > b);
}

static json_t *_look_sorted (const json_t *processes)
{
    size_t n = json_array_size (processes);
    cleanup_free json_t **order = calloc (n + 1, sizeof (json_t *));
    json_t *sorted = json_array ();

    if (!order)
        return sorted;
    for (size_t i = 0; i < n; i++)
        order[i] = json_array_get (processes, i);
    qsort (order, n, sizeof (json_t *), _look_larger);
    for (size_t i = 0; i < n; i++)
        json_array_append (sorted, order[i]);
    return sorted;
}

/* … and where the tasks of the largest are. */
static void _look_stacks (json_t *processes, bool held)
{
    json_t *p;
    size_t i;

    json_array_foreach (processes, i, p) {
        if (i < SIGHT_STACKS)
            json_object_set_new (p, "tasks",
                                 stacks_of ((pid_t) cli_number (p, "pid"),
                                            held));
    }
}

/* The processes in [dir], the largest first, and what they have grown by while we waited for
 * [ms]: a new array. */
static json_t *_look_processes (int dir, uint64_t ms, bool held)
{
    cleanup_json json_t *before = json_array (), *now = json_array ();
    struct look_see see = { before, held };
    struct timespec t = { .tv_sec = (time_t) (ms / 1000),
                          .tv_nsec = (long) (ms % 1000) * 1000000 };

    procs_each (dir, _look_process, &see);
    nanosleep (&t, NULL);
    see.processes = now;
    procs_each (dir, _look_process, &see);
    _look_growth (now, before);
    return _look_sorted (now);
}

/* ---- the look ------------------------------------------------------------ */

static json_t *_look_parts (const struct mw_memparts *p)
{
    json_t *held = json_object ();

    for (unsigned i = 0; i < MW_MEMPARTS; i++)
        json_object_set_new (held, mw_mempart[i].name,
                             json_integer (
                                 (json_int_t) mw_mempart_of (p,
                                                             &mw_mempart[i])));
    return held;
}

static json_t *_look_files (uint32_t uid)
{
    cleanup_fd int dir = sysroot_open ("/dev/shm",
                                       O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    json_t *files = json_array ();
    struct leftover l = { 0 };
    char path[128];

    if (dir >= 0)
        leftover_seek (dir, uid, 0, &l);
    for (unsigned i = 0; i < l.n; i++) {
        snprintf (path, sizeof (path), "/dev/shm/%s", l.file[i].name);
        json_array_append_new (files, json_pack ("{s:o,s:I}", "path",
                                                 cli_json_text (path), "bytes",
                                                 (json_int_t) l.file[i].bytes));
    }
    return files;
}

/* All of it as JSON, or NULL with [err]. */
static json_t *_look_at (const struct look *l, const json_t *job, bool stacks,
                         struct mw_err *err)
{
    cleanup_fd int dir = sysroot_open (cli_text (job, "memory"),
                                       O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    bool held = json_is_true (json_object_get (job, "held"));
    cleanup_json json_t *processes = NULL;
    uint64_t grew_in_ms, began = clock_ms ();
    struct mw_memparts parts;

    if (dir < 0) {
        mw_err_errno (err, "cannot open %s", cli_text (job, "memory"));
        return NULL;
    }
    processes = _look_processes (dir, l->grows_ms, held);
    grew_in_ms = clock_ms () - began;
    if (mw_memparts_read (dir, &parts) < 0) {
        mw_err_errno (err, "cannot read memory.stat in %s",
                      cli_text (job, "memory"));
        return NULL;
    }
    if (stacks)
        _look_stacks (processes, held);
    return json_pack ("{s:O,s:I,s:I,s:O,s:O,s:o,s:o,s:I,s:O,s:o}", "job",
                      json_object_get (job, "key"), "used",
                      (json_int_t) mw_memparts_used (&parts), "total",
                      (json_int_t) parts.total, "limit",
                      json_object_get (job, "limit"), "reservation",
                      json_object_get (job, "reservation"), "held",
                      _look_parts (&parts), "incident",
                      sight_incident (l->self, &l->common, job), "grew_in_ms",
                      (json_int_t) grew_in_ms, "processes", processes, "files",
                      _look_files ((uint32_t) cli_number (job, "uid")));
}

/* ---- the command --------------------------------------------------------- */

/* Returns 0 with [*seen], tamed but for JSON; or the exit code, everything said. */
static int _look_once (struct look *l, bool where, json_t **seen)
{
    cleanup_json json_t *jobs = NULL;
    struct mw_err err = { "" };
    const json_t *job;
    int rc;

    if (!(job = cli_one_job (l->self, &l->common, l->argc, l->argv, &jobs,
                             &rc)))
        return rc;
    if (!(*seen = _look_at (l, job, where || l->stacks, &err))) {
        if (errno == ENOENT) /* which the warden has not seen yet */
            mw_err_code (&err, ESRCH, "job %s has just ended",
                         cli_text (job, "key"));
        return cli_fail (l->self, &err, errno);
    }
    if (!l->common.json)
        cli_tame (*seen);
    return 0;
}

static int _look_and_print (void *arg, bool where, json_t **seen)
{
    int rc = _look_once (arg, where, seen);

    if (rc == 0)
        sight_print (*seen);
    return rc;
}

/* Returns 0 or the exit code. */
static int _look_option (struct look *l, int c)
{
    struct mw_err err = { "" };

    if (c == 'S')
        l->stacks = true;
    else if (c == 'P')
        l->prompt = true;
    else if (c == 'F' && mw_duration_parse (optarg, &l->grows_ms, &err) < 0)
        return cli_usage (l->self, "--for: %s", err.text);
    return 0;
}

int cli_look (const struct cli_command *self, int argc, char **argv)
{
    static const struct option options[] = {
        CLI_COMMON_OPTIONS,
        { "for", required_argument, NULL, 'F' },
        { "stacks", no_argument, NULL, 'S' },
        { "prompt", no_argument, NULL, 'P' },
        { 0 }
    };
    struct look l = {
        .self = self, .argc = argc, .argv = argv, .grows_ms = GROWS_MS
    };
    struct console console = { self, &l.common, NULL, _look_and_print, &l };
    cleanup_json json_t *seen = NULL;
    int c, rc;

    while ((c = getopt_long (argc, argv, CLI_LETTERS, options, NULL)) != -1) {
        if (!cli_common_option (self, c, &l.common) &&
            (rc = _look_option (&l, c)) != 0)
            return rc;
    }
    if (l.common.json && l.prompt)
        return cli_usage (self, "either --json or --prompt");
    if (!l.common.json &&
        (l.prompt || (isatty (STDIN_FILENO) && isatty (STDOUT_FILENO)))) {
        console.job = argv[optind]; /* looked at first, where it is checked */
        return console_run (&console);
    }
    if (!l.common.json)
        return _look_and_print (&l, false, &seen);
    rc = _look_once (&l, false, &seen);
    return rc ? rc : cli_print_json (seen);
}
