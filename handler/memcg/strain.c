/* strain.c - limits and counters that tell how close a memcg is to its OOM */
#include "handler/memcg/memcg.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "handler/memcg/priv.h"
#include "lib/cgfile.h"

#define STAT_MAX 8192

static bool _strain_v1 (const struct memcg *m)
{
    return m->ops == &memcg_v1_ops;
}

int memcg_read_total (const struct memcg *m, uint64_t *total)
{
    return memcg_pread_u64 (m->usage, total);
}

int memcg_read_both (const struct memcg *m, uint64_t *bytes)
{
    uint64_t swap = 0;

    if (_strain_v1 (m) &&
        cg_read_u64 (m->dir, "memory.memsw.usage_in_bytes", bytes) == 0)
        return 0;
    if (memcg_read_total (m, bytes) < 0)
        return -1;
    if (!_strain_v1 (m) &&
        cg_read_u64 (m->dir, "memory.swap.current", &swap) == 0)
        *bytes += swap;
    return 0;
}

uint64_t memcg_wall (const struct memcg *m)
{
    uint64_t wall;

    if (_strain_v1 (m) || memcg_pread_u64 (m->hard, &wall) < 0)
        return MEMCG_NO_LIMIT;
    return wall;
}

bool memcg_is_limited (int dir)
{
    static const char *const files[] = {
        "memory.limit_in_bytes",
        "memory.memsw.limit_in_bytes",
        "memory.high",
        "memory.max",
    };
    uint64_t limit;

    for (size_t i = 0; i < sizeof (files) / sizeof (files[0]); i++) {
        if (cg_read_u64 (dir, files[i], &limit) == 0 && limit < V1_NO_LIMIT)
            return true;
    }
    return false;
}

uint64_t memcg_hits (const struct memcg *m)
{
    uint64_t high = 0, max = 0;
    char text[256];

    if (_strain_v1 (m)) {
        cg_read_u64 (m->dir, "memory.failcnt", &max);
    } else if (cg_read (m->dir, "memory.events", text, sizeof (text)) > 0) {
        cg_key (text, "high", &high);
        cg_key (text, "max", &max);
    }
    return high + max;
}

bool memcg_refaulted (const struct memcg *m, uint64_t *bytes)
{
    bool v1 = _strain_v1 (m), any;
    uint64_t file = 0, anon = 0;
    char stat[STAT_MAX];

    if (cg_read (m->dir, "memory.stat", stat, sizeof (stat)) < 0)
        return false;
    any = cg_key (stat,
                  v1 ? "total_workingset_refault_file"
                     : "workingset_refault_file",
                  &file);
    any |= cg_key (stat,
                   v1 ? "total_workingset_refault_anon"
                      : "workingset_refault_anon",
                   &anon);
    if (!any && !v1) /* before Linux 5.9 */
        any = cg_key (stat, "workingset_refault", &file);
    if (!any) /* v1 of older kernels */
        any = cg_key (stat, v1 ? "total_pgmajfault" : "pgmajfault", &file);
    *bytes = (file + anon) * (uint64_t) sysconf (_SC_PAGESIZE);
    return any;
}

bool memcg_stalled (const struct memcg *m, uint64_t *us)
{
    const char *some, *total;
    unsigned long long n;
    char text[512];

    *us = 0;
    if (_strain_v1 (m))
        return false;
    if (cg_read (m->dir, "memory.pressure", text, sizeof (text)) > 0 &&
        (some = strstr (text, "some ")) && (total = strstr (some, "total=")) &&
        sscanf (total, "total=%llu", &n) == 1)
        *us = n;
    return true;
}
