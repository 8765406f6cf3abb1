/* rights.c - what the scribe needs of the kernel, and nothing else */
#include "handler/scribe/rights.h"

#include <linux/capability.h>

#include "lib/confine.h"

/* A log file may be in a directory that is not root's; so may a user's terminal be. */
static const uint64_t scribe_caps = CONFINE_CAP (CAP_DAC_OVERRIDE);

static const struct confine_calls scribe_calls[] = {
    { "read write readv writev pread64 pwrite64 lseek _llseek close fcntl "
      "fcntl64 fstat fstat64 newfstatat fstatat64 statx stat stat64 lstat "
      "lstat64 ftruncate "
      "ftruncate64 fdatasync",
      "story, log, journal" },
    { "unlink unlinkat fchmod getdents getdents64",
      "metrics, which take the place of older ones; what is in the spool" },
    { "open openat mkdir mkdirat rename renameat renameat2",
      "story and log, those of users, and new ones when they are long; users' "
      "terminals, utmp, logind's sessions" },
    { "poll ppoll ppoll_time64 sendmsg sendto recvmsg recvfrom socketcall",
      "the warden, the desk; stderr" },
    { "clock_gettime clock_gettime64",
      "when the metrics are due, how old a record is, where the vDSO does not tell" },
    { "mmap mmap2 munmap mremap mprotect madvise brk", "memory" },
    { "futex futex_time64 set_robust_list rseq getrandom", "the C library" },
    { "rt_sigaction rt_sigprocmask rt_sigreturn sigreturn restart_syscall",
      "signals" },
    { "getpid gettid getppid geteuid geteuid32 prctl", "who it is" },
    { "exit exit_group", "its end" },
};

int scribe_rights (struct mw_err *err)
{
    if (confine_caps (scribe_caps, true, err) < 0)
        return -1;
    return confine_calls_to (scribe_calls,
                             sizeof (scribe_calls) / sizeof (scribe_calls[0]),
                             err);
}
