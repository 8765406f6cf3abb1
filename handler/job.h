/* job.h - the registered jobs of this node */
#ifndef MW_JOB_H
#define MW_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "handler/conf.h"
#include "handler/incident.h"
#include "handler/memcg.h"
#include "handler/spool.h"
#include "lib/jobspec.h"

struct sd_event_source;

/* When it was last looked at for a livelock (watch_refault.h). */
struct job_refault {
    uint64_t ms, bytes, stalled_us; /* counters then */
    unsigned looks;                 /* in a row that found it so */
    uint64_t own_bytes, own_hits;   /* counters when last told from the node's */
};

/* What the controller alone knows of it (class.h). */
struct job_facts {
    bool known;
    char partition[64], account[64], qos[64];
};

struct job {
    struct job *next;               /* all jobs, in order of registration */
    struct job_table *table;        /* it is in */
    uint64_t committed;             /* its part of table->committed */
    struct mw_jobspec spec;
    struct memcg memcg;
    char *freezer_path;                     /* NULL = none */
    const struct conf_class *class;         /* NULL = none matches */
    struct job_facts facts;
    char lookup[SPOOL_ID_MAX];              /* asked for them; "" = not */

    uint64_t reservation, limit, reserve;   /* bytes, resolved and clamped;
                                               the present limit is
                                               memcg.set_limit */
    unsigned priority;
    const struct mw_ladder *ladder;         /* of ladder_share */

    struct memcg_usage usage;       /* as last read: for records */
    struct incident incident;
    unsigned incidents;             /* how many it has had */
    uint64_t registered_ms;
    uint64_t look_ms;               /* v2: no look at its events before; 0 */
    unsigned bounces;               /* times stopped for the node's sake … */
    uint64_t bounce_ms;             /* … since then */
    unsigned round;                 /* of incident_headroom, last asked in */
    uint64_t mark_ms;               /* last checkpoint mark, or registered_ms */
    uint64_t peak;                  /* bytes, highest seen in incidents */
    bool leaving;                   /* the controller ends this run: its stderr
                                       and comment are closed */

    struct job_refault refault;
    uint64_t kernel_kill_ms;        /* the kernel last killed in it; 0 */
    bool kernel_kill_untold;        /* counted, its report is awaited */

    struct sd_event_source *event;  /* OOM */
    struct sd_event_source *removal;    /* of its directory; NULL on v1, where
                                           the event tells that, too */
    struct sd_event_source *timer;  /* the incident's next deadline; made at
                                       registration, switched on and off */
};

struct job_table {
    struct job *first;
    unsigned count;
    uint64_t committed;             /* bytes, what all the jobs' limits and
                                       loans come to; kept by job_commit */
};

/* Jobs with equal ladders share one copy (a ladder is large, and a site has
 *   few): return the shared copy of [ladder], made if there is none yet, with
 *   one more user; NULL with ENOMEM.  ladder_drop gives it back (NULL is
 *   allowed). */
const struct mw_ladder *ladder_share (const struct mw_ladder *ladder);
void ladder_drop (const struct mw_ladder *shared);

/* Find the job [key]; NULL. */
struct job *job_find (struct job_table *t, const char *key);

/* The job at [place] of [t], counted from 0, as in a snapshot of it; NULL. */
struct job *job_at (const struct job_table *t, unsigned place);

/* Resolve [spec] by [conf] and the pool's [capacity] (bytes), for a pool shared
 *   by [node_cpus], into the job's reservation, limit, reserve, priority and
 *   ladder: clamped by the admin's caps, and said in [note] (may be NULL, else
 *   set to "" or to that) where a cap bound.  The limit is never below the
 *   reservation; a burst asked for below it is refused.
 * Returns 0, or -1 (EINVAL) with the reason in [note]. */
int job_resolve (struct job *job, const struct conf *conf, uint64_t capacity,
                 unsigned node_cpus, struct mw_err *note);

/* Put [job] into [class]: what it has been given by its old class becomes what
 *   the new one gives; what people have set since stays, up to the new class's
 *   caps. [note] as above.
 * Returns 0, or -1, nothing changed. */
int job_reclass (struct job *job, const struct conf_class *class,
                 const struct conf *conf, uint64_t capacity,
                 unsigned node_cpus, struct mw_err *note);

/* The highest limit that the owner of [job] may give it, in bytes. */
uint64_t job_limit_cap (const struct job *job, const struct conf *conf,
                        uint64_t capacity);

/* The highest priority that the owner of [job] may give it. */
unsigned job_priority_cap (const struct job *job, const struct conf *conf);

/* Add a zeroed job to the table, or take it out and free it (its descriptors
 *   and event sources are released). */
struct job *job_new (struct job_table *t);
void job_free (struct job_table *t, struct job *job);

/* The limit of [job], or what it is lent, has changed: count it anew.  So
 *   nobody has to ask 1,000 jobs while one waits at its limit. */
void job_commit (struct job *job);

#endif /* !MW_JOB_H */
