/* quota.c - how much of the desk is one user's */
#include "handler/desk/quota.h"

#include <stddef.h>

/* Users that are remembered; of one that is forgotten the buckets are full. */
#define USERS 512

/* In thousandths of a request, since a rate is one a second. */
static struct quota {
    uid_t uid;
    uint64_t used;    /* in which order it was last asked for; 0 = free */
    uint64_t let;     /* … and let */
    uint64_t at_ms;   /* when the buckets were last filled */
    uint64_t left[2]; /* ask, change */
} quotas[USERS];

static const uint64_t burst[] = { QUOTA_ASK_BURST * 1000,
                                  QUOTA_CHANGE_BURST * 1000 };
static const uint64_t rate[] = { QUOTA_ASK_RATE, QUOTA_CHANGE_RATE };
static uint64_t order;

static struct quota *_quota_find (uid_t uid)
{
    for (size_t i = 0; i < USERS; i++) {
        if (quotas[i].used && quotas[i].uid == uid)
            return &quotas[i];
    }
    return NULL;
}

static struct quota *_quota_of (uid_t uid, uint64_t now_ms)
{
    struct quota *q = _quota_find (uid);

    if (q)
        return q;
    q = &quotas[0];
    for (size_t i = 1; i < USERS; i++) {
        if (quotas[i].used < q->used)
            q = &quotas[i];
    }
    *q = (struct quota) { .uid = uid,
                          .at_ms = now_ms,
                          .left = { burst[0], burst[1] } };
    return q;
}

static void _fill (struct quota *q, uint64_t now_ms)
{
    for (int i = 0; i < 2; i++) {
        q->left[i] += (now_ms - q->at_ms) * rate[i];
        if (q->left[i] > burst[i])
            q->left[i] = burst[i];
    }
    q->at_ms = now_ms;
}

bool quota_take (uid_t uid, bool change, uint64_t now_ms)
{
    struct quota *q = _quota_of (uid, now_ms);

    _fill (q, now_ms);
    q->used = ++order;
    if (q->left[change] < 1000)
        return false;
    q->left[change] -= 1000;
    q->let = order;
    return true;
}

uint64_t quota_last (uid_t uid)
{
    const struct quota *q = _quota_find (uid);

    return q ? q->let : 0;
}
