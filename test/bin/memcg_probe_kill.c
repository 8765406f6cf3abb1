/* memcg_probe_kill.c - stopped, thawed, killed */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/cgfile.h"
#include "test/bin/memcg_probe.h"

static void the_frozen_die (void)
{
    uint64_t bytes = mib (4);
    struct tproc p;
    struct tree t;

    make_tree (&t, mib (64));
    p = t_spawn (&t.task, t_touch_and_stay, &bytes);
    T_CHECK (t.job.m.ops->freeze (&t.job.m, true, &err) == 0, "%s", err.text);
    kill_all (&t.job.m);
    expect_killed (&p);
    T_CHECK (memcg_populated (&t.job.m) == 0, "not empty");
}

static volatile unsigned *counter;

static int count (void *arg)
{
    (void) arg;
    while (++*counter != 0)
        ;
    return 0;
}

static bool counts (void)
{
    unsigned old = *counter;

    for (int i = 0; i < 100; i++) {
        if (*counter != old)
            return true;
        usleep (10000);
    }
    return false;
}

static void check_freeze (struct tcg *job, struct tcg *where)
{
    struct tproc p = t_spawn (where, count, NULL);

    T_CHECK (counts (), "it does not run");
    T_CHECK (job->m.ops->freeze (&job->m, true, &err) == 0, "%s", err.text);
    for (int i = 0; counts (); i++)
        T_CHECK (i < 1000, "it runs on");
    T_CHECK (job->m.ops->freeze (&job->m, false, &err) == 0, "%s", err.text);
    T_CHECK (counts (), "it does not run again");
    kill_all (&job->m);
    expect_killed (&p);
}

static void freeze_stops_and_thaw_goes_on (void)
{
    struct tcg leaf, bare;
    struct tree t;

    counter = mmap (NULL, 4096, PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    make_tree (&t, mib (64));
    check_freeze (&t.job, &t.task);
    t_make (&leaf, &base, "leaf");
    t_open (&leaf, MW_LAYOUT_LEAF, mib (64));
    check_freeze (&leaf, &leaf);
    if (t_v2)
        return;
    t_make (&bare, &base, "bare"); /* v1 without a freezer: SIGSTOP */
    close (bare.freezer);
    bare.freezer = -1;
    t_open (&bare, MW_LAYOUT_LEAF, mib (64));
    check_freeze (&bare, &bare);
}

static int bomb (void *arg)
{
    struct rlimit r = { 150, 150 };
    uid_t uid = 60000 + getpid () % 5000; /* its processes are only these */

    (void) arg;
    if (setrlimit (RLIMIT_NPROC, &r) < 0 || setresuid (uid, uid, uid) < 0)
        return 98;
    for (;;) {
        if (fork () < 0)
            sched_yield ();
    }
}

static void a_fork_bomb_is_killed_whole (void)
{
    uint64_t end = t_now_us () + T_PATIENCE * 1000;
    struct tproc p;
    struct tree t;

    make_tree (&t, mib (256));
    p = t_spawn (&t.task, bomb, NULL);
    while (memcg_populated (&t.job.m) < 100)
        T_CHECK (t_now_us () < end, "the bomb does not go off");
    kill_all (&t.job.m);
    expect_killed (&p);
    T_CHECK (memcg_populated (&t.job.m) == 0, "some are left");
}

/* A kernel older than 5.14 has none; here it only cannot be written. */
static void without_cgroup_kill_a_fork_bomb_is_killed_whole (void)
{
    uint64_t end = t_now_us () + T_PATIENCE * 1000;
    char file[PATH_MAX];
    struct memcg m;
    struct tproc p;
    struct tcg job;
    int dir;

    T_CHECK (t_v2, "v1 has no cgroup.kill");
    t_make (&job, &base, "job");
    t_open (&job, MW_LAYOUT_LEAF, mib (256));
    p = t_spawn (&job, bomb, NULL);
    while (memcg_populated (&job.m) < 100)
        T_CHECK (t_now_us () < end, "the bomb does not go off");
    snprintf (file, sizeof (file), "%s/cgroup.kill", job.path);
    T_CHECK (unshare (CLONE_NEWNS) == 0, "%s", strerror (errno));
    T_CHECK (mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
                 mount (file, file, NULL, MS_BIND, NULL) == 0 &&
                 mount (NULL, file, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY,
                        NULL) == 0,
             "mount: %s", strerror (errno));
    dir = open (job.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    T_CHECK (cg_write (dir, "cgroup.kill", "1") < 0, "it can be written");
    T_CHECK (memcg_open (&m, dir, -1, MW_LAYOUT_LEAF, &err) == 0, "%s",
             err.text);
    kill_all (&m);
    expect_killed (&p);
    memcg_close (&m);
    close (dir);
    umount2 (file, MNT_DETACH);
    T_CHECK (memcg_populated (&job.m) == 0, "some are left");
}

static int run_as_slurmstepd (void *arg)
{
    execl (arg, arg, "--stay", NULL);
    return 98;
}

static int call_itself_slurmstepd (void *arg)
{
    (void) arg;
    if (setresuid (61111, 61111, 61111) < 0)
        return 98;
    prctl (PR_SET_NAME, "slurmstepd");
    return stay (NULL);
}

static void slurmstepd_is_spared (void)
{
    char path[] = "/tmp/mwt.stepd.XXXXXX", exe[64], cmd[256];
    struct tproc stepd, forger;
    struct tree t;

    T_CHECK (mkdtemp (path) != NULL, "mkdtemp");
    snprintf (exe, sizeof (exe), "%s/slurmstepd", path);
    snprintf (cmd, sizeof (cmd), "cp -L /proc/%d/exe %s", (int) getpid (), exe);
    T_CHECK (system (cmd) == 0, "cp");
    make_tree (&t, mib (64));
    stepd = t_spawn (&t.task, run_as_slurmstepd, exe);
    forger = t_spawn (&t.task, call_itself_slurmstepd, NULL);
    for (int i = 0; memcg_populated (&t.job.m) != 1; i++) {
        T_CHECK (i < 1000, "%d found", memcg_populated (&t.job.m));
        usleep (10000);
    }
    if (!t_v2) /* v2 kills the directory it never is in */
        kill_all (&t.job.m);
    else
        T_CHECK (memcg_signal (&t.job.m, SIGKILL, &err) == 1, "%s", err.text);
    expect_killed (&forger);
    T_CHECK (!t_ended (&stepd, 100), "slurmstepd was killed");
    kill (stepd.pid, SIGKILL);
    expect_killed (&stepd);
    unlink (exe);
    rmdir (path);
}

/* What a plain signal spares, since Slurm's own sleep is there, a kill
 * takes. */
static void the_extern_step_is_killed_but_not_signalled (void)
{
    uint64_t bytes = MIB;
    struct tcg ext, user;
    struct tproc p;
    struct tree t;

    make_tree (&t, mib (64));
    t_make (&ext, &t.job, "step_extern");
    if (t_v2)
        t_make (&user, &ext, "user");
    p = t_spawn (t_v2 ? &user : &ext, t_touch_and_stay, &bytes);
    T_CHECK (memcg_signal (&t.job.m, SIGKILL, &err) == 0, "it was signalled");
    T_CHECK (!t_ended (&p, 100), "it was killed by a plain signal");
    kill_all (&t.job.m);
    expect_killed (&p);
}

const struct promise memcg_probe_kill[] = {
    PROMISE (the_frozen_die),
    PROMISE (freeze_stops_and_thaw_goes_on),
    PROMISE (a_fork_bomb_is_killed_whole),
    PROMISE (without_cgroup_kill_a_fork_bomb_is_killed_whole),
    PROMISE (slurmstepd_is_spared),
    PROMISE (the_extern_step_is_killed_but_not_signalled),
    { NULL, NULL }
};
