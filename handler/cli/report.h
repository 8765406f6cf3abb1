/* report.h - what a node's or a cluster's journals come to
 *
 * Rules, as memwarden(1) tells them: an incident is of when it ended, a job of when it
 * did; of a job over several nodes each node's part counts for itself.
 *   over-request  (reservation - peak) x how long it ran, where that is not negative
 *   advice        REPORT_PERCENTILE of the peaks of a user's jobs of one name (nearest
 *                 rank) x REPORT_FACTOR / 100, in whole MiB
 *   gain          (reservation - advice) x how long it ran, over all those jobs;
 *                 negative where they ask for too little
 *   saved         of a job that was not killed or requeued: how long it had run when the
 *                 last incident began that it survived x its CPUs
 */
#ifndef MW_REPORT_CLI_H
#define MW_REPORT_CLI_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/outcome.h"

#define REPORT_PERCENTILE 95
#define REPORT_FACTOR 110
#define REPORT_BINS 60
#define REPORT_RULE \
    "p95 of the peaks (nearest rank) x 1.1, in whole MiB; a peak is the " \
    "kernel's high-water mark without files' page cache"

/* Of one user's jobs of one name. */
struct report_group {
    uint32_t uid;
    char *name;
    uint64_t incidents, killed, suspended, grown;
    double over, reserved, used; /* byte-ms */
    struct report_job {
        uint64_t reservation, peak, ms; /* bytes, bytes, how long it ran */
    } * job;
    size_t jobs, room;
    uint64_t p95, advice; /* bytes; of report_end */
    double gain;          /* byte-ms */
};

struct report_sum {
    int64_t since_us; /* of the epoch */
    int64_t last_us;  /* of the last record */
    uint64_t journals, records, unread;
    uint64_t jobs, outcome[MW_OUTCOME_COUNT], incidents;
    uint64_t held, suspended, grown; /* incidents in which that was done */
    struct report_event {
        int64_t us;
        enum mw_outcome out;
    } * event; /* each incident's end */
    size_t events, event_room;
    uint64_t kernel_kills, lent, returned, saved_jobs;
    double lent_time;  /* byte-ms */
    double saved_time; /* CPU-ms */
    struct report_group *group;
    size_t groups, room;
    json_t *of_group; /* "UID NAME" to its place */
    json_t *now;      /* jobs that go on, of the journal being read; "KEY" to
                         its place in [open] */
    struct report_open *open;
    size_t opens, open_room;
};

/* Begin a report of what is not older than [since_us]. Returns 0; -1 (ENOMEM). */
int report_begin (struct report_sum *s, int64_t since_us);

/* Take in journal [f]; [last]: what comes behind it is of another node, or there is no
 *   more.  What is no record is counted, and passed over.  Returns 0; -1 with errno. */
int report_read (struct report_sum *s, FILE *f, bool last);

/* Compute what needs all of it, and put who wastes most first. */
void report_end (struct report_sum *s);
void report_free (struct report_sum *s);

/* As JSON; the user's name as this machine knows it. Owned by the caller. */
json_t *report_json (const struct report_sum *s);

/* From what report_json has given: for people, for spreadsheets (RFC 4180), for a
 *   browser. Strings of users are made harmless in each. */
void report_print (const json_t *report, FILE *out);
void report_csv (const json_t *report, FILE *out);
void report_html (const json_t *report, FILE *out);

#endif /* !MW_REPORT_CLI_H */
