/* check.c - the kernel's side of a node: cgroups, swap, PSI, system calls
 *
 * Which file came with which kernel: Documentation/admin-guide/cgroup-v2.rst
 * and the kernel's history (cgroup.kill 5.14, memory.reclaim 5.19,
 * process_mrelease 5.15).
 */
#include "handler/cli/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/cgfile.h"
#include "lib/cleanup.h"
#include "lib/err.h"
#include "lib/units.h"

/* Since Linux 5.15; the number is the same on every architecture. */
#ifndef SYS_process_mrelease
#define SYS_process_mrelease 448
#endif

void doctor_found (struct doctor_said *said, const char *fmt, ...)
{
    va_list ap;

    va_start (ap, fmt);
    vsnprintf (said->found, sizeof (said->found), fmt, ap);
    va_end (ap);
    mw_tame (said->found, "");
}

void doctor_fix (struct doctor_said *said, const char *fmt, ...)
{
    va_list ap;

    va_start (ap, fmt);
    vsnprintf (said->fix, sizeof (said->fix), fmt, ap);
    va_end (ap);
    mw_tame (said->fix, "");
}

static bool _exists (const char *dir, const char *name)
{
    char path[PATH_MAX + 64];
    cleanup_fd int fd = -1;

    snprintf (path, sizeof (path), "%s%s", dir, name);
    fd = sysroot_open (path, O_PATH);
    return fd >= 0;
}

/* ---- cgroups ------------------------------------------------------------- */

static bool _v2 (const struct doctor_node *n)
{
    return n->mounts.unified_memory;
}

static enum doctor_verdict _memory (const struct doctor_node *n,
                                    struct doctor_said *said)
{
    if (_v2 (n) && !n->mounts.handed_down) {
        doctor_found (said,
                      "cgroup v2 at %s, not handed down: write "
                      "\"+memory\" into %s/cgroup.subtree_control",
                      n->mounts.unified, n->mounts.unified);
        return DOCTOR_BROKEN;
    }
    if (_v2 (n)) {
        doctor_found (said, "cgroup v2 at %s", n->mounts.unified);
        return DOCTOR_OK;
    }
    if (!n->mounts.memory[0]) {
        doctor_found (said, "no memory controller is mounted");
        doctor_fix (said, "on the kernel's command line: "
                          "cgroup_enable=memory");
        return DOCTOR_BROKEN;
    }
    doctor_found (said, "cgroup v1 at %s%s%s", n->mounts.memory,
                  n->mounts.unified[0] ? ", hybrid with v2 at " : "",
                  n->mounts.unified);
    return DOCTOR_OK;
}

/* Root has none of the files that jobs' directories have: ask for [file] in
 * the directories right below. */
struct search {
    const char *file;
    bool any, found;
};

static int _look_in (int child, const char *name, void *arg)
{
    struct search *s = arg;

    (void) name;
    s->any = true;
    s->found = faccessat (child, s->file, F_OK, 0) == 0;
    return s->found;
}

/* Is this kernel, or the one that was recorded, at least that of [since]? */
static bool _kernel_is (const char *since, char release[64])
{
    cleanup_fd int dir = sysroot_open ("/proc/sys/kernel",
                                       O_RDONLY | O_DIRECTORY);
    int major = 0, minor = 0, major_since = 0, minor_since = 0;

    release[0] = '\0';
    if (dir >= 0)
        cg_read (dir, "osrelease", release, 64);
    release[strcspn (release, "\n")] = '\0';
    return sscanf (release, "%d.%d", &major, &minor) == 2 &&
           sscanf (since, "%d.%d", &major_since, &minor_since) == 2 &&
           (major > major_since ||
            (major == major_since && minor >= minor_since));
}

/* [file] came with Linux [since]: where there is no directory to look in that
 * could have it, the kernel's version has to do. */
static enum doctor_verdict _v2_file (const struct doctor_node *n,
                                     const char *file, const char *since,
                                     struct doctor_said *said)
{
    bool memory = strncmp (file, "memory.", strlen ("memory.")) == 0;
    struct search s = { .file = file };
    cleanup_fd int dir = -1;
    char release[64];

    if (!_v2 (n)) {
        doctor_found (said, "not of cgroup v1");
        return DOCTOR_NA;
    }
    dir = sysroot_open (n->mounts.unified, O_RDONLY | O_DIRECTORY);
    if (dir >= 0 && (n->mounts.handed_down || !memory))
        cg_each_child (dir, _look_in, &s);
    if (s.any) {
        doctor_found (said, "%s", s.found ? "there" : "not there");
        return s.found ? DOCTOR_OK : DOCTOR_LACKS;
    }
    s.found = _kernel_is (since, release);
    doctor_found (said, "%s in Linux %s (no cgroup to look in yet)",
                  s.found ? "there" : "not there", release);
    return s.found ? DOCTOR_OK : DOCTOR_LACKS;
}

static enum doctor_verdict _freezer (const struct doctor_node *n,
                                     struct doctor_said *said)
{
    if (_v2 (n))
        return _v2_file (n, "cgroup.freeze", "5.2", said);
    doctor_found (said, "%s%s",
                  n->mounts.freezer[0] ? "cgroup v1 at "
                                       : "no freezer controller is mounted",
                  n->mounts.freezer);
    return n->mounts.freezer[0] ? DOCTOR_OK : DOCTOR_LACKS;
}

static enum doctor_verdict _high (const struct doctor_node *n,
                                  struct doctor_said *said)
{
    return _v2_file (n, "memory.high", "4.5", said);
}

static enum doctor_verdict _check_kill (const struct doctor_node *n,
                                        struct doctor_said *said)
{
    return _v2_file (n, "cgroup.kill", "5.14", said);
}

static enum doctor_verdict _reclaim (const struct doctor_node *n,
                                     struct doctor_said *said)
{
    return _v2_file (n, "memory.reclaim", "5.19", said);
}

static enum doctor_verdict _recursiveprot (const struct doctor_node *n,
                                           struct doctor_said *said)
{
    if (!_v2 (n)) {
        doctor_found (said, "not of cgroup v1");
        return DOCTOR_NA;
    }
    doctor_found (said, "%s mounted memory_recursiveprot",
                  n->mounts.recursiveprot ? "is" : "is not");
    if (!n->mounts.recursiveprot)
        doctor_fix (said, "mount -o remount,memory_recursiveprot %s",
                    n->mounts.unified);
    return n->mounts.recursiveprot ? DOCTOR_OK : DOCTOR_LACKS;
}

static enum doctor_verdict _swap_accounting (const struct doctor_node *n,
                                             struct doctor_said *said)
{
    bool there;

    if (_v2 (n))
        return _v2_file (n, "memory.swap.max", "4.5", said);
    there = n->mounts.memory[0] &&
            _exists (n->mounts.memory, "/memory.memsw.limit_in_bytes");
    doctor_found (said, "memory.memsw.limit_in_bytes is %sthere",
                  there ? "" : "not ");
    return there ? DOCTOR_OK : DOCTOR_LACKS;
}

/* ---- the kernel ---------------------------------------------------------- */

static enum doctor_verdict _check_swap (const struct doctor_node *n,
                                        struct doctor_said *said)
{
    cleanup_fd int dir = sysroot_open ("/proc", O_RDONLY | O_DIRECTORY);
    char text[8192] = "", size[MW_SIZE_STRLEN];
    uint64_t kib = 0;

    (void) n;
    if (dir >= 0 && cg_read (dir, "meminfo", text, sizeof (text)) > 0)
        cg_key (text, "SwapTotal:", &kib);
    doctor_found (said, "%s",
                  kib == 0 ? "none"
                           : mw_size_format (kib * 1024, size, sizeof (size)));
    if (kib == 0)
        doctor_fix (said, "make a swap file or partition, and in /etc/fstab: "
                          "/swapfile none swap sw 0 0");
    return kib > 0 ? DOCTOR_OK : DOCTOR_LACKS;
}

static enum doctor_verdict _psi (const struct doctor_node *n,
                                 struct doctor_said *said)
{
    cleanup_fd int fd = sysroot_open ("/proc/pressure/memory", O_RDONLY);
    char c;

    (void) n;
    /* psi=0 leaves the file there; reading it then is EOPNOTSUPP */
    if (fd >= 0 && read (fd, &c, 1) == 1) {
        doctor_found (said, "/proc/pressure/memory");
        return DOCTOR_OK;
    }
    doctor_found (said, "%s",
                  fd < 0 ? "not in this kernel"
                         : "switched off (boot with psi=1)");
    if (fd >= 0)
        doctor_fix (said, "on the kernel's command line: psi=1");
    return DOCTOR_LACKS;
}

static enum doctor_verdict _check_mrelease (const struct doctor_node *n,
                                            struct doctor_said *said)
{
    char release[64];
    bool there;

    (void) n;
    there = getenv ("MEMWARDEN_SYSROOT")
                ? _kernel_is ("5.15", release)
                : syscall (SYS_process_mrelease, -1, 0) < 0 && errno != ENOSYS;
    doctor_found (said, "%s", there ? "there" : "not in this kernel");
    return there ? DOCTOR_OK : DOCTOR_LACKS;
}

static enum doctor_verdict _kmsg (const struct doctor_node *n,
                                  struct doctor_said *said)
{
    cleanup_fd int fd = sysroot_open ("/dev/kmsg", O_RDONLY | O_NONBLOCK);

    (void) n;
    doctor_found (said, "%s", fd >= 0 ? "can be read" : strerror (errno));
    return fd >= 0 ? DOCTOR_OK : DOCTOR_LACKS;
}

static enum doctor_verdict _systemd (const struct doctor_node *n,
                                     struct doctor_said *said)
{
    bool there = _exists ("/run/systemd/system", "");

    (void) n;
    doctor_found (said, "%s", there ? "runs" : "does not run");
    return there ? DOCTOR_OK : DOCTOR_LACKS;
}

const struct doctor_check doctor_node_checks[] = {
    { "memory cgroups",
      "nothing works without them: boot with "
      "cgroup_enable=memory, mount them, or hand them down (v2; `memwarden run` "
      "tries to)",
      _memory },
    { "freezer",
      "hold and suspend are not available, and a fork bomb can "
      "outrun a kill",
      _freezer },
    { "memory.high",
      "no v2 limit can be declared: the kernel kills at "
      "memory.max",
      _high },
    { "cgroup.kill", "kill signals process by process until none is left",
      _check_kill },
    { "memory.reclaim",
      "reclaim has only lowering the limit; suspended jobs "
      "are not moved to swap",
      _reclaim },
    { "memory_recursiveprot",
      "reservations count only if every directory "
      "above a job carries them",
      _recursiveprot },
    { "swap",
      "memory of a suspended job stays resident; the node has less "
      "time before it runs out",
      _check_swap },
    { "swap accounting", "a job's use of swap is neither limited nor known",
      _swap_accounting },
    { "PSI", "slow starvation is seen only when MemAvailable has fallen",
      _psi },
    { "process_mrelease",
      "memory of a killed process comes back only as it "
      "exits",
      _check_mrelease },
    { "/dev/kmsg", "kills by the kernel itself are counted, not explained",
      _kmsg },
    { "systemd",
      "nobody restarts the warden or runs the failsafe after it, "
      "unless an init script does",
      _systemd },
};
const size_t doctor_node_count = sizeof (doctor_node_checks) /
                                 sizeof (doctor_node_checks[0]);
