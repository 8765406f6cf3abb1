/* client.c - calls to the warden */
#include "lib/client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/wire.h"

/* So many notes may come before an answer; a peer that sends more is no
 * warden. */
#define NOTES_MAX 1024

/* So often a list of jobs is begun anew that one of them has left between two
 * pages of it. */
#define LISTS_MAX 8

static int _explain_connect (const char *path, struct mw_err *err)
{
    switch (errno) {
    case ENOENT:
        return mw_err_set (err,
                           "there is no socket %s: memwardend is not "
                           "running on this node, or uses another path",
                           path);
    case ECONNREFUSED:
        return mw_err_set (err,
                           "nobody answers at %s: memwardend is not "
                           "running on this node",
                           path);
    case EPROTOTYPE:
        return mw_err_set (err,
                           "%s is the socket of another program, not of "
                           "memwardend",
                           path);
    case EAGAIN:
        return mw_err_code (err, ETIMEDOUT, "memwardend at %s does not answer",
                            path);
    default:
        return mw_err_errno (err, "cannot connect to memwardend at %s", path);
    }
}

static const char *_client_path (const char *path)
{
    if (!path)
        path = secure_getenv ("MEMWARDEN_SOCKET");
    return path && *path ? path : MW_SOCKET_DEFAULT;
}

/* Returns the socket; -1 with errno. */
static int _client_connect (const char *path, int timeout_ms,
                            struct mw_err *err)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    struct timeval wait = {
        .tv_sec = timeout_ms / 1000,
        .tv_usec = timeout_ms % 1000 * 1000,
    };
    cleanup_fd int sock = -1;

    if (strlen (path) >= sizeof (addr.sun_path))
        return mw_err_code (err, ENAMETOOLONG,
                            "the socket's path %.120s is "
                            "too long; at most %zu characters are allowed",
                            path, sizeof (addr.sun_path) - 1);
    memcpy (addr.sun_path, path, strlen (path));
    sock = socket (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (sock < 0)
        return mw_err_errno (err, "cannot make a socket");
    if (setsockopt (sock, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof (wait)) < 0 ||
        setsockopt (sock, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof (wait)) < 0)
        return mw_err_errno (err, "cannot set the time-out of a socket");
    if (connect (sock, (struct sockaddr *) &addr, sizeof (addr)) < 0)
        return _explain_connect (path, err);
    return mw_steal_fd (&sock);
}

int mw_client_open_users (const char *path, int timeout_ms, struct mw_err *err)
{
    return _client_connect (_client_path (path), timeout_ms, err);
}

int mw_client_open (const char *path, int timeout_ms, struct mw_err *err)
{
    char roots[sizeof (((struct sockaddr_un *) 0)->sun_path)];
    int sock;

    path = _client_path (path);
    if (geteuid () == 0 && snprintf (roots, sizeof (roots), "%s" MW_SOCKET_ROOT,
                                     path) < (int) sizeof (roots)) {
        sock = _client_connect (roots, timeout_ms, err);
        if (sock >= 0 || errno == ETIMEDOUT)
            return sock;
    }
    return _client_connect (path, timeout_ms, err);
}

static int _no_answer (struct mw_err *err)
{
    return mw_err_code (err, ETIMEDOUT, "memwardend has not answered in time");
}

static int _hung_up (struct mw_err *err)
{
    return mw_err_code (err, EPIPE, "memwardend has closed the connection");
}

/* The warden's `error` answer becomes our own. */
static int _client_refused (const json_t *msg, struct mw_err *err)
{
    const char *text = json_string_value (json_object_get (msg, "error"));
    json_int_t number = json_integer_value (json_object_get (msg, "errno"));

    return mw_err_code (err,
                        number > 0 && number < 4096 ? (int) number : EREMOTEIO,
                        "%s",
                        text ? text
                             : "memwardend refused and does not "
                               "say why");
}

static int _send (int sock, const json_t *req, const int *fds, int nfds,
                  struct mw_err *err)
{
    if (!req) {
        errno = ENOMEM;
        return mw_err_errno (err, "cannot write the request");
    }
    if (mw_wire_send (sock, req, fds, nfds, err) == 0)
        return 0;
    if (errno == EAGAIN)
        return _no_answer (err);
    return errno == EPIPE || errno == ECONNRESET ? _hung_up (err) : -1;
}

/* Receive the next packet that is no note. Returns as mw_wire_recv does, but
 * never 0. */
static int _receive (int sock, json_t **msg, int *fds, int *nfds,
                     struct mw_err *err)
{
    int rc;

    for (int i = 0; i < NOTES_MAX; i++) {
        rc = mw_wire_recv (sock, msg, fds, nfds, err);
        if (rc < 0 && errno == EINTR)
            continue;
        if (rc < 0 && errno == EAGAIN)
            return _no_answer (err);
        if (rc == 0 || (rc < 0 && errno == ECONNRESET))
            return _hung_up (err);
        if (rc < 0 || strcmp (mw_wire_type (*msg), "note") != 0)
            return rc;
        for (int k = 0; k < *nfds; k++)
            close (fds[k]);
        json_decref (*msg);
    }
    return _no_answer (err);
}

int mw_client_call (int sock, const json_t *req, const int *fds, int nfds,
                    json_t **reply, int *reply_fd, struct mw_err *err)
{
    cleanup_json json_t *msg = NULL;
    int got[MW_WIRE_FDS_MAX], count, kept = 0;

    if (reply_fd)
        *reply_fd = -1;
    if (_send (sock, req, fds, nfds, err) < 0 ||
        _receive (sock, &msg, got, &count, err) < 0)
        return -1;
    if (strcmp (mw_wire_type (msg), "ok") == 0 && reply_fd && count > 0)
        *reply_fd = got[kept++];
    for (; kept < count; kept++)
        close (got[kept]);
    if (strcmp (mw_wire_type (msg), "error") == 0)
        return _client_refused (msg, err);
    if (strcmp (mw_wire_type (msg), "ok") != 0)
        return mw_err_code (err, EPROTO,
                            "memwardend answered with a message "
                            "of type \"%.32s\"",
                            mw_wire_type (msg));
    if (reply) {
        *reply = msg;
        msg = NULL;
    }
    return 0;
}

int mw_client_register (int sock, const struct mw_jobspec *spec, int memory_dir,
                        int freezer_dir, struct mw_err *cut, struct mw_err *err)
{
    cleanup_json json_t *req = mw_wire_new ("register");
    cleanup_json json_t *reply = NULL;
    const int fds[] = { memory_dir, freezer_dir };
    const char *said;

    if (req &&
        (json_object_set_new (req, "job", mw_jobspec_encode (spec)) < 0 ||
         (cut &&
          json_object_set_new (req, "cut", json_string (cut->text)) < 0))) {
        errno = ENOMEM;
        return mw_err_errno (err, "cannot register job %s", spec->key);
    }
    if (mw_client_call (sock, req, fds, freezer_dir < 0 ? 1 : 2, &reply, NULL,
                        err) < 0)
        return -1;
    /* a warden of before says nothing of it: then it holds as it was */
    said = json_string_value (json_object_get (reply, "cut"));
    if (said)
        mw_err_set (cut, "%s", said);
    return 0;
}

int mw_client_shadow (int sock, struct mw_err *err)
{
    cleanup_json json_t *req = mw_wire_new ("node");
    cleanup_json json_t *reply = NULL;

    if (mw_client_call (sock, req, NULL, 0, &reply, NULL, err) < 0)
        return -1;
    return json_is_true (json_object_get (reply, "shadow"));
}

int mw_client_release (int sock, const char *key, struct mw_err *err)
{
    cleanup_json json_t *req = NULL;

    req = json_pack ("{s:i s:s s:s}", "v", MW_WIRE_VERSION, "type", "release",
                     "job", key);
    return mw_client_call (sock, req, NULL, 0, NULL, NULL, err);
}

json_t *mw_client_self (int sock, struct mw_err *err)
{
    cleanup_json json_t *req = mw_wire_new ("self");
    cleanup_json json_t *reply = NULL;
    json_t *job;

    if (mw_client_call (sock, req, NULL, 0, &reply, NULL, err) < 0)
        return NULL;
    job = json_object_get (reply, "job");
    if (!json_is_object (job) || !json_object_get (job, "key")) {
        mw_err_code (err, EPROTO, "memwardend's answer has no job");
        return NULL;
    }
    return json_incref (job);
}

int mw_client_ended (int sock, const char *key, int status, struct mw_err *err)
{
    cleanup_json json_t *req = NULL;
    cleanup_json json_t *reply = NULL;

    req = json_pack ("{s:i s:s s:s s:i}", "v", MW_WIRE_VERSION, "type", "ended",
                     "job", key, "status", status);
    if (mw_client_call (sock, req, NULL, 0, &reply, NULL, err) < 0)
        return -1;
    return json_is_true (json_object_get (reply, "wait"));
}

int mw_client_starting (int sock, const char *key, const char *step, bool tell,
                        bool kept, struct mw_err *err)
{
    cleanup_json json_t *req = NULL;
    cleanup_json json_t *reply = NULL;

    req = json_pack ("{s:i s:s s:s s:s s:b s:b}", "v", MW_WIRE_VERSION, "type",
                     "starting", "job", key, "step", step, "tell", tell, "kept",
                     kept);
    if (mw_client_call (sock, req, NULL, 0, &reply, NULL, err) < 0)
        return -1;
    return json_is_true (json_object_get (reply, "above"));
}

/* Add the page of jobs behind the job [after] ("": the first page) to [all],
 * and leave the next page's [after]. */
static int _add_page (int sock, json_t *all, char *after, size_t len,
                      struct mw_err *err)
{
    cleanup_json json_t *req = mw_wire_new ("jobs");
    cleanup_json json_t *reply = NULL;
    const char *next;

    if (req && *after &&
        json_object_set_new (req, "after", json_string (after)) < 0) {
        errno = ENOMEM;
        return mw_err_errno (err, "cannot ask for jobs");
    }
    if (mw_client_call (sock, req, NULL, 0, &reply, NULL, err) < 0)
        return -1;
    if (json_array_extend (all, json_object_get (reply, "jobs")) < 0)
        return mw_err_code (err, EPROTO,
                            "memwardend's answer has no list of "
                            "jobs");
    next = json_string_value (json_object_get (reply, "next"));
    snprintf (after, len, "%s", next ? next : "");
    return 0;
}

/* Returns 0, or -1: ESTALE where the job that ended a page has gone since. */
static int _all_pages (int sock, json_t *all, struct mw_err *err)
{
    char after[MW_JOBKEY_MAX] = "";
    size_t before;

    do {
        before = json_array_size (all);
        if (_add_page (sock, all, after, sizeof (after), err) < 0)
            return -1;
    } while (*after && json_array_size (all) > before); /* must end */
    return 0;
}

json_t *mw_client_jobs (int sock, struct mw_err *err)
{
    json_t *all = json_array ();
    int tries = 0, rc;

    if (!all) {
        mw_err_errno (err, "cannot ask for jobs");
        return NULL;
    }
    do {
        json_array_clear (all);
        rc = _all_pages (sock, all, err);
    } while (rc < 0 && errno == ESTALE && ++tries < LISTS_MAX);
    if (rc == 0)
        return all;
    json_decref (all);
    return NULL;
}
