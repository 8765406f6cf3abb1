/* Who can answer a signal, by what /proc tells. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "handler/memcg/hears.h"

static bool _hears (const char *exe, int signo, const char *blk,
                    const char *ign, const char *cgt)
{
    char status[512];

    snprintf (status, sizeof (status),
              "Name:\tx\\nSigCgt:\t7fffffff\n"
              "SigPnd:\t0000000000000000\nSigBlk:\t%s\nSigIgn:\t%s\n"
              "SigCgt:\t%s\nCapInh:\t0000000000000000\n",
              blk, ign, cgt);
    return hears_by_status (status, exe, signo);
}

#define NONE "0000000000000000"
#define USR1 "0000000000000200"

static void who_catches_it_hears (void **state)
{
    (void) state;
    assert_true (_hears ("sim", SIGUSR1, NONE, NONE, USR1));
    assert_false (_hears ("sim", SIGUSR2, NONE, NONE, USR1));
    assert_false (_hears ("sim", SIGUSR1, NONE, NONE, NONE));
    assert_false (_hears ("sim", SIGUSR1, NONE, USR1, NONE));
    assert_true (_hears ("sim", 64, NONE, NONE, "8000000000000000"));
    assert_false (hears_by_status ("", "sim", SIGUSR1));
}

static void who_waits_for_it_hears (void **state)
{
    (void) state;
    assert_true (_hears ("sim", SIGUSR1, USR1, NONE, NONE));
    assert_false (_hears ("sim", SIGUSR1, USR1, USR1, NONE));
    /* sigfillset; and one that has just been forked */
    assert_true (_hears ("sim", SIGUSR1, "fffffffe7ffbfeff", NONE, NONE));
    assert_false (_hears ("sim", SIGUSR1, "fffffffffffbfeff", NONE, NONE));
    assert_true (_hears ("sim", SIGUSR1, "fffffffffffbfeff", NONE, USR1));
}

static void srun_would_pass_it_on_to_all (void **state)
{
    (void) state;
    assert_false (_hears ("srun", SIGUSR1, USR1, NONE, NONE));
}

/* The masks are those of bash 5.2 with these traps. */
static void a_shell_hears_what_it_has_a_trap_for (void **state)
{
    (void) state;
    assert_false (
        _hears ("bash", SIGUSR1, "0000000000010000", NONE, "0000000000010000"));
    assert_true (
        _hears ("bash", SIGUSR1, "0000000000010000", NONE, "0000000000010200"));
    /* trap … EXIT */
    assert_false (
        _hears ("bash", SIGUSR1, "0000000000010000", NONE, "0000000043817ef9"));
    assert_false (_hears ("bash", SIGINT, NONE, NONE, "0000000000010002"));
    assert_true (_hears ("dash", SIGINT, NONE, NONE, "0000000000010002"));
}

static void who_is_killed_dies_when_let (void **state)
{
    (void) state;
    assert_true (hears_killed_by_status (
        "Name:\tsrun\nState:\tD (disk sleep)\nVmSize:\t    2544 kB\n"
        "SigPnd:\t0000000000000100\nShdPnd:\t00000000000c0100\n"));
    assert_false (
        hears_killed_by_status (/* SIGTERM may be waited for */
                                "Name:\tsrun\nState:\tD (disk sleep)\nVmSize:\t    2544 kB\n"
                                "SigPnd:\t0000000000000000\nShdPnd:\t0000000000004000\n"));
    assert_true (
        hears_killed_by_status (/* at it */
                                "Name:\tsrun\nState:\tR (running)\n"
                                "SigPnd:\t0000000000000000\nShdPnd:\t0000000000000000\n"));
    assert_false (hears_killed_by_status ("Name:\tsrun\nState:\tZ (zombie)\n"));
    assert_false (hears_killed (getpid ()));
    assert_false (hears_killed (-1));
}

static void _handler (int signo)
{
    (void) signo;
}

static void this_very_process (void **state)
{
    uint64_t began = hears_started (getpid ());
    pid_t child;

    (void) state;
    assert_false (hears (getpid (), SIGUSR2));
    signal (SIGUSR2, _handler);
    assert_true (hears (getpid (), SIGUSR2));
    assert_true (began > 0);
    assert_int_equal (hears_started (getpid ()), began);
    assert_int_equal (hears_started (-1), 0);
    assert_false (hears (-1, SIGUSR2));
    child = fork ();
    if (child == 0)
        _exit (0);
    while (hears_started (child)) /* until only its parent is waited for */
        usleep (1000);
    waitpid (child, NULL, 0);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (who_catches_it_hears),
        cmocka_unit_test (who_waits_for_it_hears),
        cmocka_unit_test (srun_would_pass_it_on_to_all),
        cmocka_unit_test (a_shell_hears_what_it_has_a_trap_for),
        cmocka_unit_test (who_is_killed_dies_when_let),
        cmocka_unit_test (this_very_process),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
