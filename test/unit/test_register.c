/* Jobs come and go.  They are registered over the warden's socket, of
 * directories that look like cgroup v1's.  Over a restart of the warden, and at
 * its end: test_register_restart.c. */
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
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "handler/daemon/register.h"
#include "handler/memcg/hears.h"
#include "lib/cgfile.h"
#include "lib/cleanup.h"
#include "test/unit/fake_peer.h"

static struct warden *const w = &fake.w;

/* [peers.err] is about [text]. */
static void _is_said (const char *text)
{
    if (!strstr (peers.err.text, text))
        fail_msg ("\"%s\" is not in \"%s\"", text, peers.err.text);
}

/* Its directory is removed, as the kernel has it. */
static void _vanish (struct job *job)
{
    fake_gone (job);
    close (job->memcg.oom_control);
    job->memcg.oom_control = -1;
}

/* [sock] attaches to job 12, as [step] if not NULL. */
static void _attach (int sock, const char *step)
{
    json_t *req = peer_ask ("attach", "12");

    if (step)
        json_object_set_new (req, "step", json_string (step));
    assert_int_equal (peer_does (sock, req), 0);
}

/* ---- a new job ----------------------------------------------------------- */

static void a_job_is_limited_armed_and_on_record (void **state)
{
    struct job *job = peer_root_registers ("12", peers.dir);

    (void) state;
    assert_non_null (job);
    assert_int_equal (w->jobs.count, 1);
    assert_int_equal (job->spec.uid, PEER_OWNER);
    assert_int_equal (job->limit, FAKE_LIMIT_BYTES);
    assert_int_equal (job->registered_ms, fake.now);
    assert_int_equal (job->mark_ms, fake.now);
    assert_true (job->memcg.armed);
    assert_int_equal (job->memcg.set_limit, FAKE_LIMIT_BYTES);
    peer_has (peers.dir, "memory.limit_in_bytes", "536870912");
    peer_has (peers.dir, "memory.soft_limit_in_bytes", "536870912");
    peer_has (peers.dir, "memory.oom_control", "1");
    assert_non_null (job->event);
    assert_string_equal (peers.cut.text, "");
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
    mw_err_set (&peers.cut, "its ladder is not allowed");
    assert_int_equal (peer_register (peers.root, &spec, peers.dir, &peers.cut),
                      0);
    assert_string_equal (peers.cut.text,
                         "its ladder is not allowed; the priority of "
                         "900 that it asked for is cut to 500");
    assert_int_equal (fake_recorded ("\"event\":\"cut\""), 1);
    assert_int_equal (peer_register (peers.root, &spec, peers.dir, &peers.cut),
                      0);
    assert_string_equal (peers.cut.text, "");
    assert_int_equal (fake_recorded ("\"event\":\"cut\""), 1);
}

static void registered_again_it_is_limited_anew (void **state)
{
    struct job *job = peer_root_registers ("12", peers.dir);
    struct sd_event_source *event = job->event;

    (void) state;
    assert_int_equal (cg_write (peers.dir, "memory.limit_in_bytes",
                                "999999999"),
                      0);
    assert_ptr_equal (peer_root_registers ("12", peers.dir), job);
    peer_has (peers.dir, "memory.limit_in_bytes", "536870912");
    assert_ptr_equal (job->event, event);
    assert_int_equal (w->jobs.count, 1);
    assert_int_equal (fake_recorded ("\"event\":\"registered\""), 1);
    assert_int_equal (fake_requests (SPOOL_LOOKUP, NULL), 1);
}

static void its_freezer_comes_beside_it (void **state)
{
    cleanup_fd int freezer = peer_frozen ();
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
    peer_in_oom (peers.dir);
    job = peer_root_registers ("12", peers.dir);
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
        assert_non_null (peer_root_registers (key, one));
        assert_int_equal (w->scratch_max, i < 64 ? 64 : 128);
    }
    assert_int_equal (w->jobs.count, 65);
}

static void in_shadow_mode_it_is_only_heard (void **state)
{
    struct job *job;

    (void) state;
    w->conf.shadow = true;
    job = peer_root_registers ("12", peers.dir);
    assert_non_null (job);
    assert_false (job->memcg.armed);
    assert_non_null (job->event);
    peer_has (peers.dir, "memory.limit_in_bytes", "4096\n");
    peer_has (peers.dir, "memory.oom_control", "oom_kill_disable 0");
    assert_int_equal (w->jobs.committed, FAKE_LIMIT_BYTES);
    assert_ptr_equal (peer_root_registers ("12", peers.dir), job);
    assert_int_equal (peer_release (peers.root, "12"), 0);
    peer_has (peers.dir, "memory.oom_control", "oom_kill_disable 0");
}

/* ---- what is refused ----------------------------------------------------- */

static void without_its_memcg_none_is_registered (void **state)
{
    struct mw_jobspec spec = peer_spec ("12");
    json_t *req = peer_ask ("register", NULL);

    (void) state;
    json_object_set_new (req, "job", mw_jobspec_encode (&spec));
    assert_int_equal (peer_does (peers.root, req), EINVAL);
    _is_said ("register of job 12 has no memcg");
    assert_int_equal (peer_does (peers.root, peer_ask ("register", "12")),
                      EINVAL);
    _is_said ("job");
    assert_null (w->jobs.first);
    peers.no_cgroup = true;
    assert_null (peer_root_registers ("12", peers.dir));
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
    assert_int_equal (peer_register (peers.root, &spec, peers.dir, &peers.cut),
                      -1);
    assert_int_equal (errno, EINVAL);
    _is_said ("job 12: the limit of 1.0 MiB is below the reservation");
    assert_null (w->jobs.first);
}

static void one_that_cannot_be_armed_is_forgotten (void **state)
{
    (void) state;
    assert_int_equal (unlinkat (peers.dir, "cgroup.event_control", 0), 0);
    assert_null (peer_root_registers ("12", peers.dir));
    assert_int_equal (errno, ENOTSUP);
    _is_said ("cgroup.event_control");
    assert_null (w->jobs.first);
    assert_int_equal (w->jobs.committed, 0);
    assert_int_equal (fake_recorded ("released: it could not be taken over"),
                      1);
    peer_has (peers.dir, "memory.oom_control", "oom_kill_disable 0");
}

static void one_memcg_is_that_of_one_job (void **state)
{
    cleanup_fd int step = peer_memcg ("12.1");

    (void) state;
    assert_non_null (peer_root_registers ("12", peers.dir));
    assert_null (peer_root_registers ("13", peers.dir));
    assert_int_equal (errno, EEXIST);
    _is_said ("is already that of job 12");
    assert_null (peer_root_registers ("12.0", peers.dir));
    assert_int_equal (errno, EEXIST);
    assert_non_null (peer_root_registers ("12.1", step));
    assert_null (peer_root_registers ("13", step));
    assert_int_equal (errno, EEXIST);
    _is_said ("is already that of job 12.1");
    assert_int_equal (w->jobs.count + w->steps.count, 2);
}

static void a_job_has_one_memcg_while_that_lives (void **state)
{
    struct job *job = peer_root_registers ("12", peers.dir);
    cleanup_fd int other = peer_memcg ("other");
    uint64_t inode = job->memcg.inode;

    (void) state;
    assert_null (peer_root_registers ("12", other));
    assert_int_equal (errno, EEXIST);
    _is_said ("job 12 is registered with another memcg");
    assert_int_equal (job->memcg.inode, inode);
    _vanish (job);
    job = peer_root_registers ("12", other);
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
    assert_null (peer_root_registers ("12.0", step));
    assert_int_equal (errno, ESRCH);
    _is_said ("its job 12 is not registered");
    assert_non_null (peer_root_registers ("12", peers.dir));
    assert_non_null (peer_root_registers ("12.0", step));
    assert_int_equal (w->jobs.count, 1);
    assert_int_equal (w->steps.count, 1);
    assert_int_equal (w->jobs.committed, FAKE_LIMIT_BYTES);
    peer_has (step, "memory.limit_in_bytes", "536870912");
    assert_true (cg_read (step, "memory.soft_limit_in_bytes", peers.cut.text,
                          sizeof (peers.cut.text)) == 0);
    assert_null (w->steps.first->class);
    assert_int_equal (fake_requests (SPOOL_LOOKUP, NULL), 1);
}

static void a_steps_name_is_not_a_jobs (void **state)
{
    struct mw_jobspec spec = peer_spec ("12.0");
    cleanup_fd int step = peer_memcg ("12.0");

    (void) state;
    assert_non_null (peer_root_registers ("12", peers.dir));
    assert_non_null (peer_root_registers ("12.0", step));
    spec.of[0] = '\0';
    spec.layout = MW_LAYOUT_LEAF;
    assert_int_equal (peer_register (peers.root, &spec, step, &peers.cut), -1);
    assert_int_equal (errno, EEXIST);
    _is_said ("12.0 is the name of a step already");
}

static void with_its_job_a_step_ends (void **state)
{
    cleanup_fd int step = peer_memcg ("12.0");
    cleanup_fd int other = peer_memcg ("13");

    (void) state;
    assert_non_null (peer_root_registers ("12", peers.dir));
    assert_non_null (peer_root_registers ("12.0", step));
    assert_non_null (peer_root_registers ("13", other));
    assert_int_equal (peer_release (peers.root, "13"), 0);
    assert_int_equal (w->steps.count, 1);
    assert_int_equal (peer_release (peers.root, "12"), 0);
    assert_int_equal (w->steps.count + w->jobs.count, 0);
    peer_has (peers.dir, "memory.oom_control", "0");
    peer_has (step, "memory.oom_control", "0");
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
    assert_non_null (peer_root_registers ("12", peers.dir));
    peer_has (own, "memory.oom_control", "0");
    assert_non_null (peer_root_registers ("12.0", step));
    cg_write (own, "memory.oom_control", inherited);
    cg_write (step, "memory.oom_control", inherited);
    w->jobs.first->memcg.ops->free_below (&w->jobs.first->memcg, NULL, &found);
    peer_has (own, "memory.oom_control", "0");
    peer_has (step, "memory.oom_control", "oom_kill_disable 1");
    assert_int_equal (peer_release (peers.root, "12"), 0);
    peer_has (step, "memory.oom_control", "0");
}

/* Its end would disarm the other's job. */
static void a_memcg_of_another_warden_is_refused (void **state)
{
    char text[64], name[] = "trusted.memwarden.warden";
    int n = snprintf (text, sizeof (text), "%d %" PRIu64, (int) fake.task,
                      hears_started (fake.task));

    (void) state;
    if (fsetxattr (peers.dir, name, text, (size_t) n, 0) < 0)
        skip ();
    cg_write (peers.dir, "memory.oom_control", "oom_kill_disable 1\n");
    assert_null (peer_root_registers ("12", peers.dir));
    snprintf (text, sizeof (text), "the memwardend with pid %d has it",
              (int) fake.task);
    _is_said (text);
    assert_null (w->jobs.first);
    peer_has (peers.dir, "memory.oom_control", "oom_kill_disable 1");
    peer_has (peers.dir, "memory.limit_in_bytes", "4096");
    fsetxattr (peers.dir, name, "4194304 1", 9, 0); /* one that is dead */
    assert_non_null (peer_root_registers ("12", peers.dir));
    assert_int_equal (peer_release (peers.root, "12"), 0);
    assert_int_equal (fgetxattr (peers.dir, name, text, sizeof (text)), -1);
}

/* ---- release ------------------------------------------------------------- */

static void a_job_that_ends_is_the_kernels_again (void **state)
{
    (void) state;
    assert_non_null (peer_root_registers ("12", peers.dir));
    assert_int_equal (peer_release (peers.root, "12"), 0);
    assert_null (w->jobs.first);
    assert_int_equal (w->jobs.committed, 0);
    peer_has (peers.dir, "memory.oom_control", "0");
    assert_int_equal (fake_recorded ("job 12: released: its job has ended"), 1);
    assert_int_equal (fake_requests (SPOOL_LOOKUP, NULL), 0);
    assert_int_equal (peer_release (peers.root, "12"), -1);
    assert_int_equal (errno, ESRCH);
}

/* Nobody would answer the next OOM of what is left in it. */
static void it_is_released_when_the_kernel_has_it_again (void **state)
{
    struct job *job = peer_root_registers ("12", peers.dir);
    int ours = job->memcg.oom_control;

    (void) state;
    job->memcg.oom_control = openat (peers.dir, "memory.oom_control", O_RDONLY);
    assert_int_equal (peer_release (peers.root, "12"), 0);
    assert_ptr_equal (w->jobs.first, job);
    assert_int_equal (fake_recorded ("\"event\":\"released\""), 0);
    assert_int_equal (fake_recorded ("cannot be given back to the kernel"), 1);
    assert_true (fake_timer_is_on (job));
    close (job->memcg.oom_control);
    job->memcg.oom_control = ours;
    fake.now = job->release_ms;
    fake_loop ();
    assert_null (w->jobs.first);
    peer_has (peers.dir, "memory.oom_control", "0");
    assert_int_equal (fake_recorded ("\"event\":\"released\""), 1);
    assert_int_equal (fake_recorded ("cannot be given back to the kernel"), 1);
}

/* Its memory is not there for others yet. */
static void what_is_left_in_it_is_told (void **state)
{
    (void) state;
    assert_non_null (peer_root_registers ("12", peers.dir));
    cg_write (peers.dir, "cgroup.procs", "%d\n", (int) fake.task);
    cg_write (peers.dir, "memory.usage_in_bytes", "67108864\n");
    assert_int_equal (peer_release (peers.root, "12"), 0);
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
    peer_in_oom (peers.dir);
    assert_true (peer_root_registers ("12", peers.dir)->incident.open);
    _attach (owner, NULL);
    _attach (step, "step_0");
    assert_int_equal (peer_release (peers.root, "12"), 0);
    assert_int_equal (fake_recorded ("\"event\":\"resolved\""), 1);
    assert_null (w->jobs.first);
    note = peer_hears (owner); /* who is attached is told, … */
    assert_non_null (note);
    assert_non_null (strstr (peer_text (note, "text"), "gave back"));
    assert_null (peer_hears (step)); /* … its stderr is closed */
}

static void its_memory_is_there_for_others (void **state)
{
    struct job *job = peer_root_registers ("12", peers.dir);

    (void) state;
    fake_loop ();
    assert_false (peer_room_is_due ());
    warden_release (w, job, "its job has ended");
    assert_true (peer_room_is_due ());
}

static void a_kill_of_the_kernels_is_told_at_its_end (void **state)
{
    (void) state;
    assert_non_null (peer_root_registers ("12", peers.dir));
    cg_write (peers.dir, "memory.oom_control",
              "oom_kill_disable 1\nunder_oom 0\n"
              "oom_kill 2\n");
    assert_int_equal (peer_release (peers.root, "12"), 0);
    assert_int_equal (fake_recorded ("\"event\":\"kernel-kill\""), 1);
}

static void one_that_was_only_heard_is_told_at_its_end (void **state)
{
    (void) state;
    w->conf.shadow = true;
    assert_non_null (peer_root_registers ("12", peers.dir));
    cg_write (peers.dir, "memory.max_usage_in_bytes", "4096");
    cg_write (peers.dir, "memory.oom_control",
              "oom_kill_disable 0\nunder_oom 0\n"
              "oom_kill 2\n");
    assert_int_equal (peer_release (peers.root, "12"), 0);
    assert_int_equal (fake_recorded ("\"event\":\"shadow\""), 1);
    assert_int_equal (fake_recorded ("\"event\":\"kernel-kill\""), 0);
}

static void of_one_that_is_gone_nothing_is_given_back (void **state)
{
    struct job *job = peer_root_registers ("12", peers.dir);

    (void) state;
    _vanish (job);
    assert_int_equal (peer_release (peers.root, "12"), 0);
    assert_null (w->jobs.first);
    peer_has (peers.dir, "memory.oom_control", "1");
}

static void its_numbers_go_on_in_its_next_run (void **state)
{
    struct job *job = peer_root_registers ("12", peers.dir);

    (void) state;
    job->incidents = 4;
    assert_int_equal (peer_release (peers.root, "12"), 0);
    assert_int_equal (peer_root_registers ("12", peers.dir)->incidents, 4);
    job_had ("12", 0);
}

#define T(name) \
    cmocka_unit_test_setup_teardown (name, peer_job_begin, peer_job_end)

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
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
