/* log.h - the kernel's words in the lines of any log
 *
 * Records of /dev/kmsg, dmesg in all its forms, journalctl's, syslog files old
 * and new, consoles, containers' logs: what the keeper put before the kernel's
 * message is taken off, the message goes to kmsg.h, for each host apart.
 */
#ifndef MW_KMSG_LOG_H
#define MW_KMSG_LOG_H

#include <stdbool.h>
#include <stddef.h>

#include "handler/kmsg/kmsg.h"

struct kmsg_log;

/* Returns NULL without memory. */
struct kmsg_log *kmsg_log_new (void);
void kmsg_log_free (struct kmsg_log *log);

/* Take one [line] of [len] bytes (no newline at its end; any bytes).
 * Returns true if it completes a kill, stored in [*out]. */
bool kmsg_log_line (struct kmsg_log *log, const char *line, size_t len,
                    struct kmsg_kill *out);

/* As above, of a line that something else carried, a container's log: from
 *   [host] at [time] ("" is unknown), where the line itself does not tell. */
bool kmsg_log_carried (struct kmsg_log *log, const char *host, const char *time,
                       const char *line, size_t len, struct kmsg_kill *out);

/* As above, of what [host] ("" is unknown) said at [time] in so many words:
 *   where the log's form tells where a message begins and ends. */
bool kmsg_log_message (struct kmsg_log *log, const char *host,
                       const char *message, size_t len, const char *time,
                       struct kmsg_kill *out);

/* Has any line had a form that is known, whoever spoke?  Without, it is no log
 *   of any kernel.  Nor is it known where all the kernel said is behind words
 *   that are not understood. */
bool kmsg_log_known (const struct kmsg_log *log);

/* There was something in the log that is known, but not by its lines. */
void kmsg_log_know (struct kmsg_log *log);

/* How many kills have a line that is cut off, and are not counted. */
unsigned kmsg_log_cut (const struct kmsg_log *log);

/* The log has ended. Returns true if a report was open, stored in [*out]: call
 *   it until it returns false. */
bool kmsg_log_end (struct kmsg_log *log, struct kmsg_kill *out);

#endif /* !MW_KMSG_LOG_H */
