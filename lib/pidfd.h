/* pidfd.h - one process, and no other that has its number later */
#ifndef MW_PIDFD_H
#define MW_PIDFD_H

#include <sys/types.h>

/* pidfd_open(2), CLOEXEC: process [pid] as it is now. Returns a descriptor, the
 *   caller's; -1 with errno: ESRCH, ENOSYS (Linux before 5.3), EPERM (a filter). */
int mw_pidfd_open (pid_t pid);

/* [signo] for the process [pid] of [pidfd]: what is to be true of it is looked at
 *   after mw_pidfd_open.  [pidfd] is -1 where the kernel has none: then by its number.
 *   Never process 1, nor this one.  mw_pidfd_kill: SIGKILL.
 * Returns 0; -1 with errno. */
int mw_pidfd_send (int pidfd, pid_t pid, int signo);
int mw_pidfd_kill (int pidfd, pid_t pid);

/* process_mrelease(2), where the kernel has it: free the memory of the process of [pidfd],
 *   which has been SIGKILLed, without waiting for it to do so. */
void mw_pidfd_reap (int pidfd);

#endif /* !MW_PIDFD_H */
