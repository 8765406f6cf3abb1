/* bench_node_job.c - one job of bench_node_run: its memcg, its registration,
 * its processes */
#include "test/bench/bench_node.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/client.h"

#define LIMIT (UINT64_C (16) << 30) /* more than the node has */
#define PIDS_MAX "400"              /* of a fork bomb that nobody ends */
#define CALL_MS 20000
#define TRIES 1000

static int _write_at (int dir, const char *file, const char *text)
{
    cleanup_fd int fd = openat (dir, file, O_WRONLY | O_CLOEXEC);

    if (fd < 0)
        return -1;
    return write (fd, text, strlen (text)) < 0 ? -1 : 0;
}

static void _make (const struct where *w, const struct plan *p, unsigned run,
                   struct runner *r)
{
    char bytes[32];

    /* what stands before the dot is NAME_… without "mwb-" */
    snprintf (r->key, sizeof (r->key), "%s.%u", strchr (p->name, '-') + 1, run);
    if (mkdirat (w->pool, r->key, 0755) < 0 && errno != EEXIST)
        bench_die ("cannot make cgroup %s: %s", r->key, strerror (errno));
    r->dir = openat (w->pool, r->key, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (r->dir < 0)
        bench_die ("cannot open cgroup %s: %s", r->key, strerror (errno));
    _write_at (r->dir, "pids.max", PIDS_MAX);
    snprintf (bytes, sizeof (bytes), "%llu",
              (unsigned long long) p->reservation);
    if (w->low && _write_at (r->dir, "memory.low", bytes) < 0)
        bench_die ("cannot write memory.low of %s", r->key);
}

static void _register (const struct where *w, const struct plan *p,
                       const struct runner *r)
{
    struct mw_jobspec spec = {
        .cpus = 1,
        .priority = p->priority,
        .reservation = p->reservation,
        .burst = { .kind = MW_AMOUNT_BYTES, .bytes = LIMIT },
        .layout = MW_LAYOUT_LEAF,
    };
    struct mw_err err;
    cleanup_fd int sock = mw_client_open (w->socket, CALL_MS, &err);

    snprintf (spec.key, sizeof (spec.key), "%s", r->key);
    snprintf (spec.name, sizeof (spec.name), "%s", p->name);
    if (sock < 0 ||
        mw_client_register (sock, &spec, r->dir, -1, NULL, &err) < 0)
        bench_die ("cannot register %s: %s", r->key, err.text);
}

/* In the child: an ordinary process of an ordinary job. */
static void _become (const struct where *w, const struct plan *p,
                     const struct runner *r, int said)
{
    const char *argv[10] = { w->hog, p->kind, p->name };
    unsigned n = 3;
    int adj = open ("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

    if (_write_at (r->dir, "cgroup.procs", "0") < 0 || adj < 0 ||
        write (adj, "0", 1) != 1)
        _exit (1);
    setsid ();
    dup2 (said, STDOUT_FILENO);
    if (p->first) {
        argv[n++] = "--first";
        argv[n++] = p->first;
    }
    if (p->rate) {
        argv[n++] = "--rate";
        argv[n++] = p->rate;
    }
    if (p->most) {
        argv[n++] = "--most";
        argv[n++] = p->most;
    }
    execv (w->hog, (char **) argv);
    _exit (1);
}

void job_start (const struct where *w, const struct plan *p, unsigned run,
                struct runner *r)
{
    int said[2];
    char byte;

    _make (w, p, run, r);
    if (w->socket)
        _register (w, p, r);
    if (pipe2 (said, O_CLOEXEC) < 0)
        bench_die ("no pipe");
    r->pid = fork ();
    if (r->pid == 0)
        _become (w, p, r, said[1]);
    if (r->pid < 0)
        bench_die ("cannot fork");
    close (said[1]);
    if (read (said[0], &byte, 1) != 1)
        bench_die ("%s has not begun", r->key);
    /* kept: of many processes the later ones must not die of SIGPIPE */
    r->said = said[0];
}

bool job_event (const struct runner *r, const char *key)
{
    cleanup_fd int fd = openat (r->dir, "cgroup.events", O_RDONLY | O_CLOEXEC);
    char text[128], want[32];
    ssize_t n = fd < 0 ? -1 : read (fd, text, sizeof (text) - 1);

    if (n <= 0)
        return false;
    text[n] = '\0';
    snprintf (want, sizeof (want), "%s 1\n", key);
    return strstr (text, want) != NULL;
}

static void _release (const struct where *w, const struct runner *r)
{
    struct mw_err err;
    cleanup_fd int sock = mw_client_open (w->socket, CALL_MS, &err);

    /* the warden may have seen it gone already */
    if (sock >= 0)
        mw_client_release (sock, r->key, &err);
}

void job_stop (const struct where *w, struct runner *r)
{
    _write_at (r->dir, "cgroup.kill", "1");
    for (int i = 0; i < TRIES && job_event (r, "populated"); i++)
        usleep (10000);
    while (waitpid (-1, NULL, WNOHANG) > 0)
        ;
    if (w->socket)
        _release (w, r);
    for (int i = 0; i < TRIES; i++) {
        if (unlinkat (w->pool, r->key, AT_REMOVEDIR) == 0 || errno != EBUSY)
            break;
        usleep (10000);
    }
    close (r->dir);
    close (r->said);
}
