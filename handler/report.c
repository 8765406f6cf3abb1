/* report.c - what is told, to whom, and when
 *
 * A record goes into the journal at once; the sentence waits in a small array
 * until the action is done and report_flush is called.
 */
#include "handler/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "handler/clock.h"
#include "handler/control.h"
#include "handler/warden.h"

#define LINES (sizeof (((struct report *) 0)->line) / \
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

int report_open (struct warden *w, struct mw_err *err)
{
    struct report *r = &w->report;

    r->log_fd = r->syslog_fd = -1;
    if (w->conf.syslog)
        r->syslog_fd = _open_syslog ();     /* may come up later, or never */
    if (!w->conf.log_file[0])
        return 0;
    r->log_fd = open (w->conf.log_file, O_WRONLY | O_CREAT | O_APPEND |
                      O_NOFOLLOW | O_CLOEXEC, 0640);
    if (r->log_fd < 0)
        return mw_err_errno (err, "cannot open log file %s",
                             w->conf.log_file);
    return 0;
}

void report_close (struct warden *w)
{
    if (w->report.log_fd >= 0)
        close (w->report.log_fd);
    if (w->report.syslog_fd >= 0)
        close (w->report.syslog_fd);
    w->report.log_fd = w->report.syslog_fd = -1;
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
    if (send (r->syslog_fd, packet, (size_t) n,
              MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
        return;
    r->dropped++;
    if (errno == ECONNREFUSED || errno == ENOTCONN) {   /* syslogd restarted */
        close (r->syslog_fd);
        r->syslog_fd = _open_syslog ();
    }
}

static void _to_log (struct report *r, const char *text)
{
    char line[MW_ERR_MAX + 64], t[32];
    time_t now = (time_t) (clock_wall_us () / 1000000);
    struct tm tm;
    int n;

    localtime_r (&now, &tm);
    strftime (t, sizeof (t), "%Y-%m-%d %H:%M:%S", &tm);
    n = snprintf (line, sizeof (line), "%s %s\n", t, text);
    if (n >= (int) sizeof (line))
        n = (int) sizeof (line) - 1;
    /* a full disk, or a terminal that is gone: there is nobody to tell */
    if (r->log_fd >= 0 && write (r->log_fd, line, (size_t) n) < 0)
        r->dropped++;
    if (r->foreground && write (STDERR_FILENO, line, (size_t) n) < 0)
        r->dropped++;
}

static void _spool (struct warden *w, struct job *job, enum spool_op op,
                    const char *text)
{
    static struct spool_request q;      /* 2 KiB: not on the stack */

    q = (struct spool_request) {
        .slurm_id = job->spec.slurm_id,
        .array_job_id = job->spec.array_job_id,
        .array_task_id = job->spec.array_task_id,
        .restart_count = job->spec.restart_count,
        .op = op,
    };
    if (op == SPOOL_NOTIFY)
        q.not_after_ms = clock_ms () + NOTIFY_WITHIN_MS;
    snprintf (q.job, sizeof (q.job), "%s", job->spec.key);
    snprintf (q.text, sizeof (q.text), "%s", text);
    spool_make_id (&q, ++w->request_seq);
    spool_put (&w->spool, &q, NULL);
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

        if (!(l->whom & whom) || strcmp (l->job, job) != 0)
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

static void _tell_jobs (struct warden *w)
{
    static char text[SPOOL_TEXT_MAX];
    struct report *r = &w->report;

    for (unsigned i = 0; i < r->pending; i++) {
        struct job *job = job_find (&w->jobs, r->line[i].job);

        if (!job || job->spec.slurm_id == 0 || job->leaving ||
            !_is_first (r, i))
            continue;
        if (_join (r, i, REPORT_JOB, text, sizeof (text)))
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

    for (const struct job *job = w->jobs.first; job; job = job->next) {
        if (job->incident.open &&
            w->journal.size < w->journal.rotate_at * 2)
            return;
    }
    if (journal_rotate (&w->journal, &w->jobs, &err) < 0)
        report_log (w, LOG_WARNING, "the journal goes on in its old file: %s",
                    err.text);
}

void report_flush (struct warden *w)
{
    struct report *r = &w->report;

    journal_flush (&w->journal);
    if (r->pending == 0)
        return;
    for (unsigned i = 0; i < r->pending; i++) {
        const struct report_line *l = &r->line[i];
        struct job *job;

        if (l->whom & REPORT_LOG) {
            _to_log (r, l->text);
            _to_syslog (r, LOG_NOTICE, l->text);
        }
        if ((l->whom & REPORT_JOB) && (job = job_find (&w->jobs, l->job)))
            control_note (w, job, l->text);
    }
    _tell_jobs (w);
    r->pending = 0;
    if (w->journal.size > w->journal.rotate_at)
        _rotate (w);
}

/* ---- records ------------------------------------------------------------- */

/* A full disk is said once, and once again when it is over. */
static void _journal (struct warden *w, const struct job *job,
                      const char *event, const char *text, const char *more)
{
    bool failed_before = w->journal.failing;
    const char *step = NULL;
    struct mw_err err;

    if (job && job->incident.open && job->incident.ladder)
        step = mw_steps[job->incident.ladder->step[job->incident.step].kind]
               .name;
    if (journal_append (&w->journal, event, job, step, text, more, &err) < 0) {
        if (!failed_before)
            report_log (w, LOG_ERR, "%s; what happens is not recorded until "
                        "that is mended", err.text);
    } else if (failed_before) {
        report_log (w, LOG_NOTICE, "the journal can be written again");
    }
}

__attribute__ ((format (printf, 6, 0)))
static void _report (struct warden *w, struct job *job, const char *event,
                     unsigned whom, const char *more, const char *fmt,
                     va_list ap)
{
    struct report *r = &w->report;
    struct mw_err text, tame;
    struct report_line *l;
    int saved = errno;

    if (w->conf.shadow)         /* nothing has been done to the job */
        whom &= REPORT_LOG;
    vsnprintf (text.text, sizeof (text.text), fmt, ap);
    _journal (w, job, event, text.text, more);
    if (r->pending == LINES)
        report_flush (w);
    l = &r->line[r->pending++];
    l->whom = whom;
    snprintf (l->job, sizeof (l->job), "%s", job ? job->spec.key : "");
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

void report_more (struct warden *w, struct job *job, const char *event,
                  unsigned whom, const char *more, const char *fmt, ...)
{
    va_list ap;

    va_start (ap, fmt);
    _report (w, job, event, whom, more, fmt, ap);
    va_end (ap);
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
    _to_log (&w->report, tame.text);
    _to_syslog (&w->report, level, tame.text);
    errno = saved;
}
