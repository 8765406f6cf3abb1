/* conn.h - the desk's connections */
#ifndef MW_CONN_H
#define MW_CONN_H

#include "handler/desk/state.h"

/* Somebody is at the door. */
void conn_accept (struct desk *d);

/* Answer [c] with [msg] (released here), which may ask again then; one that does not
 *   read is closed. */
void conn_answer (struct conn *c, json_t *msg);
void conn_refuse (struct conn *c, const struct mw_err *err);

/* The same, an `ok` with descriptor [fd] beside it. */
void conn_hand (struct conn *c, int fd);

/* Send [msg], which was not asked for. Returns false where [c] is closed by that. */
bool conn_tell (struct conn *c, const json_t *msg);

/* Let it go, by who may wait for that if need be (closer.h). */
void conn_close (struct conn *c);

/* Close those whose closing waits for a closer. */
void conn_unpark (struct desk *d);

#endif /* !MW_CONN_H */
