/* jobspec.h - what the warden is told of a job when it is registered */
#ifndef MW_JOBSPEC_H
#define MW_JOBSPEC_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/err.h"
#include "lib/json_put.h"
#include "lib/ladder.h"
#include "lib/proclimit.h"
#include "lib/retry.h"
#include "lib/user.h"

#define MW_JOBKEY_MAX 64
#define MW_NAME_MAX 64

/* How processes lie below the directories that are handed over. */
enum mw_layout {
    MW_LAYOUT_LEAF = 0, /* all in the directory itself (`memwarden run`) */
    MW_LAYOUT_SLURM,    /* in step directories below it; slurmstepd beside
                               them (v1 freezer) or in step_X/slurm (v2) */
    MW_LAYOUT_STEP,     /* one step of Slurm's: all in the directory itself;
                               a slurmstepd there is none of it */
    MW_LAYOUT_COUNT
};

/* As a spec names them. */
extern const char *const mw_layout_name[MW_LAYOUT_COUNT];

struct mw_jobspec {
    char key[MW_JOBKEY_MAX]; /* Slurm's raw job id as decimal, or a name
                                       of [A-Za-z0-9._-] standalone */
    uint32_t slurm_id;       /* raw job id, 0 = standalone */
    uint32_t array_job_id;   /* 0 = not of an array */
    uint32_t array_task_id;
    uid_t uid;
    gid_t gid;
    char user[MW_USER_MAX];        /* login name of [uid], as whoever registers
                                       the job has found it; "" = none */
    uint32_t cpus;                 /* allocated on this node, at least 1 */
    unsigned priority;             /* 0..1000 */
    uint64_t reservation;          /* bytes; 0 = Slurm allocated none: the
                                       warden gives it its share of the pool */
    struct mw_amount burst;        /* what the limit is of the reservation;
                                       NONE = configured */
    struct mw_amount reserve;      /* bytes or share of the reservation;
                                       NONE = configured */
    char ladder[MW_LADDER_STRLEN]; /* "" = configured */
    char proc_limit[MW_PROCLIMIT_STRLEN]; /* of one process; "" = none */
    struct mw_retry retry;                /* nothing said = configured */
    enum mw_layout layout;
    char of[MW_JOBKEY_MAX]; /* a step (srun --mem) with a limit below
                                       its job's: that one's key, and [key] is
                                       "JOB.STEP"; nothing is asked of Slurm
                                       for it, so [slurm_id] is 0. "" = a job */
    bool batch;             /* can be requeued */
    bool tells;             /* its steps write what is said of it into
                                       their stderr themselves … */
    bool script;            /* … and the batch script's, which is on this
                                       node, for them all */
    char name[MW_NAME_MAX]; /* hostile: shown, never trusted */
};

/* Put the members of [spec] behind what [p] has, as mw_jobspec_decode takes
 *   them (sizes in bytes, times in ms). Allocates nothing. */
void mw_jobspec_put (struct json_put *p, const struct mw_jobspec *spec);

/* Encode [spec] as a new JSON object (sizes in bytes, times in ms).
 * Returns it (owned by the caller), or NULL with ENOMEM. */
json_t *mw_jobspec_encode (const struct mw_jobspec *spec);

/* Decode [obj], which may come from anyone, into [spec].  Everything is
 *   checked: key characters, ranges, that the ladder parses.  Missing members
 *   take the defaults; unknown ones are ignored (newer peers).
 * Returns 0; -1 with errno EINVAL and the member's name in [err]; [spec] is then
 *   untouched. */
int mw_jobspec_decode (const json_t *obj, struct mw_jobspec *spec,
                       struct mw_err *err);

/* The name of step [spec] in its job, "0"; NULL for a job. */
const char *mw_jobspec_step (const struct mw_jobspec *spec);

/* Is [key] one to be used as a job key (and so as a file name)? */
bool mw_jobkey_valid (const char *key);

#endif /* !MW_JOBSPEC_H */
