/* courier_slurm.c - the calls to slurmctld (libslurm)
 *
 * Every call first looks at the job, so that it is never done to a later run of
 * the same job id, and so that what was done already (by a worker that died
 * before it could say so) is not an error.  Where Slurm has one, the call by
 * "ARRAY_TASK" is taken: a raw id that equals the array's means all of it.
 */
#include "handler/courier.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <slurm/slurm.h>
#include <slurm/slurm_errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "handler/json_put.h"

/* The low bits of a job's state; slurm.h has it since 22.05 only inside. */
#define STATE_BASE 0x000000ff
/* Slurm's own status of a job that the kernel's OOM killer has hit */
#define STATUS_OOM 253

/* What is known of the job before anything is done to it. */
struct target {
    const struct spool_request *r;
    char id[48];                /* "12", or "12_3" of an array */
    uint32_t state;
    bool finished, pending, suspended;
    bool batch, requeue;
    uint32_t restarts;
    uint64_t memory;            /* MiB a node, or a CPU with MEM_PER_CPU */
    uint32_t cpus;              /* of one node, at least 1 */
    uint32_t priority;
    char *node;                 /* of its batch step; all owned by [msg] */
    const char *partition, *account, *qos;
    job_info_msg_t *msg;
};

/* An error of the way there, not of the request. */
static bool _unreachable (int code)
{
    return (code >= SLURM_UNEXPECTED_MSG_ERROR &&
            code < SLURM_NO_CHANGE_IN_DATA) ||
           (code >= SLURM_PROTOCOL_SOCKET_IMPL_ZERO_RECV_LENGTH &&
            code < ESLURM_DB_CONNECTION) ||
           code == ESLURM_IN_STANDBY_MODE || code == ECONNREFUSED ||
           code == ETIMEDOUT || code == EHOSTUNREACH || code == ENETUNREACH ||
           code == ECONNRESET;
}

/* What will pass by itself. */
static bool _passing (int code)
{
    return code == EAGAIN || code == EINTR ||
           code == ESLURM_TRANSITION_STATE_NO_UPDATE ||
           code == ESLURM_PROLOG_RUNNING || code == ESLURM_JOB_SETTING_DB_INX;
}

static enum courier_verdict _failed (struct courier_result *res, int code,
                                     const char *what)
{
    enum courier_verdict v = _unreachable (code) ? COURIER_UNREACHABLE
                           : _passing (code) ? COURIER_AGAIN : COURIER_REFUSED;

    if (code == ESLURM_USER_ID_MISSING || code == ESLURM_ACCESS_DENIED)
        return courier_say (res, v, code, "%s: %s: the courier runs as uid %u, "
                            "which must be SlurmUser or an operator of Slurm's",
                            what, slurm_strerror (code), (unsigned) geteuid ());
    return courier_say (res, v, code, "%s: %s", what, slurm_strerror (code));
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

static void _look_at (struct target *t, const slurm_job_info_t *j)
{
    uint32_t nodes = j->num_nodes ? j->num_nodes : 1;

    t->state = j->job_state & STATE_BASE;
    t->pending = t->state == JOB_PENDING;
    t->suspended = t->state == JOB_SUSPENDED;
    t->finished = t->state > JOB_SUSPENDED;
    t->batch = j->batch_flag;
    t->requeue = j->requeue;
    t->restarts = j->restart_cnt;
    t->memory = j->pn_min_memory;
    t->cpus = (j->num_cpus + nodes - 1) / nodes;
    if (t->cpus == 0)
        t->cpus = 1;
    t->priority = j->priority;
    t->node = j->batch_host;
    t->partition = j->partition;
    t->account = j->account;
    t->qos = j->qos;
}

static int _load (struct target *t, const struct spool_request *r,
                  struct courier_result *res)
{
    *t = (struct target) { .r = r };
    if (r->slurm_id == 0) {
        courier_say (res, COURIER_REFUSED, EINVAL, "not a job of Slurm's");
        return -1;
    }
    if (r->array_job_id)
        snprintf (t->id, sizeof (t->id), "%" PRIu32 "_%" PRIu32,
                  r->array_job_id, r->array_task_id);
    else
        snprintf (t->id, sizeof (t->id), "%" PRIu32, r->slurm_id);
    errno = 0;
    if (slurm_load_job (&t->msg, r->slurm_id, SHOW_DETAIL) != SLURM_SUCCESS) {
        _failed (res, errno, "cannot look at the job");
        return -1;
    }
    for (uint32_t i = 0; i < t->msg->record_count; i++) {
        if (t->msg->job_array[i].job_id == r->slurm_id) {
            _look_at (t, &t->msg->job_array[i]);
            return 0;
        }
    }
    courier_say (res, COURIER_REFUSED, ESLURM_INVALID_JOB_ID,
                 "the controller knows no job %" PRIu32, r->slurm_id);
    return -1;
}

/* Is it still the run of which the request was made? */
static bool _same_run (const struct target *t, struct courier_result *res)
{
    if (t->restarts == t->r->restart_count)
        return true;
    courier_say (res, COURIER_REFUSED, ESTALE, "the job has been restarted "
                 "since (%" PRIu32 " times, then %" PRIu32 ")", t->restarts,
                 t->r->restart_count);
    return false;
}

static void _suspend (struct target *t, struct courier_result *res)
{
    job_array_resp_msg_t *resp = NULL;
    int code = 0;

    if (!_same_run (t, res))
        return;
    if (!t->suspended)
        code = _code (slurm_suspend2 (t->id, &resp), resp);
    if (code)
        _failed (res, code, "cannot suspend it");
    else
        courier_say (res, COURIER_DONE, 0, "suspended");
}

static void _resume (struct target *t, struct courier_result *res)
{
    job_array_resp_msg_t *resp = NULL;
    int code = 0;

    if (!_same_run (t, res))
        return;
    if (t->suspended)
        code = _code (slurm_resume2 (t->id, &resp), resp);
    if (code)
        _failed (res, code, "cannot resume it");
    else
        courier_say (res, COURIER_DONE, 0, "resumed");
}

static int _update (struct target *t, job_desc_msg_t *desc)
{
    job_array_resp_msg_t *resp = NULL;

    desc->job_id_str = t->id;
    return _code (slurm_update_job2 (desc, &resp), resp);
}

/* How much memory a job on [node] can have at most, in MiB; UINT64_MAX if that
 * cannot be found out. */
static uint64_t _node_memory (char *node)
{
    node_info_msg_t *msg = NULL;
    uint64_t most = UINT64_MAX;

    if (!node || slurm_load_node_single (&msg, node, 0) != SLURM_SUCCESS)
        return most;
    if (msg->record_count == 1 && msg->node_array[0].real_memory >
                                  msg->node_array[0].mem_spec_limit)
        most = msg->node_array[0].real_memory -
               msg->node_array[0].mem_spec_limit;
    slurm_free_node_info_msg (msg);
    return most;
}

/* What to ask for instead of [t]->memory; 0 where that is no more. */
static uint64_t _more_memory (const struct target *t)
{
    uint64_t per_cpu = t->memory & MEM_PER_CPU, old = t->memory & ~MEM_PER_CPU;
    uint64_t most = _node_memory (t->node), want = t->r->mem_mb;

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
        code = _update (t, &desc);
    }
    if (_unreachable (code) || _passing (code)) {
        _failed (res, code, "requeued, but cannot raise its memory yet");
        return;
    }
    slurm_init_job_desc_msg (&desc);
    desc.priority = INFINITE;
    released = _update (t, &desc);
    if (released)
        /* held for ever is worse than asked about again */
        courier_say (res, _unreachable (released) ? COURIER_UNREACHABLE
                                                  : COURIER_AGAIN, released,
                     "requeued, but cannot release it yet: %s",
                     slurm_strerror (released));
    else if (code)
        courier_say (res, COURIER_DONE, 0, "requeued; its memory stays: %s",
                     slurm_strerror (code));
    else if (memory)
        courier_say (res, COURIER_DONE, 0, "requeued with --mem%s=%" PRIu64
                     "M", memory & MEM_PER_CPU ? "-per-cpu" : "",
                     memory & ~MEM_PER_CPU);
    else
        courier_say (res, COURIER_DONE, 0, "requeued");
}

static void _requeue (struct target *t, struct courier_result *res)
{
    job_array_resp_msg_t *resp = NULL;
    /* suspending has set its priority to 0, and there it would wait for ever,
     * also where it has ended meanwhile */
    bool hold = t->r->mem_mb > 0 || t->priority == 0;
    int code;

    /* one restart later and pending: our own work, or the user's; half done if
     * it is held */
    if (t->restarts == t->r->restart_count + 1 && t->pending) {
        if (t->priority == 0)
            _raise_and_release (t, res);
        else
            courier_say (res, COURIER_DONE, 0, "requeued already");
        return;
    }
    if (!_same_run (t, res))
        return;
    if (!t->batch) {
        _failed (res, ESLURM_BATCH_ONLY, "cannot requeue it");
        return;
    }
    if (!t->requeue) {
        courier_say (res, COURIER_REFUSED, ESLURM_DISABLED,
                     "it was submitted with --no-requeue");
        return;
    }
    code = _code (slurm_requeue2 (t->id, hold ? JOB_REQUEUE_HOLD : 0, &resp),
                  resp);
    if (code)
        _failed (res, code, "cannot requeue it");
    else if (hold)
        _raise_and_release (t, res);
    else
        courier_say (res, COURIER_DONE, 0, "requeued");
}

static void _cancel (struct target *t, struct courier_result *res)
{
    int code = 0;

    if (!_same_run (t, res))
        return;
    if (!t->finished)
        code = _code (slurm_kill_job2 (t->id, SIGKILL, 0, NULL), NULL);
    if (code && code != ESLURM_ALREADY_DONE)
        _failed (res, code, "cannot cancel it");
    else
        courier_say (res, COURIER_DONE, 0, "cancelled");
}

static int _complete (uint32_t id, uint32_t status)
{
#if SLURM_VERSION_NUMBER >= SLURM_VERSION_NUM(25,11,0)
    slurm_step_id_t step = SLURM_STEP_ID_INITIALIZER;

    step.job_id = id;
    return slurm_complete_job (&step, status);
#else
    return slurm_complete_job (id, status);
#endif
}

static void _complete_oom (struct target *t, struct courier_result *res)
{
    int code = 0;

    if (!_same_run (t, res))
        return;
    if (t->finished)
        courier_say (res, COURIER_DONE, ESLURM_ALREADY_DONE,
                     "it had ended already");
    else if ((code = _code (_complete (t->r->slurm_id, STATUS_OOM), NULL)))
        _failed (res, code, "cannot complete it");
    else
        courier_say (res, COURIER_DONE, 0, "completed as OUT_OF_MEMORY");
}

static void _notify (struct target *t, struct courier_result *res)
{
    char text[SPOOL_TEXT_MAX];
    int code;

    if (!_same_run (t, res))
        return;
    if (t->suspended) {
        courier_say (res, COURIER_DEFER, ESLURM_JOB_SUSPENDED,
                     "it is suspended");
        return;
    }
    snprintf (text, sizeof (text), "%s", t->r->text);
#if SLURM_VERSION_NUMBER >= SLURM_VERSION_NUM(26,5,0)
    {
        slurm_step_id_t step = SLURM_STEP_ID_INITIALIZER;

        step.job_id = t->r->slurm_id;
        code = _code (slurm_notify_job (&step, text), NULL);
    }
#else
    code = _code (slurm_notify_job (t->r->slurm_id, text), NULL);
#endif
    if (code)
        _failed (res, code, "cannot write to its standard error");
    else
        courier_say (res, COURIER_DONE, 0, "told");
}

/* A comment is about the job, not about one of its runs, and is still right
 * when the next has begun. */
static void _comment (struct target *t, struct courier_result *res)
{
    char text[SPOOL_TEXT_MAX];
    job_desc_msg_t desc;
    int code;

    snprintf (text, sizeof (text), "%s", t->r->text);
    slurm_init_job_desc_msg (&desc);
    if (t->r->op == SPOOL_ADMIN_COMMENT)
        desc.admin_comment = text;
    else
        desc.comment = text;
    code = _update (t, &desc);
    if (code)
        _failed (res, code, "cannot set its comment");
    else
        courier_say (res, COURIER_DONE, 0, "set");
}

/* "" where there is none, or one too long to be matched. */
static const char *_name (const char *name, char *buf, size_t len)
{
    return json_escape (name && strlen (name) < 64 ? name : "", buf, len);
}

static void _look_up (struct target *t, struct courier_result *res)
{
    char p[64 * 6], a[64 * 6], q[64 * 6];

    if (_same_run (t, res))
        courier_say (res, COURIER_DONE, 0,
                     "{\"partition\":\"%s\",\"account\":\"%s\","
                     "\"qos\":\"%s\"}", _name (t->partition, p, sizeof (p)),
                     _name (t->account, a, sizeof (a)),
                     _name (t->qos, q, sizeof (q)));
}

/* This machine's node name: the only one with its host name, unless [name] says
 * (several slurmd may run on one host). Returns 0, or -1 with [res] filled. */
static int _node_name (const char *name, char *out, size_t len,
                       struct courier_result *res)
{
    char host[65] = "";
    node_info_msg_t *msg = NULL;
    unsigned found = 0;

    if (name[0]) {
        snprintf (out, len, "%s", name);
        return 0;
    }
    gethostname (host, sizeof (host) - 1);
    host[strcspn (host, ".")] = '\0';
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

static void _drain (const struct spool_request *r, struct courier_result *res)
{
    char name[256], reason[SPOOL_TEXT_MAX];
    update_node_msg_t msg;
    int code;

    if (_node_name (r->arg, name, sizeof (name), res) < 0)
        return;
    snprintf (reason, sizeof (reason), "%s", r->text);
    slurm_init_update_node_msg (&msg);
    msg.node_names = name;
    msg.node_state = NODE_STATE_DRAIN;
    msg.reason = reason;
    msg.reason_uid = geteuid ();
    code = _code (slurm_update_node (&msg), NULL);
    if (code)
        _failed (res, code, "cannot drain the node");
    else
        courier_say (res, COURIER_DONE, 0, "%s is draining", name);
}

static void (*const job_ops[SPOOL_OP_COUNT]) (struct target *t,
                                              struct courier_result *res) = {
    [SPOOL_SUSPEND] = _suspend,
    [SPOOL_RESUME] = _resume,
    [SPOOL_REQUEUE] = _requeue,
    [SPOOL_CANCEL] = _cancel,
    [SPOOL_COMPLETE_OOM] = _complete_oom,
    [SPOOL_NOTIFY] = _notify,
    [SPOOL_COMMENT] = _comment,
    [SPOOL_ADMIN_COMMENT] = _comment,
    [SPOOL_LOOKUP] = _look_up,
};

void courier_slurm (const struct spool_request *r, const struct conf *conf,
                    struct courier_result *res)
{
    struct target t;

    (void) conf;
    slurm_init (NULL);
    if (r->op == SPOOL_DRAIN) {
        _drain (r, res);
        return;
    }
    if (_load (&t, r, res) == 0)
        job_ops[r->op] (&t, res);
    slurm_free_job_info_msg (t.msg);
}
