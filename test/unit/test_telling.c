/* A job that has one incident after the other: what is done stays the same, only
 * what is told of it, and how long it keeps a loan, does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "handler/incident/incident.h"
#include "handler/record/report.h"
#include "test/unit/fake_warden.h"

static struct warden *const w = &fake.w;
static struct mw_err err;

/* It is looked at again, as its step wants it. */
static void _look (struct job *job)
{
    assert_true (job->incident.again_ms > fake.now);
    fake.now = job->incident.again_ms;
    incident_timer (w, job);
}

/* [job] has [count] incidents at once, each over by itself. */
static void _swings (struct job *job, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        fake_uses (job, FAKE_LIMIT_BYTES);
        incident_oom (w, job, TRIGGER_JOB);
        assert_true (job->incident.lent > 0);
        fake_uses (job, FAKE_LIMIT_BYTES / 2);
        _look (job);
        report_flush (w);
    }
}

static void of_a_job_held_and_resumed_in_a_loop_little_is_told (void **state)
{
    struct job *job = fake_job ("12", "kill");

    (void) state;
    for (unsigned i = 0; i < 200; i++) {
        assert_int_equal (incident_hold (w, job, &err), 0);
        assert_true (fake_frozen (job));
        assert_int_equal (incident_resume (w, job, &err), 0);
        assert_false (fake_frozen (job));
        report_flush (w);
    }
    assert_int_equal (fake_recorded ("is to be held"), 200);
    assert_int_equal (fake_logged ("is to be held"), OFTEN_INCIDENTS + 1);
    assert_int_equal (fake_logged ("it has had 11 incidents"), 1);
    assert_int_equal (fake_requests (SPOOL_COMMENT, NULL), 1);
    fake.now += OFTEN_TELL_MS;
    assert_int_equal (incident_hold (w, job, &err), 0);
    assert_int_equal (incident_resume (w, job, &err), 0);
    report_flush (w);
    assert_int_equal (fake_logged ("189 incidents before it were not told"), 1);
    assert_int_equal (fake_logged ("it has had 11 incidents"), 1);
}

static void a_loan_is_kept_longer (void **state)
{
    struct job *job = fake_job ("12", "grow@60s,kill");
    uint64_t began;

    (void) state;
    _swings (job, OFTEN_INCIDENTS);
    fake_is_clean (job);
    fake_uses (job, FAKE_LIMIT_BYTES);
    incident_oom (w, job, TRIGGER_JOB);
    fake_uses (job, FAKE_LIMIT_BYTES / 2);
    _look (job);
    began = fake.now;
    while (job->incident.open) {
        assert_true (job->incident.lent > 0);
        assert_true (fake.now - began < OFTEN_KEEP_MS);
        /* as it would be with another incident the next time */
        assert_int_equal (job->incident.deadline_ms, fake.now + 60000);
        _look (job);
    }
    assert_int_equal (fake.now - began, OFTEN_KEEP_MS);
    fake_is_clean (job);
}

static void not_while_somebody_else_needs_it (void **state)
{
    struct job *job = fake_job ("12", "grow@60s,kill");

    (void) state;
    _swings (job, OFTEN_INCIDENTS);
    fake_uses (job, FAKE_LIMIT_BYTES);
    incident_oom (w, job, TRIGGER_JOB);
    fake_uses (job, FAKE_LIMIT_BYTES / 2);
    fake_available (0);
    _look (job);
    fake_is_clean (job);
}

static void what_it_needs_again_is_no_time_below (void **state)
{
    struct job *job = fake_job ("12", "grow@60s,hold@60s,kill");

    (void) state;
    _swings (job, OFTEN_INCIDENTS);
    fake_uses (job, FAKE_LIMIT_BYTES);
    incident_oom (w, job, TRIGGER_JOB);
    fake_uses (job, FAKE_LIMIT_BYTES / 2);
    for (unsigned i = 0; i < 20; i++)
        _look (job);
    fake_uses (job, FAKE_LIMIT_BYTES * 5 / 4);
    _look (job);
    assert_int_equal (job->incident.below_ms, 0);
    /* and its time is over as it would be */
    fake_deadline (job);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
}

static void who_only_keeps_a_loan_may_be_held (void **state)
{
    struct job *job = fake_job ("12", "grow@60s,kill");

    (void) state;
    _swings (job, OFTEN_INCIDENTS);
    fake_uses (job, FAKE_LIMIT_BYTES);
    incident_oom (w, job, TRIGGER_JOB);
    assert_int_equal (incident_hold (w, job, &err), -1);
    fake_uses (job, FAKE_LIMIT_BYTES / 2);
    _look (job);
    assert_true (job->incident.open);
    assert_int_equal (incident_hold (w, job, &err), 0);
    assert_true (fake_frozen (job));
}

static void a_kill_is_told_whatever_was_before (void **state)
{
    struct job *job = fake_job ("12", "grow=64M@60s,kill");

    (void) state;
    _swings (job, OFTEN_INCIDENTS + 1);
    while (job->incident.open)
        _look (job);
    fake_is_clean (job);
    _swings (job, 1); /* told: it is 10 s later */
    while (job->incident.open)
        _look (job);
    fake_uses (job, FAKE_LIMIT_BYTES);
    incident_oom (w, job, TRIGGER_JOB);
    incident_oom (w, job, TRIGGER_JOB);
    report_flush (w);
    assert_int_equal (fake_rung (job), MW_STEP_KILL);
    assert_int_equal (fake_logged ("to be killed"), 1);
    assert_false (job->incident.quiet);
}

#define T(f) cmocka_unit_test_setup_teardown (f, fake_begin, fake_end)

int main (void)
{
    const struct CMUnitTest tests[] = {
        T (of_a_job_held_and_resumed_in_a_loop_little_is_told),
        T (a_loan_is_kept_longer),
        T (not_while_somebody_else_needs_it),
        T (what_it_needs_again_is_no_time_below),
        T (who_only_keeps_a_loan_may_be_held),
        T (a_kill_is_told_whatever_was_before),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
