/* jobs.c - memwarden jobs, ps, hold, resume, set */
#include "handler/cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "handler/cli/tables.h"
#include "handler/memcg/procs.h"
#include "lib/cgfile.h"
#include "lib/cleanup.h"
#include "lib/client.h"
#include "lib/units.h"
#include "lib/wire.h"

/* Parse what a command with one JOB takes. Returns 0 or the exit code. */
static int _one_job (const struct cli_command *self, int argc, char **argv,
                     const char **key)
{
    if (optind + 1 != argc)
        return cli_usage (self,
                          optind < argc ? "one job at a time" : "which job?");
    if (!mw_jobkey_valid (argv[optind]))
        return cli_usage (self,
                          "\"%.70s\" is not a job; `memwarden jobs` "
                          "lists them",
                          argv[optind]);
    *key = argv[optind];
    return 0;
}

/* The columns of the terminal that is written to; 0 = it is none, so that nothing
 *   is cut for who reads it. */
static size_t _terminal_width (void)
{
    struct winsize size;

    if (!isatty (STDOUT_FILENO) || ioctl (STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
        return 0;
    return size.ws_col;
}

/* Print a [table], which is freed. Returns the exit code. */
static int _jobs_print (const struct cli_command *self, char *table)
{
    cleanup_free char *text = table;
    struct mw_err err;

    if (!text) {
        mw_err_errno (&err, "cannot make the table");
        return cli_fail (self, &err, errno);
    }
    fputs (text, stdout);
    return CLI_OK;
}

/* ---- jobs ---------------------------------------------------------------- */

int cli_jobs (const struct cli_command *self, int argc, char **argv)
{
    static const struct option options[] = { CLI_COMMON_OPTIONS, { 0 } };
    struct cli_common common = { 0 };
    cleanup_json json_t *jobs = NULL;
    cleanup_fd int sock = -1;
    struct mw_err err = { "" };
    int c, rc = CLI_OK;

    while ((c = getopt_long (argc, argv, CLI_LETTERS, options, NULL)) != -1)
        cli_common_option (self, c, &common);
    if (optind < argc)
        return cli_usage (self, "\"%.40s\" is not understood", argv[optind]);
    if ((sock = cli_connect (self, &common, NULL, &rc)) < 0)
        return rc;
    if (!(jobs = mw_client_jobs (sock, &err)))
        return cli_fail (self, &err, errno);
    if (common.json)
        return cli_print_json (jobs);
    cli_tame (jobs);
    return _jobs_print (self, tables_jobs (jobs, _terminal_width ()));
}

/* ---- set ----------------------------------------------------------------- */

/* Put option [c] into [req]. Returns 0 or the exit code. */
static int _set_option (const struct cli_command *self, int c, json_t *req)
{
    struct mw_err err = { "" };
    struct mw_proclimit proc_limit;
    struct mw_ladder ladder;
    unsigned priority;
    uint64_t limit;

    switch (c) {
    case 'p':
        if (mw_priority_parse (optarg, &priority, &err) < 0)
            return cli_usage (self, "--priority: %s", err.text);
        json_object_set_new (req, "priority",
                             json_integer ((json_int_t) priority));
        break;
    case 'l':
        if (mw_size_parse (optarg, &limit, &err) < 0)
            return cli_usage (self, "--limit: %s", err.text);
        json_object_set_new (req, "limit", json_integer ((json_int_t) limit));
        break;
    case 'o':
        if (mw_ladder_parse (optarg, &ladder, &err) < 0)
            return cli_usage (self, "--on-oom: %s", err.text);
        json_object_set_new (req, "ladder", json_string (optarg));
        break;
    case 'P':
        if (mw_proclimit_parse (optarg, &proc_limit, &err) < 0)
            return cli_usage (self, "--proc-limit: %s", err.text);
        json_object_set_new (req, "proc_limit", json_string (optarg));
        break;
    }
    return 0;
}

int cli_set (const struct cli_command *self, int argc, char **argv)
{
    static const struct option options[] = {
        CLI_COMMON_OPTIONS,
        { "priority", required_argument, NULL, 'p' },
        { "limit", required_argument, NULL, 'l' },
        { "on-oom", required_argument, NULL, 'o' },
        { "proc-limit", required_argument, NULL, 'P' },
        { 0 }
    };
    cleanup_json json_t *req = mw_wire_new (self->name);
    cleanup_json json_t *reply = NULL;
    struct cli_common common = { 0 };
    cleanup_fd int sock = -1;
    struct mw_err err = { "" };
    const char *key;
    int c, rc;

    while ((c = getopt_long (argc, argv, CLI_LETTERS, options, NULL)) != -1) {
        if (!cli_common_option (self, c, &common) &&
            (rc = _set_option (self, c, req)) != 0)
            return rc;
    }
    if ((rc = _one_job (self, argc, argv, &key)) != 0)
        return rc;
    if (json_object_size (req) <= 2)
        return cli_usage (self, "set what? give --priority, --limit, "
                                "--on-oom or --proc-limit");
    json_object_set_new (req, "job", json_string (key));
    if ((sock = cli_connect (self, &common, argv[optind], &rc)) < 0)
        return rc;
    if (mw_client_call (sock, req, NULL, 0, &reply, NULL, &err) < 0)
        return cli_fail (self, &err, errno);
    if (*cli_text (reply, "note"))
        fprintf (stderr, "memwarden %s: %s\n", self->name,
                 cli_text (reply, "note"));
    return common.json ? cli_print_json (reply) : CLI_OK;
}

/* ---- ps ------------------------------------------------------------------ */

json_t *cli_json_text (const char *text)
{
    json_t *j = json_string (text);
    char s[sizeof (((struct proc *) 0)->command)];

    if (j)
        return j;
    snprintf (s, sizeof (s), "%s", text);
    for (char *c = s; *c; c++)
        if ((unsigned char) *c >= 0x80)
            *c = '?';
    return json_string (s);
}

static void _add_process (const struct proc *p, void *arg)
{
    json_t *j = json_pack ("{s:i,s:I,s:I,s:s#,s:o}", "pid", (int) p->pid, "uid",
                           (json_int_t) p->uid, "rss", (json_int_t) p->rss,
                           "state", &p->state, 1, "command",
                           cli_json_text (p->command));

    json_array_append_new (arg, j);
}

static int _list (const json_t *job, json_t *processes, struct mw_err *err)
{
    cleanup_fd int dir = sysroot_open (cli_text (job, "memory"),
                                       O_RDONLY | O_DIRECTORY | O_NOFOLLOW);

    if (dir < 0)
        return mw_err_errno (err, "cannot open %s", cli_text (job, "memory"));
    procs_each (dir, _add_process, processes);
    return 0;
}

static const json_t *_jobs_find (const json_t *jobs, const char *key)
{
    size_t i;
    json_t *job;

    json_array_foreach (jobs, i, job) {
        const char *own = cli_text (job, "key");

        /* an array's id is also the key of one of its members */
        if (strcmp (own, key) == 0 ||
            (strchr (key, '_') && cli_is_meant (key, own, job)))
            return job;
    }
    return NULL;
}

const json_t *cli_one_job (const struct cli_command *self,
                           const struct cli_common *common, int argc,
                           char **argv, json_t **jobs, int *rc)
{
    cleanup_fd int sock = -1;
    struct mw_err err = { "" };
    const json_t *job;
    const char *key;

    if ((*rc = _one_job (self, argc, argv, &key)) != 0 ||
        (sock = cli_connect (self, common, key, rc)) < 0)
        return NULL;
    if (!(*jobs = mw_client_jobs (sock, &err))) {
        *rc = cli_fail (self, &err, errno);
        return NULL;
    }
    if (!(job = _jobs_find (*jobs, key))) {
        mw_err_set (&err, "there is no job %s on this node%s", key,
                    geteuid () == 0 ? "" : ", or it is not yours");
        *rc = cli_fail (self, &err, ESRCH);
    }
    return job;
}

int cli_ps (const struct cli_command *self, int argc, char **argv)
{
    static const struct option options[] = { CLI_COMMON_OPTIONS, { 0 } };
    cleanup_json json_t *jobs = NULL, *processes = json_array ();
    struct cli_common common = { 0 };
    struct mw_err err = { "" };
    const json_t *job;
    int c, rc;

    while ((c = getopt_long (argc, argv, CLI_LETTERS, options, NULL)) != -1)
        cli_common_option (self, c, &common);
    if (!(job = cli_one_job (self, &common, argc, argv, &jobs, &rc)))
        return rc;
    if (_list (job, processes, &err) < 0)
        return cli_fail (self, &err, errno);
    if (common.json)
        return cli_print_json (processes);
    return _jobs_print (self, tables_processes (processes, _terminal_width ()));
}
