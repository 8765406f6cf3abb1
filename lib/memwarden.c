/* memwarden.c - what programs inside jobs may ask and hear */
#include "lib/memwarden.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/client.h"
#include "lib/wire.h"

#define TIMEOUT_MS 10000

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

int memwarden_self (struct memwarden_status *status, char *why, size_t len)
{
    cleanup_fd int sock = -1;
    cleanup_json json_t *job = NULL;
    const json_t *incident;
    struct mw_err err = { "" };

    sock = mw_client_open_users (NULL, TIMEOUT_MS, &err);
    if (sock < 0 || !(job = mw_client_self (sock, &err)))
        return _memwarden_why (&err, why, len);
    *status = (struct memwarden_status) {
        .priority = (unsigned) _memwarden_number (job, "priority"),
        .usage = _memwarden_number (job, "used"),
        .reservation = _memwarden_number (job, "reservation"),
        .limit = _memwarden_number (job, "limit"),
        .reserve = _memwarden_number (job, "reserve"),
    };
    incident = json_object_get (job, "incident");
    status->incident = json_is_object (incident);
    _copy (status->job, sizeof (status->job), json_object_get (job, "key"));
    _copy (status->step, sizeof (status->step),
           json_object_get (incident, "step"));
    return 0;
}

int memwarden_subscribe (char *why, size_t len)
{
    cleanup_fd int sock = -1;
    cleanup_json json_t *job = NULL;
    cleanup_json json_t *req = mw_wire_new ("attach");
    struct mw_err err = { "" };

    sock = mw_client_open_users (NULL, TIMEOUT_MS, &err);
    if (sock < 0 || !(job = mw_client_self (sock, &err)))
        return _memwarden_why (&err, why, len);
    if (json_object_set (req, "job", json_object_get (job, "key")) < 0) {
        errno = ENOMEM;
        mw_err_errno (&err, "cannot subscribe");
        return _memwarden_why (&err, why, len);
    }
    if (mw_client_call (sock, req, NULL, 0, NULL, NULL, &err) < 0)
        return _memwarden_why (&err, why, len);
    if (fcntl (sock, F_SETFL, O_NONBLOCK) < 0) {
        mw_err_errno (&err, "cannot subscribe");
        return _memwarden_why (&err, why, len);
    }
    return mw_steal_fd (&sock);
}

int memwarden_next_note (int fd, char *text, size_t len)
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
