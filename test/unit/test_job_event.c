/* test_job_event.c - what an event of a job's memcg, its end, its timer do */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "handler/incident/incident.h"
#include "handler/watch/job_event.h"
#include "handler/watch/node.h"
#include "lib/cgfile.h"
#include "lib/cleanup.h"
#include "test/unit/fake_node.h"

static struct warden *const w = &fake.w;

static struct memcg_ops ops; /* the fake's, and: */
static enum memcg_state says;
static unsigned backs_off_ms, checks, released;

static enum memcg_state _check (struct memcg *m)
{
    eventfd_t n;

    if (m->event >= 0)
        eventfd_read (m->event, &n);
    m->backoff_ms = backs_off_ms;
    checks++;
    return says;
}

static void _release (struct warden *of, struct job *job, const char *why)
{
    assert_ptr_equal (of, w);
    assert_string_equal (why, "its cgroup is gone");
    released++;
    job_free (&w->jobs, job);
}

/* Job [key], listened to. */
static struct job *_job (const char *key)
{
    struct job *job = fake_job (key, "hold@60s,kill");
    struct mw_err err;

    ops = *job->memcg.ops;
    ops.check = _check;
    ops.epoll_events = EPOLLIN;
    ops.removal_is_silent = true;
    job->memcg.ops = &ops;
    job->memcg.event = eventfd (0, EFD_NONBLOCK | EFD_CLOEXEC);
    sd_event_source_disable_unref (job->timer);
    job->timer = NULL;
    assert_int_equal (job_event_listen (w, job, &err), 0);
    says = MEMCG_QUIET;
    backs_off_ms = checks = released = 0;
    w->up.release = _release;
    return job;
}

static void _event (const struct job *job, enum memcg_state state)
{
    says = state;
    assert_int_equal (eventfd_write (job->memcg.event, 1), 0);
    fake_loop ();
}

static void an_event_is_looked_at_once (void **state)
{
    struct job *job = _job ("12");

    (void) state;
    fake_loop ();
    assert_int_equal (checks, 0);
    _event (job, MEMCG_QUIET);
    assert_int_equal (checks, 1);
    assert_false (job->incident.open);
    assert_false (fake_timer_is_on (job));
}

static void _put (const struct job *job, const char *name, const char *text)
{
    cleanup_fd int fd = openat (job->memcg.dir, name,
                                O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    assert_int_equal (write (fd, text, strlen (text)), strlen (text));
}

static void one_for_nothing_may_be_a_livelock (void **state)
{
    struct job *job = _job ("12");

    (void) state;
    job->memcg.set_limit = 4096;
    _put (job, "memory.current", "4096\n");
    _put (job, "memory.stat", "workingset_refault_file 1\n");
    job->memcg.usage = openat (job->memcg.dir, "memory.current",
                               O_RDONLY | O_CLOEXEC);
    _event (job, MEMCG_QUIET);
    assert_int_equal (job->refault.ms, fake.now);
}

static void at_its_limit_that_is_its_oom (void **state)
{
    struct job *job = _job ("12");

    (void) state;
    _event (job, MEMCG_OOM);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    assert_int_equal (job->incident.trigger, TRIGGER_JOB);
    assert_true (fake_timer_is_on (job));
}

static void one_that_is_gone_is_released (void **state)
{
    struct job *job = _job ("12");

    (void) state;
    _event (job, MEMCG_GONE);
    assert_int_equal (released, 1);
    assert_null (w->jobs.first);
}

static void the_pools_oom_is_the_nodes (void **state)
{
    struct job *job = _job ("12");

    (void) state;
    node_watched ();
    node_later (1);
    assert_int_equal (node_due (), NODE_NEVER);
    _event (job, MEMCG_PARENT_OOM);
    assert_int_equal (node_due (), 1);
    assert_false (job->incident.open);
}

static void a_kill_of_the_kernels_is_told (void **state)
{
    struct job *job = _job ("12");

    (void) state;
    _event (job, MEMCG_KERNEL_KILL);
    assert_int_equal (fake_recorded ("\"event\":\"kernel-kill\""), 1);
    assert_false (job->incident.open);
}

static void a_step_leaves_what_is_its_jobs_to_it (void **state)
{
    struct job *step = _job ("12.0");

    (void) state;
    snprintf (step->spec.of, sizeof (step->spec.of), "12");
    node_watched ();
    node_later (1);
    _event (step, MEMCG_PARENT_OOM);
    assert_int_equal (node_due (), NODE_NEVER);
    _event (step, MEMCG_KERNEL_KILL);
    assert_int_equal (fake_recorded ("\"event\":\"kernel-kill\""), 0);
    _event (step, MEMCG_OOM);
    assert_true (step->incident.open);
}

static void a_step_of_a_frozen_job_waits (void **state)
{
    struct job *job = fake_oom ("12", "hold@60s,kill"), *step = _job ("12.0");

    (void) state;
    snprintf (step->spec.of, sizeof (step->spec.of), "12");
    assert_true (fake_frozen (job));
    _event (step, MEMCG_QUIET);
    assert_int_equal (step->look_ms, 0);
    _event (step, MEMCG_OOM);
    assert_false (step->incident.open);
    assert_int_equal (step->look_ms, fake.now + 1000);
    incident_end (w, job, "x");
    fake.now += 1000;
    fake_loop ();
    assert_true (step->incident.open);
}

static void one_that_backs_off_is_not_heard_meanwhile (void **state)
{
    struct job *job = _job ("12");

    (void) state;
    backs_off_ms = 50;
    _event (job, MEMCG_QUIET);
    assert_int_equal (checks, 1);
    assert_int_equal (job->look_ms, fake.now + 50);
    _event (job, MEMCG_QUIET);
    assert_int_equal (checks, 1);
    fake.now += 49;
    fake_loop ();
    assert_int_equal (checks, 1);
    backs_off_ms = 0;
    fake.now += 1;
    fake_loop (); /* its timer, and what came meanwhile */
    assert_true (checks == 2 || checks == 3);
    assert_int_equal (job->look_ms, 0);
    checks = 0;
    _event (job, MEMCG_QUIET);
    assert_int_equal (checks, 1);
}

static void a_timer_that_finds_it_gone_ends_there (void **state)
{
    struct job *job = _job ("12");

    (void) state;
    backs_off_ms = 50;
    _event (job, MEMCG_QUIET);
    says = MEMCG_GONE;
    fake.now += 50;
    fake_loop ();
    assert_int_equal (released, 1);
    assert_null (w->jobs.first);
}

static void its_timer_is_its_incidents (void **state)
{
    struct job *job = _job ("12");

    (void) state;
    _event (job, MEMCG_OOM);
    fake.left = 1;
    says = MEMCG_QUIET;
    fake.now = job->incident.deadline_ms - 1;
    fake_loop ();
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    fake.now += 1;
    fake_loop ();
    assert_int_equal (checks, 1); /* that was its event */
    assert_int_equal (fake_rung (job), MW_STEP_KILL);
    assert_true (fake_timer_is_on (job));
}

/* A directory beside it, and then its own, is removed. */
static void its_removal_is_heard_and_no_others (void **state)
{
    struct job *job = _job ("12"), *other = fake_job ("13", "kill");
    cleanup_free char *path = strdup (job->memcg.path);

    (void) state;
    assert_int_equal (unlinkat (other->memcg.dir, "cgroup.procs", 0), 0);
    assert_int_equal (unlinkat (other->memcg.dir, "cgroup.freeze", 0), 0);
    assert_int_equal (rmdir (other->memcg.path), 0);
    fake_loop ();
    assert_int_equal (checks, 0);
    says = MEMCG_GONE;
    assert_int_equal (unlinkat (job->memcg.dir, "cgroup.procs", 0), 0);
    assert_int_equal (unlinkat (job->memcg.dir, "cgroup.freeze", 0), 0);
    assert_int_equal (rmdir (path), 0);
    fake_loop ();
    assert_int_equal (released, 1);
}

#define T(f) cmocka_unit_test_setup_teardown (f, node_begin, node_end)

int main (void)
{
    const struct CMUnitTest tests[] = {
        T (an_event_is_looked_at_once),
        T (one_for_nothing_may_be_a_livelock),
        T (at_its_limit_that_is_its_oom),
        T (one_that_is_gone_is_released),
        T (the_pools_oom_is_the_nodes),
        T (a_kill_of_the_kernels_is_told),
        T (a_step_leaves_what_is_its_jobs_to_it),
        T (a_step_of_a_frozen_job_waits),
        T (one_that_backs_off_is_not_heard_meanwhile),
        T (a_timer_that_finds_it_gone_ends_there),
        T (its_timer_is_its_incidents),
        T (its_removal_is_heard_and_no_others),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
