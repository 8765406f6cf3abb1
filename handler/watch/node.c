/* node.c - the node's own OOM: see node.h
 *
 * Synchronous: as long as a victim's step may still free memory nobody else is
 * chosen.  A rung that frees nothing by itself (a frozen job keeps its memory)
 * is left soon, since everyone else in the pool waits meanwhile.
 */
#include "handler/watch/node.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "handler/account/aftermath.h"
#include "handler/account/headroom.h"
#include "handler/conf/slurm_file.h"
#include "handler/conf/slurm_node.h"
#include "handler/incident/incident.h"
#include "handler/job/warden.h"
#include "handler/memcg/pool.h"
#include "handler/memcg/memcg.h"
#include "handler/policy/signs.h"
#include "handler/record/decision.h"
#include "handler/record/journal.h"
#include "handler/record/report.h"
#include "handler/watch/below.h"
#include "handler/watch/psi.h"
#include "handler/watch/refault.h"
#include "lib/cgfile.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/event.h"

#define LOOK_MS 10              /* while an incident is open */
#define PARKED_LOOK_MS 1000     /* while somebody waits to come back */
#define FROZEN_PATIENCE_MS 100  /* for a rung that frees nothing by itself */
#define PATIENCE_MS 2000        /* for any other: then the next one */
#define NOBODY_MS 1000          /* nobody can be chosen: look again */
#define HOVER_PART 128          /* of the capacity, see _hovers */
#define POOL_WALL (64 * MW_MIB) /* v2: the pool's memory.max above its high */

struct node_watch {
    struct memcg pool;       /* .dir -1 = none */
    bool pool_failed;        /* said once */
    bool pool_said;          /* why Slurm's is not taken over, once */
    struct slurm_node slurm; /* 0 = slurm.conf does not say */
    sd_event_source *event, *below, *timer;

    bool open; /* the node is out of memory */
    uint64_t opened_ms;
    unsigned victims;
    char victim[MW_JOBKEY_MAX]; /* being dealt with; "" = none */
    unsigned rung;              /* it is at, since … */
    uint64_t rung_ms;
    uint64_t rung_need;  /* bytes, then */
    uint64_t stall_need; /* bytes to give because tasks stalled; 0 */
    bool stall_early;    /* it is for what may come */
    uint64_t stall_ms;   /* stalls until then are spent */

    struct signs_fall fall; /* of MemAvailable and free swap */
};

/* ---- when to look -------------------------------------------------------- */

static void _node_timer (struct node_watch *n, uint64_t ms)
{
    sd_event_source_set_time (n->timer, (clock_ms () + ms) * 1000);
    sd_event_source_set_enabled (n->timer, SD_EVENT_ONESHOT);
}

/* Above the node reserve, and in shadow mode, where no event tells of it, below
 * the pool's limit. */
static uint64_t _left (const struct warden *w, uint64_t available)
{
    const struct node_watch *n = w->node;
    uint64_t left = available > w->node_reserve ? available - w->node_reserve
                                                : 0,
             room;

    if (n->pool.dir < 0 || !n->pool.shadow)
        return left;
    room = w->pool_limit > n->pool.seen.used ? w->pool_limit - n->pool.seen.used
                                             : 0;
    return mw_least (room, left);
}

/* No timer where the jobs could not use up what is left even at their limits;
 * in shadow mode they are not held to them. */
static void _node_set_timer (struct warden *w, uint64_t available)
{
    struct node_watch *n = w->node;
    uint64_t limits = 0, left = _left (w, available), ms;
    bool parked = false, bound = !w->conf.shadow || !w->jobs.first;

    for (const struct job *j = w->jobs.first; j; j = j->next) {
        limits += j->limit + j->incident.lent + j->reserve;
        parked |= incident_waits (j) && j->incident.trigger == TRIGGER_NODE;
    }
    if (bound && !parked && !w->meminfo_failed && limits < left) {
        sd_event_source_set_enabled (n->timer, SD_EVENT_OFF);
        return;
    }
    ms = signs_next_look (&n->fall, node_rate (w), left, w->node_reserve);
    _node_timer (n, parked && ms > PARKED_LOOK_MS ? PARKED_LOOK_MS : ms);
}

/* ---- what is needed ------------------------------------------------------ */

/* In shadow mode its limit is not in the kernel: usage is compared to it. */
static enum memcg_state _look_at_pool (struct warden *w)
{
    struct node_watch *n = w->node;
    struct memcg_usage u;

    if (!n->pool.shadow)
        return n->pool.ops->check (&n->pool);
    if (n->pool.ops->read_usage (&n->pool, &u, NULL) < 0)
        return MEMCG_GONE;
    n->pool.seen = u;
    return u.used >= w->pool_limit ? MEMCG_OOM : MEMCG_QUIET;
}

static void _drop_pool (struct warden *w)
{
    struct node_watch *n = w->node;

    n->event = sd_event_source_disable_unref (n->event);
    n->below = sd_event_source_disable_unref (n->below);
    if (n->pool.dir >= 0)
        memcg_close (&n->pool);
    n->pool.dir = -1;
    w->pool_limit = UINT64_MAX;
}

static bool _pool_is_full (struct warden *w)
{
    struct node_watch *n = w->node;
    enum memcg_state state;

    if (n->pool.dir < 0)
        return false;
    state = _look_at_pool (w);
    if (state == MEMCG_GONE)
        _drop_pool (w);
    return state == MEMCG_OOM;
}

/* Somebody who does not die is not counted on any more. */
static void _discount_stuck (struct warden *w, unsigned count)
{
    uint64_t now = clock_ms ();
    struct job *j = w->jobs.first;

    for (unsigned i = 0; i < count && j; i++, j = j->next) {
        if (j->incident.kills > 0 && now - j->incident.step_ms > PATIENCE_MS)
            w->scratch[i].used = 0;
    }
}

static uint64_t _need (struct warden *w, bool full, struct policy_node *node,
                       unsigned *count)
{
    struct memcg_usage u;

    *count = headroom_snapshot (w, node, w->scratch, w->scratch_max);
    if (w->node->pool.dir >= 0 &&
        w->node->pool.ops->read_usage (&w->node->pool, &u, NULL) == 0)
        node->used = u.used;
    else
        node->used = 0; /* without a pool MemAvailable alone tells */
    _discount_stuck (w, *count);
    return policy_need (node, full);
}

/* ---- who has to give ----------------------------------------------------- */

/* `memwarden why` tells of those, too, who were not chosen. */
static void _record_others (struct warden *w, const struct policy_plan *plan,
                            const struct job *victim)
{
    char text[MW_ERR_MAX], why[MW_ERR_MAX - MW_JOBKEY_MAX];
    unsigned place;
    struct job *job;

    for (unsigned i = 0; i < plan->count; i++) {
        place = plan->ranks[i].job;
        job = job_at (&w->jobs, place);
        if (!job || job == victim)
            continue;
        policy_explain (plan, w->scratch, i, why, sizeof (why));
        snprintf (text, sizeof (text),
                  "job %.63s: the node is out of memory: "
                  "%s%.320s",
                  job->spec.key,
                  policy_is_chosen (&plan->ranks[i])
                      ? "its turn comes if job by job too little is freed: "
                      : "",
                  why);
        journal_append (w->journal, "node", job, NULL, text, NULL, NULL);
    }
}

/* Shadow mode: nobody gives anything, so the same plan comes again. */
static bool _planned (struct warden *w, const struct policy_plan *plan)
{
    const struct job *job = plan->chosen ? job_at (&w->jobs, plan->ranks[0].job)
                                         : NULL;
    const struct node_watch *n = w->node;

    return w->conf.shadow && n->victims > 0 &&
           strcmp (n->victim, job ? job->spec.key : "") == 0;
}

static void _rung (struct node_watch *n, const struct job *job, uint64_t need)
{
    n->rung = job->incident.step;
    n->rung_ms = clock_ms ();
    n->rung_need = need;
}

static void _node_choose (struct warden *w, const struct policy_node *node,
                          bool full, unsigned count, uint64_t need)
{
    struct policy_plan plan = { .ranks = w->ranks };
    struct node_watch *n = w->node;
    char why[MW_ERR_MAX - MW_JOBKEY_MAX];
    struct job *job;

    policy_victims (node, w->scratch, count, need, w->conf.order, &plan);
    if (_planned (w, &plan)) {
        _node_timer (n, NOBODY_MS);
        return;
    }
    n->victim[0] = '\0';
    if (plan.chosen > 0 || n->victims == 0)
        decision_record (w, node, full, &plan);
    if (plan.chosen == 0) {
        if (n->victims++ == 0)
            report_log (w, LOG_CRIT,
                        "the node is out of memory and no job can "
                        "be chosen to give any");
        _node_timer (n, plan.covered > 0 ? LOOK_MS : NOBODY_MS);
        return;
    }
    job = job_at (&w->jobs, plan.ranks[0].job);
    snprintf (n->victim, sizeof (n->victim), "%s", job->spec.key);
    n->victims++;
    policy_explain (&plan, w->scratch, 0, why, sizeof (why));
    report (w, job, "node", REPORT_LOG, "job %s: the node is out of memory: %s",
            job->spec.key, why);
    incident_oom (w, job, TRIGGER_NODE);
    _rung (n, job, need);
    _record_others (w, &plan, job);
    _node_timer (n, w->conf.shadow ? NOBODY_MS : LOOK_MS);
}

/* ---- one victim at a time ------------------------------------------------ */

static uint64_t _patience (const struct job *job)
{
    const struct incident *in = &job->incident;

    switch (in->ladder->step[in->step].kind) {
    case MW_STEP_HOLD:
    case MW_STEP_SUSPEND:
        return in->pushing ? PATIENCE_MS : FROZEN_PATIENCE_MS;
    case MW_STEP_HOLD_ONE:
    case MW_STEP_SLOW:
    case MW_STEP_ENOMEM:
        return FROZEN_PATIENCE_MS;
    default:
        return PATIENCE_MS;
    }
}

/* Is less than half of the node reserve drawn on, and nothing else short?  Then
 * nobody waits for memory yet. */
static bool _only_reserve (const struct policy_node *node, bool full)
{
    return !full && node->used <= node->capacity &&
           node->available < node->reserve &&
           node->available > node->reserve / 2;
}

/* Is there time for its pages to go out to swap?  Do they go so fast that the
 * [need] is met in time?  Or, on a slow disk, at least faster than others take
 * memory?  Then it has as much time again: its next step may be its kill. */
static bool _pushes_enough (struct node_watch *n,
                            const struct policy_node *node, bool full,
                            const struct job *job, uint64_t need)
{
    const struct incident *in = &job->incident;
    uint64_t ms = clock_ms () - in->step_ms + 1;

    if (!in->pushing)
        return false;
    if (_only_reserve (node, full))
        return true;
    if (in->pushed / ms * PATIENCE_MS >= need)
        return true;
    if (need + MW_MIB > n->rung_need)
        return false;
    _rung (n, job, need);
    return true;
}

/* Is the present victim still to be waited for?  Where its rung has had its
 * time it is sent to the next one, and that is waited for. */
static bool _wait_for_victim (struct warden *w, const struct policy_node *node,
                              bool full, uint64_t need)
{
    struct node_watch *n = w->node;
    struct job *job = n->victim[0] ? job_find (&w->jobs, n->victim) : NULL;
    uint64_t now = clock_ms ();

    if (!job || !job->incident.open)
        return false;
    if (job->incident.step != n->rung)
        _rung (n, job, need);
    if (now - n->rung_ms < _patience (job) ||
        _pushes_enough (n, node, full, job, need))
        return true;
    if (job->incident.kills > 0) {
        report (w, job, "node", REPORT_LOG,
                "job %s: is not gone after %d ms; "
                "the next one is chosen",
                job->spec.key, PATIENCE_MS);
        return false;
    }
    report (w, job, "node", REPORT_LOG,
            "job %s: this has not freed enough for "
            "the node",
            job->spec.key);
    incident_oom (w, job, TRIGGER_NODE);
    _rung (n, job, need);
    return true;
}

static void _node_begin (struct warden *w, const char *why, uint64_t need)
{
    char size[MW_SIZE_STRLEN];
    struct node_watch *n = w->node;
    const struct job *last = job_find (&w->jobs, n->victim);

    n->open = true;
    n->opened_ms = clock_ms ();
    n->victims = 0;
    /* one that is dying since the last time, or still on its way out, is waited
     * for: what it frees may be all that is needed */
    if (!last || !last->incident.open ||
        (last->incident.kills == 0 && !last->incident.pushing))
        n->victim[0] = '\0';
    mw_size_format (need, size, sizeof (size));
    report (w, NULL, "node", REPORT_LOG,
            "the node is out of memory (%s): %s "
            "must be freed",
            why, size);
    w->up.detected (w, NULL);
    aftermath_node_oom (w);
}

static void _node_over (struct warden *w)
{
    struct node_watch *n = w->node;

    w->up.over (w);
    n->open = false;
    report (w, NULL, "node", REPORT_LOG,
            "the node has memory again after %" PRIu64 " ms; %u jobs %s chosen",
            clock_ms () - n->opened_ms, n->victims,
            w->conf.shadow ? "would have been" : "were");
    warden_room (w);
}

/* Nobody reads 1,000 memcgs to see that there is plenty. */
static void _node_quiet (struct warden *w, uint64_t available)
{
    if (w->node->open)
        _node_over (w);
    else
        warden_room (w);
    _node_set_timer (w, available);
}

/* What stalls have shown is spent once somebody has been chosen for it: as long
 * as he may still free it that is waited for, and then only new ones count. */
static uint64_t _stall_need (struct warden *w, const struct policy_node *node,
                             char *why, size_t len)
{
    struct node_watch *n = w->node;
    const struct job *job = n->victim[0] ? job_find (&w->jobs, n->victim)
                                         : NULL;

    if (n->open && n->stall_need > 0 && job && job->incident.open &&
        clock_ms () - n->rung_ms < PATIENCE_MS)
        return n->stall_need;
    n->stall_need = watch_psi_need (w, node, n->stall_ms, &n->stall_early, why,
                                    len);
    if (n->stall_need > 0)
        n->stall_ms = clock_ms ();
    return n->stall_need;
}

/* Shadow mode frees nothing: as long as memory hovers where it ran out that is
 * one OOM, to be told once. */
static bool _hovers (const struct warden *w, const struct policy_node *node)
{
    uint64_t near = node->capacity / HOVER_PART;

    return w->conf.shadow && w->node->open &&
           (node->available < node->reserve + near ||
            node->used + near > node->capacity);
}

static void _tick (struct warden *w)
{
    struct policy_node node;
    bool full = _pool_is_full (w);
    char why[96];
    unsigned count;
    uint64_t need, stalls;

    headroom_meminfo (w, &node);
    signs_learn (&w->node->fall, clock_ms (), node.available + node.swap_free);
    stalls = _stall_need (w, &node, why, sizeof (why));
    if (!full && !w->node->open && node.available >= w->node_reserve &&
        stalls == 0) {
        _node_quiet (w, node.available);
        return;
    }
    need = _need (w, full, &node, &count);
    if (need > 0)
        snprintf (why, sizeof (why), "%s",
                  full ? "the pool is at its limit"
                       : "MemAvailable is below the node reserve");
    else /* nobody breaks a promise for what has not come yet */
        need = w->node->stall_early
                   ? mw_least (stalls, policy_spare (w->scratch, count))
                   : stalls;
    if (need == 0 && _hovers (w, &node)) {
        _node_timer (w->node, NOBODY_MS);
        return;
    }
    if (need == 0) {
        _node_quiet (w, node.available);
        return;
    }
    if (!w->node->open)
        _node_begin (w, why, need);
    if (_wait_for_victim (w, &node, full, need))
        _node_timer (w->node, LOOK_MS);
    else
        _node_choose (w, &node, full, count, need);
}

static int _node_on_timer (sd_event_source *s, uint64_t usec, void *arg)
{
    (void) s;
    (void) usec;
    _tick (arg);
    report_flush (arg);
    return 0;
}

static int _on_pool (sd_event_source *s, int fd, uint32_t events, void *arg)
{
    (void) s;
    (void) fd;
    (void) events;
    _tick (arg);
    report_flush (arg);
    return 0;
}

/* ---- the pool ------------------------------------------------------------ */

/* What jobs may use together: without the node reserve, and not more than Slurm
 * gives away. */
static uint64_t _capacity (const struct warden *w)
{
    const struct slurm_node *s = &w->node->slurm;
    uint64_t most = w->node_memory - w->node_reserve, slurm;

    slurm = s->real ? s->real : w->node_memory;
    slurm -= s->spec < slurm ? s->spec : 0;
    return mw_least (slurm, most);
}

/* A limit that somebody has set below is theirs to set: so is v2's wall. */
static uint64_t _respect (const struct memcg *m, uint64_t limit,
                          uint64_t *above)
{
    uint64_t wall = memcg_wall (m);

    *above = POOL_WALL;
    if (m->set_limit < limit)
        limit = m->set_limit;
    if (wall == MEMCG_NO_LIMIT || (limit < wall && wall - limit >= POOL_WALL))
        return limit;
    *above = wall / 8 < POOL_WALL ? wall / 8 : POOL_WALL;
    if (limit > wall - *above)
        limit = wall - *above;
    *above = wall - limit;
    return limit;
}

/* What is made below the pool has its OOM from the kernel, but for the jobs'. */
static bool _is_armed_job (uint64_t inode, const void *arg)
{
    const struct warden *w = arg;
    const struct job *j = w->jobs.first;

    while (j && !(j->memcg.armed && j->memcg.inode == inode))
        j = j->next;
    return j != NULL;
}

static struct memcg_spare _jobs_of (const struct warden *w)
{
    return (struct memcg_spare) { .is = _is_armed_job, .arg = w };
}

static int _take_pool (struct warden *w, const char *path, struct mw_err *err)
{
    struct node_watch *n = w->node;
    struct memcg *m = &n->pool;
    uint64_t limit, above;
    int rc;

    if (memcg_reopen (m, path, NULL, 0, MW_LAYOUT_LEAF, err) < 0)
        return -1;
    limit = _respect (m, _capacity (w), &above);
    m->spare = _jobs_of (w);
    m->shadow = w->conf.shadow;
    if (m->shadow) {
        w->pool_limit = limit;
        return 0;
    }
    if (pool_remember (w->journal->state_dir, m, err) < 0)
        return -1;
    if (m->ops->set_limit (m, limit, above, err) < 0 ||
        m->ops->arm (m, err) < 0) {
        pool_give_back (w->journal->state_dir, m, NULL);
        return -1;
    }
    rc = sd_event_add_io (w->loop, &n->event, m->event, m->ops->epoll_events,
                          _on_pool, w);
    if (rc < 0) {
        pool_give_back (w->journal->state_dir, m, NULL);
        errno = -rc;
        return mw_err_errno (err, "cannot listen to the pool");
    }
    watch_below (w, m, &n->below);
    w->pool_limit = limit;
    return 0;
}

/* Slurm's own is taken over on v2 alone: see node.h. Returns [path] or NULL. */
static const char *_slurms (struct warden *w, char path[PATH_MAX])
{
    struct node_watch *n = w->node;
    const struct job *job = w->jobs.first;

    if (n->pool_said)
        return NULL;
    while (job && !pool_of_slurm (&job->memcg, path))
        job = job->next;
    if (!job)
        return NULL;
    if (!job->memcg.ops->sleeps_at_limit)
        return path;
    n->pool_said = true;
    report_log (w, LOG_NOTICE,
                "the pool is %s, Slurm's own: not taken over, "
                "since on cgroup v1 jobs that nobody registers would sleep at "
                "their limits; MemAvailable alone is watched (pool in "
                "memwarden.conf has it taken over)",
                path);
    return NULL;
}

static void _find_pool (struct warden *w)
{
    struct node_watch *n = w->node;
    char size[MW_SIZE_STRLEN], found[PATH_MAX];
    const char *path = w->conf.pool;
    struct mw_err err;

    if (n->pool.dir >= 0) {
        if (!memcg_gone (&n->pool))
            return;
        _drop_pool (w); /* another may have come in its place */
    }
    if (!path[0] && !(path = _slurms (w, found)))
        return;
    if (_take_pool (w, path, &err) == 0) {
        report_log (w, LOG_NOTICE, "pool %s%s: %s %s", path,
                    path == found ? ", Slurm's own" : "",
                    n->pool.shadow ? "only watched: its limit would be"
                                   : "limited to",
                    mw_size_format (w->pool_limit, size, sizeof (size)));
        return;
    }
    if (!n->pool_failed && errno != ENOENT) {
        n->pool_failed = true;
        report_log (w, LOG_ERR,
                    "pool %s cannot be watched, MemAvailable alone "
                    "is: %s",
                    path, err.text);
    }
    _drop_pool (w);
}

static void _read_slurm_conf (struct warden *w)
{
    char host[HOST_NAME_MAX + 1] = "", a[MW_SIZE_STRLEN], b[MW_SIZE_STRLEN];
    struct slurm_node *s = &w->node->slurm;
    cleanup_file FILE *f = NULL;
    struct slurm_file lines;

    slurm_file_read (&lines, slurm_conf_path (w->conf.slurm_conf),
                     SLURM_FILE_CONF);
    f = slurm_file_stream (&lines);
    slurm_file_free (&lines);
    gethostname (host, sizeof (host) - 1);
    host[strcspn (host, ".")] = '\0';
    if (!f || !slurm_node_read (f, host, s)) {
        *s = (struct slurm_node) { 0 };
        return;
    }
    report_log (w, LOG_INFO,
                "slurm.conf: this node has RealMemory %s, "
                "MemSpecLimit %s",
                s->real ? mw_size_format (s->real, a, sizeof (a))
                        : "that does not count",
                mw_size_format (s->spec, b, sizeof (b)));
}

/* ---- what others call ---------------------------------------------------- */

int node_open (struct warden *w, struct mw_err *err)
{
    const struct memcg_spare jobs = _jobs_of (w);
    char old[PATH_MAX]; /* of a warden that was killed */
    struct node_watch *n;
    int rc;

    n = calloc (1, sizeof (*n));
    if (!n)
        return mw_err_errno (err, "cannot watch the node");
    *n = (struct node_watch) { .pool = { .dir = -1 } };
    rc = sd_event_add_time (w->loop, &n->timer, CLOCK_BOOTTIME, 0, 1000,
                            _node_on_timer, w);
    if (rc < 0) {
        free (n);
        errno = -rc;
        return mw_err_errno (err, "cannot watch the node");
    }
    w->node = n;
    _read_slurm_conf (w);
    if (w->conf.shadow)
        pool_failsafe (w->journal->state_dir, &jobs, old, NULL);
    node_look (w);
    if (n->pool.dir < 0)
        pool_failsafe (w->journal->state_dir, &jobs, old, NULL);
    return 0;
}

void node_close (struct warden *w)
{
    struct node_watch *n = w->node;

    if (!n)
        return;
    sd_event_source_disable_unref (n->event);
    sd_event_source_disable_unref (n->below);
    sd_event_source_disable_unref (n->timer);
    if (n->pool.dir >= 0) {
        if (!n->pool.shadow)
            pool_give_back (w->journal->state_dir, &n->pool, NULL);
        memcg_close (&n->pool);
    }
    free (n);
    w->node = NULL;
    w->pool_limit = UINT64_MAX;
}

void node_look (struct warden *w)
{
    if (!w->node || w->node->open)
        return;
    _find_pool (w);
    _node_timer (w->node, 1);
}

void node_glance (struct warden *w)
{
    if (w->node && !w->node->open && w->jobs.first)
        _tick (w);
}

void node_stalled (struct warden *w)
{
    watch_psi_less (w, watch_refault_all (w));
    if (w->node && !w->node->open)
        _tick (w);
}

const char *node_pool_path (const struct warden *w)
{
    if (w->node && w->node->pool.dir >= 0)
        return w->node->pool.path;
    return w->conf.pool;
}

bool node_is_short (const struct warden *w)
{
    return w->node && w->node->open;
}

uint64_t node_opened_ms (const struct warden *w)
{
    return node_is_short (w) ? w->node->opened_ms : 0;
}

uint64_t node_rate (const struct warden *w)
{
    uint64_t least = w->conf.fill_rate.bytes / 1000;
    uint64_t seen = w->node ? w->node->fall.rate : 0;

    return seen > least ? seen : least;
}

bool node_may_return (struct warden *w, struct job *job)
{
    uint64_t at = mw_amount_of (&w->conf.resume_at, headroom_capacity (w), 0);
    struct policy_node node;
    unsigned count;
    int first;

    if (w->node && w->node->open)
        return false;
    count = headroom_snapshot (w, &node, w->scratch, w->scratch_max);
    first = policy_resume (w->scratch, count, headroom_left (w, &node, count),
                           at);
    return first >= 0 && job_at (&w->jobs, (unsigned) first) == job;
}
