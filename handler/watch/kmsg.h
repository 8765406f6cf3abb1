/* kmsg.h - kills the kernel made itself, from /dev/kmsg as they happen
 *
 * An optional source: it starts no step, it tells who was killed, whose limit
 * it was, who was first and which setting would have won.  No timer; some
 * records a wake-up, after everything else that is due, so that a flooded log
 * delays nobody's OOM.  How far it has been read is kept in STATE/kmsg, so that
 * the next warden tells of what was killed between the two.
 */
#ifndef MW_WATCH_KMSG_H
#define MW_WATCH_KMSG_H

#include <stdbool.h>

struct warden;
struct job;

/* Begin to listen, from now on. Where the log cannot be read that is logged,
 *   and w->kmsg stays NULL. */
void watch_kmsg_open (struct warden *w);
void watch_kmsg_close (struct warden *w);

/* Read what the kernel has said since the warden before this one read its last,
 *   and tell of the jobs in which it has killed meanwhile.  To be called when all
 *   of them are known and none has been taken up again. */
void watch_kmsg_catch_up (struct warden *w);

/* Is the kernel's log being read? */
bool watch_kmsg_live (const struct warden *w);

/* Read what is in the log by now.  To be called before an OOM is over, and a
 *   job's story ends, so that a kill in it is told there. */
void watch_kmsg_read (struct warden *w);

/* The memcg of [job] has counted a kill by the kernel.  Tell of it, unless the
 *   log is being read and will explain it. */
void watch_kmsg_counted (struct warden *w, struct job *job);

/* Tell of a kill in [job] that was counted and that the log has not explained. */
void watch_kmsg_untold (struct warden *w, struct job *job);

/* An OOM of [job], or of the node (NULL), has just been detected: where the
 *   kernel had killed for it shortly before, say how much faster it was. */
void watch_kmsg_detected (struct warden *w, struct job *job);

#endif /* !MW_WATCH_KMSG_H */
