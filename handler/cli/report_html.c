/* report_html.c - a report as a page */
#include <stdlib.h>
#include <string.h>

#include "handler/cli/cli.h"
#include "handler/cli/html.h"
#include "handler/cli/report.h"
#include "handler/cli/tables.h"
#include "lib/units.h"

#define WIDTH 900
#define TIMES_HEIGHT 160
#define BAR_HEIGHT 22
#define BARS 15
#define BARS_LEFT 260

static double _page_real (const json_t *j, const char *key)
{
    return json_number_value (json_object_get (j, key));
}

static void _page_fact (FILE *out, const char *what, int digits, double n,
                        const char *unit)
{
    fprintf (out, "<dt>%s</dt><dd>%.*f%s</dd>\n", what, digits, n, unit);
}

static void _page_facts (const json_t *r, FILE *out)
{
    const json_t *o = json_object_get (r, "outcomes");

    fputs ("<h2 id=\"sums\">In all</h2>\n<dl>\n", out);
    _page_fact (out, "Jobs that have ended", 0, _page_real (r, "jobs"), "");
    _page_fact (out, "Incidents", 0, _page_real (r, "incidents"), "");
    _page_fact (out, "… after which the job went on", 0,
                _page_real (o, "recovered"), "");
    _page_fact (out, "… requeued", 0, _page_real (o, "requeued"), "");
    _page_fact (out, "… killed", 0, _page_real (o, "killed"), "");
    _page_fact (out, "Held for a while", 0, _page_real (r, "held"), "");
    _page_fact (out, "Suspended", 0, _page_real (r, "suspended"), "");
    _page_fact (out, "Grown", 0, _page_real (r, "grown"), "");
    _page_fact (out, "Processes that the kernel itself killed", 0,
                _page_real (r, "kernel_kills"), "");
    _page_fact (out, "Lent", 2, _page_real (r, "lent_gib_h"), " GiB h");
    _page_fact (out, "Saved", 2, _page_real (r, "saved_cpu_h"), " CPU h");
    _page_fact (out, "Reserved", 2, _page_real (r, "reserved_gib_h"), " GiB h");
    _page_fact (out, "… and never used", 2, _page_real (r, "over_gib_h"),
                " GiB h");
    _page_fact (out, "Gain by the advice", 2, _page_real (r, "gain_gib_h"),
                " GiB h");
    fputs ("</dl>\n", out);
}

static unsigned long long _page_bin (const json_t *ended, const char *out,
                                     size_t i)
{
    return (unsigned long long) json_integer_value (
        json_array_get (json_object_get (ended, out), i));
}

/* Incidents over the time: those that ended in a kill at the foot of each bar. */
static void _page_times (const json_t *r, FILE *out)
{
    const json_t *times = json_object_get (r, "times");
    const json_t *ended = json_object_get (times, "ended");
    const double w = (double) (WIDTH - 60) / REPORT_BINS;
    unsigned long long all[REPORT_BINS], killed[REPORT_BINS], most = 1;

    for (size_t i = 0; i < REPORT_BINS; i++) {
        all[i] = 0;
        for (int k = 0; k < MW_OUTCOME_COUNT; k++)
            all[i] += _page_bin (ended, mw_outcome_name[k], i);
        killed[i] = _page_bin (ended, "killed", i) +
                    _page_bin (ended, "kernel-killed", i);
        most = all[i] > most ? all[i] : most;
    }
    fprintf (
        out,
        "<h2 id=\"times\">When</h2>\n<svg viewBox=\"0 0 %d %d\" "
        "role=\"img\" aria-labelledby=\"times-title times-desc\" "
        "xmlns=\"http://www.w3.org/2000/svg\">\n"
        "<title id=\"times-title\">Incidents over the time</title>\n"
        "<desc id=\"times-desc\">%llu incidents from %s to %s, %llu at "
        "most in one of %d parts of it; the filled part of a bar are those "
        "that ended in a kill.</desc>\n",
        WIDTH, TIMES_HEIGHT, cli_number (r, "incidents"),
        *cli_text (times, "from") ? cli_text (times, "from") : "–",
        *cli_text (r, "until") ? cli_text (r, "until") : "–", most,
        REPORT_BINS);
    for (size_t i = 0; i < REPORT_BINS; i++) {
        double h = 120.0 * (double) all[i] / (double) most;
        double k = 120.0 * (double) killed[i] / (double) most;

        if (all[i] == 0)
            continue;
        fprintf (out,
                 "<rect class=\"bar-use\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
                 "height=\"%.1f\"/><rect class=\"bar-killed\" x=\"%.1f\" "
                 "y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"><title>%llu, "
                 "%llu of them killed</title></rect>\n",
                 50 + (double) i * w, 135 - h, w - 1, h, 50 + (double) i * w,
                 135 - k, w - 1, k, all[i], killed[i]);
    }
    fprintf (out,
             "<line class=\"grid\" x1=\"50\" y1=\"135\" x2=\"%d\" y2=\"135\"/>"
             "<text x=\"44\" y=\"20\" text-anchor=\"end\">%llu</text>"
             "<text class=\"soft\" x=\"50\" y=\"153\">%s</text>"
             "<text class=\"soft\" x=\"%d\" y=\"153\" "
             "text-anchor=\"end\">%s</text>\n</svg>\n"
             "<p>Red: the job was killed. Blue: all others.</p>\n",
             WIDTH - 10, most, cli_text (times, "from"), WIDTH - 10,
             cli_text (r, "until"));
}

static void _page_bar (const json_t *g, double most, double y, FILE *out)
{
    const double scale = (WIDTH - BARS_LEFT - 90) / most;
    double reserved = _page_real (g, "reserved_gib_h");
    double used = _page_real (g, "used_gib_h");

    fprintf (out, "<text x=\"%d\" y=\"%.0f\" text-anchor=\"end\">",
             BARS_LEFT - 8, y + 15);
    html_text (out, cli_text (g, "user"));
    fputs (" ", out);
    fprintf (out, "<tspan class=\"soft\">");
    {
        char name[30];

        /* cut between characters, not within one */
        size_t n = strlen (cli_text (g, "name"));

        if (n >= sizeof (name))
            for (n = sizeof (name) - 1;
                 n > 0 && (cli_text (g, "name")[n] & 0xc0) == 0x80; n--)
                ;
        snprintf (name, sizeof (name), "%.*s", (int) n, cli_text (g, "name"));
        html_text (out, name);
    }
    fprintf (out,
             "</tspan></text>\n<rect class=\"bar-use\" x=\"%d\" y=\"%.0f\" "
             "width=\"%.1f\" height=\"14\"/><rect class=\"bar-over\" x=\"%d\" "
             "y=\"%.0f\" width=\"%.1f\" height=\"14\"/>"
             "<text x=\"%.1f\" y=\"%.0f\">%.2f</text>\n",
             BARS_LEFT, y + 4, used * scale, BARS_LEFT, y + 4, reserved * scale,
             BARS_LEFT + (reserved > used ? reserved : used) * scale + 6,
             y + 15, _page_real (g, "over_gib_h"));
}

static void _page_bars (const json_t *groups, FILE *out)
{
    size_t n = json_array_size (groups), i;
    double most = 1e-9;
    const json_t *g;

    n = n < BARS ? n : BARS;
    if (n == 0)
        return;
    json_array_foreach (groups, i, g) {
        double w = _page_real (g, "reserved_gib_h");
        double u = _page_real (g, "used_gib_h");

        if (i < n)
            most = w > most ? w : u > most ? u : most;
    }
    fprintf (out,
             "<h2 id=\"whose\">Who reserves what nobody uses</h2>\n"
             "<svg viewBox=\"0 0 %d %zu\" role=\"img\" "
             "aria-labelledby=\"whose-title whose-desc\" "
             "xmlns=\"http://www.w3.org/2000/svg\">\n<title "
             "id=\"whose-title\">Reserved and used, by user and job "
             "name</title>\n<desc id=\"whose-desc\">The %zu that leave most "
             "unused, in GiB hours; the table below has the numbers.</desc>\n",
             WIDTH, n * BAR_HEIGHT + 10, n);
    for (i = 0; i < n; i++)
        _page_bar (json_array_get (groups, i), most,
                   (double) (i * BAR_HEIGHT) + 4, out);
    fputs ("</svg>\n<p>Filled: used at most. Outline: reserved. The number is "
           "what was never used, in GiB h.</p>\n",
           out);
}

static void _page_row (const json_t *g, FILE *out)
{
    char a[MW_SIZE_STRLEN], b[MW_SIZE_STRLEN];

    fputs ("<tr><th scope=\"row\">", out);
    html_text (out, cli_text (g, "user"));
    fputs ("</th><td>", out);
    html_text (out, cli_text (g, "name"));
    fprintf (out,
             "</td><td class=\"n\">%llu</td><td class=\"n\">%llu</td>"
             "<td class=\"n\">%llu</td><td class=\"n\">%s</td>"
             "<td class=\"n\">%s</td><td class=\"n\">%.2f</td>"
             "<td class=\"n\">%s</td><td class=\"n\">%.2f</td></tr>\n",
             cli_number (g, "jobs"), cli_number (g, "incidents"),
             cli_number (g, "killed"),
             mw_size_format (cli_number (g, "reservation"), a, sizeof (a)),
             mw_size_format (cli_number (g, "peak_p95"), b, sizeof (b)),
             _page_real (g, "over_gib_h"), cli_text (g, "advice"),
             tables_hundredth (json_object_get (g, "gain_gib_h")));
}

void report_html (const json_t *report, FILE *out)
{
    static const char *const head[] = {
        "User",  "Job name",   "Jobs",          "Incidents", "Killed",
        "Asked", "Peak (p95)", "Unused, GiB h", "--mem=",    "Gain, GiB h"
    };
    const json_t *groups = json_object_get (report, "groups"), *g;
    size_t i;

    html_begin (out, "Memory of the cluster's jobs");
    fprintf (out, "<p>From %s to %s, from %llu journals.</p>\n",
             *cli_text (report, "since") ? cli_text (report, "since")
                                         : "the begin",
             *cli_text (report, "until") ? cli_text (report, "until") : "now",
             cli_number (report, "journals"));
    _page_facts (report, out);
    _page_times (report, out);
    _page_bars (groups, out);
    html_table (out, "Each user's jobs of one name", head,
                sizeof (head) / sizeof (head[0]), 2);
    json_array_foreach (groups, i, g)
        _page_row (g, out);
    html_table_end (out);
    fputs ("<p>Advice for --mem: ", out);
    html_text (out, cli_text (report, "rule"));
    fputs (".</p>\n", out);
    html_end (out);
}
