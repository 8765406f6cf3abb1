/* control.c - root's socket: one table of requests, and what is answered
 *
 * Who may connect is root (the file's mode, and SO_PEERCRED, unix(7), once more);
 * what users want comes through the desk (passing.c).
 */
#include "handler/daemon/control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "handler/account/strike.h"
#include "handler/daemon/bound.h"
#include "handler/daemon/move.h"
#include "handler/daemon/passing.h"
#include "handler/daemon/register.h"
#include "handler/daemon/tell.h"
#include "handler/daemon/wish.h"
#include "handler/incident/incident.h"
#include "handler/record/report.h"
#include "handler/step/step.h"
#include "handler/watch/given.h"
#include "lib/cgfile.h"
#include "lib/cleanup.h"
#include "lib/event.h"
#include "lib/wire.h"

#define PEERS_MAX 16384 /* each step of each job is one */
#define PAGE_MAX (MW_WIRE_MAX - 8192)

struct peer {
    struct peer *next;
    struct warden *w;
    int fd;
    sd_event_source *io;
    char attached[MW_JOBKEY_MAX]; /* hears this job's notes; "" */
    char step[32];                /* as its slurmstepd of that; "" */
};

static void _drop (struct peer *peer)
{
    struct warden *w = peer->w;

    for (struct peer **p = &w->peers; *p; p = &(*p)->next) {
        if (*p == peer) {
            *p = peer->next;
            w->peer_count--;
            break;
        }
    }
    sd_event_source_disable_unref (peer->io);
    close (peer->fd);
    free (peer);
}

void control_note (struct warden *w, struct job *job, const char *text)
{
    passing_note (w, job, text);
    for (struct peer *p = w->peers; p; p = p->next) {
        cleanup_json json_t *note = NULL;

        if (p->step[0] || strcmp (p->attached, job_whose (job)) != 0)
            continue;
        note = mw_wire_new ("note");
        json_object_set_new (note, "job", json_string (job->spec.key));
        json_object_set_new (note, "text", mw_wire_text (text));
        /* one that does not read is closed, never waited for; the loop drops
         * it, since its own request may be the one being answered */
        if (mw_wire_send (p->fd, note, NULL, 0, NULL) < 0)
            shutdown (p->fd, SHUT_RDWR);
    }
}

/* ---- a job's steps, which write into its stderr -------------------------- */

/* Is [p] a step of [job], or the one that [job] is? */
static bool _is_step (const struct peer *p, const struct job *job)
{
    const char *own = mw_jobspec_step (&job->spec);

    if (!p->step[0] || strcmp (p->attached, job_whose (job)) != 0)
        return false;
    return !own || (strncmp (p->step, "step_", 5) == 0 &&
                    strcmp (p->step + 5, own) == 0);
}

static bool _is_batch (const struct peer *p)
{
    return strcmp (p->step, "step_batch") == 0;
}

/* Is it the batch script's stderr that [job]'s lines are for?  Also while its
 * slurmstepd is on its way back to a new warden: a step's srun, which is in the
 * job itself, dies with it and passes nothing on. */
static bool _batch_hears (const struct warden *w, const struct job *job)
{
    if (job->spec.script)
        return true;
    for (const struct peer *p = w->peers; p; p = p->next) {
        if (_is_step (p, job) && _is_batch (p))
            return true;
    }
    return false;
}

static bool _send_line (const struct peer *p, uint64_t number, bool open,
                        const char *text)
{
    cleanup_json json_t *note = mw_wire_new ("note");

    json_object_set_new (note, "job", json_string (p->attached));
    json_object_set_new (note, "line", json_integer ((json_int_t) number));
    json_object_set_new (note, "open", json_boolean (open));
    json_object_set_new (note, "text", mw_wire_text (text));
    if (mw_wire_send (p->fd, note, NULL, 0, NULL) == 0)
        return true;
    shutdown (p->fd, SHUT_RDWR); /* it comes back, and asks for it */
    return false;
}

bool control_tell (struct warden *w, const struct job *job, uint64_t number,
                   bool open, const char *text)
{
    bool batch = _batch_hears (w, job), heard = false;

    for (const struct peer *p = w->peers; p; p = p->next) {
        if (_is_step (p, job) && (!batch || _is_batch (p)))
            heard |= _send_line (p, number, open, text);
    }
    return heard;
}

/* ---- the requests -------------------------------------------------------- */

/* A request being answered. A function fills [reply] and, if need be, [fd]. */
struct request {
    struct warden *w;
    struct peer *peer;
    const json_t *msg;
    const int *fds;
    int nfds;
    json_t *reply;
    int fd; /* to be sent beside the reply, or -1 */
};

/* The job that is asked for. */
static struct job *_asked (const struct request *r, struct mw_err *err)
{
    const char *key = json_string_value (json_object_get (r->msg, "job"));
    struct job *job = key ? job_named (&r->w->jobs, key) : NULL;

    if (!job)
        mw_err_code (err, ESRCH, "there is no job %.64s on this node",
                     key ? key : "(none named)");
    return job;
}

static int _control_register (struct request *r, struct mw_err *err)
{
    const char *said = json_string_value (json_object_get (r->msg, "cut"));
    struct mw_jobspec spec;
    const struct job *job;
    struct mw_err cut;

    mw_err_set (&cut, "%s", said ? said : "");
    if (mw_jobspec_decode (json_object_get (r->msg, "job"), &spec, err) < 0)
        return -1;
    if (r->nfds < 1)
        return mw_err_code (err, EINVAL,
                            "register of job %s has no memcg: its "
                            "open directory must come with the message",
                            spec.key);
    job = warden_register (r->w, &spec, r->fds[0], r->nfds > 1 ? r->fds[1] : -1,
                           &cut, err);
    if (!job) {
        int saved = errno;

        report_log (
            r->w, LOG_WARNING,
            spec.of[0]
                ? "step %s is not registered, its own limit is not kept: %s"
                : "job %s is not registered, it runs without a warden: %s",
            spec.key, err->text);
        errno = saved;
        return -1;
    }
    json_object_set_new (r->reply, "cut", json_string (cut.text));
    return 0;
}

static int _control_release (struct request *r, struct mw_err *err)
{
    struct job *job = _asked (r, err);

    if (!job)
        return -1;
    warden_release (r->w, job, "its job has ended");
    return 0;
}

static int _control_ended (struct request *r, struct mw_err *err)
{
    const json_t *status = json_object_get (r->msg, "status");
    struct job *job = _asked (r, err);
    bool wait;

    if (!job)
        return -1;
    wait = incident_script_ended (r->w, job, (int) json_integer_value (status));
    json_object_set_new (r->reply, "wait", json_boolean (wait));
    return 0;
}

static int _control_starting (struct request *r, struct mw_err *err)
{
    const char *step = json_string_value (json_object_get (r->msg, "step"));
    bool tell = json_is_true (json_object_get (r->msg, "tell"));
    bool kept = json_is_true (json_object_get (r->msg, "kept"));
    struct job *job = _asked (r, err);
    bool above;

    if (!job)
        return -1;
    above = given_is_above (job);
    if (above && tell)
        given_tell_start (r->w, job, step ? step : "", kept);
    json_object_set_new (r->reply, "above", json_boolean (above));
    return 0;
}

static int _control_jobs (struct request *r, struct mw_err *err)
{
    const char *after = json_string_value (json_object_get (r->msg, "after"));
    cleanup_json json_t *page = tell_page (r->w, after, PAGE_MAX);

    if (page)
        return json_object_update (r->reply, page);
    /* nobody knows what came behind it */
    return mw_err_code (err, ESTALE,
                        "job %.64s, behind which to go on, is not "
                        "there any more",
                        after);
}

/* hold, resume, set, do, grow, return, mark: of uid 0, who may all */
static int _wish (struct request *r, struct mw_err *err)
{
    struct pass_wish wish;

    if (pass_wish_read (r->msg, &wish, err) < 0)
        return -1;
    return wish_grant (r->w, &wish, err);
}

static int _control_node (struct request *r, struct mw_err *err)
{
    (void) err;
    tell_node (r->w, r->reply);
    return 0;
}

/* Who has strikes; first "forgive" a uid, or with true all. */
static int _control_strikes (struct request *r, struct mw_err *err)
{
    const json_t *who = json_object_get (r->msg, "forgive");
    json_int_t uid = json_integer_value (who);

    if (who && !json_is_integer (who) && !json_is_true (who))
        return mw_err_code (err, EINVAL,
                            "forgive is a uid, or true: everybody's");
    if (json_is_integer (who) && (uid < 0 || uid > UINT32_MAX))
        return mw_err_code (err, EINVAL, "there is no such uid");
    if (who &&
        strike_forgive (r->w, json_is_true (who), (uint32_t) uid, err) < 0)
        return -1;
    strike_tell (r->w, r->reply);
    return 0;
}

static void _send_untold (const struct peer *p, const struct job *job,
                          uint64_t after)
{
    for (const struct job_line *l = job->untold; l; l = l->next) {
        if (l->number > after)
            _send_line (p, l->number, l->open, l->text);
    }
}

/* A task of it has ended, and slurmstepd waits for the answer: the memcg is there
 * yet, with the kernel's high-water mark, which goes with it. */
static void _control_peak (struct job *job, const json_t *rss)
{
    job_read_usage (job);
    if (json_integer_value (rss) > 0)
        job_seen_rss (job, (uint64_t) json_integer_value (rss));
}

/* A step has begun to listen, or is back, or wants to know that it has heard all:
 * the answer comes behind what it has not. */
static void _attach_step (struct request *r, struct job *job, const char *step)
{
    const json_t *after = json_object_get (r->msg, "after");
    uint64_t last = (uint64_t) json_integer_value (after);
    struct peer *p = r->peer;

    snprintf (p->step, sizeof (p->step), "%s", step);
    if (after)
        _control_peak (job, json_object_get (r->msg, "rss"));
    report_flush (r->w);
    if (after && (_is_batch (p) || !_batch_hears (r->w, job)))
        _send_untold (p, job, last);
    for (const struct job *s = r->w->steps.first; after && s; s = s->next) {
        if (_is_step (p, s))
            _send_untold (p, s, last);
    }
    json_object_set_new (r->reply, "line",
                         json_integer ((json_int_t) r->w->report->numbered));
}

static int _control_attach (struct request *r, struct mw_err *err)
{
    const char *step = json_string_value (json_object_get (r->msg, "step"));
    struct job *job = _asked (r, err);

    if (!job)
        return -1;
    snprintf (r->peer->attached, sizeof (r->peer->attached), "%s",
              job->spec.key);
    if (step)
        _attach_step (r, job, step);
    return 0;
}

static int _control_move (struct request *r, struct mw_err *err)
{
    return move_ask (r->w, r->msg, r->reply, err);
}

static int _control_moved (struct request *r, struct mw_err *err)
{
    return move_done (r->w, r->msg, err);
}

static const struct {
    const char *type;
    int (*answer) (struct request *r, struct mw_err *err);
} _requests[] = {
    { "register", _control_register },
    { "release", _control_release },
    { "ended", _control_ended },
    { "starting", _control_starting },
    { "jobs", _control_jobs },
    { "hold", _wish },
    { "resume", _wish },
    { "set", _wish },
    { "do", _wish },
    { "grow", _wish },
    { "return", _wish },
    { "mark", _wish },
    { "move", _control_move },
    { "moved", _control_moved },
    { "node", _control_node },
    { "attach", _control_attach },
    { "strikes", _control_strikes },
};
#define REQUESTS (sizeof (_requests) / sizeof (_requests[0]))

static int _control_answer (struct request *r, struct mw_err *err)
{
    const char *type = mw_wire_type (r->msg);

    for (size_t i = 0; i < REQUESTS; i++) {
        if (strcmp (_requests[i].type, type) == 0)
            return _requests[i].answer (r, err);
    }
    return mw_err_code (err, EINVAL, "unknown request \"%.32s\"", type);
}

/* ---- connections --------------------------------------------------------- */

/* Answer what has come. Returns false when the peer is to be dropped. */
static bool _control_serve (struct peer *peer)
{
    int fds[MW_WIRE_FDS_MAX] = { -1, -1 }, nfds = 0, rc;
    cleanup_json json_t *msg = NULL, *reply = mw_wire_new ("ok");
    struct mw_err err = { "" };
    struct request r = {
        .w = peer->w, .peer = peer, .fd = -1, .fds = fds, .reply = reply
    };

    rc = mw_wire_recv (peer->fd, &msg, fds, &nfds, &err);
    if (rc == 0 || (rc < 0 && errno != EPROTO && errno != EMSGSIZE))
        return rc < 0 && errno == EAGAIN;
    r.msg = msg;
    r.nfds = nfds;
    if (rc > 0)
        rc = _control_answer (&r, &err);
    if (rc < 0) {
        json_decref (reply);
        reply = mw_wire_error (&err);
    }
    for (int i = 0; i < nfds; i++)
        close (fds[i]);
    rc = mw_wire_send (peer->fd, reply, &r.fd, r.fd >= 0, NULL);
    if (r.fd >= 0)
        close (r.fd);
    return rc == 0;
}

static int _on_packet (sd_event_source *s, int fd, uint32_t events, void *arg)
{
    struct peer *peer = arg;
    struct warden *w = peer->w;

    (void) s;
    (void) fd;
    (void) events;
    if (!_control_serve (peer))
        _drop (peer);
    report_flush (w);
    return 0;
}

static int _on_connect (sd_event_source *s, int fd, uint32_t events, void *arg)
{
    int sock = accept4 (fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    struct warden *w = arg;
    struct peer *p = NULL;
    struct ucred who;
    socklen_t len = sizeof (who);

    (void) s;
    (void) events;
    if (sock < 0)
        return 0;
    if (getsockopt (sock, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0 ||
        who.uid != 0 || w->peer_count >= PEERS_MAX ||
        !(p = calloc (1, sizeof (*p)))) {
        close (sock);
        return 0;
    }
    *p = (struct peer) { .next = w->peers, .w = w, .fd = sock };
    w->peers = p;
    w->peer_count++;
    if (sd_event_add_io (w->loop, &p->io, sock, EPOLLIN, _on_packet, p) < 0)
        _drop (p);
    return 0;
}

/* A socket file that nobody listens on is a dead warden's: remove it.  Any other
 * file refuses connections just so, and stays. */
static int _clear (const char *path, struct mw_err *err)
{
    cleanup_fd int fd = socket (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    struct stat st;

    if (strlen (path) >= sizeof (to.sun_path))
        return 0; /* bound_open says so */
    strcpy (to.sun_path, path);
    if (connect (fd, (const struct sockaddr *) &to, sizeof (to)) == 0)
        return mw_err_code (err, EADDRINUSE,
                            "a memwardend listens on %s "
                            "already",
                            path);
    if (errno == ECONNREFUSED && lstat (path, &st) == 0 &&
        S_ISSOCK (st.st_mode) && unlink (path) < 0)
        return mw_err_errno (err, "cannot replace %s", path);
    return 0;
}

/* Root's socket. */
static struct bound roots;
static sd_event_source *on_connect;

int control_open (struct warden *w, const char *path, struct mw_err *err)
{
    sd_event_source *source = NULL;
    struct bound fresh;
    int sock, rc;

    if (_clear (path, err) < 0 ||
        (sock = bound_open (&fresh, path, 0600, err)) < 0)
        return -1;
    rc = sd_event_add_io (w->loop, &source, sock, EPOLLIN, _on_connect, w);
    if (rc < 0) {
        close (sock);
        errno = -rc;
        return mw_err_errno (err, "cannot listen on %s", path);
    }
    on_connect = sd_event_source_disable_unref (on_connect);
    if (w->control >= 0)
        close (w->control);
    w->control = sock;
    on_connect = source;
    roots = fresh;
    return 0;
}

void control_look (struct warden *w)
{
    char path[sizeof (roots.path)];
    struct mw_err err;

    if (w->control < 0 || !bound_is_lost (&roots))
        return;
    strcpy (path, roots.path);
    if (control_open (w, path, &err) == 0) {
        report_log (w, LOG_WARNING, "%s was removed: it is made anew", path);
    } else if (!roots.said) {
        report_log (
            w, LOG_ERR,
            "%s leads to memwardend no more, and cannot be made anew: %s", path,
            err.text);
        roots.said = true;
    }
}

void control_close (struct warden *w)
{
    while (w->peers)
        _drop (w->peers);
    if (w->control < 0)
        return;
    on_connect = sd_event_source_disable_unref (on_connect);
    bound_remove (&roots);
    close (w->control);
    w->control = -1;
}
