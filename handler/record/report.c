/* report.c - what is told, to whom, and when
 *
 * A record goes into the journal at once; the sentence waits in a small array
 * until the action is done and report_flush is called.
 */
#include "handler/record/report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "handler/job/warden.h"
#include "handler/pass/dictate.h"
#include "handler/pass/pass.h"
#include "handler/record/journal.h"
#include "handler/record/journald.h"
#include "handler/record/request.h"
#include "handler/record/story.h"
#include "lib/clock.h"
#include "lib/json_put.h"

#define LINES \
    (sizeof (((struct report *) 0)->line) / \
     sizeof (((struct report *) 0)->line[0]))

/* A line in a job's stderr that comes later than this is of no use to
 * anyone. */
#define NOTIFY_WITHIN_MS 60000

static int _open_syslog (void)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX, .sun_path = "/dev/log" };
    int fd = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd >= 0 && connect (fd, (struct sockaddr *) &to, sizeof (to)) < 0) {
        close (fd);
        fd = -1;
    }
    return fd;
}

void report_open (struct warden *w)
{
    struct report *r = w->report;

    r->journald = journald_open ();
    /* each reader gets a line once */
    r->syslog_fd = w->conf.syslog && (r->journald < 0 || !journald_is_syslog ())
                       ? _open_syslog ()
                       : -1;
}

void report_close (struct warden *w)
{
    struct report *r = w->report;

    if (r->syslog_fd >= 0)
        close (r->syslog_fd);
    if (r->journald >= 0)
        close (r->journald);
    r->syslog_fd = r->journald = -1;
}

/* ---- the sinks ----------------------------------------------------------- */

static void _to_syslog (struct report *r, int level, const char *text)
{
    char packet[MW_ERR_MAX + 64];
    int n;

    if (r->syslog_fd < 0)
        return;
    n = snprintf (packet, sizeof (packet), "<%d>memwardend[%d]: %s",
                  LOG_DAEMON | level, (int) getpid (), text);
    if (n >= (int) sizeof (packet))
        n = (int) sizeof (packet) - 1;
    if (send (r->syslog_fd, packet, (size_t) n, MSG_DONTWAIT | MSG_NOSIGNAL) >=
        0)
        return;
    r->dropped++;
    if (errno == ECONNREFUSED || errno == ENOTCONN) { /* syslogd restarted */
        close (r->syslog_fd);
        r->syslog_fd = _open_syslog ();
    }
}

/* Returns its length, of at most [room] bytes, without a 0. */
static size_t _log_line (const char *text, char *line, size_t room)
{
    time_t now = (time_t) (clock_wall_us () / 1000000);
    struct tm tm;
    char t[32];
    int n;

    localtime_r (&now, &tm);
    strftime (t, sizeof (t), "%Y-%m-%d %H:%M:%S", &tm);
    n = snprintf (line, room, "%s %s\n", t, text);
    if (n < (int) room)
        return (size_t) n;
    line[room - 1] = '\n';
    return room;
}

/* To the log file and, [also], to stderr. Returns false where it was not taken. */
static bool _to_log (struct report *r, const char *text, bool also)
{
    static struct dictate_line l = { .kind = DICTATE_LINE };
    size_t n = _log_line (text, l.text, sizeof (l.text));

    if (r->scribe < 0)
        return write (STDERR_FILENO, l.text, n) >= 0;
    l.also_stderr = also;
    return pass_send (r->scribe, &l, offsetof (struct dictate_line, text) + n,
                      -1) == 0;
}

/* What the log lacks is said there, when it is taken again. */
static bool _is_missing (struct report *r)
{
    char text[96];

    if (r->unsaid == 0)
        return false;
    snprintf (text, sizeof (text),
              "%" PRIu64
              " lines are missing here: the log could not be written",
              r->unsaid);
    if (!_to_log (r, text, r->foreground))
        return true;
    r->unsaid = 0;
    return false;
}

/* To each reader of the log once; [l] is what the line is about, NULL = no job. */
static void _report_to_log (struct report *r, int level, const char *text,
                            const struct report_line *l)
{
    const struct journald_line line = {
        .level = level,
        .text = text,
        .job = l ? l->job : "",
        .incident = l ? l->incident : "",
        .step = l && l->step ? l->step : "",
    };
    bool sent = r->journald >= 0 && journald_send (r->journald, &line) == 0;

    _to_syslog (r, level, text);
    if (_is_missing (r) || !_to_log (r, text, r->foreground && !sent)) {
        r->unsaid++;
        r->counts.lost_log++;
    }
}

/* The scribe has new records to copy. */
static void _tell_news (struct report *r)
{
    r->counts.kind = DICTATE_NEWS;
    r->counts.lost_syslog = r->dropped;
    if (r->news && r->scribe >= 0)
        r->news = pass_send (r->scribe, &r->counts, sizeof (r->counts), -1) < 0;
}

static void _spool (struct warden *w, struct job *job, enum spool_op op,
                    const char *text)
{
    static struct spool_request q; /* 2 KiB: not on the stack */

    request_fill (&q, w, job, op);
    if (op == SPOOL_NOTIFY)
        q.not_after_ms = clock_ms () + NOTIFY_WITHIN_MS;
    snprintf (q.text, sizeof (q.text), "%s", text);
    request_put (w, job, &q, true, NULL, NULL); /* or what is lost is said */
}

/* ---- the job ------------------------------------------------------------- */

/* Put the lines of [whom] about the job of line [first] into one: "memwarden:
 * job 12 reached …; grown …". Returns false where there is none. */
static bool _join (const struct report *r, unsigned first, unsigned whom,
                   char *buf, size_t len)
{
    const char *job = r->line[first].job;
    size_t used = 0, skip = strlen (job) + sizeof ("job : ") - 1;

    for (unsigned i = first; i < r->pending && used < len; i++) {
        const struct report_line *l = &r->line[i];
        const char *text = l->text;

        if (!(l->whom & whom) || l->closed || strcmp (l->job, job) != 0)
            continue;
        if (used > 0 && strncmp (text, "job ", 4) == 0 &&
            strncmp (text + 4, job, strlen (job)) == 0 &&
            strlen (text) > skip && text[skip - 2] == ':')
            text += skip;
        used += (size_t) snprintf (buf + used, len - used, "%s%s",
                                   used ? "; " : "memwarden: ", text);
    }
    return used > 0;
}

static bool _is_first (const struct report *r, unsigned i)
{
    for (unsigned k = 0; k < i; k++) {
        if (strcmp (r->line[k].job, r->line[i].job) == 0)
            return false;
    }
    return r->line[i].job[0] != '\0';
}

/* One line to its stderr: its steps write it, where they can; what none of them
 * hears now waits for one that comes back. */
static void _to_steps (struct warden *w, struct job *job,
                       const struct report_line *l)
{
    bool open = job->incident.open;

    if (job->spec.tells && !l->closed &&
        !w->up.tell (w, job, l->number, open, l->text))
        job_keep_line (job, l->number, open, l->text);
}

static void _ask_courier (struct warden *w)
{
    static char text[SPOOL_TEXT_MAX];
    struct report *r = w->report;

    for (unsigned i = 0; i < r->pending; i++) {
        struct job *job = warden_find (w, r->line[i].job);

        if (!job || job->spec.slurm_id == 0 || !_is_first (r, i))
            continue;
        if (!job->spec.tells && _join (r, i, REPORT_JOB, text, sizeof (text)))
            _spool (w, job, SPOOL_NOTIFY, text);
        if (_join (r, i, REPORT_COMMENT, text, sizeof (text)))
            _spool (w, job, SPOOL_COMMENT, text);
    }
}

/* Copying every job's state is work for when nobody is out of memory; if that
 * never comes, the file must not grow for ever all the same. */
static void _rotate (struct warden *w)
{
    struct mw_err err;

    if (w->later.first) /* only the old file has them */
        return;
    for (const struct job *job = w->jobs.first; job; job = job->next) {
        if (job->incident.open &&
            w->journal->file.len < w->journal->rotate_at * 2)
            return;
    }
    if (journal_rotate (w->journal, &w->jobs, &w->steps, &err) < 0)
        report_log (w, LOG_WARNING, "the journal goes on in its old file: %s",
                    err.text);
}

static void _flush_story (struct warden *w)
{
    unsigned missing;
    int why;

    story_flush (w);
    missing = story_missing (&why);
    w->report->counts.lost_webhook += missing;
    if (missing > 0)
        report_log (w, LOG_WARNING,
                    "%u records are missing in what the "
                    "webhooks will be told: %s",
                    missing, strerror (why));
}

static void _flush_news (struct warden *w)
{
    struct mw_err text;

    while (request_news (w, &text))
        report_log (w, LOG_WARNING, "%s", text.text);
}

void report_flush (struct warden *w)
{
    struct report *r = w->report;

    r->counts.node_memory = w->node_memory;
    r->counts.node_reserve = w->node_reserve;
    r->counts.pool_limit = w->pool_limit;
    _tell_news (r);
    journal_prepare (w->journal);
    _flush_story (w);
    _flush_news (w);
    if (r->pending == 0)
        return;
    for (unsigned i = 0; i < r->pending; i++) {
        const struct report_line *l = &r->line[i];
        struct job *job;

        if (l->whom & REPORT_LOG)
            _report_to_log (r, LOG_NOTICE, l->text, l);
        if ((l->whom & REPORT_JOB) && (job = warden_find (w, l->job))) {
            w->up.note (w, job, l->text);
            _to_steps (w, job, l);
        }
    }
    _ask_courier (w);
    r->pending = 0;
    if (w->journal->file.len > w->journal->rotate_at)
        _rotate (w);
}

/* ---- records ------------------------------------------------------------- */

/* The step that [job]'s incident is at; NULL. */
static const char *_report_step (const struct job *job)
{
    if (!job || !job->incident.open || !job->incident.ladder)
        return NULL;
    return mw_steps[job->incident.ladder->step[job->incident.step].kind].name;
}

/* A full disk is said once, and once again when it is over. */
static void _journal (struct warden *w, const struct job *job,
                      const char *event, const char *text, const char *more)
{
    bool failed_before = w->journal->failing;
    struct mw_err err;

    if (journal_append (w->journal, event, job, _report_step (job), text, more,
                        &err) < 0) {
        if (!failed_before)
            report_log (w, LOG_ERR,
                        "%s; what happens is not recorded until "
                        "that is mended",
                        err.text);
        w->report->counts.lost_journal++;
        return;
    }
    w->report->news = true;
    if (failed_before)
        report_log (w, LOG_NOTICE, "the journal can be written again");
    if ((w->conf.webhook[0] || w->conf.webhook_count > 0) && job &&
        !job->incident.quiet &&
        (job->incident.open || !strcmp (event, "resolved")))
        story_add (w, job, event);
}

/* "job 12.0: …" is "step 12.0: …" where it is one: it is done to a step as to
 * a job, and what does it need not know. */
__attribute__ ((format (printf, 3, 0))) static void _say (const struct job *job,
                                                          struct mw_err *text,
                                                          const char *fmt,
                                                          va_list ap)
{
    struct mw_err said;

    vsnprintf (said.text, sizeof (said.text), fmt, ap);
    if (job && job_is_step (job) && strncmp (said.text, "job ", 4) == 0)
        mw_err_set (text, "step %s", said.text + 4);
    else
        *text = said;
}

/* Is it one of so many (policy/often.h) that it is on record, and no more?  What
 * has failed is told all the same. */
static bool _is_quiet (const struct job *job, const char *event)
{
    return job && job->incident.quiet && strcmp (event, "failed") != 0;
}

__attribute__ ((format (printf, 6, 0))) static void _report (
    struct warden *w, struct job *job, const char *event, unsigned whom,
    const char *more, const char *fmt, va_list ap)
{
    struct report *r = w->report;
    struct mw_err text, tame;
    struct report_line *l;
    int saved = errno;

    if (w->conf.shadow) /* nothing has been done to the job */
        whom &= REPORT_LOG;
    _say (job, &text, fmt, ap);
    _journal (w, job, event, text.text, more);
    if (_is_quiet (job, event)) {
        errno = saved;
        return;
    }
    if (r->pending == LINES)
        report_flush (w);
    l = &r->line[r->pending++];
    if (r->numbered < w->journal->seq)
        r->numbered = w->journal->seq; /* beyond those of an earlier warden */
    l->number = ++r->numbered;
    l->whom = whom;
    l->closed = job && job->leaving;
    snprintf (l->job, sizeof (l->job), "%s", job ? job->spec.key : "");
    l->incident[0] = '\0';
    if (job && (job->incident.open || !strcmp (event, "resolved")))
        incident_id (job, l->incident);
    l->step = _report_step (job);
    mw_err_set (&tame, "%s", text.text);
    memcpy (l->text, tame.text, sizeof (l->text));
    errno = saved;
}

void report (struct warden *w, struct job *job, const char *event,
             unsigned whom, const char *fmt, ...)
{
    va_list ap;

    va_start (ap, fmt);
    _report (w, job, event, whom, NULL, fmt, ap);
    va_end (ap);
}

const char *report_lent (const struct job *job, uint64_t bytes,
                         char more[REPORT_LENT])
{
    struct json_put p = { .text = more, .size = REPORT_LENT };

    json_put_number (&p, "bytes", bytes);
    json_put_number (&p, "lent", job_lent (job));
    return json_put_done (&p);
}

void report_more (struct warden *w, struct job *job, const char *event,
                  unsigned whom, const char *more, const char *fmt, ...)
{
    va_list ap;

    va_start (ap, fmt);
    _report (w, job, event, whom, more, fmt, ap);
    va_end (ap);
}

void report_deed (struct warden *w)
{
    static const uint32_t most[] = DICTATE_DEED_US;
    struct dictate_news *c = &w->report->counts;
    uint64_t began, us = clock_us ();
    unsigned i = 0;

    if (sd_event_now (w->loop, CLOCK_BOOTTIME, &began) < 0)
        return;
    us = us > began ? us - began : 0;
    while (i < DICTATE_DEEDS - 1 && us > most[i])
        i++;
    c->deed[i]++;
    c->deed_us += us;
}

void report_failed (struct warden *w, struct job *job, const char *what,
                    const struct mw_err *why)
{
    if (errno != ENODEV)
        report (w, job, "failed", REPORT_LOG, "job %s: %s: %s", job->spec.key,
                what, why->text);
}

void report_log (struct warden *w, int level, const char *fmt, ...)
{
    struct mw_err text, tame;
    int saved = errno;
    va_list ap;

    va_start (ap, fmt);
    vsnprintf (text.text, sizeof (text.text), fmt, ap);
    va_end (ap);
    mw_err_set (&tame, "%s", text.text);
    _report_to_log (w->report, level, tame.text, NULL);
    errno = saved;
}
