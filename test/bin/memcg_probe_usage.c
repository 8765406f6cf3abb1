/* memcg_probe_usage.c - what is used, and what is reserved */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cgfile.h"
#include "test/bin/memcg_probe.h"

static int write_shmem (void *arg)
{
    uint64_t bytes = *(uint64_t *) arg;
    char *p = mmap (NULL, bytes, PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED)
        return 98;
    memset (p, 1, bytes);
    for (;;)
        pause ();
}

static int lock_anon (void *arg)
{
    uint64_t bytes = *(uint64_t *) arg;
    char *p = mmap (NULL, bytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED || mlock (p, bytes) < 0)
        return 98;
    for (;;)
        pause ();
}

/* Until its used memory is what [fn] takes; never above. */
static void expect_used (int (*fn) (void *), uint64_t bytes)
{
    uint64_t end = t_now_us () + T_PATIENCE * 1000;
    struct memcg_usage u = { 0 };
    struct tproc p;
    struct tcg job;

    t_make (&job, &base, "job");
    t_open (&job, MW_LAYOUT_LEAF, 0);
    p = t_spawn (&job, fn, &bytes);
    while (u.used < bytes) {
        T_CHECK (!t_ended (&p, 1), "the process ended");
        T_CHECK (t_now_us () < end, "used %lu", (unsigned long) u.used);
        T_CHECK (job.m.ops->read_usage (&job.m, &u, &err) == 0, "%s", err.text);
    }
    T_CHECK (u.used < bytes + mib (6), "used %lu", (unsigned long) u.used);
    kill_all (&job.m);
    expect_killed (&p);
    t_remove (&job);
}

static void anon_shmem_and_locked_count_once (void)
{
    expect_used (t_touch_and_stay, mib (20));
    expect_used (write_shmem, mib (20));
    expect_used (lock_anon, mib (20));
}

static uint64_t stream_left;

/* Read it through the page cache of this memcg. */
static int read_file (const char *path, const struct stat *st, int type,
                      struct FTW *ftw)
{
    static char buf[1 << 17];
    int fd;
    ssize_t n;

    (void) ftw;
    if (type != FTW_F || st->st_size < (1 << 20))
        return 0;
    fd = open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return 0;
    posix_fadvise (fd, 0, 0, POSIX_FADV_DONTNEED);
    while (stream_left > 0 && (n = read (fd, buf, sizeof (buf))) > 0)
        stream_left -= (uint64_t) n < stream_left ? (uint64_t) n : stream_left;
    close (fd);
    return stream_left == 0;
}

static int stream (void *arg)
{
    stream_left = *(uint64_t *) arg;
    return nftw ("/usr/lib", read_file, 16, FTW_PHYS) == 1 ? 0 : 97;
}

#define WAKES 64

static void streaming_files_is_no_oom (void)
{
    uint64_t bytes = mib (320), wake[WAKES] = { 0 }, now;
    unsigned wakes = 0, backoff = 0;
    struct memcg_usage u;
    uint64_t most = 0;
    struct tproc p;
    struct tcg job;
    int n;

    t_make (&job, &base, "job");
    t_open (&job, MW_LAYOUT_LEAF, mib (32));
    p = t_spawn (&job, stream, &bytes);
    for (;;) {
        struct pollfd f[2] = {
            { .fd = p.done, .events = POLLIN },
            { .fd = job.m.event, .events = job.m.ops->epoll_events },
        };
        /* a look costs the same whether by event or by back-off */
        n = poll (f, backoff ? 1 : 2, backoff ? (int) backoff : T_PATIENCE);
        if (f[0].revents)
            break;
        T_CHECK (n > 0 || backoff, "the process did not end");
        T_CHECK (job.m.ops->check (&job.m) == MEMCG_QUIET, "a false alarm");
        backoff = job.m.backoff_ms;
        now = t_now_us ();
        T_CHECK (wakes < 10 || now - wake[(wakes - 10) % WAKES] > 1000000,
                 "more than 10 wake-ups in a second");
        wake[wakes++ % WAKES] = now;
        T_CHECK (job.m.ops->read_usage (&job.m, &u, &err) == 0, "%s", err.text);
        most = u.used > most ? u.used : most;
    }
    expect_ok (&p);
    T_CHECK (job.m.ops->read_usage (&job.m, &u, &err) == 0, "%s", err.text);
    T_CHECK (u.total > mib (16), "nothing was cached: %lu of %lu",
             (unsigned long) u.cache, (unsigned long) u.total);
    most = u.used > most ? u.used : most;
    T_CHECK (most < mib (8), "cache is counted as used: %lu",
             (unsigned long) most);
    printf ("%u wake-ups for %lu MiB\n", wakes, (unsigned long) (bytes / MIB));
}

static void reclaim_takes_the_cache (void)
{
    uint64_t bytes = mib (64), freed = 0, before, after;
    struct memcg_usage u;
    struct tproc p;
    struct tcg job;

    t_make (&job, &base, "job");
    t_open (&job, MW_LAYOUT_LEAF, mib (96));
    p = t_spawn (&job, stream, &bytes);
    expect_ok (&p);
    T_CHECK (job.m.ops->read_usage (&job.m, &u, &err) == 0, "%s", err.text);
    before = u.total;
    T_CHECK (before > mib (32), "nothing was cached");
    T_CHECK (job.m.ops->reclaim (&job.m, mib (8), &freed, &err) == 0, "%s",
             err.text);
    T_CHECK (freed >= mib (4), "freed %lu", (unsigned long) freed);
    T_CHECK (job.m.ops->read_usage (&job.m, &u, &err) == 0, "%s", err.text);
    T_CHECK (u.total + freed <= before + MIB, "it freed less than it says");
    T_CHECK (cg_read_u64 (job.dir,
                          t_v2 ? "memory.high" : "memory.limit_in_bytes",
                          &after) == 0 &&
                 after == mib (96),
             "the limit is not what it was");
}

static void memory_and_swap_move_together (void)
{
    static const char memsw[] = "memory.memsw.limit_in_bytes";
    struct tcg job;
    uint64_t v;

    t_make (&job, &base, "job");
    T_CHECK (cg_write_u64 (job.dir, "memory.limit_in_bytes", mib (32)) == 0 &&
                 cg_write_u64 (job.dir, memsw, mib (40)) == 0,
             "%s", strerror (errno));
    t_open (&job, MW_LAYOUT_LEAF, 0);
    set_limit (&job.m, mib (64));
    T_CHECK (cg_read_u64 (job.dir, memsw, &v) == 0 && v == mib (72),
             "raised to %lu", (unsigned long) v);
    set_limit (&job.m, mib (32));
    T_CHECK (cg_read_u64 (job.dir, memsw, &v) == 0 && v == mib (40),
             "lowered to %lu", (unsigned long) v);
}

static void a_reservation_is_carried_by_the_ancestors (void)
{
    struct tcg a, b;
    uint64_t v;

    t_make (&a, &base, "a");
    t_make (&b, &base, "b");
    t_open (&a, MW_LAYOUT_LEAF, 0);
    t_open (&b, MW_LAYOUT_LEAF, 0);
    T_CHECK (a.m.ops->set_reservation (&a.m, mib (16), &err) == 0, "%s",
             err.text);
    T_CHECK (b.m.ops->set_reservation (&b.m, mib (8), &err) == 0, "%s",
             err.text);
    T_CHECK (cg_read_u64 (a.dir, "memory.low", &v) == 0 && v == mib (16), "a");
    T_CHECK (cg_read_u64 (base.dir, "memory.low", &v) == 0 && v == mib (24),
             "parent: %lu", (unsigned long) v);
}

const struct promise memcg_probe_usage[] = {
    PROMISE (anon_shmem_and_locked_count_once),
    PROMISE (streaming_files_is_no_oom),
    PROMISE (reclaim_takes_the_cache),
    PROMISE (memory_and_swap_move_together),
    PROMISE (a_reservation_is_carried_by_the_ancestors),
    { NULL, NULL }
};
