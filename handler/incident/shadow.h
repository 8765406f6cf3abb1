/* shadow.h - shadow mode: what would have been done, on record
 *
 * Where a plan would become a deed (incident_oom), and the configuration says
 * `shadow`, it becomes a record instead: event "shadow" of the job, with
 *
 *   "trigger":"job","kernel_limit":…,"kernel_kills":1,
 *   "ladder":"grow@10m,kill","first":"grow@10m","deadline_ms":600000,"lend":…
 *
 * [kernel_limit] is the one that was hit, as Slurm gave it; [lend], of a grow
 * alone, is how much the pool had for it.  "first" is the first step that could
 * have been done here; what others lacked is in the sentence.
 */
#ifndef MW_SHADOW_H
#define MW_SHADOW_H

#include "handler/job/incident_state.h"
#include "lib/ladder.h"

struct warden;

/* [job] is out of memory, or has been chosen for the node's sake: record what
 *   [ladder] would have begun with. */
void shadow_oom (struct warden *w, struct job *job,
                 enum incident_trigger trigger, const struct mw_ladder *ladder);

#endif /* !MW_SHADOW_H */
