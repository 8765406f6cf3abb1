/* limits.c - what Slurm has written into a job's memcg, and into its steps': see
 * memcg.h
 */
#include "handler/memcg/memcg.h"

#include <fcntl.h>
#include <unistd.h>

#include "handler/memcg/priv.h"
#include "lib/cgfile.h"
#include "lib/cleanup.h"

static int _limits_read (int dir, const char *name, uint64_t *bytes)
{
    if (cg_read_u64 (dir, name, bytes) < 0)
        return -1;
    if (*bytes >= V1_NO_LIMIT)
        *bytes = MEMCG_NO_LIMIT;
    return 0;
}

static const char *_hard_file (const struct memcg *m)
{
    return m->ops == &memcg_v2_ops ? "memory.max" : "memory.limit_in_bytes";
}

int memcg_read_limits (const struct memcg *m, uint64_t *soft, uint64_t *hard)
{
    if (_limits_read (m->dir, m->ops->soft_file, soft) < 0)
        return -1;
    return _limits_read (m->dir, _hard_file (m), hard);
}

struct lift {
    const struct memcg *m;
    uint64_t from;
};

static int _limits_lift (int dir, void *arg)
{
    const struct lift *l = arg;
    const struct memcg *m = l->m;
    bool v2 = m->ops == &memcg_v2_ops;
    uint64_t limit;

    if ((m->spare.is && m->spare.is (cg_inode (dir), m->spare.arg)) ||
        _limits_read (dir, _hard_file (m), &limit) < 0 || limit < l->from ||
        limit == MEMCG_NO_LIMIT)
        return 0;
    if (!v2) /* memory and swap together first, where the kernel counts swap */
        cg_write (dir, "memory.memsw.limit_in_bytes", "-1");
    cg_write (dir, _hard_file (m), v2 ? "max" : "-1");
    cg_write (dir, m->ops->soft_file, v2 ? "max" : "-1");
    return 0;
}

void memcg_lift_steps (struct memcg *m, uint64_t from)
{
    struct lift l = { .m = m, .from = from };

    memcg_each_top (m, m->dir, m->ops == &memcg_v2_ops ? "user" : NULL,
                    _limits_lift, &l);
}
