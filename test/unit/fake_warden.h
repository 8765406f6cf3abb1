/* fake_warden.h - a warden and its jobs without a kernel
 *
 * The machine is the real one, with its journal and spool in a directory of
 * the test's own; what would be done to a memcg is counted instead.  Each deed
 * looks into the journal first: what it is about to do must be on record, but for
 * what undoes: that is on record when it is done.
 *
 * Time stands still: clock_ms is [fake.now] until the test lets it pass.
 */
#ifndef MW_FAKE_WARDEN_H
#define MW_FAKE_WARDEN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "handler/job/warden.h"
#include "handler/memcg/priv.h"

/* What can be done to a memcg. */
enum fake_deed {
    FAKE_FREEZE,
    FAKE_THAW,
    FAKE_LIMIT,
    FAKE_RECLAIM,
    FAKE_KILL,
    FAKE_DEEDS
};

/* All of it is as at fake_begin again for the next test. */
struct fake {
    struct warden w;
    char dir[64];
    uint64_t now; /* clock_ms */
    unsigned did[FAKE_DEEDS];
    int fails[FAKE_DEEDS];          /* with this errno; 0 = it works */
    unsigned fails_for[FAKE_DEEDS]; /* so often; 0 = always */
    unsigned left;                  /* processes that a kill finds */
    uint64_t stays;     /* bytes that a kill of all leaves charged */
    uint64_t frees;     /* bytes that go out with a reclaim */
    uint64_t swap_free; /* bytes; of the node */
    bool node_is_short, node_may_return;
    unsigned detected;  /* calls of warden.up.detected */
    unsigned over;      /* of warden.up.over */
    struct job *unread; /* the kernel has killed in it, as its log says that
                           nobody has read yet; NULL = in none */
    pid_t task;         /* of every job: it catches USR1, and ends at
                                   TERM, which it catches, too */
};

extern struct fake fake;

#define FAKE_LIMIT_BYTES (512 * MW_MIB)
#define FAKE_RESERVE_BYTES (64 * MW_MIB)

/* Setup and teardown of a test.  A courier is there. Return 0 or -1. */
int fake_begin (void **state);
int fake_end (void **state);

/* A new batch job [key] of Slurm's with [ladder], at its limit, which is its
 *   reservation; [fake.task] is in it. */
struct job *fake_job (const char *key, const char *ladder);

/* The same, in its OOM, on the first rung of [ladder]. */
struct job *fake_oom (const char *key, const char *ladder);

/* No process is in it any more. */
void fake_empty (const struct job *job);

/* Its list of processes cannot be read, or again, and is empty. */
void fake_unseen (const struct job *job, bool on);

/* It uses [bytes] from now on. */
void fake_uses (struct job *job, uint64_t bytes);

/* Its directory is removed. */
void fake_gone (const struct job *job);

/* Is it frozen?  Somebody else freezes or thaws it, and the warden is told. */
bool fake_frozen (const struct job *job);
void fake_freezes (struct job *job, bool on);
void fake_writes_freezer (struct job *job, bool on); /* not told yet */

/* What is done for the node's sake is [text]. */
void fake_node_ladder (const char *text);

/* A new job "12" on the first rung of [ladder], as the node is short. */
struct job *fake_node_oom (const char *ladder);

/* The rung that [job] is on, in an open incident. */
enum mw_step_kind fake_rung (const struct job *job);

/* Nothing of what was done to [job] is left. */
void fake_is_clean (const struct job *job);

/* The warden's loop runs until there is nothing to do now. */
void fake_loop (void);

/* MemAvailable of the node is [bytes]. */
void fake_available (uint64_t bytes);

/* No courier is there any more; with [before], there was one. */
void fake_no_courier (bool before);

/* [job]'s timer fires, when it is set to. */
void fake_timer (struct job *job);

/* Is [job]'s timer on? */
bool fake_timer_is_on (const struct job *job);

/* The deadline of its step has come. */
void fake_deadline (struct job *job);

/* From now on the spool takes no request. */
void fake_spool_fails (void);

/* Courier: how many requests of [op] are there?  [r]: the last; may be NULL. */
unsigned fake_requests (enum spool_op op, struct spool_request *r);

/* The courier answers the last request of [op] with [ok], or with [code]. */
void fake_answer (struct job *job, enum spool_op op, bool ok, int code);

/* In how many records is [text]? */
unsigned fake_recorded (const char *text);

/* The same of the log's lines so far. */
unsigned fake_logged (const char *text);

/* Another warden takes over, with what is on record. Returns the job [key] as
 *   that knows it, before incident_recover. */
struct job *fake_restart (const char *key);

#endif /* !MW_FAKE_WARDEN_H */
