/* What was done to a job is undone, whatever fails: it is tried again until it is,
 * and not said before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "handler/incident/incident.h"
#include "handler/record/journal.h"
#include "handler/step/step.h"
#include "test/unit/fake_warden.h"
#include "test/unit/sanitized.h"

static struct warden *const w = &fake.w;
static struct mw_err err;

static struct job *_held (void)
{
    struct job *job = fake_job ("12", "kill");

    assert_int_equal (incident_hold (w, job, &err), 0);
    return job;
}

/* So many timers come, and [job]'s incident stays. */
static void _stays_open (struct job *job, unsigned times)
{
    while (times-- > 0) {
        fake_timer (job);
        assert_true (job->incident.open);
    }
    assert_int_equal (fake_recorded ("\"event\":\"resolved\""), 0);
}

static void a_thaw_that_fails_once_is_no_matter (void **state)
{
    struct job *job = _held ();

    (void) state;
    fake.fails[FAKE_THAW] = EIO;
    fake.fails_for[FAKE_THAW] = 1;
    assert_int_equal (incident_resume (w, job, &err), 0);
    fake_is_clean (job);
    assert_int_equal (fake_recorded ("\"event\":\"thawed\""), 1);
}

static void resume_is_done_when_it_is_thawed (void **state)
{
    struct job *job = _held ();
    uint64_t began = fake.now;

    (void) state;
    fake.fails[FAKE_THAW] = EIO;
    assert_int_equal (incident_resume (w, job, &err), -1);
    assert_int_equal (errno, EINPROGRESS);
    _stays_open (job, 20);
    assert_true (fake.now - began > 5000); /* no busy loop, … */
    assert_true (fake.now - began < 30000);
    assert_true (fake_frozen (job));
    assert_int_equal (fake_recorded ("\"event\":\"thawed\""), 0);
    assert_int_equal (fake_recorded ("cannot thaw it"), 1); /* … nor chatter */
    assert_int_equal (incident_resume (w, job, &err), -1);
    fake.fails[FAKE_THAW] = 0;
    fake_timer (job);
    fake_is_clean (job);
    assert_int_equal (fake_recorded ("\"event\":\"thawed\""), 1);
    assert_int_equal (fake_recorded ("\"event\":\"resolved\""), 1);
}

static void resumed_again_it_is_tried_at_once (void **state)
{
    struct job *job = _held ();

    (void) state;
    fake.fails[FAKE_THAW] = EIO;
    assert_int_equal (incident_resume (w, job, &err), -1);
    fake.fails[FAKE_THAW] = 0;
    assert_int_equal (incident_resume (w, job, &err), 0);
    fake_is_clean (job);
}

/* The directory has gone with all that was done to it. */
static void one_that_has_gone_has_nothing_to_undo (void **state)
{
    struct job *job = _held ();

    (void) state;
    fake.fails[FAKE_THAW] = ENODEV;
    assert_int_equal (incident_resume (w, job, &err), 0);
    assert_false (job->incident.open);
}

static void a_later_rung_runs_when_it_is_thawed (void **state)
{
    struct job *job = fake_oom ("12", "hold@60s,grow@60s,kill");

    (void) state;
    fake.fails[FAKE_THAW] = EIO;
    fake_deadline (job);
    assert_int_equal (fake_rung (job), MW_STEP_GROW);
    assert_true (fake_frozen (job));
    fake.fails[FAKE_THAW] = 0;
    fake_timer (job);
    assert_false (fake_frozen (job));
    assert_int_equal (fake_rung (job), MW_STEP_GROW);
    assert_int_equal (fake_recorded ("\"event\":\"thawed\""), 1);
}

static void a_loan_is_taken_back_until_it_is (void **state)
{
    struct job *job = fake_oom ("12", "grow@60s,kill");

    (void) state;
    fake.fails[FAKE_LIMIT] = EIO;
    incident_end (w, job, "x");
    _stays_open (job, 5);
    assert_int_equal (fake_recorded ("gave back"), 0);
    assert_true (job->incident.lent > 0);
    assert_true (w->jobs.committed > FAKE_LIMIT_BYTES); /* nobody else has it */
    fake.fails[FAKE_LIMIT] = 0;
    fake_timer (job);
    fake_is_clean (job);
    assert_int_equal (w->jobs.committed, FAKE_LIMIT_BYTES);
    assert_int_equal (fake_recorded ("gave back"), 1);
}

static void the_reserve_is_closed_until_it_is (void **state)
{
    struct job *job = fake_oom ("12", "signal=USR1@60s,kill");

    (void) state;
    assert_true (job->incident.reserve_open);
    fake.fails[FAKE_LIMIT] = EIO;
    incident_end (w, job, "x");
    _stays_open (job, 5);
    assert_int_equal (fake_recorded ("is closed"), 0);
    fake.fails[FAKE_LIMIT] = 0;
    fake_timer (job);
    fake_is_clean (job);
    assert_int_equal (fake_recorded ("is closed"), 1);
}

static void a_job_is_slowed_until_it_is_not (void **state)
{
    struct job *job = fake_oom ("12", "slow@60s,kill");

    (void) state;
    fake.fails[FAKE_THAW] = EIO;
    incident_end (w, job, "x");
    _stays_open (job, 5);
    assert_int_equal (fake_recorded ("is not slowed any more"), 0);
    fake.fails[FAKE_THAW] = 0;
    fake_timer (job);
    fake_is_clean (job);
    assert_int_equal (fake_recorded ("is not slowed any more"), 1);
}

/* Where the records should be is a file. */
static void limits_are_given_back_until_they_are (void **state)
{
    struct job *job;
    int dir;

    (void) state;
    if (MW_SANITIZED) /* its process is no small one, and enomem would do */
        skip ();
    job = fake_oom ("12", "enomem@60s,hold@60s,kill");
    dir = open (fake.dir, O_RDONLY | O_DIRECTORY);
    unlinkat (dir, "rlimits", AT_REMOVEDIR);
    close (openat (dir, "rlimits", O_CREAT | O_WRONLY, 0600));
    job->incident.enomem = true;
    incident_end (w, job, "x");
    _stays_open (job, 5);
    assert_int_equal (fake_recorded ("its limits stay lowered"), 1);
    unlinkat (dir, "rlimits", 0);
    close (dir);
    fake_timer (job);
    fake_is_clean (job);
}

static void slurm_is_asked_to_resume_until_it_can_be (void **state)
{
    struct job *job = fake_oom ("12", "suspend@60s,kill");
    int tmp = dup (w->spool.tmp);

    (void) state;
    fake_answer (job, SPOOL_SUSPEND, true, 0);
    fake_spool_fails ();
    job->limit = 2 * FAKE_LIMIT_BYTES;
    assert_int_equal (incident_resume (w, job, &err), -1);
    _stays_open (job, 5);
    assert_true (job->incident.suspended);
    w->spool.tmp = tmp;
    for (int i = 0; i < 5 && job->incident.open; i++)
        fake_timer (job);
    fake_is_clean (job);
    assert_int_equal (fake_requests (SPOOL_RESUME, NULL), 1);
}

/* It runs, then: nobody leaves it in its OOM because of what is not undone. */
static void its_next_oom_is_answered_meanwhile (void **state)
{
    struct job *job = fake_oom ("12", "grow=64M@60s,hold@60s,kill");

    (void) state;
    fake.fails[FAKE_LIMIT] = EIO;
    fake_uses (job, 0);
    incident_end (w, job, "x");
    assert_true (job->incident.closing);
    incident_oom (w, job, TRIGGER_JOB);
    assert_false (job->incident.closing);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    assert_true (fake_frozen (job));
}

/* Its words outlive the call that has found them. */
static void the_outcome_is_told_whole_when_all_is_undone (void **state)
{
    struct job *job = fake_oom ("12", "hold@30s,kill");

    (void) state;
    job->incident.kernel_killed = true;
    fake.fails[FAKE_THAW] = EIO;
    fake_uses (job, FAKE_LIMIT_BYTES / 2);
    incident_headroom (w);
    _stays_open (job, 2);
    fake.fails[FAKE_THAW] = 0;
    fake_timer (job);
    assert_false (job->incident.open);
    assert_int_equal (fake_recorded (
                          "job 12: it has room again, after the kernel "
                          "had killed in it; it used"),
                      1);
}

/* The journal's last word of an incident is that it is over. */
static void another_warden_knows_that_all_is_undone (void **state)
{
    struct job *job = fake_oom ("12", "grow@5s,kill");

    (void) state;
    incident_end (w, job, "x");
    assert_false (job->incident.open);
    job = fake_restart ("12");
    assert_false (job->incident.closing);
    incident_oom (w, job, TRIGGER_JOB);
    assert_true (job->incident.open);
    assert_int_equal (job->incident.number, 2);
}

static void another_warden_goes_on_undoing (void **state)
{
    struct job *job = _held ();

    (void) state;
    fake.fails[FAKE_THAW] = EIO;
    assert_int_equal (incident_resume (w, job, &err), -1);
    fake.fails[FAKE_THAW] = 0;
    job = fake_restart ("12");
    incident_recover (w, job);
    fake_is_clean (job);
    assert_int_equal (fake_recorded ("\"event\":\"resolved\""), 1);
}

#define T(f) cmocka_unit_test_setup_teardown (f, fake_begin, fake_end)

int main (void)
{
    const struct CMUnitTest tests[] = {
        T (a_thaw_that_fails_once_is_no_matter),
        T (resume_is_done_when_it_is_thawed),
        T (resumed_again_it_is_tried_at_once),
        T (one_that_has_gone_has_nothing_to_undo),
        T (a_later_rung_runs_when_it_is_thawed),
        T (a_loan_is_taken_back_until_it_is),
        T (the_reserve_is_closed_until_it_is),
        T (a_job_is_slowed_until_it_is_not),
        T (limits_are_given_back_until_they_are),
        T (slurm_is_asked_to_resume_until_it_can_be),
        T (its_next_oom_is_answered_meanwhile),
        T (the_outcome_is_told_whole_when_all_is_undone),
        T (another_warden_knows_that_all_is_undone),
        T (another_warden_goes_on_undoing),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
