/* book.c - the story, as files that are kept */
#include "handler/scribe/book.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "handler/pass/dictate.h"
#include "lib/cleanup.h"

#define STORY_SIZE_MAX (16 << 20)
#define USER_SIZE_MAX (1 << 20)

static void _book_name (uid_t uid, bool old, char *name, size_t len)
{
    const char *tail = old ? ".1" : "";

    if (uid == BOOK_NOBODY)
        snprintf (name, len, JOURNAL_STORY "%s", tail);
    else
        snprintf (name, len, "users/%" PRIu32 ".jsonl%s", (uint32_t) uid, tail);
}

static uint64_t _most (uid_t uid)
{
    return uid == BOOK_NOBODY ? STORY_SIZE_MAX : USER_SIZE_MAX;
}

static void _book_close_file (struct book_file *f)
{
    if (f->fd >= 0)
        close (f->fd);
    *f = (struct book_file) { .fd = -1 };
}

static int _book_open_file (struct book *b, struct book_file *f, uid_t uid)
{
    char name[64], old[64];
    struct stat st;

    _book_name (uid, false, name, sizeof (name));
    _book_name (uid, true, old, sizeof (old));
    if (fstatat (b->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
        (uint64_t) st.st_size > _most (uid))
        renameat (b->dir, name, b->dir, old);
    f->fd = openat (b->dir, name,
                    O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK |
                        O_CLOEXEC,
                    0600);
    if (f->fd < 0 || fstat (f->fd, &st) < 0)
        return -1;
    f->uid = uid;
    f->size = (uint64_t) st.st_size;
    return 0;
}

/* The file of [uid], open; the one that was used longest ago gives way. */
static struct book_file *_book_file (struct book *b, uid_t uid)
{
    struct book_file *f = &b->file[0];

    for (unsigned i = 0; i < BOOK_FILES; i++) {
        if (b->file[i].fd >= 0 && b->file[i].uid == uid) {
            f = &b->file[i];
            break;
        }
        if (b->file[i].used < f->used)
            f = &b->file[i];
    }
    if (f->fd >= 0 && (f->uid != uid || f->size > _most (uid)))
        _book_close_file (f);
    if (f->fd < 0 && _book_open_file (b, f, uid) < 0) {
        _book_close_file (f);
        return NULL;
    }
    f->used = ++b->turn;
    return f;
}

static int _book_append (struct book *b, uid_t uid, const char *text,
                         size_t len)
{
    struct book_file *f = _book_file (b, uid);
    ssize_t n;
    int saved;

    if (!f)
        return -1;
    do {
        n = write (f->fd, text, len);
    } while (n < 0 && errno == EINTR);
    if (n == (ssize_t) len) {
        f->size += len;
        b->dirty = true;
        return 0;
    }
    saved = n < 0 ? errno : ENOSPC;
    /* where even that fails, readers pass over the half line */
    if (n > 0 && ftruncate (f->fd, (off_t) f->size) < 0)
        f->size += (uint64_t) n;
    errno = saved;
    return -1;
}

int book_write (struct book *b, uid_t uid, const char *text, size_t len)
{
    if (_book_append (b, BOOK_NOBODY, text, len) < 0)
        return -1;
    if (uid != BOOK_NOBODY)
        _book_append (b, uid, text, len);
    return 0;
}

void book_where (struct book *b, uint64_t *size, uint64_t *inode)
{
    struct book_file *f = _book_file (b, BOOK_NOBODY);
    struct stat st;

    *size = *inode = 0;
    if (f && fstat (f->fd, &st) == 0) {
        *size = (uint64_t) st.st_size;
        *inode = st.st_ino;
    }
}

void book_sync (struct book *b)
{
    for (unsigned i = 0; b->dirty && i < BOOK_FILES; i++) {
        if (b->file[i].fd >= 0)
            fdatasync (b->file[i].fd);
    }
    b->dirty = false;
}

int book_history (const struct book *b, uid_t uid, bool old)
{
    char name[64];

    _book_name (uid == 0 ? BOOK_NOBODY : uid, old, name, sizeof (name));
    return openat (b->dir, name,
                   O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
}

/* One scribe a story; that of a warden that was killed may have work left. */
static int _book_lock (struct book *b)
{
    struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

    b->lock = openat (b->dir, "lock.story",
                      O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    return b->lock < 0 ? -1 : fcntl (b->lock, F_SETLKW, &l);
}

int book_open (struct book *b, const char *dir, struct mw_err *err)
{
    struct stat st;

    *b = (struct book) { .dir = -1, .lock = -1 };
    for (unsigned i = 0; i < BOOK_FILES; i++)
        b->file[i].fd = -1;
    if (mkdir (dir, 0711) < 0 && errno != EEXIST)
        return mw_err_errno (err, "cannot make history directory %s", dir);
    b->dir = open (dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (b->dir < 0 || fstat (b->dir, &st) < 0)
        return mw_err_errno (err, "cannot open history directory %s", dir);
    if (st.st_uid != geteuid () || (st.st_mode & (S_IWGRP | S_IWOTH)))
        return mw_err_code (err, EPERM,
                            "history directory %s can be changed by others; "
                            "chown it to root and chmod go-w it",
                            dir);
    if (mkdirat (b->dir, "users", 0700) < 0 && errno != EEXIST)
        return mw_err_errno (err, "cannot make %s/users", dir);
    return _book_lock (b) < 0 ? mw_err_errno (err, "cannot lock %s", dir) : 0;
}

void book_close (struct book *b)
{
    for (unsigned i = 0; i < BOOK_FILES; i++)
        _book_close_file (&b->file[i]);
    if (b->lock >= 0)
        close (b->lock);
    if (b->dir >= 0)
        close (b->dir);
    b->dir = b->lock = -1;
}
