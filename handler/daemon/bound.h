/* bound.h - a socket that is listened on at a path, as long as that leads to it */
#ifndef MW_BOUND_H
#define MW_BOUND_H

#include <stdbool.h>
#include <sys/types.h>
#include <sys/un.h>

#include "lib/err.h"

struct bound {
    char path[sizeof (((struct sockaddr_un *) 0)->sun_path)];
    dev_t dev; /* of its file */
    ino_t ino;
    bool said; /* that it could not be made anew: once */
};

/* Listen on [path] (SEQPACKET), a file of [mode]; its directory is made where it is not
 *   there.  What is at [path] is in the way: EADDRINUSE.
 * Returns the socket, the caller's; -1 with errno. */
int bound_open (struct bound *b, const char *path, mode_t mode,
                struct mw_err *err);

/* Does nobody find [b] at its path any more?  It was removed, or is another file. */
bool bound_is_lost (const struct bound *b);

/* Remove its file, if that is still its own. */
void bound_remove (struct bound *b);

#endif /* !MW_BOUND_H */
