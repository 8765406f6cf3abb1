/* The warden takes of its desk, whatever has become of that, only what is a wish. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "handler/pass/pass.h"

static struct pass_wish wish;

static int fresh (void **state)
{
    (void) state;
    wish = (struct pass_wish) { .kind = PASS_SET,
                                .uid = 1000,
                                .has_limit = true,
                                .job = "12",
                                .ladder = "kill" };
    return 0;
}

static bool _is_good (void)
{
    return pass_wish_is_good (&wish, sizeof (wish));
}

static void only_the_desk_s_kinds_are_wishes (void **state)
{
    (void) state;
    for (wish.kind = PASS_HOLD; wish.kind <= PASS_NEW; wish.kind++)
        assert_true (_is_good ());
    for (; wish.kind <= PASS_NOTE; wish.kind++)
        assert_false (_is_good ());
    wish.kind = 0;
    assert_false (_is_good ());
}

static void it_is_of_one_size (void **state)
{
    (void) state;
    assert_false (pass_wish_is_good (&wish, sizeof (wish) - 1));
    assert_false (pass_wish_is_good (&wish, 0));
}

static void its_texts_end (void **state)
{
    (void) state;
    memset (wish.job, '1', sizeof (wish.job));
    assert_false (_is_good ());
    wish.job[sizeof (wish.job) - 1] = '\0';
    assert_true (_is_good ());
    memset (wish.ladder, 'k', sizeof (wish.ladder));
    assert_false (_is_good ());
}

/* What such a byte means in an `if` is the compiler's to choose. */
static void its_flags_are_yes_or_no (void **state)
{
    bool *const flags[] = { &wish.has_limit, &wish.has_priority,
                            &wish.has_ladder, &wish.old };

    for (size_t i = 0; i < sizeof (flags) / sizeof (flags[0]); i++) {
        fresh (state);
        memset (flags[i], 1, 1);
        assert_true (_is_good ());
        memset (flags[i], 254, 1);
        assert_false (_is_good ());
    }
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup (only_the_desk_s_kinds_are_wishes, fresh),
        cmocka_unit_test_setup (it_is_of_one_size, fresh),
        cmocka_unit_test_setup (its_texts_end, fresh),
        cmocka_unit_test_setup (its_flags_are_yes_or_no, fresh),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
