/* incident_state.h - what is known of a job's incident
 *
 * Kept in its job and in each journal record of it; the machine that changes it
 * is incident/incident.c.
 */
#ifndef MW_INCIDENT_STATE_H
#define MW_INCIDENT_STATE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "handler/memcg/memcg.h"
#include "handler/spool/spool.h"
#include "lib/jobspec.h"
#include "lib/ladder.h"

struct job;

#define INCIDENT_ID_MAX (MW_JOBKEY_MAX + 16)

enum incident_trigger {
    TRIGGER_JOB,                /* the job reached its own limit */
    TRIGGER_NODE,               /* the node ran out, and it was chosen */
    TRIGGER_ADMIN,              /* `memwarden hold` */
    TRIGGER_COUNT
};

/* In records, answers, hooks and the webhook. */
extern const char *const incident_trigger_name[TRIGGER_COUNT];

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
    unsigned phase;             /* the step's own, or … */
#define PHASE_SEEKS UINT_MAX    /* … not begun: the courier may come back */
    bool sought;                /* it was waited for, once */
    unsigned kills;             /* rounds of SIGKILL so far */
    bool grow_refused;          /* for want of headroom: it waits for some */
    uint64_t frozen_ms;         /* since when, clock_ms; 0 = not */
    uint64_t killed_look_ms;    /* has Slurm killed what it cannot thaw?  Due
                                   then, clock_ms; 0 = not */
    bool pushing;               /* its pages out, for the node's sake … */
    uint64_t pushed;            /* … bytes so far of this step */
    bool ended;                 /* in answer to a signal: a requeue is for a job
                                   that is over, too */
    struct memcg_sent sent;     /* the signal; forgotten at a restart */
    bool script_ended;          /* Slurm is kept from knowing it … */
    int status;                 /* … as wait(2) has it */
    /* A requeue without an answer yet, which outlives the step that has asked
     * for it: a completion of the job now would undo it, and it is taken back
     * where the job goes on or ends by itself. */
    char requeue[SPOOL_ID_MAX]; /* "" = none */
    uint64_t requeue_mb;
    bool requeued;              /* it was granted */
    bool slurm_ends;            /* Slurm SIGKILLs it now: it was suspended there */
    uint64_t slurm_stops_ms;    /* Slurm has suspended it, not for us, since
                                   then, clock_ms: the ladder waits; 0 = not */
    uint64_t ends_ms;           /* … we wait for that since, clock_ms; 0 = not */
};

/* The id of [job]'s present incident, or of its last one: "KEY.NUMBER", in this
 *   node's journal used once. Returns [buf]. */
char *incident_id (const struct job *job, char buf[INCIDENT_ID_MAX]);

/* Does [job]'s step do nothing, as Slurm has suspended it?  What it does for the
 *   node's sake it does, but its deadline waits, too. */
bool incident_pauses (const struct job *job);

/* Is [job], in an incident, on a rung that only makes it stand still? */
bool incident_stops (const struct job *job);

/* Is [job] stopped by an incident and waits for room? */
bool incident_waits (const struct job *job);

#endif /* !MW_INCIDENT_STATE_H */
