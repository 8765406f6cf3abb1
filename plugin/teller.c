/* teller.c - a thread that writes what the warden says: see teller.h
 *
 * The warden sends each line as a packet; what it has sent stays in the socket
 * though it be killed.  A warden that is new is told which line was the last, and
 * sends what came behind it.  To know that all has been written, the thread asks
 * to be attached once more: the answer comes behind the lines.
 */
#include "plugin/teller.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/client.h"
#include "lib/wire.h"
#include "plugin/place.h"

#define READER_MS 1000
#define ANSWER_MS 1000
#define CATCH_UP_MS 2000
#define SLOW_MS \
    10000            /* … of a warden that is there, in the middle of
                                   a story: a node short of memory is slow */
#define RETRY_MS 500 /* … and longer each time, up to … */
#define RETRY_MAX_MS 10000
#define HURRY_MS 50 /* … but so often while somebody waits */
#define DRAIN_MS 1000
#define ARRIVE_MS 100
#define STACK (256 * 1024)
#define MORE_MS 5 /* no line for so long: it was the last for now */
#define LINE_SIZE (MW_ERR_MAX + 16)

_Static_assert(LINE_SIZE <= PIPE_BUF, "a line has room among the unsaid");

static struct {
    char key[MW_JOBKEY_MAX], step[PLACE_STEP_MAX], socket[108];
    bool running, gave_up; /* the main thread's */
    pthread_t thread;
    int wake; /* eventfd */

    pthread_mutex_t lock;
    pthread_cond_t caught_up;
    unsigned wanted, done; /* calls of teller_catch_up */
    bool open;             /* the last line was not the incident's end */
    bool there;            /* a warden is connected */
    bool fresh;            /* something was written and not waited for */
    bool end;

    /* the thread's own */
    int sock;              /* -1: no warden at the moment */
    uint64_t last;         /* number of the last line */
    bool asked;            /* an answer is awaited … */
    unsigned asked_for;    /* … after which that many calls are served */
    int retry;             /* ms until a warden is looked for again */
    char unsaid[PIPE_BUF]; /* lines not yet written: one piece to who reads */
    size_t unsaid_len;
} s = {
    .retry = RETRY_MS, .wake = -1, .sock = -1, .lock = PTHREAD_MUTEX_INITIALIZER
};

/* ---- writing ------------------------------------------------------------- */

static void _teller_write (const char *at, size_t left)
{
    while (left > 0) {
        struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };
        ssize_t n;

        /* a pipe of srun's that is full; files are always ready */
        if (poll (&p, 1, READER_MS) <= 0)
            return;
        n = write (STDERR_FILENO, at, left);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return;
        if (n > 0) {
            at += n;
            left -= (size_t) n;
        }
    }
}

static size_t _teller_line (char line[LINE_SIZE], const char *text)
{
    size_t len;

    snprintf (line, LINE_SIZE - 1, "memwarden: %s", text);
    len = strlen (line);
    line[len++] = '\n';
    return len;
}

void teller_say (const char *text)
{
    char line[LINE_SIZE];

    _teller_write (line, _teller_line (line, text));
}

static void _teller_flush (void)
{
    if (s.unsaid_len == 0)
        return;
    _teller_write (s.unsaid, s.unsaid_len);
    s.unsaid_len = 0;
    pthread_mutex_lock (&s.lock);
    s.fresh = true;
    pthread_mutex_unlock (&s.lock);
}

/* What is said at once goes out at once: slurmstepd has a TCP packet for each
 * piece that it reads of it, the kernel keeps a second small one back until the
 * first is acknowledged (Nagle; 40 ms), and by then an srun inside the job, on
 * another node, has been killed with it. */
static void _teller_add (const char *text)
{
    char line[LINE_SIZE];
    size_t len = _teller_line (line, text);

    if (s.unsaid_len + len > sizeof (s.unsaid))
        _teller_flush ();
    memcpy (s.unsaid + s.unsaid_len, line, len);
    s.unsaid_len += len;
}

/* ---- the warden ---------------------------------------------------------- */

static void _is_there (bool there)
{
    pthread_mutex_lock (&s.lock);
    s.there = there;
    pthread_mutex_unlock (&s.lock);
}

static void _hang_up (void)
{
    _teller_flush ();
    _is_there (false);
    if (s.sock >= 0)
        close (s.sock);
    s.sock = -1;
    s.asked = false;
}

/* Ask for the lines behind the last one, and for the answer behind those. */
static void _teller_ask (bool first)
{
    cleanup_json json_t *req = mw_wire_new ("attach");
    struct rusage ended;

    pthread_mutex_lock (&s.lock);
    s.asked_for = s.wanted;
    pthread_mutex_unlock (&s.lock);
    json_object_set_new (req, "job", json_string (s.key));
    json_object_set_new (req, "step", json_string (s.step));
    if (!first)
        json_object_set_new (req, "after", json_integer ((json_int_t) s.last));
    if (!getrusage (RUSAGE_CHILDREN, &ended)) /* in KiB, getrusage(2) */
        json_object_set_new (req, "rss",
                             json_integer ((json_int_t) ended.ru_maxrss << 10));
    s.asked = mw_wire_send (s.sock, req, NULL, 0, NULL) == 0;
    if (!s.asked)
        _hang_up ();
}

static void _teller_connect (bool first)
{
    s.sock = mw_client_open (s.socket, ANSWER_MS, NULL);
    _is_there (s.sock >= 0);
    if (s.sock >= 0)
        _teller_ask (first);
}

static void _teller_serve (unsigned done)
{
    pthread_mutex_lock (&s.lock);
    s.done = done;
    pthread_cond_broadcast (&s.caught_up);
    pthread_mutex_unlock (&s.lock);
}

static void _note (const json_t *msg)
{
    const char *text = json_string_value (json_object_get (msg, "text"));

    pthread_mutex_lock (&s.lock);
    s.open = json_is_true (json_object_get (msg, "open"));
    pthread_mutex_unlock (&s.lock);
    s.last = (uint64_t) json_integer_value (json_object_get (msg, "line"));
    if (text)
        _teller_add (text);
}

/* The warden has no such job: one that did not begin with it, or that it has
 * released.  No line is to come. */
static void _unknown (void)
{
    unsigned asked_for = s.asked_for;
    bool open;

    pthread_mutex_lock (&s.lock);
    open = s.open;
    pthread_mutex_unlock (&s.lock);
    _hang_up ();
    if (!open)
        _teller_serve (asked_for);
}

/* Take one packet. Returns false where the warden is gone, or has no such
 * job. */
static bool _teller_hear (void)
{
    cleanup_json json_t *msg = NULL;
    int rc = mw_wire_recv (s.sock, &msg, NULL, NULL, NULL);

    if (rc < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (rc > 0 && !strcmp (mw_wire_type (msg), "note")) {
        _note (msg);
        return true;
    }
    if (rc > 0 && !strcmp (mw_wire_type (msg), "ok")) {
        if (json_object_get (msg, "line"))
            s.last = (uint64_t) json_integer_value (
                json_object_get (msg, "line"));
        s.asked = false;
        s.retry = RETRY_MS;
        _teller_flush ();
        _teller_serve (s.asked_for);
        return true;
    }
    if (rc > 0)
        _unknown ();
    else
        _hang_up ();
    return false;
}

/* ---- the thread ---------------------------------------------------------- */

static bool _waited_for (bool *end)
{
    bool waited, open;

    pthread_mutex_lock (&s.lock);
    waited = s.wanted != s.done;
    open = s.open;
    *end = s.end;
    pthread_mutex_unlock (&s.lock);
    if (waited && s.sock < 0)
        _teller_connect (false); /* a new one, not yet heard of */
    if (waited && s.sock < 0 && !open) {
        _teller_serve (s.wanted); /* nobody is there, nothing is expected */
        return false;
    }
    return waited;
}

/* How long nothing may come, in ms; -1: for ever. */
static int _teller_patience (bool waited)
{
    if (s.unsaid_len > 0)
        return MORE_MS;
    if (s.sock >= 0)
        return -1;
    return waited ? HURRY_MS : s.retry;
}

static void _nothing_came (void)
{
    if (s.unsaid_len > 0)
        _teller_flush ();
    else
        s.retry = 2 * s.retry < RETRY_MAX_MS ? 2 * s.retry : RETRY_MAX_MS;
}

static void *_teller_listen (void *arg)
{
    bool end = false;

    (void) arg;
    for (;;) {
        bool waited = _waited_for (&end);
        struct pollfd p[2] = { { .fd = s.wake, .events = POLLIN },
                               { .fd = s.sock, .events = POLLIN } };
        uint64_t n;

        if (end) {
            _teller_flush ();
            return NULL;
        }
        if (poll (p, 2, _teller_patience (waited)) == 0)
            _nothing_came ();
        if (p[0].revents && read (s.wake, &n, sizeof (n)) < 0)
            continue;
        if (s.sock >= 0 && p[1].revents)
            _teller_hear ();
        else if (s.sock < 0)
            _teller_connect (false);
        if (s.sock >= 0 && !s.asked && _waited_for (&end))
            _teller_ask (false);
    }
}

static void _kick (void)
{
    uint64_t one = 1;

    while (write (s.wake, &one, sizeof (one)) < 0 && errno == EINTR)
        ;
}

/* Signals are the business of slurmstepd's own threads. */
static int _start_thread (void)
{
    pthread_attr_t attr;
    sigset_t all, before;
    int rc;

    sigfillset (&all);
    pthread_attr_init (&attr);
    pthread_attr_setstacksize (&attr, STACK);
    pthread_sigmask (SIG_BLOCK, &all, &before);
    rc = pthread_create (&s.thread, &attr, _teller_listen, NULL);
    pthread_sigmask (SIG_SETMASK, &before, NULL);
    pthread_attr_destroy (&attr);
    return rc;
}

/* ---- the main thread ----------------------------------------------------- */

static void _prepare (const char *key, const char *step, const char *socket)
{
    pthread_condattr_t clock;

    snprintf (s.key, sizeof (s.key), "%s", key);
    snprintf (s.step, sizeof (s.step), "%s", step);
    snprintf (s.socket, sizeof (s.socket), "%s", socket);
    pthread_condattr_init (&clock);
    pthread_condattr_setclock (&clock, CLOCK_MONOTONIC);
    pthread_cond_init (&s.caught_up, &clock);
    pthread_condattr_destroy (&clock);
    s.wake = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
}

void teller_await (const char *key, const char *step, const char *socket)
{
    if (s.running)
        return;
    _prepare (key, step, socket);
    s.running = s.wake >= 0 && _start_thread () == 0;
}

void teller_begin (const char *key, const char *step, const char *socket)
{
    if (s.running)
        return;
    _prepare (key, step, socket);
    /* attached before the task runs, so that no line comes before it */
    _teller_connect (true);
    while (s.asked) {
        struct pollfd p = { .fd = s.sock, .events = POLLIN };

        if (poll (&p, 1, ANSWER_MS) <= 0 || !_teller_hear ())
            break;
    }
    _teller_flush ();
    s.running = s.wake >= 0 && _start_thread () == 0;
}

/* An srun that hears of a task's end by SIGKILL drops what of its stderr has
 * not come yet: so that is on its way before the end is told. */
static void _let_through (void)
{
    struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };
    struct timespec arrive = { .tv_nsec = ARRIVE_MS * 1000 * 1000 };
    struct stat st;
    int left = 1;

    if (fstat (STDERR_FILENO, &st) < 0 || !S_ISFIFO (st.st_mode))
        return;
    for (int i = 0; i < DRAIN_MS / 10 && left > 0; i++) {
        if (ioctl (STDERR_FILENO, FIONREAD, &left) < 0 || left == 0)
            break;
        nanosleep (&pause, NULL);
    }
    nanosleep (&arrive, NULL);
}

void teller_catch_up (void)
{
    struct timespec until;
    char text[MW_ERR_MAX];
    bool open, fresh, slow = false;

    if (!s.running || s.gave_up)
        return;
    clock_gettime (CLOCK_MONOTONIC, &until);
    until.tv_sec += CATCH_UP_MS / 1000;
    pthread_mutex_lock (&s.lock);
    s.wanted++;
    _kick ();
    while (s.done != s.wanted && !s.gave_up) {
        if (pthread_cond_timedwait (&s.caught_up, &s.lock, &until) == 0)
            continue;
        s.gave_up = slow || !s.open || !s.there;
        slow = true;
        until.tv_sec += (SLOW_MS - CATCH_UP_MS) / 1000;
    }
    open = s.open;
    fresh = s.fresh;
    s.fresh = false;
    pthread_mutex_unlock (&s.lock);
    if (fresh)
        _let_through ();
    if (!s.gave_up || !open)
        return;
    snprintf (text, sizeof (text),
              "job %s: memwardend does not answer any more:"
              " what became of it is told by `memwarden why %s` on this node",
              s.key, s.key);
    teller_say (text);
}

void teller_end (void)
{
    struct timespec until;

    if (!s.running)
        return;
    s.running = false;
    pthread_mutex_lock (&s.lock);
    s.end = true;
    pthread_mutex_unlock (&s.lock);
    _kick ();
    clock_gettime (CLOCK_REALTIME, &until);
    until.tv_sec += 1;
    /* one that waits for a file server is left to it (-z nodelete) */
    if (pthread_timedjoin_np (s.thread, NULL, &until) != 0)
        return;
    _hang_up ();
    close (s.wake);
    s.wake = -1;
}
