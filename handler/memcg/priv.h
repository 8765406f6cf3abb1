/* priv.h - what memcg.c, v1.c and v2.c share */
#ifndef MW_MEMCG_PRIV_H
#define MW_MEMCG_PRIV_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "handler/memcg/memcg.h"

/* Who asks which of them a memcg has is here; others ask what it does. */
extern const struct memcg_ops memcg_v1_ops, memcg_v2_ops;

/* v1 has no "max": no limit is the largest multiple of the page size. */
#define V1_NO_LIMIT (INT64_MAX - 65535)

/* One read or write of a file that is kept open. Return 0 (length), or -1. */
ssize_t memcg_pread (int fd, char *buf, size_t len);
int memcg_pread_u64 (int fd, uint64_t *value);
int memcg_pwrite_u64 (int fd, uint64_t value);

/* Read from [fd] the lines "[first] N" and "[second] N"; 0 where there is none.
 * Returns 0; -1 with errno. */
int memcg_pread_keys (int fd, const char *first, uint64_t *a,
                      const char *second, uint64_t *b);

/* Close what [m] listens by; errno is kept. Returns -1, for what has failed. */
int memcg_close_event (struct memcg *m);

/* Open [name] of [m]'s directory. Returns the descriptor; -1 with errno. */
int memcg_open_file (const struct memcg *m, const char *name, int flags);

/* "cannot [what] PATH/[file]: …" from errno, which becomes ENODEV where the
 *   directory has been removed and ENOTSUP where the file is missing.
 * Returns -1. */
int memcg_fail (const struct memcg *m, const char *what, const char *file,
                struct mw_err *err);

/* Call [visit] for every directory that may hold the job's own tasks, however
 *   deep its tree is (cg_walk).
 * Returns how many; -1 with errno where one could not be read: all that could
 *   be were visited. */
int memcg_each_dir (const struct memcg *m, int (*visit) (int dir, void *arg),
                    void *arg);

/* The same without the extern step: that has only Slurm's own `sleep` and what
 *   ssh brought. Its end would be the extern step's, and scancel does not signal
 *   it either. */
int memcg_each_own_dir (const struct memcg *m,
                        int (*visit) (int dir, void *arg), void *arg);

/* Call [visit] for the top of every part of [dir] that may be frozen or killed
 *   as a whole: in MW_LAYOUT_SLURM each child `step_*` (and in it [inner], if
 *   not NULL), else [dir] itself. Returns how many; -1 with errno as
 *   memcg_each_dir. */
int memcg_each_top (const struct memcg *m, int dir, const char *inner,
                    int (*visit) (int dir, void *arg), void *arg);

/* memcg_signal to the extern step as well: what holds or kills a job has to
 *   reach what came by ssh. */
int memcg_signal_all (struct memcg *m, int signo, struct mw_err *err);

/* Where the memcg is only listened to ([shadow]): memcg_ops.listen and .check
 *   of each version. */
int memcg_v1_listen (struct memcg *m, struct mw_err *err);
int memcg_v2_listen (struct memcg *m, struct mw_err *err);
enum memcg_state memcg_v1_heard (struct memcg *m);
enum memcg_state memcg_v2_heard (struct memcg *m);

/* v1: memcg_ops.free_below. */
void memcg_v1_free_below (struct memcg *m, const char *name,
                          struct memcg_below *found);

/* v1: is a memcg whose usage is [distance] below its [limit] so near to it that
 *   it may be the one in OOM? */
bool memcg_v1_near (uint64_t distance, uint64_t limit);

/* Reap the memory of those processes that were killed before but are not gone
 *   yet (process_mrelease(2) refuses all others). */
void memcg_mrelease (struct memcg *m);

/* Open what the version keeps open, after dir, freezer, path and layout are
 *   set. Return 0; -1 with errno. */
int memcg_v1_open (struct memcg *m, struct mw_err *err);
int memcg_v2_open (struct memcg *m, struct mw_err *err);

#endif /* !MW_MEMCG_PRIV_H */
