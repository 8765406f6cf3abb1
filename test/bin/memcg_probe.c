/* memcg_probe.c - one promise of handler/memcg.h on real memcgs, by name
 *
 *     memcg_probe PROMISE      exit 0: kept; else a sentence on stderr
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "handler/cgfile.h"
#include "test/bin/cgtest.h"

static struct tcg base;
static struct mw_err err;

static uint64_t mib (uint64_t n)
{
    return n * MIB;
}

static void expect (struct memcg *m, enum memcg_state want, const char *who)
{
    enum memcg_state s = t_wait (m, want == MEMCG_QUIET ? 0 : T_PATIENCE);

    T_CHECK (s == want, "%s: state %d, not %d", who, s, want);
}

static void set_limit (struct memcg *m, uint64_t limit)
{
    T_CHECK (m->ops->set_limit (m, limit, 64 * MIB, &err) == 0, "%s", err.text);
}

static void kill_all (struct memcg *m)
{
    uint64_t end = t_now_us () + T_PATIENCE * 1000;
    unsigned left;

    do {
        T_CHECK (m->ops->kill (m, &left, &err) == 0, "%s", err.text);
        T_CHECK (t_now_us () < end, "%u are left", left);
    } while (left > 0);
}

static void expect_ok (struct tproc *p)
{
    int status = t_join (p);

    T_CHECK (status == 0, "a process ended by status 0x%x", status);
}

static void expect_killed (struct tproc *p)
{
    int status = t_join (p);

    T_CHECK (WIFSIGNALED (status) && WTERMSIG (status) == SIGKILL,
             "a process was not killed, but: 0x%x", status);
}

/*  OOM  */

static void oom_waits_for_the_limit (void)
{
    uint64_t bytes = mib (48);
    struct memcg_usage u;
    struct tproc p;
    struct tcg job;

    t_make (&job, &base, "job");
    t_open (&job, MW_LAYOUT_LEAF, mib (32));
    expect (&job.m, MEMCG_QUIET, "before");
    p = t_spawn (&job, t_touch, &bytes);
    expect (&job.m, MEMCG_OOM, "job");
    T_CHECK (!t_ended (&p, 0), "the process ended at the limit");
    T_CHECK (job.m.ops->read_usage (&job.m, &u, &err) == 0, "%s", err.text);
    T_CHECK (u.used > mib (30) && u.used < mib (48), "used %lu",
             (unsigned long) u.used);
    set_limit (&job.m, mib (96));
    expect_ok (&p);
    expect (&job.m, MEMCG_QUIET, "after");
}

static void oom_of_the_pool_is_not_the_jobs (void)
{
    struct tcg pool, user, a, b;
    uint64_t bytes = mib (64);
    struct tproc p;

    t_make (&pool, &base, "pool");
    t_make (&user, &pool, "uid_0");
    t_make (&a, &user, "a");
    t_make (&b, &user, "b");
    t_open (&pool, MW_LAYOUT_LEAF, mib (32));
    t_open (&a, MW_LAYOUT_LEAF, mib (512));
    t_open (&b, MW_LAYOUT_LEAF, mib (512));
    p = t_spawn (&a, t_touch, &bytes);
    expect (&pool.m, MEMCG_OOM, "pool");
    expect (&a.m, t_v2 ? MEMCG_QUIET : MEMCG_PARENT_OOM, "a");
    expect (&b.m, t_v2 ? MEMCG_QUIET : MEMCG_PARENT_OOM, "b");
    set_limit (&pool.m, mib (128));
    expect_ok (&p);
    expect (&a.m, MEMCG_QUIET, "a after");
}

static void oom_of_a_job_is_not_its_neighbours (void)
{
    uint64_t bytes = mib (48);
    struct tproc p;
    struct tcg a, b;

    t_make (&a, &base, "a");
    t_make (&b, &base, "b");
    t_open (&a, MW_LAYOUT_LEAF, mib (32));
    t_open (&b, MW_LAYOUT_LEAF, mib (32));
    p = t_spawn (&a, t_touch, &bytes);
    expect (&a.m, MEMCG_OOM, "a");
    expect (&b.m, MEMCG_QUIET, "b");
    set_limit (&a.m, mib (96));
    expect_ok (&p);
}

/* Slurm's tree, made before the job is armed. */
struct tree {
    struct tcg job, step, user, task;
};

static void make_tree (struct tree *t, uint64_t limit)
{
    t_make (&t->job, &base, "not_called_job_1");
    t_make (&t->step, &t->job, "step_0");
    if (t_v2)
        t_make (&t->user, &t->step, "user");
    t_make (&t->task, t_v2 ? &t->user : &t->step, "task_0");
    t_open (&t->job, MW_LAYOUT_SLURM, limit);
}

/* As Slurm does at the start of every step. */
static void a_limit_lowered_by_another_is_put_back (void)
{
    uint64_t bytes = mib (48), high, wall, end;
    struct tproc p;
    struct tcg job;

    T_CHECK (t_v2, "v1 refuses it below usage");
    t_make (&job, &base, "job");
    t_open (&job, MW_LAYOUT_LEAF, mib (96));
    T_CHECK (cg_read_u64 (job.dir, "memory.max", &wall) == 0, "memory.max");
    T_CHECK (cg_write_u64 (job.dir, "memory.high", mib (8)) == 0 &&
             cg_write_u64 (job.dir, "memory.max", mib (100)) == 0, "%s",
             strerror (errno));
    p = t_spawn (&job, t_touch, &bytes);
    end = t_now_us () + T_PATIENCE * 1000;
    do {
        expect (&job.m, MEMCG_QUIET, "job");
        T_CHECK (cg_read_u64 (job.dir, "memory.high", &high) == 0, "high");
        T_CHECK (t_now_us () < end, "memory.high is still %lu",
                 (unsigned long) high);
    } while (high != mib (96));
    expect_ok (&p);
    T_CHECK (cg_read_u64 (job.dir, "memory.max", &high) == 0 && high == wall,
             "memory.max is %lu, not %lu", (unsigned long) high,
             (unsigned long) wall);
}

static void oom_of_tasks_deep_below_is_the_jobs (void)
{
    uint64_t bytes = mib (48);
    struct tproc p;
    struct tree t;

    make_tree (&t, mib (32));
    p = t_spawn (&t.task, t_touch, &bytes);
    expect (&t.job.m, MEMCG_OOM, "job");
    T_CHECK (!t_ended (&p, 0), "the process ended at the limit");
    T_CHECK (memcg_populated (&t.job.m) == 1, "its task is not found");
    set_limit (&t.job.m, mib (96));
    expect_ok (&p);
}

static void disarm_gives_the_killer_back (void)
{
    uint64_t bytes = mib (128);
    struct tproc p;
    struct tcg job;

    t_make (&job, &base, "job");
    t_open (&job, MW_LAYOUT_LEAF, mib (32));
    p = t_spawn (&job, t_touch, &bytes);
    expect (&job.m, MEMCG_OOM, "job");
    T_CHECK (job.m.ops->disarm (&job.m, &err) == 0, "%s", err.text);
    expect_killed (&p);
}

static void a_kernel_kill_is_told_once (void)
{
    uint64_t bytes = mib (64);
    struct tproc p;
    struct tcg job;
    int rc;

    t_make (&job, &base, "job");
    t_open (&job, MW_LAYOUT_LEAF, mib (32));
    /* behind the back end's back */
    rc = t_v2 ? cg_write_u64 (job.dir, "memory.max", mib (24)) :
                cg_write (job.dir, "memory.oom_control", "0");
    T_CHECK (rc == 0, "%s", strerror (errno));
    p = t_spawn (&job, t_touch, &bytes);
    expect_killed (&p);
    expect (&job.m, MEMCG_KERNEL_KILL, "job");
    expect (&job.m, MEMCG_QUIET, "then");
}

/*  What is used  */

static int write_shmem (void *arg)
{
    uint64_t bytes = *(uint64_t *) arg;
    char *p = mmap (NULL, bytes, PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED)
        return 98;
    memset (p, 1, bytes);
    for (;;)
        pause ();
}

static int lock_anon (void *arg)
{
    uint64_t bytes = *(uint64_t *) arg;
    char *p = mmap (NULL, bytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED || mlock (p, bytes) < 0)
        return 98;
    for (;;)
        pause ();
}

/* Until its used memory is what [fn] takes; never above. */
static void expect_used (int (*fn) (void *), uint64_t bytes)
{
    uint64_t end = t_now_us () + T_PATIENCE * 1000;
    struct memcg_usage u = { 0 };
    struct tproc p;
    struct tcg job;

    t_make (&job, &base, "job");
    t_open (&job, MW_LAYOUT_LEAF, 0);
    p = t_spawn (&job, fn, &bytes);
    while (u.used < bytes) {
        T_CHECK (!t_ended (&p, 1), "the process ended");
        T_CHECK (t_now_us () < end, "used %lu", (unsigned long) u.used);
        T_CHECK (job.m.ops->read_usage (&job.m, &u, &err) == 0, "%s", err.text);
    }
    T_CHECK (u.used < bytes + mib (6), "used %lu", (unsigned long) u.used);
    kill_all (&job.m);
    expect_killed (&p);
    t_remove (&job);
}

static void anon_shmem_and_locked_count_once (void)
{
    expect_used (t_touch_and_stay, mib (20));
    expect_used (write_shmem, mib (20));
    expect_used (lock_anon, mib (20));
}

static uint64_t stream_left;

/* Read it through the page cache of this memcg. */
static int read_file (const char *path, const struct stat *st, int type,
                      struct FTW *ftw)
{
    static char buf[1 << 17];
    int fd;
    ssize_t n;

    (void) ftw;
    if (type != FTW_F || st->st_size < (1 << 20))
        return 0;
    fd = open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return 0;
    posix_fadvise (fd, 0, 0, POSIX_FADV_DONTNEED);
    while (stream_left > 0 && (n = read (fd, buf, sizeof (buf))) > 0)
        stream_left -= (uint64_t) n < stream_left ? (uint64_t) n : stream_left;
    close (fd);
    return stream_left == 0;
}

static int stream (void *arg)
{
    stream_left = *(uint64_t *) arg;
    return nftw ("/usr/lib", read_file, 16, FTW_PHYS) == 1 ? 0 : 97;
}

#define WAKES 64

static void streaming_files_is_no_oom (void)
{
    uint64_t bytes = mib (320), wake[WAKES] = { 0 }, now;
    unsigned wakes = 0, backoff = 0;
    struct memcg_usage u;
    uint64_t most = 0;
    struct tproc p;
    struct tcg job;
    int n;

    t_make (&job, &base, "job");
    t_open (&job, MW_LAYOUT_LEAF, mib (32));
    p = t_spawn (&job, stream, &bytes);
    for (;;) {
        struct pollfd f[2] = {
            { .fd = p.done, .events = POLLIN },
            { .fd = job.m.event, .events = job.m.ops->epoll_events },
        };
        /* a look costs the same whether by event or by back-off */
        n = poll (f, backoff ? 1 : 2, backoff ? (int) backoff : T_PATIENCE);
        if (f[0].revents)
            break;
        T_CHECK (n > 0 || backoff, "the process did not end");
        T_CHECK (job.m.ops->check (&job.m) == MEMCG_QUIET, "a false alarm");
        backoff = job.m.backoff_ms;
        now = t_now_us ();
        T_CHECK (wakes < 10 || now - wake[(wakes - 10) % WAKES] > 1000000,
                 "more than 10 wake-ups in a second");
        wake[wakes++ % WAKES] = now;
        T_CHECK (job.m.ops->read_usage (&job.m, &u, &err) == 0, "%s", err.text);
        most = u.used > most ? u.used : most;
    }
    expect_ok (&p);
    T_CHECK (job.m.ops->read_usage (&job.m, &u, &err) == 0, "%s", err.text);
    T_CHECK (u.total > mib (16), "nothing was cached: %lu of %lu",
             (unsigned long) u.cache, (unsigned long) u.total);
    most = u.used > most ? u.used : most;
    T_CHECK (most < mib (8), "cache is counted as used: %lu",
             (unsigned long) most);
    printf ("%u wake-ups for %lu MiB\n", wakes, (unsigned long) (bytes / MIB));
}

static void reclaim_takes_the_cache (void)
{
    uint64_t bytes = mib (64), freed = 0, before, after;
    struct memcg_usage u;
    struct tproc p;
    struct tcg job;

    t_make (&job, &base, "job");
    t_open (&job, MW_LAYOUT_LEAF, mib (96));
    p = t_spawn (&job, stream, &bytes);
    expect_ok (&p);
    T_CHECK (job.m.ops->read_usage (&job.m, &u, &err) == 0, "%s", err.text);
    before = u.total;
    T_CHECK (before > mib (32), "nothing was cached");
    T_CHECK (job.m.ops->reclaim (&job.m, mib (8), &freed, &err) == 0, "%s",
             err.text);
    T_CHECK (freed >= mib (4), "freed %lu", (unsigned long) freed);
    T_CHECK (job.m.ops->read_usage (&job.m, &u, &err) == 0, "%s", err.text);
    T_CHECK (u.total + freed <= before + MIB, "it freed less than it says");
    T_CHECK (cg_read_u64 (job.dir, t_v2 ? "memory.high" :
                          "memory.limit_in_bytes", &after) == 0 &&
             after == mib (96), "the limit is not what it was");
}

/*  Stop and kill  */

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
    t_make (&bare, &base, "bare");      /* v1 without a freezer: SIGSTOP */
    close (bare.freezer);
    bare.freezer = -1;
    t_open (&bare, MW_LAYOUT_LEAF, mib (64));
    check_freeze (&bare, &bare);
}

static int bomb (void *arg)
{
    struct rlimit r = { 150, 150 };
    uid_t uid = 60000 + getpid () % 5000;   /* its processes are only these */

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
                    NULL) == 0, "mount: %s", strerror (errno));
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

static int stay (void *arg)
{
    (void) arg;
    while (pause () < 0)
        ;
    return 0;
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
    if (!t_v2)      /* v2 kills the directory it never is in */
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

/*  Directories that go  */

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
             errno == ENODEV, "set_limit: %s", strerror (errno));
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
                           MW_LAYOUT_LEAF, &err) < 0 && errno == ESTALE,
             "reopened: %s", strerror (errno));
    T_CHECK (memcg_reopen (&again, next.path, next.freezer_path,
                           cg_inode (next.dir), MW_LAYOUT_LEAF, &err) == 0,
             "%s", err.text);
    kill_all (&again);
    expect_killed (&p);
    memcg_close (&again);
    memcg_close (&old);
}

/*  What is refused  */

static void refused (const char *path, int want, const char *says)
{
    int dir = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct memcg m;

    T_CHECK (dir >= 0, "%s: %s", path, strerror (errno));
    T_CHECK (memcg_open (&m, dir, -1, MW_LAYOUT_LEAF, &err) < 0 &&
             errno == want, "%s: %s", path, strerror (errno));
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
                    NULL) == 0, "mount: %s", strerror (errno));
    dir = open (job.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    T_CHECK (memcg_open (&m, dir, -1, MW_LAYOUT_LEAF, &err) < 0 &&
             errno == EROFS, "opened: %s", strerror (errno));
    T_CHECK (strstr (err.text, "Read-only") && strstr (err.text, job.path),
             "says %s", err.text);
    close (dir);
    umount2 (job.path, MNT_DETACH);
}

static void a_limit_below_usage_kills_nobody (void)
{
    uint64_t bytes = mib (40);
    struct memcg_usage u = { 0 };
    struct tproc p;
    struct tcg job;

    t_make (&job, &base, "job");
    t_open (&job, MW_LAYOUT_LEAF, mib (96));
    p = t_spawn (&job, t_touch_and_stay, &bytes);
    while (u.used < bytes && !t_ended (&p, 5))
        T_CHECK (job.m.ops->read_usage (&job.m, &u, &err) == 0, "%s", err.text);
    if (t_v2) {
        T_CHECK (job.m.ops->set_limit (&job.m, mib (16), MIB, &err) == 0, "%s",
                 err.text);
        expect (&job.m, MEMCG_OOM, "job");
    } else {
        T_CHECK (job.m.ops->set_limit (&job.m, mib (16), 0, &err) < 0 &&
                 errno == EBUSY, "set_limit: %s", strerror (errno));
        T_CHECK (job.m.set_limit == mib (96), "it says it was set");
    }
    T_CHECK (!t_ended (&p, 100), "the process was killed");
    kill_all (&job.m);
    expect_killed (&p);
}

static void memory_and_swap_move_together (void)
{
    static const char memsw[] = "memory.memsw.limit_in_bytes";
    struct tcg job;
    uint64_t v;

    t_make (&job, &base, "job");
    T_CHECK (cg_write_u64 (job.dir, "memory.limit_in_bytes", mib (32)) == 0 &&
             cg_write_u64 (job.dir, memsw, mib (40)) == 0, "%s",
             strerror (errno));
    t_open (&job, MW_LAYOUT_LEAF, 0);
    set_limit (&job.m, mib (64));
    T_CHECK (cg_read_u64 (job.dir, memsw, &v) == 0 && v == mib (72),
             "raised to %lu", (unsigned long) v);
    set_limit (&job.m, mib (32));
    T_CHECK (cg_read_u64 (job.dir, memsw, &v) == 0 && v == mib (40),
             "lowered to %lu", (unsigned long) v);
}

static void a_reservation_is_carried_by_the_ancestors (void)
{
    struct tcg a, b;
    uint64_t v;

    t_make (&a, &base, "a");
    t_make (&b, &base, "b");
    t_open (&a, MW_LAYOUT_LEAF, 0);
    t_open (&b, MW_LAYOUT_LEAF, 0);
    T_CHECK (a.m.ops->set_reservation (&a.m, mib (16), &err) == 0, "%s",
             err.text);
    T_CHECK (b.m.ops->set_reservation (&b.m, mib (8), &err) == 0, "%s",
             err.text);
    T_CHECK (cg_read_u64 (a.dir, "memory.low", &v) == 0 && v == mib (16), "a");
    T_CHECK (cg_read_u64 (base.dir, "memory.low", &v) == 0 && v == mib (24),
             "parent: %lu", (unsigned long) v);
}

/* Beyond memory.high a task gets on by about a MiB a second, so what is asked is
 * not how many ms it took on this machine, but that the verdict comes while the
 * process is still at it; by how much is printed. */
static void anon_beyond_the_limit_is_seen_in_time (void)
{
    uint64_t bytes = mib (80), seen;
    struct memcg_usage u = { 0 };
    struct tproc p, watch;
    struct tcg job;
    volatile uint64_t *at = mmap (NULL, 4096, PROT_READ | PROT_WRITE,
                                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    t_make (&job, &base, "job");
    t_open (&job, MW_LAYOUT_LEAF, mib (32));
    p = t_spawn (&job, t_touch, &bytes);
    watch.pid = fork ();        /* an observer of its own, by busy reading */
    if (watch.pid == 0) {
        prctl (PR_SET_PDEATHSIG, SIGKILL);
        while (u.used <= mib (32))
            job.m.ops->read_usage (&job.m, &u, NULL);
        *at = t_now_us ();
        _exit (0);
    }
    expect (&job.m, MEMCG_OOM, "job");
    seen = t_now_us ();
    T_CHECK (!t_ended (&p, 0), "the process had touched all of it before");
    waitpid (watch.pid, NULL, 0);
    printf ("%ld ms\n", (long) (seen - *at) / 1000);
    kill_all (&job.m);
    expect_killed (&p);
}

static const struct {
    const char *name;
    void (*fn) (void);
} promises[] = {
#define PROMISE(name) { #name, name }
    PROMISE (oom_waits_for_the_limit),
    PROMISE (oom_of_the_pool_is_not_the_jobs),
    PROMISE (oom_of_a_job_is_not_its_neighbours),
    PROMISE (oom_of_tasks_deep_below_is_the_jobs),
    PROMISE (a_limit_lowered_by_another_is_put_back),
    PROMISE (disarm_gives_the_killer_back),
    PROMISE (a_kernel_kill_is_told_once),
    PROMISE (anon_shmem_and_locked_count_once),
    PROMISE (streaming_files_is_no_oom),
    PROMISE (reclaim_takes_the_cache),
    PROMISE (the_frozen_die),
    PROMISE (freeze_stops_and_thaw_goes_on),
    PROMISE (a_fork_bomb_is_killed_whole),
    PROMISE (without_cgroup_kill_a_fork_bomb_is_killed_whole),
    PROMISE (slurmstepd_is_spared),
    PROMISE (the_extern_step_is_killed_but_not_signalled),
    PROMISE (a_removed_directory_is_gone),
    PROMISE (a_successor_of_the_same_name_is_never_touched),
    PROMISE (what_is_no_job_memcg_is_refused),
    PROMISE (a_read_only_tree_is_a_clear_error),
    PROMISE (a_limit_below_usage_kills_nobody),
    PROMISE (memory_and_swap_move_together),
    PROMISE (a_reservation_is_carried_by_the_ancestors),
    PROMISE (anon_beyond_the_limit_is_seen_in_time),
};

int main (int argc, char **argv)
{
    if (argc == 2 && !strcmp (argv[1], "--stay"))
        return stay (NULL);
    for (size_t i = 0; argc == 2 &&
             i < sizeof (promises) / sizeof (promises[0]); i++) {
        if (!strcmp (argv[1], promises[i].name)) {
            t_init (&base);
            promises[i].fn ();
            return 0;
        }
    }
    fprintf (stderr, "usage: memcg_probe PROMISE\n");
    return 2;
}
