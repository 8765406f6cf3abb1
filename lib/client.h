/* client.h - calls to the warden, for the plugin, the CLI and tests */
#ifndef MW_CLIENT_H
#define MW_CLIENT_H

#include <jansson.h>

#include "lib/err.h"
#include "lib/jobspec.h"

/* Connect to the warden at [path] (NULL: $MEMWARDEN_SOCKET, then
 *   MW_SOCKET_DEFAULT); root to its own socket beside it, where there is one.  Calls
 *   through the socket wait at most [timeout_ms].
 * Returns the socket (CLOEXEC; the caller's); -1 with errno and a sentence that
 *   names the path and says whether the warden runs there. */
int mw_client_open (const char *path, int timeout_ms, struct mw_err *err);

/* The same, whoever asks, to the users' socket. */
int mw_client_open_users (const char *path, int timeout_ms, struct mw_err *err);

/* Send [req] with [nfds] [fds] and wait for its answer.  An `error` answer is a
 *   failure whose sentence and errno are the warden's (ESRCH: no such job,
 *   EPERM, EEXIST, …; EREMOTEIO where it names none).  [reply] may be NULL;
 *   [reply_fd] may be NULL, otherwise it gets the descriptor of the answer,
 *   or -1.  `note` packets that arrive meanwhile are dropped.
 * Returns 0; -1 with errno.  After ETIMEDOUT, EPIPE and EPROTO close the socket,
 *   since a late answer may still come. */
int mw_client_call (int sock, const json_t *req, const int *fds, int nfds,
                    json_t **reply, int *reply_fd, struct mw_err *err);

/* Register the job [spec], whose memcg is open as [memory_dir] and whose
 *   freezer directory is open as [freezer_dir] (-1: none, or cgroup v2).
 *   Registering a job again with the same memcg is no error: limits are
 *   asserted again (a new step has begun). [cut] (may be NULL) says what of the
 *   owner's wishes the caller has cut; the warden adds what it cuts itself, for
 *   the caller to tell the owner: "" = nothing, or told before.
 * Returns 0; -1 with errno and the warden's sentence in [err]. */
int mw_client_register (int sock, const struct mw_jobspec *spec, int memory_dir,
                        int freezer_dir, struct mw_err *cut,
                        struct mw_err *err);

/* Is the warden in shadow mode, so that jobs are to stay as they are?  Where it
 *   does not say so, it is not. Returns 1 or 0; -1 with errno. */
int mw_client_shadow (int sock, struct mw_err *err);

/* The jobs of the warden, all pages of them: a JSON array (owned by the caller)
 *   of what wire.h calls a job in an answer; or NULL. */
json_t *mw_client_jobs (int sock, struct mw_err *err);

/* The job that this process is in, asked at the users' socket: what wire.h calls a job in
 *   an answer (owned by the caller); or NULL, ESRCH: in none. */
json_t *mw_client_self (int sock, struct mw_err *err);

/* Tell the warden that the script of job [key] has ended with [status] (of
 *   wait(2)), before Slurm knows.
 * Returns 1 where Slurm is not to know yet (ask again), 0; -1 with errno. */
int mw_client_ended (int sock, const char *key, int status, struct mw_err *err);

/* Slurm is about to write the limits of job [key] for its step [step], "step_1".  Is
 *   the job above them?  [tell]: its owner is to know then, and with [kept] that
 *   the step does not start, but nothing is harmed.
 * Returns 1 or 0; -1 with errno. */
int mw_client_starting (int sock, const char *key, const char *step, bool tell,
                        bool kept, struct mw_err *err);

/* Tell the warden that the job [key] is over. Returns 0; -1 with errno. */
int mw_client_release (int sock, const char *key, struct mw_err *err);

#endif /* !MW_CLIENT_H */
