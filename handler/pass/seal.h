/* seal.h - the checksum of a record
 *
 * The last member of a record of the write-ahead journal is `"crc":"HHHHHHHH"`: the
 * CRC-32 (zlib(3)) of all that is before its comma.  So a byte that has changed is
 * seen, though what it makes is JSON still.
 */
#ifndef MW_SEAL_H
#define MW_SEAL_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes that a record becomes longer by: `,"crc":"HHHHHHHH"`. */
#define SEAL_SIZE 17

/* Seal [text], a record of [len] bytes that ends with "}\n", where it is: [text] has
 *   room for SEAL_SIZE bytes more. Returns its length then. */
size_t seal_put (char *text, size_t len);

/* The length of the record [text] of [len] bytes, which ends with "}\n", without seal
 *   and newline: what is before the comma, with no brace at its end.
 * Returns 0 where it has none, or not the right one. */
size_t seal_check (const char *text, size_t len);

#endif /* !MW_SEAL_H */
