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

/* Write down what the limits of [m] are.  If there is a record of the same
 *   directory already, from a warden that was killed, that one stays.
 * Returns 0; -1 with errno. */
int pool_remember (int state_dir, const struct memcg *m, struct mw_err *err);

/* Give the pool [m] back to the kernel: restore the limits that its record
 *   names, and switch the kernel's killer on again, in the pool and in every
 *   memcg below that has inherited it being off, but not in those that
 *   [m->spare] says are to be left alone.  Then remove the record.
 * Returns 0; -1 with errno: a file could not be written, or the directory is
 *   another one by now. */
int pool_give_back (int state_dir, struct memcg *m, struct mw_err *err);

/* The same after a warden has died, by the record alone. [path] is set to the
 *   pool's path, "" where there is no record.
 * Returns 1, or 0 where there is no record; -1 with errno. */
int pool_failsafe (int state_dir, const struct memcg_spare *spare,
                   char path[PATH_MAX], struct mw_err *err);

/* Write the directory that holds all of Slurm's jobs on this node into [pool],
 *   if [job] is the memcg that Slurm has made for one of them: v1 …/slurm_N, v2
 *   …/[N_]slurmstepd.scope. Returns it, or NULL. */
char *pool_of_slurm (const struct memcg *job, char pool[PATH_MAX]);

#endif /* !MW_POOL_H */
