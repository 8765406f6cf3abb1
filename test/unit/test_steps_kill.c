/* The rungs, last part (see test_steps.c): the kill. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "handler/incident/incident.h"
#include "test/unit/fake_warden.h"

static struct warden *const w = &fake.w;

/* ---- kill ---------------------------------------------------------------- */

static void kill_waits_frozen_for_slurm_to_know (void **state)
{
    struct job *job = fake_oom ("12", "kill"), *slow = fake_oom ("13", "kill");

    (void) state;
    assert_true (fake_frozen (job) && job->leaving);
    assert_int_equal (fake_requests (SPOOL_COMPLETE_OOM, NULL), 2);
    assert_int_equal (fake.did[FAKE_KILL], 0);
    fake_timer (slow);
    assert_int_equal (fake.did[FAKE_KILL], 1);
    assert_int_equal (fake_requests (SPOOL_COMPLETE_OOM, NULL), 2);
    incident_oom (w, job, TRIGGER_JOB);
    fake_empty (job);
    incident_answer (
        w, job,
        &(struct spool_answer) {
            .id = "12.0000000099.complete-oom" }); /* not its own */
    assert_int_equal (fake.did[FAKE_KILL], 1);
}

static void kill_where_slurm_says_no_is_a_kill (void **state)
{
    struct job *job = fake_oom ("12", "kill");

    (void) state;
    fake_empty (job);
    fake_answer (job, SPOOL_COMPLETE_OOM, false, 1);
    assert_int_equal (fake.did[FAKE_KILL], 1);
    assert_false (job->incident.open);
    assert_int_equal (fake_recorded ("job 12: killed; it used"), 1);
}

/* Its batch script is done, and with it the job as Slurm and its user see it. */
static void kill_of_what_has_ended_by_itself_is_none (void **state)
{
    struct job *job = fake_oom ("12", "grow@5s,kill");

    (void) state;
    assert_false (incident_script_ended (w, job, 0));
    fake_deadline (job);
    assert_int_equal (fake.did[FAKE_KILL], 1); /* what it has left behind */
    assert_int_equal (fake_requests (SPOOL_COMPLETE_OOM, NULL), 0);
    assert_int_equal (fake_recorded ("job 12: to be killed"), 0);
    fake_empty (job);
    fake_timer (job);
    assert_int_equal (fake_recorded ("job 12: killed"), 0);
    assert_int_equal (fake_recorded ("job 12: it has ended by itself"), 1);
}

/* Only where it had ended before: a script ends by our own SIGKILL, too. */
static void kill_of_what_died_of_our_signal_is_one (void **state)
{
    struct job *job = fake_oom ("12", "signal=USR1@60s,kill");

    (void) state;
    assert_true (incident_script_ended (w, job, SIGUSR1));
    assert_int_equal (fake_requests (SPOOL_COMPLETE_OOM, NULL), 1);
    assert_int_equal (fake_recorded ("job 12: to be killed"), 1);
}

static void kill_ends_the_script_and_is_a_kill (void **state)
{
    struct job *job = fake_oom ("12", "kill");

    (void) state;
    fake_answer (job, SPOOL_COMPLETE_OOM, true, 0);
    incident_script_ended (w, job, 9);
    fake_empty (job);
    fake_timer (job);
    assert_int_equal (fake_recorded ("job 12: killed; it used"), 1);
}

static void kill_of_what_slurm_does_not_know_is_at_once (void **state)
{
    struct job *job = fake_oom ("run", "kill");

    (void) state;
    assert_int_equal (fake.did[FAKE_KILL], 1);
    assert_false (job->leaving);
    assert_int_equal (fake_requests (SPOOL_COMPLETE_OOM, NULL), 0);
}

static void kill_of_a_step_lets_it_be_told_first (void **state)
{
    struct job *job = fake_job ("12.0", "kill");

    (void) state;
    job->spec.slurm_id = 0;
    strcpy (job->spec.of, "12");
    incident_oom (w, job, TRIGGER_JOB);
    assert_int_equal (fake.did[FAKE_KILL], 0);
    assert_int_equal (job->incident.again_ms, fake.now + 100);
    fake_timer (job);
    assert_int_equal (fake.did[FAKE_KILL], 1);
}

static void kill_again_until_nobody_is_left (void **state)
{
    struct job *job;

    (void) state;
    fake.left = 2;
    w->conf.drain_stuck = true;
    job = fake_oom ("run", "kill");
    for (unsigned i = 1; i < 200; i++) {
        assert_int_equal (job->incident.again_ms, fake.now + 10);
        assert_int_equal (fake_requests (SPOOL_DRAIN, NULL), 0);
        fake_timer (job);
    }
    assert_int_equal (job->incident.again_ms, fake.now + 1000);
    assert_int_equal (fake_recorded ("2 processes cannot be killed"), 1);
    assert_int_equal (fake_requests (SPOOL_DRAIN, NULL), 1);
    fake.left = 0;
    fake_timer (job); /* its own process is still listed */
    assert_true (job->incident.open);
    fake_empty (job);
    fake_timer (job);
    assert_false (job->incident.open);
}

static void kill_of_what_is_gone_is_done (void **state)
{
    struct job *job;

    (void) state;
    fake.fails[FAKE_KILL] = ENODEV;
    job = fake_oom ("run", "kill");
    assert_false (job->incident.open);
}

static void kill_that_slurm_cannot_be_told_of_is_at_once (void **state)
{
    struct job *job;

    (void) state;
    fake_spool_fails ();
    job = fake_oom ("12", "kill");
    assert_int_equal (fake.did[FAKE_KILL], 1);
    assert_false (job->leaving);
}

static void kill_goes_on_after_a_restart (void **state)
{
    struct job *job = fake_oom ("12", "kill");

    (void) state;
    fake.left = 1;
    job = fake_restart ("12");
    incident_recover (w, job);
    assert_int_equal (job->incident.again_ms,
                      fake.now + w->conf.controller_timeout_ms);
    fake_timer (job);
    assert_int_equal (fake.did[FAKE_KILL], 1);
    job = fake_restart ("12");
    incident_recover (w, job);
    fake_timer (job);
    assert_int_equal (fake.did[FAKE_KILL], 2);
}

static void what_slurm_kills_is_left_to_it_for_a_while (void **state)
{
    struct job *job = fake_oom ("12", "kill");
    struct spool_answer a = { .ok = true, .suspended = true };
    uint64_t from = fake.now;

    (void) state;
    memcpy (a.id, job->incident.request, sizeof (a.id));
    incident_answer (w, job, &a);
    assert_int_equal (job->incident.again_ms, fake.now + 10);
    while (fake.did[FAKE_KILL] == 0 && fake.now < from + 60000)
        fake_timer (job);
    assert_true (fake.now >= from + w->conf.controller_timeout_ms);
    assert_true (fake.now < from + 2 * w->conf.controller_timeout_ms);
    assert_int_equal (fake.did[FAKE_KILL], 1);
    assert_int_equal (fake_recorded ("Slurm has not killed all of it"), 1);
}

static void what_slurm_kills_and_cannot_thaw_is_thawed (void **state)
{
    struct job *job = fake_job ("12", "kill");
    struct spool_answer a = { .ok = true, .suspended = true };

    (void) state;
    job->freezer_path = strdup ("/sys/fs/cgroup/freezer/memwarden/12");
    incident_oom (w, job, TRIGGER_JOB);
    memcpy (a.id, job->incident.request, sizeof (a.id));
    assert_true (fake_frozen (job));
    incident_answer (w, job, &a);
    assert_false (fake_frozen (job));
    assert_int_equal (fake.did[FAKE_KILL], 0);
    fake_empty (job);
    fake_gone (job);
    incident_end (w, job, "x");
    assert_int_equal (fake_recorded ("job 12: killed; it used"), 1);
}

#define T(f) cmocka_unit_test_setup_teardown (f, fake_begin, fake_end)

int main (void)
{
    const struct CMUnitTest tests[] = {
        T (kill_waits_frozen_for_slurm_to_know),
        T (kill_where_slurm_says_no_is_a_kill),
        T (kill_of_what_has_ended_by_itself_is_none),
        T (kill_of_what_died_of_our_signal_is_one),
        T (kill_ends_the_script_and_is_a_kill),
        T (kill_of_what_slurm_does_not_know_is_at_once),
        T (kill_of_a_step_lets_it_be_told_first),
        T (kill_again_until_nobody_is_left),
        T (kill_of_what_is_gone_is_done),
        T (kill_that_slurm_cannot_be_told_of_is_at_once),
        T (kill_goes_on_after_a_restart),
        T (what_slurm_kills_is_left_to_it_for_a_while),
        T (what_slurm_kills_and_cannot_thaw_is_thawed),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
