/* job_event.h - a job runs out of memory, its cgroup goes, its timer fires */
#ifndef MW_JOB_EVENT_H
#define MW_JOB_EVENT_H

#include "lib/err.h"

struct warden;
struct job;

/* Look what has happened to [job] and deal with it. [job] may be gone after
 * it. */
void job_event_check (struct warden *w, struct job *job);

/* Have [job]'s event, its removal and its timer looked at by the loop.
 * Returns 0; -1 with errno. */
int job_event_listen (struct warden *w, struct job *job, struct mw_err *err);

#endif /* !MW_JOB_EVENT_H */
