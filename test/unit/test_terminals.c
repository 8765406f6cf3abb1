/* Who is told at his terminals that a job is held, of what, how often, and where */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "handler/scribe/terminals.h"
#include "lib/cleanup.h"

static char text[TERMINALS_TEXT];

static json_t *_held (const char *trigger, const char *step)
{
    return json_pack ("{s:s,s:s,s:i,s:s,s:s,s:I,s:{s:{s:I,s:I}}}", "event",
                      "held", "job", "12", "uid", 1000, "trigger", trigger,
                      "step", step, "limit", (json_int_t) 64 << 20, "st",
                      "incident", "step_ms", (json_int_t) 5000, "deadline_ms",
                      (json_int_t) 605000);
}

static void a_job_held_at_its_limit_is_told (void **state)
{
    cleanup_json json_t *job = _held ("job", "hold");
    cleanup_json json_t *node = _held ("node", "hold");

    (void) state;
    assert_true (terminals_text (job, text));
    assert_string_equal (text, "memwarden: job 12 has reached its limit of "
                               "64.0 MiB and is held for 10m; to see more, and "
                               "decide: memwarden look 12\r\n");
    assert_true (terminals_text (node, text));
    assert_non_null (strstr (text, "has to give memory back to the node and is "
                                   "held for 10m"));
}

static void one_held_by_another_is_told (void **state)
{
    cleanup_json json_t *note = json_pack ("{s:s,s:s,s:i,s:s,s:i}", "event",
                                           "note", "job", "12", "uid", 1000,
                                           "trigger", "admin", "by", 0);

    (void) state;
    assert_true (terminals_text (note, text));
    assert_non_null (strstr (text, "job 12 is held by uid 0; to see more"));
    json_object_set_new (note, "by", json_integer (1000));
    assert_false (terminals_text (note, text));
}

static void nothing_else_is (void **state)
{
    cleanup_json json_t *admin = _held ("admin", "hold");
    cleanup_json json_t *leaves = _held ("job", "requeue");
    cleanup_json json_t *other = json_pack ("{s:s,s:s,s:s,s:s}", "event",
                                            "step", "trigger", "job", "step",
                                            "hold", "job", "12");
    cleanup_json json_t *none = json_object ();

    (void) state;
    assert_false (terminals_text (admin, text));
    assert_false (terminals_text (leaves, text));
    assert_false (terminals_text (other, text));
    assert_false (terminals_text (none, text));
    assert_false (terminals_text (NULL, text));
}

static void no_terminal_is_steered (void **state)
{
    cleanup_json json_t *job = _held ("job", "hold");
    char name[512];

    (void) state;
    json_object_set_new (job, "job", json_string ("\e[31m\r\nred"));
    assert_true (terminals_text (job, text));
    assert_null (strchr (text, '\e'));
    assert_ptr_equal (strchr (text, '\r'), text + strlen (text) - 2);
    memset (name, 'x', sizeof (name) - 1);
    name[sizeof (name) - 1] = '\0';
    json_object_set_new (job, "job", json_string (name));
    assert_true (terminals_text (job, text));
    assert_true (strlen (text) < sizeof (text));
    assert_string_equal (text + strlen (text) - 2, "\r\n");
}

static void only_terminals_are_lines (void **state)
{
    static const char *const good[] = { "pts/0", "pts/1234", "tty1", "ttyS0",
                                        "ttyUSB0" };
    static const char *const bad[] = {
        "",           "pts/",     "pts/ptmx",  "pts/../kmsg", "tty",
        "tty/../sda", "../tmp/x", "/dev/tty1", "shm/fifo",    "kmsg",
        "sda",        ":0",       "ssh",       "pts/1 "
    };

    (void) state;
    for (size_t i = 0; i < sizeof (good) / sizeof (good[0]); i++)
        assert_true (terminals_is_line (good[i]));
    for (size_t i = 0; i < sizeof (bad) / sizeof (bad[0]); i++)
        assert_false (terminals_is_line (bad[i]));
}

static void a_user_is_told_once_in_a_while (void **state)
{
    struct terminals t = { 0 };

    (void) state;
    assert_true (terminals_due (&t, 1000, 5000));
    assert_false (terminals_due (&t, 1000, 5000 + TERMINALS_MS - 1));
    assert_true (terminals_due (&t, 0, 6000));
    assert_true (terminals_due (&t, 1000, 5000 + TERMINALS_MS));
    assert_false (terminals_due (&t, 1000, 5000 + TERMINALS_MS));
}

static void so_many_users_are_told_at_a_time (void **state)
{
    struct terminals t = { 0 };

    (void) state;
    for (uid_t i = 0; i < TERMINALS_USERS; i++)
        assert_true (terminals_due (&t, i, 5000));
    assert_false (terminals_due (&t, TERMINALS_USERS, 5001));
    assert_true (terminals_due (&t, TERMINALS_USERS, 5000 + TERMINALS_MS));
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (a_job_held_at_its_limit_is_told),
        cmocka_unit_test (one_held_by_another_is_told),
        cmocka_unit_test (nothing_else_is),
        cmocka_unit_test (no_terminal_is_steered),
        cmocka_unit_test (only_terminals_are_lines),
        cmocka_unit_test (a_user_is_told_once_in_a_while),
        cmocka_unit_test (so_many_users_are_told_at_a_time),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
