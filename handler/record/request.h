/* request.h - what every request to the courier has, and how many may wait
 *
 * A request that says anew what an earlier one of its job says, which still
 * waits, takes its place.  What nobody waits for (a courtesy: a comment, a line, a
 * hook after an incident, a webhook) finds room as long as no more of its user's,
 * and of all, wait than courier { max-waiting-user, max-waiting } allow; what a
 * ladder asks has room beside that.
 */
#ifndef MW_REQUEST_H
#define MW_REQUEST_H

#include "handler/spool/spool.h"

struct warden;
struct job;

/* What a request about the node, not about a job, is put under. */
#define REQUEST_NODE "node"

/* Set [r] to a request of [op] for this run of [job] (NULL: for the node), with
 *   an id of its own, all else 0. */
void request_fill (struct spool_request *r, struct warden *w,
                   const struct job *job, enum spool_op op);

/* Hand [r] for [job] (may be NULL) over, a [courtesy] or not, with the story
 *   [story] (NULL: none), and instead of an earlier one that it makes pointless.
 * Returns 0; -1 with errno (ENOBUFS: too many wait; of a courtesy that is
 *   counted, and said by request_news). */
int request_put (struct warden *w, struct job *job,
                 const struct spool_request *r, bool courtesy,
                 const char *story, struct mw_err *err);

/* Is there something to be said to the admin of how many wait, in [text]?  Each
 *   is told once. */
bool request_news (struct warden *w, struct mw_err *text);

/* Take request [id] back: nobody waits for it any more. */
void request_cancel (struct warden *w, const char *id);

/* Does request [id] wait? */
bool request_waits (const struct warden *w, const char *id);

/* Request [id] of [job] (NULL: it is gone) does not wait any more. */
void request_done (struct warden *w, struct job *job, const char *id);

/* A request that an earlier warden has put, [id], still waits; [job]: whose it is,
 *   NULL: not here. */
void request_found (struct warden *w, struct job *job, const char *id);

#endif /* !MW_REQUEST_H */
