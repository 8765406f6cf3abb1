/* The warden's sockets: who is let in and who is closed, packets that are none,
 * and what those hear who are attached to a job. */
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
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "handler/daemon/control.h"
#include "handler/record/report.h"
#include "lib/cleanup.h"
#include "lib/client.h"
#include "lib/wire.h"
#include "test/unit/fake_peer.h"

#define OF_ONE_USER 32

static struct warden *const w = &fake.w;

/* The warden has closed [sock]. */
static bool _is_closed (int sock)
{
    cleanup_json json_t *msg = peer_hears (sock);

    assert_null (msg);
    return errno == 0;
}

static unsigned _descriptors (void)
{
    cleanup_dir DIR *dir = opendir ("/proc/self/fd");
    unsigned n = 0;

    assert_non_null (dir);
    while (readdir (dir))
        n++;
    return n;
}

/* ---- packets that are none ----------------------------------------------- */

/* Send [len] bytes; the answer is an error of [number] that says [text]. */
static void _is_refused (int sock, const char *bytes, size_t len, int number,
                         const char *text)
{
    cleanup_json json_t *msg = NULL;

    assert_int_equal (send (sock, bytes, len, MSG_NOSIGNAL), len);
    msg = peer_hears (sock);
    assert_non_null (msg);
    assert_string_equal (mw_wire_type (msg), "error");
    assert_int_equal (peer_int (msg, "errno"), number);
    if (!strstr (peer_text (msg, "error"), text))
        fail_msg ("%s is not in %s", text, peer_text (msg, "error"));
}

static void a_bad_packet_is_refused_and_the_next_one_served (void **state)
{
    static const char *const none[] = {
        "x",
        "[]",
        "{}",
        "{\"v\":1}",
        "{\"type\":\"node\"}",
        "{\"v\":1,\"type\":7}",
        "{\"v\":1,\"type\":\"node\",\"v\":1}",
        "{\"v\":1,\"type\":\"node\"",
        "{\"v\":\"1\",\"type\":\"node\"}",
        "{\"v\":1,\"type\":\"no\xff\"}",
    };
    static const char newer[] = "{\"v\":2,\"type\":\"node\"}";
    cleanup_fd int sock = peer_open (PEER_STRANGER);

    (void) state;
    for (size_t i = 0; i < sizeof (none) / sizeof (none[0]); i++) {
        _is_refused (sock, none[i], strlen (none[i]), EPROTO,
                     "not a message of memwarden");
        assert_int_equal (peer_does (sock, peer_ask ("node", NULL)), 0);
    }
    _is_refused (sock, newer, strlen (newer), EPROTO, "version 2");
    assert_int_equal (peer_does (sock, peer_ask ("node", NULL)), 0);
}

static void a_packet_that_is_too_large_is_refused (void **state)
{
    cleanup_free char *large = malloc (MW_WIRE_MAX + 1);
    cleanup_fd int sock = peer_open (PEER_STRANGER);

    (void) state;
    memset (large, ' ', MW_WIRE_MAX + 1);
    _is_refused (sock, large, MW_WIRE_MAX + 1, EMSGSIZE, "too large");
    assert_int_equal (peer_does (sock, peer_ask ("node", NULL)), 0);
}

static void what_nobody_answers_is_named (void **state)
{
    cleanup_fd int sock = peer_open (0);
    char type[200];

    (void) state;
    assert_int_equal (peer_does (sock, peer_ask ("dance", NULL)), EINVAL);
    assert_string_equal (peers.err.text, "unknown request \"dance\"");
    assert_int_equal (peer_does (sock, peer_ask ("", NULL)), EINVAL);
    assert_int_equal (peer_does (sock, peer_ask ("ok", NULL)), EINVAL);
    memset (type, 'y', sizeof (type));
    type[sizeof (type) - 1] = '\0';
    assert_int_equal (peer_does (sock, peer_ask (type, NULL)), EINVAL);
    assert_true (strlen (peers.err.text) < 64);
}

/* The key is cut within a letter of two bytes: that is no text any more. */
static void a_sentence_that_is_no_text_still_has_its_number (void **state)
{
    cleanup_fd int sock = peer_open (0);
    char key[100] = "x";

    (void) state;
    for (int i = 0; i < 40; i++)
        strcat (key, "\u00e9");
    assert_int_equal (peer_does (sock, peer_ask ("hold", key)), ESRCH);
    assert_string_equal (peers.err.text, strerror (ESRCH));
}

static void no_request_leaves_a_descriptor_open (void **state)
{
    cleanup_fd int sock = peer_open (0), users = peer_open_users (0);
    const int fds[] = { sock, sock };
    unsigned before = _descriptors ();
    int fd = -1;

    (void) state;
    report (w, NULL, "note", REPORT_LOG, "there is some history");
    json_decref (peer_call (users, peer_ask ("history", NULL), NULL, 0, &fd));
    assert_true (fd >= 0);
    close (fd);
    for (int i = 0; i < 5; i++) {
        json_decref (peer_call (sock, peer_ask ("node", NULL), fds, 2, NULL));
        json_decref (peer_call (sock, peer_ask ("dance", NULL), fds, 1, NULL));
    }
    assert_int_equal (_descriptors (), before);
}

static void more_descriptors_than_allowed_are_refused (void **state)
{
    const char text[] = "{\"v\":1,\"type\":\"node\"}";
    union {
        struct cmsghdr align;
        char buf[CMSG_SPACE (3 * sizeof (int))];
    } control = { .buf = { 0 } };
    struct iovec iov = { .iov_base = (void *) text, .iov_len = strlen (text) };
    struct msghdr hdr = { .msg_iov = &iov,
                          .msg_iovlen = 1,
                          .msg_control = control.buf,
                          .msg_controllen = sizeof (control.buf) };
    struct cmsghdr *c = CMSG_FIRSTHDR (&hdr);
    cleanup_fd int sock = peer_open (0);
    unsigned before = _descriptors ();

    (void) state;
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN (3 * sizeof (int));
    memcpy (CMSG_DATA (c), (int[]) { sock, sock, sock }, 3 * sizeof (int));
    assert_int_equal (sendmsg (sock, &hdr, 0), strlen (text));

    cleanup_json json_t *msg = peer_hears (sock);

    assert_int_equal (peer_int (msg, "errno"), EPROTO);
    assert_non_null (strstr (peer_text (msg, "error"), "too many descriptors"));
    assert_int_equal (_descriptors (), before);
}

/* ---- who is let in ------------------------------------------------------- */

static void who_hangs_up_is_forgotten (void **state)
{
    unsigned before = _descriptors ();
    int a = peer_open (PEER_OWNER), b = peer_open (PEER_STRANGER);

    (void) state;
    assert_int_equal (peer_count (), 2);
    close (a);
    fake_loop ();
    assert_int_equal (peer_count (), 1);
    assert_int_equal (peer_does (b, peer_ask ("node", NULL)), 0);
    assert_int_equal (send (b, "", 0, 0), 0); /* as good as closed */
    assert_true (_is_closed (b));
    close (b);
    assert_int_equal (peer_count (), 0);
    assert_int_equal (w->peer_count, 0);
    assert_int_equal (_descriptors (), before);
}

static void one_user_has_so_many_connections (void **state)
{
    int sock[OF_ONE_USER];

    (void) state;
    for (int i = 0; i < OF_ONE_USER; i++)
        sock[i] = peer_open (PEER_OWNER);

    cleanup_fd int more = peer_open (PEER_OWNER);
    cleanup_fd int other = peer_open (PEER_STRANGER);
    cleanup_fd int root = peer_open (0);

    assert_true (_is_closed (more));
    assert_int_equal (peer_count (), OF_ONE_USER + 2);
    assert_int_equal (peer_does (other, peer_ask ("node", NULL)), 0);
    assert_int_equal (peer_does (root, peer_ask ("node", NULL)), 0);
    assert_int_equal (peer_does (sock[0], peer_ask ("node", NULL)), 0);
    for (int i = 0; i < OF_ONE_USER; i++)
        close (sock[i]);
    fake_loop ();

    cleanup_fd int again = peer_open (PEER_OWNER);

    assert_int_equal (peer_does (again, peer_ask ("node", NULL)), 0);
}

static void each_step_of_root_has_a_connection (void **state)
{
    int sock[3 * OF_ONE_USER];

    (void) state;
    for (int i = 0; i < 3 * OF_ONE_USER; i++)
        sock[i] = peer_open (0);
    assert_int_equal (w->peer_count, 3 * OF_ONE_USER);
    assert_int_equal (peer_does (sock[3 * OF_ONE_USER - 1],
                                 peer_ask ("node", NULL)),
                      0);
    for (int i = 0; i < 3 * OF_ONE_USER; i++)
        close (sock[i]);
}

/* 1,024 connections of many users are only counted here. */
static void who_is_silent_longest_makes_room (void **state)
{
    cleanup_fd int silent = peer_open (PEER_OWNER);
    cleanup_fd int hears = peer_open (PEER_OWNER);
    cleanup_fd int asks = -1, more = -1;

    (void) state;
    peer_job ("12", "kill");
    assert_int_equal (peer_does (hears, peer_ask ("attach", "12")), 0);
    fake.now += 1000;
    asks = peer_open (PEER_OWNER);
    peers.desk.count += DESK_CONNS_MAX - 3;
    more = peer_open (PEER_STRANGER);
    assert_true (_is_closed (silent));
    assert_int_equal (peer_does (more, peer_ask ("node", NULL)), 0);
    assert_int_equal (peer_does (asks, peer_ask ("node", NULL)), 0);
    assert_int_equal (peer_does (hears, peer_ask ("node", NULL)), 0);

    cleanup_fd int root = peer_open (0);

    assert_int_equal (peer_does (root, peer_ask ("node", NULL)), 0);
    peers.desk.count -= DESK_CONNS_MAX - 3;
}

static void one_that_does_not_read_its_answers_is_closed (void **state)
{
    cleanup_json json_t *req = peer_ask ("node", NULL);
    cleanup_fd int deaf = peer_open (PEER_STRANGER);
    cleanup_fd int other = peer_open (PEER_OWNER);

    (void) state;
    for (int i = 0; peer_count () == 2 && i < 100000; i++) {
        fake.now += 1000; /* its turn comes again */
        assert_int_equal (mw_wire_send (deaf, req, NULL, 0, &peers.err), 0);
        fake_loop ();
    }
    assert_int_equal (peer_count (), 1);
    assert_int_equal (peer_does (other, peer_ask ("node", NULL)), 0);
}

/* ---- who is attached hears of the job ------------------------------------ */

/* Attach [sock] to job 12, as [step] if not NULL, that has heard lines up to
 * [after] (< 0: says nothing of it). The answer comes by peer_hears. */
static void _attach (int sock, const char *step, int after)
{
    cleanup_json json_t *req = peer_ask ("attach", "12");

    if (step)
        json_object_set_new (req, "step", json_string (step));
    if (after >= 0)
        json_object_set_new (req, "after", json_integer (after));
    assert_int_equal (mw_wire_send (sock, req, NULL, 0, &peers.err), 0);
    fake_loop ();
}

/* The next packet is of [type]; has "line" [line] if that is not 0, and says
 * [text] if that is not NULL. */
static void _hears (int sock, const char *type, unsigned line, const char *text)
{
    cleanup_json json_t *msg = peer_hears (sock);

    assert_non_null (msg);
    assert_string_equal (mw_wire_type (msg), type);
    if (line)
        assert_int_equal (peer_int (msg, "line"), line);
    else
        assert_null (json_object_get (msg, "line"));
    if (!text)
        return;
    assert_string_equal (peer_text (msg, "job"), "12");
    assert_string_equal (peer_text (msg, "text"), text);
}

static void _hears_nothing (int sock)
{
    cleanup_json json_t *msg = peer_hears (sock);

    assert_null (msg);
    assert_int_equal (errno, EAGAIN);
}

static void a_note_reaches_those_who_are_attached (void **state)
{
    cleanup_fd int owner = peer_open (PEER_OWNER);
    cleanup_fd int root = peer_open (0);
    cleanup_fd int idle = peer_open (PEER_OWNER);
    cleanup_fd int step = peer_open (0);
    struct job *job = peer_job ("12", "kill");
    struct job *other = peer_job ("13", "kill");

    (void) state;
    _attach (owner, NULL, -1);
    _hears (owner, "ok", 0, NULL);
    _attach (root, NULL, -1);
    _hears (root, "ok", 0, NULL);
    _attach (step, "step_0", -1);
    _hears (step, "ok", (unsigned) w->report->numbered, NULL);
    control_note (w, job, "it grows");
    control_note (w, other, "not its own");
    control_note (w, job, "caf\xe9");
    _hears (owner, "note", 0, "it grows");
    _hears (owner, "note", 0, "caf?");
    _hears (root, "note", 0, "it grows");
    _hears (root, "note", 0, "caf?");
    _hears_nothing (owner);
    _hears_nothing (idle);
    _hears_nothing (step);
}

static void what_a_request_does_is_told_at_once (void **state)
{
    cleanup_fd int owner = peer_open (PEER_OWNER);
    cleanup_fd int root = peer_open (0);
    json_t *req = peer_ask ("set", "12");

    (void) state;
    peer_job ("12", "kill");
    _attach (owner, NULL, -1);
    _hears (owner, "ok", 0, NULL);
    json_object_set_new (req, "limit", json_integer (MW_GIB));
    assert_int_equal (peer_does (root, req), 0);
    _hears (owner, "note", 0, "job 12: limit set to 1.0 GiB");
    assert_int_equal (w->report->pending, 0);
}

static void who_says_that_he_is_a_step_must_be_root (void **state)
{
    cleanup_fd int owner = peer_open (PEER_OWNER);
    struct job *job = peer_job ("12", "kill");

    (void) state;
    _attach (owner, "step_batch", 0);
    _hears (owner, "ok", 0, NULL);
    assert_false (control_tell (w, job, 7, true, "it grows"));
    _hears_nothing (owner);
    control_note (w, job, "it grows");
    _hears (owner, "note", 0, "it grows");
}

static void one_that_does_not_read_its_notes_is_closed (void **state)
{
    cleanup_fd int deaf = peer_open (PEER_OWNER);
    cleanup_fd int other = peer_open (PEER_OWNER);
    struct job *job = peer_job ("12", "kill");

    (void) state;
    _attach (deaf, NULL, -1);
    _attach (other, NULL, -1);
    _hears (other, "ok", 0, NULL);
    for (int i = 0; peer_count () == 2 && i < 100000; i++) {
        control_note (w, job, "it grows");
        _hears (other, "note", 0, "it grows");
    }
    assert_int_equal (peer_count (), 1);
    assert_int_equal (peer_does (other, peer_ask ("node", NULL)), 0);
}

static void the_batch_step_writes_for_all (void **state)
{
    cleanup_fd int batch = peer_open (0);
    cleanup_fd int zero = peer_open (0);
    cleanup_fd int one = peer_open (0);
    struct job *job = peer_job ("12", "kill");

    (void) state;
    _attach (zero, "step_0", -1);
    _attach (one, "step_1", -1);
    json_decref (peer_hears (zero));
    json_decref (peer_hears (one));
    assert_true (control_tell (w, job, 7, true, "it grows"));
    _hears (zero, "note", 7, "it grows");
    _hears (one, "note", 7, "it grows");
    _attach (batch, "step_batch", -1);
    json_decref (peer_hears (batch));
    assert_true (control_tell (w, job, 8, false, "it is over"));
    _hears (batch, "note", 8, "it is over");
    _hears_nothing (zero);
    assert_false (control_tell (w, peer_job ("13", "kill"), 9, false, "no"));
    _hears_nothing (batch);
}

/* Two lines that no step has heard. Returns the number of the first. */
static unsigned _two_lines (struct job *job)
{
    report_flush (w);
    report (w, job, "note", REPORT_JOB, "job 12: the first");
    report (w, job, "note", REPORT_JOB, "job 12: the second");
    report_flush (w);
    return (unsigned) w->report->numbered - 1;
}

/* A new warden is found by the steps one after the other. */
static void the_batch_step_is_waited_for (void **state)
{
    cleanup_fd int zero = peer_open (0);
    cleanup_fd int batch = peer_open (0);
    struct job *job = peer_job ("12", "kill");
    unsigned first;

    (void) state;
    job->spec.script = true;
    _attach (zero, "step_0", 0);
    json_decref (peer_hears (zero));
    first = _two_lines (job);
    _hears_nothing (zero);
    _attach (batch, "step_batch", (int) first - 1);
    _hears (batch, "note", first, "job 12: the first");
    _hears (batch, "note", first + 1, "job 12: the second");
    _hears (batch, "ok", first + 1, NULL);
    _attach (zero, "step_0", (int) first - 1);
    _hears (zero, "ok", first + 1, NULL);
}

/* … also where a step from outside has registered the job, and is known to the
 * next warden. */
static void the_batch_script_may_come_second (void **state)
{
    struct mw_jobspec spec = peer_spec ("12");
    cleanup_fd int root = peer_open (0);
    cleanup_fd int dir = peer_memcg ("12");
    struct job *job;

    (void) state;
    assert_int_equal (peer_register (root, &spec, dir, NULL), 0);
    job = job_find (&w->jobs, "12");
    assert_non_null (job);
    assert_false (job->spec.script);
    spec.script = true;
    assert_int_equal (peer_register (root, &spec, dir, NULL), 0);
    assert_true (job->spec.script);
    spec.script = false;
    assert_int_equal (peer_register (root, &spec, dir, NULL), 0);
    assert_true (job->spec.script);
    fake_restart ("12");
    job = job_find (&w->jobs, "12");
    assert_non_null (job);
    assert_true (job->spec.script);
}

static void a_line_says_whether_its_incident_goes_on (void **state)
{
    cleanup_fd int step = peer_open (0);
    struct job *job = peer_job ("12", "kill");

    (void) state;
    _attach (step, "step_0", -1);
    json_decref (peer_hears (step));
    control_tell (w, job, 7, true, "it grows");
    control_tell (w, job, 8, false, "it is over");

    cleanup_json json_t *first = peer_hears (step);
    cleanup_json json_t *second = peer_hears (step);

    assert_true (json_is_true (json_object_get (first, "open")));
    assert_true (json_is_false (json_object_get (second, "open")));
}

static void of_a_step_with_its_own_limit_that_one_hears (void **state)
{
    struct mw_jobspec spec = peer_spec ("12.1");
    cleanup_fd int batch = peer_open (0);
    cleanup_fd int one = peer_open (0);
    cleanup_fd int ten = peer_open (0);
    cleanup_fd int none = peer_open (0);
    cleanup_fd int dir = peer_memcg ("12.1");
    struct job *step;

    (void) state;
    peer_job ("12", "kill");
    assert_int_equal (peer_register (one, &spec, dir, NULL), 0);
    step = w->steps.first;
    assert_non_null (step);
    _attach (batch, "step_batch", -1);
    _attach (one, "step_1", -1);
    _attach (ten, "step_10", -1);
    _attach (none, "stage1", -1);
    json_decref (peer_hears (batch));
    json_decref (peer_hears (one));
    json_decref (peer_hears (ten));
    json_decref (peer_hears (none));
    assert_true (control_tell (w, step, 7, true, "it grows"));
    _hears (one, "note", 7, "it grows");
    _hears_nothing (batch);
    _hears_nothing (ten);
    _hears_nothing (none);
}

static void a_step_that_does_not_read_is_closed (void **state)
{
    cleanup_fd int step = peer_open (0);
    struct job *job = peer_job ("12", "kill");
    int i;

    (void) state;
    _attach (step, "step_0", -1);
    for (i = 0; i < 100000; i++) {
        if (!control_tell (w, job, 7, true, "it grows"))
            break;
    }
    assert_true (i > 0 && i < 100000);
    fake_loop ();
    assert_int_equal (w->peer_count, 0);
}

/* ---- a step that comes back ---------------------------------------------- */

static void a_step_that_comes_back_hears_what_it_has_missed (void **state)
{
    struct job *job = peer_job ("12", "kill");
    unsigned first = _two_lines (job);
    cleanup_fd int all = peer_open (0);
    cleanup_fd int rest = peer_open (0);
    cleanup_fd int none = peer_open (0);
    cleanup_fd int fresh = peer_open (0);

    (void) state;
    _attach (all, "step_0", 0);
    _hears (all, "note", first, "job 12: the first");
    _hears (all, "note", first + 1, "job 12: the second");
    _hears (all, "ok", first + 1, NULL);
    _attach (rest, "step_1", (int) first);
    _hears (rest, "note", first + 1, "job 12: the second");
    _hears (rest, "ok", first + 1, NULL);
    _attach (none, "step_2", (int) first + 1);
    _hears (none, "ok", first + 1, NULL);
    _attach (fresh, "step_3", -1);
    _hears (fresh, "ok", first + 1, NULL);
}

static void where_the_batch_step_is_it_alone_has_missed_it (void **state)
{
    struct job *job = peer_job ("12", "kill");
    unsigned first = _two_lines (job);
    cleanup_fd int batch = peer_open (0);
    cleanup_fd int zero = peer_open (0);

    (void) state;
    _attach (batch, "step_batch", (int) first);
    _hears (batch, "note", first + 1, "job 12: the second");
    _hears (batch, "ok", first + 1, NULL);
    _attach (zero, "step_0", (int) first);
    _hears (zero, "ok", first + 1, NULL);
}

static void what_is_pending_is_told_before_the_answer (void **state)
{
    struct job *job = peer_job ("12", "kill");
    cleanup_fd int step = peer_open (0);
    unsigned n;

    (void) state;
    report (w, job, "note", REPORT_JOB, "job 12: just now");
    n = (unsigned) w->report->numbered;
    _attach (step, "step_0", 0);
    _hears (step, "note", n, "job 12: just now");
    _hears (step, "ok", n, NULL);
    assert_null (job->untold);
}

static void of_its_own_limit_a_step_hears_when_it_is_back (void **state)
{
    struct mw_jobspec spec = peer_spec ("12.1");
    cleanup_fd int root = peer_open (0);
    cleanup_fd int zero = peer_open (0);
    cleanup_fd int dir = peer_memcg ("12.1");
    unsigned n;

    (void) state;
    peer_job ("12", "kill");
    assert_int_equal (peer_register (root, &spec, dir, NULL), 0);
    report (w, w->steps.first, "note", REPORT_JOB, "job 12.1: it grows");
    report_flush (w);
    n = (unsigned) w->report->numbered;
    _attach (zero, "step_0", 0);
    _hears (zero, "ok", n, NULL);
    _attach (root, "step_1", 0);
    _hears (root, "note", n, "step 12.1: it grows");
    _hears (root, "ok", n, NULL);
    _attach (zero, "step_1", -1);
    _hears (zero, "ok", n, NULL);
}

/* ---- the socket's file --------------------------------------------------- */

static int _bound (const char *path)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    int fd = socket (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    snprintf (to.sun_path, sizeof (to.sun_path), "%s", path);
    assert_int_equal (bind (fd, (struct sockaddr *) &to, sizeof (to)), 0);
    return fd;
}

static void everyone_may_connect_to_the_users_socket_alone (void **state)
{
    struct stat st;

    (void) state;
    assert_int_equal (stat (peers.socket, &st), 0);
    assert_true (S_ISSOCK (st.st_mode));
    assert_int_equal (st.st_mode & 0777, 0666);
    assert_int_equal (stat (peers.roots, &st), 0);
    assert_int_equal (st.st_mode & 0777, 0600);
    peer_open (0);
    control_close (w);
    assert_int_equal (stat (peers.roots, &st), -1);
    assert_null (w->peers);
    assert_int_equal (w->control, -1);
}

/* Though the file let him in. */
static void who_is_not_root_is_closed_at_roots_socket (void **state)
{
    cleanup_fd int sock = -1;

    (void) state;
    peers.uid = PEER_OWNER;
    sock = mw_client_open_users (peers.roots, 1000, &peers.err);
    assert_true (_is_closed (sock));
}

static void a_dead_wardens_socket_is_replaced (void **state)
{
    (void) state;
    control_close (w);
    close (_bound (peers.roots));
    assert_int_equal (control_open (w, peers.roots, &peers.err), 0);

    cleanup_fd int sock = peer_open (0);

    assert_int_equal (peer_does (sock, peer_ask ("node", NULL)), 0);
}

static void a_living_wardens_socket_is_left_alone (void **state)
{
    (void) state;
    assert_int_equal (control_open (w, peers.roots, &peers.err), -1);
    assert_int_equal (errno, EADDRINUSE);
    assert_non_null (strstr (peers.err.text, "listens on"));
    assert_int_equal (access (peers.roots, F_OK), 0);
}

static void a_file_that_is_no_socket_is_not_removed (void **state)
{
    int fd;

    (void) state;
    control_close (w);
    fd = open (peers.roots, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true (fd >= 0);
    close (fd);
    assert_int_equal (control_open (w, peers.roots, &peers.err), -1);
    assert_int_equal (errno, EADDRINUSE);
    assert_non_null (strstr (peers.err.text, peers.roots));
    control_close (w);
    assert_int_equal (access (peers.roots, F_OK), 0);
}

static void a_reload_does_not_move_the_socket (void **state)
{
    char other[sizeof (w->conf.socket)];
    cleanup_fd int fd = -1;

    (void) state;
    w->socket_override = NULL; /* it was configured so at the start */
    snprintf (other, sizeof (other), "%s/other", fake.dir);
    snprintf (w->conf.socket, sizeof (w->conf.socket), "%s", other);
    fd = _bound (other); /* another's */
    control_close (w);
    assert_int_equal (access (peers.roots, F_OK), -1);
    assert_int_equal (access (other, F_OK), 0);
}

static void its_directory_is_made_but_no_other (void **state)
{
    char path[128];
    struct stat st;

    (void) state;
    control_close (w);
    snprintf (path, sizeof (path), "%s/a/b/sock", fake.dir);
    assert_int_equal (control_open (w, path, &peers.err), -1);
    assert_int_equal (errno, ENOENT);
    assert_non_null (strstr (peers.err.text, path));
    control_close (w);
    snprintf (path, sizeof (path), "%s/a/sock", fake.dir);
    assert_int_equal (control_open (w, path, &peers.err), 0);
    assert_int_equal (stat (path, &st), 0);
    control_close (w);
    assert_int_equal (stat (path, &st), -1);
}

static void a_path_that_no_socket_can_have_is_refused (void **state)
{
    char path[120];

    (void) state;
    memset (path, 'x', sizeof (path));
    path[108] = '\0';
    assert_int_equal (control_open (w, path, &peers.err), -1);
    assert_int_equal (errno, ENAMETOOLONG);
    assert_non_null (strstr (peers.err.text, "is too long"));
}

#define T(name) cmocka_unit_test_setup_teardown (name, peer_begin, peer_end)

int main (void)
{
    const struct CMUnitTest tests[] = {
        T (a_bad_packet_is_refused_and_the_next_one_served),
        T (a_packet_that_is_too_large_is_refused),
        T (what_nobody_answers_is_named),
        T (a_sentence_that_is_no_text_still_has_its_number),
        T (no_request_leaves_a_descriptor_open),
        T (more_descriptors_than_allowed_are_refused),
        T (who_hangs_up_is_forgotten),
        T (one_user_has_so_many_connections),
        T (each_step_of_root_has_a_connection),
        T (who_is_silent_longest_makes_room),
        T (one_that_does_not_read_its_answers_is_closed),
        T (a_note_reaches_those_who_are_attached),
        T (what_a_request_does_is_told_at_once),
        T (who_says_that_he_is_a_step_must_be_root),
        T (one_that_does_not_read_its_notes_is_closed),
        T (the_batch_step_writes_for_all),
        T (the_batch_step_is_waited_for),
        T (the_batch_script_may_come_second),
        T (a_line_says_whether_its_incident_goes_on),
        T (of_a_step_with_its_own_limit_that_one_hears),
        T (a_step_that_does_not_read_is_closed),
        T (a_step_that_comes_back_hears_what_it_has_missed),
        T (where_the_batch_step_is_it_alone_has_missed_it),
        T (what_is_pending_is_told_before_the_answer),
        T (of_its_own_limit_a_step_hears_when_it_is_back),
        T (everyone_may_connect_to_the_users_socket_alone),
        T (who_is_not_root_is_closed_at_roots_socket),
        T (a_dead_wardens_socket_is_replaced),
        T (a_living_wardens_socket_is_left_alone),
        T (a_file_that_is_no_socket_is_not_removed),
        T (a_reload_does_not_move_the_socket),
        T (its_directory_is_made_but_no_other),
        T (a_path_that_no_socket_can_have_is_refused),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
