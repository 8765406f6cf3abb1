/* signs.c - what MemAvailable, swap and PSI together say: see signs.h */
#include "handler/policy/signs.h"

#include "lib/units.h"

#define FALL_LEAST MW_MIB /* less is noise */
#define FALLING_MS 1000   /* huge pages make a slow fall one in steps */
#define LOOK_FALLING_MS 5
#define LOOK_LEAST_MS 20 /* while nothing falls */
#define LOOK_MOST_MS 5000
#define PLENTY 4         /* that part of the capacity is available */
#define SWAP_FULL 16     /* less than that part of it is free */
#define REFAULT_SHARE 64 /* of the capacity, a second */
#define NEED_MOST MW_GIB

void signs_learn (struct signs_fall *f, uint64_t now_ms, uint64_t left)
{
    uint64_t fell = 0;

    if (f->ms > 0 && now_ms == f->ms)
        return;
    if (f->ms > 0 && now_ms > f->ms && left < f->left)
        fell = f->left - left;
    if (fell > 0 && fell / (now_ms - f->ms) > f->rate)
        f->rate = fell / (now_ms - f->ms);
    if (left > f->mark) {
        f->mark = left;
    } else if (f->mark - left >= FALL_LEAST) {
        f->mark = left;
        f->fell_ms = now_ms;
    }
    f->falling = f->fell_ms > 0 && now_ms - f->fell_ms < FALLING_MS;
    f->left = left;
    f->ms = now_ms;
}

static uint64_t _clamp (uint64_t n, uint64_t least, uint64_t most)
{
    return n < least ? least : n > most ? most : n;
}

uint64_t signs_next_look (struct signs_fall *f, uint64_t rate, uint64_t above,
                          uint64_t reserve)
{
    uint64_t part = reserve / 4, least, most;

    if (rate == 0)
        rate = 1;
    /* a small reserve does not last for the usual least time */
    least = _clamp (part / rate, LOOK_FALLING_MS, LOOK_LEAST_MS);
    most = above > UINT64_MAX - part ? UINT64_MAX : above + part;
    most = _clamp (most / rate, least, LOOK_MOST_MS);
    f->look_ms = _clamp (f->falling ? above / rate : 2 * f->look_ms,
                         LOOK_FALLING_MS, most);
    return f->look_ms;
}

enum signs_second signs_second (const struct policy_node *node,
                                const struct signs_stall *stall, uint64_t *need)
{
    uint64_t margin = mw_least (node->capacity / 16, NEED_MOST);
    uint64_t low = node->reserve + mw_least (node->reserve / 2, margin);

    *need = 0;
    /* where the node itself does not look for memory, a memcg at its own limit
     * stalls, and that is not the node's OOM */
    if (stall->scanned == 0)
        return SIGNS_NONE;
    if (node->available < low) {
        *need = low - node->available;
        return SIGNS_AVAILABLE;
    }
    /* swap may be full of what nobody needs, and caches turn over on any node */
    if (node->available >= node->capacity / PLENTY)
        return SIGNS_NONE;
    if (node->swap_total > 0 &&
        node->swap_free < node->swap_total / SWAP_FULL) {
        *need = margin;
        return SIGNS_SWAP;
    }
    if (stall->ms > 0 && stall->refaulted / stall->ms >=
                             node->capacity / REFAULT_SHARE / 1000 + 1) {
        *need = margin;
        return SIGNS_REFAULTS;
    }
    return SIGNS_NONE;
}

bool signs_livelock (uint64_t used, uint64_t total, uint64_t limit,
                     uint64_t refaulted, uint64_t ms)
{
    uint64_t slack = limit / 32, room;

    /* all but a 32nd of the limit cannot be reclaimed (so that its steps find
     * it at the limit, too), and what is left for file pages is full */
    if (used + slack < limit || total + slack < limit || ms == 0)
        return false;
    room = limit > used ? limit - used : 0;
    if (room < MW_MIB)
        room = MW_MIB;
    /* all of that is read in again at least once a second */
    return refaulted / ms >= room / 1000;
}
