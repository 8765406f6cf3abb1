/* typed.h - what somebody has typed at the prompt of memwarden look: text in, meaning out */
#ifndef MW_CLI_TYPED_H
#define MW_CLI_TYPED_H

#include <stdint.h>

#include "lib/err.h"
#include "lib/ladder.h"

enum typed_kind {
    TYPED_AGAIN, /* look again; also an empty line */
    TYPED_WHERE, /* … with where its tasks sleep */
    TYPED_GROW,  /* raise its limit by [bytes] */
    TYPED_RESUME,
    TYPED_DO, /* the step [step] of a ladder, to [pid] where that is not 0 */
    TYPED_HELP,
    TYPED_QUIT
};

struct typed {
    enum typed_kind kind;
    uint64_t bytes;
    long pid;
    char step[MW_LADDER_STRLEN];
    const char
        *sure; /* what to ask before it is done, with [pid] behind it; NULL =
                         nothing */
};

/* Read [line], which is changed, into [t]: a command by its name or its first letter, and
 *   what it takes.  What a step may be is the ladder's grammar.
 * Returns 0; -1 with errno EINVAL or ERANGE and what would be right. */
int typed_read (char *line, struct typed *t, struct mw_err *err);

#endif /* !MW_CLI_TYPED_H */
