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
#include "handler/memcg/stopped.h"
#include "handler/spool/spool.h"
#include "lib/jobspec.h"
#include "lib/ladder.h"
#include "lib/memparts.h"

struct job;

#define INCIDENT_ID_MAX (MW_JOBKEY_MAX + 16)

enum incident_trigger {
    TRIGGER_JOB,     /* the job reached its own limit */
    TRIGGER_NODE,    /* the node ran out, and it was chosen */
    TRIGGER_ADMIN,   /* `memwarden hold` */
    TRIGGER_PROCESS, /* one of its processes holds more than it may */
    TRIGGER_COUNT
};

/* In records, answers, hooks and the webhook. */
extern const char *const incident_trigger_name[TRIGGER_COUNT];

/* What the job's memory was at the last look (record/blame.h). */
#define BLAME_TOP 3

struct blame {
    bool due;         /* a look is, as soon as the warden has time */
    uint64_t ms;      /* when it was, clock_ms; 0 = none yet */
    uint64_t grew_ms; /* since the look before it; 0 = there was none */
    struct mw_memparts parts;
    unsigned n; /* of the largest processes */
    bool cut;   /* not all were looked at */
    struct blame_one {
        uint32_t pid;
        uint64_t started;     /* the kernel's ticks after boot */
        uint64_t holds, grew; /* bytes */
        bool again;           /* it was among the largest before, too */
        char comm[16];
    } top[BLAME_TOP]; /* the largest first */
};

struct incident {
    bool open;
    unsigned number;   /* of this job: its id is "KEY.NUMBER" */
    bool begins_often; /* it is the first of many: not all will be told */
    bool quiet;        /* it is one that is not: it is on record alone */
    uint64_t below_ms; /* since when it is back below its limit, with a loan
                                   that is kept, clock_ms; 0 = it is not */
    enum incident_trigger trigger;
    bool guilty; /* it is of the job's own making (account/strike.h) */
    const struct mw_ladder *ladder; /* being climbed; of ladder_share */
    unsigned step;                  /* place in it */
    uint64_t opened_ms, step_ms;    /* clock_ms */
    uint64_t deadline_ms;           /* of the step, clock_ms; 0 = none */
    uint64_t again_ms;              /* STEP_TIMER is due then; 0 = not */

    /* It is over, [outcome], as soon as all of what follows is undone; where
     * that fails it is tried again at [undo_ms] (clock_ms, 0 = not). */
    bool closing;
    char outcome[96];
    uint64_t undo_ms;
    unsigned undo_tries; /* that have failed in a row */

    /* What has been done to the job and is to be undone; all of it is in each
     * journal record, so that a restart or the failsafe can.  Each is false (0)
     * only when it is undone. */
    bool frozen;
    bool reserve_open;
    bool slowed;
    bool enomem;
    struct stopped stopped; /* single processes of it */
    bool suspended;         /* at the controller */
    bool kernel_killed;     /* by the kernel, in it, since it was opened */
    uint64_t lent;          /* bytes */

    struct blame blame; /* forgotten at a restart */

    char request[SPOOL_ID_MAX]; /* the courier's answer that is awaited; "" */
    unsigned phase;          /* how far the step is; each has its own numbers */
#define PHASE_SEEKS UINT_MAX /* not begun: waits for a courier to come back */
    bool sought;             /* a courier has been waited for, once */
    unsigned kills;          /* rounds of SIGKILL so far */
    uint64_t stays;          /* bytes that it still used when none of its tasks
                                   was left; 0 = not looked at */
    bool grow_refused;       /* there was no headroom; a later step waits for
                                   some */
    uint64_t frozen_ms;      /* since when, clock_ms; 0 = not */
    uint64_t killed_look_ms; /* when to look whether Slurm has killed the job,
                                   which it cannot thaw, clock_ms; 0 = never */
    bool pushing;            /* its pages are being pushed out to swap, for
                                   the node's sake */
    uint64_t pushed;         /* how many bytes this step has pushed out */
    bool ended;              /* its tasks have ended in answer to a signal, so
                                   a requeue is asked for a job that is over */
    struct memcg_sent sent;  /* the signal; forgotten at a restart */
    unsigned sent_left;      /* of them, at the last look */
    /* The one process that the step has chosen, and its start time in the kernel's
     * ticks: on record before anything is done to it. 0 = none */
    uint32_t target_pid;
    uint64_t target_started;
    uint64_t target_limit; /* TRIGGER_PROCESS: what it may hold, bytes */
    bool script_ended;     /* the batch script has ended, and Slurm is not
                                   told of it yet */
    int status;            /* of the script, as wait(2) has it */
    bool was_over;         /* the script had ended before the job was to be
                                   killed */
    /* A requeue without an answer yet, which outlives the step that has asked
     * for it: a completion of the job now would undo it, and it is taken back
     * where the job goes on or ends by itself. */
    char requeue[SPOOL_ID_MAX]; /* "" = none */
    uint64_t requeue_mb;
    unsigned requeue_tries;  /* of the job's retry, of which this is one; 0 =
                                   it is none */
    bool requeued;           /* it was granted */
    bool slurm_ends;         /* Slurm SIGKILLs it now: it was suspended there */
    uint64_t slurm_stops_ms; /* since when Slurm has suspended it, and not for
                                   us, clock_ms: the ladder waits; 0 = not */
    uint64_t ends_ms;        /* since when we wait for the end that
                                   [slurm_ends] tells of, clock_ms; 0 = not */
};

/* The id of [job]'s present incident, or of its last one: "KEY.NUMBER", in this
 *   node's journal used once. Returns [buf]. */
char *incident_id (const struct job *job, char buf[INCIDENT_ID_MAX]);

/* Does [job]'s step pause because Slurm has suspended the job?  Its deadline
 *   pauses, too; what it does for the node's sake goes on. */
bool incident_pauses (const struct job *job);

/* Is [job], in an incident, on a rung that only makes it stand still? */
bool incident_stops (const struct job *job);

/* Is [job] stopped by an incident and waits for room? */
bool incident_waits (const struct job *job);

#endif /* !MW_INCIDENT_STATE_H */
