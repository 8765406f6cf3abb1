/* desk.c - the users' socket, in a process that has no right */
#include "handler/desk/desk.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "handler/desk/closer.h"
#include "handler/desk/conn.h"
#include "handler/desk/rights.h"
#include "handler/desk/turn.h"
#include "lib/clock.h"
#include "lib/event.h"

#define DESK_LISTENING 3
#define DESK_PASS 4
#define DESK_SCRIBE 5

static int _desk_on_connect (sd_event_source *s, int fd, uint32_t events,
                             void *arg)
{
    (void) s;
    (void) fd;
    (void) events;
    conn_accept (arg);
    return 0;
}

static int _desk_on_pass (sd_event_source *s, int fd, uint32_t events,
                          void *arg)
{
    struct desk *d = arg;

    (void) s;
    (void) fd;
    (void) events;
    if (!turn_hear (d)) /* a new warden brings a desk of its own */
        return sd_event_exit (d->loop, 0);
    return 0;
}

static int _desk_on_scribe (sd_event_source *s, int fd, uint32_t events,
                            void *arg)
{
    (void) fd;
    (void) events;
    if (!turn_hear_scribe (arg))
        sd_event_source_set_enabled (s, SD_EVENT_OFF);
    return 0;
}

static int _desk_on_unpark (sd_event_source *s, void *arg)
{
    (void) s;
    conn_unpark (arg);
    return 0;
}

static int _desk_on_timer (sd_event_source *s, uint64_t us, void *arg)
{
    struct desk *d = arg;

    (void) s;
    (void) us;
    d->now = clock_ms ();
    turn_work (d);
    return 0;
}

/* Whoever is connected stays so. */
static void _desk_listen (struct desk *d, int sock)
{
    sd_event_source *fresh = NULL;

    if (sd_event_add_io (d->loop, &fresh, sock, EPOLLIN, _desk_on_connect, d) <
        0) {
        close (sock);
        return;
    }
    sd_event_source_disable_unref (d->on_connect);
    close (d->listening);
    d->on_connect = fresh;
    d->listening = sock;
}

int desk_open (struct desk *d, sd_event *loop, int listening, int pass,
               int scribe, struct mw_err *err)
{
    int rc;

    *d = (struct desk) {
        .loop = loop,
        .ask = turn_ask,
        .listen = _desk_listen,
        .listening = listening,
        .warden = { .sock = pass },
        .scribe = { .sock = scribe },
        /* an earlier desk's answers are not for this one */
        .pass_id = clock_wall_us (),
    };
    rc = sd_event_add_io (loop, &d->on_connect, listening, EPOLLIN,
                          _desk_on_connect, d);
    if (rc >= 0)
        rc = sd_event_add_io (loop, &d->on_pass, pass, EPOLLIN, _desk_on_pass,
                              d);
    if (rc >= 0)
        rc = sd_event_add_io (loop, &d->on_scribe, scribe, EPOLLIN,
                              _desk_on_scribe, d);
    if (rc >= 0)
        rc = sd_event_add_time (loop, &d->timer, CLOCK_BOOTTIME, UINT64_MAX,
                                1000, _desk_on_timer, d);
    if (rc >= 0)
        rc = sd_event_add_defer (loop, &d->unpark, _desk_on_unpark, d);
    if (rc >= 0)
        rc = sd_event_source_set_enabled (d->unpark, SD_EVENT_OFF);
    if (rc >= 0)
        return 0;
    errno = -rc;
    return mw_err_errno (err, "cannot serve the users' socket");
}

void desk_close (struct desk *d)
{
    while (d->conns && d->conns->state != CONN_PARKED)
        conn_close (d->conns);
    d->on_connect = sd_event_source_disable_unref (d->on_connect);
    d->on_pass = sd_event_source_disable_unref (d->on_pass);
    d->on_scribe = sd_event_source_disable_unref (d->on_scribe);
    d->timer = sd_event_source_disable_unref (d->timer);
    d->unpark = sd_event_source_disable_unref (d->unpark);
    json_decref (d->list);
    json_decref (d->node);
    close (d->listening);
    close (d->warden.sock);
    close (d->scribe.sock);
}

static int _desk_on_child (sd_event_source *s,
                           const struct signalfd_siginfo *si, void *arg)
{
    (void) s;
    (void) si;
    closer_reap ();
    conn_unpark (arg);
    return 0;
}

static int _desk_signals (struct desk *d, struct mw_err *err)
{
    sigset_t mask;
    int rc;

    sigemptyset (&mask);
    sigaddset (&mask, SIGCHLD);
    sigprocmask (SIG_BLOCK, &mask, NULL);
    signal (SIGPIPE, SIG_IGN);
    rc = sd_event_add_signal (d->loop, NULL, SIGCHLD, _desk_on_child, d);
    if (rc >= 0)
        return 0;
    errno = -rc;
    return mw_err_errno (err, "cannot listen to signals");
}

/* Its keeper asks whether the loop turns. */
static int _desk_on_pulse (sd_event_source *s, int fd, uint32_t events,
                           void *arg)
{
    char byte;

    (void) events;
    (void) arg;
    if (recv (fd, &byte, 1, MSG_DONTWAIT) == 1)
        send (fd, &byte, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    else /* the keeper is gone */
        sd_event_source_set_enabled (s, SD_EVENT_OFF);
    return 0;
}

/* The warden may have another socket by now than that which the keeper has. */
static void _desk_is_new (const struct desk *d)
{
    const struct pass_wish w = { .kind = PASS_NEW,
                                 .old = getenv (DESK_HUNG) != NULL };

    pass_send (d->warden.sock, &w, sizeof (w), -1);
}

int desk_main (void)
{
    static struct desk d;
    struct mw_err err = { "" };
    sd_event *loop = NULL;

    prctl (PR_SET_NAME, "memwarden-desk");
    prctl (PR_SET_DUMPABLE, 0); /* its user may have other processes */
    prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (sd_event_new (&loop) < 0 ||
        desk_open (&d, loop, DESK_LISTENING, DESK_PASS, DESK_SCRIBE, &err) <
            0 ||
        sd_event_add_io (loop, NULL, DESK_PULSE, EPOLLIN, _desk_on_pulse, &d) <
            0 ||
        _desk_signals (&d, &err) < 0) {
        fprintf (stderr, "memwardend: desk: %s\n",
                 err.text[0] ? err.text : strerror (ENOMEM));
        return 1;
    }
    if (desk_rights (&err) < 0)
        fprintf (stderr, "memwardend: desk: %s\n", err.text);
    _desk_is_new (&d);
    return sd_event_loop (loop) < 0;
}
