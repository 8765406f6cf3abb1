/* rights.h - what the warden and its keepers need, and nothing else */
#ifndef MW_RIGHTS_H
#define MW_RIGHTS_H

#include <stdbool.h>

#include "lib/err.h"

/* After start: whatever is opened, locked and forked by then is there.
 * Returns 0; -1 with errno and what it could not give up. */
int rights_warden (struct mw_err *err);

/* A keeper forks, becomes another user and kills what it keeps.  Of the [desk] nothing
 *   that it runs ever has a right; what the courier runs (an admin's hooks) may be any
 *   program, and is kept from what changes the whole machine.  One that stays [root],
 *   as an admin may have it, is to have root's rights, and to end with its keeper: who
 *   gains a capability by execve(2) does not (PR_SET_PDEATHSIG), so none is given up.
 * Returns as above. */
int rights_keeper (bool desk, bool root, struct mw_err *err);

#endif /* !MW_RIGHTS_H */
