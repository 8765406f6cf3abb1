/* aftermath.h - what an incident leaves to others: the admin's hook, and the
 * node
 *
 * Both are asked of the courier when the incident is dealt with; nothing here
 * waits.
 */
#ifndef MW_AFTERMATH_H
#define MW_AFTERMATH_H

#include <stdbool.h>
#include <stdint.h>

struct warden;
struct job;
struct spool_answer;

/* How many node OOMs there have been since [since_ms] (clock_ms), by which the
 * node may be drained. */
struct aftermath {
    unsigned count;
    uint64_t since_ms;
    bool drained; /* asked for; not again before the next start */
};

/* [job]'s incident has ended with [outcome]: run post-incident-hook, if any. */
void aftermath_hook (struct warden *w, struct job *job, const char *outcome);

/* The same, for the webhook: its whole story, once. */
void aftermath_webhook (struct warden *w, struct job *job, const char *outcome);

/* The node was out of memory again: after drain-after of them within
 *   drain-window no new jobs are to come here (0 = never). */
void aftermath_node_oom (struct warden *w);

/* [left] processes of [job] do not die of SIGKILL: drain-stuck. */
void aftermath_stuck (struct warden *w, struct job *job, unsigned left);

/* The courier has answered a request that is about the node, or about a job
 *   that is gone. */
void aftermath_answer (struct warden *w, const struct spool_answer *a);

#endif /* !MW_AFTERMATH_H */
