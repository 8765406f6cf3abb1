/* fields.h - the members of a job that are kept and told, by name
 *
 * One table: what the journal writes of a job is what recovery reads back, and
 * `memwarden jobs` tells it by the same names.
 */
#ifndef MW_FIELDS_H
#define MW_FIELDS_H

#include <jansson.h>
#include <stdbool.h>

#include "lib/json_put.h"

struct job;

/* Where a field is; one may be in several. */
enum fields_part {
    FIELDS_STATE = 1,    /* in each journal record of the job */
    FIELDS_FACTS = 2,    /* there, too, once the controller has told them */
    FIELDS_INCIDENT = 4, /* there, of its incident */
    FIELDS_TOLD = 8,     /* in the answer to whoever asks for jobs */
};

/* Put those of [part] behind what [p] has, as members. Allocates nothing; what
 *   is NULL is left out. */
void fields_put (struct json_put *p, const struct job *job,
                 enum fields_part part);

/* Take those of [part] from the object [from] into [job]; what is missing there
 *   becomes 0, "" or NULL.
 * Returns false, [job] half filled, where a ladder is none or memory is out. */
bool fields_take (const json_t *from, struct job *job, enum fields_part part);

/* Add those of [part] to the object [to]; what is NULL is "". */
void fields_tell (json_t *to, const struct job *job, enum fields_part part);

#endif /* !MW_FIELDS_H */
