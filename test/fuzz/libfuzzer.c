/* libfuzzer.c - the target that the program is called after, fuzz_NAME, for clang's
 * libFuzzer */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "test/fuzz/fuzz.h"

static const struct fuzz_target *target;

int LLVMFuzzerInitialize (int *argc, char ***argv);
int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int LLVMFuzzerInitialize (int *argc, char ***argv)
{
    const char *name = program_invocation_short_name;

    (void) argc;
    (void) argv;
    target = strncmp (name, "fuzz_", 5) ? NULL : fuzz_named (name + 5);
    if (target)
        return 0;
    /* --targets: their names, for test/fuzz/run */
    for (size_t i = 0; i < fuzz_count; i++)
        puts (fuzz_targets[i].name);
    exit (0);
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    target->run (data, size);
    return 0;
}
