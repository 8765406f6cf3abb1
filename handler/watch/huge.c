/* huge.c - a job is refused huge pages: see huge.h */
#include "handler/watch/huge.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/inotify.h>

#include "handler/job/warden.h"
#include "handler/memcg/hugetlb.h"
#include "handler/record/report.h"
#include "lib/clock.h"
#include "lib/event.h"
#include "lib/json_put.h"

#define AGAIN_MS 60000

/* Of all sizes of pages, [most] being the one that was refused most often. */
static uint64_t _huge_refused (int dir, struct hugetlb *most)
{
    uint64_t sum = 0;
    struct hugetlb h;

    *most = (struct hugetlb) { 0 };
    for (unsigned i = 0; i < MW_HUGETLB_SIZES; i++) {
        if (hugetlb_read (dir, i, &h) < 0)
            continue;
        sum += h.refused;
        if (!most->size || h.refused > most->refused)
            *most = h;
    }
    return sum;
}

static const char *_huge_limit (const struct hugetlb *h, char *buf, size_t len)
{
    char a[MW_SIZE_STRLEN];

    if (h->limit == MEMCG_NO_LIMIT)
        snprintf (buf, len, "the limit is not the job's own");
    else
        snprintf (buf, len, "the job's limit of them is %s",
                  mw_size_format (h->limit, a, sizeof (a)));
    return buf;
}

static void _huge_tell (struct warden *w, struct job *job,
                        const struct hugetlb *h, uint64_t times)
{
    char a[MW_SIZE_STRLEN], limit[64], more[160];
    struct json_put p = { .text = more, .size = sizeof (more) };

    json_put (&p, "\"hugetlb\":{");
    json_put_text (&p, "size", h->size);
    json_put_number (&p, "used", h->used);
    if (h->limit != MEMCG_NO_LIMIT)
        json_put_number (&p, "limit", h->limit);
    json_put_number (&p, "refused", times);
    json_put_end (&p, "}");
    report_more (w, job, "huge", REPORT_LOG | REPORT_JOB, json_put_done (&p),
                 "job %s: was refused huge pages (%" PRIu64 " times): it uses "
                 "%s in pages of %s, and %s; who touches one more gets SIGBUS, "
                 "or ENOMEM of mmap",
                 job->spec.key, times, mw_size_format (h->used, a, sizeof (a)),
                 h->size, _huge_limit (h, limit, sizeof (limit)));
}

bool huge_look (struct warden *w, struct job *job, bool last)
{
    uint64_t refused, now = clock_ms ();
    struct hugetlb most;

    if (job->huge_dir < 0)
        return false;
    refused = _huge_refused (job->huge_dir, &most);
    if (refused <= job->huge_refused ||
        (!last && job->huge_ms > 0 && now - job->huge_ms < AGAIN_MS))
        return false;
    _huge_tell (w, job, &most, refused - job->huge_refused);
    job->huge_refused = refused;
    job->huge_ms = now;
    return true;
}

static struct warden *_huge_warden; /* sd-event hands over one pointer */

static int _huge_on_refused (sd_event_source *s, const struct inotify_event *e,
                             void *arg)
{
    (void) s;
    (void) e;
    if (huge_look (_huge_warden, arg, false))
        report_flush (_huge_warden);
    return 0;
}

void huge_listen (struct warden *w, struct job *job)
{
    char path[96];

    _huge_warden = w;
    if (job->huge_dir < 0) /* at its end nothing is to be looked for */
        job->huge_dir = hugetlb_open (&job->memcg);
    if (job->huge_dir < 0)
        return;
    for (unsigned i = 0, n = 0; i < MW_HUGETLB_SIZES && n < JOB_HUGE; i++) {
        if (!job->huge[n] &&
            hugetlb_told (job->huge_dir, i, path, sizeof (path)) == 0 &&
            sd_event_add_inotify (w->loop, &job->huge[n], path, IN_MODIFY,
                                  _huge_on_refused, job) >= 0)
            n++;
    }
    huge_look (w, job, false);
}
