/* orphans.c - memcgs that a warden had which is gone */
#include "handler/memcg/orphans.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "handler/memcg/claim.h"
#include "handler/memcg/memcg.h"
#include "handler/memcg/mounts.h"
#include "handler/memcg/stopped.h"
#include "lib/cgfile.h"
#include "lib/cleanup.h"

struct orphans {
    struct memcg_mounts mounts;
    orphans_spared *spared;
    void (*told) (const char *path, const struct mw_err *why, void *arg);
    void *arg;
    int failed;
};

/* v1: the directory of the same path in the freezer's hierarchy. */
static int _orphans_freezer (const struct orphans *o, const char *path)
{
    size_t len = strlen (o->mounts.memory);
    char freezer[2 * PATH_MAX];

    if (!o->mounts.freezer[0] || strncmp (path, o->mounts.memory, len) != 0)
        return -1;
    snprintf (freezer, sizeof (freezer), "%s%s", o->mounts.freezer, path + len);
    return open (freezer, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* How it was laid out is not known: a thaw of what is not frozen does no harm, and
 * nothing to thaw is none. */
static int _orphans_free_as (int dir, int freezer, enum mw_layout layout,
                             struct mw_err *err)
{
    struct memcg m;
    int rc;

    if (memcg_open (&m, dir, freezer, layout, err) < 0)
        return -1;
    rc = m.ops->disarm (&m, err);
    if (m.ops->freeze (&m, false, err) < 0 && errno != ESRCH)
        rc = -1;
    memcg_close (&m);
    return rc;
}

static int _orphans_visit (int dir, const char *name, void *arg)
{
    struct orphans *o = arg;
    cleanup_fd int freezer = -1;
    char link[64], path[PATH_MAX];
    struct mw_err why = { "" };
    struct stopped stopped;
    ssize_t n;
    int rc;

    (void) name;
    if (!memcg_is_orphan (dir) ||
        (o->spared && o->spared (cg_inode (dir), o->arg)))
        return 0;
    snprintf (link, sizeof (link), "/proc/self/fd/%d", dir);
    n = readlink (link, path, sizeof (path) - 1);
    path[n > 0 ? n : 0] = '\0';
    freezer = _orphans_freezer (o, path);
    rc = _orphans_free_as (dir, freezer, MW_LAYOUT_SLURM, &why);
    stopped_marked (dir, &stopped);
    if (stopped_let_all_go (&stopped, &why) < 0)
        rc = -1;
    stopped_mark (dir, &stopped);
    if (_orphans_free_as (dir, freezer, MW_LAYOUT_LEAF, &why) < 0)
        rc = -1;
    if (rc < 0 && errno == ENODEV) /* it has gone meanwhile */
        return 0;
    if (rc < 0)
        o->failed++;
    else
        memcg_forget_orphan (dir);
    o->told (path, rc < 0 ? &why : NULL, o->arg);
    return 0;
}

int orphans_give_back (orphans_spared *spared,
                       void (*told) (const char *path, const struct mw_err *why,
                                     void *arg),
                       void *arg, struct mw_err *err)
{
    struct orphans o = { .spared = spared, .told = told, .arg = arg };
    cleanup_fd int top = -1;

    if (memcg_find_mounts (&o.mounts) < 0)
        return mw_err_errno (err, "cannot find the cgroups");
    top = open (o.mounts.memory[0] ? o.mounts.memory : o.mounts.unified,
                O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (top < 0)
        return mw_err_errno (err, "cannot open the memory cgroups");
    if (cg_walk (top, _orphans_visit, &o) < 0)
        return mw_err_errno (err, "cannot look through the memory cgroups");
    return o.failed;
}
