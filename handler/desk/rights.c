/* rights.c - what the desk needs of the kernel, and nothing else */
#include "handler/desk/rights.h"

#include "lib/confine.h"

static const struct confine_calls desk_calls[] = {
    { "read write readv writev close dup fcntl fcntl64 fstat fstat64 newfstatat "
      "fstatat64 statx",
      "descriptors that it has" },
    { "open openat getdents getdents64 lseek _llseek",
      "its own, by /proc/self/fd, in who closes (closer.h)" },
    { "epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 poll ppoll "
      "ppoll_time64 timerfd_create timerfd_settime timerfd_settime64 signalfd4 "
      "eventfd2 pipe pipe2",
      "the loop" },
    { "accept accept4 shutdown getsockopt setsockopt getsockname sendmsg sendto "
      "recvmsg recvfrom socketcall ioctl",
      "connections that come to it; it makes none" },
    { "clone clone3 fork vfork wait4 waitid waitpid kill", "who closes" },
    { "mmap mmap2 munmap mremap mprotect madvise brk", "memory" },
    { "futex futex_time64 set_robust_list rseq getrandom sched_yield "
      "sched_getaffinity",
      "the C library" },
    { "rt_sigaction rt_sigprocmask rt_sigreturn sigreturn restart_syscall",
      "signals" },
    { "clock_gettime clock_gettime64 clock_nanosleep nanosleep gettimeofday "
      "time",
      "quotas" },
    { "getpid gettid getppid prctl", "who it is" },
    { "exit exit_group", "its end" },
};

int desk_rights (struct mw_err *err)
{
    if (confine_caps (0, true, err) < 0)
        return -1;
    return confine_calls_to (desk_calls,
                             sizeof (desk_calls) / sizeof (desk_calls[0]), err);
}
