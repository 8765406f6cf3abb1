/* What a job asks for above its limit: how much, how long, and how it comes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "handler/account/loan.h"
#include "handler/incident/incident.h"
#include "lib/cleanup.h"
#include "test/unit/fake_peer.h"

static struct warden *const w = &fake.w;
static struct mw_err err;

/* Job 12, which uses [bytes] of its 512 MiB, and may have 1 GiB. */
static struct job *_loan_job (uint64_t bytes)
{
    struct job *job = fake_job ("12", "kill");

    fake_uses (job, bytes);
    w->conf.max_burst = (struct mw_amount) { .kind = MW_AMOUNT_BYTES,
                                             .bytes = MW_GIB };
    return job;
}

/* The job has its own limit, and nothing else. */
static void _is_as_before (const struct job *job)
{
    assert_int_equal (job->limit, FAKE_LIMIT_BYTES);
    assert_int_equal (job->loan, 0);
    assert_false (job->loan_over);
    assert_int_equal (w->jobs.committed, FAKE_LIMIT_BYTES);
}

static void _is_refused (struct job *job, uint64_t bytes, uint32_t seconds,
                         int code, const char *says)
{
    unsigned did = fake.did[FAKE_LIMIT];

    assert_int_equal (loan_ask (w, job, bytes, seconds, &err), -1);
    assert_int_equal (errno, code);
    assert_non_null (strstr (err.text, says));
    assert_int_equal (fake.did[FAKE_LIMIT], did);
}

static void a_loan_is_a_part_of_the_limit_until_its_end (void **state)
{
    struct job *job = _loan_job (100 * MW_MIB);

    (void) state;
    assert_int_equal (loan_ask (w, job, 256 * MW_MIB, 60, &err), 0);
    assert_int_equal (job->limit, FAKE_LIMIT_BYTES + 256 * MW_MIB);
    assert_int_equal (job->memcg.set_limit, job->limit);
    assert_int_equal (w->jobs.committed, job->limit);
    assert_int_equal (fake_recorded ("job 12: lent 256 MiB for 1m"), 1);
    fake.now += 59999;
    loan_timer (w, job);
    assert_int_equal (job->loan, 256 * MW_MIB);
    fake.now++;
    loan_timer (w, job);
    _is_as_before (job);
    assert_int_equal (job->memcg.set_limit, FAKE_LIMIT_BYTES);
    assert_int_equal (fake_recorded ("gave back 256 MiB"), 1);
}

static void what_is_used_of_it_stays_until_the_job_lets_go (void **state)
{
    struct job *job = _loan_job (600 * MW_MIB);

    (void) state;
    assert_int_equal (loan_ask (w, job, 256 * MW_MIB, 60, &err), 0);
    loan_return (w, job);
    /* and 1/32 of its limit, or its next page would be an OOM */
    assert_int_equal (job->loan, 112 * MW_MIB);
    assert_int_equal (job->limit, FAKE_LIMIT_BYTES + 112 * MW_MIB);
    assert_int_equal (fake_recorded ("still uses 112 MiB"), 1);
    _is_refused (job, 256 * MW_MIB, 60, EBUSY, "is over");
    /* looked at ever more seldom */
    assert_int_equal (job->loan_ms, fake.now + 1000);
    fake.now += 1000;
    loan_timer (w, job);
    assert_int_equal (job->loan_ms, fake.now + 2000);
    fake_uses (job, 100 * MW_MIB);
    fake.now += 2000;
    loan_timer (w, job);
    _is_as_before (job);
    assert_int_equal (loan_ask (w, job, 256 * MW_MIB, 60, &err), 0);
}

static void asked_again_it_is_one_loan_with_another_end (void **state)
{
    struct job *job = _loan_job (100 * MW_MIB);

    (void) state;
    assert_int_equal (loan_ask (w, job, 256 * MW_MIB, 60, &err), 0);
    fake.now += 30000;
    assert_int_equal (loan_ask (w, job, 256 * MW_MIB, 60, &err), 0);
    assert_int_equal (job->loan, 256 * MW_MIB);
    assert_int_equal (job->loan_ms, fake.now + 60000);
    assert_int_equal (loan_ask (w, job, 300 * MW_MIB, 60, &err), 0);
    assert_int_equal (job->loan, 300 * MW_MIB);
    assert_int_equal (loan_ask (w, job, MW_MIB, 60, &err), 0);
    assert_int_equal (job->limit, FAKE_LIMIT_BYTES + 300 * MW_MIB);
    _is_refused (job, 513 * MW_MIB, 60, ERANGE, "at most 512 MiB");
}

static void what_is_out_of_range_is_refused (void **state)
{
    struct job *job = _loan_job (100 * MW_MIB);

    (void) state;
    _is_refused (job, 256 * MW_MIB, 0, ERANGE, "1 to 86400 seconds");
    _is_refused (job, 256 * MW_MIB, LOAN_MOST_S + 1, ERANGE, "seconds");
    _is_refused (job, 1, 60, ERANGE, "1 MiB");
    _is_refused (job, 513 * MW_MIB, 60, ERANGE, "capped at 1.0 GiB");
    _is_refused (job, UINT64_MAX, 60, ERANGE, "capped at 1.0 GiB");
    _is_as_before (job);
}

static void what_is_not_there_is_not_lent (void **state)
{
    struct job *job = _loan_job (100 * MW_MIB);

    (void) state;
    fake_available (w->node_reserve + 100 * MW_MIB);
    _is_refused (job, 256 * MW_MIB, 60, ENOSPC, "headroom for 100 MiB");
    fake.node_is_short = true;
    _is_refused (job, 16 * MW_MIB, 60, EAGAIN, "short of memory");
    fake.node_is_short = false;
    w->conf.shadow = true;
    _is_refused (job, 16 * MW_MIB, 60, ENOTSUP, "shadow mode");
    w->conf.shadow = false;
    _is_as_before (job);
}

static void what_one_is_lent_or_has_reserved_no_other_is (void **state)
{
    struct job *one = _loan_job (0), *other = fake_job ("13", "kill");

    (void) state;
    w->conf.max_burst = (struct mw_amount) { .kind = MW_AMOUNT_NONE };
    fake_available (w->node_memory);
    fake_uses (other, 0);
    /* of 7 GiB; both could use what they have reserved any moment */
    _is_refused (one, 6 * MW_GIB + MW_MIB, 60, ENOSPC, "headroom for 6.0 GiB");
    assert_int_equal (loan_ask (w, one, 4 * MW_GIB, 60, &err), 0);
    _is_refused (other, 3 * MW_GIB, 60, ENOSPC, "headroom for 2.0 GiB");
    loan_return (w, one);
    assert_int_equal (loan_ask (w, other, 3 * MW_GIB, 60, &err), 0);
}

static void where_the_kernel_refuses_all_is_as_before (void **state)
{
    struct job *job = _loan_job (100 * MW_MIB);

    (void) state;
    fake.fails[FAKE_LIMIT] = EIO;
    assert_int_equal (loan_ask (w, job, 256 * MW_MIB, 60, &err), -1);
    _is_as_before (job);
    fake.fails[FAKE_LIMIT] = 0;
    assert_int_equal (loan_ask (w, job, 256 * MW_MIB, 60, &err), 0);
    fake.fails[FAKE_LIMIT] = EIO;
    loan_return (w, job);
    assert_int_equal (job->loan, 256 * MW_MIB);
    assert_int_equal (fake_recorded ("cannot take back what it was lent"), 1);
    fake.fails[FAKE_LIMIT] = 0;
    fake.now += 1000;
    loan_timer (w, job);
    _is_as_before (job);
}

static void a_held_job_goes_on_with_it (void **state)
{
    struct job *job = fake_oom ("12", "hold@60s,kill");

    (void) state;
    w->conf.max_burst = (struct mw_amount) { .kind = MW_AMOUNT_NONE };
    assert_int_equal (loan_ask (w, job, 256 * MW_MIB, 1, &err), 0);
    /* while its OOM is handled its end is put off */
    fake.now += 1000;
    loan_timer (w, job);
    assert_int_equal (job->loan, 256 * MW_MIB);
    incident_headroom (w);
    assert_false (job->incident.open);
}

/* ---- who asks, and how ---------------------------------------------------- */

static int _ask_loan (int sock, json_t *bytes, json_int_t seconds)
{
    json_t *req = peer_ask ("grow", "12");

    json_object_set_new (req, "bytes", bytes);
    json_object_set_new (req, "seconds", json_integer (seconds));
    return peer_does (sock, req);
}

static void _is_told (const char *text)
{
    assert_non_null (strstr (peers.err.text, text));
}

static void a_strangers_job_is_not_touched (void **state)
{
    cleanup_fd int stranger = peer_open (PEER_STRANGER);
    struct job *job = peer_job ("12", "kill");
    uint64_t mark_ms = job->mark_ms;

    (void) state;
    fake.now += 60000;
    assert_int_equal (_ask_loan (stranger, json_integer (64 * MW_MIB), 60),
                      EPERM);
    _is_told ("job 12 is not yours");
    assert_int_equal (peer_does (stranger, peer_ask ("return", "12")), EPERM);
    assert_int_equal (peer_does (stranger, peer_ask ("mark", "12")), EPERM);
    assert_int_equal (peer_does (stranger, peer_ask ("mark", "7")), ESRCH);
    _is_told ("there is no job 7 on this node");
    assert_int_equal (job->loan, 0);
    assert_int_equal (job->mark_ms, mark_ms);
}

static void what_is_no_number_of_its_range_is_refused (void **state)
{
    cleanup_fd int owner = peer_open (PEER_OWNER);
    struct job *job = peer_job ("12", "kill");

    (void) state;
    assert_int_equal (_ask_loan (owner, json_integer (-1), 60), ERANGE);
    _is_told ("a number of bytes");
    assert_int_equal (_ask_loan (owner, json_string ("1G"), 60), ERANGE);
    assert_int_equal (_ask_loan (owner, json_integer (64 * MW_MIB), 0), ERANGE);
    _is_told ("a number of seconds");
    assert_int_equal (job->loan, 0);
}

static void an_owner_borrows_and_a_limit_that_is_set_ends_that (void **state)
{
    cleanup_fd int owner = peer_open (PEER_OWNER);
    struct job *job = peer_job ("12", "kill");
    json_t *req = peer_ask ("set", "12");

    (void) state;
    assert_int_equal (_ask_loan (owner, json_integer (64 * MW_MIB), 60), 0);
    assert_int_equal (job->loan, 64 * MW_MIB);
    json_object_set_new (req, "limit", json_integer (MW_GIB));
    assert_int_equal (peer_does (owner, req), 0);
    assert_int_equal (job->loan, 0);
    assert_int_equal (job->limit, MW_GIB);
}

static void whose_work_is_saved_loses_less (void **state)
{
    cleanup_fd int owner = peer_open (PEER_OWNER);
    struct job *job = peer_job ("12", "kill");

    (void) state;
    fake.now += 60000;
    assert_int_equal (peer_does (owner, peer_ask ("mark", "12")), 0);
    assert_int_equal (job->mark_ms, fake.now);
    assert_int_equal (fake_recorded ("its work up to now is saved"), 1);
}

#define P(name) cmocka_unit_test_setup_teardown (name, peer_begin, peer_end)
#define T(name) cmocka_unit_test_setup_teardown (name, fake_begin, fake_end)

int main (void)
{
    const struct CMUnitTest tests[] = {
        T (a_loan_is_a_part_of_the_limit_until_its_end),
        T (what_is_used_of_it_stays_until_the_job_lets_go),
        T (asked_again_it_is_one_loan_with_another_end),
        T (what_is_out_of_range_is_refused),
        T (what_is_not_there_is_not_lent),
        T (what_one_is_lent_or_has_reserved_no_other_is),
        T (where_the_kernel_refuses_all_is_as_before),
        T (a_held_job_goes_on_with_it),
        P (a_strangers_job_is_not_touched),
        P (what_is_no_number_of_its_range_is_refused),
        P (an_owner_borrows_and_a_limit_that_is_set_ends_that),
        P (whose_work_is_saved_loses_less),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
