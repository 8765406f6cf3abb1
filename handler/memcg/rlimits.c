/* rlimits.c - see rlimits.h
 *
 * A process is known by its pid and its start time together (proc(5), field 22
 * of stat).  One is only taken whose pid was listed in the memcg after its
 * start time had been read, and its start time is looked at again behind each
 * prlimit(2), which is undone where the number has changed hands in between.
 *
 * RLIMIT_DATA counts private writable memory since Linux 4.7, mprotect(2) of
 * what was only reserved included: that is how heaps of threads and of runtimes
 * grow.
 */
#include "handler/memcg/rlimits.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "handler/memcg/live.h"
#include "lib/cgfile.h"
#include "lib/cleanup.h"
#include "lib/units.h"

#define DIR_NAME "rlimits"
#define STACK_ROOM (8 * MW_MIB) /* the usual RLIMIT_STACK */
#define SWEEPS_MAX 16           /* children are born while we look */

enum { DATA, AS, RESOURCES };

static const int resource[RESOURCES] = {
    [DATA] = RLIMIT_DATA, [AS] = RLIMIT_AS
};

/* A file begins with that: another number with each other [struct record]. */
static const char head[24] = "memwarden rlimits 1\n";

/* One task, as it is in the file. [set] 0 = left as it was. */
struct record {
    uint64_t start; /* clock ticks after boot */
    uint64_t old[RESOURCES], set[RESOURCES];
    int32_t pid;
    uint32_t listed; /* in the last look */
};

/* Of the job that is being dealt with. */
static struct {
    struct record task[RLIMITS_TASKS_MAX];
    unsigned count, known; /* [known] of them are in the file */
    int failed;            /* errno of a prlimit(2) of a task that is there */
    bool over;
    const struct rlimits_one *only; /* NULL = all */
} table;

void rlimits_rehearse (void)
{
    volatile char *p = (volatile char *) &table;

    for (size_t i = 0; i < sizeof (table); i += 4096)
        p[i] = 0;
}

/* ---- one process --------------------------------------------------------- */

/* In bytes. Returns false where it has ended. */
static bool _rlimits_size (pid_t pid, uint64_t *as, uint64_t *resident,
                           uint64_t *data)
{
    uint64_t page = (uint64_t) sysconf (_SC_PAGESIZE);
    cleanup_fd int dir = live_open (pid);
    char text[256];

    if (dir < 0 || cg_read (dir, "statm", text, sizeof (text)) <= 0 ||
        sscanf (text, "%" SCNu64 " %" SCNu64 " %*u %*u %*u %" SCNu64, as,
                resident, data) != 3)
        return false;
    *as *= page;
    *resident *= page;
    *data *= page;
    return true;
}

/* prlimit(2); that it has ended is no failure. */
static int _prlimit (pid_t pid, int which, const struct rlimit *new,
                     struct rlimit *old)
{
    int rc = prlimit (pid, resource[which], new, old);

    if (rc < 0 && errno != ESRCH)
        table.failed = errno;
    return rc;
}

/* Set the soft limit of a process to [value], if it is [expected]. Returns
 *   whether it was and is done. */
static bool _rlimits_set (pid_t pid, uint64_t start, int which,
                          uint64_t expected, uint64_t value)
{
    struct rlimit l, was;

    if (_prlimit (pid, which, NULL, &l) < 0 || l.rlim_cur != expected)
        return false;
    l.rlim_cur = value;
    if (_prlimit (pid, which, &l, &was) < 0)
        return false;
    if (live_began (pid) == start)
        return true;
    _prlimit (pid, which, &was, NULL);
    return false;
}

/* ---- the record ---------------------------------------------------------- */

static int _rlimits_open_dir (int state_dir, bool make)
{
    if (make && mkdirat (state_dir, DIR_NAME, 0700) < 0 && errno != EEXIST)
        return -1;
    return openat (state_dir, DIR_NAME,
                   O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Load the record of [key] into the table; none is an empty one. */
static int _rlimits_load (int dir, const char *key)
{
    cleanup_fd int fd = openat (dir, key, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    char is[sizeof (head)];
    ssize_t n = 0;

    table.count = table.known = 0;
    table.failed = 0;
    table.over = false;
    if (fd < 0)
        return errno == ENOENT ? 0 : -1;
    n = read (fd, is, sizeof (is));
    if (n > 0 && (n != sizeof (is) || memcmp (is, head, sizeof (is)) != 0)) {
        errno = EPROTO;
        return -1;
    }
    if (n > 0)
        n = read (fd, table.task, sizeof (table.task));
    if (n < 0)
        return -1;
    table.count = (unsigned) ((size_t) n / sizeof (table.task[0]));
    table.known = table.count;
    return 0;
}

/* Append what is new, whole or not at all. */
static int _save (int dir, const char *key)
{
    cleanup_fd int fd = openat (dir, key,
                                O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
                                0600);
    off_t at = (off_t) (sizeof (head) + table.known * sizeof (table.task[0]));
    size_t len = (table.count - table.known) * sizeof (table.task[0]);

    if (fd < 0)
        return -1;
    errno = ENOSPC;
    if ((table.known > 0 ||
         pwrite (fd, head, sizeof (head), 0) == (ssize_t) sizeof (head)) &&
        pwrite (fd, table.task + table.known, len, at) == (ssize_t) len)
        return 0;
    if (table.known == 0)
        at = 0;
    if (ftruncate (fd, at) < 0)
        table.over = true;
    return -1;
}

/* ---- lowering ------------------------------------------------------------ */

static struct record *_rlimits_find (pid_t pid, uint64_t start)
{
    for (unsigned i = 0; i < table.count; i++) {
        if (table.task[i].pid == pid && table.task[i].start == start)
            return &table.task[i];
    }
    return NULL;
}

static int _rlimits_collect (pid_t pid, void *arg)
{
    uint64_t start = live_began (pid);

    (void) arg;
    if (start == 0 || _rlimits_find (pid, start) ||
        (table.only &&
         (pid != table.only->pid || start != table.only->started)))
        return 0;
    if (table.count == RLIMITS_TASKS_MAX) {
        table.over = true;
        return 1;
    }
    table.task[table.count++] = (struct record) { .pid = pid, .start = start };
    return 0;
}

static int _mark (pid_t pid, void *arg)
{
    (void) arg;
    for (unsigned i = table.known; i < table.count; i++) {
        if (table.task[i].pid == pid)
            table.task[i].listed = 1;
    }
    return 0;
}

/* The record that set [cur], which a child inherits. */
static const struct record *_by_us (int which, uint64_t cur)
{
    for (unsigned i = 0; i < table.count; i++) {
        if (cur > 0 && table.task[i].set[which] == cur)
            return &table.task[i];
    }
    return NULL;
}

static void _plan_one (struct record *r, int which, uint64_t bytes)
{
    struct rlimit l;

    if (_prlimit (r->pid, which, NULL, &l) < 0 || l.rlim_cur <= bytes ||
        _by_us (which, l.rlim_cur))
        return;
    r->old[which] = l.rlim_cur;
    r->set[which] = bytes;
}

/* Of the new ones keep those that are to be lowered, with what to. */
static void _rlimits_plan (uint64_t least)
{
    unsigned kept = table.known;
    uint64_t as, resident, data;

    for (unsigned i = table.known; i < table.count; i++) {
        struct record r = table.task[i];

        if (!r.listed || !_rlimits_size (r.pid, &as, &resident, &data) ||
            resident < least)
            continue;
        _plan_one (&r, DATA, data);
        _plan_one (&r, AS, as + STACK_ROOM);
        if (r.set[DATA] || r.set[AS])
            table.task[kept++] = r;
    }
    table.count = kept;
}

static int _rlimits_apply (void)
{
    int n = 0;

    for (unsigned i = table.known; i < table.count; i++) {
        const struct record *r = &table.task[i];
        bool done = false;

        if (live_began (r->pid) != r->start)
            continue;
        for (int k = 0; k < RESOURCES; k++)
            done |= r->set[k] &&
                    _rlimits_set (r->pid, r->start, k, r->old[k], r->set[k]);
        n += done;
    }
    return n;
}

int rlimits_lower (struct memcg *m, int state_dir, const char *key,
                   uint64_t least, const struct rlimits_one *only,
                   struct mw_err *err)
{
    cleanup_fd int dir = _rlimits_open_dir (state_dir, true);
    int n;

    table.only = only;
    if (dir < 0 || _rlimits_load (dir, key) < 0)
        return mw_err_errno (err, "cannot open the record %s/%s", DIR_NAME,
                             key);
    if (memcg_each_pid (m, _rlimits_collect, NULL) < 0)
        return mw_err_errno (err, "not all its processes can be seen");
    if (table.over)
        return mw_err_code (err, E2BIG, "it has more than %d processes",
                            RLIMITS_TASKS_MAX);
    memcg_each_pid (m, _mark, NULL);
    _rlimits_plan (least);
    if (table.count > table.known && _save (dir, key) < 0)
        return mw_err_errno (err, "cannot write the record %s/%s", DIR_NAME,
                             key);
    n = _rlimits_apply ();
    errno = table.failed;
    if (n == 0 && errno) /* nobody could be, rather than nobody is there */
        return mw_err_errno (err, "cannot set the limits of its processes");
    return n;
}

/* ---- back ---------------------------------------------------------------- */

static int _rlimits_give_back (pid_t pid, void *arg)
{
    uint64_t start = live_began (pid);
    const struct record *own, *r;
    bool done = false;
    struct rlimit l;

    if (start == 0)
        return 0;
    own = _rlimits_find (pid, start);
    for (int k = 0; k < RESOURCES; k++) {
        if (_prlimit (pid, k, NULL, &l) < 0)
            continue;
        r = own && own->set[k] == l.rlim_cur ? own : _by_us (k, l.rlim_cur);
        if (!r)
            continue;
        done |= _rlimits_set (pid, start, k, r->set[k], r->old[k]);
    }
    *(int *) arg += done;
    return 0;
}

/* What it had is in a record of another version: it has all that it may have. */
static int _rlimits_lift (pid_t pid, void *arg)
{
    uint64_t start = live_began (pid);
    bool done = false;
    struct rlimit l;

    for (int k = 0; start > 0 && k < RESOURCES; k++) {
        if (_prlimit (pid, k, NULL, &l) == 0 && l.rlim_cur < l.rlim_max)
            done |= _rlimits_set (pid, start, k, l.rlim_cur, l.rlim_max);
    }
    *(int *) arg += done;
    return 0;
}

int rlimits_restore (struct memcg *m, int state_dir, const char *key,
                     struct mw_err *err)
{
    cleanup_fd int dir = _rlimits_open_dir (state_dir, false);
    int (*give) (pid_t pid, void *arg) = _rlimits_give_back;
    int all = 0, now = 1, seen = 0;

    if (dir < 0)
        return errno == ENOENT ? 0
                               : mw_err_errno (err, "cannot open %s", DIR_NAME);
    if (_rlimits_load (dir, key) < 0) {
        if (errno != EPROTO)
            return mw_err_errno (err, "cannot read the record %s/%s", DIR_NAME,
                                 key);
        give = _rlimits_lift;
    }
    for (int i = 0; i < SWEEPS_MAX && now > 0 &&
                    (table.count > 0 || give == _rlimits_lift);
         i++) {
        now = 0;
        table.failed = 0;
        seen = memcg_each_pid (m, give, &now);
        all += now;
    }
    if (seen < 0)
        return mw_err_errno (err, "not all its processes can be seen");
    errno = table.failed;
    if (errno)
        return mw_err_errno (err, "cannot set the limits of a process");
    unlinkat (dir, key, 0);
    return all;
}
