/* made.h - job memory cgroups of our own, where Slurm makes none
 *
 * Below "memwarden" in the memory hierarchy and shaped as Slurm's are,
 * memwarden/job_J/step_X, so that everything else need not know.
 */
#ifndef MW_MADE_H
#define MW_MADE_H

#include <stdbool.h>
#include <sys/types.h>

#include "lib/err.h"
#include "plugin/place.h"

/* Make the memory cgroup of step [step] ("step_0") of job [key], and on v1 a
 *   freezer cgroup beside it.  Move process [pid], whose present cgroups are
 *   [now], into those of them that Slurm has not made.  What is there already is
 *   used. Returns 0; -1 with errno. */
int made_attach (const char *key, const char *step, pid_t pid,
                 const struct place_paths *now, struct mw_err *err);

/* Remove what was made and is empty, of job [key] and of any whose last process
 *   outlived its steps. Nobody is killed or moved.
 * Returns true when nothing of [key] is left. */
bool made_remove (const char *key);

#endif /* !MW_MADE_H */
