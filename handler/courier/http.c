/* http.c - one request over HTTP, in a worker: see http.h */
#include "handler/courier/http.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"

/* Of an answer that nobody reads: who sends more has his status taken, and no more
 * of his bytes. */
#define UNREAD_MAX (64 << 10)

static size_t _take (char *data, size_t size, size_t n, void *arg)
{
    struct http_request *q = arg;
    size_t more = size * n, most = q->room ? q->room - 1 : UNREAD_MAX;

    if (more > most - q->len)
        return 0; /* ends it by CURLE_WRITE_ERROR */
    if (q->room) {
        memcpy (q->answer + q->len, data, more);
        q->answer[q->len + more] = '\0';
    }
    q->len += more;
    return more;
}

static void _set_up (CURL *curl, struct http_request *q)
{
    curl_easy_setopt (curl, CURLOPT_URL, q->url);
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt (curl, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    curl_easy_setopt (curl, CURLOPT_PROTOCOLS,
                      (long) (CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
    if (q->socket)
        curl_easy_setopt (curl, CURLOPT_UNIX_SOCKET_PATH, q->socket);
    if (q->ca_file[0])
        curl_easy_setopt (curl, CURLOPT_CAINFO, q->ca_file);
    curl_easy_setopt (curl, CURLOPT_PROXY, q->proxy);
    if (q->body) {
        curl_easy_setopt (curl, CURLOPT_POSTFIELDSIZE_LARGE,
                          (curl_off_t) strlen (q->body));
        curl_easy_setopt (curl, CURLOPT_POSTFIELDS, q->body);
    }
    curl_easy_setopt (curl, CURLOPT_WRITEFUNCTION, _take);
    curl_easy_setopt (curl, CURLOPT_WRITEDATA, q);
    curl_easy_setopt (curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt (curl, CURLOPT_CONNECTTIMEOUT_MS,
                      (long) (q->timeout_ms / 2));
    curl_easy_setopt (curl, CURLOPT_TIMEOUT_MS, (long) q->timeout_ms);
}

static CURLcode _perform (struct http_request *q, struct http_result *res)
{
    struct curl_slist *headers = NULL;
    CURLcode rc = CURLE_FAILED_INIT;
    char text[CURL_ERROR_SIZE] = "";
    CURL *curl;

    curl_global_init (CURL_GLOBAL_DEFAULT);
    curl = curl_easy_init ();
    for (unsigned i = 0; i < HTTP_HEADERS_MAX; i++) {
        if (q->header[i][0])
            headers = curl_slist_append (headers, q->header[i]);
    }
    if (curl) {
        _set_up (curl, q);
        curl_easy_setopt (curl, CURLOPT_ERRORBUFFER, text);
        curl_easy_setopt (curl, CURLOPT_HTTPHEADER, headers);
        rc = curl_easy_perform (curl);
        curl_easy_getinfo (curl, CURLINFO_RESPONSE_CODE, &res->status);
    }
    if (rc != CURLE_OK)
        snprintf (res->why, sizeof (res->why), "%s",
                  text[0] ? text : curl_easy_strerror (rc));
    curl_slist_free_all (headers);
    curl_easy_cleanup (curl);
    return rc;
}

void http_do (struct http_request *q, struct http_result *res)
{
    CURLcode rc;

    *res = (struct http_result) { 0 };
    q->len = 0;
    if (q->room)
        q->answer[0] = '\0';
    rc = _perform (q, res);
    res->never = rc == CURLE_UNSUPPORTED_PROTOCOL || rc == CURLE_URL_MALFORMAT;
    /* an answer that is too long is one */
    res->cut = rc != CURLE_OK && (rc != CURLE_WRITE_ERROR || q->room);
    if (res->cut && rc != CURLE_PARTIAL_FILE && rc != CURLE_WRITE_ERROR &&
        rc != CURLE_RECV_ERROR && rc != CURLE_OPERATION_TIMEDOUT)
        res->status = 0;
}

const char *http_secret (const char *path, char *buf, size_t len, char *why,
                         size_t why_len)
{
    cleanup_fd int fd = open (path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    struct stat st;
    ssize_t n = -1;

    if (fd < 0 || fstat (fd, &st) < 0) {
        snprintf (why, why_len,
                  "%.200s: %s; it must be readable for the courier's user, "
                  "uid %u",
                  path, strerror (errno), (unsigned) geteuid ());
        return why;
    }
    if (!S_ISREG (st.st_mode) || (st.st_mode & 07)) {
        snprintf (why, why_len,
                  "%.200s can be read by everybody (mode %04o); right would "
                  "be: chmod o= %.200s",
                  path, (unsigned) st.st_mode & 07777, path);
        return why;
    }
    n = read (fd, buf, len - 1);
    buf[n > 0 ? n : 0] = '\0';
    buf[strcspn (buf, "\r\n")] = '\0';
    if (buf[0] && (size_t) n < len - 1)
        return NULL;
    snprintf (why, why_len, "%.200s has no line of up to %zu bytes in it", path,
              len - 2);
    return why;
}
