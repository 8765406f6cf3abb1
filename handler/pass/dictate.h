/* dictate.h - what the warden and its scribe say to each other
 *
 * The scribe is a process of its own that writes what people read: the story in
 * history-dir, the log file, stderr.  Whoever keeps it waiting (a disk, a FIFO, a
 * terminal) does not keep the warden waiting.  Records it takes from the write-ahead
 * journal, which it is only told of; lines of the log come to it as packets, over a
 * pair of SEQPACKET sockets (pass_send, pass_receive), and are lost, and counted,
 * where it does not read.  The desk asks it for history over a pair of their own, by
 * struct pass_wish and pass_done.
 */
#ifndef MW_DICTATE_H
#define MW_DICTATE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"

/* The write-ahead journal, in the state directory: lines, and behind the last one
 * newlines, or zeros, to its end.  A line's first byte is written last.  The one before
 * it is JOURNAL_AHEAD_OLD, as long as there is a second name for it. */
#define JOURNAL_AHEAD "ahead.jsonl"
#define JOURNAL_AHEAD_OLD "ahead.jsonl.1"
/* The story, in the history directory; that of each user is users/UID.jsonl. */
#define JOURNAL_STORY "journal.jsonl"
/* Users' strikes, in both directories: the warden's, and what the scribe has copied of
 * it, for after a reboot.  A record of one of these says that it has changed. */
#define STRIKES_FILE "strikes"
#define STRIKES_RECORD "strike"
#define STRIKES_FORGIVEN "forgiven"
/* Bytes of a record, with its newline. */
#define JOURNAL_RECORD_MAX 24576

enum dictate_kind {
    /* from the warden */
    DICTATE_SETTINGS = 1,
    DICTATE_NEWS, /* there are new records */
    DICTATE_LINE, /* of the log */
    /* from the scribe: struct dictate_said */
    DICTATE_HELLO, /* it has just begun, and wants settings */
    DICTATE_SET,   /* it has them, or [error] says why it cannot follow them */
    DICTATE_SAID,  /* [text] is for the log */
    DICTATE_BYE,   /* the warden has shut its end, and all is written */
};

/* Upper ends of the buckets of how long it took from an event to its deed, µs; the
 * last bucket has none. */
#define DICTATE_DEED_US \
    { \
        25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 50000, 100000, 1000000 \
    }
#define DICTATE_DEEDS 13

/* There are new records; and what only the warden counts, since its start. */
struct dictate_news {
    uint32_t kind;
    uint64_t node_memory, node_reserve, pool_limit; /* bytes; pool_limit
                                           UINT64_MAX: there is none */
    uint64_t deed[DICTATE_DEEDS], deed_us; /* how many, and their sum */
    /* what could not be handed over */
    uint64_t lost_syslog, lost_log, lost_journal, lost_webhook;
};

struct dictate_settings {
    uint32_t kind;
    bool foreground; /* lines to stderr, too, where they say so */
    bool shadow;
    bool terminals;          /* users are told there of what is held */
    uint64_t metrics_ms;     /* how often that is written */
    char metrics[PATH_MAX];  /* "" = none */
    char state[PATH_MAX];    /* directories … */
    char history[PATH_MAX];  /* … made where it is not there */
    char log_file[PATH_MAX]; /* "" = none */
};

/* Only as long as its text is: offsetof (text) + its bytes; no 0 at its end. */
struct dictate_line {
    uint32_t kind;
    bool also_stderr;
    char text[MW_ERR_MAX + 64]; /* with its newline */
};

struct dictate_said {
    uint32_t kind;
    int32_t error; /* an errno */
    int32_t level; /* of syslog(3) */
    char text[MW_ERR_MAX];
};

#endif /* !MW_DICTATE_H */
