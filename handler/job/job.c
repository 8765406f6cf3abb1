/* job.c - the registered jobs of this node */

#include "handler/job/job.h"

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
    job->huge_dir = -1;
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
    job_huge_end (job);
    _drop_source (&job->below);
    _drop_source (&job->timer);
    _drop_source (&job->usage_watch.timer);
    job_freezer_end (job);
    memcg_close (&job->memcg);
    free (job->freezer_path);
    ladder_drop (job->ladder);
    ladder_drop (job->proc.actions);
    ladder_drop (job->incident.ladder);
    free (job);
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

void job_huge_end (struct job *job)
{
    for (unsigned i = 0; i < JOB_HUGE; i++)
        job->huge[i] = sd_event_source_disable_unref (job->huge[i]);
    if (job->huge_dir >= 0)
        close (job->huge_dir);
    job->huge_dir = -1;
}

/* ---- its incident --------------------------------------------------------- */

const char *const incident_trigger_name[TRIGGER_COUNT] = {
    [TRIGGER_JOB] = "job",
    [TRIGGER_NODE] = "node",
    [TRIGGER_ADMIN] = "admin",
    [TRIGGER_PROCESS] = "process",
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
