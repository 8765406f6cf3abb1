/* reclaim.c - reclaim[=SIZE]: push cold pages out to swap
 *
 * In pieces, one a turn of the loop, since the kernel does it in the writer's
 * time.  An OOM means that the page cache is gone already: without swap there
 * is nowhere to push to.  At its own limit the kernel has tried that before the
 * job came here; so it is for the node above all, whose memory runs out while
 * every job is below its limit.
 */

#include <sys/sysinfo.h>

#include "handler/record/report.h"
#include "handler/step/step.h"

#define PIECE (16 * MW_MIB)

bool step_swap_free (void)
{
    struct sysinfo si;

    return sysinfo (&si) == 0 && si.freeswap > 0;
}

/* A v1 job at its own limit sleeps until there is room: more of it cannot go
 * out, since the kernel has tried, but what it cannot run without can.  Woken
 * then, it dies of SIGSEGV: the kernel's own access to its memory (rseq(2))
 * does not sleep in an OOM, it fails. */
static bool _reclaim_available (struct warden *w, struct job *job,
                                struct mw_err *why)
{
    (void) w;
    if (!step_swap_free ())
        mw_err_set (why, "there is no free swap to push its pages to");
    else if (job->memcg.ops->sleeps_at_limit &&
             job->incident.trigger == TRIGGER_JOB)
        mw_err_set (why, "at a job's own limit the kernel has pushed out all "
                         "that it can (cgroup v1)");
    else
        return true;
    return false;
}

/* [phase] of the incident: what it used when the step began, in MiB. */
static uint64_t _began (const struct job *job)
{
    return (uint64_t) job->incident.phase * MW_MIB;
}

/* Down to where is enough?  For the node a job gives what is over its
 * reservation, and if it is chosen within that, whatever it can. */
static uint64_t _target (const struct job *job, const struct mw_ladder_step *s)
{
    bool node = job->incident.trigger == TRIGGER_NODE;
    uint64_t from = node ? _began (job) : job->limit, size;

    if (node && s->amount.kind == MW_AMOUNT_NONE)
        return from > job->reservation ? job->reservation : 0;
    size = mw_amount_of (&s->amount, job->limit, job->limit / 8);
    return from > size ? from - size : 0;
}

static bool _reclaim_enough (struct warden *w, const struct job *job,
                             const struct mw_ladder_step *s)
{
    if (job->incident.trigger == TRIGGER_NODE && !w->up.node_is_short (w))
        return true;
    return job->usage.total <= _target (job, s);
}

/* The node may need more than what was asked of this job. */
static enum step_result _reclaim_end (struct warden *w, struct job *job,
                                      bool enough)
{
    char a[MW_SIZE_STRLEN], b[MW_SIZE_STRLEN], c[MW_SIZE_STRLEN];
    uint64_t began = _began (job), now = job->usage.total;

    report (w, job, "step", REPORT_LOG,
            "job %s: %s of it pushed out; it uses "
            "%s now, and %s of swap",
            job->spec.key,
            mw_size_format (began > now ? began - now : 0, a, sizeof (a)),
            mw_size_format (now, b, sizeof (b)),
            mw_size_format (job->usage.swap, c, sizeof (c)));
    if (!enough ||
        (job->incident.trigger == TRIGGER_NODE && w->up.node_is_short (w)))
        return STEP_NEXT;
    return STEP_SOLVED;
}

static enum step_result _piece (struct warden *w, struct job *job)
{
    uint64_t freed = 0;

    if (job_read_usage (job) < 0)
        return STEP_NEXT;
    if (_reclaim_enough (w, job, step_rung (job)))
        return _reclaim_end (w, job, true);
    if (job->memcg.ops->reclaim (&job->memcg, PIECE, &freed, NULL) < 0 ||
        freed == 0)
        return _reclaim_end (w, job, false);
    job->incident.pushed += freed;
    step_timer (w, job, 1);
    return STEP_WAIT;
}

static enum step_result _reclaim_start (struct warden *w, struct job *job)
{
    char a[MW_SIZE_STRLEN];

    job_read_usage (job);
    job->incident.pushing = job->incident.trigger == TRIGGER_NODE;
    job->incident.pushed = 0;
    job->incident.phase = (unsigned) (job->usage.total / MW_MIB);
    report (w, job, "step", REPORT_LOG,
            "job %s: cold pages of its %s are "
            "pushed out",
            job->spec.key, mw_size_format (job->usage.total, a, sizeof (a)));
    return _piece (w, job);
}

const struct step_ops step_reclaim = {
    .kind = MW_STEP_RECLAIM,
    .done = "its cold pages are in swap",
    .available = _reclaim_available,
    .start = _reclaim_start,
    .timer = _piece,
};
