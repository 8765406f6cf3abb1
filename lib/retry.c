/* retry.c - the grammar of --mem-retry: see retry.h */
#include "lib/retry.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/units.h"

#define RIGHT \
    "write xF[,max=SIZE][,tries=N], as in x1.5,max=64G,tries=3, or off"

static int _retry_factor (const char *text, struct mw_retry *r,
                          struct mw_err *err)
{
    struct mw_amount a;

    if (mw_amount_parse (text, &a, NULL) < 0 || a.kind != MW_AMOUNT_FACTOR)
        return mw_err_code (err, EINVAL, "\"%.40s\" is not a factor; " RIGHT,
                            text);
    if (!(a.ratio >= 1 && a.ratio <= MW_RETRY_FACTOR_MAX))
        return mw_err_code (err, EINVAL,
                            "%.40s is no factor to give a job more memory by; "
                            "write x1 to x%d of what it has used, as in x1.5",
                            text, MW_RETRY_FACTOR_MAX);
    r->factor = a.ratio;
    return 0;
}

static int _retry_max (const char *text, struct mw_retry *r, struct mw_err *err)
{
    if (r->max)
        return mw_err_code (err, EINVAL, "max= is there twice; keep one");
    if (mw_size_parse (text, &r->max, err) < 0) {
        errno = EINVAL;
        return mw_err_prefix (err, "max=");
    }
    if (r->max < MW_MIB)
        return mw_err_code (err, EINVAL,
                            "max=%.40s is less than 1M; write the highest "
                            "--mem that it may be given, as in max=64G",
                            text);
    return 0;
}

static int _retry_tries (const char *text, struct mw_retry *r,
                         struct mw_err *err)
{
    char *end;
    long n = strtol (text, &end, 10);

    if (r->tries)
        return mw_err_code (err, EINVAL, "tries= is there twice; keep one");
    if (text[0] < '0' || text[0] > '9' || *end || n < 1 ||
        n > MW_RETRY_TRIES_MAX)
        return mw_err_code (err, EINVAL,
                            "tries=%.40s is not a number of tries; write a "
                            "whole number from 1 to %d",
                            text, MW_RETRY_TRIES_MAX);
    r->tries = (unsigned) n;
    return 0;
}

static int _retry_word (const char *word, bool first, struct mw_retry *r,
                        struct mw_err *err)
{
    if (first)
        return _retry_factor (word, r, err);
    if (!strncmp (word, "max=", 4))
        return _retry_max (word + 4, r, err);
    if (!strncmp (word, "tries=", 6))
        return _retry_tries (word + 6, r, err);
    return mw_err_code (err, EINVAL, "\"%.40s\" is not known; " RIGHT, word);
}

int mw_retry_parse (const char *text, struct mw_retry *retry,
                    struct mw_err *err)
{
    struct mw_retry r = { .off = !strcmp (text, "off") };
    char copy[MW_RETRY_STRLEN], *at = copy, *word;
    bool first = true;

    if (strlen (text) >= sizeof (copy))
        return mw_err_code (err, EINVAL, "\"%.40s…\" is too long; " RIGHT,
                            text);
    strcpy (copy, text);
    while (!r.off && (word = strsep (&at, ","))) {
        if (_retry_word (word, first, &r, err) < 0)
            return -1;
        first = false;
    }
    if (r.factor > 0 && r.tries == 0)
        r.tries = MW_RETRY_TRIES;
    *retry = r;
    return 0;
}

char *mw_retry_format (const struct mw_retry *retry, char *buf, size_t len)
{
    struct mw_amount f = { .kind = MW_AMOUNT_FACTOR, .ratio = retry->factor };
    char factor[MW_SIZE_STRLEN], size[MW_SIZE_STRLEN], max[40] = "";

    if (retry->max)
        snprintf (max, sizeof (max), ",max=%s",
                  mw_size_exact (retry->max, size, sizeof (size)));
    if (retry->off)
        snprintf (buf, len, "off");
    else if (retry->factor > 0)
        snprintf (buf, len, "%s%s,tries=%u",
                  mw_amount_format (&f, factor, sizeof (factor)), max,
                  retry->tries);
    else
        snprintf (buf, len, "%s", "");
    return buf;
}

bool mw_retry_is (const struct mw_retry *retry)
{
    return !retry->off && retry->factor > 0;
}

bool mw_retry_clamp (struct mw_retry *retry, const struct mw_retry *cap)
{
    struct mw_retry was = *retry;

    if (!mw_retry_is (retry) || (!cap->off && cap->factor <= 0))
        return false;
    if (cap->off) {
        *retry = *cap;
        return true;
    }
    if (retry->factor > cap->factor)
        retry->factor = cap->factor;
    if (cap->max && (!retry->max || retry->max > cap->max))
        retry->max = cap->max;
    if (retry->tries > cap->tries)
        retry->tries = cap->tries;
    /* where it has said no bound, the site's is no cut of what it asked for */
    return retry->factor < was.factor || retry->tries < was.tries ||
           (was.max && retry->max < was.max);
}
