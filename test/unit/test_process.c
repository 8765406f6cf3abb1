/* An incident of one process that holds more than it may: what is done to it alone, when it
 * is over, what it gives way to, and that a restart goes on with it. */
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
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "handler/daemon/wish.h"
#include "handler/incident/incident.h"
#include "handler/memcg/hears.h"
#include "handler/record/journal.h"
#include "lib/proclimit.h"
#include "test/unit/fake_warden.h"
#include "test/unit/sanitized.h"

static struct warden *const w = &fake.w;

#define BIG (64 * MW_MIB)
#define MAY (32 * MW_MIB)

static struct {
    pid_t pid;
    uint64_t started;
    int free_it; /* a byte there, and it lets go of what it has */
} big;

/* It has BIG, and catches USR1. */
static void _big (int ready, int free_it)
{
    char *p = mmap (NULL, BIG, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char c;

    prctl (PR_SET_PDEATHSIG, SIGKILL);
    signal (SIGUSR1, (void (*) (int)) _exit);
    memset (p, 1, BIG);
    if (write (ready, "x", 1) == 1 && read (free_it, &c, 1) == 1)
        munmap (p, BIG);
    if (write (ready, "y", 1) == 1)
        pause ();
    _exit (0);
}

static int ready[2];

static int _process_begin_test (void **state)
{
    int free_it[2];
    char c;

    assert_int_equal (pipe (ready), 0);
    assert_int_equal (pipe (free_it), 0);
    big.pid = fork ();
    if (big.pid == 0)
        _big (ready[1], free_it[0]);
    assert_int_equal (read (ready[0], &c, 1), 1);
    big.free_it = free_it[1];
    close (free_it[0]);
    big.started = hears_started (big.pid);
    return fake_begin (state);
}

static int _process_end_test (void **state)
{
    kill (big.pid, SIGKILL);
    waitpid (big.pid, NULL, 0);
    close (big.free_it);
    close (ready[0]);
    close (ready[1]);
    return fake_end (state);
}

static struct job *_with (const char *ladder)
{
    struct job *job = fake_job ("12", ladder);
    int fd = openat (job->memcg.dir, "cgroup.procs", O_WRONLY | O_TRUNC);
    char text[64];
    int n = snprintf (text, sizeof (text), "%d\n%d\n", (int) fake.task,
                      (int) big.pid);

    assert_int_equal (write (fd, text, (size_t) n), n);
    close (fd);
    fake_uses (job, 100 * MW_MIB);
    return job;
}

static int _above_by (struct job *job, const char *actions, pid_t pid,
                      uint64_t started, uint64_t may)
{
    struct mw_ladder l;
    struct mw_err err;

    assert_int_equal (mw_ladder_parse_one (actions, &l, &err), 0);
    return incident_process (w, job, pid, started, may, &l, &err);
}

/* The incident of [big], with [actions]. */
static struct job *_above (const char *actions)
{
    struct job *job = _with ("hold@1m,kill");

    assert_int_equal (_above_by (job, actions, big.pid, big.started, MAY), 0);
    return job;
}

static void _lets_go (void)
{
    char c;

    assert_int_equal (write (big.free_it, "x", 1), 1);
    assert_int_equal (read (ready[0], &c, 1), 1);
}

static void _dies (void)
{
    siginfo_t si;

    assert_int_equal (waitid (P_PID, (id_t) big.pid, &si, WEXITED | WNOWAIT),
                      0);
}

static void it_alone_is_killed (void **state)
{
    struct job *job = _above ("kill");

    (void) state;
    assert_int_equal (job->incident.trigger, TRIGGER_PROCESS);
    assert_int_equal (fake_recorded ("above the 32.0 MiB that it may hold: "
                                     "process"),
                      1);
    assert_int_equal (fake_recorded ("SIGKILL to process"), 1);
    _dies ();
    fake_timer (job);
    fake_is_clean (job);
    assert_int_equal (fake_recorded ("the process is gone"), 1);
    assert_true (hears_started (fake.task) > 0);
    assert_int_equal (fake.did[FAKE_KILL] + fake.did[FAKE_FREEZE], 0);
    assert_int_equal (fake.did[FAKE_LIMIT], 0);
}

static void below_it_again_the_incident_is_over (void **state)
{
    struct job *job = _above ("enomem@1m,kill");

    (void) state;
    assert_true (job->incident.enomem);
    fake_timer (job);
    assert_int_equal (fake_rung (job), MW_STEP_ENOMEM);
    _lets_go ();
    fake_timer (job);
    fake_is_clean (job);
    assert_int_equal (fake_recorded ("the process is back below its limit"), 1);
    assert_true (hears_started (big.pid) > 0);
}

static void behind_its_deadline_the_next_action_comes (void **state)
{
    struct job *job = _above ("enomem@1m,kill");

    (void) state;
    fake_deadline (job);
    assert_int_equal (fake_rung (job), MW_STEP_KILL_ONE);
    assert_false (job->incident.enomem);
    _dies ();
}

static void without_a_next_one_it_is_left_alone (void **state)
{
    struct job *job = _above ("enomem@1m");

    (void) state;
    fake_deadline (job);
    fake_is_clean (job);
    assert_int_equal (fake_recorded ("its ladder has ended"), 1);
    assert_true (hears_started (big.pid) > 0);
}

static void a_signal_is_for_who_catches_it (void **state)
{
    struct job *job = _above ("signal=USR2@1m,signal=USR1@1m,kill");

    (void) state;
    assert_int_equal (fake_recorded ("does not catch signal USR2"), 1);
    assert_int_equal (job->incident.step, 1);
    assert_false (job->incident.reserve_open);
    _dies ();
    fake_timer (job);
    fake_timer (job);
    fake_is_clean (job);
    assert_int_equal (fake_recorded ("SIGKILL"), 0);
}

static void who_is_not_above_or_not_there_is_not_hurt (void **state)
{
    struct job *job = _with ("kill");

    (void) state;
    assert_int_equal (_above_by (job, "kill", big.pid, big.started, 2 * BIG),
                      -1);
    assert_int_equal (errno, ERANGE);
    assert_int_equal (_above_by (job, "kill", big.pid, big.started + 1, MAY),
                      -1);
    assert_int_equal (errno, ESRCH);
    assert_int_equal (_above_by (job, "kill", getppid (), 0, MAY), -1);
    assert_int_equal (errno, ESRCH);
    job->spec.uid = 65533;
    assert_int_equal (_above_by (job, "kill", big.pid, big.started, MAY), -1);
    assert_int_equal (errno, EPERM);
    fake_is_clean (job);
    assert_true (hears_started (big.pid) > 0);
    assert_int_equal (job->incidents, 0);
}

static void an_open_incident_goes_first (void **state)
{
    struct job *job = _with ("hold@1m,kill");

    (void) state;
    incident_oom (w, job, TRIGGER_JOB);
    assert_int_equal (_above_by (job, "kill", big.pid, big.started, MAY), -1);
    assert_int_equal (errno, EBUSY);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
}

static void it_gives_way_to_the_jobs_own_oom (void **state)
{
    struct job *job = _above ("enomem@1m,kill");

    (void) state;
    fake_uses (job, FAKE_LIMIT_BYTES);
    incident_oom (w, job, TRIGGER_JOB);
    assert_int_equal (job->incident.trigger, TRIGGER_JOB);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    assert_false (job->incident.enomem);
    assert_int_equal (job->incident.number, 2);
    assert_int_equal (fake_recorded ("it has become the whole job's"), 1);
}

/* What it held is on its way back: nobody else is to suffer meanwhile. */
static void but_not_where_it_is_being_killed (void **state)
{
    struct job *job = _above ("kill");

    (void) state;
    incident_oom (w, job, TRIGGER_JOB);
    assert_int_equal (job->incident.trigger, TRIGGER_PROCESS);
    _dies ();
    fake_timer (job);
    assert_false (job->incident.open);
}

static void it_gives_way_to_the_node_and_to_people (void **state)
{
    struct job *job = _above ("enomem@1m,kill");
    struct mw_err err;

    (void) state;
    assert_int_equal (incident_hold (w, job, &err), 0);
    assert_int_equal (job->incident.trigger, TRIGGER_ADMIN);
    assert_true (job->incident.frozen);
    assert_int_equal (incident_resume (w, job, &err), 0);
    fake_is_clean (job);
    assert_int_equal (_above_by (job, "enomem@1m", big.pid, big.started, MAY),
                      0);
    fake_node_ladder ("hold@1m,kill");
    incident_oom (w, job, TRIGGER_NODE);
    assert_int_equal (job->incident.trigger, TRIGGER_NODE);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
}

static void a_step_by_hand_takes_its_place (void **state)
{
    const struct mw_ladder_step kill_one = { .kind = MW_STEP_KILL_ONE,
                                             .deadline_ms = 1000 };
    struct job *job = _above ("enomem@1m,kill");
    struct mw_err err;

    (void) state;
    assert_int_equal (incident_do (w, job, &kill_one, big.pid, 0, &err), 0);
    assert_int_equal (job->incident.trigger, TRIGGER_ADMIN);
    assert_int_equal (job->incident.ladder->count, 1);
    _dies ();
}

static void the_next_warden_goes_on_with_it (void **state)
{
    struct job *job = _above ("enomem@1m,kill");

    (void) state;
    job = fake_restart ("12");
    assert_int_equal (job->incident.trigger, TRIGGER_PROCESS);
    assert_int_equal (job->incident.target_pid, big.pid);
    assert_int_equal (job->incident.target_limit, MAY);
    incident_recover (w, job);
    assert_int_equal (fake_rung (job), MW_STEP_ENOMEM);
    assert_int_equal (job->incident.ladder->count, 2);
    fake_deadline (job);
    assert_int_equal (fake_rung (job), MW_STEP_KILL_ONE);
    _dies ();
    fake_timer (job);
    fake_is_clean (job);
}

static void in_shadow_mode_it_is_only_told (void **state)
{
    struct job *job = _with ("kill");

    (void) state;
    w->conf.shadow = true;
    assert_int_equal (_above_by (job, "kill", big.pid, big.started, MAY), 0);
    assert_int_equal (fake_recorded ("memwarden would have begun with kill"),
                      1);
    assert_false (job->incident.open);
    assert_true (hears_started (big.pid) > 0);
    w->conf.shadow = false;
}

/* ---- set by hand --------------------------------------------------------- */

static int _set (const char *text, struct mw_err *err)
{
    struct pass_wish wish = { .kind = PASS_SET,
                              .uid = geteuid (),
                              .has_proc_limit = true };

    strcpy (wish.job, "12");
    snprintf (wish.proc_limit, sizeof (wish.proc_limit), "%s", text);
    return wish_grant (w, &wish, err);
}

static void it_is_set_kept_and_lifted (void **state)
{
    struct job *job = _with ("kill");
    struct mw_err err;

    (void) state;
    assert_int_equal (_set ("64M:enomem@5s,kill", &err), 0);
    assert_int_equal (job->proc.bytes, 64 * MW_MIB);
    assert_int_equal (fake_recorded ("\"proc_limit\":\"64M:enomem@5s,kill\""),
                      1);
    job = fake_restart ("12");
    assert_int_equal (job->proc.bytes, 64 * MW_MIB);
    assert_int_equal (job->proc.actions->count, 2);
    assert_int_equal (_set ("none", &err), 0);
    assert_int_equal (job->proc.bytes, 0);
    assert_null (job->proc.actions);
}

static void lifted_what_was_begun_ends (void **state)
{
    struct job *job = _above ("enomem@1m,kill");
    struct mw_err err;

    (void) state;
    assert_int_equal (_set ("none", &err), 0);
    fake_is_clean (job);
    assert_int_equal (fake_recorded ("its limit is another now"), 1);
}

static void what_nobody_can_pass_is_refused (void **state)
{
    struct job *job = _with ("kill");
    struct mw_err err;

    (void) state;
    assert_int_equal (_set ("1G", &err), -1);
    assert_int_equal (errno, ERANGE);
    assert_non_null (strstr (err.text, "above the job's limit of 512 MiB"));
    assert_int_equal (_set ("64M:hold", &err), -1);
    assert_int_equal (errno, EINVAL);
    assert_int_equal (job->proc.bytes, 0);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
#define T(f) \
    cmocka_unit_test_setup_teardown (f, _process_begin_test, _process_end_test)
        T (it_alone_is_killed),
        T (below_it_again_the_incident_is_over),
        T (behind_its_deadline_the_next_action_comes),
        T (without_a_next_one_it_is_left_alone),
        T (a_signal_is_for_who_catches_it),
        T (who_is_not_above_or_not_there_is_not_hurt),
        T (an_open_incident_goes_first),
        T (it_gives_way_to_the_jobs_own_oom),
        T (but_not_where_it_is_being_killed),
        T (it_gives_way_to_the_node_and_to_people),
        T (a_step_by_hand_takes_its_place),
        T (the_next_warden_goes_on_with_it),
        T (in_shadow_mode_it_is_only_told),
        T (it_is_set_kept_and_lifted),
        T (lifted_what_was_begun_ends),
        T (what_nobody_can_pass_is_refused),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
