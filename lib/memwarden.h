/* memwarden.h - for programs inside jobs that want to hear of their own memory
 *
 * Link with `pkg-config --libs memwarden`.  All sizes are bytes.
 */
#ifndef MEMWARDEN_H
#define MEMWARDEN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct memwarden_status {
    char job[64];         /* job key: Slurm's job id, or a name */
    unsigned priority;    /* 0..1000, higher is better protected */
    uint64_t usage;       /* that cannot be reclaimed */
    uint64_t reservation; /* always the job's */
    uint64_t limit;       /* where its OOM is declared, at present */
    uint64_t reserve;     /* above the limit, while an OOM is handled */
    int incident;         /* 1 while an OOM of the job is being handled */
    char step[32];        /* the ladder's step then, else "" */
};

/* Fill [status] for the job the calling process belongs to.
 * Returns 0; -1 with errno ENOENT (no warden here), ESRCH (not in a job), or
 *   another, and, if [why] is not NULL, a sentence of at most [len] bytes. */
int memwarden_self (struct memwarden_status *status, char *why, size_t len);

/* Open a descriptor that becomes readable for every note the warden has for the
 *   calling process's job.  Returns it (close(2) it when done) or -1 as
 *   above. */
int memwarden_subscribe (char *why, size_t len);

/* Read one note from [fd] into [text] (at most [len] bytes with its NUL).
 * Returns 1; 0 when the warden has gone; -1 with errno (EAGAIN: none now). */
int memwarden_next_note (int fd, char *text, size_t len);

#ifdef __cplusplus
}
#endif
#endif /* !MEMWARDEN_H */
