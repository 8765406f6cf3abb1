/* attending.h - the warden's end of what it has its attendant do (pass/attend.h) */
#ifndef MW_ATTENDING_H
#define MW_ATTENDING_H

#include "handler/job/warden.h"

/* What starts an attendant, with its descriptor (the caller's): keeper_attendant. */
typedef pid_t attending_start (int warden, struct mw_err *err);

/* [start] an attendant.  Before the warden's memory is locked, since that forks.
 * Returns 0; -1 with errno. */
int attending_open (struct warden *w, attending_start *start,
                    struct mw_err *err);

/* Heed its answers, in the loop, when nothing else is to be done. Returns 0; -1 with
 *   errno. */
int attending_listen (struct warden *w, struct mw_err *err);

void attending_close (struct warden *w);

#endif /* !MW_ATTENDING_H */
