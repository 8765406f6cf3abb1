/* confine.h - a process gives up what it does not need
 *
 * Once and for all: its capabilities (capabilities(7)) and the calls that it may make
 * of the kernel (seccomp(2), by libseccomp).
 */
#ifndef MW_CONFINE_H
#define MW_CONFINE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"

/* Calls, and what they are for. */
struct confine_calls {
    const char
        *names;      /* with one space between; those that this machine does not
                          know are passed over */
    const char *why; /* for who reads the table */
};

#define CONFINE_CAP(cap) (UINT64_C (1) << (cap))

/* Keep the capabilities [keep] alone, of those that it has; no program that it runs gets
 *   any other with [bounding]. Returns 0; -1 with errno. */
int confine_caps (uint64_t keep, bool bounding, struct mw_err *err);

/* Allow the calls of [table], [n] rows, and no other: they fail with EPERM, and are told
 *   in the kernel's audit log, as nothing that was forgotten here should end a warden.
 *   Also of what it forks and runs.  No program that it runs gets new privileges.
 * Returns 0; -1 with errno: the kernel has no seccomp (ENOSYS, EINVAL), … */
int confine_calls_to (const struct confine_calls *table, unsigned n,
                      struct mw_err *err);

/* Allow all but the calls of [table], which fail so.  What it runs may get new
 *   privileges as ever: that needs CAP_SYS_ADMIN. Returns as above. */
int confine_calls_but (const struct confine_calls *table, unsigned n,
                       struct mw_err *err);

#endif /* !MW_CONFINE_H */
