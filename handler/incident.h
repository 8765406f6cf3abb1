/* incident.h - the one state machine: event → snapshot → plan → step → record
 *
 *            OOM                     STEP_SOLVED
 *   (idle) ───────▶ detected ─▶ step 0 ─────────▶ resolved ─▶ (idle)
 *                                 │ STEP_NEXT, or its deadline
 *                                 ▼
 *                               step 1 … kill ──▶ resolved (memcg empty)
 *
 * One incident a job at a time; a node incident runs the node ladder of each
 * victim through the same machine.  Every transition is journalled before it is
 * carried out.
 */
#ifndef MW_INCIDENT_H
#define MW_INCIDENT_H

#include <stdbool.h>
#include <stdint.h>

#include "handler/spool.h"
#include "lib/err.h"
#include "lib/ladder.h"

struct warden;
struct job;

enum incident_trigger {
    TRIGGER_JOB,                /* the job reached its own limit */
    TRIGGER_NODE,               /* the node ran out, and it was chosen */
    TRIGGER_KERNEL,             /* the kernel killed in it */
    TRIGGER_ADMIN,              /* `memwarden hold` */
};

struct incident {
    bool open;
    unsigned number;            /* of this job: its id is "KEY.NUMBER" */
    enum incident_trigger trigger;
    const struct mw_ladder *ladder; /* being climbed; of ladder_share */
    unsigned step;              /* place in it */
    uint64_t opened_ms, step_ms;    /* clock_ms */
    uint64_t deadline_ms;           /* of the step, clock_ms; 0 = none */
    uint64_t again_ms;              /* STEP_TIMER is due then; 0 = not */

    /* What has been done to the job and is to be undone; all of it is in each
     * journal record, so that a restart or the failsafe can. */
    bool frozen;
    bool reserve_open;
    bool slowed;
    bool enomem;
    bool suspended;             /* at the controller */
    uint64_t lent;              /* bytes */

    char request[SPOOL_ID_MAX]; /* the courier's answer that is awaited; "" */
    unsigned phase;             /* the step's own */
    unsigned kills;             /* rounds of SIGKILL so far */
    bool grow_refused;          /* for want of headroom: it waits for some */
    uint64_t frozen_ms;         /* since when, clock_ms; 0 = not */
    bool pushing;               /* its pages out, for the node's sake … */
    uint64_t pushed;            /* … bytes so far of this step */
    bool requeue_asked;         /* and not refused: a completion of the job now
                                   would undo it */
};

/* [job] is out of memory: open an incident, or tell the one that is open. */
void incident_oom (struct warden *w, struct job *job,
                   enum incident_trigger trigger);

/* The job's timer has fired: deadline, look again, kill again, … */
void incident_timer (struct warden *w, struct job *job);

/* The courier has answered a request of [job]. */
void incident_answer (struct warden *w, struct job *job,
                      const struct spool_answer *a);

/* Memory has come back to the pool: jobs that wait for it may go on. */
void incident_headroom (struct warden *w);

/* An admin or the owner wants [job] held (or resumed). Returns 0 or -1. */
int incident_hold (struct warden *w, struct job *job, struct mw_err *err);
int incident_resume (struct warden *w, struct job *job, struct mw_err *err);

/* Is [job] stopped by an incident and waits for room? */
bool incident_waits (const struct job *job);

/* The job has ended, by itself or by us: undo, record, close. */
void incident_end (struct warden *w, struct job *job, const char *why);

/* After a restart: [job]->incident is as the journal has it. Go on. */
void incident_recover (struct warden *w, struct job *job);

#endif /* !MW_INCIDENT_H */
