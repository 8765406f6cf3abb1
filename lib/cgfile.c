/* cgfile.c - files of cgroupfs and procfs, by directory descriptor */
#include "lib/cgfile.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/units.h"

int sysroot_open (const char *path, int flags)
{
    const char *root = getenv ("MEMWARDEN_SYSROOT");
    char full[PATH_MAX];
    int n;

    n = snprintf (full, sizeof (full), "%s%s", root ? root : "", path);
    if (n < 0 || (size_t) n >= sizeof (full)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return open (full, flags | O_CLOEXEC);
}

static int _cgfile_open_file (int dir, const char *name, int flags)
{
    return openat (dir, name, flags | O_CLOEXEC | O_NOFOLLOW);
}

ssize_t cg_read (int dir, const char *name, char *buf, size_t len)
{
    cleanup_fd int fd = _cgfile_open_file (dir, name, O_RDONLY);
    size_t have = 0;
    ssize_t n;

    if (fd < 0)
        return -1;
    while (have < len - 1) {
        n = read (fd, buf + have, len - 1 - have);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        have += n;
    }
    buf[have] = '\0';
    return have;
}

/* One number and nothing behind it but white space. */
static int _parse_u64 (const char *text, uint64_t *value)
{
    char *end;

    if (!strncmp (text, "max", 3) && (!text[3] || isspace (text[3]))) {
        *value = UINT64_MAX;
        return 0;
    }
    if (!isdigit ((unsigned char) *text)) {
        errno = EINVAL;
        return -1;
    }
    errno = 0;
    *value = strtoull (text, &end, 10);
    if (errno != 0)
        return -1;
    if (*end && !isspace ((unsigned char) *end)) {
        errno = EINVAL;
        return -1;
    }
    return 0;
}

ssize_t cg_entries (int fd, void *buf, size_t len)
{
    return syscall (SYS_getdents64, fd, buf, len);
}

int cg_read_u64 (int dir, const char *name, uint64_t *value)
{
    char buf[64];

    if (cg_read (dir, name, buf, sizeof (buf)) < 0)
        return -1;
    return _parse_u64 (buf, value);
}

int cg_write (int dir, const char *name, const char *fmt, ...)
{
    cleanup_fd int fd = _cgfile_open_file (dir, name, O_WRONLY);
    char buf[128];
    va_list ap;
    ssize_t done;
    int n;

    if (fd < 0)
        return -1;
    va_start (ap, fmt);
    n = vsnprintf (buf, sizeof (buf), fmt, ap);
    va_end (ap);
    if (n < 0 || (size_t) n >= sizeof (buf)) {
        errno = EMSGSIZE;
        return -1;
    }
    do {
        done = write (fd, buf, n);
    } while (done < 0 && errno == EINTR);
    if (done >= 0 && done < n) {
        errno = EIO;
        return -1;
    }
    return done < 0 ? -1 : 0;
}

int cg_write_u64 (int dir, const char *name, uint64_t value)
{
    return cg_write (dir, name, "%" PRIu64, value);
}

bool cg_key (const char *text, const char *key, uint64_t *value)
{
    size_t len = strlen (key);
    const char *line, *p;

    for (line = text; line; line = strchr (line, '\n')) {
        if (*line == '\n')
            line++;
        if (strncmp (line, key, len) != 0)
            continue;
        p = line + len;
        if (*p != ' ' && *p != '\t')
            continue;
        p += strspn (p, " \t");
        if (isdigit ((unsigned char) *p)) {
            *value = strtoull (p, NULL, 10);
            return true;
        }
    }
    return false;
}

int cg_each_pid (int dir, const char *name, int (*visit) (pid_t pid, void *arg),
                 void *arg)
{
    cleanup_fd int fd = _cgfile_open_file (dir, name, O_RDONLY);
    char buf[4096];
    pid_t pid = 0;
    int count = 0;
    ssize_t n, i;

    if (fd < 0)
        return -1;
    for (;;) {
        n = read (fd, buf, sizeof (buf));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            return count;
        /* a number may be cut by the end of the buffer: [pid] outlives it.  A
         * pid is 0 where its process is outside our pid namespace. */
        for (i = 0; i < n; i++) {
            if (isdigit ((unsigned char) buf[i])) {
                pid = pid * 10 + (buf[i] - '0');
                continue;
            }
            if (pid > 0) {
                count++;
                if (visit (pid, arg) != 0)
                    return count;
            }
            pid = 0;
        }
    }
}

bool cg_is_absent (int error)
{
    return error == ENOENT || error == ENODEV || error == ENOTDIR ||
           error == ELOOP;
}

/* Keep errno in [*failed], unless it is only that, or an earlier one is there. */
static void _keep_failure (int *failed)
{
    if (*failed == 0 && !cg_is_absent (errno))
        *failed = errno;
}

/* Returns [count]; -1 with errno where something has [failed]. */
static int _count_or_fail (int count, int failed)
{
    if (failed == 0)
        return count;
    errno = failed;
    return -1;
}

/* A cgroupfs directory tells d_type; others may say DT_UNKNOWN, and then the
 * O_DIRECTORY of the open decides. */
static bool _may_be_dir (const struct dirent64 *e)
{
    if (strcmp (e->d_name, ".") == 0 || strcmp (e->d_name, "..") == 0)
        return false;
    return e->d_type == DT_DIR || e->d_type == DT_UNKNOWN;
}

static int _visit_entry (int dir, const struct dirent64 *e, int *count,
                         int *failed,
                         int (*visit) (int child, const char *name, void *arg),
                         void *arg)
{
    cleanup_fd int child = -1;

    if (!_may_be_dir (e))
        return 0;
    child = _cgfile_open_file (dir, e->d_name, O_RDONLY | O_DIRECTORY);
    if (child < 0) {
        _keep_failure (failed);
        return 0;
    }
    ++*count;
    return visit (child, e->d_name, arg);
}

int cg_each_child (int dir,
                   int (*visit) (int child, const char *name, void *arg),
                   void *arg)
{
    /* opened anew: [dir] keeps its own read position */
    cleanup_fd int fd = _cgfile_open_file (dir, ".", O_RDONLY | O_DIRECTORY);
    _Alignas(struct dirent64) char buf[4096];
    int count = 0, failed = 0;
    ssize_t n, i;

    if (fd < 0)
        return -1;
    while ((n = cg_entries (fd, buf, sizeof (buf))) > 0) {
        for (i = 0; i < n; i += ((struct dirent64 *) (buf + i))->d_reclen) {
            if (_visit_entry (dir, (struct dirent64 *) (buf + i), &count,
                              &failed, visit, arg) != 0)
                return count;
        }
    }
    if (n < 0)
        return -1;
    return _count_or_fail (count, failed);
}

/* ---- controllers (cgroup v2) --------------------------------------------- */

bool cg_hands_down (int dir, const char *controller)
{
    char text[512], *save = NULL;

    if (cg_read (dir, "cgroup.subtree_control", text, sizeof (text)) < 0)
        return false;
    for (char *word = strtok_r (text, " \n", &save); word;
         word = strtok_r (NULL, " \n", &save)) {
        if (strcmp (word, controller) == 0)
            return true;
    }
    return false;
}

static int _cgfile_hand_down (int dir, const char *mount, const char *path,
                              int len, const char *controller,
                              struct mw_err *err)
{
    if (cg_hands_down (dir, controller) ||
        cg_write (dir, "cgroup.subtree_control", "+%s", controller) >= 0)
        return 0;
    /* only the root may have processes beside directories with controllers */
    return mw_err_set (err,
                       "cgroups below %s%.*s have no %s controller: "
                       "\"+%s\" has to be written into %s%.*s/cgroup."
                       "subtree_control, and cannot: %s%s",
                       mount, len, path, controller, controller, mount, len,
                       path, strerror (errno),
                       errno == EBUSY
                           ? " (move the processes "
                             "of that cgroup into one below it first)"
                           : "");
}

int cg_hand_down (int root, const char *mount, const char *path,
                  const char *controller, struct mw_err *err)
{
    cleanup_fd int dir = fcntl (root, F_DUPFD_CLOEXEC, 0);
    const char *at = path;

    while (dir >= 0) {
        char name[NAME_MAX + 1];
        size_t len;
        int next;

        if (_cgfile_hand_down (dir, mount, path, (int) (at - path), controller,
                               err) < 0)
            return -1;
        len = strcspn (at + (*at == '/'), "/");
        if (len == 0 || len > NAME_MAX)
            return 0;
        memcpy (name, at + (*at == '/'), len);
        name[len] = '\0';
        next = openat (dir, name,
                       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (next < 0 && errno == ENOENT)
            return 0;
        at += len + (*at == '/');
        close (dir);
        dir = next;
    }
    return mw_err_errno (err, "%s%.*s", mount, (int) (at - path), path);
}

/* ---- a whole tree ---------------------------------------------------------
 *
 * Who made it decides how deep it is: so the levels that are open are a ring,
 * and a level that has left it is opened again by "..", which no cgroup can be
 * moved away from, and read up to the directory that was come from.
 */
#define WALK_OPEN 32
#define WALK_AGAIN 16 /* readings of a level from its beginning */

struct level {
    int fd; /* its read position is the walk's */
    size_t at, have;
    _Alignas(struct dirent64) char buf[1024];
};

struct walk {
    struct level level[WALK_OPEN];
    unsigned depth, top; /* the present level, the highest open one */
    unsigned again;
    int (*visit) (int dir, const char *name, void *arg);
    void *arg;
    int count;
    int failed; /* errno of the first directory that could not be read */
};

static struct level *_cgfile_level (struct walk *w)
{
    return &w->level[w->depth % WALK_OPEN];
}

/* The next directory in [l]; NULL: there is none, or [*failed]. */
static const struct dirent64 *_next_dir (struct level *l, int *failed)
{
    const struct dirent64 *e;
    ssize_t n;

    for (;;) {
        if (l->at >= l->have) {
            n = cg_entries (l->fd, l->buf, sizeof (l->buf));
            if (n < 0) /* removed: then it was empty */
                _keep_failure (failed);
            if (n <= 0)
                return NULL;
            l->have = (size_t) n;
            l->at = 0;
        }
        e = (const struct dirent64 *) (l->buf + l->at);
        l->at += e->d_reclen;
        if (_may_be_dir (e))
            return e;
    }
}

/* Visit [fd], which becomes the walk's, and make it the present level. Returns
 * what [visit] did: not 0, and the level stays as it was. */
static int _cgfile_enter (struct walk *w, int fd, const char *name, bool first)
{
    int rc = w->visit (fd, name, w->arg);

    w->count++;
    if (rc != 0) {
        close (fd);
        return rc;
    }
    w->depth += !first;
    if (w->depth - w->top >= WALK_OPEN)
        close (w->level[w->top++ % WALK_OPEN].fd);
    _cgfile_level (w)->fd = fd;
    _cgfile_level (w)->at = _cgfile_level (w)->have = 0;
    return 0;
}

/* Go up a level. Returns false where there is none to go to. */
static bool _cgfile_leave (struct walk *w)
{
    int child = _cgfile_level (w)->fd, fd;
    const struct dirent64 *e;
    uint64_t inode;

    if (w->depth == 0 || w->depth > w->top) {
        close (child);
        return w->depth > 0 && w->depth-- > 0;
    }
    inode = cg_inode (child);
    fd = _cgfile_open_file (child, "..", O_RDONLY | O_DIRECTORY);
    close (child);
    if (fd < 0) {
        w->failed = errno; /* and all that is above it */
        return false;
    }
    w->top = --w->depth;
    *_cgfile_level (w) = (struct level) { .fd = fd };
    while ((e = _next_dir (_cgfile_level (w), &w->failed)) && e->d_ino != inode)
        ;
    /* It has gone meanwhile, and its place with it: some are visited twice, but
     * whoever removes as fast as we read does not hold us for ever. */
    if (!e && w->again++ < WALK_AGAIN)
        lseek (fd, 0, SEEK_SET);
    return true;
}

int cg_walk (int dir, int (*visit) (int dir, const char *name, void *arg),
             void *arg)
{
    int fd = _cgfile_open_file (dir, ".", O_RDONLY | O_DIRECTORY), rc;
    struct walk w;

    if (fd < 0)
        return -1;
    w.depth = w.top = w.again = 0;
    w.count = w.failed = 0;
    w.visit = visit;
    w.arg = arg;
    if (_cgfile_enter (&w, fd, "", true) != 0)
        return w.count;
    for (;;) {
        const struct dirent64 *e = _next_dir (_cgfile_level (&w), &w.failed);

        if (!e && !_cgfile_leave (&w))
            return _count_or_fail (w.count, w.failed);
        if (!e)
            continue;
        fd = _cgfile_open_file (_cgfile_level (&w)->fd, e->d_name,
                                O_RDONLY | O_DIRECTORY);
        if (fd < 0) {
            _keep_failure (&w.failed);
            continue;
        }
        rc = _cgfile_enter (&w, fd, e->d_name, false);
        if (rc == 0 || rc == CG_SKIP)
            continue;
        for (unsigned i = w.top; i <= w.depth; i++)
            close (w.level[i % WALK_OPEN].fd);
        return w.count;
    }
}

/* Remove the directories of [l] that have none below them; [*left] = one that
 * is left, opened, or -1. Returns 0, or -1 (EBUSY): [emptied] does not go. */
static int _remove_leaves (struct level *l, uint64_t emptied, int *left)
{
    const struct dirent64 *e;
    int failed = 0;

    *left = -1;
    while ((e = _next_dir (l, &failed))) {
        if (unlinkat (l->fd, e->d_name, AT_REMOVEDIR) == 0 || errno == ENOENT)
            continue;
        if (e->d_ino == emptied) {
            if (*left >= 0)
                close (*left);
            errno = EBUSY;
            return -1;
        }
        if (*left < 0)
            *left = _cgfile_open_file (l->fd, e->d_name,
                                       O_RDONLY | O_DIRECTORY);
        if (*left < 0)
            _keep_failure (&failed);
    }
    if (failed && *left < 0) {
        errno = failed;
        return -1;
    }
    return 0;
}

int cg_remove_below (int dir)
{
    struct level l = { .fd = _cgfile_open_file (dir, ".",
                                                O_RDONLY | O_DIRECTORY) };
    uint64_t emptied = 0;
    unsigned depth = 0;
    int next, rc;

    while (l.fd >= 0) {
        rc = _remove_leaves (&l, emptied, &next);
        if (rc < 0 || (next < 0 && depth == 0)) {
            close (l.fd);
            return rc;
        }
        emptied = next < 0 ? cg_inode (l.fd) : 0;
        depth += next < 0 ? -1 : 1;
        if (next < 0)
            next = _cgfile_open_file (l.fd, "..", O_RDONLY | O_DIRECTORY);
        close (l.fd);
        l = (struct level) { .fd = next };
    }
    return -1;
}

bool cg_among (const char *names, const char *word)
{
    size_t len = strlen (word);

    for (const char *p = strstr (names, word); p; p = strstr (p + 1, word)) {
        if ((p == names || p[-1] == ',') && (!p[len] || p[len] == ','))
            return true;
    }
    return false;
}

int cg_next_member (const char **text, struct cg_member *m)
{
    const char *from = *text;
    size_t len = strcspn (from, "\n"), kept;
    char *names, *path = NULL;

    if (!*from)
        return 0;
    *text = from + len + (from[len] == '\n');
    kept = mw_least (len, sizeof (m->line) - 1);
    memcpy (m->line, from, kept);
    m->line[kept] = '\0';
    if ((names = strchr (m->line, ':')))
        path = strchr (names + 1, ':');
    if (kept < len || !path) {
        errno = EINVAL;
        return -1;
    }
    *path = '\0';
    m->controllers = names + 1;
    m->path = path + 1;
    m->v2 = strncmp (m->line, "0:", 2) == 0 && !names[1];
    return 1;
}

uint64_t cg_inode (int dir)
{
    struct stat st;

    return fstat (dir, &st) < 0 ? 0 : st.st_ino;
}
