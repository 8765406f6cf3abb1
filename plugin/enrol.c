/* enrol.c - place, prepare, register, label */
#include "plugin/enrol.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "lib/cleanup.h"
#include "lib/client.h"
#include "plugin/made.h"

static int _connect (const struct site *site, struct mw_err *err)
{
    return mw_client_open (site->socket[0] ? site->socket : NULL,
                           ENROL_TIMEOUT_MS, err);
}

int enrol_another (struct enrolment *e, pid_t pid, struct mw_err *err)
{
    struct place_paths now;

    if (e->shadow)
        return 0;
    if (place_read (pid, &now, err) < 0)
        return -1;
    if (now.job[0] && (now.v2 || now.freezer[0]))
        return 0;
    /* a job that is registered but cannot be frozen is still worth having */
    if (made_attach (e->spec.key, e->step, pid, &now, err) < 0)
        return now.job[0] ? 0 : -1;
    e->made = true;
    return 0;
}

/* An earlier step's label holds, but for what this step knows better. */
static void _heed_label (struct enrolment *e, const struct place *p)
{
    struct mw_jobspec said;

    if (place_read_label (p, &said, NULL) < 0
        || strcmp (said.key, e->spec.key) != 0)
        return;
    e->spec.priority = said.priority;
    e->spec.burst = said.burst;
    e->spec.reserve = said.reserve;
    strcpy (e->spec.ladder, said.ladder);
    e->spec.batch = e->spec.batch || said.batch;
    if (e->spec.cpus < said.cpus)
        e->spec.cpus = said.cpus;
    if (said.array_job_id) {
        e->spec.array_job_id = said.array_job_id;
        e->spec.array_task_id = said.array_task_id;
    }
    if (!e->spec.name[0])
        strcpy (e->spec.name, said.name);
    if (!e->reservation_known) {
        e->spec.reservation = said.reservation;
        e->reservation_known = true;
    }
    if (!e->owner_known) {
        e->spec.uid = said.uid;
        e->spec.gid = said.gid;
        e->owner_known = true;
    }
}

static int _complete (struct enrolment *e, const struct place *p,
                      struct mw_err *err)
{
    _heed_label (e, p);
    if (!e->reservation_known)
        e->spec.reservation = place_granted (p);
    if (!e->owner_known && place_owner (p, &e->spec.uid, &e->spec.gid) < 0)
        return mw_err_errno (err, "%s: its owner", p->paths.task);
    mw_user_name (e->spec.uid, e->spec.user, sizeof (e->spec.user));
    return 0;
}

static int _register (struct enrolment *e, const struct place *p, int sock,
                      struct mw_err *err)
{
    if (e->shadow)
        return mw_client_register (sock, &e->spec, p->job, p->freezer, err);
    if (place_ready (p, err) < 0
        || mw_client_register (sock, &e->spec, p->job, p->freezer, err) < 0) {
        place_undo (p);
        return -1;
    }
    return place_label (p, &e->spec, err);
}

/* In shadow mode none is made for a job that Slurm made none for. */
static int _nothing_to_watch (const struct enrolment *e, struct mw_err *note,
                              const struct mw_err *err)
{
    if (!e->shadow || errno != ENOENT)
        return -1;
    mw_err_set (note, "not watched: %s", err->text);
    return 0;
}

int enrol_step (struct enrolment *e, const struct site *site, pid_t pid,
                struct mw_err *note, struct mw_err *err)
{
    cleanup_fd int sock = _connect (site, err);
    int rc = -1, shadow = sock < 0 ? -1 : mw_client_shadow (sock, err);
    struct place p;

    mw_err_set (note, "%s", "");
    e->shadow = shadow > 0;
    if (shadow < 0 || enrol_another (e, pid, err) < 0)
        return -1;
    if (place_open (&p, pid, err) < 0)
        return _nothing_to_watch (e, note, err);
    if (!_complete (e, &p, err)) {
        settings_clamp (&e->spec, site, note);
        rc = _register (e, &p, sock, err);
    }
    place_close (&p);
    return rc;
}

/* Slurm has killed the step; what is dying still holds its cgroup.  Where other
 * steps still run, the last of them removes it. */
void enrol_end (struct enrolment *e)
{
    struct timespec pause = { .tv_nsec = 20 * 1000 * 1000 };

    for (int i = 0; e->made && i < 15; i++) {
        if (made_remove (e->spec.key))
            break;
        nanosleep (&pause, NULL);
    }
    e->made = false;
}

void enrol_release (const struct site *site, const char *key)
{
    cleanup_fd int sock = _connect (site, NULL);

    if (sock >= 0)
        mw_client_release (sock, key, NULL);
    made_remove (key);
}
