/* blame.c - see blame.h */
#include "handler/record/blame.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "handler/job/warden.h"
#include "handler/memcg/members.h"
#include "handler/record/report.h"
#include "lib/clock.h"
#include "lib/units.h"

/* What is less than that of all is told as a member alone. */
#define LEAST_SHARE 64

/* Of the job that is looked at; as much of it as is used is touched by blame_open. */
static struct members all;

/* ---- the look ------------------------------------------------------------ */

/* What [one] has grown by since it was seen in [before], if it was. */
static void _blame_grew (struct blame_one *one, const struct blame *before)
{
    for (unsigned i = 0; i < before->n; i++) {
        const struct blame_one *b = &before->top[i];

        if (b->pid != one->pid || b->started != one->started)
            continue;
        one->again = true;
        one->grew = one->holds > b->holds ? one->holds - b->holds : 0;
    }
}

/* Put [m] where it belongs among the largest. */
static void _blame_rank (struct blame *b, const struct member *m,
                         const struct blame *before)
{
    uint64_t holds = member_holds (m);
    unsigned at = b->n;

    while (at > 0 && b->top[at - 1].holds < holds)
        at--;
    if (at == BLAME_TOP || holds == 0)
        return;
    if (b->n < BLAME_TOP)
        b->n++;
    memmove (&b->top[at + 1], &b->top[at],
             (b->n - at - 1) * sizeof (b->top[0]));
    b->top[at] = (struct blame_one) {
        .pid = (uint32_t) m->pid,
        .started = m->started,
        .holds = holds,
    };
    memcpy (b->top[at].comm, m->comm, sizeof (m->comm));
    _blame_grew (&b->top[at], before);
}

static void _blame_members (struct job *job, struct blame *b,
                            const struct blame *before)
{
    members_read (&job->memcg, job->spec.uid, BLAME_MEMBERS, &all);
    b->cut = all.cut;
    for (unsigned i = 0; i < all.n; i++)
        _blame_rank (b, &all.one[i], before);
}

void blame_look (struct warden *w, struct job *job, bool members)
{
    struct blame before = job->incident.blame, *b = &job->incident.blame;
    char more[BLAME_MORE], text[BLAME_TEXT], a[MW_SIZE_STRLEN];
    struct json_put p = { .text = more, .size = sizeof (more) };
    struct mw_memparts parts;

    b->due = false;
    if (job->incident.quiet || mw_memparts_read (job->memcg.dir, &parts) < 0)
        return;
    *b = (struct blame) { .ms = clock_ms (), .parts = parts };
    if (before.ms > 0)
        b->grew_ms = b->ms - before.ms;
    if (members)
        _blame_members (job, b, &before);
    blame_put (&p, job);
    blame_text (job, ": ", text);
    report_more (w, job, "uses", 0, json_put_done (&p), "job %s: %s in use%s",
                 job->spec.key,
                 mw_size_format (mw_memparts_used (&parts), a, sizeof (a)),
                 text);
}

/* ---- when no event waits -------------------------------------------------- */

void blame_due (struct warden *w, struct job *job)
{
    if (job->incident.quiet)
        return;
    job->incident.blame.due = true;
    if (w->looks)
        sd_event_source_set_enabled (w->looks, SD_EVENT_ON);
}

static struct job *_blame_next (const struct job_table *t)
{
    struct job *job = t->first;

    while (job && !job->incident.blame.due)
        job = job->next;
    return job;
}

static int _on_looks (sd_event_source *s, void *arg)
{
    struct warden *w = arg;
    struct job *job = _blame_next (&w->jobs);

    if (!job)
        job = _blame_next (&w->steps);
    if (job) {
        blame_look (w, job, true);
        report_flush (w);
    } else {
        sd_event_source_set_enabled (s, SD_EVENT_OFF);
    }
    return 0;
}

int blame_open (struct warden *w, struct mw_err *err)
{
    volatile char *touched = (volatile char *) &all;
    int rc = sd_event_add_defer (w->loop, &w->looks, _on_looks, w);

    for (size_t i = 0; i < offsetof (struct members, one[BLAME_MEMBERS]);
         i += 4096)
        touched[i] = 0;
    if (rc >= 0)
        rc = sd_event_source_set_priority (w->looks, SD_EVENT_PRIORITY_IDLE);
    if (rc >= 0)
        rc = sd_event_source_set_enabled (w->looks, SD_EVENT_OFF);
    if (rc >= 0)
        return 0;
    errno = -rc;
    return mw_err_errno (err, "cannot prepare looks at jobs' memory");
}

void blame_close (struct warden *w)
{
    w->looks = sd_event_source_disable_unref (w->looks);
}

/* ---- what is told -------------------------------------------------------- */

__attribute__ ((format (printf, 3, 4))) static void _blame_say (char *buf,
                                                                size_t *at,
                                                                const char *fmt,
                                                                ...)
{
    va_list ap;
    int n;

    va_start (ap, fmt);
    n = vsnprintf (buf + *at, BLAME_TEXT - *at, fmt, ap);
    va_end (ap);
    if (n > 0)
        *at += mw_least ((uint64_t) n, BLAME_TEXT - 1 - *at);
}

static void _blame_parts (const struct mw_memparts *p, const char *lead,
                          char *buf, size_t *at)
{
    char a[MW_SIZE_STRLEN];

    for (unsigned i = 0; i < MW_MEMPARTS; i++) {
        uint64_t bytes = mw_mempart_of (p, &mw_mempart[i]);

        if (!mw_mempart[i].said || bytes == 0 || bytes < p->total / LEAST_SHARE)
            continue;
        _blame_say (buf, at, "%s%s %s", lead, mw_mempart[i].said,
                    mw_size_format (bytes, a, sizeof (a)));
        lead = ", ";
    }
}

static void _blame_one (const struct blame *b, const struct blame_one *one,
                        const char *before, char *buf, size_t *at)
{
    char a[MW_SIZE_STRLEN];

    _blame_say (buf, at, "%s%" PRIu32 " (%s) %s", before, one->pid, one->comm,
                mw_size_format (one->holds, a, sizeof (a)));
    if (one->grew > 0)
        _blame_say (buf, at, ", %s more than %" PRIu64 ".%" PRIu64 " s before",
                    mw_size_format (one->grew, a, sizeof (a)),
                    b->grew_ms / 1000, b->grew_ms % 1000 / 100);
}

char *blame_text (const struct job *job, const char *lead, char buf[BLAME_TEXT])
{
    const struct blame *b = &job->incident.blame;
    size_t at = 0;

    buf[0] = '\0';
    if (b->ms == 0)
        return buf;
    _blame_parts (&b->parts, lead, buf, &at);
    for (unsigned i = 0; i < b->n; i++)
        _blame_one (b, &b->top[i],
                    i > 0      ? ", "
                    : b->n > 1 ? "; largest processes: "
                               : "; largest process: ",
                    buf, &at);
    if (b->cut)
        _blame_say (buf, &at, " (of the first %d)", BLAME_MEMBERS);
    return buf;
}

static void _blame_put_one (struct json_put *p, const struct blame *b,
                            const struct blame_one *one)
{
    json_put (p, "{");
    json_put_number (p, "pid", one->pid);
    json_put_text (p, "comm", one->comm);
    json_put_number (p, "holds", one->holds);
    if (one->again) {
        json_put_number (p, "grew", one->grew);
        json_put_number (p, "grew_in_ms", b->grew_ms);
    }
    json_put_end (p, "},");
}

void blame_put (struct json_put *p, const struct job *job)
{
    const struct blame *b = &job->incident.blame;

    if (b->ms == 0)
        return;
    json_put (p, "\"held\":{");
    for (unsigned i = 0; i < MW_MEMPARTS; i++)
        json_put_number (p, mw_mempart[i].name,
                         mw_mempart_of (&b->parts, &mw_mempart[i]));
    json_put_end (p, "},");
    json_put (p, "\"largest\":[");
    for (unsigned i = 0; i < b->n; i++)
        _blame_put_one (p, b, &b->top[i]);
    json_put_end (p, "],");
}
