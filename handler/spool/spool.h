/* spool.h - requests from the warden to the courier, as files
 *
 * A maildir-like pair of directories below the state directory: the warden
 * writes `req/ID` (tmp + rename, so never half), the courier answers with
 * `ans/ID` and then unlinks `req/ID`.  What is asked while the controller is
 * down, or the courier, or the warden, is made good when all are back.  The
 * courier is unprivileged: it owns `ans`, and what it writes there is size
 * limited and checked like any stranger's message.  Whether there is a courier
 * at all is told by a lock that it holds there (spool_claim.c).
 *
 * A request is JSON: {"id","job","slurm_id","array_job_id","array_task_id",
 * "uid","restart_count","since_s","op","arg", "text", "mem_mb", "after_end",
 * "not_after_ms","killed_s","withdrawn","max_mb","tries","peak",
 * "joins"}.
 * [restart_count] keeps a late request from hitting the job's next run; as long
 * as the controller has not told it, [since_s] does.  A requeue outlives its
 * job's run on the node, and is changed by putting it anew when that ends:
 * [killed_s] where the warden has ended it, [withdrawn] where it goes on or has
 * ended by itself.  It is not simply cancelled then, since it may be half done.
 */
#ifndef MW_SPOOL_H
#define MW_SPOOL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/err.h"
#include "lib/jobspec.h"

#define SPOOL_ID_MAX 96
#define SPOOL_TEXT_MAX 1024
/* a restart count that nobody knows */
#define SPOOL_RUN_UNKNOWN UINT32_MAX
/* [arg] of a webhook's request: its story are transitions for the webhook sections */
#define SPOOL_TRANSITIONS "*"
/* Bytes of an incident's story; what is longer is cut there, but its end is
 *   always told. */
#define SPOOL_STORY_MAX (128 << 10)

enum spool_op {
    SPOOL_SUSPEND,
    SPOOL_RESUME,
    SPOOL_REQUEUE,      /* mem_mb > 0: with that much --mem per node;
                               tries > 0: or not at all */
    SPOOL_COMPLETE_OOM, /* ends as OUT_OF_MEMORY 0:125 */
    SPOOL_NOTIFY,       /* text: a line in the job's stderr */
    SPOOL_COMMENT,      /* text: comment */
    SPOOL_HOOK,         /* arg: name of a configured hook; text: JSON for
                               its stdin */
    SPOOL_WEBHOOK,      /* text: JSON to POST, with the story that comes
                               with the request (spool_put_story) */
    SPOOL_DRAIN,        /* text: reason; drain this node */
    SPOOL_LOOKUP,       /* its answer's text: {"partition","account",
                               "qos","restarts","cpus","comment"}; the comment
                               only where memwarden has written it */
    SPOOL_OP_COUNT
};

extern const char *const spool_op_name[SPOOL_OP_COUNT];

struct spool_request {
    char id[SPOOL_ID_MAX]; /* JOBKEY.SEQ.OP: a file name */
    char job[MW_JOBKEY_MAX];
    uint32_t slurm_id, array_job_id, array_task_id, restart_count;
    uint32_t uid;     /* whose job it is: the courier is fair between them */
    uint64_t since_s; /* by this node's wall clock: it knows of
                                       the run since then; 0 = it does not */
    enum spool_op op;
    char arg[MW_HOOK_MAX];
    char text[SPOOL_TEXT_MAX];
    uint64_t mem_mb;
    uint64_t max_mb;       /* of that, the job's own bound; 0 = none */
    uint32_t tries;        /* not if it has been given more memory so often
                                       already; 0 = that is not counted */
    uint64_t peak;         /* what [mem_mb] is made of, bytes */
    bool joins;            /* only where another of its nodes has had it
                                       requeued: with that much at least */
    bool after_end;        /* requeue: also if it has ended by itself,
                                       in answer to a signal */
    uint64_t not_after_ms; /* clock_ms after which it is pointless and
                                       dropped; 0 = always to be made good */
    uint64_t killed_s;     /* by this node's wall clock, we kill the
                                       run then, before the answer; 0 = not */
    bool withdrawn;        /* do no more than finish what is begun */
};

struct spool_answer {
    char id[SPOOL_ID_MAX];
    bool ok;
    int code;                  /* slurm errno or exit status */
    bool suspended;            /* Slurm, asked to suspend, to end or to requeue
                                       it, had it suspended before: ended or
                                       requeued, it is SIGKILLed at once */
    char text[SPOOL_TEXT_MAX]; /* what went wrong */
};

struct spool {
    int req, ans, tmp; /* directory descriptors */
    int claim;         /* the courier's, while it works */
};

/* What a courier tells of itself, to who looks (memwarden doctor). */
struct spool_courier {
    int64_t since;     /* wall clock in seconds: its start */
    unsigned restarts; /* in a row, each soon after the last */
    char trouble[256]; /* what keeps it from its work; "" = none */
};

/* Open (and, with [create], make) the spool below [state_dir]; [uid] is the
 *   courier's, who must be able to read `req` and to write `ans`. */
int spool_open (struct spool *s, const char *state_dir, bool create, uid_t uid,
                struct mw_err *err);
void spool_close (struct spool *s);

/* What the request named [id] asks for; SPOOL_OP_COUNT where it is no name of
 *   one. */
enum spool_op spool_op_of (const char *id);

/* Is [name] one that a request or an answer may have? */
bool spool_id_valid (const char *name);

/* Take [id], JOBKEY.SEQ.OP, apart: [key] may be NULL.
 * Returns false where it is no name of a request. */
bool spool_id_parts (const char *id, char key[SPOOL_ID_MAX], uint64_t *seq,
                     enum spool_op *op);

/* Name [r] by its job, [seq] and operation. [seq] must grow, also over
 *   restarts, so that a job's requests are worked off in order. */
void spool_make_id (struct spool_request *r, uint64_t seq);

/* Warden: hand [r] over, instead of the one of the same name, if any.  Does not
 *   wait for anything but the page cache, and does not allocate.
 * Returns 0; -1 with errno (ENOSPC, …). */
int spool_put (struct spool *s, const struct spool_request *r,
               struct mw_err *err);

/* Warden: add the JSON object [record] of [len] bytes to the story [name] (as a
 *   file), which nobody sees until it is put; [begin] forgets what was there.  A
 *   long story goes on with its [end] alone.  Does not allocate.
 * Returns 0; -1 with errno (ENOSPC, …: the story is without that record). */
int spool_story (struct spool *s, const char *name, const char *record,
                 size_t len, bool begin, bool end);

/* Warden: hand [r] over as spool_put does, with the story [name] and instead of
 *   it; a story that is not there is empty. */
int spool_put_story (struct spool *s, const struct spool_request *r,
                     const char *name, struct mw_err *err);

/* Warden: forget the story [name], which is not to be put. */
void spool_drop_story (struct spool *s, const char *name);

/* Warden: the number of the last record of the journal that webhooks are told of;
 *   it outlives the warden, not more. _read returns -1 where there is none. */
void spool_told_put (struct spool *s, uint64_t seq);
int spool_told_read (struct spool *s, uint64_t *seq);
void spool_told_forget (struct spool *s);

/* Warden: take back a request that is pointless now. 0 also if it is gone. */
int spool_cancel (struct spool *s, const char *id);

/* Warden: take the answer [name] away and into [a].  Whatever is there under that
 *   name, it neither waits for it nor reads much of it.
 * Returns 0; -1 with errno: ENOENT (there is none), EPROTO (it is none, and gone,
 *   or nothing that can be removed). */
int spool_take_answer (struct spool *s, const char *name,
                       struct spool_answer *a, struct mw_err *err);

/* Warden: take away what is in the place of an answer, unread. Returns 0 or -1. */
int spool_drop_answer (struct spool *s, const char *name);

/* One pass over `req` or `ans`, of which each name is seen once; [dir] is its
 *   descriptor. Returns 0; -1 with errno. */
struct spool_pass {
    int fd; /* -1 = not begun, or over */
    int have, at;
    _Alignas(8) char buf[2048];
};
int spool_pass_begin (struct spool_pass *p, int dir);

/* Returns the next name, which may be anything, until the next call; NULL: it is
 *   over.  At most one system call. */
const char *spool_pass_next (struct spool_pass *p);
void spool_pass_end (struct spool_pass *p);

/* Courier: the names of all requests, by one pass, sorted: a job's in the order
 *   they were made.
 * Returns how many, and sets [ids] (the caller's to free); -1 with errno. */
int spool_list_requests (struct spool *s, char (**ids)[SPOOL_ID_MAX]);

/* Courier: is request [id] still there? */
bool spool_has_request (struct spool *s, const char *id);

/* Courier: read request file [id]. Returns 0; -1 with errno (EPROTO: not a
 *   request). */
int spool_read_request (struct spool *s, const char *id,
                        struct spool_request *r, struct mw_err *err);

/* Courier: what to POST for request [id]: its text, a JSON object, with the
 *   story's records as member "story".
 * Returns it (the caller's to free), or NULL (EPROTO: not a request). */
char *spool_read_story (struct spool *s, const char *id, struct mw_err *err);

/* Courier: answer, then remove the request. */
int spool_put_answer (struct spool *s, const struct spool_answer *a,
                      struct mw_err *err);

/* Courier: be the one that works this spool off, as long as this process lives:
 *   it holds a lock on ans/.courier, which its workers do not inherit.  Sets
 *   [self] (no trouble).  Call it as the courier's user.
 * Returns 0; -1 with errno (EBUSY: another process is at it). */
int spool_claim (struct spool *s, struct spool_courier *self,
                 struct mw_err *err);

/* Courier: leave [self] for who looks, behind spool_claim. */
void spool_claim_say (struct spool *s, const struct spool_courier *self);

/* Is there a courier that works this spool off?  True from when it can read
 *   requests and write answers until its process ends.  Whether the controller
 *   hears it is another question: spool_courier_read.  Neither blocks nor
 *   allocates, two or three system calls.
 * Sets [pid] (may be NULL) to its process. */
bool spool_courier_alive (const struct spool *s, pid_t *pid);

/* What the courier has said last, one that has ended too, and whose it is.
 *   Checked as a stranger's.
 * Returns 0; -1 with errno: there has never been one (ENOENT), not understood. */
int spool_courier_read (const struct spool *s, struct spool_courier *c,
                        uid_t *uid);

#endif /* !MW_SPOOL_H */
