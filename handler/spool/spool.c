/* spool.c - requests from the warden to the courier, as files
 *
 * STATE/spool/tmp is the warden's alone; `req` and `ans` belong to the courier,
 * which must be able to unlink in them.  So the warden reads nothing in either
 * as if it had written it, and opens nothing there that could make it wait.
 */
#include "handler/spool/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/json_put.h"
#include "lib/putfile.h"

/* every byte of text may become six in JSON; the other members fit the rest */
#define FILE_MAX (6 * SPOOL_TEXT_MAX + 1024)
/* a story that is just not too long, one record more, and its end (a record of
 * the journal has at most 24 KiB) */
#define STORY_FILE_MAX (SPOOL_STORY_MAX + (64 << 10) + FILE_MAX)
#define STORY_BEGIN "{\"story\":["
#define STORY_CUT \
    "{\"event\":\"note\",\"text\":\"the story is too long: what " \
    "follows, but for its end, is left out\"}"

const char *const spool_op_name[SPOOL_OP_COUNT] = {
    [SPOOL_SUSPEND] = "suspend", [SPOOL_RESUME] = "resume",
    [SPOOL_REQUEUE] = "requeue", [SPOOL_COMPLETE_OOM] = "complete-oom",
    [SPOOL_NOTIFY] = "notify",   [SPOOL_COMMENT] = "comment",
    [SPOOL_HOOK] = "hook",       [SPOOL_WEBHOOK] = "webhook",
    [SPOOL_DRAIN] = "drain",     [SPOOL_LOOKUP] = "lookup",
};

bool spool_id_valid (const char *id)
{
    return id[0] && id[0] != '.' && strlen (id) < SPOOL_ID_MAX &&
           id[strspn (id, "abcdefghijklmnopqrstuvwxyz"
                          "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")] == '\0';
}

void spool_make_id (struct spool_request *r, uint64_t seq)
{
    snprintf (r->id, sizeof (r->id), "%s.%010" PRIu64 ".%s", r->job, seq,
              spool_op_name[r->op]);
}

static enum spool_op _op_named (const char *name)
{
    enum spool_op op = 0;

    while (op < SPOOL_OP_COUNT && (!name || strcmp (name, spool_op_name[op])))
        op++;
    return op;
}

enum spool_op spool_op_of (const char *id)
{
    const char *dot = strrchr (id, '.');

    return _op_named (dot ? dot + 1 : NULL);
}

bool spool_id_parts (const char *id, char key[SPOOL_ID_MAX], uint64_t *seq,
                     enum spool_op *op)
{
    const char *last = strrchr (id, '.'), *before = last;
    char *end;

    *op = _op_named (last ? last + 1 : NULL);
    if (!spool_id_valid (id) || *op == SPOOL_OP_COUNT)
        return false;
    do {
        if (--before <= id)
            return false;
    } while (*before != '.');
    errno = 0;
    *seq = strtoull (before + 1, &end, 10);
    if (errno || end != last || before[1] < '0' || before[1] > '9')
        return false;
    if (key)
        snprintf (key, SPOOL_ID_MAX, "%.*s", (int) (before - id), id);
    return true;
}

/* Open directory [name] of [dir], with [mode] made first, for [uid]; without it,
 * by [flags]. */
static int _spool_open_dir (int dir, const char *name, int flags, mode_t mode,
                            uid_t uid)
{
    int fd;

    if (mode && mkdirat (dir, name, mode) < 0 && errno != EEXIST)
        return -1;
    fd = openat (dir, name,
                 (mode ? O_RDONLY : flags) | O_DIRECTORY | O_NOFOLLOW |
                     O_CLOEXEC);
    /* a umask, or another courier user before this start */
    if (fd >= 0 && mode &&
        ((geteuid () == 0 && fchown (fd, uid, -1) < 0) ||
         fchmod (fd, mode) < 0)) {
        close (fd);
        return -1;
    }
    return fd;
}

int spool_open (struct spool *s, const char *state_dir, bool create, uid_t uid,
                struct mw_err *err)
{
    /* the courier's user may go through it, and not read it */
    cleanup_fd int state = open (state_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    cleanup_fd int spool = -1, req = -1, ans = -1;

    *s = (struct spool) { -1, -1, -1, -1 };
    if (state < 0)
        return mw_err_errno (err, "cannot open state directory %s", state_dir);
    spool = _spool_open_dir (state, "spool", O_PATH, create ? 0711 : 0,
                             geteuid ());
    if (spool < 0)
        return mw_err_errno (err, "cannot open %s/spool", state_dir);
    req = _spool_open_dir (spool, "req", O_RDONLY, create ? 0700 : 0, uid);
    if (req < 0)
        return mw_err_errno (err, "cannot open %s/spool/req", state_dir);
    ans = _spool_open_dir (spool, "ans", O_RDONLY, create ? 0700 : 0, uid);
    if (ans < 0)
        return mw_err_errno (err, "cannot open %s/spool/ans", state_dir);
    if (create) {
        s->tmp = _spool_open_dir (spool, "tmp", O_RDONLY, 0700, geteuid ());
        if (s->tmp < 0)
            return mw_err_errno (err, "cannot open %s/spool/tmp", state_dir);
    }
    s->req = mw_steal_fd (&req);
    s->ans = mw_steal_fd (&ans);
    return 0;
}

void spool_close (struct spool *s)
{
    if (s->req >= 0)
        close (s->req);
    if (s->ans >= 0)
        close (s->ans);
    if (s->tmp >= 0)
        close (s->tmp);
    if (s->claim >= 0)
        close (s->claim);
    *s = (struct spool) { -1, -1, -1, -1 };
}

/* Write [r] as JSON into [json]. Returns its length or -1. */
static int _spool_encode (const struct spool_request *r, char json[FILE_MAX],
                          struct mw_err *err)
{
    struct json_put p = { .text = json, .size = FILE_MAX };

    if (!spool_id_valid (r->id) || r->op >= SPOOL_OP_COUNT)
        return mw_err_code (err, EINVAL, "\"%s\" is no name for a request",
                            r->id);
    json_put (&p, "{");
    json_put_text (&p, "id", r->id);
    json_put_text (&p, "job", r->job);
    json_put_number (&p, "uid", r->uid);
    json_put_number (&p, "slurm_id", r->slurm_id);
    json_put_number (&p, "array_job_id", r->array_job_id);
    json_put_number (&p, "array_task_id", r->array_task_id);
    json_put_number (&p, "restart_count", r->restart_count);
    json_put_number (&p, "since_s", r->since_s);
    json_put_text (&p, "op", spool_op_name[r->op]);
    json_put_text (&p, "arg", r->arg);
    json_put_text (&p, "text", r->text);
    json_put_number (&p, "mem_mb", r->mem_mb);
    json_put_number (&p, "max_mb", r->max_mb);
    json_put_number (&p, "tries", r->tries);
    json_put_number (&p, "peak", r->peak);
    json_put_flag (&p, "joins", r->joins);
    json_put_flag (&p, "after_end", r->after_end);
    json_put_number (&p, "not_after_ms", r->not_after_ms);
    json_put_number (&p, "killed_s", r->killed_s);
    json_put_flag (&p, "withdrawn", r->withdrawn);
    json_put_end (&p, "}\n");
    if (p.over)
        return mw_err_code (err, EMSGSIZE, "request %s is too long", r->id);
    return (int) p.len;
}

int spool_put (struct spool *s, const struct spool_request *r,
               struct mw_err *err)
{
    char json[FILE_MAX];
    int n = _spool_encode (r, json, err);

    if (n < 0)
        return -1;
    if (mw_put_file (s->tmp, r->id, s->req, r->id, 0644, MW_PUT_QUICK, json,
                     (size_t) n) < 0)
        return mw_err_errno (err, "cannot write request %s", r->id);
    return 0;
}

/* ---- stories ------------------------------------------------------------- */

/* Open the story [name] to add to it. Returns the descriptor, and its [size]. */
static int _open_story (struct spool *s, const char *name, int flags,
                        off_t *size)
{
    struct stat st;
    int fd;

    errno = EINVAL;
    fd = !spool_id_valid (name) ? -1
                                : openat (s->tmp, name,
                                          O_WRONLY | O_CREAT | O_APPEND |
                                              O_NOFOLLOW | O_CLOEXEC | flags,
                                          0600);
    if (fd >= 0 && fstat (fd, &st) < 0) {
        close (fd);
        return -1;
    }
    if (fd >= 0)
        *size = st.st_size;
    return fd;
}

/* Add [before], [text] and [after] to [fd], which is [size] long, or nothing. */
static int _extend (int fd, off_t size, const char *before, const char *text,
                    size_t len, const char *after)
{
    struct iovec v[] = {
        { (void *) before, strlen (before) },
        { (void *) text, len },
        { (void *) after, strlen (after) },
    };
    ssize_t whole = (ssize_t) (v[0].iov_len + len + v[2].iov_len);
    ssize_t n = writev (fd, v, 3);

    if (n == whole)
        return 0;
    if (n >= 0)
        errno = ENOSPC;
    if (n > 0 && ftruncate (fd, size) < 0)
        errno = EIO;
    return -1;
}

int spool_story (struct spool *s, const char *name, const char *record,
                 size_t len, bool begin, bool end)
{
    off_t size;
    cleanup_fd int fd = _open_story (s, name, begin ? O_TRUNC : 0, &size);
    bool cut = size + (off_t) len >= SPOOL_STORY_MAX && !end;

    if (fd < 0)
        return -1;
    if (size >= SPOOL_STORY_MAX && !end)
        return 0;
    return _extend (fd, size, size ? "," : STORY_BEGIN, record, len,
                    cut ? "," STORY_CUT : "");
}

int spool_put_story (struct spool *s, const struct spool_request *r,
                     const char *name, struct mw_err *err)
{
    char json[FILE_MAX];
    int n = _spool_encode (r, json, err);
    off_t size;
    cleanup_fd int fd = n < 0 ? -1 : _open_story (s, name, 0, &size);

    if (n < 0)
        return -1;
    json[0] = ','; /* was the brace: the story's is there */
    if (fd < 0 ||
        _extend (fd, size, size ? "]" : STORY_BEGIN "]", json, (size_t) n, "") <
            0 ||
        fchmod (fd, 0644) < 0 || renameat (s->tmp, name, s->req, r->id) < 0)
        return mw_err_errno (err, "cannot write request %s", r->id);
    return 0;
}

void spool_drop_story (struct spool *s, const char *name)
{
    if (spool_id_valid (name))
        unlinkat (s->tmp, name, 0);
}

/* ---- how far webhooks are told ------------------------------------------- */

#define TOLD ".told" /* no name of a story */

void spool_told_put (struct spool *s, uint64_t seq)
{
    cleanup_fd int fd = openat (s->tmp, TOLD,
                                O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
                                0600);

    if (fd >= 0 && pwrite (fd, &seq, sizeof (seq), 0) != sizeof (seq))
        unlinkat (s->tmp, TOLD, 0);
}

int spool_told_read (struct spool *s, uint64_t *seq)
{
    cleanup_fd int fd = openat (s->tmp, TOLD,
                                O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

    return fd >= 0 && read (fd, seq, sizeof (*seq)) == sizeof (*seq) ? 0 : -1;
}

void spool_told_forget (struct spool *s)
{
    unlinkat (s->tmp, TOLD, 0);
}

/* ---- reading ------------------------------------------------------------- */

int spool_cancel (struct spool *s, const char *id)
{
    if (!spool_id_valid (id)) {
        errno = EINVAL;
        return -1;
    }
    return unlinkat (s->req, id, 0) < 0 && errno != ENOENT ? -1 : 0;
}

/* Read file [name] of [dir], which a stranger may have put there, as one JSON
 * object of at most [max] bytes. Returns it, or NULL with EPROTO where it is
 * none. */
static json_t *_spool_read_file (int dir, const char *name, off_t max,
                                 struct mw_err *err)
{
    /* O_NONBLOCK: the open of a FIFO would wait */
    cleanup_fd int fd = openat (dir, name,
                                O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY |
                                    O_CLOEXEC);
    cleanup_free char *buf = NULL;
    struct stat st;
    json_error_t why;
    json_t *j;
    ssize_t n;

    if (fd < 0 && (errno == ENOENT || errno == EMFILE || errno == ENFILE ||
                   errno == ENOMEM || errno == EACCES)) {
        mw_err_errno (err, "cannot open %s", name);
        return NULL;
    }
    if (fd < 0 || fstat (fd, &st) < 0 || !S_ISREG (st.st_mode) ||
        st.st_nlink != 1 || st.st_size > max) {
        mw_err_code (err, EPROTO, "%s is not a file of the spool", name);
        return NULL;
    }
    buf = malloc ((size_t) st.st_size + 1);
    n = buf ? read (fd, buf, (size_t) st.st_size) : -1;
    if (n < 0) {
        mw_err_errno (err, "cannot read %s", name);
        return NULL;
    }
    j = json_loadb (buf, (size_t) n, 0, &why);
    if (!json_is_object (j)) {
        json_decref (j);
        mw_err_code (err, EPROTO, "%s is not one JSON object", name);
        return NULL;
    }
    return j;
}

/* Copy string member [key] of [j] into [out], control characters tamed.
 * Returns false where it is no string or too long; absent is "". */
static bool _get_text (const json_t *j, const char *key, char *out, size_t len)
{
    const json_t *v = json_object_get (j, key);

    out[0] = '\0';
    if (!v)
        return true;
    if (!json_is_string (v) || json_string_length (v) >= len)
        return false;
    strcpy (out, json_string_value (v));
    mw_tame (out, "");
    return true;
}

/* Get whole-number member [key] of [j], at most [max]; absent is 0. */
static bool _spool_get_number (const json_t *j, const char *key, uint64_t max,
                               uint64_t *out)
{
    const json_t *v = json_object_get (j, key);

    *out = 0;
    if (!v)
        return true;
    if (!json_is_integer (v) || json_integer_value (v) < 0 ||
        (uint64_t) json_integer_value (v) > max)
        return false;
    *out = (uint64_t) json_integer_value (v);
    return true;
}

static bool _get_u32 (const json_t *j, const char *key, uint32_t *out)
{
    uint64_t value;
    bool ok = _spool_get_number (j, key, UINT32_MAX, &value);

    *out = (uint32_t) value;
    return ok;
}

static bool _get_op (const json_t *j, enum spool_op *op)
{
    *op = _op_named (json_string_value (json_object_get (j, "op")));
    return *op != SPOOL_OP_COUNT;
}

int spool_read_request (struct spool *s, const char *id,
                        struct spool_request *r, struct mw_err *err)
{
    cleanup_json json_t *j = NULL;
    struct spool_request q = { .op = SPOOL_OP_COUNT };

    if (!spool_id_valid (id))
        return mw_err_code (err, EPROTO, "\"%.96s\" is no name of a request",
                            id);
    j = _spool_read_file (s->req, id, STORY_FILE_MAX, err);
    if (!j)
        return -1;
    if (!_get_text (j, "id", q.id, sizeof (q.id)) || strcmp (q.id, id) != 0 ||
        !_get_text (j, "job", q.job, sizeof (q.job)) ||
        !mw_jobkey_valid (q.job) || !_get_u32 (j, "uid", &q.uid) ||
        !_get_u32 (j, "slurm_id", &q.slurm_id) ||
        !_get_u32 (j, "array_job_id", &q.array_job_id) ||
        !_get_u32 (j, "array_task_id", &q.array_task_id) ||
        !_get_u32 (j, "restart_count", &q.restart_count) ||
        !_spool_get_number (j, "since_s", INT64_MAX, &q.since_s) ||
        !_get_op (j, &q.op) || !_get_text (j, "arg", q.arg, sizeof (q.arg)) ||
        !_get_text (j, "text", q.text, sizeof (q.text)) ||
        !_spool_get_number (j, "mem_mb", INT64_MAX, &q.mem_mb) ||
        !_spool_get_number (j, "max_mb", INT64_MAX, &q.max_mb) ||
        !_get_u32 (j, "tries", &q.tries) ||
        !_spool_get_number (j, "peak", INT64_MAX, &q.peak) ||
        !_spool_get_number (j, "not_after_ms", INT64_MAX, &q.not_after_ms) ||
        !_spool_get_number (j, "killed_s", INT64_MAX, &q.killed_s))
        return mw_err_code (err, EPROTO, "%s is not a request", id);
    q.joins = json_is_true (json_object_get (j, "joins"));
    q.after_end = json_is_true (json_object_get (j, "after_end"));
    q.withdrawn = json_is_true (json_object_get (j, "withdrawn"));
    *r = q;
    return 0;
}

char *spool_read_story (struct spool *s, const char *id, struct mw_err *err)
{
    cleanup_json json_t *j = NULL, *body = NULL;
    json_t *story;
    char *text;

    if (!spool_id_valid (id))
        mw_err_code (err, EPROTO, "\"%.96s\" is no name of a request", id);
    else
        j = _spool_read_file (s->req, id, STORY_FILE_MAX, err);
    if (!j)
        return NULL;
    body = json_loads (json_string_value (json_object_get (j, "text")), 0,
                       NULL);
    story = json_object_get (j, "story");
    if (!json_is_object (body) || !json_is_array (story)) {
        mw_err_code (err, EPROTO, "%s has nothing to post", id);
        return NULL;
    }
    json_object_set (body, "story", story);
    text = json_dumps (body, JSON_COMPACT);
    if (!text)
        mw_err_code (err, ENOMEM, "%s: out of memory", id);
    return text;
}

/* Returns 0; -1 with EPROTO where [name] is not an answer. */
static int _read_answer (struct spool *s, const char *name,
                         struct spool_answer *a, struct mw_err *err)
{
    cleanup_json json_t *j = _spool_read_file (s->ans, name, FILE_MAX, err);
    struct spool_answer b = { .ok = false };
    const json_t *code = json_object_get (j, "code");

    if (!j)
        return -1;
    if (!_get_text (j, "id", b.id, sizeof (b.id)) || strcmp (b.id, name) != 0 ||
        !json_is_boolean (json_object_get (j, "ok")) ||
        !_get_text (j, "text", b.text, sizeof (b.text)) ||
        (code &&
         (!json_is_integer (code) || json_integer_value (code) < INT32_MIN ||
          json_integer_value (code) > INT32_MAX)))
        return mw_err_code (err, EPROTO, "%s is not an answer of the courier",
                            name);
    b.ok = json_is_true (json_object_get (j, "ok"));
    b.code = (int) json_integer_value (code);
    b.suspended = json_is_true (json_object_get (j, "suspended"));
    *a = b;
    return 0;
}

int spool_take_answer (struct spool *s, const char *name,
                       struct spool_answer *a, struct mw_err *err)
{
    int rc = _read_answer (s, name, a, err), saved = errno;

    if (rc == 0 || saved == EPROTO)
        spool_drop_answer (s, name);
    errno = saved;
    return rc;
}

int spool_drop_answer (struct spool *s, const char *name)
{
    if (unlinkat (s->ans, name, 0) == 0)
        return 0;
    return unlinkat (s->ans, name, AT_REMOVEDIR);
}

int spool_put_answer (struct spool *s, const struct spool_answer *a,
                      struct mw_err *err)
{
    char json[FILE_MAX], part[SPOOL_ID_MAX + 1];
    struct json_put p = { .text = json, .size = sizeof (json) };

    if (!spool_id_valid (a->id))
        return mw_err_code (err, EINVAL, "\"%s\" is no name for an answer",
                            a->id);
    json_put (&p, "{");
    json_put_text (&p, "id", a->id);
    json_put_flag (&p, "ok", a->ok);
    json_put_signed (&p, "code", a->code);
    json_put_flag (&p, "suspended", a->suspended);
    json_put_text (&p, "text", a->text);
    json_put_end (&p, "}\n");
    /* a name with a dot in front is never taken for an answer */
    snprintf (part, sizeof (part), ".%s", a->id);
    if (mw_put_file (s->ans, part, s->ans, a->id, 0644, MW_PUT_QUICK, json,
                     p.len) < 0)
        return mw_err_errno (err, "cannot write answer %s", a->id);
    if (unlinkat (s->req, a->id, 0) < 0 && errno != ENOENT)
        return mw_err_errno (err, "cannot remove request %s", a->id);
    return 0;
}
