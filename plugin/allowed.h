/* allowed.h - what cgroup.conf allows a job to use at a step's start */
#ifndef MW_ALLOWED_H
#define MW_ALLOWED_H

#include <limits.h>
#include <stdbool.h>

/* Read AllowedRAMSpace of the cgroup.conf that this host has, beside its slurm.conf, into
 *   [percent] (of --mem), and that file's name into [path].
 * Returns false where that is not known: there is no such file here, as on many submit
 *   hosts, it includes another, or Slurm limits no memory at all. */
bool allowed_read (double *percent, char path[PATH_MAX]);

#endif /* !MW_ALLOWED_H */
