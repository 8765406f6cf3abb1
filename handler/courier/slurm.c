/* slurm.c - the calls to slurmctld (libslurm)
 *
 * Every call first looks at the job, so that it is never done to a later run of
 * the same job id, and so that what was done already (by a worker that died
 * before it could say so) is not an error.  Where Slurm has one, the call by
 * "ARRAY_TASK" is taken: a raw id that equals the array's means all of it.
 */
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
#include "handler/courier/courier.h"
#include "handler/courier/target.h"
#include "lib/cleanup.h"
#include "lib/json_put.h"
#include "lib/units.h"

/* Slurm's own status of a job that the kernel's OOM killer has hit */
#define STATUS_OOM 253

static void _suspend (struct target *t, struct courier_result *res)
{
    job_array_resp_msg_t *resp = NULL;
    int code = 0;

    if (!target_goes_on (t, res))
        return;
    if (!t->suspended)
        code = target_code (slurm_suspend2 (t->id, &resp), resp);
    if (code)
        target_failed (res, code, "cannot suspend it");
    else
        courier_say (res, COURIER_DONE, 0, "suspended");
}

/* Has it been requeued while it was suspended, and waits with the priority of 0
 * that suspending has given it?  Who has it held says so by another reason. */
static bool _waits_suspended (const struct target *t)
{
    return target_waits_again (t) && t->priority == 0 &&
           t->reason != WAIT_HELD_USER;
}

static void _slurm_resume (struct target *t, struct courier_result *res)
{
    job_array_resp_msg_t *resp = NULL;
    int code = 0;

    if (_waits_suspended (t)) {
        courier_raise_and_release (t, res);
        return;
    }
    if (!target_goes_on (t, res))
        return;
    if (t->suspended)
        code = target_code (slurm_resume2 (t->id, &resp), resp);
    if (code)
        target_failed (res, code, "cannot resume it");
    else
        courier_say (res, COURIER_DONE, 0, "resumed");
}

static void _complete_oom (struct target *t, struct courier_result *res)
{
    int code = 0;

    if (!target_same_run (t, res))
        return;
    if (t->finished) {
        courier_say (res, COURIER_DONE, ESLURM_ALREADY_DONE,
                     "it had ended already");
        return;
    }
    if (t->suspended && t->priority == 0)
        code = target_release (t);
    if (!target_unreachable (code)) /* no answer: not a second time in vain */
        code = target_code (compat_complete_job (t->r->slurm_id, STATUS_OOM),
                            NULL);
    if (code)
        target_failed (res, code, "cannot complete it");
    else
        courier_say (res, COURIER_DONE, 0, "completed as OUT_OF_MEMORY");
}

static void _notify (struct target *t, struct courier_result *res)
{
    char text[SPOOL_TEXT_MAX];
    int code;

    if (!target_goes_on (t, res))
        return;
    if (t->suspended) {
        courier_say (res, COURIER_DEFER, ESLURM_JOB_SUSPENDED,
                     "it is suspended");
        return;
    }
    snprintf (text, sizeof (text), "%s", t->r->text);
    code = target_code (compat_notify_job (t->r->slurm_id, text), NULL);
    if (code)
        target_failed (res, code, "cannot write to its standard error");
    else
        courier_say (res, COURIER_DONE, 0,
                     "handed to the controller; "
                     "whether it writes it is not known");
}

/* A run that is over to be run again is finished to Slurm until the job waits once
 * more, and so is any while its end is cleared up. */
static bool _is_ending (const struct target *was)
{
    struct courier_result res;
    struct target now;
    bool ends = target_load (&now, was->r, was->conf, &res) == 0 &&
                (!now.finished || now.completing);

    target_free (&now);
    return ends;
}

/* A comment is about the job, not about one of its runs, and is still right
 * when the next has begun.  Since 26.05 a job that is finished takes none. */
static void _comment (struct target *t, struct courier_result *res)
{
    char text[SPOOL_TEXT_MAX];
    cleanup_free char *admin = NULL;
    bool admin_set = false;
    struct rest_result rest;
    job_desc_msg_t desc;
    int code;

    snprintf (text, sizeof (text), "%s", t->r->text);
    if (t->conf->admin_comment)
        admin = courier_admin_comment (t, text);
    rest_comment (t->conf, t->alone, text, admin, &admin_set, &rest);
    code = rest.code;
    /* the admin's is libslurm's, too, where slurmrestd's version has none */
    if (rest.verdict == REST_NOT ||
        (rest.verdict == REST_DONE && admin && !admin_set)) {
        slurm_init_job_desc_msg (&desc);
        if (rest.verdict == REST_NOT)
            desc.comment = text;
        desc.admin_comment = admin;
        code = target_update (t->alone, &desc);
    }
    if (code == ESLURM_JOB_FINISHED && _is_ending (t))
        courier_say (res, COURIER_AGAIN, code, "this run of it ends");
    else if (code)
        target_failed (res, code, "cannot set its comment");
    else
        courier_say (res, COURIER_DONE, 0, "set");
    target_say_not_rest (&rest, res);
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
    json_put_number (&p, "cpus", t->all_cpus);
    json_put_cut (&p, "comment", ours ? t->comment : "", 399);
    p.size++;
    json_put_end (&p, "}");
    return json_put_done (&p);
}

static void _look_up (struct target *t, struct courier_result *res)
{
    char facts[SPOOL_TEXT_MAX];

    if (!target_same_run (t, res))
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
    target_host_name (host, sizeof (host));
    errno = 0;
    if (slurm_load_node (0, &msg, SHOW_ALL) != SLURM_SUCCESS) {
        target_failed (res, errno, "cannot look for this node");
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
        code = target_code (slurm_update_node (&msg), NULL);
    }
    if (code)
        target_failed (res, code, "cannot drain the node");
    else
        courier_say (res, COURIER_DONE, 0, "%s is draining", name);
    target_say_not_rest (&rest, res);
}

static void (*const job_ops[SPOOL_OP_COUNT]) (struct target *t,
                                              struct courier_result *res) = {
    [SPOOL_SUSPEND] = _suspend,        [SPOOL_RESUME] = _slurm_resume,
    [SPOOL_REQUEUE] = courier_requeue, [SPOOL_COMPLETE_OOM] = _complete_oom,
    [SPOOL_NOTIFY] = _notify,          [SPOOL_COMMENT] = _comment,
    [SPOOL_LOOKUP] = _look_up,
};

void courier_slurm (const struct spool_request *r, const struct conf *conf,
                    struct courier_result *res)
{
    struct target t;
    bool suspended;

    slurm_init (NULL);
    if (r->op == SPOOL_DRAIN) {
        _slurm_drain (r, conf, res);
        return;
    }
    if (target_load (&t, r, conf, res) == 0) {
        /* what is asked for may change that: a requeued one only waits */
        suspended = t.suspended || t.ends_suspended;
        job_ops[r->op](&t, res);
        if (r->op == SPOOL_SUSPEND)
            res->suspended = t.suspended;
        else if (r->op == SPOOL_COMPLETE_OOM || r->op == SPOOL_REQUEUE)
            res->suspended = suspended;
    }
    target_free (&t);
}
