/* scribe.h - what people read, written by a process that may be kept waiting
 *
 * A disk that hangs, a log that is a FIFO, a reader of stderr who has stalled: they stop
 * the scribe, not the warden (pass/dictate.h).  Whatever ends the warden, the scribe
 * still writes what is in the journal, then ends itself.
 */
#ifndef MW_SCRIBE_H
#define MW_SCRIBE_H

/* Be the scribe: descriptor 3 is the warden's end, 4 the desk's.  Returns its exit
 *   status, when the warden is gone. */
int scribe_main (void);

#endif /* !MW_SCRIBE_H */
