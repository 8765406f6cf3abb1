/* test_refault.c - a job that only turns its pages over at its limit */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "handler/incident/incident.h"
#include "handler/watch/refault.h"
#include "lib/cleanup.h"
#include "test/unit/fake_warden.h"

static struct warden *const w = &fake.w;
static uint64_t refaulted, stalled_us, hits;

/* The file [name] is [text] and [value]. */
static void _put (const struct job *job, const char *name, const char *text,
                  uint64_t value)
{
    cleanup_fd int fd = openat (job->memcg.dir, name,
                                O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true (dprintf (fd, "%s%" PRIu64 "\n", text, value) > 0);
}

static void _counters (struct job *job)
{
    _put (job, "memory.stat",
          "anon 1\nworkingset_refault_anon 0\n"
          "workingset_refault_file ",
          refaulted);
    _put (job, "memory.pressure", "some avg10=0.00 total=", stalled_us);
    _put (job, "memory.events", "low 0\nmax 0\nhigh ", hits);
}

/* A job at its limit, that is full of what cannot be reclaimed. */
static struct job *_full (void)
{
    struct job *job = fake_job ("12", "hold@60s,kill");

    refaulted = stalled_us = hits = 0;
    job->memcg.set_limit = job->limit;
    _put (job, "memory.current", "", job->limit);
    job->memcg.usage = openat (job->memcg.dir, "memory.current",
                               O_RDONLY | O_CLOEXEC);
    _counters (job);
    return job;
}

/* [ms] later it is looked at, having stalled for [stall_ms] and read [bytes] in
 * again. */
static void _look (struct job *job, uint64_t ms, uint64_t stall_ms,
                   uint64_t bytes)
{
    fake.now += ms;
    stalled_us += stall_ms * 1000;
    refaulted += bytes / (uint64_t) sysconf (_SC_PAGESIZE);
    _counters (job);
    watch_refault (w, job);
}

static void three_looks_in_a_row_are_its_oom (void **state)
{
    struct job *job = _full ();

    (void) state;
    _look (job, 0, 0, 0);
    _look (job, 1000, 250, 2 * MW_MIB);
    _look (job, 1000, 250, 2 * MW_MIB);
    assert_false (job->incident.open);
    _look (job, 1000, 250, 2 * MW_MIB);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    assert_int_equal (job->incident.trigger, TRIGGER_JOB);
    assert_int_equal (fake_recorded ("\"event\":\"livelock\""), 1);
    assert_int_equal (job->refault.looks, 0);
}

static void all_three_have_to_find_it_so (void **state)
{
    struct job *job = _full ();

    (void) state;
    _look (job, 0, 0, 0);
    for (unsigned i = 0; i < 3; i++) {
        _look (job, 1000, 250, 2 * MW_MIB);
        _look (job, 1000, 250, 2 * MW_MIB);
        assert_int_equal (job->refault.looks, 2);
        if (i == 0)
            _look (job, 1000, 249, 2 * MW_MIB); /* hardly stalls */
        else if (i == 1)
            _look (job, 1000, 250, MW_MIB / 2); /* reads little */
        else
            _look (job, 3001, 3001, 8 * MW_MIB); /* long ago */
        assert_int_equal (job->refault.looks, 0);
        _look (job, 1000, 1000, 0);
    }
    assert_false (job->incident.open);
}

static void looks_too_close_together_are_one (void **state)
{
    struct job *job = _full ();

    (void) state;
    _look (job, 0, 0, 0);
    _look (job, 499, 499, 2 * MW_MIB);
    assert_int_equal (job->refault.looks, 0);
    _look (job, 1, 1, 0);
    assert_int_equal (job->refault.looks, 1);
    _look (job, 3000, 3000, 8 * MW_MIB);
    assert_int_equal (job->refault.looks, 2);
}

static void who_is_not_at_the_limit_is_not_looked_at (void **state)
{
    struct job *job = _full ();

    (void) state;
    _put (job, "memory.current", "", job->limit - job->limit / 32 - 1);
    _look (job, 1000, 0, 0);
    assert_int_equal (job->refault.ms, 0);
    _put (job, "memory.current", "", job->limit - job->limit / 32);
    _look (job, 1000, 0, 0);
    assert_int_equal (job->refault.ms, fake.now);
    job->memcg.set_limit = MEMCG_NO_LIMIT;
    _look (job, 1000, 0, 0);
    assert_int_equal (job->refault.ms, fake.now - 1000);
}

static void nor_who_is_in_an_incident (void **state)
{
    struct job *job = _full ();

    (void) state;
    incident_oom (w, job, TRIGGER_JOB);
    _look (job, 1000, 0, 0);
    assert_int_equal (job->refault.ms, 0);
}

static void in_shadow_mode_it_is_told_once (void **state)
{
    struct job *job = _full ();

    (void) state;
    w->conf.shadow = true;
    for (unsigned i = 0; i < 8; i++)
        _look (job, 1000, 250, 2 * MW_MIB);
    assert_int_equal (fake_recorded ("\"event\":\"livelock\""), 1);
    assert_false (job->incident.open);
}

static void what_was_swapped_out_counts_too (void **state)
{
    struct job *job = _full ();

    (void) state;
    fake.now += 1000;
    _put (job, "memory.stat",
          "workingset_refault_file 3\n"
          "workingset_refault_anon ",
          4);
    watch_refault (w, job);
    assert_int_equal (job->refault.bytes, 7 * sysconf (_SC_PAGESIZE));
    fake.now += 1000;
    _put (job, "memory.stat", "pgmajfault 9\nworkingset_refault_file ", 5);
    watch_refault (w, job);
    assert_int_equal (job->refault.bytes, 5 * sysconf (_SC_PAGESIZE));
}

static void older_kernels_count_both_kinds_as_one (void **state)
{
    struct job *job = _full ();

    (void) state;
    fake.now += 1000;
    _put (job, "memory.stat", "workingset_refault ", 7);
    watch_refault (w, job);
    assert_int_equal (job->refault.bytes, 7 * sysconf (_SC_PAGESIZE));
    fake.now += 1000;
    _put (job, "memory.stat", "pgmajfault ", 9);
    watch_refault (w, job);
    assert_int_equal (job->refault.bytes, 9 * sysconf (_SC_PAGESIZE));
}

/* ---- of the node's stalls ------------------------------------------------ */

/* It has been at its limit [times] more, and has read [bytes] in again. */
static uint64_t _own (struct job *job, unsigned times, uint64_t bytes)
{
    hits += times;
    refaulted += bytes / (uint64_t) sysconf (_SC_PAGESIZE);
    _counters (job);
    return watch_refault_all (w);
}

static void what_a_job_does_at_its_limit_is_no_sign_of_the_nodes (void **state)
{
    struct job *job = _full ();

    (void) state;
    job->memcg.set_limit = MEMCG_NO_LIMIT; /* no livelock here */
    assert_int_equal (_own (job, 0, 4 * MW_MIB), 0);
    assert_int_equal (_own (job, 1, MW_MIB), 5 * MW_MIB);
    assert_int_equal (_own (job, 1, MW_MIB), MW_MIB);
    assert_int_equal (_own (job, 0, MW_MIB), 0);
    assert_int_equal (_own (job, 1, MW_MIB), 8 * MW_MIB); /* all again */
    assert_int_equal (job->refault.ms, 0);
    _put (job, "memory.events", "high 4\nmax ", 1); /* its wall's */
    assert_int_equal (watch_refault_all (w), 0);
    _put (job, "memory.stat", "workingset_refault_file ",
          10 * MW_MIB / (uint64_t) sysconf (_SC_PAGESIZE));
    _put (job, "memory.events", "high 4\nmax ", 2);
    assert_int_equal (watch_refault_all (w), 2 * MW_MIB);
}

static void who_is_known_to_be_below_is_not_read (void **state)
{
    struct job *job = _full ();

    (void) state;
    job->memcg.set_limit = MEMCG_NO_LIMIT;
    job->memcg.armed = true;
    assert_int_equal (_own (job, 1, MW_MIB), 0);
    job->memcg.seen_high++;
    assert_int_equal (_own (job, 1, MW_MIB), 2 * MW_MIB);
    assert_int_equal (_own (job, 1, MW_MIB), 0);
    job->look_ms = fake.now + 10; /* not heard meanwhile */
    assert_int_equal (_own (job, 1, MW_MIB), 4 * MW_MIB);
    job->look_ms = 0;
    job->memcg.shadow = true; /* its kernel's kills alone */
    assert_int_equal (_own (job, 1, MW_MIB), MW_MIB);
    job->memcg.shadow = false;
    incident_oom (w, job, TRIGGER_JOB);
    assert_int_equal (_own (job, 1, MW_MIB), MW_MIB);
}

static void a_livelock_is_found_there_too (void **state)
{
    struct job *job = _full ();

    (void) state;
    for (unsigned i = 0; i < 4; i++) {
        assert_false (job->incident.open);
        fake.now += 1000;
        stalled_us += 250000;
        _own (job, 1, 2 * MW_MIB);
    }
    assert_true (job->incident.open);
}

#define T(f) cmocka_unit_test_setup_teardown (f, fake_begin, fake_end)

int main (void)
{
    const struct CMUnitTest tests[] = {
        T (three_looks_in_a_row_are_its_oom),
        T (all_three_have_to_find_it_so),
        T (looks_too_close_together_are_one),
        T (who_is_not_at_the_limit_is_not_looked_at),
        T (nor_who_is_in_an_incident),
        T (in_shadow_mode_it_is_told_once),
        T (what_was_swapped_out_counts_too),
        T (older_kernels_count_both_kinds_as_one),
        T (what_a_job_does_at_its_limit_is_no_sign_of_the_nodes),
        T (who_is_known_to_be_below_is_not_read),
        T (a_livelock_is_found_there_too),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
