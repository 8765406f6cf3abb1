/* What the warden is asked over its socket: who may, and what the answer is.
 * Connections and what is told over them: test_control_peers.c; what becomes
 * of a registration: test_register.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "handler/account/strike.h"
#include "handler/daemon/control.h"
#include "handler/daemon/wish.h"
#include "handler/incident/incident.h"
#include "handler/record/report.h"
#include "lib/cleanup.h"
#include "lib/wire.h"
#include "test/unit/fake_peer.h"

static struct warden *const w = &fake.w;

/* [peers.err] is about [text]. */
static void _is_said (const char *text)
{
    if (!strstr (peers.err.text, text))
        fail_msg ("\"%s\" is not in \"%s\"", text, peers.err.text);
}

/* ---- who may ------------------------------------------------------------- */

static void root_and_its_owner_may_act_on_a_job (void **state)
{
    struct job *job = peer_job ("12", "kill");

    (void) state;
    assert_true (wish_may (job, 0));
    assert_true (wish_may (job, PEER_OWNER));
    assert_false (wish_may (job, PEER_STRANGER));
}

static void jobs_come_and_go_at_roots_word_alone (void **state)
{
    static const char *const types[] = { "register", "release", "ended" };
    struct job *job = peer_job ("12", "signal=USR1@60s,kill");
    cleanup_fd int owner = peer_open (PEER_OWNER);

    (void) state;
    incident_oom (w, job, TRIGGER_JOB);
    for (size_t i = 0; i < sizeof (types) / sizeof (types[0]); i++) {
        assert_int_equal (peer_does (owner, peer_ask (types[i], "12")), EPERM);
        _is_said ("only root may ");
        _is_said (i < 2 ? types[i] : "say that a job has ended");
        _is_said ("you are uid 1000");
    }
    assert_ptr_equal (warden_find (w, "12"), job);
    assert_false (job->over);
}

static void what_is_done_to_a_job_is_its_owners_and_roots (void **state)
{
    static const char *const types[] = { "hold", "resume", "set", "attach" };
    struct job *job = peer_job ("12", "kill");
    cleanup_fd int stranger = peer_open (PEER_STRANGER);
    cleanup_fd int owner = peer_open (PEER_OWNER);
    cleanup_fd int root = peer_open (0);

    (void) state;
    for (size_t i = 0; i < sizeof (types) / sizeof (types[0]); i++) {
        assert_int_equal (peer_does (stranger, peer_ask (types[i], "12")),
                          EPERM);
        _is_said ("job 12 is not yours");
        assert_false (job->incident.open);
    }
    for (size_t i = 0; i < sizeof (types) / sizeof (types[0]); i++)
        assert_int_equal (peer_does (owner, peer_ask (types[i], "12")), 0);
    for (size_t i = 0; i < sizeof (types) / sizeof (types[0]); i++)
        assert_int_equal (peer_does (root, peer_ask (types[i], "12")), 0);
}

static void strikes_are_roots_alone (void **state)
{
    cleanup_fd int owner = peer_open (PEER_OWNER);
    cleanup_fd int root = peer_open (0);
    json_t *req = peer_ask ("strikes", NULL);

    (void) state;
    assert_int_not_equal (peer_does (owner, peer_ask ("strikes", NULL)), 0);
    w->conf.strike_half_ms = 86400000;
    strike_open (w, fake.dir, fake.dir);
    assert_int_equal (peer_does (root, peer_ask ("strikes", NULL)), 0);
    json_object_set_new (req, "forgive", json_integer (PEER_OWNER));
    assert_int_equal (peer_does (root, req), ESRCH);
    req = peer_ask ("strikes", NULL);
    json_object_set_new (req, "forgive", json_string ("all"));
    assert_int_equal (peer_does (root, req), EINVAL);
    req = peer_ask ("strikes", NULL);
    json_object_set_new (req, "forgive", json_integer (-1));
    assert_int_equal (peer_does (root, req), EINVAL);
}

static void a_job_that_is_not_there_is_named (void **state)
{
    static const char *const types[] = { "release", "ended", "hold",
                                         "resume",  "set",   "attach" };
    cleanup_fd int root = peer_open (0);

    (void) state;
    for (size_t i = 0; i < sizeof (types) / sizeof (types[0]); i++) {
        assert_int_equal (peer_does (root, peer_ask (types[i], "7")), ESRCH);
        assert_string_equal (peers.err.text, "there is no job 7 on this node");
        assert_int_equal (peer_does (root, peer_ask (types[i], NULL)), ESRCH);
        assert_string_equal (peers.err.text,
                             "there is no job (none named) on this node");
    }
}

static void a_job_of_an_array_has_two_names (void **state)
{
    struct job *job = peer_job ("12", "kill");
    cleanup_fd int owner = peer_open (PEER_OWNER);

    (void) state;
    job->spec.array_job_id = 10;
    job->spec.array_task_id = 2;
    assert_int_equal (peer_does (owner, peer_ask ("hold", "10_2")), 0);
    assert_true (job->incident.frozen);
    assert_int_equal (peer_does (owner, peer_ask ("hold", "10_3")), ESRCH);
}

/* ---- what is said of jobs ------------------------------------------------ */

static void each_hears_of_his_own_jobs_and_root_of_all (void **state)
{
    struct job *job = peer_job ("12", "kill");
    cleanup_fd int stranger = peer_open (PEER_STRANGER);
    cleanup_fd int owner = peer_open (PEER_OWNER);
    cleanup_fd int root = peer_open (0);

    (void) state;
    peer_job ("13", "kill")->spec.uid = PEER_STRANGER + 1;

    cleanup_json json_t *none = peer_jobs (stranger);
    cleanup_json json_t *own = peer_jobs (owner);
    cleanup_json json_t *all = peer_jobs (root);

    assert_int_equal (json_array_size (none), 0);
    assert_int_equal (json_array_size (own), 1);
    assert_int_equal (json_array_size (all), 2);
    assert_string_equal (peer_text (json_array_get (own, 0), "key"), "12");
    assert_string_equal (peer_text (json_array_get (all, 1), "key"), "13");
    assert_int_equal (peer_int (json_array_get (own, 0), "uid"), PEER_OWNER);
    assert_ptr_equal (warden_find (w, "12"), job);
}

/* The one job that is there, as root hears it: the caller's. */
static json_t *_told (void)
{
    cleanup_fd int root = peer_open (0);
    cleanup_json json_t *all = peer_jobs (root);

    assert_int_equal (json_array_size (all), 1);
    return json_incref (json_array_get (all, 0));
}

static void _describe (struct job *job)
{
    static struct conf_class class = { .name = "vip" };

    job->class = &class;
    job->spec.array_job_id = 10;
    job->spec.array_task_id = 2;
    snprintf (job->spec.name, sizeof (job->spec.name), "sim");
    snprintf (job->facts.partition, sizeof (job->facts.partition), "long");
    snprintf (job->facts.account, sizeof (job->facts.account), "phys");
    snprintf (job->facts.qos, sizeof (job->facts.qos), "high");
    job->memcg.seen = (struct memcg_usage) { .total = 400,
                                             .used = 300,
                                             .swap = 50 };
    job->peak = 1000;
    job->reservation = 100 * MW_MIB;
    job->incidents = 3;
}

static void a_job_is_told_as_it_is (void **state)
{
    struct job *job = peer_job ("12", "grow=50%@1m,kill");

    (void) state;
    _describe (job);
    assert_int_not_equal (asprintf (&job->freezer_path, "/frz/12"), -1);

    cleanup_json json_t *j = _told ();

    assert_string_equal (peer_text (j, "key"), "12");
    assert_string_equal (peer_text (j, "name"), "sim");
    assert_int_equal (peer_int (j, "slurm_id"), 12);
    assert_int_equal (peer_int (j, "array_job_id"), 10);
    assert_int_equal (peer_int (j, "array_task_id"), 2);
    assert_int_equal (peer_int (j, "priority"), MW_PRIORITY_DEFAULT);
    assert_int_equal (peer_int (j, "reservation"), 100 * MW_MIB);
    assert_int_equal (peer_int (j, "limit"), FAKE_LIMIT_BYTES);
    assert_int_equal (peer_int (j, "reserve"), FAKE_RESERVE_BYTES);
    assert_int_equal (peer_int (j, "lent"), 0);
    assert_int_equal (peer_int (j, "used"), 300);
    assert_int_equal (peer_int (j, "total"), 400);
    assert_int_equal (peer_int (j, "swap"), 50);
    assert_int_equal (peer_int (j, "peak"), 1000);
    assert_string_equal (peer_text (j, "ladder"), "grow=50%@1m,kill");
    assert_string_equal (peer_text (j, "memory"), job->memcg.path);
    assert_string_equal (peer_text (j, "freezer"), "/frz/12");
    assert_int_equal (peer_int (j, "incidents"), 3);
    assert_true (json_is_null (json_object_get (j, "incident")));
    assert_string_equal (peer_text (j, "class"), "vip");
    assert_string_equal (peer_text (j, "partition"), "long");
    assert_string_equal (peer_text (j, "account"), "phys");
    assert_string_equal (peer_text (j, "qos"), "high");
    assert_true (json_is_false (json_object_get (j, "held")));
    assert_true (json_is_false (json_object_get (j, "suspended")));
    assert_true (json_is_false (json_object_get (j, "slurm_suspended")));
}

static void a_name_that_is_no_text_is_not_told (void **state)
{
    struct job *job = peer_job ("12", "kill");

    (void) state;
    snprintf (job->spec.name, sizeof (job->spec.name), "s\xffm");

    cleanup_json json_t *j = _told ();

    assert_string_equal (peer_text (j, "name"), "?");
    assert_string_equal (peer_text (j, "class"), "");
    assert_string_equal (peer_text (j, "freezer"), "");
}

static void an_incident_is_told_with_its_time (void **state)
{
    struct job *job = peer_job ("12", "hold@60s,kill");

    (void) state;
    incident_oom (w, job, TRIGGER_JOB);
    fake.now += 20000;

    cleanup_json json_t *j = _told ();
    const json_t *in = json_object_get (j, "incident");

    assert_string_equal (peer_text (in, "id"), "12.1");
    assert_string_equal (peer_text (in, "trigger"), "job");
    assert_string_equal (peer_text (in, "step"), "hold");
    assert_int_equal (peer_int (in, "age_ms"), 20000);
    assert_int_equal (peer_int (in, "left_ms"), 40000);
    assert_int_equal (peer_int (in, "held_ms"), 20000);
    assert_string_equal (peer_text (in, "rung"), "hold@1m");
    assert_string_equal (peer_text (in, "next"), "kill");
    assert_true (json_is_true (json_object_get (j, "held")));
    assert_int_equal (peer_int (j, "incidents"), 1);
}

static void while_slurm_stops_it_its_time_stands_still (void **state)
{
    struct job *job = peer_job ("12", "hold@60s,kill");

    (void) state;
    incident_oom (w, job, TRIGGER_JOB);
    job->incident.slurm_stops_ms = fake.now + 10000;
    job->incident.suspended = true;
    fake.now += 55000;

    cleanup_json json_t *j = _told ();
    const json_t *in = json_object_get (j, "incident");

    assert_int_equal (peer_int (in, "age_ms"), 55000);
    assert_int_equal (peer_int (in, "left_ms"), 50000);
    assert_true (json_is_true (json_object_get (j, "slurm_suspended")));
    assert_true (json_is_true (json_object_get (j, "suspended")));
    job->incident.slurm_stops_ms = 0;
    job->incident.suspended = false;
    fake.now += 10000; /* it is over by now */

    cleanup_json json_t *over = _told ();

    assert_int_equal (peer_int (json_object_get (over, "incident"), "left_ms"),
                      0);
}

static void more_jobs_than_a_packet_holds_come_in_pages (void **state)
{
    cleanup_fd int root = peer_open (0);
    cleanup_fd int owner = peer_open (PEER_OWNER);
    char key[16];

    (void) state;
    for (int i = 0; i < 200; i++) {
        snprintf (key, sizeof (key), "%d", 1000 + i);
        peer_job (key, "kill")->spec.uid = i % 10 ? 0 : PEER_OWNER;
    }

    cleanup_json json_t *page = peer_call (root, peer_ask ("jobs", NULL), NULL,
                                           0, NULL);
    cleanup_json json_t *all = peer_jobs (root);
    cleanup_json json_t *own = peer_jobs (owner);
    const json_t *jobs = json_object_get (page, "jobs");
    size_t n = json_array_size (jobs);

    assert_true (n > 50 && n < 200);
    assert_string_equal (peer_text (page, "next"),
                         peer_text (json_array_get (jobs, n - 1), "key"));
    assert_int_equal (json_array_size (all), 200);
    for (size_t i = 0; i < 200; i++) {
        snprintf (key, sizeof (key), "%zu", 1000 + i);
        assert_string_equal (peer_text (json_array_get (all, i), "key"), key);
    }
    assert_int_equal (json_array_size (own), 20);
}

/* JSON's numbers end at INT64_MAX */
static void what_slurm_limits_it_to_at_a_steps_start_is_told (void **state)
{
    cleanup_fd int root = peer_open (0);
    struct job *one = peer_job ("12", "kill"), *other = peer_job ("13", "kill");

    (void) state;
    one->given_hard = 300 * MW_MIB;
    other->given_hard = MEMCG_NO_LIMIT;

    cleanup_json json_t *all = peer_jobs (root);

    assert_int_equal (peer_int (json_array_get (all, 0), "start_limit"),
                      300 * MW_MIB);
    assert_int_equal (peer_int (json_array_get (all, 1), "start_limit"),
                      INT64_MAX);
}

static void the_last_page_has_no_next (void **state)
{
    cleanup_fd int root = peer_open (0);
    json_t *req = peer_ask ("jobs", NULL);

    (void) state;
    peer_job ("12", "kill");
    peer_job ("13", "kill");
    json_object_set_new (req, "after", json_string ("12"));

    cleanup_json json_t *page = peer_call (root, req, NULL, 0, NULL);
    const json_t *jobs = json_object_get (page, "jobs");

    assert_int_equal (json_array_size (jobs), 1);
    assert_string_equal (peer_text (json_array_get (jobs, 0), "key"), "13");
    assert_null (json_object_get (page, "next"));
}

static void behind_a_job_that_is_gone_is_nothing_to_be_had (void **state)
{
    cleanup_fd int root = peer_open (0);
    json_t *req = peer_ask ("jobs", NULL);

    (void) state;
    peer_job ("12", "kill");
    json_object_set_new (req, "after", json_string ("11"));
    assert_int_equal (peer_does (root, req), ESTALE);
    _is_said ("job 11, behind which to go on, is not there any more");
}

/* ---- the job that one is in ---------------------------------------------- */

/* Who connects is in [cgroup]: which job is it told of? "" = none. */
static void _self_is (const char *cgroup, const char *key)
{
    cleanup_json json_t *reply = NULL;
    cleanup_fd int sock = -1;

    peer_is_in (cgroup);
    sock = peer_open (PEER_OWNER);
    reply = peer_call (sock, peer_ask ("self", NULL), NULL, 0, NULL);
    if (key[0]) {
        assert_non_null (reply);
        assert_string_equal (peer_text (json_object_get (reply, "job"), "key"),
                             key);
        return;
    }
    assert_null (reply);
    assert_int_equal (errno, ESRCH);
    assert_string_equal (peers.err.text,
                         "process 4711 is in no job of this node");
}

static void a_process_hears_of_the_job_that_it_is_in (void **state)
{
    struct job *job = peer_job ("12", "kill");

    (void) state;
    peer_job ("123", "kill");
    free (job->memcg.path);
    job->memcg.path = strdup ("/sys/fs/cgroup/memory/slurm/uid_0/job_12");
    _self_is ("0::/slurm/uid_0/job_12\n", "12");
    _self_is ("4:cpu:/\n3:memory:/slurm/uid_0/job_12/step_0/task_0\n", "12");
    _self_is ("3:memory:/slurm/uid_0/job_12", "12");
    _self_is ("3:memory:/slurm/uid_0/job_123\n", "");
    _self_is ("3:memory:/slurm/uid_0/job_1\n", "");
    _self_is ("3:memory:/slurm/uid_0\n", "");
    _self_is ("3:memory:/\n", "");
    _self_is ("3:memory:/", "");
    _self_is ("no path\n", "");
    _self_is ("", "");
}

/* Whoever can put a process into another's cgroup has not got his job by that. */
static void a_strangers_process_in_it_hears_nothing_of_a_job (void **state)
{
    struct job *job = peer_job ("12", "kill");
    cleanup_fd int stranger = -1;

    (void) state;
    free (job->memcg.path);
    job->memcg.path = strdup ("/sys/fs/cgroup/memory/slurm/uid_0/job_12");
    peer_is_in ("3:memory:/slurm/uid_0/job_12\n");
    stranger = peer_open (PEER_STRANGER);
    assert_int_equal (peer_does (stranger, peer_ask ("self", NULL)), EPERM);
    _is_said ("job 12, which is not yours");
}

/* A key is used again (`memwarden run --name`, a counter that begins anew). */
static void what_is_said_of_a_job_is_for_its_own_owner (void **state)
{
    struct job *job = peer_job ("12", "kill");
    cleanup_fd int before = peer_open (PEER_OWNER);
    cleanup_fd int root = peer_open (0);
    cleanup_json json_t *note = NULL;

    (void) state;
    assert_int_equal (peer_does (before, peer_ask ("attach", "12")), 0);
    assert_int_equal (peer_does (root, peer_ask ("attach", "12")), 0);
    job->spec.uid = PEER_STRANGER; /* as another run of that key has it */
    control_note (w, job, "it is somebody else's");
    assert_null (peer_hears (before));
    note = peer_hears (root);
    assert_non_null (note);
}

static void a_process_that_is_gone_is_in_no_job (void **state)
{
    struct job *job = peer_job ("12", "kill");
    char path[128];

    (void) state;
    free (job->memcg.path);
    job->memcg.path = NULL; /* one that could not be opened has none */
    _self_is ("0::/slurm/uid_0/job_12\n", "");
    snprintf (path, sizeof (path), "%s/proc/4711/cgroup", fake.dir);
    unlink (path);

    cleanup_fd int sock = peer_open (PEER_STRANGER);

    assert_int_equal (peer_does (sock, peer_ask ("self", NULL)), ESRCH);
    peers.pid = 4712;

    cleanup_fd int other = peer_open (PEER_STRANGER);

    assert_int_equal (peer_does (other, peer_ask ("self", NULL)), ESRCH);
    job->memcg.path = strdup ("/sys/fs/cgroup/memory/slurm/uid_0/job_12");
}

/* ---- hold and resume ----------------------------------------------------- */

static void an_owner_holds_his_job_and_lets_it_go_on (void **state)
{
    struct job *job = peer_job ("12", "kill");
    cleanup_fd int owner = peer_open (PEER_OWNER);

    (void) state;
    fake_uses (job, FAKE_LIMIT_BYTES / 2);
    assert_int_equal (peer_does (owner, peer_ask ("resume", "12")), EINVAL);
    _is_said ("job 12 is not held");
    assert_int_equal (peer_does (owner, peer_ask ("hold", "12")), 0);
    assert_true (fake_frozen (job));
    assert_int_equal (job->incident.trigger, TRIGGER_ADMIN);
    assert_int_equal (peer_does (owner, peer_ask ("hold", "12")), EBUSY);
    assert_int_equal (peer_does (owner, peer_ask ("resume", "12")), 0);
    fake_is_clean (job);
}

static void what_cannot_be_held_is_said (void **state)
{
    cleanup_fd int owner = peer_open (PEER_OWNER);

    (void) state;
    peer_job ("12", "kill");
    fake.fails[FAKE_FREEZE] = EIO;
    assert_int_equal (peer_does (owner, peer_ask ("hold", "12")), EIO);
    w->conf.shadow = true;
    assert_int_equal (peer_does (owner, peer_ask ("hold", "12")), ENOTSUP);
    _is_said ("shadow");
}

/* ---- the end of its script ----------------------------------------------- */

static void slurm_waits_for_a_ladder_that_is_not_done (void **state)
{
    struct job *job = peer_job ("12", "signal=USR1@60s,kill");
    cleanup_fd int root = peer_open (0);

    (void) state;
    incident_oom (w, job, TRIGGER_JOB);
    assert_int_equal (fake_rung (job), MW_STEP_SIGNAL);
    assert_int_equal (peer_ended (root, "12", SIGUSR1), 1);
    assert_true (job->over);
    assert_int_equal (job->incident.status, SIGUSR1);
}

static void without_an_incident_slurm_need_not_wait (void **state)
{
    struct job *job = peer_job ("12", "kill");
    cleanup_fd int root = peer_open (0);

    (void) state;
    assert_int_equal (peer_ended (root, "12", 0), 0);
    assert_true (job->over);
    assert_int_equal (peer_ended (root, "13", 0), -1);
    assert_int_equal (errno, ESRCH);
}

/* ---- history and node ---------------------------------------------------- */

/* The history that [sock] hears of; [old]: of before. */
static void _history (int sock, bool old, char *buf, size_t len)
{
    json_t *req = peer_ask ("history", NULL);
    cleanup_json json_t *reply = NULL;
    cleanup_fd int fd = -1;
    ssize_t n;

    if (old)
        json_object_set_new (req, "old", json_true ());
    reply = peer_call (sock, req, NULL, 0, &fd);
    buf[0] = '\0';
    if (!reply)
        return;
    assert_true (fd >= 0);
    n = read (fd, buf, len - 1);
    assert_true (n >= 0);
    buf[n] = '\0';
    assert_int_equal (write (fd, "x", 1), -1);
}

static void each_reads_his_own_history_and_root_all (void **state)
{
    cleanup_fd int stranger = peer_open (PEER_STRANGER);
    cleanup_fd int owner = peer_open (PEER_OWNER);
    cleanup_fd int root = peer_open_users (0);
    struct job *job = peer_job ("12", "kill");
    char text[16384];

    (void) state;
    peer_job ("13", "kill")->spec.uid = 1234;
    report (w, job, "note", REPORT_LOG, "this is his");
    report (w, NULL, "note", REPORT_LOG, "this is nobody's");
    _history (owner, false, text, sizeof (text));
    assert_non_null (strstr (text, "this is his"));
    assert_null (strstr (text, "this is nobody's"));
    assert_null (strstr (text, "\"13\""));
    _history (root, false, text, sizeof (text));
    assert_non_null (strstr (text, "this is his"));
    assert_non_null (strstr (text, "this is nobody's"));
    assert_non_null (strstr (text, "\"13\""));
    _history (stranger, false, text, sizeof (text));
    assert_string_equal (text, "");
    assert_int_equal (peer_does (stranger, peer_ask ("history", NULL)), ENOENT);
    _is_said ("there is no history yet");
}

static void the_history_of_before_is_another (void **state)
{
    cleanup_fd int root = peer_open_users (0);
    char path[160], text[16384];
    FILE *f;

    (void) state;
    peer_job ("12", "kill");
    _history (root, true, text, sizeof (text));
    assert_string_equal (text, "");
    snprintf (path, sizeof (path), "%s/journal.jsonl.1", peers.history);
    f = fopen (path, "we");
    assert_non_null (f);
    fputs ("of old\n", f);
    fclose (f);
    _history (root, true, text, sizeof (text));
    assert_string_equal (text, "of old\n");
}

static void the_node_says_what_it_offers (void **state)
{
    cleanup_fd int sock = peer_open (PEER_STRANGER);

    (void) state;
    peer_job ("12", "kill");
    w->pool_limit = 5 * MW_GIB;

    cleanup_json json_t *j = peer_call (sock, peer_ask ("node", NULL), NULL, 0,
                                        NULL);

    assert_int_equal (peer_int (j, "memory"), 8 * MW_GIB);
    assert_int_equal (peer_int (j, "reserve"), MW_GIB);
    assert_int_equal (peer_int (j, "capacity"), 5 * MW_GIB);
    assert_int_equal (peer_int (j, "jobs"), 1);
    assert_int_equal (peer_int (j, "pid"), getpid ());
    assert_int_equal (peer_shadow (sock), 0);
    w->conf.shadow = true;
    assert_int_equal (peer_shadow (sock), 1);
}

/* ---- set ----------------------------------------------------------------- */

/* Have [member] of job 12 set to [value], which is released here. */
static int _set (int sock, const char *member, json_t *value)
{
    json_t *req = peer_ask ("set", "12");

    json_object_set_new (req, member, value);
    return peer_does (sock, req);
}

static void a_priority_is_raised_up_to_the_cap_by_its_owner (void **state)
{
    cleanup_fd int owner = peer_open (PEER_OWNER);
    cleanup_fd int root = peer_open (0);
    struct job *job = peer_job ("12", "kill");

    (void) state;
    w->conf.max_priority = 600;
    assert_int_equal (_set (owner, "priority", json_integer (600)), 0);
    assert_int_equal (job->priority, 600);
    assert_int_equal (fake_recorded ("job 12: priority set to 600"), 1);
    assert_int_equal (_set (owner, "priority", json_integer (601)), EPERM);
    _is_said ("up to 600");
    assert_int_equal (job->priority, 600);
    assert_int_equal (_set (root, "priority", json_integer (1000)), 0);
    assert_int_equal (job->priority, 1000);
    /* lowered by its owner, not to the cap at once */
    assert_int_equal (_set (owner, "priority", json_integer (900)), 0);
    assert_int_equal (_set (owner, "priority", json_integer (0)), 0);
    assert_int_equal (job->priority, 0);
}

static void a_priority_is_a_number_of_its_range (void **state)
{
    cleanup_fd int root = peer_open (0);
    struct job *job = peer_job ("12", "kill");

    (void) state;
    assert_int_equal (_set (root, "priority", json_integer (1001)), ERANGE);
    assert_int_equal (_set (root, "priority", json_integer (-1)), ERANGE);
    assert_int_equal (_set (root, "priority", json_real (5.0)), ERANGE);
    assert_int_equal (_set (root, "priority", json_string ("5")), ERANGE);
    assert_int_equal (_set (root, "priority", json_null ()), ERANGE);
    _is_said ("priority must be 0 to 1000");
    assert_int_equal (job->priority, MW_PRIORITY_DEFAULT);
}

static void a_limit_goes_up_to_the_owners_cap (void **state)
{
    cleanup_fd int owner = peer_open (PEER_OWNER);
    cleanup_fd int root = peer_open (0);
    struct job *job = peer_job ("12", "kill");
    json_int_t cap = 4 * FAKE_LIMIT_BYTES;

    (void) state;
    assert_int_equal (_set (owner, "limit", json_integer (cap)), 0);
    assert_int_equal (job->limit, cap);
    assert_int_equal (job->memcg.set_limit, cap);
    assert_int_equal (w->jobs.committed, cap);
    assert_int_equal (fake_recorded ("job 12: limit set to 2.0 GiB"), 1);
    assert_int_equal (_set (owner, "limit", json_integer (cap + 1)), ERANGE);
    _is_said ("from the reservation (512 MiB) to 2.0 GiB");
    assert_int_equal (_set (root, "limit", json_integer (cap + 1)), 0);
    assert_int_equal (_set (root, "limit", json_integer (7 * MW_GIB)), 0);
    assert_int_equal (_set (root, "limit", json_integer (7 * MW_GIB + 1)),
                      ERANGE);
    _is_said ("to 7.0 GiB");
    assert_int_equal (job->limit, 7 * MW_GIB);
}

static void a_limit_is_never_below_the_reservation (void **state)
{
    cleanup_fd int root = peer_open (0);
    struct job *job = peer_job ("12", "kill");
    json_int_t least = FAKE_LIMIT_BYTES;

    (void) state;
    assert_int_equal (_set (root, "limit", json_integer (least)), 0);
    assert_int_equal (_set (root, "limit", json_integer (least - 1)), ERANGE);
    assert_int_equal (_set (root, "limit", json_integer (0)), ERANGE);
    assert_int_equal (_set (root, "limit", json_integer (-1)), ERANGE);
    assert_int_equal (_set (root, "limit", json_real (1e9)), ERANGE);
    job->reservation = 0;
    assert_int_equal (_set (root, "limit", json_string ("1G")), ERANGE);
    assert_int_equal (job->limit, least);
}

static void a_higher_limit_may_let_a_held_job_go_on (void **state)
{
    cleanup_fd int root = peer_open (0);
    struct job *job = peer_job ("12", "hold@60s,kill");

    (void) state;
    incident_oom (w, job, TRIGGER_JOB);
    assert_true (fake_frozen (job));
    assert_int_equal (_set (root, "limit", json_integer (MW_GIB)), 0);
    fake_is_clean (job);
}

/* Before the deed it is on record; so is that it came to nothing. */
static void a_limit_that_cannot_be_written_is_not_the_next_wardens (
    void **state)
{
    cleanup_fd int root = peer_open (0);
    struct job *job = peer_job ("12", "kill");

    (void) state;
    fake.fails[FAKE_LIMIT] = EBUSY;
    assert_int_equal (_set (root, "limit", json_integer (MW_GIB)), EBUSY);
    _is_said ("the fake fails");
    assert_int_equal (job->limit, FAKE_LIMIT_BYTES);
    assert_int_equal (w->jobs.committed, FAKE_LIMIT_BYTES);
    assert_int_equal (fake_restart ("12")->limit, FAKE_LIMIT_BYTES);
    assert_int_equal (fake_recorded (
                          "job 12: its limit stays 512 MiB: the fake "
                          "fails"),
                      1);
}

static void a_ladder_is_one_that_can_be_read (void **state)
{
    cleanup_fd int owner = peer_open (PEER_OWNER);
    struct job *job = peer_job ("12", "kill");
    char text[MW_LADDER_STRLEN];

    (void) state;
    assert_int_equal (_set (owner, "ladder", json_string ("hold@9s,kill")), 0);
    assert_string_equal (mw_ladder_format (job->ladder, text, sizeof (text)),
                         "hold@9s,kill");
    assert_int_equal (fake_recorded ("job 12: ladder set to hold@9s,kill"), 1);
    assert_int_equal (_set (owner, "ladder", json_string ("dance")), EINVAL);
    _is_said ("dance");
    assert_int_equal (_set (owner, "ladder", json_integer (1)), EINVAL);
    _is_said ("must be a text");
    assert_string_equal (mw_ladder_format (job->ladder, text, sizeof (text)),
                         "hold@9s,kill");
}

static void of_several_the_first_refusal_ends_it (void **state)
{
    cleanup_fd int owner = peer_open (PEER_OWNER);
    struct job *job = peer_job ("12", "kill");
    json_t *req = peer_ask ("set", "12");

    (void) state;
    json_object_set_new (req, "ladder", json_string ("hold@9s,kill"));
    json_object_set_new (req, "priority", json_integer (100));
    json_object_set_new (req, "limit", json_integer (1));
    assert_int_equal (peer_does (owner, req), ERANGE);
    assert_int_equal (job->priority, MW_PRIORITY_DEFAULT);
    assert_int_equal (job->ladder->count, 1);
    req = peer_ask ("set", "12");
    json_object_set_new (req, "limit", json_integer (MW_GIB));
    json_object_set_new (req, "priority", json_integer (100));
    json_object_set_new (req, "ladder", json_string ("hold@9s,kill"));
    assert_int_equal (peer_does (owner, req), 0);
    assert_int_equal (job->limit, MW_GIB);
    assert_int_equal (job->priority, 100);
    assert_int_equal (job->ladder->count, 2);
}

#define T(name) cmocka_unit_test_setup_teardown (name, peer_begin, peer_end)

int main (void)
{
    const struct CMUnitTest tests[] = {
        T (root_and_its_owner_may_act_on_a_job),
        T (jobs_come_and_go_at_roots_word_alone),
        T (what_is_done_to_a_job_is_its_owners_and_roots),
        T (strikes_are_roots_alone),
        T (a_job_that_is_not_there_is_named),
        T (a_job_of_an_array_has_two_names),
        T (each_hears_of_his_own_jobs_and_root_of_all),
        T (a_job_is_told_as_it_is),
        T (a_name_that_is_no_text_is_not_told),
        T (an_incident_is_told_with_its_time),
        T (while_slurm_stops_it_its_time_stands_still),
        T (more_jobs_than_a_packet_holds_come_in_pages),
        T (what_slurm_limits_it_to_at_a_steps_start_is_told),
        T (the_last_page_has_no_next),
        T (behind_a_job_that_is_gone_is_nothing_to_be_had),
        T (a_process_hears_of_the_job_that_it_is_in),
        T (a_strangers_process_in_it_hears_nothing_of_a_job),
        T (what_is_said_of_a_job_is_for_its_own_owner),
        T (a_process_that_is_gone_is_in_no_job),
        T (an_owner_holds_his_job_and_lets_it_go_on),
        T (what_cannot_be_held_is_said),
        T (slurm_waits_for_a_ladder_that_is_not_done),
        T (without_an_incident_slurm_need_not_wait),
        T (each_reads_his_own_history_and_root_all),
        T (the_history_of_before_is_another),
        T (the_node_says_what_it_offers),
        T (a_priority_is_raised_up_to_the_cap_by_its_owner),
        T (a_priority_is_a_number_of_its_range),
        T (a_limit_goes_up_to_the_owners_cap),
        T (a_limit_is_never_below_the_reservation),
        T (a_higher_limit_may_let_a_held_job_go_on),
        T (a_limit_that_cannot_be_written_is_not_the_next_wardens),
        T (a_ladder_is_one_that_can_be_read),
        T (of_several_the_first_refusal_ends_it),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
