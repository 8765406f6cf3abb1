/* stamp.h - times as logs write them, and lines as their keepers leave
 * them: pure
 */
#ifndef MW_KMSG_STAMP_H
#define MW_KMSG_STAMP_H

#include <stddef.h>

/* How many bytes of [s] are a time: "Nov 26 09:00:00", "2026-11-26T09:00:00Z",
 *   "Thu Nov 26 09:00:00 2026", "1750000000.123456" and their like, with a
 *   blank or the end behind it. 0: none. */
size_t kmsg_stamp (const char *s);

/* As above, with a month's name of another language, "f??vr. 16 09:00:00": to be
 *   believed only where the rest of the line is known. */
size_t kmsg_stamp_local (const char *s);

/* How many bytes of [s] are a time in brackets: the kernel's "[    9.100000]",
 *   or one of the above. 0: none; "[  123]" of the task list is none. */
size_t kmsg_stamp_bracket (const char *s);

/* Write [line] of [len] bytes to [to] of [size]: printable ASCII, without the
 *   colours of a terminal, a carriage return at its end, and the entities of a
 *   web page. Returns its length. */
size_t kmsg_stamp_tame (const char *line, size_t len, char *to, size_t size);

#endif /* !MW_KMSG_STAMP_H */
