/* pace.c - see pace.h */
#include "handler/policy/pace.h"

uint64_t pace_ms (uint64_t used, uint64_t at, uint64_t grown, uint64_t ms)
{
    uint64_t rate = ms > 0 ? 2 * (grown / ms) : 0;
    uint64_t wait = 0;

    if (rate < PACE_RATE)
        rate = PACE_RATE;
    if (at > used)
        wait = (at - used) / rate;
    if (wait < PACE_LEAST_MS)
        return PACE_LEAST_MS;
    return wait < PACE_MOST_MS ? wait : PACE_MOST_MS;
}

uint64_t pace_rest_ms (uint64_t us)
{
    return (us * PACE_SHARE + 999) / 1000;
}

struct pace pace_next (uint64_t used, uint64_t room, uint64_t limit,
                       uint64_t us)
{
    struct pace p = { .soonest = pace_rest_ms (us) };

    if (used < limit) { /* nobody can be above */
        p.at = limit;
        return p;
    }
    p.at = used + room;
    p.latest = p.soonest > PACE_LOOK_MS ? p.soonest : PACE_LOOK_MS;
    return p;
}
