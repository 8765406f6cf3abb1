/* task_memwarden.c - places jobs where slurm.conf alone is to do it:
 *     TaskPlugin=task/cgroup,task/memwarden
 *
 * There are no flags then: every job has the values of memwarden.conf.  The
 * socket is $MEMWARDEN_SOCKET of slurmd, or the default.  Slurm's step
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
#include <time.h>
#include <unistd.h>

#include "handler/cgfile.h"
#include "lib/cleanup.h"
#include "plugin/enrol.h"

extern const char plugin_name[], plugin_type[];
extern const uint32_t plugin_version;

const char plugin_name[] = "memwarden job memory placement";
const char plugin_type[] = "task/memwarden";
const uint32_t plugin_version = SLURM_VERSION_NUMBER;

#define SLURM_23_02 SLURM_VERSION_NUM (23, 2, 0)
#define SLURM_23_11_1 SLURM_VERSION_NUM (23, 11, 1)
#define SLURM_24_11 SLURM_VERSION_NUM (24, 11, 0)
#define SLURM_26_05 SLURM_VERSION_NUM (26, 5, 0)

#define MAX_TASKS 1024

static bool attended;               /* this process's one step */
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

    if (proc < 0 || cg_read (proc, "cmdline", text, sizeof (text)) < 0
        || sscanf (text, "slurmstepd: [%u.%31[a-z0-9]", job, name) != 2)
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

/* Where a user's task is not yet the user's: it becomes so in a moment, and
 * waits then for us.  Root's own stays root's. */
static bool _read_owner (pid_t pid, uid_t *uid, gid_t *gid)
{
    char path[64], line[128];

    for (int i = 0; i < 25; i++) {
        cleanup_file FILE *f = NULL;

        snprintf (path, sizeof (path), "/proc/%d/status", (int) pid);
        if (!(f = fopen (path, "re")))
            return false;
        while (fgets (line, sizeof (line), f)) {
            sscanf (line, "Uid: %u", uid);
            sscanf (line, "Gid: %u", gid);
        }
        if (*uid)
            break;
        nanosleep (&(struct timespec) { .tv_nsec = 2000000 }, NULL);
    }
    return true;
}

/* Cores are the job's own where Slurm binds them; elsewhere one is claimed. */
static uint32_t _cpus (pid_t pid)
{
    cpu_set_t set;
    long all = sysconf (_SC_NPROCESSORS_ONLN);

    if (sched_getaffinity (pid, sizeof (set), &set) < 0
        || CPU_COUNT (&set) >= all || CPU_COUNT (&set) < 1)
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

static int _know_job (struct enrolment *e, const pid_t *pids, unsigned n,
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
    if (!*placed) {
        *placed = pids[0];
        e->owner_known = _read_owner (pids[0], &e->spec.uid, &e->spec.gid);
    }
    return 0;
}

static void _attend (void)
{
    static struct site site;        /* nobody gives us arguments */
    struct mw_err err = { "" };
    pid_t pids[MAX_TASKS], placed;
    unsigned n = 0;

    if (attended || dl_iterate_phdr (_is_spank_half, NULL))
        return;
    attended = true;
    site_parse (&site, 0, NULL, NULL);
    n = _children (pids, MAX_TASKS);
    if (!n || _know_job (&enrolment, pids, n, &placed) < 0)
        mw_err_set (&err, "cannot tell which job this is");
    else if (!enrol_step (&enrolment, &site, placed, NULL, &err)) {
        for (unsigned i = 0; enrolment.made && i < n; i++)
            enrol_another (&enrolment, pids[i], &err);
    }
    if (err.text[0])
        slurm_info ("memwarden: job %s runs without it: %s",
                    enrolment.spec.key, err.text);
}

/* ---- Slurm's hooks, as each version wants them (src/interfaces/task.c)
 * ---- */

int task_p_slurmd_batch_request (void *req);
int task_p_slurmd_launch_request (void *req, uint32_t node, char **text);
int task_p_pre_setuid (void *step);
int task_p_pre_launch (void *step);
int task_p_post_term (void *step, void *task);
int task_p_post_step (void *step);
int task_p_add_pid (pid_t pid);

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

#if SLURM_VERSION_NUMBER < SLURM_24_11
int task_p_slurmd_suspend_job (uint32_t job);
int task_p_slurmd_resume_job (uint32_t job);

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
#endif

int task_p_pre_setuid (void *step)
{
    (void) step;
    return SLURM_SUCCESS;
}

/* The first hook, in slurmstepd as root, that comes after every task plugin has
 * made its cgroups: since 23.02 plugins are called in reverse order of names,
 * and task/cgroup after us. */
#if SLURM_VERSION_NUMBER < SLURM_23_02
int task_p_pre_set_affinity (void *step, uint32_t task);
int task_p_set_affinity (void *step, uint32_t task);
int task_p_post_set_affinity (void *step, uint32_t task);

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
#elif SLURM_VERSION_NUMBER < SLURM_23_11_1
int task_p_pre_launch_priv (void *step, uint32_t task);

int task_p_pre_launch_priv (void *step, uint32_t task)
{
    (void) step;
    (void) task;
    _attend ();
    return SLURM_SUCCESS;
}
#else
int task_p_pre_launch_priv (void *step, uint32_t task, uint32_t global);

int task_p_pre_launch_priv (void *step, uint32_t task, uint32_t global)
{
    (void) step;
    (void) task;
    (void) global;
    _attend ();
    return SLURM_SUCCESS;
}
#endif

int task_p_pre_launch (void *step)
{
    (void) step;
    return SLURM_SUCCESS;
}

int task_p_post_term (void *step, void *task)
{
    (void) step;
    (void) task;
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

#if SLURM_VERSION_NUMBER >= SLURM_26_05
int task_p_update_mem_limit (void *step, uint64_t job, uint64_t of_step);

int task_p_update_mem_limit (void *step, uint64_t job, uint64_t of_step)
{
    (void) step;
    (void) job;
    (void) of_step;
    return SLURM_SUCCESS;
}
#endif
