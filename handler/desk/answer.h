/* answer.h - what the desk tells out of the list of jobs, and notes */
#ifndef MW_ANSWER_H
#define MW_ANSWER_H

#include "handler/desk/state.h"

/* Is a request of [type] answered out of the list? */
bool answer_is_of_list (const char *type);

/* Answer what [c] asks, out of a list that is newer than that. */
void answer_list (struct conn *c);

/* Tell [note] those who are attached to its job. */
void answer_note (struct desk *d, const struct pass_note *note);

#endif /* !MW_ANSWER_H */
