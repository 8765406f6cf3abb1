/* machine.h - the machine's own parts, for those in this room that work it by hand
 *
 * What the outside calls is in incident.h.
 */
#ifndef MW_MACHINE_H
#define MW_MACHINE_H

#include "handler/job/job.h"
#include "handler/step/step.h"

/* Open an incident of [job] by [ladder], which is shared, and record it: its first rung is
 *   still to be entered. Returns 0; -1 with errno. */
int incident_open (struct warden *w, struct job *job,
                   enum incident_trigger trigger,
                   const struct mw_ladder *ladder);

/* Leave the rung; what it did stays where the [next] works on that. */
void incident_leave (struct warden *w, struct job *job,
                     const struct step_ops *next);

/* Climb to the rung [to], and act on what a rung has said. */
enum step_result incident_enter (struct warden *w, struct job *job,
                                 unsigned to);
void incident_settle (struct warden *w, struct job *job, enum step_result r);

/* Undo, and end it when all is undone: with [outcome], or as its rung's work. */
void incident_close (struct warden *w, struct job *job, const char *outcome);
void incident_solved (struct warden *w, struct job *job);

/* Where [job]'s incident is about one process alone, end it, because of [why]: what comes
 *   now is about the job. */
void incident_give_way (struct warden *w, struct job *job, const char *why);

/* [job]'s incident, which somebody has asked for, is read from a record: make its ladder
 *   what it was, without the kill that every written one ends with. */
void incident_asked_again (struct job *job);

#endif /* !MW_MACHINE_H */
