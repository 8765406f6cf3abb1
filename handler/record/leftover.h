/* leftover.h - files in /dev/shm that have outlived the job that wrote them
 *
 * They are memory, and charged to the job as long as they are there; no end of a process
 * removes them.  The kernel does not tell whose memory a file is: named are the largest
 * files right in /dev/shm that belong to the job's user and were changed since the job
 * began.
 */
#ifndef MW_LEFTOVER_H
#define MW_LEFTOVER_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/json_put.h"

struct job;

#define LEFTOVER_TOP 3
#define LEFTOVER_ENTRIES 4096 /* of /dev/shm that are looked at */

struct leftover {
    uint64_t stays; /* bytes still charged to the job … */
    uint64_t shmem; /* … of them files in memory; 0 = not known */
    uint64_t named; /* what all files come to that may be its own */
    unsigned n;     /* the largest of them: */
    struct leftover_file {
        char name[96]; /* tamed, cut */
        uint64_t bytes;
    } file[LEFTOVER_TOP];
};

/* What [job], which has no process any more, has left in memory: job->usage is read. It
 *   looks at no file but in a tmpfs, and waits for nobody. */
void leftover_look (const struct job *job, struct leftover *l);

/* What is found in the directory [dir] of the user [uid], changed at [since_s] (s of the
 *   epoch) or later: added to [l]. */
void leftover_seek (int dir, uint32_t uid, int64_t since_s, struct leftover *l);

/* "but it left 50.0 MiB of files in memory: /dev/shm/x (48.0 MiB)". Returns [buf]. */
#define LEFTOVER_TEXT 384
char *leftover_text (const struct leftover *l, char buf[LEFTOVER_TEXT]);

/* The same as member "left": stays, shmem, and files, each with path and bytes. */
#define LEFTOVER_MORE 3072
void leftover_put (struct json_put *p, const struct leftover *l);

#endif /* !MW_LEFTOVER_H */
