/* register.c - jobs come and go, over restarts of the warden, too: see
 * register.h */
#include "handler/daemon/register.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "handler/account/class.h"
#include "handler/account/headroom.h"
#include "handler/account/strike.h"
#include "handler/incident/incident.h"
#include "handler/incident/telling.h"
#include "handler/job/jobstep.h"
#include "handler/job/warden.h"
#include "handler/memcg/claim.h"
#include "handler/memcg/orphans.h"
#include "handler/memcg/rlimits.h"
#include "handler/record/journal.h"
#include "handler/record/leftover.h"
#include "handler/record/report.h"
#include "handler/record/story.h"
#include "handler/step/stop.h"
#include "handler/watch/above.h"
#include "handler/watch/below.h"
#include "handler/watch/given.h"
#include "handler/watch/huge.h"
#include "handler/watch/job_event.h"
#include "handler/watch/kmsg.h"
#include "handler/watch/node.h"
#include "handler/watch/usage.h"
#include "lib/cgfile.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/event.h"

#define DISARM_TRIES 3

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
    return job_event_listen (w, job, err);
}

/* Write what the job is given into its memcg, and take its OOM over. */
static int _take_over (struct warden *w, struct job *job, struct mw_err *err)
{
    given_listen (w, job);
    above_watch (w, job);
    huge_listen (w, job);
    if (job->memcg.shadow)
        return _listen_only (w, job, err);
    /* a hint to the kernel's reclaim: where it is not to be had the limits hold
     * all the same */
    if (!job_is_step (job))
        job->memcg.ops->set_reservation (&job->memcg, job->reservation, NULL);
    if (job_assert_limit (job, err) < 0)
        return -1;
    if (job->memcg.armed && job->memcg.event >= 0)
        return 0;
    if (job->memcg.ops->arm (&job->memcg, err) < 0 ||
        job_event_listen (w, job, err) < 0)
        return -1;
    watch_below (w, &job->memcg, &job->below);
    return 0;
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
                                  const struct mw_jobspec *spec, int memory_dir,
                                  int freezer_dir, struct mw_err *cut,
                                  struct mw_err *err)
{
    char a[MW_SIZE_STRLEN], b[MW_SIZE_STRLEN], l[MW_LADDER_STRLEN];
    char each[MW_LADDER_STRLEN] = "";
    struct job_cuts cuts;
    struct mw_err why;
    struct job *job;

    if (_make_scratch (w) < 0 ||
        !(job = job_new (spec->of[0] ? &w->steps : &w->jobs))) {
        mw_err_errno (err, "cannot register job %s", spec->key);
        return NULL;
    }
    job->spec = *spec;
    if (!job_is_step (job))
        job->class = class_of (&w->conf, spec, &job->facts);
    job->registered_ms = job->mark_ms = clock_ms ();
    job->incidents = job_has_had (spec->key);
    job->strikes = strike_count (w, spec->uid);
    if (freezer_dir >= 0)
        job->freezer_path = _path_of (freezer_dir);
    if (job_resolve (job, &w->conf, headroom_capacity (w), w->node_cpus, &cuts,
                     &why) < 0) {
        mw_err_code (err, EINVAL, "job %s: %s", spec->key, why.text);
        job_free (job->table, job);
        return NULL;
    }
    if (memcg_open (&job->memcg, memory_dir, freezer_dir, spec->layout, err) <
        0) {
        job_free (job->table, job);
        return NULL;
    }
    job->memcg.shadow = w->conf.shadow;
    job->memcg.spare = jobstep_spare (w);
    given_first (job);
    if (job->proc.bytes > 0)
        mw_proclimit_format (job->proc.bytes, job->proc.actions, each,
                             sizeof (each));
    report (w, job, "registered", REPORT_LOG,
            "job %s: registered: reservation "
            "%s, limit %s, priority %u, ladder %s%s%s%s%s%s%s",
            spec->key, mw_size_format (job->reservation, a, sizeof (a)),
            mw_size_format (job->limit, b, sizeof (b)), job->priority,
            mw_ladder_format (job->ladder, l, sizeof (l)),
            job->proc.bytes > 0 ? "; each process " : "", each,
            job->class ? "; class " : "", job->class ? job->class->name : "",
            cuts.given.text[0] ? "; " : "", cuts.given.text);
    if (cuts.asked.text[0])
        mw_err_add (cut, "%s", cuts.asked.text);
    if (cut->text[0]) /* whoever registers it says so to its owner */
        report (w, job, "cut", REPORT_LOG, "job %s: %s", spec->key, cut->text);
    if (_take_over (w, job, err) < 0) {
        int saved = errno;

        warden_release (w, job, "it could not be taken over");
        errno = saved;
        return NULL;
    }
    return job;
}

/* The job of [t] other than [key] that lives in the memcg [inode]; NULL. Two
 * ladders would pull one memcg two ways. */
static struct job *_neighbour (const struct job_table *t, const char *key,
                               uint64_t inode)
{
    for (struct job *j = t->first; j; j = j->next) {
        if (inode != 0 && j->memcg.inode == inode &&
            strcmp (j->spec.key, key) != 0)
            return j;
    }
    return NULL;
}

/* A step from outside has been here before the batch script, without other
 * wishes. */
static void _has_script (struct warden *w, struct job *job,
                         const struct mw_jobspec *spec)
{
    if (job->spec.script || !spec->script)
        return;
    job->spec.script = true;
    report (w, job, "note", REPORT_LOG, "job %s: its batch script is here",
            job->spec.key);
}

static int _recover_named (struct warden *w, const char *key,
                           struct mw_err *err);

struct job *warden_register (struct warden *w, const struct mw_jobspec *spec,
                             int memory_dir, int freezer_dir,
                             struct mw_err *cut, struct mw_err *err)
{
    uint64_t inode = cg_inode (memory_dir);
    struct job *other = _neighbour (&w->jobs, spec->key, inode), *job;
    char key[MW_JOBKEY_MAX];

    if (_recover_named (w, spec->key, err) < 0)
        return NULL;
    job = warden_find (w, spec->key);
    if (!other)
        other = _neighbour (&w->steps, spec->key, inode);
    if (jobstep_may_register (w, spec, job, err) < 0)
        return NULL;
    if (other) {
        mw_err_code (err, EEXIST, "the memcg %s is already that of job %s",
                     other->memcg.path, other->spec.key);
        return NULL;
    }
    if (job && job->memcg.inode != inode) {
        if (job->memcg.ops->check (&job->memcg) != MEMCG_GONE) {
            mw_err_code (err, EEXIST,
                         "job %s is registered with another memcg "
                         "(%s); where this machine has more than one slurmd, "
                         "each needs a memwardend with a socket of its own: "
                         "%%n in its path, see spank_memwarden(8)",
                         spec->key, job->memcg.path);
            return NULL;
        }
        warden_release (w, job, "its cgroup was made anew");
        job = NULL;
    }
    if (!job) {
        if (!w->conf.shadow && memcg_claim (memory_dir, err) < 0)
            return NULL;
        job = _register_new (w, spec, memory_dir, freezer_dir, cut, err);
        if (!job)
            memcg_unclaim (memory_dir);
    } else {
        cut->text[0] = '\0';    /* said when it was new */
        if (job->release_why) { /* not over, or another run of it */
            job->release_why = NULL;
            job->release_ms = 0;
            job->leaving = false;
        }
        _has_script (w, job, spec);
        if (_take_over (w, job, err) < 0)
            return NULL;
    }
    if (!job)
        return NULL;
    class_ask (w, job);
    /* an OOM of before the arming gave no event */
    snprintf (key, sizeof (key), "%s", spec->key);
    if (job->memcg.event >= 0)
        job_event_check (w, job);
    node_look (w);
    return warden_find (w, key);
}

/* [job] ends, and its steps with it. */
static void _release_steps (struct warden *w, const struct job *job)
{
    struct job *next;

    for (struct job *s = w->steps.first; s; s = next) {
        next = s->next;
        if (strcmp (s->spec.of, job->spec.key) == 0)
            warden_release (w, s, "its job has ended");
    }
}

/* What is left in a job that is said to be over: nobody is to count on its memory.
 * [text] and [p] get nothing where that is nothing. */
static void _left_in (struct job *job, struct mw_err *text, struct json_put *p)
{
    char a[MW_SIZE_STRLEN], said[LEFTOVER_TEXT];
    int n = memcg_populated (&job->memcg);
    struct leftover left;

    text->text[0] = '\0';
    if (job_read_usage (job) < 0)
        return;
    mw_size_format (job->usage.used, a, sizeof (a));
    if (n == 0 && job->usage.used < JOB_STAYS_BYTES)
        return;
    if (n == 0) {
        leftover_look (job, &left);
        leftover_put (p, &left);
        mw_err_set (text, ", %s", leftover_text (&left, said));
        return;
    }
    if (n < 0)
        mw_err_set (text, ", but %s are still in use in it", a);
    else
        mw_err_set (text, ", but %d of its processes %s still there, with %s",
                    n, n == 1 ? "is" : "are", a);
}

#define RELEASE_AGAIN_MS 1000

/* [job] is not the kernel's again yet.  Returns false where nobody could come back
 * to it. */
static bool _release_later (struct job *job, const char *why)
{
    if (!job->timer)
        return false;
    job->release_why = why;
    job->release_ms = clock_ms () + RELEASE_AGAIN_MS;
    job_set_timer (job);
    return true;
}

/* Returns 0; -1: its OOM is still ours, which is said once. */
static int _disarm (struct warden *w, struct job *job)
{
    struct mw_err err;
    int rc = -1;

    job->event = sd_event_source_disable_unref (job->event);
    for (int i = 0; i < DISARM_TRIES && rc < 0; i++)
        rc = job->memcg.ops->disarm (&job->memcg, &err);
    if (rc == 0 || errno == ENODEV)
        return 0;
    if (!job->release_why)
        report (w, job, "failed", REPORT_LOG,
                "job %s: its OOM cannot be given back to the kernel: %s",
                job->spec.key, err.text);
    return -1;
}

void warden_release (struct warden *w, struct job *job, const char *why)
{
    enum memcg_state last = job->memcg.dir < 0
                                ? MEMCG_GONE
                                : job->memcg.ops->check (&job->memcg);
    bool gone = last == MEMCG_GONE;
    bool ours = job->memcg.armed || job_is_step (job) || job->release_why;
    struct mw_err left = { "" }, text;
    char more[LEFTOVER_MORE];
    struct json_put p = { .text = more, .size = sizeof (more) };

    if (!job_is_step (job))
        _release_steps (w, job);
    /* what the kernel has killed in it just now is told, too */
    if (last == MEMCG_OOM && job->memcg.shadow)
        incident_oom (w, job, TRIGGER_JOB);
    else if (last == MEMCG_KERNEL_KILL && !job_is_step (job))
        watch_kmsg_counted (w, job);
    watch_kmsg_read (w);
    watch_kmsg_untold (w, job);
    huge_look (w, job, true);
    class_forget (w, job);
    step_requeue_join (w, job);
    job->leaving = true; /* nobody is left to be told in its stderr */
    incident_end (w, job,
                  job_is_step (job) ? "the step has ended"
                                    : "the job has ended");
    if (job->incident.open && _release_later (job, why))
        return;
    if (!gone && ours && !job_is_step (job))
        _left_in (job, &left, &p);
    /* a step that was not armed was spared, too, when its job's killer was */
    if (!gone && ours && _disarm (w, job) < 0 && _release_later (job, why))
        return;
    mw_err_set (&text, "released: %s%s", why, left.text);
    telling_released (w, job, text.text, json_put_done (&p));
    report_flush (w); /* while its listeners are there */
    if (!gone)
        memcg_unclaim (job->memcg.dir);
    above_forget (job);
    job_free (job->table, job);
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
        report_log (w, LOG_ERR,
                    "job %s: its OOM cannot be given back to the "
                    "kernel: %s",
                    job->spec.key, err.text);
}

/* It stays as the journal has it, and what was opened of it is the kernel's. */
static void _recover_leave (struct job *job, const struct memcg *was,
                            char **path)
{
    int saved = errno;

    if (job->memcg.dir >= 0 && job->memcg.armed)
        job->memcg.ops->disarm (&job->memcg, NULL);
    job->event = sd_event_source_disable_unref (job->event);
    job->below = sd_event_source_disable_unref (job->below);
    job->written = sd_event_source_disable_unref (job->written);
    job->removal = sd_event_source_disable_unref (job->removal);
    job_huge_end (job);
    usage_forget (job, JOB_USAGE_PROCS);
    memcg_close (&job->memcg);
    job->memcg = *was;
    job->memcg.path = *path;
    *path = NULL;
    errno = saved;
}

/* Take up [job] as the journal has it. Returns 0; -1 with errno: it is gone, or cannot
 * be looked at (_is_gone). */
static int _recover_job (struct warden *w, struct job *job, struct mw_err *err)
{
    cleanup_free char *path = job->memcg.path;
    const struct memcg was = job->memcg;

    job->memcg.path = NULL;
    if (memcg_reopen (&job->memcg, path, job->freezer_path, was.inode,
                      job->spec.layout, err) < 0) {
        _recover_leave (job, &was, &path);
        return -1;
    }
    if (!w->conf.shadow && memcg_claim (job->memcg.dir, err) < 0) {
        job->memcg.armed = false; /* nor is it ours to disarm */
        _recover_leave (job, &was, &path);
        return -1;
    }
    job->memcg.set_limit = was.set_limit;
    job->memcg.spare = jobstep_spare (w);
    if (!job_is_step (job))
        job->class = class_of (&w->conf, &job->spec, &job->facts);
    if (w->conf.shadow && !was.shadow)
        _let_go (w, job);
    job->memcg.shadow = w->conf.shadow;
    if (_take_over (w, job, err) < 0) {
        _recover_leave (job, &was, &path);
        return -1;
    }
    /* its log has told of it already */
    if (!watch_kmsg_live (w) && !w->conf.shadow && !job_is_step (job) &&
        was.seen_oom_kill < job->memcg.seen_oom_kill)
        watch_kmsg_counted (w, job);
    return 0;
}

/* What its state does not know: somebody was killed with a record that he could not
 * write, or that cannot be read. */
static void _wake_unrecorded (struct warden *w, struct job *job)
{
    struct mw_err err;

    if (job->incident.frozen || job->incident.slowed || job->memcg.shadow ||
        !memcg_is_marked_frozen (job->memcg.dir))
        return;
    if (job->memcg.ops->freeze (&job->memcg, false, &err) == 0)
        report (w, job, "thawed", REPORT_LOG,
                "job %s: an earlier warden has stopped it, which is not on "
                "record: it goes on",
                job->spec.key);
    else
        report_failed (w, job, "cannot thaw it", &err);
}

/* Does [error] say that the memcg is not there any more?  That no descriptor is left, or
 * a read has failed, says nothing of it. */
static bool _is_gone (int error)
{
    return cg_is_absent (error) || error == ESTALE;
}

static void _recover_gone (struct warden *w, struct job *job,
                           const struct mw_err *why)
{
    struct mw_err text;

    step_requeue_withdraw (w, job);
    incident_lost (w, job);
    mw_err_set (&text, "gone while the warden was away: %s", why->text);
    telling_released (w, job, text.text, "");
    job_free (job->table, job);
}

static void _recover_taken (struct warden *w, struct job *job)
{
    _wake_unrecorded (w, job);
    if (!job->memcg.shadow)
        stop_wake_unrecorded (w, job);
    report (w, job, "adopted", REPORT_LOG, "job %s: taken up again",
            job->spec.key);
}

/* Take up those of [t] that are still there. */
static int _recover_table (struct warden *w, struct job_table *t,
                           struct mw_err *err)
{
    struct job *job, *next;
    struct mw_err why;

    for (job = t->first; job; job = next) {
        next = job->next;
        if (_make_scratch (w) < 0)
            return mw_err_errno (err, "cannot recover");
        if (_recover_job (w, job, &why) == 0) {
            _recover_taken (w, job);
        } else if (_is_gone (errno)) {
            _recover_gone (w, job, &why);
        } else {
            report_log (w, LOG_ERR,
                        "job %s: it cannot be taken up again yet: %s; that is "
                        "tried every second",
                        job->spec.key, why.text);
            job_move (job, &w->later);
        }
    }
    return 0;
}

static void _orphan_told (const char *path, const struct mw_err *why, void *arg)
{
    report_log (arg, why ? LOG_ERR : LOG_WARNING,
                "%.300s, which an earlier warden had and no record tells of: "
                "%s%.150s",
                path, why ? "not given back: " : "given back to the kernel",
                why ? why->text : "");
}

static bool _is_for_later (uint64_t inode, void *arg)
{
    const struct warden *w = arg;

    for (const struct job *job = w->later.first; job; job = job->next) {
        if (job->memcg.inode == inode)
            return true;
    }
    return false;
}

/* Of jobs that the journal does not have we know nothing but that they were had. */
static void _recover_orphans (struct warden *w)
{
    struct mw_err err;

    if (!w->conf.shadow &&
        orphans_give_back (_is_for_later, _orphan_told, w, &err) < 0)
        report_log (w, LOG_ERR, "%s", err.text);
}

static void _go_on_with (struct warden *w, struct job *job)
{
    class_ask (w, job);
    incident_recover (w, job);
    if (!job->incident.open && job->memcg.event >= 0)
        job_event_check (w, job);
}

static void _go_on (struct warden *w, struct job_table *t)
{
    struct job *next;

    for (struct job *job = t->first; job; job = next) {
        next = job->next;
        _go_on_with (w, job);
    }
}

#define RECOVER_AGAIN_US 1000000

/* Returns 0: [job] is taken up, or gone; -1 with errno. */
static int _recover_later (struct warden *w, struct job *job,
                           struct mw_err *err)
{
    if (_make_scratch (w) < 0)
        return mw_err_errno (err, "cannot recover");
    if (_recover_job (w, job, err) == 0) {
        job_move (job, job_is_step (job) ? &w->steps : &w->jobs);
        _recover_taken (w, job);
        _go_on_with (w, job);
        return 0;
    }
    if (!_is_gone (errno))
        return -1;
    _recover_gone (w, job, err);
    return 0;
}

/* What is known of it is not to be lost because it is registered once more. */
static int _recover_named (struct warden *w, const char *key,
                           struct mw_err *err)
{
    struct job *job = job_find (&w->later, key);

    return job ? _recover_later (w, job, err) : 0;
}

static int _on_again (sd_event_source *s, uint64_t us, void *arg)
{
    struct warden *w = arg;
    struct job *next;
    struct mw_err why;

    (void) us;
    for (struct job *job = w->later.first; job; job = next) {
        next = job->next;
        _recover_later (w, job, &why);
    }
    report_flush (w);
    if (!w->later.first)
        return 0;
    sd_event_source_set_time (s, clock_us () + RECOVER_AGAIN_US);
    return sd_event_source_set_enabled (s, SD_EVENT_ONESHOT);
}

static int _recover_again (struct warden *w, struct mw_err *err)
{
    int rc = !w->later.first
                 ? 0
                 : sd_event_add_time (w->loop, &w->again, CLOCK_BOOTTIME,
                                      clock_us () + RECOVER_AGAIN_US, 1000,
                                      _on_again, w);

    if (rc >= 0)
        return 0;
    errno = -rc;
    return mw_err_errno (err, "cannot come back to jobs");
}

int warden_recover (struct warden *w, struct mw_err *err)
{
    if (journal_recover (w->journal, &w->jobs, err) < 0)
        return -1;
    if (err->text[0])
        report_log (w, LOG_WARNING, "%s", err->text);
    /* beyond any that waits in the spool: a record makes four at most */
    w->request_seq = w->journal->seq * 5;
    story_recover (w);
    job_part_steps (&w->jobs, &w->steps);
    watch_kmsg_catch_up (w);
    if (_recover_table (w, &w->jobs, err) < 0 ||
        _recover_table (w, &w->steps, err) < 0)
        return -1;
    _recover_orphans (w);
    _go_on (w, &w->steps); /* a job's end ends its steps */
    _go_on (w, &w->jobs);
    report_flush (w);
    return _recover_again (w, err);
}

/* Returns whether nothing of [job] is ours any more; [err]: what. */
static bool _hand_back_job (struct warden *w, struct job *job,
                            struct mw_err *err)
{
    struct incident *in = &job->incident;
    bool stopped = (in->frozen || in->slowed) && !in->slurm_stops_ms;
    struct stopped alone = in->stopped; /* it is still on record */
    bool all = true;

    job->event = sd_event_source_disable_unref (job->event);
    job->below = sd_event_source_disable_unref (job->below);
    if (in->enomem && rlimits_restore (&job->memcg, w->journal->state_dir,
                                       job->spec.key, err) < 0)
        all = false;
    if (stopped_let_all_go (&alone, err) < 0)
        all = false;
    stopped_mark (job->memcg.dir, &alone);
    if (stopped && job->memcg.ops->freeze (&job->memcg, false, err) < 0 &&
        !step_nothing_there (errno))
        all = false;
    if (job->memcg.armed) {
        bool done = job->memcg.ops->disarm (&job->memcg, err) == 0 ||
                    errno == ENODEV;

        job->memcg.armed = !done;
        all = all && done;
    }
    return all;
}

/* With [say], what cannot be is told. Returns whether all could be. */
static bool _hand_back (struct warden *w, struct job_table *t, bool say)
{
    struct mw_err err;
    bool all = true;

    for (struct job *j = t->first; j; j = j->next) {
        if (_hand_back_job (w, j, &err))
            continue;
        all = false;
        if (say)
            report_log (w, LOG_ERR,
                        "job %s: it cannot be given back to the kernel: %s",
                        j->spec.key, err.text);
    }
    return all;
}

/* Nobody comes behind us for a while: what fails is tried again for a second. */
#define HAND_BACK_TRIES 50

void warden_hand_back (struct warden *w)
{
    const struct timespec pause = { .tv_nsec = 20000000 };

    for (int i = 1; i <= HAND_BACK_TRIES; i++) {
        bool last = i == HAND_BACK_TRIES;
        bool steps = _hand_back (w, &w->steps, last);

        if ((_hand_back (w, &w->jobs, last) && steps) || last)
            return;
        nanosleep (&pause, NULL);
    }
}

void warden_reconfigured (struct warden *w)
{
    w->node_reserve = mw_amount_of (&w->conf.node_reserve, w->node_memory, 0);
    strike_reconfigured (w);
    for (struct job *j = w->jobs.first; j; j = j->next) {
        j->class = class_of (&w->conf, &j->spec, &j->facts);
        class_ask (w, j);
    }
    warden_room (w);
}
