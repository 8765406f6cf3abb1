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

#include "handler/conf/conf.h"
#include "handler/job/job.h"
#include "handler/memcg/claim.h"
#include "handler/pass/seal.h"
#include "handler/record/fields.h"
#include "lib/cgfile.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/json_put.h"

#define JOURNAL_NEW "ahead.jsonl.new"
/* It is memory: what of it is of no use to a restart goes when it has become so long.
 * The story is the scribe's. */
#define JOURNAL_SIZE_MAX (4 << 20)

/* One record being written. The warden has one thread, and its stack is locked
 * memory, so the bytes are here, once. */
static char line_text[JOURNAL_RECORD_MAX];
static struct json_put line = { .text = line_text,
                                .size = sizeof (line_text) - SEAL_SIZE };
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
    if (job->spec.slurm_id)
        json_put_number (p, "slurm_id", job->spec.slurm_id);
    if (!job->incident.open && strcmp (event, "resolved") != 0)
        return;
    json_put_text (p, "incident", incident_id (job, id));
    json_put_text (p, "trigger", incident_trigger_name[job->incident.trigger]);
    if (!strcmp (event, "resolved"))
        json_put_text (p, "outcome", job->incident.outcome);
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
        json_put_number (p, "peak", job->peak);
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
    if (!p->over)
        p->len = seal_put (p->text, p->len);
}

/* ---- the file ------------------------------------------------------------ */

static int _append_boot (struct journal *j, struct mw_err *err);

int journal_append (struct journal *j, const char *event, const struct job *job,
                    const char *step, const char *text, const char *more,
                    struct mw_err *err)
{
    /* without its boot record, which a full disk may have kept out, the file
     * would be taken for one of an earlier boot */
    if (j->file.len == 0 && strcmp (event, "boot") != 0)
        _append_boot (j, NULL);
    _compose (j->seq + 1, event, job, step, text, more);
    if (line.over)
        return mw_err_code (err, EMSGSIZE, "journal: record of %s is too long",
                            event);
    if (ahead_append (&j->file, line.text, line.len) < 0) {
        j->failing = true;
        return mw_err_errno (err, "cannot write %s", JOURNAL_AHEAD);
    }
    j->seq++;
    j->failing = false;
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

/* Does it begin with a record of this boot? */
static bool _of_this_boot (const struct journal *j)
{
    cleanup_json json_t *first = NULL;
    const char *text, *boot;
    size_t at = 0, len;
    char id[64];

    if (!(text = ahead_next (&j->file, &at, &len)))
        return false;
    first = json_loadb (text, len, 0, NULL);
    boot = json_string_value (json_object_get (first, "boot"));
    journal_boot_id (id, sizeof (id));
    return boot && !strcmp (boot, id);
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

/* Whatever the umask. Returns 0, also where it is there; -1 with errno. */
static int _make_dir (const char *path, mode_t mode)
{
    if (mkdir (path, mode) == 0)
        return chmod (path, mode);
    return errno == EEXIST ? 0 : -1;
}

/* Searchable, for the courier's way to the spool; its files are 0600.  /run is empty
 * after a boot, so the directory above the usual one may not be there either. */
static int _make_state_dir (const char *path)
{
    char above[PATH_MAX], *slash;

    if (_make_dir (path, 0711) == 0)
        return 0;
    snprintf (above, sizeof (above), "%s", path);
    slash = strrchr (above, '/');
    if (errno != ENOENT || strcmp (path, CONF_STATE_DIR_DEFAULT) != 0)
        return -1;
    *slash = '\0';
    return _make_dir (above, 0755) < 0 ? -1 : _make_dir (path, 0711);
}

static int _open_state_dir (struct journal *j, const char *path,
                            struct mw_err *err)
{
    struct stat st;

    if (_make_state_dir (path) < 0)
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
    return 0;
}

int journal_open (struct journal *j, const char *state_dir,
                  const char *history_dir, struct mw_err *err)
{
    *j = (struct journal) { .state_dir = -1,
                            .history_dir = history_dir,
                            .file = { .fd = -1 },
                            .lock = -1,
                            .rotate_at = JOURNAL_SIZE_MAX };
    memcg_claim_home (state_dir, history_dir);
    if (_open_state_dir (j, state_dir, err) < 0 ||
        _lock (j, state_dir, err) < 0 ||
        ahead_open (&j->file, j->state_dir, JOURNAL_AHEAD, false, err) < 0) {
        journal_close (j);
        return -1;
    }
    if (j->file.len > 0 && !_of_this_boot (j)) {
        /* of an earlier boot: those memcgs are gone, and the job ids may not
         * mean the same jobs any more */
        renameat (j->state_dir, JOURNAL_AHEAD, j->state_dir, JOURNAL_AHEAD_OLD);
        ahead_close (&j->file);
        if (ahead_open (&j->file, j->state_dir, JOURNAL_AHEAD, true, err) < 0) {
            journal_close (j);
            return -1;
        }
    }
    return 0;
}

void journal_close (struct journal *j)
{
    int saved = errno;

    ahead_close (&j->file);
    if (j->lock >= 0)
        close (j->lock);
    if (j->state_dir >= 0)
        close (j->state_dir);
    *j = (struct journal) { .state_dir = -1, .file = { .fd = -1 }, .lock = -1 };
    errno = saved;
}

/* Fill the new file of [j] with all that a recovery needs. */
static int _carry_over (struct journal *j, const struct job_table *t,
                        struct mw_err *err)
{
    for (const struct job *job = t->first; job; job = job->next) {
        if (journal_append (j, "carried", job, NULL, "", NULL, err) < 0)
            return -1;
    }
    return 0;
}

int journal_rotate (struct journal *j, const struct job_table *jobs,
                    const struct job_table *steps, struct mw_err *err)
{
    struct journal fresh = *j;

    j->rotate_at = j->file.len + JOURNAL_SIZE_MAX / 16;
    unlinkat (j->state_dir, JOURNAL_NEW, 0);
    /* at every moment JOURNAL_AHEAD is one whole journal: the old or the new one */
    if (ahead_open (&fresh.file, j->state_dir, JOURNAL_NEW, true, err) < 0 ||
        _append_boot (&fresh, err) < 0 || _carry_over (&fresh, jobs, err) < 0 ||
        _carry_over (&fresh, steps, err) < 0) {
        ahead_close (&fresh.file);
        unlinkat (j->state_dir, JOURNAL_NEW, 0);
        return -1;
    }
    unlinkat (j->state_dir, JOURNAL_AHEAD_OLD, 0);
    linkat (j->state_dir, JOURNAL_AHEAD, j->state_dir, JOURNAL_AHEAD_OLD, 0);
    if (renameat (j->state_dir, JOURNAL_NEW, j->state_dir, JOURNAL_AHEAD) < 0) {
        mw_err_errno (err, "cannot rename %s", JOURNAL_NEW);
        ahead_close (&fresh.file);
        return -1;
    }
    ahead_close (&j->file);
    *j = fresh;
    j->rotate_at = j->file.len + JOURNAL_SIZE_MAX;
    return 0;
}

void journal_prepare (struct journal *j)
{
    ahead_prepare (&j->file);
}
