/* quota.h - how much of the desk is one user's
 *
 * A bucket for each user: as many requests at once as it holds, then at its rate.
 * Who asks more is not refused, but waits for his turn.
 */
#ifndef MW_QUOTA_H
#define MW_QUOTA_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define QUOTA_ASK_BURST 100   /* of what is only told */
#define QUOTA_ASK_RATE 50     /* a second */
#define QUOTA_CHANGE_BURST 50 /* of what is done to a job, and on record */
#define QUOTA_CHANGE_RATE 10

/* May [uid] ask (or, with [change], have something changed) once more at [now_ms]
 *   (clock_ms)?  It is counted then. */
bool quota_take (uid_t uid, bool change, uint64_t now_ms);

/* When [uid] was last let, as a number that grows with each; 0 = not in memory. */
uint64_t quota_last (uid_t uid);

#endif /* !MW_QUOTA_H */
