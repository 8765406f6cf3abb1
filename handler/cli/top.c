/* top.c - memwarden top: the jobs of this node, live
 *
 * Jobs most over their reservation come
 * first, since they are the first to give (doc/design.md, section 4).
 */
#include "handler/cli/cli.h"

#include <curses.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "handler/cli/tables.h"
#include "lib/cleanup.h"
#include "lib/client.h"

#define REFRESH_MS 2000

/* Overage in 1/1000 of the reservation. */
static unsigned long long _overage (const json_t *job)
{
    unsigned long long used = cli_number (job, "used");
    unsigned long long reserved = cli_number (job, "reservation");

    if (used <= reserved)
        return 0;
    return reserved == 0 ? 1000000 : (used - reserved) * 1000 / reserved;
}

static int _by_overage (const void *a, const void *b)
{
    const json_t *x = *(json_t *const *) a, *y = *(json_t *const *) b;
    unsigned long long ox = _overage (x), oy = _overage (y);

    if (ox != oy)
        return ox < oy ? 1 : -1;
    return strcmp (cli_text (x, "key"), cli_text (y, "key"));
}

/* Draw the [lines] of a table, its heading first; bold where a job has an OOM. */
static void _draw_lines (char *lines, const json_t **order)
{
    char *line = strtok_r (lines, "\n", &lines);

    for (int i = 0; line && i < LINES - 2; i++) {
        bool oom = i > 0 &&
                   json_is_object (json_object_get (order[i - 1], "incident"));

        if (oom)
            attron (A_BOLD);
        mvaddstr (i + 2, 0, line);
        if (oom)
            attroff (A_BOLD);
        line = strtok_r (NULL, "\n", &lines);
    }
}

/* Returns 0; -1 with errno. */
static int _draw (const json_t *jobs)
{
    size_t n = json_array_size (jobs);
    cleanup_free const json_t **order = calloc (n + 1, sizeof (*order));
    cleanup_free char *lines = NULL;

    if (!order)
        return -1;
    for (size_t i = 0; i < n; i++)
        order[i] = json_array_get (jobs, i);
    qsort (order, n, sizeof (*order), _by_overage);
    /* where a line fills the last column, curses begins a new one */
    if (!(lines = tables_top (order, n, COLS > 1 ? (size_t) COLS - 1 : 1)))
        return -1;
    erase ();
    printw ("%zu job%s; | is where a reservation ends; q quits\n\n", n,
            n == 1 ? "" : "s");
    _draw_lines (lines, order);
    refresh ();
    return 0;
}

/* Draw until q is typed. Returns 0, or -1 with errno. */
static int _loop (int sock, struct mw_err *err)
{
    int key = ERR;

    while (key != 'q' && key != 'Q') {
        cleanup_json json_t *jobs = mw_client_jobs (sock, err);

        if (!jobs)
            return -1;
        cli_tame (jobs);
        if (_draw (jobs) < 0)
            return mw_err_errno (err, "cannot make the table");
        key = getch (); /* waits for REFRESH_MS, see timeout (3) */
    }
    return 0;
}

int cli_top (const struct cli_command *self, int argc, char **argv)
{
    static const struct option options[] = { CLI_COMMON_OPTIONS, { 0 } };
    struct cli_common common = { 0 };
    cleanup_fd int sock = -1;
    struct mw_err err = { "" };
    int c, rc = CLI_OK, saved;

    while ((c = getopt_long (argc, argv, CLI_LETTERS, options, NULL)) != -1)
        cli_common_option (self, c, &common);
    if (optind < argc)
        return cli_usage (self, "\"%.40s\" is not understood", argv[optind]);
    if (common.json || !isatty (STDIN_FILENO) || !isatty (STDOUT_FILENO))
        return cli_usage (self, "it needs a terminal; for programs there is "
                                "`memwarden jobs --json`");
    if ((sock = cli_connect (self, &common, &rc)) < 0)
        return rc;
    if (!newterm (NULL, stdout, stdin))
        return cli_usage (self, "this terminal is not known; set TERM");
    cbreak ();
    noecho ();
    curs_set (0);
    timeout (REFRESH_MS);
    c = _loop (sock, &err);
    saved = errno;
    endwin ();
    return c < 0 ? cli_fail (self, &err, saved) : CLI_OK;
}
