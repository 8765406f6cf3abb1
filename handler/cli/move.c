/* move.c - memwarden move: a process of one job becomes another's */
#include "handler/cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "handler/memcg/move.h"
#include "lib/cleanup.h"
#include "lib/client.h"
#include "lib/jobspec.h"
#include "lib/units.h"
#include "lib/wire.h"

struct move {
    const struct cli_command *self;
    struct cli_common common;
    const char *job, *to;
    long pid;
    int sock;
};

/* Returns 0 or the exit code. */
static int _move_args (struct move *m, int argc, char **argv)
{
    if (optind == argc)
        return cli_usage (m->self, "which job?");
    if (argc - optind > 1)
        return cli_usage (m->self, "\"%.40s\" is not understood",
                          argv[optind + 1]);
    m->job = argv[optind];
    if (!mw_jobkey_valid (m->job))
        return cli_usage (m->self,
                          "\"%.70s\" is not a job; `memwarden jobs` lists them",
                          m->job);
    if (m->pid == 0)
        return cli_usage (m->self, "which process? give --pid");
    if (!m->to)
        return cli_usage (m->self, "where to? give --to, a job, or / for none");
    if (strcmp (m->to, "/") != 0 && !mw_jobkey_valid (m->to))
        return cli_usage (m->self, "--to: \"%.70s\" is not a job, nor /",
                          m->to);
    return 0;
}

static json_t *_move_request (const struct move *m, const char *type)
{
    json_t *req = mw_wire_new (type);

    json_object_set_new (req, "job", json_string (m->job));
    json_object_set_new (req, "to", json_string (m->to));
    json_object_set_new (req, "pid", json_integer (m->pid));
    return req;
}

static void _move_take (const json_t *j, struct move_place *p)
{
    *p = (struct move_place) {
        .inode = cli_number (j, "inode"),
        .charges = json_is_true (json_object_get (j, "charges")),
    };
    snprintf (p->memory, sizeof (p->memory), "%s", cli_text (j, "memory"));
    snprintf (p->freezer, sizeof (p->freezer), "%s", cli_text (j, "freezer"));
}

/* What the warden has answered is done, and it is told. */
static int _move_do (const struct move *m, const json_t *how,
                     struct mw_err *err)
{
    cleanup_json json_t *done = _move_request (m, "moved");
    struct mw_err said = { "" };
    struct move_place from, to;
    int rc, saved;

    _move_take (json_object_get (how, "from"), &from);
    _move_take (json_object_get (how, "to"), &to);
    rc = move_process ((pid_t) m->pid, cli_number (how, "started"), &from, &to,
                       err);
    saved = errno;
    if (rc < 0)
        json_object_set_new (done, "error", mw_wire_text (err->text));
    json_object_set_new (done, "stays",
                         json_integer ((json_int_t) cli_number (how, "stays")));
    if (mw_client_call (m->sock, done, NULL, 0, NULL, NULL, &said) < 0)
        fprintf (stderr, "memwarden move: the warden has not recorded it: %s\n",
                 said.text);
    errno = saved;
    return rc;
}

static int _move_say (const struct move *m, const json_t *how)
{
    uint64_t stays = cli_number (how, "stays");
    const json_t *to = json_object_get (how, "to");
    char a[MW_SIZE_STRLEN];

    if (m->common.json)
        return cli_print_json (how);
    printf ("process %ld is in %s now\n", m->pid, cli_text (to, "memory"));
    if (stays > 0)
        printf ("%s that it has used so far stay charged to job %s\n",
                mw_size_format (stays, a, sizeof (a)), m->job);
    return CLI_OK;
}

static int _move_run (struct move *m)
{
    cleanup_json json_t *req = _move_request (m, "move");
    cleanup_json json_t *how = NULL;
    struct mw_err err = { "" };
    int rc;

    if ((m->sock = cli_connect (m->self, &m->common, m->job, &rc)) < 0)
        return rc;
    rc = mw_client_call (m->sock, req, NULL, 0, &how, NULL, &err) < 0 ||
                 _move_do (m, how, &err) < 0
             ? cli_fail (m->self, &err, errno)
             : _move_say (m, how);
    close (m->sock);
    return rc;
}

int cli_move (const struct cli_command *self, int argc, char **argv)
{
    static const struct option options[] = {
        CLI_COMMON_OPTIONS,
        { "pid", required_argument, NULL, 'P' },
        { "to", required_argument, NULL, 't' },
        { 0 }
    };
    struct move m = { .self = self };
    struct mw_err err = { "" };
    int c, rc;

    while ((c = getopt_long (argc, argv, CLI_LETTERS, options, NULL)) != -1) {
        if (c == 'P' && (rc = cli_pid (self, &m.pid)) != 0)
            return rc;
        if (c == 't')
            m.to = optarg;
        else if (c != 'P')
            cli_common_option (self, c, &m.common);
    }
    if ((rc = _move_args (&m, argc, argv)) != 0)
        return rc;
    if (geteuid () == 0)
        return _move_run (&m);
    mw_err_set (&err, "only root moves a process from job to job");
    return cli_fail (self, &err, EPERM);
}
