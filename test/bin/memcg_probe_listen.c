/* memcg_probe_listen.c - a memcg that is only listened to (shadow mode) */
#include <errno.h>
#include <string.h>

#include "lib/cgfile.h"
#include "test/bin/memcg_probe.h"

/* Nor does anything come: what is told, is told by an event. */
static void expect_silence (struct memcg *m, const char *who)
{
    enum memcg_state s = t_wait (m, 500);

    T_CHECK (s == MEMCG_QUIET, "%s: state %d, not %d", who, s, MEMCG_QUIET);
}

static void give (const struct tcg *c, uint64_t limit)
{
    T_CHECK (cg_write_u64 (c->dir,
                           t_v2 ? "memory.max" : "memory.limit_in_bytes",
                           limit) == 0,
             "%s: %s", c->path, strerror (errno));
}

static void listen_to (struct tcg *c, enum mw_layout layout)
{
    t_open (c, layout, 0);
    c->m.shadow = true;
    T_CHECK (c->m.ops->listen (&c->m, &err) == 0, "%s", err.text);
}

static void what_is_listened_to_tells_the_kernels_kill_once (void)
{
    uint64_t bytes = mib (64);
    struct tproc p;
    struct tcg job;

    t_make (&job, &base, "job");
    give (&job, mib (32));
    listen_to (&job, MW_LAYOUT_LEAF);
    expect_silence (&job.m, "before");
    for (int i = 0; i < 2; i++) {
        p = t_spawn (&job, t_touch, &bytes);
        expect (&job.m, MEMCG_OOM, "job");
        T_CHECK (job.m.hit_kills == 1 && job.m.hit_limit == mib (32),
                 "%u killed at %lu", job.m.hit_kills,
                 (unsigned long) job.m.hit_limit);
        expect_killed (&p);
        expect_silence (&job.m, "then");
    }
}

static void heard_at_a_step_it_is_the_jobs (void)
{
    uint64_t bytes = mib (64);
    struct tcg job, step, user, task;
    struct tproc p;

    t_make (&job, &base, "job");
    t_make (&step, &job, "step_0");
    t_make (&user, &step, "user");
    t_make (&task, &user, "task_0");
    give (&job, mib (32));
    give (&step, mib (32));
    listen_to (&job, MW_LAYOUT_SLURM);
    p = t_spawn (&task, t_touch, &bytes);
    expect (&job.m, MEMCG_OOM, "job");
    expect_killed (&p);
    /* the end of a step is none */
    t_remove (&task);
    t_remove (&user);
    t_remove (&step);
    expect_silence (&job.m, "job without its step");
}

static void heard_of_the_pool_it_is_not_the_jobs (void)
{
    uint64_t bytes = mib (64);
    struct tcg pool, a, b;
    struct tproc p;

    t_make (&pool, &base, "pool");
    t_make (&a, &pool, "a");
    t_make (&b, &pool, "b");
    give (&pool, mib (32));
    give (&a, mib (512));
    listen_to (&a, MW_LAYOUT_LEAF);
    listen_to (&b, MW_LAYOUT_LEAF);
    p = t_spawn (&a, t_touch, &bytes);
    expect (&a.m, MEMCG_KERNEL_KILL, "a");
    expect_silence (&b.m, "b");
    expect_killed (&p);
}

const struct promise memcg_probe_listen[] = {
    PROMISE (what_is_listened_to_tells_the_kernels_kill_once),
    PROMISE (heard_at_a_step_it_is_the_jobs),
    PROMISE (heard_of_the_pool_it_is_not_the_jobs),
    { NULL, NULL }
};
