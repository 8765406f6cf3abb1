/* The machine, second part (see test_incident.c): other hands at a job's
 * freezer, people, ends, shadow mode, and another warden that goes on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "handler/incident/incident.h"
#include "handler/record/report.h"
#include "test/unit/fake_warden.h"

static struct warden *const w = &fake.w;
static struct mw_err err;

/* ---- other hands at the freezer ------------------------------------------ */

static void suspended_at_slurm_its_ladder_waits (void **state)
{
    struct job *job = fake_job ("12", "grow@60s,hold@60s,kill");
    struct incident *in = &job->incident;
    uint64_t deadline, again, began;

    (void) state;
    incident_oom (w, job, TRIGGER_JOB);
    deadline = in->deadline_ms;
    again = in->again_ms;
    began = in->step_ms;
    fake_freezes (job, true);
    assert_int_equal (in->slurm_stops_ms, fake.now);
    assert_false (fake_timer_is_on (job));
    fake.now += 3600000;
    incident_timer (w, job); /* not even by mistake */
    assert_int_equal (fake_rung (job), MW_STEP_GROW);
    assert_int_equal (in->again_ms, again);
    incident_oom (w, job, TRIGGER_JOB);
    assert_int_equal (fake.did[FAKE_LIMIT], 1);
    fake_freezes (job, false);
    assert_int_equal (in->slurm_stops_ms, 0);
    assert_int_equal (in->deadline_ms, deadline + 3600000);
    assert_int_equal (in->step_ms, began + 3600000);
    assert_true (fake_timer_is_on (job));
    fake_deadline (job);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
}

static void what_slurm_had_stopped_before_is_seen_at_once (void **state)
{
    struct job *job = fake_job ("12", "kill");

    (void) state;
    fake_node_ladder ("hold@60s,kill");
    fake_freezes (job, true);
    incident_oom (w, job, TRIGGER_NODE);
    assert_int_equal (job->incident.slurm_stops_ms, fake.now);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    incident_end (w, job, "x");
    assert_true (fake_frozen (job)); /* it is Slurm's */
    assert_int_equal (fake.did[FAKE_THAW], 0);
    assert_int_equal (fake_recorded ("left frozen, as Slurm has suspended"), 1);
}

static void a_job_whose_steps_are_not_all_frozen (void **state)
{
    struct job *runs = fake_oom ("12", "grow@60s,kill");
    struct job *held = fake_oom ("13", "hold@60s,kill");

    (void) state;
    incident_freezer (w, runs, false, true); /* as it should be */
    assert_int_equal (fake.did[FAKE_THAW], 0);
    incident_freezer (w, runs, true, true);
    assert_true (runs->incident.slurm_stops_ms > 0);
    incident_freezer (w, runs, true, true); /* not all go on yet */
    assert_true (runs->incident.slurm_stops_ms > 0);
    incident_freezer (w, held, true, true);
    assert_int_equal (held->incident.slurm_stops_ms, 0);
    assert_int_equal (fake.did[FAKE_FREEZE], 2); /* again */
    incident_freezer (w, held, true, false);
    assert_true (held->incident.slurm_stops_ms > 0);
    assert_int_equal (fake.did[FAKE_FREEZE], 2);
    incident_freezer (w, held, true, true); /* one of them is enough */
    assert_int_equal (held->incident.slurm_stops_ms, 0);
    assert_int_equal (fake.did[FAKE_FREEZE], 3);
}

static void what_we_have_suspended_slurm_does_not_stop (void **state)
{
    struct job *job = fake_oom ("12", "suspend@60s,kill");

    (void) state;
    fake_answer (job, SPOOL_SUSPEND, true, 0);
    incident_freezer (w, job, true, false);
    assert_int_equal (job->incident.slurm_stops_ms, 0);
}

static void who_reaches_its_limit_runs_whatever_a_step_does (void **state)
{
    struct job *job = fake_job ("12", "grow@60s,kill");

    (void) state;
    fake_freezes (job, true);
    incident_oom (w, job, TRIGGER_JOB);
    assert_int_equal (job->incident.slurm_stops_ms, 0);
}

static void thawed_unseen_it_is_noticed_by_the_timer (void **state)
{
    struct job *job;

    (void) state;
    fake.frees = MW_MIB;
    job = fake_node_oom ("suspend@60s,kill");
    fake_answer (job, SPOOL_SUSPEND, true, 0);
    fake_writes_freezer (job, false);
    fake_timer (job);
    assert_true (fake_frozen (job));
    fake_answer (job, SPOOL_SUSPEND, true, 0);
    fake_writes_freezer (job, false);
    fake.node_may_return = true;
    fake_timer (job); /* once more, or late? */
    fake_answer (job, SPOOL_SUSPEND, true, 0);
    fake_is_clean (job);
}

static void held_for_the_node_while_slurm_stops_it (void **state)
{
    struct job *job = fake_job ("12", "kill");
    uint64_t since, deadline;

    (void) state;
    fake_node_ladder ("hold@60s,kill");
    fake_freezes (job, true);
    incident_oom (w, job, TRIGGER_NODE);
    since = job->incident.frozen_ms;
    deadline = job->incident.deadline_ms;
    fake.now += 600000;
    incident_timer (w, job);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    fake_freezes (job, false); /* resumed there, it is held by us */
    assert_int_equal (job->incident.slurm_stops_ms, 0);
    assert_int_equal (job->incident.frozen_ms, since + 600000);
    assert_int_equal (job->incident.deadline_ms, deadline + 600000);
    assert_true (fake_frozen (job));
}

static void requeue_and_kill_wait_for_no_resume_at_slurm (void **state)
{
    struct job *job = fake_job ("12", "kill");

    (void) state;
    fake_node_ladder ("hold@60s,requeue,kill");
    fake_freezes (job, true);
    incident_oom (w, job, TRIGGER_NODE);
    incident_oom (w, job, TRIGGER_NODE);
    assert_int_equal (fake_rung (job), MW_STEP_REQUEUE);
    assert_int_equal (job->incident.slurm_stops_ms, 0);
    job->incident.slurm_stops_ms = fake.now;
    incident_oom (w, job, TRIGGER_NODE);
    assert_int_equal (fake_rung (job), MW_STEP_KILL);
    assert_int_equal (job->incident.slurm_stops_ms, 0);
}

static void thawed_by_somebody_it_is_frozen_again_and_tried (void **state)
{
    struct job *job = fake_job ("12", "grow@1s,hold@60s,kill");

    (void) state;
    fake_available (0);
    incident_oom (w, job, TRIGGER_JOB);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    fake_freezes (job, false);
    assert_true (fake_frozen (job));
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    fake_available (4 * MW_GIB);
    fake_freezes (job, false);
    assert_int_equal (fake_rung (job), MW_STEP_GROW);
    assert_false (fake_frozen (job));
}

static void thawed_to_die_it_is_left_so_for_a_moment (void **state)
{
    struct job *job = fake_job ("12", "hold@60s,kill");

    (void) state;
    incident_oom (w, job, TRIGGER_JOB);
    fake_empty (job);
    fake_freezes (job, false);
    assert_false (fake_frozen (job));
    assert_int_equal (job->incident.again_ms, fake.now + 1000);
    fake_timer (job); /* thawed still, and somebody is there after all */
    assert_true (job->incident.again_ms > fake.now);
}

static void what_is_killed_is_no_longer_guarded (void **state)
{
    struct job *job = fake_job ("12", "kill");

    (void) state;
    fake.left = 1;
    incident_oom (w, job, TRIGGER_JOB);
    incident_freezer (w, job, true, false);
    incident_freezer (w, job, false, true);
    assert_int_equal (job->incident.slurm_stops_ms, 0);
    assert_int_equal (fake.did[FAKE_FREEZE], 1);
    incident_end (w, job, "x");
    incident_freezer (w, job, true, false);
    assert_false (job->incident.open);
}

static void a_job_that_waits_for_its_requeue_may_be_frozen (void **state)
{
    struct job *job = fake_job ("12", "requeue,kill");

    (void) state;
    incident_oom (w, job, TRIGGER_JOB);
    incident_freezer (w, job, true, false);
    assert_int_equal (job->incident.slurm_stops_ms, 0);
}

/* ---- people -------------------------------------------------------------- */

static void hold_and_resume (void **state)
{
    struct job *job = fake_job ("12", "kill");

    (void) state;
    assert_int_equal (incident_resume (w, job, &err), -1);
    assert_int_equal (errno, EINVAL);
    assert_int_equal (incident_hold (w, job, &err), 0);
    assert_true (fake_frozen (job));
    assert_int_equal (job->incident.trigger, TRIGGER_ADMIN);
    assert_int_equal (job->usage.used, FAKE_LIMIT_BYTES);
    assert_int_equal (incident_hold (w, job, &err), -1);
    assert_int_equal (errno, EBUSY);
    fake_available (8 * MW_GIB);
    incident_headroom (w);
    assert_true (fake_frozen (job)); /* nor that of people */
    assert_int_equal (incident_resume (w, job, &err), 0);
    fake_is_clean (job);
}

static void resume_does_not_mean_kill (void **state)
{
    struct job *job = fake_job ("12", "hold@60s,kill");
    struct job *more = fake_job ("13", "hold@60s,grow@60s,kill");

    (void) state;
    incident_oom (w, job, TRIGGER_JOB);
    assert_int_equal (incident_resume (w, job, &err), -1);
    assert_int_equal (errno, EBUSY);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    incident_oom (w, more, TRIGGER_JOB);
    assert_int_equal (incident_resume (w, more, &err), 0);
    assert_int_equal (fake_rung (more), MW_STEP_GROW);
    fake_uses (job, FAKE_LIMIT_BYTES / 2);
    assert_int_equal (incident_resume (w, job, &err), 0);
    assert_false (job->incident.open);
}

static void resume_takes_what_room_there_is (void **state)
{
    struct job *job = fake_job ("12", "grow@60s,hold@60s,kill");

    (void) state;
    fake_available (0);
    incident_oom (w, job, TRIGGER_JOB);
    fake_available (MW_GIB + 8 * MW_MIB); /* no piece, but some */
    incident_headroom (w);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    assert_int_equal (incident_resume (w, job, &err), 0);
    assert_int_equal (fake_rung (job), MW_STEP_GROW);
    assert_int_equal (job->incident.lent, 8 * MW_MIB);
    assert_int_equal (incident_resume (w, job, &err), -1); /* it runs */
    assert_int_equal (errno, EINVAL);
    assert_int_equal (fake_rung (job), MW_STEP_GROW);
}

static void resume_is_slurms_where_slurm_has_stopped_it (void **state)
{
    struct job *job = fake_job ("12", "hold@60s,grow@60s,kill");

    (void) state;
    incident_oom (w, job, TRIGGER_JOB);
    job->incident.slurm_stops_ms = fake.now;
    assert_int_equal (incident_resume (w, job, &err), -1);
    assert_int_equal (errno, EBUSY);
    assert_non_null (strstr (err.text, "scontrol resume"));
}

/* ---- ends ---------------------------------------------------------------- */

static void whatever_was_done_is_undone_at_the_end (void **state)
{
    static const char *const ladder[] = {
        "hold@60s,kill",    "grow@60s,kill",        "slow@60s,kill",
        "enomem@60s,kill",  "signal=USR1@60s,kill", "dump@60s,kill",
        "suspend@60s,kill", "requeue,kill",         "kill",
    };
    char key[8];

    (void) state;
    for (unsigned i = 0; i < sizeof (ladder) / sizeof (ladder[0]); i++) {
        struct job *job;

        snprintf (key, sizeof (key), "%u", 20 + i);
        job = fake_job (key, ladder[i]);
        job->limit = MW_MIB; /* so that its task is no small one (enomem) */
        incident_oom (w, job, TRIGGER_JOB);
        assert_int_equal (job->incident.step, 0);
        assert_true (job->incident.open);
        incident_end (w, job, "the job has ended");
        assert_int_equal (fake_requests (SPOOL_COMPLETE_OOM, NULL), 0);
        fake_is_clean (job);
    }
    assert_int_equal (fake_recorded (": killed; it used"), 1);
}

static void a_job_that_has_ended_while_suspended_may_run_again (void **state)
{
    struct job *job = fake_job ("12", "suspend@60s,kill");

    (void) state;
    incident_oom (w, job, TRIGGER_JOB);
    fake_answer (job, SPOOL_SUSPEND, true, 0);
    incident_end (w, job, "the job has ended");
    assert_int_equal (fake_requests (SPOOL_RESUME, NULL), 1);
    fake_is_clean (job);
}

static void what_stood_still_has_not_ended_by_itself (void **state)
{
    struct job *job = fake_job ("12", "hold@60s,kill");
    struct job *own = fake_job ("run", "hold@60s,kill");
    struct job *runs = fake_job ("13", "grow@60s,kill");

    (void) state;
    incident_oom (w, job, TRIGGER_JOB);
    incident_end (w, job, "it has ended");
    assert_int_equal (fake_recorded ("job 12: ended by Slurm"), 1);
    incident_oom (w, own, TRIGGER_JOB);
    incident_end (w, own, "it has ended");
    assert_int_equal (fake_recorded ("job run: it has ended"), 1);
    incident_oom (w, runs, TRIGGER_JOB);
    incident_end (w, runs, "it has ended");
    assert_int_equal (fake_recorded ("job 13: it has ended"), 1);
}

static void a_requeue_that_slurm_is_faster_than (void **state)
{
    struct job *job = fake_oom ("12", "requeue,kill");

    (void) state;
    incident_end (w, job, "it has ended");
    assert_int_equal (fake_recorded ("job 12: it has ended"), 1);
}

static void one_that_went_while_nobody_looked_is_closed (void **state)
{
    struct job *job = fake_job ("12", "suspend@60s,kill");

    (void) state;
    incident_lost (w, job);
    assert_int_equal (fake_recorded ("\"event\":\"resolved\""), 0);
    incident_oom (w, job, TRIGGER_JOB);
    incident_lost (w, job);
    assert_int_equal (fake_recorded ("ended while the warden was away"), 1);
    assert_int_equal (fake_requests (SPOOL_RESUME, NULL), 1);
    assert_false (job->incident.open);
}

static void the_script_waits_for_who_has_a_use_for_that (void **state)
{
    struct job *job = fake_job ("12", "signal=USR1@60s,requeue,kill");
    struct job *held = fake_job ("13", "hold@60s,kill");

    (void) state;
    incident_oom (w, held, TRIGGER_JOB);
    assert_false (incident_script_ended (w, held, 0));
    incident_oom (w, job, TRIGGER_JOB);
    assert_true (incident_script_ended (w, job, 3 << 8));
    assert_int_equal (job->incident.status, 3 << 8);
    assert_true (job->incident.ended);
    assert_int_equal (fake_requests (SPOOL_REQUEUE, NULL), 1);
    assert_true (incident_script_ended (w, job, 0)); /* told twice */
    assert_int_equal (job->incident.status, 3 << 8);
}

/* ---- shadow -------------------------------------------------------------- */

static void in_shadow_mode_nothing_is_done (void **state)
{
    struct job *job = fake_job ("12", "dump=no@1s,grow@60s,kill");

    (void) state;
    w->conf.shadow = true;
    incident_oom (w, job, TRIGGER_JOB);
    assert_false (job->incident.open);
    for (unsigned i = 0; i < FAKE_DEEDS; i++)
        assert_int_equal (fake.did[i], 0);
    assert_int_equal (fake_recorded ("\"event\":\"shadow\""), 1);
    assert_int_equal (fake_recorded ("would have begun with grow@1m: 128 MiB "
                                     "could have been lent (dump: no hook"),
                      1);
    assert_int_equal (fake_recorded ("\"trigger\":\"job\""), 2);
    assert_int_equal (incident_hold (w, job, &err), -1);
    assert_int_equal (errno, ENOTSUP);
    fake_available (0);
    job->memcg.hit_kills = 2;
    job->memcg.hit_limit = FAKE_LIMIT_BYTES / 2;
    incident_oom (w, job, TRIGGER_JOB);
    assert_int_equal (fake_recorded ("begun with kill (dump: "), 1);
    assert_int_equal (fake_recorded ("the kernel has killed 2 of its"), 1);
    assert_int_equal (job->memcg.hit_kills, 0);
    assert_null (job->incident.ladder);
}

static void a_warden_that_only_watches_from_now_on_undoes (void **state)
{
    struct job *job = fake_job ("12", "suspend@60s,kill");

    (void) state;
    incident_oom (w, job, TRIGGER_JOB);
    job = fake_restart ("12");
    w->conf.shadow = true;
    incident_recover (w, job);
    fake_is_clean (job);
    assert_int_equal (fake_recorded ("from now on the warden only watches"), 1);
}

/* ---- another warden ------------------------------------------------------ */

static void a_restart_goes_on_where_it_was (void **state)
{
    struct job *job = fake_job ("12", "hold@60s,hold@90s,kill");
    uint64_t deadline;

    (void) state;
    incident_oom (w, job, TRIGGER_JOB);
    deadline = job->incident.deadline_ms;
    job = fake_restart ("12");
    incident_recover (w, job);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    assert_int_equal (job->incident.deadline_ms, deadline);
    assert_int_equal (fake.did[FAKE_FREEZE], 2); /* asserted again */
    assert_true (job->freezers > 0);
    fake_deadline (job);
    assert_int_equal (job->incident.step, 1);
}

/* Behind the record of what was detected nothing was done yet. */
static void a_restart_begins_the_step_that_had_not_begun (void **state)
{
    struct job *job = fake_job ("12", "signal=USR1@60s,kill");

    (void) state;
    incident_oom (w, job, TRIGGER_JOB);
    job->incident.step_ms = job->incident.deadline_ms = 0;
    job->incident.phase = 0;
    report (w, job, "detected", REPORT_LOG, "as it was before");
    job = fake_restart ("12");
    incident_recover (w, job);
    assert_int_equal (job->incident.deadline_ms, fake.now + 60000);
    assert_int_equal (fake_recorded ("sent signal USR1"), 2);
    fake_deadline (job);
    assert_int_equal (fake_rung (job), MW_STEP_KILL);
}

static void a_restart_knows_the_hold_of_an_admin (void **state)
{
    struct job *job = fake_job ("12", "kill");

    (void) state;
    assert_int_equal (incident_hold (w, job, &err), 0);
    job = fake_restart ("12");
    incident_recover (w, job);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    assert_int_equal (job->incident.ladder->count, 1);
    job->incident.step = 1; /* by a record of another warden's making */
    incident_recover (w, job);
    assert_int_equal (job->incident.step, 0);
    assert_int_equal (incident_resume (w, job, &err), 0);
    fake_is_clean (job);
}

static void a_restart_leaves_to_slurm_what_it_has_stopped (void **state)
{
    struct job *job = fake_job ("12", "grow@60s,hold@60s,kill");

    (void) state;
    incident_oom (w, job, TRIGGER_JOB);
    fake_freezes (job, true);
    job = fake_restart ("12");
    incident_recover (w, job);
    assert_true (job->incident.slurm_stops_ms > 0);
    assert_true (fake_frozen (job));
    assert_int_equal (fake.did[FAKE_THAW], 0);
    fake_writes_freezer (job, false); /* nobody is there to see it */
    job = fake_restart ("12");
    incident_recover (w, job);
    assert_int_equal (job->incident.slurm_stops_ms, 0);
    assert_int_equal (fake_rung (job), MW_STEP_GROW);
}

static void a_restart_seeks_the_courier_on (void **state)
{
    struct job *job = fake_job ("12", "suspend@10m,kill");

    (void) state;
    fake_no_courier (true);
    incident_oom (w, job, TRIGGER_JOB);
    assert_int_equal (job->incident.phase, PHASE_SEEKS);
    assert_false (fake_frozen (job));
    job = fake_restart ("12");
    w->courier_kept = true;
    incident_recover (w, job);
    assert_int_equal (fake_rung (job), MW_STEP_SUSPEND);
    assert_true (fake_frozen (job));
    assert_int_equal (fake_requests (SPOOL_SUSPEND, NULL), 1);
}

static void a_restart_without_an_incident_does_nothing (void **state)
{
    struct job *job;

    (void) state;
    fake_job ("12", "hold@60s,kill");
    job = fake_restart ("12");
    incident_recover (w, job);
    incident_timer (w, job);
    incident_end (w, job, "x");
    assert_int_equal (fake_recorded ("\"event\":\"resolved\""), 0);
    assert_int_equal (fake.did[FAKE_THAW], 0);
}

#define T(f) cmocka_unit_test_setup_teardown (f, fake_begin, fake_end)

int main (void)
{
    const struct CMUnitTest tests[] = {
        T (suspended_at_slurm_its_ladder_waits),
        T (what_slurm_had_stopped_before_is_seen_at_once),
        T (a_job_whose_steps_are_not_all_frozen),
        T (what_we_have_suspended_slurm_does_not_stop),
        T (who_reaches_its_limit_runs_whatever_a_step_does),
        T (thawed_unseen_it_is_noticed_by_the_timer),
        T (held_for_the_node_while_slurm_stops_it),
        T (requeue_and_kill_wait_for_no_resume_at_slurm),
        T (thawed_by_somebody_it_is_frozen_again_and_tried),
        T (thawed_to_die_it_is_left_so_for_a_moment),
        T (what_is_killed_is_no_longer_guarded),
        T (a_job_that_waits_for_its_requeue_may_be_frozen),
        T (hold_and_resume),
        T (resume_does_not_mean_kill),
        T (resume_takes_what_room_there_is),
        T (resume_is_slurms_where_slurm_has_stopped_it),
        T (whatever_was_done_is_undone_at_the_end),
        T (a_job_that_has_ended_while_suspended_may_run_again),
        T (what_stood_still_has_not_ended_by_itself),
        T (a_requeue_that_slurm_is_faster_than),
        T (one_that_went_while_nobody_looked_is_closed),
        T (the_script_waits_for_who_has_a_use_for_that),
        T (in_shadow_mode_nothing_is_done),
        T (a_warden_that_only_watches_from_now_on_undoes),
        T (a_restart_goes_on_where_it_was),
        T (a_restart_begins_the_step_that_had_not_begun),
        T (a_restart_knows_the_hold_of_an_admin),
        T (a_restart_leaves_to_slurm_what_it_has_stopped),
        T (a_restart_seeks_the_courier_on),
        T (a_restart_without_an_incident_does_nothing),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
