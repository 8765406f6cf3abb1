/* beat.c - the warden's half of being watched: see beat.h */
#include "handler/daemon/beat.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include "lib/event.h"

static struct {
    struct beat *shared;
    int poke;
    sd_event_source *io;
    void (*look) (struct warden *w);
} beat = { .poke = -1 };

int beat_open (struct mw_err *err)
{
    void *page = mmap (NULL, sizeof (struct beat), PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (page == MAP_FAILED)
        return mw_err_errno (err, "cannot share a page with the guard");
    beat.poke = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (beat.poke < 0) {
        munmap (page, sizeof (struct beat));
        return mw_err_errno (err, "cannot be poked by the guard");
    }
    beat.shared = page;
    return 0;
}

const struct beat *beat_shared (void)
{
    return beat.shared;
}

int beat_poke (void)
{
    return beat.poke;
}

/* sd-event calls it before each wait, whatever has been heard. */
static int _beat_on_turn (sd_event_source *s, void *arg)
{
    (void) s;
    (void) arg;
    atomic_fetch_add_explicit (&beat.shared->turns, 1, memory_order_relaxed);
    return 0;
}

static int _beat_on_poke (sd_event_source *s, int fd, uint32_t events,
                          void *arg)
{
    eventfd_t n;

    (void) s;
    (void) events;
    eventfd_read (fd, &n);
    beat.look (arg);
    return 0;
}

int beat_listen (struct warden *w, void (*look) (struct warden *w),
                 struct mw_err *err)
{
    int rc;

    if (!beat.shared) /* nobody watches */
        return 0;
    beat.look = look;
    rc = sd_event_add_io (w->loop, &beat.io, beat.poke, EPOLLIN, _beat_on_poke,
                          w);
    if (rc >= 0)
        rc = sd_event_source_set_prepare (beat.io, _beat_on_turn);
    if (rc < 0) {
        errno = -rc;
        return mw_err_errno (err, "cannot be poked by the guard");
    }
    beat.shared->phase = BEAT_RUNS;
    return 0;
}

void beat_ends (void)
{
    if (beat.shared)
        beat.shared->phase = BEAT_ENDS;
}
