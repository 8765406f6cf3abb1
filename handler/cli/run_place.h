/* run_place.h - the memcg of a command that `memwarden` itself brings: run, selftest */
#ifndef MW_RUN_PLACE_H
#define MW_RUN_PLACE_H

#include <sys/types.h>

#include "handler/cli/run_dir.h"
#include "handler/memcg/memcg.h"

struct cgroup;

struct run_place {
    const char *pool;
    struct cgroup *cgroup;
    struct run_dir memory, freezer;
    struct memcg memcg; /* .dir -1: not opened yet */
};

/* clang-format off */
#define RUN_PLACE_NONE { .pool = "memwarden", .memory = RUN_DIR_NONE, \
                         .freezer = RUN_DIR_NONE, .memcg = { .dir = -1 } }
/* clang-format on */

/* Make the cgroup [key] in [p]->pool, and open it as a job's memcg.
 * Returns 0; -1 with errno: run_place_remove is due all the same. */
int run_place_make (struct run_place *p, const char *key, struct mw_err *err);

/* Move process [pid] into it. Returns 0; -1. */
int run_place_add (struct run_place *p, pid_t pid, struct mw_err *err);

/* Kill what is in it, and remove it. Returns 0; -1 with errno: it is still there. */
int run_place_remove (struct run_place *p, struct mw_err *err);

#endif /* !MW_RUN_PLACE_H */
