/* grant.c - what a job is given, by what it asked for, its site and its class, and what
 * it is lent: see job.h */
#include "handler/job/job.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- what a job is given ------------------------------------------------ */

static const struct mw_amount *_first (const struct mw_amount *a,
                                       const struct mw_amount *b,
                                       const struct mw_amount *c)
{
    if (a && a->kind != MW_AMOUNT_NONE)
        return a;
    return b && b->kind != MW_AMOUNT_NONE ? b : c;
}

static uint64_t _reservation (const struct job *job, const struct conf *conf,
                              uint64_t capacity, unsigned node_cpus)
{
    uint32_t cpus = job->spec.cpus ? job->spec.cpus : 1;

    if (job->spec.reservation)
        return job->spec.reservation;
    if (node_cpus == 0 || cpus > node_cpus)
        cpus = node_cpus = 1;
    return mw_amount_of (&conf->no_mem_share, capacity,
                         capacity / node_cpus * cpus);
}

enum strikes_loss job_loses (const struct job *job, const struct conf *conf)
{
    if (job->spec.uid == 0 || conf->strike_half_ms == 0)
        return STRIKES_NONE;
    return strikes_loss (job->strikes, conf->strikes_burst,
                         conf->strikes_priority);
}

uint64_t job_limit_cap (const struct job *job, const struct conf *conf,
                        uint64_t capacity)
{
    const struct conf_class *c = job->class;
    uint64_t cap = mw_amount_of (_first (c ? &c->max_burst : NULL, NULL,
                                         &conf->max_burst),
                                 job->reservation, capacity);

    if (job_loses (job, conf) != STRIKES_NONE)
        cap = mw_least (cap, job->reservation);
    return cap < capacity ? cap : capacity;
}

/* [what] of [wish] bytes is cut to [cap]; [asked]: the job itself wished so. */
static void _job_cut (struct job_cuts *cuts, bool asked, const char *what,
                      uint64_t wish, uint64_t cap)
{
    char a[MW_SIZE_STRLEN], b[MW_SIZE_STRLEN];

    mw_size_format (cap, b, sizeof (b));
    if (asked)
        mw_err_add (&cuts->asked,
                    "the %s of %s that it asked for is cut to "
                    "%s",
                    what, mw_size_format (wish, a, sizeof (a)), b);
    else
        mw_err_add (&cuts->given, "%s capped at %s", what, b);
}

static int _job_limit (struct job *job, const struct conf *conf,
                       uint64_t capacity, struct job_cuts *cuts,
                       struct mw_err *err)
{
    const struct conf_class *c = job->class;
    char a[MW_SIZE_STRLEN], b[MW_SIZE_STRLEN];
    uint64_t cap = job_limit_cap (job, conf, capacity), wish;
    const struct mw_amount *burst;
    bool asked;

    burst = _first (&job->spec.burst, c ? &c->burst : NULL, &conf->burst);
    asked = burst == &job->spec.burst;
    wish = mw_amount_of (burst, job->reservation, job->reservation);
    if (asked && wish < job->reservation)
        return mw_err_code (err, EINVAL,
                            "the limit of %s is below the "
                            "reservation of %s; allowed is the reservation or "
                            "more",
                            mw_size_format (wish, a, sizeof (a)),
                            mw_size_format (job->reservation, b, sizeof (b)));
    if (cap < job->reservation)
        cap = job->reservation;
    job->limit = wish > job->reservation ? mw_least (wish, cap)
                                         : job->reservation;
    /* what nobody asked for, and nobody gets, is nothing to tell of; nor is what
     * _struck tells */
    if (wish > cap && (asked || cap > job->reservation) &&
        job_loses (job, conf) == STRIKES_NONE)
        _job_cut (cuts, asked, "limit", wish, cap);
    return 0;
}

/* A job may not help itself to the node by a reserve without measure: at most
 * as much as its reservation, or what the admin has configured. */
static void _reserve (struct job *job, const struct conf *conf,
                      uint64_t capacity, struct job_cuts *cuts)
{
    const struct conf_class *c = job->class;
    const struct mw_amount *given, *usual;
    uint64_t cap, wish;

    usual = _first (c ? &c->reserve : NULL, NULL, &conf->reserve);
    given = _first (&job->spec.reserve, usual, usual);
    cap = mw_amount_of (usual, job->reservation, 0);
    if (cap < job->reservation)
        cap = job->reservation;
    if (job->limit + cap > capacity)
        cap = job->limit < capacity ? capacity - job->limit : 0;
    wish = mw_amount_of (given, job->reservation, 0);
    job->reserve = mw_least (wish, cap);
    if (wish > cap)
        _job_cut (cuts, given == &job->spec.reserve, "reserve", wish, cap);
}

/* Whoever names no priority has the default: no wish. */
static void _job_priority (struct job *job, const struct conf *conf,
                           struct job_cuts *cuts)
{
    unsigned cap = job_priority_cap (job, conf), wish = job->spec.priority;

    job->priority = wish < cap ? wish : cap;
    if (job_loses (job, conf) == STRIKES_PRIORITY)
        return;
    if (wish > cap && wish != MW_PRIORITY_DEFAULT)
        mw_err_add (&cuts->asked,
                    "the priority of %u that it asked for is cut "
                    "to %u",
                    wish, cap);
    else if (wish > cap)
        mw_err_add (&cuts->given, "priority capped at %u", cap);
}

static const struct mw_retry *_said (const struct mw_retry *a,
                                     const struct mw_retry *b)
{
    return a && (a->off || a->factor > 0) ? a : b;
}

/* Slurm alone can run a job again, and a batch job alone; who asks for it for
 * another is told so when it comes to that. */
static void _job_retry (struct job *job, const struct conf *conf,
                        struct job_cuts *cuts)
{
    const struct conf_class *c = job->class;
    const struct mw_retry *cap = _said (c ? &c->max_retry : NULL,
                                        &conf->max_retry);
    char a[MW_RETRY_STRLEN], b[MW_RETRY_STRLEN];
    struct mw_retry wish = job->spec.retry;

    if (job->spec.batch)
        wish = *_said (&wish, _said (c ? &c->retry : NULL, &conf->retry));
    job->retry = (struct mw_retry) { 0 };
    if (job->spec.slurm_id == 0 || !mw_retry_is (&wish))
        return;
    job->retry = wish;
    if (mw_retry_clamp (&job->retry, cap))
        mw_err_add (mw_retry_is (&job->spec.retry) ? &cuts->asked
                                                   : &cuts->given,
                    "the mem-retry of %s is cut to %s",
                    mw_retry_format (&wish, a, sizeof (a)),
                    mw_retry_format (&job->retry, b, sizeof (b)));
}

/* Whoever may be given more memory is run again before it is killed. */
static void _with_requeue (struct mw_ladder *l)
{
    for (unsigned i = 0; i < l->count; i++) {
        if (l->step[i].kind == MW_STEP_REQUEUE)
            return;
    }
    if (l->count == 0 || l->count == MW_LADDER_MAX_STEPS)
        return;
    l->step[l->count] = l->step[l->count - 1];
    l->step[l->count - 1] = (struct mw_ladder_step) { .kind = MW_STEP_REQUEUE };
    l->count++;
}

static int _job_ladder (struct job *job, const struct conf *conf,
                        struct mw_err *err)
{
    const struct mw_ladder *l = &conf->ladder;
    const struct mw_ladder *shared;
    struct mw_ladder own;

    if (job->spec.ladder[0]) {
        if (mw_ladder_parse (job->spec.ladder, &own, err) < 0)
            return -1;
        l = &own;
    } else if (job->class && job->class->ladder.count > 0) {
        l = &job->class->ladder;
    }
    if (mw_retry_is (&job->retry)) {
        own = *l;
        _with_requeue (&own);
        l = &own;
    }
    if (!(shared = ladder_share (l)))
        return mw_err_errno (err, "job %s", job->spec.key);
    ladder_drop (job->ladder);
    job->ladder = shared;
    return 0;
}

int job_set_proc_limit (struct job *job, const struct mw_proclimit *limit)
{
    const struct mw_ladder *shared = NULL;

    if (limit->bytes > 0 && !(shared = ladder_share (&limit->actions)))
        return -1;
    ladder_drop (job->proc.actions);
    job->proc = (struct job_proc) { limit->bytes, shared };
    return 0;
}

/* One that nobody can pass is none; a step's processes are its job's. */
static int _job_proc_limit (struct job *job, struct job_cuts *cuts,
                            struct mw_err *err)
{
    char a[MW_SIZE_STRLEN], b[MW_SIZE_STRLEN];
    struct mw_proclimit limit = { 0 };

    if (!job_is_step (job) && job->spec.proc_limit[0] &&
        mw_proclimit_parse (job->spec.proc_limit, &limit, err) < 0)
        return -1;
    if (limit.bytes > job->limit) {
        mw_err_add (&cuts->asked,
                    "the proc-limit of %s is above the job's limit of %s, "
                    "which no process passes: it is left out",
                    mw_size_format (limit.bytes, a, sizeof (a)),
                    mw_size_format (job->limit, b, sizeof (b)));
        limit.bytes = 0;
    }
    if (job_set_proc_limit (job, &limit) < 0)
        return mw_err_errno (err, "job %s", job->spec.key);
    return 0;
}

unsigned job_priority_cap (const struct job *job, const struct conf *conf)
{
    unsigned cap = conf->max_priority;

    if (job->spec.uid == 0)
        return MW_PRIORITY_MAX;
    if (job->class && job->class->max_priority >= 0)
        cap = (unsigned) job->class->max_priority;
    if (job_loses (job, conf) == STRIKES_PRIORITY &&
        cap > conf->strike_max_priority)
        cap = conf->strike_max_priority;
    return cap;
}

/* Its owner is to know what repeated OOMs have cost. */
static void _struck (const struct job *job, const struct conf *conf,
                     struct job_cuts *cuts)
{
    enum strikes_loss loss = job_loses (job, conf);
    char priority[48] = "";

    if (loss == STRIKES_NONE)
        return;
    if (loss == STRIKES_PRIORITY)
        snprintf (priority, sizeof (priority), ", and its priority is %u",
                  job->priority);
    mw_err_add (&cuts->asked,
                "its user has %u strikes, for jobs that needed more memory "
                "than they had asked for: it gets no burst, and is lent "
                "nothing%s",
                job->strikes, priority);
}

int job_resolve (struct job *job, const struct conf *conf, uint64_t capacity,
                 unsigned node_cpus, struct job_cuts *cuts, struct mw_err *err)
{
    *cuts = (struct job_cuts) { { "" }, { "" } };
    job->reservation = _reservation (job, conf, capacity, node_cpus);
    if (_job_limit (job, conf, capacity, cuts, err) < 0)
        return -1;
    _reserve (job, conf, capacity, cuts);
    _job_priority (job, conf, cuts);
    _job_retry (job, conf, cuts);
    _struck (job, conf, cuts);
    if (_job_proc_limit (job, cuts, err) < 0)
        return -1;
    return _job_ladder (job, conf, err);
}

/* [job]'s limit is its own: add what it is lent, as far as [cap] still allows that. */
static void _with_loan (struct job *job, uint64_t cap)
{
    uint64_t room = cap > job->limit ? cap - job->limit : 0;

    job->loan = mw_least (job->loan, room);
    job->limit += job->loan;
}

/* What [class] gives to a job like [job]. */
static int _given (struct job *to, const struct job *job,
                   const struct conf_class *class, const struct conf *conf,
                   uint64_t capacity, unsigned node_cpus, struct job_cuts *cuts,
                   struct mw_err *err)
{
    *to = (struct job) {
        .spec = job->spec,
        .class = class,
        .strikes = job->strikes,
    };
    return job_resolve (to, conf, capacity, node_cpus, cuts, err);
}

int job_reclass (struct job *job, const struct conf_class *class,
                 const struct conf *conf, uint64_t capacity, unsigned node_cpus,
                 struct job_cuts *cuts, struct mw_err *err)
{
    static struct job was, is; /* too large for the stack */
    int rc = -1;

    job->limit -= job->loan;
    if (_given (&was, job, job->class, conf, capacity, node_cpus, cuts, err) ==
            0 &&
        _given (&is, job, class, conf, capacity, node_cpus, cuts, err) == 0) {
        job->class = class;
        if (job->limit == was.limit ||
            job->limit > job_limit_cap (job, conf, capacity))
            job->limit = is.limit;
        if (job->priority == was.priority ||
            job->priority > job_priority_cap (job, conf))
            job->priority = is.priority;
        job->reserve = is.reserve;
        job->retry = is.retry;
        if (job->ladder == was.ladder) {
            job->ladder = is.ladder;
            is.ladder = was.ladder; /* the job's own use of it */
        }
        rc = 0;
    }
    _with_loan (job, job_limit_cap (job, conf, capacity));
    ladder_drop (was.ladder);
    ladder_drop (is.ladder);
    was.ladder = is.ladder = NULL;
    return rc;
}

void job_regrant (struct job *job, uint64_t reservation,
                  const struct conf *conf, uint64_t capacity,
                  unsigned node_cpus)
{
    static struct job was, is; /* too large for the stack */
    struct job_cuts cuts;
    uint64_t cap, own = job->limit - job->loan;
    int rc = _given (&was, job, job->class, conf, capacity, node_cpus, &cuts,
                     NULL);
    bool set = rc < 0 || own != was.limit;

    job->limit = own;
    job->spec.reservation = job->reservation = reservation;
    if (_given (&is, job, job->class, conf, capacity, node_cpus, &cuts, NULL) ==
        0) {
        job->reserve = is.reserve;
        if (!set)
            job->limit = is.limit;
    }
    cap = job_limit_cap (job, conf, capacity);
    if (job->limit > cap)
        job->limit = cap;
    if (job->limit < reservation)
        job->limit = reservation;
    _with_loan (job, cap);
    ladder_drop (was.ladder);
    ladder_drop (is.ladder);
    was.ladder = is.ladder = NULL;
}

/* ---- what it is lent ------------------------------------------------------ */

uint64_t job_lent (const struct job *job)
{
    return job->incident.lent + job->loan;
}

uint64_t job_loan_in_use (const struct job *job)
{
    uint64_t own = job->limit - job->loan;
    uint64_t used = job->usage.used + job->limit / 32;

    if (used <= own)
        return 0;
    used = (used - own + MW_MIB - 1) / MW_MIB * MW_MIB;
    return mw_least (used, job->loan);
}
