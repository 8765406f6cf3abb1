/* jobstep.c - a step with a limit of its own: see jobstep.h */
#include "handler/job/jobstep.h"

#include <errno.h>
#include <string.h>

static bool _jobstep_is_own (uint64_t inode, const void *arg)
{
    const struct warden *w = arg;
    const struct job *s = w->steps.first;

    while (s && s->memcg.inode != inode)
        s = s->next;
    return s != NULL;
}

struct memcg_spare jobstep_spare (const struct warden *w)
{
    return (struct memcg_spare) { .is = _jobstep_is_own, .arg = w };
}

bool jobstep_is_stopped (struct warden *w, const struct job *job)
{
    const struct job *of = job_is_step (job) ? job_find (&w->jobs, job->spec.of)
                                             : NULL;

    return of && of->incident.frozen;
}

int jobstep_may_register (struct warden *w, const struct mw_jobspec *spec,
                          const struct job *before, struct mw_err *err)
{
    if (before && strcmp (before->spec.of, spec->of) != 0)
        return mw_err_code (err, EEXIST, "%s is the name of a %s already",
                            spec->key, job_is_step (before) ? "step" : "job");
    if (spec->of[0] && !job_find (&w->jobs, spec->of))
        return mw_err_code (err, ESRCH, "its job %s is not registered",
                            spec->of);
    return 0;
}
