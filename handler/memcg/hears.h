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

/* Says [status], the text of /proc/PID/status, that the process, whose
 *   executable is called [exe], can answer [signo]?  Two are counted as deaf:
 *   srun, which passes each signal on to all tasks of its step, also to those
 *   that die of it; and a bash of which it cannot be told: with `trap … EXIT`
 *   it catches all that would end it, to end in order, and SIGINT while it
 *   waits. */
bool hears_by_status (const char *status, const char *exe, int signo);

/* Can process [pid] answer [signo]?  false where it is gone.  Reads /proc only,
 *   nothing that would wait for the process's memory map. */
bool hears (pid_t pid, int signo);

/* Has [pid] been sent a SIGKILL, of which it dies or will as soon as it is let?
 *   false where it is gone, or a zombie.  By [status]: that is its text. */
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
