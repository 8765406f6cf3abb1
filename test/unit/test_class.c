/* Classes: the first that matches, what the controller says and nobody else,
 * and what it changes in a job that has its values already. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "handler/account/class.h"

#define GIB (1024 * MW_MIB)

static struct conf conf;
static struct mw_err err;

static struct conf_class *_add (const char *name)
{
    struct conf_class *c = &conf.classes[conf.class_count++];

    *c = (struct conf_class) { .max_priority = -1 };
    strcpy (c->name, name);
    return c;
}

static int fresh (void **state)
{
    (void) state;
    conf_defaults (&conf);
    conf.class_count = 0;
    return 0;
}

static const char *_class (const char *partition, const char *account,
                           const char *qos)
{
    struct job_facts f = { .known = partition != NULL };
    struct mw_jobspec spec = { .user = "root" };
    const struct conf_class *c;

    if (partition) {
        strcpy (f.partition, partition);
        strcpy (f.account, account);
        strcpy (f.qos, qos);
    }
    c = class_of (&conf, &spec, &f);
    return c ? c->name : "";
}

static void every_pattern_given_must_match (void **state)
{
    struct conf_class *c = _add ("prod");

    (void) state;
    strcpy (c->match_qos, "prod*");
    strcpy (c->match_account, "physics");
    strcpy (c->match_partition, "p[12]");
    strcpy (c->match_user, "root");
    assert_string_equal (_class ("p1", "physics", "production"), "prod");
    assert_string_equal (_class ("p3", "physics", "production"), "");
    assert_string_equal (_class ("p1", "chemistry", "production"), "");
    assert_string_equal (_class ("p1", "physics", "normal"), "");
    strcpy (c->match_user, "nobody");
    assert_string_equal (_class ("p1", "physics", "production"), "");
}

static void the_first_that_matches_wins (void **state)
{
    (void) state;
    strcpy (_add ("a")->match_partition, "p2");
    strcpy (_add ("b")->match_account, "phys*");
    _add ("rest");
    assert_string_equal (_class ("p2", "physics", ""), "a");
    assert_string_equal (_class ("p1", "physics", ""), "b");
    assert_string_equal (_class ("p1", "", ""), "rest");
}

static void what_is_not_known_matches_no_pattern (void **state)
{
    (void) state;
    strcpy (_add ("qos")->match_qos, "*");
    strcpy (_add ("user")->match_user, "root");
    assert_string_equal (_class (NULL, NULL, NULL), "user");
    assert_string_equal (_class ("p", "", ""), "qos");
}

static void an_answer_is_read_whole_or_not_at_all (void **state)
{
    struct job_facts f = { .known = false };
    char text[300];
    static const char *const bad[] = {
        "",
        "{}",
        "[]",
        "p",
        "{\"partition\":\"p\",\"account\":\"a\"}",
        "{\"partition\":\"p\",\"account\":\"a\",\"qos\":\"q\"}",
        "{\"partition\":1,\"account\":\"a\",\"qos\":\"q\",\"restarts\":0}",
        "{\"partition\":\"p\\n\",\"account\":\"a\",\"qos\":\"q\","
        "\"restarts\":0}",
        "{\"partition\":\"p\",\"account\":\"a\",\"qos\":\"q\","
        "\"restarts\":-1}",
        /* is kept for a count that is not known */
        "{\"partition\":\"p\",\"account\":\"a\",\"qos\":\"q\","
        "\"restarts\":4294967295}",
    };

    (void) state;
    for (size_t i = 0; i < sizeof (bad) / sizeof (bad[0]); i++) {
        errno = 0;
        assert_int_equal (class_parse (bad[i], &f, &err), -1);
        assert_int_equal (errno, EPROTO);
        assert_false (f.known);
    }
    snprintf (text, sizeof (text),
              "{\"partition\":\"p\",\"account\":\"a\","
              "\"qos\":\"%064d\",\"restarts\":0}",
              0);
    assert_int_equal (class_parse (text, &f, &err), -1);
    assert_int_equal (class_parse ("{\"partition\":\"p\",\"account\":\"\","
                                   "\"qos\":\"normal\",\"restarts\":3}",
                                   &f, &err),
                      0);
    assert_true (f.known);
    assert_int_equal (f.restarts, 3);
    assert_string_equal (f.partition, "p");
    assert_string_equal (f.account, "");
    assert_string_equal (f.qos, "normal");
}

static struct job_cuts cuts;

static struct job *_new_job (struct job_table *t, unsigned priority)
{
    struct job *job = job_new (t);

    assert_non_null (job);
    job->spec = (struct mw_jobspec) { .key = "7",
                                      .uid = 1000,
                                      .cpus = 1,
                                      .priority = priority,
                                      .reservation = GIB };
    assert_int_equal (job_resolve (job, &conf, 16 * GIB, 4, &cuts, &err), 0);
    return job;
}

static int _reclass (struct job *job, const struct conf_class *c)
{
    return job_reclass (job, c, &conf, 16 * GIB, 4, &cuts, &err);
}

static void a_class_that_is_known_late_gives_what_it_gives (void **state)
{
    struct conf_class *c = _add ("small");
    struct job_table t = { .count = 0 };
    struct job *job = _new_job (&t, 500);

    (void) state;
    c->max_priority = 100;
    assert_int_equal (mw_amount_parse ("3G", &c->burst, &err), 0);
    assert_int_equal (mw_amount_parse ("4G", &c->max_burst, &err), 0);
    assert_int_equal (mw_ladder_parse ("kill", &c->ladder, &err), 0);
    assert_int_equal (_reclass (job, c), 0);
    assert_ptr_equal (job->class, c);
    assert_int_equal (job->priority, 100);
    assert_int_equal (job->limit, 3 * GIB);
    assert_int_equal (job->ladder->count, 1);
    assert_non_null (strstr (cuts.given.text, "priority capped at 100"));
    assert_int_equal (_reclass (job, NULL), 0);
    assert_int_equal (job->priority, 500);
    assert_true (job->ladder->count > 1);
    job_free (&t, job);
}

static void a_class_gives_a_retry_and_caps_one (void **state)
{
    struct conf_class *c = _add ("small");
    struct job_table t = { .count = 0 };
    struct job *job = _new_job (&t, 500);

    (void) state;
    assert_false (mw_retry_is (&job->retry));
    job->spec.slurm_id = 7;
    job->spec.batch = true;
    assert_int_equal (mw_retry_parse ("x3,tries=2", &c->retry, &err), 0);
    assert_int_equal (mw_retry_parse ("x2,tries=9", &c->max_retry, &err), 0);
    assert_int_equal (mw_ladder_parse ("grow@1m,kill", &c->ladder, &err), 0);
    assert_int_equal (_reclass (job, c), 0);
    assert_true (job->retry.factor == 2 && job->retry.tries == 2);
    assert_non_null (strstr (cuts.given.text, "x3,tries=2 is cut to x2"));
    /* it is run again before it is killed */
    assert_int_equal (job->ladder->count, 3);
    assert_int_equal (job->ladder->step[1].kind, MW_STEP_REQUEUE);
    assert_int_equal (job->ladder->step[2].kind, MW_STEP_KILL);
    /* a job says otherwise, and what is no batch job has not asked for it */
    assert_int_equal (mw_retry_parse ("off", &job->spec.retry, &err), 0);
    assert_int_equal (job_resolve (job, &conf, 16 * GIB, 4, &cuts, &err), 0);
    assert_false (mw_retry_is (&job->retry));
    assert_int_equal (job->ladder->count, 2);
    job->spec.retry = (struct mw_retry) { 0 };
    job->spec.batch = false;
    assert_int_equal (job_resolve (job, &conf, 16 * GIB, 4, &cuts, &err), 0);
    assert_false (mw_retry_is (&job->retry));
    job_free (&t, job);
}

static void what_people_have_set_stays_up_to_the_caps (void **state)
{
    struct conf_class *c = _add ("small");
    struct job_table t = { .count = 0 };
    struct job *low = _new_job (&t, 500), *high = _new_job (&t, 500);
    struct mw_ladder own;

    (void) state;
    c->max_priority = 100;
    assert_int_equal (mw_amount_parse ("x2", &c->max_burst, &err), 0);
    assert_int_equal (mw_ladder_parse ("hold@1m,kill", &own, &err), 0);
    low->priority = 50;
    ladder_drop (low->ladder);
    low->ladder = ladder_share (&own);
    high->priority = 700;
    high->limit = 5 * GIB;
    assert_int_equal (_reclass (low, c), 0);
    assert_int_equal (low->priority, 50);
    assert_int_equal (low->ladder->count, 2);
    assert_int_equal (_reclass (high, c), 0);
    assert_int_equal (high->priority, 100);
    assert_true (high->limit <= 2 * GIB);
    job_free (&t, low);
    job_free (&t, high);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup (every_pattern_given_must_match, fresh),
        cmocka_unit_test_setup (the_first_that_matches_wins, fresh),
        cmocka_unit_test_setup (what_is_not_known_matches_no_pattern, fresh),
        cmocka_unit_test_setup (an_answer_is_read_whole_or_not_at_all, fresh),
        cmocka_unit_test_setup (a_class_that_is_known_late_gives_what_it_gives,
                                fresh),
        cmocka_unit_test_setup (a_class_gives_a_retry_and_caps_one, fresh),
        cmocka_unit_test_setup (what_people_have_set_stays_up_to_the_caps,
                                fresh),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
