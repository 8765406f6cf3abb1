/* force.h - a warden that does not answer is stopped for good
 *
 * So that what it had can be given back while it is still there.
 */
#ifndef MW_FORCE_H
#define MW_FORCE_H

#include "lib/err.h"

/* End (SIGKILL) whoever has the lock of [state_dir], and whoever has a memcg of this
 *   node in its name (memcg/claim.h), and wait until they are gone.  Only what is
 *   verifiably a memwardend is: a process that is still what was looked at (pidfd_open(2),
 *   when it was started) and runs that program.
 * Returns how many were; -1 with errno and a sentence: EPERM, it is something else;
 *   EBUSY, it does not end, since the kernel does not let it. */
int force_stop (const char *state_dir, struct mw_err *err);

#endif /* !MW_FORCE_H */
