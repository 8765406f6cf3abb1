/* ahead.h - the file of the write-ahead journal, in memory
 *
 * It is mapped, and there is room in it before it is needed: what is appended between
 * an event and its deed calls nobody.  In /run, which is memory, and locked there as
 * all of the warden is, it is never waited for.
 */
#ifndef MW_AHEAD_H
#define MW_AHEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

struct ahead {
    int fd;
    char *map;
    size_t room;   /* bytes that are mapped: the whole file */
    size_t len;    /* bytes that are lines */
    uint64_t torn; /* bytes of a half line wiped out at open */
};

/* Open [name] in directory [dir]; [fresh]: it is made, and must not be there.  A half
 *   line at its end is wiped out.
 * Returns 0, also where the disk is too full for any room; -1 with errno. */
int ahead_open (struct ahead *a, int dir, const char *name, bool fresh,
                struct mw_err *err);
void ahead_close (struct ahead *a);

/* Append the line [text] of [len] bytes, with its newline: whole or not at all,
 *   whenever this process is killed.  Makes room where ahead_prepare did not.
 * Returns 0; -1 with errno (ENOSPC, …). */
int ahead_append (struct ahead *a, const char *text, size_t len);

/* Make room for the next lines, at a quiet moment. Returns 0; -1 with errno. */
int ahead_prepare (struct ahead *a);

/* The next line that is not empty from [*at] on (0: the first), which goes on behind
 *   it.  [*len] is with its newline, where it has one.  Returns it; NULL: there is none.
 */
const char *ahead_next (const struct ahead *a, size_t *at, size_t *len);

#endif /* !MW_AHEAD_H */
