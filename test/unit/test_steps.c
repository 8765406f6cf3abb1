/* The rungs: what each does for which cause, and when it hands the job on.
 * Which rung comes when is in test_incident.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "handler/incident/incident.h"
#include "handler/step/step.h"
#include "test/unit/fake_warden.h"
#include "test/unit/sanitized.h"

static struct warden *const w = &fake.w;

/* ---- hold ---------------------------------------------------------------- */

static void hold_where_nothing_freezes_leads_on (void **state)
{
    struct job *job;

    (void) state;
    fake.fails[FAKE_FREEZE] = EIO;
    job = fake_oom ("12", "hold@60s,grow@60s,kill");
    assert_int_equal (fake_rung (job), MW_STEP_GROW);
    assert_false (job->incident.frozen);
    assert_int_equal (fake_recorded ("cannot freeze it"), 1);
}

static void hold_ends_when_the_limit_was_raised (void **state)
{
    struct job *job = fake_oom ("12", "hold@60s,kill");

    (void) state;
    incident_headroom (w);
    assert_true (job->incident.open);
    job->limit = 2 * FAKE_LIMIT_BYTES;
    incident_headroom (w);
    fake_is_clean (job);
}

/* At [job]'s limit again, and, without anybody's doing, below it. */
static void _is_at_it_again (struct job *job)
{
    fake_uses (job, FAKE_LIMIT_BYTES);
    incident_oom (w, job, TRIGGER_JOB);
    assert_true (fake_frozen (job));
    fake_uses (job, FAKE_LIMIT_BYTES / 2);
    incident_headroom (w);
}

static void hold_that_ends_in_vain_takes_ever_longer (void **state)
{
    struct job *job = fake_oom ("12", "hold@1h,kill");
    uint64_t began;

    (void) state;
    fake_uses (job, FAKE_LIMIT_BYTES / 2);
    incident_headroom (w);
    fake_is_clean (job);
    for (uint64_t wait = 500; wait <= 64000; wait *= 2) {
        began = fake.now;
        _is_at_it_again (job);
        assert_true (fake_frozen (job));
        while (job->incident.open)
            fake_timer (job);
        fake_is_clean (job);
        assert_int_equal (fake.now - began, wait);
    }
    /* a limit that was raised is a reason */
    _is_at_it_again (job);
    assert_true (fake_frozen (job));
    job->limit = 2 * FAKE_LIMIT_BYTES;
    incident_headroom (w);
    fake_is_clean (job);
    /* and it begins anew once it has got on */
    fake.now += STEP_VAIN_MS;
    job->limit = FAKE_LIMIT_BYTES;
    _is_at_it_again (job);
    fake_is_clean (job);
}

static void hold_for_the_node_ends_when_the_node_says_so (void **state)
{
    struct job *job = fake_node_oom ("hold@60s,kill");

    (void) state;
    fake_uses (job, 0);
    incident_headroom (w);
    assert_true (fake_frozen (job));
    fake.node_may_return = true;
    incident_headroom (w);
    fake_is_clean (job);
}

static void one_that_cannot_be_thawed_is_said_so (void **state)
{
    struct job *job = fake_oom ("12", "hold@60s,kill");

    (void) state;
    fake.fails[FAKE_THAW] = EIO;
    incident_end (w, job, "x");
    assert_int_equal (fake_recorded ("cannot thaw it"), 1);
}

static void one_that_slurm_cannot_thaw_is_thawed_to_die (void **state)
{
    struct job *job = fake_job ("12", "hold@60s,kill");

    (void) state;
    job->freezer_path = strdup ("/sys/fs/cgroup/freezer/memwarden/12");
    incident_oom (w, job, TRIGGER_JOB);
    assert_int_equal (job->incident.killed_look_ms, fake.now + 1000);
    fake_timer (job);
    assert_true (job->incident.frozen);
    assert_int_equal (job->incident.killed_look_ms, fake.now + 1000);
    fake_empty (job);
    fake_timer (job);
    assert_false (job->incident.frozen);
    assert_false (fake_frozen (job));
}

/* ---- kill ---------------------------------------------------------------- */

/* "killed" would have its memory counted on, and an innocent die for it. */
static void what_cannot_be_seen_is_not_said_to_be_killed (void **state)
{
    struct job *job = fake_job ("12", "kill");

    (void) state;
    job->spec.slurm_id = 0;
    fake_unseen (job, true);
    incident_oom (w, job, TRIGGER_JOB);
    fake_timer (job);
    assert_true (job->incident.open);
    assert_int_equal (fake_recorded ("12: killed;"), 0);
    fake_unseen (job, false);
    fake_timer (job);
    fake_is_clean (job);
}

/* The next victim would be taken for memory that is just being freed. */
static void what_is_not_free_yet_is_not_said_to_be_killed (void **state)
{
    struct job *job = fake_job ("12", "kill");

    (void) state;
    job->spec.slurm_id = 0;
    fake_empty (job);
    fake.stays = 300 * MW_MIB;
    incident_oom (w, job, TRIGGER_JOB);
    assert_true (job->incident.open);
    fake.stays = 100 * MW_MIB; /* it gets less */
    fake_timer (job);
    assert_true (job->incident.open);
    fake_timer (job);
    fake_is_clean (job);
    assert_int_equal (fake_recorded ("but 100 MiB stay: files in /dev/shm"), 1);
}

static void what_is_free_is_killed_at_once (void **state)
{
    struct job *job = fake_job ("12", "kill");

    (void) state;
    job->spec.slurm_id = 0;
    fake_empty (job);
    fake.stays = MW_MIB;
    incident_oom (w, job, TRIGGER_JOB);
    fake_is_clean (job);
    assert_int_equal (fake_recorded ("stay: files"), 0);
}

/* ---- grow ---------------------------------------------------------------- */

static void grow_lends_piece_after_piece (void **state)
{
    struct job *job = fake_oom ("12", "grow@60s,kill");

    (void) state;
    assert_int_equal (job->incident.lent, FAKE_LIMIT_BYTES / 4);
    assert_int_equal (job->memcg.set_limit, FAKE_LIMIT_BYTES * 5 / 4);
    assert_int_equal (fake.w.jobs.committed, FAKE_LIMIT_BYTES * 5 / 4);
    incident_oom (w, job, TRIGGER_JOB);
    assert_true (job->incident.lent > FAKE_LIMIT_BYTES / 4);
    fake_timer (job);
    assert_int_equal (fake_rung (job), MW_STEP_GROW);
    incident_freezer (w, job, false, false);
}

static void grow_lends_no_more_than_its_ladder_says (void **state)
{
    struct job *job = fake_oom ("12", "grow=64M@60s,hold@60s,kill");
    struct job *times = fake_oom ("13", "grow=x1.5@60s,hold@60s,kill");

    (void) state;
    assert_int_equal (job->incident.lent, 64 * MW_MIB);
    incident_oom (w, job, TRIGGER_JOB);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    assert_int_equal (job->incident.lent, 64 * MW_MIB); /* kept */
    assert_int_equal (fake_recorded ("all that its ladder allows"), 1);
    assert_int_equal (times->incident.lent, FAKE_LIMIT_BYTES / 2);
    incident_oom (w, times, TRIGGER_JOB);
    assert_int_equal (fake_recorded ("all that its ladder allows"), 2);
    incident_end (w, job, "x");
    fake_is_clean (job);
}

static void grow_without_headroom_leads_on (void **state)
{
    struct job *job;

    (void) state;
    fake_available (0);
    job = fake_oom ("12", "grow@60s,hold@60s,kill");
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    assert_true (job->incident.grow_refused);
    assert_int_equal (fake_recorded ("the pool has no headroom"), 1);
}

static void grow_that_the_kernel_refuses_lends_nothing (void **state)
{
    struct job *job;

    (void) state;
    fake.fails[FAKE_LIMIT] = EBUSY;
    job = fake_oom ("12", "grow@60s,hold@60s,kill");
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    assert_int_equal (job->incident.lent, 0);
    assert_int_equal (fake.w.jobs.committed, FAKE_LIMIT_BYTES);
}

static void grow_at_its_deadline (void **state)
{
    struct job *job = fake_oom ("12", "grow@60s,hold@60s,kill");
    struct job *below = fake_oom ("13", "grow@60s,hold@60s,kill");

    (void) state;
    fake_uses (below, FAKE_LIMIT_BYTES / 2);
    job->incident.deadline_ms = below->incident.deadline_ms = fake.now + 1;
    fake_deadline (job);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    incident_timer (w, below);
    fake_is_clean (below);
}

static void just_below_its_limit_is_not_below (void **state)
{
    struct job *job = fake_oom ("12", "grow@60s,kill");

    (void) state;
    fake_uses (job, FAKE_LIMIT_BYTES - FAKE_LIMIT_BYTES / 32);
    fake_timer (job);
    assert_true (job->incident.open);
    fake_uses (job, FAKE_LIMIT_BYTES - FAKE_LIMIT_BYTES / 32 - 1);
    fake_timer (job);
    fake_is_clean (job);
}

static void a_loan_that_cannot_be_taken_back_stays_one (void **state)
{
    struct job *job = fake_oom ("12", "grow@60s,kill");

    (void) state;
    fake.fails[FAKE_LIMIT] = EBUSY;
    fake_uses (job, FAKE_LIMIT_BYTES / 2);
    fake_timer (job);
    assert_true (job->incident.open);
    assert_true (job->incident.lent > 0);
    assert_int_equal (fake_recorded ("cannot take back what it was lent"), 1);
}

static void a_restart_keeps_the_loan (void **state)
{
    struct job *job = fake_oom ("12", "grow@60s,kill");

    (void) state;
    job = fake_restart ("12");
    incident_recover (w, job);
    assert_int_equal (job->incident.lent, FAKE_LIMIT_BYTES / 4);
    assert_int_equal (job->incident.again_ms, fake.now + 1000);
    fake_uses (job, FAKE_LIMIT_BYTES / 2);
    fake_timer (job);
    fake_is_clean (job);
}

/* ---- reclaim ------------------------------------------------------------- */

static void reclaim_pushes_until_it_is_enough (void **state)
{
    struct job *job;

    (void) state;
    fake.frees = 16 * MW_MIB;
    job = fake_oom ("12", "reclaim=40M,kill");
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal (fake_rung (job), MW_STEP_RECLAIM);
        fake_timer (job);
    }
    assert_int_equal (fake.did[FAKE_RECLAIM], 3);
    fake_timer (job);
    fake_is_clean (job);
    assert_int_equal (fake.did[FAKE_RECLAIM], 3);
    assert_int_equal (fake_recorded ("48.0 MiB of it pushed out"), 1);
}

static void reclaim_that_frees_nothing_leads_on (void **state)
{
    struct job *job = fake_oom ("12", "reclaim,hold@60s,kill");

    (void) state;
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    assert_int_equal (fake.did[FAKE_RECLAIM], 1);
}

static void reclaim_needs_swap (void **state)
{
    struct job *job;

    (void) state;
    fake.swap_free = 0;
    job = fake_oom ("12", "reclaim,hold@60s,kill");
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    assert_int_equal (fake_recorded ("there is no free swap"), 1);
    assert_int_equal (fake.did[FAKE_RECLAIM], 0);
}

static void reclaim_is_not_for_who_sleeps_at_its_limit_on_v1 (void **state)
{
    struct job *job = fake_job ("12", "reclaim,hold@60s,kill");

    (void) state;
    w->conf.shadow = true; /* so nobody uses those */
    job->memcg.ops = &memcg_v1_ops;
    incident_oom (w, job, TRIGGER_JOB);
    assert_int_equal (fake_recorded ("begun with hold@1m (reclaim: at a job's "
                                     "own limit"),
                      1);
    fake_node_ladder ("reclaim,hold@60s,kill");
    incident_oom (w, job, TRIGGER_NODE);
    assert_int_equal (fake_recorded ("begun with reclaim"), 1);
}

static void reclaim_for_the_node_until_it_has_enough (void **state)
{
    struct job *job;

    (void) state;
    fake.frees = 16 * MW_MIB;
    job = fake_node_oom ("reclaim,hold@60s,kill");
    assert_true (job->incident.pushing);
    fake_timer (job);
    assert_int_equal (fake_rung (job), MW_STEP_RECLAIM);
    fake.node_is_short = false;
    fake_timer (job);
    fake_is_clean (job);
    assert_int_equal (fake.did[FAKE_RECLAIM], 2);
}

static void reclaim_for_the_node_down_to_the_reservation (void **state)
{
    struct job *job = fake_job ("12", "kill");

    (void) state;
    fake.frees = 16 * MW_MIB;
    fake.node_is_short = true;
    job->reservation = FAKE_LIMIT_BYTES - 20 * MW_MIB;
    fake_node_ladder ("reclaim,hold@60s,kill");
    incident_oom (w, job, TRIGGER_NODE);
    fake_timer (job);
    assert_int_equal (fake.did[FAKE_RECLAIM], 2);
    assert_int_equal (fake_rung (job), MW_STEP_RECLAIM);
    fake_timer (job); /* it has given its part, and the node wants more */
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    assert_false (job->incident.pushing);
    assert_int_equal (fake.did[FAKE_RECLAIM], 2);
    incident_end (w, job, "x");
    assert_int_equal (fake_recorded ("32.0 MiB of it had been moved to swap"),
                      1);
}

static void reclaim_goes_on_after_a_restart (void **state)
{
    struct job *job;

    (void) state;
    fake.frees = 16 * MW_MIB;
    job = fake_oom ("12", "reclaim=64M,kill");
    job = fake_restart ("12");
    incident_recover (w, job);
    assert_int_equal (fake.did[FAKE_RECLAIM], 2);
    incident_freezer (w, job, false, false);
    fake_gone (job);
    fake_timer (job);
    assert_false (job->incident.open);
}

/* ---- slow ---------------------------------------------------------------- */

static void slow_runs_and_stops_by_turns (void **state)
{
    struct job *job = fake_oom ("12", "slow=25%@60s,kill");

    (void) state;
    assert_true (job->incident.slowed && job->incident.reserve_open);
    assert_int_equal (job->memcg.set_limit,
                      FAKE_LIMIT_BYTES + FAKE_RESERVE_BYTES);
    assert_int_equal (job->incident.again_ms, fake.now + 100);
    for (unsigned i = 0; i < 3; i++) {
        fake_timer (job);
        assert_true (fake_frozen (job));
        assert_int_equal (job->incident.again_ms, fake.now + 300);
        fake_timer (job);
        assert_false (fake_frozen (job));
    }
    fake_uses (job, FAKE_LIMIT_BYTES / 2);
    fake_timer (job);
    fake_is_clean (job);
}

static void slow_leaves_it_running_when_it_ends (void **state)
{
    struct job *job = fake_oom ("12", "slow@60s,grow@60s,kill");

    (void) state;
    fake_timer (job);
    assert_true (fake_frozen (job));
    incident_oom (w, job, TRIGGER_JOB); /* the reserve is full */
    assert_int_equal (fake_rung (job), MW_STEP_GROW);
    assert_false (fake_frozen (job));
    assert_true (job->incident.reserve_open);
}

static void slow_is_not_taken_for_slurms_suspend (void **state)
{
    struct job *job = fake_oom ("12", "slow@60s,kill");

    (void) state;
    fake_timer (job);
    incident_freezer (w, job, true, false);
    assert_int_equal (job->incident.slurm_stops_ms, 0);
}

static void slow_at_full_speed_only_looks (void **state)
{
    struct job *job = fake_oom ("12", "slow=100%@60s,kill");

    (void) state;
    fake_timer (job);
    assert_int_equal (job->incident.again_ms, fake.now + 400);
    assert_false (fake_frozen (job));
    assert_int_equal (fake.did[FAKE_FREEZE], 0);
}

static void slow_never_runs_too_short (void **state)
{
    struct job *job = fake_oom ("12", "slow=1%@60s,kill");

    (void) state;
    assert_int_equal (job->incident.again_ms, fake.now + 10);
    fake_timer (job);
    assert_int_equal (job->incident.again_ms, fake.now + 990);
}

static void slow_needs_a_reserve_and_a_freezer (void **state)
{
    struct job *job = fake_job ("12", "slow@60s,hold@60s,kill"), *stiff;

    (void) state;
    job->reserve = 0;
    incident_oom (w, job, TRIGGER_JOB);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    assert_int_equal (fake_recorded ("no reserve to go on in"), 1);
    fake.fails[FAKE_THAW] = EIO;
    stiff = fake_oom ("13", "slow@60s,grow@60s,kill");
    assert_int_equal (fake_rung (stiff), MW_STEP_GROW);
    assert_int_equal (fake_recorded ("cannot slow it"), 1);
    fake.fails[FAKE_THAW] = ENODEV;
    stiff = fake_oom ("14", "slow@60s,grow@60s,kill");
    assert_false (stiff->incident.open);
    fake.fails[FAKE_THAW] = 0;
    fake.fails[FAKE_LIMIT] = EBUSY;
    stiff = fake_oom ("15", "slow@60s,hold@60s,kill");
    assert_int_equal (fake_rung (stiff), MW_STEP_HOLD);
    assert_false (stiff->incident.reserve_open);
}

static void slow_for_the_node_lasts_its_whole_time (void **state)
{
    struct job *job = fake_node_oom ("slow@60s,hold@60s,kill");

    (void) state;
    fake_uses (job, 0);
    fake.node_is_short = false;
    fake_timer (job);
    assert_int_equal (fake_rung (job), MW_STEP_SLOW);
    fake_deadline (job);
    fake_is_clean (job);
    fake.node_is_short = true;
    incident_oom (w, job, TRIGGER_NODE);
    fake_deadline (job);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
}

static void slow_begins_its_turn_anew_after_a_restart (void **state)
{
    struct job *job = fake_oom ("12", "slow@60s,kill");

    (void) state;
    fake_timer (job);
    assert_true (fake_frozen (job));
    job = fake_restart ("12");
    incident_recover (w, job);
    assert_false (fake_frozen (job));
    assert_true (job->incident.slowed);
}

/* ---- enomem -------------------------------------------------------------- */

static rlim_t _data_limit (void)
{
    struct rlimit l;

    assert_int_equal (prlimit (fake.task, RLIMIT_DATA, NULL, &l), 0);
    return l.rlim_cur;
}

/* With so small a limit that its task is no small one. */
static struct job *_enomem (const char *ladder)
{
    struct job *job = fake_job ("12", ladder);

    job->limit = MW_MIB;
    fake_uses (job, MW_MIB);
    incident_oom (w, job, TRIGGER_JOB);
    return job;
}

static void enomem_lowers_what_it_may_have (void **state)
{
    rlim_t before = _data_limit ();
    struct job *job = _enomem ("enomem@60s,kill");

    (void) state;
    assert_int_equal (fake_rung (job), MW_STEP_ENOMEM);
    assert_true (job->incident.enomem && job->incident.reserve_open);
    assert_true (_data_limit () < before);
    fake_timer (job);
    assert_int_equal (fake_rung (job), MW_STEP_ENOMEM);
    fake_uses (job, 0);
    fake_timer (job);
    fake_is_clean (job);
    assert_true (_data_limit () == before);
}

static void enomem_whose_reserve_is_full_leads_on (void **state)
{
    rlim_t before = _data_limit ();
    struct job *job = _enomem ("enomem@60s,hold@60s,kill");

    (void) state;
    incident_oom (w, job, TRIGGER_JOB);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    assert_int_equal (job->incident.again_ms, 0); /* enomem's look */
    assert_true (_data_limit () == before);
}

static void enomem_is_taken_back_by_another_warden (void **state)
{
    rlim_t before = _data_limit ();
    struct job *job = _enomem ("enomem@60s,hold@60s,kill");

    (void) state;
    job = fake_restart ("12");
    incident_recover (w, job);
    assert_int_equal (fake_rung (job), MW_STEP_ENOMEM);
    fake_deadline (job);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    assert_true (_data_limit () == before);
}

static void enomem_for_nobody_leads_on (void **state)
{
    struct job *job;

    (void) state;
    if (MW_SANITIZED) /* its process is no small one */
        skip ();
    job = fake_oom ("12", "enomem@60s,hold@60s,kill");
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    assert_int_equal (fake_recorded ("none of its processes can be"), 1);
}

#define T(f) cmocka_unit_test_setup_teardown (f, fake_begin, fake_end)

int main (void)
{
    const struct CMUnitTest tests[] = {
        T (hold_where_nothing_freezes_leads_on),
        T (hold_ends_when_the_limit_was_raised),
        T (hold_that_ends_in_vain_takes_ever_longer),
        T (hold_for_the_node_ends_when_the_node_says_so),
        T (one_that_cannot_be_thawed_is_said_so),
        T (one_that_slurm_cannot_thaw_is_thawed_to_die),
        T (what_cannot_be_seen_is_not_said_to_be_killed),
        T (what_is_not_free_yet_is_not_said_to_be_killed),
        T (what_is_free_is_killed_at_once),
        T (grow_lends_piece_after_piece),
        T (grow_lends_no_more_than_its_ladder_says),
        T (grow_without_headroom_leads_on),
        T (grow_that_the_kernel_refuses_lends_nothing),
        T (grow_at_its_deadline),
        T (just_below_its_limit_is_not_below),
        T (a_loan_that_cannot_be_taken_back_stays_one),
        T (a_restart_keeps_the_loan),
        T (reclaim_pushes_until_it_is_enough),
        T (reclaim_that_frees_nothing_leads_on),
        T (reclaim_needs_swap),
        T (reclaim_is_not_for_who_sleeps_at_its_limit_on_v1),
        T (reclaim_for_the_node_until_it_has_enough),
        T (reclaim_for_the_node_down_to_the_reservation),
        T (reclaim_goes_on_after_a_restart),
        T (slow_runs_and_stops_by_turns),
        T (slow_leaves_it_running_when_it_ends),
        T (slow_is_not_taken_for_slurms_suspend),
        T (slow_at_full_speed_only_looks),
        T (slow_never_runs_too_short),
        T (slow_needs_a_reserve_and_a_freezer),
        T (slow_for_the_node_lasts_its_whole_time),
        T (slow_begins_its_turn_anew_after_a_restart),
        T (enomem_lowers_what_it_may_have),
        T (enomem_whose_reserve_is_full_leads_on),
        T (enomem_is_taken_back_by_another_warden),
        T (enomem_for_nobody_leads_on),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
