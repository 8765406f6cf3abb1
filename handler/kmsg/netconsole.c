/* netconsole.c - records of /dev/kmsg over the wire: see netconsole.h */
#include "handler/kmsg/netconsole.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const char *_netconsole_message (const char *s)
{
    uint64_t seq, us;
    unsigned n;

    return kmsg_record_split (s, &n, &seq, &us);
}

const char *kmsg_netconsole (const char *s)
{
    size_t release = strcspn (s, ", ;");

    if (_netconsole_message (s))
        return s;
    if (!isdigit ((unsigned char) *s) || s[release] != ',' ||
        !memchr (s, '.', release))
        return NULL;
    s += release + 1;
    return _netconsole_message (s) ? s : NULL;
}

const char *kmsg_piece (struct kmsg_pieces *p, const char *record)
{
    const char *message = _netconsole_message (record);
    const char *fragment = strstr (record, ",ncfrag=");
    size_t head;
    unsigned at, bytes;

    if (!message || !fragment || fragment > message)
        return record;
    if (sscanf (fragment, ",ncfrag=%5u/%5u;", &at, &bytes) != 2)
        return NULL;
    head = (size_t) (fragment - record);
    if (at == 0) {
        p->head = head + 1;
        p->len = (size_t) snprintf (p->record, sizeof (p->record), "%.*s;",
                                    (int) head, record);
    }
    /* too long, another record's, or one is missing before it */
    if (p->len >= sizeof (p->record) || p->head != head + 1 ||
        strncmp (p->record, record, head) != 0 || p->len - p->head != at) {
        p->len = sizeof (p->record);
        return NULL;
    }
    p->len += (size_t) snprintf (p->record + p->len,
                                 sizeof (p->record) - p->len, "%s", message);
    return p->len < sizeof (p->record) && p->len - p->head == bytes ? p->record
                                                                    : NULL;
}
