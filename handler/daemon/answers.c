/* answers.c - the courier's answers come back, and memory: see answers.h
 *
 * inotify names each answer that comes, and each request that goes, answered or
 * not; so no directory is listed for one of them.  A pass over both, some names a
 * turn, makes good what was there before this warden, or was too much for
 * inotify.
 */
#include "handler/daemon/answers.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <syslog.h>
#include <unistd.h>

#include "handler/account/aftermath.h"
#include "handler/account/class.h"
#include "handler/incident/incident.h"
#include "handler/job/warden.h"
#include "handler/record/report.h"
#include "handler/record/request.h"
#include "handler/spool/waiting.h"
#include "lib/clock.h"
#include "lib/event.h"

/* Of a turn: so many names are looked at, and so many answers read. */
#define TURN_NAMES 32
#define TURN_ANSWERS 4
/* an inotify event with the longest name, or some with short ones */
#define TURN_BYTES 320
#define UNASKED_SAID_MS 60000

/* What waits for its turn; as the warden, there is one. */
static struct {
    int fd, ans, req; /* inotify, and its two watches */
    sd_event_source *io;
    struct spool_pass pass;
    enum { SCAN_NONE, SCAN_ANSWERS, SCAN_REQUESTS } at;
    bool again;       /* inotify has lost something since it began */
    bool settled;     /* one has been made: what waits is known */
    uint64_t last;    /* number of the last request when it began */
    unsigned unasked; /* since that was said */
    uint64_t said_ms;
} inbox;

static int _on_room (sd_event_source *s, void *arg)
{
    struct warden *w = arg;

    sd_event_source_set_enabled (s, SD_EVENT_OFF);
    incident_headroom (w);
    report_flush (w);
    return 0;
}

/* ---- one answer ---------------------------------------------------------- */

/* The job a request was for; NULL: it is not here any more. */
static struct job *_asked_by (struct warden *w, const char *id)
{
    char key[SPOOL_ID_MAX];
    enum spool_op op;
    uint64_t seq;

    return spool_id_parts (id, key, &seq, &op) ? warden_find (w, key) : NULL;
}

static void _unasked (struct warden *w)
{
    uint64_t now = clock_ms ();

    inbox.unasked++;
    if (inbox.said_ms && now - inbox.said_ms < UNASKED_SAID_MS)
        return;
    inbox.said_ms = now;
    report_log (w, LOG_WARNING,
                "%u answers in %s/spool/ans that nobody has asked for, or not "
                "any more, are dropped",
                inbox.unasked, w->conf.state_dir);
    inbox.unasked = 0;
}

/* Does anybody wait for an answer to [id], of [job]?  What waits is not known
 * before the first pass has been made. */
static bool _is_asked (const struct warden *w, const struct job *job,
                       const char *id)
{
    return !inbox.settled || request_waits (w, id) ||
           (job &&
            (!strcmp (job->incident.request, id) ||
             !strcmp (job->incident.requeue, id) || !strcmp (job->lookup, id)));
}

/* Returns whether it was read. */
static bool _take_answer (struct warden *w, const char *name)
{
    static struct spool_answer a;
    struct job *job;
    struct mw_err err;

    if (name[0] == '.') /* the courier's own: a part, its claim */
        return false;
    job = _asked_by (w, name);
    if (spool_op_of (name) == SPOOL_OP_COUNT || !_is_asked (w, job, name)) {
        if (spool_drop_answer (&w->spool, name) == 0)
            _unasked (w);
        return false;
    }
    if (spool_take_answer (&w->spool, name, &a, &err) < 0) {
        if (errno != ENOENT)
            report_log (w, LOG_WARNING,
                        "an answer of the courier is dropped: %s", err.text);
        return true;
    }
    request_done (w, job, name);
    if (!job)
        aftermath_answer (w, &a);
    else if (!class_answer (w, job, &a))
        incident_answer (w, job, &a);
    return true;
}

/* ---- the pass ------------------------------------------------------------ */

static void _pass_begin (struct warden *w, bool answers)
{
    inbox.at = SCAN_NONE;
    if (spool_pass_begin (&inbox.pass, answers ? w->spool.ans : w->spool.req) <
        0) {
        report_log (w, LOG_WARNING, "cannot list the spool: %s",
                    strerror (errno));
        return;
    }
    inbox.at = answers ? SCAN_ANSWERS : SCAN_REQUESTS;
    if (answers) {
        inbox.again = false;
        return;
    }
    inbox.last = w->request_seq;
    waiting_unsee (w->waiting);
}

static void _pass_over (struct warden *w)
{
    if (inbox.at == SCAN_ANSWERS) {
        _pass_begin (w, false);
        return;
    }
    inbox.at = SCAN_NONE;
    inbox.settled = true;
    waiting_sweep (w->waiting, inbox.last);
    if (inbox.again)
        _pass_begin (w, true);
}

static int _on_pass (sd_event_source *s, void *arg)
{
    struct warden *w = arg;
    unsigned names = 0, answers = 0;
    const char *name;

    while (inbox.at != SCAN_NONE && names++ < TURN_NAMES &&
           answers < TURN_ANSWERS) {
        name = spool_pass_next (&inbox.pass);
        if (!name)
            _pass_over (w);
        else if (inbox.at == SCAN_ANSWERS)
            answers += _take_answer (w, name);
        else if (spool_id_valid (name))
            request_found (w, _asked_by (w, name), name);
    }
    if (inbox.at == SCAN_NONE)
        sd_event_source_set_enabled (s, SD_EVENT_OFF);
    report_flush (w);
    return 0;
}

/* ---- inotify ------------------------------------------------------------- */

static void _answers_event (struct warden *w, const struct inotify_event *e)
{
    if (e->mask & IN_Q_OVERFLOW) {
        inbox.again = true;
        if (inbox.at == SCAN_NONE)
            _pass_begin (w, true);
        if (inbox.at != SCAN_NONE)
            sd_event_source_set_enabled (w->answers, SD_EVENT_ON);
    } else if (e->len > 0 && e->wd == inbox.ans) {
        _take_answer (w, e->name);
    } else if (e->len > 0 && e->wd == inbox.req) {
        /* its answer came before; or somebody has removed it */
        request_done (w, _asked_by (w, e->name), e->name);
    }
}

static int _on_answers (sd_event_source *s, int fd, uint32_t events, void *arg)
{
    _Alignas(struct inotify_event) char buf[TURN_BYTES];
    const struct inotify_event *e;
    struct warden *w = arg;
    ssize_t n = read (fd, buf, sizeof (buf));

    (void) s;
    (void) events;
    for (ssize_t i = 0; i < n; i += (ssize_t) (sizeof (*e) + e->len)) {
        e = (const struct inotify_event *) (buf + i);
        _answers_event (w, e);
    }
    report_flush (w);
    return 0;
}

static int _watch_spool (const struct spool *s)
{
    char path[64];

    sd_event_source_disable_unref (inbox.io);
    memset (&inbox, 0, sizeof (inbox));
    inbox.pass.fd = -1;
    inbox.fd = inotify_init1 (IN_CLOEXEC | IN_NONBLOCK);
    snprintf (path, sizeof (path), "/proc/self/fd/%d", s->ans);
    inbox.ans = inotify_add_watch (inbox.fd, path, IN_MOVED_TO | IN_CREATE);
    if (inbox.ans < 0)
        return -errno;
    snprintf (path, sizeof (path), "/proc/self/fd/%d", s->req);
    inbox.req = inotify_add_watch (inbox.fd, path, IN_DELETE | IN_MOVED_FROM);
    return inbox.req < 0 ? -errno : 0;
}

int warden_listen_answers (struct warden *w, struct mw_err *err)
{
    int rc = _watch_spool (&w->spool);

    if (rc >= 0)
        rc = sd_event_add_io (w->loop, &inbox.io, inbox.fd, EPOLLIN,
                              _on_answers, w);
    if (rc >= 0)
        rc = sd_event_source_set_priority (inbox.io, SD_EVENT_PRIORITY_IDLE);
    if (rc >= 0)
        rc = sd_event_add_defer (w->loop, &w->answers, _on_pass, w);
    if (rc >= 0)
        rc = sd_event_source_set_priority (w->answers, SD_EVENT_PRIORITY_IDLE);
    if (rc >= 0)
        rc = sd_event_source_set_enabled (w->answers, SD_EVENT_ON);
    if (rc >= 0)
        rc = sd_event_add_defer (w->loop, &w->room, _on_room, w);
    if (rc < 0) {
        errno = -rc;
        return mw_err_errno (err, "cannot listen to the spool");
    }
    sd_event_source_set_enabled (w->room, SD_EVENT_OFF);
    _pass_begin (w, true);
    return 0;
}
