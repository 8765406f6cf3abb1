/* hold.c - hold@T: the job stands still until somebody makes room
 *
 * A frozen job takes nothing and loses nothing.  It goes on when its limit is
 * raised or it is resumed (by its owner or an admin), and, if it was here for
 * want of headroom to grow, when the pool has that; at T the ladder goes on.
 */

#include "handler/step/step.h"

static enum step_result _run (struct warden *w, struct job *job,
                              const struct mw_ladder_step *s,
                              enum step_cause cause,
                              const struct spool_answer *answer)
{
    (void) s;
    (void) answer;
    switch (cause) {
    case STEP_START:
        return step_freeze (w, job, true) < 0 ? STEP_NEXT : STEP_WAIT;
    case STEP_WOKEN:
        return step_look_for_room (w, job, true);
    case STEP_HEADROOM:
    case STEP_RECOVER:
        return step_look_for_room (w, job, false);
    case STEP_DEADLINE:
        return STEP_NEXT;
    default:
        return STEP_WAIT;
    }
}

const struct step_ops step_hold = {
    .kind = MW_STEP_HOLD,
    .done = "it has room again",
    .frozen = true,
    .run = _run,
};
