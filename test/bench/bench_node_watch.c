/* bench_node_watch.c - MemAvailable by a real-time observer, and how long an
 * ordinary process is kept waiting */
#include "test/bench/bench_node.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define PERIOD_US 2000
#define BYSTANDER_US 10000
#define BYSTANDER_TOUCH (256 << 10)
#define BYSTANDER_FILE "/usr/bin/perl"

void bench_die (const char *fmt, ...)
{
    va_list ap;

    va_start (ap, fmt);
    fprintf (stderr, "bench_node_run: ");
    vfprintf (stderr, fmt, ap);
    fprintf (stderr, "\n");
    va_end (ap);
    exit (1);
}

uint64_t bench_now_us (void)
{
    struct timespec t;

    clock_gettime (CLOCK_MONOTONIC, &t);
    return (uint64_t) t.tv_sec * 1000000 + (uint64_t) t.tv_nsec / 1000;
}

static void _sleep_until (uint64_t us)
{
    struct timespec t = { .tv_sec = (time_t) (us / 1000000),
                          .tv_nsec = (long) (us % 1000000) * 1000 };

    while (clock_nanosleep (CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
        ;
}

/* Bytes of [key], a line of /proc/meminfo in kB. */
static uint64_t _value (const char *text, const char *key)
{
    const char *at = strstr (text, key);

    return at ? strtoull (at + strlen (key), NULL, 10) * 1024 : 0;
}

static void _sample (struct watch *w)
{
    char text[512];
    ssize_t n = pread (w->meminfo, text, sizeof (text) - 1, 0);

    if (n <= 0)
        bench_die ("cannot read /proc/meminfo");
    text[n] = '\0';
    w->total = _value (text, "MemTotal:");
    w->available = _value (text, "MemAvailable:");
    if (w->available < w->lowest)
        w->lowest = w->available;
}

void watch_open (struct watch *w)
{
    struct sched_param first = { .sched_priority = 50 };

    if (mlockall (MCL_CURRENT | MCL_FUTURE) < 0)
        bench_die ("cannot lock its memory: %s", strerror (errno));
    if (sched_setscheduler (0, SCHED_FIFO | SCHED_RESET_ON_FORK, &first) < 0)
        bench_die ("no real-time priority: %s", strerror (errno));
    w->meminfo = open ("/proc/meminfo", O_RDONLY | O_CLOEXEC);
    watch_reset (w);
    _sample (w);
}

void watch_reset (struct watch *w)
{
    w->lowest = UINT64_MAX;
    w->stall_us = 0;
    w->sampled_us = bench_now_us ();
}

void watch_next (struct watch *w)
{
    uint64_t due = w->sampled_us + PERIOD_US, now;

    _sleep_until (due);
    _sample (w);
    now = bench_now_us ();
    if (now > due && now - due > w->stall_us)
        w->stall_us = now - due;
    w->sampled_us = now;
}

/* One turn of the bystander: new memory, and a page of a file. */
static void _stir (int file, off_t size, unsigned turn)
{
    char page[4096];
    char *mem = mmap (NULL, BYSTANDER_TOUCH, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (mem != MAP_FAILED) {
        for (size_t i = 0; i < BYSTANDER_TOUCH; i += 4096)
            mem[i] = 1;
        munmap (mem, BYSTANDER_TOUCH);
    }
    if (pread (file, page, sizeof (page), turn * 4096 % size) < 0)
        _exit (1);
}

static void _bystander (volatile uint64_t *stall_us)
{
    int file = open (BYSTANDER_FILE, O_RDONLY | O_CLOEXEC);
    off_t size = lseek (file, 0, SEEK_END);
    uint64_t began, took;

    prctl (PR_SET_PDEATHSIG, SIGKILL);
    prctl (PR_SET_NAME, "mwb-bystander");
    for (unsigned turn = 0;; turn++) {
        began = bench_now_us ();
        _sleep_until (began + BYSTANDER_US);
        _stir (file, size > 4096 ? size : 4096, turn);
        took = bench_now_us () - began;
        if (took > BYSTANDER_US && took - BYSTANDER_US > *stall_us)
            *stall_us = took - BYSTANDER_US;
    }
}

pid_t watch_bystander (volatile uint64_t **stall_us)
{
    pid_t pid;

    *stall_us = mmap (NULL, sizeof (**stall_us), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (*stall_us == MAP_FAILED)
        bench_die ("no memory to share");
    pid = fork ();
    if (pid == 0)
        _bystander (*stall_us);
    if (pid < 0)
        bench_die ("cannot fork");
    return pid;
}
