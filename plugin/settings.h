/* settings.h - what a job asked for on the command line, and what its site lets
 *   it have
 *
 * A job's wishes are kept where they will be used, in its `struct mw_jobspec`:
 * what was not given stays at that structure's defaults.
 */
#ifndef MW_SETTINGS_H
#define MW_SETTINGS_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/jobspec.h"
#include "lib/units.h"

enum setting {
    SETTING_PRIORITY,
    SETTING_BURST,
    SETTING_RESERVE,
    SETTING_LADDER,
    SETTING_RETRY,
    SETTING_PROC_LIMIT,
    SETTING_COUNT
};

/* One row per flag of sbatch, srun and salloc. */
struct setting_info {
    const char *flag; /* "oom-priority", without the dashes */
    const char *arg;  /* as --help shows it */
    const char *env;  /* where its default comes from at submit */
    const char *help;
};

extern const struct setting_info settings[SETTING_COUNT];

/* The arguments of the plugin's line in plugstack.conf. */
struct site {
    unsigned max_priority;        /* 1000 where not given */
    struct mw_amount max_burst;   /* NONE where not given: the warden has a cap
                                       of its own */
    struct mw_amount max_reserve; /* the same */
    bool required;                /* without a warden a job must not start */
    char socket[PATH_MAX];        /* as it is written there, see site_socket;
                                       "" = not given */
};

/* Fill [spec] with what holds for a job that asked for nothing. */
void settings_defaults (struct mw_jobspec *spec);

/* Put the text a user gave for [which] into [spec].
 * Returns 0; -1 with errno EINVAL or ERANGE and in [err] a sentence that names the
 *   flag and what is allowed (lines of it, for a ladder); [spec] is untouched
 *   then. */
int settings_put (struct mw_jobspec *spec, enum setting which, const char *text,
                  struct mw_err *err);

/* Is the limit that [spec] asks for, or the most that a retry may give it, below
 *   its own [reservation] (bytes; 0 = not known), or a process's above what the job may
 *   burst to?  Returns 0; -1 with errno ERANGE and the two numbers in [err]. */
int settings_fit (const struct mw_jobspec *spec, uint64_t reservation,
                  struct mw_err *err);

/* Hold [spec] to what [site] allows and to its own reservation. [note] (may be
 *   NULL) says what was cut, "" where nothing was. Returns true if it was. */
bool settings_clamp (struct mw_jobspec *spec, const struct site *site,
                     struct mw_err *note);

/* Read plugstack.conf's [ac] arguments [av] into [site], over the defaults.
 * Returns 0; -1 with errno EINVAL and which one is wrong; the others hold. */
int site_parse (struct site *site, int ac, char **av, struct mw_err *err);

/* On a node: where the memwardend listens that serves this process's slurmd, into
 *   [path]: what [site] says, or else MEMWARDEN_SOCKET of slurmd's environment, or
 *   the default; in these %n is the node's name and %h this host's, as in
 *   slurm.conf, and %% a percent sign.
 * Returns 0; -1 with errno EINVAL (another %, not absolute), ENOENT (the node's
 *   name is not known), ENAMETOOLONG. */
int site_socket (const struct site *site, char path[PATH_MAX],
                 struct mw_err *err);

#endif /* !MW_SETTINGS_H */
