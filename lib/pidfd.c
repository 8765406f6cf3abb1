/* pidfd.c - one process, and no other that has its number later */
#include "lib/pidfd.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

/* RHEL 8's headers have none of them */
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef SYS_process_mrelease
#define SYS_process_mrelease 448
#endif

int mw_pidfd_open (pid_t pid)
{
    return (int) syscall (SYS_pidfd_open, pid, 0);
}

int mw_pidfd_send (int pidfd, pid_t pid, int signo)
{
    if (pid <= 1 || pid == getpid ()) {
        errno = EPERM;
        return -1;
    }
    if (pidfd >= 0)
        return (int) syscall (SYS_pidfd_send_signal, pidfd, signo, NULL, 0);
    return kill (pid, signo);
}

int mw_pidfd_kill (int pidfd, pid_t pid)
{
    return mw_pidfd_send (pidfd, pid, SIGKILL);
}

void mw_pidfd_reap (int pidfd)
{
    if (pidfd >= 0)
        syscall (SYS_process_mrelease, pidfd, 0);
}
