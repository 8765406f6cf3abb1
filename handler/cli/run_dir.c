/* run_dir.c - the directories of `memwarden run`: see run_dir.h */
#include "handler/cli/run_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <libcgroup.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "handler/memcg/memcg.h"
#include "lib/cgfile.h"
#include "lib/cleanup.h"

#define XATTR_MADE "trusted.memwarden.made"
#define RACES 16      /* the pool may go with another's last job */
#define GOING_MS 5000 /* tasks are dead before they are gone */
#define LOOK_MS 10

static int _run_dir_open (int dir, const char *name)
{
    return openat (dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* ---- making -------------------------------------------------------------- */

/* Make [name] in [dir] and mark it. Returns whether it was made. */
static bool _make (int dir, const char *name)
{
    cleanup_fd int fd = -1;

    if (mkdirat (dir, name, 0755) < 0)
        return false;
    if ((fd = _run_dir_open (dir, name)) >= 0)
        fsetxattr (fd, XATTR_MADE, "1", 1, 0);
    return true;
}

/* Also where this kernel keeps no attributes: what was made just now. */
static bool _ours (int fd, bool made)
{
    char mark;

    return made || fgetxattr (fd, XATTR_MADE, &mark, 1) == 1;
}

/* What a run that was killed has left is empty, and goes. */
static void _remove_left (int top, const char *name)
{
    cleanup_fd int left = _run_dir_open (top, name);

    if (left >= 0 && _ours (left, false))
        unlinkat (top, name, AT_REMOVEDIR);
}

static int _make_both (struct run_dir *d)
{
    errno = ENOENT;
    for (int i = 0; i < RACES && errno == ENOENT; i++) {
        if (d->top >= 0)
            close (d->top);
        d->made_top = _make (d->root, d->pool);
        if ((d->top = _run_dir_open (d->root, d->pool)) < 0)
            continue;
        _remove_left (d->top, d->name);
        d->made = _make (d->top, d->name);
        if (d->made && (d->job = _run_dir_open (d->top, d->name)) >= 0)
            return 0;
    }
    return -1;
}

static int _run_dir_open_mount (const char *controller)
{
    cleanup_free char *mount = NULL;

    if (cgroup_get_subsys_mount_point (controller, &mount) != 0)
        return -1;
    return _run_dir_open (AT_FDCWD, mount);
}

int run_dir_make (struct run_dir *d, const char *controller, const char *pool,
                  const char *name, struct mw_err *err)
{
    snprintf (d->pool, sizeof (d->pool), "%s", pool);
    snprintf (d->name, sizeof (d->name), "%s", name);
    if ((d->root = _run_dir_open_mount (controller)) < 0)
        return 0;
    if (_make_both (d) == 0)
        return 1;
    if (errno == EEXIST)
        return mw_err_set (err,
                           "there is a %s cgroup %s/%s already: a job of "
                           "that name runs, or somebody else has made it; give "
                           "another --name, or remove it",
                           controller, pool, name);
    return mw_err_errno (err, "cannot make %s cgroup %s/%s", controller, pool,
                         name);
}

/* ---- removing ------------------------------------------------------------ */

static int _run_dir_remove_job (const struct run_dir *d)
{
    struct timespec ms = { .tv_nsec = LOOK_MS * 1000000 };

    for (int i = 0; i < GOING_MS / LOOK_MS; i++) {
        if (cg_remove_below (d->job) == 0 &&
            unlinkat (d->top, d->name, AT_REMOVEDIR) == 0)
            return 0;
        if (errno == ENOENT)
            return 0;
        if (errno != EBUSY)
            return -1;
        nanosleep (&ms, NULL);
    }
    return -1;
}

int run_dir_remove (struct run_dir *d, struct mw_err *err)
{
    int rc = 0;

    if (d->made && (d->job < 0 || _run_dir_remove_job (d) < 0))
        rc = mw_err_errno (err, "cannot remove cgroup %s/%s", d->pool, d->name);
    /* while there are others in it, it stays; so it does where somebody has given
     * it a limit since, the warden for one */
    if (d->top >= 0 && _ours (d->top, d->made_top) &&
        !memcg_is_limited (d->top))
        unlinkat (d->root, d->pool, AT_REMOVEDIR);
    for (int *fd = &d->root; fd <= &d->job; fd++) {
        if (*fd >= 0)
            close (*fd);
        *fd = -1;
    }
    return rc;
}
