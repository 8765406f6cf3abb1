/* claim.h - one warden a memcg
 *
 * Two would write its limits two ways, and the end of one would disarm the other's
 * job.  Who has it is in an xattr(7) of its directory that only root can write,
 * "PID START STATE-DIR"; who has ended has it no more.
 */
#ifndef MW_CLAIM_H
#define MW_CLAIM_H

#include <stdbool.h>
#include <sys/types.h>

#include "lib/err.h"

/* This warden's state directory, by which those before it and after it are told from
 *   others on the node; earlier versions had it at [before]. */
void memcg_claim_home (const char *state_dir, const char *before);

/* Have the memcg [dir]. Returns 0, also where the kernel keeps no such attributes;
 *   -1 with EBUSY and who has it. */
int memcg_claim (int dir, struct mw_err *err);

/* Has nobody else that lives the memcg [dir]?  Returns 0; -1 as above. */
int memcg_not_claimed (int dir, struct mw_err *err);

/* Have it no more, if we had it; errno is kept. */
void memcg_unclaim (int dir);

/* The pid of the warden of this state directory that lives and has [dir]; 0. */
pid_t memcg_claimed_here (int dir);

/* Had a warden of this state directory the memcg [dir], who lives no more? */
bool memcg_is_orphan (int dir);
void memcg_forget_orphan (int dir);

/* Its processes are about to be stopped by us, or ([on] is false) go on: that is in an
 *   attribute, too, so that who finds it stopped knows by whom, whatever became of the
 *   journal.  errno is kept. */
void memcg_mark_frozen (int dir, bool on);
bool memcg_is_marked_frozen (int dir);

#endif /* !MW_CLAIM_H */
