/* The one state machine: which rung follows which event.  What is undone at
 * each way out is in test_incident_ends.c; that the journal is ahead of each
 * deed is looked for by the fake itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "handler/incident/incident.h"
#include "test/unit/fake_warden.h"

static struct warden *const w = &fake.w;
static struct mw_err err;

/* ---- opening and climbing ------------------------------------------------ */

static void an_oom_opens_an_incident_on_the_first_rung (void **state)
{
    struct job *job = fake_job ("12", "hold@60s,kill");

    (void) state;
    incident_oom (w, job, TRIGGER_JOB);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    assert_int_equal (job->incident.number, 1);
    assert_int_equal (job->incident.trigger, TRIGGER_JOB);
    assert_int_equal (job->incident.opened_ms, fake.now);
    assert_int_equal (job->incident.deadline_ms, fake.now + 60000);
    assert_int_equal (job->peak, FAKE_LIMIT_BYTES);
    assert_int_equal (fake.detected, 1);
    assert_int_equal (fake_recorded ("\"event\":\"detected\""), 1);
    assert_int_equal (fake_recorded ("reached its limit of 512 MiB"), 1);
    assert_true (fake_frozen (job));
    assert_true (job->freezers > 0);
}

static void the_deadline_and_nothing_before_it_leads_on (void **state)
{
    struct job *job = fake_job ("12", "hold@60s,hold@30s,kill");
    struct incident *in = &job->incident;

    (void) state;
    incident_oom (w, job, TRIGGER_JOB);
    fake.now = in->deadline_ms - 1;
    incident_timer (w, job);
    assert_int_equal (in->step, 0);
    fake_deadline (job);
    assert_int_equal (in->step, 1);
    assert_int_equal (in->step_ms, fake.now);
    assert_int_equal (in->deadline_ms, fake.now + 30000);
    assert_int_equal (fake.did[FAKE_FREEZE], 1); /* it was left so */
    assert_int_equal (fake.did[FAKE_THAW], 0);
    fake_deadline (job);
    assert_int_equal (fake_rung (job), MW_STEP_KILL);
    assert_int_equal (in->deadline_ms, 0);
}

static void a_rung_that_lets_it_run_thaws_it_first (void **state)
{
    struct job *job = fake_job ("12", "hold@60s,grow@60s,kill");

    (void) state;
    incident_oom (w, job, TRIGGER_JOB);
    fake_deadline (job);
    assert_int_equal (fake_rung (job), MW_STEP_GROW);
    assert_false (job->incident.frozen);
    assert_false (fake_frozen (job));
    assert_int_equal (fake.did[FAKE_LIMIT], 1);
}

static void what_was_suspended_is_resumed_to_run (void **state)
{
    struct job *job = fake_oom ("12", "suspend@60s,grow@60s,hold@60s,kill");

    (void) state;
    fake_answer (job, SPOOL_SUSPEND, true, 0);
    fake_deadline (job);
    assert_int_equal (fake_rung (job), MW_STEP_GROW);
    assert_false (job->incident.suspended);
    assert_int_equal (fake_requests (SPOOL_RESUME, NULL), 1);
    assert_true (job->incident.again_ms > 0);
    fake_deadline (job);
    assert_int_equal (job->incident.again_ms, 0); /* hold looks at nothing */
}

static void a_rung_that_is_not_there_is_passed_over (void **state)
{
    struct job *job = fake_job ("12", "dump=nosuch@10s,hold@60s,kill");

    (void) state;
    incident_oom (w, job, TRIGGER_JOB);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    assert_int_equal (fake_recorded ("dump=nosuch@10s is not available on this "
                                     "node: no hook"),
                      1);
    assert_int_equal (fake_requests (SPOOL_HOOK, NULL), 0);
}

static void a_step_that_solves_it_closes_the_incident (void **state)
{
    struct job *job = fake_job ("12", "grow@60s,kill");
    unsigned limits;

    (void) state;
    incident_oom (w, job, TRIGGER_JOB);
    limits = fake.did[FAKE_LIMIT];
    fake_uses (job, FAKE_LIMIT_BYTES / 2);
    fake_timer (job);
    fake_is_clean (job);
    assert_int_equal (fake.did[FAKE_LIMIT], limits + 1);
    assert_int_equal (job->incident.number, 1);
    assert_int_equal (job->incidents, 1);
    assert_int_equal (job->look_ms, fake.now + 10); /* v1 may be silent */
    assert_true (fake_timer_is_on (job));
    assert_int_equal (fake_recorded ("\"event\":\"resolved\""), 1);
    assert_int_equal (fake_recorded ("back below its limit after it was grown"),
                      1);
}

static void a_kill_that_the_kernel_has_logged_by_then_is_part_of_it (
    void **state)
{
    struct job *job = fake_oom ("12", "grow@60s,kill");

    (void) state;
    fake_uses (job, FAKE_LIMIT_BYTES / 2);
    fake.unread = job;
    fake_timer (job);
    fake_is_clean (job);
    assert_int_equal (fake_recorded (
                          "grown, after the kernel had killed in it"),
                      1);
}

static void its_peak_is_read_once_more_at_the_end (void **state)
{
    struct job *job = fake_oom ("12", "grow@60s,kill");
    uint64_t ended;

    (void) state;
    fake_uses (job, FAKE_LIMIT_BYTES + 64 * MW_MIB);
    incident_end (w, job, "the job has ended");
    assert_int_equal (job->peak, FAKE_LIMIT_BYTES + 64 * MW_MIB);
    assert_int_equal (fake_recorded ("ended; it used up to 576 MiB"), 1);
    ended = fake.now;
    fake_timer (job); /* not when its step would have looked */
    assert_int_equal (fake.now, ended + 10);
}

static void each_incident_has_the_next_number (void **state)
{
    struct job *job = fake_job ("12", "hold@60s,kill");

    (void) state;
    for (unsigned i = 1; i <= 3; i++) {
        incident_oom (w, job, TRIGGER_JOB);
        assert_int_equal (job->incident.number, i);
        incident_end (w, job, "the job has ended");
        assert_int_equal (job->incident.number, i);
    }
    assert_int_equal (fake_recorded ("\"incident\":\"12.3\""), 4);
}

static void an_oom_after_the_script_is_slurms_to_end (void **state)
{
    struct job *job = fake_job ("12", "hold@60s,kill");

    (void) state;
    assert_false (incident_script_ended (w, job, 0));
    incident_oom (w, job, TRIGGER_JOB);
    assert_false (job->incident.open);
    fake_node_ladder ("hold@60s,kill");
    incident_oom (w, job, TRIGGER_NODE); /* the node needs it all the same */
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
}

static void a_job_that_is_gone_meanwhile_climbs_no_further (void **state)
{
    struct job *job = fake_job ("12", "hold@60s,kill");

    (void) state;
    incident_oom (w, job, TRIGGER_JOB);
    fake_gone (job);
    fake_deadline (job);
    assert_false (job->incident.open);
    assert_int_equal (fake_requests (SPOOL_COMPLETE_OOM, NULL), 0);
    assert_int_equal (fake_recorded ("12: the job has ended"), 1);
}

static void a_step_that_is_gone_is_called_one (void **state)
{
    struct job *job = fake_job ("12.0", "hold@60s,kill");

    (void) state;
    strcpy (job->spec.of, "12");
    job->spec.slurm_id = 0;
    incident_oom (w, job, TRIGGER_JOB);
    fake_gone (job);
    fake_deadline (job);
    assert_int_equal (fake_recorded ("step 12.0: the step has ended"), 1);
}

static void a_ladder_that_has_ended_closes_the_incident (void **state)
{
    struct job *job = fake_job ("12", "kill");

    (void) state;
    incident_oom (w, job, TRIGGER_ADMIN);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    incident_oom (w, job, TRIGGER_ADMIN); /* nothing more */
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    assert_int_equal (job->incident.deadline_ms, 0);
    fake.fails[FAKE_FREEZE] = EIO;
    incident_end (w, job, "x");
    assert_int_equal (incident_hold (w, job, &err), -1);
    assert_int_equal (errno, EIO);
    fake_is_clean (job);
    assert_int_equal (fake_recorded ("its ladder has ended"), 1);
    assert_int_equal (fake.did[FAKE_FREEZE], 2);
}

static void the_story_is_told_at_its_end (void **state)
{
    struct job *job = fake_job ("12", "grow@60s,kill");
    struct spool_request r;

    (void) state;
    strcpy (w->conf.webhook, "http://localhost/");
    strcpy (w->conf.post_incident_hook, "after");
    w->conf.hook_count = 1;
    w->conf.hooks[0] = (struct conf_hook) { .name = "after",
                                            .timeout_ms = 1000 };
    incident_oom (w, job, TRIGGER_JOB);
    assert_int_equal (fake_requests (SPOOL_HOOK, NULL), 0);
    incident_end (w, job, "so be it");
    assert_int_equal (fake_requests (SPOOL_HOOK, &r), 1);
    assert_string_equal (r.arg, "after");
    assert_non_null (strstr (r.text, "\"outcome\":\"so be it\""));
    assert_int_equal (r.not_after_ms, fake.now + 10000);
    assert_int_equal (fake_requests (SPOOL_WEBHOOK, NULL), 1);
}

/* ---- for the node -------------------------------------------------------- */

static void the_node_climbs_its_own_ladder (void **state)
{
    struct job *job = fake_job ("12", "grow@60s,kill");

    (void) state;
    fake_node_ladder ("hold@60s,hold@90s,kill");
    incident_oom (w, job, TRIGGER_JOB);
    incident_oom (w, job, TRIGGER_NODE);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    assert_int_equal (job->incident.step, 0);
    assert_int_equal (job->incident.trigger, TRIGGER_NODE);
    assert_int_equal (job->incident.number, 1); /* the same incident */
    incident_oom (w, job, TRIGGER_NODE);
    assert_int_equal (job->incident.step, 1);
    incident_oom (w, job, TRIGGER_JOB); /* nobody climbs for that */
    assert_int_equal (job->incident.step, 1);
    incident_oom (w, job, TRIGGER_NODE);
    assert_int_equal (fake_rung (job), MW_STEP_KILL);
    assert_int_equal (fake.did[FAKE_KILL], 1); /* nobody is asked */
}

static void the_node_ends_what_the_old_ladder_did (void **state)
{
    struct job *job = fake_job ("12", "slow@60s,kill");

    (void) state;
    fake_node_ladder ("hold@60s,kill");
    incident_oom (w, job, TRIGGER_JOB);
    assert_true (job->incident.slowed);
    incident_oom (w, job, TRIGGER_NODE);
    assert_false (job->incident.slowed);
    assert_true (fake_frozen (job));
}

static void the_node_does_not_wait_for_an_old_answer (void **state)
{
    struct job *job = fake_oom ("12", "suspend@60s,kill");

    (void) state;
    fake_node_ladder ("hold@60s,kill");
    incident_oom (w, job, TRIGGER_NODE);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    assert_int_equal (job->incident.request[0], '\0');
}

static void the_node_does_not_wait_for_the_answer_before_a_kill (void **state)
{
    struct job *job = fake_job ("12", "kill");

    (void) state;
    fake.left = 1;
    incident_oom (w, job, TRIGGER_JOB);
    assert_int_equal (fake_requests (SPOOL_COMPLETE_OOM, NULL), 1);
    assert_int_equal (fake.did[FAKE_KILL], 0);
    job->incident.slurm_ends = true;
    incident_oom (w, job, TRIGGER_NODE);
    assert_int_equal (fake.did[FAKE_KILL], 1);
    assert_false (job->incident.slurm_ends);
    incident_oom (w, job, TRIGGER_NODE); /* it dies already */
    assert_int_equal (fake.did[FAKE_KILL], 1);
}

static void a_job_is_not_stopped_for_the_node_for_ever (void **state)
{
    struct job *job = fake_job ("12", "kill");

    (void) state;
    fake_node_ladder ("hold@60s,grow@60s,kill");
    for (unsigned i = 0; i < w->conf.max_bounces; i++) {
        incident_oom (w, job, TRIGGER_NODE);
        assert_int_equal (fake_rung (job), MW_STEP_HOLD);
        incident_end (w, job, "x");
    }
    incident_oom (w, job, TRIGGER_NODE);
    assert_int_equal (fake_rung (job), MW_STEP_GROW);
    assert_int_equal (fake_recorded ("3 times within 1h, and is not again"), 1);
    incident_end (w, job, "x");
    fake.now = job->bounce_ms + w->conf.bounce_window_ms;
    incident_oom (w, job, TRIGGER_NODE);
    assert_int_equal (fake_rung (job), MW_STEP_GROW);
    incident_end (w, job, "x");
    fake.now += 1;
    incident_oom (w, job, TRIGGER_NODE);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    assert_int_equal (job->bounces, 1);
}

static void stopped_as_it_is_it_is_not_stopped_again (void **state)
{
    struct job *job = fake_node_oom ("hold@60s,suspend@60s,kill");

    (void) state;
    fake_deadline (job);
    assert_int_equal (fake_rung (job), MW_STEP_SUSPEND);
    assert_int_equal (job->bounces, 1);
}

static void its_own_limit_may_stop_it_again_and_again (void **state)
{
    struct job *job = fake_job ("12", "hold@60s,kill");

    (void) state;
    for (unsigned i = 0; i < 2 * w->conf.max_bounces; i++) {
        incident_oom (w, job, TRIGGER_JOB);
        assert_int_equal (fake_rung (job), MW_STEP_HOLD);
        incident_end (w, job, "x");
    }
    assert_int_equal (job->bounces, 0);
}

/* ---- without a courier --------------------------------------------------- */

static void a_courier_that_was_there_is_waited_for_once (void **state)
{
    struct job *job = fake_job ("12", "dump@30s,suspend@60s,kill");
    struct incident *in = &job->incident;

    (void) state;
    fake_no_courier (true);
    incident_oom (w, job, TRIGGER_JOB);
    assert_int_equal (fake_rung (job), MW_STEP_DUMP);
    assert_int_equal (in->phase, PHASE_SEEKS);
    assert_int_equal (in->again_ms, fake.now + 3000);
    incident_oom (w, job, TRIGGER_JOB); /* nothing has begun */
    assert_int_equal (in->phase, PHASE_SEEKS);
    fake_timer (job); /* and no second time */
    assert_int_equal (fake_rung (job), MW_STEP_KILL);
    assert_int_equal (fake_recorded ("no memwarden-courier runs\""), 2);
    assert_int_equal (fake.did[FAKE_KILL], 1);
}

static void a_courier_that_is_back_in_time_is_used (void **state)
{
    struct job *job = fake_job ("12", "dump@30s,kill");

    (void) state;
    fake_no_courier (true);
    incident_oom (w, job, TRIGGER_JOB);
    w->courier_kept = true;
    fake_timer (job);
    assert_int_equal (fake_rung (job), MW_STEP_DUMP);
    assert_int_equal (fake_requests (SPOOL_HOOK, NULL), 1);
}

static void the_deadline_of_a_rung_that_seeks_it_holds (void **state)
{
    struct job *job = fake_job ("12", "dump@1s,hold@60s,kill");

    (void) state;
    fake_no_courier (true);
    incident_oom (w, job, TRIGGER_JOB);
    fake_deadline (job);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    assert_int_equal (job->incident.phase, 0);
}

static void nobody_waits_for_a_courier_that_never_was (void **state)
{
    struct job *job = fake_job ("12", "suspend@60s,hold@60s,kill");

    (void) state;
    fake_no_courier (false);
    incident_oom (w, job, TRIGGER_JOB);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
}

static void the_node_waits_for_no_courier (void **state)
{
    struct job *job = fake_job ("12", "kill");

    (void) state;
    fake_node_ladder ("suspend@60s,hold@60s,kill");
    fake_no_courier (true);
    incident_oom (w, job, TRIGGER_NODE);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
}

/* ---- answers ------------------------------------------------------------- */

static void an_answer_that_is_not_awaited_changes_nothing (void **state)
{
    struct job *job = fake_job ("12", "suspend@60s,hold@60s,kill");
    struct incident *in = &job->incident;

    (void) state;
    incident_oom (w, job, TRIGGER_JOB);
    assert_true (in->request[0]);
    strcpy (in->request, "12.0000000099.suspend");
    fake_answer (job, SPOOL_SUSPEND, true, 0);
    assert_true (in->request[0]);
    assert_int_equal (fake_recorded ("\"event\":\"answered\""), 1);
    incident_end (w, job, "x");
    incident_answer (w, job,
                     &(struct spool_answer) { .id = "12.0000000099.suspend",
                                              .ok = true,
                                              .suspended = true });
    assert_false (in->open || in->slurm_ends);
}

static void a_courtesy_that_fails_is_no_part_of_it (void **state)
{
    struct job *job = fake_job ("12", "suspend@60s,kill");

    (void) state;
    incident_oom (w, job, TRIGGER_JOB);
    incident_answer (w, job,
                     &(struct spool_answer) { .id = "12.0000000001.notify",
                                              .text = "no" });
    incident_answer (w, job,
                     &(struct spool_answer) { .id = "12.0000000002.comment",
                                              .ok = true });
    incident_answer (w, job,
                     &(struct spool_answer) { .id = "12.0000000003.webhook",
                                              .text = "no" });
    assert_int_equal (fake_recorded ("\"event\":\"answered\""), 0);
    assert_true (job->incident.request[0]);
}

static void a_timer_comes_once (void **state)
{
    struct job *job = fake_oom ("12", "suspend@60s,kill");

    (void) state;
    fake_timer (job);
    assert_int_equal (job->incident.again_ms, 0);
    incident_oom (w, job, TRIGGER_JOB);
    fake_uses (job, 2 * FAKE_LIMIT_BYTES);
    assert_int_equal (job->peak, FAKE_LIMIT_BYTES);
    incident_oom (w, job, TRIGGER_JOB); /* which tells what it has seen */
    assert_int_equal (job->peak, 2 * FAKE_LIMIT_BYTES);
}

static void an_answer_stops_what_was_timed_for_its_want (void **state)
{
    struct job *job = fake_job ("12", "suspend@60s,kill");

    (void) state;
    incident_oom (w, job, TRIGGER_JOB);
    assert_true (job->incident.again_ms > 0);
    fake_answer (job, SPOOL_SUSPEND, true, 0);
    assert_int_equal (job->incident.again_ms, 0);
    assert_int_equal (job->incident.request[0], '\0');
}

static void slurm_ends_what_it_had_suspended_but_not_for_the_node (void **state)
{
    struct job *job = fake_job ("12", "kill"), *node = fake_job ("13", "kill");
    struct spool_answer yes = { .ok = true, .suspended = true };

    (void) state;
    fake.left = 1;
    incident_oom (w, job, TRIGGER_JOB);
    memcpy (yes.id, job->incident.request, sizeof (yes.id));
    incident_answer (w, job, &yes);
    assert_true (job->incident.slurm_ends);
    assert_int_equal (fake.did[FAKE_KILL], 0);
    fake_node_ladder ("kill");
    incident_oom (w, node, TRIGGER_NODE);
    strcpy (yes.id, "13.0000000009.complete-oom");
    incident_answer (w, node, &yes);
    assert_false (node->incident.slurm_ends);
}

static void what_slurm_does_not_end_we_do (void **state)
{
    struct job *job = fake_oom ("12", "kill");
    struct spool_answer no = { .suspended = true };

    (void) state;
    memcpy (no.id, job->incident.request, sizeof (no.id));
    incident_answer (w, job, &no);
    assert_false (job->incident.slurm_ends);
    assert_int_equal (fake.did[FAKE_KILL], 1);
}

/* A requeue that was not waited for any longer. */
static struct job *_late_requeue (const char *ladder)
{
    struct job *job = fake_job ("12", ladder);

    incident_oom (w, job, TRIGGER_JOB);
    assert_int_equal (fake_rung (job), MW_STEP_REQUEUE);
    fake_timer (job);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    assert_true (job->incident.requeue[0]);
    return job;
}

static void a_late_yes_to_a_requeue_ends_the_run (void **state)
{
    struct job *job = _late_requeue ("requeue,hold@60s,kill");

    (void) state;
    fake.left = 1;
    fake_answer (job, SPOOL_REQUEUE, true, 0);
    assert_int_equal (fake_rung (job), MW_STEP_KILL);
    assert_true (job->incident.requeued && job->leaving);
    assert_int_equal (fake.did[FAKE_KILL], 1);
    assert_int_equal (fake_requests (SPOOL_COMPLETE_OOM, NULL), 0);
}

static void a_late_yes_ends_what_is_done_meanwhile (void **state)
{
    struct job *job = fake_oom ("12", "requeue,slow@60s,kill");

    (void) state;
    fake_timer (job);
    assert_true (job->incident.slowed);
    fake.left = 1;
    fake_answer (job, SPOOL_REQUEUE, true, 0);
    assert_int_equal (fake_rung (job), MW_STEP_KILL);
    assert_false (job->incident.slowed);
}

static void a_late_no_to_a_requeue_changes_nothing (void **state)
{
    struct job *job = _late_requeue ("requeue,hold@60s,kill");

    (void) state;
    fake_answer (job, SPOOL_REQUEUE, false, 1);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    assert_false (job->incident.requeued);
    assert_int_equal (job->incident.requeue[0], '\0');
}

static void a_requeue_of_a_suspended_job_stays_asked (void **state)
{
    struct job *job = fake_oom ("12", "suspend@60s,requeue,hold@60s,kill");

    (void) state;
    fake_answer (job, SPOOL_SUSPEND, true, 0);
    fake_deadline (job);
    assert_int_equal (fake_rung (job), MW_STEP_REQUEUE);
    assert_true (job->incident.suspended);
    fake_timer (job);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    assert_int_equal (fake_requests (SPOOL_REQUEUE, NULL), 1);
}

static void a_requeue_that_is_pointless_is_taken_back (void **state)
{
    struct job *job = _late_requeue ("requeue,hold@60s,kill");
    struct spool_request r;

    (void) state;
    incident_end (w, job, "the job has ended");
    assert_int_equal (fake_requests (SPOOL_REQUEUE, &r), 1);
    assert_true (r.withdrawn);
    fake_is_clean (job);
}

/* ---- room ---------------------------------------------------------------- */

static void room_is_offered_by_priority_to_each_once (void **state)
{
    struct job *low = fake_job ("12", "grow@60s,hold@60s,kill");
    struct job *high = fake_job ("13", "grow@60s,hold@60s,kill");
    struct job *mid = fake_job ("15", "grow@60s,hold@60s,kill");
    struct job *runs = fake_job ("14", "grow@60s,kill");

    (void) state;
    low->priority = 100;
    mid->priority = 300;
    fake_available (0);
    incident_oom (w, low, TRIGGER_JOB);
    incident_oom (w, high, TRIGGER_JOB);
    incident_oom (w, mid, TRIGGER_JOB);
    incident_headroom (w);
    assert_true (low->incident.frozen && high->incident.frozen);
    /* the reserve and one quarter of a limit: for one of them only */
    w->conf.resume_at = (struct mw_amount) { .kind = MW_AMOUNT_BYTES,
                                             .bytes = MW_MIB };
    w->pool_limit = 5 * FAKE_LIMIT_BYTES - FAKE_LIMIT_BYTES * 3 / 4;
    fake_available (4 * MW_GIB);
    incident_headroom (w);
    assert_false (high->incident.frozen);
    assert_int_equal (fake_rung (high), MW_STEP_GROW);
    assert_true (low->incident.frozen && mid->incident.frozen);
    assert_false (runs->incident.open);
}

static void the_end_of_one_is_room_for_the_next (void **state)
{
    struct job *job = fake_oom ("12", "hold@60s,kill");
    struct job *next = fake_oom ("13", "hold@60s,kill");

    (void) state;
    fake_loop ();
    next->limit *= 2;
    fake_loop ();
    assert_true (fake_frozen (next));
    incident_end (w, job, "the job has ended");
    assert_true (fake_frozen (next)); /* not in its own event */
    fake_loop ();
    fake_is_clean (next);
}

static void who_is_stopped_at_slurm_gets_no_room (void **state)
{
    struct job *job = fake_job ("12", "grow@60s,hold@60s,kill");

    (void) state;
    fake_available (0);
    incident_oom (w, job, TRIGGER_JOB);
    fake_available (4 * MW_GIB);
    job->incident.slurm_stops_ms = fake.now;
    incident_headroom (w);
    assert_int_equal (fake_rung (job), MW_STEP_HOLD);
    job->incident.slurm_stops_ms = 0;
    incident_headroom (w);
    assert_int_equal (fake_rung (job), MW_STEP_GROW);
}

static void the_last_grow_that_was_refused_is_tried (void **state)
{
    struct job *job = fake_job ("12", "grow=64M@60s,grow=256M@60s,dump=no@1s,"
                                      "hold@60s,kill");

    (void) state;
    fake_available (0);
    incident_oom (w, job, TRIGGER_JOB);
    assert_int_equal (job->incident.step, 3);
    fake_available (4 * MW_GIB);
    incident_headroom (w);
    assert_int_equal (job->incident.step, 1);
    assert_int_equal (job->incident.lent, 256 * MW_MIB);
}

#define T(f) cmocka_unit_test_setup_teardown (f, fake_begin, fake_end)

int main (void)
{
    const struct CMUnitTest tests[] = {
        T (an_oom_opens_an_incident_on_the_first_rung),
        T (the_deadline_and_nothing_before_it_leads_on),
        T (a_rung_that_lets_it_run_thaws_it_first),
        T (what_was_suspended_is_resumed_to_run),
        T (a_rung_that_is_not_there_is_passed_over),
        T (a_step_that_solves_it_closes_the_incident),
        T (a_kill_that_the_kernel_has_logged_by_then_is_part_of_it),
        T (its_peak_is_read_once_more_at_the_end),
        T (each_incident_has_the_next_number),
        T (an_oom_after_the_script_is_slurms_to_end),
        T (a_job_that_is_gone_meanwhile_climbs_no_further),
        T (a_step_that_is_gone_is_called_one),
        T (a_ladder_that_has_ended_closes_the_incident),
        T (the_story_is_told_at_its_end),
        T (the_node_climbs_its_own_ladder),
        T (the_node_ends_what_the_old_ladder_did),
        T (the_node_does_not_wait_for_an_old_answer),
        T (the_node_does_not_wait_for_the_answer_before_a_kill),
        T (a_job_is_not_stopped_for_the_node_for_ever),
        T (stopped_as_it_is_it_is_not_stopped_again),
        T (its_own_limit_may_stop_it_again_and_again),
        T (a_courier_that_was_there_is_waited_for_once),
        T (a_courier_that_is_back_in_time_is_used),
        T (the_deadline_of_a_rung_that_seeks_it_holds),
        T (nobody_waits_for_a_courier_that_never_was),
        T (the_node_waits_for_no_courier),
        T (an_answer_that_is_not_awaited_changes_nothing),
        T (a_courtesy_that_fails_is_no_part_of_it),
        T (a_timer_comes_once),
        T (an_answer_stops_what_was_timed_for_its_want),
        T (slurm_ends_what_it_had_suspended_but_not_for_the_node),
        T (what_slurm_does_not_end_we_do),
        T (a_late_yes_to_a_requeue_ends_the_run),
        T (a_late_yes_ends_what_is_done_meanwhile),
        T (a_late_no_to_a_requeue_changes_nothing),
        T (a_requeue_of_a_suspended_job_stays_asked),
        T (a_requeue_that_is_pointless_is_taken_back),
        T (room_is_offered_by_priority_to_each_once),
        T (the_end_of_one_is_room_for_the_next),
        T (who_is_stopped_at_slurm_gets_no_room),
        T (the_last_grow_that_was_refused_is_tried),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
