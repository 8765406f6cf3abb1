/* fake_scribe.c - who keeps the log of a unit test's warden */
#include "test/unit/fake_scribe.h"

#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "handler/pass/dictate.h"

static int sock = -1;
static char lines[65536];
static size_t used;

int fake_scribe_begin (struct report *r)
{
    int pair[2];

    if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return -1;
    r->scribe = pair[0];
    sock = pair[1];
    used = 0;
    return 0;
}

void fake_scribe_end (struct report *r)
{
    close (r->scribe);
    close (sock);
    r->scribe = sock = -1;
}

const char *fake_scribe_log (void)
{
    const size_t head = offsetof (struct dictate_line, text);
    struct dictate_line l;
    ssize_t n;

    while ((n = recv (sock, &l, sizeof (l), MSG_DONTWAIT)) > 0) {
        size_t len = (size_t) n - head;

        if (l.kind != DICTATE_LINE || len >= sizeof (lines) - used)
            continue;
        memcpy (lines + used, l.text, len);
        used += len;
    }
    lines[used] = '\0';
    return lines;
}

unsigned fake_scribe_count (const char *text)
{
    const char *at = fake_scribe_log ();
    unsigned n = 0;

    for (; (at = strstr (at, text)); at += strlen (text))
        n++;
    return n;
}
