/* warden.h - all that memwardend holds; there is no other state */
#ifndef MW_WARDEN_H
#define MW_WARDEN_H

#include <systemd/sd-event.h>

#include "handler/aftermath.h"
#include "handler/conf.h"
#include "handler/job.h"
#include "handler/journal.h"
#include "handler/policy.h"
#include "handler/report.h"
#include "handler/spool.h"

struct warden {
    struct conf conf;
    const char *conf_path;
    const char *socket_override;        /* --socket, --state-dir: they win */
    const char *state_dir_override;     /*   over the file, also at SIGHUP */

    sd_event *loop;
    struct job_table jobs;
    struct journal journal;
    struct report report;
    struct spool spool;
    uint64_t request_seq;
    struct aftermath after;

    uint64_t node_memory;       /* bytes: MemTotal */
    uint64_t node_reserve;      /* bytes */
    unsigned node_cpus;
    struct node_watch *node;    /* node OOM: sources and machine; NULL = none */

    struct watch_psi *psi;      /* stalls; NULL = not watched */
    struct watch_kmsg *kmsg;    /* the kernel's own kills; NULL = none */

    int meminfo;                /* /proc/meminfo, kept open */
    bool meminfo_failed;        /* said once */
    struct policy_job *scratch; /* room for a snapshot of every job */
    struct policy_rank *ranks;  /* and for a plan */
    unsigned scratch_max;
    sd_event_source *room;      /* deferred: incident_headroom */
    sd_event_source *answers;   /* deferred: more answers of the courier */

    int control;                /* listening socket */
    struct peer *peers;         /* connections (control.c) */
    unsigned peer_count;
};

/* What jobs may use together, bytes: the node's memory less the node
 * reserve. */
uint64_t warden_capacity (const struct warden *w);

/* Fill [node] but for what the jobs use: one read, whatever their number. */
void warden_meminfo (struct warden *w, struct policy_node *node);

/* What policy needs to know: fill [node] and up to [max] [jobs], in the table's
 *   order.  Reads each job's usage.  Returns how many jobs. */
unsigned warden_snapshot (struct warden *w, struct policy_node *node,
                          struct policy_job *jobs, unsigned max);

/* Of the snapshot just taken into [w]->scratch: the headroom that is really
 *   there, less what the system uses beyond the node reserve. */
uint64_t warden_headroom (const struct warden *w,
                          const struct policy_node *node, unsigned count);

/* How much a grow of [amount] may lend to [job] now, in bytes; 0 = nothing. */
uint64_t warden_may_lend (struct warden *w, struct job *job,
                          const struct mw_amount *amount);

/* Memory has come back, or may have: call incident_headroom soon. */
void warden_room (struct warden *w);

/* Look what has happened to [job] and deal with it. [job] may be gone after
 * it. */
void warden_check (struct warden *w, struct job *job);

/* Tell of a kill by the kernel in [job] that was counted and that the kernel's
 *   log will not explain. */
void warden_kernel_killed (struct warden *w, struct job *job);

/* Arm [job]'s timer for whatever is due first. */
void warden_set_timer (struct job *job);

/* Register [spec]: open, resolve, journal, arm, and check at once.  Descriptors
 *   stay the caller's.  The same job with the same memcg: asserted again; with
 *   another memcg while the first lives: refused (EEXIST).
 * Returns the job, or NULL with a sentence. */
struct job *warden_register (struct warden *w, const struct mw_jobspec *spec,
                             int memory_dir, int freezer_dir,
                             struct mw_err *err);

/* Take up again the jobs that the journal has, after a restart. */
int warden_recover (struct warden *w, struct mw_err *err);

/* Take the courier's answers from the spool. Returns 0 or -1. */
int warden_listen_answers (struct warden *w, struct mw_err *err);

/* Before the warden goes: every job's OOM back to the kernel, nobody left
 *   frozen. The journal keeps the jobs, for the next warden. */
void warden_hand_back (struct warden *w);

/* The configuration has changed: classes and the pool's capacity. */
void warden_reconfigured (struct warden *w);

/* Forget [job]: give its OOM back to the kernel if the memcg is still there. */
void warden_release (struct warden *w, struct job *job, const char *why);

#endif /* !MW_WARDEN_H */
