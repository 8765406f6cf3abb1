/* Jobs, second part (see test_register.c): over a restart, a reload and the end
 * of the warden. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "handler/daemon/register.h"
#include "handler/record/ask.h"
#include "handler/record/journal.h"
#include "handler/record/report.h"
#include "lib/cgfile.h"
#include "lib/cleanup.h"
#include "test/unit/fake_peer.h"

static struct warden *const w = &fake.w;

/* Another warden starts, with what is on record. */
static void _restart (void)
{
    struct mw_err err;

    while (w->steps.first)
        job_free (&w->steps, w->steps.first);
    while (w->jobs.first)
        job_free (&w->jobs, w->jobs.first);
    journal_close (w->journal);
    assert_int_equal (journal_open (w->journal, fake.dir, fake.dir, &err), 0);
    assert_int_equal (warden_recover (w, &err), 0);
}

/* ---- restart, reload, end ------------------------------------------------ */

static void the_next_warden_takes_up_what_is_there (void **state)
{
    cleanup_fd int gone = peer_memcg ("13");
    cleanup_fd int step = peer_memcg ("12.0");
    char from[128], to[160];
    struct job *job;

    (void) state;
    job = peer_root_registers ("12", peers.dir);
    job->priority = 77;
    report (w, job, "note", REPORT_LOG, "job 12: priority set");
    assert_non_null (peer_root_registers ("13", gone));
    assert_non_null (peer_root_registers ("12.0", step));
    snprintf (from, sizeof (from), "%s/13", fake.dir);
    snprintf (to, sizeof (to), "%s.away", from);
    assert_int_equal (rename (from, to), 0);
    cg_write (peers.dir, "memory.oom_control", "0");
    _restart ();
    job = warden_find (w, "12");
    assert_non_null (job);
    assert_int_equal (job->priority, 77);
    assert_true (job->memcg.armed);
    assert_non_null (job->event);
    peer_has (peers.dir, "memory.oom_control", "1");
    assert_null (warden_find (w, "13"));
    assert_int_equal (w->jobs.count, 1);
    assert_int_equal (w->steps.count, 1);
    assert_int_equal (fake_recorded ("job 12: taken up again"), 1);
    assert_int_equal (fake_recorded ("step 12.0: taken up again"), 1);
    assert_int_equal (fake_recorded (
                          "job 13: gone while the warden was away: "),
                      1);
    assert_true (w->request_seq >= w->journal->seq);
}

static void what_cannot_be_looked_at_is_not_gone (void **state)
{
    struct job *job = peer_root_registers ("12", peers.dir);

    (void) state;
    job->priority = 77;
    report (w, job, "note", REPORT_LOG, "job 12: priority set");
    peers.no_cgroup = true;
    _restart ();
    assert_null (warden_find (w, "12"));
    assert_int_equal (w->later.count, 1);
    assert_int_equal (fake_recorded ("gone while the warden was away"), 0);
    assert_null (peer_root_registers ("12", peers.dir));
    assert_int_equal (w->later.count, 1);
    peers.no_cgroup = false;
    job = peer_root_registers ("12", peers.dir);
    assert_non_null (job);
    assert_int_equal (job->priority, 77);
    assert_int_equal (fake_recorded ("job 12: taken up again"), 1);
    assert_int_equal (w->later.count, 0);
}

static void a_directory_of_the_same_name_is_another (void **state)
{
    cleanup_fd int other = -1;
    char from[128], to[160];

    (void) state;
    assert_non_null (peer_root_registers ("12", peers.dir));
    snprintf (from, sizeof (from), "%s/12", fake.dir);
    snprintf (to, sizeof (to), "%s.away", from);
    assert_int_equal (rename (from, to), 0);
    other = peer_memcg ("12");
    _restart ();
    assert_null (warden_find (w, "12"));
    assert_int_equal (fake_recorded ("another has taken its name"), 1);
    peer_has (other, "memory.oom_control", "oom_kill_disable 0");
}

static void a_warden_that_only_watches_gives_back_what_was_taken (void **state)
{
    struct job *job;

    (void) state;
    assert_non_null (peer_root_registers ("12", peers.dir));
    w->conf.shadow = true;
    _restart ();
    job = warden_find (w, "12");
    assert_non_null (job);
    assert_false (job->memcg.armed);
    assert_true (job->memcg.shadow);
    assert_non_null (job->event);
    peer_has (peers.dir, "memory.oom_control", "0");
}

static void an_incident_goes_on_in_the_next_warden (void **state)
{
    unsigned number;
    struct job *job;

    (void) state;
    peer_in_oom (peers.dir);
    job = peer_root_registers ("12", peers.dir);
    assert_true (job->incident.open);
    number = job->incident.number;
    _restart ();
    job = warden_find (w, "12");
    assert_true (job->incident.open);
    assert_int_equal (job->incident.number, number);
    assert_true (fake_timer_is_on (job));
}

static void an_oom_of_meanwhile_is_found (void **state)
{
    cleanup_fd int step = peer_memcg ("12.0");

    (void) state;
    assert_false (peer_root_registers ("12", peers.dir)->incident.open);
    assert_false (peer_root_registers ("12.0", step)->incident.open);
    peer_in_oom (peers.dir);
    peer_in_oom (step);
    _restart ();
    assert_true (warden_find (w, "12")->incident.open);
    assert_true (warden_find (w, "12.0")->incident.open);
}

static void the_incident_of_one_that_is_gone_ends (void **state)
{
    struct job *job;
    char from[128], to[160];

    (void) state;
    peer_in_oom (peers.dir);
    job = peer_root_registers ("12", peers.dir);
    assert_true (job->incident.open);
    assert_int_equal (ask (w, job, SPOOL_REQUEUE, NULL, false), 0);
    assert_int_equal (fake_requests (SPOOL_REQUEUE, NULL), 1);
    snprintf (from, sizeof (from), "%s/12", fake.dir);
    snprintf (to, sizeof (to), "%s.away", from);
    assert_int_equal (rename (from, to), 0);
    _restart ();
    assert_null (w->jobs.first);
    assert_int_equal (fake_recorded ("ended while the warden was away"), 1);

    struct spool_request r = { .withdrawn = true };

    fake_requests (SPOOL_REQUEUE, &r);
    assert_true (r.withdrawn);
}

static void who_only_watches_ends_its_incident (void **state)
{
    (void) state;
    peer_in_oom (peers.dir);
    assert_true (peer_root_registers ("12", peers.dir)->incident.open);
    w->conf.shadow = true;
    _restart ();
    assert_false (warden_find (w, "12")->incident.open);
    assert_int_equal (fake_recorded ("from now on the warden only watches"), 1);
    assert_true (warden_find (w, "12")->memcg.counting);
}

static void its_class_is_known_from_the_start (void **state)
{
    struct conf_class *c = &w->conf.classes[w->conf.class_count++];

    (void) state;
    snprintf (c->name, sizeof (c->name), "all");
    assert_ptr_equal (peer_root_registers ("12", peers.dir)->class, c);
    assert_int_equal (fake_recorded ("; class all"), 1);
    _restart ();
    assert_ptr_equal (warden_find (w, "12")->class, c);
}

static void what_was_not_asked_yet_is_asked (void **state)
{
    struct job *job = peer_root_registers ("12", peers.dir);

    (void) state;
    spool_cancel (&w->spool, job->lookup);
    _restart ();
    assert_int_equal (fake_requests (SPOOL_LOOKUP, NULL), 1);
}

static void at_the_end_nobody_is_left_frozen (void **state)
{
    cleanup_fd int freezer = peer_frozen ();

    (void) state;
    warden_hand_back (w);
    peer_has (freezer, "freezer.state", "THAWED");
}

/* What is written down of them is all that is needed, and goes with it. */
static void at_the_end_limits_of_processes_are_what_they_were (void **state)
{
    int at = w->journal->state_dir;
    struct job *job = peer_root_registers ("12", peers.dir);

    (void) state;
    assert_int_equal (mkdirat (at, "rlimits", 0700), 0);
    close (openat (at, "rlimits/12", O_WRONLY | O_CREAT, 0600));
    warden_hand_back (w);
    assert_int_equal (faccessat (at, "rlimits/12", F_OK, 0), 0);
    job->incident.enomem = true;
    warden_hand_back (w);
    assert_int_equal (faccessat (at, "rlimits/12", F_OK, 0), -1);
}

static void what_slurm_has_suspended_stays_so (void **state)
{
    cleanup_fd int freezer = peer_frozen ();

    (void) state;
    warden_find (w, "12")->incident.slurm_stops_ms = fake.now;
    warden_hand_back (w);
    peer_has (freezer, "freezer.state", "FROZEN");
}

static void at_the_end_each_job_is_the_kernels (void **state)
{
    cleanup_fd int step = peer_memcg ("12.0");
    struct job *job = peer_root_registers ("12", peers.dir);

    (void) state;
    assert_non_null (peer_root_registers ("12.0", step));
    warden_hand_back (w);
    peer_has (peers.dir, "memory.oom_control", "0");
    peer_has (step, "memory.oom_control", "0");
    assert_false (job->memcg.armed);
    assert_null (job->event);
    assert_ptr_equal (warden_find (w, "12"), job); /* for the next one */
    assert_int_equal (fake_recorded ("\"event\":\"released\""), 0);
}

static void a_reload_puts_jobs_into_their_classes (void **state)
{
    struct job *job = peer_root_registers ("12", peers.dir);
    struct conf_class *c = &w->conf.classes[w->conf.class_count];

    (void) state;
    assert_null (job->class);
    snprintf (c->name, sizeof (c->name), "all");
    w->conf.class_count++;
    w->conf.node_reserve = (struct mw_amount) { .kind = MW_AMOUNT_BYTES,
                                                .bytes = 3 * MW_GIB };
    warden_reconfigured (w);
    assert_ptr_equal (job->class, c);
    assert_int_equal (w->node_reserve, 3 * MW_GIB);
    assert_true (peer_room_is_due ());
}

static void a_class_that_asks_the_controller_has_it_asked (void **state)
{
    struct conf_class *c = &w->conf.classes[0];

    (void) state;
    w->conf.shadow = true;
    assert_non_null (peer_root_registers ("12", peers.dir));
    assert_int_equal (fake_requests (SPOOL_LOOKUP, NULL), 0);
    snprintf (c->name, sizeof (c->name), "long");
    snprintf (c->match_partition, sizeof (c->match_partition), "long");
    w->conf.class_count = 1;
    warden_reconfigured (w);
    assert_int_equal (fake_requests (SPOOL_LOOKUP, NULL), 1);
}

#define T(name) \
    cmocka_unit_test_setup_teardown (name, peer_job_begin, peer_job_end)

int main (void)
{
    const struct CMUnitTest tests[] = {
        T (the_next_warden_takes_up_what_is_there),
        T (what_cannot_be_looked_at_is_not_gone),
        T (a_directory_of_the_same_name_is_another),
        T (a_warden_that_only_watches_gives_back_what_was_taken),
        T (an_incident_goes_on_in_the_next_warden),
        T (an_oom_of_meanwhile_is_found),
        T (the_incident_of_one_that_is_gone_ends),
        T (who_only_watches_ends_its_incident),
        T (its_class_is_known_from_the_start),
        T (what_was_not_asked_yet_is_asked),
        T (at_the_end_nobody_is_left_frozen),
        T (at_the_end_limits_of_processes_are_what_they_were),
        T (what_slurm_has_suspended_stays_so),
        T (at_the_end_each_job_is_the_kernels),
        T (a_reload_puts_jobs_into_their_classes),
        T (a_class_that_asks_the_controller_has_it_asked),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
