/* place.c - find, open and prepare the job's cgroup directories */
#include "plugin/place.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/cgfile.h"
#include "lib/cgmount.h"
#include "lib/cleanup.h"
#include "lib/granted.h"

#define OPEN_DIR (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define XATTR_JOB "trusted.memwarden.job"
#define XATTR_SCRIPT "trusted.memwarden.script"

/* memory.limit_in_bytes where there is no limit: LONG_MAX in whole pages */
#define V1_UNLIMITED (UINT64_C (1) << 62)

/* ---- /proc/PID/cgroup ---- */

static bool _ends_with (const char *s, size_t len, const char *end)
{
    size_t n = strlen (end);

    return len >= n && !memcmp (s + len - n, end, n);
}

/* Where in [path] the step's component begins; NULL: nowhere.  The first one
 * counts, since below it users may make directories of any name; a scope or
 * slice of systemd's is none, whatever node it is named after. */
static const char *_step_of (const char *path)
{
    for (const char *p = strstr (path, "/step_"); p;
         p = strstr (p + 1, "/step_")) {
        size_t len = strcspn (p + 1, "/");

        if (!_ends_with (p + 1, len, ".scope") &&
            !_ends_with (p + 1, len, ".slice"))
            return p;
    }
    return NULL;
}

/* "/a/b" from the root, with no ".." in it (outside of our cgroup namespace)
 * and not of a removed directory. */
static bool _followable (const char *path)
{
    size_t len = strlen (path);

    return path[0] == '/' && len < PLACE_PATH_MAX && !strstr (path, "/../") &&
           !_ends_with (path, len, "/..") &&
           !_ends_with (path, len, " (deleted)");
}

static int _parse_memory (const char *path, bool v2, struct place_paths *paths,
                          struct mw_err *err)
{
    const char *step = _step_of (path);
    size_t len = step ? strcspn (step + 1, "/") : 0;

    if (!_followable (path) || len >= PLACE_STEP_MAX)
        return mw_err_code (err, EINVAL,
                            "cannot follow the memory cgroup "
                            "\"%.200s\"",
                            path);
    paths->v2 = v2;
    paths->job[0] = '\0';
    paths->step[0] = '\0';
    strcpy (paths->task, path);
    if (step && step != path) {
        snprintf (paths->job, sizeof (paths->job), "%.*s", (int) (step - path),
                  path);
        snprintf (paths->step, sizeof (paths->step), "%.*s", (int) len,
                  step + 1);
    }
    return 0;
}

static void _parse_freezer (const char *path, struct place_paths *paths)
{
    const char *step = _step_of (path);

    if (_followable (path) && step && step != path)
        snprintf (paths->freezer, sizeof (paths->freezer), "%.*s",
                  (int) (step - path), path);
}

/* The v1 line of memory, if any, wins over v2's: [*memory] = it was there. */
static int _parse_member (const struct cg_member *m, bool *memory,
                          struct place_paths *paths, struct mw_err *err)
{
    if (cg_among (m->controllers, "memory")) {
        *memory = true;
        return _parse_memory (m->path, false, paths, err);
    }
    if (cg_among (m->controllers, "freezer"))
        _parse_freezer (m->path, paths);
    return !*memory && m->v2 ? _parse_memory (m->path, true, paths, err) : 0;
}

int place_parse (const char *text, struct place_paths *paths,
                 struct mw_err *err)
{
    struct place_paths found = { 0 };
    struct cg_member m;
    bool memory = false;
    int rc;

    while ((rc = cg_next_member (&text, &m)) > 0)
        if (_parse_member (&m, &memory, &found, err) < 0)
            return -1;
    if (rc < 0)
        return mw_err_code (err, EINVAL,
                            "\"%.80s\" is no line of "
                            "/proc/PID/cgroup",
                            m.line);
    if (!found.task[0])
        return mw_err_code (err, ENOTSUP, "no memory controller here");
    *paths = found;
    return 0;
}

/* ---- open ---- */

int place_read (pid_t pid, struct place_paths *paths, struct mw_err *err)
{
    char name[64], text[8192];
    cleanup_fd int proc = sysroot_open ("/proc", OPEN_DIR);

    snprintf (name, sizeof (name), "%d/cgroup", (int) pid);
    if (proc < 0 || cg_read (proc, name, text, sizeof (text)) < 0)
        return mw_err_errno (err, "/proc/%s", name);
    return place_parse (text, paths, err);
}

struct open_mount {
    const char *controller;
    bool v2; /* where all controllers are in the one mount */
    int fd;
};

static int _open_if_mount (const struct cgmount *c, void *arg)
{
    struct open_mount *o = arg;

    if (c->whole && c->v2 == o->v2 &&
        (c->v2 || cg_among (c->options, o->controller)))
        o->fd = sysroot_open (c->point, OPEN_DIR);
    return o->fd >= 0;
}

static int _place_find_mount (const char *controller, bool v2)
{
    struct open_mount o = { .controller = controller, .v2 = v2, .fd = -1 };

    cgmount_each (_open_if_mount, &o);
    return o.fd;
}

int place_open_mount (const char *controller, struct mw_err *err)
{
    int fd = _place_find_mount (controller, false);

    if (fd < 0)
        fd = _place_find_mount (controller, true);
    if (fd < 0)
        mw_err_code (err, ENOTSUP, "cgroup controller %s is not mounted",
                     controller);
    return fd;
}

static int _open_below (int root, const char *path, struct mw_err *err)
{
    int fd = openat (root, path[1] ? path + 1 : ".", OPEN_DIR);

    if (fd < 0)
        mw_err_errno (err, "%s", path);
    return fd;
}

struct search {
    pid_t pid;
    bool found;
};

static int _is_pid (pid_t pid, void *arg)
{
    struct search *s = arg;

    s->found = s->found || pid == s->pid;
    return s->found;
}

/* Cgroup namespaces and mounts of a part of a hierarchy make paths that lead
 * elsewhere: believe one only if the process is found there. */
static int _verify (int root, const char *path, pid_t pid, struct mw_err *err)
{
    cleanup_fd int task = _open_below (root, path, err);
    struct search s = { .pid = pid };

    if (task < 0)
        return -1;
    if (cg_each_pid (task, "cgroup.procs", _is_pid, &s) < 0)
        return mw_err_errno (err, "%s/cgroup.procs", path);
    if (!s.found)
        return mw_err_code (err, ESRCH,
                            "process %d is not in %s, where it "
                            "says it is",
                            (int) pid, path);
    return 0;
}

/* On v2 Slurm makes the job's directory in any case, but hands it the memory
 * controller only where cgroup.conf constrains memory.  (Where that cannot be
 * made good, the warden says what it lacks.) */
static void _want_memory (const struct place *p)
{
    char above[PLACE_PATH_MAX];

    if (!faccessat (p->job, "memory.max", F_OK, 0))
        return;
    strcpy (above, p->paths.job);
    *strrchr (above, '/') = '\0';
    cg_hand_down (p->root, "", above, "memory", NULL);
}

int place_open (struct place *p, pid_t pid, struct mw_err *err)
{
    *p = (struct place) { .root = -1, .job = -1, .freezer = -1 };
    if (place_read (pid, &p->paths, err) < 0)
        return -1;
    if (!p->paths.job[0])
        return mw_err_code (err, ENOENT,
                            "Slurm made no memory cgroup for the "
                            "job");
    p->root = place_open_mount ("memory", err);
    if (p->root < 0 || _verify (p->root, p->paths.task, pid, err) < 0 ||
        (p->job = _open_below (p->root, p->paths.job, err)) < 0) {
        place_close (p);
        return -1;
    }
    if (p->paths.freezer[0]) {
        cleanup_fd int root = place_open_mount ("freezer", NULL);

        if (root >= 0)
            p->freezer = _open_below (root, p->paths.freezer, NULL);
    }
    return 0;
}

static void _place_close_fd (int *fd)
{
    mw_cleanup_fdp (fd);
    *fd = -1;
}

void place_close (struct place *p)
{
    _place_close_fd (&p->root);
    _place_close_fd (&p->job);
    _place_close_fd (&p->freezer);
}

/* ---- limits ---- */

static const char *_limit_file (const struct place *p)
{
    return p->paths.v2 ? "memory.max" : "memory.limit_in_bytes";
}

static const char *_soft_file (const struct place *p)
{
    return p->paths.v2 ? "memory.high" : "memory.soft_limit_in_bytes";
}

/* Read limit [name] of [dir]; none is UINT64_MAX on v1 too. */
static int _read_limit (int dir, const char *name, uint64_t *bytes)
{
    if (cg_read_u64 (dir, name, bytes) < 0)
        return -1;
    if (*bytes >= V1_UNLIMITED)
        *bytes = UINT64_MAX;
    return 0;
}

static uint64_t _place_node_memory (void)
{
    cleanup_fd int proc = sysroot_open ("/proc", OPEN_DIR);
    char text[4096];
    uint64_t kib;

    if (proc < 0 || cg_read (proc, "meminfo", text, sizeof (text)) < 0 ||
        !cg_key (text, "MemTotal:", &kib))
        return UINT64_MAX;
    return kib * 1024;
}

/* The soft limit is the allocation itself; the hard one has cgroup.conf's
 * AllowedRAMSpace in it.  A job without an allocation gets the node's
 * memory. */
uint64_t place_granted (const struct place *p)
{
    uint64_t soft = UINT64_MAX, hard = UINT64_MAX, node = _place_node_memory ();

    _read_limit (p->job, _soft_file (p), &soft);
    _read_limit (p->job, _limit_file (p), &hard);
    if (soft > hard)
        soft = hard;
    /* Slurm counts the node in whole MiB */
    if (soft == UINT64_MAX || soft / MW_MIB >= node / MW_MIB)
        return 0;
    return soft;
}

/* The hard limit Slurm gave the job when it was first placed.  The warden has
 * moved the limit itself since, and other steps may be starting right now, so
 * it is kept beside it; the first one to write it wins. */
static uint64_t _granted_hard (const struct place *p)
{
    struct mw_granted now = { .hard = UINT64_MAX, .soft = UINT64_MAX }, first;

    _read_limit (p->job, _limit_file (p), &now.hard);
    _read_limit (p->job, _soft_file (p), &now.soft);
    if (!mw_granted_write (p->job, &now, true) ||
        mw_granted_read (p->job, &first) < 0)
        return now.hard;
    return first.hard < now.hard ? first.hard : now.hard;
}

/* What the kernel cannot take from it to get below a limit. */
static int _cannot_go (const struct place *p, uint64_t *bytes)
{
    static const char *const reclaimable[] = { "active_file", "inactive_file",
                                               "slab_reclaimable" };
    char stat[8192];
    uint64_t n;

    if (cg_read_u64 (p->job, "memory.current", bytes) < 0 ||
        cg_read (p->job, "memory.stat", stat, sizeof (stat)) < 0)
        return -1;
    for (size_t i = 0; i < sizeof (reclaimable) / sizeof (*reclaimable); i++) {
        n = 0;
        cg_key (stat, reclaimable[i], &n);
        *bytes -= n < *bytes ? n : *bytes;
    }
    return 0;
}

static int _may_lower (const struct place *p, uint64_t bytes,
                       struct mw_err *err)
{
    char a[MW_SIZE_STRLEN], b[MW_SIZE_STRLEN];
    struct mw_granted g;
    uint64_t used;

    if (mw_granted_read (p->job, &g) < 0 || _cannot_go (p, &used) < 0)
        return 0;
    if (g.soft > 0 && g.hard != UINT64_MAX && g.hard > g.soft)
        bytes = (uint64_t) ((double) bytes * ((double) g.hard / g.soft));
    if (used <= bytes)
        return 0;
    return mw_err_code (err, EBUSY,
                        "the job's memory stays as it is, since it uses %s "
                        "now, and would be killed at Slurm's new limit of %s",
                        mw_size_format (used, a, sizeof (a)),
                        mw_size_format (bytes, b, sizeof (b)));
}

int place_may_lower (uint64_t bytes, struct mw_err *err)
{
    struct mw_jobspec said;
    struct place p;
    int rc = 0;

    if (place_open (&p, getpid (), NULL) < 0)
        return 0;
    if (p.paths.v2 && place_read_label (&p, &said, NULL) == 0)
        rc = _may_lower (&p, bytes, err);
    place_close (&p);
    return rc;
}

/* ---- steps ---- */

struct steps {
    const struct place *place;
    uint64_t limit;   /* the job's: steps of as much are lifted */
    struct stat self; /* our own program: slurmstepd */
    int rc;
    struct mw_err *err;
};

static int _note_failure (struct steps *s, const char *step, const char *what)
{
    if (!s->rc) {
        mw_err_errno (s->err, "%s/%s: %s", s->place->paths.job, step, what);
        s->rc = -1;
    }
    return 0;
}

/* A slurmstepd: root's, and the same program as this process.  A task can be
 * neither, whatever it is called. */
static bool _is_stepd (pid_t pid, const struct stat *self)
{
    char name[64];
    struct stat st;

    snprintf (name, sizeof (name), "/proc/%d", (int) pid);
    if (stat (name, &st) < 0 || st.st_uid != 0)
        return false;
    snprintf (name, sizeof (name), "/proc/%d/exe", (int) pid);
    return !stat (name, &st) && st.st_dev == self->st_dev &&
           st.st_ino == self->st_ino;
}

static int _evacuate (pid_t pid, void *arg)
{
    struct steps *s = arg;

    if (_is_stepd (pid, &s->self) &&
        cg_write (s->place->root, "cgroup.procs", "%d", (int) pid) < 0 &&
        errno != ESRCH)
        _note_failure (s, "cgroup.procs", "moving slurmstepd out");
    return 0;
}

static void _lift_v1 (struct steps *s, int step, const char *name)
{
    uint64_t limit;

    if (_read_limit (step, "memory.limit_in_bytes", &limit) < 0) {
        _note_failure (s, name, "memory.limit_in_bytes");
        return;
    }
    if (limit < s->limit || limit == UINT64_MAX)
        return;
    /* memory and swap together first, where the kernel counts swap */
    cg_write (step, "memory.memsw.limit_in_bytes", "-1");
    if (cg_write (step, "memory.limit_in_bytes", "-1") < 0 ||
        cg_write (step, "memory.soft_limit_in_bytes", "-1") < 0)
        _note_failure (s, name, "lifting the limit");
}

static void _lift_v2 (struct steps *s, int step, const char *name)
{
    cleanup_fd int user = openat (step, "user", OPEN_DIR);
    uint64_t limit;

    if (user < 0 || _read_limit (user, "memory.max", &limit) < 0 ||
        limit < s->limit)
        return;
    if (cg_write (user, "memory.max", "max") < 0 ||
        cg_write (user, "memory.high", "max") < 0)
        _note_failure (s, name, "lifting the limit");
}

static int _ready_step (int dir, const char *name, void *arg)
{
    struct steps *s = arg;

    if (strncmp (name, "step_", 5) != 0)
        return 0;
    if (s->place->paths.v2) {
        _lift_v2 (s, dir, name);
        return 0;
    }
    if (cg_each_pid (dir, "cgroup.procs", _evacuate, s) < 0 && errno != ENODEV)
        _note_failure (s, name, "cgroup.procs");
    _lift_v1 (s, dir, name);
    return 0;
}

int place_ready (const struct place *p, struct mw_err *err)
{
    struct steps s = { .place = p, .err = err };

    if (stat ("/proc/self/exe", &s.self) < 0)
        return mw_err_errno (err, "/proc/self/exe");
    if (p->paths.v2)
        _want_memory (p);
    s.limit = _granted_hard (p);
    if (cg_each_child (p->job, _ready_step, &s) < 0)
        return mw_err_errno (err, "%s", p->paths.job);
    return s.rc;
}

void place_leave (void)
{
    struct place_paths paths = { 0 };
    cleanup_fd int root = -1, job = -1;
    uint64_t ours = 0;
    char text[256];

    if (place_read (getpid (), &paths, NULL) < 0 || !paths.job[0] || paths.v2 ||
        (root = place_open_mount ("memory", NULL)) < 0 ||
        (job = _open_below (root, paths.job, NULL)) < 0)
        return;
    if (cg_read (job, "memory.oom_control", text, sizeof (text)) > 0 &&
        cg_key (text, "oom_kill_disable", &ours) && ours)
        cg_write (root, "cgroup.procs", "%d", (int) getpid ());
}

/* ---- the step itself ---- */

int place_open_step (const struct place *p, int *freezer, struct mw_err *err)
{
    char name[PLACE_STEP_MAX + 8];
    int memory;

    *freezer = -1;
    snprintf (name, sizeof (name), "%s%s", p->paths.step,
              p->paths.v2 ? "/user" : "");
    memory = openat (p->job, name, OPEN_DIR);
    if (memory < 0)
        return mw_err_errno (err, "%s/%s", p->paths.job, name);
    if (p->freezer >= 0)
        *freezer = openat (p->freezer, p->paths.step, OPEN_DIR);
    return memory;
}

uint64_t place_step_granted (const struct place *p, int step)
{
    uint64_t soft = UINT64_MAX, hard = UINT64_MAX;

    _read_limit (step, _limit_file (p), &hard);
    if (hard >= _granted_hard (p))
        return 0;
    _read_limit (step, _soft_file (p), &soft);
    return soft < hard ? soft : hard;
}

static int _undo_step (int dir, const char *name, void *arg)
{
    struct steps *s = arg;
    uint64_t limit;
    cleanup_fd int user = -1;

    if (strncmp (name, "step_", 5) != 0)
        return 0;
    if (s->place->paths.v2) {
        user = openat (dir, "user", OPEN_DIR);
        dir = user;
    }
    if (dir >= 0 && !_read_limit (dir, _limit_file (s->place), &limit) &&
        limit == UINT64_MAX) {
        cg_write_u64 (dir, _limit_file (s->place), s->limit);
        cg_write_u64 (dir, _soft_file (s->place), s->limit);
    }
    return 0;
}

void place_undo (const struct place *p)
{
    struct steps s = { .place = p };

    if (!_read_limit (p->job, _limit_file (p), &s.limit) &&
        s.limit != UINT64_MAX)
        cg_each_child (p->job, _undo_step, &s);
}

/* ---- label ---- */

int place_label (const struct place *p, const struct mw_jobspec *spec,
                 struct mw_err *err)
{
    cleanup_json json_t *obj = mw_jobspec_encode (spec);
    cleanup_free char *text = obj ? json_dumps (obj, JSON_COMPACT) : NULL;

    if (!text) {
        errno = ENOMEM;
        return mw_err_errno (err, XATTR_JOB);
    }
    if (fsetxattr (p->job, XATTR_JOB, text, strlen (text), 0) < 0)
        return mw_err_errno (err, "%s: " XATTR_JOB, p->paths.job);
    return 0;
}

int place_read_label (const struct place *p, struct mw_jobspec *spec,
                      struct mw_err *err)
{
    char text[4096];
    ssize_t n = fgetxattr (p->job, XATTR_JOB, text, sizeof (text));
    cleanup_json json_t *obj = NULL;

    if (n < 0)
        return mw_err_errno (err, "%s: " XATTR_JOB, p->paths.job);
    obj = json_loadb (text, (size_t) n, JSON_REJECT_DUPLICATES, NULL);
    if (!obj)
        return mw_err_code (err, EINVAL, "%s: " XATTR_JOB " is not JSON",
                            p->paths.job);
    return mw_jobspec_decode (obj, spec, err);
}

void place_mark_script (const struct place *p)
{
    fsetxattr (p->job, XATTR_SCRIPT, "", 0, 0);
}

bool place_has_script (const struct place *p)
{
    return fgetxattr (p->job, XATTR_SCRIPT, NULL, 0) >= 0;
}
