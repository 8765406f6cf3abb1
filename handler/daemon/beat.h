/* beat.h - the warden's half of being watched: its loop turns
 *
 * In a page that it shares with its guard (guard.h) the loop counts its turns; when it
 * is poked it turns once more.  So a warden that has nothing to do is woken once in five
 * seconds, and no turn costs more than one addition.
 */
#ifndef MW_BEAT_H
#define MW_BEAT_H

#include <stdatomic.h>
#include <stdint.h>

#include "handler/job/warden.h"

enum beat_phase {
    BEAT_STARTS, /* jobs are taken up again, which may take long */
    BEAT_RUNS,
    BEAT_ENDS, /* jobs are handed back */
};

/* Shared with the guard. */
struct beat {
    _Atomic uint64_t turns;
    _Atomic uint32_t phase;
};

/* Make what is shared, before the guard is forked. Returns 0; -1 with errno. */
int beat_open (struct mw_err *err);

/* What the guard keeps of it: the page, and what it pokes the warden by (eventfd(2)). */
const struct beat *beat_shared (void);
int beat_poke (void);

/* Count the turns of the loop from now on; when it is poked [look], whatever else is
 *   to be looked at now and then. Returns 0; -1 with errno. */
int beat_listen (struct warden *w, void (*look) (struct warden *w),
                 struct mw_err *err);

/* The loop has ended. */
void beat_ends (void);

#endif /* !MW_BEAT_H */
