/* control.h - the socket: who asks, may they, and the answer */
#ifndef MW_CONTROL_H
#define MW_CONTROL_H

#include "handler/warden.h"

/* Listen on [path] (a stale socket is replaced, a live one refused: EADDRINUSE)
 *   and serve it from the loop.  Peers are told by SO_PEERCRED; each has a
 *   bounded number of connections, and one that does not read is closed, never
 *   waited for. Returns 0 or -1. */
int control_open (struct warden *w, const char *path, struct mw_err *err);
void control_close (struct warden *w);

/* Send a note to everyone attached to [job]. */
void control_note (struct warden *w, struct job *job, const char *text);

/* May [uid] act on [job]?  Root, or its owner. */
bool control_may (const struct job *job, uid_t uid);

#endif /* !MW_CONTROL_H */
