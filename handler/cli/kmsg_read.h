/* kmsg_read.h - a whole log, of lines or of entries, into kmsg/log.h
 *
 * Lines are kmsg/log.h's; entries are what journalctl writes as json (pretty or
 * not), export or verbose, and what containers' runtimes and shippers of logs
 * write as a JSON object a line.
 */
#ifndef MW_KMSG_READ_H
#define MW_KMSG_READ_H

#include "handler/cli/kmsg_input.h"
#include "handler/kmsg/log.h"

/* Read [in] to its end, feeding [log]; [found] is called for each kill that is
 *   complete, with [arg].
 * Returns 0; -1 with errno where the rest cannot be read. */
int kmsg_read (struct kmsg_input *in, struct kmsg_log *log,
               void (*found) (const struct kmsg_kill *kill, void *arg),
               void *arg, struct mw_err *err);

#endif /* !MW_KMSG_READ_H */
