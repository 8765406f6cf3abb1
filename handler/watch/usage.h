/* usage.h - to be told when a job uses so much
 *
 * By a timer that reads what it uses, memory and swap, as often as it could get there
 * (policy/pace.h).  A threshold of cgroup v1's (memory.usage_in_bytes in
 * cgroup.event_control) would tell by itself, but the kernel waits for a grace period of RCU
 * in that write, 15 to 50 ms on 6.18, in which no OOM would be answered; and v2 has none.
 * Nothing is read of a job of which nobody has asked.
 */
#ifndef MW_USAGE_H
#define MW_USAGE_H

#include <stdint.h>

#include "handler/job/job.h"
#include "handler/policy/pace.h"

/* Call [reached] once, when [job] is seen to use as much as [when] says, in the time from
 *   now that it says.  In the place of what was asked for [who] before.
 * Returns 0; -1 with errno: it will not be. */
int usage_ask (struct warden *w, struct job *job, enum job_usage_for who,
               const struct pace *when,
               void (*reached) (struct warden *w, struct job *job));

/* [who] does not ask any more. */
void usage_forget (struct job *job, enum job_usage_for who);

#endif /* !MW_USAGE_H */
