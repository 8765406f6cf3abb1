/* job.c - the registered jobs of this node */

#include "handler/job.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-event.h>

/* ---- ladders, shared ---------------------------------------------------- */

struct shared_ladder {
    struct mw_ladder ladder;    /* first: what users point to */
    struct shared_ladder *next;
    unsigned users;
};

static struct shared_ladder *ladders;

static bool _same (const struct mw_ladder *a, const struct mw_ladder *b)
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
        if (_same (&s->ladder, ladder)) {
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

/* ---- the table ----------------------------------------------------------- */

struct job *job_find (struct job_table *t, const char *key)
{
    for (struct job *j = t->first; j; j = j->next) {
        if (strcmp (j->spec.key, key) == 0)
            return j;
    }
    return NULL;
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

void job_free (struct job_table *t, struct job *job)
{
    t->committed -= job->committed;
    for (struct job **p = &t->first; *p; p = &(*p)->next) {
        if (*p == job) {
            *p = job->next;
            t->count--;
            break;
        }
    }
    _drop_source (&job->event);
    _drop_source (&job->removal);
    _drop_source (&job->timer);
    memcg_close (&job->memcg);
    free (job->freezer_path);
    ladder_drop (job->ladder);
    ladder_drop (job->incident.ladder);
    free (job);
}

/* ---- what a job is given ------------------------------------------------- */

/* Tell of another cap that bound, behind those told before. */
__attribute__ ((format (printf, 2, 3)))
static void _note (struct mw_err *note, const char *fmt, ...)
{
    size_t len;
    va_list ap;

    if (!note)
        return;
    len = strlen (note->text);
    if (len > 0 && len + 2 < sizeof (note->text)) {
        strcpy (note->text + len, "; ");
        len += 2;
    }
    va_start (ap, fmt);
    vsnprintf (note->text + len, sizeof (note->text) - len, fmt, ap);
    va_end (ap);
}

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

uint64_t job_limit_cap (const struct job *job, const struct conf *conf,
                        uint64_t capacity)
{
    const struct conf_class *c = job->class;
    uint64_t cap = mw_amount_of (_first (c ? &c->max_burst : NULL, NULL,
                                         &conf->max_burst),
                                 job->reservation, capacity);

    return cap < capacity ? cap : capacity;
}

static int _limit (struct job *job, const struct conf *conf, uint64_t capacity,
                   struct mw_err *note)
{
    const struct conf_class *c = job->class;
    const struct mw_amount *burst;
    char a[MW_SIZE_STRLEN], b[MW_SIZE_STRLEN];
    uint64_t cap = job_limit_cap (job, conf, capacity);

    burst = _first (&job->spec.burst, c ? &c->burst : NULL, &conf->burst);
    job->limit = mw_amount_of (burst, job->reservation, job->reservation);
    if (burst == &job->spec.burst && job->limit < job->reservation) {
        errno = EINVAL;
        return mw_err_set (note, "the limit of %s is below the reservation "
                           "of %s; allowed is the reservation or more",
                           mw_size_format (job->limit, a, sizeof (a)),
                           mw_size_format (job->reservation, b, sizeof (b)));
    }
    if (job->limit > cap) {
        job->limit = cap;
        if (cap > job->reservation)
            _note (note, "limit capped at %s",
                   mw_size_format (cap, a, sizeof (a)));
    }
    if (job->limit < job->reservation)
        job->limit = job->reservation;
    return 0;
}

/* A job may not help itself to the node by a reserve without measure: at most
 * as much as its reservation, or what the admin has configured. */
static void _reserve (struct job *job, const struct conf *conf,
                      uint64_t capacity, struct mw_err *note)
{
    const struct conf_class *c = job->class;
    const struct mw_amount *given, *usual;
    char a[MW_SIZE_STRLEN];
    uint64_t cap;

    usual = _first (c ? &c->reserve : NULL, NULL, &conf->reserve);
    given = _first (&job->spec.reserve, usual, usual);
    cap = mw_amount_of (usual, job->reservation, 0);
    if (cap < job->reservation)
        cap = job->reservation;
    if (job->limit + cap > capacity)
        cap = job->limit < capacity ? capacity - job->limit : 0;
    job->reserve = mw_amount_of (given, job->reservation, 0);
    if (job->reserve > cap) {
        job->reserve = cap;
        _note (note, "reserve capped at %s",
               mw_size_format (cap, a, sizeof (a)));
    }
}

static int _ladder (struct job *job, const struct conf *conf,
                    struct mw_err *note)
{
    const struct mw_ladder *l = &conf->ladder;
    const struct mw_ladder *shared;
    struct mw_ladder own;

    if (job->spec.ladder[0]) {
        if (mw_ladder_parse (job->spec.ladder, &own, note) < 0)
            return -1;
        l = &own;
    } else if (job->class && job->class->ladder.count > 0) {
        l = &job->class->ladder;
    }
    if (!(shared = ladder_share (l)))
        return mw_err_errno (note, "job %s", job->spec.key);
    ladder_drop (job->ladder);
    job->ladder = shared;
    return 0;
}

unsigned job_priority_cap (const struct job *job, const struct conf *conf)
{
    if (job->spec.uid == 0)
        return MW_PRIORITY_MAX;
    if (job->class && job->class->max_priority >= 0)
        return (unsigned) job->class->max_priority;
    return conf->max_priority;
}

int job_resolve (struct job *job, const struct conf *conf, uint64_t capacity,
                 unsigned node_cpus, struct mw_err *note)
{
    unsigned cap = job_priority_cap (job, conf);

    if (note)
        note->text[0] = '\0';
    job->reservation = _reservation (job, conf, capacity, node_cpus);
    if (_limit (job, conf, capacity, note) < 0)
        return -1;
    _reserve (job, conf, capacity, note);
    job->priority = job->spec.priority;
    if (job->priority > cap) {
        job->priority = cap;
        _note (note, "priority capped at %u", cap);
    }
    return _ladder (job, conf, note);
}

/* What [class] gives to a job like [job]. */
static int _given (struct job *to, const struct job *job,
                   const struct conf_class *class, const struct conf *conf,
                   uint64_t capacity, unsigned node_cpus, struct mw_err *note)
{
    *to = (struct job) { .spec = job->spec, .class = class };
    return job_resolve (to, conf, capacity, node_cpus, note);
}

int job_reclass (struct job *job, const struct conf_class *class,
                 const struct conf *conf, uint64_t capacity,
                 unsigned node_cpus, struct mw_err *note)
{
    static struct job was, is;          /* too large for the stack */
    int rc = -1;

    if (_given (&was, job, job->class, conf, capacity, node_cpus, NULL) == 0 &&
        _given (&is, job, class, conf, capacity, node_cpus, note) == 0) {
        job->class = class;
        if (job->limit == was.limit ||
            job->limit > job_limit_cap (job, conf, capacity))
            job->limit = is.limit;
        if (job->priority == was.priority ||
            job->priority > job_priority_cap (job, conf))
            job->priority = is.priority;
        job->reserve = is.reserve;
        if (job->ladder == was.ladder) {
            job->ladder = is.ladder;
            is.ladder = was.ladder;     /* the job's own use of it */
        }
        rc = 0;
    }
    ladder_drop (was.ladder);
    ladder_drop (is.ladder);
    was.ladder = is.ladder = NULL;
    return rc;
}
