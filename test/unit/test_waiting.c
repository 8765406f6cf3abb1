/* test_waiting.c - what waits for the courier is counted, and bounded */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "handler/spool/waiting.h"

static struct waiting w;

static int begin (void **state)
{
    (void) state;
    memset (&w, 0, sizeof (w));
    w.most = 20;
    w.in_all = 100;
    return 0;
}

static void each_user_has_so_many_and_no_more (void **state)
{
    (void) state;
    for (uint64_t seq = 1; seq <= 20; seq++) {
        assert_true (waiting_has_room (&w, 1000, true));
        waiting_add (&w, seq, 1000, true);
        waiting_add (&w, seq, 1000, true); /* once */
    }
    assert_false (waiting_has_room (&w, 1000, true));
    assert_true (waiting_has_room (&w, 1001, true));
    assert_true (waiting_has_room (&w, 1000, false));
    assert_true (waiting_done (&w, 7));
    assert_false (waiting_done (&w, 7));
    assert_true (waiting_has_room (&w, 1000, true));
}

static void all_users_together_have_so_many (void **state)
{
    (void) state;
    for (uint64_t seq = 1; seq <= 100; seq++)
        waiting_add (&w, seq, 1000 + (uint32_t) seq, true);
    assert_false (waiting_has_room (&w, 5, true));
    assert_true (waiting_has_room (&w, 5, false));
}

static void what_a_ladder_asks_has_room_beside_it (void **state)
{
    (void) state;
    for (uint64_t seq = 1; seq <= 100; seq++)
        waiting_add (&w, seq, 1000, true);
    for (uint64_t seq = 101; waiting_has_room (&w, 1000, false); seq++)
        waiting_add (&w, seq, 1000, false);
    assert_int_equal (w.duties, WAITING_DUTIES_MAX);
    for (uint64_t seq = 1; seq <= 100 + WAITING_DUTIES_MAX; seq++)
        assert_true (waiting_done (&w, seq));
    assert_int_equal (w.duties + w.courtesies, 0);
}

static void what_is_lost_is_said_at_its_begin_and_end (void **state)
{
    unsigned lost;
    uint32_t uid;

    (void) state;
    for (uint64_t seq = 1; seq <= 20; seq++)
        waiting_add (&w, seq, 1000, true);
    assert_false (waiting_news (&w, &uid, &lost));
    for (unsigned i = 0; i < 5; i++)
        waiting_lose (&w, 1000);
    assert_true (waiting_news (&w, &uid, &lost));
    assert_int_equal (uid, 1000);
    assert_int_equal (lost, 0);
    assert_false (waiting_news (&w, &uid, &lost));
    for (uint64_t seq = 1; seq <= 10; seq++)
        waiting_done (&w, seq);
    assert_true (waiting_news (&w, &uid, &lost));
    assert_int_equal (uid, 1000);
    assert_int_equal (lost, 5);
    assert_false (waiting_news (&w, &uid, &lost));
}

static void so_it_is_of_all (void **state)
{
    unsigned lost;
    uint32_t uid;

    (void) state;
    for (uint64_t seq = 1; seq <= 100; seq++)
        waiting_add (&w, seq, (uint32_t) seq, true);
    waiting_lose (&w, 1000);
    waiting_lose (&w, 7);
    assert_true (waiting_news (&w, &uid, &lost));
    assert_int_equal (uid, WAITING_ALL);
    for (uint64_t seq = 1; seq <= 50; seq++)
        waiting_done (&w, seq);
    assert_true (waiting_news (&w, &uid, &lost));
    assert_int_equal (uid, WAITING_ALL);
    assert_int_equal (lost, 2);
}

/* Against a list that is searched from its begin. */
static void the_tables_forget_nothing_and_nobody (void **state)
{
    static uint32_t owner[3000]; /* 0 = it does not wait */
    unsigned count[8], seed = 7;

    (void) state;
    memset (owner, 0, sizeof (owner));
    w.most = w.in_all = WAITING_COURTESIES_MAX;
    for (unsigned i = 0; i < 200000; i++) {
        unsigned seq, uid;

        seed = seed * 1103515245 + 12345;
        seq = (seed >> 8) % 2999 + 1;
        uid = (seed >> 4) % 7 + 1;
        if (owner[seq]) {
            assert_true (waiting_done (&w, seq));
            owner[seq] = 0;
        } else {
            assert_false (waiting_is (&w, seq));
            waiting_add (&w, seq, uid * 1000000, true);
            owner[seq] = uid;
        }
    }
    memset (count, 0, sizeof (count));
    for (unsigned seq = 1; seq < 3000; seq++) {
        assert_int_equal (waiting_is (&w, seq), owner[seq] != 0);
        count[owner[seq]]++;
    }
    for (unsigned uid = 1; uid < 8; uid++) {
        w.most = count[uid];
        assert_false (waiting_has_room (&w, uid * 1000000, true));
        w.most++;
        assert_true (waiting_has_room (&w, uid * 1000000, true));
    }
}

static void what_is_gone_is_forgotten_by_a_sweep (void **state)
{
    (void) state;
    for (uint64_t seq = 1; seq <= 60; seq++)
        waiting_add (&w, seq, (uint32_t) seq % 5, seq % 2);
    waiting_unsee (&w);
    for (uint64_t seq = 1; seq <= 60; seq += 3)
        waiting_see (&w, seq);
    waiting_see (&w, 1000);
    waiting_add (&w, 61, 1, true); /* meanwhile */
    waiting_sweep (&w, 50);
    for (uint64_t seq = 1; seq <= 61; seq++)
        assert_int_equal (waiting_is (&w, seq), seq % 3 == 1 || seq > 50);
    assert_false (waiting_is (&w, 1000));
}

#define T(f) cmocka_unit_test_setup (f, begin)

int main (void)
{
    const struct CMUnitTest tests[] = {
        T (each_user_has_so_many_and_no_more),
        T (all_users_together_have_so_many),
        T (what_a_ladder_asks_has_room_beside_it),
        T (what_is_lost_is_said_at_its_begin_and_end),
        T (so_it_is_of_all),
        T (the_tables_forget_nothing_and_nobody),
        T (what_is_gone_is_forgotten_by_a_sweep),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
