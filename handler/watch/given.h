/* given.h - Slurm changes what it gives to a job that runs
 *
 * At the start of each step it writes the job's limits anew, and since 26.05
 * `scontrol update job MinMemoryNode=` and `sbatch --mem-update` write others.
 * inotify(7) tells of both, whichever of our plugins is there.  Where the soft limit
 * (memory.high, memory.soft_limit_in_bytes) is another allocation than the last one, the
 * job's reservation becomes that, its limit follows, and the same for a step that has
 * a limit of its own.  Anything else that is written there is undone.
 */
#ifndef MW_WATCH_GIVEN_H
#define MW_WATCH_GIVEN_H

#include <stdbool.h>

struct warden;
struct job;

/* Remember what Slurm has given to [job], before anything of ours is written. */
void given_first (struct job *job);

/* Listen to what is written there from now on; and follow what was written while nobody
 *   did, if anything. */
void given_listen (struct warden *w, struct job *job);

/* Somebody else may have written [job]'s limits: follow, or put them back.
 * Returns whether that was so. */
bool given_look (struct warden *w, struct job *job);

/* Does [job] use more than what Slurm sets as its limit at each step's start?  Above
 *   AllowedRAMSpace of cgroup.conf Slurm cannot start the step (v1), or the kernel kills
 *   in the job (v2).  Given_tell_start tells its owner so of [step]; [kept]: that is
 *   all that happens. */
bool given_is_above (struct job *job);
void given_tell_start (struct warden *w, struct job *job, const char *step,
                       bool kept);

/* given_again_ms of [job] is due: the limits of its steps are lifted again, which
 *   Slurm writes one after the other. */
void given_again (struct warden *w, struct job *job);

#endif /* !MW_WATCH_GIVEN_H */
