/* courier.c - memwarden-courier: the loop
 *
 * inotify tells of requests that come and that are taken back; one timer tells
 * what is due; the end of a worker is an event too.  While the controller or
 * the webhook is away only one worker at a time tries it, however many requests
 * wait; and neither keeps a worker from the other.
 */
#include "config.h"

#include "handler/courier/courier.h"

#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <syslog.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "handler/spool/learnt.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/event.h"

/* as many incidents wait for a webhook that is away; the spool is no archive */
#define WEB_MAX_WAITING 1000
/* a suspended job may be resumed by others than us: looked at now and then */
#define DEFER_MS 60000

/* The ways, apart from each other: what is slow on one costs the others
 * nothing. */
struct way {
    unsigned workers;
    unsigned fails;  /* in a row: it is away */
    uint64_t due_ms; /* clock_ms; not before */
};

static const struct {
    const char *name;
    unsigned max_workers;
} ways[] = {
    [WAY_CONTROLLER] = { "the controller", 8 },
    [WAY_HOOK] = { "the hooks", 8 },
    [WAY_WEB] = { "the webhook", 2 },
    [WAY_OUTBOX] = { "the outbox", 4 },
    [WAY_SECTION] = { "", 4 }, /* each of them */
};
#define WAY_ROW(way) (&ways[(way) > WAY_SECTION ? WAY_SECTION : (way)])

struct courier {
    struct conf conf;
    struct spool spool;
    struct spool_courier self; /* what is told to who looks */
    char denied[256];          /* by the controller, to the last that asked
                                       what an operator may; "" = done */
    struct courier_queue queue;
    struct courier_web web;
    sd_event *loop;
    sd_event_source *timer;
    bool foreground;
    struct way way[WAY_COUNT];
};

static void _courier_log (const struct courier *c, int level, const char *fmt,
                          ...) __attribute__ ((format (printf, 3, 4)));

static void _courier_log (const struct courier *c, int level, const char *fmt,
                          ...)
{
    va_list ap;

    va_start (ap, fmt);
    if (c->foreground) {
        fputs ("memwarden-courier: ", stderr);
        vfprintf (stderr, fmt, ap);
        fputc ('\n', stderr);
    } else {
        vsyslog (level, fmt, ap);
    }
    va_end (ap);
}

static void _courier_answer (struct courier *c, const char *id,
                             const struct courier_result *res)
{
    struct spool_answer a = {
        .ok = res->verdict == COURIER_DONE,
        .code = res->code,
        .suspended = res->suspended,
    };
    struct mw_err err;

    snprintf (a.id, sizeof (a.id), "%s", id);
    snprintf (a.text, sizeof (a.text), "%s", res->text);
    _courier_log (c, a.ok ? LOG_INFO : LOG_WARNING, "%s: %s", id, a.text);
    if (spool_put_answer (&c->spool, &a, &err) < 0)
        _courier_log (c, LOG_ERR, "%s", err.text);
}

static uint64_t _backoff (enum courier_way way, unsigned attempts)
{
    uint32_t chance = 0;

    if (getrandom (&chance, sizeof (chance), GRND_NONBLOCK) < 0)
        chance = (uint32_t) clock_us ();
    return courier_backoff (way, attempts, chance);
}

/* Take [r] in; one webhook too many is answered at once. */
static void _queue (struct courier *c, const struct spool_request *r)
{
    struct courier_result res;

    if (r->op == SPOOL_WEBHOOK && !strcmp (r->arg, SPOOL_TRANSITIONS)) {
        if (!courier_queue_add_on (&c->queue, r, WAY_OUTBOX))
            _courier_log (c, LOG_ERR, "%s: %s", r->id, strerror (errno));
    } else if (r->op == SPOOL_WEBHOOK &&
               courier_queue_count (&c->queue, WAY_WEB) >= WEB_MAX_WAITING) {
        courier_say (&res, COURIER_REFUSED, ENOSPC,
                     "not posted: %d wait "
                     "already",
                     WEB_MAX_WAITING);
        _courier_answer (c, r->id, &res);
    } else if (!courier_queue_add (&c->queue, r)) {
        _courier_log (c, LOG_ERR, "%s: %s", r->id, strerror (errno));
    }
}

/* The warden knows more of [item] now.  What its worker does by the old request
 * can be done again; one that waits for a controller is not waited for. */
static void _courier_change (struct courier *c, struct courier_item *item,
                             const struct spool_request *r)
{
    if (item->req.killed_s == r->killed_s &&
        item->req.after_end == r->after_end &&
        item->req.withdrawn == r->withdrawn)
        return;
    item->req = *r;
    item->changed = item->pid != 0;
    if (item->pid)
        kill (-item->pid, SIGKILL);
    courier_queue_timed (&c->queue, item);
}

static void _courier_take (struct courier *c, const char *id)
{
    struct courier_item *item = courier_queue_find (&c->queue, id);
    struct spool_request r;
    struct courier_result res;
    struct mw_err err;

    if (spool_read_request (&c->spool, id, &r, &err) == 0) {
        if (item)
            _courier_change (c, item, &r);
        else
            _queue (c, &r);
    } else if (errno == EPROTO) {
        courier_say (&res, COURIER_REFUSED, EPROTO, "%s", err.text);
        _courier_answer (c, id, &res);
    } else if (errno != ENOENT) {
        _courier_log (c, LOG_ERR, "%s", err.text);
    }
}

static void _take_all (struct courier *c)
{
    char (*ids)[SPOOL_ID_MAX];
    int n = spool_list_requests (&c->spool, &ids);

    if (n < 0)
        _courier_log (c, LOG_ERR, "cannot list the requests: %s",
                      strerror (errno));
    for (int i = 0; i < n; i++)
        _courier_take (c, ids[i]);
    free (ids);
}

static void _taken_back (struct courier *c, const char *id)
{
    struct courier_item *item = courier_queue_find (&c->queue, id);

    if (item && item->pid)
        item->gone = true;
    else if (item)
        courier_queue_remove (&c->queue, item);
}

static void _later (struct courier *c, struct courier_item *item,
                    const struct courier_result *res)
{
    unsigned n = item->attempts;
    uint64_t due = 0;

    if (res->verdict == COURIER_DEFER) {
        due = clock_ms () + DEFER_MS;
    } else if (res->verdict == COURIER_AGAIN) {
        _courier_log (c, LOG_INFO, "%s: attempt %u: %s; again later",
                      item->req.id, n, res->text);
        due = clock_ms () + _backoff (item->way, n);
    } else if (item->way >= WAY_WEB) { /* the next one's turn to try */
        due = c->way[item->way].due_ms + _backoff (item->way, n);
    }
    courier_queue_later (&c->queue, item, due, res->verdict == COURIER_DEFER);
}

/* Leave what keeps the courier from its work, if that has changed, for who
 * looks: memwarden doctor, systemctl status. */
static void _trouble (struct courier *c, const char *text)
{
    char now[sizeof (c->self.trouble)];

    snprintf (now, sizeof (now), "%.*s", (int) sizeof (now) - 1, text);
    if (!strcmp (now, c->self.trouble))
        return;
    strcpy (c->self.trouble, now);
    spool_claim_say (&c->spool, &c->self);
    sd_notifyf (0, "STATUS=%s", *now ? now : "works");
}

/* What the controller's way says of the courier itself. */
static void _judge_self (struct courier *c, const struct courier_item *item,
                         const struct courier_result *res)
{
    if (item->way != WAY_CONTROLLER || res->verdict == COURIER_AGAIN)
        return;
    if (res->verdict == COURIER_UNREACHABLE) {
        _trouble (c, res->text);
        return;
    }
    /* a look-up is anybody's right */
    if (res->denied)
        snprintf (c->denied, sizeof (c->denied), "%.*s",
                  (int) sizeof (c->denied) - 1, res->text);
    else if (res->verdict == COURIER_DONE && item->req.op != SPOOL_LOOKUP)
        c->denied[0] = '\0';
    _trouble (c, c->denied);
}

static const char *_way_name (const struct courier *c, enum courier_way way)
{
    return way >= WAY_SECTION ? c->conf.webhooks[way - WAY_SECTION].name
                              : ways[way].name;
}

/* Is [item]'s way open?  Where it is not, all that go there wait, and the next
 * to try it is another, since it may be [item] that the other end dislikes. */
static void _judge_way (struct courier *c, const struct courier_item *item,
                        const struct courier_result *res)
{
    struct way *way = &c->way[item->way];

    if (res->verdict == COURIER_UNREACHABLE) {
        way->due_ms = clock_ms () + _backoff (item->way, way->fails);
        if (way->fails++ == 0)
            _courier_log (c, LOG_WARNING, "%s%s is away: %s",
                          item->way >= WAY_SECTION ? "webhook " : "",
                          _way_name (c, item->way), res->text);
    } else if (res->verdict != COURIER_AGAIN) {
        if (way->fails)
            _courier_log (c, LOG_NOTICE, "%s%s is back",
                          item->way >= WAY_SECTION ? "webhook " : "",
                          _way_name (c, item->way));
        way->fails = 0;
    }
}

/* A webhook section has been told [item], or never will be. */
static void _told (struct courier *c, const struct courier_item *item,
                   const struct courier_result *res)
{
    if (res->verdict != COURIER_REFUSED)
        return;
    outbox_dropped (&c->web.box, item->way - WAY_SECTION, 1);
    _courier_log (c, LOG_WARNING, "%s: %s: dropped",
                  courier_outbox_name (item->req.id), res->text);
}

/* [item]'s transitions are in the outbox. */
static void _taken (struct courier *c, const struct courier_item *item)
{
    struct mw_err text;

    courier_web_queue (&c->web, &c->queue, &c->spool, item->req.id);
    while (courier_web_news (&c->web, &text))
        _courier_log (c, LOG_WARNING, "%s", text.text);
}

/* What came of one attempt at [item], which may be freed here. */
static void _courier_settle (struct courier *c, struct courier_item *item,
                             struct courier_result *res)
{
    bool over = res->verdict == COURIER_DONE || res->verdict == COURIER_REFUSED;

    if (item->changed && !over && !item->gone) {
        item->changed = false;
        courier_queue_later (&c->queue, item, 0, item->deferred);
        return;
    }
    _judge_way (c, item, res);
    _judge_self (c, item, res);
    item->attempts++;
    /* its job goes on: it can hear what it was not told */
    if (over && item->req.op == SPOOL_RESUME)
        courier_queue_wake (&c->queue, item->req.job, WAY_CONTROLLER);
    if (item->way == WAY_OUTBOX && res->verdict == COURIER_DONE)
        _taken (c, item);
    if (over && item->way >= WAY_SECTION)
        _told (c, item, res);
    else if (over && !item->gone)
        _courier_answer (c, item->req.id, res);
    if (over || item->gone)
        courier_queue_remove (&c->queue, item);
    else
        _later (c, item, res);
}

static void _dispatch (struct courier *c);

static int _on_worker_end (sd_event_source *s, const siginfo_t *si, void *arg)
{
    struct courier *c = arg;
    struct courier_item *item = courier_queue_of_pid (&c->queue, si->si_pid);
    struct courier_result res;
    int status;

    sd_event_source_disable_unref (s);
    if (!item)
        return 0;
    status = si->si_code == CLD_EXITED ? (si->si_status & 0xff) << 8
                                       : si->si_status & 0x7f;
    c->way[item->way].workers--;
    courier_worker_result (item, status, &res);
    _courier_settle (c, item, &res);
    _dispatch (c);
    return 0;
}

static void _courier_begin (struct courier *c, struct courier_item *item,
                            uint64_t now)
{
    struct mw_err err;

    if (courier_worker_start (item, &c->conf, &c->spool, &c->web.box, &err) <
        0) {
        _courier_log (c, LOG_ERR, "%s", err.text);
        courier_queue_later (&c->queue, item, now + _backoff (item->way, 2),
                             item->deferred);
        return;
    }
    courier_queue_timed (&c->queue, item);
    c->way[item->way].workers++;
    sd_event_add_child (c->loop, NULL, item->pid, WEXITED, _on_worker_end, c);
}

/* End what takes too long, give up what is too late.  What is ready is in the
 * queue's hands. Returns when there is more of that, clock_ms; 0 = never. */
static uint64_t _overdue (struct courier *c, uint64_t now)
{
    struct courier_result res;
    struct courier_item *item;
    uint64_t when;

    while ((item = courier_queue_due (&c->queue, now, &when))) {
        if (item->pid) {
            item->killed = true;
            kill (-item->pid, SIGKILL);
            courier_queue_timed (&c->queue, item);
            continue;
        }
        courier_say (&res, COURIER_REFUSED, ETIMEDOUT,
                     "not done: its time has passed");
        _courier_answer (c, item->req.id, &res);
        courier_queue_remove (&c->queue, item);
    }
    return when;
}

/* Start what is ready on [way], as far as there are workers.
 * Returns when it may be tried again, clock_ms; 0 = at some other event. */
static uint64_t _start_on (struct courier *c, enum courier_way at, uint64_t now)
{
    struct way *way = &c->way[at];
    struct courier_item *item;

    while (courier_queue_is_ready (&c->queue, at) &&
           way->workers < (way->fails ? 1 : WAY_ROW (at)->max_workers)) {
        if (way->fails && way->due_ms > now)
            return way->due_ms;
        item = courier_queue_next (&c->queue, at);
        /* where inotify has lost that it was taken back */
        if (at >= WAY_SECTION || spool_has_request (&c->spool, item->req.id))
            _courier_begin (c, item, now);
        else
            courier_queue_remove (&c->queue, item);
    }
    return 0;
}

static void _dispatch (struct courier *c)
{
    uint64_t now = clock_ms (), at, first = 0;

    _overdue (c, now);
    for (enum courier_way way = 0; way < WAY_COUNT; way++) {
        at = _start_on (c, way, now);
        if (at && (!first || at < first))
            first = at;
    }
    at = _overdue (c, now); /* with what has been started */
    if (at && (!first || at < first))
        first = at;
    if (!first) {
        sd_event_source_set_enabled (c->timer, SD_EVENT_OFF);
        return;
    }
    sd_event_source_set_time (c->timer, first * 1000);
    sd_event_source_set_enabled (c->timer, SD_EVENT_ONESHOT);
}

static int _courier_on_timer (sd_event_source *s, uint64_t usec, void *arg)
{
    (void) s;
    (void) usec;
    _dispatch (arg);
    return 0;
}

static int _on_spool (sd_event_source *s, const struct inotify_event *e,
                      void *arg)
{
    struct courier *c = arg;

    (void) s;
    if (e->mask & (IN_IGNORED | IN_UNMOUNT)) {
        _courier_log (c, LOG_ERR, "the spool has been removed");
        sd_event_exit (c->loop, 1);
        return 0;
    }
    if (e->mask & IN_Q_OVERFLOW)
        _take_all (c);
    else if (e->mask & IN_DELETE)
        _taken_back (c, e->name);
    else if (e->len)
        _courier_take (c, e->name);
    _dispatch (c);
    return 0;
}

/* A worker's death would not be that of what it has started: a hook's own processes, a
 * command for a token.  What has been done is found out at the next start. */
static void _end_workers (const struct courier *c)
{
    for (const struct courier_item *item = c->queue.running; item;
         item = item->next_running) {
        if (item->pid)
            kill (-item->pid, SIGKILL);
    }
}

static int _on_signal (sd_event_source *s, const struct signalfd_siginfo *si,
                       void *arg)
{
    (void) s;
    (void) si;
    sd_event_exit (((struct courier *) arg)->loop, 0);
    return 0;
}

/* Whom [conf] names: whose the spool is, and who must be an operator of Slurm's
 * (SlurmUser is one).  Root can become that user, anybody else must be it.
 * Returns NULL where that cannot be. */
static const struct passwd *_courier_whom (const struct conf *conf,
                                           struct mw_err *err)
{
    const struct passwd *pw = getpwnam (conf->courier_user);

    if (!pw) {
        mw_err_set (err,
                    "there is no user %s on this node; name a Slurm "
                    "operator as courier { user = … }",
                    conf->courier_user);
        return NULL;
    }
    if (geteuid () != 0 && geteuid () != pw->pw_uid) {
        mw_err_set (err,
                    "it runs as uid %u, but by courier { user = … } the "
                    "spool is %s's: let root start it (a unit without User=), "
                    "which becomes that user, or name one user in both",
                    (unsigned) geteuid (), conf->courier_user);
        return NULL;
    }
    return pw;
}

/* Go on as [pw], once the spool is open. */
static int _become (const struct passwd *pw, struct mw_err *err)
{
    if (geteuid () == pw->pw_uid)
        return 0;
    if (initgroups (pw->pw_name, pw->pw_gid) < 0 ||
        setresgid (pw->pw_gid, pw->pw_gid, pw->pw_gid) < 0 ||
        setresuid (pw->pw_uid, pw->pw_uid, pw->pw_uid) < 0)
        return mw_err_errno (err, "cannot become user %s", pw->pw_name);
    return 0;
}

static int _loop_open (struct courier *c, struct mw_err *err)
{
    char path[64];
    sigset_t mask;
    int rc;

    sigemptyset (&mask);
    sigaddset (&mask, SIGTERM);
    sigaddset (&mask, SIGINT);
    sigaddset (&mask, SIGCHLD);
    sigprocmask (SIG_BLOCK, &mask, NULL);
    signal (SIGPIPE, SIG_IGN);
    snprintf (path, sizeof (path), "/proc/self/fd/%d", c->spool.req);
    rc = sd_event_new (&c->loop);
    if (rc >= 0)
        rc = sd_event_add_signal (c->loop, NULL, SIGTERM, _on_signal, c);
    if (rc >= 0)
        rc = sd_event_add_signal (c->loop, NULL, SIGINT, _on_signal, c);
    if (rc >= 0)
        rc = sd_event_add_time (c->loop, &c->timer, CLOCK_BOOTTIME, 0, 1000,
                                _courier_on_timer, c);
    if (rc >= 0)
        rc = sd_event_add_inotify (c->loop, NULL, path,
                                   IN_MOVED_TO | IN_DELETE | IN_ONLYDIR,
                                   _on_spool, c);
    if (rc >= 0)
        return 0;
    errno = -rc;
    return mw_err_errno (err, "cannot make the event loop");
}

static void _courier_help (void)
{
    puts ("Usage: memwarden-courier [OPTION]...\n"
          "Carry out what memwardend asks of Slurm's controller, of hooks and "
          "of a webhook.\n\n"
          "  -c, --config=FILE     configuration (default " CONF_PATH_DEFAULT
          ")\n"
          "  -s, --state-dir=DIR   where the warden's spool is (default: as "
          "configured)\n"
          "  -f, --foreground      write messages to standard error, not to "
          "syslog\n"
          "  -h, --help            this text\n"
          "  -V, --version         the version\n\n"
          "It ends by SIGTERM or SIGINT, with 0; 1 is a failure, 2 a wrong "
          "option.\nWhat it has not done stays in the spool.");
}

struct options {
    const char *config, *state_dir;
    bool foreground;
};

/* Returns -1 to go on, or the exit status. */
static int _options (int argc, char **argv, struct options *o)
{
    static const struct option known[] = {
        { "config", required_argument, NULL, 'c' },
        { "state-dir", required_argument, NULL, 's' },
        { "foreground", no_argument, NULL, 'f' },
        { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, 'V' },
        { NULL, 0, NULL, 0 },
    };
    int opt;

    while ((opt = getopt_long (argc, argv, "c:s:fhV", known, NULL)) != -1) {
        switch (opt) {
        case 'c':
            o->config = optarg;
            break;
        case 's':
            o->state_dir = optarg;
            break;
        case 'f':
            o->foreground = true;
            break;
        case 'h':
            _courier_help ();
            return 0;
        case 'V':
            puts ("memwarden-courier " PACKAGE_VERSION);
            return 0;
        default:
            return 2;
        }
    }
    if (optind == argc)
        return -1;
    fprintf (stderr, "memwarden-courier: unexpected \"%s\"; see --help\n",
             argv[optind]);
    return 2;
}

static int _configure (struct courier *c, const struct options *o,
                       struct mw_err *err)
{
    if (conf_load (&c->conf, o->config ? o->config : CONF_PATH_DEFAULT, err) <
        0)
        return -1;
    if (o->state_dir)
        snprintf (c->conf.state_dir, sizeof (c->conf.state_dir), "%s",
                  o->state_dir);
    return 0;
}

/* Root opens it, since what is above it may be root's alone. */
static void _learn_open (struct courier *c, const struct passwd *pw)
{
    struct mw_err err;

    if (learnt_open (conf_history_dir (&c->conf), pw->pw_gid, &err) < 0)
        _courier_log (c, LOG_WARNING,
                      "what jobs turn out to need is not kept: %s", err.text);
}

/* All that can fail; from its end on the courier works. */
static int _courier_open (struct courier *c, const struct options *o,
                          struct mw_err *err)
{
    const struct passwd *pw;

    if (_configure (c, o, err) < 0 || !(pw = _courier_whom (&c->conf, err)) ||
        spool_open (&c->spool, c->conf.state_dir, false, 0, err) < 0 ||
        _loop_open (c, err) < 0)
        return -1;
    c->web.conf = &c->conf;
    if (c->conf.webhook_count > 0 &&
        outbox_open (&c->web.box,
                     o->state_dir ? o->state_dir : conf_history_dir (&c->conf),
                     pw->pw_uid, err) < 0)
        return -1;
    _learn_open (c, pw);
    if (_become (pw, err) < 0 ||
        (c->conf.webhook_count > 0 &&
         outbox_open_hooks (&c->web.box, &c->conf, err) < 0))
        return -1;
    return spool_claim (&c->spool, &c->self, err);
}

int main (int argc, char **argv)
{
    static struct courier c;
    struct options o = { .config = NULL };
    struct mw_err err;
    int rc = _options (argc, argv, &o);

    if (rc >= 0)
        return rc;
    signal (SIGXFSZ, SIG_IGN); /* like a full disk */
    c.foreground = o.foreground;
    if (!c.foreground)
        openlog ("memwarden-courier", LOG_PID, LOG_DAEMON);
    if (_courier_open (&c, &o, &err) < 0) {
        _courier_log (&c, LOG_ERR, "%s", err.text);
        sd_notifyf (0, "STATUS=%s", err.text);
        return 1;
    }
    if (courier_web_open (&c.web, &c.queue, &err) < 0)
        _courier_log (&c, LOG_ERR, "%s", err.text);
    _courier_log (&c, LOG_INFO, "ready");
    sd_notify (0, "READY=1");
    _take_all (&c);
    _dispatch (&c);
    rc = sd_event_loop (c.loop);
    _end_workers (&c);
    return rc < 0 ? 1 : rc;
}
