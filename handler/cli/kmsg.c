/* kmsg.c - memwarden kmsg: the kernel's OOM kills in a log */
#include "handler/cli/cli.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "handler/cli/kmsg_read.h"
#include "lib/cleanup.h"

static json_t *_cli_kmsg_number (int64_t n)
{
    return n == KMSG_NONE ? json_null () : json_integer (n);
}

static json_t *_cli_kmsg_encode (const struct kmsg_kill *o)
{
    json_t *trace = json_array ();

    for (unsigned i = 0; i < o->frames; i++)
        json_array_append_new (trace, json_string (o->trace[i]));
    return json_pack ("{s:s,s:b,s:b,s:b,s:b,s:I,s:s,s:o,s:o,s:s,s:s,s:s,s:s,"
                      "s:o,s:o,s:o,s:o,s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,"
                      "s:s?,s:s}",
                      "time", o->time, "killed", o->killed, "global", o->global,
                      "sysrq", o->sysrq, "headless", o->headless,
                      "lost_records", (json_int_t) o->lost, "invoker",
                      o->invoker, "invoker_pid",
                      _cli_kmsg_number (o->invoker_pid), "order",
                      _cli_kmsg_number (o->order), "gfp", o->gfp, "constraint",
                      o->constraint, "oom_memcg", o->oom_memcg, "task_memcg",
                      o->task_memcg, "memcg_usage_kib",
                      _cli_kmsg_number (o->memcg_usage), "memcg_limit_kib",
                      _cli_kmsg_number (o->memcg_limit), "free_swap_kib",
                      _cli_kmsg_number (o->free_swap), "total_swap_kib",
                      _cli_kmsg_number (o->total_swap), "comm", o->comm, "pid",
                      _cli_kmsg_number (o->pid), "uid",
                      _cli_kmsg_number (o->uid), "oom_score_adj",
                      _cli_kmsg_number (o->oom_score_adj), "total_vm_kib",
                      _cli_kmsg_number (o->total_vm), "anon_rss_kib",
                      _cli_kmsg_number (o->anon_rss), "file_rss_kib",
                      _cli_kmsg_number (o->file_rss), "shmem_rss_kib",
                      _cli_kmsg_number (o->shmem_rss), "trace", trace, "says",
                      o->says, "host", o->host);
}

static void _print_number (const char *name, int64_t n, const char *unit)
{
    if (n != KMSG_NONE)
        printf ("%s%" PRId64 "%s", name, n, unit);
}

static void _print_victim (const struct kmsg_kill *o)
{
    if (!o->killed) {
        printf ("  killed      nobody%s%s\n",
                o->says ? ": " : " that this log tells of",
                o->says ? o->says : "");
        return;
    }
    printf ("  killed      %s", o->comm[0] ? o->comm : "?");
    _print_number (", pid ", o->pid, "");
    _print_number (", uid ", o->uid, "");
    _print_number (", oom_score_adj ", o->oom_score_adj, "");
    printf ("\n  memory     ");
    _print_number (" anon ", o->anon_rss, " KiB");
    _print_number (", file ", o->file_rss, " KiB");
    _print_number (", shmem ", o->shmem_rss, " KiB");
    _print_number (", virtual ", o->total_vm, " KiB");
    putchar ('\n');
}

static void _cli_kmsg_print (const struct kmsg_kill *o)
{
    printf ("%s%s%s  %s\n", o->time[0] ? o->time : "(no time)",
            o->host[0] ? "  " : "", o->host,
            o->sysrq    ? "asked for by sysrq"
            : o->global ? "the node was out of memory"
            : o->constraint[0] && strcmp (o->constraint, "CONSTRAINT_MEMCG")
                ? "some memory nodes were out of memory"
            : o->oom_memcg[0] ? o->oom_memcg
                              : "a memory cgroup was at its limit");
    _print_victim (o);
    if (o->task_memcg[0])
        printf ("  in          %s\n", o->task_memcg);
    if (o->memcg_limit != KMSG_NONE)
        printf ("  limit       %" PRId64 " KiB, %" PRId64 " KiB used\n",
                o->memcg_limit, o->memcg_usage);
    if (!o->headless) {
        printf ("  invoked by  %s", o->invoker);
        _print_number (", pid ", o->invoker_pid, "");
        _print_number (", order ", o->order, "");
        printf (", gfp %s\n", o->gfp);
    }
    if (o->constraint[0])
        printf ("  constraint  %s\n", o->constraint);
    for (unsigned i = 0; i < o->frames; i++)
        printf ("%s%s", i == 0 ? "  trace       " : " < ", o->trace[i]);
    if (o->frames > 0)
        putchar ('\n');
    if (o->lost > 0)
        printf ("  %" PRIu64 " records of the log are missing in it\n",
                o->lost);
    putchar ('\n');
}

/* ---- reading ------------------------------------------------------------- */

struct told {
    json_t *all; /* or NULL: told as they come */
    unsigned count;
};

static void _found (const struct kmsg_kill *kill, void *arg)
{
    struct told *t = arg;

    t->count++;
    if (t->all)
        json_array_append_new (t->all, _cli_kmsg_encode (kill));
    else
        _cli_kmsg_print (kill);
}

static struct kmsg_input *_cli_kmsg_open (const char *path, struct mw_err *err)
{
    int fd;

    if (strcmp (path, "-") == 0)
        return kmsg_input_open (dup (STDIN_FILENO), "the standard input", err);
    /* /dev/kmsg would wait for more at its end */
    fd = open (path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        mw_err_errno (err, "cannot open %s", path);
        return NULL;
    }
    return kmsg_input_open (fd, path, err);
}

/* Read the log that [count] files at [paths] are, the oldest first. */
static int _cli_kmsg_log (const struct cli_command *self, char **paths,
                          int count, struct told *t)
{
    struct kmsg_log *log = kmsg_log_new ();
    cleanup_free struct kmsg_kill *kill = malloc (sizeof (*kill));
    struct mw_err err = { "" };
    int rc = CLI_OK;
    bool empty = true;
    unsigned cut;

    if (!log || !kill) {
        kmsg_log_free (log);
        mw_err_errno (&err, "cannot read the log");
        return cli_fail (self, &err, EIO);
    }
    for (int i = 0; i < count; i++) {
        struct kmsg_input *in = _cli_kmsg_open (paths[i], &err);

        if (in)
            empty &= kmsg_input_is_empty (in);
        if (!in || kmsg_read (in, log, _found, t, &err) < 0)
            rc = cli_fail (self, &err, EIO);
        kmsg_input_close (in);
    }
    while (kmsg_log_end (log, kill))
        _found (kill, t);
    if (rc == CLI_OK && !empty && !kmsg_log_known (log)) {
        mw_err_set (&err,
                    "%s has no line of a kernel's log in any form that "
                    "is known",
                    paths[count - 1]);
        rc = cli_fail (self, &err, EIO);
    }
    cut = kmsg_log_cut (log);
    if (cut > 0) {
        mw_err_set (&err, "%s: the lines of %u kill%s are cut off: not told",
                    paths[count - 1], cut, cut == 1 ? "" : "s");
        rc = cli_fail (self, &err, EIO);
    }
    kmsg_log_free (log);
    return rc;
}

/* ---- rotated sets -------------------------------------------------------- */

/* "kern.log.2.gz", "messages-20261101", "messages-2026-11-01-1793491200": the
 * length without what rotation put there; its number, or its date in *[date]. */
static size_t _base (const char *path, long *number, const char **date)
{
    size_t len = strlen (path), end, digits = 0;

    if (len > 3 && (strcmp (path + len - 3, ".gz") == 0 ||
                    strcmp (path + len - 3, ".xz") == 0))
        len -= 3;
    for (end = len; end > 0 && isdigit ((unsigned char) path[end - 1]); end--)
        ;
    *number = 0;
    *date = NULL;
    if (end < len && end > 1 && path[end - 1] == '.') {
        *number = strtol (path + end, NULL, 10);
        return end - 1;
    }
    for (end = len; end > 0 && (isdigit ((unsigned char) path[end - 1]) ||
                                path[end - 1] == '-');
         end--)
        digits += path[end - 1] != '-';
    if (digits < 8 || end == 0 || path[end] != '-')
        return len;
    *date = path + end + 1;
    return end;
}

/* Are both of one rotated log? */
static bool _same_log (const char *a, const char *b)
{
    const char *date;
    long n;
    size_t len = _base (a, &n, &date);

    return len == _base (b, &n, &date) && strncmp (a, b, len) == 0;
}

/* By name, then the oldest first. */
static int _older (const void *a, const void *b)
{
    const char *x = *(char *const *) a, *y = *(char *const *) b;
    const char *x_date, *y_date;
    long x_n, y_n;

    if (!_same_log (x, y))
        return strcmp (x, y);
    _base (x, &x_n, &x_date);
    _base (y, &y_n, &y_date);
    if (x_date && y_date)
        return strcmp (x_date, y_date);
    if (x_date || y_date)
        return x_date ? -1 : 1;
    return x_n < y_n ? 1 : x_n > y_n ? -1 : 0;
}

int cli_kmsg (const struct cli_command *self, int argc, char **argv)
{
    static const struct option options[] = { CLI_COMMON_OPTIONS, { 0 } };
    static char *standard_input[] = { "-", NULL };
    struct cli_common common = { 0 };
    cleanup_json json_t *all = NULL;
    struct told told = { .all = NULL };
    int c, rc = CLI_OK, one, from;

    while ((c = getopt_long (argc, argv, CLI_LETTERS, options, NULL)) != -1)
        cli_common_option (self, c, &common);
    if (common.json)
        told.all = all = json_array ();
    argv += optind;
    argc -= optind;
    if (argc == 0) {
        argv = standard_input;
        argc = 1;
    }
    qsort (argv, (size_t) argc, sizeof (*argv), _older);
    for (from = 0; from < argc; from += one) {
        int this;

        for (one = 1;
             from + one < argc && _same_log (argv[from], argv[from + one]);
             one++)
            ;
        this = _cli_kmsg_log (self, argv + from, one, &told);
        rc = rc == CLI_OK ? this : rc;
    }
    /* "0 kills" would be no answer to what could not be read */
    if (rc != CLI_OK && told.count == 0)
        return rc;
    if (all)
        cli_print_json (all);
    else
        printf ("%u kernel OOM kill%s\n", told.count,
                told.count == 1 ? "" : "s");
    return rc;
}
