/* bench_job_oom.c - how long does a job wait at its limit?
 *
 *     bench_job_oom [--jobs N] [--idle S] [--warden MEMWARDEND]
 *
 * N armed memcgs; one after the other a process of each passes its limit.  Page
 * by page it first lets the kernel touch (read(2) of /dev/zero): at the limit
 * that fails with EFAULT after the kernel's vain reclaim, and tells what this
 * alone costs.  Then it touches the page itself, which does the same again and
 * sleeps: what that takes longer is event, answer (the limit raised) and
 * waking.  The answer comes from memwardend, where its path is given, by the
 * ladder's `grow`; else from a process that has nothing but the back end, which
 * also notes when the limit was raised.
 *
 * On v2 nothing fails and nobody sleeps at once above memory.high.  There the
 * process goes on, as a job would, and is watched from outside: from the page
 * that passes memory.high until that has been raised (by the back end: the wall
 * behind it, too) is event and answer, with the kernel's vain reclaim in between.
 *
 * What an emulated processor slows down is counted as well: what memwardend
 * wakes up, reads and writes for an incident from its event to its end.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/cgfile.h"
#include "lib/client.h"
#include "lib/ladder.h"
#include "test/bin/cgtest.h"

#define MAX_JOBS 2000
#define LIMIT (4 * MIB)
#define TOUCHED (6 * MIB)

#define CALM_MS 3000 /* nothing happens: all incidents are over */

/* Shared by driver, handler and touchers; nanoseconds. */
static struct shared {
    volatile uint64_t vain, before, after, raised;
    volatile uint64_t over; /* v2: bytes above the limit, the most seen */
} * shared;

static struct tcg base, jobs[MAX_JOBS];
static unsigned job_count = 1000, idle_s = 20;
static const char *warden_path;
static struct mw_err err;

static uint64_t now_ns (void)
{
    struct timespec t;

    clock_gettime (CLOCK_MONOTONIC, &t);
    return (uint64_t) t.tv_sec * 1000000000 + t.tv_nsec;
}

static int touch_and_time (void *arg)
{
    volatile char *p = mmap (NULL, TOUCHED, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int zero = open ("/dev/zero", O_RDONLY | O_CLOEXEC);
    uint64_t first, before;

    (void) arg;
    if (p == MAP_FAILED || zero < 0)
        return 98;
    for (uint64_t i = 0; i < TOUCHED; i += 4096) {
        first = now_ns ();
        if (read (zero, (void *) (p + i), 1) == 1)
            continue;
        before = now_ns ();
        p[i] = 1;
        shared->after = now_ns ();
        shared->before = before;
        shared->vain = before - first;
    }
    return 0;
}

static uint64_t read_number (int fd)
{
    char text[32];
    ssize_t n = pread (fd, text, sizeof (text) - 1, 0);

    text[n > 0 ? n : 0] = '\0';
    return strtoull (text, NULL, 10);
}

/* v2. Goes on as a job would, until it is killed. */
static int touch_beyond (void *arg)
{
    const struct tcg *job = arg;
    volatile char *p = mmap (NULL, TOUCHED, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int current = openat (job->dir, "memory.current", O_RDONLY | O_CLOEXEC);
    bool passed = false;

    if (p == MAP_FAILED || current < 0)
        return 98;
    for (uint64_t i = 0; i < TOUCHED; i += 4096) {
        if (!passed)
            shared->before = now_ns ();
        p[i] = 1;
        passed = passed || read_number (current) > LIMIT;
    }
    for (;;)
        pause ();
}

/* v2: note when the limit of [job] has been raised and how far above the old one
 * the process had come; it may be asleep in the kernel's own brake for up to 2 s
 * more, so it is not waited for. */
static void watch_raise (struct tcg *job)
{
    char event[sizeof (struct inotify_event) + 256], path[300];
    struct pollfd f = { .fd = inotify_init1 (IN_CLOEXEC), .events = POLLIN };
    uint64_t used;
    struct tproc p;

    snprintf (path, sizeof (path), "%.255s/memory.high", job->path);
    T_CHECK (inotify_add_watch (f.fd, path, IN_MODIFY) >= 0, "inotify: %s",
             strerror (errno));
    p = t_spawn (job, touch_beyond, job);
    T_CHECK (poll (&f, 1, T_PATIENCE) == 1 &&
                 read (f.fd, event, sizeof (event)) > 0,
             "%s was not answered", path);
    shared->after = now_ns ();
    T_CHECK (cg_read_u64 (job->dir, "memory.peak", &used) == 0, "%s: no peak",
             job->path);
    shared->over = used > LIMIT ? used - LIMIT : 0;
    kill (p.pid, SIGKILL);
    t_join (&p);
    close (f.fd);
}

/* As memwardend.service has it: who answers is not to wait for a CPU. */
static void run_first (void)
{
    struct sched_param p = { .sched_priority = 1 };

    if (sched_setscheduler (0, SCHED_RR, &p) < 0)
        fprintf (stderr, "not run first: %s\n", strerror (errno));
}

/*  The answer: by the back end alone  */

static void handle (int ready)
{
    int ep = epoll_create1 (EPOLL_CLOEXEC);
    struct epoll_event e;
    struct memcg *m;

    for (unsigned i = 0; i < job_count; i++) {
        t_open (&jobs[i], MW_LAYOUT_LEAF, LIMIT);
        e = (struct epoll_event) { .events = jobs[i].m.ops->epoll_events,
                                   .data.u32 = i };
        T_CHECK (epoll_ctl (ep, EPOLL_CTL_ADD, jobs[i].m.event, &e) == 0,
                 "epoll: %s", strerror (errno));
    }
    T_CHECK (write (ready, "r", 1) == 1, "write");
    while (epoll_wait (ep, &e, 1, -1) == 1) {
        m = &jobs[e.data.u32].m;
        if (m->ops->check (m) != MEMCG_OOM)
            continue;
        T_CHECK (m->ops->set_limit (m, 4 * LIMIT, LIMIT, &err) == 0, "%s",
                 err.text);
        shared->raised = now_ns ();
    }
}

static pid_t start_back_end (void)
{
    int ready[2];
    char byte;
    pid_t pid;

    T_CHECK (pipe2 (ready, O_CLOEXEC) == 0, "pipe");
    pid = fork ();
    if (pid == 0) {
        prctl (PR_SET_PDEATHSIG, SIGKILL);
        run_first ();
        handle (ready[1]);
        _exit (1);
    }
    close (ready[1]);
    T_CHECK (read (ready[0], &byte, 1) == 1, "the handler did not start");
    close (ready[0]);
    return pid;
}

/*  The answer: by memwardend  */

static char dir[] = "/tmp/mwt.bench.XXXXXX", sock_path[64];
static pid_t warden;

static void stop_warden (void)
{
    char cmd[80];

    if (warden > 0) {
        kill (warden, SIGTERM);
        waitpid (warden, NULL, 0);
    }
    snprintf (cmd, sizeof (cmd), "rm -rf -- '%s'", dir);
    if (system (cmd) != 0)
        fprintf (stderr, "left behind: %s\n", dir);
}

static void write_conf (const char *path)
{
    FILE *f = fopen (path, "w");

    T_CHECK (f, "%s: %s", path, strerror (errno));
    fprintf (f,
             "socket = \"%s\"\nstate-dir = \"%s/state\"\n"
             "log-file = \"%s/log\"\nsyslog = \"false\"\npool = \"%s\"\n"
             "max-burst = \"x8\"\ncourier {\n start = \"false\"\n}\n",
             sock_path, dir, dir, base.path);
    fclose (f);
}

static int connect_warden (void)
{
    for (int i = 0; i < 200; i++) {
        int sock = mw_client_open (sock_path, 10000, &err);

        if (sock >= 0)
            return sock;
        T_CHECK (waitpid (warden, NULL, WNOHANG) == 0, "memwardend ended");
        usleep (50000);
    }
    t_die ("%s", err.text);
}

static void register_jobs (void)
{
    int sock = connect_warden ();
    struct mw_jobspec spec;

    for (unsigned i = 0; i < job_count; i++) {
        spec = (struct mw_jobspec) {
            .cpus = 1,
            .priority = 500,
            .reservation = LIMIT,
            .burst = { .kind = MW_AMOUNT_FACTOR, .ratio = 1.0 },
            .reserve = { .kind = MW_AMOUNT_BYTES, .bytes = MIB },
            .layout = MW_LAYOUT_LEAF,
            .ladder = "grow=8M@1h,kill",
        };
        snprintf (spec.key, sizeof (spec.key), "bench%u", i);
        T_CHECK (mw_client_register (sock, &spec, jobs[i].dir, jobs[i].freezer,
                                     NULL, &err) == 0,
                 "%s", err.text);
    }
    close (sock);
}

static pid_t start_warden (void)
{
    char conf[64], state[64];

    T_CHECK (mkdtemp (dir) && chmod (dir, 0755) == 0, "mkdtemp");
    atexit (stop_warden);
    snprintf (sock_path, sizeof (sock_path), "%s/sock", dir);
    snprintf (conf, sizeof (conf), "%s/conf", dir);
    snprintf (state, sizeof (state), "%s/state", dir);
    mkdir (state, 0700);
    write_conf (conf);
    warden = fork ();
    if (warden == 0) {
        prctl (PR_SET_PDEATHSIG, SIGTERM);
        run_first ();
        int log = open ("/dev/null", O_WRONLY);
        dup2 (log, 2);
        execl (warden_path, warden_path, "--foreground", "--config", conf,
               NULL);
        _exit (127);
    }
    register_jobs ();
    return warden;
}

/*  Measuring  */

struct status {
    uint64_t rss, locked, switches;
    uint64_t calls, bytes; /* reads and writes, bytes read */
};

static struct status read_status (pid_t pid)
{
    char path[64], buf[4096];
    uint64_t v = 0, n = 0;
    struct status s = { 0 };
    int proc;

    snprintf (path, sizeof (path), "/proc/%d", (int) pid);
    proc = open (path, O_RDONLY | O_DIRECTORY);
    T_CHECK (cg_read (proc, "status", buf, sizeof (buf)) > 0, "%s is gone",
             path);
    cg_key (buf, "VmRSS:", &s.rss);
    cg_key (buf, "VmLck:", &s.locked);
    cg_key (buf, "voluntary_ctxt_switches:", &v);
    cg_key (buf, "nonvoluntary_ctxt_switches:", &n);
    s.switches = v + n;
    T_CHECK (cg_read (proc, "io", buf, sizeof (buf)) > 0, "%s/io: %s", path,
             strerror (errno));
    close (proc);
    cg_key (buf, "syscr:", &v);
    cg_key (buf, "syscw:", &n);
    cg_key (buf, "rchar:", &s.bytes);
    s.calls = v + n;
    return s;
}

static int by_value (const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *) a, y = *(const uint64_t *) b;

    return (x > y) - (x < y);
}

static void print_times (const char *what, uint64_t *t, unsigned n)
{
    qsort (t, n, sizeof (*t), by_value);
    printf ("%-44s p50 %7.1f us   p99 %7.1f us   max %7.1f us\n", what,
            t[n / 2] / 1e3, t[n * 99 / 100] / 1e3, t[n - 1] / 1e3);
}

static void measure (void)
{
    static uint64_t vain[MAX_JOBS], raised[MAX_JOBS], woken[MAX_JOBS],
        event[MAX_JOBS];
    uint64_t over = 0;
    struct tproc p;
    int status;

    for (unsigned i = 0; i < job_count; i++) {
        shared->raised = shared->after = 0;
        if (t_v2) {
            watch_raise (&jobs[i]);
        } else {
            p = t_spawn (&jobs[i], touch_and_time, NULL);
            status = t_join (&p);
            T_CHECK (status == 0, "job %u ended by 0x%x", i, status);
        }
        /* the woken task may have been quicker than the handler's note */
        for (int w = 0; !warden_path && !shared->raised && w < 1000; w++)
            usleep (1000);
        T_CHECK (warden_path || shared->raised, "job %u had no OOM", i);
        T_CHECK (shared->after, "job %u never slept", i);
        raised[i] = shared->raised - shared->before;
        woken[i] = shared->after - shared->before;
        over = shared->over > over ? shared->over : over;
        vain[i] = shared->vain;
        event[i] = woken[i] > vain[i] ? woken[i] - vain[i] : 0;
    }
    if (t_v2) {
        print_times ("touch past the limit to the limit raised", woken,
                     job_count);
        printf ("at most %.1f KiB over the limit until then\n", over / 1024.0);
        return;
    }
    print_times ("the kernel's vain reclaim alone", vain, job_count);
    if (!warden_path)
        print_times ("touch to limit raised", raised, job_count);
    print_times ("touch to the task running again", woken, job_count);
    print_times ("the same without the vain reclaim", event, job_count);
}

/* Until it has nothing to do any more. */
static struct status calm (pid_t pid)
{
    struct status s = read_status (pid), before;

    do {
        before = s;
        usleep (CALM_MS * 1000);
        s = read_status (pid);
    } while (s.switches != before.switches);
    return s;
}

static void count_work (const struct status *first, const struct status *last)
{
    double n = job_count;

    printf ("an incident, from its event to its end, costs memwardend %.1f "
            "wake-ups, %.1f reads and writes, %.0f bytes read\n",
            (last->switches - first->switches) / n,
            (last->calls - first->calls) / n, (last->bytes - first->bytes) / n);
}

static void measure_idle (pid_t pid)
{
    struct status first = read_status (pid), last;

    sleep (idle_s);
    last = read_status (pid);
    printf ("idle for %u s with %u armed memcgs: %lu context switches, RSS "
            "%.1f MiB, locked %.1f MiB\n",
            idle_s, job_count, (unsigned long) (last.switches - first.switches),
            last.rss / 1024.0, last.locked / 1024.0);
}

static void options (int argc, char **argv)
{
    uint64_t need, have;

    for (int i = 1; i + 1 < argc; i += 2) {
        if (!strcmp (argv[i], "--jobs"))
            job_count = atoi (argv[i + 1]);
        else if (!strcmp (argv[i], "--idle"))
            idle_s = atoi (argv[i + 1]);
        else if (!strcmp (argv[i], "--warden"))
            warden_path = argv[i + 1];
        else
            t_die ("unknown option %s", argv[i]);
    }
    if (argc % 2 == 0 || job_count < 1 || job_count > MAX_JOBS)
        t_die ("usage: bench_job_oom [--jobs 1..%d] [--idle S] [--warden "
               "MEMWARDEND]",
               MAX_JOBS);
    /* else nothing could be lent, and they would be killed instead */
    need = (job_count * LIMIT + TOUCHED) * 3 / 2;
    have = (uint64_t) sysconf (_SC_PHYS_PAGES) * sysconf (_SC_PAGESIZE);
    T_CHECK (have >= need,
             "%u jobs take a machine of %lu MiB, this one has "
             "%lu",
             job_count, (unsigned long) (need / MIB),
             (unsigned long) (have / MIB));
}

int main (int argc, char **argv)
{
    struct status first, last;
    struct rlimit r;
    char name[32];
    pid_t handler;

    options (argc, argv);
    getrlimit (RLIMIT_NOFILE, &r);
    r.rlim_cur = r.rlim_max;
    setrlimit (RLIMIT_NOFILE, &r);
    shared = mmap (NULL, 4096, PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    t_init (&base);
    for (unsigned i = 0; i < job_count; i++) {
        snprintf (name, sizeof (name), "job_%u", i);
        t_make (&jobs[i], &base, name);
    }
    printf ("%u jobs, cgroup %s, answered by %s\n", job_count,
            t_v2 ? "v2" : "v1", warden_path ? "memwardend" : "the back end");
    fflush (stdout);
    handler = warden_path ? start_warden () : start_back_end ();
    usleep (500000); /* what the last registration has put off */
    measure_idle (handler);
    first = read_status (handler);
    measure ();
    if (warden_path) {
        last = calm (handler);
        count_work (&first, &last);
    } else {
        kill (handler, SIGKILL);
        waitpid (handler, NULL, 0);
    }
    return 0;
}
