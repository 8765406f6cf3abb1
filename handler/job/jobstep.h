/* jobstep.h - a step with a limit of its own (srun --mem), in its job
 *
 * To the warden it is one more `struct job`, in warden.steps, whose memcg is
 * inside its job's: limit, incident and records are as a job's.  Its ladder is
 * kill, which ends that step alone, nothing is asked of Slurm for it (slurm_id
 * is 0), and it is no candidate when the node needs memory: its job is.
 */
#ifndef MW_JOBSTEP_H
#define MW_JOBSTEP_H

#include "handler/job/warden.h"

/* A job's killer is not given back to the kernel in those steps. */
struct memcg_spare jobstep_spare (const struct warden *w);

/* Is [job] a step whose job we have frozen?  It harms nobody now, and its end may
 *   be the whole job's: that comes first. */
bool jobstep_is_stopped (struct warden *w, const struct job *job);

/* May [spec], a job or a step, have its key?  [before] has it already; NULL.
 * Returns 0; -1 with errno EEXIST or ESRCH. */
int jobstep_may_register (struct warden *w, const struct mw_jobspec *spec,
                          const struct job *before, struct mw_err *err);

#endif /* !MW_JOBSTEP_H */
