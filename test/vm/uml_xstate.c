/* uml_xstate.c - User Mode Linux on a processor with AMX
 *
 * Preloaded into it.  Until 6.15 it puts its programs' registers back by ptrace(2), as
 * many bytes as it was given of them.  The kernel gives what a program has used, but
 * takes only the size of all that the processor has (xstateregs_set in
 * arch/x86/kernel/fpu/regset.c: else EFAULT), and a program that has not asked for
 * AMX's 8 KiB has none.  What is missing is zero, as what was never used is.
 */
#include <cpuid.h>
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

typedef long (*ptrace_fn) (int request, long pid, void *addr, void *data);

/* Bytes of all state components that this machine has enabled (CPUID leaf 0xd). */
static size_t _whole (void)
{
    unsigned a, size = 0, c, d;

    return __get_cpuid_count (0xd, 0, &a, &size, &c, &d) ? size : 0;
}

long ptrace (enum __ptrace_request request, ...)
{
    static ptrace_fn next;
    static char all[65536];
    struct iovec whole = { .iov_base = all, .iov_len = _whole () }, *given;
    void *addr, *data;
    va_list args;
    long pid, rc;

    va_start (args, request);
    pid = va_arg (args, int);
    addr = va_arg (args, void *);
    data = va_arg (args, void *);
    va_end (args);
    if (!next)
        next = (ptrace_fn) dlsym (RTLD_NEXT, "ptrace");
    rc = next ((int) request, pid, addr, data);
    given = data;
    if (rc == 0 || request != PTRACE_SETREGSET ||
        (unsigned long) addr != NT_X86_XSTATE || errno != EFAULT ||
        given->iov_len >= whole.iov_len || whole.iov_len > sizeof (all))
        return rc;
    memcpy (all, given->iov_base, given->iov_len);
    return next ((int) request, pid, addr, &whole);
}
