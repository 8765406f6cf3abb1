/* waiting.h - what has been asked of the courier and is not done: numbers, no I/O
 *
 * So much may wait, and no more: what nobody waits for (a comment, a line, a
 * hook after an incident, a webhook) as much as the admin allows, for each user
 * and in all; what a ladder asks has room of its own, beside that.  Each call
 * takes as long with 10,000 that wait as with none.
 */
#ifndef MW_WAITING_H
#define MW_WAITING_H

#include <stdbool.h>
#include <stdint.h>

#include "handler/spool/spool.h"

#define WAITING_COURTESIES_MAX 4000 /* the most that an admin may allow */
#define WAITING_DUTIES_MAX 4000
#define WAITING_SLOTS 16384 /* twice of both: a search is short */
#define WAITING_USERS 8192  /* twice as many as can have a courtesy */

struct waiting_slot {
    uint64_t seq; /* of the request's name; 0 = free */
    uint32_t uid;
    bool courtesy, seen;
};

struct waiting_user {
    uint32_t uid;
    unsigned count; /* of his courtesies that wait; 0 = free */
    unsigned lost;  /* since it became too many … */
    bool told;      /* … which has been said */
};

#define WAITING_ALL UINT32_MAX /* for a uid: all users together */

/* Zeroed but for the limits, nothing waits. */
struct waiting {
    unsigned most, in_all; /* courtesies that may wait: of a user, of all */
    unsigned courtesies, duties;
    struct waiting_user all; /* [lost], [told] of where it is all together that
                                are too many */
    struct waiting_user begun, over; /* for waiting_news */
    struct waiting_slot slot[WAITING_SLOTS];
    struct waiting_user user[WAITING_USERS];
};

/* Have all of [w], in which nothing waits yet, in memory: not only when it is first
 *   needed, in somebody's OOM. */
void waiting_rehearse (struct waiting *w);

/* May one more wait, of user [uid]? */
bool waiting_has_room (const struct waiting *w, uint32_t uid, bool courtesy);

/* Request [seq] of [uid] waits from now on; nothing changes where it did. */
void waiting_add (struct waiting *w, uint64_t seq, uint32_t uid, bool courtesy);

/* Does request [seq] wait? */
bool waiting_is (const struct waiting *w, uint64_t seq);

/* Request [seq] does not wait any more. Returns whether it did. */
bool waiting_done (struct waiting *w, uint64_t seq);

/* There was no room for a courtesy of [uid]: count it. */
void waiting_lose (struct waiting *w, uint32_t uid);

/* Is there something to be said of whom there is no room for, or is again (half of
 *   what may wait does)?  Each is said once: [uid], which may be WAITING_ALL, and
 *   [lost]: 0 = there is no room from now on; how many were lost until now. */
bool waiting_news (struct waiting *w, uint32_t *uid, unsigned *lost);

/* After waiting_unsee and a waiting_see of each that is there: forget those up to
 *   [last] that are not. */
void waiting_unsee (struct waiting *w);
void waiting_see (struct waiting *w, uint64_t seq);
void waiting_sweep (struct waiting *w, uint64_t last);

#endif /* !MW_WAITING_H */
