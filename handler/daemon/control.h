/* control.h - root's socket: what is asked, and the answer */
#ifndef MW_CONTROL_H
#define MW_CONTROL_H

#include "handler/job/warden.h"

/* Listen on [path] (a stale socket is replaced, a live one refused: EADDRINUSE)
 *   and serve it from the loop.  It is for root alone; one that does not read is
 *   closed, never waited for. Returns 0; -1 with errno. */
int control_open (struct warden *w, const char *path, struct mw_err *err);
void control_close (struct warden *w);

/* Somebody may have removed it, or put something else there: then listen there anew, now
 *   or, where that cannot be, at the next look. Who is connected stays so. */
void control_look (struct warden *w);

/* Send a note to everyone attached to [job], but its steps; users by the desk. */
void control_note (struct warden *w, struct job *job, const char *text);

/* Send line [number] to the steps of [job] that write what is said of it into
 *   their stderr: the batch step, if it is on this node, as that of the others
 *   is usually in its own; otherwise all of them. [open]: its incident goes on.
 * Returns false where none hears it. */
bool control_tell (struct warden *w, const struct job *job, uint64_t number,
                   bool open, const char *text);

#endif /* !MW_CONTROL_H */
