/* web.c - transitions on their way to the webhooks, in the courier itself
 *
 * What the warden has put is taken into the outbox of each webhook that is to be
 * told, by a worker, since a disk may make it wait, and answered when that is on the
 * disk.  From there each webhook has a way of its own, so that one that is away costs
 * the others nothing.
 */
#include "handler/courier/courier.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handler/courier/transition.h"
#include "lib/cleanup.h"

const char *courier_outbox_name (const char *id)
{
    return id[0] == '@' && id[1] ? id + 2 : id;
}

/* Put [name] of webhook [i] into [q]: "@", a letter for the webhook, and its name, which
 * no request of the warden can have. */
static int _web_add (const struct courier_web *web, struct courier_queue *q,
                     unsigned i, const char *name)
{
    static struct spool_request r; /* 2 KiB: not on the stack */
    const char *job = strchr (name, '.');

    job = job ? strchr (job + 1, '.') : NULL;
    if (!job || !mw_jobkey_valid (job + 1))
        return 0; /* not ours */
    r = (struct spool_request) { .op = SPOOL_WEBHOOK };
    snprintf (r.id, sizeof (r.id), "@%c%s", 'a' + i, name);
    snprintf (r.job, sizeof (r.job), "%s", job + 1);
    snprintf (r.arg, sizeof (r.arg), "%s", web->conf->webhooks[i].name);
    if (courier_queue_add_on (q, &r, WAY_SECTION + i) || errno == EEXIST)
        return 0;
    return -1;
}

int courier_web_open (struct courier_web *web, struct courier_queue *q,
                      struct mw_err *err)
{
    for (unsigned i = 0; i < web->conf->webhook_count; i++) {
        cleanup_free char (*names)[OUTBOX_NAME_MAX] = NULL;
        int n = outbox_list (&web->box, i, &names);

        for (int k = 0; k < n; k++) {
            if (_web_add (web, q, i, names[k]) < 0)
                n = -1;
        }
        if (n < 0)
            return mw_err_errno (err, "cannot list the outbox of %s",
                                 web->conf->webhooks[i].name);
    }
    return 0;
}

/* The oldest that waits for webhook [i] and is not on its way; NULL. */
static struct courier_item *_web_oldest (struct courier_queue *q, unsigned i)
{
    struct courier_item *oldest = NULL;

    for (unsigned k = 0; k < q->id_size; k++) {
        for (struct courier_item *item = q->by_id[k]; item;
             item = item->same_hash) {
            if (item->way == WAY_SECTION + i && !item->pid &&
                (!oldest || strcmp (item->req.id, oldest->req.id) < 0))
                oldest = item;
        }
    }
    return oldest;
}

/* May one more wait for webhook [i]?  What is dropped for it is counted. */
static bool _web_room (struct courier_web *web, struct courier_queue *q,
                       unsigned i)
{
    const struct conf_webhook *hook = &web->conf->webhooks[i];
    struct courier_item *oldest;

    while (courier_queue_count (q, WAY_SECTION + i) >= hook->max_waiting) {
        web->dropped[i]++;
        oldest = hook->full == CONF_FULL_DROP_OLDEST ? _web_oldest (q, i)
                                                     : NULL;
        if (!oldest)
            return false;
        outbox_remove (&web->box, i, courier_outbox_name (oldest->req.id));
        courier_queue_remove (q, oldest);
    }
    return true;
}

/* Call [each] for each record of [story] that webhook [i] of [conf] is to be told, with
 * its name. Returns how many there were; -1: so did [each]. */
static int _web_each (const struct conf *conf, unsigned i, const json_t *story,
                      int (*each) (void *arg, unsigned i, const json_t *record,
                                   const char *name),
                      void *arg)
{
    char name[OUTBOX_NAME_MAX];
    json_t *record;
    int n = 0;
    size_t k;

    json_array_foreach ((json_t *) story, k, record) {
        const char *event = json_string_value (
            json_object_get (record, "event"));

        if (!event || !conf_wants (&conf->webhooks[i], event) ||
            !transition_name (record, name))
            continue;
        if (each (arg, i, record, name) < 0)
            return -1;
        n++;
    }
    return n;
}

/* The story of request [id]; NULL. */
static json_t *_web_story (struct spool *spool, const char *id,
                           struct mw_err *err)
{
    cleanup_free char *text = spool_read_story (spool, id, err);

    return text ? json_loads (text, 0, NULL) : NULL;
}

/* ---- in a worker: a disk may make it wait -------------------------------- */

struct writing {
    struct outbox *box;
    struct mw_err err;
};

static int _web_write (void *arg, unsigned i, const json_t *record,
                       const char *name)
{
    struct writing *w = arg;
    cleanup_json json_t *j = transition_of (record);
    cleanup_free char *text = json_dumps (j, JSON_COMPACT);

    if (!text)
        return mw_err_code (&w->err, ENOMEM, "out of memory");
    return outbox_put (w->box, i, name, text, &w->err);
}

void courier_outbox (const struct spool_request *r, const struct conf *conf,
                     struct spool *spool, struct outbox *box,
                     struct courier_result *res)
{
    struct writing w = { .box = box };
    cleanup_json json_t *j = _web_story (spool, r->id, &w.err);
    const json_t *story = json_object_get (j, "story");
    int n;

    if (!j) {
        courier_say (res, errno == EPROTO ? COURIER_REFUSED : COURIER_AGAIN,
                     errno, "%s", w.err.text);
        return;
    }
    for (unsigned i = 0; i < conf->webhook_count; i++) {
        n = _web_each (conf, i, story, _web_write, &w);
        if (n < 0 || (n > 0 && outbox_sync (box, i, &w.err) < 0)) {
            courier_say (res, COURIER_UNREACHABLE, errno, "%s", w.err.text);
            return;
        }
    }
    courier_say (res, COURIER_DONE, 0, "taken into the outbox");
}

/* ---- and then ------------------------------------------------------------ */

struct queueing {
    struct courier_web *web;
    struct courier_queue *q;
};

static int _web_queue (void *arg, unsigned i, const json_t *record,
                       const char *name)
{
    struct queueing *u = arg;
    char id[SPOOL_ID_MAX];

    (void) record;
    snprintf (id, sizeof (id), "@%c%s", 'a' + i, name);
    /* it may have been there when the courier was started */
    if (courier_queue_find (u->q, id))
        return 0;
    if (_web_room (u->web, u->q, i))
        return _web_add (u->web, u->q, i, name);
    outbox_remove (&u->web->box, i, name);
    return 0;
}

void courier_web_queue (struct courier_web *web, struct courier_queue *q,
                        struct spool *spool, const char *id)
{
    struct queueing u = { web, q };
    struct mw_err err;
    cleanup_json json_t *j = _web_story (spool, id, &err);

    /* without memory it is found in the outbox at the next start */
    for (unsigned i = 0; i < web->conf->webhook_count; i++)
        _web_each (web->conf, i, json_object_get (j, "story"), _web_queue, &u);
}

bool courier_web_news (struct courier_web *web, struct mw_err *text)
{
    for (unsigned i = 0; i < web->conf->webhook_count; i++) {
        const struct conf_webhook *hook = &web->conf->webhooks[i];
        unsigned n = web->dropped[i];

        if (n == 0)
            continue;
        web->dropped[i] = 0;
        mw_err_set (text,
                    "webhook %s: %u transitions are dropped, the %s, since %u "
                    "wait already; %llu have been until now",
                    hook->name, n,
                    hook->full == CONF_FULL_DROP_OLDEST ? "oldest" : "newest",
                    hook->max_waiting,
                    (unsigned long long) outbox_dropped (&web->box, i, n));
        return true;
    }
    return false;
}
