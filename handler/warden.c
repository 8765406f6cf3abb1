/* warden.c - jobs come, run out of memory, and go: what main's loop calls
 *
 * An event's way: _on_event → warden_check → incident_oom → step.  Nothing on
 * it allocates, forks or waits.
 */
#include "handler/warden.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "handler/cgfile.h"
#include "handler/class.h"
#include "handler/clock.h"
#include "handler/control.h"
#include "handler/node.h"
#include "handler/rlimits.h"
#include "handler/step.h"
#include "handler/watch_kmsg.h"
#include "handler/watch_refault.h"
#include "lib/cleanup.h"

/* ---- the node ------------------------------------------------------------ */

uint64_t warden_capacity (const struct warden *w)
{
    uint64_t most = w->node_memory > w->node_reserve
                    ? w->node_memory - w->node_reserve : 0;
    uint64_t pool = node_pool_limit (w);

    return mw_least (pool, most);
}

static void _meminfo_fails (struct warden *w, bool fails)
{
    if (fails != w->meminfo_failed)
        report_log (w, fails ? 3 : 5, fails ? "/proc/meminfo cannot be read: "
                    "only what the jobs use and the pool's limit tell when the "
                    "node is out of memory"
                    : "/proc/meminfo can be read again");
    w->meminfo_failed = fails;
}

static void _read_meminfo (struct warden *w, struct policy_node *node)
{
    char text[2048];
    ssize_t n = w->meminfo < 0 ? -1 : pread (w->meminfo, text,
                                             sizeof (text) - 1, 0);

    /* without it, what the jobs use is all that is known */
    node->available = node->capacity + node->reserve;
    text[n > 0 ? n : 0] = '\0';
    if (cg_key (text, "MemAvailable:", &node->available)) {
        node->available *= 1024;
        _meminfo_fails (w, false);
    } else {
        _meminfo_fails (w, true);
    }
    if (cg_key (text, "SwapTotal:", &node->swap_total))
        node->swap_total *= 1024;
    if (cg_key (text, "SwapFree:", &node->swap_free))
        node->swap_free *= 1024;
}

void warden_meminfo (struct warden *w, struct policy_node *node)
{
    *node = (struct policy_node) { .capacity = warden_capacity (w),
                                   .reserve = w->node_reserve };
    _read_meminfo (w, node);
}

static void _snapshot_job (struct job *j, struct policy_job *p)
{
    step_read_usage (j);
    *p = (struct policy_job) {
        .slurm_id = j->spec.slurm_id,
        .priority = j->priority,
        .reservation = j->reservation,
        .limit = j->limit + j->incident.lent,
        .lent = j->incident.lent,
        .used = j->usage.used,
        .swap = j->usage.swap,
        .elapsed_ms = clock_ms () - j->mark_ms,
        .cpus = j->spec.cpus,
        .requeueable = j->spec.batch,
        .protect = j->class && j->class->protect,
        .leaving = j->incident.kills > 0,
        .parked = incident_waits (j),
    };
}

unsigned warden_snapshot (struct warden *w, struct policy_node *node,
                          struct policy_job *jobs, unsigned max)
{
    unsigned n = 0;

    warden_meminfo (w, node);
    for (struct job *j = w->jobs.first; j && n < max; j = j->next, n++) {
        _snapshot_job (j, &jobs[n]);
        jobs[n].index = n;
        node->used += jobs[n].used;
    }
    return n;
}

/* Of [room] in the pool what is really there: what the system uses beyond what
 * the pool leaves it, the node reserve at least, has been taken from the
 * jobs. */
static uint64_t _really (const struct warden *w, const struct policy_node *node,
                         uint64_t room)
{
    uint64_t others = w->node_memory, outside, left = 0;

    others -= mw_least (others, node->available);
    others -= mw_least (others, node->used);
    outside = w->node_memory - warden_capacity (w);
    others -= mw_least (others, outside);
    room -= mw_least (room, others);
    /* whoever took more would be the victim of the node's next OOM */
    if (node->available > node->reserve)
        left = node->available - node->reserve;
    return mw_least (room, left);
}

uint64_t warden_headroom (const struct warden *w,
                          const struct policy_node *node, unsigned count)
{
    return _really (w, node, policy_headroom (node, w->scratch, count));
}

uint64_t warden_may_lend (struct warden *w, struct job *job,
                          const struct mw_amount *amount)
{
    uint64_t limit = job->limit + job->incident.lent, bytes;
    struct policy_node node = { .capacity = warden_capacity (w),
                                .reserve = w->node_reserve,
                                .used = w->jobs.committed };
    unsigned n;

    /* room there is even if every job used all of its limit (which is never
     * below its reservation): without a snapshot of 1,000 of them, that is
     * enough */
    _read_meminfo (w, &node);
    bytes = policy_grow (amount, limit, job->incident.lent,
                         _really (w, &node, node.capacity > node.used
                                            ? node.capacity - node.used : 0));
    if (bytes > 0)
        return bytes;
    n = warden_snapshot (w, &node, w->scratch, w->scratch_max);
    return policy_grow (amount, limit, job->incident.lent,
                        warden_headroom (w, &node, n));
}

static int _on_room (sd_event_source *s, void *arg)
{
    struct warden *w = arg;

    sd_event_source_set_enabled (s, SD_EVENT_OFF);
    incident_headroom (w);
    report_flush (w);
    return 0;
}

void warden_room (struct warden *w)
{
    if (w->room)
        sd_event_source_set_enabled (w->room, SD_EVENT_ONESHOT);
}

/* ---- events of jobs ------------------------------------------------------ */

static void _first (uint64_t *due, uint64_t ms)
{
    if (ms > 0 && (*due == 0 || ms < *due))
        *due = ms;
}

void warden_set_timer (struct job *job)
{
    uint64_t due = job->look_ms;

    if (!job->timer)
        return;
    if (job->incident.open) {
        _first (&due, job->incident.deadline_ms);
        _first (&due, job->incident.again_ms);
    }
    if (due == 0) {
        sd_event_source_set_enabled (job->timer, SD_EVENT_OFF);
        return;
    }
    sd_event_source_set_time (job->timer, due * 1000);
    sd_event_source_set_enabled (job->timer, SD_EVENT_ONESHOT);
}

/* v2 asks not to be looked at for a while: then its event is not listened
 * to. */
static void _back_off (struct job *job)
{
    bool off = job->memcg.backoff_ms > 0;

    if (off)
        job->look_ms = clock_ms () + job->memcg.backoff_ms;
    if (job->event)
        sd_event_source_set_enabled (job->event,
                                     off ? SD_EVENT_OFF : SD_EVENT_ON);
    warden_set_timer (job);
}

void warden_kernel_killed (struct warden *w, struct job *job)
{
    if (!job->kernel_kill_untold)
        return;
    job->kernel_kill_untold = false;
    report (w, job, "kernel-kill", REPORT_LOG | REPORT_JOB,
            "job %s: the kernel has killed in it", job->spec.key);
}

static void _kernel_kill (struct warden *w, struct job *job)
{
    /* its log explains it, unless it has done so already */
    job->kernel_kill_untold = clock_ms () - job->kernel_kill_ms > 1000;
    if (!watch_kmsg_live (w))
        warden_kernel_killed (w, job);
}

void warden_check (struct warden *w, struct job *job)
{
    enum memcg_state state = job->memcg.ops->check (&job->memcg);

    if (state == MEMCG_GONE) {
        warden_release (w, job, "its cgroup is gone");
        return;
    }
    _back_off (job);
    if (state == MEMCG_OOM)
        incident_oom (w, job, TRIGGER_JOB);
    else if (state == MEMCG_QUIET)
        watch_refault (w, job);
    else if (state == MEMCG_KERNEL_KILL)
        _kernel_kill (w, job);
}

static struct warden *_warden;     /* sd-event hands over one pointer */

static int _on_event (sd_event_source *s, int fd, uint32_t events, void *arg)
{
    (void) s;
    (void) fd;
    (void) events;
    warden_check (_warden, arg);
    report_flush (_warden);
    return 0;
}

static int _on_timer (sd_event_source *s, uint64_t usec, void *arg)
{
    struct job *job = arg;
    char key[MW_JOBKEY_MAX];

    (void) s;
    (void) usec;
    snprintf (key, sizeof (key), "%s", job->spec.key);
    if (job->look_ms > 0 && clock_ms () >= job->look_ms) {
        job->look_ms = 0;
        warden_check (_warden, job);
        if (job_find (&_warden->jobs, key) != job) {
            report_flush (_warden);
            return 0;
        }
    }
    incident_timer (_warden, job);
    if (job_find (&_warden->jobs, key) == job)
        warden_set_timer (job);
    report_flush (_warden);
    return 0;
}

/* Something was removed beside [arg]'s directory, or that itself. */
static int _on_removal (sd_event_source *s, const struct inotify_event *e,
                        void *arg)
{
    struct job *job = arg;
    const char *slash = strrchr (job->memcg.path, '/');

    (void) s;
    if (!(e->mask & IN_Q_OVERFLOW) && slash && e->len > 0 &&
        strcmp (e->name, slash + 1) != 0)
        return 0;
    warden_check (_warden, job);
    report_flush (_warden);
    return 0;
}

/* A watch on the directory above: one on its own would be told when the last
 * descriptor of it is closed, and that is ours. */
static int _listen_removal (struct warden *w, struct job *job)
{
    cleanup_fd int above = openat (job->memcg.dir, "..", O_RDONLY |
                                   O_DIRECTORY | O_CLOEXEC);
    char path[64];
    int rc;

    if (above < 0)
        return -errno;
    snprintf (path, sizeof (path), "/proc/self/fd/%d", above);
    rc = sd_event_add_inotify (w->loop, &job->removal, path,
                               IN_DELETE | IN_ONLYDIR, _on_removal, job);
    /* each job beside the removed one is called: no OOM is to wait for that */
    return rc < 0 ? rc : sd_event_source_set_priority (job->removal,
                                                       SD_EVENT_PRIORITY_IDLE);
}

static int _listen (struct warden *w, struct job *job, struct mw_err *err)
{
    int rc;

    _warden = w;
    if (job->memcg.ops->removal_is_silent && !job->removal &&
        (rc = _listen_removal (w, job)) < 0)
        report_log (w, 4, "job %s: should nobody release it, its end will not "
                    "be noticed: %s", job->spec.key, strerror (-rc));
    rc = sd_event_add_io (w->loop, &job->event, job->memcg.event,
                          job->memcg.ops->epoll_events, _on_event, job);
    if (rc >= 0 && !job->timer)
        rc = sd_event_add_time (w->loop, &job->timer, CLOCK_BOOTTIME, 0, 1000,
                                _on_timer, job);
    if (rc < 0) {
        errno = -rc;
        return mw_err_errno (err, "cannot listen to job %s", job->spec.key);
    }
    sd_event_source_set_enabled (job->timer, SD_EVENT_OFF);
    return 0;
}

/* ---- registration -------------------------------------------------------- */

/* Room to take a snapshot in, before it is needed. */
static int _make_scratch (struct warden *w)
{
    unsigned max = w->scratch_max ? 2 * w->scratch_max : 64;
    struct policy_job *more;
    struct policy_rank *ranks;

    if (w->jobs.count < w->scratch_max)
        return 0;
    ranks = realloc (w->ranks, max * sizeof (*ranks));
    if (!ranks)
        return -1;
    w->ranks = ranks;
    more = realloc (w->scratch, max * sizeof (*more));
    if (!more)
        return -1;
    w->scratch = more;
    w->scratch_max = max;
    return 0;
}

/* Shadow mode: the kernel goes on to answer, it is only heard. */
static int _listen_only (struct warden *w, struct job *job, struct mw_err *err)
{
    job_commit (job);
    job->event = sd_event_source_disable_unref (job->event);
    if (job->memcg.ops->listen (&job->memcg, err) < 0)
        return -1;
    return _listen (w, job, err);
}

/* Write what the job is given into its memcg, and take its OOM over. */
static int _take_over (struct warden *w, struct job *job, struct mw_err *err)
{
    if (job->memcg.shadow)
        return _listen_only (w, job, err);
    /* a hint to the kernel's reclaim: where it is not to be had the limits hold
     * all the same */
    job->memcg.ops->set_reservation (&job->memcg, job->reservation, NULL);
    if (step_assert_limit (job, err) < 0)
        return -1;
    if (job->memcg.armed && job->memcg.event >= 0)
        return 0;
    if (job->memcg.ops->arm (&job->memcg, err) < 0)
        return -1;
    return _listen (w, job, err);
}

static char *_path_of (int dir)
{
    char link[64], path[MEMCG_PATH_MAX];
    ssize_t n;

    snprintf (link, sizeof (link), "/proc/self/fd/%d", dir);
    n = readlink (link, path, sizeof (path) - 1);
    return n > 0 ? strndup (path, (size_t) n) : NULL;
}

static struct job *_register_new (struct warden *w,
                                  const struct mw_jobspec *spec,
                                  int memory_dir, int freezer_dir,
                                  struct mw_err *err)
{
    char a[MW_SIZE_STRLEN], b[MW_SIZE_STRLEN], l[MW_LADDER_STRLEN];
    struct mw_err note = { "" };
    struct job *job;

    if (_make_scratch (w) < 0 || !(job = job_new (&w->jobs))) {
        mw_err_errno (err, "cannot register job %s", spec->key);
        return NULL;
    }
    job->spec = *spec;
    job->class = class_of (&w->conf, spec, &job->facts);
    job->registered_ms = job->mark_ms = clock_ms ();
    if (freezer_dir >= 0)
        job->freezer_path = _path_of (freezer_dir);
    if (job_resolve (job, &w->conf, warden_capacity (w), w->node_cpus,
                     &note) < 0) {
        errno = EINVAL;
        mw_err_set (err, "job %s: %s", spec->key, note.text);
        job_free (&w->jobs, job);
        return NULL;
    }
    if (memcg_open (&job->memcg, memory_dir, freezer_dir, spec->layout,
                    err) < 0) {
        job_free (&w->jobs, job);
        return NULL;
    }
    job->memcg.shadow = w->conf.shadow;
    report (w, job, "registered", REPORT_LOG, "job %s: registered: reservation "
            "%s, limit %s, priority %u, ladder %s%s%s%s%s", spec->key,
            mw_size_format (job->reservation, a, sizeof (a)),
            mw_size_format (job->limit, b, sizeof (b)), job->priority,
            mw_ladder_format (job->ladder, l, sizeof (l)),
            job->class ? "; class " : "", job->class ? job->class->name : "",
            note.text[0] ? "; " : "", note.text);
    if (_take_over (w, job, err) < 0) {
        int saved = errno;

        warden_release (w, job, "it could not be taken over");
        errno = saved;
        return NULL;
    }
    return job;
}

/* The job other than [key] that lives in the memcg [inode]; NULL. Two ladders
 * would pull one memcg two ways. */
static struct job *_neighbour (struct warden *w, const char *key,
                               uint64_t inode)
{
    for (struct job *j = w->jobs.first; j; j = j->next) {
        if (inode != 0 && j->memcg.inode == inode &&
            strcmp (j->spec.key, key) != 0)
            return j;
    }
    return NULL;
}

struct job *warden_register (struct warden *w, const struct mw_jobspec *spec,
                             int memory_dir, int freezer_dir,
                             struct mw_err *err)
{
    struct job *job = job_find (&w->jobs, spec->key);
    uint64_t inode = cg_inode (memory_dir);
    struct job *other = _neighbour (w, spec->key, inode);
    char key[MW_JOBKEY_MAX];

    if (other) {
        errno = EEXIST;
        mw_err_set (err, "the memcg %s is already that of job %s",
                    other->memcg.path, other->spec.key);
        return NULL;
    }
    if (job && job->memcg.inode != inode) {
        if (job->memcg.ops->check (&job->memcg) != MEMCG_GONE) {
            errno = EEXIST;
            mw_err_set (err, "job %s is registered with another memcg (%s)",
                        spec->key, job->memcg.path);
            return NULL;
        }
        warden_release (w, job, "its cgroup was made anew");
        job = NULL;
    }
    if (!job) {
        job = _register_new (w, spec, memory_dir, freezer_dir, err);
    } else if (_take_over (w, job, err) < 0) {
        return NULL;
    }
    if (!job)
        return NULL;
    class_ask (w, job);
    /* an OOM of before the arming gave no event */
    snprintf (key, sizeof (key), "%s", spec->key);
    if (job->memcg.event >= 0)
        warden_check (w, job);
    node_look (w);
    return job_find (&w->jobs, key);
}

void warden_release (struct warden *w, struct job *job, const char *why)
{
    enum memcg_state last = job->memcg.dir < 0 ? MEMCG_GONE :
                            job->memcg.ops->check (&job->memcg);
    bool gone = last == MEMCG_GONE;

    /* what the kernel has killed in it just now is told, too */
    if (last == MEMCG_OOM && job->memcg.shadow)
        incident_oom (w, job, TRIGGER_JOB);
    else if (last == MEMCG_KERNEL_KILL)
        _kernel_kill (w, job);
    watch_kmsg_read (w);
    warden_kernel_killed (w, job);
    class_forget (w, job);
    job->leaving = true;    /* nobody is left to be told in its stderr */
    incident_end (w, job, "the job has ended");
    report (w, job, "released", REPORT_LOG, "job %s: released: %s",
            job->spec.key, why);
    report_flush (w);       /* while its listeners are there */
    job->event = sd_event_source_disable_unref (job->event);
    if (!gone && job->memcg.armed)
        job->memcg.ops->disarm (&job->memcg, NULL);
    job_free (&w->jobs, job);
    warden_room (w);
}

/* ---- restart, reload, end ------------------------------------------------ */

/* An earlier warden has acted, this one is to watch only: what was done to
 * [job] is undone, and its OOM is the kernel's again. */
static void _let_go (struct warden *w, struct job *job)
{
    struct mw_err err;

    /* what the kernel kills as soon as it may is counted, too */
    job->memcg.ops->listen (&job->memcg, NULL);
    incident_recover (w, job);
    if (job->memcg.ops->disarm (&job->memcg, &err) < 0)
        report_log (w, 3, "job %s: its OOM cannot be given back to the kernel:"
                    " %s", job->spec.key, err.text);
}

/* Take up [job] as the journal has it. Returns 0, or -1: it is gone. */
static int _recover_job (struct warden *w, struct job *job, struct mw_err *err)
{
    cleanup_free char *path = job->memcg.path;
    uint64_t limit = job->memcg.set_limit;
    bool shadow = job->memcg.shadow;

    job->memcg.path = NULL;
    if (memcg_reopen (&job->memcg, path, job->freezer_path, job->memcg.inode,
                      job->spec.layout, err) < 0) {
        job->memcg.path = path;
        path = NULL;
        return -1;
    }
    job->memcg.set_limit = limit;
    job->class = class_of (&w->conf, &job->spec, &job->facts);
    if (w->conf.shadow && !shadow)
        _let_go (w, job);
    job->memcg.shadow = w->conf.shadow;
    return _take_over (w, job, err);
}

int warden_recover (struct warden *w, struct mw_err *err)
{
    struct job *job, *next;
    struct mw_err why;

    if (journal_recover (&w->journal, &w->jobs, err) < 0)
        return -1;
    if (err->text[0])
        report_log (w, 4, "%s", err->text);
    /* beyond any that waits in the spool: a record makes three at most */
    w->request_seq = w->journal.seq * 4;
    for (job = w->jobs.first; job; job = next) {
        next = job->next;
        if (_make_scratch (w) < 0)
            return mw_err_errno (err, "cannot recover");
        if (_recover_job (w, job, &why) < 0) {
            report (w, job, "released", REPORT_LOG, "job %s: gone while the "
                    "warden was away: %s", job->spec.key, why.text);
            if (job->memcg.dir >= 0 && job->memcg.armed)
                job->memcg.ops->disarm (&job->memcg, NULL);
            job_free (&w->jobs, job);
            continue;
        }
        report (w, job, "adopted", REPORT_LOG, "job %s: taken up again",
                job->spec.key);
    }
    for (job = w->jobs.first; job; job = next) {
        next = job->next;
        class_ask (w, job);
        incident_recover (w, job);
        if (!job->incident.open && job->memcg.event >= 0)
            warden_check (w, job);
    }
    report_flush (w);
    return 0;
}

void warden_hand_back (struct warden *w)
{
    struct mw_err err;

    for (struct job *j = w->jobs.first; j; j = j->next) {
        j->event = sd_event_source_disable_unref (j->event);
        if (j->incident.enomem)
            rlimits_restore (&j->memcg, w->journal.state_dir, j->spec.key,
                             NULL);
        if (j->incident.frozen || j->incident.slowed)
            j->memcg.ops->freeze (&j->memcg, false, NULL);
        if (j->memcg.armed && j->memcg.ops->disarm (&j->memcg, &err) < 0 &&
            errno != ENODEV)
            report_log (w, 3, "job %s: its OOM cannot be given back to the "
                        "kernel: %s", j->spec.key, err.text);
    }
}

void warden_reconfigured (struct warden *w)
{
    w->node_reserve = mw_amount_of (&w->conf.node_reserve, w->node_memory, 0);
    for (struct job *j = w->jobs.first; j; j = j->next) {
        j->class = class_of (&w->conf, &j->spec, &j->facts);
        class_ask (w, j);
    }
    warden_room (w);
}

/* ---- the courier's answers ----------------------------------------------- */

/* The job a request was for: its id begins with the key and a dot.  A key may
 * have dots of its own, so the longest one is meant. */
static struct job *_asked_by (struct warden *w, const char *id)
{
    struct job *found = NULL;
    size_t longest = 0;

    for (struct job *j = w->jobs.first; j; j = j->next) {
        size_t len = strlen (j->spec.key);

        if (len > longest && strncmp (id, j->spec.key, len) == 0 &&
            id[len] == '.') {
            found = j;
            longest = len;
        }
    }
    return found;
}

static void _take_answers (struct warden *w)
{
    static struct spool_answer a;
    struct mw_err err;
    struct job *job;
    int rc;

    while ((rc = spool_take_answer (&w->spool, &a, &err)) != 0) {
        if (rc < 0) {
            report_log (w, 4, "an answer of the courier is dropped: %s",
                        err.text);
            if (errno != EPROTO)
                break;
            continue;
        }
        if (!(job = _asked_by (w, a.id)))
            aftermath_answer (w, &a);
        else if (!class_answer (w, job, &a))
            incident_answer (w, job, &a);
    }
    report_flush (w);
}

static int _on_answers (sd_event_source *s, const struct inotify_event *e,
                        void *arg)
{
    (void) s;
    (void) e;
    _take_answers (arg);
    return 0;
}

int warden_listen_answers (struct warden *w, struct mw_err *err)
{
    char path[64];
    int rc;

    snprintf (path, sizeof (path), "/proc/self/fd/%d", w->spool.ans);
    rc = sd_event_add_inotify (w->loop, &w->answers, path,
                               IN_MOVED_TO | IN_CREATE, _on_answers, w);
    if (rc >= 0)
        rc = sd_event_add_defer (w->loop, &w->room, _on_room, w);
    if (rc < 0) {
        errno = -rc;
        return mw_err_errno (err, "cannot listen to the spool");
    }
    sd_event_source_set_enabled (w->room, SD_EVENT_OFF);
    _take_answers (w);
    return 0;
}
