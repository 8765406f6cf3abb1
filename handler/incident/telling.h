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

#endif /* !MW_TELLING_H */
