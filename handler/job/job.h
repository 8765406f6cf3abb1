/* job.h - the registered jobs of this node */
#ifndef MW_JOB_H
#define MW_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "handler/conf/conf.h"
#include "handler/job/incident_state.h"
#include "handler/memcg/memcg.h"
#include "handler/policy/often.h"
#include "handler/policy/strikes.h"
#include "handler/spool/spool.h"
#include "lib/jobspec.h"

struct sd_event_source;
struct warden;
struct job;

/* When it was last looked at for a livelock (watch/refault.h). */
struct job_refault {
    uint64_t ms, bytes, stalled_us; /* counters then */
    unsigned looks;                 /* in a row that found it so */
    uint64_t own_bytes, own_hits; /* counters when last told from the node's */
    uint64_t own_seen;            /* v2: memcg.seen_high then */
};

/* What the controller alone knows of it (account/class.h). */
struct job_facts {
    bool known;
    char partition[64], account[64], qos[64];
    uint32_t restarts; /* of before this run; Slurm tells plugins 0
                                       (22.05 to 26.05) */
    uint32_t cpus;     /* on all its nodes; 0 = not known */
};

/* What is to be said in the job's stderr, while none of its steps listens. */
struct job_line {
    struct job_line *next;
    uint64_t number;
    bool open; /* its incident goes on */
    char text[];
};

/* The freezer of one of its steps, watched for others (step/freezer.h). */
struct job_freezer {
    struct sd_event_source *source; /* NULL where it cannot be */
    int fd;
};

/* Who wants to know that a job uses so much (watch/usage.h). */
enum job_usage_for {
    JOB_USAGE_PROCS, /* limits of single processes */
    JOB_USAGE_MARKS, /* marks that its programs have asked for */
    JOB_USAGE_COUNT
};

struct job_usage {
    struct sd_event_source *timer; /* NULL where nobody has asked */
    uint64_t seen, seen_ms;        /* bytes at the last reading, clock_ms */
    uint64_t rest_ms; /* none within so long, by what it has cost */
    struct job_usage_ask {
        void (*reached) (struct warden *w, struct job *job); /* NULL = none */
        uint64_t at;              /* bytes, memory and swap */
        uint64_t soonest, latest; /* clock_ms; latest 0 = never */
    } ask[JOB_USAGE_COUNT];
};

/* What its programs want to be told of (watch/marks.h). */
#define JOB_MARKS 8

struct job_mark {
    uint64_t bytes;   /* 0 = of the limit … */
    unsigned percent; /* … so much; 0 too = none */
    bool passed;      /* told, and not below it since */
};

#define JOB_FREEZERS 8

#define JOB_HUGE 3 /* sizes of huge pages that are listened to */

#define JOB_LINES_MAX 16 /* the oldest is dropped */

struct job {
    struct job *next;        /* all jobs, in order of registration */
    struct job_table *table; /* it is in */
    uint64_t committed;      /* its part of table->committed */
    struct mw_jobspec spec;
    struct memcg memcg;
    char *freezer_path;             /* NULL = none */
    const struct conf_class *class; /* NULL = none matches */
    struct job_facts facts;
    char lookup[SPOOL_ID_MAX];      /* asked for them; "" = not */
    uint64_t asked[SPOOL_OP_COUNT]; /* the last request of each kind, by its
                                       number; 0 */
    unsigned lines_waiting;         /* for its stderr, at the courier */
    unsigned lines_skipped;         /* there were too many of them */

    uint64_t reservation, limit, reserve; /* bytes, resolved and clamped;
                                               the present limit is
                                               memcg.set_limit */
    unsigned priority;
    const struct mw_ladder *ladder;      /* of ladder_share */
    struct mw_retry retry;               /* resolved and clamped */
    struct job_proc {                    /* what one process of it may hold */
        uint64_t bytes;                  /* 0 = as much as the job */
        const struct mw_ladder *actions; /* of ladder_share; NULL with 0 */
    } proc;
    struct job_usage usage_watch;
    struct job_mark mark[JOB_MARKS]; /* forgotten with the warden */
    unsigned strikes;                /* its user's, when it was registered */
    bool struck;                     /* it has given one itself */

    struct memcg_usage usage; /* as last read: for records */
    struct incident incident;
    unsigned incidents; /* how many it has had */
    struct often often; /* how many of them lately */
    uint64_t registered_ms;
    uint64_t given, given_hard; /* bytes, what Slurm has last written as its
                                   soft limit, which is its allocation, and as
                                   its limit (watch/given.h); 0 = not known */
    uint64_t given_again_ms;    /* its steps' are looked at, clock_ms; 0 */
    bool given_late;            /* that is the last look */
    uint64_t look_ms;           /* v2: no look at its events before; 0 */
    uint64_t resumed_ms;        /* we last asked Slurm to, or saw it was; 0 */
    unsigned bounces;           /* how often it was stopped for the node's
                                       sake since bounce_ms */
    uint64_t bounce_ms;         /* clock_ms */
    uint64_t back_ms;           /* it last went on since it was below its
                                       limit by itself, clock_ms; 0 … */
    uint64_t back_limit;        /* … which was that … */
    unsigned backs;             /* … how often in a row in vain */
    unsigned round;             /* the last round of incident_headroom in
                                       which it was asked */
    uint64_t loan;              /* bytes of [limit] that the job has asked for
                                       and is to give back (account/loan.h) */
    uint64_t loan_ms;           /* when, or when that is looked at next,
                                       clock_ms */
    bool loan_over;             /* its time is over; the rest is still used */
    unsigned loan_looks;        /* how often that was looked at */
    uint64_t mark_ms;           /* last checkpoint mark, or registered_ms */
    uint64_t peak;              /* bytes, the kernel's high-water mark, page
                                       cache and all */
    uint64_t peak_used;         /* the same without files' pages, which nobody
                                       counts: see _take_usage */
    uint64_t allowed;           /* bytes, the highest limit it has had */
    struct job_line *untold;    /* oldest first */
    bool over;                  /* its script has ended: what is left of it
                                       is Slurm's to end */
    const char *release_why;    /* it is to be released, as soon as it is the
                                       kernel's again; NULL = not */
    uint64_t release_ms;        /* when that is tried again, clock_ms; 0 */
    bool leaving;               /* the controller ends this run: its stderr
                                       and comment are closed */

    int huge_dir;          /* where the kernel counts its huge pages; -1 */
    uint64_t huge_refused; /* huge pages, so often: told (watch/huge.h) */
    uint64_t huge_ms;      /* when, clock_ms; 0 */
    struct job_refault refault;
    uint64_t kernel_kill_ms; /* the kernel last killed in it; 0 */
    bool kernel_kill_untold; /* counted, its report is awaited */

    struct sd_event_source *event;   /* OOM */
    struct sd_event_source *removal; /* of its directory; NULL on v1, where
                                           the event tells that, too */
    struct sd_event_source *written; /* its soft limit, by whomever; NULL */
    struct sd_event_source *huge[JOB_HUGE];   /* refused huge pages (v2) */
    struct sd_event_source *below;            /* memcgs made in it (v1); NULL */
    struct job_freezer freezer[JOB_FREEZERS]; /* while it has an incident */
    unsigned freezers;                        /* how many of them */
    struct sd_event_source *timer; /* the incident's next deadline; made at
                                       registration, switched on and off */
};

struct job_table {
    struct job *first;
    unsigned count;
    uint64_t committed; /* bytes, what all the jobs' limits and
                                       loans come to; kept by job_commit */
};

/* Jobs with equal ladders share one copy (a ladder is large, and a site has
 *   few): return the shared copy of [ladder], made if there is none yet, with
 *   one more user; NULL with ENOMEM.  ladder_drop gives it back (NULL is
 *   allowed). */
const struct mw_ladder *ladder_share (const struct mw_ladder *ladder);
void ladder_drop (const struct mw_ladder *shared);

/* The last number of an incident of a job [key] that is not here any more: the
 *   next run of that id goes on counting, so an id names one incident in all
 *   that is on record.  Of many jobs the latest are remembered (HAD_MAX).
 *   job_had says so of [key], job_has_had returns it, 0 = none. */
void job_had (const char *key, unsigned incidents);
unsigned job_has_had (const char *key);

/* Find the job that people call [name]: by its key, or as ARRAY_TASK; NULL. */
struct job *job_named (struct job_table *t, const char *name);

/* Find the job [key]; NULL. */
struct job *job_find (struct job_table *t, const char *key);

/* The job at [place] of [t], counted from 0, as in a snapshot of it; NULL. */
struct job *job_at (const struct job_table *t, unsigned place);

/* Where a cap bound, as sentences; "" = nowhere. */
struct job_cuts {
    struct mw_err asked; /* what the job itself asked for: its owner is
                                   to know */
    struct mw_err given; /* what the configuration gives it: for the
                                   log */
};

/* Resolve [spec] by [conf] and the pool's [capacity] (bytes), for a pool shared
 *   by [node_cpus], into the job's reservation, limit, reserve, priority and
 *   ladder: clamped by the admin's caps, and said in [cuts] where one bound.
 *   The limit is never below the reservation; a burst asked for below it is
 *   refused.
 * Returns 0; -1 with errno (EINVAL) and the reason in [err]. */
int job_resolve (struct job *job, const struct conf *conf, uint64_t capacity,
                 unsigned node_cpus, struct job_cuts *cuts, struct mw_err *err);

/* Put [job] into [class]: what it has been given by its old class becomes what
 *   the new one gives; what people have set since stays, up to the new class's
 *   caps. [cuts] as above.
 * Returns 0; -1 with errno, nothing changed. */
int job_reclass (struct job *job, const struct conf_class *class,
                 const struct conf *conf, uint64_t capacity, unsigned node_cpus,
                 struct job_cuts *cuts, struct mw_err *err);

/* Slurm gives [job] a [reservation] of so many bytes now: its reservation, limit and
 *   reserve follow; a limit that somebody has set since stays, up to the cap.  A burst
 *   of so many bytes that is less than the reservation is none. */
void job_regrant (struct job *job, uint64_t reservation,
                  const struct conf *conf, uint64_t capacity,
                  unsigned node_cpus);

/* One process of [job] may hold what [limit] says from now on. Returns 0; -1 with errno
 *   ENOMEM, nothing changed. */
int job_set_proc_limit (struct job *job, const struct mw_proclimit *limit);

/* How much [job] is lent in all, in bytes: by its ladder, and because it has asked. */
uint64_t job_lent (const struct job *job);

/* How much of its loan [job] uses, by job->usage: at its limit without that, or so near
 *   to it that its next page would be an OOM. */
uint64_t job_loan_in_use (const struct job *job);

/* The limit that [job] has hit when it was last found out of memory, in bytes. */
uint64_t job_hit_limit (const struct job *job);

/* What the strikes of its user take from [job]. */
enum strikes_loss job_loses (const struct job *job, const struct conf *conf);

/* The highest limit that the owner of [job] may give it, in bytes. */
uint64_t job_limit_cap (const struct job *job, const struct conf *conf,
                        uint64_t capacity);

/* The highest priority that the owner of [job] may give it. */
unsigned job_priority_cap (const struct job *job, const struct conf *conf);

/* Add a zeroed job to the table, or take it out and free it (its descriptors
 *   and event sources are released). */
struct job *job_new (struct job_table *t);
void job_free (struct job_table *t, struct job *job);

/* Is [job] a step (jobspec.h, [of])?  The key of the job that it is, or is a
 *   step of. */
bool job_is_step (const struct job *job);
const char *job_whose (const struct job *job);

/* Move [job] to the end of [to]. */
void job_move (struct job *job, struct job_table *to);

/* Move the steps among [jobs] to [steps], in their order. */
void job_part_steps (struct job_table *jobs, struct job_table *steps);

/* Keep line [number] for a step that comes back to hear it (a new warden's steps
 *   do so within a second). Without memory it is only in the journal. */
void job_keep_line (struct job *job, uint64_t number, bool open,
                    const char *text);

/* The limit of [job], or what it is lent, has changed: count it anew.  So
 *   nobody has to ask 1,000 jobs while one waits at its limit. */
void job_commit (struct job *job);

/* Write the limit that [job] should have now: its own, what is lent to it, and
 *   the reserve while it is open; in shadow mode it is only counted on. Returns
 *   0 or -1. */
int job_assert_limit (struct job *job, struct mw_err *err);

/* When no process of a job is left, so much that is still charged to it is told, and
 *   what it is. */
#define JOB_STAYS_BYTES (32 * MW_MIB)
#define JOB_STAYS_AS "files in /dev/shm or another tmpfs, or shared memory"

/* Read the usage of [job] into job->usage; keeps its peak. Returns 0; -1 with
 *   errno. */
int job_read_usage (struct job *job);
void job_seen_usage (struct job *job); /* as memcg.seen has it */

/* One of [job]'s processes that has ended had so many [bytes] resident at once. */
void job_seen_rss (struct job *job, uint64_t bytes);

/* Arm [job]'s timer for whatever is due first. */
void job_set_timer (struct job *job);

/* Is there a step of [job] that is watched and that is to be frozen, or with
 *   [thawed] one that is not? */
bool job_freezer_is (const struct job *job, bool thawed);

/* Stop watching the freezers of [job]'s steps. */
void job_freezer_end (struct job *job);

/* Stop listening for huge pages that [job] is refused. */
void job_huge_end (struct job *job);

#endif /* !MW_JOB_H */
