/* proclimit.h - what one process of a job may hold, and what is done to one that holds more
 *
 *     proc-limit = SIZE [":" action *("," action)] | "none"
 *
 * for example "2G:signal=USR1@30s,kill".  The actions are steps of a ladder (ladder.h),
 * each for that process alone, and for as long as it is above: none but those that are
 * written, in their order; where none is written, kill.
 */
#ifndef MW_PROCLIMIT_H
#define MW_PROCLIMIT_H

#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/ladder.h"

#define MW_PROCLIMIT_STRLEN 256

struct mw_proclimit {
    uint64_t bytes;           /* anonymous, shared and swap; 0 = none */
    struct mw_ladder actions; /* all of MW_TARGET_PID */
};

/* Parse [text] into [limit].
 * Returns 0; -1 with errno EINVAL or ERANGE and in [err] a sentence that says what would
 *   be right, for an action with a caret as mw_ladder_parse; [limit] is untouched then. */
int mw_proclimit_parse (const char *text, struct mw_proclimit *limit,
                        struct mw_err *err);

/* Write the limit of [bytes] with [actions] (not looked at where it is 0: "none") so that
 *   mw_proclimit_parse gives it back. Returns [buf]. */
char *mw_proclimit_format (uint64_t bytes, const struct mw_ladder *actions,
                           char *buf, size_t len);

#endif /* !MW_PROCLIMIT_H */
