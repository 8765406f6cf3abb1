/* memcg_probe_gone.c - directories that go, and what is refused */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cgfile.h"
#include "test/bin/memcg_probe.h"

static void a_removed_directory_is_gone (void)
{
    struct pollfd f;
    unsigned left;
    struct tcg job;

    t_make (&job, &base, "job");
    t_open (&job, MW_LAYOUT_LEAF, mib (32));
    T_CHECK (rmdir (job.path) == 0, "rmdir: %s", strerror (errno));
    f = (struct pollfd) { .fd = job.m.event,
                          .events = job.m.ops->epoll_events };
    T_CHECK (poll (&f, 1, T_PATIENCE) == 1, "no event");
    expect (&job.m, MEMCG_GONE, "job");
    expect (&job.m, MEMCG_GONE, "job, again");
    T_CHECK (job.m.ops->set_limit (&job.m, mib (16), 0, &err) < 0 &&
                 errno == ENODEV,
             "set_limit: %s", strerror (errno));
    T_CHECK (job.m.ops->kill (&job.m, &left, &err) < 0 && errno == ENODEV,
             "kill: %s", strerror (errno));
    T_CHECK (strstr (err.text, "removed") && strstr (err.text, job.path),
             "says: %s", err.text);
}

static void a_successor_of_the_same_name_is_never_touched (void)
{
    uint64_t bytes = MIB, inode, limit, was;
    const char *file = t_v2 ? "memory.high" : "memory.limit_in_bytes";
    struct tcg job, next;
    struct tproc p;
    struct memcg old, again;
    unsigned left;

    t_make (&job, &base, "job");
    t_open (&job, MW_LAYOUT_LEAF, mib (32));
    old = job.m;
    job.m.ops = NULL;
    inode = old.inode;
    t_remove (&job);
    t_make (&next, &base, "job");
    T_CHECK (cg_read_u64 (next.dir, file, &was) == 0, "%s", strerror (errno));
    p = t_spawn (&next, t_touch_and_stay, &bytes);
    T_CHECK (old.ops->set_limit (&old, mib (8), 0, &err) < 0, "set_limit");
    T_CHECK (old.ops->kill (&old, &left, &err) < 0, "kill");
    T_CHECK (old.ops->freeze (&old, true, &err) < 0, "freeze");
    T_CHECK (memcg_signal (&old, SIGKILL, &err) < 0, "signal");
    T_CHECK (cg_read_u64 (next.dir, file, &limit) == 0 && limit == was,
             "its limit was changed");
    T_CHECK (!t_ended (&p, 100), "its process was killed");
    T_CHECK (memcg_reopen (&again, next.path, next.freezer_path, inode,
                           MW_LAYOUT_LEAF, &err) < 0 &&
                 errno == ESTALE,
             "reopened: %s", strerror (errno));
    T_CHECK (memcg_reopen (&again, next.path, next.freezer_path,
                           cg_inode (next.dir), MW_LAYOUT_LEAF, &err) == 0,
             "%s", err.text);
    kill_all (&again);
    expect_killed (&p);
    memcg_close (&again);
    memcg_close (&old);
}

static void refused (const char *path, int want, const char *says)
{
    int dir = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct memcg m;

    T_CHECK (dir >= 0, "%s: %s", path, strerror (errno));
    T_CHECK (memcg_open (&m, dir, -1, MW_LAYOUT_LEAF, &err) < 0 &&
                 errno == want,
             "%s: %s", path, strerror (errno));
    T_CHECK (strstr (err.text, says), "%s: says %s", path, err.text);
    close (dir);
}

static void what_is_no_job_memcg_is_refused (void)
{
    char bare[300];

    refused ("/tmp", EINVAL, "not a cgroup");
    refused (t_v2 ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory", EINVAL, "root");
    if (!t_v2) {
        refused (base.freezer_path, ENOTSUP, "not of the memory controller");
        return;
    }
    snprintf (bare, sizeof (bare), "%s/bare", base.path);
    T_CHECK (mkdir (bare, 0755) == 0, "%s: %s", bare, strerror (errno));
    refused (bare, ENOTSUP, "has no memory controller");
    rmdir (bare);
}

static void a_read_only_tree_is_a_clear_error (void)
{
    struct memcg m;
    struct tcg job;
    int dir;

    t_make (&job, &base, "job");
    T_CHECK (unshare (CLONE_NEWNS) == 0, "%s", strerror (errno));
    T_CHECK (mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
                 mount (job.path, job.path, NULL, MS_BIND, NULL) == 0 &&
                 mount (NULL, job.path, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY,
                        NULL) == 0,
             "mount: %s", strerror (errno));
    dir = open (job.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    T_CHECK (memcg_open (&m, dir, -1, MW_LAYOUT_LEAF, &err) < 0 &&
                 errno == EROFS,
             "opened: %s", strerror (errno));
    T_CHECK (strstr (err.text, "Read-only") && strstr (err.text, job.path),
             "says %s", err.text);
    close (dir);
    umount2 (job.path, MNT_DETACH);
}

const struct promise memcg_probe_gone[] = {
    PROMISE (a_removed_directory_is_gone),
    PROMISE (a_successor_of_the_same_name_is_never_touched),
    PROMISE (what_is_no_job_memcg_is_refused),
    PROMISE (a_read_only_tree_is_a_clear_error),
    { NULL, NULL }
};
