/* tables.c - what jobs, ps and top show in columns, by libsmartcols(3) */
#include "handler/cli/tables.h"

#include <errno.h>
#include <libsmartcols.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handler/cli/cli.h"
#include "lib/units.h"
#include "lib/user.h"

struct column {
    const char *name;
    double least; /* columns that it keeps where others are cut */
    int flags;
};

static void _tables_unref (struct libscols_table **table)
{
    scols_unref_table (*table);
}

#define cleanup_table __attribute__ ((cleanup (_tables_unref)))

static struct libscols_table *_tables_new (const struct column *columns,
                                           size_t n, size_t width)
{
    struct libscols_table *t = scols_new_table ();

    if (!t)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        if (!scols_table_new_column (t, columns[i].name, columns[i].least,
                                     columns[i].flags)) {
            scols_unref_table (t);
            return NULL;
        }
    }
    scols_table_set_termforce (t, width ? SCOLS_TERMFORCE_ALWAYS
                                        : SCOLS_TERMFORCE_NEVER);
    if (width)
        scols_table_set_termwidth (t, width);
    return t;
}

/* Add a line with these [cells]. Returns 0; -1 with errno. */
static int _tables_add (struct libscols_table *t, const char *const *cells,
                        size_t n)
{
    struct libscols_line *line = scols_table_new_line (t, NULL);

    for (size_t i = 0; line && i < n; i++)
        if (scols_line_set_data (line, i, cells[i]) < 0)
            line = NULL;
    if (!line)
        errno = ENOMEM;
    return line ? 0 : -1;
}

/* smartcols prints nothing at all of a table without lines. */
static void _tables_heading (struct libscols_table *t, FILE *f)
{
    for (size_t i = 0; i < scols_table_get_ncols (t); i++) {
        struct libscols_column *c = scols_table_get_column (t, i);
        const char *name = scols_cell_get_data (scols_column_get_header (c));

        fprintf (f, "%s%s", i == 0 ? "" : " ", name);
    }
    fputc ('\n', f);
}

static char *_tables_text (struct libscols_table *t)
{
    char *text = NULL;
    size_t len;
    FILE *f = open_memstream (&text, &len);
    int rc = 0;

    if (!f)
        return NULL;
    scols_table_set_stream (t, f);
    if (scols_table_is_empty (t))
        _tables_heading (t, f);
    else
        rc = scols_print_table (t);
    if (fclose (f) == 0 && rc == 0)
        return text;
    free (text);
    errno = ENOMEM;
    return NULL;
}

/* What a job has as its limit at the moment. */
static unsigned long long _tables_limit (const json_t *job)
{
    return cli_number (job, "limit") + cli_number (job, "lent");
}

/* ---- jobs ---------------------------------------------------------------- */

static void _tables_state (const json_t *job, char *buf, size_t len)
{
    const json_t *in = json_object_get (job, "incident");
    char left[32] = "";

    if (!json_is_object (in)) {
        snprintf (buf, len, "running");
        return;
    }
    if (cli_number (in, "left_ms") > 0)
        mw_duration_format (cli_number (in, "left_ms") / 1000 * 1000, left,
                            sizeof (left));
    snprintf (buf, len, "%s%s%s%s",
              json_is_true (json_object_get (job, "slurm_suspended"))
                  ? "suspended by Slurm, waits in "
              : json_is_true (json_object_get (job, "suspended"))
                  ? "suspended, "
              : json_is_true (json_object_get (job, "held")) ? "held, "
                                                             : "",
              cli_text (in, "step"), *left ? ", left " : "", left);
}

static int _tables_add_job (struct libscols_table *t, const json_t *job)
{
    char used[MW_SIZE_STRLEN], reserved[MW_SIZE_STRLEN], limit[MW_SIZE_STRLEN];
    char user[64], priority[24], state[128];
    const char *cells[] = {
        cli_text (job, "key"),
        mw_user_shown ((uid_t) cli_number (job, "uid"), user, sizeof (user)),
        priority,
        mw_size_format (cli_number (job, "used"), used, sizeof (used)),
        mw_size_format (cli_number (job, "reservation"), reserved,
                        sizeof (reserved)),
        mw_size_format (_tables_limit (job), limit, sizeof (limit)),
        state
    };

    snprintf (priority, sizeof (priority), "%llu",
              cli_number (job, "priority"));
    _tables_state (job, state, sizeof (state));
    return _tables_add (t, cells, sizeof (cells) / sizeof (*cells));
}

char *tables_jobs (const json_t *jobs, size_t width)
{
    static const struct column columns[] = {
        { "JOB", 8, SCOLS_FL_TRUNC },
        { "USER", 8, 0 },
        { "PRIO", 4, SCOLS_FL_RIGHT },
        { "USED", 9, SCOLS_FL_RIGHT },
        { "RESERVATION", 11, SCOLS_FL_RIGHT },
        { "LIMIT", 9, SCOLS_FL_RIGHT },
        { "STATE", 7, 0 },
    };
    cleanup_table struct libscols_table *t = _tables_new (columns,
                                                          sizeof (columns) /
                                                              sizeof (*columns),
                                                          width);
    size_t i;
    json_t *job;

    if (!t)
        return NULL;
    json_array_foreach (jobs, i, job)
        if (_tables_add_job (t, job) < 0)
            return NULL;
    return _tables_text (t);
}

/* ---- ps ------------------------------------------------------------------ */

static int _tables_add_process (struct libscols_table *t, const json_t *p)
{
    char pid[24], user[64], rss[MW_SIZE_STRLEN];
    const char *cells[] = {
        pid, mw_user_shown ((uid_t) cli_number (p, "uid"), user, sizeof (user)),
        mw_size_format (cli_number (p, "rss"), rss, sizeof (rss)),
        cli_text (p, "state"), cli_text (p, "command")
    };

    snprintf (pid, sizeof (pid), "%llu", cli_number (p, "pid"));
    return _tables_add (t, cells, sizeof (cells) / sizeof (*cells));
}

char *tables_processes (const json_t *processes, size_t width)
{
    static const struct column columns[] = {
        { "PID", 7, SCOLS_FL_RIGHT },      { "USER", 8, 0 },
        { "RSS", 9, SCOLS_FL_RIGHT },      { "S", 1, 0 },
        { "COMMAND", 20, SCOLS_FL_TRUNC },
    };
    cleanup_table struct libscols_table *t = _tables_new (columns,
                                                          sizeof (columns) /
                                                              sizeof (*columns),
                                                          width);
    size_t i;
    json_t *p;

    if (!t)
        return NULL;
    json_array_foreach (processes, i, p)
        if (_tables_add_process (t, p) < 0)
            return NULL;
    return _tables_text (t);
}

/* ---- top ----------------------------------------------------------------- */

#define BAR_MOST 24
#define BAR_NARROW 10 /* where a terminal has fewer than 80 columns */

/* Draw into [bar], BAR_MOST + 3 bytes, [len] columns between its ends. */
static void _tables_bar (const json_t *job, char *bar, int len)
{
    double limit = _tables_limit (job) ? (double) _tables_limit (job) : 1.0;
    int used = (int) ((double) cli_number (job, "used") / limit * len);
    int mark = (int) ((double) cli_number (job, "reservation") / limit * len);

    *bar++ = '[';
    for (int i = 0; i < len; i++)
        *bar++ = i < used ? '#' : i == mark ? '|' : ' ';
    strcpy (bar, "]");
}

static int _tables_add_top (struct libscols_table *t, const json_t *job,
                            int len)
{
    char priority[24], bar[BAR_MOST + 3];
    char used[MW_SIZE_STRLEN], limit[MW_SIZE_STRLEN];
    const char *cells[] = {
        cli_text (job, "key"),
        priority,
        bar,
        mw_size_format (cli_number (job, "used"), used, sizeof (used)),
        mw_size_format (_tables_limit (job), limit, sizeof (limit)),
        cli_text (json_object_get (job, "incident"), "step")
    };

    snprintf (priority, sizeof (priority), "%llu",
              cli_number (job, "priority"));
    _tables_bar (job, bar, len);
    return _tables_add (t, cells, sizeof (cells) / sizeof (*cells));
}

char *tables_top (const json_t **order, size_t n, size_t width)
{
    static const struct column columns[] = {
        { "JOB", 8, SCOLS_FL_TRUNC },   { "PRIO", 4, SCOLS_FL_RIGHT },
        { "", BAR_NARROW + 2, 0 },      { "USED", 9, SCOLS_FL_RIGHT },
        { "LIMIT", 9, SCOLS_FL_RIGHT }, { "STEP", 10, 0 },
    };
    cleanup_table struct libscols_table *t = _tables_new (columns,
                                                          sizeof (columns) /
                                                              sizeof (*columns),
                                                          width);
    int len = width && width < 79 ? BAR_NARROW : BAR_MOST;

    if (!t)
        return NULL;
    for (size_t i = 0; i < n; i++)
        if (_tables_add_top (t, order[i], len) < 0)
            return NULL;
    return _tables_text (t);
}

/* ---- report -------------------------------------------------------------- */

double tables_hundredth (const json_t *number)
{
    double n = json_number_value (number);

    return n > -0.005 && n < 0 ? 0 : n;
}

static int _tables_add_group (struct libscols_table *t, const json_t *g)
{
    char jobs[24], killed[24], over[32], gain[32];
    char asked[MW_SIZE_STRLEN], peak[MW_SIZE_STRLEN];
    const char *cells[] = {
        cli_text (g, "user"),
        cli_text (g, "name"),
        jobs,
        killed,
        mw_size_format (cli_number (g, "reservation"), asked, sizeof (asked)),
        mw_size_format (cli_number (g, "peak_p95"), peak, sizeof (peak)),
        over,
        cli_text (g, "advice"),
        gain
    };

    snprintf (jobs, sizeof (jobs), "%llu", cli_number (g, "jobs"));
    snprintf (killed, sizeof (killed), "%llu", cli_number (g, "killed"));
    snprintf (over, sizeof (over), "%.2f",
              json_number_value (json_object_get (g, "over_gib_h")));
    snprintf (gain, sizeof (gain), "%.2f",
              tables_hundredth (json_object_get (g, "gain_gib_h")));
    return _tables_add (t, cells, sizeof (cells) / sizeof (*cells));
}

char *tables_report (const json_t *groups, size_t width)
{
    static const struct column columns[] = {
        { "USER", 8, SCOLS_FL_TRUNC },        { "NAME", 12, SCOLS_FL_TRUNC },
        { "JOBS", 4, SCOLS_FL_RIGHT },        { "KILLED", 6, SCOLS_FL_RIGHT },
        { "ASKED", 9, SCOLS_FL_RIGHT },       { "PEAK-P95", 9, SCOLS_FL_RIGHT },
        { "UNUSED-GiBh", 8, SCOLS_FL_RIGHT }, { "--mem=", 8, SCOLS_FL_RIGHT },
        { "GAIN-GiBh", 8, SCOLS_FL_RIGHT },
    };
    cleanup_table struct libscols_table *t = _tables_new (columns,
                                                          sizeof (columns) /
                                                              sizeof (*columns),
                                                          width);
    const json_t *g;
    size_t i;

    if (!t)
        return NULL;
    json_array_foreach (groups, i, g)
        if (_tables_add_group (t, g) < 0)
            return NULL;
    return _tables_text (t);
}
