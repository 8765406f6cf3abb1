/* fuzz.h - what is fed with arbitrary bytes: one row a parser
 *
 * Each target takes any bytes and must neither crash nor break its promise;
 * it aborts where the promise is broken.  libFuzzer runs them through
 * test/fuzz/build; unit/test_fuzz runs them over mutated seeds, always the
 * same.
 */
#ifndef MW_FUZZ_H
#define MW_FUZZ_H

#include <stddef.h>
#include <stdint.h>

struct fuzz_target {
    const char *name;
    void (*run) (const uint8_t *data, size_t size);
    const char *const *seeds; /* NULL-terminated; mutants start from these */
};

extern const struct fuzz_target fuzz_targets[];
extern const size_t fuzz_count;

#endif /* !MW_FUZZ_H */
