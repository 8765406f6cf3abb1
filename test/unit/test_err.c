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

static void what_steers_a_terminal_is_tamed (void **state)
{
    static const struct {
        const char *text, *tame;
    } all[] = {
        { "plain \xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80", NULL },
        { "\xff latin \xe4 is no UTF-8", NULL },
        { "a\x1b[2Jb\x7f\tc", "a?[2Jb??c" },
        { "C1 \xc2\x9b"
          "31m",
          "C1 ??31m" }, /* CSI as UTF-8, and as a byte */
        { "C1 \x9b"
          "31m \x90",
          "C1 ?31m ?" },
        { "bidi \xe2\x80\xae"
          "exe.txt\xe2\x80\xac",
          "bidi ???exe.txt???" },
        { "isolate \xe2\x81\xa6.\xe2\x81\xa9", "isolate ???.???" },
        { "marks \xe2\x80\x8e\xe2\x80\x8f\xd8\x9c", "marks ????????" },
        { "lines \xe2\x80\xa8\xe2\x80\xa9\xef\xbb\xbf", "lines ?????????" },
        { "cut \xe2\x80", "cut \xe2?" },
    };

    (void) state;
    for (size_t i = 0; i < sizeof (all) / sizeof (all[0]); i++) {
        struct mw_err err;
        char text[64];

        strcpy (text, all[i].text);
        mw_tame (text, "");
        assert_string_equal (text, all[i].tame ? all[i].tame : all[i].text);
        mw_err_set (&err, "%s", all[i].text);
        assert_string_equal (err.text, text);
    }
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (control_characters_become_question_marks),
        cmocka_unit_test (what_steers_a_terminal_is_tamed),
        cmocka_unit_test (a_code_is_set_behind_its_arguments),
        cmocka_unit_test (errno_and_prefix_are_added),
        cmocka_unit_test (a_long_sentence_is_cut_and_null_is_allowed),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
