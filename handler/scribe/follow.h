/* follow.h - the write-ahead journal, read behind the warden's back
 *
 * It is a file that only grows, and goes on as a new one; how far the story has come is
 * in a file beside it, so that no record is lost, or told twice, whoever is killed.
 */
#ifndef MW_FOLLOW_H
#define MW_FOLLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "handler/scribe/book.h"
#include "handler/scribe/tally.h"
#include "handler/scribe/terminals.h"
#include "lib/err.h"

struct follow {
    int dir, place; /* descriptors: the state directory; how far; -1 */
    int fd;         /* the file that is read; -1 */
    uint64_t inode, at;
    uint64_t doubt; /* where a record was not whole when it was seen first */
    uint64_t seq;   /* of the last record that was told */
    uint64_t lost;  /* records that were not there any more */
    bool struck;    /* users' strikes have changed: the reader takes it back */
    struct tally *tally;         /* counts each record; NULL */
    struct terminals *terminals; /* is told of each new one; NULL */
};

/* Follow the journal in [state_dir], from where [b] ends.
 * Returns 0; -1 with errno. */
int follow_open (struct follow *f, const char *state_dir, struct book *b,
                 struct mw_err *err);
void follow_close (struct follow *f);

/* Read what is there of the journal once more, for [f]->tally alone, which has not seen
 *   it: what has been told is not told again. */
void follow_again (struct follow *f);

/* Tell [b] all that is new. Returns 0; -1 with errno: [b] does not take it, and is asked
 *   again the next time. */
int follow_catch_up (struct follow *f, struct book *b);

/* Make the file [name] of the state directory one of [b]'s directory, too: whole, or as
 *   it was. Returns 0; -1 with errno. */
int follow_copy (const struct follow *f, const struct book *b,
                 const char *name);

#endif /* !MW_FOLLOW_H */
