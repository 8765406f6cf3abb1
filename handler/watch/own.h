/* own.h - what single processes of jobs have said that they, and those they start, may hold
 *
 * A table of bounded size, in the warden's memory alone: a program asks again when a
 * descriptor of mw_on_pressure tells that the warden has gone.  A process has what it has
 * asked for; else what its parent had when it was started, in the kernel's ticks of 10 ms
 * (the library lets one go by before it asks); else what its job has.  That
 * is found when processes are looked at: who has lost its parent before has its job's.
 * Executing another program changes nothing, but where that was asked for.  That is seen
 * without a look into the process, for which the warden has no right: one that was
 * forked has executed none yet as long as the kernel says so (PF_FORKNOEXEC, the flags of
 * proc(5)'s stat); of any other it is the name that becomes another.
 */
#ifndef MW_OWN_H
#define MW_OWN_H

#include <stdbool.h>
#include <stdint.h>

#include "handler/job/job.h"
#include "handler/memcg/members.h"
#include "lib/err.h"

#define OWN_MAX 2048 /* of all jobs; a user's have no more than are free */
#define OWN_OF_JOB_MAX 256 /* of one */

/* [m], of [job], and whom it starts from now on may hold what [limit] says; what its job
 *   says, where that is none.  With [clears], until it executes another program.
 * Returns 0; -1 with errno ENOSPC (too many have asked), ENOMEM, and [err]. */
int own_set (const struct job *job, const struct member *m,
             const struct mw_proclimit *limit, bool clears, struct mw_err *err);

/* What [m], of [job], may hold: bytes, 0 = as much as the job, and what is done to one that
 *   holds more into [*actions].  It is noted as seen. */
uint64_t own_of (const struct job *job, const struct member *m,
                 const struct mw_ladder **actions);

/* The least that one of [job]'s processes may hold, the job's limit among it; 0 = none is
 *   bounded. */
uint64_t own_least (const struct job *job);

/* A look at all processes of [job] is over: who was not seen since the last has gone. */
void own_looked (const struct job *job);

/* [job] is over. */
void own_forget (const struct job *job);

#endif /* !MW_OWN_H */
