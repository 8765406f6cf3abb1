/* fake_node.h - a node without a kernel: its pool, its timer, its stalls
 *
 * Beside fake_warden.h, whose warden it watches.  The node's machine and PSI's
 * are the real ones; /proc and slurm.conf are files of the test's own, and the
 * kernel's events come when the test says so.
 */
#ifndef MW_FAKE_NODE_H
#define MW_FAKE_NODE_H

#include "test/unit/fake_warden.h"

struct fake_pool {
    char path[PATH_MAX];    /* a directory that is one; "" = none is */
    bool stubborn;          /* its limit cannot be set */
    bool deaf;              /* it cannot be armed */
    enum memcg_state state; /* by [check] */
    struct memcg_usage usage;
    uint64_t set_limit;    /* what somebody has set before, bytes */
    uint64_t limit, above; /* as the warden has set them, bytes; 0 */
    unsigned opened, armed, disarmed;
};

extern struct fake_pool pool;

#define NODE_NEVER UINT64_MAX

/* Setup and teardown of a test. Return 0 or -1. */
int node_begin (void **state);
int node_end (void **state);

/* There is a pool, and it is configured; [hard] is in its memory.max, no limit
 *   in its memory.high. */
void node_has_pool (const char *hard);

/* The watch begins. */
void node_watched (void);

/* The pool's files: what is in [name] ("memory.high", "memory.max"), as a
 *   number; "max" is UINT64_MAX. */
uint64_t node_pool_file (const char *name);

/* In how many ms the node is to be looked at; NODE_NEVER = not at all. */
uint64_t node_due (void);

/* [ms] later it is looked at. */
void node_later (uint64_t ms);

/* The kernel says that the pool is in [state]. */
void node_pool_event (enum memcg_state state);

/* MemAvailable and SwapFree (of 8 GiB) are so many bytes. */
void node_has (uint64_t available, uint64_t swap_free);

/* The warden watches for stalls. */
void node_psi (void);

/* Tasks have stalled, [ms] later, and have meanwhile looked through [scanned]
 *   pages for memory, and read [refaulted] bytes in again. */
void node_stall (uint64_t ms, uint64_t scanned, uint64_t refaulted);

/* The pressure file has gone. */
void node_psi_gone (void);

/* Is the room of those who wait to be looked at? */
bool node_has_room (void);

/* slurm.conf is [text]; "%s" in it is this host. */
void node_slurm_conf (const char *text);

#endif /* !MW_FAKE_NODE_H */
