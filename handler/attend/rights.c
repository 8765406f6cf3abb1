/* rights.c - what the attendant and its hooks need of the kernel */
#include <linux/capability.h>
#include <sys/prctl.h>

#include "handler/attend/attend.h"
#include "lib/confine.h"

/* To be the job; to end what it has run as that; to give it its directory. */
static const uint64_t attend_caps = CONFINE_CAP (CAP_SETUID) |
                                    CONFINE_CAP (CAP_SETGID) |
                                    CONFINE_CAP (CAP_KILL) |
                                    CONFINE_CAP (CAP_CHOWN);

static const struct confine_calls guest_not[] = {
    { "setsid setpgid",
      "who has left its process group is not killed with it" },
};

int attend_rights (struct mw_err *err)
{
    return confine_caps (attend_caps, true, err);
}

int attend_rights_guest (struct mw_err *err)
{
    if (confine_caps (0, true, err) < 0)
        return -1;
    if (prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return mw_err_errno (err, "cannot do without new privileges");
    return confine_calls_but (guest_not, 1, err);
}
