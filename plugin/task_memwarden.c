/* task_memwarden.c - places jobs where slurm.conf alone is to do it:
 *     TaskPlugin=task/cgroup,task/memwarden
 *
 * There are no flags then: every job has the values of memwarden.conf.  The
 * socket is $MEMWARDEN_SOCKET of slurmd (site_socket), or the default.  Slurm's step
 * structure is not in libslurm's headers, so it stays opaque; what must be
 * known of the job is read from /proc.  With spank_memwarden.so loaded too,
 * that one does the work, right after us, since it knows more.
 */
#include <dirent.h>
#include <fcntl.h>
#include <link.h>
#include <sched.h>
#include <slurm/slurm.h>
#include <slurm/spank.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "lib/cgfile.h"
#include "lib/cleanup.h"
#include "plugin/enrol.h"
#include "plugin/teller.h"

extern const char plugin_name[], plugin_type[];
extern const uint32_t plugin_version;

const char plugin_name[] = "memwarden job memory placement";
const char plugin_type[] = "task/memwarden";
const uint32_t plugin_version = SLURM_VERSION_NUMBER;

#define MAX_TASKS 1024
/* How long, and how often, a task is looked at for its owner. */
#define OWNER_TIMEOUT_MS ENROL_TIMEOUT_MS
#define OWNER_LOOK_MS 2

static bool attended; /* this process's one step */
static struct enrolment enrolment;

/* ---- what /proc tells ---- */

static int _is_spank_half (struct dl_phdr_info *info, size_t size, void *arg)
{
    const char *slash = strrchr (info->dlpi_name, '/');

    (void) size;
    (void) arg;
    return slash && !strcmp (slash, "/spank_memwarden.so");
}

/* slurmstepd calls itself "slurmstepd: [JOB.STEP]". */
static int _read_title (uint32_t *job, char *step, size_t len)
{
    cleanup_fd int proc = open ("/proc/self", O_RDONLY | O_CLOEXEC);
    char text[256], name[32];

    if (proc < 0 || cg_read (proc, "cmdline", text, sizeof (text)) < 0 ||
        sscanf (text, "slurmstepd: [%u.%31[a-z0-9]", job, name) != 2)
        return -1;
    snprintf (step, len, "step_%s", name);
    return 0;
}

/* The children of this process: the step's tasks, all forked by now. */
static unsigned _children (pid_t *pids, unsigned max)
{
    cleanup_dir DIR *tasks = opendir ("/proc/self/task");
    unsigned n = 0;

    for (struct dirent *d; tasks && (d = readdir (tasks));) {
        char path[300];
        cleanup_file FILE *f = NULL;
        int pid;

        snprintf (path, sizeof (path), "/proc/self/task/%s/children",
                  d->d_name);
        f = d->d_name[0] == '.' ? NULL : fopen (path, "re");
        while (f && n < max && fscanf (f, "%d", &pid) == 1)
            pids[n++] = pid;
    }
    return n;
}

/* The real ones: the effective ones are the user's for a while, and again
 * root's.  Returns -1 where the process is gone. */
static int _read_ids (pid_t pid, uid_t *uid, gid_t *gid)
{
    char path[64], line[128];
    cleanup_file FILE *f = NULL;
    int found = 0;

    snprintf (path, sizeof (path), "/proc/%d/status", (int) pid);
    f = fopen (path, "re");
    while (f && fgets (line, sizeof (line), f)) {
        found += sscanf (line, "Uid: %u", uid) == 1;
        found += sscanf (line, "Gid: %u", gid) == 1;
    }
    return found == 2 ? 0 : -1;
}

/* A task that has become whom it is to be sleeps in a read of a pipe, until
 * slurmstepd lets it exec (syscall in proc(5)). */
static bool _is_waiting (pid_t pid)
{
    char path[64], target[64] = "";
    cleanup_file FILE *f = NULL;
    unsigned long fd;
    long call;

    snprintf (path, sizeof (path), "/proc/%d/syscall", (int) pid);
    if (!(f = fopen (path, "re")) || fscanf (f, "%ld %lx", &call, &fd) != 2 ||
        call != SYS_read)
        return false;
    snprintf (path, sizeof (path), "/proc/%d/fd/%lu", (int) pid, fd);
    return readlink (path, target, sizeof (target) - 1) > 0 &&
           !strncmp (target, "pipe:", 5);
}

/* Whose are the processes, as far as is known yet?  Root's only where all are
 * that will not change any more. */
static bool _look_for_owner (const pid_t *pids, unsigned n, uid_t *uid,
                             gid_t *gid)
{
    bool settled = true;

    for (unsigned i = 0; i < n; i++) {
        if (_read_ids (pids[i], uid, gid) < 0)
            continue;
        if (*uid)
            return true;
        settled = settled && _is_waiting (pids[i]);
    }
    return settled;
}

/* The job's owner is its tasks' owner, for the directories are root's until
 * task/cgroup has come, and with some releases for ever.  A user's task is
 * root's yet where it has just been forked; it becomes the user's in a
 * moment. */
static void _know_owner (const pid_t *pids, unsigned n, uid_t *uid, gid_t *gid)
{
    struct timespec pause = { .tv_nsec = OWNER_LOOK_MS * 1000 * 1000 };

    for (int i = 0; !_look_for_owner (pids, n, uid, gid) &&
                    i < OWNER_TIMEOUT_MS / OWNER_LOOK_MS;
         i++)
        nanosleep (&pause, NULL);
}

/* Cores are the job's own where Slurm binds them; elsewhere one is claimed. */
static uint32_t _cpus (pid_t pid)
{
    cpu_set_t set;
    long all = sysconf (_SC_NPROCESSORS_ONLN);

    if (sched_getaffinity (pid, sizeof (set), &set) < 0 ||
        CPU_COUNT (&set) >= all || CPU_COUNT (&set) < 1)
        return 1;
    return (uint32_t) CPU_COUNT (&set);
}

/* ---- the work ---- */

/* One of the processes that is in a memory cgroup of Slurm's: a task, or, until
 * Slurm has moved those, slurmstepd itself. 0: none is. */
static pid_t _placed (const pid_t *pids, unsigned n, struct place_paths *paths)
{
    for (unsigned i = 0; i < n; i++)
        if (!place_read (pids[i], paths, NULL) && paths->job[0])
            return pids[i];
    if (!place_read (getpid (), paths, NULL) && paths->job[0])
        return getpid ();
    return 0;
}

static int _task_know_job (struct enrolment *e, const pid_t *pids, unsigned n,
                           pid_t *placed)
{
    struct place_paths paths = { 0 };
    const char *slash;
    char known[PLACE_STEP_MAX] = "";
    bool job;

    settings_defaults (&e->spec);
    job = !_read_title (&e->spec.slurm_id, known, sizeof (known));
    *placed = _placed (pids, n, &paths);
    slash = strrchr (paths.job, '/');
    if (!job && (!slash || sscanf (slash, "/job_%u", &e->spec.slurm_id) != 1))
        return -1;
    snprintf (e->spec.key, sizeof (e->spec.key), "%u", e->spec.slurm_id);
    snprintf (e->step, sizeof (e->step), "%s",
              paths.step[0] ? paths.step : known);
    e->spec.batch = !strcmp (e->step, "step_batch");
    e->spec.cpus = _cpus (pids[0]);
    if (!*placed)
        *placed = pids[0];
    _know_owner (pids, n, &e->spec.uid, &e->spec.gid);
    return 0;
}

static void _attend (void)
{
    static struct site site; /* nobody gives us arguments */
    struct mw_err err = { "" };
    pid_t pids[MAX_TASKS], placed;
    unsigned n = 0;

    if (attended || dl_iterate_phdr (_is_spank_half, NULL))
        return;
    attended = true;
    site_parse (&site, 0, NULL, NULL);
    n = _children (pids, MAX_TASKS);
    if (!n || _task_know_job (&enrolment, pids, n, &placed) < 0)
        mw_err_set (&err, "cannot tell which job this is");
    else if (!enrol_step (&enrolment, &site, placed, NULL, &err)) {
        for (unsigned i = 0; enrolment.made && i < n; i++)
            enrol_another (&enrolment, pids[i], &err);
    }
    if (err.text[0])
        slurm_info ("memwarden: job %s runs without it: %s", enrolment.spec.key,
                    err.text);
}

/* ---- Slurm's hooks (src/interfaces/task.c)
 *
 * Each release looks for a set of its own and for nothing else, and libslurm's
 * headers say nothing of it: so all are here, from 22.05 to 26.05, and no
 * release is asked for its number. ---- */

int task_p_slurmd_batch_request (void *req);
int task_p_slurmd_launch_request (void *req, uint32_t node, char **text);
int task_p_slurmd_suspend_job (uint32_t job);
int task_p_slurmd_resume_job (uint32_t job);
int task_p_pre_setuid (void *step);
int task_p_pre_set_affinity (void *step, uint32_t task);
int task_p_set_affinity (void *step, uint32_t task);
int task_p_post_set_affinity (void *step, uint32_t task);
int task_p_pre_launch_priv (void *step, uint32_t task, uint32_t global);
int task_p_pre_launch (void *step);
int task_p_post_term (void *step, void *task);
int task_p_post_step (void *step);
int task_p_add_pid (pid_t pid);
int task_p_update_mem_limit (void *step, uint64_t job, uint64_t of_step);

int task_p_slurmd_batch_request (void *req)
{
    (void) req;
    return SLURM_SUCCESS;
}

int task_p_slurmd_launch_request (void *req, uint32_t node, char **text)
{
    (void) req;
    (void) node;
    (void) text;
    return SLURM_SUCCESS;
}

/* until 24.05 */
int task_p_slurmd_suspend_job (uint32_t job)
{
    (void) job;
    return SLURM_SUCCESS;
}

int task_p_slurmd_resume_job (uint32_t job)
{
    (void) job;
    return SLURM_SUCCESS;
}

/* Before task/cgroup (23.02 and later): it is to write no limit that the job is above,
 * which its other steps would not survive on v2.  22.05, and behind task/cgroup: that
 * has just put us into the job's memory, and the hook below comes but when the tasks
 * are there. */
int task_p_pre_setuid (void *step)
{
    static struct site site; /* nobody gives us arguments */
    char key[MW_JOBKEY_MAX], name[PLACE_STEP_MAX];
    uint32_t job;

    (void) step;
    place_leave ();
    if (_read_title (&job, name, sizeof (name)) < 0 ||
        strspn (name + sizeof ("step_") - 1, "0123456789") == 0)
        return SLURM_SUCCESS;
    site_parse (&site, 0, NULL, NULL);
    snprintf (key, sizeof (key), "%u", job);
    if (!enrol_is_above (&site, key, name,
                         !dl_iterate_phdr (_is_spank_half, NULL), true))
        return SLURM_SUCCESS;
    slurm_error (
        "memwarden: job %s uses more than the limit that Slurm sets for "
        "the start of %s",
        key, name);
    return SLURM_ERROR;
}

/* The first hook, in slurmstepd as root, that comes after every task plugin has
 * made its cgroups: since 23.02 plugins are called in reverse order of names,
 * and task/cgroup after us.  22.05 has set_affinity and its two neighbours, all
 * later ones pre_launch_priv; [global] came in 23.11.1. */
int task_p_pre_set_affinity (void *step, uint32_t task)
{
    (void) step;
    (void) task;
    return SLURM_SUCCESS;
}

int task_p_set_affinity (void *step, uint32_t task)
{
    (void) step;
    (void) task;
    _attend ();
    return SLURM_SUCCESS;
}

int task_p_post_set_affinity (void *step, uint32_t task)
{
    (void) step;
    (void) task;
    return SLURM_SUCCESS;
}

int task_p_pre_launch_priv (void *step, uint32_t task, uint32_t global)
{
    (void) step;
    (void) task;
    (void) global;
    _attend ();
    return SLURM_SUCCESS;
}

int task_p_pre_launch (void *step)
{
    (void) step;
    return SLURM_SUCCESS;
}

/* A task has ended; slurmstepd's standard error is still that of the tasks. */
int task_p_post_term (void *step, void *task)
{
    (void) step;
    (void) task;
    teller_catch_up ();
    return SLURM_SUCCESS;
}

int task_p_post_step (void *step)
{
    (void) step;
    enrol_end (&enrolment);
    return SLURM_SUCCESS;
}

int task_p_add_pid (pid_t pid)
{
    (void) pid;
    return SLURM_SUCCESS;
}

/* Since 26.05, in each slurmstepd of the job, and before task/cgroup writes the limits
 * (MiB).  That kills whoever is above them on v2, where v1 refuses it: but the job may
 * be within the burst that it has.  So it is refused here, too.  Where it is not, the
 * warden sees what is written, and follows. */
int task_p_update_mem_limit (void *step, uint64_t job, uint64_t of_step)
{
    struct mw_err err;

    (void) step;
    (void) of_step;
    if (job >= UINT64_MAX >> 21 || place_may_lower (job << 20, &err) == 0)
        return SLURM_SUCCESS;
    slurm_error ("memwarden: %s", err.text);
    return SLURM_ERROR;
}
