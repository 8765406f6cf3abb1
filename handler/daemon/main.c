/* main.c - memwardend: options, locking, the loop, and a clean end */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <malloc.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <syslog.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "config.h"
#include "handler/account/aftermath.h"
#include "handler/account/strike.h"
#include "handler/attend/attend.h"
#include "handler/daemon/answers.h"
#include "handler/daemon/attending.h"
#include "handler/daemon/beat.h"
#include "handler/daemon/control.h"
#include "handler/daemon/dictation.h"
#include "handler/daemon/guard.h"
#include "handler/daemon/keeper.h"
#include "handler/daemon/passing.h"
#include "handler/daemon/register.h"
#include "handler/daemon/resident.h"
#include "handler/daemon/rights.h"
#include "handler/desk/desk.h"
#include "handler/incident/incident.h"
#include "handler/job/warden.h"
#include "handler/memcg/rlimits.h"
#include "handler/record/blame.h"
#include "handler/record/journal.h"
#include "handler/record/report.h"
#include "handler/scribe/scribe.h"
#include "handler/spool/outbox.h"
#include "handler/spool/waiting.h"
#include "handler/step/one.h"
#include "handler/watch/kmsg.h"
#include "handler/watch/node.h"
#include "handler/watch/psi.h"
#include "lib/cgfile.h"
#include "lib/cleanup.h"
#include "lib/wire.h"

static const char usage[] =
    "Usage: memwardend [OPTION]...\n"
    "Handle out-of-memory of jobs on this node by policy, see memwardend(8).\n"
    "\n"
    "  --config FILE      configuration (" CONF_PATH_DEFAULT ")\n"
    "  --socket PATH      listen there, whatever the configuration says\n"
    "  --state-dir DIR    journal, spool and story, likewise\n"
    "  --foreground       stay in the foreground, log to standard error too\n"
    "  --check            check the configuration, say what would be used\n"
    "  --help, --version  say so and end\n";

#define NO_COURIER \
    "there is no user %s on this node, so no courier can work: " \
    "with Slurm, name an operator of it as courier { user = … }"

/* Bytes of stack that an event may use: touched once, so that it is there. */
#define STACK_REHEARSED (256 << 10)

static bool foreground, check_only;

static struct journal journal;
static struct report reports = { .scribe = -1,
                                 .syslog_fd = -1,
                                 .journald = -1 };
static struct aftermath aftermath;
static struct waiting waiting;
static struct warden warden = {
    .up = { .note = control_note,
            .tell = control_tell,
            .freezer = incident_freezer,
            .node_is_short = node_is_short,
            .node_may_return = node_may_return,
            .stalled = node_stalled,
            .detected = watch_kmsg_detected,
            .over = watch_kmsg_read,
            .release = warden_release },
    .conf_path = CONF_PATH_DEFAULT,
    .journal = &journal,
    .report = &reports,
    .after = &aftermath,
    .waiting = &waiting,
    .pool_limit = UINT64_MAX,
    .meminfo = -1,
    .control = -1,
    .attendant = -1,
};

static void _daemon_parse (struct warden *w, int argc, char **argv)
{
    static const struct option options[] = {
        { "config", required_argument, NULL, 'c' },
        { "socket", required_argument, NULL, 's' },
        { "state-dir", required_argument, NULL, 'd' },
        { "foreground", no_argument, NULL, 'f' },
        { "check", no_argument, NULL, 'k' },
        { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, 'V' },
        { 0 }
    };
    int c;

    while ((c = getopt_long (argc, argv, "", options, NULL)) != -1) {
        switch (c) {
        case 'c':
            w->conf_path = optarg;
            break;
        case 's':
            w->socket_override = optarg;
            break;
        case 'd':
            w->state_dir_override = optarg;
            break;
        case 'f':
            foreground = true;
            break;
        case 'k':
            check_only = true;
            break;
        case 'h':
            fputs (usage, stdout);
            exit (0);
        case 'V':
            puts (PACKAGE_STRING);
            exit (0);
        default:
            fputs (usage, stderr);
            exit (2);
        }
    }
    if (optind < argc) {
        fprintf (stderr, "memwardend: \"%.40s\" is not understood\n\n%s",
                 argv[optind], usage);
        exit (2);
    }
}

static const char *_socket (const struct warden *w)
{
    return w->socket_override ? w->socket_override : w->conf.socket;
}

static const char *_state_dir (const struct warden *w)
{
    return w->state_dir_override ? w->state_dir_override : w->conf.state_dir;
}

static const char *_history_dir (const struct warden *w)
{
    return w->state_dir_override ? w->state_dir_override
                                 : conf_history_dir (&w->conf);
}

/* ---- the node ------------------------------------------------------------ */

/* What no file alone can tell: does [conf] leave a node of [memory] bytes
 * any? */
static int _fits (const struct conf *conf, uint64_t memory, struct mw_err *err)
{
    uint64_t reserve = mw_amount_of (&conf->node_reserve, memory, 0);

    if (reserve < memory)
        return 0;
    return mw_err_code (err, EINVAL,
                        "node-reserve of %llu MiB leaves nothing "
                        "of the node's %llu MiB to jobs; make it smaller",
                        (unsigned long long) (reserve / MW_MIB),
                        (unsigned long long) (memory / MW_MIB));
}

static int _read_node (struct warden *w, struct mw_err *err)
{
    char text[2048];
    ssize_t n;

    w->meminfo = sysroot_open ("/proc/meminfo", O_RDONLY);
    n = w->meminfo < 0 ? -1 : pread (w->meminfo, text, sizeof (text) - 1, 0);
    if (n <= 0)
        return mw_err_errno (err, "cannot read /proc/meminfo");
    text[n] = '\0';
    if (!cg_key (text, "MemTotal:", &w->node_memory))
        return mw_err_set (err, "/proc/meminfo has no MemTotal");
    w->node_memory *= 1024;
    w->node_reserve = mw_amount_of (&w->conf.node_reserve, w->node_memory, 0);
    w->node_cpus = (unsigned) sysconf (_SC_NPROCESSORS_ONLN);
    return _fits (&w->conf, w->node_memory, err);
}

static int _daemon_check (struct warden *w)
{
    char a[MW_SIZE_STRLEN], b[MW_SIZE_STRLEN], l[MW_LADDER_STRLEN];
    struct mw_err err;

    if (_read_node (w, &err) < 0) {
        fprintf (stderr, "memwardend: %s\n", err.text);
        return 1;
    }
    printf ("configuration  %s: good\nsocket         %s\nstate-dir      %s\n"
            "history-dir    %s\n"
            "node           %s of memory, %u CPUs; %s is never lent\n"
            "ladder         %s\n",
            w->conf_path, _socket (w), _state_dir (w), _history_dir (w),
            mw_size_format (w->node_memory, a, sizeof (a)), w->node_cpus,
            mw_size_format (w->node_reserve, b, sizeof (b)),
            mw_ladder_format (&w->conf.ladder, l, sizeof (l)));
    printf ("node-ladder    %s\n",
            mw_ladder_format (&w->conf.node_ladder, l, sizeof (l)));
    printf ("courier        %s, started by %s\n", w->conf.courier_user,
            w->conf.courier_start ? "memwardend" : "its own unit");
    /* no error: a node without Slurm has no such user */
    if (!getpwnam (w->conf.courier_user))
        fprintf (stderr, "memwardend: " NO_COURIER "\n", w->conf.courier_user);
    return 0;
}

/* ---- never starved ------------------------------------------------------- */

static void _touch_stack (void)
{
    volatile char stack[STACK_REHEARSED];

    for (size_t i = 0; i < sizeof (stack); i += 4096)
        stack[i] = 1;
}

/* The kernel's killer must not choose us, and nothing of us must be paged out:
 * an observer that was not locked has been seen to stall for 640 ms. */
static void _protect (struct warden *w)
{
    struct rlimit files = { 65536, 65536 };
    cleanup_fd int fd = open ("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

    if (fd < 0 || write (fd, "-1000", 5) != 5)
        report_log (w, LOG_WARNING,
                    "cannot protect the warden from the "
                    "kernel's OOM killer: %s",
                    strerror (errno));
    if (setrlimit (RLIMIT_NOFILE, &files) < 0)
        report_log (w, LOG_WARNING, "cannot have 65536 files open: %s",
                    strerror (errno));
    /* one arena that is never given back or mapped anew */
    mallopt (M_TRIM_THRESHOLD, -1);
    mallopt (M_MMAP_MAX, 0);
    mallopt (M_ARENA_MAX, 1);
    if (resident_lock () < 0)
        report_log (w, LOG_WARNING, "cannot lock the warden's memory: %s",
                    strerror (errno));
    _touch_stack ();
    rlimits_rehearse ();
    one_rehearse ();
    waiting_rehearse (w->waiting);
}

/* ---- the loop ------------------------------------------------------------ */

static int _on_stop (sd_event_source *s, const struct signalfd_siginfo *si,
                     void *arg)
{
    struct warden *w = arg;

    (void) s;
    (void) si;
    return sd_event_exit (w->loop, 0);
}

/* All of the file, or none of it. */
static int _on_reload (sd_event_source *s, const struct signalfd_siginfo *si,
                       void *arg)
{
    struct warden *w = arg;
    cleanup_free struct conf *fresh = malloc (sizeof (*fresh));
    struct mw_err err = { "out of memory" };

    (void) s;
    (void) si;
    sd_notify (0, "RELOADING=1");
    if (!fresh || conf_load (fresh, w->conf_path, &err) < 0 ||
        _fits (fresh, w->node_memory, &err) < 0) {
        report_log (w, LOG_ERR, "the configuration stays as it was: %s",
                    err.text);
    } else {
        if (fresh->shadow != w->conf.shadow)
            report_log (w, LOG_WARNING,
                        "shadow is %s until memwardend is "
                        "started again",
                        w->conf.shadow ? "true" : "false");
        fresh->shadow = w->conf.shadow;
        w->conf = *fresh;
        report_close (w);
        report_open (w);
        dictation_settings (w);
        warden_reconfigured (w);
        watch_psi_open (w);
        report (w, NULL, "config", REPORT_LOG,
                "configuration read again from "
                "%s",
                w->conf_path);
    }
    report_flush (w);
    sd_notify (0, "READY=1");
    return 0;
}

/* Signals of sd-event need their being blocked, which children do not inherit
 * by execve(2) alone: keeper.c unblocks them. */
static int _signals (struct warden *w, struct mw_err *err)
{
    sigset_t mask;
    int rc;

    sigemptyset (&mask);
    sigaddset (&mask, SIGTERM);
    sigaddset (&mask, SIGINT);
    sigaddset (&mask, SIGHUP);
    sigprocmask (SIG_BLOCK, &mask, NULL);
    signal (SIGPIPE, SIG_IGN);
    signal (SIGCHLD, SIG_IGN);
    if ((rc = sd_event_add_signal (w->loop, NULL, SIGTERM, _on_stop, w)) < 0 ||
        (rc = sd_event_add_signal (w->loop, NULL, SIGINT, _on_stop, w)) < 0 ||
        (rc = sd_event_add_signal (w->loop, NULL, SIGHUP, _on_reload, w)) < 0) {
        errno = -rc;
        return mw_err_errno (err, "cannot listen to signals");
    }
    return 0;
}

/* Root's first: it shows whether another warden is there. */
static int _open_sockets (struct warden *w, int scribe, struct mw_err *err)
{
    char roots[sizeof (w->conf.socket) + sizeof (MW_SOCKET_ROOT)];

    snprintf (roots, sizeof (roots), "%s" MW_SOCKET_ROOT, _socket (w));
    if (control_open (w, roots, err) < 0)
        return -1;
    return passing_open (w, _socket (w), scribe, keeper_desk, err);
}

static int _open_spool (struct warden *w, struct mw_err *err)
{
    const struct passwd *pw = getpwnam (w->conf.courier_user);

    if (!pw)
        report_log (w, LOG_WARNING, NO_COURIER, w->conf.courier_user);
    if (w->conf.webhook_count > 0 &&
        outbox_make (_history_dir (w), pw ? pw->pw_uid : geteuid (), err) < 0)
        report_log (w, LOG_ERR, "%s: webhooks are told nothing", err->text);
    return spool_open (&w->spool, _state_dir (w), true,
                       pw ? pw->pw_uid : geteuid (), err);
}

/* Before anything is opened that the guard would have, too. Returns false where there is
 * none, with why. */
static bool _start_guard (struct warden *w, char **argv, struct mw_err *why)
{
    return beat_open (why) == 0 &&
           guard_start (argv, _state_dir (w), _history_dir (w), why) == 0;
}

static void _say_guarded (struct warden *w, const struct mw_err *why_not)
{
    const char *said = guard_said ();

    if (said)
        report_log (w, LOG_CRIT,
                    "%s; its jobs were given back, and it is started again",
                    said);
    if (why_not)
        report_log (
            w, LOG_ERR,
            "memwardend has no guard, so nobody sees it if it hangs: %s",
            why_not->text);
}

/* Now and then. */
static void _daemon_look (struct warden *w)
{
    control_look (w);
    passing_look (w);
    node_glance (w);
}

static int _watched (struct warden *w, struct mw_err *err)
{
    sd_event_set_watchdog (w->loop, true); /* systemd's, if it has one for us */
    if (guard_listen (w, err) < 0)
        return -1;
    return beat_listen (w, _daemon_look, err);
}

/* Everything that can fail comes before the first job is taken up. */
static int _daemon_start (struct warden *w, char **argv, struct mw_err *err)
{
    cleanup_fd int scribe = -1;
    struct mw_err unguarded;
    bool guarded;
    int rc;

    if (_read_node (w, err) < 0)
        return -1;
    guarded = _start_guard (w, argv, &unguarded);
    report_open (w);
    scribe = dictation_open (w, _state_dir (w), _history_dir (w), keeper_scribe,
                             err);
    if (scribe < 0)
        return -1;
    _say_guarded (w, guarded ? NULL : &unguarded);
    if (journal_open (w->journal, _state_dir (w), _history_dir (w), err) < 0 ||
        _open_spool (w, err) < 0)
        return -1;
    if (w->conf.courier_start) {
        w->courier_kept = keeper_start (&w->conf, w->conf_path, _state_dir (w),
                                        err) >= 0;
        if (!w->courier_kept)
            report_log (w, LOG_ERR, "%s", err->text);
        else if (!keeper_network ())
            report_log (w, LOG_ERR,
                        "the courier that is started here cannot "
                        "reach Slurm's controller, since memwardend has no "
                        "network (PrivateNetwork= in its unit): leave courier "
                        "{ start } and enable memwarden-courier.service");
    }
    if ((rc = sd_event_new (&w->loop)) < 0) {
        errno = -rc;
        return mw_err_errno (err, "cannot make an event loop");
    }
    if (_open_sockets (w, scribe, err) < 0 ||
        attending_open (w, keeper_attendant, err) < 0)
        return -1;
    _protect (w);
    if (_signals (w, err) < 0 || warden_listen_answers (w, err) < 0 ||
        blame_open (w, err) < 0)
        return -1;
    strike_open (w, _state_dir (w), _history_dir (w));
    watch_kmsg_open (w); /* first: who is taken up again is told of kills */
    if (warden_recover (w, err) < 0 || node_open (w, err) < 0)
        return -1;
    watch_psi_open (w);
    if (dictation_listen (w, err) < 0 || attending_listen (w, err) < 0)
        return -1;
    return passing_listen (w, err) < 0 ? -1 : _watched (w, err);
}

static void _daemon_end (struct warden *w)
{
    sd_notify (0, "STOPPING=1");
    beat_ends ();
    watch_psi_close (w);
    watch_kmsg_close (w);
    node_close (w);
    blame_close (w);
    warden_hand_back (w);
    report (w, NULL, "stop", REPORT_LOG,
            "memwardend ends; %u jobs are the "
            "kernel's again",
            w->jobs.count);
    report_flush (w);
    attending_close (w);
    passing_close (w);
    control_close (w);
    spool_close (&w->spool);
    journal_close (w->journal);
    report_close (w);
    dictation_close (w);
}

int main (int argc, char **argv)
{
    struct warden *w = &warden;
    struct mw_err err = { "" };
    int rc;

    /* a file that may not grow (RLIMIT_FSIZE) is like a full disk, EFBIG; children that
     * run something else have the default again */
    signal (SIGXFSZ, SIG_IGN);
    /* keeper.c; not for people */
    if (argc == 2 && !strcmp (argv[1], "--desk"))
        return desk_main ();
    if (argc == 2 && !strcmp (argv[1], "--scribe"))
        return scribe_main ();
    if (argc == 2 && !strcmp (argv[1], "--attendant"))
        return attend_main ();
    _daemon_parse (w, argc, argv);
    if (conf_load (&w->conf, w->conf_path, &err) < 0) {
        fprintf (stderr, "memwardend: %s\n", err.text);
        return 1;
    }
    if (check_only)
        return _daemon_check (w);
    if (geteuid () != 0) {
        fprintf (stderr, "memwardend: must be run by root: it limits, freezes "
                         "and kills jobs of all users\n");
        return 1;
    }
    w->report->foreground = foreground;
    if (!foreground && daemon (0, 0) < 0) {
        perror ("memwardend: cannot go into the background");
        return 1;
    }
    if (_daemon_start (w, argv, &err) < 0) {
        report_log (w, LOG_CRIT, "cannot start: %s", err.text);
        dictation_close (w);
        return 1;
    }
    report_log (w, LOG_NOTICE, "memwardend %s is ready: %u jobs, socket %s%s",
                PACKAGE_VERSION, w->jobs.count, _socket (w),
                w->conf.shadow ? "; shadow: nothing is done to any job" : "");
    sd_notify (0, "READY=1");
    if (rights_warden (&err) < 0) /* it does its work all the same */
        report_log (w, LOG_NOTICE,
                    "memwardend keeps rights that it does not "
                    "need: %s",
                    err.text);
    rc = sd_event_loop (w->loop);
    _daemon_end (w);
    return rc < 0 ? 1 : 0;
}
