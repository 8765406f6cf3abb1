/* check.h - what this node offers, what it lacks, and what that costs
 *
 * Each check is a function and a row of a table; all of them read below the
 * sysroot (lib/cgfile.h), so that recorded trees of other nodes can be
 * examined.
 */
#ifndef MW_DOCTOR_H
#define MW_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>

#include "handler/conf/conf.h"
#include "handler/conf/slurm_file.h"
#include "handler/memcg/mounts.h"

enum doctor_verdict {
    DOCTOR_OK,     /* it is there */
    DOCTOR_LACKS,  /* it is not; the row says what that costs */
    DOCTOR_BROKEN, /* memwarden, or Slurm because of it, does not do its work */
    DOCTOR_NA,     /* means nothing on this node */
};

/* The node that is looked at, as far as several checks must know it. */
struct doctor_node {
    struct memcg_mounts mounts;
    const struct conf *conf;   /* memwarden.conf, or its defaults */
    const char *conf_trouble;  /* what is wrong with it; "" = nothing */
    const char *socket;        /* that the warden is asked at */
    const char *state_dir;     /* the warden's */
    bool slurm_alone;          /* the controller's host: no node */
    struct slurm_file slurm;   /* slurm.conf */
    struct slurm_file cgroups; /* cgroup.conf, beside it */
    struct slurm_file stack;   /* plugstack.conf */
};

/* What one of them has to say. */
struct doctor_said {
    char found[1024];
    char
        fix[1024]; /* the line to add and the file, or the command; "" = none */
};

struct doctor_check {
    const char *item;
    const char *cost; /* what is lost where it is lacking */
    enum doctor_verdict (*look) (const struct doctor_node *n,
                                 struct doctor_said *said);
};

/* The tables, in the order in which they are shown. */
extern const struct doctor_check doctor_node_checks[];
extern const size_t doctor_node_count;
extern const struct doctor_check doctor_beside_checks[];
extern const size_t doctor_beside_count;
extern const struct doctor_check doctor_warden_checks[];
extern const size_t doctor_warden_count;
extern const struct doctor_check doctor_slurm_checks[];
extern const size_t doctor_slurm_count;
extern const struct doctor_check doctor_plugin_checks[];
extern const size_t doctor_plugin_count;

/* Set what was found, and what is to be done. */
void doctor_found (struct doctor_said *said, const char *fmt, ...)
    __attribute__ ((format (printf, 2, 3)));
void doctor_fix (struct doctor_said *said, const char *fmt, ...)
    __attribute__ ((format (printf, 2, 3)));

/* Read Slurm's configuration for [n]: [path], or where slurmd has it (NULL).
 *   doctor_slurm_free frees it. */
void doctor_slurm_read (struct doctor_node *n, const char *path);
void doctor_slurm_free (struct doctor_node *n);

/* The line of plugstack.conf that loads our plugin, or NULL. */
const struct slurm_line *doctor_stack_line (const struct doctor_node *n);

/* Is [name] one of the comma-separated words of [list]? */
bool doctor_listed (const char *list, const char *name);

/* A process, of the system's own, that is called [name] (as comm of proc(5)) and
 *   runs as [root], or as any user that is none of people's.  Who may call a
 *   process so would else make a node look broken.
 * Returns its pid, or 0. */
int doctor_process (const char *name, bool root);

#endif /* !MW_DOCTOR_H */
