/* cli.h - the subcommands of memwarden(1): one row and one function each */
#ifndef MW_CLI_H
#define MW_CLI_H

#include <getopt.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "lib/err.h"

/* Exit codes, as memwarden(1) documents them.  `run` exits as its command does,
 * and with env(1)'s three where it cannot be run. */
enum cli_exit {
    CLI_OK = 0,
    CLI_FAILED = 1,
    CLI_USAGE = 2,
    CLI_NO_JOB = 3,
    CLI_DENIED = 4,
    CLI_NO_WARDEN = 5,
    CLI_DIFFERS = 6, /* replay: not every plan is the same */
    CLI_RUN_FAILED = 125,
    CLI_RUN_NOT_EXECUTABLE = 126,
    CLI_RUN_NOT_FOUND = 127,
};

struct cli_command {
    const char *name;
    const char *args;    /* behind the name, for --help */
    const char *summary; /* one line */
    const char *options; /* lines of --help, "" = the common ones only */
    int (*run) (const struct cli_command *self, int argc, char **argv);
};

/* What every command takes. */
struct cli_common {
    const char *socket;    /* NULL = the default */
    const char *state_dir; /* NULL = what the warden uses */
    bool json;
};

int cli_run (const struct cli_command *self, int argc, char **argv);
int cli_jobs (const struct cli_command *self, int argc, char **argv);
int cli_ps (const struct cli_command *self, int argc, char **argv);
int cli_act (const struct cli_command *self, int argc, char **argv);
int cli_move (const struct cli_command *self, int argc, char **argv);
int cli_set (const struct cli_command *self, int argc, char **argv);
int cli_events (const struct cli_command *self, int argc, char **argv);
int cli_why (const struct cli_command *self, int argc, char **argv);
int cli_report (const struct cli_command *self, int argc, char **argv);
int cli_strikes (const struct cli_command *self, int argc, char **argv);
int cli_look (const struct cli_command *self, int argc, char **argv);
int cli_top (const struct cli_command *self, int argc, char **argv);
int cli_doctor (const struct cli_command *self, int argc, char **argv);
int cli_selftest (const struct cli_command *self, int argc, char **argv);
int cli_kmsg (const struct cli_command *self, int argc, char **argv);
int cli_replay (const struct cli_command *self, int argc, char **argv);
int cli_failsafe (const struct cli_command *self, int argc, char **argv);

/* What getopt_long returns for the common options.  They have no letters, since
 *   those belong to each command, but -h, which people type. */
enum cli_option { CLI_SOCKET = 1000, CLI_STATE_DIR, CLI_JSON, CLI_HELP };
/* clang-format off */
#define CLI_COMMON_OPTIONS \
    { "socket", required_argument, NULL, CLI_SOCKET }, \
    { "state-dir", required_argument, NULL, CLI_STATE_DIR }, \
    { "json", no_argument, NULL, CLI_JSON }, \
    { "help", no_argument, NULL, CLI_HELP }
#define CLI_LETTERS "h"
/* clang-format on */

/* Take option [c] if it is a common one (--help prints and exits; what getopt
 *   did not know is told, with what is right, and exits with CLI_USAGE).
 *   Returns true if it was taken. */
bool cli_common_option (const struct cli_command *self, int c,
                        struct cli_common *common);

/* The number of a process that optarg is, of --pid, into [pid]. Returns 0 or the exit
 *   code. */
int cli_pid (const struct cli_command *self, long *pid);

/* Print "memwarden NAME: …" and how it is used. Returns CLI_USAGE. */
int cli_usage (const struct cli_command *self, const char *fmt, ...)
    __attribute__ ((format (printf, 2, 3)));

/* Print [err] and return the exit code that [error] (an errno) stands for. */
int cli_fail (const struct cli_command *self, const struct mw_err *err,
              int error);

/* Connect to the warden, to ask about [job] (NULL: about none). Returns the socket, or
 *   -1 with *[rc] the exit code, everything said. */
int cli_connect (const struct cli_command *self,
                 const struct cli_common *common, const char *job, int *rc);

/* Find the one job that the arguments name among those that a warden tells of, which
 *   become [*jobs], the caller's. Returns NULL with *[rc], everything said. */
const json_t *cli_one_job (const struct cli_command *self,
                           const struct cli_common *common, int argc,
                           char **argv, json_t **jobs, int *rc);

/* [text] as JSON, which is UTF-8; what a process calls itself need not be. */
json_t *cli_json_text (const char *text);

/* Open the part of the journal that may be read: the present file, or the [old]
 *   one before it (/dev/null where there is none).
 * Returns NULL with *[rc], everything said; [rc] NULL: says nothing. */
FILE *cli_open_history (const struct cli_command *self,
                        const struct cli_common *common, bool old, int *rc);

/* The time [utc] of a record as the reader's clock shows it. Returns [buf]. */
char *cli_local_time (const char *utc, char *buf, size_t len);

/* mw_tame all strings in [j], but for newlines: what is shown is of users. */
void cli_tame (json_t *j);

/* Print [j] on a line of its own. Returns CLI_OK, or CLI_FAILED. */
int cli_print_json (const json_t *j);

/* Member [name] of [j], as text ("" where it is none) and as a number. */
const char *cli_text (const json_t *j, const char *name);
unsigned long long cli_number (const json_t *j, const char *name);

/* Which job is meant: "17", a name, ARRAY_TASK, or an ARRAY, which is all its
 *   members. [spec] is what is known of one: key and array ids. */
bool cli_is_meant (const char *name, const char *key, const json_t *spec);

#endif /* !MW_CLI_H */
