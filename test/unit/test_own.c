/* What processes have said that they may hold: who inherits it, when it ends, and that the
 * table has an end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "handler/watch/own.h"
#include "lib/units.h"

#define SOON UINT64_MAX /* started behind whatever was said */

static struct job job = { .memcg = { .inode = 12 }, .spec = { .uid = 1000 } };
static struct job other = { .memcg = { .inode = 13 }, .spec = { .uid = 1001 } };

static struct member _member (pid_t pid, pid_t parent, uint64_t started,
                              const char *comm)
{
    struct member m = { .pid = pid, .parent = parent, .started = started };

    snprintf (m.comm, sizeof (m.comm), "%s", comm);
    return m;
}

static void _says (const struct member *m, const char *text, bool clears)
{
    struct mw_proclimit l;
    struct mw_err err;

    assert_int_equal (mw_proclimit_parse (text, &l, &err), 0);
    assert_int_equal (own_set (&job, m, &l, clears, &err), 0);
}

static uint64_t _may (const struct job *of, struct member m)
{
    const struct mw_ladder *actions;

    return own_of (of, &m, &actions);
}

static int _own_end (void **state)
{
    (void) state;
    own_forget (&job);
    return 0;
}

static void who_has_said_nothing_has_what_the_job_says (void **state)
{
    struct member m = _member (5, 1, 100, "a");

    (void) state;
    assert_int_equal (_may (&job, m), 0);
    job.proc.bytes = 7;
    assert_int_equal (_may (&job, m), 7);
    assert_int_equal (own_least (&job), 7);
    job.proc.bytes = 0;
    assert_int_equal (own_least (&job), 0);
}

static void it_is_for_that_process_of_that_job (void **state)
{
    struct member m = _member (5, 1, 100, "a");

    (void) state;
    _says (&m, "64M", false);
    assert_int_equal (_may (&job, m), 64 * MW_MIB);
    assert_int_equal (own_least (&job), 64 * MW_MIB);
    assert_int_equal (_may (&other, m), 0);
    _says (&m, "32M", false);
    assert_int_equal (_may (&job, m), 32 * MW_MIB);
    _says (&m, "none", false);
    assert_int_equal (_may (&job, m), 0);
    _says (&m, "32M", false);
    m.started++; /* its number is another's */
    assert_int_equal (_may (&job, m), 0);
}

static void those_it_starts_from_then_on_have_it (void **state)
{
    struct member m = _member (5, 1, 100, "a");

    (void) state;
    _says (&m, "64M", false);
    assert_int_equal (_may (&job, _member (6, 5, 101, "a")), 0);
    assert_int_equal (_may (&job, _member (7, 5, SOON, "b")), 64 * MW_MIB);
    assert_int_equal (_may (&job, _member (8, 7, SOON, "c")), 64 * MW_MIB);
    assert_int_equal (_may (&job, _member (9, 4, SOON, "c")), 0);
    /* what is lifted for one stays for those that have it */
    _says (&m, "none", false);
    assert_int_equal (_may (&job, _member (7, 5, SOON, "b")), 64 * MW_MIB);
}

static void it_ends_with_its_program_where_that_is_asked (void **state)
{
    struct member m = _member (5, 1, 100, "a"), child;

    (void) state;
    _says (&m, "64M", true);
    child = _member (6, 5, SOON, "a");
    child.forked = true;
    assert_int_equal (_may (&job, child), 64 * MW_MIB);
    child.forked = false;
    assert_int_equal (_may (&job, child), 0);
    assert_int_equal (_may (&job, child), 0);
    /* forked and executed before anybody looked */
    assert_int_equal (_may (&job, _member (7, 5, SOON, "b")), 0);
    assert_int_equal (_may (&job, m), 64 * MW_MIB);
    m.comm[0] = 'b';
    assert_int_equal (_may (&job, m), 0);
}

static void who_has_gone_is_forgotten (void **state)
{
    struct member m = _member (5, 1, 100, "a");

    (void) state;
    _says (&m, "64M", false);
    own_looked (&job);
    _may (&job, m);
    own_looked (&job);
    assert_int_equal (own_least (&job), 64 * MW_MIB);
    own_looked (&job);
    assert_int_equal (own_least (&job), 0);
}

static void a_job_has_so_many (void **state)
{
    struct mw_proclimit l;
    struct member m;
    struct mw_err err;

    (void) state;
    for (int i = 0; i < OWN_OF_JOB_MAX; i++) {
        m = _member (100 + i, 1, 100, "a");
        _says (&m, "64M", false);
    }
    mw_proclimit_parse ("64M", &l, &err);
    m = _member (99, 1, 100, "a");
    assert_int_equal (own_set (&job, &m, &l, false, &err), -1);
    assert_int_equal (errno, ENOSPC);
    assert_non_null (strstr (err.text, "at most 256"));
    /* one more child has what the job says; who is there may say it anew */
    assert_int_equal (_may (&job, _member (9, 100, SOON, "a")), 0);
    m = _member (100, 1, 100, "a");
    _says (&m, "1M", false);
    own_forget (&job);
    assert_int_equal (own_least (&job), 0);
}

/* As many of [uid]'s processes as may, each job of his with its most. Returns how many. */
static unsigned _all_of (struct job jobs[], uid_t uid)
{
    struct member m = _member (5, 1, 100, "a");
    struct mw_proclimit l;
    struct mw_err err;
    unsigned n = 0;

    mw_proclimit_parse ("64M", &l, &err);
    for (unsigned i = 0; i < OWN_MAX / OWN_OF_JOB_MAX; i++) {
        jobs[i] = (struct job) { .spec = { .uid = uid } };
        jobs[i].memcg.inode = 100 * uid + i;
        for (m.pid = 100; own_set (&jobs[i], &m, &l, false, &err) == 0; m.pid++)
            n++;
    }
    return n;
}

static void no_user_has_them_all (void **state)
{
    static struct job jobs[3][OWN_MAX / OWN_OF_JOB_MAX];

    (void) state;
    assert_int_equal (_all_of (jobs[0], 1), OWN_MAX / 2);
    assert_int_equal (_all_of (jobs[1], 2), OWN_MAX / 4);
    assert_int_equal (_all_of (jobs[2], 3), OWN_MAX / 8);
    for (unsigned i = 0; i < 3; i++) {
        for (unsigned k = 0; k < OWN_MAX / OWN_OF_JOB_MAX; k++)
            own_forget (&jobs[i][k]);
    }
}

int main (void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_teardown (f, _own_end)
        T (who_has_said_nothing_has_what_the_job_says),
        T (it_is_for_that_process_of_that_job),
        T (those_it_starts_from_then_on_have_it),
        T (it_ends_with_its_program_where_that_is_asked),
        T (who_has_gone_is_forgotten),
        T (a_job_has_so_many),
        T (no_user_has_them_all),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
