/* no_http.c - instead of http.c where configure was told --without-curl */
#include "handler/courier/http.h"

#include <stdio.h>

void http_do (struct http_request *q, struct http_result *res)
{
    (void) q;
    *res = (struct http_result) { .never = true };
    snprintf (res->why, sizeof (res->why),
              "this courier was built --without-curl");
}

const char *http_secret (const char *path, char *buf, size_t len, char *why,
                         size_t why_len)
{
    (void) path;
    buf[0] = '\0';
    (void) len;
    snprintf (why, why_len, "this courier was built --without-curl");
    return why;
}
