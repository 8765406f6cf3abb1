/* No bytes crash a parser or break its promises: mutants of good input, the
 * same ones in every run (test/fuzz/targets.c says what is promised). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "test/fuzz/fuzz.h"

#define ROUNDS 20000
#define ROOM 2048

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

static void _try (const struct fuzz_target *t)
{
    uint64_t seed = 0x6d656d77617264;
    uint8_t data[ROOM];

    for (const char *const *s = t->seeds; *s; s++) {
        t->run ((const uint8_t *) *s, strlen (*s));
        for (int i = 0; i < ROUNDS; i++) {
            size_t size = strlen (*s);

            memcpy (data, *s, size);
            for (uint64_t k = 1 + _next (&seed) % 8; k > 0; k--)
                size = _mutate (data, size, &seed);
            t->run (data, size);
        }
    }
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
