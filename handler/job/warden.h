/* warden.h - all that memwardend holds; there is no other state */
#ifndef MW_WARDEN_H
#define MW_WARDEN_H

#include <systemd/sd-event.h>

#include "handler/conf/conf.h"
#include "handler/job/job.h"
#include "handler/policy/policy.h"
#include "handler/spool/spool.h"

struct aftermath;
struct journal;
struct report;
struct waiting;
struct warden;

/* What rooms below ask of rooms above them (the rule in HACKING.md): set by
 * daemon/main.c, none is NULL. */
struct warden_calls {
    /* report.c: who is attached to [job] is told; one line goes to its stderr
     * by its steps. Returns false where none of them hears now. */
    void (*note) (struct warden *w, struct job *job, const char *text);
    bool (*tell) (struct warden *w, const struct job *job, uint64_t number,
                  bool open, const char *text);
    /* step/freezer.c: somebody else has written to [job]'s freezer */
    void (*freezer) (struct warden *w, struct job *job, bool frozen,
                     bool thawed);
    /* steps: see watch/node.h */
    bool (*node_is_short) (const struct warden *w);
    bool (*node_may_return) (struct warden *w, struct job *job);
    /* watch/psi.c: tasks have stalled, see watch/node.h */
    void (*stalled) (struct warden *w);
    /* incident.c, watch/node.c: an OOM of [job], or of the node (NULL), is on
     * record */
    void (*detected) (struct warden *w, struct job *job);
    /* both: an OOM is about to be over; what the kernel has killed by now it has
     * killed during it */
    void (*over) (struct warden *w);
    /* watch: its memcg is gone */
    void (*release) (struct warden *w, struct job *job, const char *why);
};

struct warden {
    struct warden_calls up;
    struct conf conf;
    const char *conf_path;
    const char *socket_override;    /* --socket; wins over the file, also at
                                           SIGHUP; NULL = not given */
    const char *state_dir_override; /* --state-dir; the same */

    sd_event *loop;
    struct job_table jobs;
    struct job_table steps; /* with a limit of their own: what the node's
                                   jobs are does not count them again */
    struct job_table later; /* on record, and not taken up again yet: what
                                   they are could not be looked at */
    sd_event_source *again; /* when that is tried again */
    struct journal *journal;
    struct report *report;
    struct spool spool;
    uint64_t request_seq;
    struct waiting *waiting; /* requests that the courier has not done */
    bool courier_kept;       /* a keeper starts it, again and again */
    struct aftermath *after;
    struct strikes *strikes; /* of users; NULL = nobody counts them */

    uint64_t node_memory;  /* bytes: MemTotal */
    uint64_t node_reserve; /* bytes */
    uint64_t pool_limit;   /* bytes; UINT64_MAX = there is none */
    unsigned node_cpus;
    struct node_watch *node; /* node OOM: sources and machine; NULL = none */

    struct watch_psi *psi;   /* stalls; NULL = not watched */
    struct watch_kmsg *kmsg; /* the kernel's own kills; NULL = none */

    int meminfo;                /* /proc/meminfo, kept open */
    bool meminfo_failed;        /* said once */
    struct policy_job *scratch; /* room for a snapshot of every job */
    struct policy_rank *ranks;  /* and for a plan */
    unsigned scratch_max;
    sd_event_source *room;    /* deferred: incident_headroom */
    sd_event_source *looks;   /* deferred, behind all else: blame_look */
    sd_event_source *answers; /* deferred: a pass over the spool */

    int control;        /* root's listening socket */
    struct peer *peers; /* connections (daemon/control.c) */
    unsigned peer_count;
    int attendant;           /* to the attendant (pass/attend.h); -1 = none */
    struct passing *passing; /* to the desk (daemon/passing.c); NULL = none */
};

/* Memory has come back, or may have: call incident_headroom soon. */
void warden_room (struct warden *w);

/* Find the job or the step [key]; NULL. */
struct job *warden_find (struct warden *w, const char *key);

#endif /* !MW_WARDEN_H */
