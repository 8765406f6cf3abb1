/* target.h - which one of a job's processes a step is for: pure
 *
 *   largest   who holds most (member_holds: what its end would free)
 *   guilty    who has grown most since the first look; where nobody has been seen to
 *             grow, the largest
 *   leader    the first process of the task that the largest is in: the farthest of its
 *             ancestors in the job that may be chosen
 *
 * Never one that is barred.  Equal ones: the younger, then the higher number.
 */
#ifndef MW_TARGET_H
#define MW_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include "handler/memcg/members.h"
#include "lib/ladder.h"

/* What is kept of the first look. */
struct target_before {
    pid_t pid;
    uint64_t started, held;
};

/* Who has grown by less is not growing: bytes. */
#define TARGET_GROWTH_MIN (256 * MW_KIB)

/* Write into each of [all] by how much it has grown since [before], the [n] of a first
 *   look; one that was not there then has grown by all it holds, but where the first
 *   look could not see all ([cut]): then by nothing. */
void target_growth (struct members *all, const struct target_before *before,
                    unsigned n, bool cut);

/* The one of [all] that [target] names: its place.  [*grown]: it was chosen for its
 *   growth. Returns -1 where nobody may be chosen. */
int target_choose (enum mw_target target, const struct members *all,
                   bool *grown);

/* Has somebody grown by so much that no longer look is needed to know who it is: a 64th
 *   of the job's [limit]? */
bool target_is_clear (const struct members *all, uint64_t limit);

#endif /* !MW_TARGET_H */
