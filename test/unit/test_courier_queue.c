/* test_courier_queue.c - whose turn it is among the courier's requests */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <errno.h>
#include <string.h>

#include <cmocka.h>

#include "handler/courier/courier.h"

static struct courier_queue q;

static int end (void **state)
{
    (void) state;
    courier_queue_free (&q);
    return 0;
}

static struct courier_item *_add (const char *job, uint32_t uid,
                                  enum spool_op op, uint64_t seq)
{
    struct spool_request r = { .op = op, .uid = uid };

    snprintf (r.job, sizeof (r.job), "%s", job);
    snprintf (r.id, sizeof (r.id), "%s.%d.%s", job, (int) seq, "x");
    return courier_queue_add (&q, &r);
}

static struct courier_item *_next (void)
{
    return courier_queue_next (&q, WAY_CONTROLLER);
}

static void requests_of_one_job_wait_for_each_other (void **state)
{
    struct courier_item *a = _add ("1", 1, SPOOL_SUSPEND, 1);
    struct courier_item *b = _add ("1", 1, SPOOL_RESUME, 2);

    (void) state;
    assert_ptr_equal (_next (), a);
    assert_null (_next ());
    courier_queue_remove (&q, a);
    assert_ptr_equal (_next (), b);
}

static void one_that_fails_keeps_its_place (void **state)
{
    struct courier_item *a = _add ("1", 1, SPOOL_SUSPEND, 1);
    uint64_t when;

    (void) state;
    _add ("1", 1, SPOOL_RESUME, 2);
    assert_ptr_equal (_next (), a);
    courier_queue_later (&q, a, 500, false);
    assert_null (_next ());
    assert_null (courier_queue_due (&q, 499, &when));
    assert_int_equal (when, 500);
    assert_null (_next ());
    assert_null (courier_queue_due (&q, 500, &when));
    assert_ptr_equal (_next (), a);
}

static void those_of_other_jobs_do_not (void **state)
{
    (void) state;
    _add ("1", 1, SPOOL_SUSPEND, 1);
    _add ("2", 1, SPOOL_SUSPEND, 2);
    assert_string_equal (_next ()->req.job, "1");
    assert_string_equal (_next ()->req.job, "2");
}

static void hooks_and_webhooks_do_not_keep_back_the_controller (void **state)
{
    struct courier_item *hook = _add ("1", 1, SPOOL_HOOK, 1);
    struct courier_item *web = _add ("1", 1, SPOOL_WEBHOOK, 2);
    struct courier_item *requeue = _add ("1", 1, SPOOL_REQUEUE, 3);

    (void) state;
    _add ("1", 1, SPOOL_HOOK, 4);
    assert_ptr_equal (_next (), requeue);
    assert_ptr_equal (courier_queue_next (&q, WAY_HOOK), hook);
    assert_null (courier_queue_next (&q, WAY_HOOK));
    assert_ptr_equal (courier_queue_next (&q, WAY_WEB), web);
    assert_int_equal (courier_queue_count (&q, WAY_HOOK), 2);
    assert_int_equal (courier_queue_count (&q, WAY_WEB), 1);
}

static void a_deferred_line_keeps_back_only_lines (void **state)
{
    struct courier_item *line = _add ("1", 1, SPOOL_NOTIFY, 1), *resume;
    uint64_t when;

    (void) state;
    assert_ptr_equal (_next (), line);
    courier_queue_later (&q, line, 60000, true);
    resume = _add ("1", 1, SPOOL_RESUME, 2);
    assert_ptr_equal (_next (), resume);
    courier_queue_remove (&q, resume);
    _add ("1", 1, SPOOL_NOTIFY, 3);
    assert_null (_next ());
    /* the job goes on */
    courier_queue_wake (&q, "1", WAY_CONTROLLER);
    assert_null (courier_queue_due (&q, 1, &when));
    assert_ptr_equal (_next (), line);
    courier_queue_remove (&q, line);
    assert_string_equal (_next ()->req.id, "1.3.x");
}

static void who_was_deferred_and_is_not_any_more_is_first (void **state)
{
    struct courier_item *line = _add ("1", 1, SPOOL_NOTIFY, 1), *comment;

    (void) state;
    assert_ptr_equal (_next (), line);
    courier_queue_later (&q, line, 60000, true);
    comment = _add ("1", 1, SPOOL_COMMENT, 2);
    courier_queue_wake (&q, "1", WAY_CONTROLLER);
    assert_ptr_equal (_next (), comment); /* ready since before */
    courier_queue_later (&q, comment, 0, false);
    assert_ptr_equal (_next (), line);
    courier_queue_later (&q, line, 500, false);
    assert_null (_next ());
    courier_queue_remove (&q, line);
    assert_ptr_equal (_next (), comment);
}

static void a_request_is_taken_once (void **state)
{
    (void) state;
    assert_non_null (_add ("1", 1, SPOOL_SUSPEND, 1));
    assert_null (_add ("1", 1, SPOOL_SUSPEND, 1));
    assert_int_equal (errno, EEXIST);
    assert_non_null (courier_queue_find (&q, "1.1.x"));
    assert_null (courier_queue_find (&q, "1.2.x"));
}

/* Each of his jobs has one, and the other's comes last. */
static void who_floods_is_one_of_two (void **state)
{
    char job[16];

    (void) state;
    for (int i = 0; i < 5000; i++) {
        snprintf (job, sizeof (job), "%d", i);
        assert_non_null (_add (job, 1000, SPOOL_COMMENT, 1));
    }
    assert_string_equal (_next ()->req.job, "0");
    _add ("other", 1001, SPOOL_REQUEUE, 1);
    _add ("third", 1002, SPOOL_REQUEUE, 1);
    assert_string_equal (_next ()->req.job, "1");
    assert_string_equal (_next ()->req.job, "other");
    assert_string_equal (_next ()->req.job, "third");
    for (int i = 2; i < 5000; i++) {
        snprintf (job, sizeof (job), "%d", i);
        assert_string_equal (_next ()->req.job, job);
    }
    assert_null (_next ());
    assert_false (courier_queue_is_ready (&q, WAY_CONTROLLER));
}

static void what_is_too_late_is_told_in_order (void **state)
{
    struct courier_item *item;
    uint64_t when, last = 0;
    unsigned seed = 5;

    (void) state;
    for (int i = 0; i < 2000; i++) {
        struct spool_request r = { .op = SPOOL_NOTIFY };

        seed = seed * 1103515245 + 12345;
        snprintf (r.job, sizeof (r.job), "%d", i % 50);
        snprintf (r.id, sizeof (r.id), "%d.%d.x", i % 50, i);
        r.not_after_ms = 1 + (seed >> 8) % 1000;
        assert_non_null (courier_queue_add (&q, &r));
    }
    for (uint64_t now = 0; now <= 1000; now += 100) {
        while ((item = courier_queue_due (&q, now, &when))) {
            assert_true (item->req.not_after_ms <= now);
            assert_true (item->req.not_after_ms >= last);
            last = item->req.not_after_ms;
            courier_queue_remove (&q, item);
        }
        assert_true (when == 0 || when > now);
    }
    assert_int_equal (q.count, 0);
    assert_false (courier_queue_is_ready (&q, WAY_CONTROLLER));
}

static void a_worker_has_its_time (void **state)
{
    struct courier_item *a = _add ("1", 1, SPOOL_SUSPEND, 1);
    uint64_t when;

    (void) state;
    assert_ptr_equal (_next (), a);
    a->pid = 4711;
    a->limit_ms = 700;
    courier_queue_timed (&q, a);
    assert_ptr_equal (courier_queue_of_pid (&q, 4711), a);
    assert_null (courier_queue_due (&q, 1, &when));
    assert_int_equal (when, 700);
    assert_ptr_equal (courier_queue_due (&q, 700, &when), a);
    a->killed = true;
    courier_queue_timed (&q, a);
    assert_null (courier_queue_due (&q, 800, &when));
    assert_int_equal (when, 0);
    courier_queue_remove (&q, a);
    assert_null (courier_queue_of_pid (&q, 4711));
}

static void the_wait_between_attempts_grows_up_to_a_bound (void **state)
{
    (void) state;
    for (unsigned n = 0; n < 100; n++) {
        uint64_t most = courier_backoff (WAY_CONTROLLER, n, 0) * 2;

        assert_true (most <= courier_backoff (WAY_CONTROLLER, n + 1, 0) * 2);
        for (uint32_t chance = 0; chance < 100000; chance += 997) {
            uint64_t ms = courier_backoff (WAY_CONTROLLER, n, chance);

            assert_true (ms >= most / 2 && ms <= most);
        }
        assert_true (courier_backoff (WAY_WEB, n, UINT32_MAX) <= 60000);
    }
    assert_int_equal (courier_backoff (WAY_CONTROLLER, 0, 125), 250);
    assert_int_equal (courier_backoff (WAY_CONTROLLER, 1000, 2500), 5000);
    /* who has failed together does not come back together */
    assert_int_not_equal (courier_backoff (WAY_WEB, 9, 1),
                          courier_backoff (WAY_WEB, 9, 1000));
}

#define T(f) cmocka_unit_test_teardown (f, end)

int main (void)
{
    const struct CMUnitTest tests[] = {
        T (requests_of_one_job_wait_for_each_other),
        T (one_that_fails_keeps_its_place),
        T (those_of_other_jobs_do_not),
        T (hooks_and_webhooks_do_not_keep_back_the_controller),
        T (a_deferred_line_keeps_back_only_lines),
        T (who_was_deferred_and_is_not_any_more_is_first),
        T (a_request_is_taken_once),
        T (who_floods_is_one_of_two),
        T (what_is_too_late_is_told_in_order),
        T (a_worker_has_its_time),
        T (the_wait_between_attempts_grows_up_to_a_bound),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
