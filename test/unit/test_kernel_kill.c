/* Whose limit a kill by the kernel was about, and which setting would win. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "handler/policy/kernel_kill.h"
#include "lib/units.h"

static struct kmsg_kill _kill (const char *oom, const char *task)
{
    struct kmsg_kill k = { .killed = true };

    snprintf (k.constraint, sizeof (k.constraint), "CONSTRAINT_MEMCG");
    snprintf (k.oom_memcg, sizeof (k.oom_memcg), "%s", oom);
    snprintf (k.task_memcg, sizeof (k.task_memcg), "%s", task);
    return k;
}

static void the_limit_that_was_reached_is_told_by_its_place (void **state)
{
    static const char job[] = "/slurm/job_7", pool[] = "/slurm";
    struct kmsg_kill k = _kill ("/slurm/job_7", "/slurm/job_7/step_0");

    (void) state;
    assert_int_equal (kernel_kill_why (&k, job, pool), KERNEL_KILL_JOB);
    k = _kill ("/slurm/job_7/step_0", "/slurm/job_7/step_0");
    assert_int_equal (kernel_kill_why (&k, job, pool), KERNEL_KILL_BELOW);
    k = _kill ("/slurm", "/slurm/job_7/step_0");
    assert_int_equal (kernel_kill_why (&k, job, pool), KERNEL_KILL_ABOVE);
    assert_int_equal (kernel_kill_why (&k, job, ""), KERNEL_KILL_ABOVE);
    k = _kill ("/slurm/job_70", "/slurm/job_70");
    assert_int_equal (kernel_kill_why (&k, "", pool), KERNEL_KILL_ABOVE);
    k = _kill ("", "");
    assert_int_equal (kernel_kill_why (&k, "", pool), KERNEL_KILL_UNKNOWN);
    k = _kill ("/user.slice", "/user.slice");
    assert_int_equal (kernel_kill_why (&k, "", pool), KERNEL_KILL_ELSEWHERE);
}

static void sysrq_the_node_and_numa_are_told_apart (void **state)
{
    struct kmsg_kill k = _kill ("", "/slurm/job_7");

    (void) state;
    k.global = true;
    assert_int_equal (kernel_kill_why (&k, "/slurm/job_7", ""),
                      KERNEL_KILL_NODE);
    k.sysrq = true;
    assert_int_equal (kernel_kill_why (&k, "/slurm/job_7", ""),
                      KERNEL_KILL_SYSRQ);
    k.sysrq = k.global = false;
    snprintf (k.constraint, sizeof (k.constraint), "CONSTRAINT_CPUSET");
    assert_int_equal (kernel_kill_why (&k, "/slurm/job_7", ""),
                      KERNEL_KILL_NUMA);
}

static void job_70_is_not_in_job_7 (void **state)
{
    (void) state;
    assert_true (kernel_kill_within ("/s/job_7", "/s/job_7"));
    assert_true (kernel_kill_within ("/s/job_7/step_0", "/s/job_7"));
    assert_false (kernel_kill_within ("/s/job_70", "/s/job_7"));
    assert_false (kernel_kill_within ("/s", "/s/job_7"));
    assert_false (kernel_kill_within ("/s", ""));
    assert_false (kernel_kill_within ("", "/s"));
}

static void the_node_reserve_named_covers_what_was_late (void **s)
{
    struct kernel_kill_case c = {
        .why = KERNEL_KILL_NODE,
        .ahead_ms = -50,
        .node_reserve = 100 * MW_MIB,
        .rate = MW_MIB,
    };

    (void) s;
    assert_int_equal (kernel_kill_node_reserve (&c, 64 * MW_GIB), 250 * MW_MIB);
    c.ahead_ms = INT64_MIN;
    assert_int_equal (kernel_kill_node_reserve (&c, 64 * MW_GIB), 200 * MW_MIB);
    /* never more than half the node, whatever the numbers */
    c.ahead_ms = INT64_MIN + 1;
    c.rate = UINT64_MAX;
    assert_int_equal (kernel_kill_node_reserve (&c, MW_GIB), 512 * MW_MIB);
    c.rate = 0;
    c.ahead_ms = 0;
    assert_int_equal (kernel_kill_node_reserve (&c, MW_GIB), 100 * MW_MIB);
}

static void every_case_says_who_was_first_and_what_to_set (void **state)
{
    struct kernel_kill_case c = {
        .ahead_ms = -7, .reserve = 8 * MW_MIB, .node_reserve = MW_MIB, .rate = 1
    };
    struct kmsg_kill k = _kill ("/slurm/job_7/step_0", "/slurm/job_7/step_0");
    char text[320];

    (void) state;
    assert_non_null (strstr (kernel_kill_first (&c, text, sizeof (text)),
                             "kernel was 7 ms faster"));
    c.ahead_ms = 12;
    assert_non_null (strstr (kernel_kill_first (&c, text, sizeof (text)),
                             "begun 12 ms before"));
    c.ahead_ms = INT64_MIN;
    assert_non_null (
        strstr (kernel_kill_first (&c, text, sizeof (text)), "no sign"));
    for (c.why = KERNEL_KILL_NODE; c.why < KERNEL_KILL_ELSEWHERE; c.why++)
        assert_true (strlen (kernel_kill_remedy (&c, &k, MW_GIB, text,
                                                 sizeof (text))) > 20);
    c.why = KERNEL_KILL_BELOW;
    kernel_kill_remedy (&c, &k, MW_GIB, text, sizeof (text));
    assert_non_null (strstr (text, "/slurm/job_7/step_0"));
    c.why = KERNEL_KILL_NODE;
    kernel_kill_remedy (&c, &k, MW_GIB, text, sizeof (text));
    assert_non_null (strstr (text, "node-reserve = \"2M\""));
    c.shadow = true; /* no setting but one would have won */
    kernel_kill_remedy (&c, &k, MW_GIB, text, sizeof (text));
    assert_null (strstr (text, "node-reserve"));
    assert_non_null (strstr (text, "shadow"));
    assert_non_null (
        strstr (kernel_kill_first (&c, text, sizeof (text)), "only watches"));
}

static void a_limit_below_the_job_s_has_an_owner_and_a_knob (void **state)
{
    static const struct {
        const char *path, *says;
    } cases[] = {
        { "/slurm/job_7/step_0", "a step's own: srun --mem" },
        { "/slurm/job_7/step_0/user/task_1", "a step's own: srun --mem" },
        { "/slurm/job_7/step_0/docker/0a1b", "docker run --memory" },
        { "/slurm/job_7/step_0/task_0/docker-0a1b.scope",
          "docker run --memory" },
        { "/slurm/job_7/step_0/libpod-0a1b.scope/container",
          "podman run --memory" },
        { "/slurm/job_7/step_0/user.slice/run-r1.scope",
          "a systemd unit's: MemoryMax=" },
        { "/slurm/job_7/memwarden/fit", "of `memwarden run`: its --limit" },
        { "/slurm/job_7/mine", "whoever made that directory set it" },
    };
    struct kernel_kill_case c = { .why = KERNEL_KILL_BELOW,
                                  .job = "/slurm/job_7" };
    struct kmsg_kill k = { .pid = 1 };
    char text[320];

    (void) state;
    for (unsigned i = 0; i < sizeof (cases) / sizeof (cases[0]); i++) {
        snprintf (k.oom_memcg, sizeof (k.oom_memcg), "%s", cases[i].path);
        kernel_kill_remedy (&c, &k, MW_GIB, text, sizeof (text));
        if (!strstr (text, cases[i].says) || !strstr (text, cases[i].path))
            fail_msg ("%s: %s", cases[i].path, text);
    }
    /* what the job itself is in is not asked */
    c.job = "/docker/0a1b/slurm/job_7";
    snprintf (k.oom_memcg, sizeof (k.oom_memcg), "%s/mine", c.job);
    kernel_kill_remedy (&c, &k, MW_GIB, text, sizeof (text));
    assert_non_null (strstr (text, "whoever made"));
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (the_limit_that_was_reached_is_told_by_its_place),
        cmocka_unit_test (sysrq_the_node_and_numa_are_told_apart),
        cmocka_unit_test (job_70_is_not_in_job_7),
        cmocka_unit_test (the_node_reserve_named_covers_what_was_late),
        cmocka_unit_test (every_case_says_who_was_first_and_what_to_set),
        cmocka_unit_test (a_limit_below_the_job_s_has_an_owner_and_a_knob),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
