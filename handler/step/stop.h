/* stop.h - one process of a job stands still, the others do not: SIGSTOP and SIGCONT
 *
 * Shared by the rungs that do so (hold=WHO, slow=PCT:WHO, dump).  Who it is is in
 * job->incident.stopped, and on record, from before it is stopped until it goes on.
 */
#ifndef MW_STOP_H
#define MW_STOP_H

#include "handler/step/one.h"

/* [one] of [job] is to be stopped, since [why]: put it on record, told as [what] ("held:").
 *   It is not stopped yet. Returns its place in incident.stopped; -1, said. */
int stop_begin (struct warden *w, struct job *job, const struct one *one,
                enum stopped_why why, const char *what);

/* The one at [at] is out of incident.stopped, since [why] ("has ended"). */
void stop_drop (struct warden *w, struct job *job, unsigned at,
                const char *why);

/* Let one go on, or all that are stopped for [what].  Who could not be told stays in
 *   incident.stopped, said. */
void stop_let_go (struct warden *w, struct job *job, unsigned at);
void stop_undo (struct warden *w, struct job *job, enum stopped_why what);

/* Is none of [job] stopped for [what] any more? */
bool stop_undone (const struct job *job, enum stopped_why what);

/* What an earlier warden has stopped in [job], and is in the attribute of its memcg alone,
 *   goes on. */
void stop_wake_unrecorded (struct warden *w, struct job *job);

#endif /* !MW_STOP_H */
