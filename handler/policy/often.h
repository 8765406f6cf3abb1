/* often.h - a job that has one incident after the other: pure
 *
 * What is done to it stays the same.  But where it has had OFTEN_INCIDENTS of them
 * within a minute, not each is told any more, only one in OFTEN_TELL_MS and how
 * many there were in between; and a loan is kept for OFTEN_KEEP_MS after the job
 * has come back below its limit, so that the next time it is there already.
 */
#ifndef MW_OFTEN_H
#define MW_OFTEN_H

#include <stdbool.h>
#include <stdint.h>

#define OFTEN_INCIDENTS 10
#define OFTEN_WITHIN_MS 60000
#define OFTEN_TELL_MS 10000
#define OFTEN_KEEP_MS 30000

/* Zeroed: there has been none. */
struct often {
    uint64_t began_ms[OFTEN_INCIDENTS]; /* the last ones */
    unsigned next;                      /* place of the oldest of them */
    bool on;                            /* it is often now … */
    uint64_t told_ms;                   /* … the last that was told … */
    unsigned untold;                    /* … and how many were not since */
};

enum often_telling {
    OFTEN_TELL,  /* as any other */
    OFTEN_BEGIN, /* the same, and say that not each will be any more */
    OFTEN_SKIP,  /* count it only */
};

/* An incident begins at [now_ms] (clock_ms, not 0): is it to be told? */
enum often_telling often_incident (struct often *o, uint64_t now_ms);

/* How many incidents were not told before the one that is now. */
unsigned often_take_untold (struct often *o);

/* An incident that was not to be told is, from now on: it is not one of those. */
void often_tell_it (struct often *o);

/* How long, in ms, a job is to be below its limit before it gives a loan back. */
uint64_t often_keep_ms (const struct often *o);

#endif /* !MW_OFTEN_H */
