/* eio.c - a disk, or a kernel, that fails for a while: preloaded (ld.so(8)), a write
 * of $MW_EIO_TEXT to a file called $MW_EIO_FILE fails with EIO while the file
 * $MW_EIO_WHILE is there, at most $MW_EIO_TIMES; each is a line in that.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static void *_next (const char *symbol)
{
    return dlsym (RTLD_NEXT, symbol);
}

static ssize_t _write (int fd, const void *buf, size_t len)
{
    ssize_t (*next) (int, const void *, size_t);
    void *found = _next ("write");

    memcpy (&next, &found, sizeof (next));
    return next (fd, buf, len);
}

static bool _is_named (int fd, const char *name)
{
    char link[32], path[1024];
    const char *base;
    ssize_t n;

    snprintf (link, sizeof (link), "/proc/self/fd/%d", fd);
    n = readlink (link, path, sizeof (path) - 1);
    if (n < 0)
        return false;
    path[n] = '\0';
    base = strrchr (path, '/');
    return base && strcmp (base + 1, name) == 0;
}

static bool _fails (int fd, const void *buf, size_t len)
{
    const char *file = getenv ("MW_EIO_FILE"), *text = getenv ("MW_EIO_TEXT");
    const char *mark = getenv ("MW_EIO_WHILE");
    const char *times = getenv ("MW_EIO_TIMES");
    bool fails;
    int to;

    if (!file || !text || !mark || len != strlen (text) ||
        memcmp (buf, text, len) != 0 || !_is_named (fd, file) ||
        (to = open (mark, O_WRONLY | O_APPEND | O_CLOEXEC)) < 0)
        return false;
    fails = !times || lseek (to, 0, SEEK_END) < 2 * atoll (times);
    if (fails)
        _write (to, "x\n", 2);
    close (to);
    errno = EIO;
    return fails;
}

ssize_t write (int fd, const void *buf, size_t len)
{
    return _fails (fd, buf, len) ? -1 : _write (fd, buf, len);
}

ssize_t pwrite (int fd, const void *buf, size_t len, off_t at)
{
    ssize_t (*next) (int, const void *, size_t, off_t);
    void *found = _next ("pwrite");

    memcpy (&next, &found, sizeof (next));
    return _fails (fd, buf, len) ? -1 : next (fd, buf, len, at);
}

ssize_t pwrite64 (int fd, const void *buf, size_t len, off64_t at)
{
    return pwrite (fd, buf, len, at);
}
