/* A program that is run for somebody: its words, its end, and whose end is its. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/errand.h"
#include "lib/pidfd.h"

#define LONG_MS 60000

static void _sh (const void *script)
{
    execl ("/bin/sh", "sh", "-c", (const char *) script, (char *) NULL);
}

static void _start (struct errand *e, const char *script)
{
    assert_int_equal (errand_start (e, "told", _sh, script), 0);
}

/* Returns its wait(2) status. */
static int _over (struct errand *e)
{
    int status;

    kill (e->pid, SIGKILL);
    assert_int_equal (waitpid (e->pid, &status, 0), e->pid);
    errand_close (e);
    return status;
}

static void what_it_writes_is_one_line (void **state)
{
    struct errand e;

    (void) state;
    _start (&e, "cat; echo; echo; printf 'b\\033c\\nd' >&2; exit 3");
    assert_int_equal (errand_follow (&e, clock_ms () + LONG_MS, -1, -1),
                      ERRAND_ENDED);
    assert_string_equal (e.text, "told | b?c | d");
    assert_int_equal (WEXITSTATUS (_over (&e)), 3);
}

static void who_says_too_much_is_heard_to_the_end (void **state)
{
    struct errand e;

    (void) state;
    _start (&e, "i=0; while [ $i -lt 9000 ]; do echo line $i; "
                "i=$((i + 1)); done; exit 4");
    assert_int_equal (errand_follow (&e, clock_ms () + LONG_MS, -1, -1),
                      ERRAND_ENDED);
    assert_true (e.len < ERRAND_TEXT_MAX);
    assert_int_equal (strncmp (e.text, "line 0 | line 1 | ", 18), 0);
    assert_int_equal (WEXITSTATUS (_over (&e)), 4);
}

static void it_is_late_when_its_time_is_over (void **state)
{
    struct errand e;

    (void) state;
    _start (&e, "exec yes"); /* nor does it keep us by what it says */
    assert_int_equal (errand_follow (&e, clock_ms () + 100, -1, -1),
                      ERRAND_LATE);
    assert_int_equal (WTERMSIG (_over (&e)), SIGKILL);
}

static void what_holds_its_pipe_is_not_waited_for (void **state)
{
    struct errand e;

    (void) state;
    _start (&e, "sleep 1000 & echo $!");
    assert_int_equal (errand_follow (&e, clock_ms () + LONG_MS, -1, -1),
                      ERRAND_ENDED);
    kill ((pid_t) strtol (e.text, NULL, 10), SIGKILL);
    _over (&e);
}

static void it_ends_with_who_has_started_it (void **state)
{
    struct errand e;
    int life[2];

    (void) state;
    assert_int_equal (pipe (life), 0);
    close (life[1]);
    _start (&e, "exec sleep 1000");
    assert_int_equal (errand_follow (&e, clock_ms () + LONG_MS, life[0], -1),
                      ERRAND_ALONE);
    close (life[0]);
    _over (&e);
}

static void it_has_no_long_time_after_whom_it_looks_at (void **state)
{
    struct errand e;
    pid_t pid = fork ();
    int fd;

    (void) state;
    if (pid == 0)
        _exit (0);
    fd = mw_pidfd_open (pid);
    if (fd < 0)
        skip (); /* Linux before 5.3 */
    _start (&e, "exec sleep 1000");
    assert_int_equal (errand_follow (&e, clock_ms () + LONG_MS, -1, fd),
                      ERRAND_POINTLESS);
    _over (&e);
    waitpid (pid, NULL, 0);
    close (fd);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (what_it_writes_is_one_line),
        cmocka_unit_test (who_says_too_much_is_heard_to_the_end),
        cmocka_unit_test (it_is_late_when_its_time_is_over),
        cmocka_unit_test (what_holds_its_pipe_is_not_waited_for),
        cmocka_unit_test (it_ends_with_who_has_started_it),
        cmocka_unit_test (it_has_no_long_time_after_whom_it_looks_at),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
