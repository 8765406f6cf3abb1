/* strikes.h - whose jobs have needed more memory than they had asked for: pure
 *
 * Each user has a score, to which each strike adds one, and which falls by half in
 * each half-life.  Who has many loses burst first, then priority.  Time is the wall
 * clock's, since the scores outlive a reboot; where it goes back, nothing falls.
 */
#ifndef MW_STRIKES_H
#define MW_STRIKES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Users that are remembered; of more the one with the lowest score is forgotten. */
#define STRIKES_USERS 500
/* Nobody has more, so that everybody is forgiven in a time that can be told. */
#define STRIKES_MOST 100

struct strikes_of {
    uint32_t uid;
    uint32_t milli; /* the score at [s], in 1/1000 of a strike */
    uint64_t s;     /* of the last strike, wall clock in seconds */
};

/* Zeroed: nobody has any. */
struct strikes {
    unsigned count;
    struct strikes_of of[STRIKES_USERS];
};

enum strikes_loss { STRIKES_NONE, STRIKES_BURST, STRIKES_PRIORITY };

/* The score of [u] at [now_s], in 1/1000 of a strike, with a half-life of [half_s]
 *   (not 0). */
uint32_t strikes_score (const struct strikes_of *u, uint64_t now_s,
                        uint64_t half_s);

/* How many strikes [uid] has at [now_s]: its score, rounded. */
unsigned strikes_count (const struct strikes *t, uint32_t uid, uint64_t now_s,
                        uint64_t half_s);

/* One more for [uid]. Returns how many those are. */
unsigned strikes_add (struct strikes *t, uint32_t uid, uint64_t now_s,
                      uint64_t half_s);

/* [uid] has none any more. Returns false where it had none. */
bool strikes_forgive (struct strikes *t, uint32_t uid);

/* What [count] strikes cost, where burst is lost at [burst_at] and priority at
 *   [priority_at], which never comes before. */
enum strikes_loss strikes_loss (unsigned count, unsigned burst_at,
                                unsigned priority_at);

/* [t] as text, a line "UID SCORE SECONDS" for each user. */
#define STRIKES_LINE_MAX 48
#define STRIKES_TEXT_MAX (STRIKES_USERS * STRIKES_LINE_MAX)

/* Returns its length, without the 0; [buf] has STRIKES_TEXT_MAX + 1 bytes. */
size_t strikes_write (const struct strikes *t, char *buf);

/* Read [text] into [t]. Returns how many lines of it were none. */
unsigned strikes_read (struct strikes *t, const char *text);

#endif /* !MW_STRIKES_H */
