/* tell.h - what is said of jobs and of the node to whoever asks */
#ifndef MW_TELL_H
#define MW_TELL_H

#include <jansson.h>

#include "handler/job/warden.h"

/* The jobs behind the one named [after] (NULL or "": from the first), up to [max]
 *   bytes of JSON, as an answer to `jobs` of root's (wire.h): the caller's; NULL where
 *   there is no such job any more. */
json_t *tell_page (struct warden *w, const char *after, size_t max);

/* Put what this node offers into the object [to]: the answer to `node`. */
void tell_node (const struct warden *w, json_t *to);

#endif /* !MW_TELL_H */
