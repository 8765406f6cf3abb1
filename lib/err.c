#include "lib/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Whatever a user put into a name or path must not steer a terminal or forge a
 * log line; a newline of our own (ladder carets) is kept. */
static void _err_tame (char *s)
{
    for (; *s; s++) {
        if (((unsigned char) *s < 0x20 && *s != '\n') || *s == 0x7f)
            *s = '?';
    }
}

__attribute__ ((format (printf, 2, 0))) static void _vset (struct mw_err *err,
                                                           const char *fmt,
                                                           va_list ap)
{
    vsnprintf (err->text, sizeof (err->text), fmt, ap);
    _err_tame (err->text);
}

int mw_err_set (struct mw_err *err, const char *fmt, ...)
{
    int saved = errno;
    va_list ap;

    if (err) {
        va_start (ap, fmt);
        _vset (err, fmt, ap);
        va_end (ap);
    }
    errno = saved;
    return -1;
}

int mw_err_code (struct mw_err *err, int code, const char *fmt, ...)
{
    va_list ap;

    if (err) {
        va_start (ap, fmt);
        _vset (err, fmt, ap);
        va_end (ap);
    }
    errno = code;
    return -1;
}

int mw_err_errno (struct mw_err *err, const char *fmt, ...)
{
    int saved = errno;
    size_t len;
    va_list ap;

    if (err) {
        va_start (ap, fmt);
        _vset (err, fmt, ap);
        va_end (ap);
        len = strlen (err->text);
        snprintf (err->text + len, sizeof (err->text) - len, ": %s",
                  strerror (saved));
    }
    errno = saved;
    return -1;
}

int mw_err_prefix (struct mw_err *err, const char *fmt, ...)
{
    int saved = errno;
    struct mw_err old;
    size_t len;
    va_list ap;

    if (err) {
        old = *err;
        va_start (ap, fmt);
        _vset (err, fmt, ap);
        va_end (ap);
        len = strlen (err->text);
        snprintf (err->text + len, sizeof (err->text) - len, ": %s", old.text);
    }
    errno = saved;
    return -1;
}

int mw_err_add (struct mw_err *err, const char *fmt, ...)
{
    int saved = errno;
    struct mw_err more;
    size_t len;
    va_list ap;

    if (err) {
        va_start (ap, fmt);
        _vset (&more, fmt, ap);
        va_end (ap);
        len = strlen (err->text);
        snprintf (err->text + len, sizeof (err->text) - len, "%s%s",
                  len ? "; " : "", more.text);
    }
    errno = saved;
    return -1;
}
