/* test_often.c - a job that has one incident after the other */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "handler/policy/often.h"

#define BEGIN 1000000

static void one_now_and_then_is_told (void **state)
{
    struct often o = { .on = false };

    (void) state;
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal (often_incident (&o, BEGIN + i * 6001), OFTEN_TELL);
    assert_int_equal (often_keep_ms (&o), 0);
    assert_int_equal (often_take_untold (&o), 0);
}

static void of_many_one_is_told_now_and_then (void **state)
{
    unsigned told = 0, begun = 0, skipped = 0, summed = 0;
    struct often o = { .on = false };

    (void) state;
    /* ten a second, for 100 s */
    for (unsigned i = 0; i < 1000; i++) {
        switch (often_incident (&o, BEGIN + i * 100)) {
        case OFTEN_TELL:
            told++;
            summed += often_take_untold (&o);
            break;
        case OFTEN_BEGIN:
            begun++;
            break;
        case OFTEN_SKIP:
            skipped++;
            break;
        }
    }
    assert_int_equal (begun, 1);
    assert_int_equal (told, OFTEN_INCIDENTS + 9);
    assert_int_equal (told + begun + skipped, 1000);
    assert_int_equal (summed + often_take_untold (&o), skipped);
    assert_int_equal (often_keep_ms (&o), OFTEN_KEEP_MS);
}

static void when_it_is_calm_again_each_is_told (void **state)
{
    struct often o = { .on = false };
    uint64_t now = BEGIN;

    (void) state;
    for (unsigned i = 0; i < 100; i++)
        often_incident (&o, now++);
    assert_int_equal (often_incident (&o, now + OFTEN_WITHIN_MS + 1),
                      OFTEN_TELL);
    assert_int_equal (often_keep_ms (&o), 0);
    assert_int_equal (often_take_untold (&o), 100 - OFTEN_INCIDENTS - 1);
    /* and it is said again if it begins again */
    now += 2 * OFTEN_WITHIN_MS;
    for (unsigned i = 0; i < OFTEN_INCIDENTS; i++)
        assert_int_equal (often_incident (&o, now++), OFTEN_TELL);
    assert_int_equal (often_incident (&o, now), OFTEN_BEGIN);
}

static void one_that_is_told_after_all_is_not_counted (void **state)
{
    struct often o = { .on = false };

    (void) state;
    for (unsigned i = 0; i < OFTEN_INCIDENTS + 3; i++)
        often_incident (&o, BEGIN + i);
    often_tell_it (&o);
    assert_int_equal (often_take_untold (&o), 1);
    often_tell_it (&o);
    assert_int_equal (often_take_untold (&o), 0);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (one_now_and_then_is_told),
        cmocka_unit_test (of_many_one_is_told_now_and_then),
        cmocka_unit_test (when_it_is_calm_again_each_is_told),
        cmocka_unit_test (one_that_is_told_after_all_is_not_counted),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
