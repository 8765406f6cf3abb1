/* failsafe.h - the warden is gone: no job may stay asleep on it
 *
 * Run by ExecStopPost= and by admins. The restarted warden needs no failsafe:
 * it takes the jobs up again itself.
 */
#ifndef MW_FAILSAFE_H
#define MW_FAILSAFE_H

#include "lib/err.h"

/* What was done. */
struct failsafe {
    int given;       /* jobs that are the kernel's again */
    int failed;      /* … that could not be given back: told in [first] */
    unsigned unread; /* records of the journal that were not understood */
    struct mw_err first;
};

/* For every job that the journal in [state_dir] has (where there is none, the story in
 *   [history_dir]): thaw it, give its OOM back
 *   to the kernel, and its limit what it was, where usage lets it.  A job whose
 *   memcg is gone, or has been replaced, is passed over.  Then for every other memcg
 *   that a warden had which is gone, whatever the journal says (memcg/orphans.h); and
 *   the pool, if the warden had one, last.
 * Returns 0: nothing is left frozen or without the kernel's killer, and every record
 *   was understood; 1: [done] says what is not so; -1 with errno: EBUSY while a warden
 *   runs. */
int failsafe_run (const char *state_dir, const char *history_dir,
                  struct failsafe *done, struct mw_err *err);

#endif /* !MW_FAILSAFE_H */
