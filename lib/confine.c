/* confine.c - a process gives up what it does not need: see confine.h */
#include "lib/confine.h"

#include <errno.h>
#include <linux/capability.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int confine_caps (uint64_t keep, bool bounding, struct mw_err *err)
{
    struct __user_cap_header_struct head = {
        .version = _LINUX_CAPABILITY_VERSION_3
    };
    struct __user_cap_data_struct cap[_LINUX_CAPABILITY_U32S_3];

    if (syscall (SYS_capget, &head, cap) < 0)
        return mw_err_errno (err, "cannot read its capabilities");
    for (int i = 0; bounding && i < 64; i++) {
        /* a unit that has not given CAP_SETPCAP has seen to it itself */
        if (!(keep & CONFINE_CAP (i)))
            prctl (PR_CAPBSET_DROP, i, 0, 0, 0);
    }
    prctl (PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
        cap[i].permitted &= (uint32_t) (keep >> (32 * i));
        cap[i].effective = cap[i].permitted;
        cap[i].inheritable = 0;
    }
    if (syscall (SYS_capset, &head, cap) < 0)
        return mw_err_errno (err, "cannot give up capabilities");
    return 0;
}

/* Each word of [names] by [action]. Returns 0, or an errno, negative. */
static int _confine_add (scmp_filter_ctx filter, uint32_t action,
                         const char *names)
{
    int rc = 0;

    while (*names && rc == 0) {
        size_t len = strcspn (names, " ");
        char name[64];
        int call;

        snprintf (name, sizeof (name), "%.*s", (int) len, names);
        call = seccomp_syscall_resolve_name (name);
        if (call != __NR_SCMP_ERROR)
            rc = seccomp_rule_add (filter, action, call, 0);
        if (rc == -EDOM) /* of another architecture */
            rc = 0;
        names += len + (names[len] == ' ');
    }
    return rc;
}

static int _confine_load (uint32_t others, uint32_t action, bool nnp,
                          const struct confine_calls *table, unsigned n,
                          struct mw_err *err)
{
#if defined(__SANITIZE_ADDRESS__)
    (void) others, (void) action, (void) nnp, (void) table, (void) n;
    return mw_err_code (err, ENOSYS, "what looks for leaks needs all calls");
#else
    scmp_filter_ctx filter = seccomp_init (others);
    int rc = filter ? 0 : -ENOMEM;

    if (rc == 0)
        rc = seccomp_attr_set (filter, SCMP_FLTATR_CTL_NNP, nnp);
    if (rc == 0) /* older kernels and libraries cannot */
        seccomp_attr_set (filter, SCMP_FLTATR_CTL_LOG, 1);
    for (unsigned i = 0; i < n && rc == 0; i++)
        rc = _confine_add (filter, action, table[i].names);
    if (rc == 0)
        rc = seccomp_load (filter);
    if (filter)
        seccomp_release (filter);
    if (rc == 0)
        return 0;
    errno = -rc;
    return mw_err_errno (err, "cannot limit its system calls");
#endif
}

int confine_calls_to (const struct confine_calls *table, unsigned n,
                      struct mw_err *err)
{
    return _confine_load (SCMP_ACT_ERRNO (EPERM), SCMP_ACT_ALLOW, true, table,
                          n, err);
}

int confine_calls_but (const struct confine_calls *table, unsigned n,
                       struct mw_err *err)
{
    return _confine_load (SCMP_ACT_ALLOW, SCMP_ACT_ERRNO (EPERM), false, table,
                          n, err);
}
