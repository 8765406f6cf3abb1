/* learnt.h - what jobs have turned out to need, kept for who advises later
 *
 * A file for each user, account and job name in DIR/learnt, named by their hash,
 * written by the courier (tmp + rename) when it has requeued such a job with more
 * memory.  Bounded: the last LEARNT_RUNS runs of each, of LEARNT_MAX the latest.
 * Names are a stranger's: cut, and never part of a path.
 */
#ifndef MW_LEARNT_H
#define MW_LEARNT_H

#include <stdint.h>
#include <sys/types.h>

#include "lib/err.h"

#define LEARNT_DIR "learnt"
#define LEARNT_MAX 2000
#define LEARNT_RUNS 16
#define LEARNT_NAME_MAX 64

struct learnt_run {
    uint64_t s;      /* wall clock, seconds */
    uint64_t peak;   /* bytes, on the node that needed most */
    uint64_t mem_mb; /* the --mem (of a node) that it was given then */
};

struct learnt {
    uint32_t uid;
    char account[LEARNT_NAME_MAX], name[LEARNT_NAME_MAX];
    uint64_t times; /* ever */
    unsigned count; /* of [run], oldest first */
    struct learnt_run run[LEARNT_RUNS];
};

/* Keep what is learnt from now on below [dir], in this process and its children;
 *   made, for members of [gid] to write, if it is not there.  Call it as root, or
 *   as who is to write.
 * Returns 0; -1 with errno: nothing is kept. */
int learnt_open (const char *dir, gid_t gid, struct mw_err *err);

/* Add [run] of a job [name] of [account] (either may be NULL) of user [uid].
 * Returns 0; -1 with errno (EBADF: there was no learnt_open). */
int learnt_add (uint32_t uid, const char *account, const char *name,
                const struct learnt_run *run);

/* Call [visit] for all that is kept below [dir]; what is not understood is left
 *   out. Returns how many; -1 with errno (ENOENT: nothing yet). */
int learnt_each (const char *dir,
                 void (*visit) (const struct learnt *l, void *arg), void *arg);

#endif /* !MW_LEARNT_H */
