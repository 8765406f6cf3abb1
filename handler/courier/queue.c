/* queue.c - whose turn it is */
#include "handler/courier/courier.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NEVER UINT64_MAX

/* The requests of one job on one way. */
struct courier_lane {
    char job[MW_JOBKEY_MAX];
    enum courier_way way;
    struct courier_user *user;
    struct courier_item *first, *last; /* in order; those deferred apart */
    struct courier_item *first_deferred, *last_deferred;
    struct courier_lane *same_hash;
};

/* What one user has on one way; he is in the ring while something is ready. */
struct courier_user {
    uint32_t uid;
    enum courier_way way;
    unsigned lanes;
    struct courier_item *ready, *last_ready;
    struct courier_user *before, *after; /* in the ring */
    bool in_ring;
    struct courier_user *same_hash;
};

enum courier_way courier_way_of (enum spool_op op)
{
    switch (op) {
    case SPOOL_HOOK:
        return WAY_HOOK;
    case SPOOL_WEBHOOK:
        return WAY_WEB;
    default:
        return WAY_CONTROLLER;
    }
}

/* ---- the time of each ---------------------------------------------------- */

static void _heap_set (struct courier_queue *q, unsigned at,
                       struct courier_item *item)
{
    q->heap[at] = item;
    item->place = at + 1;
}

/* Let [item] go from place [at] to where its time belongs. */
static void _heap_sift (struct courier_queue *q, unsigned at,
                        struct courier_item *item)
{
    unsigned child;

    while (at > 0 && q->heap[(at - 1) / 2]->look_ms > item->look_ms) {
        _heap_set (q, at, q->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    while ((child = 2 * at + 1) < q->heaped) {
        if (child + 1 < q->heaped &&
            q->heap[child + 1]->look_ms < q->heap[child]->look_ms)
            child++;
        if (q->heap[child]->look_ms >= item->look_ms)
            break;
        _heap_set (q, at, q->heap[child]);
        at = child;
    }
    _heap_set (q, at, item);
}

static uint64_t _look_ms (const struct courier_item *item)
{
    uint64_t at = item->req.not_after_ms ? item->req.not_after_ms : NEVER;

    if (item->state == ITEM_RUNNING)
        return item->killed || item->limit_ms == 0 ? NEVER : item->limit_ms;
    return item->state == ITEM_SLEEPS && item->due_ms < at ? item->due_ms : at;
}

/* There is a place for every item: courier_queue_add has seen to that. */
void courier_queue_timed (struct courier_queue *q, struct courier_item *item)
{
    struct courier_item *last;
    unsigned at = item->place;

    item->look_ms = _look_ms (item);
    if (item->look_ms != NEVER) {
        _heap_sift (q, at ? at - 1 : q->heaped++, item);
        return;
    }
    if (at == 0)
        return;
    item->place = 0;
    last = q->heap[--q->heaped];
    if (last != item)
        _heap_sift (q, at - 1, last);
}

/* ---- who is ready -------------------------------------------------------- */

static void _ring_add (struct courier_queue *q, struct courier_user *u)
{
    if (u->in_ring)
        return;
    u->in_ring = true;
    u->after = NULL;
    u->before = q->last_user[u->way];
    *(u->before ? &u->before->after : &q->next_user[u->way]) = u;
    q->last_user[u->way] = u;
}

static void _ring_remove (struct courier_queue *q, struct courier_user *u)
{
    if (!u->in_ring)
        return;
    u->in_ring = false;
    *(u->before ? &u->before->after : &q->next_user[u->way]) = u->after;
    *(u->after ? &u->after->before : &q->last_user[u->way]) = u->before;
}

static void _ready_add (struct courier_queue *q, struct courier_item *item)
{
    struct courier_user *u = item->lane->user;

    item->state = ITEM_READY;
    item->ready_after = NULL;
    item->ready_before = u->last_ready;
    *(u->last_ready ? &u->last_ready->ready_after : &u->ready) = item;
    u->last_ready = item;
    _ring_add (q, u);
}

static void _ready_remove (struct courier_queue *q, struct courier_item *item)
{
    struct courier_user *u = item->lane->user;

    *(item->ready_before ? &item->ready_before->ready_after
                         : &u->ready) = item->ready_after;
    *(item->ready_after ? &item->ready_after->ready_before
                        : &u->last_ready) = item->ready_before;
    if (!u->ready)
        _ring_remove (q, u);
}

/* [item] is the next of its lane, if [turn]. */
static void _item_turn (struct courier_queue *q, struct courier_item *item,
                        bool turn)
{
    if (item->state == ITEM_RUNNING)
        return;
    if (item->state == ITEM_READY && !turn) {
        _ready_remove (q, item);
        item->state = ITEM_BEHIND;
    } else if (!turn) {
        item->state = ITEM_BEHIND;
    } else if (item->state == ITEM_BEHIND) {
        item->state = ITEM_SLEEPS;
        if (item->due_ms == 0)
            _ready_add (q, item);
    }
    courier_queue_timed (q, item);
}

/* Whose turn it is in [lane]: no earlier one may be left, but for those that are
 * deferred, which only keep back other lines for the job. */
static void _lane_turn (struct courier_queue *q, struct courier_lane *lane)
{
    struct courier_item *first = lane->first;

    if (lane->first_deferred)
        _item_turn (q, lane->first_deferred, true);
    if (first)
        _item_turn (q, first,
                    !lane->first_deferred || first->req.op != SPOOL_NOTIFY);
}

/* ---- lanes --------------------------------------------------------------- */

static unsigned _queue_hash (const char *text, unsigned more)
{
    uint64_t h = 14695981039346656037u + more;

    for (; *text; text++)
        h = (h ^ (unsigned char) *text) * 1099511628211u;
    return (unsigned) (h ^ h >> 32);
}

static unsigned _hash_uid (uint32_t uid, enum courier_way way)
{
    return (uid * WAY_COUNT + way) * 2654435761u >> 7;
}

static void _lane_add (struct courier_lane *lane, struct courier_item *item,
                       bool front)
{
    struct courier_item **first, **last;

    first = item->deferred ? &lane->first_deferred : &lane->first;
    last = item->deferred ? &lane->last_deferred : &lane->last;
    item->before = front ? NULL : *last;
    item->after = front ? *first : NULL;
    *(item->before ? &item->before->after : first) = item;
    *(item->after ? &item->after->before : last) = item;
}

static void _lane_remove (struct courier_lane *lane, struct courier_item *item)
{
    struct courier_item **first, **last;

    first = item->deferred ? &lane->first_deferred : &lane->first;
    last = item->deferred ? &lane->last_deferred : &lane->last;
    *(item->before ? &item->before->after : first) = item->after;
    *(item->after ? &item->after->before : last) = item->before;
}

static struct courier_user *_user (struct courier_queue *q, uint32_t uid,
                                   enum courier_way way)
{
    struct courier_user **p, *u;

    p = &q->users[_hash_uid (uid, way) & (q->user_size - 1)];
    for (u = *p; u; u = u->same_hash) {
        if (u->uid == uid && u->way == way)
            return u;
    }
    u = calloc (1, sizeof (*u));
    if (!u)
        return NULL;
    u->uid = uid;
    u->way = way;
    u->same_hash = *p;
    *p = u;
    q->user_count++;
    return u;
}

static void _user_drop (struct courier_queue *q, struct courier_user *u)
{
    struct courier_user **p;

    if (u->lanes > 0)
        return;
    _ring_remove (q, u);
    p = &q->users[_hash_uid (u->uid, u->way) & (q->user_size - 1)];
    while (*p != u)
        p = &(*p)->same_hash;
    *p = u->same_hash;
    q->user_count--;
    free (u);
}

static struct courier_lane *_lane_find (const struct courier_queue *q,
                                        const char *job, enum courier_way way)
{
    struct courier_lane *
        l = q->lane_size ? q->lanes[_queue_hash (job, way) & (q->lane_size - 1)]
                         : NULL;

    while (l && (l->way != way || strcmp (l->job, job) != 0))
        l = l->same_hash;
    return l;
}

static struct courier_lane *_lane (struct courier_queue *q,
                                   const struct spool_request *r,
                                   enum courier_way way)
{
    struct courier_lane *l = _lane_find (q, r->job, way), **p;

    if (l)
        return l;
    l = calloc (1, sizeof (*l));
    if (!l || !(l->user = _user (q, r->uid, way))) {
        free (l);
        return NULL;
    }
    strcpy (l->job, r->job);
    l->way = way;
    l->user->lanes++;
    p = &q->lanes[_queue_hash (l->job, way) & (q->lane_size - 1)];
    l->same_hash = *p;
    *p = l;
    q->lane_count++;
    return l;
}

static void _lane_drop (struct courier_queue *q, struct courier_lane *lane)
{
    struct courier_lane *
        *p = &q->lanes[_queue_hash (lane->job, lane->way) & (q->lane_size - 1)];

    while (*p != lane)
        p = &(*p)->same_hash;
    *p = lane->same_hash;
    q->lane_count--;
    lane->user->lanes--;
    _user_drop (q, lane->user);
    free (lane);
}

/* ---- room ---------------------------------------------------------------- */

/* A bigger table of pointers, all NULL. Returns NULL where [have] is enough for
 * [count] and one more, or there is no memory. */
static void *_bigger (unsigned count, unsigned *have)
{
    void *table;

    if (count < *have)
        return NULL;
    table = calloc (*have ? 2 * (size_t) *have : 64, sizeof (void *));
    if (table)
        *have = *have ? 2 * *have : 64;
    return table;
}

static void _more_ids (struct courier_queue *q)
{
    unsigned old = q->id_size;
    struct courier_item **table = _bigger (q->count, &q->id_size), *i, *next;

    for (unsigned k = 0; table && k < old; k++) {
        for (i = q->by_id[k]; i; i = next) {
            unsigned h = _queue_hash (i->req.id, 0) & (q->id_size - 1);

            next = i->same_hash;
            i->same_hash = table[h];
            table[h] = i;
        }
    }
    if (table) {
        free (q->by_id);
        q->by_id = table;
    }
}

static void _more_lanes (struct courier_queue *q)
{
    unsigned old = q->lane_size;
    struct courier_lane **table = _bigger (q->lane_count, &q->lane_size), *l,
                        *next;

    for (unsigned k = 0; table && k < old; k++) {
        for (l = q->lanes[k]; l; l = next) {
            unsigned h = _queue_hash (l->job, l->way) & (q->lane_size - 1);

            next = l->same_hash;
            l->same_hash = table[h];
            table[h] = l;
        }
    }
    if (table) {
        free (q->lanes);
        q->lanes = table;
    }
}

static void _more_users (struct courier_queue *q)
{
    unsigned old = q->user_size;
    struct courier_user **table = _bigger (q->user_count, &q->user_size), *u,
                        *next;

    for (unsigned k = 0; table && k < old; k++) {
        for (u = q->users[k]; u; u = next) {
            unsigned h = _hash_uid (u->uid, u->way) & (q->user_size - 1);

            next = u->same_hash;
            u->same_hash = table[h];
            table[h] = u;
        }
    }
    if (table) {
        free (q->users);
        q->users = table;
    }
}

static void _more_heap (struct courier_queue *q)
{
    unsigned want = q->heap_size ? 2 * q->heap_size : 64;
    struct courier_item **heap;

    if (q->count < q->heap_size)
        return;
    heap = realloc (q->heap, want * sizeof (struct courier_item *));
    if (heap) {
        q->heap = heap;
        q->heap_size = want;
    }
}

/* Make room for one more. Returns false without memory; a table that could not
 * be made bigger is slower. */
static bool _queue_has_room (struct courier_queue *q)
{
    _more_ids (q);
    _more_lanes (q);
    _more_users (q);
    _more_heap (q);
    return q->by_id && q->lanes && q->users && q->count < q->heap_size;
}

/* ---- items --------------------------------------------------------------- */

struct courier_item *courier_queue_find (struct courier_queue *q,
                                         const char *id)
{
    struct courier_item
        *i = q->id_size ? q->by_id[_queue_hash (id, 0) & (q->id_size - 1)]
                        : NULL;

    while (i && strcmp (i->req.id, id) != 0)
        i = i->same_hash;
    return i;
}

struct courier_item *courier_queue_of_pid (struct courier_queue *q, pid_t pid)
{
    struct courier_item *i = q->running;

    while (i && i->pid != pid)
        i = i->next_running;
    return i;
}

struct courier_item *courier_queue_add (struct courier_queue *q,
                                        const struct spool_request *r)
{
    return courier_queue_add_on (q, r, courier_way_of (r->op));
}

struct courier_item *courier_queue_add_on (struct courier_queue *q,
                                           const struct spool_request *r,
                                           enum courier_way way)
{
    struct courier_item *item, **p;

    if (courier_queue_find (q, r->id)) {
        errno = EEXIST;
        return NULL;
    }
    item = _queue_has_room (q) ? calloc (1, sizeof (*item)) : NULL;
    if (!item || !(item->lane = _lane (q, r, way))) {
        free (item);
        errno = ENOMEM;
        return NULL;
    }
    item->req = *r;
    item->way = way;
    item->fd = -1;
    p = &q->by_id[_queue_hash (r->id, 0) & (q->id_size - 1)];
    item->same_hash = *p;
    *p = item;
    q->count++;
    q->of_way[way]++;
    _lane_add (item->lane, item, false);
    courier_queue_timed (q, item);
    _lane_turn (q, item->lane);
    return item;
}

unsigned courier_queue_count (const struct courier_queue *q,
                              enum courier_way way)
{
    return q->of_way[way];
}

static void _running_remove (struct courier_queue *q, struct courier_item *item)
{
    struct courier_item **p = &q->running;

    while (*p && *p != item)
        p = &(*p)->next_running;
    if (*p)
        *p = item->next_running;
}

void courier_queue_remove (struct courier_queue *q, struct courier_item *item)
{
    struct courier_item *
        *p = &q->by_id[_queue_hash (item->req.id, 0) & (q->id_size - 1)];
    struct courier_lane *lane = item->lane;

    if (item->state == ITEM_READY)
        _ready_remove (q, item);
    else if (item->state == ITEM_RUNNING)
        _running_remove (q, item);
    item->state = ITEM_BEHIND;
    item->req.not_after_ms = 0;
    courier_queue_timed (q, item); /* out of the heap */
    while (*p != item)
        p = &(*p)->same_hash;
    *p = item->same_hash;
    q->count--;
    q->of_way[item->way]--;
    _lane_remove (lane, item);
    if (lane->first || lane->first_deferred)
        _lane_turn (q, lane);
    else
        _lane_drop (q, lane);
    free (item);
}

void courier_queue_free (struct courier_queue *q)
{
    for (unsigned k = 0; k < q->id_size; k++) {
        while (q->by_id[k])
            courier_queue_remove (q, q->by_id[k]);
    }
    free (q->by_id);
    free (q->lanes);
    free (q->users);
    free (q->heap);
    *q = (struct courier_queue) { 0 };
}

/* ---- whose turn it is ---------------------------------------------------- */

bool courier_queue_is_ready (const struct courier_queue *q,
                             enum courier_way way)
{
    return q->next_user[way] != NULL;
}

struct courier_item *courier_queue_next (struct courier_queue *q,
                                         enum courier_way way)
{
    struct courier_user *u = q->next_user[way];
    struct courier_item *item;

    if (!u)
        return NULL;
    item = u->ready;
    _ready_remove (q, item);
    _ring_remove (q, u); /* to its end */
    if (u->ready)
        _ring_add (q, u);
    item->state = ITEM_RUNNING;
    item->limit_ms = 0;
    item->next_running = q->running;
    q->running = item;
    courier_queue_timed (q, item);
    return item;
}

void courier_queue_later (struct courier_queue *q, struct courier_item *item,
                          uint64_t due_ms, bool deferred)
{
    _running_remove (q, item);
    item->state = ITEM_BEHIND;
    item->due_ms = due_ms;
    if (item->deferred != deferred) {
        _lane_remove (item->lane, item);
        if (!deferred && item->lane->first)
            _item_turn (q, item->lane->first, false);
        item->deferred = deferred;
        /* it was the first of its kind, and goes behind those that are
         * deferred already, or before all that came after it */
        _lane_add (item->lane, item, !deferred);
    }
    courier_queue_timed (q, item);
    _lane_turn (q, item->lane);
}

void courier_queue_wake (struct courier_queue *q, const char *job,
                         enum courier_way way)
{
    struct courier_lane *lane = _lane_find (q, job, way);
    struct courier_item *i = lane ? lane->first_deferred : NULL;

    for (; i; i = i->after) {
        i->due_ms = 0;
        if (i->state == ITEM_SLEEPS)
            _ready_add (q, i);
        courier_queue_timed (q, i);
    }
}

struct courier_item *courier_queue_due (struct courier_queue *q, uint64_t now,
                                        uint64_t *when)
{
    struct courier_item *item;

    *when = 0;
    while (q->heaped > 0 && (item = q->heap[0])->look_ms <= now) {
        if (item->state == ITEM_RUNNING ||
            (item->req.not_after_ms && item->req.not_after_ms <= now))
            return item;
        item->due_ms = 0;
        _ready_add (q, item);
        courier_queue_timed (q, item);
    }
    if (q->heaped > 0)
        *when = q->heap[0]->look_ms;
    return NULL;
}
