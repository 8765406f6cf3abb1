/* telling.h - which of a job's incidents are told: policy/often.h says so */
#ifndef MW_TELLING_H
#define MW_TELLING_H

#include <stddef.h>

#include "handler/job/job.h"

struct warden;

/* [job]'s incident begins: is it quiet?  Then only the journal has it.  Where that
 *   is so from now on, telling_say says it, behind the incident's first record. */
void telling_begin (struct job *job);
void telling_say (struct warden *w, struct job *job);

/* [job]'s incident climbs to a rung of [kind]: once it is about more than some
 *   memory for a while, everybody hears of it. */
void telling_rung (struct job *job, enum mw_step_kind kind);

/* What is to be said at the end of an incident that is told: "; 17 incidents before
 *   it were not told", or "". Returns [buf]. */
const char *telling_more (struct job *job, char *buf, size_t len);

/* What is on record of the courier's answer [a]. */
const char *telling_answer (const struct spool_answer *a);

/* Record that [job]'s incident has ended by [outcome], for all who are to hear it,
 *   with members trigger, step (the last one), outcome, took_ms, ran_ms (the job's
 *   age when it began) and cpus. */
void telling_resolved (struct warden *w, struct job *job, const char *outcome);

/* Record that [job] is not here any more, as [what] says.  With members peak and
 *   peak_used (bytes, job.h), ran_ms, cpus, name and of (of which job it is a step; ""
 *   = none), and those of [left], which may be "". */
void telling_released (struct warden *w, struct job *job, const char *what,
                       const char *left);

#endif /* !MW_TELLING_H */
