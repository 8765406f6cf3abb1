/* target.c - the job at the controller that a request is about: see target.h */
#include "handler/courier/target.h"

#include <errno.h>
#include <inttypes.h>
#include <slurm/slurm_errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "handler/courier/compat.h"

/* The low bits of a job's state; slurm.h has it since 22.05 only inside. */
#define STATE_BASE 0x000000ff

/* An error of the way there, not of the request. */
bool target_unreachable (int code)
{
    return (code >= SLURM_UNEXPECTED_MSG_ERROR &&
            code < SLURM_NO_CHANGE_IN_DATA) ||
           compat_is_connection (code) || code == ESLURM_IN_STANDBY_MODE ||
           code == ECONNREFUSED || code == ETIMEDOUT || code == EHOSTUNREACH ||
           code == ENETUNREACH || code == ECONNRESET;
}

/* What will pass by itself. */
bool target_passing (int code)
{
    return code == EAGAIN || code == EINTR ||
           code == ESLURM_TRANSITION_STATE_NO_UPDATE ||
           code == ESLURM_PROLOG_RUNNING || compat_is_record_pending (code);
}

enum courier_verdict target_failed (struct courier_result *res, int code,
                                    const char *what)
{
    enum courier_verdict v = target_unreachable (code) ? COURIER_UNREACHABLE
                             : target_passing (code)   ? COURIER_AGAIN
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

void target_say_not_rest (const struct rest_result *rest,
                          struct courier_result *res)
{
    size_t len = strlen (res->text);

    if (rest->verdict == REST_NOT && rest->text[0])
        snprintf (res->text + len, sizeof (res->text) - len,
                  " (by libslurm; slurmrestd: %s)", rest->text);
}

/* The code behind a call's return value [rc] and the array answer [resp], which
 * is freed: calls by name report each task's failure only there. */
int target_code (int rc, job_array_resp_msg_t *resp)
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
static void _target_look_at (struct target *t, const slurm_job_info_t *j,
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
    t->name = j->name;
    t->uid = j->user_id;
    t->all_cpus = j->num_cpus;
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

int target_load (struct target *t, const struct spool_request *r,
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
        target_failed (res, errno, "cannot look at the job");
        return -1;
    }
    t->told_s = time (NULL);
    for (uint32_t i = 0; i < t->msg->record_count; i++) {
        if (t->msg->job_array[i].job_id == r->slurm_id) {
            _name_it (t, &t->msg->job_array[i]);
            _target_look_at (t, &t->msg->job_array[i], t->msg->last_update);
            return 0;
        }
    }
    courier_say (res, COURIER_REFUSED, ESLURM_INVALID_JOB_ID,
                 "the controller knows no job %" PRIu32, r->slurm_id);
    return -1;
}

void target_free (struct target *t)
{
    if (t->msg)
        slurm_free_job_info_msg (t->msg);
    t->msg = NULL;
}

int target_reload (struct target *t, struct courier_result *res)
{
    const struct spool_request *r = t->r;
    const struct conf *conf = t->conf;

    target_free (t);
    return target_load (t, r, conf, res);
}

/* Is the present run as old as the one that this node knows of?  Each age is
 * measured by one clock: those of two machines are not compared.  A pending job
 * has no run. */
static bool _as_old (const struct target *t, struct courier_result *res)
{
    int64_t known_s = t->asked_s - (int64_t) t->r->since_s;

    if (t->pending || t->r->since_s == 0 ||
        t->age_s + TARGET_SLACK_S < known_s) {
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
bool target_same_run (const struct target *t, struct courier_result *res)
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

const char *target_state (const struct target *t)
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
bool target_goes_on (const struct target *t, struct courier_result *res)
{
    if (!target_same_run (t, res))
        return false;
    if (t->finished)
        courier_say (res, COURIER_REFUSED, ESTALE, "it has ended already (%s)",
                     target_state (t));
    return !t->finished;
}

int target_update (char *id, job_desc_msg_t *desc)
{
    job_array_resp_msg_t *resp = NULL;

    desc->job_id_str = id;
    return target_code (slurm_update_job2 (desc, &resp), resp);
}

/* Slurm's suspend sets the priority to 0, and its resume sets it again: who ends
 * in between is held for ever when it is requeued.  Not sooner than at its end: by
 * the 0 Slurm knows that the CPUs are free, and the gang scheduler that it is not
 * to resume it. */
int target_release (struct target *t)
{
    job_desc_msg_t desc;

    slurm_init_job_desc_msg (&desc);
    desc.priority = INFINITE;
    return target_update (t->whole, &desc);
}

/* This machine's name, as Slurm knows its nodes by. */
void target_host_name (char *host, size_t len)
{
    host[0] = '\0';
    gethostname (host, len - 1);
    host[len - 1] = '\0';
    host[strcspn (host, ".")] = '\0';
}

/* Has this run been requeued, by us or by somebody else, and waits? */
bool target_waits_again (const struct target *t)
{
    return t->pending && (t->r->restart_count == SPOOL_RUN_UNKNOWN ||
                          t->restarts == t->r->restart_count + 1);
}
