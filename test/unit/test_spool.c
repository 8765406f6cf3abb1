/* The spool: requests in order, never half a file, and the answers of an
 * unprivileged courier checked like a stranger's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "handler/spool.h"

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
    struct spool_request r = { .job = "12", .slurm_id = 12, .op = op,
                               .restart_count = 3, .mem_mb = 3072,
                               .not_after_ms = 99 };

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
    char id[SPOOL_ID_MAX] = "", expected[SPOOL_ID_MAX];

    (void) state;
    for (int i = 0; i < 5; i++) {
        struct spool_request r = _request (seqs[i], SPOOL_NOTIFY);

        assert_int_equal (spool_put (&s, &r, &err), 0);
    }
    for (int i = 0; i < 5; i++) {
        snprintf (expected, sizeof (expected), "12.%010ld.notify",
                  atol (want[i]));
        assert_int_equal (spool_next_request (&s, id, id), 1);
        assert_string_equal (id, expected);
    }
    assert_int_equal (spool_next_request (&s, id, id), 0);
}

static void what_is_half_written_is_not_seen (void **state)
{
    struct spool_answer a;
    char id[SPOOL_ID_MAX];

    (void) state;
    _put_raw ("tmp", "12.0000000001.notify", "{\"id\":");
    _put_raw ("ans", ".12.0000000001.notify", "{\"id\":");
    assert_int_equal (spool_next_request (&s, "", id), 0);
    assert_int_equal (spool_take_answer (&s, &a, &err), 0);
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
    struct spool_answer a = { .ok = false, .code = 2039,
                              .text = "no \"way\"" }, b;
    char id[SPOOL_ID_MAX];

    (void) state;
    assert_int_equal (spool_put (&s, &r, &err), 0);
    strcpy (a.id, r.id);
    assert_int_equal (spool_put_answer (&s, &a, &err), 0);
    assert_int_equal (spool_next_request (&s, "", id), 0);
    assert_int_equal (spool_take_answer (&s, &b, &err), 1);
    assert_string_equal (b.id, a.id);
    assert_int_equal (b.code, 2039);
    assert_false (b.ok);
    assert_string_equal (b.text, a.text);
    assert_int_equal (spool_take_answer (&s, &b, &err), 0);
}

static void a_request_can_be_taken_back (void **state)
{
    struct spool_request r = _request (1, SPOOL_SUSPEND);
    char id[SPOOL_ID_MAX];

    (void) state;
    assert_int_equal (spool_put (&s, &r, &err), 0);
    assert_int_equal (spool_cancel (&s, r.id), 0);
    assert_int_equal (spool_cancel (&s, r.id), 0);
    assert_int_equal (spool_next_request (&s, "", id), 0);
}

static void forged_answers_are_refused_and_gone (void **state)
{
    static const char *const forged[] = {
        "", "nonsense", "[]", "{}", "{\"id\":\"other\",\"ok\":true}",
        "{\"id\":\"f\",\"ok\":1}", "{\"id\":\"f\",\"ok\":true,\"code\":\"x\"}",
        "{\"id\":\"f\",\"ok\":true,\"code\":99999999999}",
        "{\"id\":\"f\",\"ok\":true,\"text\":7}",
    };
    struct spool_answer a = { .id = "untouched" };

    (void) state;
    for (unsigned i = 0; i < sizeof (forged) / sizeof (forged[0]); i++) {
        _put_raw ("ans", "f", forged[i]);
        assert_int_equal (spool_take_answer (&s, &a, &err), -1);
        assert_int_equal (errno, EPROTO);
        assert_string_equal (a.id, "untouched");
        assert_int_equal (spool_take_answer (&s, &a, &err), 0);
    }
}

static void control_characters_of_an_answer_are_tamed (void **state)
{
    struct spool_answer a;

    (void) state;
    _put_raw ("ans", "f", "{\"id\":\"f\",\"ok\":true,"
              "\"text\":\"\\u001b[2Jx\\ny\"}");
    assert_int_equal (spool_take_answer (&s, &a, &err), 1);
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
        assert_int_equal (spool_take_answer (&s, &a, &err), -1);
        assert_int_equal (errno, EPROTO);
    }
    assert_int_equal (spool_take_answer (&s, &a, &err), 0);
    assert_int_equal (stat ("/etc/passwd", &st), 0);
}

static void what_cannot_be_removed_does_not_stand_in_the_way (void **state)
{
    struct spool_answer a = { .id = "z", .ok = true };

    (void) state;
    assert_int_equal (mkdirat (s.ans, "a", 0700), 0);
    assert_int_equal (mkdirat (s.ans, "a/full", 0700), 0);
    assert_int_equal (spool_put_answer (&s, &a, &err), 0);
    assert_int_equal (spool_take_answer (&s, &a, &err), 1);
    assert_string_equal (a.id, "z");
    assert_int_equal (spool_take_answer (&s, &a, &err), 0);
}

static void an_answer_of_megabytes_is_not_read (void **state)
{
    struct spool_answer a;
    int fd = openat (s.ans, "big", O_WRONLY | O_CREAT, 0600);

    (void) state;
    assert_true (fd >= 0);
    assert_int_equal (ftruncate (fd, 1 << 30), 0);
    close (fd);
    assert_int_equal (spool_take_answer (&s, &a, &err), -1);
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

int main (void)
{
    const struct CMUnitTest tests[] = {
        T (a_request_comes_out_as_it_went_in),
        T (the_longest_text_fits),
        T (a_jobs_requests_come_in_order),
        T (what_is_half_written_is_not_seen),
        T (a_name_that_leaves_the_spool_is_refused),
        T (an_answer_takes_its_request_away),
        T (a_request_can_be_taken_back),
        T (forged_answers_are_refused_and_gone),
        T (control_characters_of_an_answer_are_tamed),
        T (links_pipes_and_directories_are_no_answers),
        T (what_cannot_be_removed_does_not_stand_in_the_way),
        T (an_answer_of_megabytes_is_not_read),
        T (the_courier_cannot_read_what_is_being_written),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
