/* When the node is looked at next, and what PSI needs beside it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "handler/policy/signs.h"
#include "lib/units.h"

#define M(n) ((n) *MW_MIB)

static void the_next_look_is_never_later_than_memory_could_be_used (void **s)
{
    struct signs_fall f = { 0 };
    uint64_t above, reserve, rate, ms;

    (void) s;
    srand (20261121);
    for (int i = 0; i < 1000000; i++) {
        above = (uint64_t) rand () * (uint64_t) (rand () % 64);
        reserve = (uint64_t) rand () * (uint64_t) (1 + rand () % 8);
        rate = (uint64_t) (rand () % 100000000);
        f.falling = rand () % 2;
        ms = signs_next_look (&f, rate, above, reserve);
        assert_true (ms >= 5 && ms <= 5000);
        if (ms > 5 && f.falling)
            assert_true (ms * rate <= above);
        if (ms > 5)
            assert_true (ms * rate <= above + reserve / 4);
    }
}

static void looks_become_rare_where_nothing_falls (void **state)
{
    struct signs_fall f = { .falling = true };

    (void) state;
    assert_int_equal (signs_next_look (&f, M (1), M (7), M (40000)), 7);
    f.falling = false;
    assert_int_equal (signs_next_look (&f, M (1), M (7), M (40000)), 14);
    assert_int_equal (signs_next_look (&f, M (1), M (7), M (40000)), 28);
    for (int i = 0; i < 10; i++)
        signs_next_look (&f, M (1), M (7), M (40000));
    assert_int_equal (f.look_ms, 5000);
    assert_int_equal (signs_next_look (&f, 0, UINT64_MAX, UINT64_MAX), 5000);
    /* of a small reserve a quarter lasts 6 ms */
    assert_int_equal (signs_next_look (&f, M (1), 0, M (24)), 6);
}

static void the_fastest_fall_is_remembered (void **state)
{
    struct signs_fall f = { 0 };

    (void) state;
    signs_learn (&f, 1000, M (1000));
    assert_int_equal (f.rate, 0);
    signs_learn (&f, 1010, M (900));
    assert_int_equal (f.rate, M (10));
    signs_learn (&f, 1110, M (800));  /* slower */
    signs_learn (&f, 1120, M (2000)); /* freed */
    assert_int_equal (f.rate, M (10));
    signs_learn (&f, 1121, M (1950));
    assert_int_equal (f.rate, M (50));
}

/* A leak of 40 MiB/s in huge pages: 2 MiB each 50 ms, and looks each 5 ms. */
static void a_fall_in_steps_is_a_fall (void **state)
{
    struct signs_fall f = { 0 };

    (void) state;
    for (unsigned ms = 0; ms < 500; ms += 5) {
        signs_learn (&f, 1000 + ms, M (1000) - ms / 50 * M (2));
        assert_int_equal (f.falling, ms >= 50);
    }
    signs_learn (&f, 3000, M (982));
    assert_false (f.falling);
    signs_learn (&f, 3005, M (982) - 100 * MW_KIB); /* noise */
    assert_false (f.falling);
}

static void a_fall_that_swap_takes_up_is_still_a_fall (void **state)
{
    struct signs_fall f = { 0 };

    (void) state;
    /* MemAvailable stands at 100M while swap is filled */
    signs_learn (&f, 1000, M (100) + M (512));
    signs_learn (&f, 1100, M (100) + M (112));
    assert_int_equal (f.rate, M (4));
}

static void a_clock_that_jumps_teaches_nothing_wrong (void **state)
{
    struct signs_fall f = { 0 };

    (void) state;
    signs_learn (&f, 10000, M (1000));
    signs_learn (&f, 10000, M (10)); /* stands still */
    signs_learn (&f, 500, M (900));  /* back */
    assert_int_equal (f.rate, 0);
    signs_learn (&f, 600, M (800)); /* goes on from there */
    assert_int_equal (f.rate, M (1));
    signs_learn (&f, 600 + 3600000, M (100)); /* the node slept an hour */
    assert_int_equal (f.rate, M (1));
    signs_learn (&f, UINT64_MAX, M (50));
    assert_int_equal (f.rate, M (1));
}

static struct policy_node _node (void)
{
    return (struct policy_node) {
        .capacity = M (1600),
        .reserve = M (100),
        .available = M (800),
        .swap_total = M (160),
        .swap_free = M (160),
    };
}

static void psi_alone_needs_nothing (void **state)
{
    struct policy_node n = _node ();
    struct signs_stall s = { 0 };
    uint64_t need = 1;

    (void) state;
    assert_int_equal (signs_second (&n, &s, &need), SIGNS_NONE);
    assert_int_equal (need, 0);
    /* a memcg that thrashes at its own limit: the node does not look */
    s = (struct signs_stall) { .ms = 1000, .refaulted = M (5000) };
    n.available = M (120);
    n.swap_free = 0;
    assert_int_equal (signs_second (&n, &s, &need), SIGNS_NONE);
    assert_int_equal (need, 0);
    /* the node has looked for some pages: that happens on any good day */
    n = _node ();
    n.available = M (300);
    s = (struct signs_stall) { .ms = 1000,
                               .scanned = 5000,
                               .refaulted = M (1) };
    assert_int_equal (signs_second (&n, &s, &need), SIGNS_NONE);
    /* nor is it short of anything while a quarter of it is available */
    n.available = M (400);
    n.swap_free = 0;
    s.refaulted = M (5000);
    assert_int_equal (signs_second (&n, &s, &need), SIGNS_NONE);
}

static void psi_and_a_second_sign_need_something (void **state)
{
    struct signs_stall s = { .ms = 1000, .scanned = 10 };
    struct policy_node n = _node ();
    uint64_t need;

    (void) state;
    n.available = M (120);
    assert_int_equal (signs_second (&n, &s, &need), SIGNS_AVAILABLE);
    assert_int_equal (need, M (30));
    /* close to a large reserve is what is close to it, not half as much again */
    n.reserve = M (800);
    n.available = M (899);
    assert_int_equal (signs_second (&n, &s, &need), SIGNS_AVAILABLE);
    assert_int_equal (need, M (1));
    n.available = M (900);
    assert_int_equal (signs_second (&n, &s, &need), SIGNS_NONE);
    n.capacity = n.reserve = M (64) * 1024;
    n.available = n.reserve + M (1023);
    assert_int_equal (signs_second (&n, &s, &need), SIGNS_AVAILABLE);
    n.available = n.reserve + M (1024);
    assert_int_equal (signs_second (&n, &s, &need), SIGNS_NONE);
    n = _node ();
    n.available = M (399);
    n.swap_free = M (9);
    assert_int_equal (signs_second (&n, &s, &need), SIGNS_SWAP);
    assert_int_equal (need, M (100));
    n.swap_total = n.swap_free = 0; /* none is not full */
    assert_int_equal (signs_second (&n, &s, &need), SIGNS_NONE);
    s.refaulted = M (30);
    assert_int_equal (signs_second (&n, &s, &need), SIGNS_REFAULTS);
    assert_int_equal (need, M (100));
}

static void a_livelock_is_a_full_limit_that_turns_over (void **state)
{
    (void) state;
    assert_true (signs_livelock (M (63), M (64), M (64), M (20), 1000));
    /* there is room for file pages */
    assert_false (signs_livelock (M (48), M (64), M (64), M (200), 1000));
    /* it is full of what is used, and nothing is read in again */
    assert_false (signs_livelock (M (63), M (64), M (64), 4096, 1000));
    /* below its limit */
    assert_false (signs_livelock (M (60), M (60), M (64), M (200), 1000));
    assert_false (signs_livelock (M (63), M (64), M (64), M (20), 0));
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (
            the_next_look_is_never_later_than_memory_could_be_used),
        cmocka_unit_test (looks_become_rare_where_nothing_falls),
        cmocka_unit_test (the_fastest_fall_is_remembered),
        cmocka_unit_test (a_fall_in_steps_is_a_fall),
        cmocka_unit_test (a_fall_that_swap_takes_up_is_still_a_fall),
        cmocka_unit_test (a_clock_that_jumps_teaches_nothing_wrong),
        cmocka_unit_test (psi_alone_needs_nothing),
        cmocka_unit_test (psi_and_a_second_sign_need_something),
        cmocka_unit_test (a_livelock_is_a_full_limit_that_turns_over),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
