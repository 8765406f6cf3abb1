/* What jobs, ps and top show in columns: whatever a job is called, no column moves
 * and no line is longer than the terminal is wide. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "handler/cli/scroll.h"
#include "handler/cli/tables.h"
#include "lib/cleanup.h"

#define LONG_NAME \
    "a-name-that-someone-has-given-his-job-to-see-what-becomes-of-it"

static json_t *_job (const char *key, const char *step)
{
    json_t *job = json_pack ("{s:s,s:i,s:i,s:I,s:I,s:I,s:i}", "key", key, "uid",
                             0, "priority", 100, "used", (json_int_t) 32 << 20,
                             "reservation", (json_int_t) 64 << 20, "limit",
                             (json_int_t) 128 << 20, "lent", 0);

    assert_non_null (job);
    if (step)
        json_object_set_new (job, "incident",
                             json_pack ("{s:s,s:i}", "step", step, "left_ms",
                                        61000));
    return job;
}

/* Line [n] of [text], 0 the heading, in a buffer of its own. */
static const char *_line (const char *text, int n)
{
    static char line[2][256];
    char *to = line[n % 2];

    while (n-- > 0 && (text = strchr (text, '\n')))
        text++;
    assert_non_null (text);
    assert_true (strcspn (text, "\n") < sizeof (line[0]));
    memcpy (to, text, strcspn (text, "\n"));
    to[strcspn (text, "\n")] = '\0';
    return to;
}

static int _lines (const char *text)
{
    int n = 0;

    while ((text = strchr (text, '\n'))) {
        text++;
        n++;
    }
    return n;
}

/* Where [what] stands in [line]. */
static int _place (const char *line, const char *what)
{
    const char *at = strstr (line, what);

    if (!at)
        fail_msg ("\"%s\" has no \"%s\"", line, what);
    return (int) (at - line);
}

static void _top_at (size_t width)
{
    cleanup_json json_t *a = _job ("7", NULL),
                        *b = _job (LONG_NAME, "checkpoint");
    const json_t *order[] = { a, b };
    cleanup_free char *text = tables_top (order, 2, width);

    assert_non_null (text);
    assert_int_equal (_lines (text), 3);
    for (int i = 0; i < 3; i++)
        assert_true (strlen (_line (text, i)) <= width);
    assert_int_equal (_place (_line (text, 1), "["),
                      _place (_line (text, 2), "["));
    assert_int_equal (_place (_line (text, 1), " 32"),
                      _place (_line (text, 2), " 32"));
    _place (_line (text, 1), "|");
    _place (_line (text, 2), "128");
    _place (_line (text, 2), "a-name-");
    _place (_line (text, 2), "checkpoint");
}

static void test_top_keeps_its_columns (void **state)
{
    (void) state;
    _top_at (59);
    _top_at (79);
    _top_at (200);
}

static void test_jobs_without_a_terminal_are_whole (void **state)
{
    cleanup_json json_t *jobs = json_array ();
    cleanup_free char *text = NULL;

    (void) state;
    json_array_append_new (jobs, _job ("7", NULL));
    json_array_append_new (jobs, _job (LONG_NAME, "hold"));
    assert_non_null (text = tables_jobs (jobs, 0));
    assert_int_equal (_lines (text), 3);
    assert_int_equal (_place (_line (text, 1), "7 "), 0);
    assert_int_equal (_place (_line (text, 2), LONG_NAME " "), 0);
    _place (_line (text, 2), "hold, left 61s");
    assert_int_equal (_place (_line (text, 0), "STATE"),
                      _place (_line (text, 1), "running"));
}

static void test_jobs_fit_the_terminal (void **state)
{
    cleanup_json json_t *jobs = json_array ();
    cleanup_free char *text = NULL;

    (void) state;
    json_array_append_new (jobs, _job ("7", NULL));
    json_array_append_new (jobs, _job (LONG_NAME, "hold"));
    assert_non_null (text = tables_jobs (jobs, 80));
    assert_int_equal (_lines (text), 3);
    assert_true (strlen (_line (text, 2)) <= 80);
    _place (_line (text, 2), "hold, left 61s");
}

static void test_no_jobs_are_a_heading (void **state)
{
    cleanup_json json_t *none = json_array ();
    cleanup_free char *jobs = tables_jobs (none, 0);
    cleanup_free char *top = tables_top (NULL, 0, 80);

    (void) state;
    assert_non_null (jobs);
    assert_non_null (top);
    assert_string_equal (jobs, "JOB USER PRIO USED RESERVATION LIMIT STATE\n");
    _place (top, "JOB");
}

static void test_a_command_cannot_reach_the_terminal (void **state)
{
    cleanup_json json_t *list = json_pack ("[{s:i,s:i,s:i,s:s,s:s}]", "pid", 42,
                                           "uid", 0, "rss", 4096, "state", "S",
                                           "command",
                                           "x\033[2Jevil\nroot\t1\xc2\x9b");
    cleanup_free char *text = tables_processes (list, 0);

    (void) state;
    assert_non_null (text);
    assert_int_equal (_lines (text), 2);
    _place (_line (text, 1), "42 ");
    _place (_line (text, 1), "evil");
    for (const char *s = text; *s; s++)
        assert_true (*s == '\n' || (*s >= 0x20 && *s < 0x7f));
}

static void test_a_screen_shows_each_job_of_a_long_list (void **state)
{
    size_t first = 0;

    (void) state;
    /* 201 jobs, 27 at a time */
    for (int i = 0; i < 7; i++)
        first = scroll_to (first, 27, 201, SCROLL_PAGE_DOWN);
    assert_int_equal (first, 174); /* to the last one, and not beyond */
    assert_int_equal (scroll_to (first, 27, 201, SCROLL_DOWN), 174);
    assert_int_equal (scroll_to (first, 27, 201, SCROLL_UP), 173);
    assert_int_equal (scroll_to (5, 27, 201, SCROLL_PAGE_UP), 0);
    assert_int_equal (scroll_to (0, 27, 201, SCROLL_UP), 0);
    assert_int_equal (scroll_to (0, 27, 201, SCROLL_DOWN), 1);
    assert_int_equal (scroll_to (9, 27, 201, SCROLL_HOME), 0);
    assert_int_equal (scroll_to (9, 27, 201, SCROLL_END), 174);
    /* jobs have ended, or the terminal has grown */
    assert_int_equal (scroll_to (174, 27, 100, SCROLL_STAY), 73);
    assert_int_equal (scroll_to (174, 300, 201, SCROLL_STAY), 0);
    assert_int_equal (scroll_to (3, 27, 0, SCROLL_PAGE_DOWN), 0);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_top_keeps_its_columns),
        cmocka_unit_test (test_a_screen_shows_each_job_of_a_long_list),
        cmocka_unit_test (test_jobs_without_a_terminal_are_whole),
        cmocka_unit_test (test_jobs_fit_the_terminal),
        cmocka_unit_test (test_no_jobs_are_a_heading),
        cmocka_unit_test (test_a_command_cannot_reach_the_terminal),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
