/* turn.c - whose turn it is, and what is asked of the warden for him
 *
 * One wish and one page of jobs are with the warden at a time, one wish with the scribe.
 * Of those who wait the one goes first whose user was served longest ago.
 */
#include "handler/desk/turn.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "handler/desk/answer.h"
#include "handler/desk/conn.h"
#include "handler/desk/quota.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/wire.h"

#define LATER_MS 20     /* a turn that could not be taken is looked at again */
#define WARDEN_MS 10000 /* no answer after that is none */
#define SHARE 20        /* a list is asked for in so small a part of the time */

static void _turn_later (struct desk *d)
{
    sd_event_source_set_time (d->timer, (d->now + LATER_MS) * 1000);
    sd_event_source_set_enabled (d->timer, SD_EVENT_ONESHOT);
}

/* ---- lists --------------------------------------------------------------- */

static void _turn_ask_page (struct desk *d, const char *after)
{
    struct pass_wish w = { .kind = PASS_JOBS, .id = ++d->pass_id };

    snprintf (w.job, sizeof (w.job), "%s", after);
    d->page_id = pass_send (d->warden.sock, &w, sizeof (w), -1) == 0 ? w.id : 0;
}

static void _list_drop (struct desk *d)
{
    json_decref (d->list);
    json_decref (d->node);
    d->list = d->node = NULL;
    d->page_id = 0;
}

/* Where somebody waits for a list and none is on its way. */
static void _list_begin (struct desk *d)
{
    bool wanted = false;

    if (d->page_id && d->now > d->list_ms + WARDEN_MS)
        _list_drop (d);
    for (const struct conn *c = d->conns; c && !wanted; c = c->next)
        wanted = c->state == CONN_LIST;
    if (wanted && !d->page_id && d->now >= d->list_next_ms) {
        _list_drop (d);
        d->list = json_array ();
        d->list_ms = d->now;
        d->list_from = d->asked;
        _turn_ask_page (d, "");
    }
    if (wanted) /* also to see that no answer comes */
        _turn_later (d);
}

static void _list_is_whole (struct desk *d)
{
    struct conn *next;

    d->list_next_ms = d->now + (d->now - d->list_ms) * SHARE;
    for (struct conn *c = d->conns; c; c = next) {
        next = c->next;
        if (c->state == CONN_LIST && c->asked <= d->list_from)
            answer_list (c);
    }
}

static void _turn_on_page (struct desk *d, const struct pass_page *p,
                           size_t len)
{
    const size_t head = offsetof (struct pass_page, text);
    cleanup_json json_t *page = NULL;
    const char *next;
    json_t *node;

    if (len < head || p->len > len - head || p->id != d->page_id)
        return; /* of a list that was given up */
    d->page_id = 0;
    page = json_loadb (p->text, p->len, 0, NULL);
    if (json_array_extend (d->list, json_object_get (page, "jobs")) < 0) {
        /* the job that ended the page before has gone: begin anew */
        _list_drop (d);
        d->list_next_ms = d->now + LATER_MS;
        return;
    }
    if ((node = json_object_get (page, "node"))) {
        json_decref (d->node);
        d->node = json_incref (node);
    }
    next = json_string_value (json_object_get (page, "next"));
    if (next)
        _turn_ask_page (d, next);
    else
        _list_is_whole (d);
}

/* ---- wishes -------------------------------------------------------------- */

/* Whose the request [type] is. */
static struct desk_wish *_turn_of (struct desk *d, const char *type)
{
    return strcmp (type, "history") == 0 ? &d->scribe : &d->warden;
}

static void _turn_wish (struct conn *c)
{
    struct desk *d = c->desk;
    struct desk_wish *to = _turn_of (d, mw_wire_type (c->msg));
    struct pass_wish wish;
    struct mw_err err;

    if (pass_wish_read (c->msg, &wish, &err) < 0) {
        if (errno == ENOSYS)
            mw_err_code (&err, EINVAL, "unknown request \"%.32s\"",
                         mw_wire_type (c->msg));
        conn_refuse (c, &err);
        return;
    }
    wish.uid = c->who.uid;
    if (wish.kind == PASS_PROC) /* by SO_PEERCRED, too */
        wish.pid = c->who.pid;
    wish.id = ++d->pass_id;
    if (pass_send (to->sock, &wish, sizeof (wish), -1) < 0) {
        mw_err_code (&err, EAGAIN, "memwardend is busy");
        conn_refuse (c, &err);
        return;
    }
    c->state = to == &d->scribe ? CONN_SCRIBE : CONN_WARDEN;
    to->id = wish.id;
    to->ms = d->now;
}

static struct conn *_turn_whose_wish (const struct desk *d,
                                      const struct desk_wish *to)
{
    enum conn_state state = to == &d->scribe ? CONN_SCRIBE : CONN_WARDEN;

    for (struct conn *c = d->conns; c; c = c->next) {
        if (c->state == state)
            return c;
    }
    return NULL;
}

static void _turn_on_done (struct desk *d, struct desk_wish *to,
                           const struct pass_done *done, int fd)
{
    struct conn *c = _turn_whose_wish (d, to);
    struct mw_err err;

    if (!c || done->id != to->id)
        return; /* of an earlier desk, or given up */
    to->id = 0;
    if (done->error) {
        mw_err_code (&err, done->error, "%.*s", (int) sizeof (done->text) - 1,
                     done->text);
        conn_refuse (c, &err);
    } else if (fd < 0) {
        conn_answer (c, mw_wire_new ("ok"));
    } else {
        conn_hand (c, fd);
    }
}

/* It has had long enough. */
static void _turn_wish_is_late (struct desk *d, struct desk_wish *to)
{
    struct conn *c = _turn_whose_wish (d, to);
    struct mw_err err;

    if (!c || d->now < to->ms + WARDEN_MS)
        return;
    to->id = 0;
    mw_err_code (&err, ETIMEDOUT, "%s has not answered in time",
                 to == &d->scribe ? "memwardend's scribe, on a disk that hangs,"
                                  : "memwardend");
    conn_refuse (c, &err);
}

/* ---- turns --------------------------------------------------------------- */

static bool _is_change (const char *type)
{
    static const char *const changes[] = { "hold", "resume", "set",  "do",
                                           "grow", "return", "mark", "notify",
                                           "proc", "history" };

    for (size_t i = 0; i < sizeof (changes) / sizeof (changes[0]); i++) {
        if (!strcmp (changes[i], type))
            return true;
    }
    return false;
}

/* Who was not looked at in this round, and waits for what can be done now: he whose
 * user was served longest ago. */
static struct conn *_turn_next (struct desk *d)
{
    struct conn *best = NULL;
    uint64_t best_last = 0;

    for (struct conn *c = d->conns; c; c = c->next) {
        uint64_t last;

        if (c->state != CONN_TURN || c->tried == d->round ||
            (_is_change (mw_wire_type (c->msg)) &&
             _turn_of (d, mw_wire_type (c->msg))->id))
            continue;
        last = quota_last (c->who.uid);
        if (!best || last < best_last ||
            (last == best_last && c->asked < best->asked)) {
            best = c;
            best_last = last;
        }
    }
    return best;
}

/* What only root may: over its own socket. */
static bool _is_roots (struct conn *c, const char *type)
{
    static const struct {
        const char *type, *what;
    } roots[] = {
        { "register", "register a job" },
        { "release", "release a job" },
        { "ended", "say that a job has ended" },
        { "move", "move a process from job to job" },
        { "moved", "move a process from job to job" },
    };
    const char *what = NULL;
    struct mw_err err;

    for (size_t i = 0; i < sizeof (roots) / sizeof (roots[0]); i++) {
        if (strcmp (type, roots[i].type) == 0)
            what = roots[i].what;
    }
    if (!what)
        return false;
    mw_err_code (&err, EPERM,
                 "only root may %s, over a socket of its own; you are uid %u",
                 what, (unsigned) c->who.uid);
    conn_refuse (c, &err);
    return true;
}

static void _turn_take (struct conn *c)
{
    const char *type = mw_wire_type (c->msg);

    if (_is_roots (c, type))
        return;
    if (answer_is_of_list (type))
        c->state = CONN_LIST;
    else
        _turn_wish (c);
}

void turn_work (struct desk *d)
{
    struct conn *c;

    _turn_wish_is_late (d, &d->warden);
    _turn_wish_is_late (d, &d->scribe);
    d->round++;
    while ((c = _turn_next (d))) {
        c->tried = d->round;
        if (quota_take (c->who.uid, _is_change (mw_wire_type (c->msg)), d->now))
            _turn_take (c);
        else
            _turn_later (d);
    }
    if (d->warden.id || d->scribe.id)
        _turn_later (d);
    _list_begin (d);
}

void turn_ask (struct conn *c, json_t *msg)
{
    struct desk *d = c->desk;

    c->msg = msg;
    c->asked = ++d->asked;
    c->state = CONN_TURN;
    sd_event_source_set_enabled (c->io, SD_EVENT_OFF);
    turn_work (d);
}

/* ---- the warden, the scribe ---------------------------------------------- */

/* What it sends is one struct, its kind first. */
static void _turn_on_packet (struct desk *d, const void *packet, size_t len,
                             int *fd)
{
    uint32_t kind = 0;

    if (len >= sizeof (kind))
        memcpy (&kind, packet, sizeof (kind));
    if (kind == PASS_DONE && len == sizeof (struct pass_done))
        _turn_on_done (d, &d->warden, packet, -1);
    else if (kind == PASS_PAGE)
        _turn_on_page (d, packet, len);
    else if (kind == PASS_NOTE && len == sizeof (struct pass_note))
        answer_note (d, packet);
    else if (kind == PASS_LISTEN && *fd >= 0)
        d->listen (d, mw_steal_fd (fd));
}

bool turn_hear (struct desk *d)
{
    static union {
        struct pass_done done;
        struct pass_page page;
        struct pass_note note;
    } packet;
    cleanup_fd int fd = -1;
    ssize_t n = pass_receive (d->warden.sock, &packet, sizeof (packet), &fd);

    if (n == 0)
        return false;
    d->now = clock_ms ();
    if (n > 0)
        _turn_on_packet (d, &packet, (size_t) n, &fd);
    turn_work (d);
    return true;
}

bool turn_hear_scribe (struct desk *d)
{
    static struct pass_done done;
    cleanup_fd int fd = -1;
    ssize_t n = pass_receive (d->scribe.sock, &done, sizeof (done), &fd);

    if (n == 0)
        return false;
    d->now = clock_ms ();
    if (n == (ssize_t) sizeof (done) && done.kind == PASS_DONE)
        _turn_on_done (d, &d->scribe, &done, fd);
    turn_work (d);
    return true;
}
