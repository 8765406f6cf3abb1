/* fuzz_kernel.c - what the kernel says: its log, and files of proc and cgroup */
#include "test/fuzz/fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "handler/account/headroom.h"
#include "handler/cli/kmsg_input.h"
#include "handler/cli/kmsg_read.h"
#include "handler/job/warden.h"
#include "handler/kmsg/log.h"
#include "handler/memcg/hears.h"
#include "handler/memcg/mounts.h"
#include "handler/memcg/pool.h"
#include "handler/memcg/priv.h"
#include "handler/memcg/procs.h"
#include "handler/policy/kernel_kill.h"
#include "lib/cgfile.h"
#include "lib/cgmount.h"
#include "lib/cleanup.h"
#include "plugin/place.h"

/* ---- logs ---------------------------------------------------------------- */

/* The kernel's log has names that users chose: none comes out untamed. */
static void _kernel_check_kill (const struct kmsg_kill *k)
{
    const char *const text[] = { k->time,       k->invoker,   k->gfp,
                                 k->constraint, k->oom_memcg, k->task_memcg,
                                 k->comm,       k->host };

    for (size_t i = 0; i < sizeof (text) / sizeof (text[0]); i++) {
        PROMISE (strlen (text[i]) < KMSG_PATH_MAX);
        for (const char *c = text[i]; *c; c++)
            PROMISE (*c >= 0x20 && *c < 0x7f);
    }
    PROMISE (k->frames <= KMSG_FRAMES);
    kernel_kill_why (k, "/slurm/uid_1000/job_12", "/slurm");
}

/* Each line is one of a log, and a record of /dev/kmsg. */
void fuzz_kmsg (const uint8_t *data, size_t size)
{
    const char *p = (const char *) data, *end = p + size, *nl;
    struct kmsg_log *log = kmsg_log_new ();
    static struct kmsg_kill kill;
    static struct kmsg live;

    PROMISE (log != NULL);
    kmsg_init (&live);
    for (; p < end; p = nl + 1) {
        if (!(nl = memchr (p, '\n', (size_t) (end - p))))
            nl = end;
        if (kmsg_log_line (log, p, (size_t) (nl - p), &kill))
            _kernel_check_kill (&kill);
        if (kmsg_record (&live, p, (size_t) (nl - p), &kill))
            _kernel_check_kill (&kill);
    }
    while (kmsg_log_end (log, &kill))
        _kernel_check_kill (&kill);
    if (kmsg_end (&live, &kill))
        _kernel_check_kill (&kill);
    kmsg_log_free (log);
}

static void _kernel_found (const struct kmsg_kill *kill, void *arg)
{
    (void) arg;
    _kernel_check_kill (kill);
}

/* A whole file, as `memwarden kmsg` reads it: packed, journals, shippers' JSON. */
void fuzz_logfile (const uint8_t *data, size_t size)
{
    int fd = memfd_create ("log", MFD_CLOEXEC);
    struct kmsg_log *log = kmsg_log_new ();
    static struct kmsg_kill kill;
    struct mw_err err = { "" };
    struct kmsg_input *in;

    PROMISE (log && fd >= 0 && write (fd, data, size) == (ssize_t) size);
    lseek (fd, 0, SEEK_SET);
    in = kmsg_input_open (fd, "log", &err);
    if (!in || kmsg_read (in, log, _kernel_found, NULL, &err) < 0)
        fuzz_check_sentence (&err);
    while (kmsg_log_end (log, &kill))
        _kernel_check_kill (&kill);
    if (in)
        kmsg_input_close (in);
    kmsg_log_free (log);
}

/* ---- where a process is -------------------------------------------------- */

static void _kernel_check_path (const char *path, size_t room)
{
    PROMISE (strlen (path) < room);
    if (path[0])
        PROMISE (path[0] == '/' && !strstr (path, "/../"));
}

/* The content of /proc/PID/cgroup, and a path by itself. */
void fuzz_cgroup (const uint8_t *data, size_t size)
{
    cleanup_free char *text = fuzz_string (data, size);
    const char *at = text;
    struct place_paths paths;
    struct mw_err err = { "" };
    char pool[PATH_MAX];
    struct cg_member m;

    while (cg_next_member (&at, &m) > 0) {
        struct memcg job = { .path = (char *) m.path,
                             .ops = m.v2 ? &memcg_v2_ops : &memcg_v1_ops };

        PROMISE (m.path && m.controllers && strlen (m.path) < sizeof (m.line));
        cg_among (m.controllers, "memory");
        if (strlen (m.path) < MEMCG_PATH_MAX && pool_of_slurm (&job, pool))
            PROMISE (kernel_kill_within (m.path, pool) || !pool[0]);
    }
    if (place_parse (text, &paths, &err) < 0) {
        fuzz_check_sentence (&err);
        return;
    }
    _kernel_check_path (paths.job, sizeof (paths.job));
    _kernel_check_path (paths.task, sizeof (paths.task));
    _kernel_check_path (paths.freezer, sizeof (paths.freezer));
    PROMISE (strlen (paths.step) < sizeof (paths.step));
    PROMISE (!strchr (paths.step, '/') && !paths.job[0] == !paths.step[0]);
}

static int _kernel_mount (const struct cgmount *m, void *arg)
{
    (void) arg;
    PROMISE (m->point && m->options);
    cg_among (m->options, "memory");
    return 0;
}

void fuzz_mounts (const uint8_t *data, size_t size)
{
    struct memcg_mounts m;

    fuzz_file ("proc/self/mountinfo", data, size);
    PROMISE (cgmount_each (_kernel_mount, NULL) == 0);
    if (memcg_find_mounts (&m) < 0)
        return;
    PROMISE (strlen (m.memory) < sizeof (m.memory));
    PROMISE (strlen (m.freezer) < sizeof (m.freezer));
    PROMISE (strlen (m.unified) < sizeof (m.unified));
}

/* ---- numbers ------------------------------------------------------------- */

void fuzz_meminfo (const uint8_t *data, size_t size)
{
    static struct policy_job none[1];
    static struct policy_rank ranks[1];
    static struct warden w = { .node_memory = 64 * MW_GIB,
                               .node_reserve = 3 * MW_GIB,
                               .pool_limit = UINT64_MAX,
                               .scratch = none,
                               .scratch_max = 1,
                               .ranks = ranks };
    struct policy_node node;
    char text[2048];
    uint64_t kib;
    ssize_t n;

    fuzz_file ("proc/meminfo", data, size);
    w.meminfo = sysroot_open ("/proc/meminfo", O_RDONLY);
    PROMISE (w.meminfo >= 0);
    n = pread (w.meminfo, text, sizeof (text) - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    /* or the log would be told each time */
    w.meminfo_failed = !cg_key (text, "MemAvailable:", &kib);
    headroom_meminfo (&w, &node);
    PROMISE (node.capacity == 61 * MW_GIB);
    if (w.meminfo_failed)
        PROMISE (node.available == node.capacity + node.reserve);
    policy_need (&node, false);
    PROMISE (headroom_left (&w, &node, 0) <= node.capacity);
    close (w.meminfo);
}

static void _kernel_look (struct memcg *m)
{
    struct memcg_usage u;
    struct mw_err err;
    uint64_t n;

    if (m->ops->read_usage (m, &u, &err) == 0)
        PROMISE (u.used <= u.total && u.cache <= u.total);
    memcg_hits (m);
    memcg_wall (m);
    memcg_refaulted (m, &n);
    memcg_stalled (m, &n);
    memcg_is_limited (m->dir);
    memcg_read_total (m, &n);
}

/* A memcg of plain files. */
static void _kernel_memcg (int (*open_it) (struct memcg *m, struct mw_err *err))
{
    struct memcg m = { .layout = MW_LAYOUT_LEAF,
                       .dir = fcntl (fuzz_dir (), F_DUPFD_CLOEXEC, 3),
                       .freezer = -1,
                       .event = -1,
                       .limit = -1,
                       .hard = -1,
                       .usage = -1,
                       .oom_control = -1,
                       .set_limit = MEMCG_NO_LIMIT };
    struct mw_err err = { "" };

    m.path = strdup (fuzz_path ());
    PROMISE (m.dir >= 0 && m.path);
    if (open_it (&m, &err) < 0) {
        fuzz_check_sentence (&err);
    } else {
        if (m.ops->arm (&m, &err) == 0)
            m.ops->check (&m);
        _kernel_look (&m);
    }
    memcg_close (&m);
}

void fuzz_memcg1 (const uint8_t *data, size_t size)
{
    static const char *const files[] = {
        "memory.stat",           "memory.usage_in_bytes",
        "memory.limit_in_bytes", "memory.memsw.limit_in_bytes",
        "memory.oom_control",    "memory.failcnt",
        "cgroup.event_control",  "memory.max_usage_in_bytes",
        "cgroup.procs",          NULL,
    };

    fuzz_files (data, size, files);
    _kernel_memcg (memcg_v1_open);
}

/* memory.events, memory.stat, and PSI: memory.pressure. */
void fuzz_memcg2 (const uint8_t *data, size_t size)
{
    static const char *const files[] = {
        "memory.events",
        "memory.stat",
        "memory.pressure",
        "memory.high",
        "memory.max",
        "memory.current",
        "memory.peak",
        "memory.swap.current",
        "cgroup.events",
        "cgroup.procs",
        NULL,
    };

    fuzz_files (data, size, files);
    _kernel_memcg (memcg_v2_open);
}

static void _kernel_process (const struct proc *p, void *arg)
{
    (void) arg;
    PROMISE (p->pid == 4711 && strlen (p->command) < sizeof (p->command));
    for (const char *c = p->command; *c; c++)
        PROMISE ((unsigned char) *c >= 0x20 && *c != 0x7f);
}

/* A process: what it hears, since when it is there, what it is called. */
void fuzz_proc (const uint8_t *data, size_t size)
{
    static const char *const files[] = { "proc/4711/status", "proc/4711/stat",
                                         "proc/4711/cmdline",
                                         "proc/4711/cgroup", NULL };
    struct place_paths paths;
    int dir;

    fuzz_files (data, size, files);
    fuzz_file ("job/cgroup.procs", "4711\n", 5);
    dir = openat (fuzz_dir (), "job", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    PROMISE (dir >= 0);
    procs_each (dir, _kernel_process, NULL);
    close (dir);
    for (int signo = 1; signo < 64; signo += 9)
        hears (4711, signo);
    hears_killed (4711);
    hears_started (4711);
    hears_holds (4711);
    place_read (4711, &paths, NULL);
}
