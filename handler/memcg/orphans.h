/* orphans.h - memcgs that a warden had which is gone, found on the node itself
 *
 * A journal may have lost a job: its disk was full, a byte of it has changed, another
 * version wrote it.  What a warden does to a job is on the job's directory, too
 * (claim.h), so that nobody is left asleep for want of a record.
 */
#ifndef MW_ORPHANS_H
#define MW_ORPHANS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"

/* One that is left alone, by its inode; NULL = none. */
typedef bool orphans_spared (uint64_t inode, void *arg);

/* Give each memcg of this node that a warden of this state directory (claim.h) has
 *   claimed which does not live any more back to the kernel: its processes go on, the kernel's killer answers for it.
 *   But not those that are [spared].
 *   [told] hears of each; [why] is NULL, or why it could not be.
 * Returns how many could not be; -1 with errno: the cgroups cannot be looked
 *   through. */
int orphans_give_back (orphans_spared *spared,
                       void (*told) (const char *path, const struct mw_err *why,
                                     void *arg),
                       void *arg, struct mw_err *err);

#endif /* !MW_ORPHANS_H */
