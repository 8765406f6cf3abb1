/* run.c - memwarden run: a command in a memcg of its own, without Slurm
 *
 * The command is in its memcg, and registered, before it is executed.  This
 * process stays beside it: it prints the warden's notes, passes signals on, and
 * at the end removes what it made.
 */
#include "handler/cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "handler/cli/run_place.h"
#include "lib/cleanup.h"
#include "lib/client.h"
#include "lib/wire.h"

#define TIMEOUT_MS 5000
#define RETRY_MS 500
#define RETRY_MAX_MS 30000

struct run {
    const struct cli_command *self;
    struct cli_common common;
    struct mw_jobspec spec;
    const char *user;
    bool required;
    char **command;

    struct run_place place;
    int sock; /* -1: no warden at the moment */
    pid_t pid;
    bool going; /* the command has been let go */
    uid_t uid;
    gid_t gid;
};

/* ---- what is asked for --------------------------------------------------- */

static int _run_wrong (const struct run *r, const char *flag,
                       const struct mw_err *err)
{
    return cli_usage (r->self, "--%s: %s", flag, err->text);
}

/* Returns 0, or the exit code. */
static int _run_option (struct run *r, int c, uint64_t *limit)
{
    struct mw_err err = { "" };
    struct mw_proclimit proc_limit;
    struct mw_ladder ladder;

    switch (c) {
    case 'p':
        return mw_priority_parse (optarg, &r->spec.priority, &err) < 0
                   ? _run_wrong (r, "priority", &err)
                   : 0;
    case 'r':
        return mw_size_parse (optarg, &r->spec.reservation, &err) < 0
                   ? _run_wrong (r, "reservation", &err)
                   : 0;
    case 'l':
        return mw_size_parse (optarg, limit, &err) < 0
                   ? _run_wrong (r, "limit", &err)
                   : 0;
    case 'b':
        return mw_amount_parse (optarg, &r->spec.burst, &err) < 0
                   ? _run_wrong (r, "burst", &err)
                   : 0;
    case 'v':
        return mw_amount_parse (optarg, &r->spec.reserve, &err) < 0
                   ? _run_wrong (r, "reserve", &err)
                   : 0;
    case 'o':
        if (mw_ladder_parse (optarg, &ladder, &err) < 0)
            return _run_wrong (r, "on-oom", &err);
        snprintf (r->spec.ladder, sizeof (r->spec.ladder), "%s", optarg);
        return 0;
    case 'n':
        if (!mw_jobkey_valid (optarg))
            return cli_usage (r->self,
                              "--name: \"%.70s\" is not a name; write "
                              "up to %d of A-Z a-z 0-9 . _ -",
                              optarg, MW_JOBKEY_MAX - 1);
        snprintf (r->spec.key, sizeof (r->spec.key), "%s", optarg);
        return 0;
    case 'q':
        if (mw_proclimit_parse (optarg, &proc_limit, &err) < 0)
            return _run_wrong (r, "proc-limit", &err);
        snprintf (r->spec.proc_limit, sizeof (r->spec.proc_limit), "%s",
                  optarg);
        return 0;
    case 'P':
        if (!mw_jobkey_valid (optarg))
            return cli_usage (r->self, "--pool: \"%.70s\" is not a name",
                              optarg);
        r->place.pool = optarg;
        return 0;
    }
    return 0;
}

/* One that nobody can pass is not what was meant; without a limit of its own the warden
 * knows. */
static int _run_proc_limit (const struct run *r, uint64_t limit)
{
    char a[MW_SIZE_STRLEN], b[MW_SIZE_STRLEN];
    struct mw_proclimit proc;

    if (!limit || !r->spec.proc_limit[0] ||
        mw_proclimit_parse (r->spec.proc_limit, &proc, NULL) < 0 ||
        proc.bytes <= limit)
        return 0;
    return cli_usage (r->self,
                      "--proc-limit: %s is above the --limit of %s, which no "
                      "process passes; write that much or less",
                      mw_size_format (proc.bytes, a, sizeof (a)),
                      mw_size_format (limit, b, sizeof (b)));
}

static int _run_parse (struct run *r, int argc, char **argv)
{
    static const struct option options[] = {
        { "priority", required_argument, NULL, 'p' },
        { "reservation", required_argument, NULL, 'r' },
        { "limit", required_argument, NULL, 'l' },
        { "burst", required_argument, NULL, 'b' },
        { "reserve", required_argument, NULL, 'v' },
        { "on-oom", required_argument, NULL, 'o' },
        { "proc-limit", required_argument, NULL, 'q' },
        { "name", required_argument, NULL, 'n' },
        { "pool", required_argument, NULL, 'P' },
        { "user", required_argument, NULL, 'u' },
        { "required", no_argument, NULL, 'R' },
        CLI_COMMON_OPTIONS,
        { 0 }
    };
    uint64_t limit = 0;
    int c, rc;

    /* '+': what stands behind the command is the command's */
    while ((c = getopt_long (argc, argv, "+" CLI_LETTERS, options, NULL)) !=
           -1) {
        if (c == 'u')
            r->user = optarg;
        else if (c == 'R')
            r->required = true;
        else if (!cli_common_option (r->self, c, &r->common) &&
                 (rc = _run_option (r, c, &limit)) != 0)
            return rc;
    }
    r->command = argv + optind;
    if (!*r->command)
        return cli_usage (r->self, "which command? write -- COMMAND");
    if (limit && r->spec.burst.kind != MW_AMOUNT_NONE)
        return cli_usage (r->self, "--limit and --burst say the same; give "
                                   "one");
    if (!r->spec.reservation)
        r->spec.reservation = limit;
    if (!r->spec.reservation)
        return cli_usage (r->self, "how much memory is to be its own? give "
                                   "--reservation");
    if (limit)
        r->spec.burst = (struct mw_amount) { .kind = MW_AMOUNT_BYTES,
                                             .bytes = limit };
    if (mw_amount_of (&r->spec.burst, r->spec.reservation,
                      r->spec.reservation) < r->spec.reservation)
        return cli_usage (r->self, "the limit is below the reservation; give a "
                                   "--limit of at least the reservation");
    return _run_proc_limit (r, limit);
}

static int _run_user (struct run *r)
{
    const struct passwd *pw;

    r->uid = getuid ();
    r->gid = getgid ();
    if (geteuid () != 0) {
        fprintf (stderr,
                 "memwarden run: only root may make memory cgroups; "
                 "have an admin run it, with --user %s\n",
                 (pw = getpwuid (getuid ())) ? pw->pw_name : "NAME");
        return CLI_RUN_FAILED;
    }
    if (r->user) {
        if (!(pw = getpwnam (r->user)))
            return cli_usage (r->self, "--user: there is no user \"%.40s\"",
                              r->user);
        r->uid = pw->pw_uid;
        r->gid = pw->pw_gid;
    }
    r->spec.uid = r->uid;
    r->spec.gid = r->gid;
    mw_user_name (r->uid, r->spec.user, sizeof (r->spec.user));
    snprintf (r->spec.name, sizeof (r->spec.name), "%.63s", r->command[0]);
    return 0;
}

/* ---- the warden ---------------------------------------------------------- */

static int _run_attach (struct run *r, struct mw_err *err)
{
    cleanup_json json_t *req = mw_wire_new ("attach");

    json_object_set_new (req, "job", json_string (r->spec.key));
    return mw_client_call (r->sock, req, NULL, 0, NULL, NULL, err);
}

/* No warden, or one that only watches: the job gets the plain limit that it
 * would have under Slurm. */
static int _plain_limit (struct run *r, struct mw_err *err)
{
    uint64_t limit = mw_amount_of (&r->spec.burst, r->spec.reservation,
                                   r->spec.reservation);

    return r->place.memcg.ops->set_kernel_limit (&r->place.memcg, limit, err);
}

static int _heed_shadow (struct run *r, struct mw_err *err)
{
    int shadow = mw_client_shadow (r->sock, err);

    /* a job that runs already has a limit, and may be above this one */
    return shadow > 0 && !r->going ? _plain_limit (r, err) : shadow;
}

/* Register (again, where the warden is new), and hear its notes. */
static int _run_register (struct run *r, struct mw_err *err)
{
    struct mw_err cut = { "" };
    int saved;

    r->sock = mw_client_open (r->common.socket, TIMEOUT_MS, err);
    if (r->sock >= 0 && _heed_shadow (r, err) >= 0 &&
        mw_client_register (r->sock, &r->spec, r->place.memcg.dir,
                            r->place.memcg.freezer, &cut, err) == 0 &&
        _run_attach (r, err) == 0) {
        if (cut.text[0])
            fprintf (stderr, "memwarden run: %s\n", cut.text);
        return 0;
    }
    saved = errno;
    if (r->sock >= 0)
        close (r->sock);
    r->sock = -1;
    errno = saved;
    return -1;
}

static int _run_without_warden (struct run *r, struct mw_err *why)
{
    if (r->required) {
        fprintf (stderr, "memwarden run: %s\n", why->text);
        return -1;
    }
    fprintf (stderr,
             "memwarden run: %s; the command runs with a plain limit, "
             "at which the kernel kills\n",
             why->text);
    return _plain_limit (r, why);
}

/* Print the next packet if it is a note. Returns true if it was one; without a
 * warden any more, r->sock is -1. */
static bool _run_hear (struct run *r)
{
    cleanup_json json_t *msg = NULL;
    int rc = mw_wire_recv (r->sock, &msg, NULL, NULL, NULL);

    if (rc > 0 && strcmp (mw_wire_type (msg), "note") == 0) {
        fprintf (stderr, "memwarden: %s\n", cli_text (msg, "text"));
        return true;
    }
    if (rc == 0 || (rc < 0 && errno != EAGAIN)) {
        close (r->sock);
        r->sock = -1;
    }
    return false;
}

/* The job is over.  What the warden has to say of its end comes before its
 * answer, and is still to be heard. */
static void _run_release (struct run *r)
{
    cleanup_json json_t *req = mw_wire_new ("release");

    if (r->sock < 0)
        return;
    json_object_set_new (req, "job", json_string (r->spec.key));
    if (mw_wire_send (r->sock, req, NULL, 0, NULL) == 0)
        while (_run_hear (r))
            ;
    if (r->sock >= 0)
        close (r->sock);
    r->sock = -1;
}

/* ---- the command --------------------------------------------------------- */

/* In the child, once it is let go by a byte in [gate]. */
static void _run_exec (struct run *r, int gate, const sigset_t *mask)
{
    char go;

    if (read (gate, &go, 1) != 1)
        _exit (CLI_RUN_FAILED);
    close (gate);
    if (r->user && (initgroups (r->user, r->gid) < 0 || setgid (r->gid) < 0 ||
                    setuid (r->uid) < 0)) {
        fprintf (stderr, "memwarden run: cannot become %s: %s\n", r->user,
                 strerror (errno));
        _exit (CLI_RUN_FAILED);
    }
    sigprocmask (SIG_SETMASK, mask, NULL);
    execvp (r->command[0], r->command);
    fprintf (stderr, "memwarden run: cannot run %s: %s\n", r->command[0],
             strerror (errno));
    _exit (errno == ENOENT ? CLI_RUN_NOT_FOUND : CLI_RUN_NOT_EXECUTABLE);
}

/* Take a signal. Returns true when the command has ended, with its [status]. */
static bool _run_signal (struct run *r, int signals, int *status)
{
    struct signalfd_siginfo si;

    if (read (signals, &si, sizeof (si)) != sizeof (si))
        return false;
    if (si.ssi_signo == SIGCHLD)
        return waitpid (r->pid, status, WNOHANG) == r->pid;
    /* what the terminal sends (^C) the command has got already */
    if (si.ssi_code != SI_KERNEL)
        kill (r->pid, (int) si.ssi_signo);
    return false;
}

static int _run_watch (struct run *r, int signals)
{
    int status = 0, retry_ms = RETRY_MS;

    for (;;) {
        struct pollfd p[2] = { { .fd = signals, .events = POLLIN },
                               { .fd = r->sock, .events = POLLIN } };

        /* a warden that restarts takes the job up itself; only its notes have
         * to be asked for again */
        if (poll (p, 2, r->sock < 0 ? retry_ms : -1) == 0) {
            retry_ms = 2 * retry_ms < RETRY_MAX_MS ? 2 * retry_ms
                                                   : RETRY_MAX_MS;
            if (_run_register (r, NULL) == 0)
                retry_ms = RETRY_MS;
        }
        if (p[1].revents && r->sock >= 0)
            _run_hear (r);
        if (p[0].revents && _run_signal (r, signals, &status))
            break;
    }
    return WIFSIGNALED (status) ? 128 + WTERMSIG (status)
                                : WEXITSTATUS (status);
}

static int _run_start (struct run *r, struct mw_err *err)
{
    cleanup_fd int signals = -1, gate_r = -1, gate_w = -1;
    sigset_t mask, old;
    int gate[2];

    sigemptyset (&mask);
    for (size_t i = 0; i < 7; i++)
        sigaddset (&mask, (const int[]) { SIGCHLD, SIGTERM, SIGINT, SIGHUP,
                                          SIGQUIT, SIGUSR1, SIGUSR2 }[i]);
    sigprocmask (SIG_BLOCK, &mask, &old);
    signals = signalfd (-1, &mask, SFD_CLOEXEC);
    if (signals < 0 || pipe2 (gate, O_CLOEXEC) < 0)
        return mw_err_errno (err, "cannot start");
    gate_r = gate[0];
    gate_w = gate[1];
    r->pid = fork ();
    if (r->pid < 0)
        return mw_err_errno (err, "cannot fork");
    if (r->pid == 0) {
        close (mw_steal_fd (&gate_w));
        _run_exec (r, gate_r, &old);
    }
    if (run_place_add (&r->place, r->pid, err) < 0)
        return -1;
    if (_run_register (r, err) < 0 && _run_without_warden (r, err) < 0)
        return -1;
    r->going = true;
    if (write (gate_w, "", 1) != 1)
        return mw_err_errno (err, "cannot let the command go");
    return _run_watch (r, signals);
}

int cli_run (const struct cli_command *self, int argc, char **argv)
{
    struct run r = { .self = self, .place = RUN_PLACE_NONE, .sock = -1 };
    struct mw_err err = { "" };
    int rc;

    r.spec.priority = MW_PRIORITY_DEFAULT;
    r.spec.cpus = 1;
    snprintf (r.spec.key, sizeof (r.spec.key), "run-%d", (int) getpid ());
    if ((rc = _run_parse (&r, argc, argv)) != 0 || (rc = _run_user (&r)) != 0)
        return rc;
    rc = -1;
    if (run_place_make (&r.place, r.spec.key, &err) == 0)
        rc = _run_start (&r, &err);
    if (rc < 0) {
        if (err.text[0])
            fprintf (stderr, "memwarden run: %s\n", err.text);
        if (r.pid > 0)
            kill (r.pid, SIGKILL);
        rc = CLI_RUN_FAILED;
    }
    _run_release (&r);
    if (run_place_remove (&r.place, &err) < 0)
        fprintf (stderr, "memwarden run: %s\n", err.text);
    return rc;
}
