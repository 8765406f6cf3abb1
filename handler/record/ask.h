/* ask.h - what an incident asks of the courier, and of the attendant */
#ifndef MW_ASK_H
#define MW_ASK_H

#include <stdbool.h>
#include <stdint.h>

#include "handler/conf/conf.h"
#include "handler/memcg/members.h"
#include "handler/spool/spool.h"

struct warden;
struct job;

/* Is there a courier to carry out what is asked now, or one to be started? */
bool ask_has_courier (const struct warden *w);

/* Ask the courier [op] for [job] (a job of Slurm), for a requeue as its incident
 *   says (requeue_mb, requeue_tries); [text] may be NULL.  With [await], the answer comes back as STEP_ANSWER.
 * Returns 0; -1 with errno when the spool does not take it: recorded. */
int ask (struct warden *w, struct job *job, enum spool_op op, const char *text,
         bool await);

/* Ask the courier to run [hook] ("": the built-in one) until [not_after_ms]
 *   (clock_ms), told of the incident and the job's numbers as JSON on its
 *   standard input, and of [about] (NULL: of no process).  Within the incident [outcome] is NULL, and the answer
 *   comes back as STEP_ANSWER; at its end, nobody waits for it. Returns 0;
 *   -1 with errno. */
int ask_hook (struct warden *w, struct job *job, const char *hook,
              const struct member *about, const char *outcome,
              uint64_t not_after_ms);

/* Have the attendant run [hook], which has as_job, about the process [about] of [job]
 *   and in its memory cgroup, until [not_after_ms] (clock_ms); the answer comes back as
 *   STEP_ANSWER. Returns 0; -1 with errno: recorded. */
int ask_attendant (struct warden *w, struct job *job,
                   const struct conf_hook *hook, const struct member *about,
                   uint64_t not_after_ms);

/* Have the courier POST the story of [job]'s incident, which has ended with
 *   [outcome], until [not_after_ms] (clock_ms): nobody waits for it. */
void ask_webhook (struct warden *w, struct job *job, const char *outcome,
                  uint64_t not_after_ms);

#endif /* !MW_ASK_H */
