/* live.h - what a process is, by its directory in /proc; also one whose first thread has
 * ended, but others have not
 *
 * /proc/PID shows such a one as a zombie without memory, files and arguments; its
 * live threads have them, in /proc/PID/task/TID.
 */
#ifndef MW_LIVE_H
#define MW_LIVE_H

#include <stdint.h>
#include <sys/types.h>

/* Open the directory in /proc that tells what [pid] is: its own, or that of a live
 *   thread of it where the first has ended; where all have, its own.
 * Returns a descriptor; -1 with errno. */
int live_open (pid_t pid);

/* The name of the program that the process in [proc] (such a directory) runs, also where
 *   its file has been removed meanwhile, in [buf] of [len] bytes.
 * Returns it; NULL with errno: EACCES or EPERM without CAP_SYS_PTRACE where it has rights
 *   or a user that we have not. */
const char *live_program (int proc, char *buf, size_t len);

/* When [pid] was started, in the kernel's ticks: its first thread, be it a zombie by now,
 *   so that it stays the same as long as the number is this process's. 0: it has gone. */
uint64_t live_began (pid_t pid);

#endif /* !MW_LIVE_H */
