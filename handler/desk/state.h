/* state.h - all that the desk holds; there is no other state, but quotas */
#ifndef MW_DESK_STATE_H
#define MW_DESK_STATE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include "handler/pass/pass.h"

#define DESK_CONNS_MAX 1024
#define DESK_PER_USER 32

enum conn_state {
    CONN_IDLE,   /* may ask */
    CONN_TURN,   /* has asked, and waits for its turn */
    CONN_LIST,   /* waits for a list of jobs that is as new as its request */
    CONN_WARDEN, /* waits for the warden's answer */
    CONN_SCRIBE, /* waits for the scribe's */
    CONN_PARKED, /* is to be closed, and that may take long (closer.h), or what it was
                    sent has a descriptor in it, unread */
};

/* One connection; it asks one thing at a time. */
struct conn {
    struct conn *next;
    struct desk *desk;
    int fd;
    struct ucred who;
    sd_event_source *io;
    enum conn_state state;
    json_t *msg;                  /* what it has asked; NULL = nothing */
    uint64_t asked;               /* in which order */
    uint64_t tried;               /* in which round its turn was looked at */
    uint64_t last_ms;             /* clock_ms: it has last been heard */
    char attached[MW_JOBKEY_MAX]; /* hears this job's notes; "" */
    bool
        handed; /* it was sent a descriptor, and had not read that when last seen */
};

/* What one of the two is asked: one wish at a time. */
struct desk_wish {
    int sock;
    uint64_t id; /* of the wish that it has; 0 = none */
    uint64_t ms; /* since when */
};

struct desk {
    sd_event *loop;
    void (*ask) (struct conn *c,
                 json_t *msg); /* turn_ask: conn.c is below it */
    void (*listen) (struct desk *d, int sock); /* desk.c is above turn.c */
    int listening;
    struct desk_wish warden, scribe;
    sd_event_source *on_connect, *on_pass, *on_scribe, *timer;
    struct conn *conns;
    unsigned count; /* of those that are not parked */
    unsigned parked;
    sd_event_source
        *unpark;    /* has that done, once, when nobody goes through conns */
    uint64_t asked; /* requests, ever */
    uint64_t round; /* of turn_work */
    uint64_t now;   /* clock_ms, of this turn of the loop */

    uint64_t pass_id; /* of the last thing asked of either */

    uint64_t page_id;      /* of the page that is awaited; 0 = none */
    uint64_t list_ms;      /* when the list was begun */
    uint64_t list_next_ms; /* not sooner is the next one begun */
    uint64_t list_from;    /* the list is as new as this one of [asked] */
    json_t *list, *node;   /* jobs as far as they have come; the node */
};

#endif /* !MW_DESK_STATE_H */
