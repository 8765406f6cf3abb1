/* warden.h - all that memwardend holds; there is no other state */
#ifndef MW_WARDEN_H
#define MW_WARDEN_H

#include <systemd/sd-event.h>

#include "handler/conf.h"
#include "handler/job.h"
#include "handler/journal.h"
#include "handler/policy.h"
#include "handler/report.h"
#include "handler/spool.h"

struct warden {
    struct conf conf;
    const char *conf_path;
    const char *socket_override;        /* --socket, --state-dir: they win over */
    const char *state_dir_override;     /*   the file, also after a SIGHUP */

    sd_event *loop;
    struct job_table jobs;
    struct journal journal;
    struct report report;
    struct spool spool;
    uint64_t request_seq;

    uint64_t node_memory;       /* bytes: MemTotal */
    uint64_t node_reserve;      /* bytes */
    unsigned node_cpus;
    struct node_watch *node;    /* node OOM: sources and machine; NULL = none */

    int control;                /* listening socket */
    int conf_generation;
};

/* What policy needs to know: fill [node] and up to [max] [jobs]. Reads usage
 *   files only. Returns how many jobs. */
unsigned warden_snapshot (struct warden *w, struct policy_node *node,
                          struct policy_job *jobs, unsigned max);

/* Register [spec]: open, resolve, journal, arm, and check at once.  Descriptors
 *   stay the caller's.  The same job with the same memcg: asserted again; with
 *   another memcg while the first lives: refused (EEXIST).
 * Returns the job, or NULL with a sentence. */
struct job *warden_register (struct warden *w, const struct mw_jobspec *spec,
                             int memory_dir, int freezer_dir,
                             struct mw_err *err);

/* Forget [job]: give its OOM back to the kernel if the memcg is still there. */
void warden_release (struct warden *w, struct job *job, const char *why);

#endif /* !MW_WARDEN_H */
