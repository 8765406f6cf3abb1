/* The courier's answers are a stranger's: some a turn, when no event waits, and what
 * nobody has asked for is not read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "handler/daemon/answers.h"
#include "handler/incident/incident.h"
#include "handler/record/report.h"
#include "handler/record/request.h"
#include "handler/spool/waiting.h"
#include "test/unit/fake_warden.h"

static struct warden *const w = &fake.w;
static struct mw_err err;

static void _listen (void)
{
    /* what fake_begin has made of it */
    sd_event_source_disable_unref (w->room);
    assert_int_equal (warden_listen_answers (w, &err), 0);
}

static unsigned _left (void)
{
    struct spool_pass p;
    const char *name;
    unsigned n = 0;

    assert_int_equal (spool_pass_begin (&p, w->spool.ans), 0);
    while ((name = spool_pass_next (&p)))
        n += name[0] != '.';
    return n;
}

/* An answer [id] that may not have been asked for. */
static void _put (const char *id)
{
    struct spool_answer a = { .ok = true };

    snprintf (a.id, sizeof (a.id), "%s", id);
    assert_int_equal (spool_put_answer (&w->spool, &a, &err), 0);
}

static void _put_many (unsigned count)
{
    char id[SPOOL_ID_MAX];

    for (unsigned i = 1; i <= count; i++) {
        snprintf (id, sizeof (id), "99.%010u.comment", i);
        _put (id);
    }
}

static void one_that_is_waited_for_is_heard (void **state)
{
    struct job *job = fake_oom ("12", "suspend@1h,kill");

    (void) state;
    _listen ();
    fake_loop ();
    _put (job->incident.request);
    fake_loop ();
    assert_int_equal (job->incident.request[0], '\0');
    assert_int_equal (fake_recorded ("suspended at the controller"), 1);
    assert_int_equal (w->waiting->duties, 0);
}

static void one_that_was_there_before_is_heard (void **state)
{
    struct job *job = fake_oom ("12", "suspend@1h,kill");

    (void) state;
    _put (job->incident.request);
    _listen ();
    fake_loop ();
    assert_int_equal (fake_recorded ("suspended at the controller"), 1);
}

static void what_nobody_has_asked_for_is_dropped_unread (void **state)
{
    (void) state;
    _listen ();
    fake_loop ();
    _put_many (500);
    assert_int_equal (mkfifoat (w->spool.ans, "98.0000000001.comment", 0600),
                      0);
    assert_int_equal (mkdirat (w->spool.ans, "nonsense", 0700), 0);
    assert_int_equal (symlinkat ("/dev/zero", w->spool.ans, "x\ny"), 0);
    fake_loop ();
    assert_int_equal (_left (), 0);
    assert_int_equal (fake_recorded ("99"), 0);
    assert_int_equal (fake_logged ("nobody has asked for"), 1);
    fake.now += 60000;
    _put_many (1);
    fake_loop ();
    assert_int_equal (fake_logged ("503 answers"), 1);
}

static int _count (sd_event_source *s, void *arg)
{
    (void) s;
    *(unsigned *) arg = _left ();
    return 0;
}

/* Of what was there before, too. */
static void an_event_waits_for_few_of_them (void **state)
{
    unsigned left = 0, before;

    (void) state;
    _put_many (200);
    _listen ();
    for (unsigned turns = 0; left != 0 || turns == 0; turns++) {
        before = _left ();
        assert_true (sd_event_run (w->loop, 0) >= 0);
        left = _left ();
        assert_true (before - left <= 8);
        assert_true (turns < 1000);
    }
    fake_loop ();
    _put_many (200);
    for (unsigned i = 0; i < 10; i++) {
        sd_event_source *event = NULL;

        before = _left ();
        assert_true (sd_event_add_defer (w->loop, &event, _count, &left) >= 0);
        assert_true (sd_event_run (w->loop, 0) > 0);
        assert_int_equal (left, before); /* the event was first */
        assert_true (sd_event_run (w->loop, 0) > 0);
        assert_true (before - _left () <= 8);
        sd_event_source_disable_unref (event);
    }
}

/* As `rm STATE/spool/req/ *` does, or a courier that is up to something. */
static void a_request_that_is_removed_does_not_wait (void **state)
{
    struct job *job = fake_job ("12", "kill");
    struct spool_request r;

    (void) state;
    _listen ();
    fake_loop ();
    report (w, job, "note", REPORT_COMMENT, "job 12: x");
    report_flush (w);
    assert_int_equal (fake_requests (SPOOL_COMMENT, &r), 1);
    fake_loop ();
    assert_int_equal (w->waiting->courtesies, 1);
    assert_int_equal (unlinkat (w->spool.req, r.id, 0), 0);
    fake_loop ();
    assert_int_equal (w->waiting->courtesies, 0);
}

static void what_waited_for_an_earlier_warden_is_counted (void **state)
{
    struct job *job = fake_job ("12", "kill");

    (void) state;
    w->request_seq = 5;
    report (w, job, "note", REPORT_COMMENT, "job 12: x");
    report_flush (w);
    memset (w->waiting, 0, sizeof (*w->waiting));
    waiting_add (w->waiting, 1, 1000, true); /* of which nothing is there */
    _listen ();
    fake_loop ();
    assert_int_equal (w->waiting->courtesies, 1);
    assert_false (waiting_is (w->waiting, 1));
}

#define T(f) cmocka_unit_test_setup_teardown (f, fake_begin, fake_end)

int main (void)
{
    const struct CMUnitTest tests[] = {
        T (one_that_is_waited_for_is_heard),
        T (one_that_was_there_before_is_heard),
        T (what_nobody_has_asked_for_is_dropped_unread),
        T (an_event_waits_for_few_of_them),
        T (a_request_that_is_removed_does_not_wait),
        T (what_waited_for_an_earlier_warden_is_counted),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
