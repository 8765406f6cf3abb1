/* terminals.h - whose job is held is told so at his terminals, as by write(1)
 *
 * Where the admin wants that (tell-terminals).  A terminal is written to where its owner is
 * the job's and lets others write (mesg(1)), and only as far as it takes it at once.
 */
#ifndef MW_TERMINALS_H
#define MW_TERMINALS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define TERMINALS_USERS 64   /* that are told at a time, each … */
#define TERMINALS_MS 30000   /* … once in so long */
#define TERMINALS_MAX 16     /* of one user's */
#define TERMINALS_LINES 4096 /* of utmp that are read */
#define TERMINALS_TEXT 256

/* Who was told last.  Zeroed it is empty. */
struct terminals {
    struct {
        uid_t uid;
        uint64_t ms; /* clock_ms; 0 = nobody */
    } told[TERMINALS_USERS];
};

/* [record] is new: tell whom it is for, where it is of now and says that a job is held, at
 *   its limit or for the node's sake, or by another than its owner.  Does not wait. */
void terminals_hear (struct terminals *t, const json_t *record);

/* Is [line], of utmp, the name of a terminal below /dev, "pts/3" or "tty1"? */
bool terminals_is_line (const char *line);

/* What is to be told of [record], a line with its end, into [text] of TERMINALS_TEXT bytes.
 * Returns false where that is nothing. */
bool terminals_text (const json_t *record, char *text);

/* Is [uid] to be told at [now] (clock_ms)?  Not again so soon, nor when too many others are
 *   told.  If so, that is noted. */
bool terminals_due (struct terminals *t, uid_t uid, uint64_t now);

#endif /* !MW_TERMINALS_H */
