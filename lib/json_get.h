/* json_get.h - members of a JSON object that may be anything
 *
 * What is not there, or of another type, is empty: for records and requests of which the
 * rest is told all the same.
 */
#ifndef MW_JSON_GET_H
#define MW_JSON_GET_H

#include <jansson.h>
#include <stdint.h>

/* Member [key] of [j], which owns it; "" = none. */
static inline const char *json_get_text (const json_t *j, const char *key)
{
    const char *text = json_string_value (json_object_get (j, key));

    return text ? text : "";
}

/* The same of a number; 0 = none, or one below that. */
static inline uint64_t json_get_number (const json_t *j, const char *key)
{
    json_int_t n = json_integer_value (json_object_get (j, key));

    return n > 0 ? (uint64_t) n : 0;
}

#endif /* !MW_JSON_GET_H */
