/* cgtest.h - real memcgs for test programs: made, filled, and removed again
 *
 * A failure says why on stderr and exits 1; whatever was made is removed then
 * too.  Limits are small, so that the machine itself never runs short.
 */
#ifndef CGTEST_H
#define CGTEST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "handler/memcg/memcg.h"

#define MIB (UINT64_C (1) << 20)
#define T_PATIENCE 60000 /* ms; the VM is up to 20 times slower */

struct tcg {
    char path[256];
    char freezer_path[256]; /* "" on v2 */
    int dir, freezer;
    struct memcg m;
};

struct tproc {
    pid_t pid;
    int done; /* reads EOF when the process has ended */
};

extern bool t_v2;

/* Say why and exit. */
void t_die (const char *fmt, ...)
    __attribute__ ((noreturn, format (printf, 1, 2)));

#define T_CHECK(cond, ...) \
    do { \
        if (!(cond)) \
            t_die (__VA_ARGS__); \
    } while (0)

/* Find the hierarchy and make [base], the parent of all that follows. */
void t_init (struct tcg *base);

/* Make child [name] of [parent], in the freezer hierarchy too.  Does not open
 *   its memcg. */
void t_make (struct tcg *c, const struct tcg *parent, const char *name);

/* Open its memcg; with a limit and armed, unless [limit] is 0. */
void t_open (struct tcg *c, enum mw_layout layout, uint64_t limit);

/* Close it and remove its directories (which must be empty of processes). */
void t_remove (struct tcg *c);

/* Fork a process that joins [c] and then runs [fn]; its value is the exit
 *   status. */
struct tproc t_spawn (const struct tcg *c, int (*fn) (void *arg), void *arg);

/* Wait for its end. Returns the wait status; dies after T_PATIENCE. */
int t_join (struct tproc *p);

/* Has it ended by now? */
bool t_ended (const struct tproc *p, int timeout_ms);

/* Wait as the warden does, by event and back-off, until check() says anything
 *   but MEMCG_QUIET, or [timeout_ms] have passed. */
enum memcg_state t_wait (struct memcg *m, int timeout_ms);

/* Work for t_spawn: touch [*(uint64_t *) arg] bytes of anon memory, exit 0. */
int t_touch (void *arg);

/* … and then sleep until killed. */
int t_touch_and_stay (void *arg);

uint64_t t_now_us (void);

#endif /* !CGTEST_H */
