/* strike.h - strikes: whose jobs have needed more memory than they had asked for
 *
 * An OOM of a job's own making is a strike of its user's, one for each run of a job:
 * it has come to its own limit with what cannot be reclaimed, or the node has chosen it
 * while it used more than its reservation.  Who was within it never gets one, nor does
 * root, nor a job that was only held by somebody, nor a step at its own, smaller limit.
 * Users have no part in it: whose a job is is told by root (register).
 *
 * The scores are in a file of the state directory, which is memory; the scribe copies
 * it to where it outlives a reboot.
 */
#ifndef MW_STRIKE_H
#define MW_STRIKE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"

struct job;
struct warden;

/* Read what was kept in [state_dir], or behind a reboot in [history_dir], once there
 *   is a half-life; what cannot be read is told in the log. */
void strike_open (struct warden *w, const char *state_dir,
                  const char *history_dir);

/* The configuration has been read again. */
void strike_reconfigured (struct warden *w);

/* How many strikes [uid] has now; 0 where nobody counts them. */
unsigned strike_count (const struct warden *w, uint32_t uid);

/* The incident of [job] begins, or the node chooses it: is it guilty?  As its usage
 *   was last read. */
void strike_blame (struct job *job);

/* The incident of [job] is over: where it was guilty that is a strike, and is told. */
void strike_incident (struct warden *w, struct job *job);

/* [uid], or [all], have none any more, nor their jobs here. Returns 0; -1 with errno
 *   (ESRCH: none had one). */
int strike_forgive (struct warden *w, bool all, uint32_t uid,
                    struct mw_err *err);

/* Put into [reply]: "half_life_ms", "burst", "priority" (how many cost that), "users":
 *   [{"uid","strikes","score","last","loses"}]. */
void strike_tell (const struct warden *w, json_t *reply);

#endif /* !MW_STRIKE_H */
