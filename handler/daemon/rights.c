/* rights.c - what the warden and its keepers need, and nothing else: see rights.h
 *
 * The guard keeps all: it starts the next warden.  It reads nothing that anybody else
 * can write.
 */
#include "handler/daemon/rights.h"

#include <linux/capability.h>
#include <stdint.h>

#include "lib/confine.h"

#define ROWS(table) (sizeof (table) / sizeof ((table)[0]))

static const uint64_t
    warden_caps = CONFINE_CAP (
                      CAP_SYS_ADMIN) | /* trusted.* of xattr(7): claims */
                  CONFINE_CAP (
                      CAP_DAC_OVERRIDE) | /* cgroups that were given to users */
                  CONFINE_CAP (CAP_KILL) | /* jobs of all users */
                  CONFINE_CAP (
                      CAP_SYS_RESOURCE) |     /* prlimit(2) of jobs: enomem */
                  CONFINE_CAP (CAP_SYSLOG) |  /* /dev/kmsg, opened again */
                  CONFINE_CAP (CAP_CHOWN) |   /* the courier's spool */
                  CONFINE_CAP (CAP_FOWNER) |  /* … and its modes */
                  CONFINE_CAP (CAP_IPC_LOCK); /* what is locked may grow */

static const struct confine_calls warden_calls[] = {
    { "read write readv writev pread64 pwrite64 preadv pwritev lseek _llseek",
      "cgroup files, journal, log" },
    { "open openat openat2 close close_range dup dup2 dup3 fcntl fcntl64",
      "memcgs of jobs that come" },
    { "stat stat64 lstat lstat64 fstat fstat64 newfstatat fstatat64 statx "
      "statfs statfs64 fstatfs fstatfs64 access faccessat faccessat2 readlink "
      "readlinkat getdents getdents64",
      "is it the cgroup it was, and what is below it" },
    { "fgetxattr fsetxattr fremovexattr", "claims on memcgs" },
    { "mkdir mkdirat unlink unlinkat rmdir rename renameat renameat2 link "
      "linkat ftruncate ftruncate64 fallocate fsync fdatasync sync_file_range "
      "chmod fchmod fchmodat chown chown32 fchown fchown32 fchownat umask",
      "journal and spool, sockets made anew" },
    { "flock", "who shares a file with another memwarden program" },
    { "epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 poll ppoll "
      "ppoll_time64 select pselect6 _newselect eventfd2 timerfd_create "
      "timerfd_settime timerfd_settime64 timerfd_gettime signalfd4 inotify_init1 "
      "inotify_add_watch inotify_rm_watch pipe2",
      "the loop, OOM events, PSI" },
    { "socket socketpair bind listen accept accept4 connect shutdown "
      "getsockname getpeername getsockopt setsockopt sendmsg sendto recvmsg "
      "recvfrom send recv socketcall",
      "root's socket, the desk, syslog, systemd" },
    { "kill tgkill pidfd_open pidfd_send_signal process_mrelease",
      "signals to jobs, and their memory back" },
    { "prlimit64 getrlimit ugetrlimit setrlimit", "enomem" },
    { "mmap mmap2 munmap mremap mprotect madvise brk mlock mlock2 mlockall "
      "munlock",
      "memory, which stays locked" },
    { "futex futex_time64 set_robust_list get_robust_list rseq membarrier "
      "sched_yield sched_getaffinity getcpu",
      "the C library" },
    { "rt_sigaction rt_sigprocmask rt_sigreturn sigreturn rt_sigpending "
      "rt_sigtimedwait sigaltstack restart_syscall",
      "its own signals" },
    { "clock_gettime clock_gettime64 clock_getres clock_nanosleep "
      "clock_nanosleep_time64 nanosleep gettimeofday time times",
      "deadlines" },
    { "getpid gettid getppid getpgrp getpgid getuid getuid32 geteuid geteuid32 "
      "getgid getgid32 getegid getegid32 getresuid getresgid getgroups uname "
      "sysinfo getrandom getcwd capget prctl ioctl getrusage",
      "who and where it is; names of users (nsswitch.conf(5))" },
    { "exit exit_group", "its end" },
};

static const struct confine_calls courier_not[] = {
    { "reboot kexec_load kexec_file_load init_module finit_module delete_module",
      "another kernel" },
    { "swapon swapoff acct quotactl quotactl_fd settimeofday clock_settime "
      "clock_settime64 clock_adjtime adjtimex sethostname setdomainname iopl "
      "ioperm vhangup nfsservctl lookup_dcookie",
      "the machine's own state" },
    { "bpf perf_event_open userfaultfd io_uring_setup io_uring_enter "
      "io_uring_register open_by_handle_at",
      "much code of the kernel that no hook has a use for" },
};

int rights_warden (struct mw_err *err)
{
    if (confine_caps (warden_caps, true, err) < 0)
        return -1;
    return confine_calls_to (warden_calls, ROWS (warden_calls), err);
}

int rights_keeper (bool desk, bool root, struct mw_err *err)
{
    const uint64_t caps = CONFINE_CAP (CAP_SETUID) | CONFINE_CAP (CAP_SETGID) |
                          CONFINE_CAP (CAP_KILL);
    int rc = desk ? 0
                  : confine_calls_but (courier_not, ROWS (courier_not), err);

    return !root && confine_caps (caps, desk, err) < 0 ? -1 : rc;
}
