/* journal.h - what was decided, written before it is done
 *
 * One JSON object a line in STATE/journal.jsonl, and the same line, if it is
 * about a job, in STATE/users/UID.jsonl, which its owner may read through the
 * warden.  A record that changes a job carries its whole state ("st"), so the
 * last one of each job is all a restart needs.  write(2) without fsync: a
 * journal must outlive the warden, not the node, whose memcgs go with it; the
 * boot id in the first record tells the two apart.
 *
 *   {"t":"2026-11-21T01:02:03.123456Z","ms":1234,"seq":17,"event":"step",
 *    "job":"12","uid":1000,"incident":"12.1","step":"grow","text":"…",
 *    "used":…,"limit":…,"reservation":…,"priority":500,
 *    "st":{…}}
 *
 * Events: boot, registered, adopted (after a restart), detected, step, lent,
 * returned, held, thawed, asked, answered, resolved, released, kernel-kill,
 * livelock, shadow (what would have been done), node, decision (decision.h),
 * class, cut (by a cap: what was asked for is not given), dump (what its hook
 * has written), nested (an OOM below the job's limit), failed, note, config,
 * failsafe, stop.
 */
#ifndef MW_JOURNAL_H
#define MW_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/err.h"

struct job;
struct job_table;

#define JOURNAL_RECORD_MAX 24576 /* bytes, with its newline */

struct journal {
    int state_dir; /* descriptor */
    int fd;
    int lock; /* held while this warden lives */
    uint64_t seq;
    uint64_t torn;      /* bytes of a half record cut off at open */
    unsigned unread;    /* records that recovery did not understand */
    uint64_t size;      /* bytes in the present file */
    uint64_t rotate_at; /* bytes over which it is time for a new one */
    bool failing;       /* last write failed (full disk): said once */
};

/* Open the journal below [state_dir] (made where it is not there); one of an
 *   earlier boot is put aside.  journal_recover comes next, before any append.
 * Returns 0; -1 with errno: not ours, another warden has it locked (EBUSY), … */
int journal_open (struct journal *j, const char *state_dir, struct mw_err *err);
void journal_close (struct journal *j);

/* Append a record of [event] about [job] (may be NULL) with sentence [text]
 *   and, if not NULL, [more]: further members as JSON text (`"a":1,"b":"x"`).
 *   Does not allocate.  A record is written whole or not at all: after a short
 *   write (full disk) the file is cut back.
 * Returns 0; -1 with errno: the caller says so once and goes on. */
int journal_append (struct journal *j, const char *event, const struct job *job,
                    const char *step, const char *text, const char *more,
                    struct mw_err *err);

/* Copy the record that was appended last, without the job's state, as one JSON
 *   object into [buf]. Returns its length, or 0: there is not that much [room].
 */
size_t journal_last (const struct journal *j, char *buf, size_t room);

/* Write what was appended to the copies that users may read, too: when no job
 *   waits for it. */
void journal_flush (struct journal *j);

/* Read the journal of this boot and put each job that was not released into
 *   [t], with spec, paths, inode and incident as they were; no descriptor of a
 *   memcg is open yet.  A torn last line is dropped and said in [err] (return
 *   is still 0).  Returns 0; -1 with errno. */
int journal_recover (struct journal *j, struct job_table *t,
                     struct mw_err *err);

/* This boot's id, "" where it is not known. */
void journal_boot_id (char *buf, size_t len);

/* Start a new file (at a quiet moment, when the present one is over
 *   [j]->rotate_at): the old one becomes journal.jsonl.1; the new one begins
 *   with the state of each of [jobs] and [steps].  Returns 0; -1 with errno: the
 *   old one goes on, and [rotate_at] is moved, so that it is not tried again at
 *   once. */
int journal_rotate (struct journal *j, const struct job_table *jobs,
                    const struct job_table *steps, struct mw_err *err);

/* Open for reading the records that [uid] may see (0: all), in the present file
 *   or in the [old] one before it. Returns fd; -1 with errno (ENOENT: none yet). */
int journal_open_history (struct journal *j, uid_t uid, bool old);

#endif /* !MW_JOURNAL_H */
