/* kernel_kill.h - what a kill by the kernel itself means for memwarden: pure
 *
 * Whose limit was it, and which setting would have let memwarden be first?
 */
#ifndef MW_KERNEL_KILL_H
#define MW_KERNEL_KILL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "handler/kmsg/kmsg.h"

enum kernel_kill_why {
    KERNEL_KILL_SYSRQ,     /* somebody asked for it: starts nothing */
    KERNEL_KILL_NODE,      /* the node was out of memory */
    KERNEL_KILL_NUMA,      /* the memory nodes of a cpuset or of a policy */
    KERNEL_KILL_ABOVE,     /* the limit of the pool or of one above the job */
    KERNEL_KILL_JOB,       /* the job's own limit */
    KERNEL_KILL_BELOW,     /* the limit of a directory below the job's */
    KERNEL_KILL_UNKNOWN,   /* what would tell is lost */
    KERNEL_KILL_ELSEWHERE, /* a memcg that is none of ours */
};

/* Is [path] the directory [dir] or below it?  Both as the kernel's log names
 *   them, from the hierarchy's root; "" is in nothing and holds nothing. */
bool kernel_kill_within (const char *path, const char *dir);

/* Whose limit [k] was about. [job]: the directory of the victim's job, "" = of
 *   none; [pool]: that of the pool, "" = none is known. */
enum kernel_kill_why kernel_kill_why (const struct kmsg_kill *k,
                                      const char *job, const char *pool);

/* What is known of memwarden's part. */
struct kernel_kill_case {
    enum kernel_kill_why why;
    const char *job;       /* its directory, as the kernel's log names it */
    int64_t ahead_ms;      /* memwarden had begun so long before; negative: the
                               kernel was so much faster; INT64_MIN: no sign */
    uint64_t node_reserve; /* bytes */
    uint64_t rate;         /* fastest fall of memory, bytes a ms */
    uint64_t reserve;      /* of the job, bytes */
    bool armed;            /* the job's OOM was memwarden's */
    bool pool_watched;
    bool shadow; /* it would have done nothing, whatever is set */
    bool away;   /* no warden was there: the same */
};

/* The node reserve, in bytes and whole MiB, with which memwarden would have
 *   had 100 ms more than it lacked at that rate; at most half of [memory]. */
uint64_t kernel_kill_node_reserve (const struct kernel_kill_case *c,
                                   uint64_t memory);

/* Write the setting that would have won, as a clause. Returns [buf]. */
char *kernel_kill_remedy (const struct kernel_kill_case *c,
                          const struct kmsg_kill *k, uint64_t memory, char *buf,
                          size_t len);

/* Write who was first and by how much, as a clause. Returns [buf]. */
char *kernel_kill_first (const struct kernel_kill_case *c, char *buf,
                         size_t len);

#endif /* !MW_KERNEL_KILL_H */
