#include "handler/record/failsafe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "handler/job/job.h"
#include "handler/memcg/claim.h"
#include "handler/memcg/orphans.h"
#include "handler/memcg/pool.h"
#include "handler/memcg/rlimits.h"
#include "handler/record/journal.h"
#include "lib/cgfile.h"
#include "lib/cleanup.h"

#define TRIES 3 /* a write may fail once */

/* Returns 0, or -1 with errno: something does not obey. */
static int _undo_all (const struct journal *journal, struct job *job,
                      struct mw_err *err)
{
    struct stopped alone = job->incident.stopped; /* it stays on record */
    struct memcg *m = &job->memcg;
    int failed = 0;

    if (job->loan > 0 && job_read_usage (job) == 0)
        job->limit -= job->loan - job_loan_in_use (job);
    /* Before disarm, which on v2 lifts memory.high: there a limit without a
     * warden would slow the job for ever.  A loan that is in use cannot be taken
     * back without an OOM (EBUSY), and no limit is left too low by that. */
    if (m->ops->set_limit (m, job->limit, job->reserve, err) < 0 &&
        errno != EBUSY)
        failed = errno;
    /* the kernel's killer must be there when the job runs again */
    if (m->ops->disarm (m, err) < 0)
        failed = errno;
    if (job->incident.enomem &&
        rlimits_restore (m, journal->state_dir, job->spec.key, err) < 0)
        failed = errno;
    if (stopped_let_all_go (&alone, err) < 0)
        failed = errno;
    stopped_mark (m->dir, &alone);
    /* a job that never had an incident was stopped by somebody else, by Slurm's
     * suspend for one, and is not ours to wake */
    if (memcg_is_marked_frozen (m->dir) ||
        (!job->incident.slurm_stops_ms &&
         (job->incidents > 0 || job->incident.open || job->incident.frozen)))
        if (m->ops->freeze (m, false, err) < 0)
            failed = errno;
    errno = failed;
    return failed ? -1 : 0;
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
    for (int i = 0; i < TRIES && rc < 0; i++)
        rc = _undo_all (journal, job, err);
    return rc;
}

static void _failsafe_failed (struct failsafe *done, const char *what)
{
    if (done->failed++ == 0)
        mw_err_set (&done->first, "%s", what);
}

static void _give_pool_back (struct journal *journal, struct failsafe *done)
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
    if (rc < 0 && !cg_is_absent (errno) && errno != ESTALE)
        _failsafe_failed (done, text);
}

static void _give_job_back (struct journal *journal, struct job *job,
                            struct failsafe *done)
{
    struct mw_err why = { "" };
    char text[MW_ERR_MAX];
    int rc = _record_failsafe_give_back (journal, job, &why);
    bool gone = rc < 0 && (cg_is_absent (errno) || errno == ESTALE);

    if (rc == 0)
        snprintf (text, sizeof (text), "job %s: given back to the kernel",
                  job->spec.key);
    else
        snprintf (text, sizeof (text), "job %s: not given back: %.400s",
                  job->spec.key, why.text);
    if (rc == 0) {
        done->given++;
        memcg_forget_orphan (job->memcg.dir);
    } else if (!gone) {
        _failsafe_failed (done, text);
    }
    journal_append (journal, "failsafe", job, NULL, text, NULL, NULL);
}

struct failsafe_run {
    struct journal *journal;
    struct failsafe *done;
};

static void _failsafe_told (const char *path, const struct mw_err *why,
                            void *arg)
{
    struct failsafe_run *r = arg;
    char text[MW_ERR_MAX];

    snprintf (text, sizeof (text), "%.300s, which no record tells of: %s%.150s",
              path, why ? "not given back: " : "given back to the kernel",
              why ? why->text : "");
    journal_append (r->journal, "failsafe", NULL, NULL, text, NULL, NULL);
    if (why)
        _failsafe_failed (r->done, text);
    else
        r->done->given++;
}

/* All that the journal does not have. */
static void _give_orphans_back (struct journal *journal, struct failsafe *done)
{
    struct failsafe_run r = { journal, done };
    struct mw_err err;

    if (orphans_give_back (NULL, _failsafe_told, &r, &err) < 0)
        _failsafe_failed (done, err.text);
}

int failsafe_run (const char *state_dir, const char *history_dir,
                  struct failsafe *done, struct mw_err *err)
{
    struct job_table jobs = { 0 };
    struct journal journal;

    *done = (struct failsafe) { 0 };
    if (journal_open (&journal, state_dir, history_dir, err) < 0)
        return -1;
    if (journal_recover (&journal, &jobs, err) < 0) {
        journal_close (&journal);
        return -1;
    }
    for (struct job *job = jobs.first; job; job = job->next) {
        if (!job->memcg.shadow) /* else it never was anybody else's */
            _give_job_back (&journal, job, done);
    }
    _give_orphans_back (&journal, done);
    _give_pool_back (&journal, done);
    done->unread = journal.unread;
    while (jobs.first)
        job_free (&jobs, jobs.first);
    journal_close (&journal);
    return done->failed > 0 || done->unread > 0;
}
