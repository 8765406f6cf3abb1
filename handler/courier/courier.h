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
#include "handler/spool/outbox.h"
#include "handler/spool/spool.h"
#include "lib/errand.h"

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
    uint32_t offer; /* rest_offer, as this worker knows it */
    char text[SPOOL_TEXT_MAX];
};

/* A request waits for the earlier ones of its job only if they go the same way.
 * WAY_WEB is that of courier { webhook }; into the outbox, which is on a disk, leads
 * another, and from there each webhook section has its own, in their order. */
enum courier_way {
    WAY_CONTROLLER,
    WAY_HOOK,
    WAY_WEB,
    WAY_OUTBOX,
    WAY_SECTION,
    WAY_COUNT = WAY_SECTION + CONF_MAX_WEBHOOKS
};

struct courier_lane;
struct courier_user;

enum courier_state {
    ITEM_BEHIND,  /* another of its job comes first */
    ITEM_SLEEPS,  /* until due_ms */
    ITEM_READY,   /* among those whose turn it may be */
    ITEM_RUNNING, /* it has a worker */
};

struct courier_item {
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

    /* the queue's own */
    enum courier_state state;
    struct courier_lane *lane;
    struct courier_item *before, *after;             /* in its lane */
    struct courier_item *ready_before, *ready_after; /* of its user's ready */
    struct courier_item *same_hash, *next_running;
    uint64_t look_ms; /* its key in the heap, and its place + 1; 0 = not in */
    unsigned place;
};

/* Requests in the order in which they are to be done: those of a job on one way
 * one after the other (a lane), and the users who have one that is ready in turn.
 * All that is done with an item takes as long with 10,000 others as with none, but
 * for a logarithm where it has to wait for a time.  Zeroed it is empty. */
struct courier_queue {
    struct courier_item **by_id; /* hash tables; sizes are powers of two */
    struct courier_lane **lanes;
    struct courier_user **users;
    unsigned id_size, lane_size, user_size;
    unsigned count, lane_count, user_count, of_way[WAY_COUNT];
    struct courier_user *next_user[WAY_COUNT], *last_user[WAY_COUNT];
    struct courier_item *running;
    struct courier_item **heap; /* who is to be looked at first */
    unsigned heaped, heap_size;
};

enum courier_way courier_way_of (enum spool_op op);

/* Add a copy of [r] at the end; it is due at once.
 * Returns its item, NULL with EEXIST, ENOMEM. */
struct courier_item *courier_queue_add (struct courier_queue *q,
                                        const struct spool_request *r);
struct courier_item *courier_queue_find (struct courier_queue *q,
                                         const char *id);
struct courier_item *courier_queue_of_pid (struct courier_queue *q, pid_t pid);
/* The same, on another way than its operation has. */
struct courier_item *courier_queue_add_on (struct courier_queue *q,
                                           const struct spool_request *r,
                                           enum courier_way way);
unsigned courier_queue_count (const struct courier_queue *q,
                              enum courier_way way);
void courier_queue_remove (struct courier_queue *q, struct courier_item *item);
void courier_queue_free (struct courier_queue *q);

/* Take the item on [way] whose turn it is: it is running from now on, until
 *   courier_queue_later or _remove. [item]->limit_ms and ->killed are the caller's
 *   to set, and courier_queue_timed then to be called. Returns NULL: none is
 *   ready.  _is_ready says whether there is one. */
struct courier_item *courier_queue_next (struct courier_queue *q,
                                         enum courier_way way);
bool courier_queue_is_ready (const struct courier_queue *q,
                             enum courier_way way);
void courier_queue_timed (struct courier_queue *q, struct courier_item *item);

/* [item], which was running, is not done: it may be tried again at [due_ms]
 *   (clock_ms), [deferred] or not. */
void courier_queue_later (struct courier_queue *q, struct courier_item *item,
                          uint64_t due_ms, bool deferred);

/* What was deferred of [job] on [way] is due now. */
void courier_queue_wake (struct courier_queue *q, const char *job,
                         enum courier_way way);

/* Let what has slept until [now] be ready. Returns an item whose own time has
 *   passed: a running one, at its limit_ms; any other, at its not_after_ms (the
 *   caller removes it); NULL: none.  [when]: the next time for which that is to be
 *   called; 0 = none. */
struct courier_item *courier_queue_due (struct courier_queue *q, uint64_t now,
                                        uint64_t *when);

/* How long to wait before attempt [attempts] + 1 on [way], in ms: at most so long, and
 *   half of it at least, by [chance] (any number), so that what has failed together is
 *   not tried again together. */
uint64_t courier_backoff (enum courier_way way, unsigned attempts,
                          uint32_t chance);

/* The webhook sections of [conf], and what they have not been told. */
struct courier_web {
    const struct conf *conf;
    struct outbox box;
    unsigned dropped[CONF_MAX_WEBHOOKS]; /* since courier_web_news */
};

/* Queue what is in the outbox. Returns 0; -1 with errno. */
int courier_web_open (struct courier_web *web, struct courier_queue *q,
                      struct mw_err *err);

/* The transitions of request [id] are in the outbox: put them into [q]. */
void courier_web_queue (struct courier_web *web, struct courier_queue *q,
                        struct spool *spool, const char *id);

/* Is there something to be said of what was dropped, in [text]?  Each is told once. */
bool courier_web_news (struct courier_web *web, struct mw_err *text);

/* The name in the outbox of the item [id]. */
const char *courier_outbox_name (const char *id);

/* Start a worker for [item] of [spool]: sets its pid, fd, limit_ms. Returns 0;
 *   -1 with errno. */
int courier_worker_start (struct courier_item *item, const struct conf *conf,
                          struct spool *spool, struct outbox *box,
                          struct mw_err *err);

/* [item]'s worker has ended with wait [status]: what came of it, in [res].  The
 *   worker's fd is closed. */
void courier_worker_result (struct courier_item *item, int status,
                            struct courier_result *res);

/* Below: in a worker.  Each does request [r] and fills [res]. */
void courier_slurm (const struct spool_request *r, const struct conf *conf,
                    struct courier_result *res);
void courier_story (const struct spool_request *r, const struct conf *conf,
                    struct spool *spool, struct courier_result *res);

/* Write [r]'s transitions into the outbox [box] of each webhook of [conf] that is to be
 *   told of them. */
void courier_outbox (const struct spool_request *r, const struct conf *conf,
                     struct spool *spool, struct outbox *box,
                     struct courier_result *res);

/* POST what [box] has of webhook [i], [hook], under [r]'s id; what is
 *   over is removed there. */
void courier_transition (const struct spool_request *r,
                         const struct conf_webhook *hook, struct outbox *box,
                         unsigned i, struct courier_result *res);

/* Run the hook [r]->arg to its end, or to the end of its time ([r]'s and the
 *   configured one), or, where that is "", the built-in one, courier_ps.  What
 *   it writes is in [res], as much as there is room for.  Whatever of its
 *   process group is left over is the caller's to kill. */
void courier_hook (const struct spool_request *r, const struct conf *conf,
                   struct courier_result *res);
void courier_ps (const struct spool_request *r, struct courier_result *res);

/* What stands for a newline in [res]: an answer is one line. */
#define COURIER_LINE ERRAND_LINE

/* Fill [res]. Returns [verdict]. */
enum courier_verdict courier_say (struct courier_result *res,
                                  enum courier_verdict verdict, int code,
                                  const char *fmt, ...)
    __attribute__ ((format (printf, 4, 5)));

#endif /* !MW_COURIER_H */
