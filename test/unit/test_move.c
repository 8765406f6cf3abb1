/* A process of one job is put into another: what the warden answers, what it refuses, and
 * what is done then, to directories of plain files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "handler/incident/incident.h"
#include "handler/memcg/live.h"
#include "handler/memcg/move.h"
#include "lib/cgfile.h"
#include "lib/cleanup.h"
#include "lib/wire.h"
#include "test/unit/fake_peer.h"

static struct warden *const w = &fake.w;

/* Two jobs, of two owners; fake.task is in both. */
static struct job *from, *to;

static int _move_begin (void **state)
{
    if (peer_begin (state) < 0)
        return -1;
    from = peer_job ("12", "kill");
    to = peer_job ("13", "kill");
    from->spec.uid = getuid (); /* as fake.task is */
    to->spec.uid = PEER_STRANGER;
    fake_uses (to, 64 * MW_MIB);
    return 0;
}

static json_t *_move_wish (const char *type, long pid, const char *where)
{
    json_t *req = peer_ask (type, "12");

    json_object_set_new (req, "pid", json_integer (pid));
    json_object_set_new (req, "to", json_string (where));
    return req;
}

static void _move_refused (int sock, long pid, const char *where, int code,
                           const char *why)
{
    assert_int_equal (peer_does (sock, _move_wish ("move", pid, where)), code);
    if (!strstr (peers.err.text, why))
        fail_msg ("\"%s\" is not in \"%s\"", why, peers.err.text);
    assert_int_equal (fake_recorded ("to be moved"), 0);
}

/* The kernel would charge anew what a process in [job] has used. */
static void _charges (const struct job *job)
{
    int fd = openat (job->memcg.dir, "memory.move_charge_at_immigrate",
                     O_WRONLY | O_CREAT | O_TRUNC, 0600);

    dprintf (fd, "0\n");
    close (fd);
}

static json_t *_move_asked (const char *where)
{
    cleanup_fd int root = peer_open (0);
    json_t *how = peer_call (root, _move_wish ("move", fake.task, where), NULL,
                             0, NULL);

    assert_non_null (how);
    return how;
}

static void where_to_is_answered_and_on_record (void **state)
{
    cleanup_json json_t *how = _move_asked ("13");
    const json_t *there = json_object_get (how, "to");

    (void) state;
    assert_int_equal (peer_int (how, "pid"), fake.task);
    assert_int_equal (peer_int (how, "started"), live_began (fake.task));
    assert_int_equal (peer_int (there, "inode"), cg_inode (to->memcg.dir));
    assert_true (json_is_false (json_object_get (there, "charges")));
    assert_true (peer_int (how, "stays") > 0);
    assert_int_equal (fake_recorded ("to be moved by root to job 13: process"),
                      1);
}

static void what_follows_it_needs_room (void **state)
{
    cleanup_fd int root = peer_open (0);
    cleanup_json json_t *how = NULL;

    (void) state;
    _charges (to);
    fake_uses (to, FAKE_LIMIT_BYTES);
    _move_refused (root, fake.task, "13", ENOSPC,
                   "has no room for it: it uses");
    fake_uses (to, 64 * MW_MIB);
    how = _move_asked ("13");
    assert_true (json_is_true (
        json_object_get (json_object_get (how, "to"), "charges")));
    assert_int_equal (peer_int (how, "stays"), 0);
}

static void only_root_has_it_done (void **state)
{
    cleanup_fd int owner = peer_open (PEER_OWNER);

    (void) state;
    _move_refused (owner, fake.task, "13", EPERM, "only root may move");
    assert_int_equal (peer_does (owner, _move_wish ("moved", fake.task, "13")),
                      EPERM);
}

static void what_cannot_be_is_said (void **state)
{
    cleanup_fd int root = peer_open (0);

    (void) state;
    _move_refused (root, 0, "13", EINVAL, "which process");
    _move_refused (root, -7, "13", EINVAL, "which process");
    _move_refused (root, 1L << 40, "13", EINVAL, "which process");
    _move_refused (root, fake.task, "14", ESRCH, "there is no job 14");
    _move_refused (root, fake.task, "", ESRCH, "there is no job");
    _move_refused (root, fake.task, "12", EINVAL, "it is in job 12 already");
    _move_refused (root, getpid (), "13", ESRCH, "there is no process");
    fake_empty (to);
    _move_refused (root, fake.task, "13", ESRCH, "beside which another");
    w->conf.shadow = true;
    _move_refused (root, fake.task, "13", ENOTSUP, "shadow mode");
    w->conf.shadow = false;
}

static void not_while_something_is_done_to_a_job (void **state)
{
    cleanup_fd int root = peer_open (0);
    struct mw_err err;

    (void) state;
    assert_int_equal (incident_hold (w, to, &err), 0);
    _move_refused (root, fake.task, "13", EBUSY,
                   "job 13 is in an incident (hold)");
    assert_int_equal (incident_resume (w, to, &err), 0);
    incident_oom (w, from, TRIGGER_JOB);
    _move_refused (root, fake.task, "13", EBUSY, "job 12 is in an incident");
}

static void how_it_went_is_on_record_of_both (void **state)
{
    cleanup_fd int root = peer_open (0);
    json_t *done = _move_wish ("moved", fake.task, "13");

    (void) state;
    json_object_set_new (done, "stays", json_integer (64 * MW_MIB));
    assert_int_equal (peer_does (root, done), 0);
    assert_int_equal (fake_recorded ("was moved to job 13; 64.0 MiB that it "
                                     "has used so far stay charged here"),
                      1);
    assert_int_equal (fake_recorded ("was moved here from job 12"), 1);
    done = _move_wish ("moved", fake.task, "/");
    json_object_set_new (done, "error", json_string ("it has ended"));
    assert_int_equal (peer_does (root, done), 0);
    assert_int_equal (fake_recorded ("was not moved to no job: it has ended"),
                      1);
}

/* ---- the move ------------------------------------------------------------ */

static void _procs_are (const struct job *job, const char *text)
{
    char is[64] = "";
    int fd = openat (job->memcg.dir, "cgroup.procs", O_RDONLY);
    ssize_t n = read (fd, is, sizeof (is) - 1);

    close (fd);
    is[n > 0 ? n : 0] = '\0';
    assert_string_equal (is, text);
}

static void who_has_its_number_since_is_not_moved (void **state)
{
    struct move_place here, there;
    char pid[32];
    struct mw_err err;

    (void) state;
    assert_int_equal (move_from (&from->memcg, fake.task, &here, &err), 0);
    assert_int_equal (move_beside (&to->memcg, &there, &err), 0);
    fake_empty (to);
    assert_int_equal (move_process (fake.task, live_began (fake.task) + 1,
                                    &here, &there, &err),
                      -1);
    assert_int_equal (errno, ESRCH);
    _procs_are (to, "");
    there.inode++;
    assert_int_equal (move_process (fake.task, live_began (fake.task), &here,
                                    &there, &err),
                      -1);
    assert_int_equal (errno, ESTALE);
    _procs_are (to, "");
    there.inode--;
    assert_int_equal (move_process (fake.task, live_began (fake.task), &here,
                                    &there, &err),
                      0);
    snprintf (pid, sizeof (pid), "%d", (int) fake.task);
    _procs_are (to, pid);
    fake_empty (from);
    assert_int_equal (move_process (fake.task, live_began (fake.task), &here,
                                    &there, &err),
                      -1);
    assert_int_equal (errno, ESRCH);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown (f, _move_begin, peer_end)
        T (where_to_is_answered_and_on_record),
        T (what_follows_it_needs_room),
        T (only_root_has_it_done),
        T (what_cannot_be_is_said),
        T (not_while_something_is_done_to_a_job),
        T (how_it_went_is_on_record_of_both),
        T (who_has_its_number_since_is_not_moved),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
