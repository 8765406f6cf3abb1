/* hugetlb.c - the huge pages of a job: see hugetlb.h */
#include "handler/memcg/hugetlb.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "handler/memcg/mounts.h"
#include "handler/memcg/priv.h"
#include "lib/cgfile.h"

static int _hugetlb_open_v1 (const struct memcg *m)
{
    struct memcg_mounts mounts;
    char path[PATH_MAX + MEMCG_PATH_MAX];
    size_t len;

    if (memcg_find_mounts (&mounts) < 0 || !mounts.memory[0] ||
        !mounts.hugetlb[0])
        return -1;
    len = strlen (mounts.memory);
    if (strncmp (m->path, mounts.memory, len) != 0 || m->path[len] != '/')
        return -1;
    snprintf (path, sizeof (path), "%s%s", mounts.hugetlb, m->path + len);
    return sysroot_open (path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

int hugetlb_open (const struct memcg *m)
{
    char controllers[512];

    if (m->ops == &memcg_v1_ops)
        return _hugetlb_open_v1 (m);
    if (cg_read (m->dir, "cgroup.controllers", controllers,
                 sizeof (controllers)) <= 0 ||
        !strstr (controllers, "hugetlb"))
        return -1;
    return fcntl (m->dir, F_DUPFD_CLOEXEC, 0);
}

static int _hugetlb_number (int dir, unsigned i, const char *what, uint64_t *n)
{
    char name[48];

    snprintf (name, sizeof (name), "hugetlb.%s.%s", mw_hugetlb_size[i], what);
    return cg_read_u64 (dir, name, n);
}

static int _hugetlb_v2 (int dir, unsigned i, struct hugetlb *h)
{
    char name[48], events[128];

    snprintf (name, sizeof (name), "hugetlb.%s.events", mw_hugetlb_size[i]);
    if (cg_read (dir, name, events, sizeof (events)) <= 0 ||
        !cg_key (events, "max", &h->refused) ||
        _hugetlb_number (dir, i, "current", &h->used) < 0)
        return -1;
    if (_hugetlb_number (dir, i, "max", &h->limit) < 0)
        h->limit = MEMCG_NO_LIMIT;
    return 0;
}

/* Without a limit the kernel shows the most that it could count to. */
static int _hugetlb_v1 (int dir, unsigned i, struct hugetlb *h)
{
    if (_hugetlb_number (dir, i, "failcnt", &h->refused) < 0 ||
        _hugetlb_number (dir, i, "usage_in_bytes", &h->used) < 0)
        return -1;
    if (_hugetlb_number (dir, i, "limit_in_bytes", &h->limit) < 0 ||
        h->limit > INT64_MAX / 2)
        h->limit = MEMCG_NO_LIMIT;
    return 0;
}

int hugetlb_read (int dir, unsigned i, struct hugetlb *h)
{
    *h = (struct hugetlb) { .size = mw_hugetlb_size[i] };
    return _hugetlb_v2 (dir, i, h) == 0 ? 0 : _hugetlb_v1 (dir, i, h);
}

int hugetlb_told (int dir, unsigned i, char *path, size_t len)
{
    char name[48];

    snprintf (name, sizeof (name), "hugetlb.%s.events", mw_hugetlb_size[i]);
    if (faccessat (dir, name, R_OK, 0) < 0)
        return -1;
    snprintf (path, len, "/proc/self/fd/%d/%s", dir, name);
    return 0;
}
