/* request.h - what every request to the courier has */
#ifndef MW_REQUEST_H
#define MW_REQUEST_H

#include "handler/spool/spool.h"

struct warden;
struct job;

/* What a request about the node, not about a job, is put under. */
#define REQUEST_NODE "node"

/* Set [r] to a request of [op] for this run of [job] (NULL: for the node), with
 *   an id of its own, all else 0. */
void request_fill (struct spool_request *r, struct warden *w,
                   const struct job *job, enum spool_op op);

#endif /* !MW_REQUEST_H */
