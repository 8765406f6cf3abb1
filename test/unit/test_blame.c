/* What a job's memory was at its OOM: looked at behind all events, or before a kill, and
 * told with the kill, or at the incident's end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "handler/incident/incident.h"
#include "test/unit/fake_warden.h"

static struct warden *const w = &fake.w;

static void _put (const struct job *job, const char *name, const char *text)
{
    int fd = openat (job->memcg.dir, name,
                     O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true (fd >= 0);
    assert_int_equal (write (fd, text, strlen (text)), strlen (text));
    close (fd);
}

/* A job on [ladder] whose memory is of several kinds. */
static struct job *_job (const char *ladder)
{
    struct job *job = fake_job ("12", ladder);

    job->spec.slurm_id = 0;
    _put (job, "memory.current", "536870912\n");
    _put (job, "memory.swap.current", "33554432\n");
    _put (job, "memory.stat",
          "anon 314572800\nfile 209715200\nkernel 12582912\nsock 0\n"
          "shmem 209715200\ninactive_file 0\nactive_file 0\n"
          "slab_reclaimable 0\nslab_unreclaimable 1048576\n");
    return job;
}

#define KINDS \
    "anonymous memory 300 MiB, files in memory 200 MiB, kernel memory 12.0 " \
    "MiB, in swap 32.0 MiB"

static unsigned _looks (void)
{
    return fake_recorded ("\"event\":\"uses\"");
}

static void before_a_kill_it_is_looked_at (void **state)
{
    struct job *job = _job ("kill");
    char largest[64];

    (void) state;
    incident_oom (w, job, TRIGGER_JOB);
    assert_int_equal (_looks (), 1);
    assert_int_equal (fake_recorded ("12: to be killed"), 1);
    assert_int_equal (fake_recorded ("; it holds " KINDS), 1);
    assert_int_equal (fake_recorded ("\"held\":{\"anon\":314572800,\"shmem\":"
                                     "209715200,\"kernel\":12582912,\"slab\":"
                                     "1048576,\"page_tables\":0,"),
                      1);
    snprintf (largest, sizeof (largest), "\"largest\":[{\"pid\":%d,",
              (int) fake.task);
    assert_int_equal (fake_recorded (largest), 1);
    fake_loop ();
    assert_int_equal (_looks (), 1); /* and no second time */
}

static void else_it_is_looked_at_behind_all_events (void **state)
{
    struct job *job = _job ("hold@10m,kill");

    (void) state;
    incident_oom (w, job, TRIGGER_JOB);
    assert_true (fake_frozen (job));
    assert_int_equal (_looks (), 0);
    fake_loop ();
    assert_int_equal (_looks (), 1);
    assert_int_equal (fake_recorded ("512 MiB in use: " KINDS), 1);
}

static void who_was_there_before_has_grown_by_so_much (void **state)
{
    struct job *job = _job ("hold@10m,kill");

    (void) state;
    incident_oom (w, job, TRIGGER_JOB);
    fake_loop ();
    assert_int_equal (fake_recorded ("\"grew\":"), 0);
    fake_deadline (job);
    assert_int_equal (fake_rung (job), MW_STEP_KILL);
    assert_int_equal (_looks (), 2);
    assert_int_equal (fake_recorded ("\"grew_in_ms\":600000"), 1);
}

static void an_incident_that_ends_well_says_how_it_began (void **state)
{
    struct job *job = _job ("grow=64M@10m,kill");

    (void) state;
    incident_oom (w, job, TRIGGER_JOB);
    assert_true (job->incident.lent > 0);
    fake_loop ();
    _put (job, "memory.stat", "anon 1048576\n");
    fake_uses (job, FAKE_LIMIT_BYTES / 2);
    fake.now = job->incident.again_ms;
    incident_timer (w, job);
    assert_false (job->incident.open);
    assert_int_equal (_looks (), 1);
    assert_int_equal (fake_recorded ("; when it began it held " KINDS), 1);
}

static void what_cannot_be_read_is_not_told (void **state)
{
    struct job *job = fake_job ("12", "kill");

    (void) state;
    job->spec.slurm_id = 0;
    incident_oom (w, job, TRIGGER_JOB);
    assert_int_equal (_looks (), 0);
    assert_int_equal (fake_recorded ("it holds"), 0);
    assert_int_equal (fake_recorded ("12: to be killed"), 1);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown (f, fake_begin, fake_end)
        T (before_a_kill_it_is_looked_at),
        T (else_it_is_looked_at_behind_all_events),
        T (who_was_there_before_has_grown_by_so_much),
        T (an_incident_that_ends_well_says_how_it_began),
        T (what_cannot_be_read_is_not_told),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
