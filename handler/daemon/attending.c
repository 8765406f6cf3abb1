/* attending.c - the warden's end of what it has its attendant do */
#include "handler/daemon/attending.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "handler/incident/incident.h"
#include "handler/pass/attend.h"
#include "handler/pass/pass.h"
#include "handler/record/report.h"
#include "lib/cleanup.h"
#include "lib/event.h"

static sd_event_source *said;

/* As the courier's are: who is not there any more has not waited. */
static void _attending_answer (struct warden *w, struct attend_answer *got)
{
    static struct spool_answer a;
    char key[SPOOL_ID_MAX];
    enum spool_op op;
    struct job *job;
    uint64_t seq;

    got->id[sizeof (got->id) - 1] = got->text[sizeof (got->text) - 1] = '\0';
    if (!spool_id_parts (got->id, key, &seq, &op) ||
        !(job = warden_find (w, key)))
        return;
    a = (struct spool_answer) { .ok = got->ok, .code = got->code };
    snprintf (a.id, sizeof (a.id), "%s", got->id);
    snprintf (a.text, sizeof (a.text), "%s", got->text);
    incident_answer (w, job, &a);
}

/* One a turn. */
static int _on_attendant (sd_event_source *s, int sock, uint32_t events,
                          void *arg)
{
    static struct attend_answer got;
    struct warden *w = arg;
    int fd = -1;

    (void) s;
    (void) events;
    if (pass_receive (sock, &got, sizeof (got), &fd) == (ssize_t) sizeof (got))
        _attending_answer (w, &got);
    if (fd >= 0)
        close (fd);
    report_flush (w);
    return 0;
}

int attending_open (struct warden *w, attending_start *start,
                    struct mw_err *err)
{
    cleanup_fd int its = -1;
    int pair[2];

    if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return mw_err_errno (err, "cannot start the attendant");
    w->attendant = pair[0];
    its = pair[1];
    return start (its, err) < 0 ? -1 : 0;
}

int attending_listen (struct warden *w, struct mw_err *err)
{
    int rc = sd_event_add_io (w->loop, &said, w->attendant, EPOLLIN,
                              _on_attendant, w);

    if (rc >= 0)
        rc = sd_event_source_set_priority (said, SD_EVENT_PRIORITY_IDLE);
    if (rc >= 0)
        return 0;
    errno = -rc;
    return mw_err_errno (err, "cannot heed the attendant");
}

void attending_close (struct warden *w)
{
    said = sd_event_source_disable_unref (said);
    if (w->attendant >= 0)
        close (w->attendant);
    w->attendant = -1;
}
