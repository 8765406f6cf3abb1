/* look.c - memwarden look: what holds a job's memory
 *
 * Read by whoever asks, from cgroupfs, /proc and /dev/shm, as far as he may.
 */
#include "handler/cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "handler/memcg/hears.h"
#include "handler/memcg/procs.h"
#include "handler/record/leftover.h"
#include "lib/cgfile.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/memparts.h"
#include "lib/units.h"

#define GROWS_MS 1000
#define ROWS 20 /* of processes; JSON has all */

/* ---- processes ----------------------------------------------------------- */

static uint64_t _look_kib (const char *status, const char *key)
{
    uint64_t n = 0;

    cg_key (status, key, &n);
    return n * 1024;
}

static void _look_process (const struct proc *p, void *arg)
{
    cleanup_fd int dir = -1;
    char path[64], status[4096];
    uint64_t anon, shmem, swap;

    snprintf (path, sizeof (path), "/proc/%d", (int) p->pid);
    dir = sysroot_open (path, O_RDONLY | O_DIRECTORY);
    if (dir < 0 || cg_read (dir, "status", status, sizeof (status)) <= 0)
        return;
    anon = _look_kib (status, "RssAnon:");
    shmem = _look_kib (status, "RssShmem:");
    swap = _look_kib (status, "VmSwap:");
    json_array_append_new (
        arg, json_pack ("{s:i,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:s#,s:o}", "pid",
                        (int) p->pid, "uid", (json_int_t) p->uid, "started",
                        (json_int_t) hears_started (p->pid), "holds",
                        (json_int_t) (anon + shmem + swap), "anon",
                        (json_int_t) anon, "shmem", (json_int_t) shmem, "file",
                        (json_int_t) _look_kib (status, "RssFile:"), "swap",
                        (json_int_t) swap, "state", &p->state, 1, "command",
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
static json_t *_look_at (const json_t *job, uint64_t grows_ms,
                         struct mw_err *err)
{
    cleanup_fd int dir = sysroot_open (cli_text (job, "memory"),
                                       O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    cleanup_json json_t *before = json_array (), *now = json_array ();
    struct timespec t = { .tv_sec = (time_t) (grows_ms / 1000),
                          .tv_nsec = (long) (grows_ms % 1000) * 1000000 };
    uint64_t began = clock_ms ();
    struct mw_memparts parts;

    if (dir < 0) {
        mw_err_errno (err, "cannot open %s", cli_text (job, "memory"));
        return NULL;
    }
    procs_each (dir, _look_process, before);
    nanosleep (&t, NULL);
    procs_each (dir, _look_process, now);
    _look_growth (now, before);
    if (mw_memparts_read (dir, &parts) < 0) {
        mw_err_errno (err, "cannot read memory.stat in %s",
                      cli_text (job, "memory"));
        return NULL;
    }
    return json_pack ("{s:O,s:I,s:I,s:O,s:O,s:o,s:I,s:o,s:o}", "job",
                      json_object_get (job, "key"), "used",
                      (json_int_t) mw_memparts_used (&parts), "total",
                      (json_int_t) parts.total, "limit",
                      json_object_get (job, "limit"), "reservation",
                      json_object_get (job, "reservation"), "held",
                      _look_parts (&parts), "grew_in_ms",
                      (json_int_t) (clock_ms () - began), "processes",
                      _look_sorted (now), "files",
                      _look_files ((uint32_t) cli_number (job, "uid")));
}

/* ---- for people ---------------------------------------------------------- */

static void _look_print_parts (const json_t *held)
{
    char a[MW_SIZE_STRLEN];

    for (unsigned i = 0; i < MW_MEMPARTS; i++) {
        const char *said = mw_mempart[i].said;

        printf ("  %-20s %10s\n", said ? said : mw_mempart[i].name,
                mw_size_format (cli_number (held, mw_mempart[i].name), a,
                                sizeof (a)));
    }
}

static void _look_print_process (const json_t *p)
{
    const json_t *grew = json_object_get (p, "grew");
    long long by = json_integer_value (grew);
    char a[MW_SIZE_STRLEN], b[MW_SIZE_STRLEN], c[MW_SIZE_STRLEN],
        d[MW_SIZE_STRLEN], e[MW_SIZE_STRLEN];

    mw_size_format ((uint64_t) (by < 0 ? -by : by), e, sizeof (e));
    printf ("%8llu %10s %10s %10s %10s %1s%9s  %s\n", cli_number (p, "pid"),
            mw_size_format (cli_number (p, "holds"), a, sizeof (a)),
            mw_size_format (cli_number (p, "anon"), b, sizeof (b)),
            mw_size_format (cli_number (p, "shmem"), c, sizeof (c)),
            mw_size_format (cli_number (p, "swap"), d, sizeof (d)),
            by < 0 ? "-" : "", grew ? e : "new", cli_text (p, "command"));
}

static void _look_print (const json_t *look)
{
    const json_t *processes = json_object_get (look, "processes");
    const json_t *files = json_object_get (look, "files"), *one;
    char a[MW_SIZE_STRLEN], b[MW_SIZE_STRLEN], c[MW_SIZE_STRLEN];
    size_t i;

    printf ("Job %s: %s in use, its limit is %s, its reservation %s\n",
            cli_text (look, "job"),
            mw_size_format (cli_number (look, "used"), a, sizeof (a)),
            mw_size_format (cli_number (look, "limit"), b, sizeof (b)),
            mw_size_format (cli_number (look, "reservation"), c, sizeof (c)));
    _look_print_parts (json_object_get (look, "held"));
    printf ("\n%8s %10s %10s %10s %10s %10s  %s\n", "PID", "HOLDS", "ANONYMOUS",
            "SHARED", "IN SWAP", "GREW BY", "COMMAND");
    json_array_foreach (processes, i, one) {
        if (i < ROWS)
            _look_print_process (one);
    }
    if (i > ROWS)
        printf ("and %zu smaller ones; --json has all\n", i - ROWS);
    if (json_array_size (files) > 0)
        printf ("\nThe largest files of its user in memory:\n");
    json_array_foreach (files, i, one)
        printf ("%19s  %s\n",
                mw_size_format (cli_number (one, "bytes"), a, sizeof (a)),
                cli_text (one, "path"));
}

int cli_look (const struct cli_command *self, int argc, char **argv)
{
    static const struct option options[] = {
        CLI_COMMON_OPTIONS, { "for", required_argument, NULL, 'F' }, { 0 }
    };
    cleanup_json json_t *jobs = NULL, *look = NULL;
    uint64_t grows_ms = GROWS_MS;
    struct cli_common common = { 0 };
    struct mw_err err = { "" };
    const json_t *job;
    int c, rc;

    while ((c = getopt_long (argc, argv, CLI_LETTERS, options, NULL)) != -1) {
        if (!cli_common_option (self, c, &common) &&
            mw_duration_parse (optarg, &grows_ms, &err) < 0)
            return cli_usage (self, "--for: %s", err.text);
    }
    if (!(job = cli_one_job (self, &common, argc, argv, &jobs, &rc)))
        return rc;
    if (!(look = _look_at (job, grows_ms, &err)))
        return cli_fail (self, &err, errno);
    if (common.json)
        return cli_print_json (look);
    cli_tame (look);
    _look_print (look);
    return CLI_OK;
}
