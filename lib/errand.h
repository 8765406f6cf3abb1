/* errand.h - a program that is run for somebody, bounded in time and in words
 *
 * Text on its standard input; what it writes is kept, as one line, as far as there is
 * room, and the rest is read all the same, so that it never stands still for a full
 * pipe.
 */
#ifndef MW_ERRAND_H
#define MW_ERRAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define ERRAND_TEXT_MAX 512
#define ERRAND_LINE " | " /* what stands for a newline in [text] */

struct errand {
    pid_t pid;
    int pidfd, out;             /* pidfd: -1 before Linux 5.3 */
    char text[ERRAND_TEXT_MAX]; /* control characters tamed */
    size_t len;
    bool newline; /* one is owed before the next byte */
};

/* In the child, its descriptors 0 to 2 being set; does not return. */
typedef void errand_exec (const void *arg);

/* Fork a child that calls [exec] with [arg]; [input], shorter than what a pipe holds
 *   (4096 bytes), is on its standard input.  Sets [e]; errand_close it.
 * Returns 0; -1 with errno. */
int errand_start (struct errand *e, const char *input, errand_exec *exec,
                  const void *arg);

enum errand_end {
    ERRAND_ENDED,     /* waitpid(2) tells how */
    ERRAND_LATE,      /* its time is over; it may still be there, as below */
    ERRAND_POINTLESS, /* [target] has ended before it */
    ERRAND_ALONE,     /* [master] is gone */
};

/* A program that looks at a process has so long yet when that has ended. */
#define ERRAND_GRACE_MS 1000

/* Read what it writes until it ends, or [end] (clock_ms), or the other end of the pipe
 *   [master] (-1: none) is closed, or [target], a pidfd (-1: none), has ended and
 *   ERRAND_GRACE_MS are over. */
enum errand_end errand_follow (struct errand *e, uint64_t end, int master,
                               int target);

/* Close its descriptors. */
void errand_close (struct errand *e);

#endif /* !MW_ERRAND_H */
