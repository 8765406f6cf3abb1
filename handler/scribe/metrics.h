/* metrics.h - numbers for Prometheus, in a file that node_exporter reads
 *
 * The scribe's: the warden waits for no disk; the courier may be another user, without a
 * right to look into memcgs, and is not there where no controller is; the scribe reads
 * every record anyway.  Written anew under another name and then renamed, so that
 * nobody sees half of it.
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 */
#ifndef MW_METRICS_H
#define MW_METRICS_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "handler/pass/dictate.h"
#include "handler/scribe/tally.h"
#include "lib/err.h"

struct metrics {
    char path[PATH_MAX]; /* "" = none is written */
    uint64_t every_ms, due_ms;
    bool failing; /* said once */
};

/* What is told. */
struct metrics_of {
    const struct dictate_settings *set;
    const struct dictate_news *warden;
    const struct tally *tally;
    uint64_t lost_story; /* records */
    bool up;             /* false: the warden has ended */
};

/* From now on to [path] ("" = nowhere), at once and every [every_ms]; what was written
 *   elsewhere before is removed. */
void metrics_set (struct metrics *m, const char *path, uint64_t every_ms);

/* How long until it is due, in ms; -1: never. */
int metrics_wait (const struct metrics *m);

/* Write the file.  Returns 0; -1 with errno and a sentence, the first time that it
 *   fails.  [said]: else "", or that it goes on again. */
int metrics_write (struct metrics *m, const struct metrics_of *of,
                   struct mw_err *said);

#endif /* !MW_METRICS_H */
