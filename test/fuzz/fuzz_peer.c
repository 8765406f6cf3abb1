/* fuzz_peer.c - messages of others: the plugin, users, the desk, the courier */
#include "test/fuzz/fuzz.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "handler/account/class.h"
#include "handler/job/job.h"
#include "handler/pass/pass.h"
#include "lib/cleanup.h"
#include "lib/client.h"
#include "lib/jobspec.h"
#include "lib/wire.h"

#define RECORD_MAX 4096 /* the plugin reads back no more */

/* It fits into the plugin's records, and the journal says the same of it. */
static void _peer_check_written (const struct mw_jobspec *spec,
                                 const json_t *encoded)
{
    cleanup_free char *record = json_dumps (encoded, JSON_COMPACT);
    cleanup_json json_t *put = NULL, *back = NULL;
    char text[2 * RECORD_MAX];
    struct json_put p = { .text = text, .size = sizeof (text) };
    struct mw_jobspec again;

    PROMISE (record && strlen (record) < RECORD_MAX);
    json_put (&p, "{");
    mw_jobspec_put (&p, spec);
    json_put_end (&p, "}");
    PROMISE (!p.over);
    put = json_loadb (text, p.len, JSON_REJECT_DUPLICATES, NULL);
    PROMISE (put && mw_jobspec_decode (put, &again, NULL) == 0);
    back = mw_jobspec_encode (&again);
    PROMISE (back && json_equal (back, encoded));
}

void fuzz_jobspec (const uint8_t *data, size_t size)
{
    cleanup_json json_t *j = json_loadb ((const char *) data, size,
                                         JSON_DECODE_ANY, NULL);
    cleanup_json json_t *back = NULL;
    struct mw_jobspec spec, again;
    struct mw_err err = { "" };

    if (!j)
        return;
    if (mw_jobspec_decode (j, &spec, &err) < 0) {
        fuzz_check_sentence (&err);
        return;
    }
    PROMISE (mw_jobkey_valid (spec.key) && spec.priority <= MW_PRIORITY_MAX);
    PROMISE (spec.cpus >= 1 && spec.reservation <= INT64_MAX);
    back = mw_jobspec_encode (&spec);
    PROMISE (back && mw_jobspec_decode (back, &again, NULL) == 0);
    _peer_check_written (&spec, back);
}

static void _peer_pair (int pair[2])
{
    PROMISE (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
                         0, pair) == 0);
}

void fuzz_wire (const uint8_t *data, size_t size)
{
    int pair[2], fds[MW_WIRE_FDS_MAX], n = 0, rc;
    cleanup_json json_t *msg = NULL;
    struct mw_err err = { "" };

    _peer_pair (pair);
    if (send (pair[0], data, size, 0) == (ssize_t) size && size > 0) {
        rc = mw_wire_recv (pair[1], &msg, fds, &n, &err);
        PROMISE (rc == 1 || rc == -1);
        PROMISE ((rc == 1) == (msg != NULL) && n == 0);
        if (rc < 0)
            fuzz_check_sentence (&err);
        else
            PROMISE (mw_wire_type (msg) != NULL);
    }
    close (pair[0]);
    close (pair[1]);
}

/* Each line is a packet of a warden's, all there before anything is asked. */
static void _peer_answers (int sock, const uint8_t *data, size_t size)
{
    const uint8_t *end = data + size, *nl;

    for (; data < end; data = nl + 1) {
        if (!(nl = memchr (data, '\n', (size_t) (end - data))))
            nl = end;
        if (nl > data && send (sock, data, (size_t) (nl - data), 0) < 0)
            break;
    }
    shutdown (sock, SHUT_WR);
}

void fuzz_client (const uint8_t *data, size_t size)
{
    static const struct mw_jobspec spec = { .key = "12", .cpus = 1 };
    struct mw_err err = { "" }, cut = { "" };
    cleanup_json json_t *jobs = NULL;
    int pair[2], rc;

    _peer_pair (pair);
    _peer_answers (pair[0], data, size);
    switch (size % 4) {
    case 0:
        jobs = mw_client_jobs (pair[1], &err);
        PROMISE (jobs ? json_is_array (jobs) : err.text[0]);
        break;
    case 1:
        rc = mw_client_register (pair[1], &spec, STDIN_FILENO, -1, &cut, &err);
        PROMISE (rc == 0 || err.text[0]);
        break;
    case 2:
        rc = mw_client_shadow (pair[1], &err);
        PROMISE (rc >= 0 || err.text[0]);
        break;
    default:
        rc = mw_client_ended (pair[1], "12", 0, &err);
        PROMISE (rc >= 0 || err.text[0]);
    }
    if (err.text[0])
        fuzz_check_sentence (&err);
    close (pair[0]);
    close (pair[1]);
}

/* ---- between desk and warden --------------------------------------------- */

/* What has been found good can be used as it is: its texts end. */
static void _peer_check_wish (const struct pass_wish *w)
{
    PROMISE (strlen (w->job) < sizeof (w->job));
    PROMISE (strlen (w->ladder) < sizeof (w->ladder));
    PROMISE (strlen (w->proc_limit) < sizeof (w->proc_limit));
    PROMISE (w->has_limit + w->has_priority + w->has_ladder +
                 w->has_proc_limit + w->old + w->clears <=
             6);
}

/* What a user's message makes the desk send is what the warden takes. */
static void _peer_message (const uint8_t *data, size_t size)
{
    struct mw_err err = { "" };
    cleanup_json json_t *msg = mw_wire_parse ((const char *) data, size, &err);
    struct pass_wish wish;
    struct mw_ladder ladder;

    if (!msg) {
        fuzz_check_sentence (&err);
        return;
    }
    if (pass_wish_read (msg, &wish, &err) < 0) {
        if (errno != ENOSYS)
            fuzz_check_sentence (&err);
        return;
    }
    PROMISE (pass_wish_is_good (&wish, sizeof (wish)));
    _peer_check_wish (&wish);
    if (wish.has_ladder)
        PROMISE (mw_ladder_parse (wish.ladder, &ladder, NULL) == 0);
    if (wish.has_priority)
        PROMISE (wish.priority <= MW_PRIORITY_MAX);
}

/* A packet of a desk that somebody has taken over. */
static void _peer_packet (const uint8_t *data, size_t size)
{
    struct pass_wish wish;
    int pair[2], fd = -1;
    ssize_t n = -1;

    _peer_pair (pair);
    if (pass_send (pair[0], data, size, -1) == 0)
        n = pass_receive (pair[1], &wish, sizeof (wish), &fd);
    PROMISE (fd == -1 && n <= (ssize_t) sizeof (wish));
    if (n > 0 && pass_wish_is_good (&wish, (size_t) n))
        _peer_check_wish (&wish);
    close (pair[0]);
    close (pair[1]);
}

void fuzz_pass (const uint8_t *data, size_t size)
{
    if (size > 0 && data[0] == '{')
        _peer_message (data, size);
    else if (size > 0)
        _peer_packet (data, size);
}

/* ---- what the controller says of a job ----------------------------------- */

static void _peer_check_word (const char *word, size_t room)
{
    PROMISE (strlen (word) < room);
    for (; *word; word++)
        PROMISE ((unsigned char) *word >= 0x20 && *word != 0x7f);
}

void fuzz_class (const uint8_t *data, size_t size)
{
    static struct conf conf = {
        .class_count = 2,
        .classes = { { .name = "long", .match_qos = "long*" },
                     { .name = "gpu",
                       .match_partition = "gpu[0-9]*",
                       .match_account = "[!a]*" } },
    };
    static const struct mw_jobspec spec = { .key = "12", .user = "al" };
    cleanup_free char *text = fuzz_string (data, size);
    struct job_facts facts = { 0 };
    struct mw_err err = { "" };

    if (class_parse (text, &facts, &err) < 0) {
        PROMISE (!facts.known);
        fuzz_check_sentence (&err);
        return;
    }
    PROMISE (facts.known && facts.restarts < SPOOL_RUN_UNKNOWN);
    _peer_check_word (facts.partition, sizeof (facts.partition));
    _peer_check_word (facts.account, sizeof (facts.account));
    _peer_check_word (facts.qos, sizeof (facts.qos));
    class_of (&conf, &spec, &facts);
}
