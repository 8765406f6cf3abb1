/* compat.c - one form for what Slurm's releases call differently */
#include "handler/courier/compat.h"

#include <slurm/slurm_errno.h>

#include "config.h"

#if defined(SLURM_LOAD_JOB_BY_STEP) || defined(SLURM_COMPLETE_JOB_BY_STEP) || \
    defined(SLURM_NOTIFY_JOB_BY_STEP)
/* The whole job as a step id */
static slurm_step_id_t _compat_step (uint32_t id)
{
    slurm_step_id_t step = SLURM_STEP_ID_INITIALIZER;

    step.job_id = id;
    return step;
}
#endif

int compat_load_job (job_info_msg_t **msg, uint32_t id)
{
#ifdef SLURM_LOAD_JOB_BY_STEP
    return slurm_load_job (msg, _compat_step (id), SHOW_DETAIL);
#else
    return slurm_load_job (msg, id, SHOW_DETAIL);
#endif
}

int compat_complete_job (uint32_t id, uint32_t status)
{
#ifdef SLURM_COMPLETE_JOB_BY_STEP
    slurm_step_id_t step = _compat_step (id);

    return slurm_complete_job (&step, status);
#else
    return slurm_complete_job (id, status);
#endif
}

int compat_notify_job (uint32_t id, char *text)
{
#ifdef SLURM_NOTIFY_JOB_BY_STEP
    return slurm_notify_job (_compat_step (id), text);
#else
    return slurm_notify_job (id, text);
#endif
}

void compat_reason_uid (update_node_msg_t *msg, uid_t uid)
{
#ifdef HAVE_UPDATE_NODE_MSG_T_REASON_UID
    msg->reason_uid = uid;
#else
    (void) msg;
    (void) uid;
#endif
}

bool compat_is_connection (int code)
{
#if HAVE_DECL_SLURM_PROTOCOL_SOCKET_IMPL_ZERO_RECV_LENGTH
    const int first = SLURM_PROTOCOL_SOCKET_IMPL_ZERO_RECV_LENGTH;
#else
    const int first = ESLURM_PROTOCOL_INCOMPLETE_PACKET;
#endif

    /* of sockets, then of authentication; accounting comes after */
    return code >= first && code < ESLURM_DB_CONNECTION;
}

bool compat_is_record_pending (int code)
{
#if HAVE_DECL_ESLURM_JOB_SETTING_DB_INX
    return code == ESLURM_JOB_SETTING_DB_INX;
#else
    (void) code;
    return false;
#endif
}
