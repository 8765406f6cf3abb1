/* stopped.h - processes of a job that are stopped one by one
 *
 * By SIGSTOP, where the freezer would stop the whole job.  The kernel does not say who has
 * stopped a process: so who it is is on record before, by its number and start time, in the
 * journal and in an attribute of the job's memcg, and whoever comes later sends SIGCONT to
 * those and to nobody else.
 */
#ifndef MW_STOPPED_H
#define MW_STOPPED_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/err.h"

#define STOPPED_MAX 8    /* of one job at a time */
#define STOPPED_TEXT 320 /* STOPPED_MAX of "PID:START:WHY " */

/* Why is one stopped?  The numbers are on record. */
enum stopped_why {
    STOPPED_HELD,     /* it waits */
    STOPPED_BY_TURNS, /* it is slowed: it runs in between */
    STOPPED_FOR_HOOK, /* a hook looks at it */
};

struct stopped {
    unsigned n;
    struct stopped_one {
        pid_t pid;
        uint64_t started; /* live_began */
        enum stopped_why why;
        bool seen; /* it stood still at a look; forgotten at a restart */
    } one[STOPPED_MAX];
};

/* Put [pid] there, whose number is to be held by a pidfd. Returns 0; -1 with errno ESRCH
 *   (it has ended), EBUSY (there is no room for one more) and a sentence. */
int stopped_add (struct stopped *s, pid_t pid, enum stopped_why why,
                 struct mw_err *err);

/* The place of [pid] in [s]; -1. */
int stopped_find (const struct stopped *s, pid_t pid);

void stopped_drop (struct stopped *s, unsigned at);

/* [signo], which is SIGSTOP or SIGCONT, to [one], and to nobody who has its number by now.
 *   Returns 0; -1 with errno: ESRCH, it has ended. */
int stopped_send (const struct stopped_one *one, int signo);

enum stopped_look {
    STOPPED_ENDED,
    STOPPED_STANDS,
    STOPPED_RUNS,
    STOPPED_UNKNOWN, /* it sleeps in the kernel, or cannot be read */
};

enum stopped_look stopped_look (const struct stopped_one *one);

/* Let those of [s] go on; they are taken out of it, as who has ended is.
 * Returns how many do; -1 with errno where one could not be told, which stays in [s]. */
int stopped_let_all_go (struct stopped *s, struct mw_err *err);

/* As text, and back; what is none is nobody. */
char *stopped_format (const struct stopped *s, char buf[STOPPED_TEXT]);
void stopped_parse (const char *text, struct stopped *s);

/* Write [s] to the memcg [dir], or read it there; errno is kept. */
void stopped_mark (int dir, const struct stopped *s);
void stopped_marked (int dir, struct stopped *s);

#endif /* !MW_STOPPED_H */
