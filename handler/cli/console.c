/* console.c - the prompt of memwarden look
 *
 * Each line that is typed is the one request to the warden that a command of its own would
 * be; nothing is done by the end of the input, or by ^C, which ends this program.
 */
#include "handler/cli/console.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "handler/cli/typed.h"
#include "handler/memcg/hears.h"
#include "lib/cleanup.h"
#include "lib/client.h"
#include "lib/wire.h"

#define LINE_MAX_LEN 256

static const char console_help[] =
    "  grow SIZE            raise its limit by SIZE: grow 64M\n"
    "  let go               let it go on as it is: the next step of its ladder\n"
    "  signal NAME [WHO]    to those of it that catch it, or to one: signal USR1\n"
    "  dump [HOOK]          have it looked at, by the admin's hook\n"
    "  kill [WHO]           one process of it, or all: kill largest\n"
    "  requeue [xF]         have it begin anew, with its peak times F\n"
    "  again                look again; so does an empty line\n"
    "  where                look, and where its tasks sleep\n"
    "  quit                 leave it as it is\n"
    "The first letter is enough.  WHO is a PID, largest, guilty, leader; of a\n"
    "signal also all.\n";

/* ---- what is typed ------------------------------------------------------- */

/* Ask [text]. Returns false at the end of the input.  What is longer than any command is
 * passed over, and is none. */
static bool _console_ask (const char *text, char line[LINE_MAX_LEN])
{
    int c;

    fputs (text, stdout);
    fflush (stdout);
    if (!fgets (line, LINE_MAX_LEN, stdin)) {
        putchar ('\n');
        return false;
    }
    if (strchr (line, '\n') || feof (stdin))
        return true;
    while ((c = getchar ()) != EOF && c != '\n')
        ;
    strcpy (line, "(too long)");
    return true;
}

/* The process of number [t]->pid that was shown, if it still is that: another one may have
 * its number.  NULL is said. */
static const json_t *_console_shown (const struct typed *t, const json_t *seen)
{
    json_t *p;
    size_t i;

    json_array_foreach (json_object_get (seen, "processes"), i, p) {
        if ((long) cli_number (p, "pid") == t->pid &&
            hears_started ((pid_t) t->pid) == cli_number (p, "started"))
            return p;
    }
    printf ("There is no process %ld (any more) among those shown: nothing is "
            "done.\n",
            t->pid);
    return NULL;
}

/* Is it to be done? Returns 1, 0; -1 at the end of the input. */
static int _console_is_sure (const struct console *c, const struct typed *t,
                             const json_t *seen)
{
    const json_t *process = NULL;
    char line[LINE_MAX_LEN], text[200], who[80] = "";

    if (t->pid && !(process = _console_shown (t, seen)))
        return 0;
    if (!t->sure)
        return 1;
    if (process)
        snprintf (who, sizeof (who), " %ld (%.40s)", t->pid,
                  cli_text (process, "command"));
    snprintf (text, sizeof (text), "Job %s: %s%s (y/N) ", c->job, t->sure, who);
    if (!_console_ask (text, line))
        return -1;
    line[strcspn (line, "\n")] = '\0';
    if (strcmp (line, "y") == 0 || strcmp (line, "yes") == 0)
        return t->pid == 0 || _console_shown (t, seen) ? 1 : 0;
    puts ("Nothing is done.");
    return 0;
}

/* ---- what is done -------------------------------------------------------- */

static json_t *_console_request (const struct console *c, const struct typed *t,
                                 const json_t *seen)
{
    json_t *req = mw_wire_new (t->kind == TYPED_GROW     ? "set"
                               : t->kind == TYPED_RESUME ? "resume"
                                                         : "do");

    json_object_set_new (req, "job", json_string (c->job));
    if (t->kind == TYPED_GROW)
        json_object_set_new (req, "limit",
                             json_integer (
                                 (json_int_t) (cli_number (seen, "limit") +
                                               t->bytes)));
    if (t->kind == TYPED_DO)
        json_object_set_new (req, "step", json_string (t->step));
    if (t->pid)
        json_object_set_new (req, "pid", json_integer (t->pid));
    return req;
}

/* Returns whether it is time to look again; what was refused stays in sight. */
static bool _console_do (const struct console *c, const struct typed *t,
                         const json_t *seen)
{
    cleanup_json json_t *req = _console_request (c, t, seen);
    cleanup_json json_t *reply = NULL;
    struct mw_err err = { "" };
    cleanup_fd int sock = -1;
    int rc;

    if ((sock = cli_connect (c->self, c->common, c->job, &rc)) < 0)
        return false;
    if (mw_client_call (sock, req, NULL, 0, &reply, NULL, &err) < 0) {
        bool gone = errno == ESRCH;

        mw_tame (err.text, "\n");
        printf ("Not done: %s\n", err.text);
        return gone;
    }
    cli_tame (reply);
    printf ("Done%s%s\n", *cli_text (reply, "note") ? ": " : ".",
            cli_text (reply, "note"));
    return true;
}

/* ---- the prompt ---------------------------------------------------------- */

enum console_next { CONSOLE_ASK, CONSOLE_LOOK, CONSOLE_WHERE, CONSOLE_LEAVE };

static enum console_next _console_one (const struct console *c,
                                       const json_t *seen)
{
    char line[LINE_MAX_LEN];
    struct mw_err err = { "" };
    struct typed t;
    int sure;

    if (!_console_ask ("[g]row SIZE, [l]et go, [s]ignal NAME [PID|WHO], "
                       "[d]ump, [k]ill [PID|WHO], [r]equeue, [a]gain, "
                       "[w]here, ?, [q]uit: ",
                       line))
        return CONSOLE_LEAVE;
    if (typed_read (line, &t, &err) < 0) {
        puts (err.text);
        return CONSOLE_ASK;
    }
    if (t.kind == TYPED_HELP)
        fputs (console_help, stdout);
    if (t.kind == TYPED_HELP || t.kind == TYPED_QUIT)
        return t.kind == TYPED_HELP ? CONSOLE_ASK : CONSOLE_LEAVE;
    if (t.kind == TYPED_AGAIN || t.kind == TYPED_WHERE)
        return t.kind == TYPED_WHERE ? CONSOLE_WHERE : CONSOLE_LOOK;
    if ((sure = _console_is_sure (c, &t, seen)) <= 0)
        return sure < 0 ? CONSOLE_LEAVE : CONSOLE_ASK;
    return _console_do (c, &t, seen) ? CONSOLE_LOOK : CONSOLE_ASK;
}

int console_run (const struct console *c)
{
    enum console_next next = CONSOLE_LOOK;
    bool looked = false;

    setvbuf (stdout, NULL, _IOLBF, 0); /* in order with stderr */
    while (next != CONSOLE_LEAVE) {
        cleanup_json json_t *seen = NULL;
        int rc = c->look (c->arg, next == CONSOLE_WHERE, &seen);

        if (rc == CLI_NO_JOB && looked) {
            printf ("It has ended; `memwarden why %s` tells how.\n", c->job);
            return CLI_OK;
        }
        if (rc != CLI_OK)
            return rc;
        looked = true;
        do {
            putchar ('\n');
            next = _console_one (c, seen);
        } while (next == CONSOLE_ASK);
    }
    return CLI_OK;
}
