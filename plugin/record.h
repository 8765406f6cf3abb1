/* record.h - what a job asked for, kept on the node by root for its lifetime
 *
 * Written by the first step that comes to the node and by the batch script's, so
 * that what a later step's srun says changes nothing, with or without a cgroup in
 * between: DIR/jobs/ID beside the warden's socket, for root's eyes.
 */
#ifndef MW_RECORD_H
#define MW_RECORD_H

#include <stdbool.h>

#include "lib/err.h"
#include "lib/jobspec.h"
#include "plugin/settings.h"

/* Keep [spec] under its key, in place of another only with [replace].
 * Returns 0; -1 with errno: EEXIST, … */
int record_save (const struct site *site, const struct mw_jobspec *spec,
                 bool replace, struct mw_err *err);

/* Read back what is kept for [key]. Returns 0; -1 with errno: ENOENT, … ([spec] is
 *   untouched). */
int record_load (const struct site *site, const char *key,
                 struct mw_jobspec *spec, struct mw_err *err);

/* Forget [key], if it is there. */
void record_remove (const struct site *site, const char *key);

#endif /* !MW_RECORD_H */
