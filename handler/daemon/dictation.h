/* dictation.h - the warden's end of what it dictates to its scribe (pass/dictate.h) */
#ifndef MW_DICTATION_H
#define MW_DICTATION_H

#include "handler/job/warden.h"

/* What starts a scribe, with both descriptors (the caller's): keeper_scribe. */
typedef pid_t dictation_start (int warden, int desk, struct mw_err *err);

/* [start] a scribe that keeps the story of the journal in [state_dir] in [history_dir],
 *   both the caller's until dictation_close, and the log as the configuration says;
 *   wait until it has opened that, but not for long.  Before the warden's memory is
 *   locked, since that forks.
 * Returns a descriptor for the desk (the caller's), over which it asks the scribe for
 *   history; -1 with errno. */
int dictation_open (struct warden *w, const char *state_dir,
                    const char *history_dir, dictation_start *start,
                    struct mw_err *err);

/* The configuration is another one, or its log file has been moved away. */
void dictation_settings (struct warden *w);

/* Heed the scribe, in the loop, when nothing else is to be done. Returns 0; -1 with
 *   errno. */
int dictation_listen (struct warden *w, struct mw_err *err);

/* Let the scribe write what it has, and wait for that, but not for long. */
void dictation_close (struct warden *w);

#endif /* !MW_DICTATION_H */
