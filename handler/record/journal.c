/* journal.c - what was decided, written before it is done */
#include "handler/record/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "handler/job/job.h"
#include "handler/memcg/claim.h"
#include "handler/record/fields.h"
#include "lib/cgfile.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/json_put.h"

#define JOURNAL "journal.jsonl"
#define JOURNAL_NEW "journal.jsonl.new"
#define JOURNAL_OLD "journal.jsonl.1"
#define JOURNAL_SIZE_MAX (16 << 20)
#define USER_SIZE_MAX (1 << 20)

/* One record being written. The warden has one thread, and its stack is locked
 * memory, so the bytes are here, once. */
static char line_text[JOURNAL_RECORD_MAX];
static struct json_put line = { .text = line_text, .size = sizeof (line_text) };
static size_t line_told; /* bytes of it before the job's state */

static void _put_state (struct json_put *p, const struct job *job)
{
    json_put (p, "\"st\":{");
    json_put (p, "\"spec\":{");
    mw_jobspec_put (p, &job->spec);
    json_put_end (p, "},");
    fields_put (p, job, FIELDS_STATE);
    if (job->facts.known)
        fields_put (p, job, FIELDS_FACTS);
    json_put (p, "\"incident\":{");
    fields_put (p, job, FIELDS_INCIDENT);
    json_put_end (p, "},");
    json_put_end (p, "},");
}

static void _put_job (struct json_put *p, const struct job *job,
                      const char *event)
{
    char id[INCIDENT_ID_MAX];

    json_put_text (p, "job", job->spec.key);
    json_put_number (p, "uid", job->spec.uid);
    if (job->incident.open || !strcmp (event, "resolved"))
        json_put_text (p, "incident", incident_id (job, id));
}

/* Compose the whole record, with its newline. */
static void _compose (uint64_t seq, const char *event, const struct job *job,
                      const char *step, const char *text, const char *more)
{
    uint64_t us = clock_wall_us ();
    time_t s = (time_t) (us / 1000000);
    struct tm tm;
    size_t n;
    struct json_put *p = &line;
    char t[48];

    p->len = 0;
    p->over = false;
    gmtime_r (&s, &tm);
    n = strftime (t, sizeof (t), "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf (t + n, sizeof (t) - n, ".%06" PRIu64 "Z", us % 1000000);
    json_put (p, "{");
    json_put_text (p, "t", t);
    json_put_number (p, "ms", clock_ms ());
    json_put_number (p, "seq", seq);
    json_put_text (p, "event", event);
    if (job)
        _put_job (p, job, event);
    if (step)
        json_put_text (p, "step", step);
    json_put_text (p, "text", text ? text : "");
    if (job) {
        json_put_number (p, "used", job->usage.used);
        json_put_number (p, "limit", job->limit + job->incident.lent);
        json_put_number (p, "reservation", job->reservation);
        json_put_number (p, "priority", job->priority);
    }
    if (more && *more) {
        json_put (p, more);
        json_put (p, ",");
    }
    line_told = p->len;
    if (job)
        _put_state (p, job);
    json_put_end (p, "}\n");
}

/* Write [text] to [fd], which is [*size] long, whole or not at all. */
static int _write_whole (int fd, uint64_t *size, const char *text, size_t len)
{
    ssize_t n;
    int saved;

    do {
        n = write (fd, text, len);
    } while (n < 0 && errno == EINTR);
    if (n == (ssize_t) len) {
        *size += len;
        return 0;
    }
    saved = n < 0 ? errno : ENOSPC;
    /* where even that fails, recovery passes over the half line; the next
     * record must not be glued to it, so it is remembered as torn */
    if (n > 0 && ftruncate (fd, (off_t) *size) < 0)
        *size += (uint64_t) n;
    errno = saved;
    return -1;
}

/* ---- users/UID.jsonl ----------------------------------------------------- */

/* What a user may read must not make the warden slower: a few of the files stay
 * open, the least recently used gives way. */
static struct user_file {
    int fd;
    uid_t uid;
    uint64_t size, used;
} users[8] = {
    { .fd = -1 }, { .fd = -1 }, { .fd = -1 }, { .fd = -1 },
    { .fd = -1 }, { .fd = -1 }, { .fd = -1 }, { .fd = -1 },
};
#define USERS (sizeof (users) / sizeof (users[0]))

static void _close_user (struct user_file *u)
{
    if (u->fd >= 0)
        close (u->fd);
    u->fd = -1;
}

static void _journal_user_name (uid_t uid, char *name, size_t len,
                                const char *tail)
{
    snprintf (name, len, "users/%" PRIu32 ".jsonl%s", (uint32_t) uid, tail);
}

static int _open_user (struct journal *j, struct user_file *u, uid_t uid)
{
    char name[64], old[64];
    struct stat st;

    _journal_user_name (uid, name, sizeof (name), "");
    if (fstatat (j->state_dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
        st.st_size > USER_SIZE_MAX) {
        _journal_user_name (uid, old, sizeof (old), ".1");
        renameat (j->state_dir, name, j->state_dir, old);
    }
    u->fd = openat (j->state_dir, name,
                    O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC,
                    0600);
    if (u->fd < 0 || fstat (u->fd, &st) < 0)
        return -1;
    u->uid = uid;
    u->size = (uint64_t) st.st_size;
    return 0;
}

static struct user_file *_journal_user (struct journal *j, uid_t uid)
{
    struct user_file *u = &users[0];

    for (unsigned i = 0; i < USERS; i++) {
        if (users[i].fd >= 0 && users[i].uid == uid) {
            u = &users[i];
            break;
        }
        if (users[i].used < u->used)
            u = &users[i];
    }
    if (u->fd >= 0 && (u->uid != uid || u->size > USER_SIZE_MAX))
        _close_user (u);
    if (u->fd < 0 && _open_user (j, u, uid) < 0) {
        _close_user (u);
        return NULL;
    }
    u->used = j->seq;
    return u;
}

/* The users' copies of records.  They are for reading only: they are written
 * when the job has its answer, and a failure is not the journal's. */
static struct {
    char text[2 * JOURNAL_RECORD_MAX];
    size_t len;
    struct {
        uid_t uid;
        size_t len;
    } record[32];
    unsigned count;
} copies;
#define COPIES (sizeof (copies.record) / sizeof (copies.record[0]))

void journal_flush (struct journal *j)
{
    const char *text = copies.text;
    struct user_file *u;

    for (unsigned i = 0; i < copies.count; i++) {
        if ((u = _journal_user (j, copies.record[i].uid)))
            _write_whole (u->fd, &u->size, text, copies.record[i].len);
        text += copies.record[i].len;
    }
    copies.len = copies.count = 0;
}

static void _copy_for (struct journal *j, uid_t uid)
{
    if (copies.count == COPIES || line.len > sizeof (copies.text) - copies.len)
        journal_flush (j);
    memcpy (copies.text + copies.len, line.text, line.len);
    copies.len += line.len;
    copies.record[copies.count].uid = uid;
    copies.record[copies.count++].len = line.len;
}

/* ---- the file ------------------------------------------------------------ */

static int _append_boot (struct journal *j, struct mw_err *err);

int journal_append (struct journal *j, const char *event, const struct job *job,
                    const char *step, const char *text, const char *more,
                    struct mw_err *err)
{
    /* without its boot record, which a full disk may have kept out, the file
     * would be taken for one of an earlier boot */
    if (j->size == 0 && strcmp (event, "boot") != 0)
        _append_boot (j, NULL);
    _compose (j->seq + 1, event, job, step, text, more);
    if (line.over)
        return mw_err_code (err, EMSGSIZE, "journal: record of %s is too long",
                            event);
    if (_write_whole (j->fd, &j->size, line.text, line.len) < 0) {
        j->failing = true;
        return mw_err_errno (err, "cannot write %s", JOURNAL);
    }
    j->seq++;
    j->failing = false;
    if (job)
        _copy_for (j, job->spec.uid);
    return 0;
}

size_t journal_last (const struct journal *j, char *buf, size_t room)
{
    size_t len = line_told; /* with the comma behind the last member */

    (void) j;
    if (len == 0 || len > room)
        return 0;
    memcpy (buf, line.text, len);
    buf[len - 1] = '}';
    return len;
}

void journal_boot_id (char *buf, size_t len)
{
    cleanup_fd int fd = sysroot_open ("/proc/sys/kernel/random/boot_id",
                                      O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read (fd, buf, len - 1);

    buf[n > 0 ? n : 0] = '\0';
    buf[strcspn (buf, "\n\"\\")] = '\0';
}

static int _append_boot (struct journal *j, struct mw_err *err)
{
    char id[64], more[80];
    struct json_put p = { .text = more, .size = sizeof (more) };

    journal_boot_id (id, sizeof (id));
    json_put_text (&p, "boot", id);
    return journal_append (j, "boot", NULL, NULL, "journal begins",
                           json_put_done (&p), err);
}

/* Does the file [fd] begin with a record of this boot? */
static bool _of_this_boot (int fd)
{
    cleanup_json json_t *first = NULL;
    char buf[1024], id[64];
    const char *boot, *end;
    ssize_t n = pread (fd, buf, sizeof (buf), 0);

    end = n > 0 ? memchr (buf, '\n', (size_t) n) : NULL;
    if (!end)
        return false;
    first = json_loadb (buf, (size_t) (end - buf), 0, NULL);
    boot = json_string_value (json_object_get (first, "boot"));
    journal_boot_id (id, sizeof (id));
    return boot && !strcmp (boot, id);
}

/* Cut off what was not written to its newline. Returns the size, or -1. */
static off_t _cut_torn (int fd, off_t size)
{
    char buf[4096];
    off_t at = size, begin;
    ssize_t n;

    while (at > 0) {
        begin = at > (off_t) sizeof (buf) ? at - (off_t) sizeof (buf) : 0;
        n = pread (fd, buf, (size_t) (at - begin), begin);
        if (n <= 0)
            return -1;
        for (; n > 0; n--) {
            if (buf[n - 1] == '\n') {
                at = begin + n;
                return at == size || ftruncate (fd, at) == 0 ? at : -1;
            }
        }
        at = begin;
    }
    return size == 0 || ftruncate (fd, 0) == 0 ? 0 : -1;
}

/* One warden a state directory. A lock of fcntl(2), since those of flock(2)
 * would live on in whatever the warden has forked. */
static int _lock (struct journal *j, const char *path, struct mw_err *err)
{
    struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

    j->lock = openat (j->state_dir, "lock",
                      O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (j->lock < 0)
        return mw_err_errno (err, "cannot open %s/lock", path);
    if (fcntl (j->lock, F_SETLK, &l) == 0)
        return 0;
    if (errno != EACCES && errno != EAGAIN)
        return mw_err_errno (err, "cannot lock %s/lock", path);
    fcntl (j->lock, F_GETLK, &l);
    return mw_err_code (err, EBUSY,
                        "%s is in use by a running memwardend (pid "
                        "%d)",
                        path, (int) l.l_pid);
}

static int _open_state_dir (struct journal *j, const char *path,
                            struct mw_err *err)
{
    struct stat st;

    /* searchable, for the courier's way to the spool; its files are 0600 */
    if (mkdir (path, 0711) < 0 && errno != EEXIST)
        return mw_err_errno (err, "cannot make state directory %s", path);
    j->state_dir = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (j->state_dir < 0 || fstat (j->state_dir, &st) < 0)
        return mw_err_errno (err, "cannot open state directory %s", path);
    if (st.st_uid != geteuid () || (st.st_mode & (S_IWGRP | S_IWOTH)))
        return mw_err_code (err, EPERM,
                            "state directory %s can be changed by "
                            "others; chown it to the warden's user and chmod "
                            "go-w it",
                            path);
    if (mkdirat (j->state_dir, "users", 0700) < 0 && errno != EEXIST)
        return mw_err_errno (err, "cannot make %s/users", path);
    return 0;
}

static int _journal_open_file (struct journal *j, const char *path,
                               struct mw_err *err)
{
    struct stat st;
    off_t size;

    j->fd = openat (j->state_dir, JOURNAL,
                    O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (j->fd < 0 || fstat (j->fd, &st) < 0)
        return mw_err_errno (err, "cannot open %s/%s", path, JOURNAL);
    if (!S_ISREG (st.st_mode))
        return mw_err_code (err, EINVAL, "%s/%s is not a file", path, JOURNAL);
    size = _cut_torn (j->fd, st.st_size);
    if (size < 0)
        return mw_err_errno (err, "cannot repair %s/%s", path, JOURNAL);
    j->torn = (uint64_t) (st.st_size - size);
    j->rotate_at = JOURNAL_SIZE_MAX;
    j->size = (uint64_t) size;
    return 0;
}

int journal_open (struct journal *j, const char *state_dir, struct mw_err *err)
{
    *j = (struct journal) { .state_dir = -1, .fd = -1, .lock = -1 };
    memcg_claim_home (state_dir);
    if (_open_state_dir (j, state_dir, err) < 0 ||
        _lock (j, state_dir, err) < 0 ||
        _journal_open_file (j, state_dir, err) < 0) {
        journal_close (j);
        return -1;
    }
    if (j->size > 0 && !_of_this_boot (j->fd)) {
        /* of an earlier boot: those memcgs are gone, and the job ids may not
         * mean the same jobs any more */
        renameat (j->state_dir, JOURNAL, j->state_dir, JOURNAL_OLD);
        close (j->fd);
        if (_journal_open_file (j, state_dir, err) < 0) {
            journal_close (j);
            return -1;
        }
    }
    /* a full disk must not keep the warden from guarding its jobs */
    if (j->size == 0)
        _append_boot (j, NULL);
    return 0;
}

void journal_close (struct journal *j)
{
    int saved = errno;

    if (j->state_dir >= 0)
        journal_flush (j);
    for (unsigned i = 0; i < USERS; i++)
        _close_user (&users[i]);
    if (j->fd >= 0)
        close (j->fd);
    if (j->lock >= 0)
        close (j->lock);
    if (j->state_dir >= 0)
        close (j->state_dir);
    *j = (struct journal) { .state_dir = -1, .fd = -1, .lock = -1 };
    errno = saved;
}

/* Fill the new file of [j] with all that a recovery needs. */
static int _carry_over (struct journal *j, const struct job_table *t,
                        struct mw_err *err)
{
    for (const struct job *job = t->first; job; job = job->next) {
        _compose (j->seq + 1, "note", job, NULL, "carried over", NULL);
        if (_write_whole (j->fd, &j->size, line.text, line.len) < 0)
            return mw_err_errno (err, "cannot write %s", JOURNAL_NEW);
        j->seq++;
    }
    return 0;
}

int journal_rotate (struct journal *j, const struct job_table *jobs,
                    const struct job_table *steps, struct mw_err *err)
{
    struct journal fresh = *j;

    j->rotate_at = j->size + JOURNAL_SIZE_MAX / 16;
    unlinkat (j->state_dir, JOURNAL_NEW, 0);
    fresh.fd = openat (j->state_dir, JOURNAL_NEW,
                       O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
    if (fresh.fd < 0)
        return mw_err_errno (err, "cannot make %s", JOURNAL_NEW);
    fresh.size = 0;
    /* at every moment JOURNAL is one whole journal: the old or the new one */
    if (_append_boot (&fresh, err) < 0 || _carry_over (&fresh, jobs, err) < 0 ||
        _carry_over (&fresh, steps, err) < 0) {
        close (fresh.fd);
        unlinkat (j->state_dir, JOURNAL_NEW, 0);
        return -1;
    }
    unlinkat (j->state_dir, JOURNAL_OLD, 0);
    linkat (j->state_dir, JOURNAL, j->state_dir, JOURNAL_OLD, 0);
    if (renameat (j->state_dir, JOURNAL_NEW, j->state_dir, JOURNAL) < 0) {
        mw_err_errno (err, "cannot rename %s", JOURNAL_NEW);
        close (fresh.fd);
        return -1;
    }
    close (j->fd);
    *j = fresh;
    j->rotate_at = j->size + JOURNAL_SIZE_MAX;
    return 0;
}

int journal_open_history (struct journal *j, uid_t uid, bool old)
{
    char name[64];

    journal_flush (j);
    if (uid != 0)
        _journal_user_name (uid, name, sizeof (name), old ? ".1" : "");
    else
        strcpy (name, old ? JOURNAL_OLD : JOURNAL);
    return openat (j->state_dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
}
