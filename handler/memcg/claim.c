/* claim.c - one warden a memcg: see claim.h */
#include "handler/memcg/claim.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "handler/memcg/hears.h"

#define NAME "trusted.memwarden.warden"
#define FROZEN "trusted.memwarden.frozen"
#define CLAIM_MAX (PATH_MAX + 64)

/* Of a node that has several wardens each has a state directory of its own. */
static char home[PATH_MAX], home_before[PATH_MAX];

void memcg_claim_home (const char *state_dir, const char *before)
{
    snprintf (home, sizeof (home), "%s", state_dir);
    snprintf (home_before, sizeof (home_before), "%s", before);
}

static bool _is_home (const char *dir)
{
    return strcmp (dir, home) == 0 || strcmp (dir, home_before) == 0;
}

/* Returns the pid of who has [dir], 0 = nobody who lives. [ours] (may be NULL): is it
 * a warden of this state directory, living or not? */
static pid_t _claimed_by (int dir, bool *ours)
{
    char text[CLAIM_MAX];
    ssize_t n = fgetxattr (dir, NAME, text, sizeof (text) - 1);
    uint64_t start;
    int pid, at = 0;

    text[n > 0 ? n : 0] = '\0';
    if (ours)
        *ours = false;
    if (sscanf (text, "%d %" SCNu64 " %n", &pid, &start, &at) != 2 || pid <= 0)
        return 0;
    if (ours)
        *ours = at > 0 && _is_home (text + at);
    return hears_started (pid) == start ? pid : 0;
}

int memcg_not_claimed (int dir, struct mw_err *err)
{
    pid_t other = _claimed_by (dir, NULL);

    if (other == 0 || other == getpid ())
        return 0;
    return mw_err_code (err, EBUSY,
                        "its memcg is another warden's already: the memwardend "
                        "with pid %d has it",
                        (int) other);
}

int memcg_claim (int dir, struct mw_err *err)
{
    char text[CLAIM_MAX];
    int n = snprintf (text, sizeof (text), "%d %" PRIu64 " %s", (int) getpid (),
                      hears_started (getpid ()), home);

    if (fsetxattr (dir, NAME, text, (size_t) n, XATTR_CREATE) == 0 ||
        errno != EEXIST)
        return 0;
    if (memcg_not_claimed (dir, err) < 0)
        return -1;
    fsetxattr (dir, NAME, text, (size_t) n, 0);
    return 0;
}

void memcg_unclaim (int dir)
{
    int saved = errno;

    if (_claimed_by (dir, NULL) == getpid ())
        fremovexattr (dir, NAME);
    errno = saved;
}

pid_t memcg_claimed_here (int dir)
{
    bool ours;
    pid_t pid = _claimed_by (dir, &ours);

    return ours ? pid : 0;
}

bool memcg_is_orphan (int dir)
{
    bool ours;

    return _claimed_by (dir, &ours) == 0 && ours;
}

void memcg_forget_orphan (int dir)
{
    if (memcg_is_orphan (dir))
        fremovexattr (dir, NAME);
}

void memcg_mark_frozen (int dir, bool on)
{
    int saved = errno;

    if (on)
        fsetxattr (dir, FROZEN, "1", 1, 0);
    else
        fremovexattr (dir, FROZEN);
    errno = saved;
}

bool memcg_is_marked_frozen (int dir)
{
    return fgetxattr (dir, FROZEN, NULL, 0) > 0;
}
