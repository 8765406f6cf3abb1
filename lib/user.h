/* user.h - login names, and what is root's alone */
#ifndef MW_USER_H
#define MW_USER_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "lib/err.h"

#define MW_USER_MAX 64

/* The login name of [uid] (getpwuid_r(3): asks LDAP and the like, so it may
 *   take long; the warden never calls it) into [buf].
 * Returns whether it has one that fits; else [buf] is "". */
bool mw_user_name (uid_t uid, char *buf, size_t len);

/* The same for people to read: the number of one who has no name.
 * Returns [buf]. */
const char *mw_user_shown (uid_t uid, char *buf, size_t len);

/* Can nobody but root change [path], which is made free of links, or put another in
 *   its place?  Else whoever can has what root reads or runs there.
 * Returns NULL; or the part that is wrong, cut out of [path]. */
const char *mw_not_roots (char *path);

/* The program [path] of an admin's hook, free of links, into [real]: run only where nobody
 *   but root can change it. Returns 0; -1 with errno (EPERM: others can) and a sentence. */
int mw_roots_program (const char *path, char real[PATH_MAX],
                      struct mw_err *err);

#endif /* !MW_USER_H */
