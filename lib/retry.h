/* retry.h - how often, and with how much more memory, a job is to be run again
 *
 *     retry = "off" | "x" F ["," "max=" SIZE] ["," "tries=" N]
 *
 * for example "x1.5,max=64G,tries=3": after an OOM of its own making the job is
 * requeued with its measured peak times 1.5, with 64 GiB at most, three times at
 * most (sbatch --mem-retry, mem-retry in memwarden.conf).
 */
#ifndef MW_RETRY_H
#define MW_RETRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

#define MW_RETRY_STRLEN 64
#define MW_RETRY_FACTOR_MAX 100
#define MW_RETRY_TRIES 3 /* where it says nothing of them */
#define MW_RETRY_TRIES_MAX 100

struct mw_retry {
    bool off;       /* said to be none, whatever the default is */
    double factor;  /* 1..MW_RETRY_FACTOR_MAX; 0 = nothing is said */
    uint64_t max;   /* bytes of --mem; 0 = no bound of its own */
    unsigned tries; /* 1..MW_RETRY_TRIES_MAX where there is a factor */
};

/* Parse [text] into [retry].
 * Returns 0; -1 with errno EINVAL and what would be right in [err]; [retry] is
 *   untouched then. */
int mw_retry_parse (const char *text, struct mw_retry *retry,
                    struct mw_err *err);

/* Write [retry] so that mw_retry_parse gives it back; "" where nothing is said.
 * Returns [buf]. */
char *mw_retry_format (const struct mw_retry *retry, char *buf, size_t len);

/* Is there a retry at all? */
bool mw_retry_is (const struct mw_retry *retry);

/* Hold [retry] to [cap], if it says anything. Returns true where that has cut
 *   it. */
bool mw_retry_clamp (struct mw_retry *retry, const struct mw_retry *cap);

#endif /* !MW_RETRY_H */
