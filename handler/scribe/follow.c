/* follow.c - the write-ahead journal, read behind the warden's back */
#include "handler/scribe/follow.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "handler/pass/dictate.h"
#include "handler/pass/seal.h"
#include "lib/cleanup.h"
#include "lib/json_get.h"

#define PLACE "story.place"
#define PLACE_FORM "%20" PRIu64 " %20" PRIu64 " %20" PRIu64 "\n"
#define READ_MAX (4 * JOURNAL_RECORD_MAX)

static uint64_t _seq_of (const json_t *record)
{
    return (uint64_t) json_integer_value (json_object_get (record, "seq"));
}

/* ---- how far ------------------------------------------------------------- */

static void _put_place (struct follow *f, struct book *b)
{
    uint64_t size, inode;
    char text[80];
    int n;

    book_where (b, &size, &inode);
    n = snprintf (text, sizeof (text), PLACE_FORM, f->seq, size, inode);
    if (pwrite (f->place, text, (size_t) n, 0) < 0)
        return; /* what is told twice then is better than what is not */
}

/* What was told behind the last known place: its scribe was killed before it said so. */
static void _read_behind (struct follow *f, const struct book *b, uint64_t size)
{
    cleanup_fd int fd = book_history (b, 0, false);
    cleanup_file FILE *file = fd < 0 ? NULL : fdopen (fd, "r");
    cleanup_free char *line = NULL;
    size_t room = 0;
    ssize_t n;

    if (!file)
        return;
    fd = -1;
    fseeko (file, (off_t) size, SEEK_SET);
    while ((n = getline (&line, &room, file)) > 0) {
        cleanup_json json_t *record = json_loadb (line, (size_t) n, 0, NULL);

        if (_seq_of (record) > f->seq)
            f->seq = _seq_of (record);
    }
}

static void _get_place (struct follow *f, struct book *b)
{
    uint64_t size, inode, now_size, now_inode;
    char text[81];
    ssize_t n = pread (f->place, text, sizeof (text) - 1, 0);

    text[n > 0 ? n : 0] = '\0';
    if (sscanf (text, "%" SCNu64 " %" SCNu64 " %" SCNu64, &f->seq, &size,
                &inode) != 3) {
        f->seq = 0;
        return;
    }
    book_where (b, &now_size, &now_inode);
    if (now_inode == inode && now_size > size)
        _read_behind (f, b, size);
}

/* ---- records ------------------------------------------------------------- */

/* [line] of [len] bytes is a whole record, of which [bare] are before its seal. */
static int _follow_tell (struct follow *f, struct book *b, const char *line,
                         size_t len, size_t bare)
{
    static char text[JOURNAL_RECORD_MAX];
    cleanup_json json_t *record = json_loadb (line, len, 0, NULL);
    const json_t *uid = json_object_get (record, "uid");
    uint64_t seq = _seq_of (record);

    if (!record || bare > sizeof (text) - 2)
        return 0;
    if (f->tally)
        tally_state (f->tally, record);
    if (seq <= f->seq)
        return 0;
    if (strcmp (json_get_text (record, "event"), "carried") != 0) {
        memcpy (text, line, bare);
        memcpy (text + bare, "}\n", 2);
        if (book_write (b,
                        json_is_integer (uid) ? (uid_t) json_integer_value (uid)
                                              : BOOK_NOBODY,
                        text, bare + 2) < 0)
            return -1;
    }
    if (!strcmp (json_get_text (record, "event"), STRIKES_RECORD) ||
        !strcmp (json_get_text (record, "event"), STRIKES_FORGIVEN))
        f->struck = true;
    if (f->tally)
        tally_count (f->tally, record);
    if (f->terminals)
        terminals_hear (f->terminals, record);
    if (f->seq != 0)
        f->lost += seq - f->seq - 1;
    f->seq = seq;
    return 0;
}

/* The line that is next has no right seal: it was being written when it was read, or
 * has been changed. Returns whether to pass over it. */
static bool _is_bad (struct follow *f)
{
    if (f->doubt == f->at + 1)
        return true;
    f->doubt = f->at + 1;
    return false;
}

/* Tell the lines in [text]. Returns 1: there are none left; 0; -1 with errno. */
static int _tell_lines (struct follow *f, struct book *b, const char *text,
                        size_t len)
{
    size_t n, bare;

    for (size_t i = 0; i < len; i += n, f->at += n) {
        const char *end = memchr (text + i, '\n', len - i);

        if (text[i] == '\n' || text[i] == '\0')
            return 1;
        if (!end) /* the rest is read with what follows, if it is no ruin */
            return i == 0 ? 1 : 0;
        n = (size_t) (end - text) - i + 1;
        bare = seal_check (text + i, n);
        if (bare == 0 && !_is_bad (f))
            return 1;
        if (bare > 0 && _follow_tell (f, b, text + i, n, bare) < 0)
            return -1;
    }
    return 0;
}

static int _read_on (struct follow *f, struct book *b)
{
    static char text[READ_MAX];
    ssize_t n;
    int rc = 0;

    while (rc == 0) {
        n = pread (f->fd, text, sizeof (text), (off_t) f->at);
        if (n <= 0)
            return (int) n;
        rc = _tell_lines (f, b, text, (size_t) n);
    }
    return rc < 0 ? -1 : 0;
}

/* ---- files --------------------------------------------------------------- */

static void _follow_file (struct follow *f, const char *name)
{
    struct stat st;

    f->fd = openat (f->dir, name,
                    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    f->at = f->doubt = 0;
    f->inode = f->fd >= 0 && fstat (f->fd, &st) == 0 ? st.st_ino : 0;
}

void follow_again (struct follow *f)
{
    if (f->fd >= 0)
        close (f->fd);
    _follow_file (f, JOURNAL_AHEAD_OLD);
}

static bool _goes_on_elsewhere (const struct follow *f)
{
    struct stat st;

    return fstatat (f->dir, JOURNAL_AHEAD, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
           st.st_ino != f->inode;
}

int follow_catch_up (struct follow *f, struct book *b)
{
    uint64_t before = f->seq;
    int rc = f->fd < 0 ? 0 : _read_on (f, b);

    while (rc == 0 && _goes_on_elsewhere (f)) {
        /* what came between those two looks */
        if (f->fd >= 0 && (rc = _read_on (f, b)) < 0)
            break;
        if (f->fd >= 0)
            close (f->fd);
        _follow_file (f, JOURNAL_AHEAD);
        rc = f->fd < 0 ? 0 : _read_on (f, b);
    }
    if (f->seq != before)
        _put_place (f, b);
    return rc;
}

int follow_copy (const struct follow *f, const struct book *b, const char *name)
{
    cleanup_fd int from = openat (f->dir, name,
                                  O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
                                      O_CLOEXEC);
    cleanup_fd int to = -1;
    char part[64], text[4096];
    struct stat st, kept;
    ssize_t n = -1;
    int saved;

    if (from < 0 || fstat (from, &st) < 0)
        return -1;
    if (fstatat (b->dir, name, &kept, AT_SYMLINK_NOFOLLOW) == 0 &&
        kept.st_dev == st.st_dev && kept.st_ino == st.st_ino)
        return 0; /* history-dir is the state directory */
    snprintf (part, sizeof (part), "%s.kept", name);
    to = openat (b->dir, part,
                 O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (to < 0)
        return -1;
    while ((n = read (from, text, sizeof (text))) > 0) {
        if (write (to, text, (size_t) n) != n)
            break;
    }
    if (n == 0 && fdatasync (to) == 0 &&
        renameat (b->dir, part, b->dir, name) == 0)
        return 0;
    saved = errno ? errno : ENOSPC;
    unlinkat (b->dir, part, 0);
    errno = saved;
    return -1;
}

int follow_open (struct follow *f, const char *state_dir, struct book *b,
                 struct mw_err *err)
{
    *f = (struct follow) { .dir = -1, .place = -1, .fd = -1 };
    f->dir = open (state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (f->dir < 0)
        return mw_err_errno (err, "cannot open state directory %s", state_dir);
    f->place = openat (f->dir, PLACE,
                       O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
                       0600);
    if (f->place < 0)
        return mw_err_errno (err, "cannot open %s/%s", state_dir, PLACE);
    _get_place (f, b);
    _follow_file (f, JOURNAL_AHEAD_OLD);
    return 0;
}

void follow_close (struct follow *f)
{
    if (f->fd >= 0)
        close (f->fd);
    if (f->place >= 0)
        close (f->place);
    if (f->dir >= 0)
        close (f->dir);
    *f = (struct follow) { .dir = -1, .place = -1, .fd = -1 };
}
