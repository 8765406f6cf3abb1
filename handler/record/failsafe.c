#include "handler/record/failsafe.h"

#include <errno.h>
#include <stdlib.h>

#include "handler/job/job.h"
#include "handler/memcg/claim.h"
#include "handler/memcg/pool.h"
#include "handler/memcg/rlimits.h"
#include "handler/record/journal.h"
#include "lib/cleanup.h"

#define TRIES 3 /* a write may fail once */

/* Returns 0, or -1: something does not obey. */
static int _undo_all (const struct journal *journal, struct job *job,
                      struct mw_err *err)
{
    struct memcg *m = &job->memcg;
    /* the kernel's killer must be there when the job runs again */
    int rc = m->ops->disarm (m, err);

    if (job->incident.enomem &&
        rlimits_restore (m, journal->state_dir, job->spec.key, err) < 0)
        rc = -1;
    /* a job that never had an incident was stopped by somebody else, by Slurm's
     * suspend for one, and is not ours to wake */
    if (!job->incident.slurm_stops_ms &&
        (job->incidents > 0 || job->incident.open || job->incident.frozen))
        if (m->ops->freeze (m, false, err) < 0)
            rc = -1;
    return rc;
}

/* Returns 0, or -1: its memcg is not there any more, or does not obey. */
static int _record_failsafe_give_back (const struct journal *journal,
                                       struct job *job, struct mw_err *err)
{
    cleanup_free char *path = job->memcg.path;
    struct memcg *m = &job->memcg;
    int rc = -1;

    m->path = NULL;
    if (memcg_reopen (m, path, job->freezer_path, m->inode, job->spec.layout,
                      err) < 0) {
        m->path = path;
        path = NULL;
        return -1;
    }
    if (memcg_not_claimed (m->dir, err) < 0)
        return -1;
    /* A loan that is in use cannot be taken back without an OOM, so this may
     * fail.  Before disarm, which on v2 lifts memory.high: there a limit
     * without a warden would slow the job for ever. */
    m->ops->set_limit (m, job->limit, job->reserve, NULL);
    for (int i = 0; i < TRIES && rc < 0; i++)
        rc = _undo_all (journal, job, err);
    return rc;
}

static void _give_pool_back (struct journal *journal)
{
    char path[PATH_MAX], text[MW_ERR_MAX];
    struct mw_err why = { "" };
    const struct memcg_spare none = { 0 };
    int rc = pool_failsafe (journal->state_dir, &none, path, &why);

    if (rc == 0)
        return;
    snprintf (text, sizeof (text), "pool %.200s: %s%.250s", path,
              rc > 0 ? "given back to the kernel" : "not given back: ",
              why.text);
    journal_append (journal, "failsafe", NULL, NULL, text, NULL, NULL);
}

int failsafe_run (const char *state_dir, struct mw_err *err)
{
    struct job_table jobs = { 0 };
    struct journal journal;
    int count = 0;

    if (journal_open (&journal, state_dir, err) < 0)
        return -1;
    if (journal_recover (&journal, &jobs, err) < 0) {
        journal_close (&journal);
        return -1;
    }
    for (struct job *job = jobs.first; job; job = job->next) {
        struct mw_err why = { "" };
        char text[MW_ERR_MAX];

        if (job->memcg.shadow) /* it never was anybody else's */
            continue;

        if (_record_failsafe_give_back (&journal, job, &why) == 0) {
            count++;
            snprintf (text, sizeof (text), "job %s: given back to the kernel",
                      job->spec.key);
        } else {
            snprintf (text, sizeof (text), "job %s: not given back: %.400s",
                      job->spec.key, why.text);
        }
        journal_append (&journal, "failsafe", job, NULL, text, NULL, NULL);
    }
    _give_pool_back (&journal);
    while (jobs.first)
        job_free (&jobs, jobs.first);
    journal_close (&journal);
    return count;
}
