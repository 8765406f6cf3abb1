/* cgfile.c - files of cgroupfs and procfs, by directory descriptor */
#include "handler/cgfile.h"

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
#include <unistd.h>

#include "lib/cleanup.h"

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

static int _open_file (int dir, const char *name, int flags)
{
    return openat (dir, name, flags | O_CLOEXEC | O_NOFOLLOW);
}

ssize_t cg_read (int dir, const char *name, char *buf, size_t len)
{
    cleanup_fd int fd = _open_file (dir, name, O_RDONLY);
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

int cg_read_u64 (int dir, const char *name, uint64_t *value)
{
    char buf[64];

    if (cg_read (dir, name, buf, sizeof (buf)) < 0)
        return -1;
    return _parse_u64 (buf, value);
}

int cg_write (int dir, const char *name, const char *fmt, ...)
{
    cleanup_fd int fd = _open_file (dir, name, O_WRONLY);
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

int cg_each_pid (int dir, const char *name,
                 int (*visit) (pid_t pid, void *arg), void *arg)
{
    cleanup_fd int fd = _open_file (dir, name, O_RDONLY);
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

/* A cgroupfs directory tells d_type; others may say DT_UNKNOWN, and then the
 * O_DIRECTORY of the open decides. */
static int _visit_entry (int dir, const struct dirent64 *e, int *count,
                         int (*visit) (int child, const char *name, void *arg),
                         void *arg)
{
    cleanup_fd int child = -1;

    if (e->d_name[0] == '.' &&
        (!e->d_name[1] || (e->d_name[1] == '.' && !e->d_name[2])))
        return 0;
    if (e->d_type != DT_DIR && e->d_type != DT_UNKNOWN)
        return 0;
    child = _open_file (dir, e->d_name, O_RDONLY | O_DIRECTORY);
    if (child < 0)          /* removed meanwhile, a link, or a file */
        return 0;
    ++*count;
    return visit (child, e->d_name, arg);
}

int cg_each_child (int dir, int (*visit) (int child, const char *name,
                                          void *arg), void *arg)
{
    /* opened anew: [dir] keeps its own read position */
    cleanup_fd int fd = _open_file (dir, ".", O_RDONLY | O_DIRECTORY);
    _Alignas (struct dirent64) char buf[4096];
    int count = 0;
    ssize_t n, i;

    if (fd < 0)
        return -1;
    while ((n = getdents64 (fd, buf, sizeof (buf))) > 0) {
        for (i = 0; i < n; i += ((struct dirent64 *) (buf + i))->d_reclen) {
            if (_visit_entry (dir, (struct dirent64 *) (buf + i), &count,
                              visit, arg) != 0)
                return count;
        }
    }
    return n < 0 ? -1 : count;
}

uint64_t cg_inode (int dir)
{
    struct stat st;

    return fstat (dir, &st) < 0 ? 0 : st.st_ino;
}
