/* A job is refused huge pages: what the kernel counts, in directories of plain files that
 * look like the hugetlb controller's, and what is told of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "handler/memcg/hugetlb.h"
#include "handler/watch/huge.h"
#include "lib/cgfile.h"
#include "test/unit/fake_warden.h"

static struct warden *const w = &fake.w;

#define TWO_MB 2 /* its place among the sizes */

static void _put (int dir, const char *name, const char *text)
{
    char path[64];
    FILE *f;

    snprintf (path, sizeof (path), "/proc/self/fd/%d/%s", dir, name);
    f = fopen (path, "w");
    assert_non_null (f);
    fputs (text, f);
    fclose (f);
}

static struct job *_huge_job (const char *max, const char *refused)
{
    struct job *job = fake_job ("12", "kill");
    char events[32];

    snprintf (events, sizeof (events), "max %s\n", refused);
    _put (job->memcg.dir, "hugetlb.2MB.events", events);
    _put (job->memcg.dir, "hugetlb.2MB.current", "67108864\n");
    _put (job->memcg.dir, "hugetlb.2MB.max", max);
    _put (job->memcg.dir, "cgroup.controllers", "memory hugetlb pids\n");
    job->huge_dir = hugetlb_open (&job->memcg);
    return job;
}

static void v2_has_events (void **state)
{
    struct job *job = _huge_job ("134217728\n", "7");
    struct hugetlb h;

    (void) state;
    assert_int_equal (hugetlb_read (job->memcg.dir, TWO_MB, &h), 0);
    assert_string_equal (h.size, "2MB");
    assert_int_equal (h.refused, 7);
    assert_int_equal (h.used / MW_MIB, 64);
    assert_int_equal (h.limit / MW_MIB, 128);
    _put (job->memcg.dir, "hugetlb.2MB.max", "max\n");
    assert_int_equal (hugetlb_read (job->memcg.dir, TWO_MB, &h), 0);
    assert_true (h.limit == MEMCG_NO_LIMIT);
    for (unsigned i = 0; i < MW_HUGETLB_SIZES; i++) {
        if (i != TWO_MB)
            assert_int_equal (hugetlb_read (job->memcg.dir, i, &h), -1);
    }
}

static void v1_has_a_failcnt (void **state)
{
    int dir = fake_job ("12", "kill")->memcg.dir;
    struct hugetlb h;

    (void) state;
    _put (dir, "hugetlb.2MB.failcnt", "3\n");
    _put (dir, "hugetlb.2MB.usage_in_bytes", "67108864\n");
    _put (dir, "hugetlb.2MB.limit_in_bytes", "134217728\n");
    assert_int_equal (hugetlb_read (dir, TWO_MB, &h), 0);
    assert_int_equal (h.refused, 3);
    assert_int_equal (h.limit / MW_MIB, 128);
    _put (dir, "hugetlb.2MB.limit_in_bytes", "9223372036852678656\n");
    assert_int_equal (hugetlb_read (dir, TWO_MB, &h), 0);
    assert_true (h.limit == MEMCG_NO_LIMIT);
}

static void it_is_told_with_use_and_limit (void **state)
{
    struct job *job = _huge_job ("67108864\n", "2");

    (void) state;
    assert_true (huge_look (w, job, false));
    assert_int_equal (fake_recorded (
                          "job 12: was refused huge pages (2 times): it uses "
                          "64.0 MiB in pages of 2MB, and the job's limit of "
                          "them is 64.0 MiB"),
                      1);
    assert_false (huge_look (w, job, true));
}

static void a_limit_of_somebody_else_is_not_called_its_own (void **state)
{
    struct job *job = _huge_job ("max\n", "1");

    (void) state;
    assert_true (huge_look (w, job, false));
    assert_int_equal (fake_recorded ("the limit is not the job's own"), 1);
}

/* A job that tries again and again is told once a minute, and at its end. */
static void again_is_told_seldom_and_at_the_end (void **state)
{
    struct job *job = _huge_job ("67108864\n", "1");

    (void) state;
    assert_true (huge_look (w, job, false));
    _put (job->memcg.dir, "hugetlb.2MB.events", "max 50\n");
    assert_false (huge_look (w, job, false));
    assert_true (huge_look (w, job, true));
    assert_int_equal (fake_recorded ("refused huge pages (49 times)"), 1);
}

static void without_the_controller_nothing_is_told (void **state)
{
    (void) state;
    assert_false (huge_look (w, fake_job ("12", "kill"), true));
    assert_int_equal (fake_recorded ("refused huge"), 0);
}

#define T(f) cmocka_unit_test_setup_teardown (f, fake_begin, fake_end)

int main (void)
{
    const struct CMUnitTest tests[] = {
        T (v2_has_events),
        T (v1_has_a_failcnt),
        T (it_is_told_with_use_and_limit),
        T (a_limit_of_somebody_else_is_not_called_its_own),
        T (again_is_told_seldom_and_at_the_end),
        T (without_the_controller_nothing_is_told),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
