/* hide.c - a kernel that has not got some file: preloaded (ld.so(8)), whatever
 * is named in $MW_HIDE ("memory.high cgroup.kill") cannot be opened or found
 * below an open directory
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static bool _hidden (const char *name)
{
    const char *all = getenv ("MW_HIDE");
    size_t len = strlen (name);

    for (const char *p = all; p && *p; p += strspn (p, " ")) {
        size_t n = strcspn (p, " ");

        if (n == len && !strncmp (p, name, n)) {
            errno = ENOENT;
            return true;
        }
        p += n;
    }
    return false;
}

static void *_next (const char *symbol)
{
    return dlsym (RTLD_NEXT, symbol);
}

int openat (int dir, const char *name, int flags, ...)
{
    int (*next) (int, const char *, int, ...);
    void *found = _next ("openat");
    mode_t mode;
    va_list ap;

    va_start (ap, flags);
    mode = flags & O_CREAT ? va_arg (ap, mode_t) : 0;
    va_end (ap);
    memcpy (&next, &found, sizeof (next));
    return _hidden (name) ? -1 : next (dir, name, flags, mode);
}

int faccessat (int dir, const char *name, int mode, int flags)
{
    int (*next) (int, const char *, int, int);
    void *found = _next ("faccessat");

    memcpy (&next, &found, sizeof (next));
    return _hidden (name) ? -1 : next (dir, name, mode, flags);
}
