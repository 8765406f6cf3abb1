/* story.h - the records of each open incident, for webhooks
 *
 * For courier { webhook } they gather in a file of the spool, which outlives the
 * warden, and which is handed over as it is when the incident is resolved: so the
 * warden keeps no story in its memory, and reads none back.  The webhook sections
 * are told of each as it happens: what a flush finds of a job is one request.  How
 * far the journal has been handed over is on record, so that a warden that was
 * killed in between leaves nothing out.  Where no webhook is configured nothing is
 * kept.
 */
#ifndef MW_STORY_H
#define MW_STORY_H

#include "handler/job/incident_state.h"
#include "handler/spool/spool.h"

struct warden;
struct job;

#define STORY_NAME_MAX (INCIDENT_ID_MAX + 8)

/* The name of the story of [job]'s incident, in the spool. Returns [name]. */
char *story_name (const struct job *job, char name[STORY_NAME_MAX]);

/* The record of [event] that has just been put into the journal is part of
 *   [job]'s story: remember it until story_flush. */
void story_add (struct warden *w, const struct job *job, const char *event);

/* After the journal has been read, and before anything is added to it: hand over
 *   what an earlier warden was killed before. */
void story_recover (struct warden *w);

/* Write what is remembered into the spool: when no job waits for it. */
void story_flush (struct warden *w);

/* Returns how many records could not be written there since the last call, and
 *   sets [*why] to errno of the last of them. */
unsigned story_missing (int *why);

#endif /* !MW_STORY_H */
