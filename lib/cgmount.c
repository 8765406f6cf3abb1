/* cgmount.c - where this node has its cgroups mounted: see cgmount.h */
#include "lib/cgmount.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "lib/cgfile.h"
#include "lib/cleanup.h"

/* A space in a path is written as \040, and so on. */
static void _cgmount_unescape (char *text)
{
    char *to = text;

    for (const char *at = text; *at; to++) {
        if (at[0] == '\\' && strspn (at + 1, "01234567") >= 3) {
            *to = (char) ((at[1] - '0') << 6 | (at[2] - '0') << 3 |
                          (at[3] - '0'));
            at += 4;
        } else {
            *to = *at++;
        }
    }
    *to = '\0';
}

/* A line (proc(5)) is
 *     ID PARENT DEV ROOT POINT OPTIONS [TAGS] - TYPE SOURCE SUPER
 * Returns whether it is a cgroup's; [m] points into it then. */
static bool _cgmount_parse (char *line, struct cgmount *m)
{
    char *tail = strstr (line, " - "), *field[6], *save = NULL;
    const char *type;

    if (!tail)
        return false;
    *tail = '\0';
    for (int i = 0; i < 6; i++)
        if (!(field[i] = strtok_r (i ? NULL : line, " ", &save)))
            return false;
    type = strtok_r (tail + 3, " ", &save);
    if (!type || !strtok_r (NULL, " ", &save))
        return false;
    m->options = strtok_r (NULL, " ", &save);
    m->v2 = strcmp (type, "cgroup2") == 0;
    m->whole = strcmp (field[3], "/") == 0;
    _cgmount_unescape (field[4]);
    m->point = field[4];
    return m->options && (m->v2 || strcmp (type, "cgroup") == 0);
}

int cgmount_each (int (*visit) (const struct cgmount *m, void *arg), void *arg)
{
    cleanup_fd int fd = sysroot_open ("/proc/self/mountinfo", O_RDONLY);
    cleanup_file FILE *f = fd < 0 ? NULL : fdopen (fd, "r");
    char line[4 * PATH_MAX];
    struct cgmount m;
    int rc = 0;

    if (!f)
        return -1;
    mw_steal_fd (&fd);
    while (rc == 0 && fgets (line, sizeof (line), f)) {
        line[strcspn (line, "\n")] = '\0';
        if (_cgmount_parse (line, &m))
            rc = visit (&m, arg);
    }
    return rc;
}
