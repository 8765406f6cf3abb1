/* members.h - the processes of a job, as it is chosen among them
 *
 * Read in an OOM: from /proc/PID/stat and status alone, which wait for nobody's memory
 * map (cmdline and exe do), and of a bounded number of processes.
 */
#ifndef MW_MEMBERS_H
#define MW_MEMBERS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "handler/memcg/memcg.h"

#define MEMBERS_MAX 1024 /* of one job that are looked at */

struct member {
    pid_t pid, parent;
    uint64_t started;                 /* the kernel's ticks after boot */
    uint64_t anon, shmem, file, swap; /* bytes, resident but for swap */
    uint64_t grew;                    /* bytes, since an earlier look */
    bool script;   /* the first process of Slurm's own steps: the batch
                                   script, an interactive shell, the extern
                                   step's */
    bool forked;   /* it has executed no program since it was forked */
    bool barred;   /* is not to be chosen */
    char state;    /* as proc(5) has it: 'T' is stopped */
    char comm[16]; /* as it calls itself: any bytes, control characters
                                   tamed */
};

struct members {
    unsigned n;
    bool cut; /* there are more */
    struct member one[MEMBERS_MAX];
};

/* Read who is in [m] and holds memory (who is ending does not) into [all], not more than
 *   [most] of them.  Barred are those of other users than [owner], if that is not root;
 *   this process, and init.
 * Returns 0; -1 with errno: not all could be seen, those that could are there. */
int members_read (struct memcg *m, uid_t owner, unsigned most,
                  struct members *all);

/* Read who [pid] is, whose job is [owner]'s, into [one]; but not whether it is a
 *   [script].  Returns 0; -1 where it is gone, is ending, or cannot be read. */
int member_read (pid_t pid, uid_t owner, struct member *one);

/* What [one] holds of memory that its end would free, in bytes: its own, shared memory
 *   that it has mapped, and what is in swap. */
uint64_t member_holds (const struct member *one);

/* Take hold of [one] by a pidfd in [*fd], the caller's (-1 where the kernel has none).
 * Returns 0; -1 with errno ESRCH where its number is another's by now, or nobody's. */
int member_take (const struct member *one, int *fd);

/* Send [signo] to the process [pid] that [fd] holds (member_take), and after SIGKILL have
 *   its memory reaped at once, where the kernel can. Returns 0; -1 with errno. */
int member_signal (int fd, pid_t pid, int signo);

#define MEMBER_STEP_MAX 24

/* Where Slurm has started [pid]: of its cgroup's "step_STEP" the STEP into [step] ("" =
 *   none), and the number of "task_N" (-1 = none). */
void member_where (pid_t pid, char step[MEMBER_STEP_MAX], int *task);

/* Open for writing the cgroup.procs of a memory cgroup, [m] or one below it, that may have
 *   processes beside [pid], which is in there. Returns a descriptor, the caller's; -1 with errno, ESRCH where it is in
 *   none of them. */
int member_place (const struct memcg *m, pid_t pid);

#endif /* !MW_MEMBERS_H */
