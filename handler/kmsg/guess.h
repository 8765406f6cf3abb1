/* guess.h - the kernel's words behind a prefix that nobody has told us of
 *
 * A report's lines have known beginnings; what stands before them is the
 * log's, and alike in every line.  It is learned from lines that only a report
 * has, never from a kill alone, which others repeat in their own words.  Pure.
 */
#ifndef MW_KMSG_GUESS_H
#define MW_KMSG_GUESS_H

#include <stdbool.h>
#include <stddef.h>

#define KMSG_GUESS_SHAPES 4
#define KMSG_GUESS_SHAPE 128
#define KMSG_GUESS_LINE 1024

struct kmsg_guess {
    char shapes[KMSG_GUESS_SHAPES][KMSG_GUESS_SHAPE]; /* of prefixes */
    unsigned count;
    char head[KMSG_GUESS_LINE]; /* a report's first line, before it is clear
                                   where its process's name begins; or "" */
};

/* Find what the kernel says in [s], a line of no known form; to be called for
 *   each such line of a log.
 * Returns where it begins, or NULL.  Before it, the kernel said *[head], within
 *   [g], if that is not NULL. */
const char *kmsg_guess (struct kmsg_guess *g, const char *s, const char **head);

#endif /* !MW_KMSG_GUESS_H */
