/* http.h - one request over HTTP, in a worker (libcurl) */
#ifndef MW_COURIER_HTTP_H
#define MW_COURIER_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_HEADERS_MAX 8

struct http_request {
    const char *url;
    const char *socket;  /* of a server on this machine; NULL = by the URL */
    const char *body;    /* to POST; NULL: GET */
    const char *ca_file; /* "" = those that the system trusts */
    const char *proxy;   /* "" = none, whatever the environment says */
    uint64_t timeout_ms; /* of all of it */
    char header[HTTP_HEADERS_MAX][3072]; /* "Name: value"; "" = none */
    char *answer;     /* its [room] bytes take what is answered, as a string; */
    size_t room, len; /*   what is more is not read: 0 = none of it */
};

struct http_result {
    long status;   /* of HTTP; 0 = there was no answer */
    char why[256]; /* where that is so, or it was cut */
    bool never;    /* no repetition helps: the URL is none */
    bool cut;      /* the answer ended before its end */
};

/* Make request [q]: only by http and https, and no redirects: the address is the
 *   admin's word.  TLS is verified.  Whatever the server does costs [q]'s time at
 *   most. */
void http_do (struct http_request *q, struct http_result *res);

/* Take the first line of [path], a secret or a token, into [buf], where nobody but its
 *   owner and group may read it. Returns NULL; else what is wrong, with what would be
 *   right, in [why]. */
const char *http_secret (const char *path, char *buf, size_t len, char *why,
                         size_t why_len);

/* Set [hex] to HMAC-SHA256 of "[stamp].[body]" with [secret]. Returns false: it cannot
 *   be computed. */
bool http_sign (const char *secret, const char *stamp, const char *body,
                char hex[65]);

#endif /* !MW_COURIER_HTTP_H */
