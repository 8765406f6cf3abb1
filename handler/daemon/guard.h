/* guard.h - a process that sees a warden that hangs, and ends it
 *
 * Forked before the warden has opened anything.  It looks at the beat (beat.h): a loop
 * that is stopped, spins or waits for ever turns no more, and its jobs sleep on it with
 * the kernel's killer switched off.  It is then killed, its jobs are given back
 * (record/failsafe.h), and a new warden takes them up; under systemd that is done by
 * the unit (ExecStopPost=, Restart=).  A warden that ends, or is killed, is none of its
 * business.
 */
#ifndef MW_GUARD_H
#define MW_GUARD_H

#include "handler/job/warden.h"

/* Fork the guard of the calling process, which was started with [argv] and keeps its
 *   journal in [state_dir], its story in [history_dir] (the caller's, all three, for as
 *   long as it lives).  After
 *   beat_open.  Process 1 has none: who ends it ends all there is.
 * Returns 0; -1 with errno and a sentence. */
int guard_start (char *const argv[], const char *state_dir,
                 const char *history_dir, struct mw_err *err);

/* Say so if it ends, by the loop of [w]. Returns 0; -1 with errno. */
int guard_listen (struct warden *w, struct mw_err *err);

/* What the guard that has started this process has to say, for the log; NULL: none
 *   has.  Once. */
const char *guard_said (void);

#endif /* !MW_GUARD_H */
