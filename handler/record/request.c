/* request.c - what every request to the courier has: see request.h */
#include "handler/record/request.h"

#include <stdio.h>

#include "handler/job/warden.h"
#include "lib/clock.h"

static void _of_job (struct spool_request *r, const struct job *job)
{
    *r = (struct spool_request) {
        .slurm_id = job->spec.slurm_id,
        .array_job_id = job->spec.array_job_id,
        .array_task_id = job->spec.array_task_id,
        .restart_count = job->facts.known ? job->facts.restarts
                                          : SPOOL_RUN_UNKNOWN,
        /* a wall clock that has been set since does not matter */
        .since_s = clock_wall_us () / 1000000 -
                   (clock_ms () - job->registered_ms) / 1000,
    };
    snprintf (r->job, sizeof (r->job), "%s", job->spec.key);
}

void request_fill (struct spool_request *r, struct warden *w,
                   const struct job *job, enum spool_op op)
{
    if (job)
        _of_job (r, job);
    else
        *r = (struct spool_request) { .job = REQUEST_NODE };
    r->op = op;
    spool_make_id (r, ++w->request_seq);
}
