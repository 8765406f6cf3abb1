/* memcg_probe.c - one promise of handler/memcg.h on real memcgs, by name
 *
 *     memcg_probe PROMISE      exit 0: kept; else a sentence on stderr
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/bin/memcg_probe.h"

struct tcg base;
struct mw_err err;

uint64_t mib (uint64_t n)
{
    return n * MIB;
}

void expect (struct memcg *m, enum memcg_state want, const char *who)
{
    enum memcg_state s = t_wait (m, want == MEMCG_QUIET ? 0 : T_PATIENCE);

    T_CHECK (s == want, "%s: state %d, not %d", who, s, want);
}

void set_limit (struct memcg *m, uint64_t limit)
{
    T_CHECK (m->ops->set_limit (m, limit, 64 * MIB, &err) == 0, "%s", err.text);
}

void kill_all (struct memcg *m)
{
    uint64_t end = t_now_us () + T_PATIENCE * 1000;
    unsigned left;

    do {
        T_CHECK (m->ops->kill (m, &left, &err) == 0, "%s", err.text);
        T_CHECK (t_now_us () < end, "%u are left", left);
    } while (left > 0);
}

void expect_ok (struct tproc *p)
{
    int status = t_join (p);

    T_CHECK (status == 0, "a process ended by status 0x%x", status);
}

void expect_killed (struct tproc *p)
{
    int status = t_join (p);

    T_CHECK (WIFSIGNALED (status) && WTERMSIG (status) == SIGKILL,
             "a process was not killed, but: 0x%x", status);
}

void make_tree (struct tree *t, uint64_t limit)
{
    t_make (&t->job, &base, "not_called_job_1");
    t_make (&t->step, &t->job, "step_0");
    if (t_v2)
        t_make (&t->user, &t->step, "user");
    t_make (&t->task, t_v2 ? &t->user : &t->step, "task_0");
    t_open (&t->job, MW_LAYOUT_SLURM, limit);
}

int stay (void *arg)
{
    (void) arg;
    while (pause () < 0)
        ;
    return 0;
}

static const struct promise *find (const char *name)
{
    static const struct promise *const all[] = {
        memcg_probe_oom,  memcg_probe_usage,  memcg_probe_kill,
        memcg_probe_gone, memcg_probe_listen,
    };

    for (size_t i = 0; i < sizeof (all) / sizeof (all[0]); i++) {
        for (const struct promise *p = all[i]; p->name; p++) {
            if (!strcmp (name, p->name))
                return p;
        }
    }
    return NULL;
}

int main (int argc, char **argv)
{
    const struct promise *promise = argc == 2 ? find (argv[1]) : NULL;

    if (argc == 2 && !strcmp (argv[1], "--stay"))
        return stay (NULL);
    if (promise) {
        t_init (&base);
        promise->fn ();
        return 0;
    }
    fprintf (stderr, "usage: memcg_probe PROMISE\n");
    return 2;
}
