/* granted.c - what Slurm has given to a job: see granted.h */
#include "lib/granted.h"

#include <sys/types.h>
#include <sys/xattr.h>

#define XATTR_GRANTED "trusted.memwarden.granted"

/* Plugins of before wrote the limit alone. */
int mw_granted_read (int dir, struct mw_granted *g)
{
    uint64_t n[2] = { 0, 0 };
    ssize_t len = fgetxattr (dir, XATTR_GRANTED, n, sizeof (n));

    if (len != sizeof (n) && len != sizeof (n[0]))
        return -1;
    *g = (struct mw_granted) { .hard = n[0], .soft = n[1] };
    return 0;
}

int mw_granted_write (int dir, const struct mw_granted *g, bool first)
{
    uint64_t n[2] = { g->hard, g->soft };

    return fsetxattr (dir, XATTR_GRANTED, n, sizeof (n),
                      first ? XATTR_CREATE : 0);
}
