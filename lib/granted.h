/* granted.h - what Slurm has given to a job, on the job's memory cgroup
 *
 * The warden moves the limits there, and at each step's start Slurm writes them anew:
 * so what they were is beside them, in an xattr(7) that only root can write.  The plugins
 * set it when they first see the job, the warden when Slurm has changed it.
 */
#ifndef MW_GRANTED_H
#define MW_GRANTED_H

#include <stdbool.h>
#include <stdint.h>

/* In bytes, UINT64_MAX = no limit. */
struct mw_granted {
    uint64_t hard; /* the limit, with AllowedRAMSpace of cgroup.conf in it */
    uint64_t soft; /* the allocation; 0 = not known */
};

/* Read what is on the directory [dir]. Returns 0; -1 where nothing is. */
int mw_granted_read (int dir, struct mw_granted *g);

/* Write it there; [first]: only where nothing is yet.
 * Returns 0; -1 with errno (EEXIST: something is). */
int mw_granted_write (int dir, const struct mw_granted *g, bool first);

#endif /* !MW_GRANTED_H */
