/* desk.h - the users' socket, in a process that has no right
 *
 * Everything a stranger sends ends here: a packet that is none, a flood, a
 * descriptor whose closing takes for ever.  The desk reads it, says who it is
 * (SO_PEERCRED, unix(7)), answers from what the warden tells it, and passes on what is
 * good and in turn (pass/pass.h).  It may hang, be flooded or die: the warden does not
 * wait for it, and its keeper starts it again, behind the same socket.
 */
#ifndef MW_DESK_H
#define MW_DESK_H

#include "handler/desk/state.h"

/* Serve connections that come in at [listening] (which is its own from now on),
 *   passing on over [pass] and asking for history over [scribe] (the same), by [loop].
 * Returns 0; -1 with errno. */
int desk_open (struct desk *d, sd_event *loop, int listening, int pass,
               int scribe, struct mw_err *err);
void desk_close (struct desk *d);

/* In its environment: the desk before it did not answer. */
#define DESK_HUNG "MEMWARDEN_DESK_HUNG"
#define DESK_PULSE 6

/* The process: `memwardend --desk`, which the warden's keeper runs with the socket
 *   and the pairs as descriptors 3 to 5, and its own pulse, each byte of which is sent
 *   back, as DESK_PULSE. Returns its exit status. */
int desk_main (void);

#endif /* !MW_DESK_H */
