/* made.c - make, fill and remove job cgroups through libcgroup */
#include "plugin/made.h"

#include <errno.h>
#include <fcntl.h>
#include <libcgroup.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/cgfile.h"
#include "lib/cleanup.h"
#include "lib/jobspec.h"
#include "plugin/place.h"

#define TOP "memwarden"
#define XATTR_MADE "trusted.memwarden.made"

static void cleanup_cgroup_p (struct cgroup **cg)
{
    if (*cg)
        cgroup_free (cg);
}

#define cleanup_cgroup __attribute__ ((cleanup (cleanup_cgroup_p)))

/* libcgroup would print to slurmstepd's stdout */
static void _made_quiet (void *arg, int level, const char *fmt, va_list ap)
{
    (void) arg;
    (void) level;
    (void) fmt;
    (void) ap;
}

static int _made_fail (struct mw_err *err, int rc, const char *what)
{
    if (rc == ECGOTHER)
        return mw_err_errno (err, "%s", what);
    return mw_err_code (err, EIO, "%s: %s", what, cgroup_strerror (rc));
}

static int _init (struct mw_err *err)
{
    static int done = -1;

    if (done != 0) {
        cgroup_set_logger (_made_quiet, CGROUP_LOG_ERROR, NULL);
        done = cgroup_init ();
    }
    return done ? _made_fail (err, done, "libcgroup finds no cgroups") : 0;
}

/* A cgroup of libcgroup's in the hierarchies that are wanted. */
static struct cgroup *_cgroup (const char *path, bool memory, bool freezer)
{
    struct cgroup *cg = cgroup_new_cgroup (path);

    if (cg && ((memory && !cgroup_add_controller (cg, "memory")) ||
               (freezer && !cgroup_add_controller (cg, "freezer"))))
        cgroup_free (&cg);
    return cg;
}

/* The directory above all of ours is removed with the last of them, but only if
 * it was made here: the warden may keep its pool under the same name. */
static void _mark_top (void)
{
    cleanup_fd int root = place_open_mount ("memory", NULL);
    cleanup_fd int top = -1;

    if (root < 0 || !faccessat (root, TOP, F_OK, 0))
        return;
    if (!mkdirat (root, TOP, 0755) &&
        (top = openat (root, TOP, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) >= 0)
        fsetxattr (top, XATTR_MADE, "1", 1, 0);
}

static bool _top_is_ours (int root)
{
    cleanup_fd int top = openat (root, TOP, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char mark;

    return top >= 0 && fgetxattr (top, XATTR_MADE, &mark, 1) == 1;
}

static int _made_attach_pid (const char *path, bool memory, bool freezer,
                             pid_t pid, struct mw_err *err)
{
    cleanup_cgroup struct cgroup *cg = _cgroup (path, memory, freezer);
    int rc = -1;

    if (!cg) {
        errno = ENOMEM;
        return mw_err_errno (err, "%s", path);
    }
    /* a step that ends just now may remove what is still empty */
    for (int i = 0; rc && i < 3; i++) {
        rc = cgroup_create_cgroup (cg, 1);
        if (!rc)
            rc = cgroup_attach_task_pid (cg, pid);
    }
    return rc ? _made_fail (err, rc, path) : 0;
}

int made_attach (const char *key, const char *step, pid_t pid,
                 const struct place_paths *now, struct mw_err *err)
{
    char path[PLACE_PATH_MAX];
    bool memory = !now->job[0], freezer = !now->v2 && !now->freezer[0];

    if (!memory && !freezer)
        return 0;
    if (!mw_jobkey_valid (key) || !mw_jobkey_valid (step))
        return mw_err_code (err, EINVAL,
                            "\"%.64s\" of \"%.64s\" cannot name a "
                            "cgroup",
                            step, key);
    snprintf (path, sizeof (path), TOP "/job_%s/%s", key, step);
    if (_init (err) < 0)
        return -1;
    if (memory)
        _mark_top ();
    return _made_attach_pid (path, memory, freezer, pid, err);
}

static void _remove (const char *controller, const char *path)
{
    cleanup_cgroup struct cgroup *cg = cgroup_new_cgroup (path);

    if (cg && cgroup_add_controller (cg, controller))
        cgroup_delete_cgroup_ext (cg, CGFLAG_DELETE_EMPTY_ONLY);
}

static int _remove_step (int dir, const char *name, void *arg)
{
    const char *const *at = arg; /* controller, path of the job */
    char path[PLACE_PATH_MAX];

    (void) dir;
    if (!strncmp (name, "step_", 5)) {
        snprintf (path, sizeof (path), "%s/%.64s", at[1], name);
        _remove (at[0], path);
    }
    return 0;
}

/* Only jobs of Slurm's are swept: "job_" and a number. */
static int _made_remove_job (int dir, const char *name, void *arg)
{
    const char *controller = arg;
    char path[PLACE_PATH_MAX];
    const char *at[2] = { controller, path };

    if (strncmp (name, "job_", 4) != 0 || !name[4] || strlen (name) > 24 ||
        name[4 + strspn (name + 4, "0123456789")])
        return 0;
    snprintf (path, sizeof (path), TOP "/%s", name);
    cg_each_child (dir, _remove_step, at);
    _remove (controller, path);
    return 0;
}

/* Returns true when nothing of [key] is left. */
static bool _sweep (const char *controller, const char *key)
{
    char path[PLACE_PATH_MAX];
    cleanup_fd int root = place_open_mount (controller, NULL);
    cleanup_fd int top = -1;

    if (root >= 0)
        top = openat (root, TOP, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (top < 0 || _init (NULL) < 0)
        return true;
    cg_each_child (top, _made_remove_job, (void *) controller);
    if (strcmp (controller, "memory") != 0 || _top_is_ours (root))
        _remove (controller, TOP);
    snprintf (path, sizeof (path), TOP "/job_%s", key);
    return faccessat (root, path, F_OK, 0) < 0;
}

bool made_remove (const char *key)
{
    bool memory = _sweep ("memory", key);
    bool freezer = _sweep ("freezer", key);

    return memory && freezer;
}
