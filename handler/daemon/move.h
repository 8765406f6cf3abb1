/* move.h - root has a process put into another job: `memwarden move`
 *
 * The warden says whether, and where to; who has asked does it (memcg/move.h), since it may
 * take long, and says how it went.
 */
#ifndef MW_DAEMON_MOVE_H
#define MW_DAEMON_MOVE_H

#include <jansson.h>

#include "lib/err.h"

struct warden;

/* Answer `move` and `moved` (wire.h), which only root can ask, into [reply].
 * Returns 0; -1 with errno and a sentence, nothing done: ESRCH, no such job or process;
 *   EBUSY, a job is in an incident or frozen; ENOSPC, it would not fit; EPERM, EINVAL,
 *   ENOTSUP. */
int move_ask (struct warden *w, const json_t *msg, json_t *reply,
              struct mw_err *err);
int move_done (struct warden *w, const json_t *msg, struct mw_err *err);

#endif /* !MW_DAEMON_MOVE_H */
