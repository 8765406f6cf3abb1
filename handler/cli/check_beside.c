/* check_beside.c - who else decides about the memory of this node's jobs: other OOM
 * daemons, and limits above Slurm's own
 */
#include "handler/cli/check.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/cgfile.h"
#include "lib/cleanup.h"
#include "lib/units.h"

/* ---- processes ----------------------------------------------------------- */

struct wanted {
    const char *name;
    bool root;
    int pid;
};

/* systemd.exec(5): DynamicUser= takes these. */
static bool _of_the_system (uid_t uid)
{
    return uid < 1000 || (uid >= 61184 && uid <= 65519);
}

static int _is_wanted (int dir, const char *name, void *arg)
{
    struct wanted *w = arg;
    char comm[64] = "";
    struct stat st;

    if (strspn (name, "0123456789") != strlen (name) ||
        cg_read (dir, "comm", comm, sizeof (comm)) < 0 || fstat (dir, &st) < 0)
        return 0;
    comm[strcspn (comm, "\n")] = '\0';
    if (strcmp (comm, w->name) != 0 ||
        !(w->root ? st.st_uid == 0 : _of_the_system (st.st_uid)))
        return 0;
    w->pid = atoi (name);
    return 1;
}

int doctor_process (const char *name, bool root)
{
    cleanup_fd int proc = sysroot_open ("/proc", O_RDONLY | O_DIRECTORY);
    struct wanted w = { .name = name, .root = root };

    if (proc >= 0)
        cg_each_child (proc, _is_wanted, &w);
    return w.pid;
}

static enum doctor_verdict _oom_daemons (const struct doctor_node *n,
                                         struct doctor_said *said)
{
    static const char *const names[] = { "earlyoom", "nohang", "oomd" };

    (void) n;
    for (size_t i = 0; i < sizeof (names) / sizeof (*names); i++) {
        int pid = doctor_process (names[i], false);

        if (pid == 0)
            continue;
        doctor_found (said, "%s runs (process %d)", names[i], pid);
        doctor_fix (said, "systemctl disable --now %s", names[i]);
        return DOCTOR_BROKEN;
    }
    doctor_found (said, "none runs");
    return DOCTOR_OK;
}

static enum doctor_verdict _oomd (const struct doctor_node *n,
                                  struct doctor_said *said)
{
    int pid = doctor_process ("systemd-oomd", false);

    (void) n;
    if (pid == 0) {
        doctor_found (said, "does not run");
        return DOCTOR_OK;
    }
    doctor_found (said, "runs (process %d)", pid);
    doctor_fix (said, "systemctl disable --now systemd-oomd");
    return DOCTOR_LACKS;
}

/* ---- slurmd's own cgroup ------------------------------------------------- */

/* Where slurmd is in the memory hierarchy, into [path]; false: not to be known. */
static bool _slurmd_cgroup (const struct doctor_node *n, char path[PATH_MAX])
{
    int pid = doctor_process ("slurmd", true);
    char text[16384], name[64];
    const char *rest = text;
    struct cg_member m;
    cleanup_fd int dir = -1;

    snprintf (name, sizeof (name), "/proc/%d", pid);
    dir = pid ? sysroot_open (name, O_RDONLY | O_DIRECTORY) : -1;
    if (dir < 0 || cg_read (dir, "cgroup", text, sizeof (text)) < 0)
        return false;
    while (cg_next_member (&rest, &m) > 0) {
        if (n->mounts.unified_memory ? !m.v2
                                     : !cg_among (m.controllers, "memory"))
            continue;
        snprintf (path, PATH_MAX, "%s", m.path);
        return true;
    }
    return false;
}

static int _cgroup_at (const struct doctor_node *n, const char *path)
{
    char full[2 * PATH_MAX];

    snprintf (full, sizeof (full), "%s%s",
              n->mounts.unified_memory ? n->mounts.unified : n->mounts.memory,
              path);
    return sysroot_open (full, O_RDONLY | O_DIRECTORY);
}

/* Cut the last part of [path]. Returns false at the root. */
static bool _cgroup_above (char *path)
{
    char *slash = strrchr (path, '/');

    if (!slash || slash[1] == '\0')
        return false;
    slash[slash == path] = '\0';
    return slash != path;
}

static enum doctor_verdict _slurmd_limits (const struct doctor_node *n,
                                           struct doctor_said *said)
{
    const char *file = n->mounts.unified_memory ? "memory.max"
                                                : "memory.limit_in_bytes";
    char path[PATH_MAX], size[MW_SIZE_STRLEN];
    uint64_t limit;

    if (!_slurmd_cgroup (n, path)) {
        doctor_found (said, "no slurmd runs here");
        return DOCTOR_NA;
    }
    do {
        cleanup_fd int dir = _cgroup_at (n, path);

        /* v1's "none" is a number near the top */
        if (dir < 0 || cg_read_u64 (dir, file, &limit) < 0 ||
            limit >= UINT64_C (1) << 60)
            continue;
        doctor_found (said, "%.400s has %s %s", path, file,
                      mw_size_format (limit, size, sizeof (size)));
        doctor_fix (said, "systemctl set-property %.200s MemoryMax=infinity",
                    strrchr (path, '/') + 1);
        return DOCTOR_LACKS;
    } while (_cgroup_above (path));
    doctor_found (said, "none");
    return DOCTOR_OK;
}

/* v2: slurmd makes its jobs' directories beside or below its own. */
static enum doctor_verdict _slurmd_memory (const struct doctor_node *n,
                                           struct doctor_said *said)
{
    char path[PATH_MAX];

    if (!n->mounts.unified_memory || !_slurmd_cgroup (n, path)) {
        doctor_found (said, n->mounts.unified_memory ? "no slurmd runs here"
                                                     : "not of cgroup v1");
        return DOCTOR_NA;
    }
    while (_cgroup_above (path)) {
        cleanup_fd int dir = _cgroup_at (n, path);

        if (dir < 0 || cg_hands_down (dir, "memory"))
            continue;
        doctor_found (said, "%.400s does not hand memory down", path);
        doctor_fix (said, "in cgroup.conf: EnableControllers=yes; or "
                          "systemctl set-property slurmd.service Delegate=yes");
        return DOCTOR_LACKS;
    }
    doctor_found (said, "handed down all the way");
    return DOCTOR_OK;
}

const struct doctor_check doctor_beside_checks[] = {
    { "other OOM daemons",
      "it kills jobs by a policy of its own, before memwarden has answered, and "
      "nobody tells them why",
      _oom_daemons },
    { "systemd-oomd",
      "it kills whole cgroups where a unit asks for it (ManagedOOMSwap=, "
      "ManagedOOMMemoryPressure=), a job's too",
      _oomd },
    { "limits above slurmd",
      "the kernel kills in it at that limit, whatever the jobs in it were "
      "promised",
      _slurmd_limits },
    { "memory below slurmd",
      "Slurm cannot limit its jobs, nor memwarden theirs", _slurmd_memory },
};
const size_t doctor_beside_count = sizeof (doctor_beside_checks) /
                                   sizeof (doctor_beside_checks[0]);
