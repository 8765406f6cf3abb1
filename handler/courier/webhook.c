/* webhook.c - POST to the site's webhooks, in a worker
 *
 * Whatever the receiver does, it costs time alone: one that is away, too slow or
 * says that it is busy is asked again later, and so is one that an admin will mend.
 * What is in doubt is posted again, with the same key.
 */
#include "handler/courier/courier.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "handler/courier/http.h"
#include "handler/courier/transition.h"
#include "lib/cleanup.h"

/* What [h] means, of the receiver [name]. */
static void _webhook_judge (const struct http_result *h, const char *name,
                            struct courier_result *res)
{
    static const long later[] = { 401, 403, 404, 407, 408, 421, 425, 429 };
    bool again = h->status >= 500 || (h->status >= 300 && h->status < 400) ||
                 h->status < 200;

    for (size_t i = 0; i < sizeof (later) / sizeof (later[0]); i++)
        again = again || h->status == later[i];
    if (h->never)
        courier_say (res, COURIER_REFUSED, EINVAL, "webhook%s: %s", name,
                     h->why);
    else if (h->status == 0 || h->cut)
        courier_say (res, COURIER_UNREACHABLE, EIO, "webhook%s: %s", name,
                     h->why);
    else if (h->status >= 200 && h->status < 300)
        courier_say (res, COURIER_DONE, (int) h->status, "posted");
    else if (h->status == 409) /* it has this key already */
        courier_say (res, COURIER_DONE, (int) h->status, "had been posted");
    else
        courier_say (res, again ? COURIER_UNREACHABLE : COURIER_REFUSED,
                     (int) h->status, "webhook%s: HTTP status %ld", name,
                     h->status);
}

void courier_story (const struct spool_request *r, const struct conf *conf,
                    struct spool *spool, struct courier_result *res)
{
    static struct http_request q = { .ca_file = "",
                                     .proxy = "",
                                     .timeout_ms = 10000,
                                     .header = { "Content-Type: "
                                                 "application/json" } };
    cleanup_free char *json = NULL;
    struct http_result h;
    struct mw_err err;

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
    q.url = conf->webhook;
    q.body = json;
    http_do (&q, &h);
    _webhook_judge (&h, "", res);
}

/* Put the time and, where there is a secret, the signature of [body] into [q].
 * Returns false, with [res] filled. */
static bool _stamp (struct http_request *q, const struct conf_webhook *hook,
                    const char *body, struct courier_result *res)
{
    char secret[1024], stamp[24], hex[65], why[512];

    snprintf (stamp, sizeof (stamp), "%lld", (long long) time (NULL));
    snprintf (q->header[0], sizeof (q->header[0]), "Memwarden-Timestamp: %s",
              stamp);
    if (!hook->secret_file[0])
        return true;
    if (http_secret (hook->secret_file, secret, sizeof (secret), why,
                     sizeof (why))) {
        courier_say (res, COURIER_UNREACHABLE, EACCES,
                     "webhook %s: secret-file %s", hook->name, why);
        return false;
    }
    if (!http_sign (secret, stamp, body, hex)) {
        courier_say (res, COURIER_UNREACHABLE, ENOTSUP,
                     "webhook %s: its transitions cannot be signed by this "
                     "memwarden-courier (is it built --without-openssl?)",
                     hook->name);
        return false;
    }
    snprintf (q->header[1], sizeof (q->header[1]),
              "Memwarden-Signature: sha256=%s", hex);
    return true;
}

/* [text] as a header's value: no byte of it ends the header. */
static const char *_header_text (const json_t *j, const char *key)
{
    const char *text = json_string_value (json_object_get (j, key));

    return text && !strpbrk (text, "\r\n") ? text : "";
}

void courier_transition (const struct spool_request *r,
                         const struct conf_webhook *hook, struct outbox *box,
                         unsigned i, struct courier_result *res)
{
    static struct http_request q;
    cleanup_free char *text = NULL, *body = NULL;
    cleanup_json json_t *j = NULL;
    struct http_result h;
    char name[MW_HOOK_MAX + 2];
    const char *type;
    struct mw_err err;

    text = outbox_read (box, i, courier_outbox_name (r->id), &err);
    if (!text &&
        errno == ENOENT) { /* this one's worker was killed behind that */
        courier_say (res, COURIER_DONE, 0, "had been posted");
        return;
    }
    j = text ? json_loads (text, 0, NULL) : NULL;
    if (!text || !j || !(body = transition_body (j, hook->body, &type))) {
        courier_say (res, COURIER_REFUSED, EPROTO, "webhook %s: %s", hook->name,
                     text ? "it is no transition" : err.text);
        outbox_remove (box, i, courier_outbox_name (r->id));
        return;
    }
    if (!_stamp (&q, hook, body, res))
        return;
    snprintf (q.header[2], sizeof (q.header[2]), "Content-Type: %s", type);
    snprintf (q.header[3], sizeof (q.header[3]), "Idempotency-Key: %s",
              _header_text (j, "key"));
    snprintf (q.header[4], sizeof (q.header[4]), "Memwarden-Event: %s",
              _header_text (j, "event"));
    snprintf (q.header[5], sizeof (q.header[5]), "Memwarden-Dropped: %" PRIu64,
              outbox_dropped (box, i, 0));
    q.url = hook->url;
    q.body = body;
    q.ca_file = hook->ca_file;
    q.proxy = hook->proxy;
    q.timeout_ms = hook->timeout_ms;
    http_do (&q, &h);
    snprintf (name, sizeof (name), " %s", hook->name);
    _webhook_judge (&h, name, res);
    if (res->verdict == COURIER_DONE || res->verdict == COURIER_REFUSED)
        outbox_remove (box, i, courier_outbox_name (r->id));
}
