/* report.h - every action has a record: journal, log, syslog, job, controller
 *
 * The journal's part comes before the action (write-ahead); what people read
 * comes after it, and none of it waits: the log file and stderr are the scribe's
 * (pass/dictate.h), syslog gets a datagram that is dropped rather than waited for
 * (syslog(3) blocks, so it is not used), the job's stderr is written by its steps'
 * slurmstepd, which listen (plugin/teller.h), its comment goes through the courier's
 * spool.
 */
#ifndef MW_REPORT_H
#define MW_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "handler/job/incident_state.h"
#include "handler/pass/dictate.h"
#include "lib/err.h"

struct warden;
struct job;

enum report_for {
    REPORT_LOG = 1,     /* log file and syslog */
    REPORT_JOB = 2,     /* the job's own stderr, and who is attached */
    REPORT_COMMENT = 4, /* comment at the controller */
};

struct report {
    int scribe;       /* to it; -1: there is none yet, stderr is enough */
    int syslog_fd;    /* -1 = none */
    bool foreground;  /* also to stderr */
    int journald;     /* systemd's journal, where that is our stderr: what it
                                   takes is not for that, too; -1 */
    uint64_t dropped; /* syslog datagrams */
    uint64_t unsaid;  /* lines of the log that the scribe did not take … */
    bool news;        /* nor that there are new records */
    struct dictate_news counts; /* what only the warden knows, for metrics */
    /* lines that wait until the action is done */
    unsigned pending;
    uint64_t numbered; /* lines so far, over restarts too */
    struct report_line {
        char job[64];
        unsigned whom;
        bool closed; /* to its stderr and comment */
        uint64_t number;
        char text[MW_ERR_MAX];
        char incident[INCIDENT_ID_MAX]; /* "" = none goes on … */
        const char *step;               /* … and the step it is at */
    } line[32];
};

/* Open syslog by the configuration, and systemd's journal; it may come up later, or
 *   never. */
void report_open (struct warden *w);
void report_close (struct warden *w);

/* Journal [event] of [job] (may be NULL) now, and keep the sentence for
 *   report_flush, which tells [whom] (bits of report_for; in shadow mode the
 *   log alone). */
void report (struct warden *w, struct job *job, const char *event,
             unsigned whom, const char *fmt, ...)
    __attribute__ ((format (printf, 5, 6)));

/* The same with [more] for the journal: further members as JSON text. */
void report_more (struct warden *w, struct job *job, const char *event,
                  unsigned whom, const char *more, const char *fmt, ...)
    __attribute__ ((format (printf, 6, 7)));

/* For report_more: so many [bytes] were lent, or came back, after which [job] is lent so
 *   much in all. Returns [more]. */
#define REPORT_LENT 96
const char *report_lent (const struct job *job, uint64_t bytes,
                         char more[REPORT_LENT]);

/* Record that [what] ("cannot be grown") could not be done to [job]: [why], as
 *   errno has it.  Where that is ENODEV, its job has just ended by itself, which
 *   is no failure: its end is on record next. */
void report_failed (struct warden *w, struct job *job, const char *what,
                    const struct mw_err *why);

/* The step that an event has led to has done its deed: count how long that took since
 *   the loop took up the event. */
void report_deed (struct warden *w);

/* Tell what is pending. Called by the loop after every dispatched event. */
void report_flush (struct warden *w);

/* A line for log and syslog alone, not journalled: start, stop, warnings. */
void report_log (struct warden *w, int level, const char *fmt, ...)
    __attribute__ ((format (printf, 3, 4)));

#endif /* !MW_REPORT_H */
