/* The rungs, second part (see test_steps.c): those that ask somebody, the job
 * or Slurm.  The kill is in test_steps_kill.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "handler/incident/incident.h"
#include "handler/memcg/hears.h"
#include "test/unit/fake_warden.h"

static struct warden *const w = &fake.w;

/* ---- signal -------------------------------------------------------------- */

/* The task has ended, and is a zombie. */
static void _task_ends (void)
{
    siginfo_t info;

    assert_int_equal (waitid (P_PID, (id_t) fake.task, &info,
                              WEXITED | WNOWAIT),
                      0);
}

static void signal_opens_the_reserve_and_waits (void **state)
{
    struct job *job = fake_oom ("12", "signal=USR1@30s,hold@60s,kill");

    (void) state;
    assert_true (job->incident.reserve_open);
    assert_int_equal (job->incident.sent.n, 1);
    assert_int_equal (fake_recorded ("sent signal USR1 to its processes that"),
                      1);
    fake_timer (job);
    assert_int_equal (fake_rung (job), MW_STEP_SIGNAL);
    fake_deadline (job);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    assert_true (job->incident.reserve_open);
}

static void signal_that_nobody_catches_is_not_sent (void **state)
{
    struct job *job = fake_oom ("12", "signal=USR2@30s,hold@60s,kill");

    (void) state;
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    assert_false (job->incident.reserve_open);
    assert_int_equal (fake_recorded ("nobody can answer it"), 1);
}

static void signal_is_answered_by_room (void **state)
{
    struct job *job = fake_oom ("12", "signal=USR1@30s,kill");
    struct job *late = fake_oom ("13", "signal=USR1@30s,kill");

    (void) state;
    fake_uses (job, FAKE_LIMIT_BYTES / 2);
    fake_timer (job);
    fake_is_clean (job);
    assert_int_equal (fake_recorded ("it has answered the signal"), 1);
    fake_uses (late, FAKE_LIMIT_BYTES / 2);
    fake_deadline (late);
    fake_is_clean (late);
}

static void signal_to_who_holds_most_is_answered_by_them (void **state)
{
    struct job *job = fake_oom ("12", "signal=USR1@30s,kill");

    (void) state;
    job->limit = 4096; /* of which its task holds most */
    fake_uses (job, 0);
    fake_timer (job);
    assert_int_equal (fake_rung (job), MW_STEP_SIGNAL);
}

/* Its script may be the next of them: dying of a signal is no answer. */
static void signal_is_not_answered_while_its_hearers_end (void **state)
{
    struct job *job = fake_oom ("12", "signal=TERM:all@30s,kill");
    struct memcg_sent *sent = &job->incident.sent;

    (void) state;
    sent->task[sent->n].pid = getpid ();
    sent->task[sent->n++].started = hears_started (getpid ());
    job->incident.sent_left = sent->n;
    _task_ends ();
    fake_uses (job, FAKE_LIMIT_BYTES / 2);
    fake_timer (job);
    assert_int_equal (fake_rung (job), MW_STEP_SIGNAL);
    fake_timer (job); /* and the other goes on */
    assert_int_equal (fake_recorded ("it has answered the signal"), 1);
}

static void signal_whose_hearers_are_gone_leads_on (void **state)
{
    struct job *job = fake_oom ("12", "signal=TERM:all@30s,hold@60s,kill");

    (void) state;
    _task_ends ();
    job->spec.batch = false;
    fake_timer (job);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    assert_int_equal (fake_recorded ("have ended, and it is still at"), 1);
}

/* Its script may have been one of them, and its exit status is its answer. */
static void signal_whose_hearers_are_gone_waits_for_the_script (void **state)
{
    struct job *job = fake_oom ("12", "signal=TERM:all@30s,hold@60s,requeue,"
                                      "kill");

    (void) state;
    _task_ends ();
    fake_timer (job);
    assert_int_equal (fake_rung (job), MW_STEP_SIGNAL);
    assert_int_equal (job->incident.again_ms, fake.now + 3000);
    assert_true (incident_script_ended (w, job, 3 << 8));
    assert_int_equal (fake_requests (SPOOL_REQUEUE, NULL), 1);
}

static void signal_whose_script_has_not_heard_leads_on (void **state)
{
    struct job *job = fake_oom ("12", "signal=TERM:all@30s,hold@60s,requeue,"
                                      "kill");

    (void) state;
    _task_ends ();
    fake_timer (job);
    assert_int_equal (fake_rung (job), MW_STEP_SIGNAL);
    fake_timer (job); /* no word of its end: it goes on */
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    assert_int_equal (fake_recorded ("have ended, and it is still at"), 1);
}

static void signal_whose_hearers_have_ended_has_it_requeued (void **state)
{
    struct job *job = fake_oom ("12", "signal=TERM@30s,requeue,kill");
    struct spool_request r;

    (void) state;
    _task_ends ();
    fake_uses (job, 0);
    fake_timer (job);
    assert_int_equal (fake_rung (job), MW_STEP_SIGNAL);
    assert_true (job->incident.ended);
    assert_int_equal (fake_requests (SPOOL_REQUEUE, &r), 1);
    assert_true (r.after_end);
    fake_answer (job, SPOOL_REQUEUE, true, 0);
    fake_is_clean (job);
}

static void signal_that_empties_a_batch_job (void **state)
{
    struct job *job = fake_oom ("12", "signal=TERM@30s,requeue,kill");

    (void) state;
    _task_ends ();
    fake_empty (job);
    fake_timer (job);
    assert_int_equal (fake_requests (SPOOL_REQUEUE, NULL), 0);
    assert_int_equal (job->incident.again_ms, fake.now + 3000);
    fake_timer (job); /* no word of its script */
    assert_int_equal (fake_requests (SPOOL_REQUEUE, NULL), 1);
    assert_int_equal (job->incident.deadline_ms, 0);
    assert_int_equal (job->incident.again_ms,
                      fake.now + w->conf.controller_timeout_ms);
    fake_timer (job); /* no answer: the request stays */
    assert_false (job->incident.open);
    assert_int_equal (fake_requests (SPOOL_REQUEUE, NULL), 1);
}

static void signal_without_a_requeue_is_answered_by_the_end (void **state)
{
    struct job *job = fake_oom ("12", "signal=TERM@30s,kill");

    (void) state;
    _task_ends ();
    fake_uses (job, 0);
    fake_timer (job);
    fake_is_clean (job);
}

static void signal_that_the_script_dies_of_is_no_answer (void **state)
{
    struct job *job = fake_oom ("12", "signal=USR1@30s,hold@60s,requeue,kill");
    struct job *shell = fake_oom ("13", "signal=USR1@30s,hold@60s,requeue,"
                                        "kill");

    (void) state;
    assert_true (incident_script_ended (w, job, SIGUSR1));
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    assert_true (incident_script_ended (w, shell, (128 + SIGUSR1) << 8));
    assert_int_equal (fake_rung (shell), MW_STEP_HOLD);
    assert_int_equal (fake_requests (SPOOL_REQUEUE, NULL), 0);
}

static void signal_and_an_end_that_slurm_tells_first (void **state)
{
    struct job *job = fake_oom ("12", "signal=TERM@30s,requeue,kill");
    struct job *last = fake_oom ("13", "signal=TERM@30s,kill");

    (void) state;
    incident_end (w, job, "the job has ended");
    assert_int_equal (fake_requests (SPOOL_REQUEUE, NULL), 1);
    incident_end (w, last, "the job has ended");
    assert_int_equal (fake_requests (SPOOL_REQUEUE, NULL), 1);
}

static void signal_after_a_requeue_without_an_answer (void **state)
{
    struct job *job = fake_oom ("12", "requeue,signal=TERM@30s,kill");
    struct spool_request r;

    (void) state;
    fake_timer (job);
    assert_int_equal (fake_rung (job), MW_STEP_SIGNAL);
    _task_ends ();
    fake_uses (job, 0);
    fake_timer (job); /* the same request, of one that is over */
    assert_int_equal (fake_requests (SPOOL_REQUEUE, &r), 1);
    assert_true (r.after_end && !r.withdrawn);
    assert_string_equal (job->incident.request, r.id);
    fake_answer (job, SPOOL_REQUEUE, true, 0);
    assert_false (job->incident.open);
}

static void signal_at_its_deadline_with_nobody_left (void **state)
{
    struct job *job = fake_oom ("12", "signal=TERM@1s,requeue,kill");

    (void) state;
    _task_ends ();
    fake_empty (job);
    fake_timer (job);
    assert_int_equal (fake_requests (SPOOL_REQUEUE, NULL), 0);
    fake_deadline (job);
    assert_int_equal (fake_requests (SPOOL_REQUEUE, NULL), 1);
    assert_int_equal (fake_rung (job), MW_STEP_SIGNAL);
    assert_true (incident_script_ended (w, job, 0)); /* no news by now */
    assert_int_equal (fake_requests (SPOOL_REQUEUE, NULL), 1);
}

static void signal_to_a_job_that_is_gone (void **state)
{
    struct job *job = fake_job ("12", "signal=USR1@30s,kill");

    (void) state;
    fake_gone (job);
    fake.fails[FAKE_LIMIT] = ENODEV;
    incident_oom (w, job, TRIGGER_JOB);
    assert_false (job->incident.open);
    assert_int_equal (fake_recorded ("cannot signal it"), 0);
}

static void signal_whose_requeue_nobody_takes_is_answered (void **state)
{
    struct job *job = fake_oom ("12", "signal=TERM@30s,requeue,kill");

    (void) state;
    _task_ends ();
    fake_uses (job, 0);
    fake_spool_fails ();
    fake_timer (job);
    assert_false (job->incident.open || job->incident.ended);
}

/* ---- dump ---------------------------------------------------------------- */

static void dump_is_told_line_by_line (void **state)
{
    struct job *job = fake_oom ("12", "dump@30s,hold@60s,kill");
    struct spool_request r;
    struct spool_answer a = { .ok = true, .text = "first | second" };

    (void) state;
    assert_true (job->incident.reserve_open);
    assert_int_equal (fake_requests (SPOOL_HOOK, &r), 1);
    assert_int_equal (r.not_after_ms, job->incident.deadline_ms);
    memcpy (a.id, r.id, sizeof (a.id));
    incident_answer (w, job, &a);
    assert_int_equal (fake_recorded ("job 12: dump: first\""), 1);
    assert_int_equal (fake_recorded ("job 12: dump: second\""), 1);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
}

static void dump_after_which_it_is_below_has_solved_it (void **state)
{
    struct job *job = fake_oom ("12", "dump@30s,kill");

    (void) state;
    fake_uses (job, 0);
    incident_oom (w, job, TRIGGER_JOB); /* nothing for that */
    fake_answer (job, SPOOL_HOOK, false, 1);
    fake_is_clean (job);
}

static void dump_that_is_late_is_taken_back (void **state)
{
    struct job *job = fake_oom ("12", "dump@30s,hold@60s,kill");

    (void) state;
    fake_deadline (job);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    assert_int_equal (fake_requests (SPOOL_HOOK, NULL), 0);
    assert_int_equal (fake_recorded ("not done in its time"), 1);
}

static void dump_waits_on_after_a_restart (void **state)
{
    struct job *job = fake_oom ("12", "dump@30s,hold@60s,kill");

    (void) state;
    job = fake_restart ("12");
    incident_recover (w, job);
    assert_int_equal (fake_rung (job), MW_STEP_DUMP);
    job->incident.request[0] = '\0';
    incident_recover (w, job);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
}

static void dump_that_cannot_be_asked_for_leads_on (void **state)
{
    struct job *job;

    (void) state;
    fake_spool_fails ();
    job = fake_oom ("12", "dump@30s,hold@60s,kill");
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    assert_int_equal (fake_recorded ("cannot ask for hook"), 1);
}

/* ---- suspend ------------------------------------------------------------- */

static void suspend_holds_it_whatever_the_controller_says (void **state)
{
    struct job *job = fake_oom ("12", "suspend@10m,kill");
    struct job *no = fake_oom ("13", "suspend@10m,kill");
    struct job *never = fake_oom ("14", "suspend@10m,kill");

    (void) state;
    assert_int_equal (fake_requests (SPOOL_SUSPEND, NULL), 3);
    fake_timer (never);
    assert_int_equal (fake_recorded ("no answer of the controller in 10000"),
                      1);
    fake_answer (never, SPOOL_SUSPEND, true, 0);
    fake_answer (no, SPOOL_SUSPEND, false, EINVAL);
    fake_answer (job, SPOOL_SUSPEND, true, 0);
    assert_true (fake_frozen (job) && fake_frozen (no) && fake_frozen (never));
    assert_true (job->incident.suspended && never->incident.suspended);
    assert_false (no->incident.suspended);
    assert_false (fake_timer_is_on (job) && job->incident.again_ms);
}

static void suspend_undone_is_a_resume (void **state)
{
    struct job *job = fake_oom ("12", "suspend@10m,kill");

    (void) state;
    fake_answer (job, SPOOL_SUSPEND, true, 0);
    job->limit *= 2;
    incident_headroom (w);
    fake_is_clean (job);
    assert_int_equal (fake_requests (SPOOL_RESUME, NULL), 1);
    assert_int_equal (job->resumed_ms, fake.now);
}

static void suspend_of_what_slurm_ends_lets_it (void **state)
{
    struct job *job = fake_oom ("12", "suspend@10m,kill");

    (void) state;
    fake_answer (job, SPOOL_SUSPEND, false, ESTALE);
    assert_true (job->incident.suspended);
    assert_false (fake_frozen (job));
    assert_int_equal (fake_recorded ("Slurm ends this run of it"), 1);
}

static void suspend_of_what_slurm_does_not_know (void **state)
{
    struct job *job = fake_oom ("run", "suspend@10m,kill");

    (void) state;
    assert_true (fake_frozen (job));
    assert_int_equal (fake_requests (SPOOL_SUSPEND, NULL), 0);
    assert_int_equal (fake_recorded ("no controller knows it"), 1);
}

static void suspend_resumed_by_somebody (void **state)
{
    struct job *job = fake_oom ("12", "suspend@10m,hold@60s,grow@60s,kill");
    struct job *last = fake_oom ("13", "suspend@10m,kill");

    (void) state;
    fake_freezes (job, false); /* before there is an answer */
    assert_int_equal (fake_rung (job), MW_STEP_SUSPEND);
    fake_answer (last, SPOOL_SUSPEND, true, 0);
    fake_freezes (last, false);
    assert_int_equal (fake_rung (last), MW_STEP_SUSPEND);
    assert_true (fake_frozen (last) && last->incident.suspended);
    assert_int_equal (fake_recorded ("suspended again"), 1);
    fake_answer (last, SPOOL_SUSPEND, true, 0);
    fake_uses (last, 0);
    fake_freezes (last, false); /* once more, or late? */
    fake_answer (last, SPOOL_SUSPEND, true, 0);
    assert_false (last->incident.open);
    fake_answer (job, SPOOL_SUSPEND, true, 0);
    fake_freezes (job, false);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    /* what we had to ask in order to know is taken back */
    assert_int_equal (fake_requests (SPOOL_RESUME, NULL), 1);
}

static void suspend_for_the_node_pushes_everything_out (void **state)
{
    struct job *job;

    (void) state;
    fake.frees = FAKE_LIMIT_BYTES / 2;
    job = fake_node_oom ("suspend@10m,kill");
    assert_true (job->incident.pushing);
    fake_timer (job);
    fake_timer (job);
    assert_true (job->incident.pushing);
    fake_timer (job); /* nothing is left */
    assert_false (job->incident.pushing);
    assert_int_equal (fake.did[FAKE_RECLAIM], 3);
    assert_int_equal (fake_recorded ("\"pushed\":536870912"), 1);
}

static void suspend_without_swap_pushes_nothing (void **state)
{
    struct job *job;

    (void) state;
    fake.swap_free = 0;
    job = fake_node_oom ("suspend@10m,kill");
    fake_timer (job);
    assert_int_equal (fake.did[FAKE_RECLAIM], 0);
}

static void suspend_asked_for_is_taken_back_at_its_deadline (void **state)
{
    struct job *job = fake_oom ("12", "suspend@1s,hold@60s,kill");

    (void) state;
    fake_deadline (job);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    assert_int_equal (fake_requests (SPOOL_SUSPEND, NULL), 0);
    assert_int_equal (job->incident.request[0], '\0');
    assert_true (fake_frozen (job));
}

static void suspend_goes_on_after_a_restart (void **state)
{
    struct job *job = fake_oom ("12", "suspend@10m,kill");

    (void) state;
    job = fake_restart ("12");
    incident_recover (w, job);
    assert_true (fake_frozen (job) && job->incident.suspended);
    fake_answer (job, SPOOL_SUSPEND, true, 0);
    assert_true (job->incident.suspended);
}

static void suspend_that_cannot_be_asked_for_is_a_hold (void **state)
{
    struct job *job;

    (void) state;
    fake_spool_fails ();
    job = fake_oom ("12", "suspend@10m,kill");
    assert_int_equal (fake_rung (job), MW_STEP_SUSPEND);
    assert_true (fake_frozen (job));
    assert_false (job->incident.suspended);
}

static void suspend_where_nothing_freezes_leads_on (void **state)
{
    struct job *job;

    (void) state;
    fake.fails[FAKE_FREEZE] = EIO;
    job = fake_oom ("12", "suspend@10m,grow@60s,kill");
    assert_int_equal (fake_rung (job), MW_STEP_GROW);
    assert_int_equal (fake_requests (SPOOL_SUSPEND, NULL), 0);
}

static void suspend_of_what_slurm_has_suspended_asks_for_nothing (void **state)
{
    struct job *job = fake_job ("12", "kill");

    (void) state;
    fake_node_ladder ("suspend@10m,kill");
    fake_freezes (job, true);
    incident_oom (w, job, TRIGGER_NODE);
    assert_true (job->incident.frozen);
    assert_int_equal (fake_requests (SPOOL_SUSPEND, NULL), 0);
    fake_freezes (job, false); /* resumed there: now it is ours */
    assert_true (fake_frozen (job));
    assert_int_equal (fake_requests (SPOOL_SUSPEND, NULL), 1);
    assert_int_equal (fake_recorded ("suspended by us now"), 1);
}

static void suspend_woken_by_our_own_late_resume (void **state)
{
    struct job *job = fake_job ("12", "suspend@10m,hold@60s,kill");

    (void) state;
    job->resumed_ms = fake.now - 4999;
    incident_oom (w, job, TRIGGER_JOB);
    fake_answer (job, SPOOL_SUSPEND, true, 0);
    fake_freezes (job, false);
    assert_int_equal (fake_rung (job), MW_STEP_SUSPEND);
    assert_int_equal (fake_requests (SPOOL_SUSPEND, NULL), 1);
    assert_int_equal (fake_recorded ("resumed at Slurm by somebody"), 0);
    fake_answer (job, SPOOL_SUSPEND, true, 0);
    fake.now += 1;
    fake_freezes (job, false);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    assert_int_equal (fake_recorded ("resumed at Slurm by somebody"), 1);
}

/* ---- requeue ------------------------------------------------------------- */

static void requeue_is_asked_first_and_killed_then (void **state)
{
    struct job *job;
    struct spool_request r;

    (void) state;
    job = fake_job ("12", "requeue=x1.5,kill");
    job->allowed = FAKE_LIMIT_BYTES;
    incident_oom (w, job, TRIGGER_JOB);
    fake.left = 1;
    assert_true (fake_frozen (job) && job->leaving);
    assert_int_equal (fake_requests (SPOOL_REQUEUE, &r), 1);
    assert_int_equal (r.mem_mb, 768);
    assert_int_equal (fake.did[FAKE_KILL], 0);
    fake_answer (job, SPOOL_REQUEUE, true, 0);
    assert_int_equal (fake.did[FAKE_KILL], 1);
    assert_int_equal (fake_rung (job), MW_STEP_REQUEUE);
    fake.left = 0;
    fake_empty (job);
    fake_timer (job);
    assert_false (job->incident.open);
    assert_int_equal (fake_recorded ("job 12: requeued; it used"), 1);
}

static struct job *_with_retry (const char *text)
{
    struct job *job = fake_job ("12", "requeue,kill");

    assert_int_equal (mw_retry_parse (text, &job->retry, NULL), 0);
    job->allowed = FAKE_LIMIT_BYTES;
    return job;
}

/* What is asked for, once the OOM of [job] is there. */
static struct spool_request _asked_for (struct job *job,
                                        enum incident_trigger trigger)
{
    struct spool_request r = { .job = "" };

    fake_node_ladder ("requeue,kill");
    incident_oom (w, job, trigger);
    assert_int_equal (fake_requests (SPOOL_REQUEUE, &r), 1);
    return r;
}

static void requeue_by_a_retry_has_the_peak_times_its_factor (void **state)
{
    struct spool_request r = _asked_for (_with_retry ("x1.25,max=1G,tries=2"),
                                         TRIGGER_JOB);

    (void) state;
    assert_int_equal (r.mem_mb, 640);
    assert_int_equal (r.max_mb, 1024);
    assert_int_equal (r.tries, 2);
    assert_int_equal (r.peak, FAKE_LIMIT_BYTES);
    assert_int_equal (fake_recorded ("\"mem_mb\":640"), 1);
}

static void requeue_by_a_retry_has_no_more_than_its_max (void **state)
{
    struct job *job = _with_retry ("x9,max=600M");
    struct spool_request r;

    (void) state;
    job->peak = FAKE_LIMIT_BYTES + 40 * MW_MIB; /* past its limit: not used */
    r = _asked_for (job, TRIGGER_JOB);
    assert_int_equal (r.mem_mb, 600);
    assert_int_equal (r.tries, MW_RETRY_TRIES);
}

/* What it is by the time it is put anew, too. */
static void requeue_by_a_retry_stays_what_it_is (void **state)
{
    struct job *job = _with_retry ("x2,tries=2");
    struct spool_request r;

    (void) state;
    _asked_for (job, TRIGGER_JOB);
    fake_timer (job);
    assert_int_equal (fake_requests (SPOOL_REQUEUE, &r), 1);
    assert_true (r.killed_s > 0);
    assert_int_equal (r.mem_mb, 1024);
    assert_int_equal (r.tries, 2);
}

static void requeue_of_an_innocent_one_is_unchanged_and_not_counted (
    void **state)
{
    struct job *job = _with_retry ("x2");
    struct spool_request r;

    (void) state;
    fake_uses (job, FAKE_LIMIT_BYTES / 10 * 9 - MW_MIB);
    r = _asked_for (job, TRIGGER_NODE);
    assert_int_equal (r.mem_mb, 0);
    assert_int_equal (r.tries, 0);
    assert_int_equal (fake_recorded ("requeued with what it has"), 1);
}

static void requeue_for_the_nodes_sake_of_a_guilty_one_is_counted (void **state)
{
    struct job *job = _with_retry ("x2");
    struct spool_request r;

    (void) state;
    fake_uses (job, FAKE_LIMIT_BYTES / 10 * 9 + MW_MIB);
    r = _asked_for (job, TRIGGER_NODE);
    assert_true (r.mem_mb > 900 && r.mem_mb <= 1024);
    assert_int_equal (r.tries, MW_RETRY_TRIES);
}

static void requeue_refused_leads_on (void **state)
{
    struct job *job = fake_oom ("12", "requeue,hold@60s,kill");

    (void) state;
    fake_answer (job, SPOOL_REQUEUE, false, 1);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    assert_false (job->leaving);
    assert_int_equal (fake.did[FAKE_KILL], 0);
}

static void requeue_is_for_batch_jobs_of_slurms (void **state)
{
    struct job *job = fake_job ("12", "requeue,hold@60s,kill"), *run;

    (void) state;
    job->spec.batch = false;
    incident_oom (w, job, TRIGGER_JOB);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    run = fake_oom ("run", "requeue,hold@60s,kill");
    assert_int_equal (fake_rung (run), MW_STEP_HOLD);
    assert_int_equal (fake_requests (SPOOL_REQUEUE, NULL), 0);
}

static void requeue_without_an_answer_is_for_a_killed_job (void **state)
{
    struct job *job = fake_oom ("12", "requeue,kill");
    struct spool_request r;

    (void) state;
    fake_timer (job);
    assert_int_equal (fake_rung (job), MW_STEP_KILL);
    assert_int_equal (fake_requests (SPOOL_REQUEUE, &r), 1);
    assert_true (r.killed_s > 0);
    assert_int_equal (fake_requests (SPOOL_COMPLETE_OOM, NULL), 0);
    assert_int_equal (fake.did[FAKE_KILL], 1);
}

static void requeue_waits_on_after_a_restart (void **state)
{
    struct job *job = fake_oom ("12", "requeue,hold@60s,kill");

    (void) state;
    job = fake_restart ("12");
    incident_recover (w, job);
    assert_int_equal (job->incident.again_ms,
                      fake.now + w->conf.controller_timeout_ms);
    fake.left = 1;
    fake_answer (job, SPOOL_REQUEUE, true, 0);
    assert_int_equal (fake.did[FAKE_KILL], 1);
}

static void requeue_that_cannot_be_asked_for_leads_on (void **state)
{
    struct job *job;

    (void) state;
    fake_spool_fails ();
    job = fake_oom ("12", "requeue,hold@60s,kill");
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    assert_int_equal (job->incident.requeue[0], '\0');
    assert_false (job->leaving);
}

static void requeue_that_cannot_be_withdrawn_is_cancelled (void **state)
{
    struct job *job = fake_oom ("12", "requeue,hold@60s,kill");

    (void) state;
    fake_timer (job);
    assert_int_equal (fake_requests (SPOOL_REQUEUE, NULL), 1);
    fake_spool_fails ();
    incident_end (w, job, "x");
    assert_int_equal (fake_requests (SPOOL_REQUEUE, NULL), 0);
}

#define T(f) cmocka_unit_test_setup_teardown (f, fake_begin, fake_end)

int main (void)
{
    const struct CMUnitTest tests[] = {
        T (signal_opens_the_reserve_and_waits),
        T (signal_that_nobody_catches_is_not_sent),
        T (signal_is_answered_by_room),
        T (signal_to_who_holds_most_is_answered_by_them),
        T (signal_is_not_answered_while_its_hearers_end),
        T (signal_whose_hearers_are_gone_leads_on),
        T (signal_whose_hearers_are_gone_waits_for_the_script),
        T (signal_whose_script_has_not_heard_leads_on),
        T (signal_whose_hearers_have_ended_has_it_requeued),
        T (signal_that_empties_a_batch_job),
        T (signal_without_a_requeue_is_answered_by_the_end),
        T (signal_that_the_script_dies_of_is_no_answer),
        T (signal_and_an_end_that_slurm_tells_first),
        T (signal_after_a_requeue_without_an_answer),
        T (signal_at_its_deadline_with_nobody_left),
        T (signal_to_a_job_that_is_gone),
        T (signal_whose_requeue_nobody_takes_is_answered),
        T (dump_is_told_line_by_line),
        T (dump_after_which_it_is_below_has_solved_it),
        T (dump_that_is_late_is_taken_back),
        T (dump_waits_on_after_a_restart),
        T (dump_that_cannot_be_asked_for_leads_on),
        T (suspend_holds_it_whatever_the_controller_says),
        T (suspend_undone_is_a_resume),
        T (suspend_of_what_slurm_ends_lets_it),
        T (suspend_of_what_slurm_does_not_know),
        T (suspend_resumed_by_somebody),
        T (suspend_for_the_node_pushes_everything_out),
        T (suspend_without_swap_pushes_nothing),
        T (suspend_asked_for_is_taken_back_at_its_deadline),
        T (suspend_goes_on_after_a_restart),
        T (suspend_that_cannot_be_asked_for_is_a_hold),
        T (suspend_where_nothing_freezes_leads_on),
        T (suspend_of_what_slurm_has_suspended_asks_for_nothing),
        T (suspend_woken_by_our_own_late_resume),
        T (requeue_is_asked_first_and_killed_then),
        T (requeue_by_a_retry_has_the_peak_times_its_factor),
        T (requeue_by_a_retry_has_no_more_than_its_max),
        T (requeue_by_a_retry_stays_what_it_is),
        T (requeue_of_an_innocent_one_is_unchanged_and_not_counted),
        T (requeue_for_the_nodes_sake_of_a_guilty_one_is_counted),
        T (requeue_refused_leads_on),
        T (requeue_is_for_batch_jobs_of_slurms),
        T (requeue_without_an_answer_is_for_a_killed_job),
        T (requeue_waits_on_after_a_restart),
        T (requeue_that_cannot_be_asked_for_leads_on),
        T (requeue_that_cannot_be_withdrawn_is_cancelled),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
