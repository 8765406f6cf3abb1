/* pool.h - the pool as it was before the warden took it over
 *
 * Its limits are in a file of the state directory before they are changed, so
 * that whoever ends the warden, and however, they can be put back: by the
 * warden when it stops, by the failsafe when it was killed.
 */
#ifndef MW_POOL_H
#define MW_POOL_H

#include <limits.h>

#include "handler/memcg/memcg.h"
#include "lib/err.h"

/* Write down what the limits of [m] are.  A record of the same directory that
 *   is there already (of a warden that was killed) stays. Returns 0 or -1. */
int pool_remember (int state_dir, const struct memcg *m, struct mw_err *err);

/* Put the limits that the record of [m] names back and the kernel's killer on,
 *   in the pool and in all that inherited it being off, but not in what
 *   [m->spare] says is another's; the record is removed.
 * Returns 0, or -1: it does not obey, or is another directory by now. */
int pool_give_back (int state_dir, struct memcg *m, struct mw_err *err);

/* The same for a warden that is dead, by the record alone.
 * Returns 1, 0 where there is no record, or -1; [path] ("" = none) is whose. */
int pool_failsafe (int state_dir, const struct memcg_spare *spare,
                   char path[PATH_MAX], struct mw_err *err);

/* Write the directory that holds all of Slurm's jobs on this node into [pool],
 *   if [job] is the memcg that Slurm has made for one of them: v1 …/slurm_N, v2
 *   …/[N_]slurmstepd.scope. Returns it, or NULL. */
char *pool_of_slurm (const struct memcg *job, char pool[PATH_MAX]);

#endif /* !MW_POOL_H */
