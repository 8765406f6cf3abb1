/* one.h - one process of a job: who it is, how it is told, and hit
 *
 * Shared by the rungs that take a target (lib/ladder.h).  A rung looks for it, which for
 * `guilty` takes two looks with the job at work in its reserve between them; chooses,
 * which takes hold of it by a pidfd; and does its deed by that pidfd, so that nobody who
 * has its number later is hit.  Who was chosen is in job->incident, and so on record,
 * before the deed.
 */
#ifndef MW_ONE_H
#define MW_ONE_H

#include "handler/memcg/members.h"
#include "handler/step/step.h"

/* Touch the memory that is needed for it (200 KiB). */
void one_rehearse (void);

/* Begin to look for whom the rung of [job] names. Returns true where it can be chosen now;
 *   false: a timer is set for one_look. */
bool one_begin (struct warden *w, struct job *job);

/* Behind a one_begin that is false: [job] is in [phase] of its rung now, on record.
 *   Returns STEP_WAIT. */
enum step_result one_waits (struct warden *w, struct job *job, int phase);

/* Look again; [full]: there is no more room to grow into. Returns as one_begin. */
bool one_look (struct warden *w, struct job *job, bool full);

/* Who was chosen. */
struct one {
    struct member is;
    int fd;         /* pidfd, or -1; one_drop */
    bool grown;     /* it was chosen because it has grown by is.grew … */
    uint64_t in_ms; /* … in so long */
    bool cut;       /* it is of the first MEMBERS_MAX alone */
    enum mw_target target;
    char step[MEMBER_STEP_MAX]; /* Slurm's; "" */
    int task;                   /* -1 */
};

/* Whom would the step [s] of [job] be for?  A signal's is one of those that can answer it;
 *   any other's is nobody that the end of a step of Slurm's own hangs on.  Of
 *   MW_TARGET_PID it is [pid], which may be sent any signal, and only if it was started
 *   at [started] (0: whenever).
 * Returns 0, and [one] to be dropped; -1 with errno ESRCH (there is nobody), EPERM, and
 *   [why]. */
int one_find (struct job *job, const struct mw_ladder_step *s, pid_t pid,
              uint64_t started, struct one *one, struct mw_err *why);

/* The same of [job]'s rung, and put who it is into job->incident. */
int one_choose (struct job *job, struct one *one, struct mw_err *why);

/* Let go of its pidfd. */
void one_drop (struct one *one);

/* Record [what] ("SIGKILL to", "sent signal USR1 to") [job]'s process [one]. */
void one_tell (struct warden *w, struct job *job, const char *what,
               const struct one *one);

/* Is whom job->incident has chosen still there? */
bool one_is_there (const struct job *job);

#endif /* !MW_ONE_H */
