/* listen_probe.c - one promise about a memcg that is only listened to, by name
 *
 *     listen_probe PROMISE     exit 0: kept; else a sentence on stderr
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

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
    enum memcg_state s = t_wait (m, want == MEMCG_QUIET ? 500 : T_PATIENCE);

    T_CHECK (s == want, "%s: state %d, not %d", who, s, want);
}

static void expect_killed (struct tproc *p)
{
    int status = t_join (p);

    T_CHECK (WIFSIGNALED (status) && WTERMSIG (status) == SIGKILL,
             "a process was not killed, but: 0x%x", status);
}

static void give (const struct tcg *c, uint64_t limit)
{
    T_CHECK (cg_write_u64 (c->dir, t_v2 ? "memory.max"
                           : "memory.limit_in_bytes", limit) == 0,
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
    expect (&job.m, MEMCG_QUIET, "before");
    for (int i = 0; i < 2; i++) {
        p = t_spawn (&job, t_touch, &bytes);
        expect (&job.m, MEMCG_OOM, "job");
        T_CHECK (job.m.hit_kills == 1 && job.m.hit_limit == mib (32),
                 "%u killed at %lu", job.m.hit_kills,
                 (unsigned long) job.m.hit_limit);
        expect_killed (&p);
        expect (&job.m, MEMCG_QUIET, "then");
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
    expect (&job.m, MEMCG_QUIET, "job without its step");
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
    expect (&b.m, MEMCG_QUIET, "b");
    expect_killed (&p);
}

static const struct {
    const char *name;
    void (*fn) (void);
} promises[] = {
#define PROMISE(name) { #name, name }
    PROMISE (what_is_listened_to_tells_the_kernels_kill_once),
    PROMISE (heard_at_a_step_it_is_the_jobs),
    PROMISE (heard_of_the_pool_it_is_not_the_jobs),
};

int main (int argc, char **argv)
{
    for (size_t i = 0; argc == 2 &&
             i < sizeof (promises) / sizeof (promises[0]); i++) {
        if (!strcmp (argv[1], promises[i].name)) {
            t_init (&base);
            promises[i].fn ();
            return 0;
        }
    }
    fprintf (stderr, "usage: listen_probe PROMISE\n");
    return 2;
}
