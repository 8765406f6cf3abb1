/* below.h - v1: memcgs that somebody makes below one that we have armed
 *
 * At a limit of their own nobody would answer, and nobody would hear of it:
 * their OOM is the kernel's, from when they are made.  One inotify watch on the
 * armed directory is enough, however deep they make them (memcg/below.c), and
 * nothing runs while none is made.
 */
#ifndef MW_WATCH_BELOW_H
#define MW_WATCH_BELOW_H

#include <systemd/sd-event.h>

struct memcg;
struct warden;

/* Give what is below [m], a job's or the pool's, to the kernel, now and whenever
 *   something comes; it is told where somebody has waited there.  [m] outlives
 *   [*source], which is made unless it is there. */
void watch_below (struct warden *w, struct memcg *m, sd_event_source **source);

#endif /* !MW_WATCH_BELOW_H */
