/* memcg_probe.h - what the promises of memcg_probe have in common */
#ifndef MEMCG_PROBE_H
#define MEMCG_PROBE_H

#include "test/bin/cgtest.h"

struct promise {
    const char *name;
    void (*fn) (void);
};
/* clang-format off */
#define PROMISE(name) { #name, name }
/* clang-format on */

/* Each ends with a NULL name. */
extern const struct promise memcg_probe_oom[], memcg_probe_usage[],
    memcg_probe_kill[], memcg_probe_gone[], memcg_probe_listen[];

extern struct tcg base; /* parent of all that a promise makes */
extern struct mw_err err;

/* Slurm's tree, made before the job is armed. */
struct tree {
    struct tcg job, step, user, task;
};

uint64_t mib (uint64_t n);

/* What [m]'s next event says must be [want]; [who] is for the sentence. */
void expect (struct memcg *m, enum memcg_state want, const char *who);

void set_limit (struct memcg *m, uint64_t limit);
void kill_all (struct memcg *m);

/* [p] ends with 0, or of SIGKILL. */
void expect_ok (struct tproc *p);
void expect_killed (struct tproc *p);

void make_tree (struct tree *t, uint64_t limit);

/* Work for t_spawn: sleep until killed. */
int stay (void *arg);

#endif /* !MEMCG_PROBE_H */
