/* courier.h - memwarden-courier: what the warden asks, where it may be slow
 *
 * A smaller house beside the warden's: requests come from the spool in order,
 * each attempt is made by a forked worker that is given up when it takes too
 * long (libslurm blocks for many seconds while slurmctld is down, and may
 * abort()), and every request is answered once.  A worker may die after it has
 * done its work and before that is known, so every operation can be repeated.
 */
#ifndef MW_COURIER_H
#define MW_COURIER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "handler/conf/conf.h"
#include "handler/spool/spool.h"

enum courier_verdict {
    COURIER_DONE = 1,
    COURIER_REFUSED,     /* will never work; [text] says why */
    COURIER_AGAIN,       /* later */
    COURIER_DEFER,       /* when the job is resumed */
    COURIER_UNREACHABLE, /* later, and so for all that go there */
};

/* What a worker writes to its pipe; at most PIPE_BUF bytes, so in one piece. */
struct courier_result {
    enum courier_verdict verdict;
    int code;       /* Slurm's errno, HTTP or exit status */
    bool denied;    /* its user is no operator of Slurm's */
    bool suspended; /* as in struct spool_answer */
    char text[SPOOL_TEXT_MAX];
};

/* A request waits for the earlier ones of its job only if they go the same way. */
enum courier_way { WAY_CONTROLLER, WAY_HOOK, WAY_WEB, WAY_COUNT };

struct courier_item {
    struct courier_item *next;
    struct spool_request req;
    enum courier_way way;
    unsigned attempts;
    uint64_t due_ms; /* clock_ms; not before */
    bool deferred;   /* a line for a job that is suspended: others
                                   go past it */
    bool gone;       /* it was taken back while its worker is busy */
    bool changed;    /* it was put anew meanwhile: begin again */

    pid_t pid;         /* of its worker, 0 = none */
    int fd;            /* where the worker's result comes from */
    uint64_t limit_ms; /* clock_ms at which the worker is killed */
    bool killed;
};

/* Requests in the order in which they are to be done. */
struct courier_queue {
    struct courier_item *first;
};

enum courier_way courier_way_of (enum spool_op op);

/* Add a copy of [r] at the end. Returns its item, NULL with EEXIST, ENOMEM. */
struct courier_item *courier_queue_add (struct courier_queue *q,
                                        const struct spool_request *r);
struct courier_item *courier_queue_find (struct courier_queue *q,
                                         const char *id);
unsigned courier_queue_count (const struct courier_queue *q,
                              enum courier_way way);
void courier_queue_remove (struct courier_queue *q, struct courier_item *item);

/* Is no earlier request of the same job on the same way left?  Those that are
 *   deferred only keep back other lines for the job. */
bool courier_queue_turn (const struct courier_queue *q,
                         const struct courier_item *item);

/* How long to wait before attempt [attempts] + 1 on [way], in ms. */
uint64_t courier_backoff (enum courier_way way, unsigned attempts);

/* Start a worker for [item] of [spool]: sets its pid, fd, limit_ms. Returns 0;
 *   -1 with errno. */
int courier_worker_start (struct courier_item *item, const struct conf *conf,
                          struct spool *spool, struct mw_err *err);

/* [item]'s worker has ended with wait [status]: what came of it, in [res].  The
 *   worker's fd is closed. */
void courier_worker_result (struct courier_item *item, int status,
                            struct courier_result *res);

/* Below: in a worker.  Each does request [r] and fills [res]. */
void courier_slurm (const struct spool_request *r, const struct conf *conf,
                    struct courier_result *res);
void courier_http (const struct spool_request *r, const struct conf *conf,
                   struct spool *spool, struct courier_result *res);

/* Run the hook [r]->arg to its end, or to the end of its time ([r]'s and the
 *   configured one), or, where that is "", the built-in one, courier_ps.  What
 *   it writes is in [res], as much as there is room for.  Whatever of its
 *   process group is left over is the caller's to kill. */
void courier_hook (const struct spool_request *r, const struct conf *conf,
                   struct courier_result *res);
void courier_ps (const struct spool_request *r, struct courier_result *res);

/* What stands for a newline in [res]: an answer is one line. */
#define COURIER_LINE " | "

/* Fill [res]. Returns [verdict]. */
enum courier_verdict courier_say (struct courier_result *res,
                                  enum courier_verdict verdict, int code,
                                  const char *fmt, ...)
    __attribute__ ((format (printf, 4, 5)));

#endif /* !MW_COURIER_H */
