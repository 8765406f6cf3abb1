/* tally.h - what the records come to, in numbers, for metrics
 *
 * Of few kinds, whatever is in the records: no job's key or name, nothing that a user
 * has written, is a label.  Zeroed it is empty.
 */
#ifndef MW_TALLY_H
#define MW_TALLY_H

#include <jansson.h>
#include <stdint.h>

#include "lib/ladder.h"
#include "lib/outcome.h"

enum tally_trigger {
    TALLY_JOB,
    TALLY_NODE,
    TALLY_ADMIN,
    TALLY_PROCESS,
    TALLY_TRIGGERS
};
extern const char *const tally_trigger_name[TALLY_TRIGGERS];

#define TALLY_STEPS (MW_STEP_COUNT + 1) /* of mw_steps; the last one: none */

struct tally {
    json_t *jobs; /* those that are here, by their keys */
    uint64_t detected[TALLY_TRIGGERS];
    uint64_t resolved[TALLY_TRIGGERS][TALLY_STEPS][MW_OUTCOME_COUNT];
    uint64_t kernel_kills, lent, returned; /* the latter bytes */
};

/* What the jobs that are here come to: how many, or bytes. */
struct tally_jobs {
    uint64_t jobs, in_incident, held, suspended, slowed;
    uint64_t reserved, limit, lent, used, cache;
};

/* [record] has been read: the state of its job is known by it, however often. */
void tally_state (struct tally *t, const json_t *record);

/* [record] is new: what it tells of is counted. */
void tally_count (struct tally *t, const json_t *record);

/* Add up the jobs; what they use is read in their memcgs. */
void tally_jobs (const struct tally *t, struct tally_jobs *sum);

void tally_end (struct tally *t);

#endif /* !MW_TALLY_H */
