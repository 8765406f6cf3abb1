/* What waits for the courier: of one kind and job the last word, and of all so much
 * that there is an end; what a ladder asks is not kept back by the rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "handler/incident/incident.h"
#include "handler/record/ask.h"
#include "handler/record/report.h"
#include "handler/record/request.h"
#include "handler/spool/waiting.h"
#include "test/unit/fake_warden.h"

static struct warden *const w = &fake.w;

/* Something is said of [job] to [whom]. */
static void _say (struct job *job, unsigned whom, const char *text)
{
    report (w, job, "note", whom, "job %s: %s", job->spec.key, text);
    report_flush (w);
}

static void a_newer_comment_takes_the_place_of_one_that_waits (void **state)
{
    struct job *job = fake_job ("12", "kill"), *other = fake_job ("13", "kill");
    struct spool_request r;

    (void) state;
    _say (other, REPORT_COMMENT, "his");
    for (unsigned i = 0; i < 100; i++)
        _say (job, REPORT_COMMENT, i < 99 ? "first" : "last");
    assert_int_equal (fake_requests (SPOOL_COMMENT, &r), 2);
    assert_string_equal (r.text, "memwarden: job 13: his");
    assert_int_equal (w->waiting->courtesies, 2);
    fake_answer (other, SPOOL_COMMENT, true, 0);
    assert_int_equal (fake_requests (SPOOL_COMMENT, &r), 1);
    assert_string_equal (r.text, "memwarden: job 12: last");
    fake_answer (job, SPOOL_COMMENT, true, 0);
    _say (job, REPORT_COMMENT, "another");
    assert_int_equal (fake_requests (SPOOL_COMMENT, NULL), 1);
}

static void of_lines_some_wait_and_the_rest_is_counted (void **state)
{
    struct job *job = fake_job ("12", "kill");
    struct spool_request r;

    (void) state;
    job->spec.tells = false;
    for (unsigned i = 0; i < 10; i++)
        _say (job, REPORT_JOB, "a line");
    assert_int_equal (fake_requests (SPOOL_NOTIFY, NULL), 4);
    fake_answer (job, SPOOL_NOTIFY, true, 0);
    _say (job, REPORT_JOB, "the next");
    assert_int_equal (fake_requests (SPOOL_NOTIFY, &r), 4);
    assert_string_equal (r.text, "(6 lines are left out) memwarden: job 12: "
                                 "the next");
}

/* A comment each of [count] jobs. */
static void _many (unsigned count)
{
    char key[16];
    struct job *job;

    for (unsigned i = 0; i < count; i++) {
        snprintf (key, sizeof (key), "%u", 1000 + i);
        job = fake_job (key, "kill");
        _say (job, REPORT_COMMENT, "a comment");
        job_free (&w->jobs, job);
    }
}

static void what_is_too_much_is_dropped_and_said_once (void **state)
{
    struct job *job;

    (void) state;
    w->conf.max_waiting_user = 10;
    _many (25);
    assert_int_equal (fake_requests (SPOOL_COMMENT, NULL), 10);
    assert_int_equal (fake_logged ("10 requests of user"), 1);
    /* what is to be done finds room */
    job = fake_oom ("12", "suspend@1h,requeue,kill");
    assert_int_equal (fake_requests (SPOOL_SUSPEND, NULL), 1);
    fake_deadline (job);
    assert_int_equal (fake_requests (SPOOL_REQUEUE, NULL), 1);
    assert_int_equal (fake_rung (job), MW_STEP_REQUEUE);
    for (unsigned i = 0; i < 5; i++)
        fake_answer (NULL, SPOOL_COMMENT, true, 0);
    report_flush (w);
    assert_int_equal (fake_logged ("were dropped meanwhile"), 1);
}

static void all_users_together_have_an_end (void **state)
{
    (void) state;
    w->conf.max_waiting = 10;
    _many (15);
    assert_int_equal (fake_requests (SPOOL_COMMENT, NULL), 10);
    assert_int_equal (fake_logged ("10 requests wait"), 1);
}

static void a_job_is_resumed_once_however_often_it_is_asked (void **state)
{
    struct job *job = fake_job ("12", "kill");

    (void) state;
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal (ask (w, job, SPOOL_RESUME, NULL, false), 0);
    assert_int_equal (fake_requests (SPOOL_RESUME, NULL), 1);
    assert_int_equal (w->waiting->duties, 1);
}

static void what_an_earlier_warden_has_asked_is_counted (void **state)
{
    struct job *job = fake_job ("12", "kill");
    struct spool_request r;

    (void) state;
    _say (job, REPORT_COMMENT, "a comment");
    fake_requests (SPOOL_COMMENT, &r);
    memset (w->waiting, 0, sizeof (*w->waiting));
    memset (job->asked, 0, sizeof (job->asked));
    request_found (w, job, r.id);
    request_found (w, job, r.id);
    assert_true (request_waits (w, r.id));
    assert_int_equal (w->waiting->courtesies, 1);
    _say (job, REPORT_COMMENT, "another");
    assert_int_equal (fake_requests (SPOOL_COMMENT, NULL), 1);
    assert_false (request_waits (w, r.id));
}

#define T(f) cmocka_unit_test_setup_teardown (f, fake_begin, fake_end)

int main (void)
{
    const struct CMUnitTest tests[] = {
        T (a_newer_comment_takes_the_place_of_one_that_waits),
        T (of_lines_some_wait_and_the_rest_is_counted),
        T (what_is_too_much_is_dropped_and_said_once),
        T (all_users_together_have_an_end),
        T (a_job_is_resumed_once_however_often_it_is_asked),
        T (what_an_earlier_warden_has_asked_is_counted),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
