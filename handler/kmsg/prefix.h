/* prefix.h - what a log's keeper put before the kernel's message: pure
 *
 * A message begins where a known form of a prefix ends, never later: what
 * follows may be a user's words.  Where a prefix names who spoke, and it is not
 * the kernel, the line is nothing.
 */
#ifndef MW_KMSG_PREFIX_H
#define MW_KMSG_PREFIX_H

#include <stdbool.h>

#include "handler/kmsg/kmsg.h"

/* What the lines of a log were seen to have before the message. */
struct kmsg_habits {
    bool stamped;   /* something */
    bool tagged;    /* … the word "kernel:" */
    bool bare_host; /* … a time and a host, and nothing else */
};

/* What stands before a message. */
struct kmsg_prefix {
    char time[KMSG_TIME_MAX];
    char printed[KMSG_TIME_MAX]; /* the kernel's own time, "9.100000" */
    char host[KMSG_HOST_MAX];
    bool stamped, tagged, bare_host; /* as in habits */
    bool foreign;                    /* it is not the kernel's */
    char caller[KMSG_CALLER_MAX];    /* "T1961" (CONFIG_PRINTK_CALLER) */
};

/* Find what the kernel said in [line], tamed, of a log that has these [habits];
 *   what is before it is told in [*p], a time and a host only where it has none.
 * Returns where it begins, or NULL. */
const char *kmsg_prefix (const struct kmsg_habits *habits, const char *line,
                         struct kmsg_prefix *p);

#endif /* !MW_KMSG_PREFIX_H */
