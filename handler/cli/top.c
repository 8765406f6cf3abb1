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

#include "handler/cli/scroll.h"
#include "handler/cli/tables.h"
#include "lib/cleanup.h"
#include "lib/client.h"
#include "lib/clock.h"

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

struct top {
    int sock;
    json_t *jobs;         /* as they were last asked for … */
    const json_t **order; /* … of them, NULL at the end */
    size_t count, first;  /* the one on top of the screen */
    uint64_t asked_ms;
};

static void _top_free (struct top *t)
{
    free (t->order);
    json_decref (t->jobs);
    t->order = NULL;
    t->jobs = NULL;
}

/* Ask for the jobs, unless that was just now: a key that is held down is not the
 * warden's work. Returns 0; -1 with errno. */
static int _top_ask (struct top *t, struct mw_err *err)
{
    uint64_t now = clock_ms ();

    if (t->jobs && now - t->asked_ms < REFRESH_MS)
        return 0;
    _top_free (t);
    t->asked_ms = now;
    if (!(t->jobs = mw_client_jobs (t->sock, err)))
        return -1;
    cli_tame (t->jobs);
    t->count = json_array_size (t->jobs);
    t->order = calloc (t->count + 1, sizeof (*t->order));
    if (!t->order)
        return mw_err_errno (err, "cannot make the table");
    for (size_t i = 0; i < t->count; i++)
        t->order[i] = json_array_get (t->jobs, i);
    qsort (t->order, t->count, sizeof (*t->order), _by_overage);
    return 0;
}

/* How many jobs the screen has room for, below two lines and the heading. */
static size_t _top_page (void)
{
    return LINES > 4 ? (size_t) LINES - 3 : 1;
}

/* Draw the [lines] of a table, its heading and then those of the screen; bold where a
 * job has an OOM. */
static void _draw_lines (const struct top *t, char *lines)
{
    char *line = strtok_r (lines, "\n", &lines);
    size_t end = t->first + _top_page ();

    if (line)
        mvaddstr (2, 0, line);
    for (size_t i = 0; i < end && i < t->count; i++) {
        bool oom = json_is_object (json_object_get (t->order[i], "incident"));

        if (!(line = strtok_r (NULL, "\n", &lines)))
            break;
        if (i < t->first)
            continue;
        if (oom)
            attron (A_BOLD);
        mvaddstr ((int) (i - t->first) + 3, 0, line);
        if (oom)
            attroff (A_BOLD);
    }
}

/* Returns 0; -1 with errno. */
static int _draw (const struct top *t)
{
    /* where a line fills the last column, curses begins a new one */
    int columns = COLS > 1 ? COLS - 1 : 1;
    cleanup_free char *lines = tables_top (t->order, t->count,
                                           (size_t) columns);
    size_t end = t->first + _top_page ();
    char part[64] = "", head[128];

    if (!lines)
        return -1;
    if (t->count > _top_page ())
        snprintf (part, sizeof (part), ", %zu to %zu (arrows, PgUp, PgDn)",
                  t->first + 1, end < t->count ? end : t->count);
    snprintf (head, sizeof (head),
              "%zu job%s%s; | is where a reservation ends; q quits", t->count,
              t->count == 1 ? "" : "s", part);
    erase ();
    addnstr (head, columns);
    _draw_lines (t, lines);
    refresh ();
    return 0;
}

static enum scroll _top_key (int key)
{
    switch (key) {
    case KEY_UP:
    case 'k':
        return SCROLL_UP;
    case KEY_DOWN:
    case 'j':
        return SCROLL_DOWN;
    case KEY_PPAGE:
        return SCROLL_PAGE_UP;
    case KEY_NPAGE:
    case ' ':
        return SCROLL_PAGE_DOWN;
    case KEY_HOME:
    case 'g':
        return SCROLL_HOME;
    case KEY_END:
    case 'G':
        return SCROLL_END;
    }
    return SCROLL_STAY;
}

/* Draw until q is typed. Returns 0, or -1 with errno. */
static int _loop (int sock, struct mw_err *err)
{
    struct top t = { .sock = sock };
    int key = ERR, rc = 0;

    while (rc == 0 && key != 'q' && key != 'Q') {
        if ((rc = _top_ask (&t, err)) < 0)
            break;
        t.first = scroll_to (t.first, _top_page (), t.count, _top_key (key));
        if (_draw (&t) < 0)
            rc = mw_err_errno (err, "cannot make the table");
        else
            key = getch (); /* waits for REFRESH_MS, see timeout (3) */
    }
    _top_free (&t);
    return rc;
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
    if ((sock = cli_connect (self, &common, NULL, &rc)) < 0)
        return rc;
    if (!newterm (NULL, stdout, stdin))
        return cli_usage (self, "this terminal is not known; set TERM");
    cbreak ();
    noecho ();
    keypad (stdscr, TRUE);
    curs_set (0);
    timeout (REFRESH_MS);
    c = _loop (sock, &err);
    saved = errno;
    endwin ();
    return c < 0 ? cli_fail (self, &err, saved) : CLI_OK;
}
