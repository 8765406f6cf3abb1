/* Messages and their descriptors arrive whole, or not at all and leak none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/wire.h"

static int pair[2];
static int open_before;

static int _count_fds (void)
{
    cleanup_dir DIR *d = opendir ("/proc/self/fd");
    int n = 0;

    while (readdir (d))
        n++;
    return n;
}

static int _setup (void **state)
{
    (void) state;
    open_before = _count_fds ();
    return socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
                       0, pair);
}

/* Whatever a test received or refused: nothing is left open. */
static int _teardown (void **state)
{
    (void) state;
    close (pair[0]);
    close (pair[1]);
    return _count_fds () == open_before ? 0 : -1;
}

/* Send [len] raw bytes with [nfds] copies of stdin to pair[1]. */
static void _send_raw (const void *data, size_t len, int nfds)
{
    union {
        struct cmsghdr align;
        char buf[CMSG_SPACE (sizeof (int) * 16)];
    } control = { .buf = { 0 } };
    struct iovec iov = { .iov_base = (void *) (uintptr_t) data,
                         .iov_len = len };
    struct msghdr hdr = { .msg_iov = &iov, .msg_iovlen = 1 };

    if (nfds > 0) {
        struct cmsghdr *c;

        hdr.msg_control = control.buf;
        hdr.msg_controllen = CMSG_SPACE (sizeof (int) * (size_t) nfds);
        c = CMSG_FIRSTHDR (&hdr);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN (sizeof (int) * (size_t) nfds);
        memset (CMSG_DATA (c), 0, sizeof (int) * (size_t) nfds);
    }
    assert_int_equal (sendmsg (pair[0], &hdr, 0), len);
}

static void _refused (const char *text, int error, const char *sentence)
{
    json_t *msg = NULL;
    struct mw_err err = { "" };

    _send_raw (text, strlen (text), 0);
    assert_int_equal (mw_wire_recv (pair[1], &msg, NULL, NULL, &err), -1);
    assert_int_equal (errno, error);
    assert_null (msg);
    if (!strstr (err.text, sentence))
        fail_msg ("no \"%s\" in: %s", sentence, err.text);
}

static void a_message_arrives_with_its_descriptors (void **state)
{
    cleanup_json json_t *msg = mw_wire_new ("register"), *got = NULL;
    cleanup_fd int null = open ("/dev/null", O_RDONLY | O_CLOEXEC);
    struct stat a, b;
    int fds[] = { null, 0 }, got_fds[MW_WIRE_FDS_MAX], n = 0;

    (void) state;
    assert_int_equal (mw_wire_send (pair[0], msg, fds, 2, NULL), 0);
    assert_int_equal (mw_wire_recv (pair[1], &got, got_fds, &n, NULL), 1);
    assert_string_equal (mw_wire_type (got), "register");
    assert_int_equal (n, 2);
    assert_int_equal (fstat (null, &a), 0);
    assert_int_equal (fstat (got_fds[0], &b), 0);
    assert_int_equal (a.st_rdev, b.st_rdev);
    assert_true (fcntl (got_fds[0], F_GETFD) & FD_CLOEXEC);
    close (got_fds[0]);
    close (got_fds[1]);
}

static void unwanted_descriptors_are_closed (void **state)
{
    cleanup_json json_t *msg = mw_wire_new ("jobs"), *got = NULL;
    int fds[] = { 0, 0 };

    (void) state;
    assert_int_equal (mw_wire_send (pair[0], msg, fds, 2, NULL), 0);
    assert_int_equal (mw_wire_recv (pair[1], &got, NULL, NULL, NULL), 1);
}

static void a_truncated_message_is_refused_and_leaks_nothing (void **state)
{
    static char big[MW_WIRE_MAX + 1];
    int fds[MW_WIRE_FDS_MAX], n = 4711;
    json_t *msg = NULL;
    struct mw_err err;

    (void) state;
    memset (big, ' ', sizeof (big));
    memcpy (big, "{\"v\":1,\"type\":\"jobs\"}", 21);
    _send_raw (big, sizeof (big), 2);
    assert_int_equal (mw_wire_recv (pair[1], &msg, fds, &n, &err), -1);
    assert_int_equal (errno, EMSGSIZE);
    assert_int_equal (n, 0);
    assert_null (msg);
}

static void the_largest_message_passes (void **state)
{
    static char big[MW_WIRE_MAX];
    cleanup_json json_t *msg = NULL;

    (void) state;
    memset (big, ' ', sizeof (big));
    memcpy (big, "{\"v\":1,\"type\":\"jobs\"}", 21);
    _send_raw (big, sizeof (big), 0);
    assert_int_equal (mw_wire_recv (pair[1], &msg, NULL, NULL, NULL), 1);
}

static void too_many_descriptors_are_refused_and_none_leaks (void **state)
{
    static const char text[] = "{\"v\":1,\"type\":\"jobs\"}";

    (void) state;
    for (int sent = MW_WIRE_FDS_MAX + 1; sent <= 16; sent++) {
        int fds[MW_WIRE_FDS_MAX], n = 4711;
        json_t *msg = NULL;
        struct mw_err err = { "" };

        _send_raw (text, strlen (text), sent);
        assert_int_equal (mw_wire_recv (pair[1], &msg, fds, &n, &err), -1);
        assert_int_equal (errno, EPROTO);
        assert_int_equal (n, 0);
        assert_non_null (strstr (err.text, "too many descriptors"));
    }
}

static void a_refused_message_leaks_no_descriptor (void **state)
{
    int fds[MW_WIRE_FDS_MAX], n = 4711;
    json_t *msg = NULL;

    (void) state;
    _send_raw ("no JSON", 7, 2);
    assert_int_equal (mw_wire_recv (pair[1], &msg, fds, &n, NULL), -1);
    assert_int_equal (n, 0);
}

static void what_is_no_message_is_refused (void **state)
{
    (void) state;
    _refused ("hello", EPROTO, "not a message of memwarden");
    _refused ("{\"v\":1,\"type\":\"jobs\"", EPROTO, "not a message");
    _refused ("[]", EPROTO, "not a JSON object");
    _refused ("{}", EPROTO, "no version");
    _refused ("{\"type\":\"jobs\"}", EPROTO, "no version");
    _refused ("{\"v\":\"1\",\"type\":\"jobs\"}", EPROTO, "no version");
    _refused ("{\"v\":1}", EPROTO, "no type");
    _refused ("{\"v\":1,\"type\":7}", EPROTO, "no type");
    _refused ("{\"v\":1,\"v\":1,\"type\":\"jobs\"}", EPROTO, "duplicate");
    _refused ("{\"v\":1,\"type\":\"jobs\"} x", EPROTO, "not a message");
}

static void another_version_is_refused_by_its_number (void **state)
{
    (void) state;
    _refused ("{\"v\":2,\"type\":\"jobs\"}", EPROTO,
              "version 2; this memwarden speaks version 1");
}

static void deep_nesting_is_refused (void **state)
{
    static char deep[MW_WIRE_MAX];

    (void) state;
    memset (deep, '[', sizeof (deep) - 1);
    _refused (deep, EPROTO, "not a message");
}

static void a_closed_peer_is_told_from_an_empty_socket (void **state)
{
    json_t *msg;

    (void) state;
    assert_int_equal (mw_wire_recv (pair[1], &msg, NULL, NULL, NULL), -1);
    assert_int_equal (errno, EAGAIN);
    shutdown (pair[0], SHUT_WR);
    assert_int_equal (mw_wire_recv (pair[1], &msg, NULL, NULL, NULL), 0);
}

static void too_large_a_message_is_not_sent (void **state)
{
    static char big[MW_WIRE_MAX + 1];
    cleanup_json json_t *msg = mw_wire_new ("note"), *got = NULL;
    int fds[] = { 0, 0, 0 };

    (void) state;
    assert_int_equal (mw_wire_send (pair[0], msg, fds, 3, NULL), -1);
    assert_int_equal (errno, EMSGSIZE);
    memset (big, 'x', sizeof (big) - 1);
    json_object_set_new (msg, "text", json_string (big));
    assert_int_equal (mw_wire_send (pair[0], msg, NULL, 0, NULL), -1);
    assert_int_equal (errno, EMSGSIZE);
    assert_int_equal (mw_wire_recv (pair[1], &got, NULL, NULL, NULL), -1);
    assert_int_equal (errno, EAGAIN);
}

static void a_full_or_closed_socket_does_not_block_or_kill (void **state)
{
    cleanup_json json_t *msg = mw_wire_new ("note");
    int rc = 0;

    (void) state;
    for (int i = 0; i < 100000 && rc == 0; i++)
        rc = mw_wire_send (pair[0], msg, NULL, 0, NULL);
    assert_int_equal (rc, -1);
    assert_int_equal (errno, EAGAIN);
    shutdown (pair[1], SHUT_RD);
    assert_int_equal (mw_wire_send (pair[0], msg, NULL, 0, NULL), -1);
    assert_int_equal (errno, EPIPE);
}

static void an_error_carries_sentence_and_errno (void **state)
{
    struct mw_err err;
    cleanup_json json_t *msg = NULL, *bad = NULL;

    (void) state;
    mw_err_code (&err, ESRCH, "no job 12 here");
    msg = mw_wire_error (&err);
    assert_string_equal (json_string_value (json_object_get (msg, "error")),
                         "no job 12 here");
    assert_int_equal (json_integer_value (json_object_get (msg, "errno")),
                      ESRCH);
    mw_err_code (&err, EINVAL, "bad name \xff");
    bad = mw_wire_error (&err);
    assert_string_equal (json_string_value (json_object_get (bad, "error")),
                         "Invalid argument");
}

#define TEST(f) cmocka_unit_test_setup_teardown (f, _setup, _teardown)

int main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (a_message_arrives_with_its_descriptors),
        TEST (unwanted_descriptors_are_closed),
        TEST (a_truncated_message_is_refused_and_leaks_nothing),
        TEST (the_largest_message_passes),
        TEST (too_many_descriptors_are_refused_and_none_leaks),
        TEST (a_refused_message_leaks_no_descriptor),
        TEST (what_is_no_message_is_refused),
        TEST (another_version_is_refused_by_its_number),
        TEST (deep_nesting_is_refused),
        TEST (a_closed_peer_is_told_from_an_empty_socket),
        TEST (too_large_a_message_is_not_sent),
        TEST (a_full_or_closed_socket_does_not_block_or_kill),
        TEST (an_error_carries_sentence_and_errno),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
