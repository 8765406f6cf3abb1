/* No bytes crash a parser or break its promises: its seeds, and mutants of them, the
 * same ones in every run (test/fuzz/fuzz.h says what is promised). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "test/fuzz/fuzz.h"

#define ROOM 16384

/* xorshift64: small, and the same on every machine */
static uint64_t _next (uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* Bytes that grammars care for are worth more than random ones. */
static uint8_t _byte (uint64_t *seed)
{
    static const char
        telling[] = "0123456789,@=%x.-\"{}[]:\\kKmMgGsS\n\033\xff";
    uint64_t r = _next (seed);

    return r & 1 ? (uint8_t) telling[(r >> 8) % sizeof (telling)]
                 : (uint8_t) (r >> 8);
}

/* Change [data] of [size] bytes in one way. Returns its new size. */
static size_t _mutate (uint8_t *data, size_t size, uint64_t *seed)
{
    size_t at = size ? _next (seed) % size : 0, n;

    switch (_next (seed) % 4) {
    case 0: /* replace */
        if (size)
            data[at] = _byte (seed);
        return size;
    case 1: /* insert */
        if (size == ROOM)
            return size;
        memmove (data + at + 1, data + at, size - at);
        data[at] = _byte (seed);
        return size + 1;
    case 2: /* cut out */
        if (!size)
            return 0;
        n = 1 + _next (seed) % (size - at);
        memmove (data + at, data + at + n, size - at - n);
        return size - n;
    default: /* repeat the tail */
        n = size - at;
        if (size + n > ROOM)
            return size;
        memmove (data + size, data + at, n);
        return size + n;
    }
}

/* Run [t] with [rounds] mutants of its seed in the file [path]. */
static void _try_seed (const struct fuzz_target *t, const char *path,
                       unsigned rounds)
{
    static uint8_t seed[ROOM], data[ROOM];
    uint64_t dice = 0x6d656d77617264;
    int fd = open (path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : read (fd, seed, sizeof (seed));

    assert_true (size >= 0);
    close (fd);
    t->run (seed, (size_t) size);
    for (unsigned i = 0; i < rounds; i++) {
        size_t len = (size_t) size;

        memcpy (data, seed, len);
        for (uint64_t k = 1 + _next (&dice) % 8; k > 0; k--)
            len = _mutate (data, len, &dice);
        t->run (data, len);
    }
}

static int _is_seed (const struct dirent *e)
{
    return e->d_name[0] != '.';
}

static void _try (const struct fuzz_target *t)
{
    char dir[PATH_MAX], path[PATH_MAX + NAME_MAX + 2];
    struct dirent **seeds;
    int count;

    snprintf (dir, sizeof (dir), "%s/%s", FUZZ_SEEDS, t->name);
    count = scandir (dir, &seeds, _is_seed, alphasort);
    assert_true (count > 0);
    for (int i = 0; i < count; i++) {
        snprintf (path, sizeof (path), "%s/%s", dir, seeds[i]->d_name);
        _try_seed (t, path, t->rounds / (unsigned) count);
        free (seeds[i]);
    }
    free (seeds);
}

static void no_bytes_break_a_parsers_promises (void **state)
{
    (void) state;
    for (size_t i = 0; i < fuzz_count; i++)
        _try (&fuzz_targets[i]);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (no_bytes_break_a_parsers_promises),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
