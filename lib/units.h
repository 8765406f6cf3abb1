/* units.h - sizes in bytes, durations in ms, as people write and read them */
#ifndef MW_UNITS_H
#define MW_UNITS_H

#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

#define MW_KIB (UINT64_C (1) << 10)
#define MW_MIB (UINT64_C (1) << 20)
#define MW_GIB (UINT64_C (1) << 30)

/* The smaller of two sizes. */
static inline uint64_t mw_least (uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

enum mw_amount_kind {
    MW_AMOUNT_NONE = 0, /* not given */
    MW_AMOUNT_BYTES,    /* "512M" */
    MW_AMOUNT_FACTOR,   /* "x1.5" */
    MW_AMOUNT_PERCENT,  /* "25%" */
};

/* A size that may be relative to another one. */
struct mw_amount {
    enum mw_amount_kind kind;
    uint64_t bytes; /* MW_AMOUNT_BYTES */
    double ratio;   /* MW_AMOUNT_FACTOR: 1.5; MW_AMOUNT_PERCENT: 0.25 */
};

/* Parse [text] as a size: a decimal number, a fraction allowed, and a unit
 *   K, M, G, T or P in powers of 1024, optionally followed by "B" or "iB", in
 *   either case; "B" alone is bytes.  "0" needs no unit; any other bare number
 *   is refused, because Slurm reads it as MiB and people as bytes.
 * Returns 0 and sets [*bytes]; -1 with errno EINVAL (not a size) or ERANGE
 *   (negative, or over INT64_MAX) and a sentence in [err]. */
int mw_size_parse (const char *text, uint64_t *bytes, struct mw_err *err);

/* Parse [text] as SIZE, xF (a factor, "x1.5") or P% into [amount].
 * Returns 0; -1 as mw_size_parse does. */
int mw_amount_parse (const char *text, struct mw_amount *amount,
                     struct mw_err *err);

/* What [amount] is of [base] bytes (a factor or a share of it, or the bytes it
 *   names); [dflt] where it is MW_AMOUNT_NONE.  Saturates at INT64_MAX. */
uint64_t mw_amount_of (const struct mw_amount *amount, uint64_t base,
                       uint64_t dflt);

/* Write [amount] as it would be typed ("512M", "x1.5", "25%"). Returns
 * [buf]. */
char *mw_amount_format (const struct mw_amount *amount, char *buf, size_t len);

#define MW_SIZE_STRLEN 24

/* Write [bytes] for a reader: "2.0 GiB", "512 KiB", "17 B". Returns [buf]. */
char *mw_size_format (uint64_t bytes, char *buf, size_t len);

/* Write [bytes] so that mw_size_parse and Slurm's --mem give it back: in the
 *   largest of K, M, G that divides it; not a multiple of 1024: with "B". */
char *mw_size_exact (uint64_t bytes, char *buf, size_t len);

/* Parse [text] as a duration: a decimal number and ms, s, m, h or d; a bare
 *   number is seconds, as sleep(1) takes it.
 * Returns 0 and sets [*ms]; -1 with errno EINVAL or ERANGE (over 365 days). */
int mw_duration_parse (const char *text, uint64_t *ms, struct mw_err *err);

/* Write [ms] for a reader and for mw_duration_parse: "30s", "10m", "1500ms". */
char *mw_duration_format (uint64_t ms, char *buf, size_t len);

/* Parse [text] as a priority: a whole number, 0 to 1000 (doc/design.md, 1).
 * Returns 0; -1 with errno EINVAL or ERANGE and what is allowed in [err]. */
int mw_priority_parse (const char *text, unsigned *priority,
                       struct mw_err *err);

#define MW_PRIORITY_DEFAULT 500
#define MW_PRIORITY_MAX 1000

#endif /* !MW_UNITS_H */
