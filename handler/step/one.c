/* one.c - one process of a job: see one.h */
#include "handler/step/one.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "handler/memcg/hears.h"
#include "handler/policy/target.h"
#include "handler/record/report.h"
#include "lib/clock.h"
#include "lib/json_put.h"

#define LOOK_MS 50

/* A look at many processes keeps the warden from all else: it has a tenth of its time for
 * that. */
#define LOOK_SHARE 10

/* How long it is looked at who grows.  On cgroup v2 a task may sleep for 2 s at a time
 * on its way to the limit. */
#define WINDOW_MS 2500
#define NODE_WINDOW_MS 200 /* while the node is short */

/* Of the job that is being dealt with. */
static struct members members;

/* First looks, of some jobs at a time; whoever loses his to another is judged by size. */
#define LOOKS 8

static struct look {
    const struct job *job;
    uint64_t opened_ms; /* of its incident */
    uint64_t ms;        /* clock_ms */
    unsigned n;
    bool cut;
    struct target_before before[MEMBERS_MAX];
} looks[LOOKS];

void one_rehearse (void)
{
    volatile char *p = (volatile char *) &members;
    volatile char *q = (volatile char *) &looks;

    for (size_t i = 0; i < sizeof (members); i += 4096)
        p[i] = 0;
    for (size_t i = 0; i < sizeof (looks); i += 4096)
        q[i] = 0;
}

/* ---- who grows ----------------------------------------------------------- */

static struct look *_one_first (const struct job *job)
{
    for (unsigned i = 0; i < LOOKS; i++) {
        if (looks[i].job == job &&
            looks[i].opened_ms == job->incident.opened_ms)
            return &looks[i];
    }
    return NULL;
}

/* Where there is none for [job] yet, the oldest makes room. */
static struct look *_one_room (const struct job *job)
{
    struct look *l = _one_first (job), *oldest = &looks[0];

    for (unsigned i = 1; i < LOOKS; i++) {
        if (looks[i].ms < oldest->ms)
            oldest = &looks[i];
    }
    return l ? l : oldest;
}

static void _one_first_look (const struct job *job)
{
    struct look *l = _one_room (job);

    l->job = job;
    l->opened_ms = job->incident.opened_ms;
    l->ms = clock_ms ();
    l->cut = members.cut;
    l->n = members.n;
    for (unsigned i = 0; i < members.n; i++)
        l->before[i] = (struct target_before) {
            .pid = members.one[i].pid,
            .started = members.one[i].started,
            .held = member_holds (&members.one[i]),
        };
}

static void _one_read (struct job *job, bool spare_scripts)
{
    const struct look *l = _one_first (job);

    members_read (&job->memcg, job->spec.uid, MEMBERS_MAX, &members);
    for (unsigned i = 0; spare_scripts && i < members.n; i++)
        members.one[i].barred |= members.one[i].script;
    if (l)
        target_growth (&members, l->before, l->n, l->cut || members.cut);
}

/* The next look, behind one that was begun at [began]. Returns false. */
static bool _one_later (struct warden *w, struct job *job, uint64_t began)
{
    uint64_t rest = (clock_ms () - began) * LOOK_SHARE;

    step_timer (w, job, rest > LOOK_MS ? rest : LOOK_MS);
    return false;
}

bool one_begin (struct warden *w, struct job *job)
{
    uint64_t began = clock_ms ();

    if (step_rung (job)->target != MW_TARGET_GUILTY)
        return true;
    _one_read (job, false);
    _one_first_look (job);
    /* asleep at its limit, nobody grows */
    if (job->incident.trigger == TRIGGER_JOB &&
        (job->reserve == 0 || step_open_reserve (w, job, true) < 0))
        return true;
    return _one_later (w, job, began);
}

enum step_result one_waits (struct warden *w, struct job *job, int phase)
{
    job->incident.phase = phase;
    report (w, job, "step", REPORT_LOG,
            "job %s: it is looked at which of its processes grows",
            job->spec.key);
    return STEP_WAIT;
}

bool one_look (struct warden *w, struct job *job, bool full)
{
    const struct look *l = _one_first (job);
    uint64_t began = clock_ms ();
    uint64_t window = job->incident.trigger == TRIGGER_NODE ? NODE_WINDOW_MS
                                                            : WINDOW_MS;

    if (full || !l || clock_ms () - l->ms >= window)
        return true;
    _one_read (job, true);
    if (target_is_clear (&members, job->limit))
        return true;
    return _one_later (w, job, began);
}

/* ---- the choice ---------------------------------------------------------- */

/* Of [signo], who cannot answer it is passed over; one that has ended meanwhile is,
 * too. Returns its place, with its pidfd in [*fd]; -1. */
static int _one_seek (enum mw_target target, int signo, bool *grown, int *fd)
{
    int at;

    while ((at = target_choose (target, &members, grown)) >= 0) {
        struct member *m = &members.one[at];

        if (member_take (m, fd) == 0) {
            if (signo == 0 || hears (m->pid, signo))
                return at;
            if (*fd >= 0)
                close (*fd);
        }
        m->barred = true;
    }
    return -1;
}

static void _one_is (struct one *one, int at, int fd)
{
    one->is = members.one[at];
    one->fd = fd;
    one->cut = members.cut;
    member_where (one->is.pid, one->step, &one->task);
}

static int _one_refused (const struct job *job, const struct member *m,
                         struct mw_err *why)
{
    if (m->script)
        return mw_err_code (why, EPERM,
                            "process %d is the script of job %s, with which "
                            "Slurm ends the job: name another one, or write "
                            "scancel",
                            (int) m->pid, job->spec.key);
    return mw_err_code (why, EPERM, "process %d in job %s is another user's",
                        (int) m->pid, job->spec.key);
}

/* Only such a rung passes over those that stand still already; who has stopped them may be
 * anybody, whose SIGCONT it is then. */
static bool _one_stands (const struct job *job, const struct mw_ladder_step *s,
                         const struct member *m)
{
    return (s->kind == MW_STEP_HOLD_ONE || s->kind == MW_STEP_SLOW) &&
           (strchr ("Tt", m->state) ||
            stopped_find (&job->incident.stopped, m->pid) >= 0);
}

static int _one_is_stopped (const struct job *job, const struct member *m,
                            struct mw_err *why)
{
    bool ours = stopped_find (&job->incident.stopped, m->pid) >= 0;

    return mw_err_code (why, EBUSY, "process %d in job %s is %s already",
                        (int) m->pid, job->spec.key,
                        ours ? "held, or slowed," : "stopped");
}

static int _one_named (const struct job *job, const struct mw_ladder_step *s,
                       pid_t pid, uint64_t started, struct one *one,
                       struct mw_err *why)
{
    int at = -1, fd = -1;

    for (unsigned i = 0; i < members.n; i++) {
        if (members.one[i].pid == pid &&
            (started == 0 || members.one[i].started == started))
            at = (int) i;
    }
    if (at >= 0 && members.one[at].barred)
        return _one_refused (job, &members.one[at], why);
    if (at >= 0 && _one_stands (job, s, &members.one[at]))
        return _one_is_stopped (job, &members.one[at], why);
    if (at < 0 || member_take (&members.one[at], &fd) < 0)
        return mw_err_code (why, ESRCH, "there is no process %d in job %s",
                            (int) pid, job->spec.key);
    _one_is (one, at, fd);
    return 0;
}

static const char *_one_nobody (const struct mw_ladder_step *s)
{
    switch (s->kind) {
    case MW_STEP_SIGNAL:
        return "none of its processes catches the signal";
    case MW_STEP_HOLD_ONE:
    case MW_STEP_SLOW:
        return "it has no process that goes on but its job script";
    default:
        return "it has no process but its job script";
    }
}

int one_find (struct job *job, const struct mw_ladder_step *s, pid_t pid,
              uint64_t started, struct one *one, struct mw_err *why)
{
    int signo = s->kind == MW_STEP_SIGNAL ? s->signo : 0, at, fd = -1;
    const struct look *l = _one_first (job);

    *one = (struct one) { .fd = -1, .target = s->target };
    /* a look at it ends nothing */
    _one_read (job, signo == 0 && s->kind != MW_STEP_DUMP);
    if (s->target == MW_TARGET_PID)
        return _one_named (job, s, pid, started, one, why);
    for (unsigned i = 0; i < members.n; i++)
        members.one[i].barred |= _one_stands (job, s, &members.one[i]);
    at = _one_seek (one->target, signo, &one->grown, &fd);
    if (at < 0)
        return mw_err_code (why, ESRCH, "job %s: %s", job->spec.key,
                            _one_nobody (s));
    one->in_ms = l ? clock_ms () - l->ms : 0;
    _one_is (one, at, fd);
    return 0;
}

int one_choose (struct job *job, struct one *one, struct mw_err *why)
{
    struct incident *in = &job->incident;

    if (one_find (job, step_rung (job), (pid_t) in->target_pid,
                  in->target_started, one, why) < 0)
        return -1;
    in->target_pid = (uint32_t) one->is.pid;
    in->target_started = one->is.started;
    return 0;
}

void one_drop (struct one *one)
{
    if (one->fd >= 0)
        close (one->fd);
    one->fd = -1;
}

/* ---- what is told of it -------------------------------------------------- */

/* When it was started, in µs since the epoch. */
static uint64_t _one_started (const struct member *m)
{
    uint64_t ms = m->started * 1000 / (uint64_t) sysconf (_SC_CLK_TCK);

    return clock_wall_us () - (clock_ms () - ms) * 1000;
}

static void _one_time (uint64_t us, char *buf, size_t len)
{
    time_t s = (time_t) (us / 1000000);
    struct tm tm;

    if (!gmtime_r (&s, &tm) ||
        strftime (buf, len, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        snprintf (buf, len, "?");
}

#define ONE_MORE 768

static const char *_one_members (const struct one *one, char more[ONE_MORE])
{
    struct json_put p = { .text = more, .size = ONE_MORE };
    char t[32];

    json_put (&p, "\"process\":{");
    json_put_number (&p, "pid", (uint64_t) one->is.pid);
    json_put_text (&p, "comm", one->is.comm);
    json_put_text (&p, "target", mw_target_name (one->target));
    json_put_number (&p, "anon", one->is.anon);
    json_put_number (&p, "shmem", one->is.shmem);
    json_put_number (&p, "file", one->is.file);
    json_put_number (&p, "swap", one->is.swap);
    if (one->target == MW_TARGET_GUILTY) {
        json_put_number (&p, "grew", one->is.grew);
        json_put_number (&p, "grew_in_ms", one->in_ms);
    }
    _one_time (_one_started (&one->is), t, sizeof (t));
    json_put_text (&p, "started", t);
    if (one->step[0])
        json_put_text (&p, "step", one->step);
    if (one->task >= 0)
        json_put_number (&p, "task", (uint64_t) one->task);
    json_put_end (&p, "}");
    return json_put_done (&p);
}

/* "the fastest growing one, by 12.0 MiB in 1.2 s" */
static const char *_one_because (const struct one *one, char *buf, size_t len)
{
    char a[MW_SIZE_STRLEN];

    buf[0] = '\0';
    if (one->grown)
        snprintf (buf, len,
                  ", the fastest growing one (by %s in %" PRIu64 ".%" PRIu64
                  " s)",
                  mw_size_format (one->is.grew, a, sizeof (a)),
                  one->in_ms / 1000, one->in_ms % 1000 / 100);
    else if (one->target == MW_TARGET_GUILTY)
        snprintf (buf, len,
                  ", the largest one: none was seen to grow by itself");
    else if (one->target == MW_TARGET_LARGEST)
        snprintf (buf, len, ", the largest one");
    else if (one->target == MW_TARGET_LEADER)
        snprintf (buf, len, ", which leads the largest one's");
    return buf;
}

static const char *_one_place (const struct one *one, char *buf, size_t len)
{
    int n;

    buf[0] = '\0';
    if (!one->step[0])
        return buf;
    n = snprintf (buf, len, ", step %s", one->step);
    if (one->task >= 0 && n > 0 && (size_t) n < len)
        snprintf (buf + n, len - (size_t) n, ", task %d", one->task);
    return buf;
}

/* "it holds 64.0 MiB (anonymous 60.0 MiB, shared 4.00 MiB, in swap 0 B), and 3.00 MiB of
 * files" */
static const char *_one_kinds (const struct member *m, char *buf, size_t len)
{
    char a[MW_SIZE_STRLEN], b[MW_SIZE_STRLEN], c[MW_SIZE_STRLEN],
        d[MW_SIZE_STRLEN], e[MW_SIZE_STRLEN];

    snprintf (buf, len,
              "it holds %s (anonymous %s, shared %s, in swap %s), and %s of "
              "files",
              mw_size_format (member_holds (m), a, sizeof (a)),
              mw_size_format (m->anon, b, sizeof (b)),
              mw_size_format (m->shmem, c, sizeof (c)),
              mw_size_format (m->swap, d, sizeof (d)),
              mw_size_format (m->file, e, sizeof (e)));
    return buf;
}

void one_tell (struct warden *w, struct job *job, const char *what,
               const struct one *one)
{
    char because[128], place[64], kinds[160], t[32], more[ONE_MORE];
    const struct member *m = &one->is;

    _one_time (_one_started (m), t, sizeof (t));
    report_more (w, job, "step", REPORT_LOG | REPORT_JOB,
                 _one_members (one, more),
                 "job %s: %s process %d (%s%s)%s: %s; started %s%s",
                 job->spec.key, what, (int) m->pid, m->comm,
                 _one_place (one, place, sizeof (place)),
                 _one_because (one, because, sizeof (because)),
                 _one_kinds (m, kinds, sizeof (kinds)), t,
                 one->cut ? " (of the first 1024 of its processes)" : "");
}

bool one_is_there (const struct job *job)
{
    const struct incident *in = &job->incident;
    uint64_t now = in->target_pid ? hears_started ((pid_t) in->target_pid) : 0;

    return now == HEARS_UNKNOWN || (now > 0 && now == in->target_started);
}
