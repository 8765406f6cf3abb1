/* Calls end in an answer or a clear sentence, whatever the other side does.
 *
 * Answers are put into the socket before the call, so no second process is
 * needed; mw_self and its like, which connect themselves, have a child
 * that serves one connection. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/client.h"
#include "lib/memwarden.h"
#include "lib/wire.h"

static int pair[2];
static char dir[] = "/tmp/mwt-client.XXXXXX";
static char path[64];

static int _setup (void **state)
{
    const struct timeval wait = { .tv_usec = 50000 };

    (void) state;
    if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return -1;
    return setsockopt (pair[0], SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof (wait));
}

static int _teardown (void **state)
{
    (void) state;
    close (pair[0]);
    close (pair[1]);
    unlink (path);
    return 0;
}

static int _make_dir (void **state)
{
    (void) state;
    if (!mkdtemp (dir))
        return -1;
    snprintf (path, sizeof (path), "%s/sock", dir);
    return setenv ("MEMWARDEN_SOCKET", path, 1);
}

static int _remove_dir (void **state)
{
    (void) state;
    return rmdir (dir);
}

/* Let the warden's side of the pair say [json]. */
static void _answer (const char *json)
{
    assert_int_equal (send (pair[1], json, strlen (json), 0), strlen (json));
}

static int _call (json_t **reply, int *fd, struct mw_err *err)
{
    cleanup_json json_t *req = mw_wire_new ("jobs");

    return mw_client_call (pair[0], req, NULL, 0, reply, fd, err);
}

/* Bind a socket of [type] to the path; it listens if [backlog] > 0. */
static int _bind (int type, int backlog)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    int sock = socket (AF_UNIX, type | SOCK_CLOEXEC, 0);

    snprintf (addr.sun_path, sizeof (addr.sun_path), "%s", path);
    assert_int_equal (bind (sock, (struct sockaddr *) &addr, sizeof (addr)), 0);
    if (backlog > 0)
        assert_int_equal (listen (sock, backlog), 0);
    return sock;
}

static void a_socket_that_is_not_there_is_named (void **state)
{
    struct mw_err err;

    (void) state;
    assert_int_equal (mw_client_open (path, 1000, &err), -1);
    assert_int_equal (errno, ENOENT);
    assert_non_null (strstr (err.text, path));
    assert_non_null (strstr (err.text, "memwardend is not running"));
}

static void a_socket_without_a_warden_is_told_apart (void **state)
{
    int stale = _bind (SOCK_SEQPACKET, 0);
    struct mw_err err;

    (void) state;
    close (stale);
    assert_int_equal (mw_client_open (NULL, 1000, &err), -1);
    assert_int_equal (errno, ECONNREFUSED);
    assert_non_null (strstr (err.text, "nobody answers at"));
}

static void a_strangers_socket_is_told_apart (void **state)
{
    int other = _bind (SOCK_STREAM, 1);
    struct mw_err err;

    (void) state;
    assert_int_equal (mw_client_open (NULL, 1000, &err), -1);
    close (other);
    assert_non_null (strstr (err.text, "another program"));
}

static void too_long_a_path_is_refused (void **state)
{
    char text[300];
    struct mw_err err;

    (void) state;
    memset (text, 'x', sizeof (text) - 1);
    text[sizeof (text) - 1] = '\0';
    assert_int_equal (mw_client_open (text, 1000, &err), -1);
    assert_int_equal (errno, ENAMETOOLONG);
    assert_non_null (strstr (err.text, "too long"));
}

static void an_answer_comes_back_past_notes (void **state)
{
    cleanup_json json_t *reply = NULL;

    (void) state;
    _answer ("{\"v\":1,\"type\":\"note\",\"text\":\"x\"}");
    _answer ("{\"v\":1,\"type\":\"ok\",\"a\":7}");
    assert_int_equal (_call (&reply, NULL, NULL), 0);
    assert_int_equal (json_integer_value (json_object_get (reply, "a")), 7);
}

static void the_wardens_refusal_is_the_callers_error (void **state)
{
    struct mw_err err;

    (void) state;
    _answer ("{\"v\":1,\"type\":\"error\",\"error\":\"no job 9\",\"errno\":3}");
    assert_int_equal (_call (NULL, NULL, &err), -1);
    assert_int_equal (errno, ESRCH);
    assert_string_equal (err.text, "no job 9");
    _answer ("{\"v\":1,\"type\":\"error\",\"errno\":-5}");
    assert_int_equal (_call (NULL, NULL, &err), -1);
    assert_int_equal (errno, EREMOTEIO);
}

static void odd_answers_are_refused (void **state)
{
    struct mw_err err;

    (void) state;
    _answer ("{\"v\":1,\"type\":\"banana\"}");
    assert_int_equal (_call (NULL, NULL, &err), -1);
    assert_int_equal (errno, EPROTO);
    assert_non_null (strstr (err.text, "banana"));
    _answer ("{\"v\":9,\"type\":\"ok\"}");
    assert_int_equal (_call (NULL, NULL, &err), -1);
    assert_int_equal (errno, EPROTO);
}

static void silence_and_hang_up_are_told_apart (void **state)
{
    struct mw_err err;

    (void) state;
    assert_int_equal (_call (NULL, NULL, &err), -1);
    assert_int_equal (errno, ETIMEDOUT);
    shutdown (pair[1], SHUT_WR);
    assert_int_equal (_call (NULL, NULL, &err), -1);
    assert_int_equal (errno, EPIPE);
    shutdown (pair[1], SHUT_RDWR);
    assert_int_equal (_call (NULL, NULL, &err), -1);
    assert_int_equal (errno, EPIPE);
}

static void a_descriptor_comes_back_with_the_answer (void **state)
{
    cleanup_json json_t *ok = mw_wire_new ("ok");
    int two[] = { 0, 1 }, fd = -1;

    (void) state;
    assert_int_equal (mw_wire_send (pair[1], ok, two, 2, NULL), 0);
    assert_int_equal (_call (NULL, &fd, NULL), 0);
    assert_true (fd >= 0);
    close (fd);
    _answer ("{\"v\":1,\"type\":\"ok\"}");
    assert_int_equal (_call (NULL, &fd, NULL), 0);
    assert_int_equal (fd, -1);
}

static void register_hands_over_both_directories (void **state)
{
    struct mw_jobspec spec = { .key = "12", .cpus = 1 }, got;
    cleanup_json json_t *msg = NULL;
    int fds[MW_WIRE_FDS_MAX], n;

    (void) state;
    _answer ("{\"v\":1,\"type\":\"ok\"}");
    assert_int_equal (mw_client_register (pair[0], &spec, 0, 1, NULL, NULL), 0);
    assert_int_equal (mw_wire_recv (pair[1], &msg, fds, &n, NULL), 1);
    assert_string_equal (mw_wire_type (msg), "register");
    assert_int_equal (n, 2);
    close (fds[0]);
    close (fds[1]);
    assert_int_equal (mw_jobspec_decode (json_object_get (msg, "job"), &got,
                                         NULL),
                      0);
    assert_string_equal (got.key, "12");
}

static void jobs_are_gathered_from_all_pages (void **state)
{
    cleanup_json json_t *jobs = NULL, *first = NULL, *second = NULL;

    (void) state;
    _answer ("{\"v\":1,\"type\":\"ok\",\"jobs\":[{\"key\":\"a\"}],"
             "\"next\":\"a\"}");
    _answer ("{\"v\":1,\"type\":\"ok\",\"jobs\":[{\"key\":\"b\"}]}");
    jobs = mw_client_jobs (pair[0], NULL);
    assert_int_equal (json_array_size (jobs), 2);
    assert_int_equal (mw_wire_recv (pair[1], &first, NULL, NULL, NULL), 1);
    assert_int_equal (mw_wire_recv (pair[1], &second, NULL, NULL, NULL), 1);
    assert_null (json_object_get (first, "after"));
    assert_string_equal (json_string_value (json_object_get (second, "after")),
                         "a");
}

/* The job that ended a page has gone before the next one was asked for. */
static void a_list_that_has_lost_its_place_is_begun_anew (void **state)
{
    const char gone[] = "{\"v\":1,\"type\":\"error\",\"errno\":116,"
                        "\"error\":\"job a is not there any more\"}";
    cleanup_json json_t *jobs = NULL;
    struct mw_err err;

    (void) state;
    _answer ("{\"v\":1,\"type\":\"ok\",\"jobs\":[{\"key\":\"a\"}],"
             "\"next\":\"a\"}");
    _answer (gone);
    _answer ("{\"v\":1,\"type\":\"ok\",\"jobs\":[{\"key\":\"b\"}]}");
    jobs = mw_client_jobs (pair[0], &err);
    assert_int_equal (json_array_size (jobs), 1);
    for (int i = 0; i < 8; i++)
        _answer (gone);
    assert_null (mw_client_jobs (pair[0], &err));
    assert_int_equal (errno, ESTALE);
    assert_string_equal (err.text, "job a is not there any more");
}

static void an_endless_list_of_jobs_ends (void **state)
{
    cleanup_json json_t *jobs = NULL;

    (void) state;
    _answer ("{\"v\":1,\"type\":\"ok\",\"jobs\":[],\"next\":\"a\"}");
    jobs = mw_client_jobs (pair[0], NULL);
    assert_int_equal (json_array_size (jobs), 0);
    _answer ("{\"v\":1,\"type\":\"ok\"}");
    assert_null (mw_client_jobs (pair[0], NULL));
    assert_int_equal (errno, EPROTO);
}

/* Serve one connection at [listener] in a child: to each request the next of
 * [answers] (NULL-terminated), then hang up. */
static pid_t _serve (int listener, const char *const *answers)
{
    pid_t child = fork ();
    int sock;

    if (child != 0)
        return child;
    sock = accept (listener, NULL, NULL);
    for (; *answers; answers++) {
        json_t *msg;

        if (mw_wire_recv (sock, &msg, NULL, NULL, NULL) != 1 ||
            send (sock, *answers, strlen (*answers), 0) < 0)
            _exit (1);
    }
    _exit (0);
}

static void a_program_learns_its_own_memory (void **state)
{
    static const char *const answers[] = {
        "{\"v\":1,\"type\":\"ok\",\"job\":{\"key\":\"12\",\"priority\":300,"
        "\"used\":5,\"reservation\":6,\"limit\":7,\"reserve\":8,"
        "\"incident\":{\"id\":\"12.1\",\"step\":\"grow\"}}}",
        NULL,
    };
    cleanup_fd int listener = _bind (SOCK_SEQPACKET, 1);
    struct mw_status st;
    pid_t child = _serve (listener, answers);

    (void) state;
    assert_int_equal (mw_self (&st, NULL, 0), 0);
    assert_string_equal (st.job, "12");
    assert_int_equal (st.priority, 300);
    assert_int_equal (st.usage, 5);
    assert_int_equal (st.reservation, 6);
    assert_int_equal (st.limit, 7);
    assert_int_equal (st.reserve, 8);
    assert_int_equal (st.incident, 1);
    assert_string_equal (st.step, "grow");
    waitpid (child, NULL, 0);
}

static void a_program_outside_any_job_is_told (void **state)
{
    static const char *const answers[] = {
        "{\"v\":1,\"type\":\"error\",\"error\":\"not in a job\",\"errno\":3}",
        NULL,
    };
    cleanup_fd int listener = -1;
    struct mw_status st;
    char why[200] = "";
    pid_t child;

    (void) state;
    assert_int_equal (mw_self (&st, why, sizeof (why)), -1);
    assert_int_equal (errno, ENOENT);
    assert_non_null (strstr (why, path));
    listener = _bind (SOCK_SEQPACKET, 1);
    child = _serve (listener, answers);
    assert_int_equal (mw_self (&st, why, sizeof (why)), -1);
    assert_int_equal (errno, ESRCH);
    assert_string_equal (why, "not in a job");
    waitpid (child, NULL, 0);
}

static void a_program_hears_notes_until_the_warden_goes (void **state)
{
    static const char *const answers[] = {
        "{\"v\":1,\"type\":\"ok\",\"job\":{\"key\":\"12\"}}",
        "{\"v\":1,\"type\":\"ok\"}",
        NULL,
    };
    cleanup_fd int listener = _bind (SOCK_SEQPACKET, 1);
    cleanup_fd int fd = -1;
    struct pollfd p = { .events = POLLIN };
    char text[64];
    pid_t child = _serve (listener, answers);

    (void) state;
    fd = mw_on_pressure (NULL, 0);
    assert_true (fd >= 0);
    waitpid (child, NULL, 0);
    p.fd = fd;
    assert_int_equal (poll (&p, 1, 10000), 1);
    assert_int_equal (mw_next_note (fd, text, sizeof (text)), 0);
}

static void a_note_is_read_and_none_is_eagain (void **state)
{
    char text[8];

    (void) state;
    _answer ("{\"v\":1,\"type\":\"ok\"}");
    _answer ("{\"v\":1,\"type\":\"note\",\"text\":\"memwarden: x\"}");
    assert_int_equal (mw_next_note (pair[0], text, sizeof (text)), 1);
    assert_string_equal (text, "memward");
    assert_int_equal (mw_next_note (pair[0], text, sizeof (text)), -1);
    assert_int_equal (errno, EAGAIN);
}

#define TEST(f) cmocka_unit_test_setup_teardown (f, _setup, _teardown)

int main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (a_socket_that_is_not_there_is_named),
        TEST (a_socket_without_a_warden_is_told_apart),
        TEST (a_strangers_socket_is_told_apart),
        TEST (too_long_a_path_is_refused),
        TEST (an_answer_comes_back_past_notes),
        TEST (the_wardens_refusal_is_the_callers_error),
        TEST (odd_answers_are_refused),
        TEST (silence_and_hang_up_are_told_apart),
        TEST (a_descriptor_comes_back_with_the_answer),
        TEST (register_hands_over_both_directories),
        TEST (jobs_are_gathered_from_all_pages),
        TEST (a_list_that_has_lost_its_place_is_begun_anew),
        TEST (an_endless_list_of_jobs_ends),
        TEST (a_program_learns_its_own_memory),
        TEST (a_program_outside_any_job_is_told),
        TEST (a_program_hears_notes_until_the_warden_goes),
        TEST (a_note_is_read_and_none_is_eagain),
    };

    return cmocka_run_group_tests (tests, _make_dir, _remove_dir);
}
