/* What the node has, what its jobs use, and what of it may be lent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "handler/account/headroom.h"
#include "handler/record/report.h"
#include "test/unit/fake_warden.h"

static struct warden *const w = &fake.w;
static const struct mw_amount some = { .kind = MW_AMOUNT_BYTES,
                                       .bytes = 256 * MW_MIB };
static struct conf_class class = { .name = "vip", .protect = true };

/* ---- capacity ------------------------------------------------------------ */

static void the_capacity_is_what_the_reserve_leaves (void **state)
{
    (void) state;
    assert_int_equal (headroom_capacity (w), 7 * MW_GIB);
}

static void a_pool_may_be_smaller_but_not_larger (void **state)
{
    (void) state;
    w->pool_limit = 3 * MW_GIB;
    assert_int_equal (headroom_capacity (w), 3 * MW_GIB);
    w->pool_limit = 8 * MW_GIB;
    assert_int_equal (headroom_capacity (w), 7 * MW_GIB);
}

static void a_reserve_above_the_memory_leaves_nothing (void **state)
{
    (void) state;
    w->node_reserve = 8 * MW_GIB;
    assert_int_equal (headroom_capacity (w), 0);
    w->node_reserve = 9 * MW_GIB;
    assert_int_equal (headroom_capacity (w), 0);
}

/* ---- meminfo ------------------------------------------------------------- */

static void meminfo_is_in_bytes (void **state)
{
    struct policy_node node;

    (void) state;
    fake_available (3 * MW_GIB);
    headroom_meminfo (w, &node);
    assert_int_equal (node.capacity, 7 * MW_GIB);
    assert_int_equal (node.reserve, MW_GIB);
    assert_int_equal (node.available, 3 * MW_GIB);
    assert_int_equal (node.swap_total, 8 * MW_GIB);
    assert_int_equal (node.swap_free, 8 * MW_GIB);
    assert_int_equal (node.used, 0);
}

static void without_meminfo_all_is_there_but_what_jobs_use (void **state)
{
    struct policy_node node;
    int meminfo = w->meminfo;

    (void) state;
    w->meminfo = -1;
    for (int i = 0; i < 3; i++) {
        headroom_meminfo (w, &node);
        assert_int_equal (node.available, 8 * MW_GIB);
        assert_int_equal (node.swap_total, 0);
        assert_int_equal (node.swap_free, 0);
    }
    assert_int_equal (fake_logged ("/proc/meminfo cannot be read: "), 1);
    w->meminfo = meminfo;
    for (int i = 0; i < 3; i++)
        headroom_meminfo (w, &node);
    assert_int_equal (node.available, 4 * MW_GIB);
    assert_int_equal (fake_logged ("/proc/meminfo can be read again"), 1);
}

static void a_meminfo_that_is_empty_is_none (void **state)
{
    struct policy_node node;

    (void) state;
    assert_int_equal (ftruncate (w->meminfo, 0), 0);
    headroom_meminfo (w, &node);
    assert_int_equal (node.available, 8 * MW_GIB);
    assert_true (w->meminfo_failed);
    fake_available (MW_GIB);
    headroom_meminfo (w, &node);
    assert_int_equal (node.available, MW_GIB);
    assert_false (w->meminfo_failed);
}

/* ---- the snapshot -------------------------------------------------------- */

static void the_snapshot_has_every_job_in_its_order (void **state)
{
    struct policy_job jobs[4];
    struct policy_node node;

    (void) state;
    fake_uses (fake_job ("12", "kill"), 100 * MW_MIB);
    fake_uses (fake_job ("13", "kill"), 30 * MW_MIB);
    assert_int_equal (headroom_snapshot (w, &node, jobs, 4), 2);
    assert_int_equal (node.used, 130 * MW_MIB);
    assert_int_equal (node.available, 4 * MW_GIB);
    assert_int_equal (jobs[0].index, 0);
    assert_int_equal (jobs[0].slurm_id, 12);
    assert_int_equal (jobs[0].used, 100 * MW_MIB);
    assert_int_equal (jobs[1].index, 1);
    assert_int_equal (jobs[1].slurm_id, 13);
    assert_int_equal (headroom_snapshot (w, &node, jobs, 1), 1);
    assert_int_equal (node.used, 100 * MW_MIB);
}

static void a_job_is_in_it_as_it_is (void **state)
{
    struct job *job = fake_job ("12", "kill");
    struct policy_node node;
    struct policy_job p;

    (void) state;
    job->spec.cpus = 3;
    job->priority = 700;
    job->incident.lent = 64 * MW_MIB;
    job->memcg.seen.swap = 5 * MW_MIB;
    job->class = &class;
    fake.now += 90000;
    headroom_snapshot (w, &node, &p, 1);
    assert_int_equal (p.priority, 700);
    assert_int_equal (p.cpus, 3);
    assert_int_equal (p.reservation, FAKE_LIMIT_BYTES);
    assert_int_equal (p.lent, 64 * MW_MIB);
    assert_int_equal (p.limit, FAKE_LIMIT_BYTES + 64 * MW_MIB);
    assert_int_equal (p.swap, 5 * MW_MIB);
    assert_int_equal (p.elapsed_ms, 90000);
    assert_true (p.requeueable && p.protect);
    assert_false (p.leaving || p.parked);
    job->class = NULL;
    job->spec.batch = false;
    job->incident.kills = 1;
    headroom_snapshot (w, &node, &p, 1);
    assert_true (p.leaving);
    assert_false (p.protect || p.requeueable);
}

static void a_held_job_is_parked_in_it (void **state)
{
    struct policy_node node;
    struct policy_job p;

    (void) state;
    fake_oom ("12", "hold@60s,kill");
    headroom_snapshot (w, &node, &p, 1);
    assert_true (p.parked);
}

/* ---- what is left, and what may be lent ---------------------------------- */

static uint64_t _left (void)
{
    struct policy_node node;
    unsigned n = headroom_snapshot (w, &node, w->scratch, w->scratch_max);

    return headroom_left (w, &node, n);
}

static void what_is_neither_used_nor_promised_is_left (void **state)
{
    (void) state;
    fake_available (8 * MW_GIB);
    assert_int_equal (_left (), 7 * MW_GIB);
    fake_job ("12", "kill");
    fake_available (8 * MW_GIB - FAKE_LIMIT_BYTES);
    assert_int_equal (_left (), 7 * MW_GIB - FAKE_LIMIT_BYTES);
}

static void what_the_system_uses_within_the_reserve_costs_nothing (void **state)
{
    (void) state;
    fake_job ("12", "kill");
    /* it is promised, but not used, so that MemAvailable does not bind */
    warden_find (w, "12")->reservation = 3 * MW_GIB;
    fake_uses (warden_find (w, "12"), 0);
    fake_available (7 * MW_GIB);
    assert_int_equal (_left (), 4 * MW_GIB);
    fake_available (7 * MW_GIB - 256 * MW_MIB);
    assert_int_equal (_left (), 4 * MW_GIB - 256 * MW_MIB);
}

static void no_more_is_left_than_available_above_the_reserve (void **state)
{
    struct job *job = fake_job ("12", "kill");

    (void) state;
    fake_uses (job, 4 * MW_GIB); /* what is missing is its own */
    fake_available (2 * MW_GIB);
    assert_int_equal (_left (), MW_GIB);
    fake_available (MW_GIB);
    assert_int_equal (_left (), 0);
    fake_available (MW_GIB / 2);
    assert_int_equal (_left (), 0);
}

static void a_smaller_pool_leaves_more_to_the_system (void **state)
{
    (void) state;
    w->pool_limit = 4 * MW_GIB;
    fake_available (5 * MW_GIB); /* 3 GiB are the system's, 4 are left it */
    assert_int_equal (_left (), 4 * MW_GIB);
    fake_available (4 * MW_GIB - 512 * MW_MIB); /* 4.5 GiB */
    assert_int_equal (_left (), 2 * MW_GIB + 512 * MW_MIB);
}

static void what_is_asked_for_may_be_lent_where_it_is_there (void **state)
{
    struct job *job = fake_job ("12", "kill");

    (void) state;
    assert_int_equal (headroom_may_lend (w, job, &some), 256 * MW_MIB);
    job->incident.lent = 200 * MW_MIB;
    job_commit (job);
    assert_int_equal (headroom_may_lend (w, job, &some), 56 * MW_MIB);
    job->incident.lent = 256 * MW_MIB;
    job_commit (job);
    assert_int_equal (headroom_may_lend (w, job, &some), 0);
}

static void without_an_amount_it_is_a_quarter_of_what_it_has (void **state)
{
    const struct mw_amount none = { .kind = MW_AMOUNT_NONE };
    struct job *job = fake_job ("12", "kill");

    (void) state;
    assert_int_equal (headroom_may_lend (w, job, &none), FAKE_LIMIT_BYTES / 4);
    job->incident.lent = FAKE_LIMIT_BYTES;
    job_commit (job);
    assert_int_equal (headroom_may_lend (w, job, &none), FAKE_LIMIT_BYTES / 2);
}

static void where_less_is_there_less_is_lent (void **state)
{
    struct job *job = fake_job ("12", "kill");

    (void) state;
    fake_available (MW_GIB + 100 * MW_MIB);
    fake_uses (job, 7 * MW_GIB - 100 * MW_MIB);
    assert_int_equal (headroom_may_lend (w, job, &some), 100 * MW_MIB);
    fake_available (MW_GIB);
    assert_int_equal (headroom_may_lend (w, job, &some), 0);
}

/* Limits may come to more than the pool: what of them is not used is there. */
static void what_limits_promise_to_nobody_may_be_lent (void **state)
{
    struct job *job = fake_job ("12", "kill");
    struct job *other = fake_job ("13", "kill");

    (void) state;
    other->limit = 7 * MW_GIB;
    job_commit (other);
    assert_true (w->jobs.committed > headroom_capacity (w));
    fake_available (7 * MW_GIB);
    assert_int_equal (headroom_may_lend (w, job, &some), 256 * MW_MIB);
    other->reservation = 7 * MW_GIB;
    assert_int_equal (headroom_may_lend (w, job, &some), 0);
}

/* Where all limits together leave room, no job is looked at. */
static void room_beside_all_limits_needs_no_snapshot (void **state)
{
    struct job *job = fake_job ("12", "kill");

    (void) state;
    job->usage.used = 1;
    assert_int_equal (headroom_may_lend (w, job, &some), 256 * MW_MIB);
    assert_int_equal (job->usage.used, 1);
}

#define T(name) cmocka_unit_test_setup_teardown (name, fake_begin, fake_end)

int main (void)
{
    const struct CMUnitTest tests[] = {
        T (the_capacity_is_what_the_reserve_leaves),
        T (a_pool_may_be_smaller_but_not_larger),
        T (a_reserve_above_the_memory_leaves_nothing),
        T (meminfo_is_in_bytes),
        T (without_meminfo_all_is_there_but_what_jobs_use),
        T (a_meminfo_that_is_empty_is_none),
        T (the_snapshot_has_every_job_in_its_order),
        T (a_job_is_in_it_as_it_is),
        T (a_held_job_is_parked_in_it),
        T (what_is_neither_used_nor_promised_is_left),
        T (what_the_system_uses_within_the_reserve_costs_nothing),
        T (no_more_is_left_than_available_above_the_reserve),
        T (a_smaller_pool_leaves_more_to_the_system),
        T (what_is_asked_for_may_be_lent_where_it_is_there),
        T (without_an_amount_it_is_a_quarter_of_what_it_has),
        T (where_less_is_there_less_is_lent),
        T (what_limits_promise_to_nobody_may_be_lent),
        T (room_beside_all_limits_needs_no_snapshot),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
