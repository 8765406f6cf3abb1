/* test_node.c - the node's own OOM: its signs, and one victim at a time */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "handler/account/aftermath.h"
#include "handler/incident/incident.h"
#include "handler/watch/node.h"
#include "handler/watch/psi.h"
#include "lib/cleanup.h"
#include "test/unit/fake_node.h"

/* 8 GiB, of which 1 GiB is the node reserve: 7 GiB for jobs, of which a 16th is
 * the margin by which more than needed is freed. */
#define RESERVE MW_GIB
#define MARGIN (448 * MW_MIB)
#define SWAP (8 * MW_GIB)

static struct warden *const w = &fake.w;

/* Two jobs: "12" uses 1 GiB, twice its reservation, "13" is within its own. */
static struct job *over, *within;

static void _two_jobs (const char *node_ladder)
{
    over = fake_job ("12", "kill");
    within = fake_job ("13", "kill");
    fake_uses (over, MW_GIB);
    fake_node_ladder (node_ladder);
    node_watched ();
    fake.left = 1;
}

/* The same, and the node is found to be out of memory. */
static void _node_oom (const char *node_ladder)
{
    _two_jobs (node_ladder);
    node_has (RESERVE - 64 * MW_MIB, SWAP);
    node_later (1);
    assert_true (node_is_short (w));
    assert_true (over->incident.open);
    assert_false (within->incident.open);
}

/* ---- when to look -------------------------------------------------------- */

static void jobs_that_cannot_fill_the_node_are_not_watched (void **state)
{
    struct job *job = fake_job ("12", "kill");
    uint64_t most = FAKE_LIMIT_BYTES + FAKE_RESERVE_BYTES;

    (void) state;
    node_watched ();
    assert_int_equal (node_due (), 1);
    node_has (RESERVE + most + MW_MIB, SWAP);
    node_later (1);
    assert_int_equal (node_due (), NODE_NEVER);
    assert_true (node_has_room ());
    node_has (RESERVE + most, SWAP);
    node_later (1);
    assert_true (node_due () <= 5000);
    node_has (RESERVE + most + MW_MIB, SWAP);
    job->incident.lent = MW_MIB;
    node_later (1);
    assert_true (node_due () <= 5000);
    job->incident.lent = 0;
    node_later (1);
    assert_int_equal (node_due (), NODE_NEVER);
    node_look (w);
    assert_int_equal (node_due (), 1);
}

static void what_others_take_is_seen_now_and_then (void **state)
{
    uint64_t most = FAKE_LIMIT_BYTES + FAKE_RESERVE_BYTES;

    (void) state;
    node_watched ();
    node_has (RESERVE - MW_MIB, SWAP);
    node_glance (w);
    assert_false (node_is_short (w)); /* there is no job */
    node_has (RESERVE + most + MW_MIB, SWAP);
    fake_job ("12", "kill");
    node_later (1);
    assert_int_equal (node_due (), NODE_NEVER);
    node_has (RESERVE + most, SWAP);
    node_glance (w);
    assert_false (node_is_short (w));
    assert_true (node_due () <= 5000);
    node_has (RESERVE - MW_MIB, SWAP);
    node_glance (w);
    assert_true (node_is_short (w));
}

static void without_meminfo_it_is_looked_at_again (void **state)
{
    (void) state;
    node_watched ();
    assert_int_equal (ftruncate (w->meminfo, 0), 0);
    node_later (1);
    node_later (1);
    assert_int_equal (fake_logged ("/proc/meminfo cannot be read"), 1);
    assert_true (node_due () <= 5000);
    assert_false (node_is_short (w));
    fake_available (4 * MW_GIB);
    node_later (1);
    assert_int_equal (fake_logged ("can be read again"), 1);
    assert_int_equal (node_due (), NODE_NEVER);
}

/* In shadow mode nobody is held to a limit. */
static void in_shadow_mode_jobs_are_always_watched (void **state)
{
    (void) state;
    w->conf.shadow = true;
    node_watched ();
    node_later (1);
    assert_int_equal (node_due (), NODE_NEVER);
    fake_job ("12", "kill");
    node_later (1);
    assert_true (node_due () <= 5000);
}

static void one_that_is_stopped_is_looked_after_each_second (void **state)
{
    (void) state;
    _node_oom ("hold@1h,kill");
    assert_true (fake_frozen (over));
    node_has (4 * MW_GIB, SWAP);
    for (unsigned i = 0; i < 20; i++) {
        node_later (node_due ());
        assert_true (node_due () <= 1000);
    }
    assert_int_equal (node_due (), 1000);
    incident_end (w, over, "x");
    node_later (1000);
    assert_int_equal (node_due (), NODE_NEVER);
}

static void one_that_its_own_limit_stops_is_not (void **state)
{
    (void) state;
    fake_oom ("12", "hold@1h,kill");
    node_watched ();
    node_later (1);
    assert_int_equal (node_due (), NODE_NEVER);
}

static void the_fastest_fall_is_reckoned_with (void **state)
{
    uint64_t least = MW_GIB / 1000;

    (void) state;
    assert_int_equal (node_rate (w), least);
    node_watched ();
    node_later (1);
    assert_int_equal (node_rate (w), least);
    node_has (3 * MW_GIB, SWAP);
    node_later (100);
    assert_int_equal (node_rate (w), MW_GIB / 100);
    node_has (3 * MW_GIB, SWAP - MW_GIB / 2); /* pushed out: it falls, too */
    node_later (10);
    assert_int_equal (node_rate (w), MW_GIB / 20);
}

/* ---- an OOM -------------------------------------------------------------- */

static void below_the_reserve_one_has_to_give (void **state)
{
    (void) state;
    _two_jobs ("hold@60s,kill");
    node_has (RESERVE, SWAP);
    node_later (1);
    assert_false (node_is_short (w));
    assert_int_equal (node_opened_ms (w), 0);
    node_has (RESERVE - 64 * MW_MIB, SWAP);
    node_later (1);
    assert_true (node_is_short (w));
    assert_int_equal (node_opened_ms (w), fake.now);
    assert_int_equal (node_due (), 10);
    assert_int_equal (fake.detected, 2); /* the node's and the job's */
    assert_int_equal (over->incident.trigger, TRIGGER_NODE);
    assert_int_equal (fake_rung (over), MW_STEP_HOLD);
    assert_false (within->incident.open);
    assert_int_equal (fake_recorded ("the node is out of memory (MemAvailable "
                                     "is below the node reserve): 512 MiB must "
                                     "be freed"),
                      1);
    assert_int_equal (fake_recorded ("\"event\":\"decision\""), 1);
    assert_int_equal (fake_recorded ("job 13: the node is out of memory: "), 1);
    assert_int_equal (fake_recorded ("its turn comes"), 0);
}

static void whose_turn_may_come_is_told_so (void **state)
{
    (void) state;
    _two_jobs ("hold@60s,kill");
    fake_uses (within, MW_GIB);
    node_has (MW_MIB, SWAP); /* 1,471 MiB: both of them */
    node_later (1);
    assert_int_equal (fake_recorded ("the node is out of memory: its turn "
                                     "comes"),
                      1);
    assert_int_equal (over->incident.open + within->incident.open, 1);
}

static void it_is_over_when_there_is_memory_again (void **state)
{
    (void) state;
    _node_oom ("hold@60s,kill");
    assert_false (node_has_room ());
    node_has (RESERVE - MW_MIB, SWAP);
    node_later (10);
    assert_true (node_is_short (w));
    assert_int_equal (fake.over, 0);
    node_has (RESERVE, SWAP);
    node_later (10);
    assert_int_equal (fake.over, 1); /* with what the kernel did meanwhile */
    assert_false (node_is_short (w));
    assert_int_equal (node_opened_ms (w), 0);
    assert_int_equal (fake_recorded ("memory again after 20 ms; 1 jobs were "
                                     "chosen"),
                      1);
    assert_true (node_has_room ());
    assert_true (over->incident.open); /* until there is room for it */
    node_has (RESERVE - MW_MIB, SWAP);
    node_later (10);
    node_has (RESERVE, SWAP);
    node_later (5);
    assert_int_equal (fake_recorded ("memory again after 5 ms; 1 jobs were "
                                     "chosen"),
                      1);
}

static void jobs_that_come_meanwhile_change_nothing (void **state)
{
    (void) state;
    _node_oom ("hold@60s,kill");
    node_look (w);
    assert_int_equal (node_due (), 10);
}

static void after_some_of_them_no_job_is_to_come_here (void **state)
{
    (void) state;
    w->conf.drain_after = 2;
    w->conf.drain_window_ms = 60000;
    _node_oom ("hold@60s,kill");
    assert_int_equal (fake_requests (SPOOL_DRAIN, NULL), 0);
    node_has (4 * MW_GIB, SWAP);
    node_later (10);
    node_has (RESERVE - MW_MIB, SWAP);
    node_later (10);
    assert_int_equal (fake_requests (SPOOL_DRAIN, NULL), 1);
    node_later (10);
    assert_int_equal (w->after->count, 0);
}

static void nobody_can_be_chosen_is_told_once (void **state)
{
    (void) state;
    node_watched ();
    node_has (RESERVE - MW_MIB, SWAP);
    node_later (1);
    assert_true (node_is_short (w));
    assert_int_equal (node_due (), 1000);
    assert_int_equal (fake_recorded ("\"event\":\"decision\""), 1);
    node_later (1000);
    assert_int_equal (node_due (), 1000);
    assert_int_equal (fake_recorded ("\"event\":\"decision\""), 1);
    assert_int_equal (fake_logged ("no job can be chosen to give any"), 1);
    fake_job ("12", "kill");
    fake_node_ladder ("hold@60s,kill");
    node_later (1000);
    assert_true (job_find (&w->jobs, "12")->incident.open);
    assert_int_equal (fake_recorded ("\"event\":\"decision\""), 2);
}

/* ---- one victim at a time ------------------------------------------------ */

static void a_rung_that_frees_nothing_is_left_soon (void **state)
{
    (void) state;
    _node_oom ("hold@60s,kill");
    node_later (99);
    assert_int_equal (node_due (), 10);
    assert_int_equal (fake_rung (over), MW_STEP_HOLD);
    node_later (1);
    assert_int_equal (fake_rung (over), MW_STEP_KILL);
    assert_int_equal (fake.did[FAKE_KILL], 1);
    assert_int_equal (node_due (), 10);
    assert_int_equal (fake_recorded ("has not freed enough for the node"), 1);
    assert_false (within->incident.open);
}

/* [rung] of a victim is left after [ms]. */
static void _patience (const char *rung, uint64_t ms)
{
    struct job *job = fake_job (rung, "kill");
    enum mw_step_kind kind;
    char ladder[64];

    job->limit = MW_MIB; /* so that its task is no small one to enomem */
    snprintf (ladder, sizeof (ladder), "%s@60s,kill", rung);
    fake_node_ladder (ladder);
    node_has (RESERVE - MW_MIB, SWAP);
    node_later (1);
    kind = fake_rung (job);
    assert_int_not_equal (kind, MW_STEP_KILL);
    node_later (ms - 1);
    assert_int_equal (fake_rung (job), kind);
    node_later (1);
    assert_int_equal (fake_rung (job), MW_STEP_KILL);
    incident_end (w, job, "x");
    node_has (4 * MW_GIB, SWAP);
    node_later (1);
    assert_false (node_is_short (w));
    job_free (&w->jobs, job);
}

static void each_rung_has_its_time (void **state)
{
    (void) state;
    node_watched ();
    fake.left = 1;
    fake.swap_free = 0; /* so a suspend does not push */
    _patience ("hold", 100);
    _patience ("suspend", 100);
    _patience ("slow", 100);
    _patience ("enomem", 100);
    _patience ("signal=USR1", 2000);
}

static void one_that_climbs_by_itself_has_its_time_anew (void **state)
{
    (void) state;
    _node_oom ("hold@50ms,slow@60s,kill");
    fake_deadline (over);
    assert_int_equal (fake_rung (over), MW_STEP_SLOW);
    node_later (0);
    node_later (99);
    assert_int_equal (fake_rung (over), MW_STEP_SLOW);
    node_later (1);
    assert_int_equal (fake_rung (over), MW_STEP_KILL);
}

static void the_next_rung_has_its_time_from_its_beginning (void **state)
{
    (void) state;
    _node_oom ("hold@60s,slow@60s,kill");
    node_later (100);
    assert_int_equal (fake_rung (over), MW_STEP_SLOW);
    node_later (100); /* no look in between */
    assert_int_equal (fake_rung (over), MW_STEP_KILL);
}

static void who_does_not_die_is_not_counted_on_any_more (void **state)
{
    (void) state;
    _node_oom ("kill");
    assert_int_equal (fake.did[FAKE_KILL], 1);
    node_later (1999);
    assert_int_equal (fake_recorded ("is not gone after 2000 ms"), 0);
    node_later (1);
    assert_int_equal (fake_recorded ("is not gone after 2000 ms"), 1);
    assert_false (within->incident.open); /* it may be enough yet */
    assert_int_equal (node_due (), 10);
    node_later (1);
    assert_int_equal (fake_rung (within), MW_STEP_KILL);
    node_later (10);
    assert_int_equal (fake.did[FAKE_KILL], 2);
}

static void the_next_one_comes_when_the_first_is_gone (void **state)
{
    (void) state;
    _node_oom ("kill");
    node_later (10);
    assert_false (within->incident.open);
    fake.left = 0;
    fake_empty (over);
    fake_timer (over);
    assert_false (over->incident.open);
    fake_uses (over, 0);
    node_later (10);
    assert_true (fake_recorded ("\"job\":\"13\",") > 0);
    assert_int_equal (within->incidents, 1);
}

static void that_one_is_not_gone_is_told_once (void **state)
{
    (void) state;
    _node_oom ("kill");
    within->reservation = UINT64_MAX;
    fake_uses (within, 0);
    for (unsigned i = 0; i < 4; i++)
        node_later (2000);
    assert_int_equal (fake_recorded ("is not gone after 2000 ms"), 1);
    assert_int_equal (node_due (), 1000);
}

static void whom_somebody_lets_go_on_is_chosen_again (void **state)
{
    (void) state;
    _node_oom ("hold@60s,kill");
    incident_end (w, over, "x");
    node_later (10);
    assert_int_equal (fake_rung (over), MW_STEP_HOLD);
    assert_int_equal (over->incidents, 2);
}

static void one_that_dies_since_the_last_time_is_waited_for (void **state)
{
    (void) state;
    _node_oom ("kill");
    node_has (4 * MW_GIB, SWAP);
    node_later (10);
    assert_false (node_is_short (w));
    fake_uses (over, 0); /* by what is known */
    node_has (RESERVE - MW_MIB, SWAP);
    node_later (10);
    assert_true (node_is_short (w));
    assert_false (within->incident.open);
    node_later (1980);
    node_later (1);
    assert_true (within->incident.open);
}

static void one_that_was_only_stopped_is_not (void **state)
{
    (void) state;
    _node_oom ("hold@60s,kill");
    node_has (4 * MW_GIB, SWAP);
    node_later (10);
    node_has (RESERVE - MW_MIB, SWAP);
    node_later (10);
    assert_int_equal (fake_rung (over), MW_STEP_KILL);
}

static void one_whose_pages_still_go_out_is_waited_for (void **state)
{
    (void) state;
    _node_oom ("hold@60s,kill");
    over->incident.pushing = true;
    node_has (4 * MW_GIB, SWAP);
    node_later (10);
    node_has (RESERVE - MW_MIB, SWAP);
    node_later (10);
    assert_int_equal (fake_rung (over), MW_STEP_HOLD);
}

/* ---- pages that go out --------------------------------------------------- */

/* "12" is pushing; the node is short by [need] bytes with the margin. */
static void _pushing (uint64_t need)
{
    _two_jobs ("suspend@60s,kill");
    node_has (RESERVE - (need - MARGIN), SWAP);
    node_later (1);
    assert_int_equal (fake_rung (over), MW_STEP_SUSPEND);
    over->incident.pushing = true;
    over->incident.pushed = 0;
}

static void as_long_as_only_the_reserve_is_drawn_on_it_pushes (void **state)
{
    (void) state;
    _pushing (MARGIN + RESERVE / 2 - MW_MIB);
    node_later (10000);
    assert_int_equal (fake_rung (over), MW_STEP_SUSPEND);
    node_has (RESERVE / 2, SWAP);
    node_later (10);
    assert_int_equal (fake_rung (over), MW_STEP_KILL);
}

static void one_that_pushes_has_two_seconds (void **state)
{
    (void) state;
    _pushing (MARGIN + RESERVE / 2);
    node_later (1999);
    assert_int_equal (fake_rung (over), MW_STEP_SUSPEND);
    node_later (1);
    assert_int_equal (fake_rung (over), MW_STEP_KILL);
}

static void who_pushes_fast_enough_goes_on (void **state)
{
    uint64_t need = MARGIN + RESERVE / 2;

    (void) state;
    _pushing (need);
    over->incident.pushed = need / 2000 * 2002;
    node_later (2000);
    assert_int_equal (fake_rung (over), MW_STEP_SUSPEND);
    node_later (10);
    assert_int_equal (fake_rung (over), MW_STEP_KILL);
}

static void who_pushes_faster_than_others_take_has_as_much_time_again (
    void **state)
{
    (void) state;
    _pushing (MARGIN + RESERVE / 2 + 8 * MW_MIB);
    node_has (RESERVE / 2 - 7 * MW_MIB, SWAP);
    node_later (2000);
    assert_int_equal (fake_rung (over), MW_STEP_SUSPEND);
    node_later (1999);
    assert_int_equal (fake_rung (over), MW_STEP_SUSPEND);
    node_has (RESERVE / 2 - 6 * MW_MIB - 4096, SWAP);
    node_later (1);
    assert_int_equal (fake_rung (over), MW_STEP_KILL);
}

/* ---- stalls -------------------------------------------------------------- */

static void stalls_alone_harm_nobody (void **state)
{
    (void) state;
    _two_jobs ("hold@60s,kill");
    node_psi ();
    node_stall (1, 0, 0);
    node_stall (1000, 5000, 0);
    assert_int_equal (fake_logged ("(PSI some 150ms/1s): the node is"), 1);
    assert_false (node_is_short (w));
    node_has (RESERVE + RESERVE / 4, SWAP);
    node_stall (1000, 0, 0); /* the node looked for nothing */
    assert_false (node_is_short (w));
}

static void the_first_stall_has_nothing_to_compare_with (void **state)
{
    (void) state;
    _two_jobs ("hold@60s,kill");
    node_psi ();
    node_has (RESERVE + RESERVE / 4, SWAP);
    node_stall (1, 5000, 0);
    assert_false (node_is_short (w));
    node_stall (2001, 5000, 0); /* too long ago */
    assert_false (node_is_short (w));
    node_stall (2000, 5000, 0);
    assert_true (node_is_short (w));
}

static void for_what_may_come_nobody_within_is_harmed (void **state)
{
    (void) state;
    _two_jobs ("hold@60s,kill");
    node_psi ();
    fake_uses (over, FAKE_LIMIT_BYTES);
    node_has (RESERVE + RESERVE / 4, SWAP);
    node_stall (1, 0, 0);
    node_stall (1000, 5000, 0);
    assert_false (node_is_short (w));
    fake_uses (over, MW_GIB);
    node_stall (1000, 5000, 0);
    assert_true (node_is_short (w));
    assert_true (over->incident.open);
    assert_int_equal (fake_recorded ("(tasks wait for memory, and MemAvailable "
                                     "is close to the node reserve): 192 MiB"),
                      1);
}

static void swap_that_is_full_is_a_second_sign (void **state)
{
    (void) state;
    _two_jobs ("hold@60s,kill");
    node_psi ();
    fake_uses (over, FAKE_LIMIT_BYTES);
    node_has (RESERVE * 13 / 8, SWAP / 16 - 4096);
    node_stall (1, 0, 0);
    node_stall (1000, 5000, 0);
    assert_int_equal (fake_recorded ("and swap is full): 448 MiB"), 1);
    assert_true (over->incident.open || within->incident.open);
}

static void what_is_read_in_again_is_a_second_sign (void **state)
{
    (void) state;
    _two_jobs ("hold@60s,kill");
    node_psi ();
    node_has (RESERVE * 13 / 8, SWAP);
    node_stall (1, 0, 0);
    node_stall (1000, 5000, 112 * MW_MIB);
    assert_false (node_is_short (w));
    node_stall (1000, 5000, 114 * MW_MIB);
    assert_int_equal (fake_recorded ("and what is dropped is read in again"),
                      1);
}

static void _put (const struct job *job, const char *name, const char *key,
                  uint64_t value)
{
    char text[64];
    int n = snprintf (text, sizeof (text), "%s %" PRIu64 "\n", key, value);
    cleanup_fd int fd = openat (job->memcg.dir, name,
                                O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_int_equal (write (fd, text, (size_t) n), n);
}

static void but_not_by_a_job_at_its_own_limit (void **state)
{
    (void) state;
    _two_jobs ("hold@60s,kill");
    node_psi ();
    node_has (RESERVE * 13 / 8, SWAP);
    node_stall (1, 0, 0);
    _put (within, "memory.events", "high", 1);
    _put (within, "memory.stat", "workingset_refault_file",
          114 * MW_MIB / (uint64_t) sysconf (_SC_PAGESIZE));
    node_stall (1000, 5000, 114 * MW_MIB);
    assert_false (node_is_short (w));
    node_stall (1000, 5000, 114 * MW_MIB);
    assert_true (node_is_short (w));
}

/* Both, and tasks that wait for memory while the node has little above its
 * reserve: PSI and its second sign. */
static void _two_jobs_stall (const char *ladder)
{
    _two_jobs (ladder);
    node_psi ();
    node_has (RESERVE + RESERVE / 4, SWAP);
    node_stall (1, 0, 0);
    node_stall (1000, 5000, 0);
}

static void stalls_are_spent_on_one_victim (void **state)
{
    (void) state;
    _two_jobs_stall ("signal=USR1@60s,kill");
    assert_int_equal (fake_rung (over), MW_STEP_SIGNAL);
    node_later (1999); /* no new one: it may free it yet */
    assert_true (node_is_short (w));
    assert_int_equal (fake_rung (over), MW_STEP_SIGNAL);
    node_later (1);
    assert_false (node_is_short (w));
    assert_int_equal (fake_rung (over), MW_STEP_SIGNAL);
}

static void stalls_are_spent_when_it_is_over (void **state)
{
    (void) state;
    _two_jobs_stall ("signal=USR1@60s,kill");
    fake_uses (over, FAKE_LIMIT_BYTES);
    node_later (10);
    assert_false (node_is_short (w));
    fake_uses (over, MW_GIB);
    node_later (10);
    assert_false (node_is_short (w));
}

static void for_stalls_who_pushes_has_no_time (void **state)
{
    (void) state;
    _two_jobs_stall ("suspend@60s,kill");
    assert_int_equal (fake_rung (over), MW_STEP_SUSPEND);
    over->incident.pushing = true;
    over->incident.pushed = 0;
    node_stall (1000, 5000, 0);
    node_stall (1000, 5000, 0);
    node_later (0);
    assert_int_equal (fake_rung (over), MW_STEP_KILL);
}

static void stalls_end_with_the_victim (void **state)
{
    (void) state;
    _two_jobs_stall ("signal=USR1@60s,kill");
    incident_end (w, over, "x");
    node_later (10);
    assert_false (node_is_short (w));
}

static void while_an_oom_is_handled_stalls_wait_for_its_timer (void **state)
{
    (void) state;
    _two_jobs ("hold@60s,kill");
    node_psi ();
    node_has (RESERVE - MW_MIB, SWAP);
    node_later (1);
    assert_true (node_is_short (w));
    node_stall (1000, 5000, 0);
    assert_int_equal (fake_rung (over), MW_STEP_HOLD);
    node_later (0);
    assert_int_equal (fake_rung (over), MW_STEP_KILL);
}

static void a_pressure_file_that_goes_is_done_without (void **state)
{
    (void) state;
    node_watched ();
    node_psi ();
    node_stall (1, 0, 0);
    assert_true (watch_psi_stalled (w));
    fake.now += 2000;
    assert_true (watch_psi_stalled (w));
    fake.now += 1;
    assert_false (watch_psi_stalled (w));
    node_psi_gone ();
    assert_int_equal (fake_logged ("/proc/pressure/memory has gone"), 1);
    assert_null (w->psi);
    assert_false (watch_psi_stalled (w));
    node_later (1);
}

/* ---- who may go on ------------------------------------------------------- */

static void the_first_may_return_when_there_is_room (void **state)
{
    struct job *a = fake_oom ("12", "hold@60s,kill");
    struct job *b = fake_oom ("13", "hold@60s,kill");

    (void) state;
    assert_true (node_may_return (w, a)); /* also without a watch */
    node_watched ();
    assert_true (node_may_return (w, a));
    assert_false (node_may_return (w, b));
    b->priority++;
    assert_false (node_may_return (w, a));
    assert_true (node_may_return (w, b));
    /* a tenth of 7 GiB above the reserve */
    node_has (RESERVE + 717 * MW_MIB, SWAP);
    assert_true (node_may_return (w, b));
    node_has (RESERVE + 716 * MW_MIB, SWAP);
    assert_false (node_may_return (w, b));
}

static void nobody_returns_while_the_node_is_short (void **state)
{
    (void) state;
    _node_oom ("hold@60s,kill");
    node_has (4 * MW_GIB, SWAP);
    assert_false (node_may_return (w, over));
    node_later (10);
    assert_true (node_may_return (w, over));
    assert_false (node_may_return (w, within));
}

static void what_was_stopped_for_it_goes_on (void **state)
{
    (void) state;
    _node_oom ("suspend@60s,kill");
    over->incident.pushing = false;
    node_has (4 * MW_GIB, SWAP);
    node_later (10);
    assert_true (fake_frozen (over));
    incident_headroom (w);
    fake_is_clean (over);
}

#define T(f) cmocka_unit_test_setup_teardown (f, node_begin, node_end)

int main (void)
{
    const struct CMUnitTest tests[] = {
        T (jobs_that_cannot_fill_the_node_are_not_watched),
        T (what_others_take_is_seen_now_and_then),
        T (without_meminfo_it_is_looked_at_again),
        T (in_shadow_mode_jobs_are_always_watched),
        T (one_that_is_stopped_is_looked_after_each_second),
        T (one_that_its_own_limit_stops_is_not),
        T (the_fastest_fall_is_reckoned_with),
        T (below_the_reserve_one_has_to_give),
        T (whose_turn_may_come_is_told_so),
        T (it_is_over_when_there_is_memory_again),
        T (jobs_that_come_meanwhile_change_nothing),
        T (after_some_of_them_no_job_is_to_come_here),
        T (nobody_can_be_chosen_is_told_once),
        T (a_rung_that_frees_nothing_is_left_soon),
        T (each_rung_has_its_time),
        T (one_that_climbs_by_itself_has_its_time_anew),
        T (the_next_rung_has_its_time_from_its_beginning),
        T (who_does_not_die_is_not_counted_on_any_more),
        T (the_next_one_comes_when_the_first_is_gone),
        T (that_one_is_not_gone_is_told_once),
        T (whom_somebody_lets_go_on_is_chosen_again),
        T (one_that_dies_since_the_last_time_is_waited_for),
        T (one_that_was_only_stopped_is_not),
        T (one_whose_pages_still_go_out_is_waited_for),
        T (as_long_as_only_the_reserve_is_drawn_on_it_pushes),
        T (one_that_pushes_has_two_seconds),
        T (who_pushes_fast_enough_goes_on),
        T (who_pushes_faster_than_others_take_has_as_much_time_again),
        T (stalls_alone_harm_nobody),
        T (the_first_stall_has_nothing_to_compare_with),
        T (for_what_may_come_nobody_within_is_harmed),
        T (swap_that_is_full_is_a_second_sign),
        T (what_is_read_in_again_is_a_second_sign),
        T (but_not_by_a_job_at_its_own_limit),
        T (stalls_are_spent_on_one_victim),
        T (stalls_are_spent_when_it_is_over),
        T (for_stalls_who_pushes_has_no_time),
        T (stalls_end_with_the_victim),
        T (while_an_oom_is_handled_stalls_wait_for_its_timer),
        T (a_pressure_file_that_goes_is_done_without),
        T (the_first_may_return_when_there_is_room),
        T (nobody_returns_while_the_node_is_short),
        T (what_was_stopped_for_it_goes_on),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
