/* marks.h - a job is told when what it uses passes a mark that it has asked for
 *
 * What it uses is what cannot be reclaimed, as everywhere.  Once for each time that it
 * passes the mark: it has to be a 16th below it before.  So many marks a job (JOB_MARKS),
 * in the warden's memory alone: who hears of them hears, too, that the warden goes.
 */
#ifndef MW_MARKS_H
#define MW_MARKS_H

#include "handler/job/job.h"

/* Tell those who are attached to [job] when it uses [bytes], or [percent] of its limit (1
 *   to 100; the other is 0); with neither, forget all its marks.  One that is there
 *   already is begun anew.
 * Returns 0; -1 with errno ERANGE (above the limit), ENOSPC (too many), and [err]. */
int marks_set (struct warden *w, struct job *job, uint64_t bytes,
               unsigned percent, struct mw_err *err);

#endif /* !MW_MARKS_H */
