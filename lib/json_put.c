/* json_put.c - JSON put together without allocation: see json_put.h
 *
 * Somebody waits while it is done, and most of printf's time goes into
 * understanding formats: members are put together without.
 */
#include "lib/json_put.h"

#include <stdio.h>
#include <string.h>

/* How many bytes the UTF-8 character at [s] has; 0 = it is none (RFC 3629: no
 * overlong forms, no surrogates, nothing over U+10FFFF). */
static int _utf8_len (const unsigned char *s)
{
    int n = s[0] < 0x80   ? 1
            : s[0] < 0xc2 ? 0
            : s[0] < 0xe0 ? 2
            : s[0] < 0xf0 ? 3
            : s[0] < 0xf5 ? 4
                          : 0;

    for (int i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    }
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
        (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return n;
}

/* Write as many whole characters of [*s] as fit into [len] bytes of [buf], and
 * set [*s] behind them. Returns how many bytes that took. */
static size_t _json_escape (const char **s, char *buf, size_t len)
{
    const unsigned char *p = (const unsigned char *) *s;
    size_t used = 0;
    char piece[8];
    int n, take;

    while (*p) {
        take = n = _utf8_len (p);
        if (*p < 0x20 || *p == 0x7f)
            n = snprintf (piece, sizeof (piece), "\\u%04x", *p);
        else if (*p == '"' || *p == '\\')
            n = snprintf (piece, sizeof (piece), "\\%c", *p);
        else if (take == 0) /* JSON has to be UTF-8, a name has not */
            n = snprintf (piece, sizeof (piece), "?");
        else
            memcpy (piece, p, (size_t) n);
        if (used + (size_t) n > len)
            break;
        memcpy (buf + used, piece, (size_t) n);
        used += (size_t) n;
        p += take > 0 ? take : 1;
    }
    *s = (const char *) p;
    return used;
}

void json_put_bytes (struct json_put *p, const char *text, size_t len)
{
    if (len >= p->size - p->len) {
        p->over = true;
        return;
    }
    memcpy (p->text + p->len, text, len);
    p->len += len;
}

void json_put (struct json_put *p, const char *text)
{
    json_put_bytes (p, text, strlen (text));
}

static void _json_put_key (struct json_put *p, const char *key)
{
    if (!key)
        return;
    json_put_bytes (p, "\"", 1);
    json_put (p, key);
    json_put_bytes (p, "\":", 2);
}

/* A member that began at [begin] is put: where it did not fit, take it back.
 * [over] is what [p->over] was before. */
static void _json_put_member (struct json_put *p, size_t begin, bool over)
{
    if (p->over)
        p->len = begin;
    p->over |= over;
}

void json_put_cut (struct json_put *p, const char *key, const char *value,
                   size_t most)
{
    bool over = p->over;
    size_t begin = p->len, room;

    p->over = false;
    _json_put_key (p, key);
    json_put_bytes (p, "\"", 1);
    room = p->size - p->len - 1;
    p->len += _json_escape (&value, p->text + p->len,
                            room < most ? room : most);
    if (*value && room < most)
        p->over = true;
    json_put_bytes (p, "\",", 2);
    _json_put_member (p, begin, over);
}

void json_put_text (struct json_put *p, const char *key, const char *value)
{
    json_put_cut (p, key, value, 6 * JSON_PUT_TEXT_MAX);
}

/* [n], or with [minus] less than nothing, and its comma. */
static void _json_put_digits (struct json_put *p, const char *key, uint64_t n,
                              bool minus)
{
    char digits[24], *end = digits + sizeof (digits), *d = end;
    bool over = p->over;
    size_t begin = p->len;

    *--d = ',';
    do {
        *--d = (char) ('0' + n % 10);
        n /= 10;
    } while (n > 0);
    if (minus)
        *--d = '-';
    p->over = false;
    _json_put_key (p, key);
    json_put_bytes (p, d, (size_t) (end - d));
    _json_put_member (p, begin, over);
}

void json_put_number (struct json_put *p, const char *key, uint64_t n)
{
    _json_put_digits (p, key, n > INT64_MAX ? INT64_MAX : n, false);
}

void json_put_signed (struct json_put *p, const char *key, int64_t n)
{
    _json_put_digits (p, key, n < 0 ? -(uint64_t) n : (uint64_t) n, n < 0);
}

void json_put_flag (struct json_put *p, const char *key, bool flag)
{
    bool over = p->over;
    size_t begin = p->len;

    p->over = false;
    _json_put_key (p, key);
    json_put (p, flag ? "true," : "false,");
    _json_put_member (p, begin, over);
}

void json_put_end (struct json_put *p, const char *end)
{
    if (p->len > 0 && p->text[p->len - 1] == ',')
        p->len--;
    json_put (p, end);
}

const char *json_put_done (struct json_put *p)
{
    json_put_end (p, "");
    p->text[p->len] = '\0';
    return p->text;
}
