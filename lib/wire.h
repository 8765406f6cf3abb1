/* wire.h - messages between warden, plugin, courier, CLI and jobs
 *
 * One message is one JSON object in one packet of a SEQPACKET unix socket,
 * `{"v":1,"type":"…",…}`, at most MW_WIRE_MAX bytes, with up to
 * MW_WIRE_FDS_MAX descriptors beside it (SCM_RIGHTS, unix(7)).
 *
 * Users' socket is served by the desk, which takes no descriptors; root's own, beside
 * it, by the warden itself: what root alone may is to be had there alone, what anyone
 * may at both, and `self` at the users'.
 *
 *   type       from          descriptors        members
 *   register   root          memcg [, freezer]  job: jobspec, cut: what of the
 *              owner's wishes has been cut already (answer: cut: with what the
 *              warden cuts; "" = nothing, or told before)
 *   release    root                             job: key
 *   ended      root                             job: key, status: of its script,
 *              as wait(2) has it (answer: wait: ask again, the ladder is not
 *              done with it)
 *   starting   root                             job: key, step, tell: its owner
 *              is to know, kept: nothing is harmed, that step just does not start
 *              (answer: above: the job uses more than Slurm will limit it to
 *              for that start)
 *   jobs       anyone                           after: key (none: from the
 *              first; ESTALE: it has gone, begin anew) (answer: jobs: [...]
 *              own or, root, all; next: key to go on after, none when that was
 *              the last page)
 *   self       anyone        (answer: job: the one the peer's process is in)
 *   hold, resume, set  owner, root              job: key; resume: pid (none: all);
 *                                               set: priority, limit (bytes), ladder,
 *                                               proc_limit (proclimit.h)
 *   do         owner, root                      job: key, step: one of a ladder (signal,
 *              kill, enomem, slow, hold, dump, requeue), pid: of the one process it is for
 *              (none: whom the step names)
 *   move       root                             job: key, pid: of its process, to: key,
 *              or "/" (answer: pid, started, from, to: {"memory":PATH, "freezer":PATH,
 *              "inode", "charges":bool: its memory follows}, stays: bytes that do not); who
 *              has asked does it, and says
 *   moved      root                             job, pid, to, stays: as before, error: why
 *              it was not (none: it was)
 *   grow       owner, root                      job: key, bytes: to be lent above its
 *              limit, seconds: so long
 *   return     owner, root                      job: key: it does not need that any more
 *   mark       owner, root                      job: key: its work up to now is saved
 *   notify     owner, root                      job: key, bytes: or percent: of its
 *              limit: who is attached is told when it uses that (neither: not any more)
 *   proc       owner, root: a process of it     job: key, limit: what the peer may hold
 *              (proclimit.h), clears: true where that ends with its program
 *   history    anyone        (answer: 1 fd)     own records (root: all), JSON
 *                                               lines
 *   node       anyone                           (answer: what this node offers)
 *   strikes    root                             forgive: uid, or true for all
 *              (none: only tell) (answer: half_life_ms, burst, priority: so many
 *              cost that; users: [{"uid","strikes","score","last","loses"}])
 *   attach     owner, root                      job: key; then `note` packets
 *              follow; root's slurmstepd says step: "step_0", and after: the
 *              line that it heard last (none: only what comes), rss: bytes that
 *              one of its processes which have ended had at most (answer, behind
 *              what it has not heard: line: the last one's number)
 *   note       warden                           job, text; to a step also line:
 *              its number, open: the incident goes on
 *   ok         warden                           (an answer, with its members)
 *   error      warden                           error: text, errno: number
 *
 * The error of a job that is not there is ESRCH, of one that is another's
 * EPERM.
 *
 * A job in an answer (sizes in bytes; the present ones):
 *   {"key","name","uid","slurm_id","array_job_id" (0 = none),"array_task_id",
 *    "priority","reservation","limit","reserve",
 *    "lent" (by its ladder), "loan" (a part of limit: it has asked for it), "loan_over":bool,
 *    "loan_left_ms" (not where it is none, or over),"used","total","swap","peak","peak_used","ladder","proc_limit" ("" none),"memory":PATH,"freezer":PATH,
 *    "start_limit":Slurm's, at each step's start (0 = not known, INT64_MAX = none),
 *    "incidents":how many it has had, "strikes":its user's, when it came,
 *    "incident":{"id","trigger","step","age_ms","left_ms",
 *    "held_ms" (since it was frozen; 0 = it is not),"rung":the step as a ladder has it,
 *    "next":those behind it, "" = none} or null,
 *    "held":bool, "stopped_pids":[those of its processes that are stopped, or slowed,
 *    alone], "suspended":bool, "class":"" = none,
 *    "partition","account","qos": "" = none, or not known (yet)}
 */
#ifndef MW_WIRE_H
#define MW_WIRE_H

#include <jansson.h>

#include "lib/err.h"

#define MW_WIRE_VERSION 1
#define MW_WIRE_MAX 65536
#define MW_WIRE_FDS_MAX 2
#define MW_SOCKET_DEFAULT "/run/memwarden/memwardend.sock"

/* Root's own socket is beside it: its path and this. */
#define MW_SOCKET_ROOT ".root"

/* A new message of [type], with its version. Owned by the caller. */
json_t *mw_wire_new (const char *type);

/* [text] as a new JSON string.  JSON is UTF-8, and a job's name or a hook's output
 *   whatever its user made it: where it is none, each byte that is no ASCII
 *   becomes '?', and it is cut to MW_ERR_MAX.
 * Returns it (owned by the caller), or NULL with ENOMEM. */
json_t *mw_wire_text (const char *text);

/* A new `error` message that carries [err]'s sentence and errno. */
json_t *mw_wire_error (const struct mw_err *err);

/* Send [msg] and the [nfds] descriptors [fds] (which stay the caller's) in one
 *   packet.  Does not wait: a full socket is EAGAIN (give the socket a
 *   SO_SNDTIMEO and no O_NONBLOCK to wait).
 * Returns 0; -1 with errno EMSGSIZE, EAGAIN, EPIPE, … */
int mw_wire_send (int sock, const json_t *msg, const int *fds, int nfds,
                  struct mw_err *err);

/* Receive one packet into [*msg] (owned by the caller).  Descriptors in it are
 *   stored in [fds] (room for MW_WIRE_FDS_MAX, the caller's to close, CLOEXEC)
 *   and counted in [*nfds]; where [fds] is NULL they are closed.
 * Returns 1; 0 when the peer has closed; -1 with EAGAIN, EMSGSIZE (truncated),
 *   EPROTO (not JSON, no type, or another version: [err] says which). No
 *   descriptor is left open on failure. */
int mw_wire_recv (int sock, json_t **msg, int *fds, int *nfds,
                  struct mw_err *err);

/* Make the [len] bytes [text] of a packet a message (owned by the caller).
 * Returns NULL with errno EPROTO: not JSON, no type, or another version. */
json_t *mw_wire_parse (const char *text, size_t len, struct mw_err *err);

/* The "type" of [msg], never NULL for a message mw_wire_recv gave. */
const char *mw_wire_type (const json_t *msg);

#endif /* !MW_WIRE_H */
