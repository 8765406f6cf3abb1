/* move.h - one process goes into another job's memcg
 *
 * Where to is found by the warden, at once; the move itself may take the kernel long (its
 * memory is charged anew, page by page, and each move waits for all forks and exits on the
 * node), and so is never its own.
 */
#ifndef MW_MOVE_H
#define MW_MOVE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "handler/memcg/memcg.h"
#include "lib/err.h"

/* Directories of cgroups, absolute. */
struct move_place {
    char memory[PATH_MAX]; /* v2: the one that there is */
    char freezer[PATH_MAX];
    uint64_t inode; /* of [memory]; v1: its number, and … */
    bool charges;   /* … what a process has used may be charged to it */
};

/* Where [pid] of [m] is. Returns 0; -1 with errno: ESRCH, not there. */
int move_from (struct memcg *m, pid_t pid, struct move_place *p,
               struct mw_err *err);

/* Where another process is put in [m]: where the first one of its own processes is, which
 *   on v2 is where processes may be, and is no extern step's if there is another.
 * Returns 0; -1 with errno: ESRCH, it has no process. */
int move_beside (struct memcg *m, struct move_place *p, struct mw_err *err);

/* The same of no job: the root of the hierarchy that [from] is in. */
int move_root (const struct memcg *from, struct move_place *p,
               struct mw_err *err);

/* Move [pid], which was started at [started] (live_began), [from] there [to] there, whole.  On v1
 *   the freezer's hierarchy is included, and what it has used is charged to [to] where that has
 *   [charges].
 * Returns 0; -1 with errno, and all is as it was: ESRCH, it has ended, or is not there any more;
 *   EBUSY, no process may be there; ENOMEM, there is no room for what it has used. */
int move_process (pid_t pid, uint64_t started, const struct move_place *from,
                  const struct move_place *to, struct mw_err *err);

#endif /* !MW_MOVE_H */
