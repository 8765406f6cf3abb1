/* The rungs that are for one process: who gets it, what is on record before, when the
 * ladder goes on, and that nobody is hit who has its number later. */
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
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "handler/daemon/wish.h"
#include "handler/incident/incident.h"
#include "handler/memcg/hears.h"
#include "handler/record/journal.h"
#include "handler/record/journal.h"
#include "test/unit/fake_warden.h"
#include "test/unit/sanitized.h"

static struct warden *const w = &fake.w;

/* Real processes, beside fake.task: [big] has some memory, [grows] takes as much as it
 * is told to by [more]. */
static struct {
    pid_t pid;
    int more[2];
} big, grows;

static void _touch (size_t len)
{
    char *p = mmap (NULL, len, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    for (size_t i = 0; p != MAP_FAILED && i < len; i += 4096)
        p[i] = 1;
}

/* A child with [mib]; for each byte that it is sent it takes so many MiB more. */
static pid_t _start (size_t mib, int more[2])
{
    int ready[2];
    unsigned char c;
    pid_t pid;

    assert_int_equal (pipe (more), 0);
    assert_int_equal (pipe (ready), 0);
    pid = fork ();
    if (pid == 0) {
        prctl (PR_SET_PDEATHSIG, SIGKILL);
        _touch (mib * MW_MIB);
        while (write (ready[1], "x", 1) == 1 && read (more[0], &c, 1) == 1)
            _touch (c * MW_MIB);
        _exit (0);
    }
    assert_int_equal (read (ready[0], &c, 1), 1);
    /* what it answers with later nobody reads */
    close (ready[0]);
    return pid;
}

/* It is there when it is seen; the kernel counts a few pages late. */
static void _grows_by (unsigned char mib)
{
    uint64_t before = hears_holds (grows.pid);

    assert_int_equal (write (grows.more[1], &mib, 1), 1);
    while (hears_holds (grows.pid) < before + mib * MW_MIB - MW_MIB / 2)
        usleep (1000);
}

static int _begin (void **state)
{
    signal (SIGPIPE, SIG_IGN);
    big.pid = _start (64, big.more);
    grows.pid = _start (8, grows.more);
    return fake_begin (state);
}

static void _end_one (pid_t pid, const int more[2])
{
    kill (pid, SIGKILL);
    waitpid (pid, NULL, 0);
    close (more[0]);
    close (more[1]);
}

static int _end (void **state)
{
    _end_one (big.pid, big.more);
    _end_one (grows.pid, grows.more);
    return fake_end (state);
}

/* They are what is in [job]. */
static void _are_in (const struct job *job)
{
    int fd = openat (job->memcg.dir, "cgroup.procs", O_WRONLY | O_TRUNC);
    char text[64];
    int n = snprintf (text, sizeof (text), "%d\n%d\n%d\n", (int) fake.task,
                      (int) big.pid, (int) grows.pid);

    assert_int_equal (write (fd, text, (size_t) n), n);
    close (fd);
}

static struct job *_oom (const char *ladder)
{
    struct job *job = fake_job ("12", ladder);

    _are_in (job);
    incident_oom (w, job, TRIGGER_JOB);
    return job;
}

static bool _lives (pid_t pid)
{
    return hears_started (pid) > 0;
}

/* Its end is seen a moment after its signal. */
static void _dies (pid_t pid)
{
    siginfo_t si;

    assert_int_equal (waitid (P_PID, (id_t) pid, &si, WEXITED | WNOWAIT), 0);
    assert_int_equal (si.si_code, CLD_KILLED);
}

/* ---- kill ---------------------------------------------------------------- */

static void the_largest_alone_is_killed_and_the_job_goes_on (void **state)
{
    struct job *job = _oom ("kill=largest,kill");
    char text[64];

    (void) state;
    assert_int_equal (fake_rung (job), MW_STEP_KILL_ONE);
    _dies (big.pid);
    assert_true (_lives (grows.pid) && _lives (fake.task));
    snprintf (text, sizeof (text), "SIGKILL to process %d (", (int) big.pid);
    assert_int_equal (fake_recorded (text), 1);
    snprintf (text, sizeof (text), "\"process\":{\"pid\":%d,\"comm\":\"",
              (int) big.pid);
    assert_int_equal (fake_recorded (text), 1);
    assert_int_equal (fake_recorded ("the largest one: it holds 6"), 1);
    fake_uses (job, 64 * MW_MIB);
    fake_timer (job);
    fake_is_clean (job);
    assert_int_equal (fake_recorded (
                          "back below its limit, one of its processes killed"),
                      1);
    assert_int_equal (fake.did[FAKE_KILL], 0);
    assert_int_equal (fake_requests (SPOOL_COMPLETE_OOM, NULL), 0);
}

static void where_that_does_not_help_the_next_rung_comes (void **state)
{
    struct job *job = _oom ("kill=largest,kill=largest,hold@1m,kill");

    (void) state;
    _dies (big.pid);
    fake_timer (job);
    assert_int_equal (job->incident.step, 0);
    fake_timer (job); /* its memory would be free by now */
    assert_int_equal (job->incident.step, 1);
    _dies (grows.pid);
    fake_timer (job);
    fake_timer (job);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    assert_true (_lives (fake.task));
}

static void one_that_does_not_die_is_given_its_time (void **state)
{
    struct job *job = _oom ("kill=largest@5s,hold@1m,kill");

    (void) state;
    /* nobody has reaped it, but it has no memory: so another one is made out of it */
    job->incident.target_pid = (uint32_t) fake.task;
    job->incident.target_started = hears_started (fake.task);
    fake_timer (job);
    assert_int_equal (fake_rung (job), MW_STEP_KILL_ONE);
    incident_oom (w, job, TRIGGER_JOB);
    assert_int_equal (fake_rung (job), MW_STEP_KILL_ONE);
    fake_deadline (job);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
}

static void nobody_to_be_killed_leads_on (void **state)
{
    struct job *job = fake_job ("12", "kill=guilty,hold@1m,kill");

    (void) state;
    job->reserve = 0;
    fake_empty (job);
    incident_oom (w, job, TRIGGER_JOB);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    assert_int_equal (fake_recorded ("none is killed alone"), 1);
}

static void another_users_process_is_spared (void **state)
{
    struct job *job = fake_job ("12", "kill=largest,hold@1m,kill");

    (void) state;
    _are_in (job);
    job->spec.uid = 65533;
    incident_oom (w, job, TRIGGER_JOB);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    assert_true (_lives (big.pid) && _lives (grows.pid));
}

static void the_guilty_one_is_seen_to_grow_in_the_reserve (void **state)
{
    struct job *job = _oom ("kill=guilty,kill");

    (void) state;
    assert_true (job->incident.reserve_open);
    assert_true (_lives (big.pid));
    fake_timer (job); /* nobody has grown yet */
    assert_int_equal (fake_recorded ("SIGKILL to process"), 0);
    _grows_by (12);
    fake_timer (job);
    _dies (grows.pid);
    assert_true (_lives (big.pid));
    assert_int_equal (fake_recorded ("the fastest growing one (by 1"), 1);
    assert_int_equal (fake_recorded ("\"grew\":1"), 1);
    fake_uses (job, 64 * MW_MIB);
    fake_timer (job);
    fake_is_clean (job);
}

static void a_full_reserve_ends_the_look (void **state)
{
    struct job *job = _oom ("kill=guilty,kill");

    (void) state;
    _grows_by (2); /* less than what is clear */
    incident_oom (w, job, TRIGGER_JOB);
    _dies (grows.pid);
    assert_int_equal (fake_recorded ("the fastest growing one (by"), 1);
}

static void where_none_grows_the_largest_is_guilty (void **state)
{
    struct job *job = _oom ("kill=guilty,kill");
    int looks = 0;

    (void) state;
    while (!fake_recorded ("SIGKILL to process") && looks++ < 1000)
        fake_timer (job);
    assert_true (looks > 10 && looks < 1000);
    _dies (big.pid);
    assert_int_equal (fake_recorded ("the largest one: none was seen to grow"),
                      1);
}

static void without_a_reserve_nobody_is_waited_for (void **state)
{
    struct job *job = fake_job ("12", "kill=guilty,kill");

    (void) state;
    _are_in (job);
    job->reserve = 0;
    incident_oom (w, job, TRIGGER_JOB);
    _dies (big.pid);
}

/* kill -9 of the warden between its record and its deed. */
static void what_is_on_record_and_not_done_is_done_by_the_next (void **state)
{
    struct job *job = _oom ("kill=largest,kill");

    (void) state;
    _dies (big.pid);
    job->incident.target_pid = (uint32_t) grows.pid;
    job->incident.target_started = hears_started (grows.pid);
    incident_oom (w, job, TRIGGER_ADMIN); /* nothing */
    journal_append (w->journal, "note", job, "kill-one", "x", NULL, NULL);
    job = fake_restart ("12");
    assert_int_equal (job->incident.target_pid, grows.pid);
    incident_recover (w, job);
    _dies (grows.pid);
}

static void who_has_its_number_since_is_not_hit (void **state)
{
    struct job *job = _oom ("kill=largest,hold@1m,kill");

    (void) state;
    _dies (big.pid);
    job->incident.target_pid = (uint32_t) grows.pid;
    job->incident.target_started = hears_started (grows.pid) - 1;
    journal_append (w->journal, "note", job, "kill-one", "x", NULL, NULL);
    job = fake_restart ("12");
    incident_recover (w, job);
    assert_true (_lives (grows.pid));
    fake_timer (job);
    fake_timer (job);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    assert_true (_lives (grows.pid));
}

static void a_look_is_begun_anew_by_the_next (void **state)
{
    struct job *job = _oom ("kill=guilty,kill");

    (void) state;
    job = fake_restart ("12");
    incident_recover (w, job);
    assert_true (_lives (big.pid) && _lives (grows.pid));
    _grows_by (12);
    fake_timer (job);
    _dies (grows.pid);
}

static void for_the_nodes_sake_it_is_over_when_the_node_is_not_short (void **s)
{
    struct job *job = fake_job ("12", "kill");

    (void) s;
    _are_in (job);
    fake.node_is_short = true;
    fake_node_ladder ("kill=largest,hold@1m,kill");
    incident_oom (w, job, TRIGGER_NODE);
    _dies (big.pid);
    fake_timer (job);
    assert_true (job->incident.open);
    fake.node_is_short = false;
    fake_timer (job);
    fake_is_clean (job);
}

/* ---- signal, enomem ------------------------------------------------------ */

static void a_signal_goes_to_the_largest_that_catches_it (void **state)
{
    struct job *job = _oom ("signal=TERM:largest@30s,kill");
    char text[64];

    (void) state;
    snprintf (text, sizeof (text), "sent signal TERM to process %d (",
              (int) fake.task);
    assert_int_equal (fake_recorded (text), 1);
    assert_true (_lives (big.pid) && _lives (grows.pid));
    assert_int_equal (job->incident.sent.n, 1);
    fake_uses (job, 64 * MW_MIB);
    assert_int_equal (waitid (P_PID, (id_t) fake.task, &(siginfo_t) { 0 },
                              WEXITED | WNOWAIT),
                      0);
    fake_timer (job);
    fake_is_clean (job);
}

static void a_signal_that_nobody_catches_leads_on (void **state)
{
    struct job *job = _oom ("signal=USR2:largest@30s,hold@1m,kill");

    (void) state;
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    assert_int_equal (fake_recorded ("none of its processes catches"), 1);
    assert_true (_lives (big.pid) && _lives (fake.task));
}

static uint64_t _data_limit (pid_t pid)
{
    struct rlimit l = { 0 };

    assert_int_equal (prlimit (pid, RLIMIT_DATA, NULL, &l), 0);
    return l.rlim_cur;
}

static void the_largest_alone_is_refused_memory (void **state)
{
    struct job *job;

    (void) state;
    if (MW_SANITIZED) /* it has terabytes of addresses already */
        skip ();
    job = _oom ("enomem=largest@30s,hold@1m,kill");
    assert_int_equal (fake_rung (job), MW_STEP_ENOMEM);
    assert_true (_data_limit (big.pid) < 256 * MW_MIB);
    assert_true (_data_limit (grows.pid) == RLIM_INFINITY);
    assert_true (_data_limit (fake.task) == RLIM_INFINITY);
    assert_int_equal (fake_recorded ("further memory is refused to process"),
                      1);
    fake_timer (job);
    assert_true (_data_limit (grows.pid) == RLIM_INFINITY);
    /* the next warden knows whom, and gives it back */
    job = fake_restart ("12");
    incident_recover (w, job);
    assert_true (_data_limit (big.pid) < 256 * MW_MIB);
    fake_uses (job, 64 * MW_MIB);
    fake_timer (job);
    fake_is_clean (job);
    assert_true (_data_limit (big.pid) == RLIM_INFINITY);
}

static void when_it_has_ended_the_ladder_goes_on (void **state)
{
    struct job *job;

    (void) state;
    if (MW_SANITIZED)
        skip ();
    job = _oom ("enomem=largest@30s,hold@1m,kill");
    kill (big.pid, SIGKILL);
    _dies (big.pid);
    fake_timer (job);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
}

/* ---- by hand ------------------------------------------------------------- */

static struct mw_err err;

/* [text] is one step. */
static int _do (struct job *job, const char *text, pid_t pid)
{
    struct pass_wish wish = { .kind = PASS_DO, .pid = pid };

    snprintf (wish.job, sizeof (wish.job), "%s", job->spec.key);
    snprintf (wish.ladder, sizeof (wish.ladder), "%s", text);
    err.text[0] = '\0';
    return wish_grant (w, &wish, &err);
}

static void _refused (struct job *job, const char *text, pid_t pid, int code,
                      const char *why)
{
    unsigned before = fake_recorded ("");

    assert_int_equal (_do (job, text, pid), -1);
    assert_int_equal (errno, code);
    if (!strstr (err.text, why))
        fail_msg ("no \"%s\" in: %s", why, err.text);
    assert_int_equal (fake_recorded (""), before);
}

static struct job *_runs (const char *ladder)
{
    struct job *job = fake_job ("12", ladder);

    _are_in (job);
    fake_uses (job, 64 * MW_MIB);
    return job;
}

static void a_named_process_of_a_running_job_is_killed (void **state)
{
    struct job *job = _runs ("kill");

    (void) state;
    assert_int_equal (_do (job, "kill", grows.pid), 0);
    _dies (grows.pid);
    assert_true (_lives (big.pid) && _lives (fake.task));
    assert_int_equal (fake_recorded ("asked for by uid 0"), 1);
    fake_timer (job);
    fake_is_clean (job);
    assert_int_equal (fake_recorded ("12: done as asked for"), 1);
    assert_int_equal (fake_requests (SPOOL_COMPLETE_OOM, NULL), 0);
}

static void who_is_no_process_of_the_job_is_refused (void **state)
{
    struct job *job = _runs ("kill");

    (void) state;
    _refused (job, "kill", getpid (), ESRCH, "there is no process");
    _refused (job, "kill", 1, ESRCH, "there is no process 1 in job 12");
    _refused (job, "kill", -1, EINVAL, "pid");
    kill (big.pid, SIGKILL);
    _dies (big.pid);
    _refused (job, "kill", big.pid, ESRCH, "there is no process");
    _refused (job, "signal=USR2:largest", 0, ESRCH, "catches the signal");
    job->spec.uid = 65533;
    _refused (job, "kill", grows.pid, EPERM, "another user's");
    _refused (job, "enomem=largest", 0, ESRCH, "no process");
    assert_true (_lives (grows.pid) && _lives (fake.task));
    assert_false (job->incident.open);
}

static void what_is_no_single_step_is_refused (void **state)
{
    struct job *job = _runs ("kill");

    (void) state;
    _refused (job, "hold", 0, EINVAL, "is not done by hand");
    _refused (job, "kill=largest,kill", 0, EINVAL, "is not done by hand");
    _refused (job, "explode", 0, EINVAL, "unknown step");
    _refused (job, "kill=pid", 0, EINVAL, "does not say whom");
    _refused (job, "kill=largest", big.pid, EINVAL, "either one process");
    _refused (job, "kill", 0, EINVAL, "write scancel 12");
    w->conf.shadow = true;
    _refused (job, "kill=largest", 0, ENOTSUP, "shadow mode");
    w->conf.shadow = false;
    assert_true (_lives (big.pid));
}

static void a_held_job_is_held_again_where_that_does_not_help (void **state)
{
    struct job *job = _oom ("hold@10m,requeue,kill");

    (void) state;
    assert_true (fake_frozen (job));
    assert_int_equal (_do (job, "kill=largest", 0), 0);
    assert_false (fake_frozen (job)); /* frozen, it could not die on v1 */
    _dies (big.pid);
    fake_timer (job);
    fake_timer (job);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    assert_true (fake_frozen (job));
    assert_int_equal (job->incident.ladder->count, 4);
    assert_int_equal (_do (job, "kill", grows.pid), 0);
    _dies (grows.pid);
    fake_uses (job, 64 * MW_MIB);
    fake_timer (job);
    fake_is_clean (job);
    assert_true (_lives (fake.task));
}

static void a_job_held_by_hand_stays_held (void **state)
{
    struct job *job = _runs ("kill");

    (void) state;
    assert_int_equal (incident_hold (w, job, &err), 0);
    assert_int_equal (_do (job, "kill=largest", 0), 0);
    _dies (big.pid);
    job = fake_restart ("12");
    incident_recover (w, job);
    fake_timer (job);
    fake_timer (job);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    assert_true (fake_frozen (job));
    assert_int_equal (job->incident.deadline_ms, 0);
    assert_int_equal (incident_resume (w, job, &err), 0);
    fake_is_clean (job);
}

static void memory_is_refused_for_a_time_or_until_resume (void **state)
{
    struct job *job;

    (void) state;
    if (MW_SANITIZED)
        skip ();
    job = _runs ("kill");
    assert_int_equal (_do (job, "enomem@5m", big.pid), 0);
    assert_true (_data_limit (big.pid) < 256 * MW_MIB);
    assert_true (_data_limit (grows.pid) == RLIM_INFINITY);
    fake_timer (job);
    assert_true (_data_limit (big.pid) < 256 * MW_MIB);
    job = fake_restart ("12");
    incident_recover (w, job);
    assert_int_equal (fake_rung (job), MW_STEP_ENOMEM);
    fake_deadline (job);
    fake_is_clean (job);
    assert_true (_data_limit (big.pid) == RLIM_INFINITY);
    assert_int_equal (_do (job, "enomem=largest", 0), 0);
    assert_int_equal (incident_resume (w, job, &err), 0);
    fake_is_clean (job);
    assert_true (_data_limit (big.pid) == RLIM_INFINITY);
}

static void a_signal_by_hand_is_sent_and_over (void **state)
{
    struct job *job = _runs ("kill");

    (void) state;
    assert_int_equal (_do (job, "signal=USR1:largest", 0), 0);
    fake_deadline (job);
    fake_is_clean (job);
    assert_int_equal (fake_recorded ("sent signal USR1 to process"), 1);
    assert_true (_lives (fake.task));
    /* named by its number it gets what it would die of */
    assert_int_equal (_do (job, "signal=USR2", big.pid), 0);
    _dies (big.pid);
    assert_true (_lives (grows.pid));
}

static void a_job_is_slowed_by_hand (void **state)
{
    struct job *job = _runs ("kill");

    (void) state;
    assert_int_equal (_do (job, "slow=50%@1m", 0), 0);
    assert_int_equal (fake_rung (job), MW_STEP_SLOW);
    fake_timer (job);
    assert_true (fake_frozen (job));
    fake_deadline (job);
    fake_is_clean (job);
}

static void a_job_out_of_memory_is_killed_whole (void **state)
{
    struct job *job = _oom ("hold@10m,requeue,kill");

    (void) state;
    assert_int_equal (_do (job, "kill", 0), 0);
    assert_int_equal (fake_rung (job), MW_STEP_KILL);
    assert_int_equal (fake_requests (SPOOL_COMPLETE_OOM, NULL), 1);
    _refused (job, "kill=largest", 0, EBUSY, "is being ended");
}

int main (void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown (f, _begin, _end)
        T (the_largest_alone_is_killed_and_the_job_goes_on),
        T (where_that_does_not_help_the_next_rung_comes),
        T (one_that_does_not_die_is_given_its_time),
        T (nobody_to_be_killed_leads_on),
        T (another_users_process_is_spared),
        T (the_guilty_one_is_seen_to_grow_in_the_reserve),
        T (a_full_reserve_ends_the_look),
        T (where_none_grows_the_largest_is_guilty),
        T (without_a_reserve_nobody_is_waited_for),
        T (what_is_on_record_and_not_done_is_done_by_the_next),
        T (who_has_its_number_since_is_not_hit),
        T (a_look_is_begun_anew_by_the_next),
        T (for_the_nodes_sake_it_is_over_when_the_node_is_not_short),
        T (a_signal_goes_to_the_largest_that_catches_it),
        T (a_signal_that_nobody_catches_leads_on),
        T (the_largest_alone_is_refused_memory),
        T (when_it_has_ended_the_ladder_goes_on),
        T (a_named_process_of_a_running_job_is_killed),
        T (who_is_no_process_of_the_job_is_refused),
        T (what_is_no_single_step_is_refused),
        T (a_held_job_is_held_again_where_that_does_not_help),
        T (a_job_held_by_hand_stays_held),
        T (memory_is_refused_for_a_time_or_until_resume),
        T (a_signal_by_hand_is_sent_and_over),
        T (a_job_is_slowed_by_hand),
        T (a_job_out_of_memory_is_killed_whole),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
