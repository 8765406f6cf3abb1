/* loan.h - memory that a job has asked for above its limit, for a while
 *
 * KAMEZAWA's temporary enlargement, before there is an OOM: a program that knows of a
 * peak to come asks for it (lib/memwarden.h, mw_request_grow).  What may be lent is what
 * the rung grow might lend, and never more than its owner could set as the job's limit.
 * While it lasts it is a part of job->limit, so that all that knows of limits knows of
 * it; job->loan is how much of that is to be taken back, from job->loan_ms on.
 */
#ifndef MW_LOAN_H
#define MW_LOAN_H

#include <stdint.h>

#include "handler/job/job.h"
#include "lib/err.h"

struct warden;

/* A loan is for at most so long, seconds. */
#define LOAN_MOST_S 86400

/* Lend [job] so many [bytes] above the limit of its own until so many [seconds] from
 *   now, all of it or nothing.  One that it has already is made that large, and has
 *   that end; it is never made smaller.
 * Returns 0; -1 with errno and a sentence: ERANGE (out of the range, or above what its
 *   owner may have), ENOSPC (there is no headroom), EAGAIN (the node is short), EBUSY
 *   (its last one is over and not given back yet), ENOTSUP (shadow mode), … */
int loan_ask (struct warden *w, struct job *job, uint64_t bytes,
              uint32_t seconds, struct mw_err *err);

/* [job] does not need what it was lent: take back what it does not use, at once, and
 *   the rest as it lets go of it. */
void loan_return (struct warden *w, struct job *job);

/* If it is time for it: the same, because the loan's time is over. */
void loan_timer (struct warden *w, struct job *job);

#endif /* !MW_LOAN_H */
