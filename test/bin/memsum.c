/* memsum.c - an innocent job: it looks after its memory and harms nobody
 *
 *     memsum MIB SECONDS SEED
 *
 * Fills so many MiB with what follows from SEED and sums them up again and again,
 * a turn each 50 ms, for so many seconds.  Prints "sum SUM turns N gap MS": the
 * longest time that it did not come to run.  Ends with 1 where two sums differ.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static uint64_t _now_ms (void)
{
    struct timespec t;

    clock_gettime (CLOCK_MONOTONIC, &t);
    return (uint64_t) t.tv_sec * 1000 + (uint64_t) t.tv_nsec / 1000000;
}

static uint64_t _sum (const uint64_t *mem, size_t words)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < words; i++)
        sum = (sum << 1 | sum >> 63) ^ mem[i];
    return sum;
}

int main (int argc, char **argv)
{
    static const struct timespec pause = { .tv_nsec = 50 * 1000 * 1000 };
    uint64_t x, first, began, before, now, gap = 0;
    unsigned long turns = 0;
    uint64_t *mem;
    size_t words;

    if (argc != 4) {
        fputs ("Usage: memsum MIB SECONDS SEED\n", stderr);
        return 2;
    }
    words = strtoul (argv[1], NULL, 10) << 17;
    x = strtoul (argv[3], NULL, 10) | 1;
    if (words == 0 || !(mem = malloc (words * sizeof (*mem)))) {
        perror ("memsum: memory");
        return 2;
    }
    for (size_t i = 0; i < words; i++)
        mem[i] = x = x * UINT64_C (6364136223846793005) + 1;
    first = _sum (mem, words);
    began = before = _now_ms ();
    do {
        nanosleep (&pause, NULL);
        if (_sum (mem, words) != first) {
            puts ("the sum has changed");
            return 1;
        }
        turns++;
        now = _now_ms ();
        gap = now - before > gap ? now - before : gap;
        before = now;
    } while (now - began < strtoul (argv[2], NULL, 10) * 1000);
    printf ("sum %016" PRIx64 " turns %lu gap %" PRIu64 "\n", first, turns,
            gap);
    return 0;
}
