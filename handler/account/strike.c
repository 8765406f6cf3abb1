/* strike.c - whose jobs have needed more than they had asked for: see strike.h */
#include "handler/account/strike.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "handler/job/warden.h"
#include "handler/pass/dictate.h"
#include "handler/policy/strikes.h"
#include "handler/record/report.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/json_put.h"
#include "lib/putfile.h"

#define PART STRIKES_FILE ".part"

static struct strikes strikes; /* as the warden, there is one */
static char text[STRIKES_TEXT_MAX + 1];
static char dirs[2][PATH_MAX]; /* state, history */

static const char *const loss_name[] = {
    [STRIKES_NONE] = "nothing",
    [STRIKES_BURST] = "burst",
    [STRIKES_PRIORITY] = "burst and priority",
};

static uint64_t _now_s (void)
{
    return clock_wall_us () / 1000000;
}

static uint64_t _half_s (const struct warden *w)
{
    return w->conf.strike_half_ms / 1000;
}

/* ---- the file ------------------------------------------------------------ */

/* Returns 0; -1 with errno. */
static int _strike_read (const char *dir)
{
    cleanup_fd int top = open (dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_fd int fd = openat (top, STRIKES_FILE,
                                O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read (fd, text, sizeof (text) - 1);

    if (n < 0)
        return -1;
    text[n] = '\0';
    return (int) strikes_read (&strikes, text);
}

static void _strike_save (struct warden *w)
{
    cleanup_fd int top = open (dirs[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    size_t len = strikes_write (&strikes, text);

    if (top >= 0 && mw_put_file (top, PART, top, STRIKES_FILE, 0600,
                                 MW_PUT_QUICK, text, len) == 0)
        return;
    report_log (w, LOG_ERR, "users' strikes cannot be kept in %s: %s", dirs[0],
                strerror (errno));
}

void strike_reconfigured (struct warden *w)
{
    int bad;

    if (w->strikes || _half_s (w) == 0 || !dirs[0][0])
        return;
    w->strikes = &strikes;
    bad = _strike_read (dirs[0]);
    if (bad < 0 && errno == ENOENT) /* the node has been booted since */
        bad = _strike_read (dirs[1]);
    if (bad > 0)
        report_log (w, LOG_WARNING,
                    "%d lines of " STRIKES_FILE " are not understood", bad);
    else if (bad < 0 && errno != ENOENT)
        report_log (w, LOG_WARNING, "users' strikes cannot be read: %s",
                    strerror (errno));
}

void strike_open (struct warden *w, const char *state_dir,
                  const char *history_dir)
{
    snprintf (dirs[0], sizeof (dirs[0]), "%s", state_dir);
    snprintf (dirs[1], sizeof (dirs[1]), "%s", history_dir);
    strikes.count = 0;
    w->strikes = NULL;
    strike_reconfigured (w);
}

/* ---- who has how many ---------------------------------------------------- */

unsigned strike_count (const struct warden *w, uint32_t uid)
{
    if (!w->strikes || _half_s (w) == 0)
        return 0;
    return strikes_count (w->strikes, uid, _now_s (), _half_s (w));
}

/* At its own limit tasks are slowed, or sleep, a little below it. */
void strike_blame (struct job *job)
{
    struct incident *in = &job->incident;
    uint64_t used = job->usage.used;

    if (job_is_step (job))
        return;
    if (in->trigger == TRIGGER_JOB && used >= job->reservation / 10 * 9)
        in->guilty = true;
    if (in->trigger == TRIGGER_NODE && used > job->reservation)
        in->guilty = true;
}

static enum strikes_loss _loses (const struct warden *w, unsigned count)
{
    return strikes_loss (count, w->conf.strikes_burst,
                         w->conf.strikes_priority);
}

void strike_incident (struct warden *w, struct job *job)
{
    char a[MW_SIZE_STRLEN], t[32], more[64], cost[96] = "";
    struct json_put p = { .text = more, .size = sizeof (more) };
    unsigned count;

    if (!w->strikes || _half_s (w) == 0 || !job->incident.guilty ||
        job->struck || job->spec.uid == 0)
        return;
    job->struck = true;
    count = strikes_add (w->strikes, job->spec.uid, _now_s (), _half_s (w));
    if (_loses (w, count) != STRIKES_NONE)
        snprintf (cost, sizeof (cost), "; its user's next jobs lose %s",
                  loss_name[_loses (w, count)]);
    _strike_save (w);
    json_put_number (&p, "strikes", count);
    report_more (w, job, STRIKES_RECORD, REPORT_LOG | REPORT_JOB,
                 json_put_done (&p),
                 "job %s: it needed more than the %s that it had asked for: "
                 "that is a strike, its user has %u now (half of them is "
                 "forgotten in %s)%s",
                 job->spec.key,
                 mw_size_format (job->reservation, a, sizeof (a)), count,
                 mw_duration_format (w->conf.strike_half_ms, t, sizeof (t)),
                 cost);
}

/* ---- root ---------------------------------------------------------------- */

int strike_forgive (struct warden *w, bool all, uint32_t uid,
                    struct mw_err *err)
{
    unsigned had = w->strikes ? w->strikes->count : 0;

    if (!w->strikes)
        return mw_err_code (err, ENOTSUP,
                            "nobody counts strikes on this node; "
                            "strike-half-life in memwarden.conf is off");
    if (all)
        w->strikes->count = 0;
    else if (!strikes_forgive (w->strikes, uid))
        had = 0;
    if (had == 0)
        return mw_err_code (err, ESRCH, "there are no strikes to be forgiven");
    for (struct job *j = w->jobs.first; j; j = j->next) {
        if (all || j->spec.uid == uid)
            j->strikes = 0;
    }
    _strike_save (w);
    if (all)
        report (w, NULL, STRIKES_FORGIVEN, REPORT_LOG,
                "all users' strikes are forgiven");
    else
        report (w, NULL, STRIKES_FORGIVEN, REPORT_LOG,
                "the strikes of user %" PRIu32 " are forgiven", uid);
    return 0;
}

static json_t *_one (const struct warden *w, const struct strikes_of *u)
{
    unsigned n = strike_count (w, u->uid);
    uint32_t score = strikes_score (u, _now_s (), _half_s (w));

    return json_pack ("{s:I,s:i,s:f,s:I,s:s}", "uid", (json_int_t) u->uid,
                      "strikes", (int) n, "score", (double) score / 1000,
                      "last", (json_int_t) u->s, "loses",
                      loss_name[_loses (w, n)]);
}

void strike_tell (const struct warden *w, json_t *reply)
{
    json_t *users = json_array ();

    json_object_set_new (reply, "half_life_ms",
                         json_integer ((json_int_t) w->conf.strike_half_ms));
    json_object_set_new (reply, "burst", json_integer (w->conf.strikes_burst));
    json_object_set_new (reply, "priority",
                         json_integer (w->conf.strikes_priority));
    json_object_set_new (reply, "users", users);
    if (!w->strikes || _half_s (w) == 0)
        return;
    for (unsigned i = 0; i < w->strikes->count; i++) {
        /* who has less than one half has been forgotten */
        if (strike_count (w, w->strikes->of[i].uid) > 0)
            json_array_append_new (users, _one (w, &w->strikes->of[i]));
    }
}
