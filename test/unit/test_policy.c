/* One test for each rule of doc/design.md, section 4. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "handler/policy/policy.h"

#define MAX_JOBS 16
#define M(n) ((n) *MW_MIB)

static const struct policy_node node = { .capacity = M (1000) };

/* A job of [priority] that uses [used] MiB of [reservation] MiB. */
static struct policy_job _job (unsigned index, unsigned priority,
                               uint64_t reservation, uint64_t used)
{
    return (struct policy_job) {
        .index = index,
        .slurm_id = 100 + index,
        .priority = priority,
        .reservation = M (reservation),
        .limit = M (2 * reservation),
        .used = M (used),
        .elapsed_ms = 60000,
        .cpus = 1,
        .requeueable = true,
    };
}

struct planned {
    struct policy_plan plan;
    struct policy_rank ranks[MAX_JOBS];
    char victims[128]; /* their indices, in order: "3 1" */
};

static void _plan (struct planned *p, const struct policy_job *jobs,
                   unsigned count, uint64_t need_mib, enum conf_order order)
{
    char *at = p->victims;
    unsigned i;

    memset (p, 0xa5, sizeof (*p));
    p->plan.ranks = p->ranks;
    policy_victims (&node, jobs, count, M (need_mib), order, &p->plan);
    *at = '\0';
    for (i = 0; i < p->plan.chosen; i++)
        at += sprintf (at, "%s%u", i ? " " : "", jobs[p->ranks[i].job].index);
}

static const struct policy_rank *_of (const struct planned *p, unsigned job)
{
    unsigned i;

    for (i = 0; i < p->plan.count; i++) {
        if (p->ranks[i].job == job)
            return &p->ranks[i];
    }
    fail_msg ("job %u is not in the plan", job);
    return NULL;
}

static void a_job_over_its_reservation_goes_before_one_within (void **state)
{
    const struct policy_job jobs[] = {
        _job (0, 10, 400, 390), /* innocent, though low and larger */
        _job (1, 900, 100, 300),
    };
    struct planned p;

    (void) state;
    _plan (&p, jobs, 2, 200, CONF_ORDER_OVERAGE);
    assert_string_equal (p.victims, "1");
    assert_int_equal (_of (&p, 0)->verdict, POLICY_WITHIN_RESERVATION);
    assert_false (p.plan.reservations_broken);
}

static void strict_priority_puts_priority_before_reservation (void **state)
{
    const struct policy_job jobs[] = {
        _job (0, 10, 400, 390),
        _job (1, 900, 100, 300),
        _job (2, 10, 100, 110),
    };
    struct planned p;

    (void) state;
    _plan (&p, jobs, 2, 200, CONF_ORDER_STRICT_PRIORITY);
    assert_string_equal (p.victims, "0");
    /* inside one priority the one over its reservation still comes first */
    _plan (&p, jobs, 3, 50, CONF_ORDER_STRICT_PRIORITY);
    assert_string_equal (p.victims, "2");
}

static void lower_priority_goes_first (void **state)
{
    const struct policy_job jobs[] = {
        _job (0, 500, 100, 300),
        _job (1, 499, 100, 200),
        _job (2, 501, 100, 900),
    };
    struct planned p;

    (void) state;
    _plan (&p, jobs, 3, 150, CONF_ORDER_OVERAGE);
    assert_string_equal (p.victims, "1");
}

static void larger_relative_overage_goes_first (void **state)
{
    const struct policy_job jobs[] = {
        _job (0, 500, 400, 600), /* 200 over: 50 % */
        _job (1, 500, 100, 200), /* 100 over: 100 % */
    };
    struct planned p;

    (void) state;
    _plan (&p, jobs, 2, 150, CONF_ORDER_OVERAGE);
    assert_string_equal (p.victims, "1");
    assert_int_equal (_of (&p, 0)->relative, 500);
    assert_int_equal (_of (&p, 1)->relative, 1000);
}

static void a_job_with_nothing_reserved_is_infinitely_over (void **state)
{
    const struct policy_job jobs[] = {
        _job (0, 500, 1, 900),
        _job (1, 500, 0, 200),
    };
    struct planned p;

    (void) state;
    _plan (&p, jobs, 2, 150, CONF_ORDER_OVERAGE);
    assert_string_equal (p.victims, "1");
}

static void least_lost_work_goes_first (void **state)
{
    struct policy_job jobs[] = {
        _job (0, 500, 100, 200),
        _job (1, 500, 100, 200),
        _job (2, 500, 100, 200),
    };
    struct planned p;

    (void) state;
    jobs[1].elapsed_ms = 20000;
    jobs[1].cpus = 2;
    _plan (&p, jobs, 3, 150, CONF_ORDER_OVERAGE);
    assert_string_equal (p.victims, "1");
    assert_int_equal (_of (&p, 1)->lost_work, 40000);
    /* a job that would start again comes before one that is lost for good */
    jobs[1].requeueable = false;
    jobs[0].elapsed_ms = 50000;
    _plan (&p, jobs, 3, 150, CONF_ORDER_OVERAGE);
    assert_string_equal (p.victims, "0");
}

static void the_younger_job_breaks_the_tie (void **state)
{
    struct policy_job jobs[] = {
        _job (0, 500, 100, 200),
        _job (1, 500, 100, 200),
    };
    struct planned p;

    (void) state;
    _plan (&p, jobs, 2, 150, CONF_ORDER_OVERAGE);
    assert_string_equal (p.victims, "1");
    jobs[1].slurm_id = 7;
    _plan (&p, jobs, 2, 150, CONF_ORDER_OVERAGE);
    assert_string_equal (p.victims, "0");
}

static void the_one_job_that_suffices_is_preferred (void **state)
{
    const struct policy_job jobs[] = {
        _job (0, 500, 10, 60), /* 500 % over, too small */
        _job (1, 500, 10, 50), _job (2, 500, 100, 200), /* 100 % over, enough */
    };
    struct planned p;

    (void) state;
    _plan (&p, jobs, 3, 120, CONF_ORDER_OVERAGE);
    assert_string_equal (p.victims, "2");
    assert_int_equal (p.ranks[0].verdict, POLICY_SUFFICES_ALONE);
    assert_int_equal (_of (&p, 0)->verdict, POLICY_NOT_NEEDED);
}

static void where_no_single_job_suffices_it_is_the_fewest (void **state)
{
    const struct policy_job jobs[] = {
        _job (0, 500, 1, 30),  _job (1, 500, 2, 30),  _job (2, 500, 3, 30),
        _job (3, 500, 20, 60), _job (4, 500, 30, 60), _job (5, 500, 30, 55),
    };
    struct planned p;

    (void) state;
    _plan (&p, jobs, 6, 110, CONF_ORDER_OVERAGE);
    assert_int_equal (p.plan.chosen, 2);
    assert_true (p.plan.covered >= M (110));
}

static void a_small_job_is_let_off_if_a_later_one_must_go_anyway (void **state)
{
    const struct policy_job jobs[] = {
        _job (0, 100, 10, 20),
        _job (1, 200, 100, 500),
    };
    struct planned p;

    (void) state;
    _plan (&p, jobs, 2, 300, CONF_ORDER_OVERAGE);
    assert_string_equal (p.victims, "1");
}

static void reservations_are_broken_only_when_overages_fail (void **state)
{
    const struct policy_job jobs[] = {
        _job (0, 100, 10, 40),
        _job (1, 900, 10, 60),
        _job (2, 300, 500, 450),
        _job (3, 200, 100, 90),
    };
    struct planned p;

    (void) state;
    _plan (&p, jobs, 4, 100, CONF_ORDER_OVERAGE);
    assert_string_equal (p.victims, "0 1");
    _plan (&p, jobs, 4, 101, CONF_ORDER_OVERAGE);
    assert_string_equal (p.victims, "0 1 3");
    assert_true (p.plan.reservations_broken);
    /* nobody over is let off for the one within that would suffice alone */
    _plan (&p, jobs, 4, 400, CONF_ORDER_OVERAGE);
    assert_string_equal (p.victims, "0 1 2");
}

static void nobody_over_is_resolved_by_priority (void **state)
{
    const struct policy_job jobs[] = {
        _job (0, 700, 500, 450),
        _job (1, 300, 500, 450),
    };
    struct planned p;

    (void) state;
    _plan (&p, jobs, 2, 100, CONF_ORDER_OVERAGE);
    assert_string_equal (p.victims, "1");
    assert_true (p.plan.reservations_broken);
}

static void protected_jobs_are_never_chosen (void **state)
{
    struct policy_job jobs[] = {
        _job (0, 0, 10, 900),
        _job (1, 1000, 500, 50),
    };
    struct planned p;

    (void) state;
    jobs[0].protect = true;
    _plan (&p, jobs, 2, 500, CONF_ORDER_OVERAGE);
    assert_string_equal (p.victims, "1");
    assert_int_equal (p.plan.covered, M (50));
    assert_int_equal (_of (&p, 0)->verdict, POLICY_PROTECTED);
}

static void what_leaves_is_counted_and_not_chosen_again (void **state)
{
    struct policy_job jobs[] = {
        _job (0, 100, 10, 300),
        _job (1, 100, 10, 300),
    };
    struct planned p;

    (void) state;
    jobs[1].leaving = true;
    _plan (&p, jobs, 2, 300, CONF_ORDER_OVERAGE);
    assert_string_equal (p.victims, "");
    assert_int_equal (p.plan.covered, M (300));
    _plan (&p, jobs, 2, 301, CONF_ORDER_OVERAGE);
    assert_string_equal (p.victims, "0");
}

static void a_held_job_is_still_a_candidate (void **state)
{
    struct policy_job jobs[] = {
        _job (0, 100, 10, 300),
        _job (1, 500, 10, 300),
    };
    struct planned p;

    (void) state;
    jobs[0].parked = true;
    _plan (&p, jobs, 2, 300, CONF_ORDER_OVERAGE);
    assert_string_equal (p.victims, "0");
}

static void need_zero_chooses_nobody (void **state)
{
    const struct policy_job jobs[] = { _job (0, 0, 10, 900) };
    struct planned p;

    (void) state;
    _plan (&p, jobs, 1, 0, CONF_ORDER_OVERAGE);
    assert_string_equal (p.victims, "");
    _plan (&p, jobs, 0, 100, CONF_ORDER_OVERAGE);
    assert_string_equal (p.victims, "");
}

static void explanations_carry_every_term (void **state)
{
    const struct policy_job jobs[] = {
        _job (0, 100, 100, 300),
        _job (1, 800, 400, 350),
    };
    struct planned p;
    char text[512];

    (void) state;
    _plan (&p, jobs, 2, 200, CONF_ORDER_OVERAGE);
    assert_string_equal (
        policy_explain (&p.plan, jobs, 0, text, sizeof (text)),
        "chosen: frees 300 MiB, enough for the 200 MiB needed (uses 300 MiB, "
        "200 MiB (200.0%) over its reservation of 100 MiB; priority 100; would "
        "lose 60.0 CPU-seconds and can be requeued)");
    assert_string_equal (
        policy_explain (&p.plan, jobs, 1, text, sizeof (text)),
        "not chosen: within its reservation, and those chosen suffice (uses "
        "350 MiB, within its reservation of 400 MiB; priority 800; would lose "
        "60.0 CPU-seconds and can be requeued)");
}

static void headroom_is_what_is_neither_used_nor_promised (void **state)
{
    struct policy_job jobs[] = {
        _job (0, 500, 200, 100),
        _job (1, 500, 100, 150),
    };

    (void) state;
    assert_int_equal (policy_headroom (&node, jobs, 0), M (1000));
    assert_int_equal (policy_headroom (&node, jobs, 2), M (650));
    jobs[1].lent = M (80); /* limit 200 of which 80 lent: uses 30 */
    assert_int_equal (policy_headroom (&node, jobs, 2), M (600));
    jobs[0].reservation = M (5000);
    assert_int_equal (policy_headroom (&node, jobs, 2), 0);
}

static void grow_lends_within_headroom_and_its_own_bound (void **state)
{
    const struct mw_amount none = { 0 };
    const struct mw_amount size = { .kind = MW_AMOUNT_BYTES, .bytes = M (100) };
    const struct mw_amount x = { .kind = MW_AMOUNT_FACTOR, .ratio = 1.5 };

    (void) state;
    assert_int_equal (policy_grow (&none, M (1000), 0, M (5000)), M (250));
    assert_int_equal (policy_grow (&none, M (100), 0, M (5000)), M (64));
    assert_int_equal (policy_grow (&none, M (100), M (64), M (5000)), M (64));
    assert_int_equal (policy_grow (&none, M (100), 0, M (10)), M (10));
    assert_int_equal (policy_grow (&none, M (100), 0, M (1) - 1), 0);
    assert_int_equal (policy_grow (&size, M (260), M (60), M (5000)), M (40));
    assert_int_equal (policy_grow (&size, M (300), M (100), M (5000)), 0);
    assert_int_equal (policy_grow (&x, M (200), 0, M (5000)), M (100));
    assert_int_equal (policy_grow (&x, M (300), M (100), M (5000)), 0);
}

static void what_breaks_no_promise_is_what_jobs_over_theirs_use (void **state)
{
    struct policy_job jobs[] = {
        _job (0, 10, 400, 390),
        _job (1, 900, 100, 300),
        _job (2, 10, 100, 200),
        _job (3, 10, 100, 101),
    };

    (void) state;
    jobs[3].protect = true;
    assert_int_equal (policy_spare (jobs, 4), M (500));
    assert_int_equal (policy_spare (jobs, 1), 0);
    jobs[1].used = jobs[2].used = UINT64_MAX;
    assert_true (policy_spare (jobs, 4) == UINT64_MAX);
}

static void need_is_what_is_missing_and_a_margin (void **state)
{
    struct policy_node n = { .capacity = M (1600),
                             .used = M (1600),
                             .available = M (500),
                             .reserve = M (200) };

    (void) state;
    assert_int_equal (policy_need (&n, false), 0);
    assert_int_equal (policy_need (&n, true), M (100));
    n.used = M (1610);
    assert_int_equal (policy_need (&n, false), M (110));
    n.available = M (50);
    assert_int_equal (policy_need (&n, false), M (250));
    /* the kernel's word counts, even if the numbers have moved since */
    n.used = M (100);
    n.available = M (500);
    assert_int_equal (policy_need (&n, true), M (1));
}

static void the_best_protected_held_job_comes_back_first (void **state)
{
    struct policy_job jobs[] = {
        _job (0, 900, 100, 100),
        _job (1, 300, 100, 50),
        _job (2, 400, 100, 50),
        _job (3, 400, 100, 50),
    };

    (void) state;
    jobs[1].parked = jobs[2].parked = jobs[3].parked = true;
    assert_int_equal (policy_resume (jobs, 4, M (99), M (100)), -1);
    assert_int_equal (policy_resume (jobs, 4, M (100), M (100)), 2);
    /* what lies in swap must have room; in its reservation it has */
    jobs[2].swap = M (151);
    assert_int_equal (policy_resume (jobs, 4, M (100), M (100)), 3);
    jobs[3].leaving = true;
    assert_int_equal (policy_resume (jobs, 4, M (100), M (100)), 1);
    jobs[2].swap = M (150);
    assert_int_equal (policy_resume (jobs, 4, M (100), M (100)), 2);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (a_job_over_its_reservation_goes_before_one_within),
        cmocka_unit_test (strict_priority_puts_priority_before_reservation),
        cmocka_unit_test (lower_priority_goes_first),
        cmocka_unit_test (larger_relative_overage_goes_first),
        cmocka_unit_test (a_job_with_nothing_reserved_is_infinitely_over),
        cmocka_unit_test (least_lost_work_goes_first),
        cmocka_unit_test (the_younger_job_breaks_the_tie),
        cmocka_unit_test (the_one_job_that_suffices_is_preferred),
        cmocka_unit_test (where_no_single_job_suffices_it_is_the_fewest),
        cmocka_unit_test (a_small_job_is_let_off_if_a_later_one_must_go_anyway),
        cmocka_unit_test (reservations_are_broken_only_when_overages_fail),
        cmocka_unit_test (nobody_over_is_resolved_by_priority),
        cmocka_unit_test (protected_jobs_are_never_chosen),
        cmocka_unit_test (what_leaves_is_counted_and_not_chosen_again),
        cmocka_unit_test (a_held_job_is_still_a_candidate),
        cmocka_unit_test (need_zero_chooses_nobody),
        cmocka_unit_test (explanations_carry_every_term),
        cmocka_unit_test (headroom_is_what_is_neither_used_nor_promised),
        cmocka_unit_test (grow_lends_within_headroom_and_its_own_bound),
        cmocka_unit_test (what_breaks_no_promise_is_what_jobs_over_theirs_use),
        cmocka_unit_test (need_is_what_is_missing_and_a_margin),
        cmocka_unit_test (the_best_protected_held_job_comes_back_first),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
