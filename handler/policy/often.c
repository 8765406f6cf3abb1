/* often.c - a job that has one incident after the other: see often.h */
#include "handler/policy/often.h"

enum often_telling often_incident (struct often *o, uint64_t now_ms)
{
    uint64_t oldest = o->began_ms[o->next];
    bool was = o->on;

    o->began_ms[o->next] = now_ms;
    o->next = (o->next + 1) % OFTEN_INCIDENTS;
    o->on = oldest != 0 && now_ms - oldest <= OFTEN_WITHIN_MS;
    if (!o->on)
        return OFTEN_TELL;
    if (was && now_ms - o->told_ms < OFTEN_TELL_MS) {
        o->untold++;
        return OFTEN_SKIP;
    }
    o->told_ms = now_ms;
    return was ? OFTEN_TELL : OFTEN_BEGIN;
}

unsigned often_take_untold (struct often *o)
{
    unsigned n = o->untold;

    o->untold = 0;
    return n;
}

void often_tell_it (struct often *o)
{
    if (o->untold > 0)
        o->untold--;
}

uint64_t often_keep_ms (const struct often *o)
{
    return o->on ? OFTEN_KEEP_MS : 0;
}
