/* test_node_pool.c - the pool: taken over, at its limit, given back; and shadow
 * mode, which only watches it */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "handler/account/aftermath.h"
#include "handler/incident/incident.h"
#include "handler/memcg/memcg.h"
#include "handler/record/journal.h"
#include "handler/watch/node.h"
#include "test/unit/fake_node.h"

/* As in test_node.c: what is left of 8 GiB for jobs, and what a 16th, and in
 * shadow mode a 128th, of that is. */
#define RESERVE MW_GIB
#define CAPACITY (7 * MW_GIB)
#define MARGIN (448 * MW_MIB)
#define NEAR (56 * MW_MIB)
#define WALL (64 * MW_MIB)
#define SWAP (8 * MW_GIB)

static struct warden *const w = &fake.w;
static struct job *over;

/* A pool of CAPACITY in which "12" is over its reservation. */
static void _pool (const char *node_ladder)
{
    node_has_pool ("max\n");
    fake_node_ladder (node_ladder);
    over = fake_job ("12", "kill");
    fake_uses (over, MW_GIB);
    fake.left = 1;
    node_watched ();
}

static bool _is_remembered (void)
{
    return faccessat (w->journal->state_dir, "pool", F_OK, 0) == 0;
}

/* ---- taken over ---------------------------------------------------------- */

static void without_a_pool_there_is_no_limit (void **state)
{
    (void) state;
    node_watched ();
    assert_true (w->pool_limit == UINT64_MAX);
    assert_string_equal (node_pool_path (w), "");
    assert_int_equal (pool.opened, 0);
}

static void it_is_limited_and_given_back (void **state)
{
    (void) state;
    node_has_pool ("max\n");
    node_watched ();
    assert_int_equal (pool.limit, CAPACITY);
    assert_int_equal (pool.above, WALL);
    assert_int_equal (pool.armed, 1);
    assert_int_equal (w->pool_limit, CAPACITY);
    assert_string_equal (node_pool_path (w), pool.path);
    assert_true (_is_remembered ());
    assert_true (node_pool_file ("memory.high") == CAPACITY);
    node_look (w);
    assert_int_equal (pool.opened, 1);
    node_close (w);
    assert_int_equal (pool.disarmed, 1);
    assert_true (node_pool_file ("memory.high") == UINT64_MAX);
    assert_true (node_pool_file ("memory.max") == UINT64_MAX);
    assert_true (w->pool_limit == UINT64_MAX);
    assert_false (_is_remembered ());
}

static void a_limit_that_somebody_has_set_below_is_kept (void **state)
{
    (void) state;
    pool.set_limit = 2 * MW_GIB;
    node_has_pool ("max\n");
    node_watched ();
    assert_int_equal (pool.limit, 2 * MW_GIB);
    assert_int_equal (pool.above, WALL);
}

/* Where memory.high was [set] and memory.max [wall], they become [limit] and
 * [above] that. */
static void _respects (uint64_t set, uint64_t wall, uint64_t limit,
                       uint64_t above)
{
    char text[32];

    snprintf (text, sizeof (text), "%llu\n", (unsigned long long) wall);
    pool.set_limit = set;
    node_has_pool (text);
    node_watched ();
    assert_int_equal (pool.limit, limit);
    assert_int_equal (pool.above, above);
    node_close (w);
}

static void a_wall_that_somebody_has_set_is_kept (void **state)
{
    (void) state;
    _respects (UINT64_MAX, 8 * MW_GIB, CAPACITY, WALL);
    _respects (UINT64_MAX, CAPACITY + WALL, CAPACITY, WALL);
    _respects (UINT64_MAX, 2 * MW_GIB, 2 * MW_GIB - WALL, WALL);
    _respects (UINT64_MAX, 256 * MW_MIB, 224 * MW_MIB, 32 * MW_MIB);
    _respects (210 * MW_MIB, 256 * MW_MIB, 210 * MW_MIB, 46 * MW_MIB);
    _respects (MW_GIB, 2 * MW_GIB, MW_GIB, WALL);
}

static void a_pool_that_is_not_there_yet_is_found_later (void **state)
{
    (void) state;
    snprintf (w->conf.pool, sizeof (w->conf.pool), "%s/of_jobs", fake.dir);
    node_watched ();
    assert_true (w->pool_limit == UINT64_MAX);
    assert_string_equal (node_pool_path (w), w->conf.pool);
    assert_int_equal (fake_logged ("cannot be watched"), 0);
    node_has_pool ("max\n");
    node_look (w);
    assert_int_equal (w->pool_limit, CAPACITY);
}

static void a_pool_that_is_made_anew_is_taken_over_anew (void **state)
{
    (void) state;
    _pool ("hold@60s,kill");
    node_pool_event (MEMCG_GONE);
    assert_true (w->pool_limit == UINT64_MAX);
    pool.state = MEMCG_QUIET;
    node_look (w);
    assert_int_equal (pool.opened, 2);
    assert_int_equal (w->pool_limit, CAPACITY);
    snprintf (pool.path + strlen (pool.path), 16, "/cgroup.procs");
    assert_int_equal (unlink (pool.path), 0);
    node_look (w);
    assert_int_equal (pool.opened, 2);
    assert_true (w->pool_limit == UINT64_MAX);
}

static void one_that_cannot_be_limited_is_left_as_it_is (void **state)
{
    (void) state;
    pool.stubborn = true;
    node_has_pool ("max\n");
    node_watched ();
    assert_true (w->pool_limit == UINT64_MAX);
    assert_int_equal (pool.armed, 0);
    assert_int_equal (fake_logged ("cannot be watched"), 1);
    node_look (w);
    assert_int_equal (fake_logged ("cannot be watched"), 1);
    assert_false (_is_remembered ());
    pool.stubborn = false;
    node_look (w);
    assert_int_equal (w->pool_limit, CAPACITY);
}

static void one_that_cannot_be_heard_gets_its_limit_back (void **state)
{
    (void) state;
    node_watched ();
    pool.deaf = true;
    node_has_pool ("max\n");
    node_look (w);
    assert_true (w->pool_limit == UINT64_MAX);
    assert_int_equal (pool.limit, CAPACITY);
    assert_true (node_pool_file ("memory.high") == UINT64_MAX);
    assert_false (_is_remembered ());
}

/* A warden that had the pool is gone, and has not given it back. */
static void _killed (void)
{
    int dir = w->journal->state_dir;

    node_has_pool ("max\n");
    node_watched ();
    assert_int_equal (linkat (dir, "pool", dir, "kept", 0), 0);
    node_close (w);
    assert_int_equal (renameat (dir, "kept", dir, "pool"), 0);
    node_has_pool ("4096\n");
}

static void what_a_killed_warden_left_is_put_back (void **state)
{
    (void) state;
    _killed ();
    w->conf.pool[0] = '\0'; /* the next one takes none */
    node_watched ();
    assert_true (node_pool_file ("memory.max") == UINT64_MAX);
    assert_false (_is_remembered ());
}

static void also_by_one_in_shadow_mode (void **state)
{
    (void) state;
    _killed ();
    w->conf.shadow = true;
    node_watched ();
    assert_int_equal (w->pool_limit, CAPACITY);
    assert_true (node_pool_file ("memory.max") == UINT64_MAX);
    assert_false (_is_remembered ());
}

static void no_more_than_slurm_gives_away (void **state)
{
    (void) state;
    node_slurm_conf ("NodeName=%s CPUs=4 RealMemory=4096 MemSpecLimit=1024\n"
                     "SelectTypeParameters=CR_Core_Memory\n");
    node_has_pool ("max\n");
    node_watched ();
    assert_int_equal (pool.limit, 3 * MW_GIB);
    assert_int_equal (fake_logged ("RealMemory 4.0 GiB, MemSpecLimit 1.0 GiB"),
                      1);
}

static void nor_more_than_the_node_reserve_leaves (void **state)
{
    (void) state;
    node_slurm_conf ("NodeName=%s CPUs=4 RealMemory=8192 MemSpecLimit=512\n"
                     "SelectTypeParameters=CR_Core_Memory\n");
    node_has_pool ("max\n");
    node_watched ();
    assert_int_equal (pool.limit, CAPACITY);
}

/* Slurm's directory [dir] becomes the one above the memcg of "12". */
static struct job *_below (const char *dir)
{
    struct job *job = fake_job ("12", "kill");

    node_has_pool ("max\n");
    w->conf.pool[0] = '\0';
    free (job->memcg.path);
    assert_true (asprintf (&job->memcg.path, "%s/12", dir) > 0);
    job->memcg.layout = MW_LAYOUT_SLURM;
    return job;
}

static void slurms_own_is_taken_over_on_v2 (void **state)
{
    char scope[PATH_MAX], name[sizeof (pool.path)];

    (void) state;
    node_has_pool ("max\n");
    memcpy (name, pool.path, sizeof (name));
    snprintf (scope, sizeof (scope), "%s/slurmstepd.scope", fake.dir);
    _below (scope);
    assert_int_equal (rename (name, scope), 0);
    node_watched ();
    assert_int_equal (w->pool_limit, CAPACITY);
    assert_string_equal (node_pool_path (w), scope);
}

static void but_not_on_v1 (void **state)
{
    struct job *job = _below ("/x/slurm/uid_0");
    const struct memcg_ops *was = job->memcg.ops;

    (void) state;
    job->memcg.ops = &memcg_v1_ops;
    node_watched ();
    node_look (w);
    job->memcg.ops = was;
    assert_int_equal (pool.opened, 0);
    assert_string_equal (node_pool_path (w), "");
    assert_int_equal (fake_logged ("the pool is /x/slurm, Slurm's own: not "
                                   "taken over"),
                      1);
}

/* ---- at its limit -------------------------------------------------------- */

static void at_its_limit_a_job_has_to_give (void **state)
{
    (void) state;
    _pool ("hold@60s,kill");
    pool.usage.used = CAPACITY;
    node_pool_event (MEMCG_QUIET);
    assert_false (node_is_short (w));
    node_pool_event (MEMCG_OOM);
    assert_true (node_is_short (w));
    assert_int_equal (fake_rung (over), MW_STEP_HOLD);
    assert_int_equal (fake_recorded ("(the pool is at its limit): 448 MiB"), 1);
    pool.usage.used = CAPACITY + 1; /* without a new event */
    pool.state = MEMCG_QUIET;
    node_later (10);
    assert_true (node_is_short (w));
    pool.usage.used = CAPACITY;
    node_later (10);
    assert_false (node_is_short (w));
}

/* Without one, what the jobs use beyond their share says nothing. */
static void only_the_pools_own_usage_counts (void **state)
{
    (void) state;
    fake_node_ladder ("hold@60s,kill");
    over = fake_job ("12", "kill");
    fake_uses (over, CAPACITY + MW_GIB);
    node_watched ();
    node_has (RESERVE - 64 * MW_MIB, SWAP);
    node_later (1);
    assert_int_equal (fake_recorded ("): 512 MiB must be freed"), 1);
    node_has (RESERVE, SWAP);
    node_later (10);
    assert_false (node_is_short (w));
}

static void the_pool_says_what_is_used_not_its_jobs (void **state)
{
    (void) state;
    _pool ("hold@60s,kill");
    fake_uses (over, CAPACITY + MW_GIB);
    pool.usage.used = CAPACITY - MARGIN;
    node_pool_event (MEMCG_OOM);
    assert_int_equal (fake_recorded ("): 1.0 MiB must be freed"), 1);
}

/* The kernel lets nobody go on who is at the limit: it is not only the reserve
 * that is drawn on. */
static void there_who_pushes_has_no_time (void **state)
{
    (void) state;
    _pool ("suspend@60s,kill");
    pool.usage.used = CAPACITY;
    node_has (RESERVE - MW_MIB, SWAP);
    node_pool_event (MEMCG_OOM);
    assert_int_equal (fake_rung (over), MW_STEP_SUSPEND);
    over->incident.pushing = true;
    over->incident.pushed = 0;
    node_later (2000);
    assert_int_equal (fake_rung (over), MW_STEP_KILL);
}

/* [used] of the pool, and the reserve is drawn on: 2 s later "12", whose pages
 * do not go out, is on [rung]. */
static void _pushes (uint64_t used, enum mw_step_kind rung)
{
    _pool ("suspend@60s,kill");
    pool.usage.used = used;
    node_has (RESERVE - MW_MIB, SWAP);
    node_later (1);
    over->incident.pushing = true;
    over->incident.pushed = 0;
    node_later (2000);
    assert_int_equal (fake_rung (over), rung);
}

static void above_its_limit_neither (void **state)
{
    (void) state;
    _pushes (CAPACITY + 1, MW_STEP_KILL);
}

static void below_it_as_long_as_it_takes (void **state)
{
    (void) state;
    _pushes (CAPACITY, MW_STEP_SUSPEND);
}

/* ---- shadow mode --------------------------------------------------------- */

static void _shadow (void)
{
    w->conf.shadow = true;
    w->conf.drain_after = 1;
    w->conf.drain_window_ms = 60000;
    _pool ("hold@60s,kill");
}

static void in_shadow_mode_the_pool_is_only_watched (void **state)
{
    (void) state;
    _shadow ();
    assert_int_equal (w->pool_limit, CAPACITY);
    assert_int_equal (pool.limit, 0);
    assert_int_equal (pool.armed, 0);
    assert_false (_is_remembered ());
    node_close (w);
    assert_int_equal (pool.disarmed, 0);
}

static void its_usage_is_compared_to_the_limit_it_would_have (void **state)
{
    (void) state;
    _shadow ();
    pool.usage.used = CAPACITY - 1;
    node_later (1);
    assert_false (node_is_short (w));
    pool.usage.used = CAPACITY;
    node_later (5);
    assert_true (node_is_short (w));
    assert_int_equal (fake_recorded ("the pool is at its limit"), 1);
    assert_false (over->incident.open);
    assert_int_equal (fake_recorded ("\"event\":\"shadow\""), 1);
    assert_int_equal (fake_requests (SPOOL_DRAIN, NULL), 0);
}

/* No event tells of it: when it could be full it is looked at. */
static void how_near_its_limit_it_is_says_when_to_look (void **state)
{
    (void) state;
    _shadow ();
    for (unsigned i = 0; i < 15; i++)
        node_later (1);
    assert_true (node_due () > 1000);
    pool.usage.used = CAPACITY - 10 * MW_MIB;
    node_later (1);
    assert_true (node_due () <= 300);
}

static void what_would_be_done_is_told_once (void **state)
{
    (void) state;
    _shadow ();
    pool.usage.used = CAPACITY;
    node_later (1);
    assert_int_equal (node_due (), 1000);
    node_later (1000);
    assert_int_equal (node_due (), 1000);
    assert_int_equal (fake_recorded ("\"event\":\"shadow\""), 1);
    assert_int_equal (fake_recorded ("\"event\":\"decision\""), 1);
    fake_job ("13", "kill")->reservation = 0; /* now another is the first */
    node_later (1000);
    assert_int_equal (fake_recorded ("\"event\":\"shadow\""), 2);
}

static void that_nobody_would_be_chosen_is_told_once (void **state)
{
    (void) state;
    w->conf.shadow = true;
    node_watched ();
    node_has (RESERVE - 4096, SWAP);
    node_later (1);
    node_later (1000);
    assert_int_equal (node_due (), 1000);
    assert_int_equal (fake_recorded ("\"event\":\"decision\""), 1);
}

static void as_long_as_it_hovers_there_it_is_one_oom (void **state)
{
    (void) state;
    _shadow ();
    pool.usage.used = CAPACITY;
    node_later (1);
    pool.usage.used = CAPACITY - NEAR + 1;
    node_later (1000);
    assert_true (node_is_short (w));
    assert_int_equal (node_due (), 1000);
    pool.usage.used = CAPACITY - NEAR;
    node_later (1000);
    assert_false (node_is_short (w));
    assert_int_equal (fake_recorded ("1 jobs would have been chosen"), 1);
}

static void nor_is_it_over_just_above_the_reserve (void **state)
{
    (void) state;
    _shadow ();
    node_has (RESERVE - 4096, SWAP);
    node_later (1);
    assert_true (node_is_short (w));
    node_has (RESERVE + NEAR - 4096, SWAP);
    node_later (1000);
    assert_true (node_is_short (w));
    node_has (RESERVE + NEAR, SWAP);
    node_later (1000);
    assert_false (node_is_short (w));
}

static void a_watched_pool_may_go (void **state)
{
    (void) state;
    _shadow ();
    pool.state = MEMCG_GONE;
    node_later (1);
    assert_true (w->pool_limit == UINT64_MAX);
    assert_false (node_is_short (w));
}

#define T(f) cmocka_unit_test_setup_teardown (f, node_begin, node_end)

int main (void)
{
    const struct CMUnitTest tests[] = {
        T (without_a_pool_there_is_no_limit),
        T (it_is_limited_and_given_back),
        T (a_limit_that_somebody_has_set_below_is_kept),
        T (a_wall_that_somebody_has_set_is_kept),
        T (a_pool_that_is_not_there_yet_is_found_later),
        T (a_pool_that_is_made_anew_is_taken_over_anew),
        T (one_that_cannot_be_limited_is_left_as_it_is),
        T (one_that_cannot_be_heard_gets_its_limit_back),
        T (what_a_killed_warden_left_is_put_back),
        T (also_by_one_in_shadow_mode),
        T (no_more_than_slurm_gives_away),
        T (nor_more_than_the_node_reserve_leaves),
        T (slurms_own_is_taken_over_on_v2),
        T (but_not_on_v1),
        T (at_its_limit_a_job_has_to_give),
        T (only_the_pools_own_usage_counts),
        T (the_pool_says_what_is_used_not_its_jobs),
        T (there_who_pushes_has_no_time),
        T (above_its_limit_neither),
        T (below_it_as_long_as_it_takes),
        T (in_shadow_mode_the_pool_is_only_watched),
        T (its_usage_is_compared_to_the_limit_it_would_have),
        T (how_near_its_limit_it_is_says_when_to_look),
        T (what_would_be_done_is_told_once),
        T (that_nobody_would_be_chosen_is_told_once),
        T (as_long_as_it_hovers_there_it_is_one_oom),
        T (nor_is_it_over_just_above_the_reserve),
        T (a_watched_pool_may_go),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
