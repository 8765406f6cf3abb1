/* book.h - the story, as files that are kept
 *
 * All of it is journal.jsonl in the history directory, and what is about a job of user
 * UID is in users/UID.jsonl, too.  A file that has become long goes on as a new one, and
 * is there as NAME.1 until the next.
 */
#ifndef MW_BOOK_H
#define MW_BOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/err.h"

#define BOOK_NOBODY ((uid_t) -1)
#define BOOK_FILES 8

struct book {
    int dir, lock; /* descriptors; -1 */
    uint64_t turn;
    bool dirty;
    struct book_file { /* those used last */
        int fd;
        uid_t uid; /* BOOK_NOBODY: the whole story */
        uint64_t size, used;
    } file[BOOK_FILES];
};

/* Open the story in [dir], which is made where it is not there; waits for another who
 *   writes it.  Returns 0; -1 with errno. */
int book_open (struct book *b, const char *dir, struct mw_err *err);
void book_close (struct book *b);

/* Write the record [text] of [len] bytes, with its newline, whole or not at all; to
 *   [uid]'s part, too, unless that is BOOK_NOBODY, where a failure is none.
 * Returns 0; -1 with errno (ENOSPC, …). */
int book_write (struct book *b, uid_t uid, const char *text, size_t len);

/* How long the story's present file is, in bytes, and which inode. */
void book_where (struct book *b, uint64_t *size, uint64_t *inode);

/* What was written shall outlive the node. */
void book_sync (struct book *b);

/* Open what [uid] may read (0: all), of the present file or the [old] one before it.
 * Returns a descriptor, the caller's; -1 with errno (ENOENT: there is none yet). */
int book_history (const struct book *b, uid_t uid, bool old);

#endif /* !MW_BOOK_H */
