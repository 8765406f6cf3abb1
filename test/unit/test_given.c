/* Slurm writes other limits into a job's memcg, which is a directory of plain files that
 * look like cgroup v1's: what is its word is followed, the rest is undone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "handler/daemon/register.h"
#include "handler/watch/given.h"
#include "handler/watch/job_event.h"
#include "lib/cgfile.h"
#include "lib/cleanup.h"
#include "test/unit/fake_peer.h"

static struct warden *const w = &fake.w;

/* Slurm gives [mib] to the job of [memcg]; its own limit is twice that.  Numbers of nine
 * digits: a plain file keeps what was behind a shorter one. */
static void _slurm_gives (int memcg, uint64_t mib)
{
    assert_int_equal (cg_write_u64 (memcg, "memory.limit_in_bytes",
                                    2 * mib * MW_MIB),
                      0);
    assert_int_equal (cg_write_u64 (memcg, "memory.soft_limit_in_bytes",
                                    mib * MW_MIB),
                      0);
}

/* Job [key] of Slurm's, with a burst of x3, whose memory Slurm has made. */
static struct job *_job (const char *key, int memcg)
{
    struct mw_jobspec spec = peer_spec (key);

    spec.layout = spec.of[0] ? MW_LAYOUT_STEP : MW_LAYOUT_SLURM;
    spec.reservation = 200 * MW_MIB;
    w->conf.max_burst = (struct mw_amount) { .kind = MW_AMOUNT_FACTOR,
                                             .ratio = 4 };
    if (!spec.of[0])
        spec.burst = (struct mw_amount) { .kind = MW_AMOUNT_FACTOR,
                                          .ratio = 3 };
    _slurm_gives (memcg, 200);
    assert_int_equal (peer_register (peers.root, &spec, memcg, &peers.cut), 0);
    return warden_find (w, key);
}

static void _is_given (const struct job *job, uint64_t mib, uint64_t limit)
{
    assert_int_equal (job->reservation / MW_MIB, mib);
    assert_int_equal (job->limit / MW_MIB, limit);
    assert_int_equal (job->memcg.set_limit / MW_MIB, limit);
}

static void less_is_followed_and_free_again (void **state)
{
    struct job *job = _job ("12", peers.dir);

    (void) state;
    _is_given (job, 200, 600);
    assert_int_equal (w->jobs.committed, 600 * MW_MIB);
    _slurm_gives (peers.dir, 100);
    assert_true (given_look (w, job));
    _is_given (job, 100, 300);
    assert_int_equal (w->jobs.committed, 300 * MW_MIB);
    assert_true (peer_room_is_due ());
    peer_has (peers.dir, "memory.limit_in_bytes", "314572800");
    peer_has (peers.dir, "memory.soft_limit_in_bytes", "104857600");
    assert_int_equal (fake_recorded (
                          "job 12: Slurm gives it 100 MiB now instead "
                          "of 200 MiB: reservation 100 MiB, limit 300"),
                      1);
    assert_false (given_look (w, job));
}

static void so_is_more (void **state)
{
    struct job *job = _job ("12", peers.dir);

    (void) state;
    _slurm_gives (peers.dir, 300);
    assert_true (given_look (w, job));
    _is_given (job, 300, 900);
}

static void a_steps_start_changes_nothing (void **state)
{
    struct job *job = _job ("12", peers.dir);

    (void) state;
    _slurm_gives (peers.dir, 200);
    assert_true (given_look (w, job));
    _is_given (job, 200, 600);
    peer_has (peers.dir, "memory.limit_in_bytes", "629145600");
    assert_int_equal (fake_recorded ("\"event\":\"given\""), 0);
}

static void what_is_no_allocation_is_undone (void **state)
{
    struct job *job = _job ("12", peers.dir);

    (void) state;
    /* no whole MiB; all of the node */
    cg_write (peers.dir, "memory.soft_limit_in_bytes", "104857601");
    given_look (w, job);
    _is_given (job, 200, 600);
    _slurm_gives (peers.dir, w->node_memory / MW_MIB);
    given_look (w, job);
    _is_given (job, 200, 600);
    peer_has (peers.dir, "memory.limit_in_bytes", "629145600");
    assert_int_equal (fake_recorded ("\"event\":\"given\""), 0);
}

static void a_limit_that_was_set_stays_up_to_the_cap (void **state)
{
    struct job *job = _job ("12", peers.dir);

    (void) state;
    job->limit = 450 * MW_MIB;
    _slurm_gives (peers.dir, 120);
    given_look (w, job);
    _is_given (job, 120, 450);
    _slurm_gives (peers.dir, 100);
    given_look (w, job);
    _is_given (job, 100, 400); /* max-burst is x4 */
    _slurm_gives (peers.dir, 450);
    given_look (w, job);
    _is_given (job, 450, 450);
}

/* Slurm has lowered the limit, and an OOM there comes before its word of the
 * allocation is seen. */
static void an_oom_at_slurms_limit_is_none_of_ours (void **state)
{
    struct job *job = _job ("12", peers.dir);

    (void) state;
    _slurm_gives (peers.dir, 100);
    cg_write_u64 (peers.dir, "memory.usage_in_bytes", 200 * MW_MIB);
    cg_write (peers.dir, "memory.oom_control",
              "oom_kill_disable 1\nunder_oom 1\n"
              "oom_kill 0\n");
    job_event_check (w, job);
    assert_false (job->incident.open);
    _is_given (job, 100, 300);
}

static void an_oom_names_the_limit_that_was_hit (void **state)
{
    struct job *job = _job ("12", peers.dir);

    (void) state;
    job->memcg.hit_limit = 100 * MW_MIB;
    assert_int_equal (job_hit_limit (job), 100 * MW_MIB);
    job->memcg.hit_limit = 700 *
                           MW_MIB; /* at what it uses: it is over its own */
    assert_int_equal (job_hit_limit (job), 600 * MW_MIB);
}

static void a_step_of_its_own_limit_follows_too (void **state)
{
    cleanup_fd int dir = peer_memcg ("step");
    struct job *step;

    (void) state;
    _job ("12", peers.dir);
    step = _job ("12.0", dir);
    assert_non_null (step);
    _slurm_gives (dir, 120);
    assert_true (given_look (w, step));
    _is_given (step, 120, 120);
    assert_int_equal (fake_recorded ("step 12.0: Slurm gives it 120 MiB now"),
                      1);
}

/* What Slurm writes into a step that starts is lifted when the job's has moved. */
static void steps_of_as_much_as_the_job_are_lifted (void **state)
{
    struct job *job = _job ("12", peers.dir);
    cleanup_fd int whole = peer_memcg ("12/step_0");
    cleanup_fd int less = peer_memcg ("12/step_1");

    (void) state;
    _slurm_gives (whole, 100);
    _slurm_gives (less, 80);
    _slurm_gives (peers.dir, 100);
    given_look (w, job);
    peer_has (whole, "memory.limit_in_bytes", "-1");
    peer_has (less, "memory.limit_in_bytes", "167772160");
    assert_true (job->given_again_ms > 0);
    _slurm_gives (whole, 100); /* that one's slurmstepd was slow */
    given_again (w, job);
    peer_has (whole, "memory.limit_in_bytes", "-1");
    given_again (w, job);
    assert_int_equal (job->given_again_ms, 0);
}

static void a_standalone_job_is_nobody_elses (void **state)
{
    struct job *job = peer_root_registers ("12", peers.dir);

    (void) state;
    assert_int_equal (job->given, 0);
    _slurm_gives (peers.dir, 100);
    assert_false (given_look (w, job));
    assert_int_equal (job->reservation, FAKE_LIMIT_BYTES);
}

#define TEST(name) \
    cmocka_unit_test_setup_teardown (name, peer_job_begin, peer_job_end)

int main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (less_is_followed_and_free_again),
        TEST (so_is_more),
        TEST (a_steps_start_changes_nothing),
        TEST (what_is_no_allocation_is_undone),
        TEST (a_limit_that_was_set_stays_up_to_the_cap),
        TEST (an_oom_at_slurms_limit_is_none_of_ours),
        TEST (an_oom_names_the_limit_that_was_hit),
        TEST (a_step_of_its_own_limit_follows_too),
        TEST (steps_of_as_much_as_the_job_are_lifted),
        TEST (a_standalone_job_is_nobody_elses),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
