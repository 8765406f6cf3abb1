/* blame.h - what a job's memory was when it had its OOM: of which kinds, and whose
 *
 * Looked at once its first deed is done, or before it is killed, since then it is gone.
 */
#ifndef MW_BLAME_H
#define MW_BLAME_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/err.h"
#include "lib/json_put.h"

struct job;
struct warden;

/* So many of a job's processes are looked at: the rest is not among the largest then,
 *   which is said. */
#define BLAME_MEMBERS 128

/* Make ready for blame_due, in the warden's loop, and touch the memory that is needed for
 *   it (14 KiB); and end that. Returns 0; -1 with errno. */
int blame_open (struct warden *w, struct mw_err *err);
void blame_close (struct warden *w);

/* A look at [job], whose incident has begun, is wanted as soon as no event waits: one job
 *   a turn of the loop. */
void blame_due (struct warden *w, struct job *job);

/* Look, and record it: event "uses", with the members of blame_put.  Without [members]
 *   its processes are left out.  Nothing where its memcg is gone, or nobody is told. */
void blame_look (struct warden *w, struct job *job, bool members);

/* What was seen, as a part of a sentence that begins with [lead]: "; it holds anonymous
 *   memory 30.0 MiB, files in memory 50.0 MiB; largest processes: 4711 (solver) 29.0
 *   MiB"; "" before a look. Returns [buf]. */
#define BLAME_TEXT 320
char *blame_text (const struct job *job, const char *lead,
                  char buf[BLAME_TEXT]);

/* The same as members: "held" with what mw_mempart names, in bytes, and "largest", up to three processes with pid, comm, holds, and grew, in grew_in_ms,
 *   since the look before this one, where they were among the largest there. */
#define BLAME_MORE 1536
void blame_put (struct json_put *p, const struct job *job);

#endif /* !MW_BLAME_H */
