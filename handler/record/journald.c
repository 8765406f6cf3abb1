/* journald.c - lines for systemd's journal: see journald.h */
#include "handler/record/journald.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "lib/err.h"

#define SOCKET "/run/systemd/journal/socket"

static bool _is_our_stderr (void)
{
    const char *stream = getenv ("JOURNAL_STREAM");
    unsigned long long dev, ino;
    struct stat st;

    return stream && sscanf (stream, "%llu:%llu", &dev, &ino) == 2 &&
           fstat (STDERR_FILENO, &st) == 0 && st.st_dev == dev &&
           st.st_ino == ino;
}

int journald_open (void)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX, .sun_path = SOCKET };
    int fd = -1;

    if (_is_our_stderr ())
        fd = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && connect (fd, (struct sockaddr *) &to, sizeof (to)) < 0) {
        close (fd);
        fd = -1;
    }
    return fd;
}

bool journald_is_syslog (void)
{
    static const char its[] = "/run/systemd/journal/";
    char link[64];
    ssize_t n = readlink ("/dev/log", link, sizeof (link) - 1);

    link[n > 0 ? n : 0] = '\0';
    return strncmp (link, its, sizeof (its) - 1) == 0;
}

/* Add "NAME=value", unless the value is "".  A newline in it would begin a field of
 * the text's own. */
static void _journald_add (char *packet, size_t room, const char *name,
                           const char *value)
{
    size_t n = strlen (packet), end;

    if (!value[0])
        return;
    end = n + (size_t) snprintf (packet + n, room - n, "%s=%s", name, value);
    if (end > room - 2)
        end = room - 2;
    for (char *c = packet + n; (c = strchr (c, '\n'));)
        *c = ' ';
    strcpy (packet + end, "\n");
}

int journald_send (int fd, const struct journald_line *l)
{
    char packet[2 * MW_ERR_MAX], level[16];

    snprintf (level, sizeof (level), "%d", l->level);
    packet[0] = '\0';
    _journald_add (packet, sizeof (packet), "PRIORITY", level);
    _journald_add (packet, sizeof (packet), "SYSLOG_FACILITY",
                   "3"); /* daemon */
    _journald_add (packet, sizeof (packet), "SYSLOG_IDENTIFIER", "memwardend");
    _journald_add (packet, sizeof (packet), "MEMWARDEN_JOB", l->job);
    _journald_add (packet, sizeof (packet), "MEMWARDEN_INCIDENT", l->incident);
    _journald_add (packet, sizeof (packet), "MEMWARDEN_STEP", l->step);
    /* last, since it alone may be long */
    _journald_add (packet, sizeof (packet), "MESSAGE", l->text);
    return send (fd, packet, strlen (packet), MSG_DONTWAIT | MSG_NOSIGNAL) < 0
               ? -1
               : 0;
}
