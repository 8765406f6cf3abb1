/* refault.h - livelock of a job at its limit, without any OOM
 *
 * What cannot be reclaimed fills the limit but for a little, and in that little
 * file pages come in only to be dropped again: the kernel finds something to
 * reclaim each time, so there never is an OOM.  No timer: jobs are looked at
 * when PSI, or an event of theirs, says that somebody stalls.
 */
#ifndef MW_WATCH_REFAULT_H
#define MW_WATCH_REFAULT_H

#include <stdint.h>

struct warden;
struct job;

/* Something of [job] stalls: is it livelocked?  After some looks in a row that
 *   found it so, that is an OOM of the job's. */
void watch_refault (struct warden *w, struct job *job);

/* The same for every job. Returns the bytes that those who have been at their own
 *   limits since the last call had to read in again: no sign of the node's. */
uint64_t watch_refault_all (struct warden *w);

#endif /* !MW_WATCH_REFAULT_H */
