/* rlimits.h - a job's tasks get no more memory than they have: ENOMEM, and back
 *
 * Only soft limits are touched (prlimit(2)).  What they were is in a file of
 * the state directory before they are changed, one record a task, by its pid
 * and its start time; so a restart and the failsafe can give them back.
 */
#ifndef MW_RLIMITS_H
#define MW_RLIMITS_H

#include <stdint.h>

#include "handler/memcg/memcg.h"
#include "lib/err.h"

#define RLIMITS_TASKS_MAX 1024 /* of one job */

/* One task. */
struct rlimits_one {
    pid_t pid;
    uint64_t started; /* the kernel's ticks after boot */
};

/* Touch the memory that the functions below need (60 KiB), so that it is there
 *   in an OOM. */
void rlimits_rehearse (void);

/* Bring every task in [m] that has [least] bytes or more resident, and was not
 *   brought there before, to its present size: data (RLIMIT_DATA) exactly, and
 *   address space (RLIMIT_AS) with room for its stack to grow, which would be a
 *   SIGSEGV and no ENOMEM.  The record is file [key] in [state_dir]/rlimits.
 *   Where [only] is not NULL, that one alone.
 * Returns how many were; -1 with errno ENOSPC (and others: no record could be
 *   written), E2BIG (more than RLIMITS_TASKS_MAX tasks) or EPERM (it is not
 *   permitted for any of them) or EPROTO (the record is of another version):
 *   nothing is changed then. */
int rlimits_lower (struct memcg *m, int state_dir, const char *key,
                   uint64_t least, const struct rlimits_one *only,
                   struct mw_err *err);

/* Give the tasks in [m] back what the record says, and their children, which
 *   have inherited it; but not one that has set its limit anew meanwhile.  The
 *   record is removed.
 * Returns how many were, 0 also where there is no record; -1 with errno where some
 *   are not: the record stays, for another try.  A record of another version lifts
 *   the soft limits of all to the hard ones. */
int rlimits_restore (struct memcg *m, int state_dir, const char *key,
                     struct mw_err *err);

#endif /* !MW_RLIMITS_H */
