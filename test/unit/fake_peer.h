/* fake_peer.h - the warden's sockets, root's and the users' with its desk in the same
 * loop, and clients of any user
 *
 * On the warden of fake_warden.h, in its directory: connections are real ones
 * of lib/client.h, made in this process, and SO_PEERCRED says whose they are as
 * the test has it.  Jobs that are registered over it are registered as ever, as
 * cgroup v1, of directories whose files are plain ones.
 */
#ifndef MW_FAKE_PEER_H
#define MW_FAKE_PEER_H

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

#include "handler/desk/desk.h"
#include "lib/err.h"
#include "lib/jobspec.h"
#include "test/unit/fake_warden.h"

#define PEER_OWNER 1000 /* of peer_job's, and a stranger to them */
#define PEER_STRANGER 1001

/* All of it is as at peer_begin again for the next test. */
struct peers {
    char socket[108]; /* the users' */
    char roots[108];  /* and root's own */
    char history[128];
    pid_t scribe;
    uid_t uid; /* of who connects from now on; 0 at first */
    pid_t pid;
    bool no_cgroup;    /* what is opened as a memcg is none */
    struct mw_err err; /* of the last call */
    int root, dir;     /* peer_job_begin's */
    struct desk desk;  /* it has the users' socket */
    struct mw_err cut; /* of peer_root_registers */
};

extern struct peers peers;

/* Setup and teardown of a test: fake_begin and more. Return 0 or -1. */
int peer_begin (void **state);
int peer_end (void **state);

/* The same, with a connection of root [peers.root] and the memcg of job 12
 *   [peers.dir], which is not registered yet. */
int peer_job_begin (void **state);
int peer_job_end (void **state);

/* A new connection of [uid], of root to its own socket. The caller's. */
int peer_open (uid_t uid);

/* The same to the users' socket, whoever it is. */
int peer_open_users (uid_t uid);

/* How many there are, at the desk and at root's socket. */
unsigned peer_count (void);

/* A new message of [type], with [job] where that is not NULL. */
json_t *peer_ask (const char *type, const char *job);

/* Have [req] (which is released here), with [nfds] [fds], answered over [sock].
 *   [fd] may be NULL: the descriptor of the answer.
 * Returns the answer (the caller's), or NULL with the warden's errno and
 *   [peers.err]. */
json_t *peer_call (int sock, json_t *req, const int *fds, int nfds, int *fd);

/* The same without descriptors, for its answer alone: 0, or the errno. */
int peer_does (int sock, json_t *req);

/* lib/client.h's own calls, while the warden's loop runs. */
int peer_register (int sock, const struct mw_jobspec *spec, int dir,
                   struct mw_err *cut);
int peer_release (int sock, const char *key);
int peer_ended (int sock, const char *key, int status);
int peer_shadow (int sock);
json_t *peer_jobs (int sock);

/* The next packet that has come over [sock]: the caller's; NULL where none has,
 *   with errno (0: the warden has closed it). */
json_t *peer_hears (int sock);

/* fake_job, of PEER_OWNER's. */
struct job *peer_job (const char *key, const char *ladder);

/* A new directory [name] in the test's own that is a memcg of cgroup v1, open.
 *   The caller's. */
int peer_memcg (const char *name);

/* /proc/PID/cgroup of who connects is [text], of a process 4711. */
void peer_is_in (const char *text);

/* What Slurm's plugin would say of job [key], or of step "JOB.STEP", of
 *   PEER_OWNER's. */
struct mw_jobspec peer_spec (const char *key);

/* Register [key] of [memcg] over [peers.root], with [peers.cut].
 * Returns the job, or NULL with errno. */
struct job *peer_root_registers (const char *key, int memcg);

/* Job 12 with a freezer, which is frozen. Returns that; the caller's. */
int peer_frozen (void);

/* The file [name] of [memcg] begins with [text]. */
void peer_has (int memcg, const char *name, const char *text);

/* [memcg] is at its limit: somebody in it waits. */
void peer_in_oom (int memcg);

/* Is it due that those who wait for room are asked? */
bool peer_room_is_due (void);

/* A number, a text of [j]; the text is never NULL. */
json_int_t peer_int (const json_t *j, const char *key);
const char *peer_text (const json_t *j, const char *key);

#endif /* !MW_FAKE_PEER_H */
