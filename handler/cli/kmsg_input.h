/* kmsg_input.h - the lines of a log, out of gzip and xz as well
 *
 * What a file is, its first bytes tell, not its name.
 */
#ifndef MW_KMSG_INPUT_H
#define MW_KMSG_INPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/err.h"

struct kmsg_input;

/* Read from [fd], which is the input's from now on, also on failure. [name] is
 *   for errors. Returns NULL with [err]: what it is cannot be read. */
struct kmsg_input *kmsg_input_open (int fd, const char *name,
                                    struct mw_err *err);
void kmsg_input_close (struct kmsg_input *in);

/* Is there nothing at all in it?  To be asked before it is read. */
bool kmsg_input_is_empty (const struct kmsg_input *in);

/* The next line, without its end; what is longer than 1 MiB is cut there.
 * Returns 1 with *[line] of *[len] bytes, valid until the next call; 0 at the
 *   end; -1 with [err] where the rest cannot be read. */
int kmsg_input_line (struct kmsg_input *in, const char **line, size_t *len,
                     struct mw_err *err);

/* The next [len] bytes, whatever they are, until the next call; NULL: so many
 *   are not there. */
const char *kmsg_input_bytes (struct kmsg_input *in, size_t len);

#endif /* !MW_KMSG_INPUT_H */
