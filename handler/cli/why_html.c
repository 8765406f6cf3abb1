/* why_html.c - the story of a job's OOMs as a page
 *
 * Each incident has a drawing: what the job uses, against its reservation, its limit and
 * the reserve above that; its neighbours; and each step as a numbered mark that can be
 * reached by keyboard and leads to its line in the table below, where all is in words.
 */
#include "handler/cli/why_html.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "handler/cli/cli.h"
#include "handler/cli/html.h"
#include "handler/cli/summary.h"
#include "lib/cleanup.h"
#include "lib/units.h"

#define WIDTH 900
#define HEIGHT 340
#define LEFT 90
#define RIGHT 20
#define TOP 40
#define BOTTOM 40
#define AROUND_MS 1000  /* before and after an incident */
#define OTHERS_MAX 12   /* neighbours that are drawn */
#define POINTS_MAX 4000 /* of each */

/* ---- the neighbours ------------------------------------------------------ */

static uint64_t _why_ms (const json_t *record)
{
    return cli_number (record, "ms");
}

/* From when to when there was an incident, or, without one, there is a record. */
static bool _why_span (const json_t *records, uint64_t *from, uint64_t *to)
{
    const json_t *r;
    size_t i;

    *from = UINT64_MAX;
    *to = 0;
    for (int any = 0; any < 2 && *to == 0; any++) {
        json_array_foreach (records, i, r) {
            if (!any && !*cli_text (r, "incident"))
                continue;
            *from = _why_ms (r) < *from ? _why_ms (r) : *from;
            *to = _why_ms (r) > *to ? _why_ms (r) : *to;
        }
    }
    *from = *from > AROUND_MS ? *from - AROUND_MS : 0;
    *to += AROUND_MS;
    return json_array_size (records) > 0;
}

static void _why_point (json_t *others, const char *key, uint64_t ms,
                        uint64_t used)
{
    json_t *of = json_object_get (others, key);

    if (!of)
        json_object_set_new (others, key, of = json_array ());
    if (json_array_size (of) >= 2 * POINTS_MAX)
        return;
    json_array_append_new (of, json_integer ((json_int_t) ms));
    json_array_append_new (of, json_integer ((json_int_t) used));
}

/* A decision about the node has what every job used (record/decision.h). */
static void _why_decision (const json_t *record, const json_t *own,
                           json_t *others)
{
    const json_t *jobs = json_object_get (json_object_get (record, "decision"),
                                          "job");
    const json_t *j;
    size_t i;

    json_array_foreach (jobs, i, j) {
        const char *key = json_string_value (json_array_get (j, 0));

        if (key && !json_object_get (own, key))
            _why_point (others, key, _why_ms (record),
                        (uint64_t) json_integer_value (json_array_get (j, 9)));
    }
}

static json_t *_why_keys (const json_t *records)
{
    json_t *own = json_object ();
    const json_t *r;
    size_t i;

    json_array_foreach (records, i, r)
        json_object_set_new (own, cli_text (r, "job"), json_true ());
    return own;
}

void why_others (FILE *f, const json_t *records, json_t *others)
{
    cleanup_json json_t *own = _why_keys (records);
    cleanup_free char *line = NULL;
    uint64_t from, to;
    size_t room = 0;
    ssize_t n;

    rewind (f);
    if (!_why_span (records, &from, &to))
        return;
    while ((n = getline (&line, &room, f)) > 0) {
        cleanup_json json_t *r = json_loadb (line, (size_t) n, 0, NULL);
        const json_t *spec = json_object_get (json_object_get (r, "st"),
                                              "spec");
        const char *key = cli_text (r, "job");

        if (!r || _why_ms (r) < from || _why_ms (r) > to)
            continue;
        if (json_object_get (r, "decision"))
            _why_decision (r, own, others);
        else if (*key && cli_number (r, "used") > 0 &&
                 !json_object_get (own, key) && !*cli_text (spec, "of"))
            _why_point (others, key, _why_ms (r), cli_number (r, "used"));
    }
}

/* ---- the drawing --------------------------------------------------------- */

struct drawing {
    FILE *out;
    uint64_t from, to; /* ms */
    double most, tick; /* bytes: at the upper end; between two lines */
    unsigned id;       /* of this drawing */
};

static double _draw_x (const struct drawing *d, uint64_t ms)
{
    double all = d->to > d->from ? (double) (d->to - d->from) : 1;

    return LEFT + (double) (ms - d->from) / all * (WIDTH - LEFT - RIGHT);
}

static double _draw_y (const struct drawing *d, double bytes)
{
    return HEIGHT - BOTTOM - bytes / d->most * (HEIGHT - TOP - BOTTOM);
}

static bool _draw_has (const struct drawing *d, uint64_t ms)
{
    return ms >= d->from && ms <= d->to;
}

static uint64_t _why_reserve (const json_t *record)
{
    return cli_number (json_object_get (record, "st"), "reserve");
}

/* Does [record] say how its job was just then? */
static bool _why_tells (const json_t *record)
{
    return cli_number (record, "limit") > 0;
}

static void _draw_scale (struct drawing *d, const json_t *records,
                         const json_t *others)
{
    const json_t *r, *of;
    const char *key;
    size_t i;

    d->most = 1;
    json_array_foreach (records, i, r) {
        double used = (double) cli_number (r, "used");
        double wall = (double) (cli_number (r, "limit") + _why_reserve (r));

        if (!_draw_has (d, _why_ms (r)))
            continue;
        d->most = used > d->most ? used : d->most;
        d->most = wall > d->most ? wall : d->most;
    }
    json_object_foreach ((json_t *) others, key, of) {
        for (i = 1; i < json_array_size (of); i += 2) {
            double used = json_number_value (json_array_get (of, i));
            double at = json_number_value (json_array_get (of, i - 1));

            if (_draw_has (d, (uint64_t) at) && used > d->most)
                d->most = used;
        }
    }
    for (d->tick = 1; d->tick * 5 < d->most * 1.05;)
        d->tick *= 2;
    d->most *= 1.05;
}

static void _draw_grid (const struct drawing *d)
{
    char size[MW_SIZE_STRLEN];

    for (double bytes = 0; bytes <= d->most; bytes += d->tick) {
        double y = _draw_y (d, bytes);

        fprintf (d->out,
                 "<line class=\"grid\" x1=\"%d\" y1=\"%.1f\" x2=\"%d\" "
                 "y2=\"%.1f\"/><text class=\"soft\" x=\"%d\" y=\"%.1f\" "
                 "text-anchor=\"end\">%s</text>\n",
                 LEFT, y, WIDTH - RIGHT, y, LEFT - 6, y + 4,
                 mw_size_format ((uint64_t) bytes, size, sizeof (size)));
    }
    for (int i = 0; i <= 5; i++) {
        uint64_t ms = d->from + (d->to - d->from) / 5 * (uint64_t) i;

        fprintf (d->out,
                 "<text class=\"soft\" x=\"%.1f\" y=\"%d\" "
                 "text-anchor=\"middle\">%.*f s</text>\n",
                 _draw_x (d, ms) - (i == 5 ? 12 : 0), HEIGHT - BOTTOM + 18,
                 d->to - d->from < 1000 ? 3 : 1,
                 (double) (ms - d->from) / 1000);
    }
}

/* What member [name] was, from record to record, as a line with steps; [band]: the
 * reserve above it, as an area. */
static void _draw_level (const struct drawing *d, const json_t *records,
                         const char *name, bool band)
{
    const json_t *r, *next;
    size_t i;

    if (!band)
        fprintf (d->out, "<path class=\"%s\" d=\"", name);
    json_array_foreach (records, i, r) {
        uint64_t at = _why_ms (r) < d->from ? d->from : _why_ms (r), until;
        double x, y = _draw_y (d, (double) cli_number (r, name)), h;

        next = json_array_get (records, i + 1);
        until = next ? _why_ms (next) : d->to;
        if (!_why_tells (r) || until < d->from || at > d->to)
            continue;
        until = until > d->to ? d->to : until;
        x = _draw_x (d, at);
        h = (double) _why_reserve (r) / d->most * (HEIGHT - TOP - BOTTOM);
        if (!band)
            fprintf (d->out, "M%.1f %.1fH%.1f", x, y, _draw_x (d, until));
        else if (h > 0)
            fprintf (d->out,
                     "<rect class=\"reserve\" x=\"%.1f\" y=\"%.1f\" "
                     "width=\"%.1f\" height=\"%.1f\"/>\n",
                     x, y - h, _draw_x (d, until) - x, h);
    }
    if (!band)
        fputs ("\"/>\n", d->out);
}

static void _draw_use (const struct drawing *d, const json_t *records)
{
    const json_t *r;
    bool first = true;
    size_t i;

    fputs ("<path class=\"use\" d=\"", d->out);
    json_array_foreach (records, i, r) {
        if (!_why_tells (r) || !_draw_has (d, _why_ms (r)))
            continue;
        fprintf (d->out, "%c%.1f %.1f", first ? 'M' : 'L',
                 _draw_x (d, _why_ms (r)),
                 _draw_y (d, (double) cli_number (r, "used")));
        first = false;
    }
    fputs (first ? "M0 0\"/>\n" : "\"/>\n", d->out);
}

static void _draw_others (const struct drawing *d, const json_t *others)
{
    unsigned drawn = 0;
    const json_t *of;
    const char *key;

    json_object_foreach ((json_t *) others, key, of) {
        double x = 0, y = 0;
        bool first = true;

        if (drawn == OTHERS_MAX)
            break;
        for (size_t i = 0; i + 1 < json_array_size (of); i += 2) {
            uint64_t ms = (uint64_t) json_integer_value (
                json_array_get (of, i));

            if (!_draw_has (d, ms))
                continue;
            x = _draw_x (d, ms);
            y = _draw_y (d, json_number_value (json_array_get (of, i + 1)));
            fprintf (d->out, "%s%.1f %.1f",
                     first ? "<path class=\"other\" d=\"M" : "L", x, y);
            first = false;
        }
        if (first)
            continue;
        drawn++;
        /* a point alone is drawn as a short line */
        fputs ("h6\"><title>Neighbour: job ", d->out);
        html_text (d->out, key);
        fprintf (d->out,
                 "</title></path>\n<text class=\"soft\" x=\"%.1f\" "
                 "y=\"%.1f\">",
                 x > WIDTH - 130 ? x - 80 : x + 8, y - 4);
        html_text (d->out, key);
        fputs ("</text>\n", d->out);
    }
}

/* What is worth a mark. */
static bool _why_marked (const json_t *record)
{
    return *cli_text (record, "incident") ||
           strcmp (cli_text (record, "event"), "kernel-kill") == 0;
}

/* Each mark is a link to its line of the table, which begins at [row].  Where there is no
 * room above the moment itself it stands further right, or lower. */
static void _draw_marks (const struct drawing *d, const json_t *records,
                         unsigned row)
{
    double x, at = 0, y = 14;
    const json_t *r;
    size_t i;

    json_array_foreach (records, i, r) {
        if (!_why_marked (r) || !_draw_has (d, _why_ms (r)))
            continue;
        x = _draw_x (d, _why_ms (r));
        at = x > at + 18 ? x : at + 18;
        if (at > WIDTH - 10) {
            at = x;
            y = y > 40 ? 14 : y + 18;
        }
        fprintf (d->out, "<a href=\"#r%zu\" aria-label=\"%zu: ", row + i,
                 i + 1);
        html_text (d->out, cli_text (r, "text"));
        fprintf (
            d->out,
            "\"><path class=\"step\" d=\"M%.1f %.1fL%.1f %.1fV%d\"/>"
            "<circle class=\"mark\" cx=\"%.1f\" cy=\"%.1f\" r=\"8\"/>"
            "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\" "
            "style=\"fill:var(--ground);font-size:10px\">%zu</text><title>",
            at, y, x, y + 16, HEIGHT - BOTTOM, at, y, at, y + 3.5, i + 1);
        html_text (d->out, cli_text (r, "text"));
        fputs ("</title></a>\n", d->out);
    }
}

static void _draw_all (const struct drawing *d, const json_t *records,
                       const json_t *others, const char *title, unsigned row)
{
    fprintf (d->out,
             "<svg viewBox=\"0 0 %d %d\" role=\"group\" "
             "aria-labelledby=\"t%u d%u\" "
             "xmlns=\"http://www.w3.org/2000/svg\">\n<title id=\"t%u\">",
             WIDTH, HEIGHT, d->id, d->id, d->id);
    html_text (d->out, title);
    fprintf (d->out,
             "</title>\n<desc id=\"d%u\">What the job used over the time, with "
             "its reservation, its limit, the reserve above it, and each step "
             "as a numbered mark; the table below has all of it.</desc>\n",
             d->id);
    _draw_level (d, records, "limit", true);
    _draw_grid (d);
    _draw_others (d, others);
    _draw_level (d, records, "reservation", false);
    _draw_level (d, records, "limit", false);
    _draw_use (d, records);
    _draw_marks (d, records, row);
    fputs (
        "</svg>\n<p>Thick line: used. Dashed: reservation. Thin: limit, with "
        "what is lent. Area: the reserve above it. Dotted: neighbours, as far "
        "as you may see them. Circles: what was done; each leads to its line "
        "below.</p>\n",
        d->out);
}

/* ---- the words ----------------------------------------------------------- */

static void _why_rows (const json_t *records, unsigned row, FILE *out)
{
    static const char *const head[] = { "No.",      "When", "What",
                                        "In words", "Used", "Limit" };
    char t[32], a[MW_SIZE_STRLEN], b[MW_SIZE_STRLEN];
    const json_t *r;
    size_t i;

    html_table (out, "What happened", head, sizeof (head) / sizeof (head[0]),
                4);
    json_array_foreach (records, i, r) {
        fprintf (out,
                 "<tr id=\"r%zu\" tabindex=\"-1\"><th scope=\"row\">%zu</th>"
                 "<td>%s</td><td>",
                 row + i, i + 1,
                 cli_local_time (cli_text (r, "t"), t, sizeof (t)));
        html_text (out, cli_text (r, "event"));
        fputs ("</td><td>", out);
        html_text (out, cli_text (r, "text"));
        fprintf (out,
                 "</td><td class=\"n\">%s</td><td class=\"n\">%s</td></tr>\n",
                 mw_size_format (cli_number (r, "used"), a, sizeof (a)),
                 mw_size_format (cli_number (r, "limit"), b, sizeof (b)));
    }
    html_table_end (out);
}

static void _why_neighbours (const json_t *others, const struct drawing *d)
{
    static const char *const head[] = { "Neighbour", "Used at most" };
    char a[MW_SIZE_STRLEN];
    bool any = false;
    const json_t *of;
    const char *key;

    json_object_foreach ((json_t *) others, key, of) {
        uint64_t most = 0;

        for (size_t i = 0; i + 1 < json_array_size (of); i += 2) {
            uint64_t used = (uint64_t) json_integer_value (
                json_array_get (of, i + 1));

            if (_draw_has (d, (uint64_t) json_integer_value (
                                  json_array_get (of, i))) &&
                used > most)
                most = used;
        }
        if (most == 0)
            continue;
        if (!any)
            html_table (d->out, "Neighbours then", head, 2, 1);
        any = true;
        fputs ("<tr><th scope=\"row\">", d->out);
        html_text (d->out, key);
        fprintf (d->out, "</th><td class=\"n\">%s</td></tr>\n",
                 mw_size_format (most, a, sizeof (a)));
    }
    if (any)
        html_table_end (d->out);
}

/* The records of [incident] among [records], in their order. */
static json_t *_why_of (const json_t *records, const char *incident)
{
    json_t *of = json_array (), *r;
    size_t i;

    json_array_foreach (records, i, r) {
        if (strcmp (cli_text (r, "incident"), incident) == 0)
            json_array_append (of, r);
    }
    return of;
}

static void _why_incident (const json_t *records, const json_t *others,
                           const char *incident, unsigned *id, unsigned *row,
                           FILE *out)
{
    cleanup_json json_t *of = _why_of (records, incident);
    struct drawing d = { .out = out, .id = ++*id };
    char title[160];

    if (!_why_span (of, &d.from, &d.to))
        return;
    snprintf (title, sizeof (title), "Incident %s", incident);
    fputs ("<h2>", out);
    html_text (out, title);
    fputs ("</h2>\n", out);
    _draw_scale (&d, of, others);
    _draw_all (&d, of, others, title, *row);
    _why_rows (of, *row, out);
    *row += (unsigned) json_array_size (of);
    _why_neighbours (others, &d);
}

/* What is known of the job, and what it used in each run. */
static void _why_facts (const json_t *records, FILE *out)
{
    const json_t *first = json_array_get (records, 0), *r;
    const json_t *st = json_object_get (first, "st");
    char a[MW_SIZE_STRLEN], text[256];
    size_t i;

    fputs ("<dl>\n<dt>Name</dt><dd>", out);
    html_text (out, cli_text (json_object_get (st, "spec"), "name"));
    fprintf (out,
             "</dd>\n<dt>User</dt><dd>%llu</dd>\n<dt>Reservation</dt>"
             "<dd>%s</dd>\n",
             cli_number (first, "uid"),
             mw_size_format (cli_number (first, "reservation"), a, sizeof (a)));
    fprintf (out, "<dt>Limit</dt><dd>%s</dd>\n<dt>Ladder</dt><dd>",
             mw_size_format (cli_number (first, "limit"), a, sizeof (a)));
    html_text (out, cli_text (st, "ladder"));
    fputs ("</dd>\n", out);
    json_array_foreach (records, i, r) {
        if (!summary_text (r, text, sizeof (text)))
            continue;
        fputs ("<dt>Memory</dt><dd>", out);
        html_text (out, text);
        fputs ("</dd>\n", out);
    }
    fputs ("</dl>\n", out);
}

static void _why_job (const char *key, const json_t *records,
                      const json_t *others, unsigned *id, unsigned *row,
                      FILE *out)
{
    cleanup_json json_t *seen = json_object ();
    struct drawing d = { .out = out };
    const json_t *r;
    size_t i;

    fputs ("<section>\n<h2>Job ", out);
    html_text (out, key);
    fputs ("</h2>\n", out);
    _why_facts (records, out);
    json_array_foreach (records, i, r) {
        const char *incident = cli_text (r, "incident");

        if (!*incident || json_object_get (seen, incident))
            continue;
        json_object_set_new (seen, incident, json_true ());
        _why_incident (records, others, incident, id, row, out);
    }
    if (json_object_size (seen) == 0)
        fputs ("<p>It has had no OOM here.</p>\n", out);
    d.id = ++*id;
    if (_why_span (records, &d.from, &d.to)) {
        d.from = _why_ms (json_array_get (records, 0));
        d.to = _why_ms (
                   json_array_get (records, json_array_size (records) - 1)) +
               1;
        fputs ("<h2>From its begin to its end</h2>\n", out);
        _draw_scale (&d, records, others);
        _draw_all (&d, records, others, "From its begin to its end", *row);
        _why_rows (records, *row, out);
        *row += (unsigned) json_array_size (records);
    }
    fputs ("</section>\n", out);
}

void why_html (const json_t *records, const json_t *others, FILE *out)
{
    cleanup_json json_t *jobs = json_object ();
    unsigned id = 0, row = 1;
    json_t *r, *own;
    const char *key;
    char title[160];
    size_t i;

    json_array_foreach (records, i, r) {
        key = cli_text (r, "job");
        if (!(own = json_object_get (jobs, key)))
            json_object_set_new (jobs, key, own = json_array ());
        json_array_append (own, r);
    }
    snprintf (title, sizeof (title), "Memory of job %s",
              cli_text (json_array_get (records, 0), "job"));
    html_begin (out, title);
    json_object_foreach (jobs, key, own)
        _why_job (key, own, others, &id, &row, out);
    html_end (out);
}
