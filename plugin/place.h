/* place.h - the memory cgroup of a job, as Slurm made it or as we make it
 *
 * Slurm makes, for each job on a node (cgroup v1, then v2):
 *     memory/slurm/uid_U/job_J/step_X/task_N      and the same in freezer/
 *     system.slice/slurmstepd.scope/JOB/step_X/user/task_N
 * Names differ between versions, so the job's directory is never constructed:
 * it is what stands before "/step_" in /proc/PID/cgroup of one of its
 * processes.
 */
#ifndef MW_PLACE_H
#define MW_PLACE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/err.h"
#include "lib/jobspec.h"

#define PLACE_PATH_MAX 1024
#define PLACE_STEP_MAX 64

/* What /proc/PID/cgroup says; paths are below their hierarchy's mount point. */
struct place_paths {
    bool v2;                      /* the memory controller is on v2 */
    char job[PLACE_PATH_MAX];     /* memory directory of the job; "" = none */
    char task[PLACE_PATH_MAX];    /* memory directory of the process itself */
    char step[PLACE_STEP_MAX];    /* "step_0", …; "" = none */
    char freezer[PLACE_PATH_MAX]; /* v1 freezer directory of the job, or "" */
};

/* A job's directories, open. */
struct place {
    struct place_paths paths;
    int root; /* of the memory hierarchy */
    int job;
    int freezer; /* v1; -1: none */
};

/* Read [text], the content of /proc/PID/cgroup, into [paths].  Pure.
 * Returns 0 (also where Slurm made no memory cgroup: [paths->job] is "" then),
 *   or -1 with EINVAL: not such a text, or a path one must not follow. */
int place_parse (const char *text, struct place_paths *paths,
                 struct mw_err *err);

/* Read /proc/[pid]/cgroup into [paths]. Returns 0; -1 with errno. */
int place_read (pid_t pid, struct place_paths *paths, struct mw_err *err);

/* Open the top of the hierarchy that has [controller].
 * Returns the descriptor; -1 with errno ENOTSUP. */
int place_open_mount (const char *controller, struct mw_err *err);

/* Find and open the directories of the job that process [pid] belongs to, and
 *   see that [pid] really is in there.
 * Returns 0 (place_close it), or -1: ENOENT where Slurm made no memory cgroup,
 *   ENOTSUP where there is none to be had, … */
int place_open (struct place *p, pid_t pid, struct mw_err *err);

void place_close (struct place *p);

/* See to it that the job's OOM is declared at the job: on v1 take every
 *   slurmstepd of the job out of the memory hierarchy (they would sleep with
 *   the tasks), and lift the limits of steps that have no smaller one of their
 *   own (srun --mem).
 * Returns 0; -1 with errno and the first thing that failed. */
int place_ready (const struct place *p, struct mw_err *err);

/* v1: take this process, a slurmstepd that has just been put into its job's memory,
 *   out of it again, where the job's OOM is ours: who makes a thread or reads a file
 *   there in that OOM gets ENOMEM, and slurmstepd dies of it.  Its tasks do not go
 *   with it: Slurm puts each where it belongs. */
void place_leave (void);

/* Open where the tasks of [p]'s own step are: its memory directory is returned
 *   (-1), its freezer directory is left in [*freezer], -1 = none. */
int place_open_step (const struct place *p, int *freezer, struct mw_err *err);

/* The limit that Slurm gave that [step] of less than the job's, without what
 *   AllowedRAMSpace adds to it: bytes, 0 = none.  To be called after
 *   place_ready. */
uint64_t place_step_granted (const struct place *p, int step);

/* May Slurm lower the limit of the job of this process, a slurmstepd, whose allocation
 *   is to be [bytes]?  Only v2 kills whoever is above a new limit.
 * Returns 0; -1 with EBUSY and why not. */
int place_may_lower (uint64_t bytes, struct mw_err *err);

/* Undo the lifting, when the warden would not have the job. */
void place_undo (const struct place *p);

/* What Slurm has just granted the job by its cgroup: bytes, 0 = nothing in
 *   particular (no limit, or the whole node). */
uint64_t place_granted (const struct place *p);

/* Label the job's directory with [spec], and read that back.  Only root can do
 *   either (trusted.* in xattr(7)), and it goes with the directory.
 * Return 0; -1 with errno ENODATA (no label), … */
int place_label (const struct place *p, const struct mw_jobspec *spec,
                 struct mw_err *err);
int place_read_label (const struct place *p, struct mw_jobspec *spec,
                      struct mw_err *err);

/* The batch script of the job is on this node, and its slurmstepd writes what is
 *   said of the job: the same way for all to see.  Without xattrs nobody is
 *   told. */
void place_mark_script (const struct place *p);
bool place_has_script (const struct place *p);

#endif /* !MW_PLACE_H */
