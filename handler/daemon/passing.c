/* passing.c - the warden's end of what its desk passes on
 *
 * One packet a turn of the loop, and only when no event waits; an answer that the desk
 * does not take is dropped.
 */
#include "handler/daemon/passing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "handler/daemon/bound.h"
#include "handler/daemon/tell.h"
#include "handler/daemon/wish.h"
#include "handler/pass/pass.h"
#include "handler/record/report.h"
#include "lib/cleanup.h"
#include "lib/event.h"

/* Of jobs in a page: so few that an event need not wait for it. */
#define PAGE_BYTES 16384

struct passing {
    int sock;
    sd_event_source *io;
    struct bound bound;
    int listening; /* made anew: for each desk that is started; else -1 */
    bool owed;     /* the desk that is there has it not yet */
    bool dropped;  /* said once, until it reads again */
};

/* ---- answers ------------------------------------------------------------- */

static void _passing_send (struct warden *w, const void *what, size_t len)
{
    struct passing *p = w->passing;

    if (pass_send (p->sock, what, len, -1) == 0) {
        p->dropped = false;
        return;
    }
    if (!p->dropped)
        report_log (w, LOG_WARNING,
                    "the desk does not read: users are not answered until it "
                    "does (%s)",
                    strerror (errno));
    p->dropped = true;
}

void passing_note (struct warden *w, const struct job *job, const char *text)
{
    static struct pass_note note;

    if (!w->passing)
        return;
    note = (struct pass_note) { .kind = PASS_NOTE, .uid = job->spec.uid };
    snprintf (note.job, sizeof (note.job), "%s", job_whose (job));
    snprintf (note.text, sizeof (note.text), "%s", text);
    _passing_send (w, &note, sizeof (note));
}

static void _passing_page (struct warden *w, const struct pass_wish *wish)
{
    static struct pass_page page = { .kind = PASS_PAGE };
    cleanup_json json_t *j = tell_page (w, wish->job, PAGE_BYTES);
    json_t *node = json_object ();
    size_t n;

    tell_node (w, node);
    json_object_set_new (j, "node", node);
    n = j ? json_dumpb (j, page.text, sizeof (page.text), JSON_COMPACT) : 0;

    page.id = wish->id;
    page.len = n <= sizeof (page.text) ? (uint32_t) n : 0;
    _passing_send (w, &page, offsetof (struct pass_page, text) + page.len);
}

static void _passing_done (struct warden *w, const struct pass_wish *wish)
{
    static struct pass_done done;
    struct mw_err err = { "" };

    done = (struct pass_done) { .kind = PASS_DONE, .id = wish->id };
    if (wish_grant (w, wish, &err) < 0) {
        done.error = errno;
        snprintf (done.text, sizeof (done.text), "%s", err.text);
    }
    report_flush (w); /* what it did is told before its answer */
    _passing_send (w, &done, sizeof (done));
}

/* The desk listens where its keeper has it from, until it is told. */
static void _passing_owes (struct passing *p)
{
    const struct pass_listen l = { .kind = PASS_LISTEN };

    p->owed = pass_send (p->sock, &l, sizeof (l), p->listening) < 0;
}

static void _passing_desk_is_new (struct warden *w,
                                  const struct pass_wish *wish)
{
    struct passing *p = w->passing;

    if (wish->old)
        report_log (
            w, LOG_WARNING,
            "the desk did not answer its keeper any more: it was killed "
            "and started again");
    p->owed = p->listening >= 0;
    if (p->owed)
        _passing_owes (p);
}

static int _on_wish (sd_event_source *s, int fd, uint32_t events, void *arg)
{
    static struct pass_wish wish;
    struct warden *w = arg;
    int with = -1;
    ssize_t n = pass_receive (fd, &wish, sizeof (wish), &with);

    (void) events;
    if (with >= 0) /* it has none to give */
        close (with);
    if (n == 0) /* its keeper is gone, too */
        sd_event_source_set_enabled (s, SD_EVENT_OFF);
    if (n <= 0 || !pass_wish_is_good (&wish, (size_t) n))
        return 0;
    if (wish.kind == PASS_JOBS)
        _passing_page (w, &wish);
    else if (wish.kind == PASS_NEW)
        _passing_desk_is_new (w, &wish);
    else
        _passing_done (w, &wish);
    return 0;
}

/* ---- beginning and end --------------------------------------------------- */

/* Whatever socket is there: who may not be replaced holds control.h's. */
static int _passing_bind (struct bound *b, const char *path, struct mw_err *err)
{
    struct stat st;

    if (lstat (path, &st) == 0 && S_ISSOCK (st.st_mode))
        unlink (path);
    return bound_open (b, path, 0666, err);
}

int passing_open (struct warden *w, const char *path, int scribe,
                  passing_start *start, struct mw_err *err)
{
    struct passing *p = w->passing = calloc (1, sizeof (*p));
    cleanup_fd int sock = -1;
    int pair[2], rc;

    if (!p)
        return mw_err_errno (err, "cannot serve users");
    p->sock = p->listening = -1;
    sock = _passing_bind (&p->bound, path, err);
    if (sock < 0)
        return -1;
    if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
                    pair) < 0)
        return mw_err_errno (err, "cannot serve users");
    p->sock = pair[0];
    rc = start (sock, pair[1], scribe, err) < 0 ? -1 : 0;
    close (pair[1]);
    return rc;
}

int passing_listen (struct warden *w, struct mw_err *err)
{
    struct passing *p = w->passing;
    int rc = sd_event_add_io (w->loop, &p->io, p->sock, EPOLLIN, _on_wish, w);

    if (rc >= 0)
        rc = sd_event_source_set_priority (p->io, SD_EVENT_PRIORITY_IDLE);
    if (rc >= 0)
        return 0;
    errno = -rc;
    return mw_err_errno (err, "cannot heed the desk");
}

static void _passing_bind_again (struct warden *w)
{
    struct passing *p = w->passing;
    char path[sizeof (p->bound.path)];
    struct bound fresh;
    struct mw_err err;
    int sock;

    strcpy (path, p->bound.path);
    sock = _passing_bind (&fresh, path, &err);
    if (sock < 0) {
        if (!p->bound.said)
            report_log (
                w, LOG_ERR,
                "%s leads to the desk no more, and cannot be made anew: "
                "%s",
                path, err.text);
        p->bound.said = true;
        return;
    }
    if (p->listening >= 0)
        close (p->listening);
    p->listening = sock;
    p->bound = fresh;
    p->owed = true;
    report_log (w, LOG_WARNING, "%s was removed: it is made anew", path);
}

void passing_look (struct warden *w)
{
    struct passing *p = w->passing;

    if (!p || p->sock < 0)
        return;
    if (bound_is_lost (&p->bound))
        _passing_bind_again (w);
    if (p->owed)
        _passing_owes (p);
}

void passing_close (struct warden *w)
{
    struct passing *p = w->passing;

    if (!p)
        return;
    sd_event_source_disable_unref (p->io);
    if (p->sock >= 0) {
        close (p->sock);
        bound_remove (&p->bound);
    }
    if (p->listening >= 0)
        close (p->listening);
    free (p);
    w->passing = NULL;
}
