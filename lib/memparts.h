/* memparts.h - what a memory cgroup's memory is made of, cgroup v1 or v2
 *
 * The kernel's Documentation/admin-guide/cgroup-v1/memory.rst and cgroup-v2.rst say what
 * each number of memory.stat is.  All of them are of the directory and of what is below it.
 */
#ifndef MW_MEMPARTS_H
#define MW_MEMPARTS_H

#include <stddef.h>
#include <stdint.h>

/* In bytes; 0 also where this kernel does not tell it apart. */
struct mw_memparts {
    uint64_t total;       /* charged, but not what is in swap */
    uint64_t anon;        /* of processes alone */
    uint64_t shmem;       /* files in memory: tmpfs, and shared memory */
    uint64_t cache;       /* of files on disks; is given back */
    uint64_t kernel;      /* for it: slab, stacks, page tables … */
    uint64_t slab;        /* … of that; v2 */
    uint64_t slab_back;   /* … of that, what is given back; v2 */
    uint64_t page_tables; /* … of that; v2 */
    uint64_t sockets;     /* what they have waiting; v1: of TCP */
    uint64_t hugetlb;     /* huge pages of hugetlbfs, v2; not in [total]
                                   but where the kernel is told to */
    uint64_t swap;        /* swapped out */
};

/* The sizes that huge pages have on any machine, as the kernel names the files of the
 *   hugetlb controller: hugetlb.2MB.current. */
#define MW_HUGETLB_SIZES 9
extern const char *const mw_hugetlb_size[MW_HUGETLB_SIZES];

/* Read them of the directory [dir].
 * Returns 0; -1 with errno (ENOENT: it is no memory cgroup). */
int mw_memparts_read (int dir, struct mw_memparts *p);

/* What of them comes from the text [stat] of a memory.stat of v1, or of v2. */
void mw_memparts_of_v1 (const char *stat, struct mw_memparts *p);
void mw_memparts_of_v2 (const char *stat, struct mw_memparts *p);

/* Those of them that are told: as member [name] in JSON, and to people as [said], NULL
 *   where it is a part of one before it. */
#define MW_MEMPARTS 9
extern const struct mw_mempart {
    const char *name, *said;
    size_t at; /* in struct mw_memparts */
} mw_mempart[MW_MEMPARTS];

/* How many bytes [part] has in [p]. */
uint64_t mw_mempart_of (const struct mw_memparts *p,
                        const struct mw_mempart *part);

/* What its owner is to be blamed for of [p] (doc/design.md, 1, overage). */
uint64_t mw_memparts_used (const struct mw_memparts *p);

#endif /* !MW_MEMPARTS_H */
