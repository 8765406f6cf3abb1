/* act.c - memwarden signal, kill, enomem, slow, hold, dump, requeue: one step, by hand; and
 * resume */
#include "handler/cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/client.h"
#include "lib/jobspec.h"
#include "lib/ladder.h"
#include "lib/units.h"
#include "lib/wire.h"

/* What is asked for, as options say it. */
struct act {
    const struct cli_command *self;
    struct cli_common common;
    const char *who;          /* "largest", …; NULL = none is named */
    const char *share, *time; /* share: also the hook of a dump, the factor of
                                 a requeue */
    long pid;                 /* 0 = none */
};

int cli_pid (const struct cli_command *self, long *pid)
{
    char *end;

    errno = 0;
    *pid = strtol (optarg, &end, 10);
    if (errno || *end || end == optarg || *pid < 1 || *pid > INT32_MAX)
        return cli_usage (self, "--pid: \"%.40s\" is not a process's number",
                          optarg);
    return 0;
}

/* Returns 0 or the exit code. */
static int _act_option (struct act *a, int c)
{
    static const char *const who[] = { "largest", "guilty", "leader", "all" };

    if (c == 'P')
        return cli_pid (a->self, &a->pid);
    if (c == 'T')
        a->time = optarg;
    else if (c == 'S')
        a->share = optarg;
    else if (c >= 'w' && c < 'w' + 4 && a->who)
        return cli_usage (a->self, "either --%s or --%s", a->who, who[c - 'w']);
    else if (c >= 'w' && c < 'w' + 4)
        a->who = who[c - 'w'];
    return 0;
}

static bool _act_is (const struct act *a, const char *name)
{
    return strcmp (a->self->name, name) == 0;
}

/* The step of a ladder that it is, into [step]. Returns 0 or the exit code. */
static int _act_step (const struct act *a, const char *signal, char *step,
                      size_t len)
{
    bool behind = signal || _act_is (a, "slow") ||
                  _act_is (a, "dump"); /* WHO, behind a colon */
    const char *arg = signal ? signal : a->share ? a->share : "";
    const char *to = a->who ? a->who : "";
    struct mw_err err = { "" };
    struct mw_ladder l;
    int n;

    *step = '\0';
    if (_act_is (a, "resume"))
        return 0;
    n = snprintf (step, len, "%s%s%s%s%s%s%s", a->self->name,
                  *arg || *to ? "=" : "", arg, *to && behind ? ":" : "", to,
                  a->time ? "@" : "", a->time ? a->time : "");
    if (n < 0 || (size_t) n >= len || strchr (step, ','))
        return cli_usage (a->self, "that is more than one step of a ladder");
    if (mw_ladder_parse (step, &l, &err) < 0)
        return cli_usage (a->self, "%s", err.text);
    return 0;
}

/* JOB, and of a signal its name behind it. Returns 0 or the exit code. */
static int _act_args (const struct act *a, int argc, char **argv,
                      const char **signal)
{
    bool named = _act_is (a, "signal");
    int rest = argc - optind;

    if (rest == 0)
        return cli_usage (a->self, "which job?");
    if (!mw_jobkey_valid (argv[optind]))
        return cli_usage (a->self,
                          "\"%.70s\" is not a job; `memwarden jobs` "
                          "lists them",
                          argv[optind]);
    if (named && rest == 1)
        return cli_usage (a->self, "which signal? write its name behind the "
                                   "job: USR1");
    if (rest > 1 + named)
        return cli_usage (a->self, "\"%.40s\" is not understood",
                          argv[optind + 1 + named]);
    *signal = named ? argv[optind + 1] : NULL;
    if (a->pid && a->who)
        return cli_usage (a->self, "either --pid or --%s", a->who);
    if (_act_is (a, "hold") && a->time && !a->pid && !a->who)
        return cli_usage (a->self, "--for is of one process: name it by --pid, "
                                   "--largest, --guilty or --leader; a job is "
                                   "held until it is resumed");
    return 0;
}

/* A job as a whole is held by a request of its own. */
static json_t *_act_request (const struct act *a, const char *job,
                             const char *step)
{
    bool plain = _act_is (a, "resume") ||
                 (_act_is (a, "hold") && !a->pid && !a->who);
    json_t *req = mw_wire_new (plain ? a->self->name : "do");

    json_object_set_new (req, "job", json_string (job));
    if (!plain)
        json_object_set_new (req, "step", json_string (step));
    if (a->pid)
        json_object_set_new (req, "pid", json_integer (a->pid));
    return req;
}

static int _act_send (const struct act *a, const char *job, const char *step)
{
    cleanup_json json_t *req = _act_request (a, job, step);
    cleanup_json json_t *reply = NULL;
    struct mw_err err = { "" };
    cleanup_fd int sock = -1;
    int rc;

    if ((sock = cli_connect (a->self, &a->common, job, &rc)) < 0)
        return rc;
    if (mw_client_call (sock, req, NULL, 0, &reply, NULL, &err) < 0)
        return cli_fail (a->self, &err, errno);
    return a->common.json ? cli_print_json (reply) : CLI_OK;
}

/* clang-format off */
#define ACT_WHO \
    { "largest", no_argument, NULL, 'w' }, \
    { "guilty", no_argument, NULL, 'w' + 1 }, \
    { "leader", no_argument, NULL, 'w' + 2 }
#define ACT_PID { "pid", required_argument, NULL, 'P' }
#define ACT_FOR { "for", required_argument, NULL, 'T' }

static const struct option _act_signal[] = {
    CLI_COMMON_OPTIONS, ACT_PID, ACT_WHO, { "all", no_argument, NULL, 'w' + 3 }, { 0 }
};
static const struct option _act_kill[] = { CLI_COMMON_OPTIONS, ACT_PID, ACT_WHO, { 0 } };
static const struct option _act_timed[] = {
    CLI_COMMON_OPTIONS, ACT_PID, ACT_WHO, ACT_FOR, { 0 }
};
static const struct option _act_slow[] = {
    CLI_COMMON_OPTIONS, ACT_PID, ACT_WHO, { "to", required_argument, NULL, 'S' },
    ACT_FOR, { 0 }
};
static const struct option _act_resume[] = {
    CLI_COMMON_OPTIONS, ACT_PID, { 0 }
};
static const struct option _act_dump[] = {
    CLI_COMMON_OPTIONS, ACT_WHO, { "hook", required_argument, NULL, 'S' },
    ACT_FOR, { 0 }
};
static const struct option _act_requeue[] = {
    CLI_COMMON_OPTIONS, { "factor", required_argument, NULL, 'S' }, { 0 }
};
/* clang-format on */

static const struct {
    const char *name;
    const struct option *options;
} _acts[] = {
    { "signal", _act_signal }, { "kill", _act_kill },
    { "enomem", _act_timed },  { "slow", _act_slow },
    { "hold", _act_timed },    { "resume", _act_resume },
    { "dump", _act_dump },     { "requeue", _act_requeue },
};

int cli_act (const struct cli_command *self, int argc, char **argv)
{
    struct act a = { .self = self };
    char step[MW_LADDER_STRLEN];
    const struct option *options = _act_slow;
    const char *signal = NULL;
    int c, rc;

    for (size_t i = 0; i < sizeof (_acts) / sizeof (_acts[0]); i++) {
        if (strcmp (_acts[i].name, self->name) == 0)
            options = _acts[i].options;
    }
    while ((c = getopt_long (argc, argv, CLI_LETTERS, options, NULL)) != -1) {
        if (!cli_common_option (self, c, &a.common) &&
            (rc = _act_option (&a, c)) != 0)
            return rc;
    }
    if ((rc = _act_args (&a, argc, argv, &signal)) != 0 ||
        (rc = _act_step (&a, signal, step, sizeof (step))) != 0)
        return rc;
    return _act_send (&a, argv[optind], step);
}
