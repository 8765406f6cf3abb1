/* procs.h - the processes of a job, for people to look at
 *
 * Not through memcg.h: that is for who may write.
 */
#ifndef MW_PROCS_H
#define MW_PROCS_H

#include <stdint.h>
#include <sys/types.h>

struct proc {
    pid_t pid;
    uid_t uid;
    uint64_t rss;      /* bytes */
    char state;        /* as ps(1) has it; '?' unknown */
    char command[256]; /* control characters tamed; any other bytes */
};

/* Call [visit] for each process in the cgroup directory [dir] and below it, but
 *   for those of slurmstepd, which on v2 has a directory "slurm" in each
 *   step. */
void procs_each (int dir, void (*visit) (const struct proc *p, void *arg),
                 void *arg);

#endif /* !MW_PROCS_H */
