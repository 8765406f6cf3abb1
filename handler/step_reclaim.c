/* step_reclaim.c - reclaim[=SIZE]: push cold pages out to swap
 *
 * In pieces, one a turn of the loop, since the kernel does it in the writer's
 * time.  An OOM means that the page cache is gone already: without swap there is
 * nowhere to push to.
 */

#include <sys/sysinfo.h>

#include "handler/step.h"

#define PIECE (16 * MW_MIB)

static bool _available (struct warden *w, struct job *job, struct mw_err *why)
{
    struct sysinfo si;

    (void) w;
    (void) job;
    if (sysinfo (&si) == 0 && si.freeswap > 0)
        return true;
    mw_err_set (why, "there is no free swap to push its pages to");
    return false;
}

static enum step_result _piece (struct warden *w, struct job *job,
                                const struct mw_ladder_step *s)
{
    uint64_t target, freed = 0;

    if (step_read_usage (job) < 0)
        return STEP_NEXT;
    target = job->limit - job->limit / 8;
    if (s->amount.kind != MW_AMOUNT_NONE)
        target = job->limit - mw_amount_of (&s->amount, job->limit, 0);
    if (target > job->limit)
        target = 0;
    if (job->usage.total <= target)
        return STEP_SOLVED;
    if (job->memcg.ops->reclaim (&job->memcg, PIECE, &freed, NULL) < 0 ||
        freed == 0)
        return STEP_NEXT;
    step_timer (w, job, 1);
    return STEP_WAIT;
}

static enum step_result _run (struct warden *w, struct job *job,
                              const struct mw_ladder_step *s,
                              enum step_cause cause,
                              const struct spool_answer *answer)
{
    char a[MW_SIZE_STRLEN];

    (void) answer;
    switch (cause) {
    case STEP_START:
        report (w, job, "step", REPORT_LOG, "job %s: cold pages of its %s are "
                "pushed out", job->spec.key,
                mw_size_format (job->usage.total, a, sizeof (a)));
        return _piece (w, job, s);
    case STEP_TIMER:
    case STEP_RECOVER:
        return _piece (w, job, s);
    case STEP_DEADLINE:
        return STEP_NEXT;
    default:
        return STEP_WAIT;
    }
}

const struct step_ops step_reclaim = {
    .kind = MW_STEP_RECLAIM,
    .done = "its cold pages are in swap",
    .available = _available,
    .run = _run,
};
