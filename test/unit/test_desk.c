/* The desk: whose turn it is, what is passed on to the warden and what becomes of its
 * word, and what is never taken from a stranger.  The test is the warden. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "handler/desk/closer.h"
#include "handler/desk/conn.h"
#include "handler/desk/desk.h"
#include "handler/desk/quota.h"
#include "handler/desk/turn.h"
#include "lib/cleanup.h"
#include "lib/wire.h"

#define ONE 1000
#define OTHER 1001

static struct {
    char dir[32], socket[64];
    uint64_t now; /* clock_ms */
    uid_t uid;    /* of who connects */
    sd_event *loop;
    struct desk desk;
    int warden, scribe; /* the other ends */
} t;

/* The linker takes these two instead of libc's. */
int clock_gettime (clockid_t id, struct timespec *ts)
{
    if (id != CLOCK_BOOTTIME)
        return (int) syscall (SYS_clock_gettime, id, ts);
    *ts = (struct timespec) { .tv_sec = (time_t) (t.now / 1000),
                              .tv_nsec = (long) (t.now % 1000 * 1000000) };
    return 0;
}

int getsockopt (int fd, int level, int name, void *value, socklen_t *len)
{
    int rc = (int) syscall (SYS_getsockopt, fd, level, name, value, len);

    if (rc == 0 && level == SOL_SOCKET && name == SO_PEERCRED)
        *(struct ucred *) value = (struct ucred) { .pid = getpid (),
                                                   .uid = t.uid };
    return rc;
}

static int _begin (void **state)
{
    static uint64_t later = 1000000; /* quotas are full again */
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    int pair[2], other[2], listening;
    struct mw_err err;

    (void) state;
    t.now = later += 1000000;
    strcpy (t.dir, "/tmp/mw_desk.XXXXXX");
    if (!mkdtemp (t.dir) || sd_event_new (&t.loop) < 0)
        return -1;
    snprintf (t.socket, sizeof (t.socket), "%s/sock", t.dir);
    snprintf (to.sun_path, sizeof (to.sun_path), "%s", t.socket);
    listening = socket (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
                        0);
    if (bind (listening, (struct sockaddr *) &to, sizeof (to)) < 0 ||
        listen (listening, 64) < 0 ||
        socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0 ||
        socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, other) < 0)
        return -1;
    t.warden = pair[0];
    t.scribe = other[0];
    return desk_open (&t.desk, t.loop, listening, pair[1], other[1], &err);
}

static int _end (void **state)
{
    (void) state;
    desk_close (&t.desk);
    sd_event_unref (t.loop);
    close (t.warden);
    close (t.scribe);
    unlink (t.socket);
    return rmdir (t.dir);
}

static void _loop (void)
{
    while (sd_event_run (t.loop, 0) > 0)
        ;
}

/* After [ms]: timers of the loop are of the clock that stands still here. */
static void _later (uint64_t ms)
{
    t.now += ms;
    t.desk.now = t.now;
    turn_work (&t.desk);
    _loop ();
}

static int _dial (uid_t uid)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    int sock = socket (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    t.uid = uid;
    snprintf (to.sun_path, sizeof (to.sun_path), "%s", t.socket);
    assert_int_equal (connect (sock, (struct sockaddr *) &to, sizeof (to)), 0);
    return sock;
}

static int _connect (uid_t uid)
{
    int sock = _dial (uid);

    _loop ();
    return sock;
}

static void _says (int sock, const char *text)
{
    assert_int_equal (send (sock, text, strlen (text), 0), strlen (text));
    _loop ();
}

/* The next packet over [sock], the caller's; NULL: none, or it is closed. */
static json_t *_answer (int sock)
{
    json_t *msg = NULL;
    char byte;

    _loop ();
    /* ECONNRESET is told in place of what has come before it, once */
    while (recv (sock, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
           errno == ECONNRESET)
        ;
    if (recv (sock, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0)
        assert_int_equal (mw_wire_recv (sock, &msg, NULL, NULL, NULL), 1);
    return msg;
}

static void _is_answered (int sock, const char *type, const char *text)
{
    cleanup_json json_t *msg = _answer (sock);
    const char *said = json_string_value (json_object_get (msg, "error"));

    assert_non_null (msg);
    assert_string_equal (mw_wire_type (msg), type);
    if (text && (!said || !strstr (said, text)))
        fail_msg ("\"%s\" is not in \"%s\"", text, said ? said : "");
}

static bool _is_silent (int sock)
{
    cleanup_json json_t *msg = _answer (sock);

    return msg == NULL;
}

/* What the desk has passed on; kind 0: nothing. */
static struct pass_wish _passed (void)
{
    struct pass_wish wish = { .kind = 0 };
    int fd = -1;

    _loop ();
    if (pass_receive (t.warden, &wish, sizeof (wish), &fd) > 0)
        assert_true (pass_wish_is_good (&wish, sizeof (wish)));
    return wish;
}

static void _done (const struct pass_wish *wish, int error, const char *text)
{
    struct pass_done done = { .kind = PASS_DONE,
                              .id = wish->id,
                              .error = error };

    snprintf (done.text, sizeof (done.text), "%s", text);
    assert_int_equal (pass_send (t.warden, &done, sizeof (done), -1), 0);
    _loop ();
}

static void _page (const struct pass_wish *wish, const char *json)
{
    static struct pass_page page;

    page = (struct pass_page) { .kind = PASS_PAGE,
                                .id = wish->id,
                                .len = (uint32_t) strlen (json) };
    memcpy (page.text, json, page.len);
    assert_int_equal (pass_send (t.warden, &page,
                                 offsetof (struct pass_page, text) + page.len,
                                 -1),
                      0);
    _loop ();
}

#define HOLD(job) "{\"v\":1,\"type\":\"hold\",\"job\":\"" job "\"}"
#define JOBS "{\"v\":1,\"type\":\"jobs\"}"
#define EMPTY "{\"jobs\":[],\"node\":{\"jobs\":0}}"

/* ---- quotas -------------------------------------------------------------- */

static void a_user_has_so_many_at_once_and_then_a_rate (void **state)
{
    (void) state;
    for (int i = 0; i < QUOTA_CHANGE_BURST; i++)
        assert_true (quota_take (ONE, true, t.now));
    assert_false (quota_take (ONE, true, t.now));
    assert_true (quota_take (ONE, false, t.now));
    assert_true (quota_take (OTHER, true, t.now));
    t.now += 1000;
    for (int i = 0; i < QUOTA_CHANGE_RATE; i++)
        assert_true (quota_take (ONE, true, t.now));
    assert_false (quota_take (ONE, true, t.now));
    t.now += 3600000;
    for (int i = 0; i < QUOTA_CHANGE_BURST; i++)
        assert_true (quota_take (ONE, true, t.now));
    assert_false (quota_take (ONE, true, t.now));
}

static void many_users_push_out_the_one_who_has_rested_longest (void **state)
{
    (void) state;
    assert_true (quota_take (ONE, true, t.now));
    for (uid_t uid = 5000; uid < 6000; uid++) {
        quota_take (uid, true, t.now);
        if (uid % 100 == 0)
            quota_take (OTHER, true, t.now);
    }
    assert_int_equal (quota_last (ONE), 0);
    assert_int_not_equal (quota_last (OTHER), 0);
}

/* ---- turns --------------------------------------------------------------- */

static void one_wish_at_a_time_is_with_the_warden (void **state)
{
    cleanup_fd int a = _connect (ONE), b = _connect (OTHER);
    struct pass_wish first, second;

    (void) state;
    _says (a, HOLD ("12"));
    _says (b, HOLD ("13"));
    first = _passed ();
    assert_string_equal (first.job, "12");
    assert_int_equal (first.uid, ONE);
    assert_int_equal (_passed ().kind, 0);
    _done (&first, 0, "");
    second = _passed ();
    assert_string_equal (second.job, "13");
    _is_answered (a, "ok", NULL);
    assert_true (_is_silent (b));
    _done (&second, EPERM, "job 13 is not yours");
    _is_answered (b, "error", "job 13 is not yours");
}

static void he_who_was_served_longest_ago_is_next (void **state)
{
    int of_one[4];
    cleanup_fd int other = -1;
    const char *const order[] = { "12", "99", "12", "12", "12" };

    (void) state;
    for (int i = 0; i < 4; i++) {
        of_one[i] = _connect (ONE);
        _says (of_one[i], HOLD ("12"));
    }
    other = _connect (OTHER);
    _says (other, HOLD ("99"));
    for (int i = 0; i < 5; i++) {
        struct pass_wish wish = _passed ();

        assert_string_equal (wish.job, order[i]);
        _done (&wish, 0, "");
    }
    for (int i = 0; i < 4; i++)
        close (of_one[i]);
}

static void who_asks_more_than_his_part_waits_and_no_other (void **state)
{
    cleanup_fd int one = _connect (ONE), other = _connect (OTHER);
    struct pass_wish wish;

    (void) state;
    while (quota_take (ONE, true, t.now))
        ;
    _says (one, HOLD ("12"));
    assert_int_equal (_passed ().kind, 0);
    _says (other, HOLD ("99"));
    wish = _passed ();
    assert_string_equal (wish.job, "99");
    _done (&wish, 0, "");
    _later (1000);
    assert_string_equal (_passed ().job, "12");
}

static void a_wish_that_the_warden_does_not_answer_ends (void **state)
{
    cleanup_fd int sock = _connect (ONE);
    struct pass_wish late;

    (void) state;
    _says (sock, HOLD ("12"));
    late = _passed ();
    _later (9999);
    assert_true (_is_silent (sock));
    _later (1);
    _is_answered (sock, "error", "has not answered in time");
    _says (sock, HOLD ("13"));
    _done (&late, EPERM, "not this one's"); /* nor an earlier desk's */
    assert_true (_is_silent (sock));
    late = _passed ();
    _done (&late, 0, "");
    _is_answered (sock, "ok", NULL);
}

static void a_wish_is_good_before_it_is_passed_on (void **state)
{
    cleanup_fd int sock = _connect (ONE);

    (void) state;
    _says (sock, "{\"v\":1,\"type\":\"hold\"}");
    _is_answered (sock, "error", "there is no job (none named)");
    _says (sock, "{\"v\":1,\"type\":\"set\",\"job\":\"1\",\"priority\":1001}");
    _is_answered (sock, "error", "0 to 1000");
    _says (sock, "{\"v\":1,\"type\":\"set\",\"job\":\"1\",\"limit\":-1}");
    _is_answered (sock, "error", "limit");
    _says (sock, "{\"v\":1,\"type\":\"set\",\"job\":\"1\",\"ladder\":\"fly\"}");
    _is_answered (sock, "error", "fly");
    _says (sock, "{\"v\":1,\"type\":\"register\",\"job\":{}}");
    _is_answered (sock, "error", "only root may register a job");
    _says (sock, "{\"v\":1,\"type\":\"fly\"}");
    _is_answered (sock, "error", "unknown request \"fly\"");
    assert_int_equal (_passed ().kind, 0);
}

static void what_is_set_is_passed_on_as_it_was_said (void **state)
{
    cleanup_fd int sock = _connect (ONE);
    struct pass_wish wish;

    (void) state;
    _says (sock, "{\"v\":1,\"type\":\"set\",\"job\":\"12_3\",\"limit\":4096,"
                 "\"priority\":7,\"ladder\":\"hold@5s,kill\"}");
    wish = _passed ();
    assert_int_equal (wish.kind, PASS_SET);
    assert_string_equal (wish.job, "12_3");
    assert_true (wish.has_limit && wish.has_priority && wish.has_ladder);
    assert_int_equal (wish.limit, 4096);
    assert_int_equal (wish.priority, 7);
    assert_string_equal (wish.ladder, "hold@5s,kill");
}

/* ---- lists --------------------------------------------------------------- */

static void a_list_is_newer_than_who_asks_for_it (void **state)
{
    cleanup_fd int first = _connect (ONE), second = _connect (OTHER);
    struct pass_wish page;

    (void) state;
    _says (first, JOBS);
    page = _passed ();
    assert_int_equal (page.kind, PASS_JOBS);
    _says (second, JOBS); /* while that is on its way */
    assert_int_equal (_passed ().kind, 0);
    _page (&page, EMPTY);
    _is_answered (first, "ok", NULL);
    assert_true (_is_silent (second));
    page = _passed ();
    assert_int_equal (page.kind, PASS_JOBS);
    _page (&page, EMPTY);
    _is_answered (second, "ok", NULL);
}

static void a_list_that_takes_long_is_asked_for_seldom (void **state)
{
    cleanup_fd int sock = _connect (ONE);
    struct pass_wish page;

    (void) state;
    _says (sock, JOBS);
    page = _passed ();
    t.now += 50;
    _page (&page, EMPTY);
    _is_answered (sock, "ok", NULL);
    _says (sock, JOBS);
    _later (999);
    assert_int_equal (_passed ().kind, 0);
    _later (1); /* a twentieth of the time */
    assert_int_equal (_passed ().kind, PASS_JOBS);
}

static void pages_are_one_list (void **state)
{
    cleanup_fd int sock = _connect (ONE);
    cleanup_json json_t *msg = NULL;
    struct pass_wish page;

    (void) state;
    _says (sock, JOBS);
    page = _passed ();
    _page (&page, "{\"jobs\":[{\"key\":\"1\",\"uid\":1000},"
                  "{\"key\":\"2\",\"uid\":1001}],\"next\":\"2\"}");
    page = _passed ();
    assert_string_equal (page.job, "2");
    _page (&page, "{\"jobs\":[{\"key\":\"3\",\"uid\":1000}]}");
    msg = _answer (sock);
    assert_int_equal (json_array_size (json_object_get (msg, "jobs")), 2);
}

static void a_list_whose_page_is_none_is_begun_anew (void **state)
{
    cleanup_fd int sock = _connect (ONE);
    struct pass_wish page;

    (void) state;
    _says (sock, JOBS);
    page = _passed ();
    _page (&page, "{\"jobs\":[{\"key\":\"1\",\"uid\":1000}],\"next\":\"1\"}");
    page = _passed ();
    _page (&page, ""); /* the job 1 has gone */
    _later (20);
    page = _passed ();
    assert_string_equal (page.job, "");
    _page (&page, EMPTY);
    _is_answered (sock, "ok", NULL);
}

static void a_list_that_does_not_come_is_asked_for_again (void **state)
{
    cleanup_fd int sock = _connect (ONE);
    struct pass_wish page;

    (void) state;
    _says (sock, JOBS);
    page = _passed ();
    assert_int_equal (page.kind, PASS_JOBS);
    _later (10001);
    page = _passed ();
    assert_int_equal (page.kind, PASS_JOBS);
    _page (&page, EMPTY);
    _is_answered (sock, "ok", NULL);
}

/* ---- notes --------------------------------------------------------------- */

static void a_note_is_for_those_who_are_attached (void **state)
{
    cleanup_fd int one = _connect (ONE), other = _connect (OTHER);
    struct pass_note note = { .kind = PASS_NOTE, .uid = ONE, .job = "12" };
    struct pass_wish page;

    (void) state;
    _says (one, "{\"v\":1,\"type\":\"attach\",\"job\":\"7_3\"}");
    page = _passed ();
    _page (&page, "{\"jobs\":[{\"key\":\"12\",\"uid\":1000,"
                  "\"array_job_id\":7,\"array_task_id\":3}]}");
    _is_answered (one, "ok", NULL);
    _says (other, "{\"v\":1,\"type\":\"attach\",\"job\":\"12\"}");
    page = _passed ();
    _page (&page, "{\"jobs\":[{\"key\":\"12\",\"uid\":1000}]}");
    _is_answered (other, "error", "job 12 is not yours");
    snprintf (note.text, sizeof (note.text), "it grows");
    assert_int_equal (pass_send (t.warden, &note, sizeof (note), -1), 0);
    _is_answered (one, "note", NULL);
    assert_true (_is_silent (other));
    note.uid = OTHER; /* another run of that key */
    assert_int_equal (pass_send (t.warden, &note, sizeof (note), -1), 0);
    assert_true (_is_silent (one));
}

/* ---- what is never taken ------------------------------------------------- */

static unsigned _descriptors (void)
{
    cleanup_dir DIR *dir = opendir ("/proc/self/fd");
    unsigned n = 0;

    while (readdir (dir))
        n++;
    return n;
}

static void _send_beside (int sock, int fd)
{
    const char text[] = JOBS;
    union {
        struct cmsghdr align;
        char buf[CMSG_SPACE (sizeof (int))];
    } control = { .buf = { 0 } };
    struct iovec iov = { .iov_base = (void *) text, .iov_len = strlen (text) };
    struct msghdr hdr = { .msg_iov = &iov,
                          .msg_iovlen = 1,
                          .msg_control = control.buf,
                          .msg_controllen = sizeof (control.buf) };
    struct cmsghdr *c = CMSG_FIRSTHDR (&hdr);

    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN (sizeof (int));
    memcpy (CMSG_DATA (c), &fd, sizeof (int));
    assert_int_equal (sendmsg (sock, &hdr, 0), strlen (text));
}

/* Who lets go of the last descriptor of a pipe's end: the test, its desk, or a child?
 * While [kept] can be read to its end, nobody holds it any more. */
static bool _is_let_go (int kept)
{
    char byte;

    return read (kept, &byte, 1) == 0;
}

static void a_descriptor_is_let_go_of_by_a_child (void **state)
{
    cleanup_fd int sock = _connect (ONE);
    unsigned before;
    int end[2];

    (void) state;
    assert_int_equal (pipe2 (end, O_CLOEXEC), 0);
    before = _descriptors ();
    _send_beside (sock, end[1]);
    close (end[1]);
    _loop ();
    assert_int_equal (_descriptors (), before - 2); /* the pipe's, the desk's */
    assert_int_equal (t.desk.count, 0);
    _is_answered (sock, "error", "no descriptors");
    assert_true (_is_let_go (end[0]));
    close (end[0]);
    while (closer_reap ())
        ;
}

/* A second one waits, open, until the first one's child is done. */
static void what_waits_for_a_child_is_counted_to_its_user (void **state)
{
    int sock[2], end[2][2];

    (void) state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal (pipe2 (end[i], O_CLOEXEC), 0);
        sock[i] = _connect (ONE);
        _send_beside (sock[i], end[i][1]);
        close (end[i][1]);
        _loop ();
    }
    assert_int_equal (t.desk.parked, 1);
    assert_true (_is_let_go (end[0][0]));
    while (t.desk.parked > 0) { /* as SIGCHLD has it */
        closer_reap ();
        conn_unpark (&t.desk);
    }
    assert_true (_is_let_go (end[1][0]));
    for (int i = 0; i < 2; i++) {
        close (sock[i]);
        close (end[i][0]);
    }
    while (closer_reap ())
        ;
}

/* However many a user leaves, also of those that he is refused for, they keep no other
 * out, and the next child closes them all. */
static void what_waits_for_a_child_is_closed_by_the_next_one (void **state)
{
    cleanup_fd int other = -1;
    int end[2];

    (void) state;
    assert_int_equal (pipe2 (end, O_CLOEXEC), 0);
    for (int i = 0; i < DESK_PER_USER + 20; i++) {
        int sock = _dial (ONE);

        _send_beside (sock, end[1]);
        close (sock);
    }
    close (end[1]);
    _loop ();
    assert_true (t.desk.parked > DESK_PER_USER);
    assert_int_equal (t.desk.count, 0);
    other = _connect (OTHER);
    assert_int_equal (t.desk.count, 1);
    while (closer_reap ()) /* one child */
        ;
    conn_unpark (&t.desk);
    assert_int_equal (t.desk.parked, 0);
    assert_true (_is_let_go (end[0]));
    close (end[0]);
    while (closer_reap ())
        ;
}

/* The scribe's answer to what is asked of it over [sock], with a descriptor. */
static void _history (int sock, int fd)
{
    struct pass_done done = { .kind = PASS_DONE };
    struct pass_wish wish;

    _says (sock, "{\"v\":1,\"type\":\"history\"}");
    assert_int_equal (recv (t.scribe, &wish, sizeof (wish), MSG_DONTWAIT),
                      sizeof (wish));
    done.id = wish.id;
    assert_int_equal (pass_send (t.scribe, &done, sizeof (done), fd), 0);
    _loop ();
}

/* The kernel lets the desk have only so many descriptors that nobody has read. */
static void of_what_is_not_read_a_connection_has_one (void **state)
{
    int sock = _connect (ONE), fds[1], n = 1;
    json_t *msg = NULL;
    struct mw_err err;

    (void) state;
    _history (sock, STDIN_FILENO);
    _history (sock, STDIN_FILENO);
    /* it hangs up, but keeps what it has not read */
    shutdown (sock, SHUT_WR);
    _loop ();
    assert_int_equal (t.desk.parked, 1);
    _later (1000);
    assert_int_equal (t.desk.parked, 1);
    assert_int_equal (mw_wire_recv (sock, &msg, fds, &n, &err), 1);
    assert_string_equal (mw_wire_type (msg), "ok");
    assert_int_equal (n, 1);
    json_decref (msg);
    close (fds[0]);
    _is_answered (sock, "error", "not read yet");
    conn_unpark (&t.desk);
    assert_int_equal (t.desk.parked, 0);
    close (sock);
    while (closer_reap ())
        ;
}

static void what_was_sent_before_hanging_up_is_let_go_of_so_too (void **state)
{
    int sock = _connect (ONE), end[2];

    (void) state;
    assert_int_equal (pipe2 (end, O_CLOEXEC), 0);
    _says (sock, "no message");
    _send_beside (sock, end[1]);
    close (sock);
    close (end[1]);
    _loop ();
    assert_int_equal (t.desk.count, 0);
    assert_true (_is_let_go (end[0]));
    close (end[0]);
    while (closer_reap ())
        ;
}

static void a_packet_of_the_wardens_that_is_none_is_passed_over (void **state)
{
    cleanup_fd int sock = _connect (ONE);
    struct pass_note note = { .kind = PASS_NOTE };
    struct pass_wish page;

    (void) state;
    _says (sock, JOBS);
    page = _passed ();
    assert_int_equal (send (t.warden, "x", 1, 0), 1);
    assert_int_equal (send (t.warden, &note, 20, 0), 20);
    note.kind = 77;
    assert_int_equal (send (t.warden, &note, sizeof (note), 0), sizeof (note));
    _page (&page, EMPTY);
    _is_answered (sock, "ok", NULL);
}

static void without_its_warden_it_ends (void **state)
{
    (void) state;
    close (t.warden);
    close (t.scribe);
    t.warden = -1;
    _loop ();
    assert_int_equal (sd_event_get_state (t.loop), SD_EVENT_FINISHED);
}

#define T(name) cmocka_unit_test_setup_teardown (name, _begin, _end)

int main (void)
{
    const struct CMUnitTest tests[] = {
        T (a_user_has_so_many_at_once_and_then_a_rate),
        T (many_users_push_out_the_one_who_has_rested_longest),
        T (one_wish_at_a_time_is_with_the_warden),
        T (he_who_was_served_longest_ago_is_next),
        T (who_asks_more_than_his_part_waits_and_no_other),
        T (a_wish_that_the_warden_does_not_answer_ends),
        T (a_wish_is_good_before_it_is_passed_on),
        T (what_is_set_is_passed_on_as_it_was_said),
        T (a_list_is_newer_than_who_asks_for_it),
        T (a_list_that_takes_long_is_asked_for_seldom),
        T (pages_are_one_list),
        T (a_list_whose_page_is_none_is_begun_anew),
        T (a_list_that_does_not_come_is_asked_for_again),
        T (a_note_is_for_those_who_are_attached),
        T (a_descriptor_is_let_go_of_by_a_child),
        T (what_waits_for_a_child_is_counted_to_its_user),
        T (what_waits_for_a_child_is_closed_by_the_next_one),
        T (of_what_is_not_read_a_connection_has_one),
        T (what_was_sent_before_hanging_up_is_let_go_of_so_too),
        T (a_packet_of_the_wardens_that_is_none_is_passed_over),
        T (without_its_warden_it_ends),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
