/* step.h - the rungs of the ladder: one file, one row in a table for each
 *
 * A step never waits.  It does what it does at once and returns; deadlines,
 * further OOM events, the courier's answers and room in the pool come back to it
 * as `struct step_ops` calls.  Before an effect it calls report(), so that the
 * journal is ahead of the world.
 */
#ifndef MW_STEP_H
#define MW_STEP_H

#include "handler/incident.h"
#include "handler/job.h"
#include "handler/warden.h"

enum step_result {
    STEP_WAIT,                  /* under way: timer, event or answer follows */
    STEP_SOLVED,                /* the OOM is over: undo, close the incident */
    STEP_NEXT,                  /* done or in vain: next rung */
};

enum step_cause {
    STEP_START,
    STEP_AGAIN,                 /* OOM once more while the step is on */
    STEP_TIMER,                 /* look again (asked for by step_timer) */
    STEP_DEADLINE,
    STEP_ANSWER,                /* of the courier: [answer] */
    STEP_HEADROOM,
    STEP_RECOVER,               /* the warden is new: assert what should be */
};

struct step_ops {
    enum mw_step_kind kind;
    bool frozen;                /* works on a frozen job: one that the step
                                   before it has frozen is left so */

    /* Can it be done to this job on this node? Returns true, or false and the
     *   reason ("not available on this node: …"). */
    bool (*available) (struct warden *w, struct job *job, struct mw_err *why);

    enum step_result (*run) (struct warden *w, struct job *job,
                             const struct mw_ladder_step *s,
                             enum step_cause cause,
                             const struct spool_answer *answer);

    /* Take back what only this step knows how to (slow, enomem); called when it
     *   ends, whatever its result. NULL.  The freeze is lifted by the incident
     *   unless the next step is [frozen]; the reserve is closed, and what was
     *   lent is taken back, when the incident is over. */
    void (*undo) (struct warden *w, struct job *job);
};

/* The table, by kind; a row is never NULL. */
extern const struct step_ops *const step_table[MW_STEP_COUNT];

/* Call the step again with STEP_TIMER in [ms] (its deadline comes by itself). */
void step_timer (struct warden *w, struct job *job, uint64_t ms);

/* Shared by several steps; each records, acts, and remembers in job->incident. */
int step_freeze (struct warden *w, struct job *job, bool on);
int step_open_reserve (struct warden *w, struct job *job, bool on);
int step_lend (struct warden *w, struct job *job, uint64_t bytes);
int step_return (struct warden *w, struct job *job);

#endif /* !MW_STEP_H */
