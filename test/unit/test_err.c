/* Errors are sentences; hostile bytes in them are tamed; errno is kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "lib/err.h"

static void control_characters_become_question_marks (void **state)
{
    struct mw_err err;

    (void) state;
    errno = ENOENT;
    assert_int_equal (mw_err_set (&err, "job %s", "\033[31mroot\r"), -1);
    assert_string_equal (err.text, "job ?[31mroot?");
    assert_int_equal (errno, ENOENT);
}

static void a_code_is_set_behind_its_arguments (void **state)
{
    struct mw_err err;

    (void) state;
    errno = 0;
    assert_int_equal (mw_err_code (&err, ESRCH, "no job %d%s", 12,
                                   (errno = EIO) ? "" : "!"),
                      -1);
    assert_string_equal (err.text, "no job 12");
    assert_int_equal (errno, ESRCH);
    assert_int_equal (mw_err_code (NULL, EPERM, "not yours"), -1);
    assert_int_equal (errno, EPERM);
}

static void errno_and_prefix_are_added (void **state)
{
    struct mw_err err;

    (void) state;
    errno = ENOENT;
    mw_err_errno (&err, "cannot open %s", "/x");
    mw_err_prefix (&err, "job %d", 12);
    assert_string_equal (err.text,
                         "job 12: cannot open /x: No such file or directory");
}

static void a_long_sentence_is_cut_and_null_is_allowed (void **state)
{
    char big[2 * MW_ERR_MAX];
    struct mw_err err;

    (void) state;
    memset (big, 'x', sizeof (big));
    big[sizeof (big) - 1] = '\0';
    mw_err_set (&err, "%s", big);
    assert_int_equal (strlen (err.text), MW_ERR_MAX - 1);
    assert_int_equal (mw_err_set (NULL, "%s", big), -1);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (control_characters_become_question_marks),
        cmocka_unit_test (a_code_is_set_behind_its_arguments),
        cmocka_unit_test (errno_and_prefix_are_added),
        cmocka_unit_test (a_long_sentence_is_cut_and_null_is_allowed),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
