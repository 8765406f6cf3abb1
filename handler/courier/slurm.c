/* slurm.c - the calls to slurmctld (libslurm)
 *
 * Every call first looks at the job, so that it is never done to a later run of
 * the same job id, and so that what was done already (by a worker that died
 * before it could say so) is not an error.  Where Slurm has one, the call by
 * "ARRAY_TASK" is taken: a raw id that equals the array's means all of it.
 */
#include "handler/courier/courier.h"

#include <errno.h>
#include <inttypes.h>
#include <slurm/slurm.h>
#include <slurm/slurm_errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "handler/courier/compat.h"
#include "handler/courier/rest.h"
#include "lib/json_put.h"
#include "lib/units.h"

/* The low bits of a job's state; slurm.h has it since 22.05 only inside. */
#define STATE_BASE 0x000000ff
/* Slurm's own status of a job that the kernel's OOM killer has hit */
#define STATUS_OOM 253

/* Clocks tell whole seconds, and a job's start is told a moment late. */
#define SLACK_S 2
/* Who looks after a job that has ended, a person or a workflow, has seen it by
 * then: it is not run again behind their back. */
#define LATE_S 30

/* What is known of the job before anything is done to it. */
struct target {
    const struct spool_request *r;
    const struct conf *conf;
    char id[48];    /* "12", or "12_3" of an array */
    char alone[48]; /* a component of a heterogeneous job: "12+1", for
                                   its leader's id means all; else as [id] */
    char whole[48]; /* that leader's id, or as [id] */
    uint32_t state;
    bool finished, pending, suspended, completing;
    bool ends_suspended;     /* it ends, and may have been suspended */
    int64_t asked_s, told_s; /* when it was looked at, by this node's clock */
    int64_t age_s;           /* of its run, by the controller's clock */
    int64_t over_s;          /* since its end; -1 = not known */
    bool batch, requeue;
    uint32_t restarts;
    uint64_t memory; /* MiB a node, or a CPU with MEM_PER_CPU */
    uint32_t cpus;   /* of one node, at least 1 */
    uint32_t priority;
    uint32_t reason; /* why it waits: enum job_state_reason */
    const char *admin_comment;
    char *node; /* of its batch step; all owned by [msg] */
    const char *partition, *account, *qos, *comment;
    job_info_msg_t *msg;
};

/* An error of the way there, not of the request. */
static bool _unreachable (int code)
{
    return (code >= SLURM_UNEXPECTED_MSG_ERROR &&
            code < SLURM_NO_CHANGE_IN_DATA) ||
           compat_is_connection (code) || code == ESLURM_IN_STANDBY_MODE ||
           code == ECONNREFUSED || code == ETIMEDOUT || code == EHOSTUNREACH ||
           code == ENETUNREACH || code == ECONNRESET;
}

/* What will pass by itself. */
static bool _passing (int code)
{
    return code == EAGAIN || code == EINTR ||
           code == ESLURM_TRANSITION_STATE_NO_UPDATE ||
           code == ESLURM_PROLOG_RUNNING || compat_is_record_pending (code);
}

static enum courier_verdict _failed (struct courier_result *res, int code,
                                     const char *what)
{
    enum courier_verdict v = _unreachable (code) ? COURIER_UNREACHABLE
                             : _passing (code)   ? COURIER_AGAIN
                                                 : COURIER_REFUSED;

    if (code == ESLURM_USER_ID_MISSING || code == ESLURM_ACCESS_DENIED) {
        courier_say (res, v, code,
                     "%s: %s: the courier runs as uid %u, which "
                     "must be SlurmUser or an operator of Slurm's",
                     what, slurm_strerror (code), (unsigned) geteuid ());
        res->denied = true;
        return v;
    }
    return courier_say (res, v, code, "%s: %s", what, slurm_strerror (code));
}

/* Say that it was done by libslurm, where slurmrestd was to do it. */
static void _say_not_rest (const struct rest_result *rest,
                           struct courier_result *res)
{
    size_t len = strlen (res->text);

    if (rest->verdict == REST_NOT && rest->text[0])
        snprintf (res->text + len, sizeof (res->text) - len,
                  " (by libslurm; slurmrestd: %s)", rest->text);
}

/* The code behind a call's return value [rc] and the array answer [resp], which
 * is freed: calls by name report each task's failure only there. */
static int _code (int rc, job_array_resp_msg_t *resp)
{
    int code = 0;

    if (rc != SLURM_SUCCESS)
        code = errno ? errno : rc;
    for (uint32_t i = 0; !code && resp && i < resp->job_array_count; i++)
        code = (int) resp->error_code[i];
    if (resp)
        slurm_free_job_array_resp (resp);
    return code;
}

/* [now] is the controller's. */
static void _slurm_look_at (struct target *t, const slurm_job_info_t *j,
                            time_t now)
{
    uint32_t nodes = j->num_nodes ? j->num_nodes : 1;

    t->state = j->job_state & STATE_BASE;
    t->pending = t->state == JOB_PENDING;
    t->suspended = t->state == JOB_SUSPENDED;
    t->finished = t->state > JOB_SUSPENDED;
    t->completing = j->job_state & JOB_COMPLETING;
    t->ends_suspended = t->completing && j->suspend_time != 0;
    t->age_s = (int64_t) (now - j->start_time);
    /* one that ended suspended has ended for Slurm when it was suspended */
    t->over_s = t->finished && j->end_time != j->suspend_time
                    ? (int64_t) (now - j->end_time)
                    : -1;
    t->batch = j->batch_flag;
    t->requeue = j->requeue;
    t->restarts = j->restart_cnt;
    t->memory = j->pn_min_memory;
    t->cpus = (j->num_cpus + nodes - 1) / nodes;
    if (t->cpus == 0)
        t->cpus = 1;
    t->priority = j->priority;
    t->reason = j->state_reason;
    t->node = j->batch_host;
    t->partition = j->partition;
    t->account = j->account;
    t->qos = j->qos;
    t->comment = j->comment;
    t->admin_comment = j->admin_comment;
}

static void _name_it (struct target *t, const slurm_job_info_t *j)
{
    const struct spool_request *r = t->r;

    if (r->array_job_id)
        snprintf (t->id, sizeof (t->id), "%" PRIu32 "_%" PRIu32,
                  r->array_job_id, r->array_task_id);
    else
        snprintf (t->id, sizeof (t->id), "%" PRIu32, r->slurm_id);
    strcpy (t->alone, t->id);
    strcpy (t->whole, t->id);
    if (j->het_job_id == 0 || j->het_job_id == NO_VAL)
        return;
    snprintf (t->alone, sizeof (t->alone), "%" PRIu32 "+%" PRIu32,
              j->het_job_id, j->het_job_offset);
    snprintf (t->whole, sizeof (t->whole), "%" PRIu32, j->het_job_id);
}

static int _slurm_load (struct target *t, const struct spool_request *r,
                        const struct conf *conf, struct courier_result *res)
{
    *t = (struct target) { .r = r, .conf = conf };
    if (r->slurm_id == 0) {
        courier_say (res, COURIER_REFUSED, EINVAL, "not a job of Slurm's");
        return -1;
    }
    t->asked_s = time (NULL);
    errno = 0;
    if (compat_load_job (&t->msg, r->slurm_id) != SLURM_SUCCESS) {
        _failed (res, errno, "cannot look at the job");
        return -1;
    }
    t->told_s = time (NULL);
    for (uint32_t i = 0; i < t->msg->record_count; i++) {
        if (t->msg->job_array[i].job_id == r->slurm_id) {
            _name_it (t, &t->msg->job_array[i]);
            _slurm_look_at (t, &t->msg->job_array[i], t->msg->last_update);
            return 0;
        }
    }
    courier_say (res, COURIER_REFUSED, ESLURM_INVALID_JOB_ID,
                 "the controller knows no job %" PRIu32, r->slurm_id);
    return -1;
}

/* Is the present run as old as the one that this node knows of?  Each age is
 * measured by one clock: those of two machines are not compared.  A pending job
 * has no run. */
static bool _as_old (const struct target *t, struct courier_result *res)
{
    int64_t known_s = t->asked_s - (int64_t) t->r->since_s;

    if (t->pending || t->r->since_s == 0 || t->age_s + SLACK_S < known_s) {
        courier_say (res, COURIER_REFUSED, ESTALE,
                     "the job has been restarted "
                     "since (%s %" PRId64 " s, then %" PRId64 " s old)",
                     t->pending ? "it waits" : "this run is",
                     t->pending ? 0 : t->age_s, known_s);
        return false;
    }
    return true;
}

/* Is it still the run of which the request was made?  Its number tells; where
 * the controller was away since the job began, its age. */
static bool _same_run (const struct target *t, struct courier_result *res)
{
    if (t->r->restart_count == SPOOL_RUN_UNKNOWN)
        return _as_old (t, res);
    if (t->restarts == t->r->restart_count)
        return true;
    courier_say (res, COURIER_REFUSED, ESTALE,
                 "the job has been restarted "
                 "since (%" PRIu32 " times, then %" PRIu32 ")",
                 t->restarts, t->r->restart_count);
    return false;
}

static const char *_slurm_state (const struct target *t)
{
    static const char *const names[] = {
        "PENDING",   "RUNNING",   "SUSPENDED", "COMPLETED",
        "CANCELLED", "FAILED",    "TIMEOUT",   "NODE_FAIL",
        "PREEMPTED", "BOOT_FAIL", "DEADLINE",  "OUT_OF_MEMORY",
    };

    return t->state < sizeof (names) / sizeof (names[0]) ? names[t->state]
                                                         : "over";
}

/* … and has that not ended? */
static bool _goes_on (const struct target *t, struct courier_result *res)
{
    if (!_same_run (t, res))
        return false;
    if (t->finished)
        courier_say (res, COURIER_REFUSED, ESTALE, "it has ended already (%s)",
                     _slurm_state (t));
    return !t->finished;
}

static void _suspend (struct target *t, struct courier_result *res)
{
    job_array_resp_msg_t *resp = NULL;
    int code = 0;

    if (!_goes_on (t, res))
        return;
    if (!t->suspended)
        code = _code (slurm_suspend2 (t->id, &resp), resp);
    if (code)
        _failed (res, code, "cannot suspend it");
    else
        courier_say (res, COURIER_DONE, 0, "suspended");
}

static int _update (char *id, job_desc_msg_t *desc)
{
    job_array_resp_msg_t *resp = NULL;

    desc->job_id_str = id;
    return _code (slurm_update_job2 (desc, &resp), resp);
}

/* Slurm's suspend sets the priority to 0, and its resume sets it again: who ends
 * in between is held for ever when it is requeued.  Not sooner than at its end: by
 * the 0 Slurm knows that the CPUs are free, and the gang scheduler that it is not
 * to resume it. */
static int _slurm_release (struct target *t)
{
    job_desc_msg_t desc;

    slurm_init_job_desc_msg (&desc);
    desc.priority = INFINITE;
    return _update (t->whole, &desc);
}

/* This machine's name, as Slurm knows its nodes by. */
static void _host_name (char *host, size_t len)
{
    host[0] = '\0';
    gethostname (host, len - 1);
    host[len - 1] = '\0';
    host[strcspn (host, ".")] = '\0';
}

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
    _host_name (host, sizeof (host));
    for (uint32_t i = 0; i < msg->record_count; i++) {
        const node_info_t *n = &msg->node_array[i];

        if ((node || (n->node_hostname && !strcmp (n->node_hostname, host))) &&
            n->real_memory > n->mem_spec_limit)
            most = mw_least (most, n->real_memory - n->mem_spec_limit);
    }
    slurm_free_node_info_msg (msg);
    return most;
}

/* What to ask for instead of [t]->memory; 0 where that is no more. */
static uint64_t _more_memory (const struct target *t)
{
    uint64_t per_cpu = t->memory & MEM_PER_CPU, old = t->memory & ~MEM_PER_CPU;
    uint64_t most = _slurm_node_memory (t->node), want = t->r->mem_mb;

    /* more fits no node like this: the job would wait for ever */
    if (want > most)
        want = most;
    if (per_cpu)
        want = (want + t->cpus - 1) / t->cpus;
    if (per_cpu && want > most / t->cpus)
        want = most / t->cpus;
    return want > old ? want | per_cpu : 0;
}

/* The job is pending and held by us: give it its memory, let it go.  That it is
 * still completing on its node does not matter to either. */
static void _raise_and_release (struct target *t, struct courier_result *res)
{
    uint64_t memory = _more_memory (t);
    job_desc_msg_t desc;
    int code = 0, released;

    if (memory) {
        slurm_init_job_desc_msg (&desc);
        desc.pn_min_memory = memory;
        code = _update (t->alone, &desc);
    }
    if (_unreachable (code) || _passing (code)) {
        _failed (res, code, "requeued, but cannot raise its memory yet");
        return;
    }
    released = _slurm_release (t);
    if (released)
        /* held for ever is worse than asked about again */
        courier_say (res,
                     _unreachable (released) ? COURIER_UNREACHABLE
                                             : COURIER_AGAIN,
                     released, "requeued, but cannot release it yet: %s",
                     slurm_strerror (released));
    else if (code)
        courier_say (res, COURIER_DONE, 0, "requeued; its memory stays: %s",
                     slurm_strerror (code));
    else if (memory)
        courier_say (res, COURIER_DONE, 0, "requeued with --mem%s=%" PRIu64 "M",
                     memory & MEM_PER_CPU ? "-per-cpu" : "",
                     memory & ~MEM_PER_CPU);
    else
        courier_say (res, COURIER_DONE, 0, "requeued");
}

/* Has this run been requeued, by us or by somebody else, and waits? */
static bool _waits_again (const struct target *t)
{
    return t->pending && (t->r->restart_count == SPOOL_RUN_UNKNOWN ||
                          t->restarts == t->r->restart_count + 1);
}

/* Has it been requeued while it was suspended, and waits with the priority of 0
 * that suspending has given it?  Who has it held says so by another reason. */
static bool _waits_suspended (const struct target *t)
{
    return _waits_again (t) && t->priority == 0 && t->reason != WAIT_HELD_USER;
}

static void _slurm_resume (struct target *t, struct courier_result *res)
{
    job_array_resp_msg_t *resp = NULL;
    int code = 0;

    if (_waits_suspended (t)) {
        _raise_and_release (t, res);
        return;
    }
    if (!_goes_on (t, res))
        return;
    if (t->suspended)
        code = _code (slurm_resume2 (t->id, &resp), resp);
    if (code)
        _failed (res, code, "cannot resume it");
    else
        courier_say (res, COURIER_DONE, 0, "resumed");
}

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
           t->over_s <= t->told_s - (int64_t) r->killed_s + SLACK_S;
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
                     _slurm_state (t));
    else if (t->over_s > LATE_S)
        courier_say (res, COURIER_REFUSED, ESLURM_ALREADY_DONE,
                     "not requeued: "
                     "it has been %s for %" PRId64 " s",
                     _slurm_state (t), t->over_s);
    else
        return true;
    return false;
}

static void _requeue (struct target *t, struct courier_result *res)
{
    job_array_resp_msg_t *resp = NULL;
    /* suspending has set its priority to 0, and there it would wait for ever,
     * also where it has ended meanwhile */
    bool hold = t->r->mem_mb > 0 || t->priority == 0;
    struct rest_result rest;
    int code;

    /* one restart later and pending: our own work, or the user's; half done if
     * it is held */
    if (_waits_again (t)) {
        if (t->priority == 0)
            _raise_and_release (t, res);
        else
            courier_say (res, COURIER_DONE, 0, "requeued already");
        return;
    }
    if (!_same_run (t, res) || !_to_be_rerun (t, res))
        return;
    if (!t->batch) {
        _failed (res, ESLURM_BATCH_ONLY, "cannot requeue it");
        return;
    }
    if (!t->requeue) {
        courier_say (res, COURIER_REFUSED, ESLURM_DISABLED,
                     "it is not to be requeued (sbatch --no-requeue, or "
                     "JobRequeue=0 in slurm.conf)");
        return;
    }
    /* of a heterogeneous job all components run again, or none */
    rest_requeue (t->conf, t->whole, hold, &rest);
    code = rest.code;
    if (rest.verdict == REST_NOT)
        code = _code (slurm_requeue2 (t->whole, hold ? JOB_REQUEUE_HOLD : 0,
                                      &resp),
                      resp);
    if (code)
        _failed (res, code, "cannot requeue it");
    else if (hold)
        _raise_and_release (t, res);
    else
        courier_say (res, COURIER_DONE, 0, "requeued");
    _say_not_rest (&rest, res);
}

static void _complete_oom (struct target *t, struct courier_result *res)
{
    int code = 0;

    if (!_same_run (t, res))
        return;
    if (t->finished) {
        courier_say (res, COURIER_DONE, ESLURM_ALREADY_DONE,
                     "it had ended already");
        return;
    }
    if (t->suspended && t->priority == 0)
        code = _slurm_release (t);
    if (!_unreachable (code)) /* no answer: not a second time in vain */
        code = _code (compat_complete_job (t->r->slurm_id, STATUS_OOM), NULL);
    if (code)
        _failed (res, code, "cannot complete it");
    else
        courier_say (res, COURIER_DONE, 0, "completed as OUT_OF_MEMORY");
}

static void _notify (struct target *t, struct courier_result *res)
{
    char text[SPOOL_TEXT_MAX];
    int code;

    if (!_goes_on (t, res))
        return;
    if (t->suspended) {
        courier_say (res, COURIER_DEFER, ESLURM_JOB_SUSPENDED,
                     "it is suspended");
        return;
    }
    snprintf (text, sizeof (text), "%s", t->r->text);
    code = _code (compat_notify_job (t->r->slurm_id, text), NULL);
    if (code)
        _failed (res, code, "cannot write to its standard error");
    else
        courier_say (res, COURIER_DONE, 0,
                     "handed to the controller; "
                     "whether it writes it is not known");
}

/* Is the admin's comment, which no user can change, to say the same?  What others have
 * written there stays. */
static bool _admin_comment_is_ours (const struct target *t)
{
    return t->conf->admin_comment &&
           (!t->admin_comment || !t->admin_comment[0] ||
            !strncmp (t->admin_comment, "memwarden: ", 11));
}

/* A comment is about the job, not about one of its runs, and is still right
 * when the next has begun. */
static void _comment (struct target *t, struct courier_result *res)
{
    char text[SPOOL_TEXT_MAX];
    bool admin = _admin_comment_is_ours (t);
    struct rest_result rest;
    job_desc_msg_t desc;
    int code;

    snprintf (text, sizeof (text), "%s", t->r->text);
    rest_comment (t->conf, t->alone, text, &admin, &rest);
    code = rest.code;
    /* the admin's is libslurm's, too, where slurmrestd's version has none */
    if (rest.verdict == REST_NOT || (rest.verdict == REST_DONE && admin)) {
        slurm_init_job_desc_msg (&desc);
        if (rest.verdict == REST_NOT)
            desc.comment = text;
        if (admin)
            desc.admin_comment = text;
        code = _update (t->alone, &desc);
    }
    if (code)
        _failed (res, code, "cannot set its comment");
    else
        courier_say (res, COURIER_DONE, 0, "set");
    _say_not_rest (&rest, res);
}

/* What is known of [t], as class_parse takes it.  Of a name that is too long to
 * be matched nothing is said; what memwarden has said of an earlier run is
 * needed where Slurm truncates its standard error when it is requeued. */
static const char *_slurm_facts (const struct target *t,
                                 char buf[SPOOL_TEXT_MAX])
{
    const struct {
        const char *key, *name;
    } of[] = {
        { "partition", t->partition },
        { "account", t->account },
        { "qos", t->qos },
    };
    struct json_put p = { .text = buf, .size = SPOOL_TEXT_MAX - 1 };
    bool ours = t->comment && !strncmp (t->comment, "memwarden: ", 11);

    json_put (&p, "{");
    for (size_t i = 0; i < sizeof (of) / sizeof (of[0]); i++)
        json_put_text (&p, of[i].key,
                       of[i].name && strlen (of[i].name) < 64 ? of[i].name
                                                              : "");
    json_put_number (&p, "restarts", t->restarts);
    json_put_cut (&p, "comment", ours ? t->comment : "", 399);
    p.size++;
    json_put_end (&p, "}");
    return json_put_done (&p);
}

static void _look_up (struct target *t, struct courier_result *res)
{
    char facts[SPOOL_TEXT_MAX];

    if (!_same_run (t, res))
        return;
    /* a job that is to run again has the next run's number already */
    if (t->finished || t->completing)
        courier_say (res, COURIER_REFUSED, ESLURM_ALREADY_DONE,
                     "this run of it ends");
    else
        courier_say (res, COURIER_DONE, 0, "%s", _slurm_facts (t, facts));
}

/* This machine's node name: the only one with its host name, unless [name] says
 * (several slurmd may run on one host). Returns 0, or -1 with [res] filled. */
static int _node_name (const char *name, char *out, size_t len,
                       struct courier_result *res)
{
    char host[65];
    node_info_msg_t *msg = NULL;
    unsigned found = 0;

    if (name[0]) {
        snprintf (out, len, "%s", name);
        return 0;
    }
    _host_name (host, sizeof (host));
    errno = 0;
    if (slurm_load_node (0, &msg, SHOW_ALL) != SLURM_SUCCESS) {
        _failed (res, errno, "cannot look for this node");
        return -1;
    }
    for (uint32_t i = 0; i < msg->record_count; i++) {
        const char *h = msg->node_array[i].node_hostname;

        if (h && msg->node_array[i].name && !strcmp (h, host)) {
            snprintf (out, len, "%s", msg->node_array[i].name);
            found++;
        }
    }
    slurm_free_node_info_msg (msg);
    if (found == 1)
        return 0;
    courier_say (res, COURIER_REFUSED, ESLURM_INVALID_NODE_NAME,
                 "%u nodes have the host name %s", found, host);
    return -1;
}

static void _slurm_drain (const struct spool_request *r,
                          const struct conf *conf, struct courier_result *res)
{
    char name[256], reason[SPOOL_TEXT_MAX];
    struct rest_result rest;
    update_node_msg_t msg;
    int code;

    if (_node_name (r->arg, name, sizeof (name), res) < 0)
        return;
    snprintf (reason, sizeof (reason), "%s", r->text);
    rest_drain (conf, name, reason, &rest);
    code = rest.code;
    if (rest.verdict == REST_NOT) {
        slurm_init_update_node_msg (&msg);
        msg.node_names = name;
        msg.node_state = NODE_STATE_DRAIN;
        msg.reason = reason;
        compat_reason_uid (&msg, geteuid ());
        code = _code (slurm_update_node (&msg), NULL);
    }
    if (code)
        _failed (res, code, "cannot drain the node");
    else
        courier_say (res, COURIER_DONE, 0, "%s is draining", name);
    _say_not_rest (&rest, res);
}

static void (*const job_ops[SPOOL_OP_COUNT]) (struct target *t,
                                              struct courier_result *res) = {
    [SPOOL_SUSPEND] = _suspend, [SPOOL_RESUME] = _slurm_resume,
    [SPOOL_REQUEUE] = _requeue, [SPOOL_COMPLETE_OOM] = _complete_oom,
    [SPOOL_NOTIFY] = _notify,   [SPOOL_COMMENT] = _comment,
    [SPOOL_LOOKUP] = _look_up,
};

void courier_slurm (const struct spool_request *r, const struct conf *conf,
                    struct courier_result *res)
{
    struct target t;

    slurm_init (NULL);
    if (r->op == SPOOL_DRAIN) {
        _slurm_drain (r, conf, res);
        return;
    }
    if (_slurm_load (&t, r, conf, res) == 0) {
        job_ops[r->op](&t, res);
        if (r->op == SPOOL_SUSPEND)
            res->suspended = t.suspended;
        else if (r->op == SPOOL_COMPLETE_OOM || r->op == SPOOL_REQUEUE)
            res->suspended = t.suspended || t.ends_suspended;
    }
    slurm_free_job_info_msg (t.msg);
}
