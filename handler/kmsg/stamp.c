/* stamp.c - times as logs write them: see stamp.h */
#include "handler/kmsg/stamp.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

/* ---- times --------------------------------------------------------------- */

/* Does [s] begin like [form]?  '9' is a digit, '_' a digit or a blank, 'A' a
 * letter, all else itself. Returns where it ends, or NULL. */
static const char *_like (const char *s, const char *form)
{
    for (; *form; form++, s++) {
        unsigned char c = (unsigned char) *s;
        bool fits = *form == '9'   ? isdigit (c)
                    : *form == '_' ? isdigit (c) || c == ' '
                    : *form == 'A' ? isalpha (c)
                                   : c == (unsigned char) *form;

        if (!fits)
            return NULL;
    }
    return s;
}

static const char *_stamp_digits (const char *s)
{
    return s + strspn (s, "0123456789");
}

static const char *_fraction (const char *s)
{
    if ((*s == '.' || *s == ',') && isdigit ((unsigned char) s[1]))
        return _stamp_digits (s + 1);
    return s;
}

/* "Z", "+01:00", "+0100", " UTC" */
static const char *_zone (const char *s)
{
    const char *end;

    if (*s == 'Z')
        return s + 1;
    if (*s == '+' || *s == '-') {
        if ((end = _like (s + 1, "99:99")) || (end = _like (s + 1, "9999")))
            return end;
        return s;
    }
    if (*s == ' ' && isupper ((unsigned char) s[1])) {
        size_t len = strspn (s + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");

        if (len >= 3 && len <= 5 && s[1 + len] == ' ')
            return s + 1 + len;
    }
    return s;
}

static bool _is_month (const char *s)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

    for (const char *m = months; *m; m += 3) {
        if (strncmp (m, s, 3) == 0)
            return true;
    }
    return false;
}

/* "Thu ", or nothing */
static const char *_weekday (const char *s)
{
    static const char days[] = "MonTueWedThuFriSatSun";

    for (const char *d = days; *d; d += 3) {
        if (strncmp (d, s, 3) == 0 && s[3] == ' ')
            return s + 4;
    }
    return s;
}

/* The end of the time that [s] begins with, or NULL. */
static const char *_time (const char *s)
{
    const char *end;

    s = _weekday (s);
    if ((end = _like (s, "9999-99-99T99:99:99")) ||
        (end = _like (s, "9999-99-99 99:99:99")) ||
        (end = _like (s, "9999/99/99 99:99:99")))
        return _zone (_fraction (end));
    if (_is_month (s)) {
        if ((end = _like (s, "AAA 99 9999 99:99:99")))
            return _fraction (end);
        if ((end = _like (s, "AAA _9 99:99:99"))) {
            const char *year = _like (end = _fraction (end), " 9999");

            return year && (*year == ' ' || *year == ']' || *year == '\0')
                       ? year
                       : end;
        }
        return NULL;
    }
    end = _stamp_digits (s);
    if (end - s >= 9 && *end == '.')
        return _fraction (end);
    return NULL;
}

size_t kmsg_stamp (const char *s)
{
    const char *end = _time (s);

    return end && (*end == ' ' || *end == '\0') ? (size_t) (end - s) : 0;
}

size_t kmsg_stamp_bracket (const char *s)
{
    const char *at = s, *end;

    if (*at++ != '[')
        return 0;
    at += strspn (at, " ");
    if ((end = _time (at)) && *end == ']')
        return (size_t) (end + 1 - s);
    if (_is_month (at) && (end = _like (at, "AAA_9 99:99]")))
        return (size_t) (end - s);  /* dmesg -e: [Nov26 09:00] … */
    at += *at == '+' || *at == '<'; /* … [  +0.000010]; -d: [<    0.0>] */
    at += strspn (at, " ");
    end = _stamp_digits (at);
    if (end == at || *end != '.' || (at = _fraction (end)) == end)
        return 0;
    if (*at == ' ') { /* [    9.100000 <    0.000010>] */
        at += strspn (at, " ");
        if (*at == '<') {
            at += 1 + strspn (at + 1, " +");
            at = _fraction (_stamp_digits (at));
            at += strspn (at, " ");
        }
    }
    at += *at == '>';
    return *at == ']' ? (size_t) (at + 1 - s) : 0;
}

/* ---- lines --------------------------------------------------------------- */

/* The length of a terminal's command at [s] of [len] bytes, or 0. */
static size_t _escape (const char *s, size_t len)
{
    size_t n = 2;

    if (len < 2 || s[0] != '\033' || s[1] != '[')
        return 0;
    while (n < len && (unsigned char) s[n] >= 0x20 &&
           (unsigned char) s[n] < 0x40)
        n++;
    return n < len ? n + 1 : n;
}

static size_t _entity (const char *s, size_t len, char *c)
{
    static const struct {
        const char *name;
        char c;
    } known[] = {
        { "&lt;", '<' },   { "&gt;", '>' },   { "&amp;", '&' },
        { "&quot;", '"' }, { "&#39;", '\'' }, { "&#x27;", '\'' },
        { "&#34;", '"' },  { "&nbsp;", ' ' },
    };

    for (unsigned i = 0; i < sizeof (known) / sizeof (known[0]); i++) {
        size_t n = strlen (known[i].name);

        if (n <= len && strncmp (s, known[i].name, n) == 0) {
            *c = known[i].c;
            return n;
        }
    }
    return 0;
}

size_t kmsg_stamp_tame (const char *line, size_t len, char *to, size_t size)
{
    /* a web page has none of its own left */
    bool page = !memchr (line, '<', len) && !memchr (line, '>', len);
    size_t n = 0, skip;

    while (len > 0 && (line[len - 1] == '\r' || line[len - 1] == '\n'))
        len--;
    while (len > 0 && *line == '\r') { /* a console's */
        line++;
        len--;
    }
    if (len >= 3 && memcmp (line, "\xef\xbb\xbf", 3) == 0) {
        line += 3; /* a byte order mark */
        len -= 3;
    }
    for (size_t i = 0; i < len && n < size - 1; i += skip) {
        unsigned char c = (unsigned char) line[i];
        char plain;

        if ((skip = _escape (line + i, len - i)) > 0)
            continue;
        if (page && (skip = _entity (line + i, len - i, &plain)) > 0)
            c = (unsigned char) plain;
        else
            skip = 1;
        to[n++] = c == '\t' ? ' ' : c < 0x20 || c > 0x7e ? '?' : (char) c;
    }
    to[n] = '\0';
    return n;
}
