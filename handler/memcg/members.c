/* members.c - see members.h */
#include "handler/memcg/members.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "handler/memcg/hears.h"
#include "handler/memcg/live.h"
#include "lib/cgfile.h"
#include "lib/cleanup.h"
#include "lib/pidfd.h"

#define STATUS_MAX \
    4096 /* what is read of it is before the list of groups' end */

struct reading {
    struct members *all;
    uid_t owner;
    unsigned most;
};

/* ---- one process --------------------------------------------------------- */

static uint64_t _members_kib (const char *status, const char *key)
{
    uint64_t n = 0;

    cg_key (status, key, &n);
    return n * 1024;
}

#define FORKNOEXEC 0x40 /* the kernel's PF_FORKNOEXEC, since ever */

/* proc(5): the parent is the 4th field, its flags the 9th, the start the 22nd, the size of its map the
 * 23rd, behind a name that may contain anything. Returns false of one that ends. */
static bool _members_stat (const char *stat, struct member *one)
{
    const char *field = strrchr (stat, ')');
    uint64_t size = 0;
    unsigned flags;

    if (!field || field[1] != ' ' || strchr ("ZX", field[2]) ||
        sscanf (field + 3, " %d %*d %*d %*d %*d %u", &one->parent, &flags) != 2)
        return false;
    one->state = field[2];
    one->forked = (flags & FORKNOEXEC) != 0;
    for (int i = 2; i < 22 && field; i++)
        field = strchr (field + 1, ' ');
    return field &&
           sscanf (field, " %" SCNu64 " %" SCNu64, &one->started, &size) == 2 &&
           one->started > 0 && size > 0;
}

static void _members_status (const char *status, uid_t owner,
                             struct member *one)
{
    uint64_t uid = UINT64_MAX;

    cg_key (status, "Uid:", &uid);
    one->anon = _members_kib (status, "RssAnon:");
    one->file = _members_kib (status, "RssFile:");
    one->shmem = _members_kib (status, "RssShmem:");
    one->swap = _members_kib (status, "VmSwap:");
    one->barred = (owner != 0 && uid != owner) || one->pid <= 1 ||
                  one->pid == getpid ();
    if (sscanf (status, "Name:\t%15[^\n]", one->comm) == 1)
        mw_tame (one->comm, "");
}

/* Its directory in /proc, or that of a live thread of it where the first has ended, and
 * the text of its status. */
static int _members_open (pid_t pid, char *status, size_t len)
{
    cleanup_fd int proc = -1;
    char path[64];

    snprintf (path, sizeof (path), "/proc/%d", (int) pid);
    proc = sysroot_open (path, O_RDONLY | O_DIRECTORY);
    if (proc < 0 || cg_read (proc, "status", status, len) <= 0)
        return -1;
    if (!strstr (status, "\nState:\tZ") && !strstr (status, "\nState:\tX"))
        return mw_steal_fd (&proc);
    close (proc);
    proc = live_open (pid);
    if (proc < 0 || cg_read (proc, "status", status, len) <= 0)
        return -1;
    return mw_steal_fd (&proc);
}

int member_read (pid_t pid, uid_t owner, struct member *one)
{
    char status[STATUS_MAX], stat[1024];
    cleanup_fd int proc = _members_open (pid, status, sizeof (status));

    *one = (struct member) { .pid = pid };
    if (proc < 0 || cg_read (proc, "stat", stat, sizeof (stat)) <= 0 ||
        !_members_stat (stat, one))
        return -1;
    _members_status (status, owner, one);
    return 0;
}

static int _members_take_pid (pid_t pid, void *arg)
{
    const struct reading *r = arg;
    struct members *all = r->all;
    struct member one;

    if (all->n == r->most || all->n == MEMBERS_MAX) {
        all->cut = true;
        return 1;
    }
    if (member_read (pid, r->owner, &one) == 0)
        all->one[all->n++] = one;
    return 0;
}

uint64_t member_holds (const struct member *one)
{
    return one->anon + one->shmem + one->swap;
}

/* ---- Slurm's own steps --------------------------------------------------- */

/* Behind "/[prefix]" in [path], where that begins a name in it; NULL. */
static const char *_members_part (const char *path, const char *prefix)
{
    size_t len = strlen (prefix);

    for (const char *at = path; (at = strchr (at, '/')); at++) {
        if (strncmp (at + 1, prefix, len) == 0)
            return at + 1 + len;
    }
    return NULL;
}

void member_where (pid_t pid, char step[MEMBER_STEP_MAX], int *task)
{
    char path[64], text[8192];
    cleanup_fd int proc = -1;
    const char *lines = text, *at;
    struct cg_member m;
    int rc;

    step[0] = '\0';
    *task = -1;
    snprintf (path, sizeof (path), "/proc/%d", (int) pid);
    proc = sysroot_open (path, O_RDONLY | O_DIRECTORY);
    if (proc < 0 || cg_read (proc, "cgroup", text, sizeof (text)) < 0)
        return;
    while ((rc = cg_next_member (&lines, &m)) != 0) {
        if (rc < 0)
            continue;
        if (!step[0] && (at = _members_part (m.path, "step_")))
            snprintf (step, MEMBER_STEP_MAX, "%.*s", (int) strcspn (at, "/"),
                      at);
        if (*task < 0 && (at = _members_part (m.path, "task_")))
            *task = *at >= '0' && *at <= '9' ? atoi (at) : -1;
    }
}

/* Of the cgroup [path], as /proc has it, what is below the directory [top], of which the
 * first part is a mount point: "" or "/step_0/…"; NULL: it is not below it. */
static const char *_members_below (const char *top, const char *path)
{
    for (const char *at = strchr (top, '/'); at; at = strchr (at + 1, '/')) {
        size_t len = strlen (at);

        if (strncmp (path, at, len) == 0 && (!path[len] || path[len] == '/'))
            return path + len;
    }
    return NULL;
}

int member_place (const struct memcg *m, pid_t pid)
{
    char path[64], text[8192], file[PATH_MAX];
    const char *lines = text, *below;
    struct cg_member c;
    int rc;

    snprintf (path, sizeof (path), "/proc/%d/cgroup", (int) pid);
    if (cg_read (AT_FDCWD, path, text, sizeof (text)) < 0)
        return -1;
    while ((rc = cg_next_member (&lines, &c)) != 0) {
        if (rc < 0 || !(c.v2 || strstr (c.controllers, "memory")) ||
            !(below = _members_below (m->path, c.path)))
            continue;
        /* on v1 a directory above others may have processes, and is the last that
         * Slurm removes */
        snprintf (file, sizeof (file), ".%s/cgroup.procs", c.v2 ? below : "");
        return openat (m->dir, file, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    }
    errno = ESRCH;
    return -1;
}

static const char *const own_steps[] = { "batch", "interactive", "extern" };
#define OWN_STEPS (sizeof (own_steps) / sizeof (own_steps[0]))

static bool _members_has (const struct members *all, pid_t pid)
{
    for (unsigned i = 0; i < all->n; i++) {
        if (all->one[i].pid == pid)
            return true;
    }
    return false;
}

/* Of each such step it is the first one whose parent is none of the job's: what has
 * lost its parent since, and what somebody has brought by ssh, is later. */
static void _members_scripts (struct members *all)
{
    struct member *first[OWN_STEPS] = { NULL };
    char step[MEMBER_STEP_MAX];
    int task;

    for (unsigned i = 0; i < all->n; i++) {
        struct member *one = &all->one[i];

        if (_members_has (all, one->parent))
            continue;
        member_where (one->pid, step, &task);
        for (size_t k = 0; k < OWN_STEPS; k++) {
            if (strcmp (step, own_steps[k]) == 0 &&
                (!first[k] || one->started < first[k]->started))
                first[k] = one;
        }
    }
    for (size_t k = 0; k < OWN_STEPS; k++) {
        if (first[k])
            first[k]->script = true;
    }
}

int members_read (struct memcg *m, uid_t owner, unsigned most,
                  struct members *all)
{
    struct reading r = { .all = all, .owner = owner, .most = most };
    int rc, error;

    all->n = 0;
    all->cut = false;
    rc = memcg_each_pid (m, _members_take_pid, &r);
    error = errno;
    if (m->layout == MW_LAYOUT_SLURM)
        _members_scripts (all);
    errno = error;
    return rc < 0 ? -1 : 0;
}

/* ---- what is done to one ------------------------------------------------- */

int member_take (const struct member *one, int *fd)
{
    *fd = mw_pidfd_open (one->pid);
    if (*fd < 0 && errno == ESRCH)
        return -1;
    /* behind the pidfd: from now on it is of this process, or of none */
    if (hears_started (one->pid) == one->started)
        return 0;
    if (*fd >= 0)
        close (*fd);
    *fd = -1;
    errno = ESRCH;
    return -1;
}

int member_signal (int fd, pid_t pid, int signo)
{
    if (mw_pidfd_send (fd, pid, signo) < 0)
        return -1;
    if (signo == SIGKILL)
        mw_pidfd_reap (fd);
    return 0;
}
