/* run_dir.h - the directories of `memwarden run`: POOL/NAME of one controller
 *
 * What run has made it marks (an extended attribute), and only that it removes:
 * the directory of its job with all that the job has made in it, and the pool
 * with its last job, if a run has made it and nobody has given it a limit.
 */
#ifndef MW_RUN_DIR_H
#define MW_RUN_DIR_H

#include <stdbool.h>

#include "lib/err.h"
#include "lib/jobspec.h"

struct run_dir {
    int root, top, job;  /* the mount, the pool and the job; -1 */
    bool made, made_top; /* by this process */
    char pool[MW_JOBKEY_MAX], name[MW_JOBKEY_MAX];
};

/* clang-format off */
#define RUN_DIR_NONE { .root = -1, .top = -1, .job = -1 }
/* clang-format on */

/* Make the directory of job [name] in [pool], which is made, too, where it is
 *   not there.  One of that name that is there is not taken (EEXIST), unless an
 *   earlier run has left it, empty.  After cgroup_init.
 * Returns 1, 0 where [controller] is not mounted; -1 with errno. */
int run_dir_make (struct run_dir *d, const char *controller, const char *pool,
                  const char *name, struct mw_err *err);

/* Remove what was made and close all, also where making has failed. Waits for
 *   tasks that are on their way out.
 * Returns 0; -1 with errno: the job's is still there. */
int run_dir_remove (struct run_dir *d, struct mw_err *err);

#endif /* !MW_RUN_DIR_H */
