/* json_escape.c - text of strangers inside a JSON string, without allocation */
#include <stdio.h>
#include <string.h>

#include "handler/journal.h"

/* How many bytes the UTF-8 character at [s] has; 0 = it is none (RFC 3629: no
 * overlong forms, no surrogates, nothing over U+10FFFF). */
static int _utf8_len (const unsigned char *s)
{
    int n = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 :
            s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;

    for (int i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    }
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
        (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return n;
}

char *json_escape (const char *s, char *buf, size_t len)
{
    const unsigned char *p = (const unsigned char *) s;
    size_t used = 0;
    char piece[8];
    int n, take;

    while (*p) {
        take = n = _utf8_len (p);
        if (*p < 0x20 || *p == 0x7f)
            n = snprintf (piece, sizeof (piece), "\\u%04x", *p);
        else if (*p == '"' || *p == '\\')
            n = snprintf (piece, sizeof (piece), "\\%c", *p);
        else if (take == 0)     /* JSON has to be UTF-8, a name has not */
            n = snprintf (piece, sizeof (piece), "?");
        else
            memcpy (piece, p, (size_t) n);
        if (used + (size_t) n >= len)
            break;
        memcpy (buf + used, piece, (size_t) n);
        used += (size_t) n;
        p += take > 0 ? take : 1;
    }
    buf[used] = '\0';
    return buf;
}
