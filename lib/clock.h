/* clock.h - the two clocks: one to measure with, one to tell people */
#ifndef MW_CLOCK_H
#define MW_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Milliseconds since boot, suspend included: deadlines survive a restart of the
 *   warden and do not care for a wall clock that jumps. */
static inline uint64_t clock_ms (void)
{
    struct timespec t;

    clock_gettime (CLOCK_BOOTTIME, &t);
    return (uint64_t) t.tv_sec * 1000 + (uint64_t) t.tv_nsec / 1000000;
}

/* The same in microseconds. */
static inline uint64_t clock_us (void)
{
    struct timespec t;

    clock_gettime (CLOCK_BOOTTIME, &t);
    return (uint64_t) t.tv_sec * 1000000 + (uint64_t) t.tv_nsec / 1000;
}

/* Microseconds since the epoch, for records. */
static inline uint64_t clock_wall_us (void)
{
    struct timespec t;

    clock_gettime (CLOCK_REALTIME, &t);
    return (uint64_t) t.tv_sec * 1000000 + (uint64_t) t.tv_nsec / 1000;
}

#endif /* !MW_CLOCK_H */
