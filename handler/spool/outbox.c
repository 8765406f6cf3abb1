/* outbox.c - what webhooks have not been told yet, as files: see outbox.h */
#include "handler/spool/outbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/putfile.h"

#define DROPPED ".dropped" /* a number */
#define OUTBOX_TEXT_MAX (256 << 10)

int outbox_make (const char *history_dir, uid_t uid, struct mw_err *err)
{
    cleanup_fd int dir = -1, box = -1;

    /* else the scribe makes it, at its time */
    if (mkdir (history_dir, 0711) < 0 && errno != EEXIST)
        return mw_err_errno (err, "cannot make history directory %s",
                             history_dir);
    dir = open (history_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0 || (mkdirat (dir, "outbox", 0700) < 0 && errno != EEXIST))
        return mw_err_errno (err, "cannot make %s/outbox", history_dir);
    box = openat (dir, "outbox",
                  O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (box < 0 || (geteuid () == 0 && fchown (box, uid, (gid_t) -1) < 0))
        return mw_err_errno (err, "cannot give %s/outbox to the courier",
                             history_dir);
    return 0;
}

int outbox_open (struct outbox *o, const char *history_dir, uid_t uid,
                 struct mw_err *err)
{
    char path[PATH_MAX + 8];

    for (unsigned i = 0; i < CONF_MAX_WEBHOOKS; i++)
        o->hook[i] = -1;
    snprintf (path, sizeof (path), "%s/outbox", history_dir);
    o->dir = open (path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    /* no warden has made it yet; under its unit the courier may not give it away */
    if (o->dir < 0 && errno == ENOENT) {
        if (outbox_make (history_dir, uid, err) < 0)
            return -1;
        o->dir = open (path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    }
    return o->dir < 0 ? mw_err_errno (err, "cannot open %s", path) : 0;
}

int outbox_open_hooks (struct outbox *o, const struct conf *conf,
                       struct mw_err *err)
{
    for (unsigned i = 0; i < conf->webhook_count; i++) {
        const char *name = conf->webhooks[i].name;

        if (mkdirat (o->dir, name, 0700) == 0)
            fsync (o->dir);
        else if (errno != EEXIST)
            return mw_err_errno (err, "cannot make outbox/%s", name);
        o->hook[i] = openat (o->dir, name,
                             O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (o->hook[i] < 0)
            return mw_err_errno (err, "cannot open outbox/%s", name);
    }
    return 0;
}

/* Write [len] bytes of [text] as [name], whole or not at all: under a name of its own
 * first, with a dot, which is none of a transition; several workers may be at it. */
static int _outbox_write (int dir, const char *name, const char *text,
                          size_t len)
{
    char part[OUTBOX_NAME_MAX + 2];

    snprintf (part, sizeof (part), ".%s", name);
    return mw_put_file (dir, part, dir, name, 0600, MW_PUT_SYNCED, text, len);
}

int outbox_put (struct outbox *o, unsigned i, const char *name,
                const char *text, struct mw_err *err)
{
    if (_outbox_write (o->hook[i], name, text, strlen (text)) == 0)
        return 0;
    return mw_err_errno (err, "cannot write %s into the outbox", name);
}

int outbox_sync (struct outbox *o, unsigned i, struct mw_err *err)
{
    if (fsync (o->hook[i]) == 0)
        return 0;
    return mw_err_errno (err, "cannot write the outbox");
}

static int _by_outbox_name (const void *a, const void *b)
{
    return strcmp (a, b);
}

int outbox_list (struct outbox *o, unsigned i, char (**names)[OUTBOX_NAME_MAX])
{
    int fd = openat (o->hook[i], ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir (fd);
    size_t have = 0, room = 0;
    struct dirent *e;
    void *more;

    *names = NULL;
    if (!d)
        return -1;
    while ((e = readdir (d))) {
        if (e->d_name[0] == '.' || strlen (e->d_name) >= OUTBOX_NAME_MAX)
            continue;
        if (have == room) {
            room = room ? 2 * room : 64;
            more = realloc (*names, room * OUTBOX_NAME_MAX);
            if (!more)
                break; /* those that are there are a begin */
            *names = more;
        }
        strcpy ((*names)[have++], e->d_name);
    }
    closedir (d);
    if (have > 0)
        qsort (*names, have, OUTBOX_NAME_MAX, _by_outbox_name);
    return (int) have;
}

char *outbox_read (struct outbox *o, unsigned i, const char *name,
                   struct mw_err *err)
{
    cleanup_fd int fd = openat (o->hook[i], name,
                                O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat st;
    char *text;
    ssize_t n;

    if (fd < 0 || fstat (fd, &st) < 0) {
        mw_err_errno (err, "cannot read %s of the outbox", name);
        return NULL;
    }
    if (!S_ISREG (st.st_mode) || st.st_size > OUTBOX_TEXT_MAX) {
        mw_err_code (err, EPROTO, "%s is not a file of the outbox", name);
        return NULL;
    }
    text = malloc ((size_t) st.st_size + 1);
    n = text ? read (fd, text, (size_t) st.st_size) : -1;
    if (n < 0) {
        mw_err_errno (err, "cannot read %s of the outbox", name);
        free (text);
        return NULL;
    }
    text[n] = '\0';
    return text;
}

void outbox_remove (struct outbox *o, unsigned i, const char *name)
{
    unlinkat (o->hook[i], name, 0);
}

uint64_t outbox_dropped (struct outbox *o, unsigned i, unsigned more)
{
    cleanup_fd int fd = openat (o->hook[i], DROPPED,
                                O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    char text[24] = "";
    uint64_t n;

    if (fd >= 0 && read (fd, text, sizeof (text) - 1) < 0)
        text[0] = '\0';
    n = strtoull (text, NULL, 10) + more;
    if (more > 0) {
        int len = snprintf (text, sizeof (text), "%" PRIu64 "\n", n);

        _outbox_write (o->hook[i], DROPPED, text, (size_t) len);
    }
    return n;
}
