/* memcg_probe_oom.c - out of memory, and the limit */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/cgfile.h"
#include "test/bin/memcg_probe.h"

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

/* The job and its parent may hold the same: what its neighbour has decides
 * whose limit is hit first, and no OOM is lost on the way. */
static void with_equal_limits_no_oom_is_lost (void)
{
    uint64_t bytes = mib (48), some = 4 * MIB;
    uint64_t end = t_now_us () + T_PATIENCE * 1000;
    struct memcg_usage u = { 0 };
    struct tcg pool, job, next;
    struct tproc p, q;

    t_make (&pool, &base, "pool");
    t_make (&job, &pool, "job");
    t_make (&next, &pool, "next");
    t_open (&pool, MW_LAYOUT_LEAF, mib (32));
    t_open (&job, MW_LAYOUT_LEAF, mib (32));
    t_open (&next, MW_LAYOUT_LEAF, mib (32));
    q = t_spawn (&next, t_touch_and_stay, &some);
    do
        T_CHECK (next.m.ops->read_usage (&next.m, &u, &err) == 0 &&
                     t_now_us () < end,
                 "next does not get its memory");
    while (u.used < some);
    p = t_spawn (&job, t_touch, &bytes);
    expect (&pool.m, MEMCG_OOM, "pool");
    if (!t_v2) /* there the job gets on, slowly, to its own limit */
        expect (&job.m, MEMCG_PARENT_OOM, "job");
    expect (&next.m, t_v2 ? MEMCG_QUIET : MEMCG_PARENT_OOM, "next");
    set_limit (&pool.m, mib (128));
    /* on v1 the parent's OOM lasts until the task has tried again */
    while (t_wait (&job.m, T_PATIENCE) == MEMCG_PARENT_OOM)
        T_CHECK (t_now_us () < end, "the pool's OOM does not end");
    expect (&job.m, MEMCG_OOM, "job, then");
    T_CHECK (!t_ended (&p, 0), "the process ended at the limit");
    expect (&next.m, MEMCG_QUIET, "next, then");
    set_limit (&job.m, mib (128));
    expect_ok (&p);
    kill_all (&next.m);
    expect_killed (&q);
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
                 cg_write_u64 (job.dir, "memory.max", mib (100)) == 0,
             "%s", strerror (errno));
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
    rc = t_v2 ? cg_write_u64 (job.dir, "memory.max", mib (24))
              : cg_write (job.dir, "memory.oom_control", "0");
    T_CHECK (rc == 0, "%s", strerror (errno));
    p = t_spawn (&job, t_touch, &bytes);
    expect_killed (&p);
    expect (&job.m, MEMCG_KERNEL_KILL, "job");
    expect (&job.m, MEMCG_QUIET, "then");
}

static void a_limit_below_usage_kills_nobody (void)
{
    uint64_t bytes = mib (40), wall = 0;
    struct memcg_usage u = { 0 };
    struct tproc p;
    struct tcg job;

    t_make (&job, &base, "job");
    t_open (&job, MW_LAYOUT_LEAF, mib (96));
    p = t_spawn (&job, t_touch_and_stay, &bytes);
    while (u.used < bytes && !t_ended (&p, 5))
        T_CHECK (job.m.ops->read_usage (&job.m, &u, &err) == 0, "%s", err.text);
    T_CHECK (job.m.ops->set_limit (&job.m, mib (16), MIB, &err) == 0, "%s",
             err.text);
    T_CHECK (job.m.set_limit == mib (16), "it forgot what was asked");
    if (t_v2)
        expect (&job.m, MEMCG_OOM, "job");
    else
        T_CHECK (job.m.ops->read_usage (&job.m, &u, &err) == 0 &&
                     cg_read_u64 (job.m.dir, "memory.limit_in_bytes", &wall) ==
                         0 &&
                     wall >= u.total && wall < mib (96),
                 "the wall is at %" PRIu64 ", used are %" PRIu64, wall,
                 u.total);
    T_CHECK (!t_ended (&p, 100), "the process was killed");
    kill_all (&job.m);
    expect_killed (&p);
}

/* Beyond memory.high a task gets on by about a MiB a second, so what is asked
 * is not how many ms it took on this machine, but that the verdict comes while
 * the process is still at it; by how much is printed. */
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
    watch.pid = fork (); /* an observer of its own, by busy reading */
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
    printf ("%ld ms\n", seen > *at ? (long) (seen - *at) / 1000 : 0);
    kill_all (&job.m);
    expect_killed (&p);
}

const struct promise memcg_probe_oom[] = {
    PROMISE (oom_waits_for_the_limit),
    PROMISE (oom_of_the_pool_is_not_the_jobs),
    PROMISE (oom_of_a_job_is_not_its_neighbours),
    PROMISE (with_equal_limits_no_oom_is_lost),
    PROMISE (oom_of_tasks_deep_below_is_the_jobs),
    PROMISE (a_limit_lowered_by_another_is_put_back),
    PROMISE (disarm_gives_the_killer_back),
    PROMISE (a_kernel_kill_is_told_once),
    PROMISE (a_limit_below_usage_kills_nobody),
    PROMISE (anon_beyond_the_limit_is_seen_in_time),
    { NULL, NULL }
};
