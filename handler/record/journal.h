/* journal.h - what was decided, written before it is done
 *
 * One JSON object a line in STATE/ahead.jsonl (record/ahead.h), each with a checksum
 * (pass/seal.h).  A record that changes a job carries its whole state ("st"), so the
 * last one of each job is all a restart needs.  It must outlive the warden, not the
 * node, whose memcgs go with it: so it may be memory, below /run, where no disk is
 * waited for; the boot id in the first record tells the two apart.  The scribe
 * (scribe/scribe.h) copies it to where it is kept, and can be read.
 *
 *   {"t":"2026-11-21T01:02:03.123456Z","ms":1234,"seq":17,"event":"step",
 *    "job":"12","uid":1000,"slurm_id":12,"incident":"12.1","trigger":"job",
 *    "step":"grow","text":"…","used":…,"peak":…,"limit":…,"reservation":…,
 *    "priority":500,
 *    "st":{…},"crc":"12ab34cd"}
 *
 * Events: boot, registered, adopted (after a restart), detected, step, uses
 * (what its memory is made of, and whose it is), huge (it was refused huge pages), lent, returned, held, thawed, asked, answered, resolved, released, kernel-kill,
 * livelock, shadow (what would have been done), node, decision (decision.h),
 * class, cut (by a cap: what was asked for is not given), dump (what its hook
 * has written), nested (an OOM below the job's limit), given (Slurm has changed its
 * memory), start (of a step that Slurm's own limit is in the way of), failed, note,
 * config, failsafe, carried (a state at the begin of a new file: in no story), stop.
 */
#ifndef MW_JOURNAL_H
#define MW_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "handler/pass/dictate.h"
#include "handler/record/ahead.h"
#include "lib/err.h"

struct job;
struct job_table;

struct journal {
    int state_dir; /* descriptor */
    const char *history_dir;
    struct ahead file;
    int lock; /* held while this warden lives */
    uint64_t seq;
    unsigned unread;    /* records that recovery did not understand */
    uint64_t rotate_at; /* bytes over which it is time for a new file */
    bool failing;       /* last write failed (full disk): said once */
};

/* Open the journal below [state_dir] (made where it is not there); one of an
 *   earlier boot is put aside.  [history_dir], the caller's, is where the story is.
 *   journal_recover comes next, before any append.
 * Returns 0; -1 with errno: not ours, another warden has it locked (EBUSY), … */
int journal_open (struct journal *j, const char *state_dir,
                  const char *history_dir, struct mw_err *err);
void journal_close (struct journal *j);

/* Append a record of [event] about [job] (may be NULL) with sentence [text]
 *   and, if not NULL, [more]: further members as JSON text (`"a":1,"b":"x"`).
 *   Does not allocate, and calls the kernel only where journal_prepare could not make
 *   room.  A record is written whole or not at all.
 * Returns 0; -1 with errno: the caller says so once and goes on. */
int journal_append (struct journal *j, const char *event, const struct job *job,
                    const char *step, const char *text, const char *more,
                    struct mw_err *err);

/* Copy the record that was appended last, without the job's state, as one JSON
 *   object into [buf]. Returns its length, or 0: there is not that much [room].
 */
size_t journal_last (const struct journal *j, char *buf, size_t room);

/* Make room for the next records: when no job waits for it. */
void journal_prepare (struct journal *j);

/* Read the journal of this boot and put each job that was not released into
 *   [t], with spec, paths, inode and incident as they were; no descriptor of a
 *   memcg is open yet.  Where there is no journal of this boot, as after an upgrade
 *   from a version that had but the story, the story is read.  A torn last line is
 *   dropped and said in [err] (return is still 0).  Returns 0; -1 with errno. */
int journal_recover (struct journal *j, struct job_table *t,
                     struct mw_err *err);

/* This boot's id, "" where it is not known. */
void journal_boot_id (char *buf, size_t len);

/* Start a new file (at a quiet moment, when the present one is over
 *   [j]->rotate_at): the old one becomes ahead.jsonl.1; the new one begins with
 *   the state of each of [jobs] and [steps].  Returns 0; -1 with errno: the old one
 *   goes on, and [rotate_at] is moved, so that it is not tried again at once. */
int journal_rotate (struct journal *j, const struct job_table *jobs,
                    const struct job_table *steps, struct mw_err *err);

#endif /* !MW_JOURNAL_H */
