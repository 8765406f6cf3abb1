/* stop.h - one process of a job stands still, the others do not: SIGSTOP and SIGCONT
 *
 * Shared by the rungs that do so (hold=WHO, slow=PCT:WHO).  Who it is is in
 * job->incident.stopped, and on record, from before it is stopped until it goes on.
 */
#ifndef MW_STOP_H
#define MW_STOP_H

#include "handler/step/one.h"

/* [one] of [job] is to be stopped, or [by_turns]: put it on record, told as [what] ("held:").
 *   It is not stopped yet. Returns its place in incident.stopped; -1, said. */
int stop_begin (struct warden *w, struct job *job, const struct one *one,
                bool by_turns, const char *what);

/* The one at [at] is out of incident.stopped, since [why] ("has ended"). */
void stop_drop (struct warden *w, struct job *job, unsigned at,
                const char *why);

/* Let one go on, or all that are [by_turns], or that are not.  Who could not be told stays in
 *   incident.stopped, said. */
void stop_let_go (struct warden *w, struct job *job, unsigned at);
void stop_undo (struct warden *w, struct job *job, bool by_turns);

/* Is none of [job] stopped any more, or [by_turns]? */
bool stop_undone (const struct job *job, bool by_turns);

/* What an earlier warden has stopped in [job], and is in the attribute of its memcg alone,
 *   goes on. */
void stop_wake_unrecorded (struct warden *w, struct job *job);

#endif /* !MW_STOP_H */
