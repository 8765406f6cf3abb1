/* netconsole.h - records of /dev/kmsg as they come over the wire: pure
 *
 * Documentation/networking/netconsole.rst, the extended format: the release of
 * the kernel may come first, and a long record comes in pieces.
 */
#ifndef MW_KMSG_NETCONSOLE_H
#define MW_KMSG_NETCONSOLE_H

#include <stddef.h>

#include "handler/kmsg/kmsg.h"

/* One record, while its pieces come. Zero it first. */
struct kmsg_pieces {
    char record[KMSG_PART_MAX]; /* so far */
    size_t head, len; /* … of what is before its message; of it all */
};

/* Where the record begins in [s], a line: behind "6.12.0-55,", if that is there.
 *   Returns NULL where it is no record. */
const char *kmsg_netconsole (const char *s);

/* Take [record], which may be a piece of one, ",ncfrag=AT/BYTES;…".
 * Returns the record, itself or within [p], when it is whole; else NULL. */
const char *kmsg_piece (struct kmsg_pieces *p, const char *record);

#endif /* !MW_KMSG_NETCONSOLE_H */
