/* test_learnt.c - what jobs have turned out to need is kept, and bounded */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "handler/spool/learnt.h"

static char dir[64];
static struct mw_err err;
static struct learnt last;

static void _visit (const struct learnt *l, void *arg)
{
    last = *l;
    ++*(unsigned *) arg;
}

/* How many are kept; [last] is one of them. */
static unsigned _kept (void)
{
    unsigned n = 0;
    int rc;

    last = (struct learnt) { 0 };
    rc = learnt_each (dir, _visit, &n);
    assert_int_equal (rc, n);
    return n;
}

static void _add (uint32_t uid, const char *account, const char *name,
                  uint64_t mem)
{
    struct learnt_run run = { .s = 7, .peak = mem << 19, .mem_mb = mem };

    assert_int_equal (learnt_add (uid, account, name, &run), 0);
}

static int _begin (void **state)
{
    (void) state;
    strcpy (dir, "/tmp/test_learnt.XXXXXX");
    return mkdtemp (dir) ? learnt_open (dir, getegid (), &err) : -1;
}

static int _end (void **state)
{
    char cmd[128];

    (void) state;
    snprintf (cmd, sizeof (cmd), "rm -rf %s", dir);
    return system (cmd);
}

static void runs_of_one_kind_are_kept_together (void **state)
{
    (void) state;
    _add (1000, "phys", "sim", 100);
    _add (1000, "phys", "sim", 200);
    assert_int_equal (_kept (), 1);
    assert_int_equal (last.uid, 1000);
    assert_string_equal (last.account, "phys");
    assert_string_equal (last.name, "sim");
    assert_true (last.times == 2 && last.count == 2);
    assert_true (last.run[0].mem_mb == 100 && last.run[1].mem_mb == 200);
    assert_true (last.run[1].s == 7 && last.run[1].peak == 100 << 20);
    _add (1001, "phys", "sim", 1);
    _add (1000, "chem", "sim", 1);
    _add (1000, "phys", "sim2", 1);
    _add (1000, NULL, NULL, 1);
    /* where one ends and the other begins is told apart */
    _add (1000, "a", "bc", 1);
    _add (1000, "ab", "c", 1);
    assert_int_equal (_kept (), 7);
}

static void of_many_runs_the_last_are_kept (void **state)
{
    (void) state;
    for (unsigned i = 1; i <= 100; i++)
        _add (1000, "phys", "sim", i);
    assert_int_equal (_kept (), 1);
    assert_int_equal (last.times, 100);
    assert_int_equal (last.count, LEARNT_RUNS);
    assert_int_equal (last.run[0].mem_mb, 101 - LEARNT_RUNS);
    assert_int_equal (last.run[LEARNT_RUNS - 1].mem_mb, 100);
}

static void names_are_a_strangers (void **state)
{
    static const char *const hostile[] = {
        "../../etc/passwd", "a\nb",        "\"},{\"uid\":0",
        "\xff\xfe",         "\x01\x1b[2J", "",
    };
    static char longer[100000];

    (void) state;
    memset (longer, 'x', sizeof (longer) - 1);
    for (size_t i = 0; i < sizeof (hostile) / sizeof (hostile[0]); i++)
        _add (1000, hostile[i], hostile[i], 5);
    assert_int_equal (_kept (), sizeof (hostile) / sizeof (hostile[0]));
    _add (0, longer, longer, 5);
    _add (0, longer, longer, 6);
    assert_int_equal (_kept (), sizeof (hostile) / sizeof (hostile[0]) + 1);
    assert_int_equal (access ("/tmp/etc/passwd", F_OK), -1);
}

static void of_many_kinds_the_latest_are_kept (void **state)
{
    char name[32];

    (void) state;
    for (unsigned i = 0; i < LEARNT_MAX + 50; i++) {
        snprintf (name, sizeof (name), "job%u", i);
        _add (1000, "phys", name, i + 1);
    }
    assert_int_equal (_kept (), LEARNT_MAX);
}

static void what_is_broken_is_left_out (void **state)
{
    static const char *const texts[] = { "", "{", "[]", "{\"runs\":3}",
                                         "{\"runs\":[],\"account\":1}" };
    char path[128];
    FILE *f;

    (void) state;
    for (size_t i = 0; i < sizeof (texts) / sizeof (texts[0]); i++) {
        snprintf (path, sizeof (path), "%s/learnt/%016zx", dir, i);
        assert_non_null (f = fopen (path, "w"));
        fputs (texts[i], f);
        fclose (f);
    }
    snprintf (path, sizeof (path), "%s/learnt/%016x", dir, 99);
    assert_int_equal (mkfifo (path, 0600), 0);
    _add (1000, "phys", "sim", 5);
    assert_int_equal (_kept (), 1);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown (f, _begin, _end)
        T (runs_of_one_kind_are_kept_together),
        T (of_many_runs_the_last_are_kept),
        T (names_are_a_strangers),
        T (of_many_kinds_the_latest_are_kept),
        T (what_is_broken_is_left_out),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
