/* memwarden.c - what programs inside jobs may ask and hear */
#include "lib/memwarden.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/client.h"
#include "lib/proclimit.h"
#include "lib/wire.h"

/* A call waits at most five times: to connect, and to send and receive twice. */
#define TIMEOUT_MS (MW_WAIT_MAX / 5)

static int _memwarden_why (const struct mw_err *err, char *why, size_t len)
{
    int saved = errno;

    if (why && len > 0)
        snprintf (why, len, "%s", err->text);
    /* whatever keeps the socket from being there, there is no warden */
    errno = saved == ECONNREFUSED ? ENOENT : saved;
    return -1;
}

static uint64_t _memwarden_number (const json_t *job, const char *member)
{
    return (uint64_t) json_integer_value (json_object_get (job, member));
}

static void _copy (char *to, size_t len, const json_t *text)
{
    const char *s = json_string_value (text);

    snprintf (to, len, "%s", s ? s : "");
}

int mw_self (struct mw_status *status, char *why, size_t len)
{
    cleanup_fd int sock = -1;
    cleanup_json json_t *job = NULL;
    const json_t *incident;
    struct mw_err err = { "" };

    sock = mw_client_open_users (NULL, TIMEOUT_MS, &err);
    if (sock < 0 || !(job = mw_client_self (sock, &err)))
        return _memwarden_why (&err, why, len);
    *status = (struct mw_status) {
        .priority = (unsigned) _memwarden_number (job, "priority"),
        .usage = _memwarden_number (job, "used"),
        .reservation = _memwarden_number (job, "reservation"),
        .limit = _memwarden_number (job, "limit"),
        .reserve = _memwarden_number (job, "reserve"),
        .loan = _memwarden_number (job, "loan"),
        .loan_left_ms = _memwarden_number (job, "loan_left_ms"),
    };
    /* what the ladder lends is above the limit */
    status->limit += _memwarden_number (job, "lent");
    if (status->limit > status->usage)
        status->room = status->limit - status->usage;
    incident = json_object_get (job, "incident");
    status->incident = json_is_object (incident);
    _copy (status->job, sizeof (status->job), json_object_get (job, "key"));
    _copy (status->step, sizeof (status->step),
           json_object_get (incident, "step"));
    return 0;
}

/* A warden says so of what it does not know. */
#define UNKNOWN "unknown request"

static int _memwarden_refused (struct mw_err *err, char *why, size_t len)
{
    if (errno == EINVAL && strncmp (err->text, UNKNOWN, strlen (UNKNOWN)) == 0)
        mw_err_code (err, ENOSYS,
                     "the warden of this node is older than libmemwarden, and "
                     "does not know of this: nothing is done");
    return _memwarden_why (err, why, len);
}

/* Connect, and have [req] (which is released here) done for the job this process is in.
 * Returns the socket (the caller's); -1 with errno, and [why]. */
static int _memwarden_ask (json_t *req, char *why, size_t len)
{
    cleanup_json json_t *msg = req;
    cleanup_fd int sock = -1;
    cleanup_json json_t *job = NULL;
    struct mw_err err = { "" };

    sock = mw_client_open_users (NULL, TIMEOUT_MS, &err);
    if (sock < 0 || !(job = mw_client_self (sock, &err)))
        return _memwarden_why (&err, why, len);
    if (json_object_set (msg, "job", json_object_get (job, "key")) < 0) {
        errno = ENOMEM;
        mw_err_errno (&err, "cannot write the request");
        return _memwarden_why (&err, why, len);
    }
    if (mw_client_call (sock, msg, NULL, 0, NULL, NULL, &err) < 0)
        return _memwarden_refused (&err, why, len);
    return mw_steal_fd (&sock);
}

/* The same, and no more. Returns 0 or -1. */
static int _memwarden_do (json_t *req, char *why, size_t len)
{
    cleanup_fd int sock = _memwarden_ask (req, why, len);

    return sock < 0 ? -1 : 0;
}

int mw_request_grow (uint64_t bytes, unsigned seconds, char *why, size_t len)
{
    /* more than JSON's numbers can tell is refused as that much is */
    json_int_t n = bytes > INT64_MAX ? INT64_MAX : (json_int_t) bytes;

    return _memwarden_do (json_pack ("{s:i s:s s:I s:I}", "v", MW_WIRE_VERSION,
                                     "type", "grow", "bytes", n, "seconds",
                                     (json_int_t) seconds),
                          why, len);
}

int mw_return (char *why, size_t len)
{
    return _memwarden_do (mw_wire_new ("return"), why, len);
}

int mw_checkpointed (char *why, size_t len)
{
    return _memwarden_do (mw_wire_new ("mark"), why, len);
}

int mw_set_ladder (const char *ladder, char *why, size_t len)
{
    json_t *req = mw_wire_new ("set");

    if (!ladder ||
        json_object_set_new (req, "ladder", json_string (ladder)) < 0) {
        struct mw_err err;

        json_decref (req);
        mw_err_code (&err, EINVAL, "the ladder must be a text, in UTF-8");
        return _memwarden_why (&err, why, len);
    }
    return _memwarden_do (req, why, len);
}

int mw_notify_at (unsigned percent, uint64_t bytes, char *why, size_t len)
{
    json_int_t n = bytes > INT64_MAX ? INT64_MAX : (json_int_t) bytes;

    return _memwarden_do (json_pack ("{s:i s:s s:I s:I}", "v", MW_WIRE_VERSION,
                                     "type", "notify", "percent",
                                     (json_int_t) percent, "bytes", n),
                          why, len);
}

/* The warden knows by its start who is a child of before and who one of after, and the
 * kernel tells that in ticks: let one go by. */
static void _memwarden_tick (void)
{
    long hz = sysconf (_SC_CLK_TCK);
    struct timespec t = { .tv_nsec = 1100000000 / (hz > 10 ? hz : 100) };

    while (nanosleep (&t, &t) < 0 && errno == EINTR)
        ;
}

int mw_proc_limit (uint64_t bytes, const char *actions, unsigned flags,
                   char *why, size_t len)
{
    char limit[MW_PROCLIMIT_STRLEN] = "none";
    struct mw_err err;
    int n = 0;

    if (bytes > 0)
        n = snprintf (limit, sizeof (limit), "%" PRIu64 "B:%s", bytes,
                      actions ? actions : "kill");
    if (n >= (int) sizeof (limit) || (flags & ~MW_CLEAR_ON_EXEC) != 0) {
        mw_err_code (&err, EINVAL,
                     n < (int) sizeof (limit)
                         ? "this libmemwarden knows of no such flag"
                         : "the actions are too long");
        return _memwarden_why (&err, why, len);
    }
    _memwarden_tick ();
    return _memwarden_do (json_pack ("{s:i s:s s:s s:b}", "v", MW_WIRE_VERSION,
                                     "type", "proc", "limit", limit, "clears",
                                     (flags & MW_CLEAR_ON_EXEC) != 0),
                          why, len);
}

int mw_on_pressure (char *why, size_t len)
{
    cleanup_fd int sock = _memwarden_ask (mw_wire_new ("attach"), why, len);
    struct mw_err err;

    if (sock < 0)
        return -1;
    if (fcntl (sock, F_SETFL, O_NONBLOCK) < 0) {
        mw_err_errno (&err, "cannot subscribe");
        return _memwarden_why (&err, why, len);
    }
    return mw_steal_fd (&sock);
}

int mw_next_note (int fd, char *text, size_t len)
{
    for (;;) {
        cleanup_json json_t *msg = NULL;
        int rc = mw_wire_recv (fd, &msg, NULL, NULL, NULL);

        if (rc < 0 && errno == ECONNRESET)
            return 0;
        if (rc <= 0)
            return rc;
        if (strcmp (mw_wire_type (msg), "note") == 0) {
            _copy (text, len, json_object_get (msg, "text"));
            return 1;
        }
    }
}
