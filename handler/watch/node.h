/* node.h - the node's own OOM: its signs, and one victim at a time
 *
 *   pool at its limit (kernel's event) ─┐
 *   MemAvailable below the node reserve ┴▶ need ▶ policy_victims ▶ incident_oom
 *                     ▲                                              │
 *                     └── gone, or its time has passed ◀─────────────┘
 *
 * The pool is taken over where `pool` is configured, and on cgroup v2 where
 * Slurm's own is found, above its first job.  On v1 a memcg that is made below
 * it inherits that the kernel's killer is off, so whoever configures it wants
 * every job there to be registered.  MemAvailable is watched everywhere.
 */
#ifndef MW_NODE_H
#define MW_NODE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"

struct warden;
struct job;

/* Begin to watch. Returns 0; -1 with errno. */
int node_open (struct warden *w, struct mw_err *err);

/* Give the pool's OOM back to the kernel and end the watch. */
void node_close (struct warden *w);

/* Jobs have come or their limits have changed: find the pool if it was not
 *   there before, and see when the node must be looked at next. */
void node_look (struct warden *w);

/* Now and then: who is no job may have taken the memory, of which no timer and, while no
 *   job wants more, no stall tells. */
void node_glance (struct warden *w);

/* Tasks have stalled for memory (PSI): look at the jobs for a livelock, and at the
 *   node, unless its OOM is being handled. */
void node_stalled (struct warden *w);

/* The directory above all jobs: taken over, or else configured; "" = none. */
const char *node_pool_path (const struct warden *w);

/* Is the node out of memory at present? */
bool node_is_short (const struct warden *w);

/* Since when it is, clock_ms; 0 = it is not. */
uint64_t node_opened_ms (const struct warden *w);

/* The fastest fall of memory that is reckoned with, bytes a ms. */
uint64_t node_rate (const struct warden *w);

/* May [job], stopped for the node's sake, go on?  It is the first of those that
 *   wait, and headroom has reached `resume-at`. */
bool node_may_return (struct warden *w, struct job *job);

#endif /* !MW_NODE_H */
