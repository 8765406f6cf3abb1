/* top.c - memwarden top: the jobs of this node, live
 *
 * Each job has a bar: what it uses, with a mark where its reservation ends; the
 * bar's whole length is its limit.  Jobs most over their reservation come
 * first, since they are the first to give (doc/design.md, section 4).
 */
#include "handler/cli/cli.h"

#include <curses.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/client.h"
#include "lib/units.h"

#define REFRESH_MS 2000
#define BAR 24

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

static void _draw_bar (const json_t *job)
{
    unsigned long long limit = cli_number (job, "limit") +
                               cli_number (job, "lent");
    int used, mark;

    if (limit == 0)
        limit = 1;
    used = (int) ((double) cli_number (job, "used") / (double) limit * BAR);
    mark = (int) ((double) cli_number (job, "reservation") /
                  (double) limit * BAR);
    addch ('[');
    for (int i = 0; i < BAR; i++)
        addch (i < used ? '#' : i == mark ? '|' : ' ');
    addch (']');
}

static void _draw_job (const json_t *job)
{
    const json_t *in = json_object_get (job, "incident");
    char used[MW_SIZE_STRLEN], limit[MW_SIZE_STRLEN];
    bool trouble = json_is_object (in);

    if (trouble)
        attron (A_BOLD);
    printw ("%-14s %4llu ", cli_text (job, "key"),
            cli_number (job, "priority"));
    _draw_bar (job);
    printw (" %9s of %9s  %s\n",
            mw_size_format (cli_number (job, "used"), used, sizeof (used)),
            mw_size_format (cli_number (job, "limit") +
                            cli_number (job, "lent"), limit, sizeof (limit)),
            trouble ? cli_text (in, "step") : "");
    if (trouble)
        attroff (A_BOLD);
}

/* Returns 0 or -1. */
static int _draw (const json_t *jobs)
{
    size_t n = json_array_size (jobs);
    cleanup_free const json_t **order = calloc (n + 1, sizeof (*order));

    if (!order)
        return -1;
    for (size_t i = 0; i < n; i++)
        order[i] = json_array_get (jobs, i);
    qsort (order, n, sizeof (*order), _by_overage);
    erase ();
    printw ("%zu job%s; | is where a reservation ends; q quits\n\n", n,
            n == 1 ? "" : "s");
    printw ("%-14s %4s %-*s %9s    %9s  %s\n", "JOB", "PRIO", BAR + 2, "",
            "USED",
            "LIMIT", "STEP");
    for (size_t i = 0; i < n && (int) i < LINES - 3; i++)
        _draw_job (order[i]);
    refresh ();
    return 0;
}

/* Draw until q is typed. Returns 0, or -1 with errno. */
static int _loop (int sock, struct mw_err *err)
{
    int key = ERR;

    while (key != 'q' && key != 'Q') {
        cleanup_json json_t *jobs = mw_client_jobs (sock, err);

        if (!jobs || _draw (jobs) < 0)
            return -1;
        key = getch ();         /* waits for REFRESH_MS, see timeout (3) */
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

    while ((c = getopt_long (argc, argv, "", options, NULL)) != -1)
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
