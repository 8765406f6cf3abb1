/* waiting.c - what has been asked of the courier and is not done: see waiting.h
 *
 * Two tables with open addressing; who goes leaves no gap in a row of them.
 */
#include "handler/spool/waiting.h"

#include <string.h>

_Static_assert(WAITING_SLOTS >=
                   2 * (WAITING_COURTESIES_MAX + WAITING_DUTIES_MAX),
               "the slots are never full");
_Static_assert(WAITING_USERS >= 2 * WAITING_COURTESIES_MAX,
               "nor are the users");

/* In a table of [size], a power of two. */
static unsigned _home (uint64_t key, unsigned size)
{
    return (unsigned) (key * 11400714819323198485u >> 32) & (size - 1);
}

/* May what is at home at [home] fill the gap at [gap], found at [at]? */
static bool _may_fill (unsigned home, unsigned gap, unsigned at, unsigned size)
{
    return ((at - home) & (size - 1)) >= ((at - gap) & (size - 1));
}

void waiting_rehearse (struct waiting *w)
{
    memset (w, 0, sizeof (*w));
}

/* ---- requests ------------------------------------------------------------ */

/* Where [seq] is, or would be. */
static unsigned _slot_of (const struct waiting *w, uint64_t seq)
{
    unsigned at = _home (seq, WAITING_SLOTS);

    while (w->slot[at].seq && w->slot[at].seq != seq)
        at = (at + 1) & (WAITING_SLOTS - 1);
    return at;
}

static void _slot_free (struct waiting *w, unsigned gap)
{
    unsigned at = gap;

    while (w->slot[at = (at + 1) & (WAITING_SLOTS - 1)].seq) {
        if (!_may_fill (_home (w->slot[at].seq, WAITING_SLOTS), gap, at,
                        WAITING_SLOTS))
            continue;
        w->slot[gap] = w->slot[at];
        gap = at;
    }
    w->slot[gap] = (struct waiting_slot) { 0 };
}

/* ---- users --------------------------------------------------------------- */

static unsigned _user_at (const struct waiting *w, uint32_t uid)
{
    unsigned at = _home (uid, WAITING_USERS);

    while (w->user[at].count && w->user[at].uid != uid)
        at = (at + 1) & (WAITING_USERS - 1);
    return at;
}

static void _user_free (struct waiting *w, unsigned gap)
{
    unsigned at = gap;

    while (w->user[at = (at + 1) & (WAITING_USERS - 1)].count) {
        if (!_may_fill (_home (w->user[at].uid, WAITING_USERS), gap, at,
                        WAITING_USERS))
            continue;
        w->user[gap] = w->user[at];
        gap = at;
    }
    w->user[gap] = (struct waiting_user) { 0 };
}

/* It is too much for [u], who is [uid]. */
static void _user_loses (struct waiting *w, struct waiting_user *u,
                         uint32_t uid)
{
    if (!u->told)
        w->begun = (struct waiting_user) { .uid = uid, .told = true };
    u->lost++;
    u->told = true;
}

/* One courtesy less of [uid]; where it is over with too many, it is kept for
 * waiting_news. */
static void _user_done (struct waiting *w, uint32_t uid)
{
    unsigned at = _user_at (w, uid);
    struct waiting_user *u = &w->user[at];

    if (u->count == 0)
        return;
    u->count--;
    if (u->told && u->count <= w->most / 2) {
        w->over = (struct waiting_user) { .uid = uid, .lost = u->lost };
        u->lost = 0;
        u->told = false;
    }
    if (u->count == 0)
        _user_free (w, at);
}

/* ---- both ---------------------------------------------------------------- */

bool waiting_has_room (const struct waiting *w, uint32_t uid, bool courtesy)
{
    if (!courtesy)
        return w->duties < WAITING_DUTIES_MAX;
    return w->courtesies < w->in_all &&
           w->courtesies < WAITING_COURTESIES_MAX &&
           w->user[_user_at (w, uid)].count < w->most;
}

void waiting_add (struct waiting *w, uint64_t seq, uint32_t uid, bool courtesy)
{
    struct waiting_slot *slot = &w->slot[_slot_of (w, seq)];
    struct waiting_user *user = &w->user[_user_at (w, uid)];

    if (seq == 0 || slot->seq ||
        (courtesy ? w->courtesies >= WAITING_COURTESIES_MAX
                  : w->duties >= WAITING_DUTIES_MAX))
        return;
    *slot = (struct waiting_slot) { seq, uid, courtesy, true };
    if (!courtesy) {
        w->duties++;
        return;
    }
    w->courtesies++;
    user->uid = uid;
    user->count++;
}

bool waiting_is (const struct waiting *w, uint64_t seq)
{
    return seq && w->slot[_slot_of (w, seq)].seq;
}

bool waiting_done (struct waiting *w, uint64_t seq)
{
    unsigned at = _slot_of (w, seq);
    struct waiting_slot was = w->slot[at];

    if (!seq || !was.seq)
        return false;
    _slot_free (w, at);
    if (!was.courtesy) {
        w->duties--;
        return true;
    }
    w->courtesies--;
    _user_done (w, was.uid);
    return true;
}

void waiting_lose (struct waiting *w, uint32_t uid)
{
    struct waiting_user *u = &w->user[_user_at (w, uid)];

    if (u->count > 0 && u->count >= w->most)
        _user_loses (w, u, uid);
    else
        _user_loses (w, &w->all, WAITING_ALL);
}

bool waiting_news (struct waiting *w, uint32_t *uid, unsigned *lost)
{
    struct waiting_user *u = &w->begun;

    if (!u->told && w->over.lost == 0 && w->all.told &&
        w->courtesies <= w->in_all / 2) {
        w->over = (struct waiting_user) { .lost = w->all.lost,
                                          .uid = WAITING_ALL };
        w->all = (struct waiting_user) { 0 };
    }
    if (!u->told)
        u = &w->over;
    if (!u->told && u->lost == 0)
        return false;
    *uid = u->uid;
    *lost = u->lost;
    *u = (struct waiting_user) { 0 };
    return true;
}

void waiting_unsee (struct waiting *w)
{
    for (unsigned i = 0; i < WAITING_SLOTS; i++)
        w->slot[i].seen = false;
}

void waiting_see (struct waiting *w, uint64_t seq)
{
    struct waiting_slot *slot = &w->slot[_slot_of (w, seq)];

    if (seq && slot->seq)
        slot->seen = true;
}

void waiting_sweep (struct waiting *w, uint64_t last)
{
    for (unsigned i = 0; i < WAITING_SLOTS; i++) {
        /* who fills the gap is looked at, too */
        while (w->slot[i].seq && !w->slot[i].seen && w->slot[i].seq <= last)
            waiting_done (w, w->slot[i].seq);
    }
}
