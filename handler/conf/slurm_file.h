/* slurm_file.h - a file of Slurm's configuration, with all that it includes
 *
 * Read as Slurm does (slurm.conf(5), spank(8)): a line may go on after a backslash,
 * "#" begins a comment, `Include FILE` is read in its place.  All of it below the
 * sysroot (lib/cgfile.h).
 */
#ifndef MW_SLURM_FILE_H
#define MW_SLURM_FILE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct slurm_line {
    char *file; /* where it stands */
    unsigned number;
    char *
        text; /* without comment and line end; nothing in it steers a terminal */
};

struct slurm_file {
    char path[PATH_MAX];
    bool there; /* the file itself */
    struct slurm_line *lines;
    size_t count;
    char trouble[512]; /* the first Include that leads nowhere; "" = none */
};

enum slurm_file_kind {
    SLURM_FILE_CONF,  /* an Include that is not there is an error */
    SLURM_FILE_STACK, /* plugstack.conf: an include is a pattern of glob(7) */
};

/* Read [path] into [f], which is slurm_file_free's in any case. */
void slurm_file_read (struct slurm_file *f, const char *path,
                      enum slurm_file_kind kind);
void slurm_file_free (struct slurm_file *f);

/* Copy what [key] is (the last one counts, and case does not) into [value], "" where
 *   it is not set.
 * Returns the line that says so, or NULL. */
const struct slurm_line *slurm_file_value (const struct slurm_file *f,
                                           const char *key, char *value,
                                           size_t len);

/* All lines as a stream, for who reads such a file; NULL without any. */
FILE *slurm_file_stream (const struct slurm_file *f);

/* The path of [name] where [f] is: it may be absolute itself. */
void slurm_file_beside (const struct slurm_file *f, const char *name,
                        char path[PATH_MAX]);

#endif /* !MW_SLURM_FILE_H */
