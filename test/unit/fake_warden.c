/* fake_warden.c - a warden and its jobs without a kernel: see fake_warden.h */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "test/unit/fake_warden.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "handler/account/aftermath.h"
#include "handler/incident/incident.h"
#include "handler/record/blame.h"
#include "handler/record/journal.h"
#include "handler/record/report.h"
#include "handler/record/request.h"
#include "handler/spool/waiting.h"
#include "lib/cgfile.h"
#include "lib/cleanup.h"
#include "lib/event.h"
#include "test/unit/fake_scribe.h"

#define JOBS_MAX 8
#define FREEZER "cgroup.freeze" /* what is not v1 is taken for v2 */

struct fake fake;

static struct journal journal;
static struct report reports;
static struct aftermath after;
static struct waiting waiting;
static struct policy_job scratch[JOBS_MAX];
static struct policy_rank ranks[JOBS_MAX];
static struct mw_err err;

/* ---- the machine it runs on ---------------------------------------------- */

/* The linker takes these two instead of libc's, for libraries as well. */
int clock_gettime (clockid_t id, struct timespec *t)
{
    if (id != CLOCK_BOOTTIME)
        return (int) syscall (SYS_clock_gettime, id, t);
    t->tv_sec = (time_t) (fake.now / 1000);
    t->tv_nsec = (long) (fake.now % 1000 * 1000000);
    return 0;
}

int sysinfo (struct sysinfo *si)
{
    *si = (struct sysinfo) { .freeswap = fake.swap_free, .mem_unit = 1 };
    return 0;
}

static void _write (int dir, const char *name, const char *text)
{
    cleanup_fd int fd = openat (dir, name,
                                O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true (fd >= 0);
    assert_int_equal (write (fd, text, strlen (text)), strlen (text));
}

void fake_available (uint64_t bytes)
{
    char text[128];
    int n = snprintf (text, sizeof (text),
                      "MemAvailable: %20" PRIu64 " kB\n"
                      "SwapTotal: 8388608 kB\nSwapFree: 8388608 kB\n",
                      bytes / 1024);

    assert_int_equal (pwrite (fake.w.meminfo, text, (size_t) n, 0), n);
}

/* ---- the journal --------------------------------------------------------- */

static FILE *_open (const char *name)
{
    char path[128];
    FILE *f;

    snprintf (path, sizeof (path), "%s/%s", fake.dir, name);
    f = fopen (path, "re");
    assert_non_null (f);
    return f;
}

/* The last record about the job of [m]: the caller's. */
static json_t *_on_record (const struct memcg *m)
{
    cleanup_file FILE *f = _open ("ahead.jsonl");
    cleanup_free char *line = NULL;
    json_t *last = NULL;
    size_t room = 0;

    while (getline (&line, &room, f) > 0 && line[0] != '\n') {
        cleanup_json json_t *j = json_loads (line, 0, NULL);
        const char *key = json_string_value (json_object_get (j, "job"));

        assert_non_null (j);
        if (!key || strcmp (key, strrchr (m->path, '/') + 1) != 0)
            continue;
        json_decref (last);
        last = json_incref (j);
    }
    assert_non_null (last);
    return last;
}

unsigned fake_recorded (const char *text)
{
    cleanup_file FILE *f = _open ("ahead.jsonl");
    cleanup_free char *line = NULL;
    unsigned n = 0;
    size_t room = 0;

    while (getline (&line, &room, f) > 0)
        n += strstr (line, text) != NULL;
    return n;
}

unsigned fake_logged (const char *text)
{
    return fake_scribe_count (text);
}

static uint64_t _number (json_t *j, const char *key)
{
    return (uint64_t) json_integer_value (json_object_get (j, key));
}

/* ---- its deeds ----------------------------------------------------------- */

/* Returns 0 or -1, as [fake.fails] says. */
static int _do (enum fake_deed deed, struct mw_err *why)
{
    fake.did[deed]++;
    if (fake.fails[deed] == 0)
        return 0;
    errno = fake.fails[deed];
    if (fake.fails_for[deed] > 0 && --fake.fails_for[deed] == 0)
        fake.fails[deed] = 0;
    return mw_err_errno (why, "the fake fails");
}

static int _freeze (struct memcg *m, bool on, struct mw_err *why)
{
    cleanup_json json_t *record = _on_record (m);
    json_t *in = json_object_get (json_object_get (record, "st"), "incident");
    bool frozen = json_is_true (json_object_get (in, "frozen"));
    bool slowed = json_is_true (json_object_get (in, "slowed"));

    assert_true (!on || frozen || slowed);
    if (_do (on ? FAKE_FREEZE : FAKE_THAW, why) < 0)
        return -1;
    _write (m->dir, FREEZER, on ? "1\n" : "0\n");
    return 0;
}

static int _set_limit (struct memcg *m, uint64_t limit, uint64_t reserve,
                       struct mw_err *why)
{
    cleanup_json json_t *record = _on_record (m);
    json_t *st = json_object_get (record, "st");
    json_t *in = json_object_get (st, "incident");
    uint64_t want = _number (st, "limit") + _number (in, "lent");

    (void) reserve;
    if (json_is_true (json_object_get (in, "reserve_open")))
        want += _number (st, "reserve");
    assert_true (limit <= want);
    if (_do (FAKE_LIMIT, why) < 0)
        return -1;
    m->set_limit = limit;
    return 0;
}

static int _read_usage (struct memcg *m, struct memcg_usage *u,
                        struct mw_err *why)
{
    (void) why;
    *u = m->seen;
    return memcg_gone (m) ? -1 : 0;
}

static int _reclaim (struct memcg *m, uint64_t bytes, uint64_t *freed,
                     struct mw_err *why)
{
    cleanup_json json_t *record = _on_record (m);

    (void) bytes;
    assert_non_null (json_object_get (record, "incident"));
    if (_do (FAKE_RECLAIM, why) < 0)
        return -1;
    *freed = mw_least (fake.frees, m->seen.total);
    m->seen.total -= *freed;
    m->seen.used -= *freed;
    m->seen.swap += *freed;
    return 0;
}

static int _kill (struct memcg *m, unsigned *left, struct mw_err *why)
{
    cleanup_json json_t *record = _on_record (m);
    const char *step = json_string_value (json_object_get (record, "step"));

    assert_true (!strcmp (step, "kill") || !strcmp (step, "requeue"));
    *left = fake.left;
    if (_do (FAKE_KILL, why) < 0)
        return -1;
    if (fake.left == 0)
        m->seen = (struct memcg_usage) { .total = fake.stays,
                                         .used = fake.stays };
    return 0;
}

static const struct memcg_ops ops = {
    .name = "fake",
    .read_usage = _read_usage,
    .set_limit = _set_limit,
    .reclaim = _reclaim,
    .freeze = _freeze,
    .kill = _kill,
};

/* ---- who is above -------------------------------------------------------- */

static void _note (struct warden *w, struct job *job, const char *text)
{
    (void) w;
    (void) job;
    (void) text;
}

static bool _tell (struct warden *w, const struct job *job, uint64_t number,
                   bool open, const char *text)
{
    (void) w;
    (void) job;
    (void) number;
    (void) open;
    (void) text;
    return true;
}

static bool _node_is_short (const struct warden *w)
{
    (void) w;
    return fake.node_is_short;
}

static bool _node_may_return (struct warden *w, struct job *job)
{
    (void) w;
    (void) job;
    return fake.node_may_return;
}

static void _detected (struct warden *w, struct job *job)
{
    (void) w;
    assert_true (!job || job->incident.open);
    fake.detected++;
}

static void _over (struct warden *w)
{
    (void) w;
    fake.over++;
    if (fake.unread)
        fake.unread->incident.kernel_killed = fake.unread->incident.open;
    fake.unread = NULL;
}

static void _stalled (struct warden *w)
{
    (void) w;
    fail_msg ("nobody watches for stalls here");
}

static void _release (struct warden *w, struct job *job, const char *why)
{
    (void) w;
    (void) job;
    fail_msg ("released: %s", why);
}

/* ---- beginning and end --------------------------------------------------- */

static void _on_signal (int signo)
{
    if (signo == SIGTERM)
        _exit (0);
}

/* It catches them from its first moment: it is born so. */
static pid_t _start_task (void)
{
    struct sigaction hear = { .sa_handler = _on_signal }, usr1, term;
    pid_t pid;

    sigaction (SIGUSR1, &hear, &usr1);
    sigaction (SIGTERM, &hear, &term);
    pid = fork ();
    if (pid == 0) {
        prctl (PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            pause ();
    }
    sigaction (SIGUSR1, &usr1, NULL);
    sigaction (SIGTERM, &term, NULL);
    return pid;
}

static int _on_room (sd_event_source *s, void *arg)
{
    (void) s;
    incident_headroom (arg);
    return 0;
}

static int _open_warden (struct warden *w)
{
    char path[128];

    conf_defaults (&w->conf);
    w->conf.syslog = false;
    snprintf (path, sizeof (path), "%s/meminfo", fake.dir);
    w->meminfo = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (w->meminfo < 0 || sd_event_new (&w->loop) < 0 ||
        sd_event_add_defer (w->loop, &w->room, _on_room, w) < 0 ||
        sd_event_source_set_enabled (w->room, SD_EVENT_OFF) < 0 ||
        blame_open (w, &err) < 0 ||
        journal_open (&journal, fake.dir, fake.dir, &err) < 0 ||
        spool_open (&w->spool, fake.dir, true, geteuid (), &err) < 0)
        return -1;
    fake_available (4 * MW_GIB);
    report_open (w);
    return fake_scribe_begin (w->report);
}

int fake_begin (void **state)
{
    (void) state;
    /* no machine is up that long: what is timed never comes by itself */
    fake = (struct fake) { .dir = "/tmp/mwt.warden.XXXXXX",
                           .now = UINT64_C (1000000000000),
                           .swap_free = 8 * MW_GIB };
    journal = (struct journal) { 0 };
    reports = (struct report) { .journald = -1 };
    after = (struct aftermath) { 0 };
    memset (&waiting, 0, sizeof (waiting));
    fake.w = (struct warden) {
        .up = { .note = _note,
                .tell = _tell,
                .freezer = incident_freezer,
                .node_is_short = _node_is_short,
                .node_may_return = _node_may_return,
                .stalled = _stalled,
                .detected = _detected,
                .over = _over,
                .release = _release },
        .journal = &journal,
        .report = &reports,
        .after = &after,
        .waiting = &waiting,
        .courier_kept = true,
        .attendant = -1,
        .node_memory = 8 * MW_GIB,
        .node_reserve = MW_GIB,
        .pool_limit = UINT64_MAX,
        .node_cpus = 4,
        .scratch = scratch,
        .ranks = ranks,
        .scratch_max = JOBS_MAX,
    };
    fake.task = _start_task ();
    return fake.task > 0 && mkdtemp (fake.dir) ? _open_warden (&fake.w) : -1;
}

int fake_end (void **state)
{
    char cmd[300];

    (void) state;
    kill (fake.task, SIGKILL);
    waitpid (fake.task, NULL, 0);
    while (fake.w.jobs.first)
        job_free (&fake.w.jobs, fake.w.jobs.first);
    report_close (&fake.w);
    if (reports.scribe >= 0)
        fake_scribe_end (&reports);
    spool_close (&fake.w.spool);
    journal_close (&journal);
    close (fake.w.meminfo);
    while (fake.w.later.first)
        job_free (&fake.w.later, fake.w.later.first);
    sd_event_source_disable_unref (fake.w.room);
    blame_close (&fake.w);
    sd_event_source_disable_unref (fake.w.answers);
    sd_event_source_disable_unref (fake.w.again);
    sd_event_unref (fake.w.loop);
    snprintf (cmd, sizeof (cmd), "rm -rf -- '%s'", fake.dir);
    return system (cmd);
}

/* ---- jobs ---------------------------------------------------------------- */

/* As watch/job_event.c has it. */
static int _on_timer (sd_event_source *s, uint64_t usec, void *arg)
{
    struct job *job = arg;

    (void) s;
    (void) usec;
    if (job->look_ms <= fake.now)
        job->look_ms = 0;
    incident_timer (&fake.w, job);
    job_set_timer (job);
    return 0;
}

/* What a registration, or an adoption, opens of [job]. */
static void _attach (struct job *job)
{
    struct memcg *m = &job->memcg;

    m->ops = &ops;
    m->layout = MW_LAYOUT_LEAF;
    m->freezer = m->event = m->limit = m->hard = m->usage = -1;
    m->oom_control = -1;
    m->dir = open (m->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true (m->dir >= 0);
    assert_true (sd_event_add_time (fake.w.loop, &job->timer, CLOCK_BOOTTIME, 0,
                                    0, _on_timer, job) >= 0);
    sd_event_source_set_enabled (job->timer, SD_EVENT_OFF);
}

struct job *fake_job (const char *key, const char *ladder)
{
    struct job *job = job_new (&fake.w.jobs);
    struct mw_ladder l;
    char pid[16];

    assert_non_null (job);
    assert_int_equal (mw_ladder_parse (ladder, &l, &err), 0);
    snprintf (job->spec.key, sizeof (job->spec.key), "%s", key);
    job->spec.slurm_id = (uint32_t) strtoul (key, NULL, 10);
    job->spec.uid = geteuid ();
    job->spec.cpus = 1;
    job->spec.batch = job->spec.tells = true;
    job->spec.priority = job->priority = MW_PRIORITY_DEFAULT;
    job->reservation = job->limit = job->allowed = FAKE_LIMIT_BYTES;
    job->reserve = FAKE_RESERVE_BYTES;
    job->registered_ms = job->mark_ms = fake.now;
    job->ladder = ladder_share (&l);
    assert_true (asprintf (&job->memcg.path, "%s/%s", fake.dir, key) > 0);
    assert_int_equal (mkdir (job->memcg.path, 0700), 0);
    _attach (job);
    _write (job->memcg.dir, FREEZER, "0\n");
    snprintf (pid, sizeof (pid), "%d\n", (int) fake.task);
    _write (job->memcg.dir, "cgroup.procs", pid);
    fake_uses (job, FAKE_LIMIT_BYTES);
    job_commit (job);
    report (&fake.w, job, "registered", REPORT_LOG, "job %s: registered", key);
    return job;
}

void fake_empty (const struct job *job)
{
    _write (job->memcg.dir, "cgroup.procs", "");
}

void fake_unseen (const struct job *job, bool on)
{
    assert_int_equal (unlinkat (job->memcg.dir, "cgroup.procs",
                                on ? 0 : AT_REMOVEDIR),
                      0);
    if (on)
        assert_int_equal (mkdirat (job->memcg.dir, "cgroup.procs", 0700), 0);
    else
        fake_empty (job);
}

void fake_uses (struct job *job, uint64_t bytes)
{
    job->memcg.seen = (struct memcg_usage) { .total = bytes, .used = bytes };
}

void fake_gone (const struct job *job)
{
    assert_int_equal (unlinkat (job->memcg.dir, "cgroup.procs", 0), 0);
}

bool fake_frozen (const struct job *job)
{
    char text[16];

    assert_true (cg_read (job->memcg.dir, FREEZER, text, sizeof (text)) > 0);
    return text[0] == '1';
}

void fake_writes_freezer (struct job *job, bool on)
{
    _write (job->memcg.dir, FREEZER, on ? "1\n" : "0\n");
}

void fake_freezes (struct job *job, bool on)
{
    fake_writes_freezer (job, on);
    fake_loop ();
}

void fake_loop (void)
{
    while (sd_event_run (fake.w.loop, 0) > 0)
        ;
}

void fake_node_ladder (const char *text)
{
    assert_int_equal (mw_ladder_parse (text, &fake.w.conf.node_ladder, &err),
                      0);
}

struct job *fake_oom (const char *key, const char *ladder)
{
    struct job *job = fake_job (key, ladder);

    incident_oom (&fake.w, job, TRIGGER_JOB);
    return job;
}

struct job *fake_node_oom (const char *ladder)
{
    struct job *job = fake_job ("12", "kill");

    fake.node_is_short = true;
    fake_node_ladder (ladder);
    incident_oom (&fake.w, job, TRIGGER_NODE);
    return job;
}

enum mw_step_kind fake_rung (const struct job *job)
{
    assert_true (job->incident.open);
    return job->incident.ladder->step[job->incident.step].kind;
}

void fake_is_clean (const struct job *job)
{
    const struct incident *in = &job->incident;

    assert_false (in->open);
    assert_false (fake_frozen (job));
    assert_false (in->frozen || in->reserve_open || in->slowed || in->enomem ||
                  in->suspended);
    assert_int_equal (in->stopped.n, 0);
    assert_int_equal (in->lent, 0);
    assert_int_equal (in->request[0], '\0');
    assert_null (in->ladder);
    assert_true (job->memcg.set_limit == 0 ||
                 job->memcg.set_limit == job->limit);
    assert_int_equal (fake_requests (SPOOL_SUSPEND, NULL), 0);
    assert_int_equal (job->freezers, 0);
}

/* ---- time and the courier ------------------------------------------------ */

bool fake_timer_is_on (const struct job *job)
{
    int on = SD_EVENT_OFF;

    assert_true (sd_event_source_get_enabled (job->timer, &on) >= 0);
    return on != SD_EVENT_OFF;
}

void fake_timer (struct job *job)
{
    uint64_t usec;

    assert_true (fake_timer_is_on (job));
    assert_true (sd_event_source_get_time (job->timer, &usec) >= 0);
    if (usec / 1000 > fake.now)
        fake.now = usec / 1000;
    _on_timer (job->timer, usec, job);
}

void fake_deadline (struct job *job)
{
    assert_true (job->incident.deadline_ms > fake.now);
    fake.now = job->incident.deadline_ms;
    _on_timer (job->timer, fake.now * 1000, job);
}

/* A process does not see its own lock: whoever claims here only was there. */
void fake_no_courier (bool before)
{
    struct spool_courier self = { .restarts = 0 };

    fake.w.courier_kept = false;
    if (before)
        assert_int_equal (spool_claim (&fake.w.spool, &self, &err), 0);
}

void fake_spool_fails (void)
{
    close (fake.w.spool.tmp);
    fake.w.spool.tmp = -1;
}

unsigned fake_requests (enum spool_op op, struct spool_request *r)
{
    static struct spool_request one;
    char (*ids)[SPOOL_ID_MAX];
    int all = spool_list_requests (&fake.w.spool, &ids);
    unsigned n = 0;

    for (int i = 0; i < all; i++) {
        if (spool_op_of (ids[i]) != op)
            continue;
        assert_int_equal (spool_read_request (&fake.w.spool, ids[i], &one,
                                              &err),
                          0);
        n++;
        if (r)
            *r = one;
    }
    free (ids);
    return n;
}

void fake_answer (struct job *job, enum spool_op op, bool ok, int code)
{
    static struct spool_request r;
    static struct spool_answer a, taken;

    assert_true (fake_requests (op, &r) > 0);
    a = (struct spool_answer) { .ok = ok, .code = code };
    memcpy (a.id, r.id, sizeof (a.id));
    snprintf (a.text, sizeof (a.text), "%s", ok ? "" : "it does not want to");
    assert_int_equal (spool_put_answer (&fake.w.spool, &a, &err), 0);
    assert_int_equal (spool_take_answer (&fake.w.spool, a.id, &taken, &err), 0);
    request_done (&fake.w, job, a.id);
    incident_answer (&fake.w, job, &taken);
}

struct job *fake_restart (const char *key)
{
    struct memcg_usage seen = warden_find (&fake.w, key)->memcg.seen;
    struct job *job;

    while (fake.w.jobs.first)
        job_free (&fake.w.jobs, fake.w.jobs.first);
    journal_close (&journal);
    assert_int_equal (journal_open (&journal, fake.dir, fake.dir, &err), 0);
    assert_int_equal (journal_recover (&journal, &fake.w.jobs, &err), 0);
    assert_string_equal (err.text, "");
    for (job = fake.w.jobs.first; job; job = job->next)
        _attach (job);
    job = warden_find (&fake.w, key);
    assert_non_null (job);
    job->memcg.seen = seen;
    return job;
}
