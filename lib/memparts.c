/* memparts.c - see memparts.h */
#include "lib/memparts.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "lib/cgfile.h"
#include "lib/units.h"

#define STAT_MAX 8192

const struct mw_mempart mw_mempart[MW_MEMPARTS] = {
#define PART(member) #member, NULL, offsetof(struct mw_memparts, member)
#define SAID(member, said) #member, said, offsetof(struct mw_memparts, member)
    { SAID (anon, "anonymous memory") },
    { SAID (shmem, "files in memory") },
    { SAID (kernel, "kernel memory") },
    { PART (slab) },
    { PART (page_tables) },
    { SAID (sockets, "sockets") },
    { SAID (hugetlb, "huge pages") },
    { SAID (swap, "in swap") },
    { SAID (cache, "page cache") },
};

uint64_t mw_mempart_of (const struct mw_memparts *p,
                        const struct mw_mempart *part)
{
    uint64_t bytes;

    memcpy (&bytes, (const char *) p + part->at, sizeof (bytes));
    return bytes;
}

static uint64_t _memparts_key (const char *stat, const char *key)
{
    uint64_t n = 0;

    cg_key (stat, key, &n);
    return n;
}

void mw_memparts_of_v1 (const char *stat, struct mw_memparts *p)
{
    p->anon = _memparts_key (stat, "total_rss");
    p->shmem = _memparts_key (stat, "total_shmem");
    p->cache = _memparts_key (stat, "total_active_file") +
               _memparts_key (stat, "total_inactive_file");
    p->swap = _memparts_key (stat, "total_swap");
}

void mw_memparts_of_v2 (const char *stat, struct mw_memparts *p)
{
    p->anon = _memparts_key (stat, "anon");
    p->shmem = _memparts_key (stat, "shmem");
    p->cache = _memparts_key (stat, "active_file") +
               _memparts_key (stat, "inactive_file");
    p->slab_back = _memparts_key (stat, "slab_reclaimable");
    p->slab = p->slab_back + _memparts_key (stat, "slab_unreclaimable");
    p->page_tables = _memparts_key (stat, "pagetables");
    p->sockets = _memparts_key (stat, "sock");
    p->hugetlb = _memparts_key (stat, "hugetlb");
    if (!cg_key (stat, "kernel", &p->kernel)) /* before Linux 5.18 */
        p->kernel = p->slab + p->page_tables +
                    _memparts_key (stat, "kernel_stack") +
                    _memparts_key (stat, "percpu");
}

const char *const mw_hugetlb_size[MW_HUGETLB_SIZES] = {
    "64KB", "1MB", "2MB", "16MB", "32MB", "512MB", "1GB", "2GB", "16GB",
};

/* hugetlb.2MB.current, where that controller is on: one a size of page, of which a machine
 * has two or three. */
static uint64_t _memparts_huge (int dir)
{
    uint64_t sum = 0, n;
    char name[40];

    for (unsigned i = 0; i < MW_HUGETLB_SIZES; i++) {
        snprintf (name, sizeof (name), "hugetlb.%s.current",
                  mw_hugetlb_size[i]);
        if (cg_read_u64 (dir, name, &n) == 0)
            sum += n;
    }
    return sum;
}

static void _memparts_v1 (int dir, const char *stat, struct mw_memparts *p)
{
    mw_memparts_of_v1 (stat, p);
    if (cg_read_u64 (dir, "memory.kmem.usage_in_bytes", &p->kernel) < 0)
        p->kernel = 0;
    if (cg_read_u64 (dir, "memory.kmem.tcp.usage_in_bytes", &p->sockets) < 0)
        p->sockets = 0;
}

static void _memparts_v2 (int dir, const char *stat, struct mw_memparts *p)
{
    mw_memparts_of_v2 (stat, p);
    if (cg_read_u64 (dir, "memory.swap.current", &p->swap) < 0)
        p->swap = 0;
    if (p->hugetlb == 0)
        p->hugetlb = _memparts_huge (dir);
}

int mw_memparts_read (int dir, struct mw_memparts *p)
{
    char stat[STAT_MAX];
    bool v2;

    *p = (struct mw_memparts) { 0 };
    v2 = cg_read_u64 (dir, "memory.current", &p->total) == 0;
    if (!v2 && cg_read_u64 (dir, "memory.usage_in_bytes", &p->total) < 0)
        return -1;
    if (cg_read (dir, "memory.stat", stat, sizeof (stat)) < 0)
        return -1;
    if (v2)
        _memparts_v2 (dir, stat, p);
    else
        _memparts_v1 (dir, stat, p);
    p->cache = mw_least (p->cache, p->total); /* read at two moments */
    return 0;
}

uint64_t mw_memparts_used (const struct mw_memparts *p)
{
    return p->total - mw_least (p->cache + p->slab_back, p->total);
}
