/* bench_policy.c - how long a decision takes: policy_victims alone, CPU time
 *
 *   test/bench/policy          at 1,000 and 10,000 jobs: median and worst
 *
 * Exits 1 where a target of doc/design.md, section 7, is missed.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "handler/policy/policy.h"
#include "lib/cleanup.h"

#define ROUNDS 301

struct shape {
    const char *name;
    unsigned priorities;   /* how many different ones */
    uint64_t need_percent; /* of what all jobs use */
};

static const struct shape shapes[] = {
    { "one hog suffices", 11, 0 },
    { "half of all must go", 11, 50 },
    { "one priority, half must go", 1, 50 },
    { "nothing suffices", 11, 200 },
};

static uint64_t _random (uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static double _now_us (void)
{
    struct timespec t;

    clock_gettime (CLOCK_THREAD_CPUTIME_ID, &t);
    return (double) t.tv_sec * 1e6 + (double) t.tv_nsec / 1e3;
}

static int _compare (const void *a, const void *b)
{
    double x = *(const double *) a, y = *(const double *) b;

    return (x > y) - (x < y);
}

static uint64_t _fill (struct policy_job *jobs, unsigned n, unsigned priorities,
                       uint64_t *seed)
{
    uint64_t used = 0;
    unsigned i;

    for (i = 0; i < n; i++) {
        jobs[i] = (struct policy_job) {
            .index = i,
            .slurm_id = i + 1,
            .priority = (unsigned) (_random (seed) % priorities) * 50,
            .reservation = MW_GIB,
            .used = _random (seed) % (2 * MW_GIB),
            .elapsed_ms = _random (seed) % 86400000,
            .cpus = 1 + (uint32_t) (_random (seed) % 8),
            .requeueable = _random (seed) % 2,
        };
        used += jobs[i].used;
    }
    return used;
}

/* Returns the median in us. */
static double _shape (const struct shape *s, unsigned n,
                      struct policy_job *jobs, struct policy_rank *ranks)
{
    struct policy_plan plan = { .ranks = ranks };
    struct policy_node node = { .capacity = n * MW_GIB };
    uint64_t seed = 88172645463325252u, need;
    double took[ROUNDS];
    unsigned i;

    for (i = 0; i < ROUNDS; i++) {
        need = _fill (jobs, n, s->priorities, &seed) / 100 * s->need_percent;
        if (need == 0)
            need = MW_GIB / 2;
        took[i] = _now_us ();
        policy_victims (&node, jobs, n, need, CONF_ORDER_OVERAGE, &plan);
        took[i] = _now_us () - took[i];
    }
    qsort (took, ROUNDS, sizeof (took[0]), _compare);
    printf ("%6u jobs  %-28s median %8.1f us  p99 %8.1f us  (%u chosen)\n", n,
            s->name, took[ROUNDS / 2], took[ROUNDS * 99 / 100], plan.chosen);
    return took[ROUNDS / 2];
}

int main (void)
{
    static const struct {
        unsigned jobs;
        double target_us;
    } sizes[] = {
        { 1000, 100 },
        { 10000, 2000 },
    };
    int missed = 0;
    unsigned i, k;

    for (i = 0; i < sizeof (sizes) / sizeof (sizes[0]); i++) {
        cleanup_free struct policy_job *jobs = calloc (sizes[i].jobs,
                                                       sizeof (*jobs));
        cleanup_free struct policy_rank *ranks = calloc (sizes[i].jobs,
                                                         sizeof (*ranks));

        if (!jobs || !ranks)
            return 1;
        for (k = 0; k < sizeof (shapes) / sizeof (shapes[0]); k++)
            missed += _shape (&shapes[k], sizes[i].jobs, jobs, ranks) >
                      sizes[i].target_us;
    }
    printf ("targets: median 100 us at 1,000 jobs, 2,000 us at 10,000: %s\n",
            missed ? "missed" : "kept");
    return missed > 0;
}
