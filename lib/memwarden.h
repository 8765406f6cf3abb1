/* memwarden.h - the job's own voice: a program inside a job asks for memory, gives it
 * back, and hears of it
 *
 * Link with `pkg-config --libs memwarden`; libmemwarden(3) says the same at length.  All
 * sizes are bytes.  The warden knows by SO_PEERCRED who asks: the job is the one that
 * the calling process is in.
 *
 * No call waits longer than MW_WAIT_MAX ms, whatever the warden does or does not do;
 * where there is none it fails at once.  All may be called from any thread, none from a
 * signal handler.  They return -1 on failure, with errno and, where [why] is not NULL, a
 * sentence of at most [len] bytes with its NUL:
 *   ENOENT     there is no warden here
 *   ESRCH      the process is in no job
 *   ETIMEDOUT  no answer in time: what was asked for may be done yet (see mw_self)
 *   ENOSYS     this warden is older than the library, and does not know of it: nothing is
 *              done
 *   …          what the function says
 */
#ifndef MEMWARDEN_H
#define MEMWARDEN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MW_WAIT_MAX 10000

struct mw_status {
    char job[64];         /* job key: Slurm's job id, or a name */
    unsigned priority;    /* 0..1000, higher is better protected */
    uint64_t usage;       /* that cannot be reclaimed */
    uint64_t reservation; /* always the job's */
    uint64_t limit;       /* where its OOM is declared, at present */
    uint64_t room;        /* from usage to there */
    uint64_t reserve;     /* above the limit, while an OOM is handled */
    uint64_t loan; /* of the limit: what was asked for by mw_request_grow */
    uint64_t loan_left_ms; /* its time; 0 = over: to be given back */
    int incident;          /* 1 while an OOM of the job is being handled */
    char step[32];         /* the ladder's step then, else "" */
    uint64_t spare[8];     /* of later versions; 0 */
};

/* Fill [status] for the caller's job. Returns 0 or -1. */
int mw_self (struct mw_status *status, char *why, size_t len);

/* Open a descriptor that becomes readable (poll(2)) for whatever befalls the memory of
 *   the caller's job: it is at its limit, a step of its ladder is taken, a loan begins or
 *   is over; and at last when the warden goes.  mw_next_note reads it.
 * Returns it (close(2) it when done) or -1. */
int mw_on_pressure (char *why, size_t len);

/* Read one note from [fd] into [text] (at most [len] bytes with its NUL). Does not wait.
 * Returns 1; 0 when the warden has gone; -1 with errno (EAGAIN: none now). */
int mw_next_note (int fd, char *text, size_t len);

/* Ask for [bytes] above the limit that the job has by itself, for so many [seconds] (86,400
 *   at most): all of it, or a refusal.  A job has one loan: where it has one, that is made
 *   so large, if it is smaller, and has that end, so it may be asked for again after
 *   ETIMEDOUT.
 * Returns 0; the job's limit is that much higher.  -1: ERANGE (above what the job's owner
 *   may have, or not in the range), ENOSPC (the node has not that much headroom), EAGAIN
 *   (it is short of memory), EBUSY (the last loan is over and still used), ENOTSUP. */
int mw_request_grow (uint64_t bytes, unsigned seconds, char *why, size_t len);

/* Give it back: at once what the job does not use of it, and the rest as it lets go, as at
 *   the loan's end.  Without a loan nothing happens. Returns 0 or -1. */
int mw_return (char *why, size_t len);

/* The job's work up to now is saved: at the node's OOM what it would lose counts from here,
 *   so it is the sooner chosen among equals. Returns 0 or -1. */
int mw_checkpointed (char *why, size_t len);

/* From now on the job's own OOM is answered by [ladder], as memwarden-ladder(7) has it.
 * Returns 0; -1: EINVAL (it is none). */
int mw_set_ladder (const char *ladder, char *why, size_t len);

/* Have a note come to the descriptors of mw_on_pressure, all of the job's, when what the job
 *   uses (mw_status, usage) passes [percent] of its limit (1 to 100), or [bytes]; the
 *   other is 0.  With both 0, none any more.  A mark is told once each time that it is
 *   passed: what is used must have been a 16th below it since; within a second or so.
 *   They are the job's, eight at most, and gone when the warden goes.
 * Returns 0; -1: ERANGE (above the limit, or no percentage), ENOSPC (eight are there). */
int mw_notify_at (unsigned percent, uint64_t bytes, char *why, size_t len);

#define MW_CLEAR_ON_EXEC 1u

/* The calling process, and each that it starts from now on, may hold [bytes] of anonymous and
 *   shared memory and swap: who holds more has [actions] done to it, as --proc-limit of
 *   memwarden(1) has them ("signal=USR1@30s,kill"; NULL: kill).  In the place of what it
 *   had; 0: it has what its job has.  Executing another program changes nothing, but with
 *   MW_CLEAR_ON_EXEC in [flags]: whoever does it then has what the job has.  It is gone
 *   when the warden goes.
 * Returns 0; -1: EINVAL (actions, flags), ERANGE (above the job's limit), ENOSPC (256
 *   processes of the job have one, or his jobs' have as many as others leave free). */
int mw_proc_limit (uint64_t bytes, const char *actions, unsigned flags,
                   char *why, size_t len);

#ifdef __cplusplus
}
#endif
#endif /* !MEMWARDEN_H */
