/* conn.c - connections: who comes, what he sends, and his leaving */
#include "handler/desk/conn.h"

#include <errno.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "handler/desk/closer.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/event.h"
#include "lib/wire.h"

/* ---- leaving ------------------------------------------------------------- */

static void _conn_free (struct conn *c)
{
    struct desk *d = c->desk;

    for (struct conn **at = &d->conns; *at; at = &(*at)->next) {
        if (*at == c) {
            *at = c->next;
            break;
        }
    }
    if (c->state == CONN_PARKED)
        d->parked--;
    else
        d->count--;
    sd_event_source_disable_unref (c->io);
    json_decref (c->msg);
    free (c);
}

/* Has it left a descriptor unread?  The kernel counts those of all that a user, the
 * desk's here, has sent (unix(7), ETOOMANYREFS): so that nobody has it refused to all,
 * a connection can have one, and counts as one of its user's for as long. */
static bool _conn_hoards (struct conn *c)
{
    int unread = 0;

    if (c->handed && ioctl (c->fd, SIOCOUTQ, &unread) == 0 && unread == 0)
        c->handed = false;
    return c->handed;
}

void conn_close (struct conn *c)
{
    struct desk *d = c->desk;

    /* nothing comes in any more: what is seen to be in it is all there is */
    shutdown (c->fd, SHUT_RDWR);
    c->io = sd_event_source_disable_unref (c->io);
    c->attached[0] = '\0';
    if (!_conn_hoards (c) && !closer_is_needed (c->fd)) {
        close (c->fd);
        _conn_free (c);
        return;
    }
    c->state = CONN_PARKED;
    d->count--;
    /* else the end of a child, which is at work, has more done */
    if (++d->parked == 1 || d->parked % CLOSER_BATCH == 0)
        sd_event_source_set_enabled (d->unpark, SD_EVENT_ONESHOT);
}

void conn_unpark (struct desk *d)
{
    cleanup_free int *socks = calloc (d->parked + 1, sizeof (*socks));
    struct conn *next;
    size_t count = 0;

    for (struct conn *c = d->conns; c; c = c->next) {
        if (socks && c->state == CONN_PARKED && !_conn_hoards (c))
            socks[count++] = c->fd;
    }
    if (count == 0 || !closer_takes (socks, count))
        return;
    for (struct conn *c = d->conns; c; c = next) {
        next = c->next;
        if (c->state == CONN_PARKED && !c->handed)
            _conn_free (c);
    }
}

/* ---- answers ------------------------------------------------------------- */

bool conn_tell (struct conn *c, const json_t *msg)
{
    if (mw_wire_send (c->fd, msg, NULL, 0, NULL) == 0)
        return true;
    conn_close (c);
    return false;
}

static void _conn_answer (struct conn *c, json_t *msg, int fd)
{
    json_decref (c->msg);
    c->msg = NULL;
    c->state = CONN_IDLE;
    if (mw_wire_send (c->fd, msg, &fd, fd >= 0, NULL) < 0)
        conn_close (c);
    else
        sd_event_source_set_enabled (c->io, SD_EVENT_ON);
    json_decref (msg);
}

void conn_answer (struct conn *c, json_t *msg)
{
    _conn_answer (c, msg, -1);
}

void conn_refuse (struct conn *c, const struct mw_err *err)
{
    conn_answer (c, mw_wire_error (err));
}

void conn_hand (struct conn *c, int fd)
{
    struct mw_err err;

    if (_conn_hoards (c)) {
        mw_err_code (&err, EBUSY,
                     "the history that you were sent before is not read yet");
        conn_refuse (c, &err);
        return;
    }
    c->handed = true;
    _conn_answer (c, mw_wire_new ("ok"), fd);
}

/* ---- what it sends ------------------------------------------------------- */

/* Take one packet, if it has no descriptor beside it.  Returns 1; 0: closed; -1 with
 * errno EAGAIN, or EPROTO, EMSGSIZE: it is none of ours. */
static int _conn_take (int fd, json_t **msg, struct mw_err *err)
{
    static char text[MW_WIRE_MAX + 1];
    int rc = closer_look (fd);
    ssize_t n;

    *msg = NULL;
    if (rc <= 0)
        return rc;
    n = recv (fd, text, sizeof (text), MSG_DONTWAIT | MSG_TRUNC);
    if (n <= 0)
        return (int) n;
    if (n > MW_WIRE_MAX)
        return mw_err_code (err, EMSGSIZE,
                            "message is too large; at most %d bytes are "
                            "allowed",
                            MW_WIRE_MAX);
    *msg = mw_wire_parse (text, (size_t) n, err);
    return *msg ? 1 : -1;
}

/* It is told why, and not heard any more. */
static void _conn_no_descriptors (struct conn *c)
{
    cleanup_json json_t *msg = NULL;
    struct mw_err err;

    mw_err_code (&err, EPROTO, "no descriptors are taken here");
    msg = mw_wire_error (&err);
    if (conn_tell (c, msg))
        conn_close (c);
}

static int _on_conn (sd_event_source *s, int fd, uint32_t events, void *arg)
{
    struct conn *c = arg;
    struct desk *d = c->desk;
    struct mw_err err = { "" };
    json_t *msg;
    int rc;

    (void) s;
    (void) events;
    d->now = c->last_ms = clock_ms ();
    rc = _conn_take (fd, &msg, &err);
    if (rc > 0)
        d->ask (c, msg);
    else if (rc < 0 && err.text[0])
        conn_refuse (c, &err);
    else if (rc < 0 && errno == EPROTO)
        _conn_no_descriptors (c);
    else if (rc == 0 || errno != EAGAIN)
        conn_close (c);
    return 0;
}

/* ---- coming -------------------------------------------------------------- */

/* Who has been silent longest makes room; one that hears notes only where all
 * others do, too. */
static struct conn *_longest_idle (const struct desk *d)
{
    struct conn *best = NULL;

    for (struct conn *c = d->conns; c; c = c->next) {
        if (c->state != CONN_IDLE)
            continue;
        if (!best || (!c->attached[0] && best->attached[0]) ||
            (!c->attached[0] == !best->attached[0] &&
             c->last_ms < best->last_ms))
            best = c;
    }
    return best;
}

static unsigned _conns_of (const struct desk *d, uid_t uid)
{
    unsigned count = 0;

    for (const struct conn *c = d->conns; c; c = c->next)
        count += c->who.uid == uid;
    return count;
}

static bool _has_room (struct desk *d, uid_t uid)
{
    struct conn *idle;

    /* peers may have gone meanwhile, or have read what they had left */
    if (_conns_of (d, uid) >= DESK_PER_USER && d->parked > 0)
        conn_unpark (d);
    if (_conns_of (d, uid) >= DESK_PER_USER)
        return false;
    if (d->count >= DESK_CONNS_MAX && (idle = _longest_idle (d)))
        conn_close (idle);
    return d->count < DESK_CONNS_MAX;
}

void conn_accept (struct desk *d)
{
    int fd = accept4 (d->listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    socklen_t len = sizeof (struct ucred);
    struct conn *c;
    bool room;

    if (fd < 0)
        return;
    if (!(c = calloc (1, sizeof (*c)))) {
        close (fd);
        return;
    }
    c->desk = d;
    c->fd = fd;
    c->last_ms = clock_ms ();
    room = getsockopt (fd, SOL_SOCKET, SO_PEERCRED, &c->who, &len) == 0 &&
           _has_room (d, c->who.uid);
    c->next = d->conns;
    d->conns = c;
    d->count++;
    if (!room ||
        sd_event_add_io (d->loop, &c->io, fd, EPOLLIN, _on_conn, c) < 0)
        conn_close (c);
}
