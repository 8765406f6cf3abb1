/* job.c - the registered jobs of this node */

#include "handler/job/job.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-event.h>

#include "lib/clock.h"
#include "lib/event.h"

/* ---- ladders, shared --------------------------------------------------- */

struct shared_ladder {
    struct mw_ladder ladder; /* first: what users point to */
    struct shared_ladder *next;
    unsigned users;
};

static struct shared_ladder *ladders;

static bool _job_same (const struct mw_ladder *a, const struct mw_ladder *b)
{
    char x[MW_LADDER_STRLEN], y[MW_LADDER_STRLEN];

    if (a == b)
        return true;
    if (a->count != b->count)
        return false;
    mw_ladder_format (a, x, sizeof (x));
    mw_ladder_format (b, y, sizeof (y));
    return strcmp (x, y) == 0;
}

const struct mw_ladder *ladder_share (const struct mw_ladder *ladder)
{
    struct shared_ladder *s;

    for (s = ladders; s; s = s->next) {
        if (_job_same (&s->ladder, ladder)) {
            s->users++;
            return &s->ladder;
        }
    }
    if (!(s = calloc (1, sizeof (*s))))
        return NULL;
    s->ladder = *ladder;
    s->users = 1;
    s->next = ladders;
    ladders = s;
    return &s->ladder;
}

void ladder_drop (const struct mw_ladder *shared)
{
    for (struct shared_ladder **p = &ladders; *p; p = &(*p)->next) {
        struct shared_ladder *s = *p;

        if (&s->ladder != shared)
            continue;
        if (--s->users == 0) {
            *p = s->next;
            free (s);
        }
        return;
    }
}

/* ---- ids of incidents --------------------------------------------------- */

/* More jobs have not had incidents in a journal and the one before it. */
#define HAD_MAX 4096

/* Two keys with one hash only leave numbers out. */
static struct {
    uint64_t hash;
    unsigned incidents;
} had[HAD_MAX];
static unsigned had_next;

static uint64_t _hash (const char *key)
{
    uint64_t h = UINT64_C (14695981039346656037); /* FNV-1a */

    for (; *key; key++)
        h = (h ^ (unsigned char) *key) * UINT64_C (1099511628211);
    return h;
}

void job_had (const char *key, unsigned incidents)
{
    uint64_t h = _hash (key);
    unsigned i = 0;

    if (incidents == 0)
        return;
    while (i < HAD_MAX && had[i].hash != h)
        i++;
    if (i == HAD_MAX) {
        i = had_next;
        had_next = (had_next + 1) % HAD_MAX;
        had[i].hash = h;
        had[i].incidents = 0;
    }
    if (incidents > had[i].incidents)
        had[i].incidents = incidents;
}

unsigned job_has_had (const char *key)
{
    uint64_t h = _hash (key);

    for (unsigned i = 0; i < HAD_MAX; i++) {
        if (had[i].hash == h)
            return had[i].incidents;
    }
    return 0;
}

/* ---- the table ---------------------------------------------------------- */

struct job *job_find (struct job_table *t, const char *key)
{
    for (struct job *j = t->first; j; j = j->next) {
        if (strcmp (j->spec.key, key) == 0)
            return j;
    }
    return NULL;
}

struct job *job_named (struct job_table *t, const char *name)
{
    uint32_t array, task;
    struct job *job = job_find (t, name);
    char end;

    if (job ||
        sscanf (name, "%" SCNu32 "_%" SCNu32 "%c", &array, &task, &end) != 2)
        return job;
    for (job = t->first; job; job = job->next) {
        if (job->spec.array_job_id == array && array != 0 &&
            job->spec.array_task_id == task)
            break;
    }
    return job;
}

struct job *job_at (const struct job_table *t, unsigned place)
{
    struct job *job = t->first;

    while (job && place-- > 0)
        job = job->next;
    return job;
}

struct job *job_new (struct job_table *t)
{
    struct job **end = &t->first;
    struct job *job = calloc (1, sizeof (*job));

    if (!job)
        return NULL;
    job->memcg.dir = job->memcg.freezer = job->memcg.event = -1;
    job->memcg.limit = job->memcg.hard = job->memcg.usage = -1;
    job->memcg.oom_control = -1;
    while (*end)
        end = &(*end)->next;
    *end = job;
    job->table = t;
    t->count++;
    return job;
}

bool job_is_step (const struct job *job)
{
    return job->spec.of[0] != '\0';
}

const char *job_whose (const struct job *job)
{
    return job_is_step (job) ? job->spec.of : job->spec.key;
}

void job_part_steps (struct job_table *jobs, struct job_table *steps)
{
    struct job **from = &jobs->first, **to = &steps->first, *job;

    while (*to)
        to = &(*to)->next;
    while ((job = *from)) {
        if (!job_is_step (job)) {
            from = &job->next;
            continue;
        }
        *from = job->next;
        job->next = NULL;
        *to = job;
        to = &job->next;
        job->table = steps;
        jobs->count--;
        steps->count++;
    }
}

void job_move (struct job *job, struct job_table *to)
{
    struct job **p = &job->table->first;

    while (*p != job)
        p = &(*p)->next;
    *p = job->next;
    job->table->count--;
    job->table->committed -= job->committed;
    for (p = &to->first; *p;)
        p = &(*p)->next;
    *p = job;
    job->next = NULL;
    job->table = to;
    to->count++;
    to->committed += job->committed;
}

static void _drop_source (sd_event_source **s)
{
    *s = sd_event_source_disable_unref (*s);
}

void job_commit (struct job *job)
{
    uint64_t now = job->limit + job->incident.lent;

    job->table->committed += now - job->committed;
    job->committed = now;
}

void job_keep_line (struct job *job, uint64_t number, bool open,
                    const char *text)
{
    struct job_line *line = malloc (sizeof (*line) + strlen (text) + 1);
    struct job_line **end = &job->untold, *oldest;
    unsigned n = 1;

    if (!line)
        return;
    *line = (struct job_line) { .number = number, .open = open };
    strcpy (line->text, text);
    for (; *end; end = &(*end)->next)
        n++;
    *end = line;
    if (n <= JOB_LINES_MAX)
        return;
    oldest = job->untold;
    job->untold = oldest->next;
    free (oldest);
}

void job_free (struct job_table *t, struct job *job)
{
    while (job->untold) {
        struct job_line *line = job->untold;

        job->untold = line->next;
        free (line);
    }
    t->committed -= job->committed;
    if (!job_is_step (job) || job->incidents > 0)
        job_had (job->spec.key, job->incidents);
    for (struct job **p = &t->first; *p; p = &(*p)->next) {
        if (*p == job) {
            *p = job->next;
            t->count--;
            break;
        }
    }
    _drop_source (&job->event);
    _drop_source (&job->removal);
    _drop_source (&job->written);
    _drop_source (&job->below);
    _drop_source (&job->timer);
    job_freezer_end (job);
    memcg_close (&job->memcg);
    free (job->freezer_path);
    ladder_drop (job->ladder);
    ladder_drop (job->incident.ladder);
    free (job);
}

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

/* ---- its memcg ----------------------------------------------------------- */

/* memory.high throttles but a task can get past it: the wall behind it (v2) is
 * never so near that the kernel would kill before the warden has acted. */
#define WALL_MIN (32 * MW_MIB)

/* The kernel's high-water mark has page cache in it, and the kernel keeps none
 * without.  Where the mark has risen since it was read last, what of it was cache is
 * at most what is cache now, as long as none was given up in between: the rest the
 * job has used itself. */
static void _take_usage (struct job *job, const struct memcg_usage *u)
{
    uint64_t own = u->peak > u->cache ? u->peak - u->cache : 0;

    job->usage = *u;
    if (u->peak > job->peak && own > job->peak_used)
        job->peak_used = own;
    if (u->used > job->peak_used)
        job->peak_used = u->used;
    if (u->total > job->peak)
        job->peak = u->total;
    if (u->peak > job->peak)
        job->peak = u->peak;
}

void job_seen_rss (struct job *job, uint64_t bytes)
{
    if (bytes > job->peak)
        bytes = job->peak; /* it was in a memcg of another's for a while */
    if (bytes > job->peak_used)
        job->peak_used = bytes;
}

int job_read_usage (struct job *job)
{
    struct memcg_usage u;

    if (job->memcg.ops->read_usage (&job->memcg, &u, NULL) < 0)
        return -1;
    _take_usage (job, &u);
    return 0;
}

/* The look that found the OOM has read it: memory.stat takes longer to read
 * than all the rest of an answer (33 us). */
void job_seen_usage (struct job *job)
{
    _take_usage (job, &job->memcg.seen);
}

/* Less than its own where somebody else has just lowered it. */
uint64_t job_hit_limit (const struct job *job)
{
    uint64_t hit = job->memcg.hit_limit;

    return hit > 0 && hit < job->limit ? hit : job->limit;
}

int job_assert_limit (struct job *job, struct mw_err *err)
{
    uint64_t limit = job->limit + job->incident.lent;
    uint64_t wall = job->reserve > WALL_MIN ? job->reserve : WALL_MIN;

    job_commit (job);
    if (job->memcg.shadow)
        return 0;
    if (job->incident.reserve_open)
        limit += job->reserve;
    if (limit > job->allowed)
        job->allowed = limit;
    return job->memcg.ops->set_limit (&job->memcg, limit, wall, err);
}

/* ---- its timer ----------------------------------------------------------- */

static void _earlier (uint64_t *due, uint64_t ms)
{
    if (ms > 0 && (*due == 0 || ms < *due))
        *due = ms;
}

void job_set_timer (struct job *job)
{
    uint64_t due = job->look_ms;

    if (!job->timer)
        return;
    _earlier (&due, job->release_ms);
    _earlier (&due, job->given_again_ms);
    if (job->loan > 0)
        _earlier (&due, job->loan_ms);
    if (job->incident.open) {
        if (!job->incident.slurm_stops_ms)
            _earlier (&due, job->incident.deadline_ms);
        if (!incident_pauses (job))
            _earlier (&due, job->incident.again_ms);
        _earlier (&due, job->incident.killed_look_ms);
        _earlier (&due, job->incident.undo_ms);
    }
    if (due == 0) {
        sd_event_source_set_enabled (job->timer, SD_EVENT_OFF);
        return;
    }
    sd_event_source_set_time (job->timer, due * 1000);
    sd_event_source_set_enabled (job->timer, SD_EVENT_ONESHOT);
}

/* ---- the freezers of its steps ------------------------------------------- */

/* One whose step has ended is neither. */
bool job_freezer_is (const struct job *job, bool thawed)
{
    for (unsigned i = 0; i < job->freezers; i++) {
        if (memcg_freezer_is (job->freezer[i].fd) == !thawed)
            return true;
    }
    return false;
}

void job_freezer_end (struct job *job)
{
    for (unsigned i = 0; i < job->freezers; i++) {
        job->freezer[i].source = sd_event_source_disable_unref (
            job->freezer[i].source);
        close (job->freezer[i].fd);
    }
    job->freezers = 0;
}

/* ---- its incident --------------------------------------------------------- */

const char *const incident_trigger_name[TRIGGER_COUNT] = {
    [TRIGGER_JOB] = "job",
    [TRIGGER_NODE] = "node",
    [TRIGGER_ADMIN] = "admin",
};

char *incident_id (const struct job *job, char buf[INCIDENT_ID_MAX])
{
    snprintf (buf, INCIDENT_ID_MAX, "%s.%u", job->spec.key,
              job->incident.number);
    return buf;
}

bool incident_stops (const struct job *job)
{
    const struct incident *in = &job->incident;
    enum mw_step_kind kind = in->ladder->step[in->step].kind;

    return kind == MW_STEP_HOLD || kind == MW_STEP_SUSPEND;
}

bool incident_pauses (const struct job *job)
{
    return job->incident.slurm_stops_ms &&
           job->incident.trigger != TRIGGER_NODE;
}

bool incident_waits (const struct job *job)
{
    const struct incident *in = &job->incident;

    return in->open && in->frozen && incident_stops (job);
}
