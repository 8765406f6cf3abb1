/* report_read.c - journals, added up
 *
 * Most of a record is a job's state, which a restart needs and nobody else: it stands
 * behind what is read here, and is not looked at.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "handler/cli/cli.h"
#include "handler/cli/report.h"
#include "lib/cleanup.h"
#include "lib/units.h"

/* A job that has not been released yet. */
struct report_open {
    uint64_t lent;            /* bytes, now */
    int64_t lent_us;          /* since when */
    uint64_t survived;        /* CPU-ms, of the last incident it survived */
    bool ended_by_us;         /* killed or requeued */
    bool held, suspend, grow; /* in the present incident */
    uint64_t incidents, killed, suspended, grown;
};

/* ---- a line -------------------------------------------------------------- */

#define TIME_LEN (sizeof ("2026-11-21T01:02:03") - 1)

/* µs of the epoch; -1: no time. */
static int64_t _report_time (const char *t)
{
    static char day[11];
    static time_t midnight;
    unsigned h, m, s, us = 0;
    struct tm tm = { 0 };

    if (strlen (t) < TIME_LEN ||
        sscanf (t + 11, "%2u:%2u:%2u.%6u", &h, &m, &s, &us) < 3)
        return -1;
    if (strncmp (day, t, 10) != 0) { /* most are of one day */
        memcpy (day, t, 10);
        if (!strptime (day, "%Y-%m-%d", &tm)) {
            day[0] = '\0';
            return -1;
        }
        midnight = timegm (&tm);
    }
    return (int64_t) (midnight + h * 3600 + m * 60 + s) * 1000000 + us;
}

/* Is it a record that is counted here?  Its event stands in front of all that a user
 * may have written. */
static bool _report_wanted (const char *line)
{
    static const char mark[] = "\"event\":\"";
    static const char *const wanted[] = { "lent\"",     "returned\"",
                                          "resolved\"", "released\"",
                                          "held\"",     "kernel-kill\"",
                                          "asked\"" };
    const char *event = strstr (line, mark);

    for (size_t i = 0; event && i < sizeof (wanted) / sizeof (wanted[0]); i++) {
        if (strncmp (event + sizeof (mark) - 1, wanted[i],
                     strlen (wanted[i])) == 0)
            return true;
    }
    return false;
}

/* The members of [line] but the state.  Within a string there is no bare quote, so what
 * is found is no user's. */
static json_t *_report_head (char *line, size_t len)
{
    char *st = memmem (line, len, ",\"st\":{", 7);

    if (!st)
        return json_loadb (line, len, JSON_DISABLE_EOF_CHECK, NULL);
    st[0] = '}';
    return json_loadb (line, (size_t) (st - line) + 1, 0, NULL);
}

/* ---- who it is about ----------------------------------------------------- */

static void *_report_grow (void *list, size_t count, size_t *room, size_t size)
{
    void *more;

    if (count < *room)
        return list;
    more = realloc (list, (*room ? 2 * *room : 64) * size);
    if (more)
        *room = *room ? 2 * *room : 64;
    return more;
}

static struct report_open *_report_job (struct report_sum *s, const char *key)
{
    const json_t *at = json_object_get (s->now, key);
    struct report_open *more;

    if (at)
        return &s->open[json_integer_value (at)];
    more = _report_grow (s->open, s->opens, &s->open_room, sizeof (*more));
    if (!more)
        return NULL;
    s->open = more;
    s->open[s->opens] = (struct report_open) { 0 };
    json_object_set_new (s->now, key, json_integer ((json_int_t) s->opens));
    return &s->open[s->opens++];
}

static struct report_group *_report_group (struct report_sum *s, uint32_t uid,
                                           const char *name)
{
    cleanup_free char *key = NULL;
    struct report_group *more;
    const json_t *at;

    if (asprintf (&key, "%" PRIu32 " %s", uid, name) < 0)
        return NULL;
    if ((at = json_object_get (s->of_group, key)))
        return &s->group[json_integer_value (at)];
    more = _report_grow (s->group, s->groups, &s->room, sizeof (*more));
    if (!more)
        return NULL;
    s->group = more;
    s->group[s->groups] = (struct report_group) { .uid = uid,
                                                  .name = strdup (name) };
    json_object_set_new (s->of_group, key,
                         json_integer ((json_int_t) s->groups));
    return &s->group[s->groups++];
}

/* ---- what happened ------------------------------------------------------- */

/* What [o] was lent until [us]. */
static void _report_lent_until (struct report_sum *s, struct report_open *o,
                                int64_t us)
{
    int64_t from = o->lent_us < s->since_us ? s->since_us : o->lent_us;

    if (o->lent > 0 && us > from)
        s->lent_time += (double) o->lent * (double) (us - from) / 1000;
    o->lent_us = us;
}

static void _report_lent (struct report_sum *s, struct report_open *o,
                          const json_t *r, int64_t us, bool lent)
{
    if (!json_object_get (r, "bytes"))
        return; /* its own reserve */
    _report_lent_until (s, o, us);
    o->lent = cli_number (r, "lent");
    o->grow = o->grow || lent;
    if (us >= s->since_us)
        *(lent ? &s->lent : &s->returned) += cli_number (r, "bytes");
}

static int _report_event (struct report_sum *s, int64_t us, enum mw_outcome out)
{
    struct report_event *more = _report_grow (s->event, s->events,
                                              &s->event_room, sizeof (*more));

    if (!more)
        return -1;
    s->event = more;
    s->event[s->events++] = (struct report_event) { us, out };
    return 0;
}

static int _report_resolved (struct report_sum *s, struct report_open *o,
                             const json_t *r, int64_t us)
{
    enum mw_outcome out = mw_outcome_of (cli_text (r, "outcome"));

    o->ended_by_us |= out == MW_OUTCOME_KILLED || out == MW_OUTCOME_REQUEUED;
    if (us >= s->since_us) {
        if (out == MW_OUTCOME_RECOVERED &&
            strcmp (cli_text (r, "trigger"), "admin") != 0 &&
            strcmp (cli_text (r, "trigger"), "process") != 0)
            o->survived = cli_number (r, "ran_ms") * cli_number (r, "cpus");
        s->incidents++;
        s->outcome[out]++;
        s->held += o->held;
        s->suspended += o->suspend;
        s->grown += o->grow;
        o->incidents++;
        o->killed += out == MW_OUTCOME_KILLED;
        o->suspended += o->suspend;
        o->grown += o->grow;
    }
    o->held = o->suspend = o->grow = false;
    return us >= s->since_us ? _report_event (s, us, out) : 0;
}

static int _report_keep (struct report_group *g, const struct report_job *j)
{
    struct report_job *more = _report_grow (g->job, g->jobs, &g->room,
                                            sizeof (*more));

    if (!more)
        return -1;
    g->job = more;
    g->job[g->jobs++] = *j;
    return 0;
}

static int _report_released (struct report_sum *s, struct report_open *o,
                             const json_t *r, int64_t us)
{
    struct report_job j = { .reservation = cli_number (r, "reservation"),
                            .peak = cli_number (r, "peak_used"),
                            .ms = cli_number (r, "ran_ms") };
    struct report_group *g;

    _report_lent_until (s, o, us);
    /* a step is a part of its job */
    if (*cli_text (r, "of") || us < s->since_us ||
        !json_object_get (r, "ran_ms"))
        return 0;
    g = _report_group (s, (uint32_t) cli_number (r, "uid"),
                       cli_text (r, "name"));
    if (!g || (j.peak > 0 && _report_keep (g, &j) < 0))
        return -1;
    s->jobs++;
    g->incidents += o->incidents;
    g->killed += o->killed;
    g->suspended += o->suspended;
    g->grown += o->grown;
    if (j.peak > 0) {
        g->reserved += (double) j.reservation * (double) j.ms;
        g->used += (double) j.peak * (double) j.ms;
        g->over += (double) (j.reservation - mw_least (j.reservation, j.peak)) *
                   (double) j.ms;
    }
    if (o->survived > 0 && !o->ended_by_us) {
        s->saved_jobs++;
        s->saved_time += (double) o->survived;
    }
    return 0;
}

static int _report_take (struct report_sum *s, const json_t *r)
{
    const char *event = cli_text (r, "event"), *key = cli_text (r, "job");
    int64_t us = _report_time (cli_text (r, "t"));
    struct report_open *o;
    int rc = 0;

    if (us < 0)
        return 0;
    if (us > s->last_us)
        s->last_us = us;
    if (strcmp (event, "kernel-kill") == 0) {
        s->kernel_kills += us >= s->since_us;
        return 0;
    }
    if (!*key)
        return 0;
    if (!(o = _report_job (s, key)))
        return -1;
    o->suspend = o->suspend || strcmp (cli_text (r, "step"), "suspend") == 0;
    if (strcmp (event, "held") == 0)
        o->held = true;
    else if (strcmp (event, "lent") == 0 || strcmp (event, "returned") == 0)
        _report_lent (s, o, r, us, event[0] == 'l');
    else if (strcmp (event, "resolved") == 0)
        rc = _report_resolved (s, o, r, us);
    else if (strcmp (event, "released") == 0) {
        rc = _report_released (s, o, r, us);
        *o = (struct report_open) { 0 }; /* its next run, if any */
    }
    return rc;
}

/* ---- all of it ----------------------------------------------------------- */

int report_begin (struct report_sum *s, int64_t since_us)
{
    *s = (struct report_sum) { .since_us = since_us,
                               .of_group = json_object (),
                               .now = json_object () };
    return s->of_group && s->now ? 0 : -1;
}

/* Those that go on have what they are lent until the journal's end. */
static void _report_last (struct report_sum *s)
{
    for (size_t i = 0; i < s->opens; i++)
        _report_lent_until (s, &s->open[i], s->last_us);
    s->opens = 0;
    json_object_clear (s->now);
    s->journals++;
}

int report_read (struct report_sum *s, FILE *f, bool last)
{
    cleanup_free char *line = NULL;
    size_t room = 0;
    ssize_t n;

    while ((n = getline (&line, &room, f)) > 0) {
        cleanup_json json_t *r = NULL;

        s->records++;
        if (line[0] != '{' || line[n - 1] != '\n' ||
            (size_t) n != strlen (line)) {
            s->unread++;
            continue;
        }
        if (!_report_wanted (line))
            continue;
        if (!(r = _report_head (line, (size_t) n)))
            s->unread++;
        else if (_report_take (s, r) < 0)
            return -1;
    }
    if (ferror (f))
        return -1;
    if (last)
        _report_last (s);
    return 0;
}

static int _report_by_peak (const void *a, const void *b)
{
    const struct report_job *x = a, *y = b;

    return (x->peak > y->peak) - (x->peak < y->peak);
}

static int _report_by_over (const void *a, const void *b)
{
    const struct report_group *x = a, *y = b;

    if (x->over != y->over)
        return x->over < y->over ? 1 : -1;
    return x->uid != y->uid ? (x->uid > y->uid ? 1 : -1)
                            : strcmp (x->name, y->name);
}

/* Nearest rank: the smallest that so many percent are not above. */
static void _report_advise (struct report_group *g)
{
    size_t rank = (g->jobs * REPORT_PERCENTILE + 99) / 100;
    uint64_t bytes;

    if (g->jobs == 0)
        return;
    qsort (g->job, g->jobs, sizeof (*g->job), _report_by_peak);
    g->p95 = g->job[rank - 1].peak;
    bytes = (g->p95 * REPORT_FACTOR + 99) / 100;
    g->advice = (bytes + MW_MIB - 1) / MW_MIB * MW_MIB;
    for (size_t i = 0; i < g->jobs; i++)
        g->gain += ((double) g->job[i].reservation - (double) g->advice) *
                   (double) g->job[i].ms;
}

void report_end (struct report_sum *s)
{
    for (size_t i = 0; i < s->groups; i++)
        _report_advise (&s->group[i]);
    if (s->groups > 0)
        qsort (s->group, s->groups, sizeof (*s->group), _report_by_over);
}

void report_free (struct report_sum *s)
{
    for (size_t i = 0; i < s->groups; i++) {
        free (s->group[i].name);
        free (s->group[i].job);
    }
    free (s->group);
    free (s->open);
    free (s->event);
    json_decref (s->of_group);
    json_decref (s->now);
    *s = (struct report_sum) { 0 };
}
