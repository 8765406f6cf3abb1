/* resident.h - what must act when all memory is gone is in memory itself */
#ifndef MW_RESIDENT_H
#define MW_RESIDENT_H

/* Lock the memory of this process, what it maps later too, as soon as it is used
 *   (mlockall(2), MCL_ONFAULT: what is never used stays out), and read its program, the
 *   libraries it calls and their loader whole: a node without memory has dropped what was
 *   not used yet, and its disk may hang.
 * Returns 0; -1 with errno: it is not locked. */
int resident_lock (void);

#endif /* !MW_RESIDENT_H */
