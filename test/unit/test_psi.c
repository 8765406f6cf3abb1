/* test_psi.c - the trigger for tasks that wait for memory, and what it counts */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "handler/watch/psi.h"
#include "lib/cgfile.h"
#include "lib/cleanup.h"
#include "test/unit/fake_node.h"

static struct warden *const w = &fake.w;
static unsigned stalls;

static void _stalled (struct warden *of)
{
    assert_ptr_equal (of, w);
    stalls++;
}

static void _psi (void)
{
    stalls = 0;
    node_psi ();
    w->up.stalled = _stalled;
}

/* What has been written to the pressure file is [text]. */
static void _trigger_is (const char *text)
{
    char path[PATH_MAX], is[64];

    snprintf (path, sizeof (path), "%s/proc/pressure/memory", fake.dir);
    assert_true (cg_read (AT_FDCWD, path, is, sizeof (is)) > 0);
    assert_string_equal (is, text);
}

static void the_trigger_is_as_configured (void **state)
{
    (void) state;
    _psi ();
    _trigger_is ("some 150000 1000000");
}

static void full_stalls_are_another (void **state)
{
    (void) state;
    w->conf.psi = (struct conf_psi) { .kind = CONF_PSI_FULL,
                                      .stall_ms = 70,
                                      .window_ms = 2000 };
    _psi ();
    _trigger_is ("full 70000 2000000");
}

static void it_may_be_off (void **state)
{
    (void) state;
    _psi ();
    w->conf.psi.kind = CONF_PSI_OFF;
    watch_psi_open (w);
    assert_null (w->psi);
    assert_int_equal (fake_logged ("no PSI trigger"), 0);
}

static void without_a_pressure_file_there_is_none (void **state)
{
    (void) state;
    setenv ("MEMWARDEN_SYSROOT", fake.dir, 1);
    watch_psi_open (w);
    unsetenv ("MEMWARDEN_SYSROOT");
    assert_null (w->psi);
    assert_false (watch_psi_stalled (w));
    assert_int_equal (fake_logged ("no PSI trigger \"some 150ms/1s\" (No such "
                                   "file"),
                      1);
}

/* A file that refuses what is written to it with EINVAL, as the kernel does a
 * window of 1 s where it takes none, and of 2 s, too. */
static void a_kernel_that_takes_no_trigger_is_done_without (void **state)
{
    char path[PATH_MAX];

    (void) state;
    _psi ();
    snprintf (path, sizeof (path), "%s/proc/pressure/memory", fake.dir);
    assert_int_equal (unlink (path), 0);
    assert_int_equal (symlink ("/proc/self/oom_score_adj", path), 0);
    setenv ("MEMWARDEN_SYSROOT", fake.dir, 1);
    watch_psi_open (w);
    unsetenv ("MEMWARDEN_SYSROOT");
    assert_null (w->psi);
    assert_int_equal (fake_logged ("(Invalid argument)"), 1);
}

static void each_stall_is_passed_on_and_seldom_told (void **state)
{
    (void) state;
    _psi ();
    node_stall (1, 0, 0);
    node_stall (59999, 0, 0);
    assert_int_equal (fake_logged ("tasks wait for memory"), 1);
    node_stall (1, 0, 0);
    assert_int_equal (fake_logged ("tasks wait for memory"), 2);
    assert_int_equal (stalls, 3);
}

/* A node that shows swap to be full: bytes to be freed. */
static uint64_t _need (uint64_t since_ms)
{
    struct policy_node node = {
        .capacity = 16 * MW_GIB,
        .available = 3 * MW_GIB,
        .reserve = MW_GIB,
        .swap_total = MW_GIB,
    };
    bool early;
    char why[96];

    return watch_psi_need (w, &node, since_ms, &early, why, sizeof (why));
}

static void only_what_stalled_since_counts (void **state)
{
    (void) state;
    assert_int_equal (_need (0), 0);
    _psi ();
    assert_int_equal (_need (0), 0);
    node_stall (1, 0, 0);
    assert_int_equal (_need (0), 0);
    node_stall (1000, 1, 0);
    assert_int_equal (_need (fake.now - 1000), MW_GIB);
    assert_int_equal (_need (fake.now - 999), 0);
    fake.now += 2000;
    assert_int_equal (_need (0), MW_GIB);
    fake.now += 1;
    assert_int_equal (_need (0), 0);
}

static void what_jobs_read_in_again_is_no_more_than_all (void **state)
{
    struct policy_node node = { .capacity = 16 * MW_GIB,
                                .reserve = MW_GIB,
                                .available = 3 * MW_GIB };
    char why[96];
    bool early = true;

    (void) state;
    _psi ();
    node_stall (1, 0, 0);
    node_stall (1000, 1, MW_GIB);
    assert_true (watch_psi_need (w, &node, 0, &early, why, sizeof (why)) > 0);
    assert_false (early);
    assert_string_equal (why, "tasks wait for memory, and what is dropped is "
                              "read in again");
    watch_psi_less (w, 2 * MW_GIB);
    assert_int_equal (watch_psi_need (w, &node, 0, &early, why, sizeof (why)),
                      0);
}

/* A counter that goes back is another kernel's, or has gone round. */
static void counters_that_go_back_say_nothing (void **state)
{
    (void) state;
    _psi ();
    node_stall (1, 10, 0);
    node_stall (1000, (uint64_t) -5, 0);
    assert_int_equal (_need (0), 0);
    node_stall (1000, 5, 0);
    assert_true (_need (0) > 0);
}

#define T(f) cmocka_unit_test_setup_teardown (f, node_begin, node_end)

int main (void)
{
    const struct CMUnitTest tests[] = {
        T (the_trigger_is_as_configured),
        T (full_stalls_are_another),
        T (it_may_be_off),
        T (without_a_pressure_file_there_is_none),
        T (a_kernel_that_takes_no_trigger_is_done_without),
        T (each_stall_is_passed_on_and_seldom_told),
        T (only_what_stalled_since_counts),
        T (what_jobs_read_in_again_is_no_more_than_all),
        T (counters_that_go_back_say_nothing),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
