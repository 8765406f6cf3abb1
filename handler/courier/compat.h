/* compat.h - what the releases of Slurm name or call differently
 *
 * Built against each from 22.05 on. Which of the forms this one has is tried by
 * configure (MW_CHECK_SLURM_API in m4/mw_checks.m4), never concluded from its
 * number; nothing else of memwarden asks.  The calls return what Slurm's own
 * do: SLURM_SUCCESS, or another value with errno set.
 */
#ifndef MW_SLURM_COMPAT_H
#define MW_SLURM_COMPAT_H

#include <slurm/slurm.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Load job [id] with SHOW_DETAIL into [msg]: slurm_free_job_info_msg it. */
int compat_load_job (job_info_msg_t **msg, uint32_t id);

/* End job [id] as if its batch script had ended with [status]. */
int compat_complete_job (uint32_t id, uint32_t status);

/* Have [text] written to the standard error of job [id]; it is not changed. */
int compat_notify_job (uint32_t id, char *text);

/* Say in [msg] that [uid] gives its reason, where the controller doesn't see
 *   that by itself. */
void compat_reason_uid (update_node_msg_t *msg, uid_t uid);

/* Is [code] one of a connection, or of who speaks over it? */
bool compat_is_connection (int code);

/* Is [code] the controller's "not while the job's record is being made"? */
bool compat_is_record_pending (int code);

#endif /* !MW_SLURM_COMPAT_H */
