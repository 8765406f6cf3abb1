/* failsafe.h - the warden is gone: no job may stay asleep on it
 *
 * Run by ExecStopPost= and by admins. The restarted warden needs no failsafe:
 * it takes the jobs up again itself.
 */
#ifndef MW_FAILSAFE_H
#define MW_FAILSAFE_H

#include "lib/err.h"

/* For every job that the journal in [state_dir] has: thaw it, give its OOM back
 *   to the kernel, and its limit what it was, where usage lets it.  A job whose
 *   memcg is gone, or has been replaced, is passed over.  The pool, if the
 *   warden had one, last.
 * Returns how many jobs were given back; -1 with errno: EBUSY while a warden runs. */
int failsafe_run (const char *state_dir, struct mw_err *err);

#endif /* !MW_FAILSAFE_H */
