/* pace.h - when to look next at what is not told by itself: pure
 *
 * A process cannot hold more than its job uses, memory and swap; and from a look at which
 * the largest held R, none gets above a limit L before the job has grown by L - R, but at
 * the cost of another, or of page cache.  So what a job uses, two reads of some µs, says
 * when to look at its processes, each a read of 30 µs or more: and beside that now and
 * then, as often as a share of one CPU allows.
 */
#ifndef MW_PACE_H
#define MW_PACE_H

#include <stdint.h>

/* A job is taken to grow by so much a ms, or twice as fast as it was seen to. */
#define PACE_RATE (1024 * 1024)

#define PACE_LEAST_MS 20
#define PACE_MOST_MS 2000

/* A look is one two-hundredth of the time to the next one: 0.5 % of a CPU. */
#define PACE_SHARE 200

/* Who has to be looked at in any case is, so often at most. */
#define PACE_LOOK_MS 1000

/* How long may a job that uses [used] bytes, and has [grown] by so many within [ms] (0: not
 *   known), be left alone until it may have passed [at]?  PACE_LEAST_MS to PACE_MOST_MS. */
uint64_t pace_ms (uint64_t used, uint64_t at, uint64_t grown, uint64_t ms);

/* After looks that have cost [us] µs none are to be within so many ms. */
uint64_t pace_rest_ms (uint64_t us);

/* The next look: when the job uses [at]; not for [soonest] ms; after [latest] ms in any
 *   case, 0 = never. */
struct pace {
    uint64_t at, soonest, latest;
};

/* When is the next look at a job that uses [used] bytes, in which no process may hold more
 *   than [limit] or more, and none gets above what it may before the job has grown by
 *   [room], if the last has cost [us]? */
struct pace pace_next (uint64_t used, uint64_t room, uint64_t limit,
                       uint64_t us);

#endif /* !MW_PACE_H */
