/* The spool: requests in order, never half a file, and the answers of an
 * unprivileged courier checked like a stranger's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "handler/spool/spool.h"

static char dir[] = "/tmp/mwt.spool.XXXXXX";
static struct mw_err err;
static struct spool s;

static int open_spool (void **state)
{
    (void) state;
    strcpy (dir + strlen (dir) - 6, "XXXXXX");
    return mkdtemp (dir) ? spool_open (&s, dir, true, geteuid (), &err) : -1;
}

static int remove_spool (void **state)
{
    char cmd[300];

    (void) state;
    spool_close (&s);
    snprintf (cmd, sizeof (cmd), "rm -rf -- '%s'", dir);
    return system (cmd);
}

static struct spool_request _request (uint64_t seq, enum spool_op op)
{
    struct spool_request r = { .job = "12",
                               .slurm_id = 12,
                               .uid = 1000,
                               .op = op,
                               .restart_count = 3,
                               .since_s = 1700000000,
                               .mem_mb = 3072,
                               .max_mb = 4096,
                               .tries = 3,
                               .peak = UINT64_C (5) << 30,
                               .joins = true,
                               .after_end = true,
                               .not_after_ms = 99,
                               .killed_s = 1700000009,
                               .withdrawn = true };

    snprintf (r.text, sizeof (r.text), "it's \"so\" \\ \xc3\xa4");
    spool_make_id (&r, seq);
    return r;
}

static void _put_raw (const char *sub, const char *name, const char *text)
{
    char path[512];
    FILE *f;

    snprintf (path, sizeof (path), "%s/spool/%s/%s", dir, sub, name);
    f = fopen (path, "w");
    assert_non_null (f);
    fputs (text, f);
    fclose (f);
}

/* The next answer there is, or is not: as the warden has it, in no order.
 * Returns 1, 0 (none); -1 with errno. */
static int _take (struct spool_answer *a)
{
    struct spool_pass p;
    char first[256] = "";
    const char *name;

    assert_int_equal (spool_pass_begin (&p, s.ans), 0);
    while ((name = spool_pass_next (&p))) {
        if (name[0] != '.' && (!*first || strcmp (name, first) < 0))
            strcpy (first, name);
    }
    assert_int_equal (p.fd, -1);
    if (!*first)
        return 0;
    return spool_take_answer (&s, first, a, &err) < 0 ? -1 : 1;
}

static unsigned _requests (void)
{
    char (*ids)[SPOOL_ID_MAX];
    int n = spool_list_requests (&s, &ids);

    free (ids);
    assert_true (n >= 0);
    return (unsigned) n;
}

static void a_request_comes_out_as_it_went_in (void **state)
{
    struct spool_request r = _request (1, SPOOL_REQUEUE), q;

    (void) state;
    assert_int_equal (spool_put (&s, &r, &err), 0);
    memset (&q, 0, sizeof (q));
    assert_int_equal (spool_read_request (&s, r.id, &q, &err), 0);
    assert_memory_equal (&q, &r, sizeof (r));
}

static void the_longest_text_fits (void **state)
{
    struct spool_request r = _request (1, SPOOL_COMMENT), q;

    (void) state;
    memset (r.text, '\n', sizeof (r.text) - 1);
    r.text[sizeof (r.text) - 1] = '\0';
    assert_int_equal (spool_put (&s, &r, &err), 0);
    assert_int_equal (spool_read_request (&s, r.id, &q, &err), 0);
    assert_true (strlen (q.text) > 0);
    assert_null (strchr (q.text, '\n'));
}

static void a_jobs_requests_come_in_order (void **state)
{
    static const uint64_t seqs[] = { 10, 9, 100, 2, 1000000000 };
    static const char *const want[] = { "2", "9", "10", "100", "1000000000" };
    char (*ids)[SPOOL_ID_MAX], expected[SPOOL_ID_MAX];

    (void) state;
    for (int i = 0; i < 5; i++) {
        struct spool_request r = _request (seqs[i], SPOOL_NOTIFY);

        assert_int_equal (spool_put (&s, &r, &err), 0);
    }
    assert_int_equal (spool_list_requests (&s, &ids), 5);
    for (int i = 0; i < 5; i++) {
        snprintf (expected, sizeof (expected), "12.%010ld.notify",
                  atol (want[i]));
        assert_string_equal (ids[i], expected);
    }
    free (ids);
}

static void what_is_half_written_is_not_seen (void **state)
{
    struct spool_answer a;

    (void) state;
    _put_raw ("tmp", "12.0000000001.notify", "{\"id\":");
    _put_raw ("ans", ".12.0000000001.notify", "{\"id\":");
    assert_int_equal (_requests (), 0);
    assert_int_equal (_take (&a), 0);
}

static void a_name_that_leaves_the_spool_is_refused (void **state)
{
    struct spool_request r = _request (1, SPOOL_NOTIFY), q;
    struct spool_answer a = { .id = "../../x" };

    (void) state;
    strcpy (r.id, "../../x");
    assert_int_equal (spool_put (&s, &r, &err), -1);
    assert_int_equal (errno, EINVAL);
    assert_int_equal (spool_put_answer (&s, &a, &err), -1);
    assert_int_equal (spool_cancel (&s, "../req"), -1);
    assert_int_equal (spool_read_request (&s, "..", &q, &err), -1);
}

static void an_answer_takes_its_request_away (void **state)
{
    struct spool_request r = _request (1, SPOOL_SUSPEND);
    struct spool_answer a = { .ok = false, .code = 2039, .text = "no \"way\"" },
                        b;

    (void) state;
    assert_int_equal (spool_put (&s, &r, &err), 0);
    strcpy (a.id, r.id);
    assert_int_equal (spool_put_answer (&s, &a, &err), 0);
    assert_int_equal (_requests (), 0);
    assert_int_equal (_take (&b), 1);
    assert_string_equal (b.id, a.id);
    assert_int_equal (b.code, 2039);
    assert_false (b.ok);
    assert_string_equal (b.text, a.text);
    assert_int_equal (_take (&b), 0);
}

static void a_request_can_be_taken_back (void **state)
{
    struct spool_request r = _request (1, SPOOL_SUSPEND);

    (void) state;
    assert_int_equal (spool_put (&s, &r, &err), 0);
    assert_int_equal (spool_cancel (&s, r.id), 0);
    assert_int_equal (spool_cancel (&s, r.id), 0);
    assert_int_equal (_requests (), 0);
}

static void forged_answers_are_refused_and_gone (void **state)
{
    static const char *const forged[] = {
        "",
        "nonsense",
        "[]",
        "{}",
        "{\"id\":\"other\",\"ok\":true}",
        "{\"id\":\"f\",\"ok\":1}",
        "{\"id\":\"f\",\"ok\":true,\"code\":\"x\"}",
        "{\"id\":\"f\",\"ok\":true,\"code\":99999999999}",
        "{\"id\":\"f\",\"ok\":true,\"text\":7}",
    };
    struct spool_answer a = { .id = "untouched" };

    (void) state;
    for (unsigned i = 0; i < sizeof (forged) / sizeof (forged[0]); i++) {
        _put_raw ("ans", "f", forged[i]);
        assert_int_equal (_take (&a), -1);
        assert_int_equal (errno, EPROTO);
        assert_string_equal (a.id, "untouched");
        assert_int_equal (_take (&a), 0);
    }
}

static void control_characters_of_an_answer_are_tamed (void **state)
{
    struct spool_answer a;

    (void) state;
    _put_raw ("ans", "f",
              "{\"id\":\"f\",\"ok\":true,"
              "\"text\":\"\\u001b[2Jx\\ny\"}");
    assert_int_equal (_take (&a), 1);
    assert_string_equal (a.text, "?[2Jx?y");
}

static void links_pipes_and_directories_are_no_answers (void **state)
{
    struct spool_answer a;
    struct stat st;
    char path[512];

    (void) state;
    assert_int_equal (symlinkat ("/etc/passwd", s.ans, "a"), 0);
    assert_int_equal (mkfifoat (s.ans, "b", 0600), 0);
    assert_int_equal (mkdirat (s.ans, "c", 0700), 0);
    snprintf (path, sizeof (path), "%s/secret", dir);
    close (creat (path, 0600));
    assert_int_equal (linkat (AT_FDCWD, path, s.ans, "d", 0), 0);
    for (int i = 0; i < 4; i++) {
        assert_int_equal (_take (&a), -1);
        assert_int_equal (errno, EPROTO);
    }
    assert_int_equal (_take (&a), 0);
    assert_int_equal (stat ("/etc/passwd", &st), 0);
}

static void what_cannot_be_removed_is_refused_and_stays (void **state)
{
    struct spool_answer a;

    (void) state;
    assert_int_equal (mkdirat (s.ans, "a", 0700), 0);
    assert_int_equal (mkdirat (s.ans, "a/full", 0700), 0);
    assert_int_equal (_take (&a), -1);
    assert_int_equal (errno, EPROTO);
    assert_int_equal (spool_drop_answer (&s, "a"), -1);
}

/* A lease's breaking, or a socket's peer, would be waited for. */
static void sockets_and_leased_files_are_no_answers (void **state)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    int sock = socket (AF_UNIX, SOCK_STREAM, 0), fd;
    struct spool_answer a;

    (void) state;
    snprintf (name.sun_path, sizeof (name.sun_path), "%s/spool/ans/a", dir);
    assert_int_equal (bind (sock, (struct sockaddr *) &name, sizeof (name)), 0);
    assert_int_equal (_take (&a), -1);
    assert_int_equal (errno, EPROTO);
    close (sock);
    fd = openat (s.ans, "b", O_WRONLY | O_CREAT, 0600);
    signal (SIGIO, SIG_IGN);
    if (fcntl (fd, F_SETLEASE, F_WRLCK) == 0) {
        assert_int_equal (_take (&a), -1);
        assert_int_equal (errno, EPROTO);
    }
    close (fd);
}

static void a_name_is_taken_apart_from_its_end (void **state)
{
    static const char *const bad[] = {
        "",           "12",
        "12.1",       "12.1.x",
        "12.x.hook",  ".1.hook",
        "1.hook",     "12..hook",
        "12.+1.hook", "12.99999999999999999999.hook",
        "/.1.hook",
    };
    char key[SPOOL_ID_MAX];
    enum spool_op op;
    uint64_t seq;

    (void) state;
    assert_true (
        spool_id_parts ("a.b.0000000012.complete-oom", key, &seq, &op));
    assert_string_equal (key, "a.b");
    assert_int_equal (seq, 12);
    assert_int_equal (op, SPOOL_COMPLETE_OOM);
    for (size_t i = 0; i < sizeof (bad) / sizeof (bad[0]); i++)
        assert_false (spool_id_parts (bad[i], key, &seq, &op));
}

static void an_answer_of_megabytes_is_not_read (void **state)
{
    struct spool_answer a;
    int fd = openat (s.ans, "big", O_WRONLY | O_CREAT, 0600);

    (void) state;
    assert_true (fd >= 0);
    assert_int_equal (ftruncate (fd, 1 << 30), 0);
    close (fd);
    assert_int_equal (_take (&a), -1);
    assert_int_equal (errno, EPROTO);
}

static void the_courier_cannot_read_what_is_being_written (void **state)
{
    struct spool c;
    struct stat st;

    (void) state;
    assert_int_equal (spool_open (&c, dir, false, 0, &err), 0);
    assert_int_equal (c.tmp, -1);
    spool_close (&c);
    assert_int_equal (fstat (s.tmp, &st), 0);
    assert_int_equal (st.st_mode & 07777, 0700);
    assert_int_equal (fstat (s.ans, &st), 0);
    assert_int_equal (st.st_mode & 07777, 0700);
    assert_int_equal (spool_open (&c, "/nonexistent", false, 0, &err), -1);
    assert_non_null (strstr (err.text, "/nonexistent"));
}

#define T(f) cmocka_unit_test_setup_teardown (f, open_spool, remove_spool)

/* A courier in a process of its own, with a worker: both end when [stop] is
 * closed. */
static pid_t _courier (int *stop)
{
    struct spool_courier self;
    struct spool own;
    int ready[2], end[2];
    pid_t pid;
    char c;

    assert_int_equal (pipe (ready) | pipe (end), 0);
    pid = fork ();
    if (pid == 0) {
        close (end[1]);
        if (spool_open (&own, dir, false, 0, &err) < 0 ||
            spool_claim (&own, &self, &err) < 0)
            _exit (1);
        snprintf (self.trouble, sizeof (self.trouble), "no \"%u\"",
                  self.restarts);
        spool_claim_say (&own, &self);
        /* and a worker, which does not keep the claim */
        if (fork () > 0 && write (ready[1], "", 1) != 1)
            _exit (1);
        _exit (read (end[0], &c, 1) != 0);
    }
    close (ready[1]);
    close (end[0]);
    assert_int_equal (read (ready[0], &c, 1), 1);
    close (ready[0]);
    *stop = end[1];
    return pid;
}

static void a_courier_is_there_as_long_as_its_process (void **state)
{
    struct spool_courier c;
    pid_t pid, seen = 0;
    int stop;
    uid_t uid;

    (void) state;
    assert_false (spool_courier_alive (&s, NULL));
    assert_int_equal (spool_courier_read (&s, &c, &uid), -1);
    assert_int_equal (errno, ENOENT);
    for (unsigned i = 0; i < 2; i++) {
        pid = _courier (&stop);
        assert_true (spool_courier_alive (&s, &seen));
        assert_int_equal (seen, pid);
        assert_int_equal (spool_claim (&s, &c, &err), -1);
        assert_int_equal (errno, EBUSY);
        assert_int_equal (spool_courier_read (&s, &c, &uid), 0);
        assert_int_equal (c.restarts, i);
        assert_string_equal (c.trouble, i == 0 ? "no \"0\"" : "no \"1\"");
        assert_int_equal (uid, geteuid ());
        assert_int_equal (kill (pid, SIGKILL), 0);
        assert_int_equal (waitpid (pid, NULL, 0), pid);
        assert_false (spool_courier_alive (&s, NULL));
        close (stop);
    }
}

static void what_the_courier_says_is_a_strangers (void **state)
{
    static const char *const bad[] = {
        "",
        "{}",
        "[1]",
        "{\"since\":1,\"restarts\":-1,\"trouble\":\"\"}",
        "{\"since\":\"x\",\"restarts\":1,\"trouble\":\"\"}",
    };
    struct spool_courier c;
    char path[300];
    uid_t uid;

    (void) state;
    for (size_t i = 0; i < sizeof (bad) / sizeof (bad[0]); i++) {
        _put_raw ("ans", ".courier", bad[i]);
        assert_int_equal (spool_courier_read (&s, &c, &uid), -1);
    }
    _put_raw ("ans", ".courier",
              "{\"since\":1,\"restarts\":1,\"trouble\":\"a\\nb\"}");
    assert_int_equal (spool_courier_read (&s, &c, &uid), 0);
    assert_string_equal (c.trouble, "a?b");
    snprintf (path, sizeof (path), "%s/spool/ans/.courier", dir);
    assert_int_equal (unlink (path), 0);
    assert_int_equal (mkfifo (path, 0600), 0);
    assert_int_equal (spool_courier_read (&s, &c, &uid), -1);
    assert_false (spool_courier_alive (&s, NULL));
}

static const char *_story_of (const char *id)
{
    static char text[SPOOL_STORY_MAX + (128 << 10)];
    char *json = spool_read_story (&s, id, &err);

    assert_non_null (json);
    assert_true (strlen (json) < sizeof (text));
    strcpy (text, json);
    free (json);
    return text;
}

static void a_story_is_posted_with_its_request (void **state)
{
    struct spool_request r = _request (1, SPOOL_WEBHOOK), q;

    (void) state;
    strcpy (r.text, "{\"event\":\"resolved\"}");
    spool_story (&s, "12.1.story", "{\"old\":1}", 9, true, false);
    assert_int_equal (spool_story (&s, "12.1.story", "{\"a\":1}", 7, true,
                                   false),
                      0);
    assert_int_equal (spool_story (&s, "12.1.story", "{\"b\":2}", 7, false,
                                   true),
                      0);
    assert_int_equal (spool_put_story (&s, &r, "12.1.story", &err), 0);
    assert_int_equal (spool_read_request (&s, r.id, &q, &err), 0);
    assert_memory_equal (&q, &r, sizeof (r));
    assert_string_equal (_story_of (r.id), "{\"event\":\"resolved\","
                                           "\"story\":[{\"a\":1},{\"b\":2}]}");
}

static void a_story_may_be_empty (void **state)
{
    struct spool_request r = _request (1, SPOOL_WEBHOOK);

    (void) state;
    strcpy (r.text, "{}");
    assert_int_equal (spool_put_story (&s, &r, "12.1.story", &err), 0);
    assert_string_equal (_story_of (r.id), "{\"story\":[]}");
}

static void of_a_long_story_the_end_is_told (void **state)
{
    struct spool_request r = _request (1, SPOOL_WEBHOOK);
    char record[1000] = "{\"x\":\"";
    const char *text;

    (void) state;
    strcpy (r.text, "{}");
    memset (record + 6, 'x', sizeof (record) - 8);
    memcpy (record + sizeof (record) - 2, "\"}", 2);
    for (int i = 0; i < 1000; i++)
        assert_int_equal (spool_story (&s, "12.1.story", record,
                                       sizeof (record), i == 0, false),
                          0);
    assert_int_equal (spool_story (&s, "12.1.story", "{\"end\":1}", 9, false,
                                   true),
                      0);
    assert_int_equal (spool_put_story (&s, &r, "12.1.story", &err), 0);
    text = _story_of (r.id);
    assert_true (strlen (text) > SPOOL_STORY_MAX &&
                 strlen (text) < SPOOL_STORY_MAX + 2000);
    assert_non_null (strstr (text, "is left out\"},{\"end\":1}]}"));
}

static void what_has_no_story_is_not_posted (void **state)
{
    (void) state;
    _put_raw ("req", "12.1.webhook", "{\"text\":\"{}\",\"story\":1}");
    assert_null (spool_read_story (&s, "12.1.webhook", &err));
    assert_int_equal (errno, EPROTO);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        T (a_request_comes_out_as_it_went_in),
        T (the_longest_text_fits),
        T (a_story_is_posted_with_its_request),
        T (a_story_may_be_empty),
        T (of_a_long_story_the_end_is_told),
        T (what_has_no_story_is_not_posted),
        T (a_jobs_requests_come_in_order),
        T (what_is_half_written_is_not_seen),
        T (a_name_that_leaves_the_spool_is_refused),
        T (an_answer_takes_its_request_away),
        T (a_request_can_be_taken_back),
        T (forged_answers_are_refused_and_gone),
        T (control_characters_of_an_answer_are_tamed),
        T (links_pipes_and_directories_are_no_answers),
        T (what_cannot_be_removed_is_refused_and_stays),
        T (sockets_and_leased_files_are_no_answers),
        T (a_name_is_taken_apart_from_its_end),
        T (an_answer_of_megabytes_is_not_read),
        T (the_courier_cannot_read_what_is_being_written),
        T (a_courier_is_there_as_long_as_its_process),
        T (what_the_courier_says_is_a_strangers),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
