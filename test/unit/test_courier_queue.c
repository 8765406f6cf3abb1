/* test_courier_queue.c - whose turn it is among the courier's requests */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <errno.h>

#include <cmocka.h>

#include "handler/courier/courier.h"

static struct courier_item *_add (struct courier_queue *q, const char *job,
                                  enum spool_op op, uint64_t seq)
{
    struct spool_request r = { .op = op };

    snprintf (r.job, sizeof (r.job), "%s", job);
    snprintf (r.id, sizeof (r.id), "%s.%d.%s", job, (int) seq, "x");
    return courier_queue_add (q, &r);
}

static void _empty (struct courier_queue *q)
{
    while (q->first)
        courier_queue_remove (q, q->first);
}

static void requests_of_one_job_wait_for_each_other (void **state)
{
    struct courier_queue q = { NULL };
    struct courier_item *a = _add (&q, "1", SPOOL_SUSPEND, 1);
    struct courier_item *b = _add (&q, "1", SPOOL_RESUME, 2);

    (void) state;
    assert_true (courier_queue_turn (&q, a));
    assert_false (courier_queue_turn (&q, b));
    courier_queue_remove (&q, a);
    assert_true (courier_queue_turn (&q, b));
    _empty (&q);
}

static void those_of_other_jobs_do_not (void **state)
{
    struct courier_queue q = { NULL };

    (void) state;
    _add (&q, "1", SPOOL_SUSPEND, 1);
    assert_true (courier_queue_turn (&q, _add (&q, "2", SPOOL_SUSPEND, 2)));
    _empty (&q);
}

static void hooks_and_webhooks_do_not_keep_back_the_controller (void **state)
{
    struct courier_queue q = { NULL };

    (void) state;
    _add (&q, "1", SPOOL_HOOK, 1);
    _add (&q, "1", SPOOL_WEBHOOK, 2);
    assert_true (courier_queue_turn (&q, _add (&q, "1", SPOOL_REQUEUE, 3)));
    assert_false (courier_queue_turn (&q, _add (&q, "1", SPOOL_HOOK, 4)));
    _empty (&q);
}

static void a_deferred_line_keeps_back_only_lines (void **state)
{
    struct courier_queue q = { NULL };
    struct courier_item *line = _add (&q, "1", SPOOL_NOTIFY, 1);

    (void) state;
    line->deferred = true;
    assert_true (courier_queue_turn (&q, _add (&q, "1", SPOOL_RESUME, 2)));
    assert_false (courier_queue_turn (&q, _add (&q, "1", SPOOL_NOTIFY, 3)));
    _empty (&q);
}

static void a_request_is_taken_once (void **state)
{
    struct courier_queue q = { NULL };

    (void) state;
    assert_non_null (_add (&q, "1", SPOOL_SUSPEND, 1));
    assert_null (_add (&q, "1", SPOOL_SUSPEND, 1));
    assert_int_equal (errno, EEXIST);
    assert_non_null (courier_queue_find (&q, "1.1.x"));
    assert_null (courier_queue_find (&q, "1.2.x"));
    _empty (&q);
}

static void the_wait_between_attempts_grows_up_to_a_bound (void **state)
{
    (void) state;
    for (unsigned n = 0; n < 100; n++) {
        assert_true (courier_backoff (WAY_CONTROLLER, n) <=
                     courier_backoff (WAY_CONTROLLER, n + 1));
        assert_true (courier_backoff (WAY_WEB, n) <= 60000);
    }
    assert_int_equal (courier_backoff (WAY_CONTROLLER, 0), 250);
    assert_int_equal (courier_backoff (WAY_CONTROLLER, 1000), 5000);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (requests_of_one_job_wait_for_each_other),
        cmocka_unit_test (those_of_other_jobs_do_not),
        cmocka_unit_test (hooks_and_webhooks_do_not_keep_back_the_controller),
        cmocka_unit_test (a_deferred_line_keeps_back_only_lines),
        cmocka_unit_test (a_request_is_taken_once),
        cmocka_unit_test (the_wait_between_attempts_grows_up_to_a_bound),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
