/* member.c - the members of a JSON object, as text and as numbers */
#include "handler/cli/cli.h"

const char *cli_text (const json_t *j, const char *name)
{
    const char *s = json_string_value (json_object_get (j, name));

    return s ? s : "";
}

unsigned long long cli_number (const json_t *j, const char *name)
{
    json_int_t n = json_integer_value (json_object_get (j, name));

    return n > 0 ? (unsigned long long) n : 0;
}
