/* libfuzzer.c - the target that -DFUZZ_TARGET names, for clang's libFuzzer */
#include <string.h>

#include "test/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < fuzz_count; i++)
        if (strcmp (fuzz_targets[i].name, FUZZ_TARGET) == 0)
            fuzz_targets[i].run (data, size);
    return 0;
}
