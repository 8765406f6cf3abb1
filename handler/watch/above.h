/* above.h - processes that hold more than one of their job may
 *
 * Not each is asked all the time: what the job uses says when somebody could be above
 * (usage.h), and then they are looked at some at a time, so that no OOM waits for that.
 * Looks cost a two-hundredth of one CPU at most, those at all jobs together.
 */
#ifndef MW_ABOVE_H
#define MW_ABOVE_H

#include "handler/job/job.h"

/* See to it that who passes [job]->proc, or a limit of its own (own.h), is found, from now
 *   on; or that nobody is looked for, where there is none. */
void above_watch (struct warden *w, struct job *job);

/* [job]'s process [pid], of [uid], may hold what [limit] says, as own_set has it. Returns 0;
 *   -1 with errno, also ESRCH: it is no process of the job's. */
int above_own (struct warden *w, struct job *job, pid_t pid, uid_t uid,
               const struct mw_proclimit *limit, bool clears,
               struct mw_err *err);

/* [job] is over. */
void above_forget (struct job *job);

#endif /* !MW_ABOVE_H */
