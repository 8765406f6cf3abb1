/* wish.h - what a user may have done to a job of his */
#ifndef MW_WISH_H
#define MW_WISH_H

#include "handler/job/warden.h"
#include "handler/pass/pass.h"

/* May [uid] act on [job]?  Root, or its owner. */
bool wish_may (const struct job *job, uid_t uid);

/* Do what [wish] says: hold a job, let it go on, or set what is named of its limit,
 *   priority, ladder and of what one process may hold.  What is so already changes nothing, and is not recorded.
 * Returns 0; -1 with errno ESRCH (no such job), EPERM, ERANGE, … and a sentence for
 *   whoever wants it. */
int wish_grant (struct warden *w, const struct pass_wish *wish,
                struct mw_err *err);

#endif /* !MW_WISH_H */
