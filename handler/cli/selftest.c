/* selftest.c - memwarden selftest: does this node's warden handle an OOM?
 *
 * A job of a few MiB whose ladder is "kill" takes more than its limit.  It is handled
 * where the warden has killed it and not the kernel, and the story tells that.  All of
 * it has an end in TIMEOUT_MS, since who starts a node waits for it.
 */
#include "handler/cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "handler/cli/run_place.h"
#include "lib/cgfile.h"
#include "lib/cleanup.h"
#include "lib/client.h"
#include "lib/clock.h"
#include "lib/units.h"
#include "lib/wire.h"

#define LIMIT (8 * MW_MIB)
#define TAKES (64 * MW_MIB)
#define CALL_MS 3000
#define TIMEOUT_MS 10000
/* where even the clean-up hangs: systemd ends a unit whose ExecStartPost= does */
#define LAST_RESORT_S 40
#define LOOK_MS 10

struct selftest {
    const struct cli_command *self;
    struct cli_common common;
    struct mw_jobspec spec;
    struct run_place place;
    int sock;
    FILE *story; /* from where it was before */
    pid_t pid;
};

/* ---- the job ------------------------------------------------------------- */

/* In the child, once a byte is in [gate]: takes memory until it is ended. */
_Noreturn static void _selftest_take (int gate)
{
    char go, *at;

    prctl (PR_SET_PDEATHSIG, SIGKILL);
    if (read (gate, &go, 1) != 1)
        _exit (2);
    at = mmap (NULL, TAKES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
               -1, 0);
    if (at == MAP_FAILED)
        _exit (2);
    /* where there is swap, the job must not go there */
    mlock2 (at, TAKES, MLOCK_ONFAULT);
    for (size_t i = 0; i < TAKES; i += 4096)
        *(volatile char *) (at + i) = 1;
    _exit (0);
}

/* Fork it; it takes nothing before a byte is in [*gate]. */
static int _selftest_fork (struct selftest *t, int *gate, struct mw_err *err)
{
    int ends[2];

    if (pipe2 (ends, O_CLOEXEC) < 0)
        return mw_err_errno (err, "cannot start");
    t->pid = fork ();
    if (t->pid == 0) {
        close (ends[1]);
        _selftest_take (ends[0]);
    }
    close (ends[0]);
    *gate = ends[1];
    return t->pid < 0 ? mw_err_errno (err, "cannot fork") : 0;
}

/* Wait until it has ended. Returns 0 and its [status]; -1: in time it has not. */
static int _selftest_wait (struct selftest *t, int *status)
{
    uint64_t end = clock_ms () + TIMEOUT_MS;
    struct timespec left = { 0 };
    sigset_t child;

    sigemptyset (&child);
    sigaddset (&child, SIGCHLD);
    while (waitpid (t->pid, status, WNOHANG) != t->pid) {
        uint64_t now = clock_ms ();

        if (now >= end)
            return -1;
        left.tv_sec = (time_t) ((end - now) / 1000);
        left.tv_nsec = (long) ((end - now) % 1000) * 1000000;
        sigtimedwait (&child, NULL, &left);
    }
    t->pid = 0;
    return 0;
}

/* How often the kernel's OOM killer has killed in it. */
static uint64_t _selftest_kernel_kills (const struct selftest *t)
{
    static const char *const files[] = { "memory.events",
                                         "memory.oom_control" };
    char text[1024];
    uint64_t kills = 0;

    for (size_t i = 0; i < 2; i++)
        if (cg_read (t->place.memcg.dir, files[i], text, sizeof (text)) > 0)
            cg_key (text, "oom_kill", &kills);
    return kills;
}

/* ---- what the story says ------------------------------------------------- */

/* Is [record] of the kill of this job? */
static bool _selftest_tells (const struct selftest *t, const json_t *record)
{
    return strcmp (cli_text (record, "job"), t->spec.key) == 0 &&
           strcmp (cli_text (record, "event"), "step") == 0 &&
           strcmp (cli_text (record, "step"), "kill") == 0;
}

/* Look through what has been added to the story. */
static bool _selftest_told_now (struct selftest *t)
{
    cleanup_free char *line = NULL;
    size_t room = 0;
    bool told = false;
    ssize_t n;
    off_t at;

    for (clearerr (t->story); !told;) {
        at = ftello (t->story);
        n = getline (&line, &room, t->story);
        if (n <= 0 || line[n - 1] != '\n') { /* not whole yet */
            fseeko (t->story, at, SEEK_SET);
            return false;
        }
        cleanup_json json_t *r = json_loadb (line, (size_t) n, 0, NULL);

        told = r && _selftest_tells (t, r);
    }
    return told;
}

/* The story is written by another process, behind the deed; and begins anew in
 * another file where it has got too long. */
static bool _selftest_told (struct selftest *t)
{
    struct timespec pause = { .tv_nsec = LOOK_MS * 1000000 };

    for (int i = 1; i <= TIMEOUT_MS / LOOK_MS; i++) {
        if (_selftest_told_now (t))
            return true;
        nanosleep (&pause, NULL);
        if (i % 50 == 0) {
            fclose (t->story);
            t->story = cli_open_history (t->self, &t->common, false, NULL);
            if (!t->story)
                t->story = fopen ("/dev/null", "r");
        }
    }
    return false;
}

/* ---- the test ------------------------------------------------------------ */

static int _selftest_ready (struct selftest *t, struct mw_err *err)
{
    int rc = CLI_OK;

    t->story = cli_open_history (t->self, &t->common, false, &rc);
    if (!t->story)
        return mw_err_set (err, "the story cannot be read");
    fseeko (t->story, 0, SEEK_END);
    if (run_place_make (&t->place, t->spec.key, err) < 0)
        return mw_err_add (err, "`memwarden doctor` says what this node lacks");
    return 0;
}

static int _selftest_begin (struct selftest *t, struct mw_err *err)
{
    struct mw_err cut = { "" };
    cleanup_fd int gate = -1;

    if (_selftest_fork (t, &gate, err) < 0 ||
        run_place_add (&t->place, t->pid, err) < 0)
        return -1;
    if (mw_client_register (t->sock, &t->spec, t->place.memcg.dir,
                            t->place.memcg.freezer, &cut, err) < 0)
        return mw_err_prefix (err, "the warden refuses a job");
    if (write (gate, "", 1) != 1)
        return mw_err_errno (err, "cannot let it go");
    return 0;
}

/* Returns 0 where all is as it should be; -1 with what is not, and what to do. */
static int _selftest_look (struct selftest *t, struct mw_err *err)
{
    static const char
        do_this[] = "see `memwarden events`, memwardend's log and "
                    "`memwarden doctor`";
    int status = 0;

    if (_selftest_wait (t, &status) < 0)
        return mw_err_set (
            err,
            "a job has been at its limit for %d s, and the warden "
            "does nothing about it: %s",
            TIMEOUT_MS / 1000, do_this);
    if (WIFEXITED (status))
        return mw_err_set (
            err,
            "a job took %s of memory, and its limit was %s: this "
            "kernel limits nothing, or not in time: %s",
            "64 MiB", "8 MiB", do_this);
    if (_selftest_kernel_kills (t) > 0)
        return mw_err_set (err,
                           "the kernel has killed a job at its limit, not the "
                           "warden: %s",
                           do_this);
    if (WTERMSIG (status) != SIGKILL)
        return mw_err_set (err, "a job at its limit ended by signal %d: %s",
                           WTERMSIG (status), do_this);
    if (!_selftest_told (t))
        return mw_err_set (
            err,
            "a job was killed at its limit, and the story does not "
            "tell of it: is the disk of history-dir full? %s",
            do_this);
    return 0;
}

/* The job goes, whatever has become of it. */
static int _selftest_end (struct selftest *t, struct mw_err *err)
{
    struct mw_err left = { "" };
    int status, rc = 0;

    if (t->pid > 0) {
        kill (t->pid, SIGKILL);
        waitpid (t->pid, &status, 0);
    }
    mw_client_release (t->sock, t->spec.key, NULL);
    if (run_place_remove (&t->place, &left) < 0)
        rc = mw_err_add (err, "%s", left.text);
    if (t->story)
        fclose (t->story);
    return rc;
}

static int _selftest_say (const struct selftest *t, bool ok, const char *text)
{
    cleanup_json json_t *said = NULL;

    if (!t->common.json) {
        printf ("selftest: %s: %s\n", ok ? "ok" : "FAILED", text);
        return ok ? CLI_OK : CLI_FAILED;
    }
    said = json_pack ("{s:b,s:o}", "ok", ok, "text", mw_wire_text (text));
    return cli_print_json (said) == CLI_OK && ok ? CLI_OK : CLI_FAILED;
}

static int _selftest_run (struct selftest *t)
{
    struct mw_err err = { "" };
    uint64_t began = clock_ms ();
    char text[128];
    int rc;

    rc = _selftest_ready (t, &err) == 0 && _selftest_begin (t, &err) == 0 &&
                 _selftest_look (t, &err) == 0
             ? 0
             : -1;
    if (_selftest_end (t, &err) < 0 || rc < 0)
        return _selftest_say (t, false, err.text);
    snprintf (text, sizeof (text),
              "a job of 8 MiB ran out of memory, and the warden has killed it; "
              "%llu ms in all",
              (unsigned long long) (clock_ms () - began));
    return _selftest_say (t, true, text);
}

/* Connected and allowed, and does the warden only watch?
 * Returns 1 if so, 0; -1 with the exit code in [*rc], everything said. */
static int _selftest_connect (struct selftest *t, int *rc)
{
    struct mw_err err = { "" };
    int shadow;

    if (geteuid () != 0) {
        _selftest_say (t, false,
                       "only root can make the memory cgroup that it "
                       "needs");
        *rc = CLI_DENIED;
        return -1;
    }
    t->sock = mw_client_open (t->common.socket, CALL_MS, &err);
    if (t->sock < 0) {
        mw_err_add (&err, "systemctl start memwardend");
        _selftest_say (t, false, err.text);
        *rc = CLI_NO_WARDEN;
        return -1;
    }
    if ((shadow = mw_client_shadow (t->sock, &err)) >= 0)
        return shadow;
    mw_err_add (&err, "systemctl restart memwardend, if it stays so");
    *rc = _selftest_say (t, false, err.text);
    return -1;
}

int cli_selftest (const struct cli_command *self, int argc, char **argv)
{
    static const struct option options[] = { CLI_COMMON_OPTIONS, { 0 } };
    struct selftest t = { .self = self, .place = RUN_PLACE_NONE, .sock = -1 };
    sigset_t child;
    int c, rc = CLI_OK, shadow;

    while ((c = getopt_long (argc, argv, CLI_LETTERS, options, NULL)) != -1)
        cli_common_option (self, c, &t.common);
    if (optind < argc)
        return cli_usage (self, "\"%.40s\" is not understood", argv[optind]);
    alarm (LAST_RESORT_S);
    sigemptyset (&child);
    sigaddset (&child, SIGCHLD);
    sigprocmask (SIG_BLOCK, &child, NULL);
    if ((shadow = _selftest_connect (&t, &rc)) > 0) {
        rc = _selftest_say (&t, true,
                            "the warden answers; it is in shadow mode, and "
                            "handles nothing");
    } else if (shadow == 0) {
        t.spec.priority = MW_PRIORITY_DEFAULT;
        t.spec.cpus = 1;
        t.spec.reservation = LIMIT;
        t.spec.burst = (struct mw_amount) { .kind = MW_AMOUNT_BYTES,
                                            .bytes = LIMIT };
        strcpy (t.spec.user, "root");
        strcpy (t.spec.name, "selftest");
        strcpy (t.spec.ladder, "kill");
        snprintf (t.spec.key, sizeof (t.spec.key), "selftest-%d",
                  (int) getpid ());
        rc = _selftest_run (&t);
    }
    if (t.sock >= 0)
        close (t.sock);
    return rc;
}
