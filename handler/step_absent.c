/* step_absent.c - rungs that the grammar knows and this version does not climb
 *
 * A ladder that names them is accepted and says so when it gets there, so that
 * one ladder serves nodes of different versions.
 */

#include "handler/step.h"

static bool _available (struct warden *w, struct job *job, struct mw_err *why)
{
    (void) w;
    (void) job;
    mw_err_set (why, "this version of memwarden does not do it yet");
    return false;
}

static enum step_result _run (struct warden *w, struct job *job,
                              const struct mw_ladder_step *s,
                              enum step_cause cause,
                              const struct spool_answer *answer)
{
    (void) w;
    (void) job;
    (void) s;
    (void) cause;
    (void) answer;
    return STEP_NEXT;
}

#define ABSENT(KIND) { .kind = KIND, .available = _available, .run = _run }

const struct step_ops step_enomem = ABSENT (MW_STEP_ENOMEM);
