/* stamp.c - times as logs write them: see stamp.h */
#include "handler/kmsg/stamp.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
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

/* " UTC", " CEST" and other names that no host has */
static const char *_named_zone (const char *s)
{
    static const char *const known[] = {
        " UTC", " GMT", " CET", " CEST", " BST", " EST", " EDT", " CST",
        " CDT", " MST", " MDT", " PST",  " PDT", " JST", " IST", " MSK",
    };

    for (unsigned i = 0; i < sizeof (known) / sizeof (known[0]); i++) {
        size_t len = strlen (known[i]);

        if (strncmp (s, known[i], len) == 0 && (s[len] == ' ' || s[len] == ']'))
            return s + len;
    }
    return s;
}

/* "Z", "+01:00", "+0100", " UTC", " +08" */
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
    if (*s == ' ' && (s[1] == '+' || s[1] == '-') &&
        ((end = _like (s + 2, "9999")) || (end = _like (s + 2, "99"))) &&
        *end == ' ')
        return end;
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
        (end = _like (s, "9999/99/99 99:99:99")) ||
        (end = _like (s, "9999.99.99 99:99:99")) ||
        (end = _like (s, "99.99.9999 99:99:99")) ||
        (end = _like (s, "99/99/9999 99:99:99")) ||
        (end = _like (s, "99/AAA/9999:99:99:99")) ||
        (end = _like (s, "99 AAA 9999 99:99:99")) ||
        (end = _like (s, "99-AAA-9999 99:99:99")) ||
        (end = _like (s, "9999 AAA _9 99:99:99")))
        return _zone (_fraction (end));
    if (_is_month (s)) {
        if ((end = _like (s, "AAA 99 9999 99:99:99")))
            return _fraction (end);
        if ((end = _like (s, "AAA _9 99:99:99"))) {
            const char *year;

            end = _named_zone (_fraction (end));
            year = _like (end, " 9999");
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

/* Behind " <    0.000010>", or the blanks in its place. */
static const char *_since (const char *s)
{
    s += strspn (s, " ");
    if (*s == '<') {
        s += 1 + strspn (s + 1, " +");
        s = _fraction (_stamp_digits (s));
        s += strspn (s, " ");
        s += *s == '>';
    }
    return s;
}

size_t kmsg_stamp (const char *s)
{
    const char *end = _time (s);

    return end && (*end == ' ' || *end == '\0') ? (size_t) (end - s) : 0;
}

size_t kmsg_stamp_local (const char *s)
{
    size_t month = 0;
    const char *end;

    while (isalnum ((unsigned char) s[month]) || s[month] == '?' ||
           s[month] == '.')
        month++;
    if (month < 2 || month > 24 || !(end = _like (s + month, " _9 99:99:99")))
        return 0;
    end = _fraction (end);
    return *end == ' ' ? (size_t) (end - s) : 0;
}

size_t kmsg_stamp_bracket (const char *s)
{
    const char *at = s, *end;

    if (*at++ != '[')
        return 0;
    at += strspn (at, " ");
    if ((end = _time (at))) {
        const char *since = _since (end); /* dmesg -T -d */

        if (*since == ']')
            return (size_t) (since + 1 - s);
    }
    if (_is_month (at) && (end = _like (at, "AAA_9 99:99]")))
        return (size_t) (end - s);  /* dmesg -e: [Nov26 09:00] … */
    at += *at == '+' || *at == '<'; /* … [  +0.000010]; -d: [<    0.0>] */
    at += strspn (at, " ");
    end = _stamp_digits (at);
    if (end == at || *end != '.' || (at = _fraction (end)) == end)
        return 0;
    at = _since (at); /* [    9.100000 <    0.000010>] */
    at += *at == '>';
    return *at == ']' ? (size_t) (at + 1 - s) : 0;
}

/* ---- lines --------------------------------------------------------------- */

/* The length of a terminal's command at [s] of [len] bytes, or 0.  cat -v writes
 * "^[" for its first byte. */
static size_t _escape (const char *s, size_t len)
{
    size_t n = len > 1 && s[0] == '^' && s[1] == '[' ? 2
               : len > 0 && s[0] == '\033'           ? 1
                                                     : 0;

    if (n == 0 || n == len)
        return 0;
    if (s[n] == '(' || s[n] == ')')
        return n + 2 <= len ? n + 2 : len;
    if (s[n] == ']') { /* to a bell, or to ESC and a backslash */
        while (n < len && s[n] != '\a' && s[n] != '\033')
            n++;
        return n + 1 < len && s[n] == '\033' ? n + 2 : n < len ? n + 1 : n;
    }
    if (s[n++] != '[')
        return 0;
    while (n < len && (unsigned char) s[n] >= 0x20 &&
           (unsigned char) s[n] < 0x40)
        n++;
    return n < len ? n + 1 : n;
}

/* "&#60;", "&#x3C;" */
static size_t _numbered (const char *s, size_t len, char *c)
{
    char text[10], *end;
    bool hex;
    unsigned long n;

    if (len < 4 || strncmp (s, "&#", 2) != 0)
        return 0;
    len = len < sizeof (text) - 1 ? len : sizeof (text) - 1;
    memcpy (text, s, len);
    text[len] = '\0';
    hex = text[2] == 'x' || text[2] == 'X';
    if (!isxdigit ((unsigned char) text[2 + hex]))
        return 0;
    n = strtoul (text + 2 + hex, &end, hex ? 16 : 10);
    if (*end != ';' || n < 0x20 || n > 0x7e)
        return 0;
    *c = (char) n;
    return (size_t) (end + 1 - text);
}

static size_t _entity (const char *s, size_t len, char *c)
{
    static const struct {
        const char *name;
        char c;
    } known[] = {
        { "&lt;", '<' },   { "&gt;", '>' },    { "&amp;", '&' },
        { "&quot;", '"' }, { "&apos;", '\'' }, { "&nbsp;", ' ' },
    };

    for (unsigned i = 0; i < sizeof (known) / sizeof (known[0]); i++) {
        size_t n = strlen (known[i].name);

        if (n <= len && strncmp (s, known[i].name, n) == 0) {
            *c = known[i].c;
            return n;
        }
    }
    return _numbered (s, len, c);
}

/* The length of the tag of a web page that [s] of [len] bytes begins with, or
 * 0: "<pre>", "</span>", "<br />". The kernel's own are in capitals. */
static size_t _web_tag (const char *s, size_t len)
{
    const char *end;

    if (len < 3 || *s != '<' ||
        !(islower ((unsigned char) s[1]) ||
          (s[1] == '/' && islower ((unsigned char) s[2]))))
        return 0;
    end = memchr (s, '>', len);
    return end ? (size_t) (end + 1 - s) : 0;
}

/* Take the tags off both ends of *[line]. */
static void _untag (const char **line, size_t *len)
{
    size_t n;

    while ((n = _web_tag (*line, *len)) > 0) {
        *line += n;
        *len -= n;
    }
    for (n = *len; n > 0 && (*line)[*len - 1] == '>'; n--) {
        if ((*line)[n - 1] != '<')
            continue;
        if (_web_tag (*line + n - 1, *len - n + 1) != *len - n + 1)
            break;
        *len = n - 1;
    }
}

/* Take off what carries a line: carriage returns, a byte order mark, quotes,
 * tags. */
static void _unwrap (const char **line, size_t *len)
{
    while (*len > 0 && ((*line)[*len - 1] == '\r' || (*line)[*len - 1] == '\n'))
        --*len;
    if (*len > 1 && strncmp (*line + *len - 2, "^M", 2) == 0)
        *len -= 2;                       /* cat -v */
    while (*len > 0 && **line == '\r') { /* a console's */
        ++*line;
        --*len;
    }
    if (*len >= 3 && memcmp (*line, "\xef\xbb\xbf", 3) == 0) {
        *line += 3;
        *len -= 3;
    }
    while (*len > 0 && **line == '>') { /* a mail that quotes it */
        size_t quote = *len > 1 && (*line)[1] == ' ' ? 2 : 1;

        *line += quote;
        *len -= quote;
    }
    _untag (line, len);
}

size_t kmsg_stamp_tame (const char *line, size_t len, char *to, size_t size)
{
    size_t n = 0, skip;
    bool page;

    _unwrap (&line, &len);
    /* a web page has none of its own left */
    page = !memchr (line, '<', len) && !memchr (line, '>', len);
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
    while (n > 0 && to[n - 1] == ' ')
        n--;
    to[n] = '\0';
    return n;
}
