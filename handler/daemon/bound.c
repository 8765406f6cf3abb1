/* bound.c - a socket that is listened on at a path: see bound.h */
#include "handler/daemon/bound.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cgfile.h"
#include "lib/cleanup.h"

/* The directory of the socket, where it is not there. */
static void _make_parent (const char *path)
{
    char dir[sizeof (((struct sockaddr_un *) 0)->sun_path)];
    char *slash;

    snprintf (dir, sizeof (dir), "%s", path);
    if ((slash = strrchr (dir, '/')) && slash != dir) {
        *slash = '\0';
        mkdir (dir, 0755);
    }
}

int bound_open (struct bound *b, const char *path, mode_t mode,
                struct mw_err *err)
{
    cleanup_fd int sock = socket (AF_UNIX,
                                  SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
                                  0);
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    struct stat st;

    if (strlen (path) >= sizeof (to.sun_path))
        return mw_err_code (err, ENAMETOOLONG, "socket path %.80s… is too long",
                            path);
    strcpy (to.sun_path, path);
    _make_parent (path);
    if (sock < 0 || bind (sock, (struct sockaddr *) &to, sizeof (to)) < 0 ||
        chmod (path, mode) < 0 || listen (sock, 128) < 0 ||
        lstat (path, &st) < 0)
        return mw_err_errno (err, "cannot listen on %s", path);
    *b = (struct bound) { .dev = st.st_dev, .ino = st.st_ino };
    strcpy (b->path, path);
    return mw_steal_fd (&sock);
}

bool bound_is_lost (const struct bound *b)
{
    struct stat st;

    if (lstat (b->path, &st) < 0)
        return cg_is_absent (errno);
    return st.st_dev != b->dev || st.st_ino != b->ino;
}

void bound_remove (struct bound *b)
{
    struct stat st;

    if (lstat (b->path, &st) == 0 && st.st_dev == b->dev && st.st_ino == b->ino)
        unlink (b->path);
}
