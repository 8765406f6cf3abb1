/* test_watch_kmsg.c - kills the kernel made itself: whose they were is told */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "handler/incident/incident.h"
#include "handler/kmsg/kmsg.h"
#include "handler/watch/kmsg.h"
#include "lib/cleanup.h"
#include "test/unit/fake_node.h"

static struct warden *const w = &fake.w;
static int log_fd = -1;
static unsigned seq;
static struct job *job; /* "12", which the log calls /12 */

/* A warden begins to read the log. */
static void _reads (void)
{
    setenv ("MEMWARDEN_SYSROOT", fake.dir, 1);
    watch_kmsg_open (w);
    unsetenv ("MEMWARDEN_SYSROOT");
    assert_true (watch_kmsg_live (w));
}

/* A pipe is the log, and where the jobs are is the mount. */
static void _kmsg (void)
{
    char path[PATH_MAX];
    FILE *f;

    job = fake_job ("12", "hold@60s,kill");
    seq = 700;
    snprintf (path, sizeof (path),
              "cd %s && mkdir -p dev proc/self proc/sys/kernel/random && "
              "cp /proc/sys/kernel/random/boot_id proc/sys/kernel/random",
              fake.dir);
    assert_int_equal (system (path), 0);
    snprintf (path, sizeof (path), "%s/proc/self/mountinfo", fake.dir);
    f = fopen (path, "we");
    assert_true (fprintf (f, "30 1 0:26 / %s rw - cgroup2 x rw\n", fake.dir) >
                 0);
    assert_int_equal (fclose (f), 0);
    snprintf (path, sizeof (path), "%s/dev/kmsg", fake.dir);
    assert_int_equal (mkfifo (path, 0600), 0);
    log_fd = open (path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    assert_true (log_fd >= 0);
    _reads ();
}

static int _end (void **state)
{
    watch_kmsg_close (w);
    if (log_fd >= 0)
        close (log_fd);
    log_fd = -1;
    return node_end (state);
}

/* A record; its time is now. */
static void _record (const char *text)
{
    assert_true (dprintf (log_fd, "4,%u,%llu,-;%s\n", seq++,
                          (unsigned long long) fake.now * 1000, text) > 0);
}

/* The kernel kills in [task] because [oom] was at its limit; "" = the node. */
static void _kills (const char *oom, const char *task)
{
    char text[1024];

    _record ("leak invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, "
             "oom_score_adj=0");
    snprintf (text, sizeof (text),
              "oom-kill:constraint=%s,nodemask=(null),"
              "cpuset=/,mems_allowed=0,%s%s,task_memcg=%s,task=leak,pid=431,"
              "uid=1000",
              oom[0] ? "CONSTRAINT_MEMCG" : "CONSTRAINT_NONE",
              oom[0] ? "oom_memcg=" : "global_oom", oom, task);
    _record (text);
    snprintf (text, sizeof (text),
              "%s: Killed process 431 (leak) "
              "total-vm:80000kB, anon-rss:64000kB, file-rss:1000kB, "
              "shmem-rss:0kB, UID:1000 pgtables:180kB oom_score_adj:0",
              oom[0] ? "Memory cgroup out of memory" : "Out of memory");
    _record (text);
    if (watch_kmsg_live (w))
        watch_kmsg_read (w);
}

static void a_kill_at_its_limit_is_told (void **state)
{
    (void) state;
    _kmsg ();
    _kills ("/12", "/12/step_0");
    assert_int_equal (fake_recorded ("job 12: the kernel itself has killed "
                                     "process 431 (leak, 62.5 MiB): the job's "
                                     "limit was reached, noticed by leak; "),
                      1);
    assert_int_equal (fake_recorded ("\"event\":\"kernel-kill\""), 1);
    assert_int_equal (job->kernel_kill_ms, fake.now);
    assert_false (job->incident.open);
}

/* What its directories are called is a stranger's: a record of it is JSON. */
static void a_hostile_path_is_cut_and_tears_no_record (void **state)
{
    char task[KMSG_PATH_MAX], path[PATH_MAX];
    cleanup_file FILE *f = NULL;
    cleanup_free char *line = NULL;
    size_t room = 0;
    unsigned n = 0;

    (void) state;
    _kmsg ();
    for (int before = 0; before < 2; before++) {
        /* escaped it is longer than what is kept, and two bytes a character:
         * the cut is between two of them, or within one */
        memset (task, '"', sizeof (task));
        memcpy (task, "/12/a", 5);
        if (before)
            task[5] = 'a';
        task[300] = '\0';
        _kills ("/12", task);
    }
    snprintf (path, sizeof (path), "%s/ahead.jsonl", fake.dir);
    assert_non_null (f = fopen (path, "re"));
    while (getline (&line, &room, f) > 0 && line[0] != '\n') {
        cleanup_json json_t *j = json_loads (line, 0, NULL);
        const char *said;

        assert_non_null (j);
        said = json_string_value (json_object_get (j, "task_memcg"));
        if (said) {
            assert_true (strlen (said) > 250 && !strncmp (said, "/12/", 4));
            n++;
        }
    }
    assert_int_equal (n, 2);
}

static void the_nodes_is_told_of_its_job_and_before_its_oom (void **state)
{
    (void) state;
    _kmsg ();
    _kills ("", "/12/step_0");
    assert_int_equal (fake_recorded ("the node was out of memory, noticed"), 1);
    fake.now += 4999;
    watch_kmsg_detected (w, NULL);
    assert_int_equal (fake_recorded ("the kernel had killed for it itself, "
                                     "4999 ms before"),
                      1);
    watch_kmsg_detected (w, NULL); /* once */
    assert_int_equal (fake_recorded ("the kernel had killed for it"), 1);
    fake.now += 1;
    watch_kmsg_detected (w, job); /* 5 s: another one */
    assert_int_equal (fake_recorded ("the kernel had killed for it"), 1);
}

static void who_was_first_is_told (void **state)
{
    (void) state;
    _kmsg ();
    incident_oom (w, job, TRIGGER_JOB);
    fake.now += 30;
    _kills ("/12", "/12");
    assert_int_equal (fake_recorded ("30 ms"), 1);
}

static void what_is_nobodys_is_not_told (void **state)
{
    (void) state;
    _kmsg ();
    _kills ("/123", "/123/step_0");
    assert_int_equal (fake_recorded ("kernel-kill"), 0);
}

static void a_steps_is_told_of_it (void **state)
{
    struct job *step;

    (void) state;
    _kmsg ();
    step = job_new (&w->steps);
    snprintf (step->spec.key, sizeof (step->spec.key), "12.0");
    snprintf (step->spec.of, sizeof (step->spec.of), "12");
    step->memcg = (struct memcg) { .ops = job->memcg.ops,
                                   .dir = -1,
                                   .event = -1,
                                   .limit = -1,
                                   .hard = -1,
                                   .usage = -1,
                                   .oom_control = -1,
                                   .freezer = -1 };
    assert_true (asprintf (&step->memcg.path, "%s/12/step_0", fake.dir) > 0);
    step->ladder = ladder_share (job->ladder);
    _kills ("/12", "/12/step_0");
    assert_int_equal (fake_recorded ("job 12: the kernel itself"), 1);
    _kills ("/12/step_0", "/12/step_0/user");
    assert_int_equal (fake_recorded ("step 12.0: the kernel itself"), 1);
    job_free (&w->steps, step);
}

static void many_a_second_are_only_counted (void **state)
{
    (void) state;
    _kmsg ();
    for (unsigned i = 0; i < 18; i++)
        _kills ("/12", "/12");
    assert_int_equal (fake_recorded ("the kernel itself has killed"), 16);
    fake.now += 1000;
    _kills ("/12", "/12");
    assert_int_equal (fake_recorded ("the kernel itself has killed"), 17);
    assert_int_equal (fake_recorded ("2 more kills by the kernel were not"), 1);
}

static void one_that_is_counted_waits_for_its_report (void **state)
{
    (void) state;
    _kmsg ();
    watch_kmsg_counted (w, job);
    assert_true (job->kernel_kill_untold);
    assert_int_equal (fake_recorded ("the kernel has killed in it"), 0);
    _kills ("/12", "/12");
    assert_false (job->kernel_kill_untold);
    fake.now += 1000;
    watch_kmsg_counted (w, job); /* it was that one */
    assert_false (job->kernel_kill_untold);
    fake.now += 1;
    watch_kmsg_counted (w, job);
    assert_true (job->kernel_kill_untold);
}

static void unless_that_is_lost (void **state)
{
    (void) state;
    _kmsg ();
    _record ("x");
    watch_kmsg_read (w);
    watch_kmsg_counted (w, job);
    seq += 5;
    _record ("x");
    watch_kmsg_read (w);
    assert_int_equal (fake_recorded ("5 records are lost"), 1);
    assert_int_equal (fake_recorded ("the kernel has killed in it"), 1);
    fake.now += 999;
    seq += 5;
    _record ("x");
    watch_kmsg_read (w);
    assert_int_equal (fake_recorded ("5 records are lost"), 1);
    fake.now += 1;
    watch_kmsg_read (w);
    assert_int_equal (fake_recorded ("5 records are lost"), 2);
}

/* "12" as the next warden has it, when that has read what it has missed. */
static void _next_warden (void)
{
    job = fake_restart ("12");
    _reads ();
    watch_kmsg_catch_up (w);
}

static void what_was_killed_between_two_wardens_is_told_once (void **state)
{
    (void) state;
    _kmsg ();
    _kills ("/12", "/12"); /* the log is read */
    incident_oom (w, job, TRIGGER_JOB);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    watch_kmsg_close (w);
    _kills ("/12", "/12/step_1");
    _kills ("", "/other"); /* nobody's */
    _next_warden ();
    assert_int_equal (fake_recorded ("the kernel itself has killed"), 2);
    assert_int_equal (fake_recorded ("the job's limit was reached, noticed by "
                                     "leak; no memwardend was there; "),
                      1);
    fake_uses (job, 16 * MW_MIB);
    incident_recover (w, job);
    assert_int_equal (fake_recorded ("it has room again, after the kernel had "
                                     "killed in it; "),
                      1);
    fake_is_clean (job);
    watch_kmsg_close (w);
    _next_warden ();
    assert_int_equal (fake_recorded ("the kernel itself has killed"), 2);
}

static void half_a_report_is_left_to_the_next_warden (void **state)
{
    cleanup_file FILE *f = NULL;
    char text[128];

    (void) state;
    _kmsg ();
    _record ("x");
    watch_kmsg_read (w);
    _record ("leak invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, "
             "oom_score_adj=0");
    watch_kmsg_read (w);
    snprintf (text, sizeof (text), "%s/kmsg", fake.dir);
    assert_non_null (f = fopen (text, "re"));
    assert_non_null (fgets (text, sizeof (text), f));
    assert_non_null (strstr (text, " 700 "));
}

/* Of before the first warden, or of another boot: whose it was is not known. */
static void what_no_warden_has_left_behind_is_not_told (void **state)
{
    char path[128];

    (void) state;
    _kmsg ();
    _record ("x");
    watch_kmsg_read (w);
    watch_kmsg_close (w);
    snprintf (path, sizeof (path), "%s/kmsg", fake.dir);
    assert_int_equal (truncate (path, 0), 0);
    _kills ("/12", "/12");
    _next_warden ();
    assert_int_equal (fake_recorded ("the kernel itself has killed"), 0);
    watch_kmsg_close (w);
    _kills ("/12", "/12"); /* but now it has been read */
    _next_warden ();
    assert_int_equal (fake_recorded ("the kernel itself has killed"), 1);
}

/* 17 jobs that all were in their OOM have a story each. */
static void each_job_has_its_first (void **state)
{
    char key[16], path[20];
    unsigned n;

    (void) state;
    _kmsg ();
    _record ("x");
    watch_kmsg_read (w);
    for (n = 20; n < 38; n++) {
        snprintf (key, sizeof (key), "%u", n);
        fake_job (key, "kill");
    }
    watch_kmsg_close (w);
    for (n = 20; n < 38; n++) {
        snprintf (path, sizeof (path), "/%u", n);
        _kills (path, path);
    }
    _next_warden ();
    assert_int_equal (fake_recorded ("the kernel itself has killed"), 18);
}

static void a_log_that_ends_is_done_without (void **state)
{
    (void) state;
    _kmsg ();
    close (log_fd);
    log_fd = -1;
    watch_kmsg_read (w);
    assert_false (watch_kmsg_live (w));
    assert_int_equal (fake_logged ("any more (it has ended)"), 1);
    watch_kmsg_read (w);
    watch_kmsg_detected (w, job);
    watch_kmsg_counted (w, job);
    assert_int_equal (fake_recorded ("the kernel has killed in it"), 1);
}

static void without_one_kills_are_counted (void **state)
{
    (void) state;
    setenv ("MEMWARDEN_SYSROOT", fake.dir, 1);
    watch_kmsg_open (w);
    unsetenv ("MEMWARDEN_SYSROOT");
    assert_false (watch_kmsg_live (w));
    assert_int_equal (fake_logged ("/dev/kmsg cannot be read"), 1);
}

#define T(f) cmocka_unit_test_setup_teardown (f, node_begin, _end)

int main (void)
{
    const struct CMUnitTest tests[] = {
        T (a_kill_at_its_limit_is_told),
        T (a_hostile_path_is_cut_and_tears_no_record),
        T (the_nodes_is_told_of_its_job_and_before_its_oom),
        T (who_was_first_is_told),
        T (what_is_nobodys_is_not_told),
        T (a_steps_is_told_of_it),
        T (many_a_second_are_only_counted),
        T (one_that_is_counted_waits_for_its_report),
        T (unless_that_is_lost),
        T (what_was_killed_between_two_wardens_is_told_once),
        T (half_a_report_is_left_to_the_next_warden),
        T (what_no_warden_has_left_behind_is_not_told),
        T (each_job_has_its_first),
        T (a_log_that_ends_is_done_without),
        T (without_one_kills_are_counted),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
