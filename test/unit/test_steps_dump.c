/* The rung dump with a hook that is run as the job: what the attendant is handed, that
 * the process it is about is stopped and goes on whatever becomes of it, and that nobody
 * waits for an attendant. */
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
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "handler/incident/incident.h"
#include "handler/memcg/hears.h"
#include "handler/pass/attend.h"
#include "handler/pass/pass.h"
#include "test/unit/fake_warden.h"

static struct warden *const w = &fake.w;
static pid_t its;     /* a process of the job's */
static int sock = -1; /* the attendant's end */
static struct conf_hook *hook;

static int _begin (void **state)
{
    int pair[2], rc = fake_begin (state);

    its = fork ();
    if (its == 0) {
        prctl (PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            pause ();
    }
    if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return -1;
    w->attendant = pair[0];
    sock = pair[1];
    strcpy (w->conf.evidence_dir, "/evidence");
    w->conf.evidence_max.bytes = 5 * MW_GIB;
    w->conf.hook_count = 1;
    hook = &w->conf.hooks[0];
    *hook = (struct conf_hook) { .name = "core",
                                 .path = "/hook",
                                 .timeout_ms = 20000,
                                 .as_job = true,
                                 .stop = true };
    hook->max_size.bytes = MW_GIB;
    return rc;
}

static int _end (void **state)
{
    kill (its, SIGKILL);
    waitpid (its, NULL, 0);
    close (sock);
    close (w->attendant);
    return fake_end (state);
}

static struct job *_oom (const char *ladder)
{
    struct job *job = fake_job ("12", ladder);
    int fd = openat (job->memcg.dir, "cgroup.procs", O_WRONLY | O_TRUNC);

    assert_true (dprintf (fd, "%d\n", (int) its) > 0);
    close (fd);
    incident_oom (w, job, TRIGGER_JOB);
    return job;
}

/* Returns whether the attendant was asked, and what. */
static bool _asked (struct attend_wish *wish)
{
    int fd = -1;
    ssize_t n = pass_receive (sock, wish, sizeof (*wish), &fd);

    if (fd >= 0)
        close (fd);
    return n == (ssize_t) sizeof (*wish);
}

/* It is stopped, or goes on; seen a moment after the signal. */
static void _is_stopped (bool stopped)
{
    siginfo_t si;

    assert_int_equal (waitid (P_PID, (id_t) its, &si,
                              stopped ? WSTOPPED : WCONTINUED),
                      0);
}

static void _answer (struct job *job, const char *id, bool ok)
{
    struct spool_answer a = { .ok = ok, .text = "hook \"core\": so" };

    strcpy (a.id, id);
    incident_answer (w, job, &a);
}

static void the_attendant_is_told_all_that_it_needs (void **state)
{
    struct job *job = _oom ("dump=core@1m,kill");
    struct attend_wish wish;

    (void) state;
    assert_true (_asked (&wish));
    assert_string_equal (wish.id, job->incident.request);
    assert_string_equal (wish.job, "12");
    assert_string_equal (wish.hook, "core");
    assert_string_equal (wish.path, "/hook");
    assert_string_equal (wish.dir, "/evidence");
    assert_string_equal (wish.memcg, job->memcg.path);
    assert_int_equal (wish.uid, job->spec.uid);
    assert_int_equal (wish.gid, job->spec.gid);
    assert_int_equal (wish.pid, its);
    assert_int_equal (wish.started, hears_started (its));
    assert_int_equal (wish.end_ms, fake.now + 20000);
    assert_int_equal (wish.max_size, MW_GIB);
    assert_int_equal (wish.max_dir, 5 * MW_GIB);
    assert_int_equal (job->incident.stopped.n, 1);
    assert_int_equal (job->incident.stopped.one[0].why, STOPPED_FOR_HOOK);
    assert_non_null (strstr (wish.text, "\"event\":\"dump\""));
    assert_int_equal (fake_requests (SPOOL_HOOK, NULL), 0);
    assert_true (job->incident.reserve_open);
    assert_int_equal (fake_recorded ("the attendant is asked: hook core"), 1);
}

static void it_is_over_before_its_rung_is (void **state)
{
    struct attend_wish wish;

    (void) state;
    _oom ("dump=core@2s,kill");
    assert_true (_asked (&wish));
    assert_int_equal (wish.end_ms, fake.now + 1500);
}

static void its_process_is_stopped_until_the_answer (void **state)
{
    struct job *job = _oom ("dump=core@1m,hold@1m,kill");
    struct attend_wish wish;

    (void) state;
    _is_stopped (true);
    assert_true (_asked (&wish));
    _answer (job, wish.id, true);
    _is_stopped (false);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    assert_int_equal (fake_recorded ("dump: hook \\\"core\\\": so"), 1);
}

static void a_late_answer_is_nobodys (void **state)
{
    struct job *job = _oom ("dump=core@1m,hold@1m,kill");
    struct attend_wish wish;

    (void) state;
    assert_true (_asked (&wish));
    _is_stopped (true);
    fake_deadline (job);
    _is_stopped (false);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    assert_int_equal (fake_recorded ("dump: not done in its time"), 1);
    _answer (job, wish.id, true);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
}

static void one_that_is_not_to_be_stopped_is_not (void **state)
{
    struct attend_wish wish;
    siginfo_t si = { .si_pid = 0 };

    (void) state;
    hook->stop = false;
    _oom ("dump=core:leader@1m,kill");
    assert_true (_asked (&wish));
    assert_int_equal (waitid (P_PID, (id_t) its, &si, WSTOPPED | WNOHANG), 0);
    assert_int_equal (si.si_pid, 0);
}

static void who_does_not_read_is_not_waited_for (void **state)
{
    static const struct attend_wish much;
    struct job *job;

    (void) state;
    while (pass_send (w->attendant, &much, sizeof (much), -1) == 0)
        ;
    assert_int_equal (errno, EAGAIN);
    job = _oom ("dump=core@1m,hold@1m,kill");
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    assert_string_equal (job->incident.request, "");
    assert_int_equal (fake_recorded ("the attendant takes no hook now"), 1);
}

static void where_there_is_none_the_next_rung_is_taken (void **state)
{
    struct job *job;

    (void) state;
    close (w->attendant);
    w->attendant = -1;
    job = _oom ("dump=core@1m,hold@1m,kill");
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    assert_int_equal (fake_recorded ("there is no attendant"), 1);
}

static void it_needs_no_courier (void **state)
{
    struct attend_wish wish;

    (void) state;
    fake_no_courier (false);
    _oom ("dump=core@1m,kill");
    assert_true (_asked (&wish));
}

static void what_a_warden_has_begun_is_over_with_it (void **state)
{
    struct job *job = _oom ("dump=core@1m,hold@1m,kill");

    (void) state;
    _is_stopped (true);
    job = fake_restart ("12");
    incident_recover (w, job);
    _is_stopped (false);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    assert_int_equal (fake_recorded ("has ended with the memwardend that had "
                                     "started it"),
                      1);
}

static void a_job_without_processes_has_none_to_be_looked_at (void **state)
{
    struct job *job = fake_job ("12", "dump=core@1m,hold@1m,kill");
    struct attend_wish wish;

    (void) state;
    fake_empty (job);
    incident_oom (w, job, TRIGGER_JOB);
    assert_false (_asked (&wish));
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    assert_int_equal (fake_recorded ("hook core is not run"), 1);
}

/* The courier's hooks, too, may be about a process. */
static void the_courier_is_told_of_a_process_that_the_rung_names (void **state)
{
    struct spool_request r;
    char pid[32];

    (void) state;
    hook->as_job = false;
    snprintf (pid, sizeof (pid), "\"pid\":%d", (int) its);
    _oom ("dump=core:largest@1m,kill");
    assert_int_equal (fake_requests (SPOOL_HOOK, &r), 1);
    assert_non_null (strstr (r.text, pid));
}

int main (void)
{
#define T(f) cmocka_unit_test_setup_teardown (f, _begin, _end)
    const struct CMUnitTest tests[] = {
        T (the_attendant_is_told_all_that_it_needs),
        T (it_is_over_before_its_rung_is),
        T (its_process_is_stopped_until_the_answer),
        T (a_late_answer_is_nobodys),
        T (one_that_is_not_to_be_stopped_is_not),
        T (who_does_not_read_is_not_waited_for),
        T (where_there_is_none_the_next_rung_is_taken),
        T (it_needs_no_courier),
        T (what_a_warden_has_begun_is_over_with_it),
        T (a_job_without_processes_has_none_to_be_looked_at),
        T (the_courier_is_told_of_a_process_that_the_rung_names),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
