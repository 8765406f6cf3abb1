/* psi.h - tasks that wait for memory: the kernel's PSI trigger
 *
 * An optional source.  By itself it harms nobody: it has the node looked at,
 * and the jobs at their limit for a livelock; a second sign
 * (policy/signs.h) must come.
 */
#ifndef MW_WATCH_PSI_H
#define MW_WATCH_PSI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "handler/policy/policy.h"

struct warden;

/* Set the trigger that the configuration asks for; also after it has changed.
 *   Where it cannot be had that is logged, and w->psi stays NULL. */
void watch_psi_open (struct warden *w);
void watch_psi_close (struct warden *w);

/* Have tasks stalled within the last two windows? */
bool watch_psi_stalled (const struct warden *w);

/* Do not count [own] of the bytes that were read in again while tasks stalled:
 *   jobs at their own limits read them, which says nothing of the node. */
void watch_psi_less (struct warden *w, uint64_t own);

/* How many bytes must be freed because tasks have stalled since [since_ms]
 *   (clock_ms) and [node] shows a second sign, which is written as a clause
 *   into [why]; 0 = none.  [*early]: nothing is short yet. */
uint64_t watch_psi_need (const struct warden *w, const struct policy_node *node,
                         uint64_t since_ms, bool *early, char *why, size_t len);

#endif /* !MW_WATCH_PSI_H */
