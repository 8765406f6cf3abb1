/* Jobs come and go, over restarts of the warden, too.  They are registered over
 * its socket, of directories that look like cgroup v1's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "handler/daemon/register.h"
#include "handler/memcg/hears.h"
#include "handler/record/ask.h"
#include "handler/record/journal.h"
#include "handler/record/report.h"
#include "lib/cgfile.h"
#include "lib/cleanup.h"
#include "test/unit/fake_peer.h"

static struct warden *const w = &fake.w;
static int root = -1, dir = -1; /* a connection; the memcg of job 12 */
static struct mw_err cut;

static int _begin (void **state)
{
    if (peer_begin (state) < 0)
        return -1;
    root = peer_open (0);
    dir = peer_memcg ("12");
    cut = (struct mw_err) { "" };
    return 0;
}

static int _end (void **state)
{
    close (root);
    close (dir);
    return peer_end (state);
}

/* [peers.err] is about [text]. */
static void _is_said (const char *text)
{
    if (!strstr (peers.err.text, text))
        fail_msg ("\"%s\" is not in \"%s\"", text, peers.err.text);
}

/* Register [key] of [memcg]. Returns the job, or NULL with errno. */
static struct job *_register (const char *key, int memcg)
{
    struct mw_jobspec spec = peer_spec (key);

    return peer_register (root, &spec, memcg, &cut) == 0 ? warden_find (w, key)
                                                         : NULL;
}

/* The file [name] of [memcg] begins with [text]. */
static void _has (int memcg, const char *name, const char *text)
{
    char is[256];

    assert_true (cg_read (memcg, name, is, sizeof (is)) >= 0);
    if (strncmp (is, text, strlen (text)) != 0)
        fail_msg ("%s is %s, not %s", name, is, text);
}

/* Its directory is removed, as the kernel has it. */
static void _vanish (struct job *job)
{
    fake_gone (job);
    close (job->memcg.oom_control);
    job->memcg.oom_control = -1;
}

/* It is at its limit: somebody in it waits. */
static void _in_oom (int memcg)
{
    cg_write (memcg, "memory.usage_in_bytes", "536870912\n");
    cg_write (memcg, "memory.oom_control",
              "oom_kill_disable 0\nunder_oom 1\n"
              "oom_kill 0\n");
}

/* Is it due that those who wait for room are asked? */
static bool _room_is_due (void)
{
    int on = SD_EVENT_OFF;

    assert_true (sd_event_source_get_enabled (w->room, &on) >= 0);
    return on != SD_EVENT_OFF;
}

/* [sock] attaches to job 12, as [step] if not NULL. */
static void _attach (int sock, const char *step)
{
    json_t *req = peer_ask ("attach", "12");

    if (step)
        json_object_set_new (req, "step", json_string (step));
    assert_int_equal (peer_does (sock, req), 0);
}

/* Another warden starts, with what is on record. */
static void _restart (void)
{
    struct mw_err err;

    while (w->steps.first)
        job_free (&w->steps, w->steps.first);
    while (w->jobs.first)
        job_free (&w->jobs, w->jobs.first);
    journal_close (w->journal);
    assert_int_equal (journal_open (w->journal, fake.dir, &err), 0);
    assert_int_equal (warden_recover (w, &err), 0);
}

/* ---- a new job ----------------------------------------------------------- */

static void a_job_is_limited_armed_and_on_record (void **state)
{
    struct job *job = _register ("12", dir);

    (void) state;
    assert_non_null (job);
    assert_int_equal (w->jobs.count, 1);
    assert_int_equal (job->spec.uid, PEER_OWNER);
    assert_int_equal (job->limit, FAKE_LIMIT_BYTES);
    assert_int_equal (job->registered_ms, fake.now);
    assert_int_equal (job->mark_ms, fake.now);
    assert_true (job->memcg.armed);
    assert_int_equal (job->memcg.set_limit, FAKE_LIMIT_BYTES);
    _has (dir, "memory.limit_in_bytes", "536870912");
    _has (dir, "memory.soft_limit_in_bytes", "536870912");
    _has (dir, "memory.oom_control", "1");
    assert_non_null (job->event);
    assert_string_equal (cut.text, "");
    assert_null (job->freezer_path);
    assert_int_equal (fake_recorded ("job 12: registered: reservation 512 MiB, "
                                     "limit 512 MiB, priority 500, ladder "),
                      1);
    assert_int_equal (fake_requests (SPOOL_LOOKUP, NULL), 1);
}

static void what_is_cut_is_told_once (void **state)
{
    struct mw_jobspec spec = peer_spec ("12");

    (void) state;
    spec.priority = 900;
    mw_err_set (&cut, "its ladder is not allowed");
    assert_int_equal (peer_register (root, &spec, dir, &cut), 0);
    assert_string_equal (cut.text, "its ladder is not allowed; the priority of "
                                   "900 that it asked for is cut to 500");
    assert_int_equal (fake_recorded ("\"event\":\"cut\""), 1);
    assert_int_equal (peer_register (root, &spec, dir, &cut), 0);
    assert_string_equal (cut.text, "");
    assert_int_equal (fake_recorded ("\"event\":\"cut\""), 1);
}

static void registered_again_it_is_limited_anew (void **state)
{
    struct job *job = _register ("12", dir);
    struct sd_event_source *event = job->event;

    (void) state;
    assert_int_equal (cg_write (dir, "memory.limit_in_bytes", "999999999"), 0);
    assert_ptr_equal (_register ("12", dir), job);
    _has (dir, "memory.limit_in_bytes", "536870912");
    assert_ptr_equal (job->event, event);
    assert_int_equal (w->jobs.count, 1);
    assert_int_equal (fake_recorded ("\"event\":\"registered\""), 1);
    assert_int_equal (fake_requests (SPOOL_LOOKUP, NULL), 1);
}

/* Job 12 with a freezer, which is frozen. Returns that; the caller's. */
static int _frozen (void)
{
    int freezer = peer_memcg ("frz");
    struct mw_jobspec spec = peer_spec ("12");
    const int fds[] = { dir, freezer };
    json_t *req = peer_ask ("register", NULL);

    close (openat (freezer, "freezer.state", O_WRONLY | O_CREAT, 0600));
    json_object_set_new (req, "job", mw_jobspec_encode (&spec));
    json_decref (peer_call (root, req, fds, 2, NULL));
    assert_non_null (warden_find (w, "12"));
    cg_write (freezer, "freezer.state", "FROZEN");
    warden_find (w, "12")->incident.frozen = true;
    return freezer;
}

static void its_freezer_comes_beside_it (void **state)
{
    cleanup_fd int freezer = _frozen ();
    struct job *job = warden_find (w, "12");
    char path[128];

    (void) state;
    assert_int_equal (cg_inode (job->memcg.freezer), cg_inode (freezer));
    snprintf (path, sizeof (path), "%s/frz", fake.dir);
    assert_string_equal (job->freezer_path, path);
}

static void an_oom_of_before_is_found (void **state)
{
    struct job *job;

    (void) state;
    _in_oom (dir);
    job = _register ("12", dir);
    assert_non_null (job);
    assert_true (job->incident.open);
    assert_int_equal (job->incident.trigger, TRIGGER_JOB);
}

static void there_is_room_for_a_snapshot_of_any_number (void **state)
{
    char key[16];

    (void) state;
    for (int i = 0; i < 65; i++) {
        cleanup_fd int one = -1;

        snprintf (key, sizeof (key), "%d", 1000 + i);
        one = peer_memcg (key);
        assert_non_null (_register (key, one));
        assert_int_equal (w->scratch_max, i < 64 ? 64 : 128);
    }
    assert_int_equal (w->jobs.count, 65);
}

static void in_shadow_mode_it_is_only_heard (void **state)
{
    struct job *job;

    (void) state;
    w->conf.shadow = true;
    job = _register ("12", dir);
    assert_non_null (job);
    assert_false (job->memcg.armed);
    assert_non_null (job->event);
    _has (dir, "memory.limit_in_bytes", "4096\n");
    _has (dir, "memory.oom_control", "oom_kill_disable 0");
    assert_int_equal (w->jobs.committed, FAKE_LIMIT_BYTES);
    assert_ptr_equal (_register ("12", dir), job);
    assert_int_equal (peer_release (root, "12"), 0);
    _has (dir, "memory.oom_control", "oom_kill_disable 0");
}

/* ---- what is refused ----------------------------------------------------- */

static void without_its_memcg_none_is_registered (void **state)
{
    struct mw_jobspec spec = peer_spec ("12");
    json_t *req = peer_ask ("register", NULL);

    (void) state;
    json_object_set_new (req, "job", mw_jobspec_encode (&spec));
    assert_int_equal (peer_does (root, req), EINVAL);
    _is_said ("register of job 12 has no memcg");
    assert_int_equal (peer_does (root, peer_ask ("register", "12")), EINVAL);
    _is_said ("job");
    assert_null (w->jobs.first);
    peers.no_cgroup = true;
    assert_null (_register ("12", dir));
    assert_int_equal (errno, EINVAL);
    _is_said ("is not a cgroup directory");
    assert_null (w->jobs.first);
    assert_int_equal (fake_recorded ("registered"), 0);
}

static void a_limit_below_the_reservation_is_refused (void **state)
{
    struct mw_jobspec spec = peer_spec ("12");

    (void) state;
    spec.burst = (struct mw_amount) { .kind = MW_AMOUNT_BYTES,
                                      .bytes = MW_MIB };
    assert_int_equal (peer_register (root, &spec, dir, &cut), -1);
    assert_int_equal (errno, EINVAL);
    _is_said ("job 12: the limit of 1.0 MiB is below the reservation");
    assert_null (w->jobs.first);
}

static void one_that_cannot_be_armed_is_forgotten (void **state)
{
    (void) state;
    assert_int_equal (unlinkat (dir, "cgroup.event_control", 0), 0);
    assert_null (_register ("12", dir));
    assert_int_equal (errno, ENOTSUP);
    _is_said ("cgroup.event_control");
    assert_null (w->jobs.first);
    assert_int_equal (w->jobs.committed, 0);
    assert_int_equal (fake_recorded ("released: it could not be taken over"),
                      1);
    _has (dir, "memory.oom_control", "oom_kill_disable 0");
}

static void one_memcg_is_that_of_one_job (void **state)
{
    cleanup_fd int step = peer_memcg ("12.1");

    (void) state;
    assert_non_null (_register ("12", dir));
    assert_null (_register ("13", dir));
    assert_int_equal (errno, EEXIST);
    _is_said ("is already that of job 12");
    assert_null (_register ("12.0", dir));
    assert_int_equal (errno, EEXIST);
    assert_non_null (_register ("12.1", step));
    assert_null (_register ("13", step));
    assert_int_equal (errno, EEXIST);
    _is_said ("is already that of job 12.1");
    assert_int_equal (w->jobs.count + w->steps.count, 2);
}

static void a_job_has_one_memcg_while_that_lives (void **state)
{
    struct job *job = _register ("12", dir);
    cleanup_fd int other = peer_memcg ("other");
    uint64_t inode = job->memcg.inode;

    (void) state;
    assert_null (_register ("12", other));
    assert_int_equal (errno, EEXIST);
    _is_said ("job 12 is registered with another memcg");
    assert_int_equal (job->memcg.inode, inode);
    _vanish (job);
    job = _register ("12", other);
    assert_non_null (job);
    assert_int_equal (job->memcg.inode, cg_inode (other));
    assert_int_equal (w->jobs.count, 1);
    assert_int_equal (fake_recorded ("released: its cgroup was made anew"), 1);
}

/* ---- steps --------------------------------------------------------------- */

static void a_step_is_registered_in_its_job (void **state)
{
    cleanup_fd int step = peer_memcg ("12.0");

    (void) state;
    assert_null (_register ("12.0", step));
    assert_int_equal (errno, ESRCH);
    _is_said ("its job 12 is not registered");
    assert_non_null (_register ("12", dir));
    assert_non_null (_register ("12.0", step));
    assert_int_equal (w->jobs.count, 1);
    assert_int_equal (w->steps.count, 1);
    assert_int_equal (w->jobs.committed, FAKE_LIMIT_BYTES);
    _has (step, "memory.limit_in_bytes", "536870912");
    assert_true (cg_read (step, "memory.soft_limit_in_bytes", cut.text,
                          sizeof (cut.text)) == 0);
    assert_null (w->steps.first->class);
    assert_int_equal (fake_requests (SPOOL_LOOKUP, NULL), 1);
}

static void a_steps_name_is_not_a_jobs (void **state)
{
    struct mw_jobspec spec = peer_spec ("12.0");
    cleanup_fd int step = peer_memcg ("12.0");

    (void) state;
    assert_non_null (_register ("12", dir));
    assert_non_null (_register ("12.0", step));
    spec.of[0] = '\0';
    spec.layout = MW_LAYOUT_LEAF;
    assert_int_equal (peer_register (root, &spec, step, &cut), -1);
    assert_int_equal (errno, EEXIST);
    _is_said ("12.0 is the name of a step already");
}

static void with_its_job_a_step_ends (void **state)
{
    cleanup_fd int step = peer_memcg ("12.0");
    cleanup_fd int other = peer_memcg ("13");

    (void) state;
    assert_non_null (_register ("12", dir));
    assert_non_null (_register ("12.0", step));
    assert_non_null (_register ("13", other));
    assert_int_equal (peer_release (root, "13"), 0);
    assert_int_equal (w->steps.count, 1);
    assert_int_equal (peer_release (root, "12"), 0);
    assert_int_equal (w->steps.count + w->jobs.count, 0);
    _has (dir, "memory.oom_control", "0");
    _has (step, "memory.oom_control", "0");
}

/* What somebody makes in a job is the kernel's, at a limit of its own; not so a
 * step that is registered. */
static void what_is_below_is_the_kernels_but_a_step (void **state)
{
    static const char inherited[] = "oom_kill_disable 1\nunder_oom 0\n"
                                    "oom_kill 0\n";
    cleanup_fd int own = peer_memcg ("12/own");
    cleanup_fd int step = peer_memcg ("12/12.0");
    struct memcg_below found = { 0 };

    (void) state;
    cg_write (own, "memory.oom_control", inherited);
    assert_non_null (_register ("12", dir));
    _has (own, "memory.oom_control", "0");
    assert_non_null (_register ("12.0", step));
    cg_write (own, "memory.oom_control", inherited);
    cg_write (step, "memory.oom_control", inherited);
    w->jobs.first->memcg.ops->free_below (&w->jobs.first->memcg, NULL, &found);
    _has (own, "memory.oom_control", "0");
    _has (step, "memory.oom_control", "oom_kill_disable 1");
    assert_int_equal (peer_release (root, "12"), 0);
    _has (step, "memory.oom_control", "0");
}

/* Its end would disarm the other's job. */
static void a_memcg_of_another_warden_is_refused (void **state)
{
    char text[64], name[] = "trusted.memwarden.warden";
    int n = snprintf (text, sizeof (text), "%d %" PRIu64, (int) fake.task,
                      hears_started (fake.task));

    (void) state;
    if (fsetxattr (dir, name, text, (size_t) n, 0) < 0)
        skip ();
    cg_write (dir, "memory.oom_control", "oom_kill_disable 1\n");
    assert_null (_register ("12", dir));
    snprintf (text, sizeof (text), "the memwardend with pid %d has it",
              (int) fake.task);
    _is_said (text);
    assert_null (w->jobs.first);
    _has (dir, "memory.oom_control", "oom_kill_disable 1");
    _has (dir, "memory.limit_in_bytes", "4096");
    fsetxattr (dir, name, "4194304 1", 9, 0); /* one that is dead */
    assert_non_null (_register ("12", dir));
    assert_int_equal (peer_release (root, "12"), 0);
    assert_int_equal (fgetxattr (dir, name, text, sizeof (text)), -1);
}

/* ---- release ------------------------------------------------------------- */

static void a_job_that_ends_is_the_kernels_again (void **state)
{
    (void) state;
    assert_non_null (_register ("12", dir));
    assert_int_equal (peer_release (root, "12"), 0);
    assert_null (w->jobs.first);
    assert_int_equal (w->jobs.committed, 0);
    _has (dir, "memory.oom_control", "0");
    assert_int_equal (fake_recorded ("job 12: released: its job has ended"), 1);
    assert_int_equal (fake_requests (SPOOL_LOOKUP, NULL), 0);
    assert_int_equal (peer_release (root, "12"), -1);
    assert_int_equal (errno, ESRCH);
}

/* Nobody would answer the next OOM of what is left in it. */
static void it_is_released_when_the_kernel_has_it_again (void **state)
{
    struct job *job = _register ("12", dir);
    int ours = job->memcg.oom_control;

    (void) state;
    job->memcg.oom_control = openat (dir, "memory.oom_control", O_RDONLY);
    assert_int_equal (peer_release (root, "12"), 0);
    assert_ptr_equal (w->jobs.first, job);
    assert_int_equal (fake_recorded ("\"event\":\"released\""), 0);
    assert_int_equal (fake_recorded ("cannot be given back to the kernel"), 1);
    assert_true (fake_timer_is_on (job));
    close (job->memcg.oom_control);
    job->memcg.oom_control = ours;
    fake.now = job->release_ms;
    fake_loop ();
    assert_null (w->jobs.first);
    _has (dir, "memory.oom_control", "0");
    assert_int_equal (fake_recorded ("\"event\":\"released\""), 1);
    assert_int_equal (fake_recorded ("cannot be given back to the kernel"), 1);
}

/* Its memory is not there for others yet. */
static void what_is_left_in_it_is_told (void **state)
{
    (void) state;
    assert_non_null (_register ("12", dir));
    cg_write (dir, "cgroup.procs", "%d\n", (int) fake.task);
    cg_write (dir, "memory.usage_in_bytes", "67108864\n");
    assert_int_equal (peer_release (root, "12"), 0);
    assert_int_equal (fake_recorded ("job 12: released: its job has ended, but "
                                     "1 of its processes is still there, with "
                                     "64.0 MiB"),
                      1);
}

static void its_incident_ends_with_it (void **state)
{
    cleanup_fd int owner = peer_open (PEER_OWNER);
    cleanup_fd int step = peer_open (0);
    cleanup_json json_t *note = NULL;

    (void) state;
    _in_oom (dir);
    assert_true (_register ("12", dir)->incident.open);
    _attach (owner, NULL);
    _attach (step, "step_0");
    assert_int_equal (peer_release (root, "12"), 0);
    assert_int_equal (fake_recorded ("\"event\":\"resolved\""), 1);
    assert_null (w->jobs.first);
    note = peer_hears (owner); /* who is attached is told, … */
    assert_non_null (note);
    assert_non_null (strstr (peer_text (note, "text"), "gave back"));
    assert_null (peer_hears (step)); /* … its stderr is closed */
}

static void its_memory_is_there_for_others (void **state)
{
    struct job *job = _register ("12", dir);

    (void) state;
    fake_loop ();
    assert_false (_room_is_due ());
    warden_release (w, job, "its job has ended");
    assert_true (_room_is_due ());
}

static void a_kill_of_the_kernels_is_told_at_its_end (void **state)
{
    (void) state;
    assert_non_null (_register ("12", dir));
    cg_write (dir, "memory.oom_control",
              "oom_kill_disable 1\nunder_oom 0\n"
              "oom_kill 2\n");
    assert_int_equal (peer_release (root, "12"), 0);
    assert_int_equal (fake_recorded ("\"event\":\"kernel-kill\""), 1);
}

static void one_that_was_only_heard_is_told_at_its_end (void **state)
{
    (void) state;
    w->conf.shadow = true;
    assert_non_null (_register ("12", dir));
    cg_write (dir, "memory.max_usage_in_bytes", "4096");
    cg_write (dir, "memory.oom_control",
              "oom_kill_disable 0\nunder_oom 0\n"
              "oom_kill 2\n");
    assert_int_equal (peer_release (root, "12"), 0);
    assert_int_equal (fake_recorded ("\"event\":\"shadow\""), 1);
    assert_int_equal (fake_recorded ("\"event\":\"kernel-kill\""), 0);
}

static void of_one_that_is_gone_nothing_is_given_back (void **state)
{
    struct job *job = _register ("12", dir);

    (void) state;
    _vanish (job);
    assert_int_equal (peer_release (root, "12"), 0);
    assert_null (w->jobs.first);
    _has (dir, "memory.oom_control", "1");
}

static void its_numbers_go_on_in_its_next_run (void **state)
{
    struct job *job = _register ("12", dir);

    (void) state;
    job->incidents = 4;
    assert_int_equal (peer_release (root, "12"), 0);
    assert_int_equal (_register ("12", dir)->incidents, 4);
    job_had ("12", 0);
}

/* ---- restart, reload, end ------------------------------------------------ */

static void the_next_warden_takes_up_what_is_there (void **state)
{
    cleanup_fd int gone = peer_memcg ("13");
    cleanup_fd int step = peer_memcg ("12.0");
    char from[128], to[160];
    struct job *job;

    (void) state;
    job = _register ("12", dir);
    job->priority = 77;
    report (w, job, "note", REPORT_LOG, "job 12: priority set");
    assert_non_null (_register ("13", gone));
    assert_non_null (_register ("12.0", step));
    snprintf (from, sizeof (from), "%s/13", fake.dir);
    snprintf (to, sizeof (to), "%s.away", from);
    assert_int_equal (rename (from, to), 0);
    cg_write (dir, "memory.oom_control", "0");
    _restart ();
    job = warden_find (w, "12");
    assert_non_null (job);
    assert_int_equal (job->priority, 77);
    assert_true (job->memcg.armed);
    assert_non_null (job->event);
    _has (dir, "memory.oom_control", "1");
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

static void a_directory_of_the_same_name_is_another (void **state)
{
    cleanup_fd int other = -1;
    char from[128], to[160];

    (void) state;
    assert_non_null (_register ("12", dir));
    snprintf (from, sizeof (from), "%s/12", fake.dir);
    snprintf (to, sizeof (to), "%s.away", from);
    assert_int_equal (rename (from, to), 0);
    other = peer_memcg ("12");
    _restart ();
    assert_null (warden_find (w, "12"));
    assert_int_equal (fake_recorded ("another has taken its name"), 1);
    _has (other, "memory.oom_control", "oom_kill_disable 0");
}

static void a_warden_that_only_watches_gives_back_what_was_taken (void **state)
{
    struct job *job;

    (void) state;
    assert_non_null (_register ("12", dir));
    w->conf.shadow = true;
    _restart ();
    job = warden_find (w, "12");
    assert_non_null (job);
    assert_false (job->memcg.armed);
    assert_true (job->memcg.shadow);
    assert_non_null (job->event);
    _has (dir, "memory.oom_control", "0");
}

static void an_incident_goes_on_in_the_next_warden (void **state)
{
    unsigned number;
    struct job *job;

    (void) state;
    _in_oom (dir);
    job = _register ("12", dir);
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
    assert_false (_register ("12", dir)->incident.open);
    assert_false (_register ("12.0", step)->incident.open);
    _in_oom (dir);
    _in_oom (step);
    _restart ();
    assert_true (warden_find (w, "12")->incident.open);
    assert_true (warden_find (w, "12.0")->incident.open);
}

static void the_incident_of_one_that_is_gone_ends (void **state)
{
    struct job *job;
    char from[128], to[160];

    (void) state;
    _in_oom (dir);
    job = _register ("12", dir);
    assert_true (job->incident.open);
    assert_int_equal (ask (w, job, SPOOL_REQUEUE, 0, NULL, false), 0);
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
    _in_oom (dir);
    assert_true (_register ("12", dir)->incident.open);
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
    assert_ptr_equal (_register ("12", dir)->class, c);
    assert_int_equal (fake_recorded ("; class all"), 1);
    _restart ();
    assert_ptr_equal (warden_find (w, "12")->class, c);
}

static void what_was_not_asked_yet_is_asked (void **state)
{
    struct job *job = _register ("12", dir);

    (void) state;
    spool_cancel (&w->spool, job->lookup);
    _restart ();
    assert_int_equal (fake_requests (SPOOL_LOOKUP, NULL), 1);
}

static void at_the_end_nobody_is_left_frozen (void **state)
{
    cleanup_fd int freezer = _frozen ();

    (void) state;
    warden_hand_back (w);
    _has (freezer, "freezer.state", "THAWED");
}

/* What is written down of them is all that is needed, and goes with it. */
static void at_the_end_limits_of_processes_are_what_they_were (void **state)
{
    int at = w->journal->state_dir;
    struct job *job = _register ("12", dir);

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
    cleanup_fd int freezer = _frozen ();

    (void) state;
    warden_find (w, "12")->incident.slurm_stops_ms = fake.now;
    warden_hand_back (w);
    _has (freezer, "freezer.state", "FROZEN");
}

static void at_the_end_each_job_is_the_kernels (void **state)
{
    cleanup_fd int step = peer_memcg ("12.0");
    struct job *job = _register ("12", dir);

    (void) state;
    assert_non_null (_register ("12.0", step));
    warden_hand_back (w);
    _has (dir, "memory.oom_control", "0");
    _has (step, "memory.oom_control", "0");
    assert_false (job->memcg.armed);
    assert_null (job->event);
    assert_ptr_equal (warden_find (w, "12"), job); /* for the next one */
    assert_int_equal (fake_recorded ("\"event\":\"released\""), 0);
}

static void a_reload_puts_jobs_into_their_classes (void **state)
{
    struct job *job = _register ("12", dir);
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
    assert_true (_room_is_due ());
}

static void a_class_that_asks_the_controller_has_it_asked (void **state)
{
    struct conf_class *c = &w->conf.classes[0];

    (void) state;
    w->conf.shadow = true;
    assert_non_null (_register ("12", dir));
    assert_int_equal (fake_requests (SPOOL_LOOKUP, NULL), 0);
    snprintf (c->name, sizeof (c->name), "long");
    snprintf (c->match_partition, sizeof (c->match_partition), "long");
    w->conf.class_count = 1;
    warden_reconfigured (w);
    assert_int_equal (fake_requests (SPOOL_LOOKUP, NULL), 1);
}

#define T(name) cmocka_unit_test_setup_teardown (name, _begin, _end)

int main (void)
{
    const struct CMUnitTest tests[] = {
        T (a_job_is_limited_armed_and_on_record),
        T (what_is_cut_is_told_once),
        T (registered_again_it_is_limited_anew),
        T (its_freezer_comes_beside_it),
        T (an_oom_of_before_is_found),
        T (there_is_room_for_a_snapshot_of_any_number),
        T (in_shadow_mode_it_is_only_heard),
        T (without_its_memcg_none_is_registered),
        T (a_limit_below_the_reservation_is_refused),
        T (one_that_cannot_be_armed_is_forgotten),
        T (one_memcg_is_that_of_one_job),
        T (a_job_has_one_memcg_while_that_lives),
        T (a_step_is_registered_in_its_job),
        T (a_steps_name_is_not_a_jobs),
        T (with_its_job_a_step_ends),
        T (what_is_below_is_the_kernels_but_a_step),
        T (a_job_that_ends_is_the_kernels_again),
        T (it_is_released_when_the_kernel_has_it_again),
        T (what_is_left_in_it_is_told),
        T (a_memcg_of_another_warden_is_refused),
        T (its_incident_ends_with_it),
        T (its_memory_is_there_for_others),
        T (a_kill_of_the_kernels_is_told_at_its_end),
        T (one_that_was_only_heard_is_told_at_its_end),
        T (of_one_that_is_gone_nothing_is_given_back),
        T (its_numbers_go_on_in_its_next_run),
        T (the_next_warden_takes_up_what_is_there),
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
