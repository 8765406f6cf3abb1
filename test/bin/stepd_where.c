/* stepd_where.c - a SPANK plugin: in which memory cgroup a slurmstepd is when it is
 * about to make its tasks
 *
 *     required …/stepd_where.so FILE
 *
 * Appends a line for each step to FILE, which the job's owner may write to.
 */
#include <fcntl.h>
#include <slurm/spank.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/cleanup.h"

SPANK_PLUGIN (stepd_where, 1)

static void _append (const char *path, const char *line)
{
    cleanup_fd int fd = open (path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
                              0644);

    if (fd < 0 || write (fd, line, strlen (line)) < 0)
        slurm_error ("stepd_where: cannot write %s", path);
}

int slurm_spank_user_init (spank_t sp, int ac, char **av)
{
    cleanup_file FILE *f = fopen ("/proc/self/cgroup", "re");
    char line[512];

    if (spank_remote (sp) != 1 || ac < 1)
        return 0;
    while (f && fgets (line, sizeof (line), f))
        if (strstr (line, ":memory:"))
            _append (av[0], line);
    return 0;
}
