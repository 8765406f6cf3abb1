/* step.h - the rungs of the ladder: one file, one row in a table for each
 *
 * A step never waits.  It does what it does at once and returns; deadlines,
 * further OOM events, the courier's answers and room in the pool come back to
 * it as further causes, each with its handler in `struct step_ops`.  Before an
 * effect it calls report(), so that the journal is ahead of the world.
 */
#ifndef MW_STEP_H
#define MW_STEP_H

#include "handler/job/job.h"
#include "handler/job/warden.h"

enum step_result {
    STEP_WAIT,   /* under way: timer, event or answer follows */
    STEP_SOLVED, /* the OOM is over: undo, close the incident */
    STEP_NEXT,   /* done or in vain: next rung */
    STEP_BACK,   /* there is room now: back to the grow that was
                                   refused for want of it */
};

/* Why a step is called: each has the handler of its name in `struct step_ops`. */
enum step_cause {
    STEP_START,
    STEP_AGAIN,
    STEP_TIMER,
    STEP_DEADLINE,
    STEP_ANSWER,
    STEP_HEADROOM,
    STEP_WOKEN,
    STEP_SCRIPT_ENDED,
    STEP_RECOVER,
};

typedef enum step_result step_handler (struct warden *w, struct job *job);

struct step_ops {
    enum mw_step_kind kind;
    const char *done; /* for people: how an OOM it solved ended */
    bool frozen;      /* works on a frozen job: one that the step
                                   before it has frozen is left so */

    /* Can it be done to this job on this node? Returns true, or false and the
     *   reason ("not available on this node: …"). */
    bool (*available) (struct warden *w, struct job *job, struct mw_err *why);

    /* Is it the courier who does it for this job, so that without one it is
     *   refused? NULL: never. */
    bool (*by_courier) (const struct warden *w, const struct job *job);

    /* One handler a cause; step_rung is what the ladder says of the step.  Where
     *   one is NULL, the step waits on (STEP_WAIT), if no other default is named
     *   here.  Only [start] has to be there. */
    step_handler *start;
    step_handler *again;    /* OOM once more while the step is on */
    step_handler *timer;    /* look again: asked for by step_timer */
    step_handler *deadline; /* its time has passed. NULL: STEP_NEXT */
    enum step_result (*answer) (
        struct warden *w, struct job *job,
        const struct spool_answer *a); /* the courier's */
    step_handler *headroom;     /* there may be room for it in the pool */
    step_handler *woken;        /* somebody else has thawed it: it is frozen
                                   again */
    step_handler *script_ended; /* the job's script, with incident.status */
    step_handler *recover;      /* the warden is new: assert what should be.
                                   NULL: as [timer] */

    /* Take back what only this step knows how to (slow, enomem); called when it
     *   ends, whatever its result, and again until [undone]. NULL.  The freeze is
     *   lifted by the incident unless the next step is [frozen]; the reserve is
     *   closed, and what was lent is taken back, when the incident is over. */
    void (*undo) (struct warden *w, struct job *job);
    bool (*undone) (const struct job *job); /* NULL: at once */

    /* The job has ended while the step was on: what is still to be done? Called
     *   before [undo]. NULL. */
    void (*ended) (struct warden *w, struct job *job);
};

/* The table, by kind; a row is never NULL. */
extern const struct step_ops *const step_table[MW_STEP_COUNT];

extern const struct step_ops step_kill;

/* The rung of its ladder that [job] is on. */
const struct mw_ladder_step *step_rung (const struct job *job);

/* Call the handler for [cause] of the step that [job] is on. [answer]: where that
 *   is STEP_ANSWER. */
enum step_result step_run (struct warden *w, struct job *job,
                           enum step_cause cause,
                           const struct spool_answer *answer);

/* Handlers that do nothing but say STEP_WAIT or STEP_NEXT. */
step_handler step_wait, step_next;

/* Call the step again with STEP_TIMER in [ms]; deadlines come by themselves. */
void step_timer (struct warden *w, struct job *job, uint64_t ms);

/* Is there room in swap to push pages to? */
bool step_swap_free (void);

/* Shared by several steps.  Each remembers in job->incident, records, acts, and
 * returns 0; or -1 when it could not, with that recorded and remembered.  What
 * undoes (false, _return, _unsuspend) acts first, is recorded when it is done, and
 * where it fails the incident tries it again (incident.undo_ms). */
int step_freeze (struct warden *w, struct job *job, bool on);
void step_freeze_again (struct warden *w, struct job *job); /* or thaw: as
                                                                it should be */
/* If it is time for it (incident.killed_look_ms), look whether Slurm has killed
 *   the frozen [job].  Then thaw it, which only we can, so that it can die. */
void step_killed_look (struct warden *w, struct job *job);
int step_open_reserve (struct warden *w, struct job *job, bool on);
int step_lend (struct warden *w, struct job *job, uint64_t bytes);
int step_return (struct warden *w, struct job *job);

/* report_failed of what undoes: once, however often it is tried. */
void step_failed (struct warden *w, struct job *job, const char *what,
                  const struct mw_err *why);

/* Does the errno [error] of a thaw say that there is nothing to be thawed? */
bool step_nothing_there (int error);

/* Has [job] come down from its own limit far enough (1/32) not to be back there
 *   at its next page? Reads its usage. */
bool step_below (struct job *job);

/* Has a step that lets [job] go on done all that was needed of it?  For a job
 *   that reached its own limit: yes when it is below that again, or has ended.
 *   For one that somebody has asked it for: when its time is over ([last]), and nothing
 *   follows it.  Where one of its processes has passed its limit: when that is below it
 *   again, or gone.  For one that gives memory for the node's sake: not before its time is over
 *   ([last]), and then if the node is not short of memory. */
bool step_relieved (struct warden *w, struct job *job, bool last);

/* For step_ops.available: has [job] room above its limit to go on in?  Without,
 *   its tasks sleep (v1) or are at once in their OOM again (v2). */
bool step_has_reserve (struct warden *w, struct job *job, struct mw_err *why);

/* Is [job] one of Slurm's?  For step_ops.by_courier. */
bool step_of_slurm (const struct warden *w, const struct job *job);

/* The job is to go on at the controller, where step_suspend has suspended it or
 *   asked for it. */
void step_unsuspend (struct warden *w, struct job *job);

/* The tasks of [job] have ended in answer to a signal: where its ladder has a
 *   requeue further on, ask for that, also if the controller has the job down
 *   as over by then.  With [await] the answer comes back as STEP_ANSWER.
 * Returns 0; -1 where it is not asked for. */
int step_requeue_ended (struct warden *w, struct job *job, bool await);

/* The requeue of [job] that has no answer yet, if any, is to be carried out
 *   although we kill the job now; or not, because it goes on or has ended by
 *   itself. */
void step_requeue_killed (struct warden *w, struct job *job);
void step_requeue_withdraw (struct warden *w, struct job *job);

/* [job], which had a part of it here, is over: where it has needed more here than it
 *   had, and another of its nodes has had it requeued with more memory, its next run
 *   is to have enough for this node, too. */
void step_requeue_join (struct warden *w, struct job *job);

/* SIGKILL to every task of [job]; SOLVED when none is left, else WAIT: it comes
 *   back with STEP_TIMER to do so again. */
enum step_result step_kill_all (struct warden *w, struct job *job);

/* For a job that is stopped until there is room: has it been given more room, or
 *   would the grow that was refused before be granted now, and by enough to be
 *   worth it?  Where somebody has [asked] for the job to go on, any is enough. */
enum step_result step_look_for_room (struct warden *w, struct job *job,
                                     bool asked);

/* [job] is at its own limit.  Who comes back to it so soon after it has gone on for no
 *   other reason than that it was below, has gone on in vain: step_look_for_room has it
 *   wait for twice as long the next time. */
#define STEP_VAIN_MS 10000
void step_was_back (struct job *job);

#endif /* !MW_STEP_H */
