/* undo.h - what was done to a job is undone, whatever fails
 *
 * Only what the present rung of its ladder works on is to stay; of an incident that
 * is closing, nothing.
 */
#ifndef MW_INCIDENT_UNDO_H
#define MW_INCIDENT_UNDO_H

#include <stdbool.h>

struct job;
struct warden;

/* Undo what is to be undone of [job]; what fails is tried again at once, and then at
 *   incident.undo_ms. Returns whether all is. */
bool incident_undo (struct warden *w, struct job *job);

/* Have what is still to be undone tried again at incident.undo_ms. Returns whether
 *   there is any. */
bool incident_undo_later (struct job *job);

#endif /* !MW_INCIDENT_UNDO_H */
