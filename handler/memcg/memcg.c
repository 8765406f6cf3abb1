/* memcg.c - what is the same on cgroup v1 and v2 */
#include "handler/memcg/memcg.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "handler/memcg/hears.h"
#include "handler/memcg/live.h"
#include "handler/memcg/priv.h"
#include "lib/cgfile.h"
#include "lib/cleanup.h"

#define SIGNAL_BATCH 128

/*  Files kept open  */

ssize_t memcg_pread (int fd, char *buf, size_t len)
{
    ssize_t n = pread (fd, buf, len - 1, 0);

    if (n >= 0)
        buf[n] = '\0';
    return n;
}

int memcg_pread_u64 (int fd, uint64_t *value)
{
    char buf[32];

    if (memcg_pread (fd, buf, sizeof (buf)) < 0)
        return -1;
    if (!strncmp (buf, "max", 3)) {
        *value = MEMCG_NO_LIMIT;
        return 0;
    }
    if (sscanf (buf, "%" SCNu64, value) != 1) {
        errno = EINVAL;
        return -1;
    }
    return 0;
}

int memcg_pread_keys (int fd, const char *first, uint64_t *a,
                      const char *second, uint64_t *b)
{
    char buf[512];

    *a = *b = 0;
    if (memcg_pread (fd, buf, sizeof (buf)) < 0)
        return -1;
    cg_key (buf, first, a);
    cg_key (buf, second, b);
    return 0;
}

int memcg_pwrite_u64 (int fd, uint64_t value)
{
    char buf[32];
    int n = snprintf (buf, sizeof (buf), "%" PRIu64, value);

    return pwrite (fd, buf, n, 0) < 0 ? -1 : 0;
}

int memcg_open_file (const struct memcg *m, const char *name, int flags)
{
    return openat (m->dir, name, flags | O_CLOEXEC | O_NOFOLLOW);
}

bool memcg_gone (const struct memcg *m)
{
    int saved = errno;
    bool gone = faccessat (m->dir, "cgroup.procs", F_OK, 0) < 0;

    errno = saved;
    return gone;
}

int memcg_fail (const struct memcg *m, const char *what, const char *file,
                struct mw_err *err)
{
    if ((errno == ENOENT || errno == ENODEV) && memcg_gone (m))
        return mw_err_code (err, ENODEV,
                            "cannot %s %s/%s: the directory has "
                            "been removed",
                            what, m->path, file);
    if (errno == ENOENT)
        return mw_err_code (err, ENOTSUP,
                            "cannot %s %s/%s: this kernel has no "
                            "such file",
                            what, m->path, file);
    return mw_err_errno (err, "cannot %s %s/%s", what, m->path, file);
}

/*  Opening  */

static int _check_freezer (const struct memcg *m, struct mw_err *err)
{
    struct statfs fs;

    if (fstatfs (m->freezer, &fs) < 0)
        return mw_err_errno (err, "cannot statfs the freezer of %s", m->path);
    if (fs.f_type == CGROUP_SUPER_MAGIC &&
        faccessat (m->freezer, "freezer.state", F_OK, 0) == 0)
        return 0;
    return mw_err_code (err, EINVAL,
                        "what came as the freezer of %s is no "
                        "freezer cgroup, or is its root",
                        m->path);
}

static int _open_version (struct memcg *m, struct mw_err *err)
{
    struct statfs fs;

    if (fstatfs (m->dir, &fs) < 0)
        return mw_err_errno (err, "cannot statfs %s", m->path);
    if (fs.f_type == CGROUP2_SUPER_MAGIC)
        return memcg_v2_open (m, err);
    if (fs.f_type == CGROUP_SUPER_MAGIC) {
        if (m->freezer >= 0 && _check_freezer (m, err) < 0)
            return -1;
        return memcg_v1_open (m, err);
    }
    return mw_err_code (err, EINVAL, "%s is not a cgroup directory", m->path);
}

/* Its name as /proc tells it: the caller's word for it is not needed. */
static int _find_path (struct memcg *m, struct mw_err *err)
{
    char link[64], path[MEMCG_PATH_MAX];
    ssize_t n;

    snprintf (link, sizeof (link), "/proc/self/fd/%d", m->dir);
    n = readlink (link, path, sizeof (path));
    if (n < 0)
        return mw_err_errno (err, "cannot read %s", link);
    if ((size_t) n >= sizeof (path))
        return mw_err_code (err, ENAMETOOLONG,
                            "path of the memcg is longer "
                            "than %d bytes",
                            MEMCG_PATH_MAX - 1);
    m->path = strndup (path, n);
    return m->path ? 0 : mw_err_errno (err, "cannot keep the memcg's path");
}

static int _dup (int fd)
{
    return fcntl (fd, F_DUPFD_CLOEXEC, 3);
}

int memcg_open (struct memcg *m, int dir, int freezer, enum mw_layout layout,
                struct mw_err *err)
{
    *m = (struct memcg) { .layout = layout,
                          .dir = -1,
                          .freezer = -1,
                          .event = -1,
                          .limit = -1,
                          .hard = -1,
                          .usage = -1,
                          .oom_control = -1,
                          .set_limit = MEMCG_NO_LIMIT };
    m->dir = _dup (dir);
    if (m->dir < 0)
        return mw_err_errno (err, "cannot keep the memcg's descriptor");
    m->inode = cg_inode (m->dir);
    if (freezer >= 0)
        m->freezer = _dup (freezer);
    if (freezer >= 0 && m->freezer < 0)
        mw_err_errno (err, "cannot keep the freezer's descriptor");
    else if (_find_path (m, err) == 0 && _open_version (m, err) == 0)
        return 0;
    memcg_close (m);
    return -1;
}

int memcg_reopen (struct memcg *m, const char *path, const char *freezer_path,
                  uint64_t inode, enum mw_layout layout, struct mw_err *err)
{
    const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
    cleanup_fd int dir = sysroot_open (path, flags);
    cleanup_fd int freezer = -1;

    if (dir < 0)
        return mw_err_errno (err, "cannot open %s", path);
    if (inode != 0 && cg_inode (dir) != inode)
        return mw_err_code (err, ESTALE,
                            "%s is not the memcg it was: another "
                            "has taken its name",
                            path);
    if (freezer_path && *freezer_path) {
        freezer = sysroot_open (freezer_path, flags);
        if (freezer < 0)
            return mw_err_errno (err, "cannot open %s", freezer_path);
    }
    return memcg_open (m, dir, freezer, layout, err);
}

static void _memcg_close_fd (int *fd)
{
    int saved = errno;

    if (*fd >= 0)
        close (*fd);
    *fd = -1;
    errno = saved;
}

int memcg_close_event (struct memcg *m)
{
    _memcg_close_fd (&m->event);
    return -1;
}

void memcg_close (struct memcg *m)
{
    _memcg_close_fd (&m->event);
    _memcg_close_fd (&m->limit);
    _memcg_close_fd (&m->hard);
    _memcg_close_fd (&m->usage);
    _memcg_close_fd (&m->oom_control);
    _memcg_close_fd (&m->freezer);
    _memcg_close_fd (&m->dir);
    free (m->path);
    m->path = NULL;
}

/*  Where the job's tasks are  */

struct walk {
    int (*visit) (int dir, void *arg);
    void *arg;
    uint64_t spare; /* inode of a directory that is left out; 0 = none */
    int count;
    int stop;
    int failed; /* errno */
};

static int _walk (int dir, const char *name, void *arg)
{
    struct walk *w = arg;

    (void) name;
    if (w->spare && cg_inode (dir) == w->spare)
        return CG_SKIP;
    w->count++;
    return w->stop = w->visit (dir, w->arg);
}

struct top {
    const char *inner;
    int (*visit) (int dir, void *arg);
    void *arg;
    int count;
    int failed; /* errno */
};

static int _visit_step (int dir, const char *name, void *arg)
{
    cleanup_fd int inner = -1;
    struct top *t = arg;

    if (strncmp (name, "step_", 5) != 0)
        return 0;
    if (t->inner) {
        inner = openat (dir, t->inner,
                        O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (inner < 0 && !cg_is_absent (errno))
            t->failed = errno;
        if (inner < 0) /* or the step is being made, or removed */
            return 0;
        dir = inner;
    }
    t->count++;
    return t->visit (dir, t->arg);
}

int memcg_each_top (const struct memcg *m, int dir, const char *inner,
                    int (*visit) (int dir, void *arg), void *arg)
{
    struct top t = { .inner = inner, .visit = visit, .arg = arg };

    if (m->layout != MW_LAYOUT_SLURM) {
        visit (dir, arg);
        return 1;
    }
    if (cg_each_child (dir, _visit_step, &t) < 0)
        return -1;
    if (!t.failed)
        return t.count;
    errno = t.failed;
    return -1;
}

static int _walk_top (int dir, void *arg)
{
    struct walk *w = arg;

    if (cg_walk (dir, _walk, w) < 0 && !cg_is_absent (errno))
        w->failed = errno;
    return w->stop;
}

/* On v1 a task may sit at any level; on v2 only below step_X/user, and what is
 * in step_X/slurm is slurmstepd. */
static int _each_dir (const struct memcg *m, struct walk *w)
{
    if (m->ops == &memcg_v1_ops || m->layout != MW_LAYOUT_SLURM)
        _walk_top (m->dir, w);
    else if (memcg_each_top (m, m->dir, "user", _walk_top, w) < 0 &&
             !cg_is_absent (errno))
        w->failed = errno;
    if (!w->failed)
        return w->count;
    errno = w->failed;
    return -1;
}

int memcg_each_dir (const struct memcg *m, int (*visit) (int dir, void *arg),
                    void *arg)
{
    struct walk w = { .visit = visit, .arg = arg };

    return _each_dir (m, &w);
}

int memcg_each_own_dir (const struct memcg *m,
                        int (*visit) (int dir, void *arg), void *arg)
{
    const char *name = m->ops == &memcg_v1_ops ? "step_extern"
                                               : "step_extern/user";
    cleanup_fd int spare = -1;
    struct walk w = { .visit = visit, .arg = arg };

    if (m->layout == MW_LAYOUT_SLURM)
        spare = openat (m->dir, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (spare >= 0)
        w.spare = cg_inode (spare);
    else if (m->layout == MW_LAYOUT_SLURM && !cg_is_absent (errno))
        return -1;
    return _each_dir (m, &w);
}

/*  Its freezers  */

struct freezers {
    const char *file;
    int *fd;
    unsigned n, max;
};

static int _open_freezer (int dir, void *arg)
{
    struct freezers *f = arg;
    int fd = openat (dir, f->file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    if (fd >= 0)
        f->fd[f->n++] = fd;
    return f->n == f->max;
}

unsigned memcg_freezers (struct memcg *m, int *fd, unsigned max)
{
    bool v1 = m->ops == &memcg_v1_ops;
    struct freezers f = { .file = v1 ? "freezer.state" : "cgroup.freeze",
                          .fd = fd,
                          .max = max };

    if (!v1 || m->freezer >= 0)
        memcg_each_top (m, v1 ? m->freezer : m->dir, v1 ? NULL : "user",
                        _open_freezer, &f);
    return f.n;
}

/* v1: THAWED, FREEZING or FROZEN */
int memcg_freezer_is (int fd)
{
    char buf[16];

    if (memcg_pread (fd, buf, sizeof (buf)) <= 0)
        return -1;
    return buf[0] == 'F' || buf[0] == '1';
}

/*  The job's processes  */

/* What the process of root's in [proc] runs: its program's name, or, where that may not
 * be looked at, the name it goes by, which is root's word. */
static const char *_memcg_program (int proc, const char *status, char *buf,
                                   size_t len)
{
    const char *program = live_program (proc, buf, len);

    if (program)
        return program;
    if ((errno != EACCES && errno != EPERM) ||
        sscanf (status, "Name: %63[^\n]", buf) != 1)
        return "";
    return buf;
}

/* A slurmstepd is never touched.  Its comm could be taken by any process of the
 * user, so it is known by its program's name together with a real uid of 0:
 * a user cannot have both, and a root job whose program is called slurmstepd is
 * root's own wish.  Its children count as it until they have become the user's
 * task (setuid, then exec). */
static bool _is_slurmstepd (pid_t pid)
{
    static const char name[] = "slurmstepd";
    const size_t len = sizeof (name) - 1;
    char path[64], status[2048], buf[1024];
    cleanup_fd int proc = -1;
    const char *base;
    uint64_t uid;

    snprintf (path, sizeof (path), "/proc/%d", (int) pid);
    proc = sysroot_open (path, O_RDONLY | O_DIRECTORY);
    if (proc < 0 || cg_read (proc, "status", status, sizeof (status)) <= 0 ||
        !cg_key (status, "Uid:", &uid) || uid != 0)
        return false;
    base = _memcg_program (proc, status, buf, sizeof (buf));
    /* "slurmstepd-wlm" is Debian's */
    return strncmp (base, name, len) == 0 &&
           (!base[len] || strchr (" -", base[len]));
}

struct each {
    const struct memcg *m;
    int (*visit) (pid_t pid, void *arg);
    void *arg;
    int count;
    int stop;
    int failed; /* errno */
};

/* A directory that has gone holds no process; nor does a threaded one of v2, whose
 * processes are those of the one above (EOPNOTSUPP). */
static bool _holds_none (int error)
{
    return cg_is_absent (error) || error == EOPNOTSUPP;
}

static int _memcg_visit_pid (pid_t pid, void *arg)
{
    struct each *e = arg;

    if (e->m->layout != MW_LAYOUT_LEAF && _is_slurmstepd (pid))
        return 0;
    e->count++;
    e->stop = e->visit (pid, e->arg);
    return e->stop;
}

static int _visit_procs (int dir, void *arg)
{
    struct each *e = arg;

    if (cg_each_pid (dir, "cgroup.procs", _memcg_visit_pid, e) < 0 &&
        !_holds_none (errno))
        e->failed = errno;
    return e->stop;
}

/* Returns how many there were; -1 with errno where that is not sure. */
static int _memcg_counted (const struct each *e, int walked)
{
    if (e->failed)
        errno = e->failed;
    return walked < 0 || e->failed ? -1 : e->count;
}

int memcg_each_pid (struct memcg *m, int (*visit) (pid_t pid, void *arg),
                    void *arg)
{
    struct each e = { .m = m, .visit = visit, .arg = arg };

    return _memcg_counted (&e, memcg_each_dir (m, _visit_procs, &e));
}

static int _count_pid (pid_t pid, void *arg)
{
    (void) pid;
    (void) arg;
    return 0;
}

int memcg_populated (struct memcg *m)
{
    return memcg_each_pid (m, _count_pid, NULL);
}

/*  Signals
 *
 * Between the reading of a pid and kill(2) the process may end and its number
 * be given to a stranger.  So each process is taken hold of by a pidfd first
 * and signalled only if its number is still listed after that: as long as the
 * pidfd's process lives nobody else can have the number, and if it does not
 * live the signal goes nowhere.
 */
struct batch {
    struct memcg *m;
    int dir;
    int signo;
    int hears;               /* only who can answer that; 0 = all */
    struct memcg_sent *kept; /* who they are; NULL */
    bool spare_extern;
    int sent;
    int failed; /* errno */
    unsigned n;
    struct {
        pid_t pid;
        int fd;
        bool listed;
    } task[SIGNAL_BATCH];
};

static int _pidfd_open (pid_t pid)
{
    return syscall (SYS_pidfd_open, pid, 0);
}

static int _mark_listed (pid_t pid, void *arg)
{
    struct batch *b = arg;

    for (unsigned i = 0; i < b->n; i++) {
        if (b->task[i].pid == pid)
            b->task[i].listed = true;
    }
    return 0;
}

static void _memcg_keep (struct memcg_sent *kept, pid_t pid)
{
    uint64_t started = hears_started (pid);

    if (kept->n < MEMCG_SENT_MAX && started > 0 && started != HEARS_UNKNOWN) {
        kept->task[kept->n].pid = pid;
        kept->task[kept->n].started = started;
        kept->held += hears_holds (pid);
        kept->n++;
    } else { /* too many; or its first thread has ended, so when is it over? */
        kept->n = MEMCG_SENT_MAX + 1;
    }
}

static void _memcg_flush (struct batch *b)
{
    int rc;

    if (b->n > 0 && cg_each_pid (b->dir, "cgroup.procs", _mark_listed, b) < 0 &&
        !_holds_none (errno))
        b->failed = errno;
    for (unsigned i = 0; i < b->n; i++) {
        if (b->task[i].listed) {
            if (b->kept) /* first: it may die of it */
                _memcg_keep (b->kept, b->task[i].pid);
            /* no pidfd: kernel before 5.3, or no descriptor left */
            if (b->task[i].fd < 0)
                rc = kill (b->task[i].pid, b->signo);
            else
                rc = syscall (SYS_pidfd_send_signal, b->task[i].fd, b->signo,
                              NULL, 0);
            b->sent += rc == 0;
        }
        _memcg_close_fd (&b->task[i].fd);
    }
    b->n = 0;
}

static int _memcg_take (pid_t pid, void *arg)
{
    struct batch *b = arg;
    int fd;

    if (b->m->layout != MW_LAYOUT_LEAF && _is_slurmstepd (pid))
        return 0;
    fd = _pidfd_open (pid);
    if (fd < 0 && errno == ESRCH)
        return 0;
    if (b->hears > 0 && !hears (pid, b->hears)) {
        _memcg_close_fd (&fd);
        return 0;
    }
    b->task[b->n].pid = pid;
    b->task[b->n].fd = fd;
    b->task[b->n].listed = false;
    if (++b->n == SIGNAL_BATCH)
        _memcg_flush (b);
    return 0;
}

static int _memcg_killed (pid_t pid, void *arg)
{
    (void) arg;
    return hears_killed (pid);
}

bool memcg_dying (struct memcg *m)
{
    struct each e = { .m = m, .visit = _memcg_killed };
    int walked = memcg_each_own_dir (m, _visit_procs, &e);

    return e.stop || _memcg_counted (&e, walked) == 0;
}

static int _signal_dir (int dir, void *arg)
{
    struct batch *b = arg;

    b->dir = dir;
    if (cg_each_pid (dir, "cgroup.procs", _memcg_take, b) < 0 &&
        !_holds_none (errno))
        b->failed = errno;
    _memcg_flush (b);
    return 0;
}

static int _memcg_signal_batch (struct batch *b, struct mw_err *err)
{
    int walked;

    if (memcg_gone (b->m)) {
        errno = ENODEV;
        return memcg_fail (b->m, "signal the tasks in", "cgroup.procs", err);
    }
    if (b->spare_extern)
        walked = memcg_each_own_dir (b->m, _signal_dir, b);
    else
        walked = memcg_each_dir (b->m, _signal_dir, b);
    if (b->failed)
        errno = b->failed;
    if (walked < 0 || b->failed)
        return memcg_fail (b->m, "see all tasks in", "cgroup.procs", err);
    return b->sent;
}

int memcg_signal (struct memcg *m, int signo, struct mw_err *err)
{
    return memcg_ask (m, signo, true, false, NULL, err);
}

int memcg_signal_all (struct memcg *m, int signo, struct mw_err *err)
{
    struct batch b = { .m = m, .signo = signo };

    return _memcg_signal_batch (&b, err);
}

int memcg_ask (struct memcg *m, int signo, bool to_all, bool look,
               struct memcg_sent *sent, struct mw_err *err)
{
    struct batch b = { .m = m,
                       .signo = look ? 0 : signo,
                       .hears = to_all ? 0 : signo,
                       .kept = sent,
                       .spare_extern = m->layout == MW_LAYOUT_SLURM };

    if (sent)
        *sent = (struct memcg_sent) { .n = 0 };
    return _memcg_signal_batch (&b, err);
}

unsigned memcg_sent_left (const struct memcg_sent *sent)
{
    unsigned left = 0;

    for (unsigned i = 0; i < sent->n && i < MEMCG_SENT_MAX; i++) {
        uint64_t now = hears_started (sent->task[i].pid);

        left += now == sent->task[i].started || now == HEARS_UNKNOWN;
    }
    return left;
}

bool memcg_sent_ended (const struct memcg_sent *sent)
{
    return sent->n > 0 && sent->n <= MEMCG_SENT_MAX &&
           memcg_sent_left (sent) == 0;
}

uint64_t memcg_sent_hold (const struct memcg_sent *sent)
{
    uint64_t held = 0;

    for (unsigned i = 0; i < sent->n && i < MEMCG_SENT_MAX; i++) {
        if (hears_started (sent->task[i].pid) == sent->task[i].started)
            held += hears_holds (sent->task[i].pid);
    }
    return held;
}

static int _memcg_mrelease_one (pid_t pid, void *arg)
{
    cleanup_fd int fd = _pidfd_open (pid);

    (void) arg;
    if (fd >= 0)
        syscall (SYS_process_mrelease, fd, 0);
    return 0;
}

void memcg_mrelease (struct memcg *m)
{
    memcg_each_pid (m, _memcg_mrelease_one, NULL);
}
