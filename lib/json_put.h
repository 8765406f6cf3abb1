/* json_put.h - JSON put together without allocation
 *
 * For what is written between an event and its action, and for text of
 * strangers.  Members end with a comma; json_put_end takes the last one off.  A
 * member is there whole or not at all, and a text is cut between two characters:
 * what has its closing brace is valid JSON, whatever did not fit.
 */
#ifndef MW_JSON_PUT_H
#define MW_JSON_PUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_PUT_TEXT_MAX 1024 /* bytes: a cgroup's path is no longer */

struct json_put {
    char *text; /* [size] bytes of the caller's, not ended by
                                   a 0 */
    size_t size, len;
    bool over; /* something did not fit, and is not there */
};

/* [len] bytes of [text], or the whole of it, as they are. */
void json_put_bytes (struct json_put *p, const char *text, size_t len);
void json_put (struct json_put *p, const char *text);

/* `"key":value,`, and where [key] is NULL `value,`, for an array. [value] is
 *   cut where it would have more than 6 * JSON_PUT_TEXT_MAX bytes, or [most] of
 *   them, between its quotes; numbers over INT64_MAX, where JSON's whole ones
 *   end, are that: no limit is as good. */
void json_put_text (struct json_put *p, const char *key, const char *value);
void json_put_cut (struct json_put *p, const char *key, const char *value,
                   size_t most);
void json_put_number (struct json_put *p, const char *key, uint64_t n);
void json_put_signed (struct json_put *p, const char *key, int64_t n);
void json_put_flag (struct json_put *p, const char *key, bool flag);

/* End what was begun with a brace or bracket by [end]: no comma before it. */
void json_put_end (struct json_put *p, const char *end);

/* Returns [text] as it is now, ended by a 0, with no comma at its end. */
const char *json_put_done (struct json_put *p);

#endif /* !MW_JSON_PUT_H */
