/* transition.h - a record of the journal as what a webhook is sent */
#ifndef MW_TRANSITION_H
#define MW_TRANSITION_H

#include <jansson.h>
#include <stdbool.h>

#include "handler/conf/conf.h"
#include "handler/spool/outbox.h"
#include "lib/jobspec.h"

#define TRANSITION_SCHEMA 1 /* "schema" of doc/schema/incident.json */

/* The object for [record], the caller's. */
json_t *transition_of (const json_t *record);

/* Set [name] to that of [record] in an outbox. Returns false where it has none: it is
 *   no record of a job. */
bool transition_name (const json_t *record, char name[OUTBOX_NAME_MAX]);

/* What is posted of transition [j] to a receiver that takes [body], and its media
 *   [type].  Returns it, the caller's; NULL: no memory. */
char *transition_body (const json_t *j, enum conf_body body, const char **type);

#endif /* !MW_TRANSITION_H */
