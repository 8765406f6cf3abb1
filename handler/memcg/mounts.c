/* mounts.c - where this node has its cgroups: see mounts.h */
#include "handler/memcg/mounts.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "lib/cgfile.h"
#include "lib/cgmount.h"
#include "lib/cleanup.h"

static void _mounts_unified (struct memcg_mounts *m, const struct cgmount *c)
{
    cleanup_fd int dir = sysroot_open (c->point, O_RDONLY | O_DIRECTORY);
    char controllers[512] = "";

    snprintf (m->unified, sizeof (m->unified), "%s", c->point);
    if (dir >= 0) {
        cg_read (dir, "cgroup.controllers", controllers, sizeof (controllers));
        m->handed_down = cg_hands_down (dir, "memory");
    }
    m->unified_memory = strstr (controllers, "memory") != NULL;
    m->recursiveprot = cg_among (c->options, "memory_recursiveprot");
}

/* The first of each counts: later ones are a chroot's or a container's. */
static int _mounts_visit (const struct cgmount *c, void *arg)
{
    struct memcg_mounts *m = arg;

    if (c->v2) {
        if (!m->unified[0])
            _mounts_unified (m, c);
        return 0;
    }
    if (cg_among (c->options, "memory") && !m->memory[0])
        snprintf (m->memory, sizeof (m->memory), "%s", c->point);
    if (cg_among (c->options, "freezer") && !m->freezer[0])
        snprintf (m->freezer, sizeof (m->freezer), "%s", c->point);
    if (cg_among (c->options, "hugetlb") && !m->hugetlb[0])
        snprintf (m->hugetlb, sizeof (m->hugetlb), "%s", c->point);
    return 0;
}

int memcg_find_mounts (struct memcg_mounts *m)
{
    *m = (struct memcg_mounts) { 0 };
    return cgmount_each (_mounts_visit, m);
}
