/* The rungs that stop one process of a job, for good (hold=WHO) or by turns
 * (slow=PCT:WHO): what is on record before, who goes on, when, and that nobody else
 * does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "handler/daemon/wish.h"
#include "handler/incident/incident.h"
#include "handler/memcg/members.h"
#include "handler/record/report.h"
#include "test/unit/fake_warden.h"

static struct warden *const w = &fake.w;
static struct mw_err err;

/* Real processes, beside fake.task. */
#define CHILDREN 9
static pid_t child[CHILDREN];

static pid_t _sleeps (void)
{
    pid_t pid = fork ();

    if (pid != 0)
        return pid;
    prctl (PR_SET_PDEATHSIG, SIGKILL);
    for (;;)
        pause ();
}

static int _stop_begin (void **state)
{
    for (int i = 0; i < CHILDREN; i++)
        child[i] = _sleeps ();
    return fake_begin (state);
}

static int _stop_end (void **state)
{
    for (int i = 0; i < CHILDREN; i++) {
        kill (child[i], SIGKILL);
        waitpid (child[i], NULL, 0);
    }
    return fake_end (state);
}

static void _stop_fill (const struct job *job)
{
    int fd = openat (job->memcg.dir, "cgroup.procs", O_WRONLY | O_TRUNC);

    dprintf (fd, "%d\n", (int) fake.task);
    for (int i = 0; i < CHILDREN; i++)
        dprintf (fd, "%d\n", (int) child[i]);
    close (fd);
}

static struct job *_stop_runs (void)
{
    struct job *job = fake_job ("12", "kill");

    _stop_fill (job);
    fake_uses (job, 64 * MW_MIB);
    return job;
}

static struct job *_stop_oom (const char *ladder)
{
    struct job *job = fake_job ("12", ladder);

    _stop_fill (job);
    incident_oom (w, job, TRIGGER_JOB);
    return job;
}

static bool _stands (pid_t pid)
{
    char path[32], text[256];
    const char *at;
    ssize_t n;
    int fd;

    snprintf (path, sizeof (path), "/proc/%d/stat", (int) pid);
    fd = open (path, O_RDONLY);
    n = fd < 0 ? 0 : read (fd, text, sizeof (text) - 1);
    close (fd);
    text[n > 0 ? n : 0] = '\0';
    at = strrchr (text, ')');
    return at && at[2] == 'T';
}

/* A signal that was sent has come a moment later. */
static void _comes_to (pid_t pid, bool stands)
{
    for (int i = 0; _stands (pid) != stands; i++) {
        assert_true (i < 10000);
        usleep (1000);
    }
}

static int _stop_do (struct job *job, const char *text, pid_t pid)
{
    struct pass_wish wish = { .kind = PASS_DO, .pid = pid };

    snprintf (wish.job, sizeof (wish.job), "%s", job->spec.key);
    snprintf (wish.ladder, sizeof (wish.ladder), "%s", text);
    err.text[0] = '\0';
    return wish_grant (w, &wish, &err);
}

static int _resume (struct job *job, pid_t pid)
{
    struct pass_wish wish = { .kind = PASS_RESUME, .pid = pid };

    snprintf (wish.job, sizeof (wish.job), "%s", job->spec.key);
    return wish_grant (w, &wish, &err);
}

static void _stop_refused (struct job *job, const char *text, pid_t pid,
                           int code, const char *why)
{
    unsigned before = fake_recorded ("");

    assert_int_equal (_stop_do (job, text, pid), -1);
    assert_int_equal (errno, code);
    if (!strstr (err.text, why))
        fail_msg ("no \"%s\" in: %s", why, err.text);
    assert_int_equal (fake_recorded (""), before);
}

static void _kills (pid_t pid)
{
    siginfo_t si;

    kill (pid, SIGKILL);
    assert_int_equal (waitid (P_PID, (id_t) pid, &si, WEXITED | WNOWAIT), 0);
}

/* ---- hold ---------------------------------------------------------------- */

static void one_waits_until_it_is_resumed (void **state)
{
    struct job *job = _stop_runs ();
    char text[64];

    (void) state;
    assert_int_equal (_stop_do (job, "hold", child[1]), 0);
    _comes_to (child[1], true);
    assert_false (_stands (child[0]) || fake_frozen (job));
    snprintf (text, sizeof (text), "held alone: process %d ", (int) child[1]);
    assert_int_equal (fake_recorded (text), 1);
    snprintf (text, sizeof (text), "\"stopped\":\"%d:", (int) child[1]);
    assert_true (fake_recorded (text) >= 1);
    assert_int_equal (job->incident.deadline_ms, 0);
    assert_false (job->incident.reserve_open);
    fake_timer (job);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD_ONE);
    assert_int_equal (_resume (job, 0), 0);
    _comes_to (child[1], false);
    fake_is_clean (job);
    assert_int_equal (fake_recorded ("goes on"), 1);
}

static void several_wait_and_each_is_resumed_alone (void **state)
{
    struct job *job = _stop_runs ();

    (void) state;
    assert_int_equal (_stop_do (job, "hold", child[0]), 0);
    assert_int_equal (_stop_do (job, "hold@5m", child[1]), 0);
    assert_int_equal (job->incident.ladder->count, 1);
    _comes_to (child[0], true);
    _comes_to (child[1], true);
    _stop_refused (job, "hold", child[1], EBUSY, "held, or slowed, already");
    assert_int_equal (_resume (job, child[2]), -1);
    assert_int_equal (errno, EINVAL);
    assert_int_equal (_resume (job, child[0]), 0);
    _comes_to (child[0], false);
    assert_true (_stands (child[1]));
    fake_deadline (job);
    _comes_to (child[1], false);
    fake_is_clean (job);
}

static void so_many_wait_at_a_time (void **state)
{
    struct job *job = _stop_runs ();

    (void) state;
    for (int i = 0; i < STOPPED_MAX; i++)
        assert_int_equal (_stop_do (job, "hold", child[i]), 0);
    _stop_refused (job, "hold", child[STOPPED_MAX], EBUSY, "which is the most");
    assert_int_equal (_resume (job, 0), 0);
    for (int i = 0; i < STOPPED_MAX; i++)
        _comes_to (child[i], false);
    fake_is_clean (job);
}

static void who_is_stopped_by_others_is_left_alone (void **state)
{
    struct job *job = _stop_runs ();

    (void) state;
    for (int i = 0; i < CHILDREN; i++)
        kill (child[i], SIGSTOP);
    for (int i = 0; i < CHILDREN; i++)
        _comes_to (child[i], true);
    _stop_refused (job, "hold", child[0], EBUSY, "is stopped already");
    _stop_refused (job, "slow=50%", child[0], EBUSY, "is stopped already");
    kill (fake.task, SIGSTOP);
    _comes_to (fake.task, true);
    _stop_refused (job, "hold=largest", 0, ESRCH, "no process that goes on");
    kill (fake.task, SIGCONT);
    assert_int_equal (_stop_do (job, "hold=largest", 0), 0);
    _comes_to (fake.task, true);
    assert_int_equal (_resume (job, 0), 0);
    _comes_to (fake.task, false);
    assert_true (_stands (child[0]));
}

static void whom_somebody_else_lets_go_on_is_held_no_more (void **state)
{
    struct job *job = _stop_runs ();

    (void) state;
    assert_int_equal (_stop_do (job, "hold", child[0]), 0);
    _comes_to (child[0], true);
    fake_timer (job);
    kill (child[0], SIGCONT);
    _comes_to (child[0], false);
    fake_timer (job);
    fake_is_clean (job);
    assert_int_equal (fake_recorded ("somebody else has said so"), 1);
}

static void one_that_ends_is_waited_for_no_more (void **state)
{
    struct job *job = _stop_runs ();

    (void) state;
    assert_int_equal (_stop_do (job, "hold", child[0]), 0);
    _kills (child[0]);
    fake_timer (job);
    fake_is_clean (job);
    assert_int_equal (fake_recorded ("has ended"), 1);
}

static void who_has_its_number_since_is_neither_stopped_nor_woken (void **state)
{
    struct job *job = _stop_runs ();
    struct stopped_one *one = &job->incident.stopped.one[0];

    (void) state;
    assert_int_equal (_stop_do (job, "hold", child[0]), 0);
    _comes_to (child[0], true);
    one->started++;
    assert_int_equal (_resume (job, 0), 0);
    usleep (10000);
    assert_true (_stands (child[0]));
    fake_is_clean (job);
    assert_int_equal (_stop_do (job, "hold", child[1]), 0);
    kill (child[1], SIGCONT);
    _comes_to (child[1], false);
    one->started++;
    report (w, job, "note", 0, "as it is");
    job = fake_restart ("12");
    incident_recover (w, job);
    usleep (10000);
    assert_false (_stands (child[1]));
    fake_is_clean (job);
}

static void the_next_warden_has_it_wait_on (void **state)
{
    struct job *job = _stop_runs ();

    (void) state;
    assert_int_equal (_stop_do (job, "hold=largest", 0), 0);
    job = fake_restart ("12");
    for (int i = 0; i < CHILDREN; i++)
        kill (child[i], SIGCONT);
    kill (fake.task, SIGCONT); /* it was not yet stopped */
    incident_recover (w, job);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD_ONE);
    assert_int_equal (job->incident.deadline_ms, 0);
    assert_int_equal (job->incident.stopped.n, 1);
    _comes_to (job->incident.stopped.one[0].pid, true);
    assert_int_equal (_resume (job, job->incident.stopped.one[0].pid), 0);
    fake_is_clean (job);
    for (int i = 0; i < CHILDREN; i++)
        _comes_to (child[i], false);
}

static void one_waits_on_behind_a_step_for_another (void **state)
{
    struct job *job = _stop_runs ();

    (void) state;
    assert_int_equal (_stop_do (job, "hold=largest@5m", 0), 0);
    assert_int_equal (_resume (job, 0), 0);
    assert_int_equal (_stop_do (job, "hold", child[0]), 0);
    _comes_to (child[0], true);
    assert_int_equal (_stop_do (job, "signal=USR1@1m", fake.task), 0);
    assert_int_equal (fake_rung (job), MW_STEP_SIGNAL);
    assert_true (_stands (child[0]));
    assert_int_equal (job->incident.stopped.n, 1);
    job = fake_restart ("12");
    incident_recover (w, job);
    assert_true (_stands (child[0]));
    fake_deadline (job);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD_ONE);
    assert_int_equal (job->incident.stopped.n, 1);
    fake_timer (job);
    assert_true (_stands (child[0]));
    assert_false (_stands (fake.task));
    assert_int_equal (_resume (job, child[0]), 0);
    _comes_to (child[0], false);
    fake_is_clean (job);
}

static void its_job_out_of_memory_has_its_ladder (void **state)
{
    struct job *job = _stop_runs ();

    (void) state;
    assert_int_equal (_stop_do (job, "hold", child[0]), 0);
    _comes_to (child[0], true);
    incident_oom (w, job, TRIGGER_JOB);
    _comes_to (child[0], false);
    fake_is_clean (job);
    assert_true (job->look_ms > 0); /* the OOM is looked at anew */
}

static void as_a_rung_it_waits_for_room (void **state)
{
    struct job *job = _stop_oom ("hold=largest@1m,kill");
    pid_t pid = job->incident.stopped.one[0].pid;

    (void) state;
    assert_int_equal (job->incident.stopped.n, 1);
    assert_true (job->incident.reserve_open);
    _comes_to (pid, true);
    fake_timer (job);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD_ONE);
    fake_uses (job, FAKE_LIMIT_BYTES / 2);
    fake_timer (job);
    _comes_to (pid, false);
    fake_is_clean (job);
    assert_int_equal (fake_recorded ("has room again, one of its processes"),
                      1);
}

static void where_its_reserve_is_full_it_goes_on (void **state)
{
    struct job *job = _stop_oom ("hold=largest@1m,hold@2m,kill");
    pid_t pid = job->incident.stopped.one[0].pid;

    (void) state;
    _comes_to (pid, true);
    incident_oom (w, job, TRIGGER_JOB);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    assert_true (fake_frozen (job));
    _comes_to (pid, false);
}

static void the_guilty_one_is_looked_for (void **state)
{
    struct job *job = _stop_oom ("hold=guilty@1m,kill");

    (void) state;
    assert_int_equal (job->incident.stopped.n, 0);
    assert_int_equal (fake_recorded ("which of its processes grows"), 1);
    incident_oom (w, job, TRIGGER_JOB); /* its reserve is full */
    assert_int_equal (job->incident.stopped.n, 1);
    _comes_to (job->incident.stopped.one[0].pid, true);
    assert_int_equal (_resume (job, 0), -1); /* only the kill is left */
    assert_int_equal (errno, EBUSY);
    incident_end (w, job, "the job has ended");
    fake_is_clean (job);
    for (int i = 0; i < CHILDREN; i++)
        _comes_to (child[i], false);
}

static void what_is_no_hold_of_one_is_refused (void **state)
{
    struct job *job = _stop_runs ();

    (void) state;
    _stop_refused (job, "hold", getpid (), ESRCH, "there is no process");
    _stop_refused (job, "hold=largest", child[0], EINVAL, "either one process");
    _stop_refused (job, "hold", 0, EINVAL, "is not done by hand");
    _stop_refused (job, "hold=all", 0, EINVAL, "is not done by hand");
    assert_int_equal (_resume (job, child[0]), -1);
    job->reserve = 0;
    incident_oom (w, job, TRIGGER_JOB);
    assert_int_equal (fake_rung (job), MW_STEP_KILL);
}

/* ---- slow ---------------------------------------------------------------- */

static void one_runs_and_stands_by_turns (void **state)
{
    struct job *job = _stop_runs ();

    (void) state;
    assert_int_equal (_stop_do (job, "slow=25%@1m", child[0]), 0);
    assert_int_equal (fake_recorded ("slowed to 25% of its speed: process"), 1);
    for (int i = 0; i < 3; i++) {
        _comes_to (child[0], false);
        assert_int_equal (job->incident.again_ms, fake.now + 100);
        fake_timer (job);
        _comes_to (child[0], true);
        assert_int_equal (job->incident.again_ms, fake.now + 300);
        fake_timer (job);
    }
    fake_timer (job);
    _comes_to (child[0], true);
    assert_false (fake_frozen (job) || _stands (child[1]));
    assert_int_equal (fake.did[FAKE_FREEZE], 0);
    fake_deadline (job);
    _comes_to (child[0], false);
    fake_is_clean (job);
}

static void a_slow_one_goes_on_with_the_next_warden (void **state)
{
    struct job *job = _stop_oom ("slow=50%:largest@1m,hold@2m,kill");
    pid_t pid = job->incident.stopped.one[0].pid;

    (void) state;
    fake_timer (job);
    _comes_to (pid, true);
    job = fake_restart ("12");
    incident_recover (w, job);
    assert_int_equal (fake_rung (job), MW_STEP_SLOW);
    assert_int_equal (job->incident.stopped.n, 1);
    _comes_to (pid, false);
    fake_timer (job);
    _comes_to (pid, true);
    fake_deadline (job);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    _comes_to (pid, false);
    assert_int_equal (job->incident.stopped.n, 0);
}

static void a_slow_one_that_ends_leads_on (void **state)
{
    struct job *job = _stop_oom ("slow=:leader@1m,hold@2m,kill");

    (void) state;
    _kills (job->incident.stopped.one[0].pid);
    fake_timer (job);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    assert_int_equal (job->incident.stopped.n, 0);
}

/* ---- on record ----------------------------------------------------------- */

static void who_is_stopped_is_read_as_it_is_written (void **state)
{
    struct stopped s = { .n = STOPPED_MAX }, back;
    char text[STOPPED_TEXT];

    (void) state;
    for (unsigned i = 0; i < STOPPED_MAX; i++)
        s.one[i] = (struct stopped_one) { .pid = INT32_MAX,
                                          .started = UINT64_MAX,
                                          .why = i % 3 };
    stopped_parse (stopped_format (&s, text), &back);
    assert_memory_equal (&s, &back, sizeof (s));
    stopped_parse ("", &back);
    assert_int_equal (back.n, 0);
    stopped_parse ("1:7:0 -5:7:0 12:0:1 13:8:1 x", &back);
    assert_int_equal (back.n, 1);
    assert_int_equal (back.one[0].pid, 13);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown (f, _stop_begin, _stop_end)
        T (one_waits_until_it_is_resumed),
        T (several_wait_and_each_is_resumed_alone),
        T (so_many_wait_at_a_time),
        T (who_is_stopped_by_others_is_left_alone),
        T (whom_somebody_else_lets_go_on_is_held_no_more),
        T (one_that_ends_is_waited_for_no_more),
        T (who_has_its_number_since_is_neither_stopped_nor_woken),
        T (the_next_warden_has_it_wait_on),
        T (one_waits_on_behind_a_step_for_another),
        T (its_job_out_of_memory_has_its_ladder),
        T (as_a_rung_it_waits_for_room),
        T (where_its_reserve_is_full_it_goes_on),
        T (the_guilty_one_is_looked_for),
        T (what_is_no_hold_of_one_is_refused),
        T (one_runs_and_stands_by_turns),
        T (a_slow_one_goes_on_with_the_next_warden),
        T (a_slow_one_that_ends_leads_on),
        cmocka_unit_test (who_is_stopped_is_read_as_it_is_written),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
