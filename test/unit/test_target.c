/* Which one of a job's processes is chosen, of a table of them; and what a table is
 * read as, of this process's own children. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "handler/policy/target.h"
#include "lib/units.h"

static struct members all;
static bool grown;

/* The next one: its number is 100 and more, by its place; all were started in turn. */
static struct member *_add (pid_t parent, uint64_t mib)
{
    struct member *m = &all.one[all.n++];

    *m = (struct member) { .pid = (pid_t) (99 + all.n),
                           .parent = parent,
                           .started = 1000 + all.n,
                           .anon = mib * MW_MIB };
    return m;
}

static int _begin (void **state)
{
    (void) state;
    memset (&all, 0, sizeof (all));
    return 0;
}

static pid_t _chosen (enum mw_target target)
{
    int at = target_choose (target, &all, &grown);

    return at < 0 ? -1 : all.one[at].pid;
}

/* As it was at a first look. */
static unsigned _before (struct target_before *before)
{
    for (unsigned i = 0; i < all.n; i++)
        before[i] = (struct target_before) { all.one[i].pid, all.one[i].started,
                                             member_holds (&all.one[i]) };
    return all.n;
}

static void the_largest_holds_most_that_is_no_files (void **state)
{
    (void) state;
    assert_int_equal (_chosen (MW_TARGET_LARGEST), -1);
    _add (1, 10);
    _add (1, 30);
    _add (1, 20)->file = 500 * MW_MIB;
    assert_int_equal (_chosen (MW_TARGET_LARGEST), 101);
    all.one[2].shmem = 15 * MW_MIB;
    assert_int_equal (_chosen (MW_TARGET_LARGEST), 102);
    all.one[0].swap = 100 * MW_MIB;
    assert_int_equal (_chosen (MW_TARGET_LARGEST), 100);
    assert_false (grown);
}

static void of_equal_ones_it_is_the_youngest (void **state)
{
    (void) state;
    _add (1, 10);
    _add (1, 10);
    assert_int_equal (_chosen (MW_TARGET_LARGEST), 101);
    all.one[0].started = 2000;
    assert_int_equal (_chosen (MW_TARGET_LARGEST), 100);
    all.one[1].started = 2000;
    assert_int_equal (_chosen (MW_TARGET_LARGEST), 101);
}

static void who_is_barred_is_not_chosen (void **state)
{
    static const enum mw_target each[] = { MW_TARGET_LARGEST, MW_TARGET_GUILTY,
                                           MW_TARGET_LEADER };

    (void) state;
    _add (1, 50)->barred = true;
    all.one[0].grew = 50 * MW_MIB;
    for (int i = 0; i < 3; i++)
        assert_int_equal (_chosen (each[i]), -1);
    _add (100, 1);
    for (int i = 0; i < 3; i++)
        assert_int_equal (_chosen (each[i]), 101);
}

static void the_guilty_one_grows_fastest (void **state)
{
    struct target_before before[8];
    unsigned n;

    (void) state;
    _add (1, 100);
    _add (1, 10);
    _add (1, 50);
    n = _before (before);
    all.one[1].anon += 8 * MW_MIB;
    all.one[2].anon += 3 * MW_MIB;
    all.one[0].anon -= 20 * MW_MIB;
    target_growth (&all, before, n, false);
    assert_int_equal (_chosen (MW_TARGET_GUILTY), 101);
    assert_true (grown);
    assert_int_equal (all.one[1].grew, 8 * MW_MIB);
    assert_int_equal (all.one[0].grew, 0);
    assert_true (target_is_clear (&all, 512 * MW_MIB));
    assert_false (target_is_clear (&all, 8 * MW_GIB));
}

static void where_none_grows_it_is_the_largest (void **state)
{
    struct target_before before[8];
    unsigned n;

    (void) state;
    _add (1, 100);
    _add (1, 10);
    n = _before (before);
    all.one[1].anon += TARGET_GROWTH_MIN - 4096;
    target_growth (&all, before, n, false);
    assert_int_equal (_chosen (MW_TARGET_GUILTY), 100);
    assert_false (grown);
    assert_false (target_is_clear (&all, MW_MIB));
    assert_int_equal (_chosen (MW_TARGET_GUILTY), 100);
}

static void who_is_new_has_grown_by_all_it_holds (void **state)
{
    struct target_before before[8];
    unsigned n;

    (void) state;
    _add (1, 100);
    n = _before (before);
    _add (1, 9);
    target_growth (&all, before, n, false);
    assert_int_equal (_chosen (MW_TARGET_GUILTY), 101);
    /* it may only have been beyond those that were looked at */
    target_growth (&all, before, n, true);
    assert_int_equal (all.one[1].grew, 0);
}

static void a_number_that_is_used_again_is_another_process (void **state)
{
    struct target_before before[8];
    unsigned n;

    (void) state;
    _add (1, 100);
    _add (1, 20);
    n = _before (before);
    all.one[0].started = 5000;
    all.one[0].anon = 6 * MW_MIB;
    target_growth (&all, before, n, false);
    assert_int_equal (all.one[0].grew, 6 * MW_MIB);
    assert_int_equal (all.one[1].grew, 0);
}

static void the_leader_is_the_first_of_the_largest_ones_task (void **state)
{
    (void) state;
    _add (7, 1);   /* 100: a task of Slurm's */
    _add (100, 2); /* 101 */
    _add (101, 9); /* 102 */
    _add (7, 5);   /* 103: another task */
    assert_int_equal (_chosen (MW_TARGET_LEADER), 100);
    all.one[3].anon = 10 * MW_MIB;
    assert_int_equal (_chosen (MW_TARGET_LEADER), 103);
    /* below a job script, it is what that has started */
    all.one[3].anon = 1 * MW_MIB;
    all.one[0].barred = true;
    assert_int_equal (_chosen (MW_TARGET_LEADER), 101);
    all.one[1].barred = true;
    assert_int_equal (_chosen (MW_TARGET_LEADER), 102);
}

static void parents_in_a_circle_end (void **state)
{
    (void) state;
    _add (101, 5);
    _add (100, 4);
    assert_true (_chosen (MW_TARGET_LEADER) >= 100);
    all.one[0].parent = 100;
    assert_int_equal (_chosen (MW_TARGET_LEADER), 100);
}

static void many_are_compared_in_a_moment (void **state)
{
    static struct target_before before[MEMBERS_MAX];
    unsigned n;

    (void) state;
    while (all.n < MEMBERS_MAX)
        _add (1, 1);
    n = _before (before);
    all.one[700].anon += 4 * MW_MIB;
    target_growth (&all, before, n, false);
    assert_int_equal (_chosen (MW_TARGET_GUILTY), 800);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup (f, _begin)
        T (the_largest_holds_most_that_is_no_files),
        T (of_equal_ones_it_is_the_youngest),
        T (who_is_barred_is_not_chosen),
        T (the_guilty_one_grows_fastest),
        T (where_none_grows_it_is_the_largest),
        T (who_is_new_has_grown_by_all_it_holds),
        T (a_number_that_is_used_again_is_another_process),
        T (the_leader_is_the_first_of_the_largest_ones_task),
        T (parents_in_a_circle_end),
        T (many_are_compared_in_a_moment),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
