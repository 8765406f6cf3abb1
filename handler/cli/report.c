/* report.c - memwarden report: what journals come to, for a site */
#include "handler/cli/report.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <time.h>

#include "handler/cli/cli.h"
#include "handler/cli/tables.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/units.h"
#include "lib/wire.h"

#define GIB_H (1024.0 * 1024 * 1024 * 3600 * 1000) /* byte-ms */
#define CPU_H (3600.0 * 1000)
#define SHOWN 25 /* groups, for people */

/* ---- as JSON ------------------------------------------------------------- */

static double _report_gib_h (double byte_ms)
{
    double n = byte_ms / GIB_H * 1e6;

    return (double) (int64_t) (n < 0 ? n - .5 : n + .5) / 1e6;
}

/* Asked once each: it may be a server that is asked. */
static json_t *_report_user (uint32_t uid, json_t *known)
{
    const struct passwd *pw;
    json_t *name;
    char text[32];

    snprintf (text, sizeof (text), "%u", uid);
    if ((name = json_object_get (known, text)))
        return name;
    pw = getpwuid (uid);
    json_object_set_new (known, text,
                         mw_wire_text (pw && pw->pw_name ? pw->pw_name : text));
    return json_object_get (known, text);
}

static json_int_t _report_mean (const struct report_group *g)
{
    double sum = 0;

    for (size_t i = 0; i < g->jobs; i++)
        sum += (double) g->job[i].reservation;
    return g->jobs ? (json_int_t) (sum / (double) g->jobs) : 0;
}

static json_t *_report_group_json (const struct report_group *g, json_t *known)
{
    char text[MW_SIZE_STRLEN];

    snprintf (text, sizeof (text), "%lluM",
              (unsigned long long) (g->advice / MW_MIB));
    return json_pack (
        "{s:I s:O s:s s:I s:I s:I s:I s:I s:I s:I s:s s:I s:f s:f s:f s:f}",
        "uid", (json_int_t) g->uid, "user", _report_user (g->uid, known),
        "name", g->name, "jobs", (json_int_t) g->jobs, "incidents",
        (json_int_t) g->incidents, "killed", (json_int_t) g->killed,
        "suspended", (json_int_t) g->suspended, "grown", (json_int_t) g->grown,
        "reservation", _report_mean (g), "peak_p95", (json_int_t) g->p95,
        "advice", g->jobs ? text : "", "advice_bytes", (json_int_t) g->advice,
        "reserved_gib_h", _report_gib_h (g->reserved), "used_gib_h",
        _report_gib_h (g->used), "over_gib_h", _report_gib_h (g->over),
        "gain_gib_h", _report_gib_h (g->gain));
}

static json_t *_report_when (int64_t us)
{
    time_t s = us / 1000000;
    struct tm tm;
    char t[32];

    if (us <= 0)
        return json_null ();
    strftime (t, sizeof (t), "%Y-%m-%dT%H:%M:%SZ", gmtime_r (&s, &tm));
    return json_string (t);
}

/* How many incidents ended how, in BINS parts of the time from the first to the last. */
static json_t *_report_times (const struct report_sum *s)
{
    int64_t from = s->events ? s->event[0].us : 0, to = from, width;
    uint64_t n[MW_OUTCOME_COUNT][REPORT_BINS] = { { 0 } };
    json_t *bins = json_object ();

    for (size_t i = 0; i < s->events; i++) {
        from = s->event[i].us < from ? s->event[i].us : from;
        to = s->event[i].us > to ? s->event[i].us : to;
    }
    width = (to - from) / REPORT_BINS + 1;
    for (size_t i = 0; i < s->events; i++)
        n[s->event[i].out][(s->event[i].us - from) / width]++;
    for (int out = 0; out < MW_OUTCOME_COUNT; out++) {
        json_t *of = json_array ();

        for (int i = 0; i < REPORT_BINS; i++)
            json_array_append_new (of, json_integer ((json_int_t) n[out][i]));
        json_object_set_new (bins, mw_outcome_name[out], of);
    }
    return json_pack ("{s:o s:f s:o}", "from", _report_when (from), "width_s",
                      (double) width / 1e6, "ended", bins);
}

json_t *report_json (const struct report_sum *s)
{
    double over = 0, reserved = 0, used = 0, gain = 0;
    json_t *groups = json_array (), *out = json_object ();
    cleanup_json json_t *known = json_object ();

    for (size_t i = 0; i < s->groups; i++) {
        json_array_append_new (groups,
                               _report_group_json (&s->group[i], known));
        over += s->group[i].over;
        reserved += s->group[i].reserved;
        used += s->group[i].used;
        gain += s->group[i].gain > 0 ? s->group[i].gain : 0;
    }
    for (int i = 0; i < MW_OUTCOME_COUNT; i++)
        json_object_set_new (out, mw_outcome_name[i],
                             json_integer ((json_int_t) s->outcome[i]));
    return json_pack (
        "{s:i s:o s:o s:I s:I s:I s:I s:I s:o s:I s:I s:I s:I s:I s:I s:f s:I "
        "s:f s:f s:f s:f s:f s:s s:o s:o}",
        "v", 1, "since", _report_when (s->since_us), "until",
        _report_when (s->last_us), "journals", (json_int_t) s->journals,
        "records", (json_int_t) s->records, "unread", (json_int_t) s->unread,
        "jobs", (json_int_t) s->jobs, "incidents", (json_int_t) s->incidents,
        "outcomes", out, "held", (json_int_t) s->held, "suspended",
        (json_int_t) s->suspended, "grown", (json_int_t) s->grown,
        "kernel_kills", (json_int_t) s->kernel_kills, "lent_bytes",
        (json_int_t) s->lent, "returned_bytes", (json_int_t) s->returned,
        "lent_gib_h", _report_gib_h (s->lent_time), "saved_jobs",
        (json_int_t) s->saved_jobs, "saved_cpu_h", s->saved_time / CPU_H,
        "reserved_gib_h", _report_gib_h (reserved), "used_gib_h",
        _report_gib_h (used), "over_gib_h", _report_gib_h (over), "gain_gib_h",
        _report_gib_h (gain), "rule", REPORT_RULE, "groups", groups, "times",
        _report_times (s));
}

/* ---- for people ---------------------------------------------------------- */

static double _report_real (const json_t *j, const char *key)
{
    return json_number_value (json_object_get (j, key));
}

static unsigned long long _report_of (const json_t *report, const char *out)
{
    return cli_number (json_object_get (report, "outcomes"), out);
}

static void _report_sums (const json_t *r, FILE *out)
{
    char a[MW_SIZE_STRLEN], b[MW_SIZE_STRLEN];

    fprintf (out,
             "From %s to %s: %llu jobs, %llu incidents\n"
             "  went on             %llu   (held %llu, suspended %llu, grown "
             "%llu)\n"
             "  requeued            %llu\n"
             "  killed              %llu\n"
             "  ended by themselves %llu\n"
             "The kernel itself has killed in %llu of them, %llu processes in "
             "all.\n",
             *cli_text (r, "since") ? cli_text (r, "since") : "the begin",
             *cli_text (r, "until") ? cli_text (r, "until") : "now",
             cli_number (r, "jobs"), cli_number (r, "incidents"),
             _report_of (r, "recovered"), cli_number (r, "held"),
             cli_number (r, "suspended"), cli_number (r, "grown"),
             _report_of (r, "requeued"), _report_of (r, "killed"),
             _report_of (r, "ended") + _report_of (r, "other"),
             _report_of (r, "kernel-killed"), cli_number (r, "kernel_kills"));
    fprintf (out,
             "Lent: %.2f GiB h (%s, of which %s came back while the jobs "
             "ran)\n"
             "Saved: %.2f CPU h of %llu jobs that went on after an OOM\n"
             "Reserved: %.2f GiB h, of which %.2f were never used\n"
             "Gain by the advice below: %.2f GiB h\n",
             _report_real (r, "lent_gib_h"),
             mw_size_format (cli_number (r, "lent_bytes"), a, sizeof (a)),
             mw_size_format (cli_number (r, "returned_bytes"), b, sizeof (b)),
             _report_real (r, "saved_cpu_h"), cli_number (r, "saved_jobs"),
             _report_real (r, "reserved_gib_h"), _report_real (r, "over_gib_h"),
             _report_real (r, "gain_gib_h"));
}

void report_print (const json_t *report, FILE *out)
{
    const json_t *groups = json_object_get (report, "groups");
    cleanup_json json_t *first = json_array ();
    cleanup_free char *table = NULL;
    size_t n = json_array_size (groups);

    _report_sums (report, out);
    for (size_t i = 0; i < n && i < SHOWN; i++)
        json_array_append (first, json_array_get (groups, i));
    if (n == 0)
        return;
    table = tables_report (first, 0);
    fprintf (out, "\n%s", table ? table : "");
    if (n > SHOWN)
        fprintf (out, "… and %zu more: --json or --csv has all\n", n - SHOWN);
    fprintf (out, "\nAdvice for --mem: %s.\n", REPORT_RULE);
    if (cli_number (report, "unread") > 0)
        fprintf (out, "%llu lines were no records.\n",
                 cli_number (report, "unread"));
}

/* ---- for spreadsheets ---------------------------------------------------- */

/* A text in quotes; what a spreadsheet would take for a formula has a ' before it
 * (OWASP, "CSV Injection"). */
static void _report_cell (const char *text, FILE *out)
{
    cleanup_free char *tame = strdup (text);

    if (!tame)
        return;
    mw_tame (tame, "");
    fputc ('"', out);
    if (strchr ("=+-@|%\t\r\n;,", text[strspn (text, " ")]) && *text)
        fputc ('\'', out);
    for (const char *p = tame; *p; p++) {
        if (*p == '"')
            fputc ('"', out);
        fputc (*p, out);
    }
    fputc ('"', out);
}

void report_csv (const json_t *report, FILE *out)
{
    static const char *const numbers[] = { "jobs",     "incidents",
                                           "killed",   "suspended",
                                           "grown",    "reservation",
                                           "peak_p95", "advice_bytes" };
    static const char *const reals[] = { "reserved_gib_h", "used_gib_h",
                                         "over_gib_h", "gain_gib_h" };
    const json_t *groups = json_object_get (report, "groups");
    const json_t *g;
    size_t i;

    fputs ("uid,user,name", out);
    for (size_t k = 0; k < sizeof (numbers) / sizeof (numbers[0]); k++)
        fprintf (out, ",%s", numbers[k]);
    for (size_t k = 0; k < sizeof (reals) / sizeof (reals[0]); k++)
        fprintf (out, ",%s", reals[k]);
    fputs ("\r\n", out);
    json_array_foreach (groups, i, g) {
        fprintf (out, "%llu,", cli_number (g, "uid"));
        _report_cell (cli_text (g, "user"), out);
        fputc (',', out);
        _report_cell (cli_text (g, "name"), out);
        for (size_t k = 0; k < sizeof (numbers) / sizeof (numbers[0]); k++)
            fprintf (out, ",%llu", cli_number (g, numbers[k]));
        for (size_t k = 0; k < sizeof (reals) / sizeof (reals[0]); k++)
            fprintf (out, ",%.6f", _report_real (g, reals[k]));
        fputs ("\r\n", out);
    }
}

/* ---- the command --------------------------------------------------------- */

/* "7d", "12h": so long ago; "2026-11-01", "2026-11-01T08:30": this machine's time. */
static int _report_since (const char *text, int64_t *us, struct mw_err *err)
{
    static const char *const forms[] = { "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M",
                                         "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M",
                                         "%Y-%m-%d" };
    int64_t now = (int64_t) clock_wall_us ();
    uint64_t ms;

    if (!strchr (text, '-') && mw_duration_parse (text, &ms, NULL) == 0) {
        *us = now - (int64_t) ms * 1000;
        return 0;
    }
    for (size_t i = 0; i < sizeof (forms) / sizeof (forms[0]); i++) {
        struct tm tm = { .tm_isdst = -1 };
        const char *end = strptime (text, forms[i], &tm);

        if (!end || *end)
            continue;
        *us = (int64_t) mktime (&tm) * 1000000;
        if (*us <= now)
            return 0;
        return mw_err_code (err, EINVAL, "--since %.40s has yet to come", text);
    }
    return mw_err_code (err, EINVAL,
                        "--since \"%.40s\" is not understood; write how long "
                        "ago (7d, 12h), or a day (2026-11-01) or a time "
                        "(2026-11-01T08:30)",
                        text);
}

/* The journal of this node: the file before the present one, and that. */
static int _report_own (const struct cli_command *self,
                        const struct cli_common *common, struct report_sum *s)
{
    cleanup_file FILE *old = NULL, *f = NULL;
    int rc = CLI_FAILED;

    if (!(old = cli_open_history (self, common, true, &rc)) ||
        !(f = cli_open_history (self, common, false, &rc)))
        return rc;
    if (report_read (s, old, false) == 0 && report_read (s, f, true) == 0)
        return CLI_OK;
    fprintf (stderr, "memwarden report: the journal cannot be read: %s\n",
             strerror (errno));
    return CLI_FAILED;
}

static int _report_file (const char *path, struct report_sum *s)
{
    bool in = strcmp (path, "-") == 0;
    cleanup_file FILE *f = in ? NULL : fopen (path, "re");
    uint64_t unread = s->unread, records = s->records;

    if ((!in && !f) || report_read (s, in ? stdin : f, true) < 0) {
        fprintf (stderr, "memwarden report: cannot read %s: %s\n", path,
                 strerror (errno));
        return CLI_FAILED;
    }
    if (s->records > records && s->unread - unread == s->records - records) {
        fprintf (stderr,
                 "memwarden report: %s is no journal: name a journal.jsonl of "
                 "history-dir, or a copy of one\n",
                 path);
        return CLI_FAILED;
    }
    return CLI_OK;
}

enum report_form { FORM_TEXT, FORM_CSV, FORM_HTML };

static int _report_out (const struct report_sum *s, bool json,
                        enum report_form form)
{
    cleanup_json json_t *report = report_json (s);

    if (!report) {
        fprintf (stderr, "memwarden report: no memory left\n");
        return CLI_FAILED;
    }
    if (json)
        return cli_print_json (report);
    if (form == FORM_CSV) {
        report_csv (report, stdout);
    } else if (form == FORM_HTML) {
        report_html (report, stdout);
    } else {
        cli_tame (report);
        report_print (report, stdout);
    }
    return fflush (stdout) == 0 ? CLI_OK : CLI_FAILED;
}

int cli_report (const struct cli_command *self, int argc, char **argv)
{
    static const struct option options[] = { CLI_COMMON_OPTIONS,
                                             { "since", required_argument, NULL,
                                               's' },
                                             { "csv", no_argument, NULL, 'c' },
                                             { "html", no_argument, NULL, 'm' },
                                             { 0 } };
    struct cli_common common = { 0 };
    enum report_form form = FORM_TEXT;
    struct report_sum sum;
    struct mw_err err = { "" };
    int64_t since = 0;
    int c, rc = CLI_OK;

    while ((c = getopt_long (argc, argv, CLI_LETTERS, options, NULL)) != -1) {
        if (c == 's' && _report_since (optarg, &since, &err) < 0)
            return cli_usage (self, "%s", err.text);
        if (c == 'c' || c == 'm')
            form = c == 'c' ? FORM_CSV : FORM_HTML;
        else if (c != 's')
            cli_common_option (self, c, &common);
    }
    if (common.json && form != FORM_TEXT)
        return cli_usage (self, "--json, --csv and --html are three forms: "
                                "write one");
    if (report_begin (&sum, since) < 0)
        return CLI_FAILED;
    if (optind == argc)
        rc = _report_own (self, &common, &sum);
    for (int i = optind; i < argc && rc == CLI_OK; i++)
        rc = _report_file (argv[i], &sum);
    report_end (&sum);
    if (rc == CLI_OK)
        rc = _report_out (&sum, common.json, form);
    report_free (&sum);
    return rc;
}
