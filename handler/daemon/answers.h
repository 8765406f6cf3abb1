/* answers.h - the courier's answers come back, and memory
 *
 * Whoever the courier runs as can put what he likes into the place of an answer,
 * and as much of it as he likes: so few are looked at in a turn of the loop, and
 * only when no event waits, that no OOM is kept waiting by them.  What nobody has
 * asked for is taken away unread, counted, and said once a minute.
 */
#ifndef MW_ANSWERS_H
#define MW_ANSWERS_H

#include "lib/err.h"

struct warden;

/* Take the courier's answers from the spool, those too that are there already, as
 *   soon as the loop runs. Returns 0; -1 with errno. */
int warden_listen_answers (struct warden *w, struct mw_err *err);

#endif /* !MW_ANSWERS_H */
