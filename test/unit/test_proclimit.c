/* What one process may hold: what is read, written back and refused; and when processes
 * are looked at next. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "handler/policy/pace.h"
#include "lib/proclimit.h"

static struct mw_proclimit _parse (const char *text)
{
    struct mw_proclimit l = { 0 };
    struct mw_err err;

    if (mw_proclimit_parse (text, &l, &err) < 0)
        fail_msg ("\"%s\": %s", text, err.text);
    return l;
}

static void _refused (const char *text, int error, const char *sentence)
{
    struct mw_proclimit l = { .bytes = 4711 };
    struct mw_err err = { "" };

    if (mw_proclimit_parse (text, &l, &err) == 0)
        fail_msg ("\"%s\" was taken", text);
    assert_int_equal (errno, error);
    assert_int_equal (l.bytes, 4711);
    if (!strstr (err.text, sentence))
        fail_msg ("\"%s\": no \"%s\" in: %s", text, sentence, err.text);
}

/* Written so it is read as the same again. */
static void _written (const char *text, const char *want)
{
    struct mw_proclimit l = _parse (text);
    char buf[MW_PROCLIMIT_STRLEN];

    assert_string_equal (mw_proclimit_format (l.bytes, &l.actions, buf,
                                              sizeof (buf)),
                         want);
    l = _parse (buf);
    assert_string_equal (mw_proclimit_format (l.bytes, &l.actions, buf,
                                              sizeof (buf)),
                         want);
}

static void a_size_alone_is_a_kill (void **state)
{
    struct mw_proclimit l = _parse ("2G");

    (void) state;
    assert_int_equal (l.bytes, 2 * MW_GIB);
    assert_int_equal (l.actions.count, 1);
    assert_int_equal (l.actions.step[0].kind, MW_STEP_KILL_ONE);
    assert_int_equal (l.actions.step[0].target, MW_TARGET_PID);
    assert_true (l.actions.step[0].deadline_ms > 0);
}

static void actions_are_those_that_are_written (void **state)
{
    struct mw_proclimit l = _parse ("1G:enomem@2s,signal=USR1");

    (void) state;
    assert_int_equal (l.actions.count, 2);
    assert_int_equal (l.actions.step[0].kind, MW_STEP_ENOMEM);
    assert_int_equal (l.actions.step[0].deadline_ms, 2000);
    assert_int_equal (l.actions.step[1].kind, MW_STEP_SIGNAL);
    assert_int_equal (l.actions.step[1].signo, SIGUSR1);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal (l.actions.step[i].target, MW_TARGET_PID);
}

static void it_is_written_as_it_is_read (void **state)
{
    (void) state;
    _written ("2048M", "2G:kill");
    _written ("1000B:kill", "1000B:kill");
    _written ("64M:enomem,signal=SIGTERM@5s,kill",
              "64M:enomem@1m,signal=TERM@5s,kill");
    _written ("1G:slow=50%,kill", "1G:slow=50%@2m,kill");
    _written ("none", "none");
}

static void what_is_wrong_is_told (void **state)
{
    char text[MW_LADDER_STRLEN] = "1G:signal=USR1@1s";

    (void) state;
    _refused ("", EINVAL, "has no size");
    _refused (":kill", EINVAL, "has no size");
    _refused ("kill", EINVAL, "kill");
    _refused ("1024", EINVAL, "1024");
    _refused ("0M", ERANGE, "write a size above 0, or \"none\"");
    _refused ("1G:", EINVAL, "a step is missing; allowed are slow, enomem, ");
    _refused ("1G:hold", EINVAL, "\"hold\" is not done to one process");
    _refused ("1G:explode", EINVAL, "allowed are slow, enomem, signal, kill");
    _refused ("1G:kill,enomem", EINVAL, "nothing can follow kill");
    _refused ("1G:kill=largest", EINVAL, "write it without \"=largest\"");
    _refused ("1G:enomem=all", EINVAL, "write it without \"=all\"");
    _refused ("1G:signal=USR1:largest", EINVAL,
              "write it without \":largest\"");
    _refused ("1G:signal", EINVAL, "write signal=USR1");
    _refused ("1G:enomem@0s", EINVAL, "write a time above 0");
    _refused ("none:kill", EINVAL, "none");
    for (int i = 0; i < 14; i++)
        strcat (text, ",signal=USR1@1000000s");
    _refused (text, EINVAL, "at most 255 characters");
}

static void a_job_below_the_limit_is_not_looked_at (void **state)
{
    struct pace p = pace_next (100, 1000, 1000, 5000);

    (void) state;
    assert_int_equal (p.at, 1000);
    assert_int_equal (p.latest, 0);
    assert_int_equal (p.soonest, 1000);
}

static void one_above_is_when_somebody_could_be (void **state)
{
    struct pace p = pace_next (5000, 300, 1000, 100);

    (void) state;
    assert_int_equal (p.at, 5300);
    assert_int_equal (p.soonest, 20);
    assert_int_equal (p.latest, PACE_LOOK_MS);
}

static void looks_are_half_a_percent_of_a_cpu (void **state)
{
    (void) state;
    for (uint64_t us = 1; us < 1000000; us = us * 3 + 7) {
        struct pace p = pace_next (5000, 300, 1000, us);

        assert_true (us <= 5 * p.soonest);
        assert_true (p.latest >= p.soonest);
    }
}

static void usage_is_read_as_often_as_it_could_get_there (void **state)
{
    (void) state;
    assert_int_equal (pace_ms (0, 100 * MW_MIB, 0, 0), 100);
    assert_int_equal (pace_ms (0, 100 * MW_GIB, 0, 0), PACE_MOST_MS);
    assert_int_equal (pace_ms (100, 100, 0, 0), PACE_LEAST_MS);
    assert_int_equal (pace_ms (200, 100, 0, 0), PACE_LEAST_MS);
    /* 10 MiB a ms, so it may be 20 */
    assert_int_equal (pace_ms (0, 1000 * MW_MIB, 100 * MW_MIB, 10), 50);
    assert_int_equal (pace_ms (0, 100 * MW_MIB, 1, 1000), 100);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (a_size_alone_is_a_kill),
        cmocka_unit_test (actions_are_those_that_are_written),
        cmocka_unit_test (it_is_written_as_it_is_read),
        cmocka_unit_test (what_is_wrong_is_told),
        cmocka_unit_test (a_job_below_the_limit_is_not_looked_at),
        cmocka_unit_test (one_above_is_when_somebody_could_be),
        cmocka_unit_test (looks_are_half_a_percent_of_a_cpu),
        cmocka_unit_test (usage_is_read_as_often_as_it_could_get_there),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
