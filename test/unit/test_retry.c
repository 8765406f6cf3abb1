/* test_retry.c - --mem-retry as people write it, and a site's cap on it */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/retry.h"
#include "lib/units.h"

static struct mw_retry r;
static struct mw_err err;

static struct mw_retry _of (const char *text)
{
    if (mw_retry_parse (text, &r, &err) < 0)
        fail_msg ("%s: %s", text, err.text);
    return r;
}

static void what_is_written_is_read_and_written_again (void **state)
{
    static const struct {
        const char *text, *again;
    } good[] = {
        { "x1.5", "x1.5,tries=3" },
        { "x2,max=64G,tries=7", "x2,max=64G,tries=7" },
        { "X1,tries=100,max=1536M", "x1,max=1536M,tries=100" },
        { "x100", "x100,tries=3" },
        { "off", "off" },
    };
    char text[MW_RETRY_STRLEN];

    (void) state;
    for (size_t i = 0; i < sizeof (good) / sizeof (good[0]); i++) {
        _of (good[i].text);
        mw_retry_format (&r, text, sizeof (text));
        assert_string_equal (text, good[i].again);
        assert_int_equal (mw_retry_is (&r), good[i].text[0] != 'o');
    }
    r = (struct mw_retry) { 0 };
    assert_string_equal (mw_retry_format (&r, text, sizeof (text)), "");
    assert_false (mw_retry_is (&r));
}

static void what_is_wrong_is_said_with_what_would_be_right (void **state)
{
    static const struct {
        const char *text, *says;
    } bad[] = {
        { "", "write xF" },
        { "x0.5", "write x1 to x100" },
        { "x101", "write x1 to x100" },
        { "xnan", "write x" },
        { "x-2", "write x" },
        { "1.5", "not a factor" },
        { "50%", "not a factor" },
        { "max=1G", "not a factor" },
        { "x2,tries=-1", "1 to 100" },
        { "x2,tries=0", "1 to 100" },
        { "x2,tries=", "1 to 100" },
        { "x2,tries=3x", "1 to 100" },
        { "x2,tries=99999999999999999999", "1 to 100" },
        { "x2,max=", "max=" },
        { "x2,max=64", "max=" },
        { "x2,max=-1G", "max=" },
        { "x2,max=1K", "less than 1M" },
        { "x2,max=1G,max=2G", "twice" },
        { "x2,tries=1,tries=2", "twice" },
        { "x2,", "not known" },
        { "x2,often", "not known" },
        { "off,tries=2", "not a factor" },
        { "x2,max=1G                                                        ",
          "too long" },
    };

    (void) state;
    for (size_t i = 0; i < sizeof (bad) / sizeof (bad[0]); i++) {
        r = (struct mw_retry) { .tries = 4711 };
        if (mw_retry_parse (bad[i].text, &r, &err) == 0)
            fail_msg ("\"%s\" was taken", bad[i].text);
        assert_int_equal (errno, EINVAL);
        if (!strstr (err.text, bad[i].says))
            fail_msg ("\"%s\": %s", bad[i].text, err.text);
        assert_int_equal (r.tries, 4711);
    }
}

static void a_cap_binds_what_is_over_it (void **state)
{
    struct mw_retry cap = _of ("x2,max=8G,tries=2"), wish = _of ("x3,tries=9"),
                    none = { 0 };

    (void) state;
    assert_true (mw_retry_clamp (&wish, &cap));
    assert_true (wish.factor == 2 && wish.max == 8 * MW_GIB && wish.tries == 2);
    wish = _of ("x1.5,max=4G,tries=1");
    assert_false (mw_retry_clamp (&wish, &cap));
    assert_true (wish.max == 4 * MW_GIB);
    /* the site's bound, of one who has said none, is no cut */
    wish = _of ("x2,tries=2");
    assert_false (mw_retry_clamp (&wish, &cap));
    assert_true (wish.max == 8 * MW_GIB);
    wish = _of ("x50,tries=100");
    assert_false (mw_retry_clamp (&wish, &none));
    assert_true (wish.factor == 50);
    cap = _of ("off");
    assert_true (mw_retry_clamp (&wish, &cap));
    assert_false (mw_retry_is (&wish));
    assert_false (mw_retry_clamp (&wish, &cap));
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (what_is_written_is_read_and_written_again),
        cmocka_unit_test (what_is_wrong_is_said_with_what_would_be_right),
        cmocka_unit_test (a_cap_binds_what_is_over_it),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
