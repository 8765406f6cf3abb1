/* What an incident leaves to others: when the node is drained, what the hook
 * and the webhook are told, and which answers are still of interest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handler/account/aftermath.h"
#include "handler/incident/incident.h"
#include "handler/record/journal.h"
#include "handler/record/report.h"
#include "handler/record/story.h"
#include "lib/cleanup.h"
#include "test/unit/fake_warden.h"

#define HOUR_MS (3600 * UINT64_C (1000))

static struct warden *const w = &fake.w;

/* So many node OOMs, [apart_ms] of each other. */
static void _node_ooms (unsigned count, uint64_t apart_ms)
{
    for (unsigned i = 0; i < count; i++) {
        fake.now += i > 0 ? apart_ms : 0;
        aftermath_node_oom (w);
    }
}

/* The answer to the drain that was asked for last. */
static void _drain_answered (bool ok, const char *text)
{
    struct spool_answer a = { .ok = ok };
    struct spool_request r;

    assert_true (fake_requests (SPOOL_DRAIN, &r) > 0);
    snprintf (a.id, sizeof (a.id), "%s", r.id);
    snprintf (a.text, sizeof (a.text), "%s", text);
    aftermath_answer (w, &a);
}

/* ---- the node ------------------------------------------------------------ */

static void no_number_drains_a_node_unless_it_is_configured (void **state)
{
    (void) state;
    _node_ooms (1000, 1);
    assert_int_equal (fake_requests (SPOOL_DRAIN, NULL), 0);
    assert_int_equal (w->after->count, 0);
}

static void the_last_of_so_many_node_ooms_drains_it (void **state)
{
    struct spool_request r;

    (void) state;
    w->conf.drain_after = 3;
    _node_ooms (2, 1000);
    assert_int_equal (fake_requests (SPOOL_DRAIN, NULL), 0);
    fake.now += 500;
    aftermath_node_oom (w);
    assert_int_equal (fake_requests (SPOOL_DRAIN, &r), 1);
    assert_string_equal (r.job, "node");
    assert_int_equal (r.slurm_id, 0);
    assert_int_equal (r.not_after_ms, 0); /* also when it is back late */
    assert_string_equal (r.text, "memwarden: out of memory 3 times in 2 s; "
                                 "see memwarden events");
    assert_int_equal (fake_recorded ("the controller is asked to drain this "
                                     "node: out of memory 3 times in 2 s"),
                      1);
}

static void the_first_may_be_enough (void **state)
{
    struct spool_request r;

    (void) state;
    w->conf.drain_after = 1;
    aftermath_node_oom (w);
    assert_int_equal (fake_requests (SPOOL_DRAIN, &r), 1);
    assert_non_null (strstr (r.text, "1 times in 0 s"));
}

static void what_is_longer_ago_than_the_window_does_not_count (void **state)
{
    (void) state;
    w->conf.drain_after = 2;
    assert_int_equal (w->conf.drain_window_ms, HOUR_MS);
    _node_ooms (3, HOUR_MS + 1);
    assert_int_equal (fake_requests (SPOOL_DRAIN, NULL), 0);
    fake.now += HOUR_MS; /* just within it */
    aftermath_node_oom (w);
    assert_int_equal (fake_requests (SPOOL_DRAIN, NULL), 1);
}

static void a_drain_is_asked_for_once (void **state)
{
    struct job *job = fake_job ("12", "kill");

    (void) state;
    w->conf.drain_after = 2;
    w->conf.drain_stuck = true;
    _node_ooms (5, 1000);
    aftermath_stuck (w, job, 1);
    assert_int_equal (fake_requests (SPOOL_DRAIN, NULL), 1);
    _drain_answered (true, "");
    assert_int_equal (fake_recorded ("the controller's answer to node."), 1);
    assert_int_equal (fake_recorded (": done\""), 1);
    _node_ooms (5, 1000);
    aftermath_stuck (w, job, 1);
    assert_int_equal (fake_requests (SPOOL_DRAIN, NULL), 1);
}

static void one_that_is_refused_is_asked_for_again (void **state)
{
    struct spool_request first, second;

    (void) state;
    w->conf.drain_after = 2;
    _node_ooms (2, 1000);
    assert_int_equal (fake_requests (SPOOL_DRAIN, &first), 1);
    _drain_answered (false, "Invalid user id");
    assert_int_equal (fake_recorded (".drain: Invalid user id\""), 1);
    fake.now += HOUR_MS / 2;
    aftermath_node_oom (w); /* they are counted anew */
    assert_int_equal (fake_requests (SPOOL_DRAIN, NULL), 1);
    fake.now += 3000;
    aftermath_node_oom (w);
    assert_int_equal (fake_requests (SPOOL_DRAIN, &second), 2);
    assert_string_not_equal (first.id, second.id);
    assert_non_null (strstr (second.text, "2 times in 3 s"));
}

static void one_that_could_not_be_asked_for_is_tried_again (void **state)
{
    int tmp = w->spool.tmp;

    (void) state;
    w->conf.drain_after = 1;
    w->spool.tmp = -1;
    aftermath_node_oom (w);
    assert_false (w->after->drained);
    assert_int_equal (fake_requests (SPOOL_DRAIN, NULL), 0);
    w->spool.tmp = tmp;
    aftermath_node_oom (w);
    assert_true (w->after->drained);
    assert_int_equal (fake_requests (SPOOL_DRAIN, NULL), 1);
}

static void in_shadow_mode_no_node_is_drained (void **state)
{
    (void) state;
    w->conf.shadow = true;
    w->conf.drain_after = 1;
    aftermath_node_oom (w);
    assert_int_equal (fake_requests (SPOOL_DRAIN, NULL), 0);
    assert_int_equal (fake_recorded ("drain"), 0);
}

static void processes_that_do_not_die_drain_it_where_configured (void **state)
{
    struct job *job = fake_job ("12", "kill");
    struct spool_request r;

    (void) state;
    aftermath_stuck (w, job, 3);
    assert_int_equal (fake_requests (SPOOL_DRAIN, NULL), 0);
    w->conf.drain_stuck = true;
    aftermath_stuck (w, job, 3);
    assert_int_equal (fake_requests (SPOOL_DRAIN, &r), 1);
    assert_string_equal (r.text, "memwarden: 3 processes of job 12 cannot be "
                                 "killed");
    assert_int_equal (r.slurm_id, 0);
}

/* ---- hook and webhook ---------------------------------------------------- */

static void _configure_hook (void)
{
    struct conf_hook *hook = &w->conf.hooks[w->conf.hook_count++];

    snprintf (hook->name, sizeof (hook->name), "mail");
    hook->timeout_ms = 30000;
    snprintf (w->conf.post_incident_hook, sizeof (w->conf.post_incident_hook),
              "mail");
}

/* [text]'s member [key]. */
static void _says (const char *text, const char *key, const char *value)
{
    cleanup_json json_t *j = json_loads (text, 0, NULL);
    const char *said = json_string_value (json_object_get (j, key));

    assert_non_null (said);
    assert_string_equal (said, value);
}

static void the_hook_is_told_how_it_ended (void **state)
{
    struct spool_request r;
    struct job *job;

    (void) state;
    _configure_hook ();
    job = fake_oom ("12", "hold@60s,kill");
    assert_int_equal (fake_requests (SPOOL_HOOK, NULL), 0);
    incident_end (w, job, "the job has ended");
    assert_int_equal (fake_requests (SPOOL_HOOK, &r), 1);
    assert_string_equal (r.arg, "mail");
    assert_string_equal (r.job, "12");
    assert_int_equal (r.slurm_id, 12);
    assert_int_equal (r.not_after_ms, fake.now + 10 * 30000);
    _says (r.text, "event", "resolved");
    _says (r.text, "trigger", "job");
    _says (r.text, "incident", "12.1");
    _says (r.text, "memory", job->memcg.path);
    assert_int_equal (job->incident.request[0], '\0'); /* nobody waits */
}

static void the_outcome_is_in_what_the_hook_is_told (void **state)
{
    struct spool_request r;

    (void) state;
    _configure_hook ();
    aftermath_hook (w, fake_job ("12", "kill"), "killed");
    assert_int_equal (fake_requests (SPOOL_HOOK, &r), 1);
    _says (r.text, "outcome", "killed");
}

static void without_a_hook_none_is_run (void **state)
{
    struct job *job = fake_job ("12", "kill");

    (void) state;
    aftermath_hook (w, job, "killed");
    _configure_hook ();
    w->conf.hook_count = 0; /* its name alone is left */
    aftermath_hook (w, job, "killed");
    assert_int_equal (fake_requests (SPOOL_HOOK, NULL), 0);
}

static void a_hook_without_a_name_is_not_that_of_every_incident (void **state)
{
    struct job *job = fake_job ("12", "kill");

    (void) state;
    _configure_hook ();
    w->conf.hooks[0].name[0] = w->conf.post_incident_hook[0] = '\0';
    aftermath_hook (w, job, "killed");
    assert_int_equal (fake_requests (SPOOL_HOOK, NULL), 0);
}

static void the_webhook_gets_the_whole_story_once (void **state)
{
    struct spool_request r;
    struct mw_err err;
    struct job *job;

    (void) state;
    snprintf (w->conf.webhook, sizeof (w->conf.webhook), "http://127.0.0.1/");
    job = fake_oom ("12", "hold@60s,kill");
    assert_int_equal (fake_requests (SPOOL_WEBHOOK, NULL), 0);
    incident_end (w, job, "the job has ended");
    assert_int_equal (fake_requests (SPOOL_WEBHOOK, &r), 1);
    assert_int_equal (r.not_after_ms, fake.now + 24 * HOUR_MS);
    assert_int_equal (job->incident.request[0], '\0');

    cleanup_free char *body = spool_read_story (&w->spool, r.id, &err);
    cleanup_json json_t *j = json_loads (body ? body : "", 0, NULL);
    const json_t *story = json_object_get (j, "story");
    const json_t *last = json_array_get (story, json_array_size (story) - 1);

    _says (body, "event", "resolved");
    assert_string_equal (json_string_value (
                             json_object_get (json_array_get (story, 0),
                                              "event")),
                         "detected");
    assert_string_equal (json_string_value (json_object_get (last, "event")),
                         "resolved");
}

static void without_a_webhook_nothing_is_posted (void **state)
{
    (void) state;
    incident_end (w, fake_oom ("12", "hold@60s,kill"), "the job has ended");
    assert_int_equal (fake_requests (SPOOL_WEBHOOK, NULL), 0);
}

/* The events of all that is put for the webhook sections, in order; [puts] = in how many
 * requests. */
static const char *_transitions (unsigned *puts)
{
    static char events[512];
    char (*ids)[SPOOL_ID_MAX];
    int all = spool_list_requests (&w->spool, &ids);

    events[0] = '\0';
    *puts = 0;
    for (int i = 0; i < all; i++) {
        cleanup_free char *body = NULL;
        cleanup_json json_t *j = NULL;
        const json_t *record;
        struct mw_err err;
        size_t k;

        if (spool_op_of (ids[i]) != SPOOL_WEBHOOK)
            continue;
        (*puts)++;
        body = spool_read_story (&w->spool, ids[i], &err);
        j = json_loads (body ? body : "", 0, NULL);
        json_array_foreach (json_object_get (j, "story"), k, record) {
            strcat (events, " ");
            strcat (events,
                    json_string_value (json_object_get (record, "event")));
        }
    }
    free (ids);
    return events;
}

static void each_transition_is_put_when_it_happens (void **state)
{
    struct spool_request r;
    struct job *job;
    unsigned puts;

    (void) state;
    w->conf.webhook_count = 1;
    job = fake_oom ("12", "hold@60s,kill");
    report_flush (w);
    assert_string_equal (_transitions (&puts), " detected held");
    fake_requests (SPOOL_WEBHOOK, &r);
    assert_string_equal (r.arg, SPOOL_TRANSITIONS);
    incident_end (w, job, "the job has ended");
    report_flush (w);
    assert_non_null (strstr (_transitions (&puts), " resolved"));
    assert_true (puts >= 2);
}

static void a_warden_that_was_killed_leaves_none_out (void **state)
{
    const char *before;
    uint64_t told;
    unsigned puts;

    (void) state;
    w->conf.webhook_count = 1;
    fake_oom ("12", "hold@60s,kill");
    report_flush (w);
    before = strdup (_transitions (&puts));
    assert_int_equal (spool_told_read (&w->spool, &told), 0);
    assert_int_equal (told, w->journal->seq);
    story_recover (w);
    assert_string_equal (_transitions (&puts), before); /* nothing twice */
    spool_told_put (&w->spool, told - 2); /* it died before the last two */
    story_recover (w);
    assert_int_equal (strncmp (_transitions (&puts), before, strlen (before)),
                      0);
    assert_string_equal (_transitions (&puts) + strlen (before),
                         " detected held");
    free ((char *) before);
    w->conf.webhook_count = 0; /* what was before is nobody's */
    story_recover (w);
    assert_int_equal (spool_told_read (&w->spool, &told), -1);
}

/* ---- answers about jobs that are gone ------------------------------------ */

static void _answered (const char *id, bool ok, const char *text)
{
    struct spool_answer a = { .ok = ok };

    snprintf (a.id, sizeof (a.id), "%s", id);
    snprintf (a.text, sizeof (a.text), "%s", text);
    aftermath_answer (w, &a);
}

static void the_answer_to_a_requeue_ends_the_story_of_a_job (void **state)
{
    (void) state;
    _answered ("run.7.0000000004.requeue", true, "requeued as 12");
    assert_int_equal (fake_recorded ("\"event\":\"answered\""), 1);
    assert_int_equal (fake_recorded ("\"job\":\"run.7\""), 1);
    assert_int_equal (fake_recorded ("job run.7: the answer to "
                                     "run.7.0000000004.requeue: requeued as "
                                     "12\""),
                      1);
}

static void no_other_answer_about_a_job_that_is_gone_is_told (void **state)
{
    (void) state;
    _answered ("12.0000000004.suspend", true, "");
    _answered ("12.0000000004.requeuehold", true, "");
    _answered ("requeue", true, "");
    _answered (".requeue", true, "");
    _answered ("12", true, "");
    _answered ("", true, "");
    assert_int_equal (fake_recorded ("answered"), 0);
}

static void an_answer_about_a_job_is_not_that_about_the_node (void **state)
{
    (void) state;
    w->after->drained = true;
    _answered ("node12.0000000004.requeue", false, "no");
    _answered ("nodes.0000000004.requeue", false, "no");
    assert_true (w->after->drained);
    assert_int_equal (fake_recorded ("the controller's answer"), 0);
    assert_int_equal (fake_recorded ("\"job\":\"node12\""), 1);
}

#define T(name) cmocka_unit_test_setup_teardown (name, fake_begin, fake_end)

int main (void)
{
    const struct CMUnitTest tests[] = {
        T (no_number_drains_a_node_unless_it_is_configured),
        T (the_last_of_so_many_node_ooms_drains_it),
        T (the_first_may_be_enough),
        T (what_is_longer_ago_than_the_window_does_not_count),
        T (a_drain_is_asked_for_once),
        T (one_that_is_refused_is_asked_for_again),
        T (one_that_could_not_be_asked_for_is_tried_again),
        T (in_shadow_mode_no_node_is_drained),
        T (processes_that_do_not_die_drain_it_where_configured),
        T (the_hook_is_told_how_it_ended),
        T (the_outcome_is_in_what_the_hook_is_told),
        T (without_a_hook_none_is_run),
        T (a_hook_without_a_name_is_not_that_of_every_incident),
        T (the_webhook_gets_the_whole_story_once),
        T (without_a_webhook_nothing_is_posted),
        T (each_transition_is_put_when_it_happens),
        T (a_warden_that_was_killed_leaves_none_out),
        T (the_answer_to_a_requeue_ends_the_story_of_a_job),
        T (no_other_answer_about_a_job_that_is_gone_is_told),
        T (an_answer_about_a_job_is_not_that_about_the_node),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
