/* stepd_probe.c - as much of a slurmstepd as task_memwarden.so needs, in a
 * cgroup tree that need not be called what Slurm would call it
 *
 *     exec -a 'slurmstepd: [JOB.STEP]' \
 *         stepd_probe PLUGIN MEMORY-DIR FREEZER-DIR|- COMMAND…
 *
 * Forks a task, puts it into the directories, calls the plugin's hook that
 * comes before a task's exec, and lets the task become COMMAND.  Exits as that
 * does, 128 + N for signal N; what the plugin says goes to stderr.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/cgfile.h"
#include "lib/cleanup.h"

/* What the plugin wants of Slurm. */
void slurm_info (const char *fmt, ...) __attribute__ ((format (printf, 1, 2)));
int slurm_error (const char *fmt, ...) __attribute__ ((format (printf, 1, 2)));

void slurm_info (const char *fmt, ...)
{
    va_list ap;

    va_start (ap, fmt);
    vfprintf (stderr, fmt, ap);
    va_end (ap);
    fputc ('\n', stderr);
}

int slurm_error (const char *fmt, ...)
{
    va_list ap;

    va_start (ap, fmt);
    vfprintf (stderr, fmt, ap);
    va_end (ap);
    fputc ('\n', stderr);
    return -1;
}

static void _die (const char *what, const char *why)
{
    fprintf (stderr, "stepd_probe: %s: %s\n", what, why);
    exit (99);
}

static void _join (const char *path)
{
    cleanup_fd int dir = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (dir < 0 || cg_write (dir, "cgroup.procs", "0") < 0)
        _die (path, strerror (errno));
}

static void _task (char **argv, int gate, int joined)
{
    char byte;

    _join (argv[2]);
    if (strcmp (argv[3], "-") != 0)
        _join (argv[3]);
    if (write (joined, "j", 1) != 1 || read (gate, &byte, 1) != 1)
        _exit (99);
    execvp (argv[4], argv + 4);
    _exit (98);
}

/* The hook has one more argument from Slurm 23.11.1 on; the first two are where
 * they were, and none is looked at. */
static void _hook (const char *plugin)
{
    void *so = dlopen (plugin, RTLD_NOW | RTLD_LOCAL);
    int (*hook) (void *step, uint32_t task, uint32_t global);
    void *found;

    if (!so)
        _die (plugin, dlerror ());
    found = dlsym (so, "task_p_pre_launch_priv");
    if (!found)
        found = dlsym (so, "task_p_set_affinity");
    if (!found)
        _die (plugin, "it has no hook that is known here");
    memcpy (&hook, &found, sizeof (hook));
    if (hook (NULL, 0, 0) != 0)
        _die (plugin, "its hook failed");
}

int main (int argc, char **argv)
{
    int gate[2], joined[2], status = 0;
    char byte;
    pid_t pid;

    if (argc < 5) {
        fprintf (stderr, "usage: stepd_probe PLUGIN MEMORY-DIR FREEZER-DIR|- "
                         "COMMAND...\n");
        return 2;
    }
    if (pipe2 (gate, O_CLOEXEC) < 0 || pipe2 (joined, O_CLOEXEC) < 0)
        _die ("pipe", strerror (errno));
    pid = fork ();
    if (pid < 0)
        _die ("fork", strerror (errno));
    if (pid == 0) {
        close (joined[0]);
        close (gate[1]);
        _task (argv, gate[0], joined[1]);
    }
    close (joined[1]);
    if (read (joined[0], &byte, 1) != 1)
        _die (argv[2], "the task could not join it");
    _hook (argv[1]);
    if (write (gate[1], "g", 1) != 1 || waitpid (pid, &status, 0) != pid)
        _die ("the task", strerror (errno));
    return WIFSIGNALED (status) ? 128 + WTERMSIG (status)
                                : WEXITSTATUS (status);
}
