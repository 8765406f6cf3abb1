/* scribe.c - what people read, written by a process that may be kept waiting */
#include "handler/scribe/scribe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "handler/pass/dictate.h"
#include "handler/pass/pass.h"
#include "handler/scribe/book.h"
#include "handler/scribe/follow.h"
#include "handler/scribe/metrics.h"
#include "handler/scribe/rights.h"
#include "handler/scribe/tally.h"
#include "lib/cleanup.h"

#define SCRIBE_WARDEN 3
#define SCRIBE_DESK 4
#define SYNC_MS 1000 /* what is written shall outlive the node so soon */
#define AT_A_TIME 64 /* lines of the log, before the story has its turn */

struct scribe {
    struct dictate_settings set;
    struct dictate_news news_of; /* what the warden counts, as told last */
    struct tally tally;
    struct metrics metrics;
    struct terminals terminals;
    int log_fd;
    struct book book;
    struct follow follow;
    bool news;     /* there may be records that are not in the story */
    bool begun;    /* [book] and [follow] are open */
    bool failing;  /* said once */
    uint64_t lost; /* records, as said last */
};

static void _say (enum dictate_kind kind, int error, int level,
                  const char *text)
{
    static struct dictate_said said;

    said = (struct dictate_said) { .kind = kind,
                                   .error = error,
                                   .level = level };
    snprintf (said.text, sizeof (said.text), "%s", text);
    pass_send (SCRIBE_WARDEN, &said, sizeof (said), -1);
}

/* ---- the log ------------------------------------------------------------- */

/* A FIFO that nobody reads is refused at once. */
static int _open_log (struct scribe *s, struct mw_err *err)
{
    if (s->log_fd >= 0)
        close (s->log_fd);
    s->log_fd = -1;
    if (!s->set.log_file[0])
        return 0;
    s->log_fd = open (s->set.log_file,
                      O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK |
                          O_CLOEXEC,
                      0640);
    if (s->log_fd < 0)
        return mw_err_errno (err, "cannot open log file %s", s->set.log_file);
    return 0;
}

/* Where a line would have to wait, it is not written: the descriptor is others', too,
 * and is not made non-blocking for them. */
static void _to_stderr (const char *text, size_t len)
{
    struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };
    struct stat st;

    if (fstat (STDERR_FILENO, &st) == 0 && S_ISSOCK (st.st_mode))
        send (STDERR_FILENO, text, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    else if (poll (&p, 1, 0) == 1 && (p.revents & POLLOUT) &&
             write (STDERR_FILENO, text, len) < 0)
        return; /* a terminal that is gone: there is nobody to tell */
}

static void _scribe_line (struct scribe *s, const struct dictate_line *l,
                          size_t len)
{
    const size_t head = offsetof (struct dictate_line, text);

    if (len < head)
        return;
    len -= head;
    if (s->log_fd >= 0 && write (s->log_fd, l->text, len) < 0 &&
        l->also_stderr) /* a full disk: whoever looks at stderr sees it */
        _to_stderr (l->text, len);
    else if (l->also_stderr && s->set.foreground)
        _to_stderr (l->text, len);
}

/* ---- the story ----------------------------------------------------------- */

static void _tell_trouble (struct scribe *s, const char *text)
{
    if (!s->failing)
        _say (DICTATE_SAID, 0, LOG_ERR, text);
    s->failing = true;
}

/* At the first record: a warden that is refused its state directory has none. */
static bool _story_begin (struct scribe *s)
{
    struct mw_err err;

    if (s->begun)
        return true;
    if (book_open (&s->book, s->set.history, &err) < 0) {
        book_close (&s->book);
        _tell_trouble (s, err.text);
        return false;
    }
    if (follow_open (&s->follow, s->set.state, &s->book, &err) < 0) {
        follow_close (&s->follow);
        book_close (&s->book);
        _tell_trouble (s, err.text);
        return false;
    }
    s->follow.tally = s->set.metrics[0] ? &s->tally : NULL;
    s->follow.terminals = s->set.terminals ? &s->terminals : NULL;
    return s->begun = true;
}

static void _scribe_lost (struct scribe *s)
{
    struct mw_err text;

    if (s->follow.lost == s->lost)
        return;
    mw_err_set (&text,
                "%llu records are missing in the story in %s: it could not be "
                "written in time",
                (unsigned long long) (s->follow.lost - s->lost),
                s->set.history);
    _say (DICTATE_SAID, 0, LOG_ERR, text.text);
    s->lost = s->follow.lost;
}

/* What the warden has in memory outlives a reboot here. */
static void _keep_strikes (struct scribe *s)
{
    struct mw_err text;

    if (!s->follow.struck)
        return;
    s->follow.struck = false;
    if (follow_copy (&s->follow, &s->book, STRIKES_FILE) == 0)
        return;
    mw_err_set (&text, "cannot keep users' strikes in %s: %s", s->set.history,
                strerror (errno));
    _say (DICTATE_SAID, 0, LOG_ERR, text.text);
}

static void _scribe_catch_up (struct scribe *s)
{
    struct mw_err text;

    if (!s->news || !_story_begin (s))
        return;
    if (follow_catch_up (&s->follow, &s->book) < 0) {
        mw_err_set (
            &text,
            "cannot write the story in %s: %s; it follows as soon as that "
            "is mended",
            s->set.history, strerror (errno));
        _tell_trouble (s, text.text);
        return;
    }
    s->news = false;
    if (s->failing)
        _say (DICTATE_SAID, 0, LOG_NOTICE, "the story can be written again");
    s->failing = false;
    _scribe_lost (s);
    _keep_strikes (s);
}

/* ---- metrics ------------------------------------------------------------- */

static void _write_metrics (struct scribe *s, bool up)
{
    struct metrics_of of = { .set = &s->set,
                             .warden = &s->news_of,
                             .tally = &s->tally,
                             .lost_story = s->follow.lost,
                             .up = up };
    struct mw_err text;

    if (metrics_write (&s->metrics, &of, &text) < 0)
        _say (DICTATE_SAID, errno, LOG_ERR, text.text);
    else if (text.text[0])
        _say (DICTATE_SAID, 0, LOG_NOTICE, text.text);
}

/* Who counts has not seen what there was before: it is read once more. */
static void _metrics_settings (struct scribe *s)
{
    bool on = s->set.metrics[0];

    metrics_set (&s->metrics, s->set.metrics, s->set.metrics_ms);
    if (!on)
        tally_end (&s->tally);
    if (s->begun && on && !s->follow.tally)
        follow_again (&s->follow);
    s->follow.tally = on ? &s->tally : NULL;
    s->news = s->news || (on && s->begun);
}

/* ---- who says what ------------------------------------------------------- */

static void _scribe_settings (struct scribe *s,
                              const struct dictate_settings *set)
{
    struct mw_err err = { "" };
    int rc;

    s->set = *set;
    _metrics_settings (s);
    s->follow.terminals = set->terminals ? &s->terminals : NULL;
    rc = _open_log (s, &err);
    _say (DICTATE_SET, rc < 0 ? errno : 0, LOG_ERR, err.text);
}

static void _scribe_hear (struct scribe *s, const void *packet, size_t len)
{
    uint32_t kind = 0;

    if (len >= sizeof (kind))
        memcpy (&kind, packet, sizeof (kind));
    if (kind == DICTATE_SETTINGS && len == sizeof (struct dictate_settings))
        _scribe_settings (s, packet);
    else if (kind == DICTATE_LINE)
        _scribe_line (s, packet, len);
    else if (kind == DICTATE_NEWS && len == sizeof (s->news_of)) {
        memcpy (&s->news_of, packet, len);
        s->news = true;
    }
}

/* Returns false when the warden is gone. */
static bool _hear_warden (struct scribe *s)
{
    static union {
        struct dictate_settings set;
        struct dictate_line line;
        struct dictate_news news;
    } packet;
    ssize_t n = -1;

    for (int i = 0; i < AT_A_TIME; i++) {
        n = recv (SCRIBE_WARDEN, &packet, sizeof (packet), MSG_DONTWAIT);
        if (n <= 0)
            break;
        _scribe_hear (s, &packet, (size_t) n);
    }
    return n != 0;
}

static void _hear_desk (struct scribe *s)
{
    static struct pass_wish wish;
    static struct pass_done done;
    cleanup_fd int with = -1, fd = -1;
    ssize_t n = pass_receive (SCRIBE_DESK, &wish, sizeof (wish), &with);

    if (n <= 0 || !pass_wish_is_good (&wish, (size_t) n) ||
        wish.kind != PASS_HISTORY)
        return;
    s->news =
        true; /* the warden's word of it may be behind in the other socket */
    _scribe_catch_up (s);
    done = (struct pass_done) { .kind = PASS_DONE, .id = wish.id };
    errno = ENOENT;
    fd = s->begun ? book_history (&s->book, wish.uid, wish.old) : -1;
    if (fd < 0) {
        done.error = errno;
        snprintf (done.text, sizeof (done.text), "there is no history yet");
    }
    pass_send (SCRIBE_DESK, &done, sizeof (done), fd);
}

static void _serve (struct scribe *s)
{
    struct pollfd p[2] = { { .fd = SCRIBE_WARDEN, .events = POLLIN },
                           { .fd = SCRIBE_DESK, .events = POLLIN } };
    bool warden = true;

    while (warden) {
        bool later = s->news || (s->begun && s->book.dirty);
        int wait = metrics_wait (&s->metrics), n;

        n = poll (p, 2, later && (wait < 0 || wait > SYNC_MS) ? SYNC_MS : wait);
        if (n == 0 && s->begun)
            book_sync (&s->book);
        if (p[0].revents)
            warden = _hear_warden (s);
        _scribe_catch_up (s);
        if (p[1].revents & POLLIN)
            _hear_desk (s);
        else if (p[1].revents)
            p[1].fd = -1; /* all who were the desk's are gone */
        if (metrics_wait (&s->metrics) == 0)
            _write_metrics (s, true);
    }
}

int scribe_main (void)
{
    static struct scribe s = { .log_fd = -1 };
    struct mw_err err;

    prctl (PR_SET_NAME, "memwarden-scrib");
    prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    /* its end is the warden's, after which there is work left */
    signal (SIGTERM, SIG_IGN);
    signal (SIGINT, SIG_IGN);
    signal (SIGHUP, SIG_IGN);
    signal (SIGPIPE, SIG_IGN);
    if (scribe_rights (&err) < 0)
        fprintf (stderr, "memwardend: scribe: %s\n", err.text);
    _say (DICTATE_HELLO, 0, 0, "");
    _serve (&s);
    if (s.begun) {
        _scribe_catch_up (&s);
        if (s.set.metrics[0])
            _write_metrics (&s, false);
        book_sync (&s.book);
        follow_close (&s.follow);
        book_close (&s.book);
    }
    _say (DICTATE_BYE, 0, 0, "");
    return 0;
}
