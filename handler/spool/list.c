/* list.c - the names in a directory of the spool, by one pass */
#include "handler/spool/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/cgfile.h"

int spool_pass_begin (struct spool_pass *p, int dir)
{
    p->have = p->at = 0;
    /* opened anew: [dir] keeps its own read position */
    p->fd = openat (dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return p->fd < 0 ? -1 : 0;
}

void spool_pass_end (struct spool_pass *p)
{
    if (p->fd >= 0)
        close (p->fd);
    p->fd = -1;
}

const char *spool_pass_next (struct spool_pass *p)
{
    const struct dirent64 *e;

    if (p->fd < 0)
        return NULL;
    if (p->at >= p->have) {
        p->have = (int) cg_entries (p->fd, p->buf, sizeof (p->buf));
        p->at = 0;
    }
    if (p->have <= 0) {
        spool_pass_end (p);
        return NULL;
    }
    e = (const struct dirent64 *) (p->buf + p->at);
    p->at += e->d_reclen;
    return e->d_name;
}

static int _by_name (const void *a, const void *b)
{
    return strcmp (a, b);
}

/* The sequence number in a name has leading zeros, so a job's names sort in the
 * order they were made. */
int spool_list_requests (struct spool *s, char (**ids)[SPOOL_ID_MAX])
{
    char (*more)[SPOOL_ID_MAX];
    struct spool_pass p;
    const char *name;
    int n = 0, room = 0;

    *ids = NULL;
    if (spool_pass_begin (&p, s->req) < 0)
        return -1;
    while ((name = spool_pass_next (&p))) {
        if (!spool_id_valid (name))
            continue;
        if (n == room) {
            room = room ? 2 * room : 64;
            more = realloc (*ids, (size_t) room * sizeof (**ids));
            if (!more) {
                spool_pass_end (&p);
                free (*ids);
                *ids = NULL;
                return -1;
            }
            *ids = more;
        }
        snprintf ((*ids)[n++], SPOOL_ID_MAX, "%s", name);
    }
    if (n > 0)
        qsort (*ids, (size_t) n, sizeof (**ids), _by_name);
    return n;
}

bool spool_has_request (struct spool *s, const char *id)
{
    return faccessat (s->req, id, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
           errno != ENOENT;
}
