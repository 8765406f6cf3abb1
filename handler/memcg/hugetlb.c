/* hugetlb.c - the huge pages of a job: see hugetlb.h */
#include "handler/memcg/hugetlb.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "handler/memcg/priv.h"
#include "lib/cgfile.h"
#include "lib/cgmount.h"

static const char *const _sizes[HUGETLB_SIZES] = {
    "64KB", "1MB", "2MB", "16MB", "32MB", "512MB", "1GB", "2GB", "16GB",
};

/* Where v1 has what both are mounted at. */
struct both {
    char memory[MEMCG_PATH_MAX], hugetlb[MEMCG_PATH_MAX];
};

static bool _hugetlb_is_of (const char *options, const char *controller)
{
    size_t len = strlen (controller);

    for (const char *p = options; (p = strstr (p, controller)); p += len) {
        if ((p == options || p[-1] == ',') && (!p[len] || p[len] == ','))
            return true;
    }
    return false;
}

static int _hugetlb_mount (const struct cgmount *m, void *arg)
{
    struct both *b = arg;

    if (m->v2 || !m->whole)
        return 0;
    if (_hugetlb_is_of (m->options, "memory"))
        snprintf (b->memory, sizeof (b->memory), "%s", m->point);
    if (_hugetlb_is_of (m->options, "hugetlb"))
        snprintf (b->hugetlb, sizeof (b->hugetlb), "%s", m->point);
    return 0;
}

static int _hugetlb_open_v1 (const struct memcg *m)
{
    struct both b = { "", "" };
    char path[2 * MEMCG_PATH_MAX];
    size_t len;

    if (cgmount_each (_hugetlb_mount, &b) < 0 || !b.memory[0] || !b.hugetlb[0])
        return -1;
    len = strlen (b.memory);
    if (strncmp (m->path, b.memory, len) != 0 || m->path[len] != '/')
        return -1;
    snprintf (path, sizeof (path), "%s%s", b.hugetlb, m->path + len);
    return sysroot_open (path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

int hugetlb_open (const struct memcg *m)
{
    if (m->ops == &memcg_v1_ops)
        return _hugetlb_open_v1 (m);
    return fcntl (m->dir, F_DUPFD_CLOEXEC, 0);
}

static int _hugetlb_number (int dir, unsigned i, const char *what, uint64_t *n)
{
    char name[48];

    snprintf (name, sizeof (name), "hugetlb.%s.%s", _sizes[i], what);
    return cg_read_u64 (dir, name, n);
}

static int _hugetlb_v2 (int dir, unsigned i, struct hugetlb *h)
{
    char name[48], events[128];

    snprintf (name, sizeof (name), "hugetlb.%s.events", _sizes[i]);
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
    *h = (struct hugetlb) { .size = _sizes[i] };
    return _hugetlb_v2 (dir, i, h) == 0 ? 0 : _hugetlb_v1 (dir, i, h);
}

int hugetlb_told (int dir, unsigned i, char *path, size_t len)
{
    char name[48];

    snprintf (name, sizeof (name), "hugetlb.%s.events", _sizes[i]);
    if (faccessat (dir, name, R_OK, 0) < 0)
        return -1;
    snprintf (path, len, "/proc/self/fd/%d/%s", dir, name);
    return 0;
}
