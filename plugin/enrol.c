/* enrol.c - place, prepare, register, label */
#include "plugin/enrol.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "lib/cleanup.h"
#include "lib/client.h"
#include "lib/units.h"
#include "lib/wire.h"
#include "plugin/made.h"
#include "plugin/teller.h"

static int _enrol_connect (const struct site *site, char path[PATH_MAX],
                           struct mw_err *err)
{
    if (site_socket (site, path, err) < 0)
        return -1;
    return mw_client_open (path, ENROL_TIMEOUT_MS, err);
}

bool enrol_is_above (const struct site *site, const char *key, const char *step,
                     bool tell, bool kept)
{
    char path[PATH_MAX];
    cleanup_fd int sock = -1;

    if (site_socket (site, path, NULL) < 0)
        return false;
    sock = mw_client_open (path, ENROL_STARTING_MS, NULL);
    return sock >= 0 &&
           mw_client_starting (sock, key, step, tell, kept, NULL) > 0;
}

int enrol_may_ask (const struct site *site, const char *key, struct mw_err *err)
{
    char path[PATH_MAX], a[MW_SIZE_STRLEN], b[MW_SIZE_STRLEN];
    cleanup_json json_t *job = NULL;
    cleanup_fd int sock = -1;
    json_int_t limit, used;
    const char *own;

    if (site_socket (site, path, NULL) < 0)
        return 0;
    sock = mw_client_open_users (path, ENROL_STARTING_MS, NULL);
    if (sock < 0 || !(job = mw_client_self (sock, NULL)))
        return 0;
    own = json_string_value (json_object_get (job, "key"));
    if (!own || strcmp (own, key) != 0)
        return 0;
    limit = json_integer_value (json_object_get (job, "start_limit"));
    used = json_integer_value (json_object_get (job, "used"));
    if (limit <= 0 || used <= limit)
        return 0;
    return mw_err_code (err, EBUSY,
                        "job %s uses %s, and Slurm sets its limit to %s at "
                        "each step's start (AllowedRAMSpace in cgroup.conf): "
                        "this step is not started",
                        key, mw_size_format ((uint64_t) used, a, sizeof (a)),
                        mw_size_format ((uint64_t) limit, b, sizeof (b)));
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

    if (place_read_label (p, &said, NULL) < 0 ||
        strcmp (said.key, e->spec.key) != 0)
        return;
    if (!e->own) {
        e->spec.priority = said.priority;
        e->spec.burst = said.burst;
        e->spec.reserve = said.reserve;
        strcpy (e->spec.ladder, said.ladder);
        strcpy (e->spec.proc_limit, said.proc_limit);
    }
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
}

/* Is the batch script on this node?  It says so to the steps that come later,
 * also where it has found no warden, and they do. */
static void _know_script (struct enrolment *e, const struct place *p)
{
    if (!e->shadow && !strcmp (e->step, "step_batch"))
        place_mark_script (p);
    e->spec.script = place_has_script (p);
}

static void _complete (struct enrolment *e, const struct place *p)
{
    _know_script (e, p);
    _heed_label (e, p);
    if (!e->reservation_known)
        e->spec.reservation = place_granted (p);
    mw_user_name (e->spec.uid, e->spec.user, sizeof (e->spec.user));
}

/* What a step has of its own: less than its job, or 0. */
static uint64_t _own_limit (const struct enrolment *e, const struct place *p,
                            int step)
{
    uint64_t granted = place_step_granted (p, step);

    if (granted == 0 && e->step_mem < e->spec.reservation)
        granted = e->step_mem;
    return granted;
}

/* A step that has asked for less than its job (srun --mem) is registered beside
 * it: the warden keeps that limit, and kills the step alone. */
static int _register_step (const struct enrolment *e, const struct place *p,
                           int sock, struct mw_err *err)
{
    struct mw_jobspec s = e->spec;
    cleanup_fd int freezer = -1;
    cleanup_fd int dir = place_open_step (p, &freezer, err);
    struct mw_err cut = { "" };

    if (dir < 0)
        return -1;
    s.reservation = _own_limit (e, p, dir);
    if (s.reservation == 0)
        return 0;
    snprintf (s.of, sizeof (s.of), "%s", e->spec.key);
    if (snprintf (s.key, sizeof (s.key), "%s.%s", s.of,
                  e->step + sizeof ("step_") - 1) >= (int) sizeof (s.key))
        return mw_err_code (err, ENAMETOOLONG, "its name is too long");
    s.slurm_id = s.array_job_id = s.array_task_id = 0;
    s.layout = MW_LAYOUT_STEP;
    s.burst = (struct mw_amount) { .kind = MW_AMOUNT_FACTOR, .ratio = 1 };
    s.reserve = (struct mw_amount) { .kind = MW_AMOUNT_BYTES };
    s.batch = s.script = false;
    strcpy (s.ladder, "kill");
    return mw_client_register (sock, &s, dir, freezer, &cut, err);
}

static bool _same_amount (const struct mw_amount *a, const struct mw_amount *b)
{
    char one[MW_SIZE_STRLEN], other[MW_SIZE_STRLEN];

    return !strcmp (mw_amount_format (a, one, sizeof (one)),
                    mw_amount_format (b, other, sizeof (other)));
}

/* A step from outside has been here before the job's own batch script, and said
 * something else: the warden keeps what it was told first, so it has to forget
 * the job once. */
static void _overrule (const struct enrolment *e, const struct place *p,
                       int sock)
{
    struct mw_jobspec said;

    if (!e->own || place_read_label (p, &said, NULL) < 0 ||
        strcmp (said.key, e->spec.key) != 0 ||
        (said.priority == e->spec.priority &&
         _same_amount (&said.burst, &e->spec.burst) &&
         _same_amount (&said.reserve, &e->spec.reserve) &&
         !strcmp (said.ladder, e->spec.ladder) &&
         !strcmp (said.proc_limit, e->spec.proc_limit)))
        return;
    mw_client_release (sock, e->spec.key, NULL);
}

/* [cut] is told the owner once: at the job's first step. */
static int _enrol_register (struct enrolment *e, const struct place *p,
                            int sock, struct mw_err *cut, struct mw_err *err)
{
    if (e->shadow)
        return mw_client_register (sock, &e->spec, p->job, p->freezer, cut,
                                   err);
    if (place_ready (p, err) < 0 ||
        mw_client_register (sock, &e->spec, p->job, p->freezer, cut, err) < 0) {
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

/* Nobody answers at [socket].  A job that a warden has had is taken up by the next
 * one as it is, and its OOM with it: no slurmstepd may be in there then (on v1 it
 * cannot make a thread, and dies), so this step is made ready.  The job's own limit
 * holds.  What is said of the job from then on this step tells, too. */
static void _enrol_without_warden (struct enrolment *e, pid_t pid,
                                   const char *socket)
{
    struct mw_jobspec said;
    struct place p;

    if (place_open (&p, pid, NULL) == 0) {
        if (place_read_label (&p, &said, NULL) == 0 &&
            !strcmp (said.key, e->spec.key))
            place_ready (&p, NULL);
        _know_script (e, &p);
        place_close (&p);
    }
    teller_await (e->spec.key, e->step, socket);
}

int enrol_step (struct enrolment *e, const struct site *site, pid_t pid,
                struct mw_err *note, struct mw_err *err)
{
    char path[PATH_MAX] = "";
    cleanup_fd int sock = _enrol_connect (site, path, err);
    int rc, shadow = sock < 0 ? -1 : mw_client_shadow (sock, err);
    struct mw_err why;
    struct place p;

    mw_err_set (note, "%s", "");
    e->shadow = shadow > 0;
    if (shadow < 0) {
        _enrol_without_warden (e, pid, path);
        return -1;
    }
    if (enrol_another (e, pid, err) < 0)
        return -1;
    if (place_open (&p, pid, err) < 0)
        return _nothing_to_watch (e, note, err);
    _complete (e, &p);
    settings_clamp (&e->spec, site, note);
    e->spec.tells = !e->shadow;
    _overrule (e, &p, sock);
    rc = _enrol_register (e, &p, sock, note, err);
    if (rc == 0 && !e->shadow && _register_step (e, &p, sock, &why) < 0)
        mw_err_add (note, "step %s: a limit of its own is not kept: %s",
                    e->step, why.text);
    place_close (&p);
    if (rc == 0 && !e->shadow)
        teller_begin (e->spec.key, e->step, path);
    return rc;
}

void enrol_ended (const struct site *site, const char *key, int status)
{
    char path[PATH_MAX];
    cleanup_fd int sock = _enrol_connect (site, path, NULL);
    struct timespec pause = { .tv_nsec = 20 * 1000 * 1000 };

    for (int i = 0; sock >= 0 && i < ENROL_ENDED_MS / 20; i++) {
        if (mw_client_ended (sock, key, status, NULL) <= 0)
            break;
        nanosleep (&pause, NULL);
    }
}

/* Slurm has killed the step; what is dying still holds its cgroup.  Where other
 * steps still run, the last of them removes it. */
void enrol_end (struct enrolment *e)
{
    struct timespec pause = { .tv_nsec = 20 * 1000 * 1000 };

    teller_end ();
    for (int i = 0; e->made && i < 15; i++) {
        if (made_remove (e->spec.key))
            break;
        nanosleep (&pause, NULL);
    }
    e->made = false;
}

void enrol_release (const struct site *site, const char *key)
{
    char path[PATH_MAX];
    cleanup_fd int sock = _enrol_connect (site, path, NULL);

    if (sock >= 0)
        mw_client_release (sock, key, NULL);
    made_remove (key);
}
