/* log.c - the kernel's words in the lines of any log: see log.h
 *
 * Behind words that prefix.h does not know a message begins only where guess.h
 * knows it.
 */
#include "handler/kmsg/log.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handler/kmsg/form.h"
#include "handler/kmsg/guess.h"
#include "handler/kmsg/netconsole.h"
#include "handler/kmsg/prefix.h"
#include "handler/kmsg/stamp.h"

#define LINE_BYTES 4096
#define CAME_MOST 16
#define HOSTS_MOST 4096 /* known at a time; then the oldest falls out */

struct host {
    struct host *next;
    char name[KMSG_HOST_MAX];
    struct kmsg kmsg;
};

/* A message that may go on in the next line, where lines are broken. */
struct waiting {
    bool any;
    struct kmsg_prefix p;
    char text[LINE_BYTES];
    size_t last; /* the length of its last line */
};

/* A kill that came out. */
struct came {
    char printed[KMSG_TIME_MAX]; /* when the kernel said so */
    int64_t pid;
    bool hosted; /* its line had a host */
};

struct kmsg_log {
    struct host *hosts; /* the latest first */
    unsigned count;
    struct kmsg_habits habits;
    bool known;
    bool missed;   /* a report's head is behind words that are not known */
    bool going_on; /* the line before was what the latest host's kernel said */
    size_t width;  /* at which lines are broken, if they are; or 0 */
    struct waiting waiting;
    struct came came[CAME_MOST]; /* the latest */
    unsigned came_count;
    unsigned cut; /* of hosts that have fallen out */
    struct kmsg_pieces pieces;
    struct kmsg_guess guess;
};

struct kmsg_log *kmsg_log_new (void)
{
    return calloc (1, sizeof (struct kmsg_log));
}

void kmsg_log_free (struct kmsg_log *log)
{
    struct host *next;

    if (!log)
        return;
    for (struct host *h = log->hosts; h; h = next) {
        next = h->next;
        free (h);
    }
    free (log);
}

/* ---- hosts --------------------------------------------------------------- */

/* The state of [name], which becomes the latest. NULL without memory. */
static struct kmsg *_host (struct kmsg_log *log, const char *name)
{
    struct host **at = &log->hosts, *h;

    while (*at && strcmp ((*at)->name, name) != 0 &&
           ((*at)->next || log->count < HOSTS_MOST))
        at = &(*at)->next;
    h = *at;
    if (h) {
        *at = h->next;
    } else {
        h = malloc (sizeof (*h));
        if (!h)
            return NULL;
        h->name[0] = '\0';
        kmsg_init (&h->kmsg);
        log->count++;
    }
    if (strcmp (h->name, name) != 0) {
        log->cut += kmsg_cut (&h->kmsg);
        kmsg_init (&h->kmsg);
        snprintf (h->name, sizeof (h->name), "%s", name);
    }
    h->next = log->hosts;
    log->hosts = h;
    return &h->kmsg;
}

/* It is seen now that a host's name comes first: in the head before, it was
 * taken for the beginning of a process's. */
static void _rename (struct kmsg_log *log, const char *name)
{
    size_t len = strlen (name);

    for (struct host *h = log->hosts; h; h = h->next) {
        char *invoker = h->kmsg.kill.invoker;

        if (h->name[0] || !h->kmsg.open || strncmp (invoker, name, len) != 0 ||
            invoker[len] != ' ')
            continue;
        memmove (invoker, invoker + len + 1, strlen (invoker + len));
        snprintf (h->name, sizeof (h->name), "%s", name);
    }
}

/* ---- lines --------------------------------------------------------------- */

/* A record of /dev/kmsg: "PRIORITY,SEQUENCE,US,-;MESSAGE" */
static bool _log_record (struct kmsg_log *log, const char *s, bool *record,
                         struct kmsg_kill *out)
{
    struct kmsg *k;

    s = kmsg_netconsole (s);
    *record = s != NULL;
    if (!*record)
        return false;
    log->habits.stamped = log->known = true;
    k = _host (log, "");
    s = kmsg_piece (&log->pieces, s);
    return k && s && kmsg_record (k, s, strlen (s), out);
}

/* A cloud's console has all twice: as the kernel prints it there, and as its
 * syslog copies it.  Has the other one come of this [kill]? */
static bool _came_twice (struct kmsg_log *log, const struct kmsg_prefix *p,
                         const struct kmsg_kill *kill)
{
    struct came *new = &log->came[log->came_count % CAME_MOST];
    bool hosted = p->host[0] != '\0';

    if (!p->printed[0])
        return false;
    for (unsigned i = 0; i < CAME_MOST && i < log->came_count; i++) {
        const struct came *c = &log->came[i];

        if (c->hosted != hosted && c->pid == kill->pid &&
            strcmp (c->printed, p->printed) == 0)
            return true;
    }
    memcpy (new->printed, p->printed, sizeof (new->printed));
    new->pid = kill->pid;
    new->hosted = hosted;
    log->came_count++;
    return false;
}

/* What [p]'s host said. */
static bool _log_tell (struct kmsg_log *log, const struct kmsg_prefix *p,
                       const char *message, size_t len, struct kmsg_kill *out)
{
    struct kmsg *k = _host (log, p->host);

    if (k)
        kmsg_caller (k, p->caller);
    if (!k || !kmsg_message (k, message, len, p->time, out) ||
        _came_twice (log, p, out))
        return false;
    snprintf (out->host, sizeof (out->host), "%s", p->host);
    return true;
}

/* Tell what waits. */
static bool _log_flush (struct kmsg_log *log, struct kmsg_kill *out)
{
    struct waiting *w = &log->waiting;
    bool any = w->any;

    w->any = false;
    return any && _log_tell (log, &w->p, w->text, strlen (w->text), out);
}

/* As _log_tell, of a line of [whole] bytes, which may go on in the next. */
static bool _log_said (struct kmsg_log *log, const struct kmsg_prefix *p,
                       const char *message, size_t whole, struct kmsg_kill *out)
{
    struct waiting *w = &log->waiting;
    bool found;

    log->known = log->going_on = true;
    if (log->width == 0)
        found = _log_tell (log, p, message, strlen (message), out);
    else
        found = _log_flush (log, out);
    w->any = log->width > 0;
    w->p = *p;
    w->last = whole;
    snprintf (w->text, sizeof (w->text), "%s", message);
    return found;
}

bool kmsg_log_message (struct kmsg_log *log, const char *host,
                       const char *message, size_t len, const char *time,
                       struct kmsg_kill *out)
{
    struct kmsg_prefix p = { .stamped = true };

    log->habits.stamped = true;
    snprintf (p.host, sizeof (p.host), "%s", host);
    snprintf (p.time, sizeof (p.time), "%s", time);
    log->known = true;
    log->going_on = false;
    return _log_tell (log, &p, message, len, out);
}

/* As kmsg_prefix, where the log has no line of a known form. A head that was not
 * understood before this is told as well: it completes no kill. */
static char *_guessed (struct kmsg_log *log, char *text, struct kmsg_kill *out)
{
    const struct kmsg_prefix none = { .stamped = false };
    const char *head, *s;
    size_t len;

    if (log->habits.stamped)
        return NULL;
    len = strlen (text);
    if (len > 1 && text[len - 1] == '"' && strchr (text, '"') < text + len - 1)
        text[len - 1] = '\0'; /* a row of a table */
    s = kmsg_guess (&log->guess, text, &head);
    if (!s)
        return NULL;
    if (head)
        _log_tell (log, &none, head, strlen (head), out);
    return text + (s - text);
}

/* A line of [len] bytes that has nothing before it, in a log whose lines have
 * something: the rest of the one before, if that is the kernel's. */
static bool _going_on (struct kmsg_log *log, const char *text, size_t len,
                       struct kmsg_kill *out)
{
    struct waiting *w = &log->waiting;
    bool found, rest_of;

    if (!log->hosts || len == 0)
        return false;
    if (w->any) {
        if (w->last > log->width)
            log->width = w->last;
        log->going_on = kmsg_form_join (w->text, sizeof (w->text), text,
                                        w->last < log->width);
        w->last = len;
        return false;
    }
    /* nobody knew of it when the line before was told */
    log->going_on = true;
    found = kmsg_continued (&log->hosts->kmsg, text, w->p.time, &rest_of, out);
    if (rest_of)
        log->width = w->last;
    w->last = len;
    if (found)
        snprintf (out->host, sizeof (out->host), "%s", log->hosts->name);
    return found;
}

static bool _log_take (struct kmsg_log *log, struct kmsg_prefix *p,
                       const char *line, size_t len, struct kmsg_kill *out)
{
    char text[LINE_BYTES];
    const char *s;
    bool found, record, was = log->going_on;

    log->going_on = false;
    len = kmsg_stamp_tame (line, len, text, sizeof (text));
    found = _log_record (log, text, &record, out);
    if (record)
        return found;
    s = kmsg_prefix (&log->habits, text, p);
    if (!s && !p->stamped && !p->foreign)
        s = _guessed (log, text, out);
    log->known |= p->stamped;
    log->missed |= !p->foreign && kmsg_form_has_head (text, s);
    if (!s)
        return was && !p->stamped && !p->foreign &&
               _going_on (log, text, len, out);
    if (p->bare_host && !log->habits.bare_host)
        _rename (log, p->host);
    log->habits.stamped |= p->stamped;
    log->habits.tagged |= p->tagged;
    log->habits.bare_host |= p->bare_host;
    return _log_said (log, p, s, len, out);
}

bool kmsg_log_carried (struct kmsg_log *log, const char *host, const char *time,
                       const char *line, size_t len, struct kmsg_kill *out)
{
    struct kmsg_prefix p = { .stamped = false };
    bool found;

    snprintf (p.host, sizeof (p.host), "%s", host);
    snprintf (p.time, sizeof (p.time), "%s", time);
    log->going_on = false; /* it tells where a line ends */
    found = _log_take (log, &p, line, len, out);
    log->going_on = false;
    return found;
}

bool kmsg_log_line (struct kmsg_log *log, const char *line, size_t len,
                    struct kmsg_kill *out)
{
    struct kmsg_prefix p = { .stamped = false };

    return _log_take (log, &p, line, len, out);
}

bool kmsg_log_known (const struct kmsg_log *log)
{
    bool any = !log->missed;

    for (const struct host *h = log->hosts; h && !any; h = h->next)
        any = h->kmsg.begun;
    return log->known && any;
}

void kmsg_log_know (struct kmsg_log *log)
{
    log->known = true;
    log->going_on = false;
}

unsigned kmsg_log_cut (const struct kmsg_log *log)
{
    unsigned cut = log->cut;

    for (const struct host *h = log->hosts; h; h = h->next)
        cut += kmsg_cut (&h->kmsg);
    return cut;
}

bool kmsg_log_end (struct kmsg_log *log, struct kmsg_kill *out)
{
    if (_log_flush (log, out))
        return true;
    for (struct host *h = log->hosts; h; h = h->next) {
        if (kmsg_end (&h->kmsg, out)) {
            snprintf (out->host, sizeof (out->host), "%s", h->name);
            return true;
        }
    }
    return false;
}
