/* passing.h - the warden's end of what its desk passes on (pass/pass.h) */
#ifndef MW_PASSING_H
#define MW_PASSING_H

#include "handler/job/warden.h"

/* What starts a desk, with its descriptors (the caller's): keeper_desk. */
typedef pid_t passing_start (int listening, int pass, int scribe,
                             struct mw_err *err);

/* Listen on [path] for users (whatever socket is there is replaced: that the warden is
 *   alone is seen to by control.h's) and [start] a desk that serves it, and asks its
 *   [scribe] for history.  Before the warden's memory is locked, since that forks.
 * Returns 0; -1 with errno. */
int passing_open (struct warden *w, const char *path, int scribe,
                  passing_start *start, struct mw_err *err);

/* Heed the desk, in the loop, when nothing else is to be done. Returns 0; -1 with
 *   errno. */
int passing_listen (struct warden *w, struct mw_err *err);

/* Where somebody has removed it, or put something else there, listen there anew, and
 *   have the desk do so. */
void passing_look (struct warden *w);

void passing_close (struct warden *w);

/* Send a note about [job] to those who are attached to it. */
void passing_note (struct warden *w, const struct job *job, const char *text);

#endif /* !MW_PASSING_H */
