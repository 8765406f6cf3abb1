/* units.c - sizes, durations and priorities as people write them
 *
 * Numbers are read and written by hand: strtod(3) and printf(3) follow the
 * locale's decimal point, and this code runs inside programs (srun, slurmstepd,
 * jobs) that may have set one; strtod also takes "inf", "nan" and hexadecimal.
 */
#include "lib/units.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Digits of a fraction that count; further ones are read and dropped. */
#define FRACTION_DIGITS 9
#define FRACTION_ONE UINT64_C (1000000000)

#define DAY_MS UINT64_C (86400000)
#define DURATION_MAX (365 * DAY_MS)
#define RATIO_MAX 1000.0

/* A decimal number: [whole] + [fraction] / FRACTION_ONE. */
struct number {
    bool negative;
    uint64_t whole;
    uint64_t fraction;
};

struct unit {
    const char *name;
    uint64_t worth;
};

static bool _is_digit (char c)
{
    return c >= '0' && c <= '9';
}

/* Read a number from [s]. Returns what follows it, or NULL with EINVAL (there
 * is none) or ERANGE (its whole part exceeds a uint64_t). */
static const char *_read_number (const char *s, struct number *n)
{
    uint64_t worth = FRACTION_ONE / 10;
    bool any = false;

    *n = (struct number) { .negative = *s == '-' };
    if (*s == '-' || *s == '+')
        s++;
    for (; _is_digit (*s); s++, any = true) {
        if (__builtin_mul_overflow (n->whole, 10, &n->whole) ||
            __builtin_add_overflow (n->whole, *s - '0', &n->whole)) {
            errno = ERANGE;
            return NULL;
        }
    }
    if (*s == '.') {
        for (s++; _is_digit (*s); s++, worth /= 10, any = true)
            n->fraction += worth * (uint64_t) (*s - '0');
    }
    if (!any) {
        errno = EINVAL;
        return NULL;
    }
    return s;
}

/* [n] times [worth], rounded down. Returns false where it exceeds [max]. */
static bool _units_times (const struct number *n, uint64_t worth, uint64_t max,
                          uint64_t *product)
{
    double part = (double) n->fraction / (double) FRACTION_ONE;

    return !__builtin_mul_overflow (n->whole, worth, product) &&
           !__builtin_add_overflow (*product,
                                    (uint64_t) (part * (double) worth),
                                    product) &&
           *product <= max;
}

static int _units_refuse (int error, struct mw_err *err, const char *what,
                          const char *text, const char *right)
{
    return mw_err_code (err, error, "%s \"%.40s\"; %s", what, text, right);
}

/* The worth of the unit [s] of a size, 0 where it is none. */
static uint64_t _size_unit (const char *s)
{
    static const char letters[] = "KMGTP";
    const char *at;
    char upper = *s >= 'a' && *s <= 'z' ? (char) (*s - 'a' + 'A') : *s;

    if (strcasecmp (s, "B") == 0)
        return 1;
    if (upper == '\0' || !(at = strchr (letters, upper)))
        return 0;
    if (s[1] != '\0' && strcasecmp (s + 1, "B") != 0 &&
        strcasecmp (s + 1, "iB") != 0)
        return 0;
    return UINT64_C (1) << (10 * (at - letters + 1));
}

int mw_size_parse (const char *text, uint64_t *bytes, struct mw_err *err)
{
    static const char right[] =
        "write a number and a unit, as in 512M or 1.5G (K, M, G, T, P, or B)";
    struct number n;
    uint64_t worth, product;
    const char *unit = _read_number (text, &n);

    if (!unit && errno == ERANGE)
        return _units_refuse (ERANGE, err, "too large a size", text,
                              "at most 8191P is allowed");
    if (!unit)
        return _units_refuse (EINVAL, err, "not a size:", text, right);
    if (n.negative)
        return _units_refuse (ERANGE, err, "negative size", text,
                              "write 0 or more");
    if (*unit == '\0' && n.whole == 0 && n.fraction == 0)
        worth = 1;
    else if (*unit == '\0')
        return _units_refuse (EINVAL, err, "size without a unit:", text, right);
    else if ((worth = _size_unit (unit)) == 0)
        return _units_refuse (EINVAL, err, "not a size:", text, right);
    if (!_units_times (&n, worth, INT64_MAX, &product))
        return _units_refuse (ERANGE, err, "too large a size", text,
                              "at most 8191P is allowed");
    *bytes = product;
    return 0;
}

/* Parse the number in [text] as a ratio after which only [tail] may follow. */
static int _parse_ratio (const char *text, const char *number, const char *tail,
                         double scale, double *ratio, struct mw_err *err)
{
    struct number n;
    const char *end = _read_number (number, &n);
    double value;

    if ((!end && errno == EINVAL) || (end && strcmp (end, tail) != 0))
        return _units_refuse (EINVAL, err, "not an amount:", text,
                              "write a SIZE (512M), a factor (x1.5) or a share "
                              "(25%)");
    value = end ? ((double) n.whole +
                   (double) n.fraction / (double) FRACTION_ONE) /
                      scale
                : 0;
    if (!end || n.negative || value > RATIO_MAX)
        return _units_refuse (ERANGE, err, "amount out of range:", text,
                              "from 0 to x1000 is allowed");
    *ratio = value;
    return 0;
}

int mw_amount_parse (const char *text, struct mw_amount *amount,
                     struct mw_err *err)
{
    struct mw_amount a = { .kind = MW_AMOUNT_BYTES };
    size_t len = strlen (text);
    int rc;

    if (text[0] == 'x' || text[0] == 'X') {
        a.kind = MW_AMOUNT_FACTOR;
        rc = _parse_ratio (text, text + 1, "", 1, &a.ratio, err);
    } else if (len > 0 && text[len - 1] == '%') {
        a.kind = MW_AMOUNT_PERCENT;
        rc = _parse_ratio (text, text, "%", 100, &a.ratio, err);
    } else {
        rc = mw_size_parse (text, &a.bytes, err);
    }
    if (rc == 0)
        *amount = a;
    return rc;
}

uint64_t mw_amount_of (const struct mw_amount *amount, uint64_t base,
                       uint64_t dflt)
{
    double product;

    switch (amount->kind) {
    case MW_AMOUNT_NONE:
        return dflt;
    case MW_AMOUNT_BYTES:
        return amount->bytes;
    case MW_AMOUNT_FACTOR:
    case MW_AMOUNT_PERCENT:
        break;
    }
    /* x1 must give back every byte, also beyond the 53 bits of a double */
    if (amount->ratio == 1.0)
        return base < INT64_MAX ? base : INT64_MAX;
    product = (double) base * amount->ratio;
    return product < 0x1p63 ? (uint64_t) product : INT64_MAX;
}

/* Write [value] in decimal, without needless zeros, and [tail]. */
static void _format_ratio (char *buf, size_t len, const char *head,
                           double value, const char *tail)
{
    uint64_t scaled = (uint64_t) (value * (double) FRACTION_ONE + 0.5);
    char digits[32];
    char *end;

    snprintf (digits, sizeof (digits), "%" PRIu64 ".%09" PRIu64,
              scaled / FRACTION_ONE, scaled % FRACTION_ONE);
    end = digits + strlen (digits);
    while (end[-1] == '0')
        *--end = '\0';
    if (end[-1] == '.')
        *--end = '\0';
    snprintf (buf, len, "%s%s%s", head, digits, tail);
}

char *mw_amount_format (const struct mw_amount *amount, char *buf, size_t len)
{
    switch (amount->kind) {
    case MW_AMOUNT_NONE:
        snprintf (buf, len, "%s", "");
        break;
    case MW_AMOUNT_BYTES:
        mw_size_exact (amount->bytes, buf, len);
        break;
    case MW_AMOUNT_FACTOR:
        _format_ratio (buf, len, "x", amount->ratio, "");
        break;
    case MW_AMOUNT_PERCENT:
        _format_ratio (buf, len, "", amount->ratio * 100, "%");
        break;
    }
    return buf;
}

char *mw_size_format (uint64_t bytes, char *buf, size_t len)
{
    static const char *const names[] = { "KiB", "MiB", "GiB", "TiB", "PiB" };
    unsigned i = 0;
    uint64_t worth = MW_KIB, tenths;

    if (bytes < MW_KIB) {
        snprintf (buf, len, "%" PRIu64 " B", bytes);
        return buf;
    }
    while (i < 4 && bytes / worth >= 1024) {
        worth <<= 10;
        i++;
    }
    tenths = bytes / worth * 10 + (bytes % worth * 10 + worth / 2) / worth;
    if (tenths >= 10240 && i < 4) { /* rounded up to the next unit */
        tenths = 10;
        i++;
    }
    if (tenths < 1000)
        snprintf (buf, len, "%" PRIu64 ".%" PRIu64 " %s", tenths / 10,
                  tenths % 10, names[i]);
    else
        snprintf (buf, len, "%" PRIu64 " %s", (tenths + 5) / 10, names[i]);
    return buf;
}

/* Write [value] in the first of the [units] (largest first) that divides it. */
static char *_format_exact (uint64_t value, const struct unit *units, char *buf,
                            size_t len)
{
    while (value % units->worth != 0)
        units++;
    snprintf (buf, len, "%" PRIu64 "%s", value / units->worth, units->name);
    return buf;
}

char *mw_size_exact (uint64_t bytes, char *buf, size_t len)
{
    static const struct unit units[] = {
        { "G", MW_GIB },
        { "M", MW_MIB },
        { "K", MW_KIB },
        { "B", 1 },
    };

    if (bytes == 0) {
        snprintf (buf, len, "0");
        return buf;
    }
    return _format_exact (bytes, units, buf, len);
}

static const struct unit _times_ms[] = {
    { "d", DAY_MS }, { "h", 3600000 }, { "m", 60000 },
    { "s", 1000 },   { "ms", 1 },
};

int mw_duration_parse (const char *text, uint64_t *ms, struct mw_err *err)
{
    static const char
        right[] = "write a number and ms, s, m, h or d, as in 30s or 10m";
    const size_t count = sizeof (_times_ms) / sizeof (_times_ms[0]);
    struct number n;
    uint64_t product;
    size_t i = 0;
    const char *unit = _read_number (text, &n);

    if (!unit && errno == EINVAL)
        return _units_refuse (EINVAL, err, "not a duration:", text, right);
    if (unit && *unit == '\0')
        unit = "s";
    while (unit && i < count && strcasecmp (unit, _times_ms[i].name) != 0)
        i++;
    if (i == count)
        return _units_refuse (EINVAL, err, "not a duration:", text, right);
    if (!unit || n.negative ||
        !_units_times (&n, _times_ms[i].worth, DURATION_MAX, &product))
        return _units_refuse (ERANGE, err, "duration out of range:", text,
                              "from 0 to 365d is allowed");
    *ms = product;
    return 0;
}

char *mw_duration_format (uint64_t ms, char *buf, size_t len)
{
    if (ms == 0) {
        snprintf (buf, len, "0s");
        return buf;
    }
    return _format_exact (ms, _times_ms, buf, len);
}

int mw_priority_parse (const char *text, unsigned *priority, struct mw_err *err)
{
    static const char right[] = "a whole number from 0 to 1000 is allowed";
    const char *s = text + (*text == '-');
    unsigned value = 0;

    if (*s == '\0')
        return _units_refuse (EINVAL, err, "not a priority:", text, right);
    for (; *s; s++) {
        if (!_is_digit (*s))
            return _units_refuse (EINVAL, err, "not a priority:", text, right);
        if (value <= MW_PRIORITY_MAX)
            value = value * 10 + (unsigned) (*s - '0');
    }
    if (value > MW_PRIORITY_MAX || *text == '-')
        return _units_refuse (ERANGE, err, "priority out of range:", text,
                              right);
    *priority = value;
    return 0;
}
