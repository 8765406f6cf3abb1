/* bench_node_hog.c - the jobs of bench_node_run: what they do with memory
 *
 * Writes a byte to standard output when it has used its first part, which it
 * does as fast as it can; then it grows at its rate to the most it may have,
 * and stays.  Started in its cgroup; ends only by a signal.
 */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "lib/units.h"

static const char usage[] =
    "Usage: bench_node_hog KIND NAME [OPTION]...\n"
    "KIND  plain    one process\n"
    "      many     twenty, which share first, rate and most\n"
    "      hidden   half shared memory, half page tables of memory that is\n"
    "               only read: little of it is in any process's RSS\n"
    "      fork     a fork bomb: each takes 4 MiB, then forks for ever\n"
    "  --first SIZE  at once\n"
    "  --rate SIZE   then so much a second (without: as fast as it can)\n"
    "  --most SIZE   in all (without: no end)\n";

#define PAGE 4096
#define STEP (256 * MW_KIB)
#define MANY 20
#define FORK_SIZE (4 * MW_MIB)
#define FORK_PAUSE_US 20000
#define PTE_REACH (2 * MW_MIB) /* what one page of page table maps */

static struct {
    uint64_t first, rate, most;
    const char *name;
} opt = { .most = UINT64_MAX };

/* Memory for ever, a step at a time. */
struct source {
    char *at;
    uint64_t left, chunk;
};

static uint64_t _now_us (void)
{
    struct timespec t;

    clock_gettime (CLOCK_MONOTONIC, &t);
    return (uint64_t) t.tv_sec * 1000000 + (uint64_t) t.tv_nsec / 1000;
}

static void _stay (void)
{
    for (;;)
        pause ();
}

static void _map (struct source *s, int prot, int flags)
{
    s->at = mmap (NULL, s->chunk, prot, flags | MAP_ANONYMOUS | MAP_NORESERVE,
                  -1, 0);
    if (s->at == MAP_FAILED)
        _stay ();
    s->left = s->chunk;
}

static void _touch_plain (uint64_t bytes, bool shared)
{
    static struct source s = { .chunk = 64 * MW_MIB };

    if (s.left < bytes)
        _map (&s, PROT_READ | PROT_WRITE, shared ? MAP_SHARED : MAP_PRIVATE);
    for (uint64_t i = 0; i < bytes; i += PAGE)
        s.at[i] = 1;
    s.at += bytes;
    s.left -= bytes;
}

/* A page that is only read is the one page of zeroes, wherever it is; but what
 * maps it takes a page of page table for each 2 MiB of addresses. */
static void _touch_tables (uint64_t bytes)
{
    static struct source s = { .chunk = 64 * MW_GIB };
    volatile char seen;

    for (uint64_t done = 0; done < bytes; done += PAGE) {
        if (s.left < PTE_REACH) {
            _map (&s, PROT_READ, MAP_PRIVATE);
            madvise (s.at, s.chunk, MADV_NOHUGEPAGE);
        }
        seen = *s.at;
        (void) seen;
        s.at += PTE_REACH;
        s.left -= PTE_REACH;
    }
}

static void _touch_hidden (uint64_t bytes)
{
    static bool tables;

    tables = !tables;
    if (tables)
        _touch_tables (bytes);
    else
        _touch_plain (bytes, true);
}

static void _touch_private (uint64_t bytes)
{
    _touch_plain (bytes, false);
}

/* Grow as told; [share]: of how many processes this is one. */
static void _grow (void (*touch) (uint64_t bytes), unsigned share)
{
    uint64_t first = opt.first / share, rate = opt.rate / share, done = 0;
    uint64_t most = opt.most / share, began, due, now;

    while (done < first) {
        touch (STEP);
        done += STEP;
    }
    if (write (STDOUT_FILENO, "+", 1) < 0)
        _exit (1);
    began = _now_us ();
    while (done < most) {
        touch (STEP);
        done += STEP;
        due = rate ? began + (done - first) * 1000000 / rate : 0;
        now = _now_us ();
        if (now < due)
            usleep ((useconds_t) (due - now));
    }
    _stay ();
}

static void _many (void)
{
    for (unsigned i = 1; i < MANY; i++) {
        if (fork () == 0)
            break;
    }
    _grow (_touch_private, MANY);
}

/* Both sides of each fork go on alike. */
static void _bomb (void)
{
    if (write (STDOUT_FILENO, "+", 1) < 0)
        _exit (1);
    for (;;) {
        if (fork () >= 0)
            for (uint64_t i = 0; i < FORK_SIZE; i += STEP)
                _touch_private (STEP);
        usleep (FORK_PAUSE_US);
    }
}

static uint64_t _size (const char *text)
{
    struct mw_err err;
    uint64_t bytes;

    if (mw_size_parse (text, &bytes, &err) < 0) {
        fprintf (stderr, "bench_node_hog: %s\n", err.text);
        exit (2);
    }
    return bytes;
}

static void _parse (int argc, char **argv)
{
    static const struct option options[] = { { "first", 1, NULL, 'f' },
                                             { "rate", 1, NULL, 'r' },
                                             { "most", 1, NULL, 'm' },
                                             { "help", 0, NULL, 'h' },
                                             { 0 } };
    int c;

    while ((c = getopt_long (argc, argv, "", options, NULL)) != -1) {
        switch (c) {
        case 'f':
            opt.first = _size (optarg);
            break;
        case 'r':
            opt.rate = _size (optarg);
            break;
        case 'm':
            opt.most = _size (optarg);
            break;
        case 'h':
            fputs (usage, stdout);
            exit (0);
        default:
            fputs (usage, stderr);
            exit (2);
        }
    }
    if (argc - optind != 2) {
        fputs (usage, stderr);
        exit (2);
    }
    opt.name = argv[optind + 1];
}

int main (int argc, char **argv)
{
    const char *kind;

    _parse (argc, argv);
    kind = argv[optind];
    prctl (PR_SET_NAME, opt.name);
    if (!strcmp (kind, "plain"))
        _grow (_touch_private, 1);
    else if (!strcmp (kind, "hidden"))
        _grow (_touch_hidden, 1);
    else if (!strcmp (kind, "many"))
        _many ();
    else if (!strcmp (kind, "fork"))
        _bomb ();
    fprintf (stderr, "bench_node_hog: no kind \"%s\"\n", kind);
    return 2;
}
