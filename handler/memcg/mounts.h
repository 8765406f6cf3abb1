/* mounts.h - where this node has its cgroups */
#ifndef MW_MOUNTS_H
#define MW_MOUNTS_H

#include <limits.h>
#include <stdbool.h>

/* Paths; "" = nowhere. */
struct memcg_mounts {
    char memory[PATH_MAX];  /* v1 */
    char freezer[PATH_MAX]; /* v1 */
    char hugetlb[PATH_MAX]; /* v1 */
    char unified[PATH_MAX]; /* v2 */
    bool unified_memory;    /* v2 has the memory controller */
    bool handed_down;       /* and its root hands that down */
    bool recursiveprot;     /* mounted memory_recursiveprot */
};

/* Find them (lib/cgmount.h). Returns 0, or -1 with errno. */
int memcg_find_mounts (struct memcg_mounts *m);

#endif /* !MW_MOUNTS_H */
