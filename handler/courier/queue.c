/* queue.c - whose turn it is */
#include "handler/courier/courier.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum courier_way courier_way_of (enum spool_op op)
{
    switch (op) {
    case SPOOL_HOOK:
        return WAY_HOOK;
    case SPOOL_WEBHOOK:
        return WAY_WEB;
    default:
        return WAY_CONTROLLER;
    }
}

struct courier_item *courier_queue_find (struct courier_queue *q,
                                         const char *id)
{
    struct courier_item *i = q->first;

    while (i && strcmp (i->req.id, id) != 0)
        i = i->next;
    return i;
}

struct courier_item *courier_queue_add (struct courier_queue *q,
                                        const struct spool_request *r)
{
    struct courier_item **p = &q->first, *item;

    for (; *p; p = &(*p)->next) {
        if (!strcmp ((*p)->req.id, r->id)) {
            errno = EEXIST;
            return NULL;
        }
    }
    item = calloc (1, sizeof (*item));
    if (!item)
        return NULL;
    item->req = *r;
    item->way = courier_way_of (r->op);
    item->fd = -1;
    *p = item;
    return item;
}

unsigned courier_queue_count (const struct courier_queue *q,
                              enum courier_way way)
{
    unsigned n = 0;

    for (const struct courier_item *i = q->first; i; i = i->next)
        n += i->way == way;
    return n;
}

void courier_queue_remove (struct courier_queue *q, struct courier_item *item)
{
    struct courier_item **p = &q->first;

    while (*p && *p != item)
        p = &(*p)->next;
    if (*p)
        *p = item->next;
    free (item);
}

bool courier_queue_turn (const struct courier_queue *q,
                         const struct courier_item *item)
{
    for (const struct courier_item *i = q->first; i != item; i = i->next) {
        if (i->way == item->way && !strcmp (i->req.job, item->req.job) &&
            (!i->deferred || item->req.op == SPOOL_NOTIFY))
            return false;
    }
    return true;
}

uint64_t courier_backoff (enum courier_way way, unsigned attempts)
{
    uint64_t most = way == WAY_CONTROLLER ? 5000 : 60000;
    uint64_t ms = UINT64_C (250) << (attempts < 10 ? attempts : 10);

    return ms < most ? ms : most;
}

enum courier_verdict courier_say (struct courier_result *res,
                                  enum courier_verdict verdict, int code,
                                  const char *fmt, ...)
{
    va_list ap;

    res->verdict = verdict;
    res->code = code;
    res->denied = false;
    res->suspended = false;
    va_start (ap, fmt);
    vsnprintf (res->text, sizeof (res->text), fmt, ap);
    va_end (ap);
    return verdict;
}
