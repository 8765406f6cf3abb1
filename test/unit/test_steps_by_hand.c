/* What people ask of others for a job: a dump, a requeue; as a rung of its own, or before
 * the one that a job is held on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "handler/daemon/wish.h"
#include "handler/incident/incident.h"
#include "test/unit/fake_warden.h"

static struct warden *const w = &fake.w;
static struct mw_err err;

static int _asks (const struct job *job, const char *step, pid_t pid)
{
    struct pass_wish wish = { .kind = PASS_DO, .pid = pid };

    snprintf (wish.job, sizeof (wish.job), "%s", job->spec.key);
    snprintf (wish.ladder, sizeof (wish.ladder), "%s", step);
    err.text[0] = '\0';
    return wish_grant (w, &wish, &err);
}

/* … and is refused, nothing done. */
static void _in_vain (const struct job *job, const char *step, pid_t pid,
                      int code, const char *why)
{
    unsigned before = fake_recorded ("");

    assert_int_equal (_asks (job, step, pid), -1);
    assert_int_equal (errno, code);
    if (!strstr (err.text, why))
        fail_msg ("no \"%s\" in: %s", why, err.text);
    assert_int_equal (fake_recorded (""), before);
}

/* ---- dump ---------------------------------------------------------------- */

static void a_running_job_is_dumped (void **state)
{
    struct job *job = fake_job ("12", "kill");

    (void) state;
    assert_int_equal (_asks (job, "dump", 0), 0);
    assert_int_equal (fake_recorded ("dump@30s asked for by uid 0"), 1);
    assert_false (fake_frozen (job));
    assert_int_equal (fake_requests (SPOOL_HOOK, NULL), 1);
    fake_answer (job, SPOOL_HOOK, true, 0);
    fake_is_clean (job);
    assert_int_equal (fake_recorded ("12: done as asked for"), 1);
}

static void a_dump_that_fails_is_not_done (void **state)
{
    struct job *job = fake_job ("12", "kill");

    (void) state;
    assert_int_equal (_asks (job, "dump@10s", 0), 0);
    fake_answer (job, SPOOL_HOOK, false, 1);
    fake_is_clean (job);
    assert_int_equal (fake_recorded ("12: done as asked for"), 0);
}

static void a_held_job_is_held_again_behind_its_dump (void **state)
{
    struct job *job = fake_oom ("12", "hold@10m,kill");

    (void) state;
    assert_int_equal (_asks (job, "dump", 0), 0);
    assert_int_equal (fake_rung (job), MW_STEP_DUMP);
    assert_false (fake_frozen (job));
    fake_answer (job, SPOOL_HOOK, true, 0);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    assert_true (fake_frozen (job));
    assert_int_equal (job->incident.deadline_ms, fake.now + 600000);
}

static void a_dump_outlives_a_restart (void **state)
{
    struct job *job = fake_job ("12", "kill");

    (void) state;
    assert_int_equal (_asks (job, "dump", 0), 0);
    job = fake_restart ("12");
    incident_recover (w, job);
    assert_int_equal (fake_rung (job), MW_STEP_DUMP);
    assert_int_equal (job->incident.ladder->count, 1);
    fake_answer (job, SPOOL_HOOK, true, 0);
    fake_is_clean (job);
}

/* ---- requeue ------------------------------------------------------------- */

static void a_running_job_is_requeued (void **state)
{
    struct job *job = fake_job ("12", "kill");
    struct spool_request r;

    (void) state;
    fake_uses (job, FAKE_LIMIT_BYTES / 2);
    fake.left = 1;
    assert_int_equal (_asks (job, "requeue=x2", 0), 0);
    assert_true (fake_frozen (job));
    assert_int_equal (fake_requests (SPOOL_REQUEUE, &r), 1);
    assert_true (r.mem_mb > 0);
    _in_vain (job, "kill=largest", 0, EBUSY, "being ended");
    fake_answer (job, SPOOL_REQUEUE, true, 0);
    assert_int_equal (job->incident.kills, 1);
    fake.left = 0;
    fake_empty (job);
    fake_timer (job);
    assert_false (job->incident.open);
    assert_int_equal (fake_recorded ("requeue=x2 asked for by uid 0"), 1);
}

static void a_requeue_that_is_refused_leaves_it_as_it_was (void **state)
{
    struct job *job = fake_job ("12", "kill");
    struct job *held = fake_oom ("13", "hold@10m,kill");

    (void) state;
    assert_int_equal (_asks (job, "requeue", 0), 0);
    fake_answer (job, SPOOL_REQUEUE, false, EINVAL);
    fake_is_clean (job);
    assert_int_equal (_asks (held, "requeue", 0), 0);
    fake_answer (held, SPOOL_REQUEUE, false, EINVAL);
    assert_int_equal (fake_rung (held), MW_STEP_HOLD);
    assert_true (fake_frozen (held));
}

static void a_requeue_without_an_answer_is_taken_back (void **state)
{
    struct job *job = fake_job ("12", "kill");
    struct spool_request r;

    (void) state;
    assert_int_equal (_asks (job, "requeue", 0), 0);
    fake_timer (job);
    fake_is_clean (job);
    assert_int_equal (fake_requests (SPOOL_REQUEUE, &r), 1);
    assert_true (r.withdrawn);
}

/* ---- not here, not so ---------------------------------------------------- */

static void what_cannot_be_done_is_refused (void **state)
{
    struct job *job = fake_job ("12", "kill");
    struct job *held = fake_oom ("13", "hold@10m,kill");
    struct job *run = fake_job ("run", "kill");

    (void) state;
    _in_vain (job, "dump=nonsense", 0, EINVAL, "no hook \"nonsense\"");
    _in_vain (held, "dump=nonsense", 0, EINVAL, "no hook \"nonsense\"");
    _in_vain (job, "dump", 4711, EINVAL, "a dump is of a job");
    _in_vain (job, "requeue", 4711, EINVAL, "a requeue is of a job");
    _in_vain (job, "requeue,kill", 0, EINVAL, "is not done by hand");
    _in_vain (run, "requeue", 0, ENOTSUP, "no controller knows it");
    job->spec.batch = false;
    _in_vain (job, "requeue", 0, ENOTSUP, "not a batch job");
    job->spec.batch = true;
    fake_no_courier (false);
    _in_vain (job, "dump", 0, ENOTSUP, "no memwarden-courier");
    _in_vain (held, "requeue", 0, ENOTSUP, "no memwarden-courier");
    assert_true (fake_frozen (held));
    assert_false (job->incident.open || run->incident.open);
}

int main (void)
{
#define T(f) cmocka_unit_test_setup_teardown (f, fake_begin, fake_end)
    const struct CMUnitTest tests[] = {
        T (a_running_job_is_dumped),
        T (a_dump_that_fails_is_not_done),
        T (a_held_job_is_held_again_behind_its_dump),
        T (a_dump_outlives_a_restart),
        T (a_running_job_is_requeued),
        T (a_requeue_that_is_refused_leaves_it_as_it_was),
        T (a_requeue_without_an_answer_is_taken_back),
        T (what_cannot_be_done_is_refused),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
