/* fake_peer.c - the warden's socket, with clients of any user: see fake_peer.h */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "test/unit/fake_peer.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "handler/daemon/control.h"
#include "handler/daemon/dictation.h"
#include "handler/daemon/passing.h"
#include "handler/daemon/register.h"
#include "handler/scribe/scribe.h"
#include "lib/cgfile.h"
#include "lib/cleanup.h"
#include "lib/client.h"
#include "lib/fds.h"
#include "lib/wire.h"
#include "test/unit/fake_scribe.h"

/* A call that takes longer has hung: no machine is that slow. */
#define CALL_MS 60000

struct peers peers;

/* ---- the machine it runs on ---------------------------------------------- */

/* The linker takes these two instead of libc's. */
int getsockopt (int fd, int level, int name, void *value, socklen_t *len)
{
    int rc = (int) syscall (SYS_getsockopt, fd, level, name, value, len);

    if (rc == 0 && level == SOL_SOCKET && name == SO_PEERCRED)
        *(struct ucred *) value = (struct ucred) { .pid = peers.pid,
                                                   .uid = peers.uid };
    return rc;
}

int fstatfs (int fd, struct statfs *fs)
{
    (void) fd;
    *fs = (struct statfs) { .f_type = peers.no_cgroup ? TMPFS_MAGIC
                                                      : CGROUP_SUPER_MAGIC };
    return 0;
}

static void _file (int dir, const char *name, const char *text)
{
    cleanup_fd int fd = openat (dir, name, O_WRONLY | O_CREAT | O_CLOEXEC,
                                0600);

    assert_true (fd >= 0);
    assert_int_equal (write (fd, text, strlen (text)), strlen (text));
}

int peer_memcg (const char *name)
{
    char path[128];
    int dir;

    snprintf (path, sizeof (path), "%s/%s", fake.dir, name);
    assert_int_equal (mkdir (path, 0700), 0);
    dir = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true (dir >= 0);
    _file (dir, "cgroup.procs", "");
    _file (dir, "cgroup.event_control", "");
    _file (dir, "memory.limit_in_bytes", "4096\n");
    _file (dir, "memory.soft_limit_in_bytes", "");
    _file (dir, "memory.usage_in_bytes", "0\n");
    _file (dir, "memory.max_usage_in_bytes", "0\n");
    _file (dir, "memory.stat", "");
    _file (dir, "memory.oom_control",
           "oom_kill_disable 0\nunder_oom 0\n"
           "oom_kill 0\n");
    return dir;
}

void peer_is_in (const char *text)
{
    char path[128];
    int n = snprintf (path, sizeof (path), "%s/proc", fake.dir);

    peers.pid = 4711;
    assert_int_equal (setenv ("MEMWARDEN_SYSROOT", fake.dir, 1), 0);
    mkdir (path, 0700);
    snprintf (path + n, sizeof (path) - (size_t) n, "/4711");
    mkdir (path, 0700);

    cleanup_fd int dir = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    unlinkat (dir, "cgroup", 0);
    _file (dir, "cgroup", text);
}

/* ---- beginning and end --------------------------------------------------- */

/* Here, and in the same loop. */
static pid_t _desk_here (int listening, int pass, int scribe,
                         struct mw_err *err)
{
    return desk_open (&peers.desk, fake.w.loop, dup (listening), dup (pass),
                      dup (scribe), err) < 0
               ? -1
               : getpid ();
}

/* A process, as it is. */
static pid_t _scribe (int warden, int desk, struct mw_err *err)
{
    int aside[2] = { fcntl (warden, F_DUPFD, 64), fcntl (desk, F_DUPFD, 64) };

    (void) err;
    peers.scribe = fork ();
    if (peers.scribe == 0) {
        dup2 (aside[0], 3);
        dup2 (aside[1], 4);
        mw_close_from (5, NULL, 0);
        _exit (scribe_main ());
    }
    close (aside[0]);
    close (aside[1]);
    return peers.scribe;
}

/* Instead of the fake one. */
static int _begin_scribe (struct mw_err *err)
{
    cleanup_fd int desk = -1;

    fake_scribe_end (fake.w.report);
    snprintf (peers.history, sizeof (peers.history), "%s/history", fake.dir);
    fake.w.conf.log_file[0] = '\0';
    desk = dictation_open (&fake.w, fake.dir, peers.history, _scribe, err);
    if (desk < 0 || dictation_listen (&fake.w, err) < 0)
        return -1;
    return passing_open (&fake.w, peers.socket, desk, _desk_here, err);
}

int peer_begin (void **state)
{
    struct mw_err err;

    peers = (struct peers) { .pid = getpid () };
    if (fake_begin (state) < 0)
        return -1;
    fake.w.up.note = control_note;
    fake.w.up.tell = control_tell;
    fake.w.up.release = warden_release;
    fake.w.scratch = NULL; /* a registration makes it */
    fake.w.ranks = NULL;
    fake.w.scratch_max = 0;
    fake.w.control = -1;
    snprintf (peers.socket, sizeof (peers.socket), "%s/sock", fake.dir);
    snprintf (peers.roots, sizeof (peers.roots), "%s/roots", fake.dir);
    fake.w.socket_override = peers.socket;
    return control_open (&fake.w, peers.roots, &err) < 0 ||
                   _begin_scribe (&err) < 0 ||
                   passing_listen (&fake.w, &err) < 0
               ? -1
               : 0;
}

int peer_end (void **state)
{
    unsetenv ("MEMWARDEN_SYSROOT");
    desk_close (&peers.desk);
    passing_close (&fake.w);
    control_close (&fake.w);
    dictation_close (&fake.w);
    waitpid (peers.scribe, NULL, 0);
    while (fake.w.steps.first)
        job_free (&fake.w.steps, fake.w.steps.first);
    free (fake.w.scratch);
    free (fake.w.ranks);
    return fake_end (state);
}

int peer_job_begin (void **state)
{
    if (peer_begin (state) < 0)
        return -1;
    peers.root = peer_open (0);
    peers.dir = peer_memcg ("12");
    return 0;
}

int peer_job_end (void **state)
{
    close (peers.root);
    close (peers.dir);
    return peer_end (state);
}

/* ---- calls --------------------------------------------------------------- */

/* One call of a client, which waits in a thread while the warden's loop runs
 * here. */
struct call {
    void (*make) (struct call *c);
    int sock;
    const json_t *req;
    const int *fds;
    int nfds;
    const struct mw_jobspec *spec;
    const char *key;
    int status;
    struct mw_err *cut;
    int rc, fd, error;
    json_t *reply;
    struct mw_err err;
    int made; /* eventfd */
};

static void *_thread (void *arg)
{
    struct call *c = arg;

    c->make (c);
    c->error = errno;
    eventfd_write (c->made, 1);
    return NULL;
}

static int _on_made (sd_event_source *s, int fd, uint32_t events, void *arg)
{
    bool *made = arg;
    eventfd_t n;

    (void) s;
    (void) events;
    *made = true;
    return eventfd_read (fd, &n);
}

/* Leaves errno as the client had it. */
static void _run (struct call *c)
{
    cleanup_fd int made = eventfd (0, EFD_CLOEXEC);
    sd_event_source *source = NULL;
    bool done = false;
    pthread_t thread;

    c->fd = -1;
    c->made = made;
    assert_true (sd_event_add_io (fake.w.loop, &source, made, EPOLLIN, _on_made,
                                  &done) >= 0);
    assert_int_equal (pthread_create (&thread, NULL, _thread, c), 0);
    while (!done)
        assert_true (sd_event_run (fake.w.loop, UINT64_MAX) >= 0);
    pthread_join (thread, NULL);
    sd_event_source_disable_unref (source);
    fake_loop ();
    peers.err = c->err;
    errno = c->error;
}

static void _make_call (struct call *c)
{
    c->rc = mw_client_call (c->sock, c->req, c->fds, c->nfds, &c->reply, &c->fd,
                            &c->err);
}

json_t *peer_call (int sock, json_t *req, const int *fds, int nfds, int *fd)
{
    struct call c = {
        .make = _make_call, .sock = sock, .req = req, .fds = fds, .nfds = nfds
    };

    _run (&c);
    json_decref (req);
    if (fd)
        *fd = c.fd;
    else
        assert_int_equal (c.fd, -1);
    assert_true ((c.rc == 0) == (c.reply != NULL));
    return c.reply;
}

int peer_does (int sock, json_t *req)
{
    cleanup_json json_t *reply = peer_call (sock, req, NULL, 0, NULL);

    return reply ? 0 : errno;
}

static void _make_register (struct call *c)
{
    c->rc = mw_client_register (c->sock, c->spec, c->fds[0], -1, c->cut,
                                &c->err);
}

int peer_register (int sock, const struct mw_jobspec *spec, int dir,
                   struct mw_err *cut)
{
    struct call c = { .make = _make_register,
                      .sock = sock,
                      .spec = spec,
                      .fds = &dir,
                      .cut = cut };

    _run (&c);
    return c.rc;
}

static void _make_release (struct call *c)
{
    c->rc = mw_client_release (c->sock, c->key, &c->err);
}

int peer_release (int sock, const char *key)
{
    struct call c = { .make = _make_release, .sock = sock, .key = key };

    _run (&c);
    return c.rc;
}

static void _make_ended (struct call *c)
{
    c->rc = mw_client_ended (c->sock, c->key, c->status, &c->err);
}

int peer_ended (int sock, const char *key, int status)
{
    struct call c = {
        .make = _make_ended, .sock = sock, .key = key, .status = status
    };

    _run (&c);
    return c.rc;
}

static void _make_shadow (struct call *c)
{
    c->rc = mw_client_shadow (c->sock, &c->err);
}

int peer_shadow (int sock)
{
    struct call c = { .make = _make_shadow, .sock = sock };

    _run (&c);
    return c.rc;
}

static void _make_jobs (struct call *c)
{
    c->reply = mw_client_jobs (c->sock, &c->err);
}

json_t *peer_jobs (int sock)
{
    struct call c = { .make = _make_jobs, .sock = sock };

    _run (&c);
    return c.reply;
}

/* ---- who asks, and what -------------------------------------------------- */

static int _peer_open (uid_t uid, const char *path)
{
    int sock;

    peers.uid = uid;
    sock = mw_client_open_users (path, CALL_MS, &peers.err);
    assert_true (sock >= 0);
    fake_loop (); /* the warden looks whose it is */
    return sock;
}

int peer_open (uid_t uid)
{
    return _peer_open (uid, uid == 0 ? peers.roots : peers.socket);
}

int peer_open_users (uid_t uid)
{
    return _peer_open (uid, peers.socket);
}

unsigned peer_count (void)
{
    return peers.desk.count + fake.w.peer_count;
}

json_t *peer_ask (const char *type, const char *job)
{
    json_t *req = mw_wire_new (type);

    if (job)
        json_object_set_new (req, "job", json_string (job));
    return req;
}

json_t *peer_hears (int sock)
{
    json_t *msg = NULL;
    char byte;

    fake_loop ();
    errno = 0;
    if (recv (sock, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0)
        assert_int_equal (mw_wire_recv (sock, &msg, NULL, NULL, &peers.err), 1);
    return msg;
}

struct job *peer_job (const char *key, const char *ladder)
{
    struct job *job = fake_job (key, ladder);

    job->spec.uid = PEER_OWNER;
    return job;
}

struct mw_jobspec peer_spec (const char *key)
{
    struct mw_jobspec spec = {
        .slurm_id = (uint32_t) strtoul (key, NULL, 10),
        .uid = PEER_OWNER,
        .cpus = 2,
        .priority = MW_PRIORITY_DEFAULT,
        .reservation = FAKE_LIMIT_BYTES,
        .layout = MW_LAYOUT_LEAF,
        .batch = true,
        .tells = true,
        .name = "sim",
    };

    const char *dot = strchr (key, '.');

    snprintf (spec.key, sizeof (spec.key), "%s", key);
    if (dot) {
        snprintf (spec.of, sizeof (spec.of), "%.*s", (int) (dot - key), key);
        snprintf (spec.ladder, sizeof (spec.ladder), "kill");
        spec.layout = MW_LAYOUT_STEP;
        spec.slurm_id = 0;
        spec.batch = false;
    }
    return spec;
}

json_int_t peer_int (const json_t *j, const char *key)
{
    const json_t *value = json_object_get (j, key);

    if (!json_is_integer (value))
        fail_msg ("no number \"%s\"", key);
    return json_integer_value (value);
}

const char *peer_text (const json_t *j, const char *key)
{
    const char *text = json_string_value (json_object_get (j, key));

    if (!text)
        fail_msg ("no text \"%s\"", key);
    return text ? text : "";
}

/* ---- jobs that root registers -------------------------------------------- */

struct job *peer_root_registers (const char *key, int memcg)
{
    struct mw_jobspec spec = peer_spec (key);

    return peer_register (peers.root, &spec, memcg, &peers.cut) == 0
               ? warden_find (&fake.w, key)
               : NULL;
}

int peer_frozen (void)
{
    int freezer = peer_memcg ("frz");
    struct mw_jobspec spec = peer_spec ("12");
    const int fds[] = { peers.dir, freezer };
    json_t *req = peer_ask ("register", NULL);

    close (openat (freezer, "freezer.state", O_WRONLY | O_CREAT, 0600));
    json_object_set_new (req, "job", mw_jobspec_encode (&spec));
    json_decref (peer_call (peers.root, req, fds, 2, NULL));
    assert_non_null (warden_find (&fake.w, "12"));
    cg_write (freezer, "freezer.state", "FROZEN");
    warden_find (&fake.w, "12")->incident.frozen = true;
    return freezer;
}

void peer_has (int memcg, const char *name, const char *text)
{
    char is[256];

    assert_true (cg_read (memcg, name, is, sizeof (is)) >= 0);
    if (strncmp (is, text, strlen (text)) != 0)
        fail_msg ("%s is %s, not %s", name, is, text);
}

void peer_in_oom (int memcg)
{
    cg_write (memcg, "memory.usage_in_bytes", "536870912\n");
    cg_write (memcg, "memory.oom_control",
              "oom_kill_disable 0\nunder_oom 1\n"
              "oom_kill 0\n");
}

bool peer_room_is_due (void)
{
    int on = SD_EVENT_OFF;

    assert_true (sd_event_source_get_enabled (fake.w.room, &on) >= 0);
    return on != SD_EVENT_OFF;
}
