/* requeue.c - requeue, with more memory or without, and once
 *
 * Where several nodes of a job ask at once, slurmctld takes the first one's requeue
 * and refuses the others: by that, and by the restart count, it is decided who does
 * it.  The others then wait until that one has given the job its memory and let it
 * go, and only raise that, if theirs needs more.  What was given, for which run and
 * how many times, stands in the job's admin_comment, which its user cannot write:
 * "[memwarden run=1 mem=350M try=1 peak=104857600]".
 */
#include <errno.h>
#include <inttypes.h>
#include <slurm/slurm_errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "handler/courier/target.h"
#include "handler/spool/learnt.h"
#include "lib/cleanup.h"
#include "lib/units.h"

/* Who looks after a job that has ended, a person or a workflow, has seen it by
 * then: it is not run again behind their back. */
#define LATE_S 30

/* Who has requeued it lets it go within milliseconds, or has died. */
#define OTHER_LOOKS 20
#define OTHER_LOOK_NS 100000000

/* ---- the mark ------------------------------------------------------------ */

#define MARK "[memwarden run="

struct mark {
    uint32_t run; /* the restart count it was made for; 0 = there is none */
    uint64_t mem_mb, peak;
    unsigned tries;
};

/* Where in [text] the mark is; NULL. */
static const char *_mark_in (const char *text)
{
    return text ? strstr (text, MARK) : NULL;
}

static struct mark _mark_read (const char *text)
{
    const char *at = _mark_in (text);
    struct mark m = { 0 };

    if (!at ||
        sscanf (at,
                MARK "%" SCNu32 " mem=%" SCNu64 "M try=%u peak=%" SCNu64 "]",
                &m.run, &m.mem_mb, &m.tries, &m.peak) != 4)
        m = (struct mark) { 0 };
    return m;
}

/* [text], which an admin may have written, with [m] in place of the mark in it, or
 * at its end. Returns it (the caller's to free), or NULL. */
static char *_mark_write (const char *text, const struct mark *m)
{
    const char *at = _mark_in (text), *after = at ? strchr (at, ']') : NULL;
    size_t before = at ? (size_t) (at - text) : text ? strlen (text) : 0;
    char *out;

    if (asprintf (&out,
                  "%.*s%s" MARK "%" PRIu32 " mem=%" PRIu64
                  "M try=%u peak=%" PRIu64 "]%s",
                  (int) before, text ? text : "", before && !at ? " " : "",
                  m->run, m->mem_mb, m->tries, m->peak,
                  after ? after + 1 : "") < 0)
        return NULL;
    return out;
}

char *courier_admin_comment (const struct target *t, const char *text)
{
    const char *old = t->admin_comment ? t->admin_comment : "";
    struct mark m = _mark_read (old);
    bool ours = old[0] == '\0' || !strncmp (old, "memwarden: ", 11) ||
                _mark_in (old) == old;

    if (!ours)
        return NULL;
    return m.run ? _mark_write (text, &m) : strdup (text);
}

/* ---- how much ------------------------------------------------------------ */

/* How much memory a job on [node] can have at most, in MiB; UINT64_MAX if that
 * cannot be found out.  [node] may be NULL: a job that waits has none, but it ran
 * on this machine. */
static uint64_t _slurm_node_memory (char *node)
{
    node_info_msg_t *msg = NULL;
    uint64_t most = UINT64_MAX;
    char host[65];
    int rc = node ? slurm_load_node_single (&msg, node, 0)
                  : slurm_load_node (0, &msg, SHOW_ALL);

    if (rc != SLURM_SUCCESS)
        return most;
    target_host_name (host, sizeof (host));
    for (uint32_t i = 0; i < msg->record_count; i++) {
        const node_info_t *n = &msg->node_array[i];

        if ((node || (n->node_hostname && !strcmp (n->node_hostname, host))) &&
            n->real_memory > n->mem_spec_limit)
            most = mw_least (most, n->real_memory - n->mem_spec_limit);
    }
    slurm_free_node_info_msg (msg);
    return most;
}

/* Is [name] one of the comma-separated [list]? */
static bool _is_in_list (const char *name, const char *list)
{
    size_t len = strlen (name);

    for (const char *p = list; p && *p; p += strcspn (p, ",")) {
        p += *p == ',';
        if (strcspn (p, ",") == len && !strncmp (p, name, len))
            return true;
    }
    return false;
}

/* How much memory the partition of [t] lets a job have on a node, in MiB; of
 * several the largest; UINT64_MAX where there is no bound. */
static uint64_t _partition_memory (const struct target *t)
{
    partition_info_msg_t *msg = NULL;
    uint64_t most = 0;

    if (slurm_load_partitions (0, &msg, SHOW_ALL) != SLURM_SUCCESS)
        return UINT64_MAX;
    for (uint32_t i = 0; i < msg->record_count; i++) {
        const partition_info_t *p = &msg->partition_array[i];
        uint64_t max = p->max_mem_per_cpu & ~MEM_PER_CPU;

        if (!p->name || !_is_in_list (p->name, t->partition))
            continue;
        if (max == 0 || max >= UINT32_MAX) /* unlimited */
            max = UINT64_MAX;
        else if (p->max_mem_per_cpu & MEM_PER_CPU)
            max *= t->cpus;
        most = max > most ? max : most;
    }
    slurm_free_partition_info_msg (msg);
    return most ? most : UINT64_MAX;
}

/* What a node of [t] may have at most, in MiB. */
static uint64_t _most_memory (const struct target *t)
{
    uint64_t most = mw_least (_slurm_node_memory (t->node),
                              _partition_memory (t));

    return t->r->max_mb ? mw_least (most, t->r->max_mb) : most;
}

/* What to ask for instead of [t]->memory; 0 where that is no more. */
static uint64_t _more_memory (const struct target *t)
{
    uint64_t per_cpu = t->memory & MEM_PER_CPU, old = t->memory & ~MEM_PER_CPU;
    uint64_t most, want = t->r->mem_mb;

    if (want == 0)
        return 0;
    /* more fits no node like this: the job would wait for ever */
    most = _most_memory (t);
    if (want > most)
        want = most;
    if (per_cpu)
        want = (want + t->cpus - 1) / t->cpus;
    if (per_cpu && want > most / t->cpus)
        want = most / t->cpus;
    return want > old ? want | per_cpu : 0;
}

/* May [t] be given more memory once more? */
static bool _may_try (const struct target *t, struct courier_result *res)
{
    const struct spool_request *r = t->r;
    struct mark m = _mark_read (t->admin_comment);

    if (r->tries == 0)
        return true;
    if (m.tries >= r->tries)
        courier_say (res, COURIER_REFUSED, ESLURM_DISABLED,
                     "it has been given more memory %u times already, and "
                     "--mem-retry says no more than %u tries",
                     m.tries, r->tries);
    else if (_more_memory (t) == 0)
        courier_say (res, COURIER_REFUSED, ESLURM_DISABLED,
                     "it needs --mem=%" PRIu64 "M, and has the most already "
                     "that --mem-retry, its node and its partition let it have "
                     "(--mem%s=%" PRIu64 "M)",
                     r->mem_mb, t->memory & MEM_PER_CPU ? "-per-cpu" : "",
                     t->memory & ~MEM_PER_CPU);
    else
        return true;
    return false;
}

/* ---- the pending job ----------------------------------------------------- */

/* Give [t] [memory] (a node or a CPU), and say so in its mark.  A job's own user, who
 * may raise its memory, may not write that: where no tries are counted it goes without.
 * Returns 0 or Slurm's code. */
static int _give (struct target *t, uint64_t memory)
{
    struct mark m = _mark_read (t->admin_comment);
    cleanup_free char *text = NULL;
    job_desc_msg_t desc;
    int code;

    /* of several nodes' tries for one run one counts */
    if (m.run != t->restarts && t->r->tries > 0)
        m.tries++;
    m.run = t->restarts;
    m.mem_mb = memory & ~MEM_PER_CPU;
    m.peak = t->r->peak;
    text = _mark_write (t->admin_comment, &m);
    slurm_init_job_desc_msg (&desc);
    desc.pn_min_memory = memory;
    desc.admin_comment = text;
    code = target_update (t->alone, &desc);
    if (t->r->tries > 0 ||
        (code != ESLURM_ACCESS_DENIED && code != ESLURM_USER_ID_MISSING))
        return code;
    desc.admin_comment = NULL;
    return target_update (t->alone, &desc);
}

static void _say_given (const struct target *t, const char *how,
                        uint64_t memory, struct courier_result *res)
{
    struct mark m = _mark_read (t->admin_comment);
    char tries[48] = "";

    if (t->r->tries > 0)
        snprintf (tries, sizeof (tries), " (try %u of %" PRIu32 ")",
                  m.run == t->restarts ? m.tries : m.tries + 1, t->r->tries);
    courier_say (res, COURIER_DONE, 0, "%s with --mem%s=%" PRIu64 "M%s", how,
                 memory & MEM_PER_CPU ? "-per-cpu" : "", memory & ~MEM_PER_CPU,
                 tries);
}

/* What this user's jobs of this name need, for whoever asks later. */
static void _keep_learnt (const struct target *t, uint64_t memory)
{
    struct learnt_run run = {
        .s = (uint64_t) time (NULL),
        .peak = t->r->peak,
        .mem_mb = (memory & ~MEM_PER_CPU) *
                  (memory & MEM_PER_CPU ? t->cpus : 1),
    };

    if (t->r->peak > 0)
        learnt_add (t->uid, t->account, t->name, &run);
}

/* What [t] has been given for this run already, a node or a CPU; 0. */
static uint64_t _given_already (const struct target *t)
{
    struct mark m = _mark_read (t->admin_comment);

    return m.run == t->restarts && m.mem_mb == (t->memory & ~MEM_PER_CPU)
               ? t->memory
               : 0;
}

/* That it is still completing on its node does not matter to either. */
void courier_raise_and_release (struct target *t, struct courier_result *res)
{
    uint64_t memory = _more_memory (t);
    int code = 0, released;

    if (memory && (code = _give (t, memory)) == 0)
        _keep_learnt (t, memory);
    if (target_unreachable (code) || target_passing (code)) {
        target_failed (res, code, "requeued, but cannot raise its memory yet");
        return;
    }
    released = target_release (t);
    if (released)
        /* held for ever is worse than asked about again */
        courier_say (res,
                     target_unreachable (released) ? COURIER_UNREACHABLE
                                                   : COURIER_AGAIN,
                     released, "requeued, but cannot release it yet: %s",
                     slurm_strerror (released));
    else if (code)
        courier_say (res, COURIER_DONE, 0, "requeued; its memory stays: %s",
                     slurm_strerror (code));
    else if (memory || (memory = _given_already (t)) > 0)
        _say_given (t, "requeued", memory, res);
    else
        courier_say (res, COURIER_DONE, 0, "requeued");
}

/* Is that over, and it runs again already? */
static bool _runs_again (const struct target *t)
{
    return !t->pending && t->r->restart_count != SPOOL_RUN_UNKNOWN &&
           t->restarts == t->r->restart_count + 1 &&
           _mark_read (t->admin_comment).run == t->restarts;
}

/* Somebody has requeued it already.  Another of its nodes gives it its memory and
 * lets it go: that is waited for, and done where nobody does it. */
static void _requeued_already (struct target *t, struct courier_result *res)
{
    const struct timespec look = { .tv_nsec = OTHER_LOOK_NS };
    uint64_t memory;

    for (int i = 0;
         i < OTHER_LOOKS && target_waits_again (t) && t->priority == 0; i++) {
        nanosleep (&look, NULL);
        if (target_reload (t, res) < 0)
            return;
    }
    if (target_waits_again (t) && t->priority == 0) {
        courier_raise_and_release (t, res);
        return;
    }
    /* without our mark it is somebody's own requeue: that stays as it is */
    memory = target_waits_again (t) &&
                     _mark_read (t->admin_comment).run == t->restarts
                 ? _more_memory (t)
                 : 0;
    if (memory && _give (t, memory) == 0)
        _say_given (t, "requeued already, and now", memory, res);
    else if ((memory = _given_already (t)) > 0)
        _say_given (t, "requeued already,", memory, res);
    else
        courier_say (res, COURIER_DONE, 0, "requeued already");
}

/* Another of its nodes may have had it requeued; nothing else is to be done. */
static void _requeue_join (struct target *t, struct courier_result *res)
{
    if (target_waits_again (t))
        _requeued_already (t, res);
    else
        courier_say (res, COURIER_DONE, 0,
                     "no other of its nodes has it requeued");
}

/* ---- the request --------------------------------------------------------- */

/* Has the run ended as the warden says?  What it has killed has not ended
 * before that; what has ended in answer to a signal has not been cancelled, nor
 * come to its time limit. */
static bool _ended_as_said (const struct target *t)
{
    const struct spool_request *r = t->r;
    bool failed = t->state == JOB_FAILED || t->state == JOB_OOM;

    if (r->after_end)
        return failed || t->state == JOB_COMPLETE;
    return r->killed_s != 0 && failed &&
           t->over_s <= t->told_s - (int64_t) r->killed_s + TARGET_SLACK_S;
}

/* Is the run one to be run again: does it go on, or is it over by the warden,
 * just now? */
static bool _to_be_rerun (const struct target *t, struct courier_result *res)
{
    if (t->r->withdrawn)
        courier_say (res, COURIER_REFUSED, ECANCELED,
                     "not requeued: it has "
                     "gone on meanwhile, or ended by itself");
    else if (!t->finished)
        return true;
    else if (!_ended_as_said (t))
        courier_say (res, COURIER_REFUSED, ESLURM_ALREADY_DONE,
                     "not requeued: "
                     "it has ended by itself (%s)",
                     target_state (t));
    else if (t->over_s > LATE_S)
        courier_say (res, COURIER_REFUSED, ESLURM_ALREADY_DONE,
                     "not requeued: "
                     "it has been %s for %" PRId64 " s",
                     target_state (t), t->over_s);
    else
        return true;
    return false;
}

/* Can it be, by its own flags and by what has been given to it? */
static bool _may_be_requeued (const struct target *t,
                              struct courier_result *res)
{
    if (!t->batch) {
        target_failed (res, ESLURM_BATCH_ONLY, "cannot requeue it");
        return false;
    }
    if (!t->requeue) {
        courier_say (res, COURIER_REFUSED, ESLURM_DISABLED,
                     "it is not to be requeued (sbatch --no-requeue, or "
                     "JobRequeue=0 in slurm.conf)");
        return false;
    }
    return _may_try (t, res);
}

void courier_requeue (struct target *t, struct courier_result *res)
{
    job_array_resp_msg_t *resp = NULL;
    /* suspending has set its priority to 0, and there it would wait for ever,
     * also where it has ended meanwhile */
    bool hold = t->r->mem_mb > 0 || t->priority == 0;
    struct rest_result rest;
    int code;

    if (t->r->joins) {
        _requeue_join (t, res);
        return;
    }
    if (target_waits_again (t)) {
        _requeued_already (t, res);
        return;
    }
    if (_runs_again (t)) {
        courier_say (res, COURIER_DONE, 0, "requeued already, and runs again");
        return;
    }
    if (!target_same_run (t, res) || !_to_be_rerun (t, res) ||
        !_may_be_requeued (t, res))
        return;
    /* of a heterogeneous job all components run again, or none */
    rest_requeue (t->conf, t->whole, hold, &rest);
    code = rest.code;
    if (rest.verdict == REST_NOT)
        code = target_code (slurm_requeue2 (t->whole,
                                            hold ? JOB_REQUEUE_HOLD : 0, &resp),
                            resp);
    /* since we have looked another of its nodes may have been first; what it is
     * by now, its restart count above all, is looked up where that is used */
    if ((code || hold) && !target_unreachable (code) &&
        target_reload (t, res) < 0)
        return;
    if (code && target_waits_again (t))
        _requeued_already (t, res);
    else if (code)
        target_failed (res, code, "cannot requeue it");
    else if (hold)
        courier_raise_and_release (t, res);
    else
        courier_say (res, COURIER_DONE, 0, "requeued");
    target_say_not_rest (&rest, res);
}
