/* cli.c - memwarden: which command, and what all of them share */
#include "handler/cli/cli.h"

#include <errno.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "handler/cli/elsewhere.h"
#include "lib/cleanup.h"
#include "lib/client.h"

#define TIMEOUT_MS 5000

static const struct cli_command commands[] = {
    { "run", "--reservation SIZE [OPTION]... -- COMMAND [ARG]...",
      "run a command in a memcg of its own, without Slurm",
      "  --priority N         0 to 1000, higher is better protected (500)\n"
      "  --reservation SIZE   always its own, e.g. 1G\n"
      "  --limit SIZE         where its OOM is declared (the configured burst)\n"
      "  --burst xF           the same, as a factor of the reservation\n"
      "  --reserve SIZE       opens above the limit while its OOM is handled\n"
      "  --on-oom LADDER      what is done then, see memwarden-ladder(7)\n"
      "  --proc-limit LIMIT   SIZE[:ACTION,...]: what one process may hold\n"
      "  --name KEY           how it is called (run-PID)\n"
      "  --pool NAME          cgroup that its own is made in (memwarden)\n"
      "  --user NAME          run the command as that user\n"
      "  --required           no warden: do not run it\n",
      cli_run },
    { "jobs", "", "the jobs of this node: yours, or all for root", "",
      cli_jobs },
    { "events", "[--follow] [--job JOB]", "what has happened, in order",
      "  --follow             go on as more happens\n"
      "  --job JOB            of that job alone\n",
      cli_events },
    { "why", "[--html] JOB", "the story of a job's OOMs, with numbers",
      "  --html               as a page of its own, with a time line\n",
      cli_why },
    { "report", "[--since WHEN] [--csv|--html] [FILE…|-]",
      "what journals come to: killed, lent, saved, and what jobs should ask for",
      "  --since WHEN         7d, 12h, 2026-11-01 or 2026-11-01T08:30 (all)\n"
      "  --csv                each user's jobs of a name, for spreadsheets\n"
      "  --html               a page of its own, for a browser\n",
      cli_report },
    { "replay", "[--config FILE] [FILE|-]",
      "decide again what the journal has of node OOMs, by a new configuration",
      "  --config FILE        the configuration to try (the present one)\n",
      cli_replay },
    { "hold", "JOB [OPTION]...",
      "freeze a job until it is resumed, or stop one process of it",
      "  --pid N              that process; the others go on\n"
      "  --largest            the largest one\n"
      "  --guilty             the fastest growing one\n"
      "  --leader             the first of the largest one's task\n"
      "  --for TIME           that process so long (until it is resumed)\n",
      cli_act },
    { "resume", "JOB [--pid N]", "let a held job, or a process of it, go on",
      "  --pid N              that one of those that are held or slowed alone\n",
      cli_act },
    { "set", "JOB [OPTION]...", "change a running job",
      "  --priority N         0 to 1000\n"
      "  --limit SIZE         where its OOM is declared\n"
      "  --on-oom LADDER      what is done then\n"
      "  --proc-limit LIMIT   SIZE[:ACTION,...]: what one process may hold; none\n",
      cli_set },
    { "strikes", "[--forgive USER|all]",
      "whose jobs have needed more memory than they asked for, for root",
      "  --forgive USER       from now on that user has none; \"all\": nobody\n",
      cli_strikes },
    { "signal", "JOB SIG [OPTION]...",
      "send a signal to those of a job that catch it, or to one",
      "  --pid N              to that process\n"
      "  --largest            to the largest of those that catch it\n"
      "  --guilty             to the fastest growing one, likewise\n"
      "  --leader             to the first of the largest one's task\n"
      "  --all                to all, also those that would die of it\n",
      cli_act },
    { "kill", "JOB [OPTION]...", "kill one process of a job, or a held job",
      "  --pid N              that process; the job goes on\n"
      "  --largest            the largest one\n"
      "  --guilty             the fastest growing one\n"
      "  --leader             the first of the largest one's task\n",
      cli_act },
    { "enomem", "JOB [OPTION]...",
      "refuse a job, or one process of it, further memory",
      "  --pid N              that process\n"
      "  --largest            the largest one\n"
      "  --guilty             the fastest growing one\n"
      "  --leader             the first of the largest one's task\n"
      "  --for TIME           so long (1m)\n",
      cli_act },
    { "slow", "JOB [OPTION]...",
      "let a job, or one process of it, run a part of the time",
      "  --pid N              that process\n"
      "  --largest            the largest one\n"
      "  --guilty             the fastest growing one\n"
      "  --leader             the first of the largest one's task\n"
      "  --to PCT             1 to 100 (25)\n"
      "  --for TIME           so long (2m)\n",
      cli_act },
    { "dump", "JOB [OPTION]...", "have a job looked at, by the admin's hook",
      "  --hook NAME          by that one of memwarden.conf(5)\n"
      "  --largest            that is about the largest process\n"
      "  --guilty             the fastest growing one\n"
      "  --leader             the first of the largest one's task\n"
      "  --for TIME           it has so long (30s)\n",
      cli_act },
    { "requeue", "JOB [--factor xF]", "have a job begin anew",
      "  --factor xF          with its measured peak times F as its --mem\n",
      cli_act },
    { "move", "JOB --pid N --to JOB",
      "put a process of a job into another one, for root",
      "  --pid N              that process\n"
      "  --to JOB             there; \"/\": into none\n",
      cli_move },
    { "ps", "JOB", "the processes of a job", "", cli_ps },
    { "look", "[--for TIME] [--stacks] [--prompt] JOB",
      "what holds a job's memory, who grows, and what is to be done",
      "  --for TIME           see who grows for so long (1s)\n"
      "  --stacks             also where its tasks sleep\n"
      "  --prompt             ask what is to be done; at a terminal it is asked\n",
      cli_look },
    { "top", "", "the jobs of this node, live", "", cli_top },
    { "doctor", "[--quiet] [--slurm[=FILE]]",
      "what this node offers, what it lacks, what that costs and what to do",
      "  --quiet              only what is broken, one line each\n"
      "  --slurm[=FILE]       slurm.conf and what is beside it, alone\n",
      cli_doctor },
    { "selftest", "", "does the warden handle an OOM? by a job of a few MiB",
      "", cli_selftest },
    { "kmsg", "[FILE…|-]", "the kernel's OOM kills in a log of any kind", "",
      cli_kmsg },
    { "failsafe", "[--force]",
      "give every job back to the kernel; the warden is gone",
      "  --force              it is not, but does not answer: kill it first\n",
      cli_failsafe },
};
#define COMMANDS (sizeof (commands) / sizeof (commands[0]))

static void _cli_help (FILE *out)
{
    fputs ("Usage: memwarden COMMAND [OPTION]... [ARG]...\n"
           "What memwarden does with the memory of this node's jobs.\n\n",
           out);
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf (out, "  %-10s %s\n", commands[i].name, commands[i].summary);
    fputs ("\n`memwarden COMMAND --help` tells more, memwarden(1) all.\n", out);
}

static void _help_command (const struct cli_command *self, FILE *out)
{
    fprintf (out, "Usage: memwarden %s%s%s\n%c%s.\n\n%s", self->name,
             self->args[0] ? " " : "", self->args, self->summary[0] - 'a' + 'A',
             self->summary + 1, self->options);
    fputs ("  --socket PATH        of memwardend ($MEMWARDEN_SOCKET)\n"
           "  --state-dir DIR      of memwardend, where it does not answer\n"
           "  --json               data as JSON\n"
           "  -h, --help           this\n",
           out);
}

bool cli_common_option (const struct cli_command *self, int c,
                        struct cli_common *common)
{
    switch (c) {
    case CLI_SOCKET:
        common->socket = optarg;
        return true;
    case CLI_STATE_DIR:
        common->state_dir = optarg;
        return true;
    case CLI_JSON:
        common->json = true;
        return true;
    case CLI_HELP:
    case 'h':
        _help_command (self, stdout);
        exit (CLI_OK);
    case '?':
        /* getopt has named the option */
        fprintf (stderr, "`memwarden %s --help` lists what is known.\n",
                 self->name);
        exit (CLI_USAGE);
    }
    return false;
}

int cli_usage (const struct cli_command *self, const char *fmt, ...)
{
    va_list ap;

    fprintf (stderr, "memwarden %s: ", self->name);
    va_start (ap, fmt);
    vfprintf (stderr, fmt, ap);
    va_end (ap);
    fprintf (stderr, "\nUsage: memwarden %s%s%s\n", self->name,
             self->args[0] ? " " : "", self->args);
    return CLI_USAGE;
}

int cli_fail (const struct cli_command *self, const struct mw_err *err,
              int error)
{
    fprintf (stderr, "memwarden %s: %s\n", self->name, err->text);
    switch (error) {
    case ESRCH:
        return CLI_NO_JOB;
    case EPERM:
    case EACCES:
        return CLI_DENIED;
    case EINVAL:
    case ERANGE:
        return CLI_USAGE;
    }
    return CLI_FAILED;
}

int cli_connect (const struct cli_command *self,
                 const struct cli_common *common, const char *job, int *rc)
{
    struct mw_err err = { "" };
    int sock = mw_client_open (common->socket, TIMEOUT_MS, &err);

    if (sock < 0) {
        *rc = errno == EACCES ? CLI_DENIED : CLI_NO_WARDEN;
        fprintf (stderr, "memwarden %s: %s\n", self->name, err.text);
        if (*rc == CLI_NO_WARDEN)
            elsewhere_say (self->name, job);
    }
    return sock;
}

void cli_tame (json_t *j)
{
    const char *key, *text = json_string_value (j);
    json_t *value;
    size_t i;

    if (text) {
        cleanup_free char *tame = strdup (text);

        if (tame) {
            mw_tame (tame, "\n");
            json_string_set_nocheck (j, tame);
        }
    }
    json_array_foreach (j, i, value)
        cli_tame (value);
    json_object_foreach (j, key, value)
        cli_tame (value);
}

/* Escaped, so that no terminal is steered by what is in it (C1, bidi). */
int cli_print_json (const json_t *j)
{
    const size_t flags = JSON_COMPACT | JSON_ENCODE_ANY | JSON_ENSURE_ASCII;

    if (json_dumpf (j, stdout, flags) < 0)
        return CLI_FAILED;
    putchar ('\n');
    return CLI_OK;
}

bool cli_is_meant (const char *name, const char *key, const json_t *spec)
{
    unsigned long long array = cli_number (spec, "array_job_id");
    char member[64];

    if (strcmp (name, key) == 0)
        return true;
    if (array == 0)
        return false;
    snprintf (member, sizeof (member), "%llu_%llu", array,
              cli_number (spec, "array_task_id"));
    return strcmp (name, member) == 0 ||
           (strncmp (name, member, strlen (name)) == 0 &&
            member[strlen (name)] == '_');
}

/* How many words of [argv] are options of every command that stand before it; -1
 * where one is none of them. */
static int _cli_before (int argc, char **argv)
{
    static const char *const with_value[] = { "--socket", "--state-dir" };
    int i = 1;

    while (i < argc && argv[i][0] == '-') {
        const char *word = argv[i++];
        bool known = strcmp (word, "--json") == 0;

        for (size_t k = 0; k < 2; k++) {
            size_t n = strlen (with_value[k]);

            if (strncmp (word, with_value[k], n) != 0 ||
                (word[n] != '=' && word[n] != '\0'))
                continue;
            known = true;
            i += word[n] == '\0';
        }
        if (!known || i > argc)
            return -1;
    }
    return i - 1;
}

/* Put what stands before the command behind it, where getopt finds it. */
static void _cli_turn (char **argv, int before)
{
    char *command = argv[before + 1];

    memmove (argv + 2, argv + 1, (size_t) before * sizeof (*argv));
    argv[1] = command;
}

int main (int argc, char **argv)
{
    int before = _cli_before (argc, argv);

    setlocale (LC_CTYPE, ""); /* what can be printed, and how wide it is */
    if (before > 0 && before + 1 < argc)
        _cli_turn (argv, before);
    if (argc < 2 || strcmp (argv[1], "--help") == 0 ||
        strcmp (argv[1], "-h") == 0 || strcmp (argv[1], "help") == 0) {
        _cli_help (argc < 2 ? stderr : stdout);
        return argc < 2 ? CLI_USAGE : CLI_OK;
    }
    if (strcmp (argv[1], "--version") == 0) {
        puts (PACKAGE_STRING);
        return CLI_OK;
    }
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp (commands[i].name, argv[1]) == 0)
            return commands[i].run (&commands[i], argc - 1, argv + 1);
    }
    fprintf (stderr, "memwarden: unknown %s \"%.40s\"\n\n",
             argv[1][0] == '-' ? "option" : "command", argv[1]);
    _cli_help (stderr);
    return CLI_USAGE;
}
