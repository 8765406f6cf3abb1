/* cgmount.h - where this node has its cgroups mounted */
#ifndef MW_CGMOUNT_H
#define MW_CGMOUNT_H

#include <stdbool.h>

/* One mount of a cgroup hierarchy. */
struct cgmount {
    const char *point;   /* the directory */
    const char *options; /* of the hierarchy; on v1 its controllers, too */
    bool v2;
    bool whole; /* it shows the whole hierarchy, not a part */
};

/* Call [visit] for each mount of cgroups that /proc/self/mountinfo, below the
 *   sysroot (cgfile.h), has, in that order; stops when it returns non-zero.
 * Returns what [visit] has returned last, 0 where there is no such mount, or -1
 *   with errno: it cannot be read. */
int cgmount_each (int (*visit) (const struct cgmount *m, void *arg), void *arg);

#endif /* !MW_CGMOUNT_H */
