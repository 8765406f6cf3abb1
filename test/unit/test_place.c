/* test_place.c - which cgroup is the job's */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "plugin/place.h"

static struct place_paths paths;
static struct mw_err err;

static int parse (const char *text)
{
    memset (&paths, 0, sizeof (paths));
    return place_parse (text, &paths, &err);
}

static void v1_job_is_what_stands_before_the_step (void **state)
{
    (void) state;
    assert_int_equal (
        parse ("9:name=systemd:/\n6:freezer:/slurm_n1/uid_1000/job_12/step_0\n"
               "4:memory:/slurm_n1/uid_1000/job_12/step_0/task_3\n0::/\n"),
        0);
    assert_false (paths.v2);
    assert_string_equal (paths.job, "/slurm_n1/uid_1000/job_12");
    assert_string_equal (paths.step, "step_0");
    assert_string_equal (paths.freezer, "/slurm_n1/uid_1000/job_12");
    assert_string_equal (paths.task, "/slurm_n1/uid_1000/job_12/step_0/task_3");
}

static void v2_job_too_whatever_it_is_called (void **state)
{
    (void) state;
    assert_int_equal (parse ("0::/system.slice/slurmstepd.scope/job_7/"
                             "step_batch/user/task_0\n"),
                      0);
    assert_true (paths.v2);
    assert_string_equal (paths.job, "/system.slice/slurmstepd.scope/job_7");
    assert_string_equal (paths.step, "step_batch");
    assert_int_equal (parse ("0::/system.slice/slurmstepd.scope/"
                             "s7BQ4ZT5C9X00/step_0/user/task_0\n"),
                      0);
    assert_string_equal (paths.job,
                         "/system.slice/slurmstepd.scope/s7BQ4ZT5C9X00");
}

static void on_a_hybrid_host_memory_is_where_its_controller_is (void **state)
{
    (void) state;
    assert_int_equal (
        parse ("4:cpu,memory:/slurm/uid_1/job_2/step_3/task_0\n"
               "0::/system.slice/slurmstepd.scope/job_9/step_9/user/task_0\n"),
        0);
    assert_false (paths.v2);
    assert_string_equal (paths.job, "/slurm/uid_1/job_2");
    assert_int_equal (
        parse ("0::/system.slice/slurmstepd.scope/job_9/step_9/user/task_0\n"
               "4:memory:/slurm/uid_1/job_2/step_3/task_0\n"),
        0);
    assert_string_equal (paths.job, "/slurm/uid_1/job_2");
    assert_int_equal (parse ("4:name=memory:/x/step_1\n3:memoryx:/x/step_1\n"
                             "0::/a/job_9/step_9/user\n"),
                      0);
    assert_true (paths.v2);
    assert_string_equal (paths.job, "/a/job_9");
}

static void where_slurm_made_none_there_is_none (void **state)
{
    (void) state;
    assert_int_equal (parse ("6:freezer:/slurm/uid_1/job_2/step_0\n"
                             "4:memory:/user.slice\n0::/\n"),
                      0);
    assert_string_equal (paths.job, "");
    assert_string_equal (paths.freezer, "/slurm/uid_1/job_2");
    assert_int_equal (parse ("4:memory:/step_0\n"), 0);
    assert_string_equal (paths.job, "");
}

static void names_that_look_like_steps_do_not_mislead (void **state)
{
    (void) state;
    /* a user's own directory below the task */
    assert_int_equal (parse ("4:memory:/slurm/uid_1/job_2/step_0/task_0/"
                             "step_9/x\n"),
                      0);
    assert_string_equal (paths.job, "/slurm/uid_1/job_2");
    /* nodes called step_a and step_b */
    assert_int_equal (parse ("4:memory:/slurm_step_a/uid_1/job_2/step_0\n"), 0);
    assert_string_equal (paths.job, "/slurm_step_a/uid_1/job_2");
    assert_int_equal (parse ("0::/system.slice/step_b_slurmstepd.scope/job_2/"
                             "step_0/user\n"),
                      0);
    assert_string_equal (paths.job,
                         "/system.slice/step_b_slurmstepd.scope/job_2");
    /* colons belong to the path */
    assert_int_equal (parse ("4:memory:/a:b/job_2/step_0\n"), 0);
    assert_string_equal (paths.job, "/a:b/job_2");
}

static void paths_that_lead_elsewhere_are_refused (void **state)
{
    char text[4096], deep[3000];

    (void) state;
    assert_int_equal (parse ("4:memory:/../job_2/step_0\n"), -1);
    assert_int_equal (parse ("4:memory:/a/..\n"), -1);
    assert_int_equal (parse ("4:memory:/slurm/job_2/step_0 (deleted)\n"), -1);
    assert_int_equal (parse ("4:memory:relative/step_0\n"), -1);
    memset (deep, 'a', sizeof (deep));
    deep[sizeof (deep) - 1] = '\0';
    snprintf (text, sizeof (text), "4:memory:/%s/step_0\n", deep);
    assert_int_equal (parse (text), -1);
    snprintf (text, sizeof (text), "4:memory:/a/step_%.200s/b\n", deep);
    assert_int_equal (parse (text), -1);
}

static void what_is_no_such_text_is_refused (void **state)
{
    (void) state;
    assert_int_equal (parse (""), -1);
    assert_int_equal (errno, ENOTSUP);
    assert_int_equal (parse ("hello\n"), -1);
    assert_int_equal (parse ("4:memory\n"), -1);
    assert_int_equal (parse (":::::\n"), -1);
    assert_int_equal (parse ("6:freezer:/\n"), -1);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (v1_job_is_what_stands_before_the_step),
        cmocka_unit_test (v2_job_too_whatever_it_is_called),
        cmocka_unit_test (on_a_hybrid_host_memory_is_where_its_controller_is),
        cmocka_unit_test (where_slurm_made_none_there_is_none),
        cmocka_unit_test (names_that_look_like_steps_do_not_mislead),
        cmocka_unit_test (paths_that_lead_elsewhere_are_refused),
        cmocka_unit_test (what_is_no_such_text_is_refused),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
