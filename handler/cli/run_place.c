/* run_place.c - the memcg of a command that `memwarden` itself brings: run_place.h */
#include "handler/cli/run_place.h"

#include <fcntl.h>
#include <libcgroup.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/cgfile.h"
#include "lib/cleanup.h"

static int _cgroup_failed (int rc, const char *what, struct mw_err *err)
{
    return mw_err_set (err, "cannot %s: %s", what,
                       rc == ECGOTHER ? strerror (cgroup_get_last_errno ())
                                      : cgroup_strerror (rc));
}

/* v2 without systemd: nobody may have handed memory down from the root yet. */
static int _run_hand_down (const struct run_place *p, struct mw_err *err)
{
    char path[MW_JOBKEY_MAX + 2];
    cleanup_free char *mount = NULL;
    cleanup_fd int root = -1;

    if (cgroup_get_subsys_mount_point ("memory", &mount) != 0)
        return 0; /* what is lacking is said by who makes it */
    root = open (mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0 || faccessat (root, "cgroup.controllers", F_OK, 0) < 0)
        return 0; /* v1 */
    snprintf (path, sizeof (path), "/%s", p->pool);
    return cg_hand_down (root, mount, path, "memory", err);
}

static int _make_cgroups (struct run_place *p, const char *key,
                          struct mw_err *err)
{
    char name[2 * MW_JOBKEY_MAX + 2];
    int rc = cgroup_init ();

    if (rc != 0)
        return _cgroup_failed (rc, "find the cgroups of this node", err);
    if (_run_hand_down (p, err) < 0)
        return mw_err_prefix (err, "cannot make its memory cgroup");
    snprintf (name, sizeof (name), "%s/%s", p->pool, key);
    p->cgroup = cgroup_new_cgroup (name);
    if (!p->cgroup || !cgroup_add_controller (p->cgroup, "memory"))
        return mw_err_set (err, "cannot name cgroup %s", name);
    if (run_dir_make (&p->memory, "memory", p->pool, key, err) < 0)
        return -1;
    /* on v2 freezing needs no controller, and there is none of that name */
    rc = run_dir_make (&p->freezer, "freezer", p->pool, key, err);
    if (rc < 0)
        return -1;
    if (rc > 0 && !cgroup_add_controller (p->cgroup, "freezer"))
        return mw_err_set (err, "cannot name cgroup %s", name);
    /* v2: the controller is switched on all the way down */
    rc = cgroup_create_cgroup (p->cgroup, 1);
    return rc ? _cgroup_failed (rc, "make its memory cgroup", err) : 0;
}

int run_place_make (struct run_place *p, const char *key, struct mw_err *err)
{
    if (_make_cgroups (p, key, err) < 0)
        return -1;
    return memcg_open (&p->memcg, p->memory.job, p->freezer.job, MW_LAYOUT_LEAF,
                       err);
}

int run_place_add (struct run_place *p, pid_t pid, struct mw_err *err)
{
    int rc = cgroup_attach_task_pid (p->cgroup, pid);

    return rc ? _cgroup_failed (rc, "move the command into its cgroup", err)
              : 0;
}

static int _empty (struct run_place *p)
{
    struct timespec ms = { .tv_nsec = 10000000 };
    unsigned left = 1;

    /* what the command has left behind ends with it, as under Slurm */
    for (int i = 0; i < 500 && left > 0; i++) {
        if (p->memcg.ops->kill (&p->memcg, &left, NULL) < 0)
            return -1;
        if (left > 0)
            nanosleep (&ms, NULL);
    }
    return left > 0 ? -1 : 0;
}

int run_place_remove (struct run_place *p, struct mw_err *err)
{
    struct mw_err of_memory = { "" };
    int rc;

    if (p->memcg.dir >= 0) {
        _empty (p);
        memcg_close (&p->memcg);
    }
    cgroup_free (&p->cgroup);
    rc = run_dir_remove (&p->freezer, err);
    if (run_dir_remove (&p->memory, &of_memory) < 0)
        rc = mw_err_set (err, "%s", of_memory.text);
    return rc;
}
