/* turn.h - whose turn it is at the desk, and what is asked of the warden and the scribe
 * for him
 */
#ifndef MW_TURN_H
#define MW_TURN_H

#include "handler/desk/state.h"

/* [c] asks [msg], which is the desk's from now on. */
void turn_ask (struct conn *c, json_t *msg);

/* Go on with those who wait. */
void turn_work (struct desk *d);

/* Something has come from the warden, or the scribe. Returns false where it is gone. */
bool turn_hear (struct desk *d);
bool turn_hear_scribe (struct desk *d);

#endif /* !MW_TURN_H */
