/* mounts.c - where this node has its cgroups: see mounts.h */
#include "handler/memcg/mounts.h"

#include <fcntl.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>

#include "lib/cgfile.h"
#include "lib/cleanup.h"

static void _mount (struct memcg_mounts *m, const struct mntent *e)
{
    if (strcmp (e->mnt_type, "cgroup2") == 0 && !m->unified[0]) {
        char controllers[512] = "";
        cleanup_fd int dir = sysroot_open (e->mnt_dir,
                                           O_RDONLY | O_DIRECTORY);

        snprintf (m->unified, sizeof (m->unified), "%s", e->mnt_dir);
        if (dir >= 0) {
            cg_read (dir, "cgroup.controllers", controllers,
                     sizeof (controllers));
            m->handed_down = cg_hands_down (dir, "memory");
        }
        m->unified_memory = strstr (controllers, "memory") != NULL;
        m->recursiveprot = hasmntopt (e, "memory_recursiveprot") != NULL;
    } else if (strcmp (e->mnt_type, "cgroup") == 0) {
        /* later ones are a chroot's or a container's */
        if (hasmntopt (e, "memory") && !m->memory[0])
            snprintf (m->memory, sizeof (m->memory), "%s", e->mnt_dir);
        if (hasmntopt (e, "freezer") && !m->freezer[0])
            snprintf (m->freezer, sizeof (m->freezer), "%s", e->mnt_dir);
    }
}

int memcg_find_mounts (struct memcg_mounts *m)
{
    cleanup_fd int fd = sysroot_open ("/proc/self/mounts", O_RDONLY);
    char line[4 * PATH_MAX];
    struct mntent e;
    FILE *f;

    *m = (struct memcg_mounts) { 0 };
    if (fd < 0 || !(f = fdopen (fd, "r")))
        return -1;
    mw_steal_fd (&fd);
    while (getmntent_r (f, &e, line, sizeof (line)))
        _mount (m, &e);
    fclose (f);
    return 0;
}
