/* hold.c - hold@T: the job stands still until somebody makes room
 *
 * A frozen job takes nothing and loses nothing.  It goes on when its limit is
 * raised or it is resumed (by its owner or an admin), and, if it was here for
 * want of headroom to grow, when the pool has that; at T the ladder goes on.
 */

#include "handler/step/step.h"

static enum step_result _hold_start (struct warden *w, struct job *job)
{
    return step_freeze (w, job, true) < 0 ? STEP_NEXT : STEP_WAIT;
}

static enum step_result _hold_headroom (struct warden *w, struct job *job)
{
    return step_look_for_room (w, job, false);
}

static enum step_result _hold_woken (struct warden *w, struct job *job)
{
    return step_look_for_room (w, job, true);
}

const struct step_ops step_hold = {
    .kind = MW_STEP_HOLD,
    .done = "it has room again",
    .frozen = true,
    .start = _hold_start,
    .timer = _hold_headroom,
    .headroom = _hold_headroom,
    .woken = _hold_woken,
    .recover = _hold_headroom,
};
