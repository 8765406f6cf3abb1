/* history.c - memwarden events and why: the journal, for people
 *
 * The warden only checks who asks and hands over a descriptor; reading, which
 * may be long, is done here.  Where no warden answers, root reads the file
 * itself.
 */
#include "handler/cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "handler/account/otherwise.h"
#include "handler/cli/elsewhere.h"
#include "handler/cli/summary.h"
#include "handler/cli/why_html.h"
#include "handler/conf/conf.h"
#include "lib/cleanup.h"
#include "lib/client.h"
#include "lib/units.h"
#include "lib/wire.h"

#define TIMEOUT_MS 5000
#define FOLLOW_MS 200
#define FOLLOW_LOOK 5 /* rounds until a new file is looked for */

/* The file itself, for root. */
static int _history_open_file (const struct cli_common *common, bool old,
                               struct mw_err *err)
{
    static struct conf conf;
    char path[PATH_MAX + 32];
    int fd;

    if (!common->state_dir && conf_load (&conf, CONF_PATH_DEFAULT, err) < 0)
        return -1;
    snprintf (path, sizeof (path), "%s/journal.jsonl%s",
              common->state_dir ? common->state_dir : conf_history_dir (&conf),
              old ? ".1" : "");
    fd = open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        mw_err_errno (err,
                      "no warden answers, and its journal %s cannot be "
                      "read; --state-dir names another place",
                      path);
    return fd;
}

/* Of the desk, also for root.  Returns a descriptor; -1 with errno, ENOENT: nothing has
 * happened to this user; [*answers]: is there a warden? */
static int _history_ask (const struct cli_common *common, bool old,
                         bool *answers, struct mw_err *err)
{
    cleanup_json json_t *req = mw_wire_new ("history");
    cleanup_fd int sock = mw_client_open_users (common->socket, TIMEOUT_MS,
                                                err);
    int fd = -1;

    json_object_set_new (req, "old", json_boolean (old));
    *answers = sock >= 0;
    if (sock < 0 || mw_client_call (sock, req, NULL, 0, NULL, &fd, err) < 0)
        return -1;
    return fd;
}

/* Returns a descriptor; -1 with errno, and the exit status in [*rc]. */
static int _history_open (const struct cli_command *self,
                          const struct cli_common *common, bool old, int *rc)
{
    bool root = geteuid () == 0, answers = false;
    struct mw_err err = { "" }, none;
    int fd = -1, saved;

    if (!common->state_dir)
        fd = _history_ask (common, old, &answers, &err);
    if (fd >= 0 || (answers && errno == ENOENT))
        return fd;
    saved = errno;
    /* by itself, where nobody answers, or not in time */
    if (root && (!answers || errno == ETIMEDOUT || errno == EAGAIN)) {
        fd = _history_open_file (common, old, answers ? &none : &err);
        if (fd >= 0 || (old && errno == ENOENT))
            return fd;
        saved = answers ? saved : errno;
    }
    errno = saved;
    if (rc && answers)
        *rc = cli_fail (self, &err, errno);
    else if (rc) {
        fprintf (stderr, "memwarden %s: %s\n", self->name, err.text);
        *rc = CLI_NO_WARDEN;
    }
    errno = saved == ENOENT ? EIO : saved;
    return -1;
}

FILE *cli_open_history (const struct cli_command *self,
                        const struct cli_common *common, bool old, int *rc)
{
    cleanup_fd int fd = _history_open (self, common, old, rc);
    FILE *f;

    if (fd < 0)
        return errno == ENOENT ? fopen ("/dev/null", "r") : NULL;
    if (!(f = fdopen (fd, "r"))) {
        if (rc)
            *rc = CLI_FAILED;
        return NULL;
    }
    fd = -1;
    rewind (f); /* the descriptor's place may be shared */
    return f;
}

/* It could not be opened: [rc]. Returns that. */
static int _history_absent (const struct cli_command *self, const char *job,
                            int rc)
{
    if (rc == CLI_NO_WARDEN)
        elsewhere_say (self->name, job);
    return rc;
}

static const json_t *_spec (const json_t *record)
{
    return json_object_get (json_object_get (record, "st"), "spec");
}

/* A job's steps that have a limit of their own are a part of it. */
static bool _about (const json_t *record, const char *job)
{
    const json_t *spec = _spec (record);

    return !job || cli_is_meant (job, cli_text (record, "job"), spec) ||
           strcmp (job, cli_text (spec, "of")) == 0;
}

char *cli_local_time (const char *utc, char *buf, size_t len)
{
    struct tm tm = { 0 };
    time_t t;

    if (!strptime (utc, "%Y-%m-%dT%H:%M:%S", &tm)) {
        snprintf (buf, len, "?");
        return buf;
    }
    t = timegm (&tm);
    localtime_r (&t, &tm);
    strftime (buf, len, "%Y-%m-%d %H:%M:%S", &tm);
    return buf;
}

/* Every record without what only a restart needs. */
static int _print_record (json_t *record, bool json)
{
    char t[32];

    if (json) {
        json_object_del (record, "st");
        return cli_print_json (record);
    }
    cli_tame (record);
    if (!*cli_text (record, "text")) /* the rest of a decision */
        return CLI_OK;
    cli_local_time (cli_text (record, "t"), t, sizeof (t));
    printf ("%s %-11s %s\n", t, cli_text (record, "event"),
            cli_text (record, "text"));
    return CLI_OK;
}

/* Read a line that is whole. Returns its length; 0 = not yet. */
static ssize_t _history_line (FILE *f, char **text, size_t *room)
{
    off_t at = ftello (f);
    ssize_t n = getline (text, room, f);

    if (n > 0 && (*text)[n - 1] == '\n')
        return n;
    clearerr (f);
    fseeko (f, at, SEEK_SET);
    return 0;
}

static void _print_all (FILE *f, const char *job, bool json)
{
    cleanup_free char *text = NULL;
    size_t room = 0;
    ssize_t n;

    while ((n = _history_line (f, &text, &room)) > 0) {
        cleanup_json json_t *r = json_loadb (text, (size_t) n, 0, NULL);

        if (r && _about (r, job))
            _print_record (r, json);
    }
    fflush (stdout);
}

/* The journal goes on in a new file when one has become too long. */
static bool _same_file (FILE *a, FILE *b)
{
    struct stat x, y;

    return fstat (fileno (a), &x) == 0 && fstat (fileno (b), &y) == 0 &&
           x.st_ino == y.st_ino && x.st_dev == y.st_dev;
}

/* While no warden answers, what there is is still followed. */
_Noreturn static void _follow (const struct cli_command *self,
                               const struct cli_common *common, const char *job,
                               FILE *f)
{
    struct timespec pause = { .tv_nsec = FOLLOW_MS * 1000000 };
    FILE *now;

    for (unsigned round = 1;; round++) {
        nanosleep (&pause, NULL);
        now = round % FOLLOW_LOOK == 0
                  ? cli_open_history (self, common, false, NULL)
                  : NULL;
        _print_all (f, job, common->json);
        if (now && !_same_file (now, f)) {
            fclose (f);
            f = now;
        } else if (now) {
            fclose (now);
        }
    }
}

int cli_events (const struct cli_command *self, int argc, char **argv)
{
    static const struct option options[] = {
        CLI_COMMON_OPTIONS,
        { "follow", no_argument, NULL, 'f' },
        { "job", required_argument, NULL, 'j' },
        { 0 }
    };
    struct cli_common common = { 0 };
    cleanup_file FILE *old = NULL, *f = NULL;
    const char *job = NULL;
    bool follow = false;
    int c, rc = CLI_OK;

    while ((c = getopt_long (argc, argv, CLI_LETTERS "f", options, NULL)) !=
           -1) {
        if (c == 'f')
            follow = true;
        else if (c == 'j')
            job = optarg;
        else
            cli_common_option (self, c, &common);
    }
    if (optind < argc)
        return cli_usage (self,
                          "\"%.40s\" is not understood; --job JOB names "
                          "a job",
                          argv[optind]);
    if (!(old = cli_open_history (self, &common, true, &rc)) ||
        !(f = cli_open_history (self, &common, false, &rc)))
        return _history_absent (self, job, rc);
    _print_all (old, job, common.json);
    _print_all (f, job, common.json);
    if (follow)
        _follow (self, &common, job, f);
    return CLI_OK;
}

/* ---- why ----------------------------------------------------------------- */

struct story {
    unsigned long long began_ms; /* of the incident being told */
    char incident[96];
    unsigned incidents;
    bool header;
    const json_t *records; /* all of this job */
    unsigned registered;   /* times, among them */
    unsigned runs;         /* told so far */
    long long restarts;    /* of the run being told; -1 = not known */
};

static void _tell_header (struct story *s, const json_t *record)
{
    char a[MW_SIZE_STRLEN], b[MW_SIZE_STRLEN], member[64] = "";
    const json_t *st = json_object_get (record, "st"), *spec = _spec (record);
    unsigned long long array = cli_number (spec, "array_job_id");

    if (s->header || !st)
        return;
    s->header = true;
    if (array)
        snprintf (member, sizeof (member), " (%llu_%llu)", array,
                  cli_number (spec, "array_task_id"));
    printf ("%s %s%s, uid %llu: reservation %s, limit %s, priority %llu\n"
            "Its ladder: %s\n",
            *cli_text (spec, "of") ? "Step" : "Job", cli_text (record, "job"),
            member, cli_number (record, "uid"),
            mw_size_format (cli_number (st, "reservation"), a, sizeof (a)),
            mw_size_format (cli_number (st, "limit"), b, sizeof (b)),
            cli_number (st, "priority"), cli_text (st, "ladder"));
}

static bool _begins_run (const json_t *record)
{
    return strcmp (cli_text (record, "event"), "registered") == 0;
}

/* How often the job had been restarted before the run that begins at [place];
 * -1 where the controller has not said so. */
static long long _restarts (const struct story *s, size_t place)
{
    long long restarts = -1;
    const json_t *st, *record = json_array_get (s->records, place);

    do {
        st = json_object_get (record, "st");
        if (json_object_get (st, "restarts"))
            restarts = (long long) cli_number (st, "restarts");
        record = json_array_get (s->records, ++place);
    } while (record && !_begins_run (record));
    return restarts;
}

/* A job that was requeued, or a name that was used again, has several runs; one
 * without an extern step is registered at each of its steps, in one run. */
static void _tell_run (struct story *s, size_t place)
{
    const json_t *record = json_array_get (s->records, place);
    long long restarts = _restarts (s, place);
    char t[32];

    if (s->runs > 0 && restarts >= 0 && restarts == s->restarts)
        return;
    s->runs++;
    s->restarts = restarts;
    if (s->registered == 1 && restarts <= 0)
        return;
    cli_local_time (cli_text (record, "t"), t, sizeof (t));
    if (restarts >= 0)
        printf ("\nRun %lld, from %s\n", restarts + 1, t);
    else
        printf ("\n%s, from %s\n", s->runs > 1 ? "Once more" : "At first", t);
}

/* A record as a line of the story: when, counted from the incident's begin. */
static void _history_tell (struct story *s, const json_t *record)
{
    const char *incident = cli_text (record, "incident");
    unsigned long long ms = cli_number (record, "ms");
    char t[32], used[MW_SIZE_STRLEN];

    if (*incident && strcmp (incident, s->incident) != 0) {
        snprintf (s->incident, sizeof (s->incident), "%s", incident);
        s->began_ms = ms;
        s->incidents++;
        cli_local_time (cli_text (record, "t"), t, sizeof (t));
        printf ("\nIncident %s, %s\n", incident, t);
    }
    if (!*incident) {
        s->incidents += !strcmp (cli_text (record, "event"), "kernel-kill") ||
                        !strcmp (cli_text (record, "event"), "shadow");
        cli_local_time (cli_text (record, "t"), t, sizeof (t));
        printf ("  %s  %-10s %s\n", t, cli_text (record, "event"),
                cli_text (record, "text"));
        return;
    }
    printf ("  %+9.3f s  %-10s %s [%s in use]\n",
            (double) (ms - s->began_ms) / 1000, cli_text (record, "event"),
            cli_text (record, "text"),
            mw_size_format (cli_number (record, "used"), used, sizeof (used)));
}

/* What is no part of an OOM's story. */
static bool _dull (const json_t *record)
{
    const char *event = cli_text (record, "event");

    return strcmp (event, "note") == 0 && !*cli_text (record, "incident");
}

static int _nothing (const struct cli_command *self, const char *key)
{
    fprintf (stderr,
             "memwarden why: nothing is known of a job %s here%s; "
             "`memwarden jobs` lists those that run, `memwarden events` what "
             "has happened\n",
             key, geteuid () == 0 ? "" : " that is yours");
    (void) self;
    return CLI_NO_JOB;
}

static void _history_collect (FILE *f, const char *job, json_t *all)
{
    cleanup_free char *text = NULL;
    size_t room = 0;
    ssize_t n;

    while ((n = _history_line (f, &text, &room)) > 0) {
        cleanup_json json_t *r = json_loadb (text, (size_t) n, 0, NULL);

        if (r && _about (r, job) && !_dull (r))
            json_array_append (all, r);
    }
}

/* Tell the story of one job, of whose records [s] has all. */
static void _tell_job (struct story *s)
{
    json_t *record;
    size_t i;

    json_array_foreach (s->records, i, record)
        s->registered += _begins_run (record);
    json_array_foreach (s->records, i, record) {
        cli_tame (record);
        _tell_header (s, record);
        if (_begins_run (record))
            _tell_run (s, i);
        _history_tell (s, record);
        summary_tell (record);
    }
    if (s->incidents == 0)
        printf ("\nIt has had no OOM here.\n");
}

static bool _had_incident (const json_t *records)
{
    const json_t *record;
    size_t i;

    json_array_foreach (records, i, record) {
        if (*cli_text (record, "incident"))
            return true;
    }
    return false;
}

/* Each job that is in [all], in the order in which they came; of their steps
 * those that had an OOM, or the one that was [asked] for. */
static void _tell_each (const json_t *all, const char *asked)
{
    cleanup_json json_t *jobs = json_object ();
    const char *key;
    json_t *record, *own;
    bool first = true;
    size_t i;

    json_array_foreach (all, i, record) {
        key = cli_text (record, "job");
        if (!(own = json_object_get (jobs, key)))
            json_object_set_new (jobs, key, own = json_array ());
        json_array_append (own, record);
    }
    json_object_foreach (jobs, key, own) {
        struct story story = { .records = own };
        const json_t *spec = _spec (json_array_get (own, 0));

        if (*cli_text (spec, "of") && strcmp (key, asked) != 0 &&
            !_had_incident (own))
            continue;
        if (!first)
            putchar ('\n');
        first = false;
        _tell_job (&story);
    }
}

/* What would have spared [job] where [d] chose it. */
static void _tell_otherwise (const struct decision *d, const char *job)
{
    char size[MW_SIZE_STRLEN], t[32];
    struct otherwise o;

    for (unsigned i = 0; i < d->count; i++) {
        if (strcmp (d->jobs[i].key, job) != 0 || otherwise_ask (d, i, &o) < 0)
            continue;
        cli_local_time (d->time, t, sizeof (t));
        printf ("\nDecision %" PRIu64 ", %s, all else as it was:\n", d->id, t);
        if (o.reservation > 0)
            printf ("  reserving %s (--mem), it would not have been chosen\n",
                    mw_size_format (o.reservation, size, sizeof (size)));
        else
            puts ("  no reservation (--mem) would have spared it");
        if (o.others > 0)
            printf (
                "  had %s not been there, it would not have been chosen%s\n",
                d->jobs[o.other].key,
                o.others > 1 ? "; nor without any one of others" : "");
        else if (d->count > 1)
            puts ("  it would have been chosen without any one of the others, "
                  "too");
    }
}

/* Decisions are about no job, and root's. */
static void _tell_decisions (FILE *f, const char *job, struct decision *d)
{
    cleanup_free char *text = NULL;
    struct mw_err err;
    size_t room = 0;
    ssize_t n;

    rewind (f);
    while ((n = _history_line (f, &text, &room)) > 0) {
        cleanup_json json_t *r = json_loadb (text, (size_t) n, 0, NULL);

        if (!r || decision_take (d, r, &err) <= 0)
            continue;
        _tell_otherwise (d, job);
        decision_free (d);
    }
}

/* The story as a page, with the neighbours that the same journal tells of. */
static int _why_page (FILE *old, FILE *f, const json_t *all)
{
    cleanup_json json_t *others = json_object ();

    why_others (old, all, others);
    why_others (f, all, others);
    why_html (all, others, stdout);
    return fflush (stdout) == 0 ? CLI_OK : CLI_FAILED;
}

int cli_why (const struct cli_command *self, int argc, char **argv)
{
    static const struct option options[] = { CLI_COMMON_OPTIONS,
                                             { "html", no_argument, NULL, 'm' },
                                             { 0 } };
    cleanup_json json_t *all = json_array ();
    struct cli_common common = { 0 };
    cleanup_file FILE *old = NULL, *f = NULL;
    json_t *record;
    size_t i;
    int c, rc = CLI_OK;
    bool html = false;

    while ((c = getopt_long (argc, argv, CLI_LETTERS, options, NULL)) != -1) {
        if (c == 'm')
            html = true;
        else
            cli_common_option (self, c, &common);
    }
    if (html && common.json)
        return cli_usage (self, "--json and --html are two forms: write one");
    if (optind + 1 != argc)
        return cli_usage (self,
                          optind < argc ? "one job at a time" : "which job?");
    if (!(old = cli_open_history (self, &common, true, &rc)) ||
        !(f = cli_open_history (self, &common, false, &rc)))
        return _history_absent (self, argv[optind], rc);
    _history_collect (old, argv[optind], all);
    _history_collect (f, argv[optind], all);
    if (json_array_size (all) == 0)
        return _nothing (self, argv[optind]);
    if (html)
        return _why_page (old, f, all);
    if (!common.json) {
        struct decision d = { .id = 0 };

        _tell_each (all, argv[optind]);
        _tell_decisions (old, argv[optind], &d);
        _tell_decisions (f, argv[optind], &d);
        decision_free (&d);
        return CLI_OK;
    }
    json_array_foreach (all, i, record)
        json_object_del (record, "st");
    return cli_print_json (all);
}
