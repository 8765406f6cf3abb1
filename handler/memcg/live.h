/* live.h - a process whose first thread has ended, but others have not
 *
 * /proc/PID shows such a one as a zombie without memory, files and arguments; its
 * live threads have them, in /proc/PID/task/TID.
 */
#ifndef MW_LIVE_H
#define MW_LIVE_H

#include <sys/types.h>

/* Open the directory in /proc that tells what [pid] is: its own, or that of a live
 *   thread of it where the first has ended; where all have, its own.
 * Returns a descriptor; -1 with errno. */
int live_open (pid_t pid);

#endif /* !MW_LIVE_H */
