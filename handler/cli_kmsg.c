/* cli_kmsg.c - memwarden kmsg: the kernel's OOM kills in a log */
#include "handler/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handler/kmsg.h"
#include "lib/cleanup.h"

static json_t *_number (int64_t n)
{
    return n == KMSG_NONE ? json_null () : json_integer (n);
}

static json_t *_encode (const struct kmsg_kill *o)
{
    json_t *trace = json_array ();

    for (unsigned i = 0; i < o->frames; i++)
        json_array_append_new (trace, json_string (o->trace[i]));
    return json_pack ("{s:s,s:b,s:b,s:b,s:b,s:I,s:s,s:o,s:o,s:s,s:s,s:s,s:s,"
                      "s:o,s:o,s:o,s:o,s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}",
        "time", o->time, "killed", o->killed, "global", o->global,
        "sysrq", o->sysrq, "headless", o->headless,
        "lost_records", (json_int_t) o->lost, "invoker", o->invoker,
        "invoker_pid", _number (o->invoker_pid), "order", _number (o->order),
        "gfp", o->gfp, "constraint", o->constraint, "oom_memcg", o->oom_memcg,
        "task_memcg", o->task_memcg,
        "memcg_usage_kib", _number (o->memcg_usage),
        "memcg_limit_kib", _number (o->memcg_limit),
        "free_swap_kib", _number (o->free_swap),
        "total_swap_kib", _number (o->total_swap), "comm", o->comm,
        "pid", _number (o->pid), "uid", _number (o->uid),
        "oom_score_adj", _number (o->oom_score_adj),
        "total_vm_kib", _number (o->total_vm),
        "anon_rss_kib", _number (o->anon_rss),
        "file_rss_kib", _number (o->file_rss),
        "shmem_rss_kib", _number (o->shmem_rss), "trace", trace);
}

static void _print_number (const char *name, int64_t n, const char *unit)
{
    if (n != KMSG_NONE)
        printf ("%s%" PRId64 "%s", name, n, unit);
}

static void _print_victim (const struct kmsg_kill *o)
{
    if (!o->killed) {
        printf ("  killed      nobody that this log tells of\n");
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

static void _print (const struct kmsg_kill *o)
{
    printf ("%s  %s\n", o->time[0] ? o->time : "(no time)",
            o->sysrq ? "asked for by sysrq"
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

static int _read (const struct cli_command *self, FILE *f, json_t *all)
{
    cleanup_free struct kmsg *k = malloc (sizeof (*k));
    cleanup_free struct kmsg_kill *kill = malloc (sizeof (*kill));
    cleanup_free char *line = NULL;
    struct mw_err err;
    unsigned count = 0;
    size_t size = 0;
    ssize_t n;

    if (!k || !kill)
        return CLI_FAILED;
    kmsg_init (k);
    for (bool more = true; more;) {
        bool found;

        errno = 0;
        n = getline (&line, &size, f);
        if (n < 0 && errno == EPIPE) {
            clearerr (f);       /* /dev/kmsg: overwritten; the gap is counted */
            continue;
        }
        more = n >= 0;
        if (more && n > 0 && line[n - 1] == '\n')
            n--;
        found = more ? kmsg_line (k, line, (size_t) n, kill)
                     : kmsg_end (k, kill);
        count += found;
        if (found && all)
            json_array_append_new (all, _encode (kill));
        else if (found)
            _print (kill);
    }
    if (ferror (f) && errno != EAGAIN) {
        mw_err_errno (&err, "cannot read the log");
        return cli_fail (self, &err, errno);
    }
    if (all)
        return cli_print_json (all);
    printf ("%u kernel OOM kill%s\n", count, count == 1 ? "" : "s");
    return CLI_OK;
}

int cli_kmsg (const struct cli_command *self, int argc, char **argv)
{
    static const struct option options[] = { CLI_COMMON_OPTIONS, { 0 } };
    struct cli_common common = { 0 };
    cleanup_json json_t *all = NULL;
    cleanup_file FILE *f = NULL;
    struct mw_err err;
    int c, fd;

    while ((c = getopt_long (argc, argv, "", options, NULL)) != -1)
        cli_common_option (self, c, &common);
    if (optind + 1 < argc)
        return cli_usage (self, "one log at a time");
    if (common.json)
        all = json_array ();
    if (optind == argc || strcmp (argv[optind], "-") == 0)
        return _read (self, stdin, all);
    /* /dev/kmsg would wait for more at its end */
    fd = open (argv[optind], O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    f = fd < 0 ? NULL : fdopen (fd, "r");
    if (!f) {
        mw_err_errno (&err, "cannot open %s", argv[optind]);
        return cli_fail (self, &err, errno);
    }
    return _read (self, f, all);
}
