/* Ladders: what is read, written back, and refused with a caret. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "lib/ladder.h"

static struct mw_ladder _parse (const char *text)
{
    struct mw_ladder l = { 0 };
    struct mw_err err;

    if (mw_ladder_parse (text, &l, &err) < 0)
        fail_msg ("\"%s\": %s", text, err.text);
    return l;
}

/* [text] is refused, with [sentence] in it and the caret in column [column]. */
static void _refused (const char *text, const char *sentence, size_t column)
{
    struct mw_ladder l = { .count = 4711 };
    struct mw_err err = { "" };
    const char *line, *caret;

    if (mw_ladder_parse (text, &l, &err) == 0)
        fail_msg ("\"%s\" was taken", text);
    assert_int_equal (errno, EINVAL);
    assert_int_equal (l.count, 4711);
    if (!strstr (err.text, sentence))
        fail_msg ("\"%s\": no \"%s\" in: %s", text, sentence, err.text);
    line = strchr (err.text, '\n');
    caret = line ? strchr (line + 1, '\n') : NULL;
    if (!caret || strlen (caret + 1) != 4 + column + 1 ||
        caret[strlen (caret) - 1] != '^')
        fail_msg ("\"%s\": the caret is elsewhere: %s", text, err.text);
}

static void every_step_is_read_with_its_argument_and_time (void **state)
{
    struct mw_ladder l;

    (void) state;
    l = _parse ("hold@5s,grow=512M@10m,reclaim=25%,slow=30@1m,enomem@2s,"
                "signal=USR1@30s,dump=heap@9s,suspend@1h,requeue=x1.5,"
                "hold=guilty@3s,kill=largest@4s,kill");
    assert_int_equal (l.count, MW_STEP_COUNT);
    for (int i = 0; i < MW_STEP_COUNT; i++)
        assert_int_equal (l.step[i].kind, i);
    assert_int_equal (l.step[MW_STEP_HOLD].deadline_ms, 5000);
    assert_int_equal (l.step[MW_STEP_GROW].amount.bytes, 512 * MW_MIB);
    assert_int_equal (l.step[MW_STEP_RECLAIM].amount.kind, MW_AMOUNT_PERCENT);
    assert_true (l.step[MW_STEP_SLOW].amount.ratio == 0.3);
    assert_int_equal (l.step[MW_STEP_SIGNAL].signo, SIGUSR1);
    assert_string_equal (l.step[MW_STEP_DUMP].hook, "heap");
    assert_true (l.step[MW_STEP_REQUEUE].amount.ratio == 1.5);
    assert_int_equal (l.step[MW_STEP_HOLD_ONE].target, MW_TARGET_GUILTY);
    assert_int_equal (l.step[MW_STEP_HOLD_ONE].deadline_ms, 3000);
    assert_int_equal (l.step[MW_STEP_KILL_ONE].target, MW_TARGET_LARGEST);
    assert_int_equal (l.step[MW_STEP_KILL_ONE].deadline_ms, 4000);
    assert_int_equal (l.step[MW_STEP_KILL].deadline_ms, 0);
}

static void a_timed_step_without_a_time_has_its_default (void **state)
{
    struct mw_ladder l = _parse ("grow");

    (void) state;
    assert_int_equal (l.step[0].deadline_ms, mw_steps[MW_STEP_GROW].default_ms);
    for (int i = 0; i < MW_STEP_COUNT; i++)
        assert_int_equal (mw_steps[i].timed, mw_steps[i].default_ms > 0);
}

static void kill_is_always_last (void **state)
{
    struct mw_ladder l = _parse ("hold@1s");

    (void) state;
    assert_int_equal (l.count, 2);
    assert_int_equal (l.step[1].kind, MW_STEP_KILL);
    assert_int_equal (_parse ("kill").count, 1);
    _refused ("kill,hold", "nothing can follow kill", 5);
}

static void signals_have_names_and_numbers (void **state)
{
    (void) state;
    assert_int_equal (_parse ("signal=SIGTERM").step[0].signo, SIGTERM);
    assert_int_equal (_parse ("signal=usr2").step[0].signo, SIGUSR2);
    assert_int_equal (_parse ("signal=10").step[0].signo, 10);
    assert_int_equal (_parse ("signal=64").step[0].signo, 64);
    _refused ("signal=65", "unknown signal \"65\"", 7);
    _refused ("signal=33", "unknown signal", 7);
    _refused ("signal=0", "unknown signal", 7);
    _refused ("signal=-9", "unknown signal", 7);
    _refused ("signal=FOO", "unknown signal \"FOO\"", 7);
    _refused ("signal", "signal needs its name", 0);
    _refused ("hold,signal=", "nothing follows \"signal=\"", 11);
    _refused ("signal=KILL", "write the step \"kill\"", 7);
    _refused ("signal=19", "write the step \"hold\"", 7);
}

static void a_signal_may_be_for_all (void **state)
{
    struct mw_ladder l = _parse ("signal=SIGUSR1:all@1m");
    char buf[MW_LADDER_STRLEN];

    (void) state;
    assert_int_equal (l.step[0].signo, SIGUSR1);
    assert_int_equal (l.step[0].target, MW_TARGET_ALL);
    assert_string_equal (mw_ladder_format (&l, buf, sizeof (buf)),
                         "signal=USR1:all@1m,kill");
    l = _parse ("signal=40:all");
    assert_string_equal (mw_ladder_format (&l, buf, sizeof (buf)),
                         "signal=40:all@30s,kill");
    assert_int_equal (_parse ("signal=USR1").step[0].target, MW_TARGET_USUAL);
    _refused ("signal=USR1:", "\":\" does not say to whom; write :all", 11);
    _refused ("signal=USR1:none", "\":none\" does not say to whom", 11);
    _refused ("signal=USR1:all:all", "to whom", 11);
    _refused ("signal=:all", "unknown signal \"\"", 7);
    _refused ("signal=KILL:all", "write the step \"kill\"", 7);
    _refused ("signal:all", "unknown step", 0);
    _refused ("dump=a:all", "does not say of which process; write :largest", 6);
}

static void _written (const char *text, const char *back)
{
    struct mw_ladder l = _parse (text);
    char buf[MW_LADDER_STRLEN];

    assert_string_equal (mw_ladder_format (&l, buf, sizeof (buf)), back);
}

static void a_step_may_be_for_one_process (void **state)
{
    (void) state;
    _written ("kill=largest", "kill=largest@10s,kill");
    _written ("kill=guilty@1m,kill=guilty,kill",
              "kill=guilty@1m,kill=guilty@10s,kill");
    _written ("kill=leader", "kill=leader@10s,kill");
    _written ("kill=all", "kill");
    _written ("enomem=largest", "enomem=largest@1m,kill");
    _written ("enomem=guilty@5s,kill", "enomem=guilty@5s,kill");
    _written ("enomem=all", "enomem@1m,kill");
    _written ("signal=USR1:largest", "signal=USR1:largest@30s,kill");
    _written ("signal=10:guilty@1s", "signal=USR1:guilty@1s,kill");
    _written ("signal=TERM:leader", "signal=TERM:leader@30s,kill");
    _written ("hold=largest", "hold=largest@5m,kill");
    _written ("hold=all@1m", "hold@1m,kill");
    _written ("slow=50:largest", "slow=50%:largest@2m,kill");
    _written ("slow=:guilty@1m", "slow=:guilty@1m,kill");
    _written ("slow=50%:all", "slow=50%@2m,kill");
    _written ("dump=core:guilty@1m", "dump=core:guilty@1m,kill");
    _written ("dump=a:leader", "dump=a:leader@30s,kill");
    assert_int_equal (_parse ("dump=core").step[0].target, MW_TARGET_USUAL);
    _refused ("dump=core:", "does not say of which process", 9);
    _refused ("dump=core:pid", "does not say of which process", 9);
    _refused ("dump=:largest", "a hook's name is missing", 5);
    assert_int_equal (_parse ("kill=largest").count, 2);
    assert_int_equal (_parse ("kill=all").count, 1);
    _refused ("kill=all,hold", "nothing can follow kill", 9);
    _refused ("kill=", "nothing follows \"kill=\"", 4);
    _refused ("kill=Largest", "does not say whom to", 5);
    _refused ("kill=largest:all", "does not say whom to", 5);
    _refused ("kill=all@5s", "kill takes no \"@\"", 8);
    _refused ("kill=largest@", "not a duration", 13);
    _refused ("kill-one", "unknown step \"kill-one\"", 0);
    _refused ("kill:largest", "unknown step", 0);
    _refused ("grow,enomem=biggest", "\"biggest\" does not say whom to", 12);
    _refused ("slow=largest", "1% to 100%", 5);
    _refused ("slow=50%:", "\":\" does not say to whom", 8);
    _refused ("slow=50%:pid", "or nothing for the whole job", 8);
    _refused ("slow=0%:largest", "1% to 100%", 5);
    _refused ("slow=:all", "1% to 100%", 5);
    _refused ("hold=small", "hold takes largest", 5);
    _refused ("hold-one", "unknown step \"hold-one\"", 0);
}

static void an_unknown_step_has_a_caret_and_the_allowed_ones (void **state)
{
    (void) state;
    _refused ("explode",
              "unknown step \"explode\"; allowed are hold, grow, "
              "reclaim, slow, enomem, signal, dump, suspend, requeue, kill",
              0);
    _refused ("grow@30s,explode", "unknown step \"explode\"", 9);
    _refused ("grow@30s,Kill", "unknown step \"Kill\"", 9);
    _refused ("grow@30s, kill", "unknown step \" kill\"", 9);
    _refused ("growl", "unknown step \"growl\"", 0);
    _refused ("gro", "unknown step \"gro\"", 0);
}

static void missing_steps_are_refused (void **state)
{
    (void) state;
    _refused ("", "a step is missing", 0);
    _refused ("grow,", "a step is missing", 5);
    _refused ("grow,,kill", "a step is missing", 5);
    _refused ("=5M", "a step is missing", 0);
    _refused ("@5s", "a step is missing", 0);
}

static void bad_arguments_are_refused_where_they_stand (void **state)
{
    (void) state;
    _refused ("grow=12", "size without a unit", 5);
    _refused ("grow=-1G", "negative size", 5);
    _refused ("hold,grow=99999999999G@5s", "too large a size", 10);
    _refused ("grow=0", "grow of nothing", 5);
    _refused ("reclaim=x0", "reclaim of nothing", 8);
    _refused ("grow=@5s", "nothing follows \"grow=\"", 4);
    _refused ("slow=0", "1% to 100%", 5);
    _refused ("slow=101%", "1% to 100%", 5);
    _refused ("slow=x2", "1% to 100%", 5);
    _refused ("slow=10000000000000000000%", "1% to 100%", 5);
    _refused ("requeue=x0.5", "x1 or more", 8);
    _refused ("requeue=1.5", "x1 or more", 8);
    _refused ("requeue=2G", "x1 or more", 8);
    _refused ("dump=../x", "not a hook's name", 5);
    _refused ("dump=a2345678901234567890123456789012", "at most 31", 5);
    _refused ("hold=5", "\"5\" does not say whom to; hold takes", 5);
    _refused ("suspend=5", "suspend takes no \"=\"", 7);
    _refused ("kill=9", "\"9\" does not say whom to; kill takes largest", 5);
    _refused ("enomem=", "nothing follows \"enomem=\"", 6);
}

static void bad_times_are_refused_where_they_stand (void **state)
{
    (void) state;
    _refused ("hold@", "not a duration", 5);
    _refused ("hold@5x", "not a duration", 5);
    _refused ("hold@-5s", "duration out of range", 5);
    _refused ("hold@0", "hold for no time", 5);
    _refused ("grow=1G@366d", "duration out of range", 8);
    _refused ("hold@5s@6s", "not a duration", 5);
    _refused ("kill@5s", "kill takes no \"@\"", 4);
    _refused ("requeue@5s", "requeue takes no \"@\"", 7);
}

static void too_many_steps_and_too_long_ladders_are_refused (void **state)
{
    char text[2 * MW_LADDER_STRLEN] = "", dumps[MW_LADDER_STRLEN] = "";
    struct mw_ladder l;
    struct mw_err err;

    (void) state;
    for (int i = 0; i < MW_LADDER_MAX_STEPS - 1; i++)
        strcat (text, i ? ",grow" : "grow");
    assert_int_equal (_parse (text).count, MW_LADDER_MAX_STEPS);
    strcat (text, ",hold");
    assert_int_equal (mw_ladder_parse (text, &l, &err), -1);
    assert_non_null (strstr (err.text, "no room for the kill"));
    strcat (text, ",hold");
    assert_int_equal (mw_ladder_parse (text, &l, &err), -1);
    assert_non_null (strstr (err.text, "too many steps"));
    memset (text, 'x', sizeof (text) - 1);
    assert_int_equal (mw_ladder_parse (text, &l, &err), -1);
    assert_non_null (strstr (err.text, "too long"));

    /* short enough as typed, too long once its times are written out */
    for (int i = 0; i < MW_LADDER_MAX_STEPS - 1; i++)
        strcat (dumps, i ? ",dump=a2345678901234567890123456"
                         : "dump=a2345678901234567890123456");
    assert_true (strlen (dumps) < MW_LADDER_STRLEN);
    assert_int_equal (mw_ladder_parse (dumps, &l, &err), -1);
    assert_non_null (strstr (err.text, "times written out"));
}

static void the_caret_is_right_in_long_and_in_utf8_ladders (void **state)
{
    char text[400] = "", line[8];
    struct mw_ladder l;
    struct mw_err err;
    const char *shown, *caret;

    (void) state;
    _refused ("gr\xc3\xb6w", "unknown step", 0);
    _refused ("dump=\xc3\xa4,x", "not a hook's name", 5);
    for (int i = 0; i < 14; i++)
        strcat (text, "signal=USR1@30s,");
    strcat (text, "explode,kill");
    assert_int_equal (mw_ladder_parse (text, &l, &err), -1);
    shown = strchr (err.text, '\n') + 1;
    caret = strchr (shown, '\n') + 1;
    snprintf (line, sizeof (line), "%s", shown + (strlen (caret) - 1));
    assert_string_equal (line, "explode");
}

static void hostile_ladders_cannot_forge_lines (void **state)
{
    struct mw_err err;
    struct mw_ladder l;
    int lines = 0;

    (void) state;
    assert_int_equal (mw_ladder_parse ("a\nb\033[2J,kill", &l, &err), -1);
    for (const char *s = err.text; *s; s++)
        lines += *s == '\n';
    assert_int_equal (lines, 2);
    assert_null (strchr (err.text, '\033'));
}

static void what_is_written_is_read_back (void **state)
{
    static const char *const same[] = {
        "kill",
        "grow@30s,kill",
        "slow=30%@2m,kill",
        "signal=40@1500ms,kill",
        "grow=512M@10m,signal=USR1@30s,requeue=x1.5,kill",
        "reclaim,dump=heap-1@9s,suspend@30m,requeue,kill",
    };
    char buf[MW_LADDER_STRLEN];

    (void) state;
    for (size_t i = 0; i < sizeof (same) / sizeof (same[0]); i++) {
        struct mw_ladder l = _parse (same[i]);

        assert_string_equal (mw_ladder_format (&l, buf, sizeof (buf)), same[i]);
    }
}

static void writing_stops_at_the_end_of_the_buffer (void **state)
{
    struct mw_ladder l = _parse ("grow=512M@10m,signal=USR1@30s,kill");
    char buf[8];

    (void) state;
    memset (buf, 'x', sizeof (buf));
    mw_ladder_format (&l, buf, sizeof (buf));
    assert_string_equal (buf, "grow=51");
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (every_step_is_read_with_its_argument_and_time),
        cmocka_unit_test (a_timed_step_without_a_time_has_its_default),
        cmocka_unit_test (kill_is_always_last),
        cmocka_unit_test (signals_have_names_and_numbers),
        cmocka_unit_test (a_signal_may_be_for_all),
        cmocka_unit_test (a_step_may_be_for_one_process),
        cmocka_unit_test (an_unknown_step_has_a_caret_and_the_allowed_ones),
        cmocka_unit_test (missing_steps_are_refused),
        cmocka_unit_test (bad_arguments_are_refused_where_they_stand),
        cmocka_unit_test (bad_times_are_refused_where_they_stand),
        cmocka_unit_test (too_many_steps_and_too_long_ladders_are_refused),
        cmocka_unit_test (the_caret_is_right_in_long_and_in_utf8_ladders),
        cmocka_unit_test (hostile_ladders_cannot_forge_lines),
        cmocka_unit_test (what_is_written_is_read_back),
        cmocka_unit_test (writing_stops_at_the_end_of_the_buffer),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
