/* hears.h - can a process answer a signal, or does it only die of it?
 *
 * /proc/PID/status has it as masks.  One that catches the signal can; so can
 * one that blocks it without ignoring it, since it waits for it by sigwait(3)
 * or signalfd(2).
 */
#ifndef MW_HEARS_H
#define MW_HEARS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Can the process with [status], the text of its /proc/PID/status, and with an
 *   executable called [exe], answer [signo]?  Two count as deaf even where their
 *   masks say otherwise: srun, because it passes each signal on to all tasks of
 *   its step, also to those that die of it; and bash, for those signals that it
 *   also catches for its own sake (all that would end it, once there is a
 *   `trap … EXIT`, and SIGINT while it waits). */
bool hears_by_status (const char *status, const char *exe, int signo);

/* Can process [pid] answer [signo]?  false where it is gone.  Reads /proc only,
 *   nothing that would wait for the process's memory map. */
bool hears (pid_t pid, int signo);

/* Has [pid] been sent a SIGKILL, so that it dies now or as soon as it is thawed?
 *   false where it is gone, or a zombie.  The second takes the text of its
 *   /proc/PID/status. */
bool hears_killed (pid_t pid);
bool hears_killed_by_status (const char *status);

#define HEARS_UNKNOWN UINT64_MAX

/* When [pid] was started, in the kernel's ticks; 0 where it is gone, is
 *   ending, or only waits to be reaped; HEARS_UNKNOWN where /proc cannot be read
 *   now. */
uint64_t hears_started (pid_t pid);

/* What [pid] holds of memory that is no file's, in bytes; 0 where it is gone. */
uint64_t hears_holds (pid_t pid);

#endif /* !MW_HEARS_H */
