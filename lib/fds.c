/* fds.c - descriptors of this process */
#include "lib/fds.h"

#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/cleanup.h"

static bool _is_among (int fd, const int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (fds[i] == fd)
            return true;
    }
    return false;
}

void mw_close_from (int from, const int *spared, size_t count)
{
    cleanup_dir DIR *dir = opendir ("/proc/self/fd");
    const struct dirent *d;

    while (dir && (d = readdir (dir))) {
        int fd = atoi (d->d_name); /* "." and ".." are 0 */

        if (fd >= from && fd != dirfd (dir) && !_is_among (fd, spared, count))
            close (fd);
    }
}
