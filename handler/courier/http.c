/* http.c - POST an incident's JSON to the site's webhook
 *
 * Whatever the receiver does, it costs time alone: one that is away, too slow or
 * says that it is busy is asked again later.
 */
#include "handler/courier/courier.h"

#include <curl/curl.h>
#include <errno.h>
#include <string.h>

#include "lib/cleanup.h"

static size_t _discard (char *data, size_t size, size_t n, void *arg)
{
    (void) data;
    (void) arg;
    return size * n;
}

/* Only http and https, and no redirects: the address is the admin's word. */
static CURLcode _perform (CURL *curl, struct curl_slist *headers,
                          const char *url, const char *json, long *status)
{
    CURLcode rc;

    curl_easy_setopt (curl, CURLOPT_URL, url);
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt (curl, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    curl_easy_setopt (curl, CURLOPT_PROTOCOLS,
                      (long) (CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
    curl_easy_setopt (curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt (curl, CURLOPT_POSTFIELDSIZE_LARGE,
                      (curl_off_t) strlen (json));
    curl_easy_setopt (curl, CURLOPT_POSTFIELDS, json);
    curl_easy_setopt (curl, CURLOPT_WRITEFUNCTION, _discard);
    curl_easy_setopt (curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt (curl, CURLOPT_CONNECTTIMEOUT, 5L);
    curl_easy_setopt (curl, CURLOPT_TIMEOUT, 10L);
    rc = curl_easy_perform (curl);
    if (rc == CURLE_OK)
        curl_easy_getinfo (curl, CURLINFO_RESPONSE_CODE, status);
    return rc;
}

static CURLcode _post (const char *url, const char *json, long *status)
{
    struct curl_slist *headers = NULL;
    CURLcode rc = CURLE_FAILED_INIT;
    CURL *curl;

    curl_global_init (CURL_GLOBAL_DEFAULT);
    curl = curl_easy_init ();
    headers = curl_slist_append (headers, "Content-Type: application/json");
    if (curl && headers)
        rc = _perform (curl, headers, url, json, status);
    curl_slist_free_all (headers);
    curl_easy_cleanup (curl);
    return rc;
}

void courier_http (const struct spool_request *r, const struct conf *conf,
                   struct spool *spool, struct courier_result *res)
{
    cleanup_free char *json = NULL;
    struct mw_err err;
    long status = 0;
    CURLcode rc;

    if (!conf->webhook[0]) {
        courier_say (res, COURIER_REFUSED, ENOENT, "no webhook is configured");
        return;
    }
    if (!(json = spool_read_story (spool, r->id, &err))) {
        courier_say (res,
                     errno == EPROTO || errno == ENOENT ? COURIER_REFUSED
                                                        : COURIER_AGAIN,
                     errno, "%s", err.text);
        return;
    }
    rc = _post (conf->webhook, json, &status);
    if (rc == CURLE_UNSUPPORTED_PROTOCOL || rc == CURLE_URL_MALFORMAT)
        courier_say (res, COURIER_REFUSED, rc, "webhook: %s",
                     curl_easy_strerror (rc));
    else if (rc != CURLE_OK)
        courier_say (res, COURIER_UNREACHABLE, rc, "webhook: %s",
                     curl_easy_strerror (rc));
    else if (status >= 200 && status < 300)
        courier_say (res, COURIER_DONE, (int) status, "posted");
    else /* 429 and 5xx are the server's own "later" */
        courier_say (res,
                     status == 429 || status >= 500 ? COURIER_UNREACHABLE
                                                    : COURIER_REFUSED,
                     (int) status, "webhook: HTTP status %ld", status);
}
