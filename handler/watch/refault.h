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

/* A task of [job] has stalled: look whether the job is livelocked.  When several
 *   looks in a row have found that, it is an OOM of the job. */
void watch_refault (struct warden *w, struct job *job);

/* The same for every job. Returns how many bytes were read in again since the
 *   last call by jobs that have been at their own limits meanwhile: those say
 *   nothing of the node's memory. */
uint64_t watch_refault_all (struct warden *w);

#endif /* !MW_WATCH_REFAULT_H */
