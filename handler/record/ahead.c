/* ahead.c - the file of the write-ahead journal, in memory */
#include "handler/record/ahead.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "handler/pass/dictate.h"

#define CHUNK ((size_t) 128 << 10) /* the file grows by so much … */
#define PAGE ((size_t) 4096)       /* … or, on a disk almost full, to this */
#define SPARE (2 * (size_t) JOURNAL_RECORD_MAX)

static size_t _rounded (size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

/* Map [room] bytes instead of what is mapped. */
static int _ahead_map (struct ahead *a, size_t room)
{
    void *map = a->map ? mremap (a->map, a->room, room, MREMAP_MAYMOVE)
                       : mmap (NULL, room, PROT_READ | PROT_WRITE, MAP_SHARED,
                               a->fd, 0);

    if (map == MAP_FAILED)
        return -1;
    a->map = map;
    a->room = room;
    return 0;
}

/* The pages are there, and touched, before a line is: a page that cannot be had then
 * would be SIGBUS. */
static int _ahead_grow (struct ahead *a, size_t room)
{
    size_t from = a->room;
    int rc = posix_fallocate (a->fd, 0, (off_t) room);

    if (rc != 0) {
        errno = rc;
        return -1;
    }
    if (_ahead_map (a, room) < 0)
        return -1;
    memset (a->map + from, '\n', room - from);
    return 0;
}

static int _ahead_want (struct ahead *a, size_t bytes)
{
    if (a->room - a->len >= bytes)
        return 0;
    if (_ahead_grow (a, _rounded (a->len + bytes, CHUNK)) == 0)
        return 0;
    return _ahead_grow (a, _rounded (a->len + bytes, PAGE));
}

int ahead_prepare (struct ahead *a)
{
    return _ahead_want (a, SPARE);
}

int ahead_append (struct ahead *a, const char *text, size_t len)
{
    char *to;

    if (_ahead_want (a, len) < 0)
        return -1;
    to = a->map + a->len;
    memcpy (to + 1, text + 1, len - 1);
    atomic_signal_fence (memory_order_seq_cst);
    atomic_store_explicit ((_Atomic char *) to, text[0], memory_order_release);
    a->len += len;
    return 0;
}

static bool _is_filler (char c)
{
    return c == '\n' || c == '\0';
}

const char *ahead_next (const struct ahead *a, size_t *at, size_t *len)
{
    const char *line, *end;
    size_t n = *at;

    while (n < a->room && _is_filler (a->map[n]))
        n++;
    if (n >= a->room)
        return NULL;
    line = a->map + n;
    end = memchr (line, '\n', a->room - n);
    *len = end ? (size_t) (end - line) + 1 : a->room - n;
    *at = n + *len;
    return line;
}

/* Where the last line ends.  One whose first byte was not written yet has an empty one
 * before it, or no newline. */
static void _ahead_find_end (struct ahead *a)
{
    const char *line, *last = NULL;
    size_t at = 0, len, end = 0;

    while ((line = ahead_next (a, &at, &len))) {
        end = a->len;
        a->len = at;
        last = line;
    }
    if (!last || (last[0] == '{' && a->map[a->len - 1] == '\n'))
        return;
    if (a->map[a->len - 1] == '\n' && (size_t) (last - a->map) == end)
        return; /* it was whole once */
    a->torn = a->len - (size_t) (last - a->map);
    memset (a->map + end, '\n', a->len - end);
    a->len = end;
}

int ahead_open (struct ahead *a, int dir, const char *name, bool fresh,
                struct mw_err *err)
{
    struct stat st;

    *a = (struct ahead) { .fd = -1 };
    a->fd = openat (dir, name,
                    O_RDWR | O_CREAT | (fresh ? O_EXCL : 0) | O_NOFOLLOW |
                        O_NONBLOCK | O_CLOEXEC,
                    0600);
    if (a->fd < 0 || fstat (a->fd, &st) < 0)
        return mw_err_errno (err, "cannot open %s", name);
    if (!S_ISREG (st.st_mode))
        return mw_err_code (err, EINVAL, "%s is not a file", name);
    if (st.st_size > 0 && _ahead_map (a, (size_t) st.st_size) < 0)
        return mw_err_errno (err, "cannot read %s", name);
    _ahead_find_end (a);
    ahead_prepare (a); /* else it is tried again at each line */
    return 0;
}

void ahead_close (struct ahead *a)
{
    int saved = errno;

    if (a->map)
        munmap (a->map, a->room);
    if (a->fd >= 0)
        close (a->fd);
    *a = (struct ahead) { .fd = -1 };
    errno = saved;
}
