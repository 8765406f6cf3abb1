/* fds.c - descriptors of this process */
#include "lib/fds.h"

#include <stdlib.h>
#include <unistd.h>

#include "lib/cleanup.h"

void mw_close_from (int from, const int spared[2])
{
    cleanup_dir DIR *dir = opendir ("/proc/self/fd");
    const struct dirent *d;

    while (dir && (d = readdir (dir))) {
        int fd = atoi (d->d_name); /* "." and ".." are 0 */

        if (fd >= from && fd != spared[0] && fd != spared[1] &&
            fd != dirfd (dir))
            close (fd);
    }
}
