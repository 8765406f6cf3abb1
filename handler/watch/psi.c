/* psi.c - tasks that wait for memory: see psi.h
 *
 * Documentation/accounting/psi.rst: "some 150000 1000000" written to
 * /proc/pressure/memory (µs of stall in a window) makes poll(2) give POLLPRI at
 * most once a window; POLLERR when the pressure file has gone.
 */
#include "handler/watch/psi.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <syslog.h>
#include <unistd.h>

#include "handler/job/warden.h"
#include "handler/policy/signs.h"
#include "handler/record/report.h"
#include "lib/cgfile.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/event.h"

#define TOLD_MS 60000 /* stalls are told no more often than that */
#define VMSTAT_MAX 16384

struct watch_psi {
    int fd, vmstat;
    sd_event_source *event;
    struct conf_psi trigger;
    uint64_t stalled_ms; /* last event; 0 */
    uint64_t told_ms;
    uint64_t scanned, refaulted; /* counters then … */
    struct signs_stall stall;    /* … and what they grew by */
};

static void _psi_name (const struct conf_psi *p, char *buf, size_t len)
{
    char stall[32], window[32];

    snprintf (buf, len, "%s %s/%s", p->kind == CONF_PSI_FULL ? "full" : "some",
              mw_duration_format (p->stall_ms, stall, sizeof (stall)),
              mw_duration_format (p->window_ms, window, sizeof (window)));
}

/* Where /proc/vmstat cannot be read there are only the other two signs. */
static void _count (struct watch_psi *p, uint64_t now)
{
    static char text[VMSTAT_MAX];
    uint64_t scanned = 0, file = 0, anon = 0, refaulted;
    ssize_t n = p->vmstat < 0 ? -1
                              : pread (p->vmstat, text, sizeof (text) - 1, 0);
    bool fresh = p->stalled_ms > 0 &&
                 now - p->stalled_ms <= 2 * p->trigger.window_ms;

    p->stall = (struct signs_stall) { 0 };
    if (n <= 0)
        return;
    text[n] = '\0';
    cg_key (text, "pgscan_direct", &scanned);
    if (!cg_key (text, "workingset_refault_file", &file))
        cg_key (text, "workingset_refault", &file); /* before Linux 5.9 */
    cg_key (text, "workingset_refault_anon", &anon);
    refaulted = (file + anon) * (uint64_t) sysconf (_SC_PAGESIZE);
    if (fresh && scanned >= p->scanned && refaulted >= p->refaulted)
        p->stall = (struct signs_stall) { .ms = now - p->stalled_ms,
                                          .scanned = scanned - p->scanned,
                                          .refaulted = refaulted -
                                                       p->refaulted };
    p->scanned = scanned;
    p->refaulted = refaulted;
}

static void _gone (struct warden *w)
{
    report_log (w, LOG_WARNING,
                "/proc/pressure/memory has gone: stalls are "
                "not seen any more, MemAvailable and the pool are");
    watch_psi_close (w);
}

static int _on_stall (sd_event_source *s, int fd, uint32_t events, void *arg)
{
    struct warden *w = arg;
    struct watch_psi *p = w->psi;
    uint64_t now = clock_ms ();
    char name[64];

    (void) s;
    (void) fd;
    if (events & (EPOLLERR | EPOLLHUP)) {
        _gone (w);
        return 0;
    }
    _count (p, now);
    p->stalled_ms = now;
    if (p->told_ms == 0 || now - p->told_ms >= TOLD_MS) {
        p->told_ms = now;
        _psi_name (&p->trigger, name, sizeof (name));
        report_log (w, LOG_INFO,
                    "tasks wait for memory (PSI %s): the node is "
                    "looked at",
                    name);
    }
    w->up.stalled (w);
    report_flush (w);
    return 0;
}

static int _write_trigger (const struct watch_psi *p)
{
    char text[64];
    int n = snprintf (text, sizeof (text), "%s %" PRIu64 " %" PRIu64,
                      p->trigger.kind == CONF_PSI_FULL ? "full" : "some",
                      p->trigger.stall_ms * 1000, p->trigger.window_ms * 1000);

    return write (p->fd, text, (size_t) n + 1) < 0 ? -1 : 0;
}

/* Without CAP_SYS_RESOURCE (a container) windows are multiples of 2 s: the same
 * share of the next one then. */
static int _set_trigger (struct warden *w, struct watch_psi *p)
{
    struct conf_psi *t = &p->trigger;
    uint64_t window = (t->window_ms + 1999) / 2000 * 2000;
    char name[64];

    if (_write_trigger (p) == 0)
        return 0;
    if (errno != EINVAL || window == t->window_ms)
        return -1;
    t->stall_ms = t->stall_ms * window / t->window_ms;
    t->window_ms = window;
    if (_write_trigger (p) < 0)
        return -1;
    _psi_name (t, name, sizeof (name));
    report_log (w, LOG_NOTICE,
                "PSI: the kernel takes only windows of 2 s "
                "here: \"%s\"",
                name);
    return 0;
}

static int _psi_open (struct warden *w, struct watch_psi *p)
{
    int rc;

    p->fd = sysroot_open ("/proc/pressure/memory", O_RDWR | O_NONBLOCK);
    if (p->fd < 0 || _set_trigger (w, p) < 0)
        return -1;
    p->vmstat = sysroot_open ("/proc/vmstat", O_RDONLY);
    rc = sd_event_add_io (w->loop, &p->event, p->fd, EPOLLPRI, _on_stall, w);
    errno = rc < 0 ? -rc : 0;
    return rc < 0 ? -1 : 0;
}

static void _psi_free (struct watch_psi *p)
{
    sd_event_source_disable_unref (p->event);
    if (p->fd >= 0)
        close (p->fd);
    if (p->vmstat >= 0)
        close (p->vmstat);
    free (p);
}

void watch_psi_open (struct warden *w)
{
    struct watch_psi *p;
    char name[64];

    watch_psi_close (w);
    if (w->conf.psi.kind == CONF_PSI_OFF)
        return;
    p = calloc (1, sizeof (*p));
    if (p) {
        *p = (struct watch_psi) { .fd = -1,
                                  .vmstat = -1,
                                  .trigger = w->conf.psi };
        if (_psi_open (w, p) == 0) {
            w->psi = p;
            return;
        }
    }
    _psi_name (&w->conf.psi, name, sizeof (name));
    report_log (w, LOG_WARNING,
                "no PSI trigger \"%s\" (%s): stalls are not "
                "seen, MemAvailable and the pool are",
                name, strerror (errno));
    if (p)
        _psi_free (p);
}

void watch_psi_close (struct warden *w)
{
    if (w->psi)
        _psi_free (w->psi);
    w->psi = NULL;
}

bool watch_psi_stalled (const struct warden *w)
{
    const struct watch_psi *p = w->psi;

    return p && p->stalled_ms > 0 &&
           clock_ms () - p->stalled_ms <= 2 * p->trigger.window_ms;
}

void watch_psi_less (struct warden *w, uint64_t own)
{
    struct signs_stall *s = &w->psi->stall;

    s->refaulted -= mw_least (own, s->refaulted);
}

uint64_t watch_psi_need (const struct warden *w, const struct policy_node *node,
                         uint64_t since_ms, bool *early, char *why, size_t len)
{
    static const char *const second[] = {
        [SIGNS_NONE] = "",
        [SIGNS_AVAILABLE] = "MemAvailable is close to the node reserve",
        [SIGNS_SWAP] = "swap is full",
        [SIGNS_REFAULTS] = "what is dropped is read in again",
    };
    enum signs_second sign;
    uint64_t need;

    if (!watch_psi_stalled (w) || w->psi->stall.ms == 0 ||
        w->psi->stalled_ms - w->psi->stall.ms < since_ms)
        return 0;
    sign = signs_second (node, &w->psi->stall, &need);
    *early = sign == SIGNS_AVAILABLE;
    if (need > 0)
        snprintf (why, len, "tasks wait for memory, and %s", second[sign]);
    return need;
}
