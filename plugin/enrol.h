/* enrol.h - place a starting step's job and tell the warden of it
 *
 * What both plugins do, in Slurm's order: root, once per step, before the first
 * task runs.  Without a warden the job runs as under plain Slurm; a step of a job that
 * a warden has had before is made ready for the next one.
 */
#ifndef MW_ENROL_H
#define MW_ENROL_H

#include <stdbool.h>
#include <sys/types.h>

#include "lib/err.h"
#include "plugin/place.h"
#include "plugin/settings.h"

/* How long a step's start waits for a warden that does not answer. */
#define ENROL_TIMEOUT_MS 2000

struct enrolment {
    struct mw_jobspec spec;    /* what is known of the job; its owner is */
    bool reservation_known;    /* Slurm's word; else the cgroup's limit */
    uint64_t step_mem;         /* bytes, Slurm's word of the step, where its
                                   cgroup does not tell; 0 = not known */
    bool own;                  /* the wishes in spec are the job's, whatever a
                                   step before has said */
    char step[PLACE_STEP_MAX]; /* "step_0", as a cgroup made here is named */
    bool shadow;               /* set: the warden only watches, and nothing is
                                   touched */
    bool made;                 /* set: cgroups were made, see enrol_end */
};

/* Place the job of process [pid], one of the step's, and register it. What an
 *   earlier step was labelled with holds for later ones.  [note] says what
 *   [site] did not allow, or is "".
 * Returns 0; -1 with errno and a sentence.  Where that is because no warden
 *   answers, one is listened for (teller_await). */
int enrol_step (struct enrolment *e, const struct site *site, pid_t pid,
                struct mw_err *note, struct mw_err *err);

/* Slurm is about to start [step] of job [key], and writes the job's limits for that.  Is
 *   the job above them, so that nobody is to start it?  [tell]: the warden says so in the
 *   job's stderr; [kept]: nothing is harmed then.  Without a warden it is not. */
#define ENROL_STARTING_MS 500
bool enrol_is_above (const struct site *site, const char *key, const char *step,
                     bool tell, bool kept);

/* Before Slurm is asked to start a step on this node in job [key], which the present
 *   process, its owner's, is in: see enrol_is_above.
 * Returns 0; -1 with EBUSY and why not.  Without a warden, or in no job, it is 0. */
int enrol_may_ask (const struct site *site, const char *key,
                   struct mw_err *err);

/* Put another process of an enrolled step where its first one is. */
int enrol_another (struct enrolment *e, pid_t pid, struct mw_err *err);

/* The script of job [key] has ended with [status].  Comes back when the warden
 *   is done with it, so that its word is with the controller before Slurm's:
 *   in ENROL_ENDED_MS at most. */
#define ENROL_ENDED_MS 30000
void enrol_ended (const struct site *site, const char *key, int status);

/* The step is over. */
void enrol_end (struct enrolment *e);

/* The job is over: nothing of it is left here, and the warden knows. */
void enrol_release (const struct site *site, const char *key);

#endif /* !MW_ENROL_H */
