/* record.h - what a job asked for, kept on the node by root for its lifetime
 *
 * Written in job_prolog, once per job, so that what a step's srun says later
 * changes nothing: DIR/jobs/ID beside the warden's socket, for root's eyes.
 */
#ifndef MW_RECORD_H
#define MW_RECORD_H

#include "lib/err.h"
#include "lib/jobspec.h"
#include "plugin/settings.h"

/* Keep [spec] under its key. Returns 0, or -1 with a sentence. */
int record_save (const struct site *site, const struct mw_jobspec *spec,
                 struct mw_err *err);

/* Read back what is kept for [key]. Returns 0, or -1: ENOENT, … ([spec] is
 *   untouched). */
int record_load (const struct site *site, const char *key,
                 struct mw_jobspec *spec, struct mw_err *err);

/* Forget [key], if it is there. */
void record_remove (const struct site *site, const char *key);

#endif /* !MW_RECORD_H */
