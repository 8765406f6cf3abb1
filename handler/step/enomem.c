/* enomem.c - enomem@T: what the job asks for from now on it does not get
 *
 * Its tasks are brought to their present size by prlimit(2), and then the
 * reserve is opened, so that they wake up in it: malloc(3) fails, which many a
 * program knows how to answer, where a page fault at the limit could only wait
 * or kill. Memory that is mapped but was never touched they can still take:
 * that is what the reserve has to hold, and where it does not, the next step is
 * taken.
 */

#include "handler/memcg/rlimits.h"
#include "handler/record/journal.h"
#include "handler/record/report.h"
#include "handler/step/step.h"

#define LOOK_MS 250

/* Small processes are left alone: a job script must be able to go on starting
 * programs, which would inherit its limits. */
#define SMALL (16 * MW_MIB)

/* Returns how many more tasks there are that get nothing more, or -1: said. */
static int _lower (struct warden *w, struct job *job)
{
    uint64_t least = job->limit / 16 < SMALL ? job->limit / 16 : SMALL;
    struct mw_err err;
    int n;

    n = rlimits_lower (&job->memcg, w->journal->state_dir, job->spec.key, least,
                       &err);
    if (n < 0)
        report_failed (w, job, "it cannot be refused memory", &err);
    else if (n > 0)
        report (w, job, "step", REPORT_LOG | REPORT_JOB,
                "job %s: %d of its "
                "processes get ENOMEM when they ask for more memory",
                job->spec.key, n);
    return n;
}

static enum step_result _enomem_start (struct warden *w, struct job *job)
{
    int n;

    /* what an earlier boot, or another job of that name, has left */
    rlimits_restore (&job->memcg, w->journal->state_dir, job->spec.key, NULL);
    job->incident.enomem = true;
    report (w, job, "step", REPORT_LOG,
            "job %s: further memory is refused to "
            "it",
            job->spec.key);
    n = _lower (w, job);
    if (n == 0)
        report (w, job, "step", REPORT_LOG,
                "job %s: none of its processes can "
                "be refused memory",
                job->spec.key);
    if (n <= 0 || step_open_reserve (w, job, true) < 0)
        return STEP_NEXT;
    step_timer (w, job, LOOK_MS);
    return STEP_WAIT;
}

static enum step_result _enomem_look (struct warden *w, struct job *job)
{
    if (step_relieved (w, job, false))
        return STEP_SOLVED;
    if (_lower (w, job) < 0)
        return STEP_NEXT;
    step_timer (w, job, LOOK_MS);
    return STEP_WAIT;
}

static enum step_result _enomem_deadline (struct warden *w, struct job *job)
{
    return step_relieved (w, job, true) ? STEP_SOLVED : STEP_NEXT;
}

static void _enomem_undo (struct warden *w, struct job *job)
{
    struct mw_err err;
    int n;

    if (!job->incident.enomem)
        return;
    n = rlimits_restore (&job->memcg, w->journal->state_dir, job->spec.key,
                         &err);
    if (n < 0) {
        step_failed (w, job, "its limits stay lowered", &err);
        return;
    }
    job->incident.enomem = false;
    if (n > 0)
        report (w, job, "step", REPORT_LOG,
                "job %s: %d of its processes may "
                "have more memory again",
                job->spec.key, n);
}

static bool _enomem_undone (const struct job *job)
{
    return !job->incident.enomem;
}

const struct step_ops step_enomem = {
    .kind = MW_STEP_ENOMEM,
    .done = "refused more, it has come down by itself",
    .available = step_has_reserve,
    .start = _enomem_start,
    .again = step_next, /* the reserve is full */
    .timer = _enomem_look,
    .deadline = _enomem_deadline,
    .undo = _enomem_undo,
    .undone = _enomem_undone,
};
