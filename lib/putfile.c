/* putfile.c - files that are there whole or not at all: see putfile.h */
#include "lib/putfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"

int mw_put_file (int from, const char *part, int to, const char *name,
                 mode_t mode, enum mw_put how, const char *text, size_t len)
{
    cleanup_fd int fd = openat (from, part,
                                O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW |
                                    O_CLOEXEC,
                                mode);
    int saved;

    if (fd < 0)
        return -1;
    errno = ENOSPC;
    if (write (fd, text, len) == (ssize_t) len && fchmod (fd, mode) == 0 &&
        (how == MW_PUT_QUICK || fsync (fd) == 0) &&
        renameat (from, part, to, name) == 0)
        return 0;
    saved = errno;
    unlinkat (from, part, 0);
    errno = saved;
    return -1;
}
