/* outbox.h - what webhooks have not been told yet, as files
 *
 * HISTORY/outbox/WEBHOOK has a file for each transition that the receiver has not
 * taken: the courier's own, on a disk, so that they outlive the node.  A name is
 * "TIME.SEQ.JOB", TIME in microseconds of the record's: sorted by name they are in
 * order, and the same record has the same name.
 */
#ifndef MW_OUTBOX_H
#define MW_OUTBOX_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "handler/conf/conf.h"
#include "lib/err.h"

#define OUTBOX_NAME_MAX 92 /* both numbers, a job's key, two dots */

struct outbox {
    int dir; /* -1 = none */
    int hook
        [CONF_MAX_WEBHOOKS]; /* directories, in the order of the configuration */
};

/* Warden: have the directory below [history_dir], for [uid]. Returns 0 or -1. */
int outbox_make (const char *history_dir, uid_t uid, struct mw_err *err);

/* Courier: open it, before it becomes its user, [uid]; and then what is there of each
 *   webhook of [conf], made where it is not.  Return 0; -1 with errno. */
int outbox_open (struct outbox *o, const char *history_dir, uid_t uid,
                 struct mw_err *err);
int outbox_open_hooks (struct outbox *o, const struct conf *conf,
                       struct mw_err *err);

/* Write [text] as [name] for webhook [i]; it is on the disk when outbox_sync has been
 *   called, too.  Return 0; -1 with errno. */
int outbox_put (struct outbox *o, unsigned i, const char *name,
                const char *text, struct mw_err *err);
int outbox_sync (struct outbox *o, unsigned i, struct mw_err *err);

/* The names of webhook [i], sorted.  Returns how many, and sets [names] (the caller's
 *   to free); -1 with errno. */
int outbox_list (struct outbox *o, unsigned i, char (**names)[OUTBOX_NAME_MAX]);

/* Returns the text of [name] (the caller's), NULL with errno. */
char *outbox_read (struct outbox *o, unsigned i, const char *name,
                   struct mw_err *err);

/* [name] has been taken, or is given up. */
void outbox_remove (struct outbox *o, unsigned i, const char *name);

/* [more] transitions have been dropped of webhook [i] for want of room, or refused.
 * Returns how many there have ever been, which is kept. */
uint64_t outbox_dropped (struct outbox *o, unsigned i, unsigned more);

#endif /* !MW_OUTBOX_H */
