/* wire.c - one JSON object a packet, descriptors beside it (unix(7)) */
#include "lib/wire.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/cleanup.h"

/* Room for exactly the descriptors that are allowed: of more the kernel
 * delivers none beyond them, and says so by MSG_CTRUNC. */
union control {
    struct cmsghdr align;
    char buf[CMSG_SPACE (sizeof (int) * MW_WIRE_FDS_MAX)];
};

json_t *mw_wire_new (const char *type)
{
    return json_pack ("{s:i s:s}", "v", MW_WIRE_VERSION, "type", type);
}

json_t *mw_wire_text (const char *text)
{
    char plain[MW_ERR_MAX];
    json_t *j = json_string (text);

    if (j)
        return j;
    snprintf (plain, sizeof (plain), "%s", text);
    for (char *c = plain; *c; c++) {
        if ((unsigned char) *c >= 0x80)
            *c = '?';
    }
    return json_string (plain);
}

json_t *mw_wire_error (const struct mw_err *err)
{
    int number = errno;
    json_t *msg = mw_wire_new ("error");
    json_t *text = json_string (err->text);

    /* a sentence may quote what is no UTF-8 */
    if (!text)
        text = json_string (strerror (number));
    if (msg &&
        (json_object_set_new (msg, "error", text) < 0 ||
         json_object_set_new (msg, "errno", json_integer (number)) < 0)) {
        json_decref (msg);
        return NULL;
    }
    return msg;
}

int mw_wire_send (int sock, const json_t *msg, const int *fds, int nfds,
                  struct mw_err *err)
{
    cleanup_free char *text = json_dumps (msg, JSON_COMPACT);
    union control control = { .buf = { 0 } };
    struct iovec iov = { .iov_base = text };
    struct msghdr hdr = { .msg_iov = &iov, .msg_iovlen = 1 };
    struct cmsghdr *c;

    if (!text)
        return mw_err_code (err, EINVAL, "message cannot be written as JSON");
    iov.iov_len = strlen (text);
    if (iov.iov_len > MW_WIRE_MAX || nfds > MW_WIRE_FDS_MAX)
        return mw_err_code (err, EMSGSIZE,
                            "message of %zu bytes and %d "
                            "descriptors is too large; at most %d and %d are "
                            "allowed",
                            iov.iov_len, nfds, MW_WIRE_MAX, MW_WIRE_FDS_MAX);
    if (nfds > 0) {
        hdr.msg_control = control.buf;
        hdr.msg_controllen = CMSG_SPACE (sizeof (int) * (size_t) nfds);
        c = CMSG_FIRSTHDR (&hdr);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN (sizeof (int) * (size_t) nfds);
        memcpy (CMSG_DATA (c), fds, sizeof (int) * (size_t) nfds);
    }
    if (sendmsg (sock, &hdr, MSG_NOSIGNAL) < 0)
        return mw_err_errno (err, "cannot send the message");
    return 0;
}

/* Take the descriptors out of [hdr] into [fds]. Returns how many. */
static int _take_fds (struct msghdr *hdr, int *fds)
{
    struct cmsghdr *c;
    int count = 0;

    for (c = CMSG_FIRSTHDR (hdr); c; c = CMSG_NXTHDR (hdr, c)) {
        size_t n = (c->cmsg_len - CMSG_LEN (0)) / sizeof (int);

        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t i = 0; i < n; i++) {
            int fd;

            memcpy (&fd, CMSG_DATA (c) + i * sizeof (int), sizeof (int));
            if (count < MW_WIRE_FDS_MAX)
                fds[count++] = fd;
            else
                close (fd);
        }
    }
    return count;
}

static void _close_all (const int *fds, int count)
{
    int saved = errno;

    for (int i = 0; i < count; i++)
        close (fds[i]);
    errno = saved;
}

static int _protocol_error (struct mw_err *err, const char *what)
{
    return mw_err_code (err, EPROTO, "not a message of memwarden: %s", what);
}

json_t *mw_wire_parse (const char *text, size_t len, struct mw_err *err)
{
    cleanup_json json_t *msg = NULL;
    const json_t *version;
    json_error_t why;
    json_t *good;

    msg = json_loadb (text, len, JSON_REJECT_DUPLICATES, &why);
    if (!msg || !json_is_object (msg)) {
        _protocol_error (err, msg ? "not a JSON object" : why.text);
        return NULL;
    }
    version = json_object_get (msg, "v");
    if (!json_is_integer (version)) {
        _protocol_error (err, "it has no version");
        return NULL;
    }
    if (json_integer_value (version) != MW_WIRE_VERSION) {
        mw_err_code (err, EPROTO,
                     "message of protocol version %lld; this "
                     "memwarden speaks version %d",
                     (long long) json_integer_value (version), MW_WIRE_VERSION);
        return NULL;
    }
    if (!json_is_string (json_object_get (msg, "type"))) {
        _protocol_error (err, "it has no type");
        return NULL;
    }
    good = msg;
    msg = NULL;
    return good;
}

/* Make what recvmsg(2) gave a message. Returns as mw_wire_recv does. */
static int _wire_judge (const struct msghdr *hdr, size_t len, json_t **msg,
                        struct mw_err *err)
{
    if (hdr->msg_flags & MSG_TRUNC)
        return mw_err_code (err, EMSGSIZE,
                            "message is too large; at most %d "
                            "bytes are allowed",
                            MW_WIRE_MAX);
    if (hdr->msg_flags & MSG_CTRUNC)
        return mw_err_code (err, EPROTO,
                            "message with too many descriptors; "
                            "at most %d are allowed",
                            MW_WIRE_FDS_MAX);
    if (len == 0)
        return 0;
    *msg = mw_wire_parse (hdr->msg_iov->iov_base, len, err);
    return *msg ? 1 : -1;
}

int mw_wire_recv (int sock, json_t **msg, int *fds, int *nfds,
                  struct mw_err *err)
{
    cleanup_free char *buf = malloc (MW_WIRE_MAX);
    union control control;
    struct iovec iov = { .iov_base = buf, .iov_len = MW_WIRE_MAX };
    struct msghdr hdr = {
        .msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = control.buf,
        .msg_controllen = sizeof (control.buf),
    };
    int got[MW_WIRE_FDS_MAX], count, rc;
    ssize_t len;

    *msg = NULL;
    if (nfds)
        *nfds = 0;
    if (!buf || (len = recvmsg (sock, &hdr, MSG_CMSG_CLOEXEC)) < 0)
        return mw_err_errno (err, "cannot receive a message");
    count = _take_fds (&hdr, got);
    rc = _wire_judge (&hdr, (size_t) len, msg, err);
    if (rc < 1 || !fds || !nfds) {
        _close_all (got, count);
        return rc;
    }
    memcpy (fds, got, sizeof (int) * (size_t) count);
    *nfds = count;
    return rc;
}

const char *mw_wire_type (const json_t *msg)
{
    const char *type = json_string_value (json_object_get (msg, "type"));

    return type ? type : "";
}
