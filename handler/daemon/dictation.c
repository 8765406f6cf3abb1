/* dictation.c - the warden's end of what it dictates to its scribe */
#include "handler/daemon/dictation.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

#include "handler/pass/dictate.h"
#include "handler/pass/pass.h"
#include "handler/record/report.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/event.h"

#define WAIT_MS 5000   /* at the begin, and at the end */
#define ROOM (4 << 20) /* bytes of lines that wait, in the kernel */

static struct dictate_settings settings = { .kind = DICTATE_SETTINGS };
static sd_event_source *io;

void dictation_settings (struct warden *w)
{
    settings.foreground = w->report->foreground;
    snprintf (settings.log_file, sizeof (settings.log_file), "%s",
              w->conf.log_file);
    settings.shadow = w->conf.shadow;
    settings.terminals = w->conf.tell_terminals;
    settings.metrics_ms = w->conf.metrics_ms;
    snprintf (settings.metrics, sizeof (settings.metrics), "%s",
              w->conf.metrics_file);
    if (pass_send (w->report->scribe, &settings, sizeof (settings), -1) < 0)
        report_log (w, LOG_ERR, "the scribe does not read: %s",
                    strerror (errno));
}

/* Returns whether [said] is a packet of its own. */
static bool _dictation_hear (struct warden *w, struct dictate_said *said)
{
    ssize_t n = recv (w->report->scribe, said, sizeof (*said), MSG_DONTWAIT);

    said->text[sizeof (said->text) - 1] = '\0';
    return n == (ssize_t) sizeof (*said);
}

static int _on_said (sd_event_source *s, int fd, uint32_t events, void *arg)
{
    static struct dictate_said said;
    struct warden *w = arg;

    (void) s;
    (void) fd;
    (void) events;
    if (!_dictation_hear (w, &said))
        return 0;
    if (said.kind == DICTATE_HELLO)
        dictation_settings (w);
    else if (said.kind == DICTATE_SAID ||
             (said.kind == DICTATE_SET && said.error))
        report_log (w, said.level & LOG_PRIMASK, "%s", said.text);
    return 0;
}

/* Wait for a packet of [kind], passing over others. Returns false where none comes. */
static bool _await (struct warden *w, enum dictate_kind kind,
                    struct dictate_said *said)
{
    uint64_t until = clock_ms () + WAIT_MS, now;
    struct pollfd p = { .fd = w->report->scribe, .events = POLLIN };

    while ((now = clock_ms ()) < until &&
           poll (&p, 1, (int) (until - now)) > 0 && !(p.revents & POLLERR)) {
        if (_dictation_hear (w, said) && said->kind == kind)
            return true;
    }
    return false;
}

static int _dictation_begin (struct warden *w, struct mw_err *err)
{
    static struct dictate_said said;

    dictation_settings (w);
    if (!_await (w, DICTATE_SET, &said)) {
        report_log (w, LOG_ERR,
                    "the log and the story cannot be opened now: a disk "
                    "hangs? Jobs are guarded all the same");
        return 0;
    }
    return said.error ? mw_err_code (err, said.error, "%s", said.text) : 0;
}

int dictation_open (struct warden *w, const char *state_dir,
                    const char *history_dir, dictation_start *start,
                    struct mw_err *err)
{
    const int type = SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, room = ROOM;
    cleanup_fd int its = -1, its_desk = -1, desk = -1;
    int pair[2], rc;

    snprintf (settings.state, sizeof (settings.state), "%s", state_dir);
    snprintf (settings.history, sizeof (settings.history), "%s", history_dir);
    if (socketpair (AF_UNIX, type, 0, pair) < 0)
        return mw_err_errno (err, "cannot make a log");
    w->report->scribe = pair[0];
    its = pair[1];
    if (socketpair (AF_UNIX, type, 0, pair) < 0)
        return mw_err_errno (err, "cannot make a log");
    desk = pair[0];
    its_desk = pair[1];
    setsockopt (w->report->scribe, SOL_SOCKET, SO_SNDBUFFORCE, &room,
                sizeof (room));
    if (start (its, its_desk, err) < 0 || _dictation_begin (w, err) < 0)
        return -1;
    rc = desk;
    desk = -1;
    return rc;
}

int dictation_listen (struct warden *w, struct mw_err *err)
{
    int rc = sd_event_add_io (w->loop, &io, w->report->scribe, EPOLLIN,
                              _on_said, w);

    if (rc >= 0)
        rc = sd_event_source_set_priority (io, SD_EVENT_PRIORITY_IDLE);
    if (rc >= 0)
        return 0;
    errno = -rc;
    return mw_err_errno (err, "cannot heed the scribe");
}

void dictation_close (struct warden *w)
{
    static struct dictate_said said;

    if (w->report->scribe < 0)
        return;
    io = sd_event_source_disable_unref (io);
    shutdown (w->report->scribe, SHUT_WR);
    _await (w, DICTATE_BYE, &said);
    close (w->report->scribe);
    w->report->scribe = -1;
}
