#include "lib/err.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* How many bytes the character at [s] has, which is [*code]; 1 where it is no UTF-8,
 * and [*code] is the byte. */
static size_t _character (const char *s, unsigned *code)
{
    unsigned char c = (unsigned char) *s;
    size_t n = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc2 ? 2 : 1;

    *code = n == 1 ? c : c & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if (((unsigned char) s[i] & 0xc0) != 0x80) {
            *code = c;
            return 1;
        }
        *code = *code << 6 | ((unsigned char) s[i] & 0x3f);
    }
    return n;
}

static bool _steers (unsigned code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x61c ||
           code == 0x200e || code == 0x200f ||
           (code >= 0x2028 && code <= 0x202e) ||
           (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
}

void mw_tame (char *s, const char *keep)
{
    unsigned code;

    for (size_t n; *s; s += n) {
        n = _character (s, &code);
        if (_steers (code) && !(n == 1 && strchr (keep, *s)))
            memset (s, '?', n);
    }
}

/* Whatever a user put into a name or path must not steer a terminal or forge a
 * log line; a newline of our own (ladder carets) is kept. */
static void _err_tame (char *s)
{
    mw_tame (s, "\n");
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
