/* metrics.c - numbers for Prometheus */
#include "handler/scribe/metrics.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "lib/cleanup.h"
#include "lib/clock.h"

/* ---- the text ------------------------------------------------------------ */

static void _head (FILE *f, const char *name, const char *type,
                   const char *help)
{
    fprintf (f, "# HELP memwarden_%s %s\n# TYPE memwarden_%s %s\n", name, help,
             name, type);
}

static void _gauge (FILE *f, const char *name, uint64_t value, const char *help)
{
    _head (f, name, "gauge", help);
    fprintf (f, "memwarden_%s %" PRIu64 "\n", name, value);
}

static void _counter (FILE *f, const char *name, uint64_t value,
                      const char *help)
{
    _head (f, name, "counter", help);
    fprintf (f, "memwarden_%s %" PRIu64 "\n", name, value);
}

/* Requests that the courier has not done. */
static uint64_t _in_spool (const char *state)
{
    char path[PATH_MAX + 16];
    cleanup_dir DIR *dir = NULL;
    uint64_t n = 0;

    snprintf (path, sizeof (path), "%s/spool/req", state);
    dir = opendir (path);
    for (struct dirent *d; dir && (d = readdir (dir));)
        n += d->d_name[0] != '.';
    return n;
}

static void _metrics_node (FILE *f, const struct metrics_of *of)
{
    _head (f, "info", "gauge", "Which memwarden this is; always 1.");
    fprintf (f, "memwarden_info{version=\"%s\"} 1\n", PACKAGE_VERSION);
    _gauge (f, "up", of->up, "Does the warden run? 0: it has been stopped.");
    _gauge (f, "shadow", of->set->shadow,
            "1 where it decides and records, and does nothing.");
    _gauge (f, "node_memory_bytes", of->warden->node_memory,
            "Memory of the node.");
    _gauge (f, "node_reserve_bytes", of->warden->node_reserve,
            "Memory that is kept free on the node (node-reserve).");
    if (of->warden->pool_limit != UINT64_MAX)
        _gauge (f, "pool_limit_bytes", of->warden->pool_limit,
                "What all jobs together may use.");
    _gauge (f, "spool_requests", _in_spool (of->set->state),
            "Requests that wait for the courier.");
}

static void _metrics_jobs (FILE *f, const struct tally *t)
{
    struct tally_jobs sum;

    tally_jobs (t, &sum);
    _gauge (f, "jobs", sum.jobs, "Jobs on this node.");
    _gauge (f, "jobs_in_incident", sum.in_incident,
            "Jobs whose OOM is being handled.");
    _gauge (f, "jobs_held", sum.held, "Jobs that are frozen.");
    _gauge (f, "jobs_suspended", sum.suspended,
            "Jobs that are suspended at the controller for their memory.");
    _gauge (f, "jobs_slowed", sum.slowed, "Jobs that are slowed down.");
    _gauge (f, "jobs_reserved_bytes", sum.reserved,
            "What the jobs have reserved.");
    _gauge (f, "jobs_limit_bytes", sum.limit,
            "The jobs' limits, without what is lent.");
    _gauge (f, "jobs_lent_bytes", sum.lent,
            "What the jobs are lent above their limits just now.");
    _gauge (f, "jobs_used_bytes", sum.used,
            "What the jobs use, without files' page cache.");
    _gauge (f, "jobs_cache_bytes", sum.cache,
            "Page cache of files that is charged to the jobs.");
}

/* Those of each kind that there may always be are there from the start, at 0: a rate
 * cannot be told of what begins at 1. */
static void _metrics_incidents (FILE *f, const struct tally *t)
{
    _head (f, "incidents_detected_total", "counter",
           "Incidents that have begun, by what has begun them.");
    for (unsigned i = 0; i < TALLY_TRIGGERS; i++)
        fprintf (f,
                 "memwarden_incidents_detected_total{trigger=\"%s\"} %" PRIu64
                 "\n",
                 tally_trigger_name[i], t->detected[i]);
    _head (f, "incidents_total", "counter",
           "Incidents that are over, by the last step of the ladder and how "
           "they ended.");
    for (unsigned i = 0; i < TALLY_TRIGGERS * TALLY_STEPS * MW_OUTCOME_COUNT;
         i++) {
        unsigned out = i % MW_OUTCOME_COUNT;
        unsigned step = i / MW_OUTCOME_COUNT % TALLY_STEPS;
        unsigned trigger = i / MW_OUTCOME_COUNT / TALLY_STEPS;
        uint64_t n = t->resolved[trigger][step][out];

        if (n > 0 || (step == MW_STEP_KILL && out == MW_OUTCOME_KILLED) ||
            (step == MW_STEP_GROW && out == MW_OUTCOME_RECOVERED))
            fprintf (f,
                     "memwarden_incidents_total{trigger=\"%s\",step=\"%s\","
                     "outcome=\"%s\"} %" PRIu64 "\n",
                     tally_trigger_name[trigger],
                     step < MW_STEP_COUNT ? mw_steps[step].name : "none",
                     mw_outcome_name[out], n);
    }
}

static void _metrics_deeds (FILE *f, const struct dictate_news *w)
{
    static const uint32_t most[] = DICTATE_DEED_US;
    uint64_t n = 0;

    _head (f, "deed_seconds", "histogram",
           "From when the warden took up an event to when a step's deed was "
           "done.");
    for (unsigned i = 0; i < DICTATE_DEEDS; i++) {
        n += w->deed[i];
        if (i < DICTATE_DEEDS - 1)
            fprintf (f,
                     "memwarden_deed_seconds_bucket{le=\"%g\"} %" PRIu64 "\n",
                     most[i] / 1e6, n);
    }
    fprintf (f,
             "memwarden_deed_seconds_bucket{le=\"+Inf\"} %" PRIu64
             "\nmemwarden_deed_seconds_sum %" PRIu64 ".%06" PRIu64
             "\nmemwarden_deed_seconds_count %" PRIu64 "\n",
             n, w->deed_us / 1000000, w->deed_us % 1000000, n);
}

static void _metrics_lost (FILE *f, const struct metrics_of *of)
{
    const struct {
        const char *what;
        uint64_t n;
    } lost[] = {
        { "journal", of->warden->lost_journal },
        { "log", of->warden->lost_log },
        { "story", of->lost_story },
        { "syslog", of->warden->lost_syslog },
        { "webhook", of->warden->lost_webhook },
    };

    _head (f, "dropped_total", "counter",
           "Records and lines that could not be handed over, by where to.");
    for (size_t i = 0; i < sizeof (lost) / sizeof (lost[0]); i++)
        fprintf (f, "memwarden_dropped_total{to=\"%s\"} %" PRIu64 "\n",
                 lost[i].what, lost[i].n);
}

static void _metrics_text (FILE *f, const struct metrics_of *of)
{
    _metrics_node (f, of);
    _metrics_jobs (f, of->tally);
    _metrics_incidents (f, of->tally);
    _counter (f, "kernel_kills_total", of->tally->kernel_kills,
              "Processes that the kernel itself has killed for memory.");
    _counter (f, "lent_bytes_total", of->tally->lent,
              "Memory that was lent to jobs, added up.");
    _counter (f, "returned_bytes_total", of->tally->returned,
              "Memory that jobs have given back, added up.");
    _metrics_deeds (f, of->warden);
    _metrics_lost (f, of);
}

/* ---- the file ------------------------------------------------------------ */

void metrics_set (struct metrics *m, const char *path, uint64_t every_ms)
{
    /* two files that tell the same are an error of node_exporter's */
    if (m->path[0] && strcmp (m->path, path) != 0)
        unlink (m->path);
    *m = (struct metrics) { .every_ms = every_ms };
    snprintf (m->path, sizeof (m->path), "%s", path);
}

int metrics_wait (const struct metrics *m)
{
    uint64_t now = clock_ms ();

    if (!m->path[0])
        return -1;
    return m->due_ms > now ? (int) (m->due_ms - now) : 0;
}

/* The directory may be another's: what lies there already is not written through. */
static int _metrics_put (const char *path, const struct metrics_of *of)
{
    char fresh[PATH_MAX + 8];
    FILE *f;
    int fd, rc;

    snprintf (fresh, sizeof (fresh), "%s.new", path);
    unlink (fresh);
    fd = open (fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
               0644);
    if (fd < 0)
        return -1;
    if (fchmod (fd, 0644) < 0 || !(f = fdopen (fd, "w"))) {
        close (fd);
        return -1;
    }
    _metrics_text (f, of);
    rc = ferror (f) ? -1 : 0;
    if (fclose (f) == 0 && rc == 0 && rename (fresh, path) == 0)
        return 0;
    rc = errno;
    unlink (fresh);
    errno = rc;
    return -1;
}

int metrics_write (struct metrics *m, const struct metrics_of *of,
                   struct mw_err *said)
{
    bool failed = m->failing;

    said->text[0] = '\0';
    m->due_ms = clock_ms () + m->every_ms;
    m->failing = _metrics_put (m->path, of) < 0;
    if (m->failing && !failed)
        return mw_err_errno (
            said,
            "cannot write metrics-file %s; its directory is to "
            "be that of node_exporter's textfile collector",
            m->path);
    if (failed && !m->failing)
        mw_err_set (said, "metrics-file %s is written again", m->path);
    return 0;
}
