/* grow.c - grow[=SIZE]@T: lend the job headroom of the pool, for a while
 *
 * KAMEZAWA's idea of what a handler with oom_control can do: enlarge the limit
 * temporarily.  SIZE is the most that may be lent; without it the job is lent
 * piece after piece as it needs them, while the pool has headroom.  The limit
 * is the old one again when the job is back below it, at once or, where it comes
 * and goes (policy/often.h), when it has been so for a while.  At T with the job still
 * above, the ladder goes on and the loan stays until the job shrinks or ends:
 * taking it back by force would only be another OOM.
 */

#include "handler/account/headroom.h"
#include "handler/record/report.h"
#include "handler/step/step.h"
#include "lib/clock.h"

/* How often a job that holds a loan is looked at: only then is there a
 * timer. */
#define LOOK_MS 1000

/* Has the job got all that SIZE allows it? */
static bool _all_lent (const struct job *job, const struct mw_amount *size)
{
    uint64_t most = mw_amount_of (size, job->limit, 0);

    if (size->kind == MW_AMOUNT_FACTOR)
        most -= mw_least (most, job->limit);
    return size->kind != MW_AMOUNT_NONE && job->incident.lent >= most;
}

static bool _grow_available (struct warden *w, struct job *job,
                             struct mw_err *why)
{
    if (job_loses (job, &w->conf) == STRIKES_NONE)
        return true;
    mw_err_set (why, "its user has %u strikes", job->strikes);
    return false;
}

static enum step_result _lend (struct warden *w, struct job *job)
{
    const struct mw_ladder_step *s = step_rung (job);
    uint64_t bytes = headroom_may_lend (w, job, &s->amount);

    job->incident.below_ms = 0;
    if (bytes == 0) {
        job->incident.grow_refused = true;
        report (w, job, "step", REPORT_LOG | REPORT_JOB,
                "job %s: cannot be grown: %s", job->spec.key,
                _all_lent (job, &s->amount)
                    ? "it has all that its ladder allows"
                    : "the pool has no headroom");
        return STEP_NEXT;
    }
    job->incident.grow_refused = false;
    if (step_lend (w, job, bytes) < 0)
        return STEP_NEXT;
    step_timer (w, job, LOOK_MS);
    return STEP_WAIT;
}

/* Where it needs its loan again and again, it keeps it for a while, as long as
 * there is more where it comes from: is that to be so? */
static bool _keeps (struct warden *w, struct job *job)
{
    static const struct mw_amount usual = { .kind = MW_AMOUNT_NONE };
    struct incident *in = &job->incident;
    uint64_t now = clock_ms ();

    if (in->below_ms == 0)
        in->below_ms = now;
    return in->lent > 0 && now - in->below_ms < often_keep_ms (&job->often) &&
           !w->up.node_is_short (w) && headroom_may_lend (w, job, &usual) > 0;
}

/* Its time begins again each time that it has been below: then it would have had
 * another incident the next time. */
static enum step_result _grow_look (struct warden *w, struct job *job)
{
    struct incident *in = &job->incident;

    if (!step_below (job))
        in->below_ms = 0;
    else if (!_keeps (w, job))
        return STEP_SOLVED;
    else if (in->deadline_ms)
        in->deadline_ms = clock_ms () + step_rung (job)->deadline_ms;
    step_timer (w, job, LOOK_MS);
    return STEP_WAIT;
}

static enum step_result _grow_deadline (struct warden *w, struct job *job)
{
    (void) w;
    return step_below (job) ? STEP_SOLVED : STEP_NEXT;
}

const struct step_ops step_grow = {
    .kind = MW_STEP_GROW,
    .done = "back below its limit after it was grown",
    .available = _grow_available,
    .start = _lend,
    .again = _lend,
    .timer = _grow_look,
    .deadline = _grow_deadline,
};
