/* keeper.h - a small process that starts another and starts it again: the courier,
 * the desk, the scribe, the attendant
 *
 * Forked once each, before the warden locks its memory: the warden itself never
 * forks afterwards.
 */
#ifndef MW_KEEPER_H
#define MW_KEEPER_H

#include "handler/conf/conf.h"

/* Fork the keeper; it runs `memwarden-courier --config [conf_path] --state-dir
 *   [state_dir] --foreground` as conf->courier_user, again when it ends (at
 *   most every second) at ordinary priority and oom_score_adj, and ends with
 *   the calling process.
 * Returns its pid; -1 with errno: no such user, … */
pid_t keeper_start (const struct conf *conf, const char *conf_path,
                    const char *state_dir, struct mw_err *err);

/* Fork the keeper of the desk: `memwardend --desk`, with [listening], [pass] and
 *   [scribe] as descriptors 3 to 5 and no other, as user "memwarden", or "nobody" where
 *   there is no such. Returns its pid; -1 with errno. */
pid_t keeper_desk (int listening, int pass, int scribe, struct mw_err *err);

/* Fork the keeper of the scribe: `memwardend --scribe`, with [warden] and [desk] as
 *   descriptors 3 and 4 and no other. Returns its pid; -1 with errno. */
pid_t keeper_scribe (int warden, int desk, struct mw_err *err);

/* Fork the keeper of the attendant: `memwardend --attendant`, with [warden] as descriptor
 *   3 and no other. Returns its pid; -1 with errno. */
pid_t keeper_attendant (int warden, struct mw_err *err);

/* Does a program that this process starts have the node's network?  It does not
 *   where systemd's unit has PrivateNetwork=, as the warden's own has. */
bool keeper_network (void);

#endif /* !MW_KEEPER_H */
