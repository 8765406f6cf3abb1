/* kmsg.c - kills the kernel made itself, from /dev/kmsg: see kmsg.h
 *
 * Documentation/ABI/testing/dev-kmsg: a read gives one record or EAGAIN; EPIPE
 * where records were overwritten, and the next read the oldest that is there.
 * poll(2) shows such a gap as EPOLLERR, which is no error.
 */
#include "handler/watch/kmsg.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <syslog.h>
#include <unistd.h>

#include "handler/job/warden.h"
#include "handler/memcg/mounts.h"
#include "handler/policy/kernel_kill.h"
#include "handler/record/journal.h"
#include "handler/record/report.h"
#include "handler/watch/node.h"
#include "lib/cgfile.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/event.h"
#include "lib/json_put.h"

#define READS_A_WAKE 32
#define READS_AT_END 512 /* of a job's story: all that is likely there */
#define TOLD_A_SECOND 16
#define NEAR_MS 5000        /* an OOM detected so long after was the same */
#define CLOCKS_MS 60000     /* the log's clock drifts: compare anew */
#define LOST_MS 1000        /* losses are told no more often than that */
#define CATCH_UP_MAX 500000 /* reads: more than any log has records */
#define RECORD_MAX 8192     /* the kernel's CONSOLE_EXT_LOG_MAX */

struct watch_kmsg {
    int fd;
    sd_event_source *event;
    struct kmsg parser;
    struct kmsg_kill kill;
    char text[2 * RECORD_MAX];
    size_t kept; /* of it, a line that has not ended yet */

    /* our clock less the log's, µs: the least seen, since reading comes later
     * than writing */
    int64_t ahead_us;
    uint64_t compared_ms; /* 0 = not yet */

    uint64_t lost_told, lost_told_ms;
    bool overrun;          /* records were lost nobody knows how many */
    uint64_t second;       /* in which … */
    unsigned told, untold; /* … so many kills were (not) told */
    uint64_t node_kill_ms; /* last kill because the node was out; 0 */
    int mark;              /* STATE/kmsg, or -1 */
    uint64_t marked;       /* the record that it has; 0 = none */
    bool away;             /* what is read now was said before this warden */
    char memory[PATH_MAX], unified[PATH_MAX]; /* mounts */
};

/* ---- times --------------------------------------------------------------- */

static void _compare_clocks (struct watch_kmsg *k, const char *line)
{
    unsigned long long us;
    uint64_t now = clock_us ();
    int64_t ahead;

    if (sscanf (line, "%*u,%*u,%llu,", &us) != 1)
        return;
    ahead = (int64_t) (now - us);
    if (k->compared_ms > 0 && now / 1000 - k->compared_ms < CLOCKS_MS &&
        ahead >= k->ahead_us)
        return;
    k->ahead_us = ahead;
    k->compared_ms = now / 1000;
}

/* When, by our clock in ms, the record [line] was written. */
static uint64_t _written_ms (const struct watch_kmsg *k, const char *line)
{
    unsigned long long us;

    if (sscanf (line, "%*u,%*u,%llu,", &us) != 1)
        return clock_ms ();
    return (uint64_t) ((int64_t) us + k->ahead_us) / 1000;
}

/* ---- how far it has been read ------------------------------------------- */

#define MARK "kmsg"
#define MARK_FORM "%-36s %20" PRIu64 " %20" PRId64 "\n"

/* Is there none of this boot, all that is there now was said to somebody else. */
static void _read_mark (struct watch_kmsg *k)
{
    char text[128] = "", boot[64], id[64] = "";
    uint64_t seq;
    int64_t ahead;
    ssize_t n = k->mark < 0 ? -1 : pread (k->mark, text, sizeof (text) - 1, 0);

    journal_boot_id (boot, sizeof (boot));
    k->marked = UINT64_MAX;
    if (n <= 0 ||
        sscanf (text, "%63s %" SCNu64 " %" SCNd64, id, &seq, &ahead) != 3 ||
        strcmp (id, boot) != 0)
        return;
    k->marked = k->parser.seq = seq;
    k->parser.seq_known = true;
    k->ahead_us = ahead;
    k->compared_ms = clock_ms ();
}

/* Not in the middle of a report: the next warden would have but half of it. */
static void _keep_mark (struct watch_kmsg *k)
{
    char text[128], boot[64];
    int n;

    if (k->mark < 0 || !k->parser.seq_known || k->parser.open ||
        k->parser.seq == k->marked)
        return;
    journal_boot_id (boot, sizeof (boot));
    n = snprintf (text, sizeof (text), MARK_FORM, boot, k->parser.seq,
                  k->ahead_us);
    if (pwrite (k->mark, text, (size_t) n, 0) == n)
        k->marked = k->parser.seq;
}

/* ---- whose --------------------------------------------------------------- */

/* [path] as the kernel's log names it: below the mount. "" where it is below
 * none. */
static const char *_below_mount (const struct watch_kmsg *k, const char *path)
{
    const char *const mounts[] = { k->memory, k->unified };

    for (unsigned i = 0; path && i < 2; i++) {
        if (kernel_kill_within (path, mounts[i]))
            return path + strlen (mounts[i]);
    }
    return "";
}

static struct job *_watch_kmsg_job_of (struct warden *w,
                                       const struct kmsg_kill *kill)
{
    struct job *found = NULL;
    size_t longest = 0;

    for (struct job *j = w->jobs.first; j; j = j->next) {
        const char *dir = _below_mount (w->kmsg, j->memcg.path);

        if (strlen (dir) > longest &&
            kernel_kill_within (kill->task_memcg, dir)) {
            found = j;
            longest = strlen (dir);
        }
    }
    /* a step's, where it was its limit or one below that */
    for (struct job *j = w->steps.first; j; j = j->next) {
        const char *dir = _below_mount (w->kmsg, j->memcg.path);

        if (*dir && kernel_kill_within (kill->task_memcg, dir) &&
            kernel_kill_within (kill->oom_memcg, dir))
            found = j;
    }
    return found;
}

/* How long before [at_ms] had memwarden begun with what was killed for? */
static int64_t _ahead (struct warden *w, const struct job *job, uint64_t at_ms)
{
    uint64_t opened;

    if (w->kmsg->away)
        return INT64_MIN;
    opened = node_opened_ms (w);
    if (job && job->incident.open)
        opened = job->incident.opened_ms;
    if (opened == 0)
        return INT64_MIN;
    return (int64_t) (at_ms - opened);
}

/* ---- telling ------------------------------------------------------------- */

/* All that the kernel said, for the journal. */
static const char *_details (const struct kmsg_kill *k, uint64_t at_ms)
{
    static char buf[6 * 1024];
    struct json_put p = { .text = buf, .size = sizeof (buf) - sizeof ("]") };

    json_put_text (&p, "trigger", "kernel");
    json_put_number (&p, "killed_ms", at_ms);
    json_put_signed (&p, "pid", k->pid);
    json_put_text (&p, "comm", k->comm);
    json_put_signed (&p, "victim_uid", k->uid);
    json_put_signed (&p, "anon_rss_kib", k->anon_rss);
    json_put_flag (&p, "global", k->global);
    json_put_text (&p, "constraint", k->constraint);
    json_put_cut (&p, "oom_memcg", k->oom_memcg, KMSG_PATH_MAX);
    json_put_cut (&p, "task_memcg", k->task_memcg, KMSG_PATH_MAX);
    json_put_text (&p, "invoker", k->invoker);
    json_put_number (&p, "lost_records", k->lost);
    json_put (&p, "\"trace\":[");
    for (unsigned i = 0; i < k->frames; i++)
        json_put_text (&p, NULL, k->trace[i]);
    p.size = sizeof (buf);
    json_put_end (&p, "]");
    return json_put_done (&p);
}

static const char *const whose[] = {
    [KERNEL_KILL_NODE] = "the node was out of memory",
    [KERNEL_KILL_NUMA] = "some memory nodes were out of memory",
    [KERNEL_KILL_ABOVE] = "a limit above its own was reached",
    [KERNEL_KILL_JOB] = "the job's limit was reached",
    [KERNEL_KILL_BELOW] = "a limit below the job's was reached",
    [KERNEL_KILL_UNKNOWN] = "some limit was reached",
};

static void _watch_kmsg_tell (struct warden *w, struct job *job,
                              const struct kernel_kill_case *c,
                              const struct kmsg_kill *k, uint64_t at_ms)
{
    char first[96], remedy[320], lost[64] = "", size[MW_SIZE_STRLEN];
    char who[MW_JOBKEY_MAX + 24] = "the kernel";

    kernel_kill_first (c, first, sizeof (first));
    kernel_kill_remedy (c, k, w->node_memory, remedy, sizeof (remedy));
    mw_size_format (k->anon_rss > 0 ? (uint64_t) k->anon_rss * 1024 : 0, size,
                    sizeof (size));
    if (k->lost > 0)
        snprintf (lost, sizeof (lost),
                  " (%" PRIu64 " records of its report "
                  "are lost)",
                  k->lost);
    if (job)
        snprintf (who, sizeof (who), "job %s: the kernel", job->spec.key);
    report_more (w, job, "kernel-kill",
                 REPORT_LOG | REPORT_JOB | REPORT_COMMENT, _details (k, at_ms),
                 "%s itself has killed process %" PRId64
                 " (%s, %s): %s%s, noticed by %s; %s; %s",
                 who, k->pid, k->comm, size, whose[c->why], lost,
                 k->invoker[0] ? k->invoker : "nobody known", first, remedy);
}

/* One that kills without end must not fill the log. */
static bool _watch_kmsg_too_many (struct warden *w)
{
    struct watch_kmsg *k = w->kmsg;
    uint64_t second = clock_ms () / 1000;

    if (second != k->second) {
        if (k->untold > 0)
            report (w, NULL, "kernel-kill", REPORT_LOG,
                    "%u more kills by the "
                    "kernel were not told one by one",
                    k->untold);
        k->second = second;
        k->told = k->untold = 0;
    }
    if (k->told < TOLD_A_SECOND) {
        k->told++;
        return false;
    }
    k->untold++;
    return true;
}

/* From the job's limit to where the kernel kills: v2 has a least distance. */
static uint64_t _room (const struct job *job)
{
    const struct memcg *m = &job->memcg;

    if (m->set_wall <= m->set_limit)
        return job->reserve;
    return m->set_wall - m->set_limit;
}

static void _watch_kmsg_killed (struct warden *w, const char *line)
{
    struct watch_kmsg *k = w->kmsg;
    uint64_t at_ms = _written_ms (k, line);
    struct job *job = _watch_kmsg_job_of (w, &k->kill);
    const char *pool = _below_mount (k, node_pool_path (w));
    struct kernel_kill_case c = {
        .why = kernel_kill_why (&k->kill,
                                job ? _below_mount (k, job->memcg.path) : "",
                                pool),
        .job = job ? _below_mount (k, job->memcg.path) : "",
        .ahead_ms = _ahead (w, job, at_ms),
        .node_reserve = w->node_reserve,
        .rate = node_rate (w),
        .reserve = job ? _room (job) : 0,
        .armed = job && job->memcg.armed,
        .pool_watched = w->pool_limit != UINT64_MAX,
        .shadow = w->conf.shadow,
        .away = k->away,
    };

    if (k->away && !job)
        return;
    if (c.why == KERNEL_KILL_SYSRQ) {
        report (w, job, "note", REPORT_LOG,
                "somebody had the kernel kill "
                "process %" PRId64 " (%s) by sysrq f: nothing is started",
                k->kill.pid, k->kill.comm);
        return;
    }
    if (c.why == KERNEL_KILL_ELSEWHERE)
        return;
    /* of a job in which it was done meanwhile one is told in any case */
    if (!(k->away && job->kernel_kill_ms == 0) && _watch_kmsg_too_many (w))
        return;
    if (job) {
        job->kernel_kill_ms = at_ms;
        job->kernel_kill_untold = false;
        job->incident.kernel_killed = job->incident.open;
    }
    if (c.why == KERNEL_KILL_NODE)
        k->node_kill_ms = at_ms;
    _watch_kmsg_tell (w, job, &c, &k->kill, at_ms);
    if (!k->away)
        node_look (w);
}

void watch_kmsg_untold (struct warden *w, struct job *job)
{
    if (!job->kernel_kill_untold)
        return;
    job->kernel_kill_untold = false;
    job->incident.kernel_killed = job->incident.open;
    report (w, job, "kernel-kill", REPORT_LOG | REPORT_JOB,
            "job %s: the kernel has killed in it", job->spec.key);
}

void watch_kmsg_counted (struct warden *w, struct job *job)
{
    /* its log explains it, unless it has done so already */
    job->kernel_kill_untold = clock_ms () - job->kernel_kill_ms > 1000;
    if (!watch_kmsg_live (w))
        watch_kmsg_untold (w, job);
}

void watch_kmsg_detected (struct warden *w, struct job *job)
{
    uint64_t now = clock_ms (), *at;

    if (!w->kmsg)
        return;
    at = job ? &job->kernel_kill_ms : &w->kmsg->node_kill_ms;
    if (*at > 0 && *at <= now && now - *at < NEAR_MS)
        report (w, job, "note", REPORT_LOG,
                "%s%s%sthe kernel had killed for "
                "it itself, %" PRIu64 " ms before memwarden detected it",
                job ? "job " : "", job ? job->spec.key : "", job ? ": " : "",
                now - *at);
    *at = 0;
}

/* ---- records ------------------------------------------------------------- */

static void _watch_kmsg_line (struct warden *w, char *line, size_t len)
{
    struct watch_kmsg *k = w->kmsg;
    uint64_t seq, us;
    unsigned priority;

    /* " KEY=value": a record's dictionary */
    if (len == 0 || line[0] == ' ')
        return;
    line[len] = '\0';
    if (k->away && kmsg_record_split (line, &priority, &seq, &us) &&
        seq <= k->marked) {
        k->parser.seq = seq;
        k->parser.seq_known = true;
        return;
    }
    _compare_clocks (k, line);
    if (kmsg_record (&k->parser, line, len, &k->kill) && k->kill.killed)
        _watch_kmsg_killed (w, line);
}

/* Kills that were counted in a job and whose report may be among the lost. */
static void _tell_lost (struct warden *w)
{
    struct watch_kmsg *k = w->kmsg;
    uint64_t lost = k->parser.lost - k->lost_told, now = clock_ms ();

    if ((lost == 0 && !k->overrun) ||
        (k->lost_told_ms > 0 && now - k->lost_told_ms < LOST_MS))
        return;
    k->lost_told_ms = now;
    report (w, NULL, "note", REPORT_LOG,
            "the kernel's log was overwritten "
            "before it was read: %s%" PRIu64 " records are lost",
            lost ? "" : "at least ", lost ? lost : 1);
    k->lost_told = k->parser.lost;
    k->overrun = false;
    for (struct job *j = w->jobs.first; j; j = j->next)
        watch_kmsg_untold (w, j);
}

/* Returns false where the log has come to an end for good. */
static bool _read_one (struct warden *w, bool *more)
{
    struct watch_kmsg *k = w->kmsg;
    size_t room = sizeof (k->text) - 1 - k->kept;
    ssize_t n = read (k->fd, k->text + k->kept, room);
    char *at = k->text, *end;

    *more = n > 0 || (n < 0 && (errno == EINTR || errno == EPIPE));
    if (n < 0 && errno == EPIPE)
        k->overrun = !k->parser.seq_known;
    if (n < 0)
        return *more || errno == EAGAIN;
    if (n == 0) {
        errno = 0;
        return false;
    }
    n += (ssize_t) k->kept;
    while ((end = memchr (at, '\n', (size_t) (k->text + n - at)))) {
        _watch_kmsg_line (w, at, (size_t) (end - at));
        at = end + 1;
    }
    k->kept = (size_t) (k->text + n - at);
    if (k->kept >= RECORD_MAX) /* no record is as long */
        k->kept = 0;
    memmove (k->text, at, k->kept);
    return true;
}

static void _watch_kmsg_take (struct warden *w, unsigned most)
{
    bool more = true;

    while (most-- > 0 && more) {
        if (!_read_one (w, &more)) {
            report_log (w, LOG_WARNING,
                        "the kernel's log cannot be read any "
                        "more (%s): its kills are counted, not explained",
                        errno ? strerror (errno) : "it has ended");
            watch_kmsg_close (w);
            return;
        }
    }
    _tell_lost (w);
    _keep_mark (w->kmsg);
}

void watch_kmsg_catch_up (struct warden *w)
{
    struct watch_kmsg *k = w->kmsg;
    bool more = true;

    if (!k || (lseek (k->fd, 0, SEEK_SET) < 0 && errno != ESPIPE))
        return;
    k->away = true;
    /* where it has ended, that is for the next read to tell */
    for (unsigned n = 0; n < CATCH_UP_MAX && more; n++)
        more = _read_one (w, &more) && more;
    k->away = false;
    _tell_lost (w);
    _keep_mark (k);
}

void watch_kmsg_read (struct warden *w)
{
    if (w->kmsg)
        _watch_kmsg_take (w, READS_AT_END);
}

static int _on_records (sd_event_source *s, int fd, uint32_t events, void *arg)
{
    (void) s;
    (void) fd;
    (void) events;
    _watch_kmsg_take (arg, READS_A_WAKE);
    report_flush (arg);
    return 0;
}

/* ---- opening ------------------------------------------------------------- */

static int _find_mounts (struct watch_kmsg *k)
{
    cleanup_free struct memcg_mounts *m = malloc (sizeof (*m));

    if (!m || memcg_find_mounts (m) < 0)
        return -1;
    snprintf (k->memory, sizeof (k->memory), "%s", m->memory);
    snprintf (k->unified, sizeof (k->unified), "%s", m->unified);
    return 0;
}

static int _watch_kmsg_begin (struct warden *w, struct watch_kmsg *k)
{
    int rc;

    k->mark = openat (w->journal->state_dir, MARK,
                      O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    k->fd = sysroot_open ("/dev/kmsg", O_RDONLY | O_NONBLOCK);
    if (k->fd < 0)
        return -1;
    /* a pipe in its place has no end to go to */
    if (lseek (k->fd, 0, SEEK_END) < 0 && errno != ESPIPE)
        return -1;
    kmsg_init (&k->parser);
    _read_mark (k);
    memset (k->text, 1, sizeof (k->text)); /* not first under an OOM */
    if (_find_mounts (k) < 0)
        return -1;
    rc = sd_event_add_io (w->loop, &k->event, k->fd, EPOLLIN, _on_records, w);
    if (rc >= 0)
        rc = sd_event_source_set_priority (k->event, SD_EVENT_PRIORITY_IDLE);
    errno = -rc;
    return rc < 0 ? -1 : 0;
}

static void _watch_kmsg_free (struct watch_kmsg *k)
{
    sd_event_source_disable_unref (k->event);
    if (k->fd >= 0)
        close (k->fd);
    if (k->mark >= 0)
        close (k->mark);
    free (k);
}

void watch_kmsg_open (struct warden *w)
{
    struct watch_kmsg *k = calloc (1, sizeof (*k));

    if (k)
        k->fd = k->mark = -1;
    if (k && _watch_kmsg_begin (w, k) == 0) {
        w->kmsg = k;
        return;
    }
    report_log (w, LOG_WARNING,
                "/dev/kmsg cannot be read (%s): kills by the "
                "kernel itself are counted, not explained",
                strerror (errno));
    if (k)
        _watch_kmsg_free (k);
}

void watch_kmsg_close (struct warden *w)
{
    if (w->kmsg)
        _watch_kmsg_free (w->kmsg);
    w->kmsg = NULL;
}

bool watch_kmsg_live (const struct warden *w)
{
    return w->kmsg != NULL;
}
