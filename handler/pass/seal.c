/* seal.c - the checksum of a record */
#include "handler/pass/seal.h"

#include <stdio.h>
#include <string.h>
#include <zlib.h>

#define END_SIZE 2 /* "}\n" */

static void _seal_text (const char *text, size_t len,
                        char seal[SEAL_SIZE + END_SIZE + 1])
{
    unsigned long crc = crc32 (0, (const Bytef *) text, (uInt) len);

    snprintf (seal, SEAL_SIZE + END_SIZE + 1, ",\"crc\":\"%08lx\"}\n",
              crc & 0xffffffff);
}

size_t seal_put (char *text, size_t len)
{
    char seal[SEAL_SIZE + END_SIZE + 1];

    len -= END_SIZE;
    _seal_text (text, len, seal);
    memcpy (text + len, seal, SEAL_SIZE + END_SIZE);
    return len + SEAL_SIZE + END_SIZE;
}

size_t seal_check (const char *text, size_t len)
{
    char seal[SEAL_SIZE + END_SIZE + 1];

    if (len < SEAL_SIZE + END_SIZE)
        return 0;
    len -= SEAL_SIZE + END_SIZE;
    _seal_text (text, len, seal);
    return memcmp (text + len, seal, SEAL_SIZE + END_SIZE) == 0 ? len : 0;
}
