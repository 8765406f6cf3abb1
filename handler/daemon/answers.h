/* answers.h - the courier's answers come back, and memory */
#ifndef MW_ANSWERS_H
#define MW_ANSWERS_H

#include "lib/err.h"

struct warden;

/* Take the courier's answers from the spool. Returns 0; -1 with errno. */
int warden_listen_answers (struct warden *w, struct mw_err *err);

#endif /* !MW_ANSWERS_H */
