/* spool.h - requests from the warden to the courier, as files
 *
 * A maildir-like pair of directories below the state directory: the warden
 * writes `req/ID` (tmp + rename, so never half), the courier answers with
 * `ans/ID` and then unlinks `req/ID`.  What is asked while the controller is
 * down, or the courier, or the warden, is made good when all are back.  The
 * courier is unprivileged: it owns `ans`, and what it writes there is size
 * limited and checked like any stranger's message.
 *
 * A request is JSON: {"id","job","slurm_id","array_job_id","array_task_id",
 * "restart_count","op","arg", "text", "mem_mb", "not_after_ms"}.
 * [restart_count] keeps a late request from hitting the job's next run.
 */
#ifndef MW_SPOOL_H
#define MW_SPOOL_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/jobspec.h"

#define SPOOL_ID_MAX 96
#define SPOOL_TEXT_MAX 1024

enum spool_op {
    SPOOL_SUSPEND,
    SPOOL_RESUME,
    SPOOL_REQUEUE,          /* mem_mb > 0: with that much --mem per node */
    SPOOL_CANCEL,
    SPOOL_COMPLETE_OOM,     /* ends as OUT_OF_MEMORY 0:125 */
    SPOOL_NOTIFY,           /* text: a line in the job's stderr */
    SPOOL_COMMENT,          /* text: comment */
    SPOOL_ADMIN_COMMENT,    /* text: admin_comment */
    SPOOL_HOOK,             /* arg: name of a configured hook; text: JSON for
                               its stdin */
    SPOOL_WEBHOOK,          /* text: JSON to POST */
    SPOOL_DRAIN,            /* text: reason; drain this node */
    SPOOL_LOOKUP,           /* its answer's text: {"partition","account",
                               "qos"} */
    SPOOL_OP_COUNT
};

extern const char *const spool_op_name[SPOOL_OP_COUNT];

struct spool_request {
    char id[SPOOL_ID_MAX];          /* JOBKEY.SEQ.OP: a file name */
    char job[MW_JOBKEY_MAX];
    uint32_t slurm_id, array_job_id, array_task_id, restart_count;
    enum spool_op op;
    char arg[MW_HOOK_MAX];
    char text[SPOOL_TEXT_MAX];
    uint64_t mem_mb;
    uint64_t not_after_ms;          /* clock_ms after which it is pointless and
                                       dropped; 0 = always to be made good */
};

struct spool_answer {
    char id[SPOOL_ID_MAX];
    bool ok;
    int code;                       /* slurm errno or exit status */
    char text[SPOOL_TEXT_MAX];      /* what went wrong */
};

struct spool {
    int req, ans, tmp;              /* directory descriptors */
};

/* Open (and, with [create], make) the spool below [state_dir]; [uid] is the
 *   courier's, who must be able to read `req` and to write `ans`. */
int spool_open (struct spool *s, const char *state_dir, bool create, uid_t uid,
                struct mw_err *err);
void spool_close (struct spool *s);

/* Name [r] by its job, [seq] and operation. [seq] must grow, also over
 *   restarts, so that a job's requests are worked off in order. */
void spool_make_id (struct spool_request *r, uint64_t seq);

/* Warden: hand [r] over. Does not wait for anything but the page cache, and
 *   does not allocate. Returns 0 or -1 (ENOSPC, …). */
int spool_put (struct spool *s, const struct spool_request *r,
               struct mw_err *err);

/* Warden: take back a request that is pointless now. 0 also if it is gone. */
int spool_cancel (struct spool *s, const char *id);

/* Warden: take the next answer. Returns 1, 0 (none), or -1. */
int spool_take_answer (struct spool *s, struct spool_answer *a,
                       struct mw_err *err);

/* Courier: the name of the request that sorts first behind [after] ("": from
 *   the first).  A job's requests sort in the order they were made.
 * Returns 1 and sets [id], 0 (none), or -1. */
int spool_next_request (struct spool *s, const char *after,
                        char id[SPOOL_ID_MAX]);

/* Courier: read request file [id]. Returns 0, or -1 (EPROTO: not a request). */
int spool_read_request (struct spool *s, const char *id,
                        struct spool_request *r, struct mw_err *err);

/* Courier: answer, then remove the request. */
int spool_put_answer (struct spool *s, const struct spool_answer *a,
                      struct mw_err *err);

#endif /* !MW_SPOOL_H */
