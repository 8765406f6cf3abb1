/* hugetlb.h - the huge pages of a job, by the hugetlb controller
 *
 * Of each size of page the kernel keeps a limit of its own, and counts how often it was in
 * the way (Documentation/admin-guide/cgroup-v2.rst, "HugeTLB"; on v1 cgroup-v1/hugetlb.rst):
 * whoever touches a page more gets SIGBUS, or ENOMEM of mmap(2) where pages are reserved.
 * Nobody is killed by the kernel, and nothing of it is in the memory controller.
 */
#ifndef MW_MEMCG_HUGETLB_H
#define MW_MEMCG_HUGETLB_H

#include "handler/memcg/memcg.h"
#include "lib/memparts.h"

struct hugetlb {
    const char *size; /* of a page, as the kernel writes it: "2MB" */
    uint64_t refused; /* how often */
    uint64_t used;    /* bytes */
    uint64_t limit;   /* bytes; MEMCG_NO_LIMIT */
};

/* Open the directory in which the hugetlb controller has [m]: on v2 [m]'s own, on v1 that of
 *   the same path in its hierarchy. Returns a descriptor, the caller's; -1: there is none. */
int hugetlb_open (const struct memcg *m);

/* Read of [dir] the size of pages [i], below MW_HUGETLB_SIZES. Returns 0; -1: it has none. */
int hugetlb_read (int dir, unsigned i, struct hugetlb *h);

/* Write into [path] where the kernel tells by inotify(7) that [h->refused] is another: v2
 *   alone. Returns 0; -1: nowhere. */
int hugetlb_told (int dir, unsigned i, char *path, size_t len);

#endif /* !MW_MEMCG_HUGETLB_H */
