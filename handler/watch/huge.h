/* huge.h - a job is refused huge pages
 *
 * By a limit of the hugetlb controller (memcg/hugetlb.h): no OOM of its memory, and nobody is
 * killed for it by the kernel but by SIGBUS, of which no log says why.  So it is told: on cgroup v2 when
 * it happens, on v1, which tells nobody, at the job's end.
 */
#ifndef MW_WATCH_HUGE_H
#define MW_WATCH_HUGE_H

#include <stdbool.h>

struct warden;
struct job;

/* Listen from now on, where [job] has that controller, and tell what was refused while
 *   nobody did. */
void huge_listen (struct warden *w, struct job *job);

/* Tell what was refused since it was last told, at most once a minute; [last]: in any
 *   case. Returns whether that was something. */
bool huge_look (struct warden *w, struct job *job, bool last);

#endif /* !MW_WATCH_HUGE_H */
