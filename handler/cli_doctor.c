/* cli_doctor.c - memwarden doctor: what this node offers, lacks, and the cost
 *
 * One row a thing, each looked up below the sysroot, so that recorded trees of
 * /proc and /sys can be asked too.
 */
#include "handler/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "handler/cgfile.h"
#include "lib/cleanup.h"
#include "lib/client.h"

/* Where the controllers are, from /proc/self/mountinfo. */
struct mounts {
    char v1_memory[256], v1_freezer[256], v2[256];
    bool v2_has_memory, recursive;
};

static struct mounts _mounts;
static const struct cli_common *_common;

static bool _exists (const char *path)
{
    cleanup_fd int fd = sysroot_open (path, O_RDONLY | O_NONBLOCK);

    return fd >= 0;
}

static bool _file_has (const char *path, const char *word)
{
    cleanup_fd int fd = sysroot_open (path, O_RDONLY);
    char text[16384];
    ssize_t n = fd < 0 ? -1 : read (fd, text, sizeof (text) - 1);

    if (n <= 0)
        return false;
    text[n] = '\0';
    return strstr (text, word) != NULL;
}

/* One line of mountinfo: "… POINT OPTIONS … - TYPE SOURCE SUPER" (proc(5)). */
static void _mount_line (char *line)
{
    char point[256], type[32], super[512];
    char *tail = strstr (line, " - ");

    if (!tail || sscanf (line, "%*s %*s %*s %*s %255s", point) != 1 ||
        sscanf (tail, " - %31s %*s %511s", type, super) != 2)
        return;
    if (strcmp (type, "cgroup2") == 0) {
        snprintf (_mounts.v2, sizeof (_mounts.v2), "%s", point);
        _mounts.recursive = strstr (super, "memory_recursiveprot") != NULL;
    } else if (strcmp (type, "cgroup") == 0) {
        char *save = NULL;

        for (char *w = strtok_r (super, ",", &save); w;
             w = strtok_r (NULL, ",", &save)) {
            if (strcmp (w, "memory") == 0)
                snprintf (_mounts.v1_memory, sizeof (_mounts.v1_memory), "%s",
                          point);
            if (strcmp (w, "freezer") == 0)
                snprintf (_mounts.v1_freezer, sizeof (_mounts.v1_freezer),
                          "%s", point);
        }
    }
}

static void _find_mounts (void)
{
    cleanup_fd int fd = sysroot_open ("/proc/self/mountinfo", O_RDONLY);
    cleanup_file FILE *f = fd < 0 ? NULL : fdopen (fd, "r");
    cleanup_free char *line = NULL;
    char path[300];
    size_t room = 0;

    if (!f)
        return;
    fd = -1;
    while (getline (&line, &room, f) > 0)
        _mount_line (line);
    snprintf (path, sizeof (path), "%s/cgroup.controllers", _mounts.v2);
    _mounts.v2_has_memory = _mounts.v2[0] && _file_has (path, "memory");
}

/* A file of some memcg on v2: the root has few, so a child is looked into. */
struct search {
    const char *file;
    bool found;
};

static int _look_in (int child, const char *name, void *arg)
{
    struct search *s = arg;

    (void) name;
    s->found = faccessat (child, s->file, F_OK, 0) == 0;
    return s->found;
}

static bool _v2_file (const char *file)
{
    struct search s = { .file = file };
    cleanup_fd int dir = -1;

    if (!_mounts.v2[0])
        return false;
    dir = sysroot_open (_mounts.v2, O_RDONLY | O_DIRECTORY);
    if (dir < 0)
        return false;
    if (faccessat (dir, file, F_OK, 0) == 0)
        return true;
    cg_each_child (dir, _look_in, &s);
    return s.found;
}

/* ---- the checks: each says what it found, and whether that is good -------- */

static bool _memory (char *found, size_t len)
{
    if (_mounts.v1_memory[0])
        snprintf (found, len, "cgroup v1 at %s%s%s", _mounts.v1_memory,
                  _mounts.v2[0] ? "; hybrid: cgroup2 without it at " : "",
                  _mounts.v2[0] ? _mounts.v2 : "");
    else if (_mounts.v2_has_memory)
        snprintf (found, len, "cgroup v2 at %s", _mounts.v2);
    else
        snprintf (found, len, "none");
    return _mounts.v1_memory[0] || _mounts.v2_has_memory;
}

static bool _freezer (char *found, size_t len)
{
    bool v2 = !_mounts.v1_memory[0] && _mounts.v2_has_memory;

    snprintf (found, len, "%s", v2 ? "cgroup.freeze" :
              _mounts.v1_freezer[0] ? _mounts.v1_freezer : "none");
    return v2 || _mounts.v1_freezer[0];
}

static bool _psi (char *found, size_t len)
{
    bool ok = _file_has ("/proc/pressure/memory", "some");

    snprintf (found, len, "%s", ok ? "/proc/pressure/memory" : "none");
    return ok;
}

static bool _swap (char *found, size_t len)
{
    cleanup_fd int fd = sysroot_open ("/proc/meminfo", O_RDONLY);
    char text[4096];
    ssize_t n = fd < 0 ? -1 : read (fd, text, sizeof (text) - 1);
    uint64_t kib = 0;

    text[n > 0 ? n : 0] = '\0';
    cg_key (text, "SwapTotal:", &kib);
    snprintf (found, len, "%llu MiB", (unsigned long long) (kib / 1024));
    return kib > 0;
}

static bool _kill_file (char *found, size_t len)
{
    bool ok = _v2_file ("cgroup.kill");

    snprintf (found, len, "%s", ok ? "cgroup.kill" : "none");
    return ok;
}

static bool _reclaim_file (char *found, size_t len)
{
    bool ok = _v2_file ("memory.reclaim");

    snprintf (found, len, "%s", ok ? "memory.reclaim" : "none");
    return ok;
}

static bool _recursiveprot (char *found, size_t len)
{
    snprintf (found, len, "%s", _mounts.recursive ? "memory_recursiveprot"
                                                  : "not mounted so");
    return _mounts.recursive;
}

static bool _mrelease (char *found, size_t len)
{
    /* EBADF: the call is known, the descriptor is not */
    bool ok = syscall (SYS_process_mrelease, -1, 0) < 0 && errno == EBADF;

    snprintf (found, len, "%s", ok ? "process_mrelease(2)" : "none");
    return ok;
}

static bool _systemd (char *found, size_t len)
{
    bool ok = _exists ("/run/systemd/system");

    snprintf (found, len, "%s", ok ? "running" : "not running");
    return ok;
}

static bool _kmsg (char *found, size_t len)
{
    bool ok = _exists ("/dev/kmsg");

    snprintf (found, len, "%s", ok ? "/dev/kmsg" : "not readable");
    return ok;
}

static bool _warden (char *found, size_t len)
{
    struct mw_err err = { "" };
    cleanup_fd int sock = mw_client_open (_common->socket, 2000, &err);

    snprintf (found, len, "%s", sock >= 0 ? "running" : err.text);
    return sock >= 0;
}

static bool _slurm (char *found, size_t len)
{
    bool task = _file_has ("/etc/slurm/slurm.conf", "task/memwarden");
    bool spank = _file_has ("/etc/slurm/plugstack.conf", "spank_memwarden") ||
                 _file_has ("/etc/slurm/plugstack.conf.d/memwarden.conf",
                            "spank_memwarden");

    snprintf (found, len, "%s%s%s", task ? "task/memwarden" : "",
              task && spank ? ", " : "", spank ? "spank_memwarden" :
              task ? "" : "not in /etc/slurm");
    return task || spank;
}

enum { ANY, V1, V2 };

static const struct check {
    const char *name;
    int version;            /* only where the memory controller is of it */
    bool (*look) (char *found, size_t len);
    const char *cost;       /* of its absence */
} checks[] = {
    { "memory controller", ANY, _memory,
      "no job can be limited or watched: memwarden can do nothing here" },
    { "freezer", ANY, _freezer,
      "jobs are held by SIGSTOP, which a job can notice and a fork can escape" },
    { "PSI", ANY, _psi,
      "a node that stalls is noticed by MemAvailable alone (boot with psi=1)" },
    { "swap", ANY, _swap,
      "a suspended job keeps its memory; reclaim frees page cache alone" },
    { "cgroup.kill", V2, _kill_file,
      "jobs are killed pid by pid, until none is left" },
    { "memory.reclaim", V2, _reclaim_file,
      "the step reclaim works by lowering memory.high" },
    { "recursive protection", V2, _recursiveprot,
      "a job's reservation is protected only where every memcg above has "
      "memory.low (mount cgroup2 with memory_recursiveprot)" },
    { "process_mrelease", ANY, _mrelease,
      "memory of a killed job is free only when its last task has exited" },
    { "systemd", ANY, _systemd,
      "nobody starts memwardend again or runs the failsafe after it" },
    { "kernel log", ANY, _kmsg,
      "kills that the kernel made itself are not reported" },
    { "memwardend", ANY, _warden,
      "jobs run as under plain Slurm: the kernel kills at the limit" },
    { "Slurm's plugins", ANY, _slurm,
      "Slurm's jobs are not registered; `memwarden run` works" },
};

static bool _applies (const struct check *c)
{
    if (c->version == ANY)
        return true;
    return (c->version == V1) == (_mounts.v1_memory[0] != '\0');
}

int cli_doctor (const struct cli_command *self, int argc, char **argv)
{
    static const struct option options[] = { CLI_COMMON_OPTIONS, { 0 } };
    cleanup_json json_t *all = json_array ();
    struct cli_common common = { 0 };
    int c;

    while ((c = getopt_long (argc, argv, "", options, NULL)) != -1)
        cli_common_option (self, c, &common);
    if (optind < argc)
        return cli_usage (self, "\"%.40s\" is not understood", argv[optind]);
    _common = &common;
    _find_mounts ();
    for (size_t i = 0; i < sizeof (checks) / sizeof (checks[0]); i++) {
        char found[MW_ERR_MAX] = "";
        bool ok;

        if (!_applies (&checks[i]))
            continue;
        ok = checks[i].look (found, sizeof (found));
        if (!common.json) {
            printf ("%-8s %-22s %s\n", ok ? "ok" : "MISSING", checks[i].name,
                    found);
            if (!ok)
                printf ("%-8s %-22s -> %s\n", "", "", checks[i].cost);
            continue;
        }
        json_array_append_new (all, json_pack ("{s:s,s:b,s:s,s:s}",
                               "name", checks[i].name, "ok", (int) ok,
                               "found", found, "cost",
                               ok ? "" : checks[i].cost));
    }
    return common.json ? cli_print_json (all) : CLI_OK;
}
