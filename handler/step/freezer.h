/* freezer.h - who else freezes and thaws a job of Slurm's
 *
 * Slurm's suspend and resume write the same file that we do, that of each step.
 * None of the kernel's own notifications tells of it on v1, and on v2 not that
 * somebody has frozen what is frozen already; but a file of cgroupfs that is
 * written to is one that inotify(7) tells of.  The files belong to root, so no
 * job can pretend.
 *
 * A watch is put behind each write of ours, so that it never tells of that.
 */
#ifndef MW_STEP_FREEZER_H
#define MW_STEP_FREEZER_H

struct job;
struct warden;

/* From now on warden.up.freezer is called when somebody writes to the freezer
 *   of one of the steps that [job] has now.  Again: instead of what was watched.
 *   Of many steps some are: Slurm does the same to all. */
void step_watch_freezer (struct warden *w, struct job *job);

#endif /* !MW_STEP_FREEZER_H */
