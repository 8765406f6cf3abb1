/* register.h - jobs come and go, over restarts of the warden, too */
#ifndef MW_REGISTER_H
#define MW_REGISTER_H

#include "lib/err.h"
#include "lib/jobspec.h"

struct warden;
struct job;

/* Register [spec]: open, resolve, journal, arm, and check at once.  Descriptors
 *   stay the caller's.  The same job with the same memcg: asserted again; with
 *   another memcg while the first lives: refused (EEXIST).  A step whose job is
 *   not registered: refused (ESRCH). [cut] says what of
 *   its owner's wishes has been cut before; what is cut here is added, for
 *   whoever registers to tell the owner ("" = nothing, or told already).
 * Returns the job, or NULL with a sentence. */
struct job *warden_register (struct warden *w, const struct mw_jobspec *spec,
                             int memory_dir, int freezer_dir,
                             struct mw_err *cut, struct mw_err *err);

/* Take up again the jobs that the journal has, after a restart. */
int warden_recover (struct warden *w, struct mw_err *err);

/* Before the warden goes: every job's OOM back to the kernel, nobody left
 *   frozen. The journal keeps the jobs, for the next warden. */
void warden_hand_back (struct warden *w);

/* The configuration has changed: classes and the pool's capacity. */
void warden_reconfigured (struct warden *w);

/* Forget [job]: give its OOM back to the kernel if the memcg is still there. */
void warden_release (struct warden *w, struct job *job, const char *why);

#endif /* !MW_REGISTER_H */
