/* test_strikes.c - strikes: how they add up and are forgotten, by a clock of the test's;
 * whom they are given, what they cost, and that they outlive a warden and a reboot */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "handler/account/strike.h"
#include "handler/incident/incident.h"
#include "handler/policy/strikes.h"
#include "handler/record/report.h"
#include "test/unit/fake_warden.h"

#define DAY UINT64_C (86400)
#define BEGIN (20000 * DAY)
#define USER 1000

static struct warden *const w = &fake.w;
static struct strikes t;
static struct mw_err err;

static int none (void **state)
{
    (void) state;
    t = (struct strikes) { 0 };
    return 0;
}

static unsigned _count (uint32_t uid, uint64_t s)
{
    return strikes_count (&t, uid, s, 7 * DAY);
}

static unsigned _give (uint32_t uid, uint64_t s)
{
    return strikes_add (&t, uid, s, 7 * DAY);
}

/* ---- the arithmetic ------------------------------------------------------ */

static void half_of_them_is_forgotten_in_a_half_life (void **state)
{
    struct strikes_of u = { .milli = 64000, .s = BEGIN };
    uint32_t half;

    (void) state;
    assert_int_equal (strikes_score (&u, BEGIN, DAY), 64000);
    assert_int_equal (strikes_score (&u, BEGIN + DAY, DAY), 32000);
    assert_int_equal (strikes_score (&u, BEGIN + 6 * DAY, DAY), 1000);
    /* 64000 / sqrt (2) */
    half = strikes_score (&u, BEGIN + DAY / 2, DAY);
    assert_true (half >= 45250 && half <= 45260);
    assert_int_equal (strikes_score (&u, BEGIN + 100 * DAY, DAY), 0);
    assert_int_equal (strikes_score (&u, UINT64_MAX, 1), 0);
}

static void it_only_falls_and_never_jumps (void **state)
{
    struct strikes_of u = { .milli = STRIKES_MOST * 1000, .s = BEGIN };
    uint32_t was = u.milli, now;

    (void) state;
    for (uint64_t s = 0; s < 4 * DAY; s += 60) {
        now = strikes_score (&u, BEGIN + s, DAY);
        assert_true (now <= was + 10); /* its 16 bits */
        assert_true (was - now < 100 || now > was);
        was = now;
    }
}

static void a_clock_that_goes_back_forgives_nobody (void **state)
{
    (void) state;
    _give (USER, BEGIN);
    _give (USER, BEGIN);
    assert_int_equal (_count (USER, BEGIN - 1000 * DAY), 2);
    assert_int_equal (_give (USER, BEGIN - DAY), 3);
}

static void those_of_a_week_add_up (void **state)
{
    (void) state;
    assert_int_equal (_give (USER, BEGIN), 1);
    assert_int_equal (_give (USER, BEGIN + 3600), 2);
    assert_int_equal (_give (USER, BEGIN + 7200), 3);     /* 2.99 */
    assert_int_equal (_count (USER, BEGIN + 8 * DAY), 1); /* 1.36 */
    assert_int_equal (_count (USER, BEGIN + 30 * DAY), 0);
    /* one a half-life never comes to more than two */
    for (unsigned i = 1; i < 50; i++) {
        unsigned has = _give (USER + 1, BEGIN + i * 7 * DAY);

        assert_true (has == 1 || has == 2);
    }
}

static void each_has_his_own_and_nobody_too_many (void **state)
{
    (void) state;
    for (unsigned i = 0; i < 100000; i++)
        _give (USER, BEGIN);
    assert_int_equal (_count (USER, BEGIN), STRIKES_MOST);
    assert_int_equal (_count (USER + 1, BEGIN), 0);
    assert_true (strikes_forgive (&t, USER));
    assert_false (strikes_forgive (&t, USER));
    assert_int_equal (_count (USER, BEGIN), 0);
}

static void of_too_many_users_the_least_is_forgotten (void **state)
{
    (void) state;
    _give (7, BEGIN - DAY); /* the least: it is the oldest */
    for (unsigned i = 1; i < STRIKES_USERS; i++) {
        _give (USER + i, BEGIN);
        _give (USER + i, BEGIN);
    }
    assert_int_equal (_count (7, BEGIN), 1);
    _give (8, BEGIN);
    assert_int_equal (_count (7, BEGIN), 0);
    assert_int_equal (_count (8, BEGIN), 1);
    assert_int_equal (_count (USER + 1, BEGIN), 2);
    assert_int_equal (t.count, STRIKES_USERS);
}

static void burst_goes_first_then_priority (void **state)
{
    (void) state;
    assert_int_equal (strikes_loss (2, 3, 6), STRIKES_NONE);
    assert_int_equal (strikes_loss (3, 3, 6), STRIKES_BURST);
    assert_int_equal (strikes_loss (6, 3, 6), STRIKES_PRIORITY);
    /* however they are written */
    assert_int_equal (strikes_loss (2, 3, 1), STRIKES_NONE);
    assert_int_equal (strikes_loss (3, 3, 1), STRIKES_PRIORITY);
}

static void what_is_written_is_read_and_nothing_else (void **state)
{
    static char text[STRIKES_TEXT_MAX + 1];
    static struct strikes again;
    size_t len;

    (void) state;
    for (unsigned i = 0; i < STRIKES_USERS; i++)
        _give (UINT32_MAX - i, BEGIN);
    len = strikes_write (&t, text);
    assert_int_equal (len, strlen (text));
    assert_int_equal (strikes_read (&again, text), 0);
    assert_memory_equal (&again, &t, sizeof (t));
    assert_int_equal (strikes_read (&again, "1000 2000 5\n"
                                            "1000 9000 5\n" /* twice */
                                            "x\n\n-1 5 5\n1001 5\n"
                                            "1002 100001 5\n" /* too many */
                                            "1003 5 5 5\n"
                                            "99999999999 5 5\n"
                                            "1004 1000 5"), /* cut off */
                      9);
    assert_int_equal (again.count, 1);
    assert_int_equal (again.of[0].milli, 2000);
    assert_int_equal (strikes_read (&again, ""), 0);
}

/* ---- whom they are given ------------------------------------------------- */

static int warden (void **state)
{
    int rc = fake_begin (state);

    w->conf.strike_half_ms = 7 * DAY * 1000;
    strike_open (w, fake.dir, fake.dir);
    return rc;
}

static struct job *_job (const char *key, uint32_t uid)
{
    struct job *job = fake_job (key, "kill");

    job->spec.uid = uid;
    return job;
}

/* It has an OOM by [trigger], using [bytes], which ends. */
static void _oom (struct job *job, enum incident_trigger trigger,
                  uint64_t bytes)
{
    fake_uses (job, bytes);
    if (trigger != TRIGGER_JOB)
        job_read_usage (job);
    incident_oom (w, job, trigger);
    if (job->incident.open)
        incident_end (w, job, "x");
    assert_false (job->incident.open);
}

static void who_is_guilty_gets_one_a_run (void **state)
{
    struct job *job = _job ("12", USER);

    (void) state;
    _oom (job, TRIGGER_JOB, FAKE_LIMIT_BYTES);
    _oom (job, TRIGGER_JOB, FAKE_LIMIT_BYTES);
    assert_int_equal (strike_count (w, USER), 1);
    assert_int_equal (fake_recorded ("\"event\":\"strike\""), 1);
    assert_int_equal (fake_recorded ("its user has 1 now"), 1);
    _oom (_job ("13", USER), TRIGGER_NODE, FAKE_LIMIT_BYTES + 1);
    assert_int_equal (strike_count (w, USER), 2);
}

static void who_is_innocent_gets_none (void **state)
{
    struct job *step = _job ("14", USER);

    (void) state;
    _oom (_job ("12", USER), TRIGGER_NODE, FAKE_LIMIT_BYTES);
    /* at its limit by files alone, or by a limit that somebody has lowered */
    _oom (_job ("13", USER), TRIGGER_JOB, FAKE_LIMIT_BYTES / 2);
    strcpy (step->spec.of, "11");
    _oom (step, TRIGGER_JOB, FAKE_LIMIT_BYTES);
    _oom (_job ("15", 0), TRIGGER_JOB, FAKE_LIMIT_BYTES);
    _oom (_job ("16", USER), TRIGGER_ADMIN, 2 * FAKE_LIMIT_BYTES);
    assert_int_equal (strike_count (w, USER), 0);
    assert_int_equal (strike_count (w, 0), 0);
    w->conf.strike_half_ms = 0;
    _oom (_job ("17", USER), TRIGGER_JOB, FAKE_LIMIT_BYTES);
    w->conf.strike_half_ms = DAY * 1000;
    assert_int_equal (strike_count (w, USER), 0);
}

static void at_its_limit_and_then_for_the_node_it_is_one (void **state)
{
    struct job *job = fake_job ("12", "hold@60s,kill");

    (void) state;
    job->spec.uid = USER;
    fake_node_ladder ("kill");
    incident_oom (w, job, TRIGGER_JOB);
    incident_oom (w, job, TRIGGER_NODE);
    incident_end (w, job, "x");
    assert_int_equal (strike_count (w, USER), 1);
}

static void what_they_cost (void **state)
{
    struct job *job = _job ("12", USER);
    struct job_cuts cuts;

    (void) state;
    job->spec.burst = (struct mw_amount) { .kind = MW_AMOUNT_FACTOR,
                                           .ratio = 2 };
    job->spec.reservation = FAKE_LIMIT_BYTES;
    for (job->strikes = 0; job->strikes < 8; job->strikes++) {
        assert_int_equal (job_resolve (job, &w->conf, 8 * MW_GIB, 4, &cuts,
                                       &err),
                          0);
        assert_int_equal (job->limit,
                          FAKE_LIMIT_BYTES * (job->strikes < 3 ? 2 : 1));
        assert_int_equal (job->priority, job->strikes < 6 ? 500 : 100);
        assert_int_equal (!strstr (cuts.asked.text, "strikes, for jobs"),
                          job->strikes < 3);
        /* nor can its owner help himself to it */
        assert_int_equal (job_limit_cap (job, &w->conf, 8 * MW_GIB) >
                              FAKE_LIMIT_BYTES,
                          job->strikes < 3);
    }
    job->spec.uid = 0;
    assert_int_equal (job_loses (job, &w->conf), STRIKES_NONE);
}

static void nothing_is_lent_to_who_has_many (void **state)
{
    struct job *job = fake_job ("12", "grow@60s,kill");

    (void) state;
    job->spec.uid = USER;
    job->strikes = 3;
    incident_oom (w, job, TRIGGER_JOB);
    assert_int_equal (fake_rung (job), MW_STEP_KILL);
    assert_int_equal (job->incident.lent, 0);
    assert_int_equal (fake_recorded ("its user has 3 strikes"), 1);
}

/* ---- kept, and forgiven -------------------------------------------------- */

static void they_outlive_the_warden_and_a_reboot (void **state)
{
    char path[128];

    (void) state;
    _oom (_job ("12", USER), TRIGGER_JOB, FAKE_LIMIT_BYTES);
    strike_open (w, fake.dir, "/nonexistent");
    assert_int_equal (strike_count (w, USER), 1);
    snprintf (path, sizeof (path), "%s/none", fake.dir);
    assert_int_equal (mkdir (path, 0700), 0);
    strike_open (w, path, fake.dir); /* memory is empty then */
    assert_int_equal (strike_count (w, USER), 1);
    strike_open (w, path, path);
    assert_int_equal (strike_count (w, USER), 0);
}

static void root_forgives (void **state)
{
    struct job *job = _job ("12", USER);

    (void) state;
    assert_int_equal (strike_forgive (w, false, USER, &err), -1);
    assert_int_equal (errno, ESRCH);
    _oom (job, TRIGGER_JOB, FAKE_LIMIT_BYTES);
    _oom (_job ("13", USER + 1), TRIGGER_JOB, FAKE_LIMIT_BYTES);
    job->strikes = 7;
    assert_int_equal (strike_forgive (w, false, USER, &err), 0);
    assert_int_equal (strike_count (w, USER), 0);
    assert_int_equal (strike_count (w, USER + 1), 1);
    assert_int_equal (job_loses (job, &w->conf), STRIKES_NONE);
    strike_open (w, fake.dir, fake.dir);
    assert_int_equal (strike_count (w, USER), 0);
    assert_int_equal (strike_forgive (w, true, 0, &err), 0);
    assert_int_equal (strike_count (w, USER + 1), 0);
    assert_int_equal (fake_recorded ("\"event\":\"forgiven\""), 2);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup (half_of_them_is_forgotten_in_a_half_life, none),
        cmocka_unit_test_setup (it_only_falls_and_never_jumps, none),
        cmocka_unit_test_setup (a_clock_that_goes_back_forgives_nobody, none),
        cmocka_unit_test_setup (those_of_a_week_add_up, none),
        cmocka_unit_test_setup (each_has_his_own_and_nobody_too_many, none),
        cmocka_unit_test_setup (of_too_many_users_the_least_is_forgotten, none),
        cmocka_unit_test_setup (burst_goes_first_then_priority, none),
        cmocka_unit_test_setup (what_is_written_is_read_and_nothing_else, none),
        cmocka_unit_test_setup_teardown (who_is_guilty_gets_one_a_run, warden,
                                         fake_end),
        cmocka_unit_test_setup_teardown (who_is_innocent_gets_none, warden,
                                         fake_end),
        cmocka_unit_test_setup_teardown (
            at_its_limit_and_then_for_the_node_it_is_one, warden, fake_end),
        cmocka_unit_test_setup_teardown (what_they_cost, warden, fake_end),
        cmocka_unit_test_setup_teardown (nothing_is_lent_to_who_has_many,
                                         warden, fake_end),
        cmocka_unit_test_setup_teardown (they_outlive_the_warden_and_a_reboot,
                                         warden, fake_end),
        cmocka_unit_test_setup_teardown (root_forgives, warden, fake_end),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
