/* ps.c - the hook that is always there: who in the job has the
 * memory */
#include "handler/courier/courier.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "handler/memcg/procs.h"
#include "lib/cgfile.h"
#include "lib/cleanup.h"
#include "lib/units.h"
#include "lib/user.h"

#define TOP 12 /* as many as an answer has room for */
#define COMMAND_SHOWN 40

struct top {
    struct proc proc[TOP]; /* largest first */
    unsigned count, all;
    uint64_t rss;
};

static void _ps_take (const struct proc *p, void *arg)
{
    struct top *t = arg;
    unsigned i = t->count < TOP ? t->count++ : TOP - 1;

    t->all++;
    t->rss += p->rss;
    if (i == TOP - 1 && t->all > TOP && t->proc[i].rss >= p->rss)
        return;
    for (; i > 0 && t->proc[i - 1].rss < p->rss; i--)
        t->proc[i] = t->proc[i - 1];
    t->proc[i] = *p;
}

/* Without the directory it is in, which may be long. */
static const char *_command (const char *command)
{
    const char *name = command;

    for (const char *c = command; *c && *c != ' '; c++)
        if (*c == '/')
            name = c + 1;
    return name;
}

static size_t _ps_print (const struct proc *p, char *buf, size_t len)
{
    char user[MW_USER_MAX], size[MW_SIZE_STRLEN];
    int n = snprintf (buf, len, COURIER_LINE "%d %s %s %c %.*s", (int) p->pid,
                      mw_user_shown (p->uid, user, sizeof (user)),
                      mw_size_format (p->rss, size, sizeof (size)), p->state,
                      COMMAND_SHOWN, _command (p->command));
    return n > 0 && (size_t) n < len ? (size_t) n : 0;
}

void courier_ps (const struct spool_request *r, struct courier_result *res)
{
    static struct top t;
    cleanup_json json_t *j = json_loads (r->text, 0, NULL);
    const char *path = json_string_value (json_object_get (j, "memory"));
    cleanup_fd int dir = -1;
    char size[MW_SIZE_STRLEN];
    size_t used, n;

    if (!path) {
        courier_say (res, COURIER_REFUSED, EINVAL, "no memcg is named");
        return;
    }
    dir = sysroot_open (path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (dir < 0) {
        courier_say (res, COURIER_REFUSED, errno, "cannot open %.200s: %s",
                     path, strerror (errno));
        return;
    }
    procs_each (dir, _ps_take, &t);
    courier_say (res, COURIER_DONE, 0, "%u process%s, resident %s", t.all,
                 t.all == 1 ? "" : "es",
                 mw_size_format (t.rss, size, sizeof (size)));
    used = strlen (res->text);
    for (unsigned i = 0; i < t.count; i++) {
        n = _ps_print (&t.proc[i], res->text + used, sizeof (res->text) - used);
        if (n == 0)
            res->text[used] = '\0';
        used += n;
    }
}
