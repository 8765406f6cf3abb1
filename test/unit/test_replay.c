/* A decision about the node: what is written is what is read, however many the
 * jobs are; by the same configuration it is the same, by another one otherwise;
 * a file of anybody's does no harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handler/account/otherwise.h"
#include "handler/account/replay.h"
#include "handler/job/warden.h"
#include "handler/record/journal.h"
#include "lib/cleanup.h"

#define MOST 3000
#define M(n) ((n) *MW_MIB)

static char dir[] = "/tmp/mwt.replay.XXXXXX";
static struct journal journal;
static struct warden w;
static struct policy_job snapshot[MOST];
static struct policy_rank ranks[MOST];
static struct policy_node node;
static struct decision d;
static struct mw_err err;

static int fresh (void **state)
{
    (void) state;
    strcpy (dir + strlen (dir) - 6, "XXXXXX");
    if (!mkdtemp (dir))
        return -1;
    w = (struct warden) { .journal = &journal,
                          .pool_limit = UINT64_MAX,
                          .node_memory = M (4096),
                          .node_reserve = M (96),
                          .scratch = snapshot,
                          .ranks = ranks,
                          .scratch_max = MOST };
    conf_defaults (&w.conf);
    w.conf.node_reserve = (struct mw_amount) { MW_AMOUNT_BYTES, M (96), 0 };
    node = (struct policy_node) { .capacity = M (4000),
                                  .reserve = M (96),
                                  .available = M (50) };
    return journal_open (&journal, dir, dir, &err);
}

static int gone (void **state)
{
    char cmd[64];

    (void) state;
    decision_free (&d);
    while (w.jobs.first)
        job_free (&w.jobs, w.jobs.first);
    journal_close (&journal);
    snprintf (cmd, sizeof (cmd), "rm -rf -- '%s'", dir);
    return system (cmd);
}

static struct policy_job *_add (const char *key, unsigned priority,
                                uint64_t reservation, uint64_t used)
{
    struct policy_job *p = &snapshot[w.jobs.count];
    struct job *job = job_new (&w.jobs);

    assert_non_null (job);
    snprintf (job->spec.key, sizeof (job->spec.key), "%s", key);
    job->spec.uid = 12345;
    job->spec.priority = priority;
    job->priority = priority < 500 ? priority : 500;
    *p = (struct policy_job) {
        .index = w.jobs.count - 1,
        .slurm_id = 100 + w.jobs.count,
        .priority = job->priority,
        .reservation = reservation,
        .limit = 2 * reservation,
        .used = used,
        .elapsed_ms = 60000,
        .cpus = 3,
        .requeueable = true,
    };
    return p;
}

static void _assert_equal (const struct policy_job *a,
                           const struct policy_job *b)
{
    assert_int_equal (a->index, b->index);
    assert_int_equal (a->slurm_id, b->slurm_id);
    assert_int_equal (a->priority, b->priority);
    assert_int_equal (a->reservation, b->reservation);
    assert_int_equal (a->limit, b->limit);
    assert_int_equal (a->lent, b->lent);
    assert_int_equal (a->used, b->used);
    assert_int_equal (a->swap, b->swap);
    assert_int_equal (a->elapsed_ms, b->elapsed_ms);
    assert_int_equal (a->cpus, b->cpus);
    assert_int_equal (a->requeueable, b->requeueable);
    assert_int_equal (a->protect, b->protect);
    assert_int_equal (a->leaving, b->leaving);
    assert_int_equal (a->parked, b->parked);
}

/* Plan for [need] bytes, and write it down. */
static void _decide (uint64_t need, bool at_limit)
{
    struct policy_plan plan = { .ranks = ranks };

    policy_victims (&node, snapshot, w.jobs.count, need, w.conf.order, &plan);
    assert_int_equal (decision_record (&w, &node, at_limit, &plan), 0);
}

/* Read what was written into [d]. Returns in how many records it was. */
static unsigned _read (void)
{
    char path[64];
    cleanup_file FILE *f = NULL;
    cleanup_free char *text = NULL;
    unsigned records = 0;
    size_t room = 0;
    int rc = 0;

    snprintf (path, sizeof (path), "%s/ahead.jsonl", dir);
    assert_non_null (f = fopen (path, "r"));
    while (getline (&text, &room, f) > 0 && text[0] != '\n') {
        cleanup_json json_t *record = json_loads (text, 0, NULL);
        const char *event = json_string_value (
            json_object_get (record, "event"));

        assert_int_equal (rc, 0); /* nothing behind a whole one */
        rc = decision_take (&d, record, &err);
        assert_true (rc >= 0);
        records += !strcmp (event, "decision");
    }
    assert_int_equal (rc, 1);
    return records;
}

static const char *_victims (const struct conf *conf, bool *same)
{
    static char text[256];
    struct replay r;
    size_t n = 0;

    assert_int_equal (replay_decide (&d, conf, &r, &err), 0);
    text[0] = '\0';
    for (unsigned i = 0; i < r.plan.chosen && n < sizeof (text); i++)
        n += (size_t) snprintf (text + n, sizeof (text) - n, "%s%s",
                                i ? " " : "", d.jobs[r.plan.ranks[i].job].key);
    *same = r.same;
    replay_free (&r);
    return text;
}

static void what_is_written_is_read (void **state)
{
    struct policy_job *p;

    (void) state;
    _add ("hog", 900, M (100), M (700))->parked = true;
    p = _add ("12_7", 10, M (500), M (400));
    strcpy (w.jobs.first->next->spec.user, "al\"ice");
    p->swap = M (3);
    p->lent = M (5);
    p->limit = UINT64_MAX;
    p->requeueable = false;
    w.jobs.first->facts = (struct job_facts) { true,   "p\"1", "phys\\",
                                               "\xff", 0,      0 };
    node.swap_total = M (8);
    _decide (M (200), false);
    assert_int_equal (_read (), 1);
    assert_int_equal (d.count, 2);
    assert_int_equal (d.need, M (200));
    assert_int_equal (d.covered, M (700));
    assert_int_equal (d.memory, M (4096));
    assert_true (d.pool_limit == UINT64_MAX);
    assert_false (d.at_limit);
    assert_int_equal (d.node.capacity, node.capacity);
    assert_int_equal (d.node.available, node.available);
    assert_int_equal (d.node.reserve, node.reserve);
    assert_int_equal (d.node.swap_total, node.swap_total);
    assert_string_equal (d.ladder, "reclaim,suspend@10m,requeue,kill");
    assert_string_equal (d.jobs[0].key, "hog");
    assert_string_equal (d.jobs[0].facts.partition, "p\"1");
    assert_string_equal (d.jobs[0].facts.account, "phys\\");
    assert_string_equal (d.jobs[0].facts.qos, "?"); /* not UTF-8 */
    assert_int_equal (d.jobs[0].asked, 900); /* capped by default at 500 */
    assert_int_equal (d.snapshot[0].priority, 500);
    assert_int_equal (d.jobs[1].uid, 12345);
    assert_string_equal (d.jobs[1].user, "al\"ice");
    assert_false (d.jobs[1].facts.known);
    p->limit = INT64_MAX; /* JSON knows no more */
    _assert_equal (&d.snapshot[0], &snapshot[0]);
    _assert_equal (&d.snapshot[1], p);
    assert_int_equal (d.plan[0].verdict, POLICY_SUFFICES_ALONE);
    assert_int_equal (d.plan[1].verdict, POLICY_WITHIN_RESERVATION);
}

static void thousands_of_jobs_take_several_records (void **state)
{
    char key[MW_JOBKEY_MAX];
    unsigned records;
    bool same;

    (void) state;
    for (unsigned i = 0; i < MOST; i++) {
        snprintf (key, sizeof (key), "job%u", i);
        _add (key, i % 600, M (1 + i % 7), M (1 + i % 11));
    }
    _decide (M (9000), false);
    records = _read ();
    assert_true (records >= 10 && records <= 60);
    assert_int_equal (d.count, MOST);
    for (unsigned i = 0; i < MOST; i++) {
        _assert_equal (&d.snapshot[i], &snapshot[i]);
        assert_int_equal (d.plan[i].job, ranks[i].job);
        assert_int_equal (d.plan[i].verdict, ranks[i].verdict);
        assert_int_equal (d.rank[d.plan[i].job], i);
    }
    w.conf.node_reserve.bytes = M (96);
    _victims (&w.conf, &same);
    assert_false (same); /* MemAvailable asks for less than 9000 MiB */
}

static void by_its_own_configuration_it_is_the_same (void **state)
{
    unsigned n, i;
    bool same;

    srandom (20261121);
    for (unsigned round = 0; round < 200; round++) {
        gone (state);
        fresh (state);
        w.conf.order = (enum conf_order) (random () % 2);
        n = 1 + (unsigned) random () % 40;
        for (i = 0; i < n; i++) {
            char key[MW_JOBKEY_MAX];

            snprintf (key, sizeof (key), "j%u", i);
            _add (key, (unsigned) random () % 1001, M (random () % 200),
                  M (random () % 300))
                ->leaving = random () % 9 == 0;
        }
        node.available = M (random () % 96);
        _decide (policy_need (&node, false), false);
        _read ();
        _victims (&w.conf, &same);
        assert_true (same);
    }
}

/* Is the job at [place] of [d] chosen with [reservation]? */
static bool _chosen_with (unsigned place, uint64_t reservation)
{
    struct policy_plan plan = { .ranks = ranks };
    bool chosen = false;

    memcpy (snapshot, d.snapshot, d.count * sizeof (*snapshot));
    snapshot[place].reservation = reservation;
    policy_victims (&d.node, snapshot, d.count, d.need, d.order, &plan);
    for (unsigned i = 0; i < plan.chosen; i++)
        chosen |= ranks[i].job == place;
    return chosen;
}

static void what_would_have_spared_it_is_exact (void **state)
{
    unsigned spared = 0, never = 0;
    struct otherwise o;

    srandom (20261128);
    for (unsigned round = 0; round < 100; round++) {
        gone (state);
        fresh (state);
        w.conf.order = (enum conf_order) (random () % 2);
        for (unsigned i = 0; i < 8; i++) {
            char key[MW_JOBKEY_MAX];

            snprintf (key, sizeof (key), "j%u", i);
            _add (key, (unsigned) random () % 500, M (random () % 200),
                  M (random () % 300));
        }
        node.available = M (random () % 96);
        _decide (policy_need (&node, false), false);
        _read ();
        for (unsigned i = 0; i < d.count; i++) {
            if (!policy_is_chosen (&d.plan[d.rank[i]])) {
                assert_int_equal (otherwise_ask (&d, i, &o), -1);
                continue;
            }
            assert_int_equal (otherwise_ask (&d, i, &o), 0);
            if (o.reservation == 0) {
                never++;
                assert_true (_chosen_with (i, d.snapshot[i].used));
                continue;
            }
            spared++;
            assert_false (_chosen_with (i, o.reservation));
            assert_true (_chosen_with (i, o.reservation - M (1)));
        }
    }
    assert_true (spared > 0 && never > 0);
}

static void who_was_there_too_is_named (void **state)
{
    struct otherwise o;

    (void) state;
    _add ("small", 400, M (200), M (30));
    _add ("large", 400, M (900), M (800));
    _add ("hog", 400, M (100), M (500));
    node.available = M (90);
    _decide (policy_need (&node, false), false);
    _read ();
    assert_int_equal (otherwise_ask (&d, 2, &o), 0);
    assert_int_equal (o.others, 2); /* 90 MiB and theirs were enough */
    assert_int_equal (o.other, 1);
    assert_int_equal (otherwise_ask (&d, 1, &o), -1);
    d.stalls = M (1);
    assert_int_equal (otherwise_ask (&d, 2, &o), -1);
}

static void another_configuration_is_followed (void **state)
{
    struct replay r;
    bool same;

    (void) state;
    _add ("innocent", 10, M (900), M (800));
    _add ("hog", 900, M (100), M (700));
    _decide (policy_need (&node, false), false);
    _read ();
    assert_string_equal (_victims (&w.conf, &same), "hog");
    assert_true (same);

    w.conf.order = CONF_ORDER_STRICT_PRIORITY;
    assert_string_equal (_victims (&w.conf, &same), "innocent");
    assert_false (same);
    w.conf.order = CONF_ORDER_OVERAGE;

    assert_int_equal (mw_ladder_parse ("kill", &w.conf.node_ladder, NULL), 0);
    assert_string_equal (_victims (&w.conf, &same), "hog");
    assert_false (same); /* what is done to it is not */

    w.conf.node_reserve.bytes = M (40);
    assert_string_equal (_victims (&w.conf, &same), "");
    assert_false (same); /* at that moment there was no need */

    w.conf.node_reserve.bytes = M (4096);
    assert_int_equal (replay_decide (&d, &w.conf, &r, &err), -1);
    assert_int_equal (errno, EINVAL);
    replay_free (&r);
}

static void classes_are_found_by_what_the_controller_said (void **state)
{
    struct conf_class *c = &w.conf.classes[0];
    bool same;

    (void) state;
    _add ("a", 100, M (100), M (700));
    _add ("b", 800, M (100), M (700));
    w.jobs.first->facts = (struct job_facts) {
        true, "p", "acct", "prod", 0, 0
    };
    _decide (policy_need (&node, false), false);
    _read ();
    assert_string_equal (_victims (&w.conf, &same), "a");

    w.conf.class_count = 1;
    *c = (struct conf_class) { .max_priority = -1, .protect = true };
    strcpy (c->match_qos, "prod");
    assert_string_equal (_victims (&w.conf, &same), "b");
    c->protect = false;
    c->match_qos[0] = '\0';
    c->max_priority = 50; /* for everybody: the tie-break */
    assert_string_equal (_victims (&w.conf, &same), "b");
    w.conf.class_count = 0;
    w.conf.max_priority = 900; /* b gets what it had asked for */
    assert_string_equal (_victims (&w.conf, &same), "a");
}

static void stalls_and_the_pool_are_followed_too (void **state)
{
    bool same;

    (void) state;
    _add ("a", 100, M (100), M (700));
    node.available = M (3000);
    _decide (M (64), false); /* no number asks for it: stalls do */
    _read ();
    assert_int_equal (d.stalls, M (64));
    assert_string_equal (_victims (&w.conf, &same), "a");
    assert_true (same);
    w.conf.psi.kind = CONF_PSI_OFF;
    assert_string_equal (_victims (&w.conf, &same), "");

    /* as if the pool had told: a limit of somebody else's, 1000 MiB */
    d.stalls = 0;
    d.at_limit = true;
    d.pool_limit = d.node.capacity = d.node.used = M (1000);
    strcpy (w.conf.pool, "/pool");
    assert_string_equal (_victims (&w.conf, &same), "a");
    w.conf.node_reserve.bytes = M (20);
    assert_string_equal (_victims (&w.conf, &same), "a");
    d.pool_limit = d.node.capacity = d.node.used = M (4000);
    assert_string_equal (_victims (&w.conf, &same), ""); /* 4076 now */
    w.conf.node_reserve.bytes = M (200);
    assert_string_equal (_victims (&w.conf, &same), "a");
    w.conf.pool[0] = '\0';
    assert_string_equal (_victims (&w.conf, &same), ""); /* none to tell */
}

#define HEAD_OF(n) \
    "{\"of\":" n ",\"need\":1,\"covered\":1,\"stalls\":0,\"memory\":9," \
    "\"capacity\":9,\"used\":1,\"available\":1,\"reserve\":1,\"swap_free\":0," \
    "\"swap_total\":0,\"order\":\"overage\"}"
#define HEAD HEAD_OF ("1")
#define ROW "[\"k\",\"\",0,0,1,1,1,1,0,1,0,1,1,1,0]"

static int _take (const char *decision)
{
    cleanup_json json_t *record = json_pack ("{s:s,s:s,s:o}", "event",
                                             "decision", "t", "x", "decision",
                                             json_loads (decision, 0, NULL));

    assert_non_null (record);
    return decision_take (&d, record, &err);
}

static void a_file_of_anybodys_does_no_harm (void **state)
{
    static const char *const bad[] = {
        "{}",
        "[]",
        "{\"v\":1}",
        "{\"v\":1,\"id\":1}",
        "{\"v\":1,\"id\":1,\"job\":[" ROW "]}",
        "{\"v\":1,\"id\":1,\"head\":{}}",
        "{\"v\":1,\"id\":1,\"head\":{\"of\":4000000000}}",
        "{\"v\":1,\"id\":1,\"head\":" HEAD ",\"job\":[" ROW "," ROW "]}",
        "{\"v\":1,\"id\":1,\"head\":" HEAD ",\"job\":[[]]}",
        "{\"v\":1,\"id\":1,\"head\":" HEAD ",\"job\":[[\"../x\"]]}",
        "{\"v\":1,\"id\":1,\"head\":" HEAD
        ",\"job\":[[\"k\",\"\",0,0,1,5000,1,1,0,1,0,1,1,1,0]]}",
        "{\"v\":1,\"id\":1,\"head\":" HEAD
        ",\"job\":[[\"k\",\"\",0,0,1,-1,1,1,0,1,0,1,1,1,0]]}",
        "{\"v\":1,\"id\":1,\"head\":" HEAD
        ",\"job\":[[\"k\",\"\",0,0,1,1,1,1,0,1,0,1,1,1,0,\"\",\"\"]]}",
        "{\"v\":1,\"id\":1,\"head\":" HEAD ",\"job\":[" ROW "],\"plan\":[1,0]}",
        "{\"v\":1,\"id\":1,\"head\":" HEAD ",\"job\":[" ROW "],\"plan\":[0,9]}",
        "{\"v\":1,\"id\":1,\"head\":" HEAD ",\"job\":[" ROW
        "],\"plan\":[0,0,0,0]}",
        "{\"v\":1,\"id\":1,\"head\":" HEAD_OF ("2") ",\"job\":[" ROW "," ROW
                                                    "],\"plan\":[0,0,0,0]}",
    };

    (void) state;
    for (unsigned i = 0; i < sizeof (bad) / sizeof (bad[0]); i++) {
        assert_int_equal (_take (bad[i]), -1);
        assert_int_equal (errno, EPROTO);
        assert_null (d.jobs);
    }
    assert_int_equal (_take ("{\"v\":2,\"id\":1}"), -1);
    assert_int_equal (errno, ENOTSUP);
    assert_int_equal (_take ("{\"v\":1,\"id\":1,\"head\":" HEAD ",\"job\":[" ROW
                             "],\"plan\":[0,0]}"),
                      1);
}

static void what_was_cut_off_is_not_mixed_with_the_next (void **state)
{
    (void) state;
    assert_int_equal (_take ("{\"v\":1,\"id\":1,\"head\":" HEAD "}"), 0);
    assert_int_equal (_take ("{\"v\":1,\"id\":2,\"job\":[" ROW "]}"), -1);
    assert_int_equal (_take ("{\"v\":1,\"id\":1,\"head\":" HEAD ",\"job\":[" ROW
                             "]}"),
                      0);
    assert_int_equal (_take ("{\"v\":1,\"id\":3,\"head\":" HEAD ",\"job\":[" ROW
                             "]}"),
                      0);
    assert_int_equal (_take ("{\"v\":1,\"id\":3,\"plan\":[0,0]}"), 1);
    assert_int_equal (d.id, 3);
}

int main (void)
{
#define TEST(f) cmocka_unit_test_setup_teardown (f, fresh, gone)
    const struct CMUnitTest tests[] = {
        TEST (what_is_written_is_read),
        TEST (thousands_of_jobs_take_several_records),
        TEST (by_its_own_configuration_it_is_the_same),
        TEST (what_would_have_spared_it_is_exact),
        TEST (who_was_there_too_is_named),
        TEST (another_configuration_is_followed),
        TEST (classes_are_found_by_what_the_controller_said),
        TEST (stalls_and_the_pool_are_followed_too),
        TEST (a_file_of_anybodys_does_no_harm),
        TEST (what_was_cut_off_is_not_mixed_with_the_next),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
