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
#include <sys/types.h>

#include "handler/job/incident_state.h"
#include "lib/err.h"
#include "lib/ladder.h"

struct warden;
struct job;
struct spool_answer;

/* [job] is out of memory: open an incident, or tell the one that is open. */
void incident_oom (struct warden *w, struct job *job,
                   enum incident_trigger trigger);

/* The job's timer has fired: deadline, look again, kill again, … */
void incident_timer (struct warden *w, struct job *job);

/* The courier has answered a request of [job]. */
void incident_answer (struct warden *w, struct job *job,
                      const struct spool_answer *a);

/* Somebody else has written to the freezer of [job]. [frozen]: some of its steps
 *   are to be frozen now; [thawed]: some are not. */
void incident_freezer (struct warden *w, struct job *job, bool frozen,
                       bool thawed);

/* Memory has come back to the pool: jobs that wait for it may go on. */
void incident_headroom (struct warden *w);

/* An admin or the owner wants [job] held, or resumed, or of its processes that are held or
 *   slowed alone [pid] resumed. Returns 0; -1 with errno. */
int incident_hold (struct warden *w, struct job *job, struct mw_err *err);
int incident_resume (struct warden *w, struct job *job, struct mw_err *err);
int incident_resume_one (struct warden *w, struct job *job, pid_t pid,
                         struct mw_err *err);

/* Somebody of [uid] wants the step [s] (signal, enomem, slow, hold-one, dump, requeue, kill)
 *   done to [job], or to its process [pid] (0: whom the step names).  In an open incident it comes before the rung
 *   that the job is on, which follows; else it is one of its own.
 * Returns 0; -1 with errno and the reason, nothing done: ESRCH there is no such process;
 *   EPERM, EBUSY, EINVAL, ENOTSUP it is not to be done to that, or not now. */
int incident_do (struct warden *w, struct job *job,
                 const struct mw_ladder_step *s, pid_t pid, uid_t uid,
                 struct mw_err *err);

/* [job]'s process [pid], started at [started], holds more than the [bytes] that it may:
 *   [actions] are to be done to it (mw_ladder_parse_one).  In shadow mode it is only told.
 * Returns 0; -1 with errno and the reason, nothing done: EBUSY the job is in an incident;
 *   EPERM it is nobody to be hurt; ESRCH it has gone; ERANGE it holds less by now. */
int incident_process (struct warden *w, struct job *job, pid_t pid,
                      uint64_t started, uint64_t bytes,
                      const struct mw_ladder *actions, struct mw_err *err);

/* What a process of [job] may hold is another now: an incident of one that was above ends. */
void incident_lift (struct warden *w, struct job *job);

/* The job's script has ended, and Slurm does not know it yet: is it to wait with
 *   that until the ladder is through? */
bool incident_script_ended (struct warden *w, struct job *job, int status);

/* The job has ended, by itself or by us: undo, record, close. */
void incident_end (struct warden *w, struct job *job, const char *why);

/* [job] has gone while no warden was there: record that for the incident that
 *   was open, close it. */
void incident_lost (struct warden *w, struct job *job);

/* After a restart: [job]->incident is as the journal has it. Go on. */
void incident_recover (struct warden *w, struct job *job);

#endif /* !MW_INCIDENT_H */
