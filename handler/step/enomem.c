/* enomem.c - enomem[=WHO]@T: what the job asks for from now on it does not get
 *
 * Its tasks are brought to their present size by prlimit(2), and then the
 * reserve is opened, so that they wake up in it: malloc(3) fails, which many a
 * program knows how to answer, where a page fault at the limit could only wait
 * or kill. Memory that is mapped but was never touched they can still take:
 * that is what the reserve has to hold, and where it does not, the next step is
 * taken.  One process alone (WHO) is brought to its size once: its children inherit
 * that.
 */

#include "handler/memcg/rlimits.h"
#include "handler/record/journal.h"
#include "handler/record/report.h"
#include "handler/step/one.h"

#define LOOK_MS 250

/* Small processes are left alone: a job script must be able to go on starting
 * programs, which would inherit its limits. */
#define SMALL (16 * MW_MIB)

/* Phases: it is looked at who it is; it is done */
enum { LOOKING = 1, LOWERED };

/* Returns how many more tasks there are that get nothing more, or -1: said. */
static int _lower (struct warden *w, struct job *job)
{
    uint64_t least = job->limit / 16 < SMALL ? job->limit / 16 : SMALL;
    struct mw_err err;
    int n;

    n = rlimits_lower (&job->memcg, w->journal->state_dir, job->spec.key, least,
                       NULL, &err);
    if (n < 0)
        report_failed (w, job, "it cannot be refused memory", &err);
    else if (n > 0)
        report (w, job, "step", REPORT_LOG | REPORT_JOB,
                "job %s: %d of its "
                "processes get ENOMEM when they ask for more memory",
                job->spec.key, n);
    return n;
}

/* Returns as _lower. */
static int _lower_chosen (struct warden *w, struct job *job)
{
    struct rlimits_one only = { (pid_t) job->incident.target_pid,
                                job->incident.target_started };
    struct mw_err err;
    int n = rlimits_lower (&job->memcg, w->journal->state_dir, job->spec.key, 0,
                           &only, &err);

    if (n < 0)
        report_failed (w, job, "it cannot be refused memory", &err);
    return n;
}

/* Whom the rung names. */
static int _lower_one (struct warden *w, struct job *job)
{
    struct mw_err err;
    struct one one;

    if (one_choose (job, &one, &err) < 0) {
        report (w, job, "step", REPORT_LOG | REPORT_JOB,
                "%s: none is refused memory alone", err.text);
        return -1;
    }
    job->incident.enomem = true;
    one_tell (w, job, "further memory is refused to", &one);
    one_drop (&one);
    return _lower_chosen (w, job);
}

static enum step_result _enomem_lowered (struct warden *w, struct job *job,
                                         int n)
{
    if (n == 0)
        report (w, job, "step", REPORT_LOG,
                "job %s: none of its processes can "
                "be refused memory",
                job->spec.key);
    if (n <= 0 || step_open_reserve (w, job, true) < 0)
        return STEP_NEXT;
    job->incident.phase = LOWERED;
    step_timer (w, job, LOOK_MS);
    return STEP_WAIT;
}

static enum step_result _enomem_seek (struct warden *w, struct job *job)
{
    if (one_begin (w, job))
        return _enomem_lowered (w, job, _lower_one (w, job));
    return one_waits (w, job, LOOKING);
}

static enum step_result _enomem_start (struct warden *w, struct job *job)
{
    /* what an earlier boot, or another job of that name, has left */
    rlimits_restore (&job->memcg, w->journal->state_dir, job->spec.key, NULL);
    if (mw_target_is_one (step_rung (job)->target))
        return _enomem_seek (w, job);
    job->incident.enomem = true;
    report (w, job, "step", REPORT_LOG,
            "job %s: further memory is refused to "
            "it",
            job->spec.key);
    return _enomem_lowered (w, job, _lower (w, job));
}

static enum step_result _enomem_look (struct warden *w, struct job *job)
{
    bool one = mw_target_is_one (step_rung (job)->target);

    if (job->incident.phase == LOOKING)
        return one_look (w, job, false)
                   ? _enomem_lowered (w, job, _lower_one (w, job))
                   : STEP_WAIT;
    if (step_relieved (w, job, false))
        return STEP_SOLVED;
    if (one ? !one_is_there (job) : _lower (w, job) < 0)
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

/* Its reserve is full: who grows has shown it, but has no room to go on in. */
static enum step_result _enomem_again (struct warden *w, struct job *job)
{
    if (job->incident.phase != LOOKING)
        return STEP_NEXT;
    return _enomem_lowered (w, job, _lower_one (w, job));
}

/* Who was chosen may not have been lowered yet; a look is forgotten, and begun anew. */
static enum step_result _enomem_recover (struct warden *w, struct job *job)
{
    bool one = mw_target_is_one (step_rung (job)->target);

    if (one && !job->incident.enomem)
        return _enomem_seek (w, job);
    if (one && _lower_chosen (w, job) < 0)
        return STEP_NEXT;
    if (one)
        job->incident.phase = LOWERED;
    return _enomem_look (w, job);
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
    .again = _enomem_again,
    .timer = _enomem_look,
    .recover = _enomem_recover,
    .deadline = _enomem_deadline,
    .undo = _enomem_undo,
    .undone = _enomem_undone,
};
