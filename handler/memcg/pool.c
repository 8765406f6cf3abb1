/* pool.c - the pool as it was before the warden took it over: see pool.h
 *
 * The record is "INODE SOFT WALL\nPATH": what the files that the back end
 * writes had in them (v1: memory.limit_in_bytes; v2: memory.high and
 * memory.max).
 */
#include "handler/memcg/pool.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "handler/memcg/priv.h"
#include "lib/cgfile.h"
#include "lib/cleanup.h"

#define RECORD "pool"
#define RECORD_NEW "pool.new"
#define GIVE_TRIES 3

struct record {
    uint64_t inode;
    char soft[24], wall[24]; /* a number, "max", or "-": none */
    char path[PATH_MAX];
};

static bool _pool_v1 (const struct memcg *m)
{
    return m->ops == &memcg_v1_ops;
}

/* ---- the file ------------------------------------------------------------ */

static int _pool_load (int state_dir, struct record *r)
{
    char text[PATH_MAX + 128], *path;

    if (cg_read (state_dir, RECORD, text, sizeof (text)) <= 0)
        return -1;
    if (!(path = strchr (text, '\n')) ||
        sscanf (text, "%" SCNu64 " %23s %23s", &r->inode, r->soft, r->wall) !=
            3) {
        errno = EINVAL;
        return -1;
    }
    snprintf (r->path, sizeof (r->path), "%s", path + 1);
    return 0;
}

static int _store (int state_dir, const struct record *r, struct mw_err *err)
{
    cleanup_fd int fd = openat (state_dir, RECORD_NEW,
                                O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW |
                                    O_CLOEXEC,
                                0600);
    int n = fd < 0 ? -1
                   : dprintf (fd, "%" PRIu64 " %s %s\n%s", r->inode, r->soft,
                              r->wall, r->path);

    if (n < 0 || renameat (state_dir, RECORD_NEW, state_dir, RECORD) < 0)
        return mw_err_errno (err, "cannot write down the limits of the pool");
    return 0;
}

/* ---- remember ------------------------------------------------------------ */

static int _pool_value (int fd, char value[24])
{
    ssize_t n = fd < 0 ? 0 : pread (fd, value, 23, 0);

    if (n < 0)
        return -1;
    value[n] = '\0';
    value[strcspn (value, " \n")] = '\0';
    if (!value[0])
        snprintf (value, 24, "-");
    return 0;
}

int pool_remember (int state_dir, const struct memcg *m, struct mw_err *err)
{
    char other[PATH_MAX];
    struct record r;

    if (_pool_load (state_dir, &r) == 0 && r.inode == m->inode &&
        strcmp (r.path, m->path) == 0)
        return 0;
    /* it is none any more */
    pool_failsafe (state_dir, &m->spare, other, NULL);
    r = (struct record) { .inode = m->inode };
    snprintf (r.path, sizeof (r.path), "%s", m->path);
    if (_pool_value (m->limit, r.soft) < 0 ||
        _pool_value (_pool_v1 (m) ? -1 : m->hard, r.wall) < 0)
        return mw_err_errno (err, "cannot read the limits of %s", m->path);
    return _store (state_dir, &r, err);
}

/* ---- give back ----------------------------------------------------------- */

static int _pool_put (int fd, const char *value)
{
    if (strcmp (value, "-") == 0)
        return 0;
    return pwrite (fd, value, strlen (value), 0) < 0 ? -1 : 0;
}

static int _pool_put_back (struct memcg *m, const struct record *r,
                           struct mw_err *err)
{
    int rc = m->ops->disarm (m, err);

    if (_pool_put (m->limit, r->soft) == 0 && _pool_put (m->hard, r->wall) == 0)
        return rc;
    return memcg_fail (m, "put back", "its limit", err);
}

/* What could not be given back stays on record, for whoever comes next. */
static int _pool_give (int state_dir, struct memcg *m, const struct record *r,
                       struct mw_err *err)
{
    int rc = -1;

    for (int i = 0; i < GIVE_TRIES && rc < 0; i++)
        rc = _pool_put_back (m, r, err);
    if (rc == 0 || errno == ENODEV)
        unlinkat (state_dir, RECORD, 0);
    return rc;
}

int pool_give_back (int state_dir, struct memcg *m, struct mw_err *err)
{
    struct record r;

    if (_pool_load (state_dir, &r) < 0 || r.inode != m->inode)
        return m->ops->disarm (m, err);
    return _pool_give (state_dir, m, &r, err);
}

int pool_failsafe (int state_dir, const struct memcg_spare *spare,
                   char path[PATH_MAX], struct mw_err *err)
{
    struct memcg m = { .dir = -1 };
    struct record r;
    int rc;

    path[0] = '\0';
    if (_pool_load (state_dir, &r) < 0)
        return 0;
    snprintf (path, PATH_MAX, "%s", r.path);
    rc = memcg_reopen (&m, r.path, NULL, r.inode, MW_LAYOUT_LEAF, err);
    if (rc == 0) {
        m.spare = *spare;
        rc = _pool_give (state_dir, &m, &r, err);
        memcg_close (&m);
    } else if (cg_is_absent (errno) || errno == ESTALE) {
        unlinkat (state_dir, RECORD, 0);
    }
    return rc < 0 ? -1 : 1;
}

/* ---- find ---------------------------------------------------------------- */

/* The last component of [path] begins with [word], or ends with it. */
static bool _pool_named (const char *path, const char *word, bool at_end)
{
    const char *name = strrchr (path, '/');
    size_t n = strlen (word), len = name ? strlen (++name) : 0;

    if (len < n)
        return false;
    return strncmp (at_end ? name + len - n : name, word, n) == 0;
}

static bool _up (char *path)
{
    char *slash = strrchr (path, '/');

    if (!slash || slash == path)
        return false;
    *slash = '\0';
    return true;
}

char *pool_of_slurm (const struct memcg *job, char pool[PATH_MAX])
{
    if (job->layout != MW_LAYOUT_SLURM || !job->path)
        return NULL;
    snprintf (pool, PATH_MAX, "%s", job->path);
    if (!_up (pool))
        return NULL;
    if (!_pool_v1 (job))
        return _pool_named (pool, "slurmstepd.scope", true) ? pool : NULL;
    if (!_pool_named (pool, "uid_", false) || !_up (pool))
        return NULL;
    return _pool_named (pool, "slurm", false) ? pool : NULL;
}
