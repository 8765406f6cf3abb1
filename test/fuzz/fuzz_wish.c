/* fuzz_wish.c - a desk that somebody has taken over wants things of the warden
 *
 * The warden is unit tests' fake one, which also fails where a deed is not on record
 * before it is done.
 */
#include "test/fuzz/fuzz.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "handler/daemon/wish.h"
#include "handler/pass/pass.h"
#include "handler/record/journal.h"
#include "test/unit/fake_warden.h"

#define WARDEN_RUNS 2048 /* then its log is long enough */
#define WISHES 8

/* Its end is the program's, or that of its runs. */
static void _wish_end (void)
{
    PROMISE (fake_end (NULL) == 0);
}

static void _wish_begin (void)
{
    static unsigned runs;

    if (runs++ % WARDEN_RUNS > 0) {
        /* it is read again at each deed */
        struct ahead *file = &fake.w.journal->file;

        memset (file->map, '\n', file->len);
        file->len = 0;
        return;
    }
    if (runs == 1)
        PROMISE (atexit (_wish_end) == 0);
    else
        _wish_end ();
    PROMISE (fake_begin (NULL) == 0);
}

static void _wish_forget (struct job *job)
{
    char path[PATH_MAX];

    snprintf (path, sizeof (path), "%s", job->memcg.path);
    job_free (&fake.w.jobs, job);
    fuzz_remove (path);
}

/* What may be of a job, whoever wants what. */
static void _wish_check (const struct job *job)
{
    PROMISE (job->priority <= MW_PRIORITY_MAX);
    PROMISE (job->limit >= job->reservation && job->limit <= 7 * MW_GIB);
    PROMISE (job->ladder && job->ladder->count > 0);
    PROMISE (!job->incident.open ||
             job->incident.step < job->incident.ladder->count);
    PROMISE (fake_frozen (job) == job->incident.frozen || job->incident.slowed);
}

void fuzz_wish (const uint8_t *data, size_t size)
{
    struct pass_wish wish;
    struct mw_err err = { "" };
    struct job *jobs[2];
    size_t len;

    _wish_begin ();
    jobs[0] = fake_job ("12", "hold@5m,kill");
    jobs[1] = fake_oom ("13", "hold@5m,suspend@10m,kill");
    for (int i = 0; i < WISHES && size > 0; i++) {
        len = mw_least (size, sizeof (wish));
        memcpy (&wish, data, len);
        data += len;
        size -= len;
        if (!pass_wish_is_good (&wish, len))
            continue;
        if (wish_grant (&fake.w, &wish, &err) < 0)
            fuzz_check_sentence (&err);
        _wish_check (jobs[0]);
        _wish_check (jobs[1]);
    }
    _wish_forget (jobs[1]);
    _wish_forget (jobs[0]);
}
