/* fuzz.h - what is fed with arbitrary bytes: one row a parser
 *
 * Each target takes any bytes and must neither crash nor break its promise;
 * it aborts where the promise is broken.  libFuzzer runs them (test/fuzz/run,
 * `make fuzz`); unit/test_fuzz runs them over mutated seeds, always the same.
 * Their seeds are test/fuzz/seeds/NAME/: what such a parser meets in real life.
 */
#ifndef MW_FUZZ_H
#define MW_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "lib/err.h"

struct fuzz_target {
    const char *name;
    void (*run) (const uint8_t *data, size_t size);
    unsigned rounds; /* of unit/test_fuzz: fewer where files are written */
};

extern const struct fuzz_target fuzz_targets[];
extern const size_t fuzz_count;

/* The target [name]; NULL. */
const struct fuzz_target *fuzz_named (const char *name);

/* Targets: texts that people write (fuzz_text.c), */
void fuzz_ladder (const uint8_t *data, size_t size);
void fuzz_proclimit (const uint8_t *data, size_t size);
void fuzz_units (const uint8_t *data, size_t size);
void fuzz_settings (const uint8_t *data, size_t size);
void fuzz_conf (const uint8_t *data, size_t size);
void fuzz_slurmconf (const uint8_t *data, size_t size);
/* messages of others (fuzz_peer.c), */
void fuzz_jobspec (const uint8_t *data, size_t size);
void fuzz_wire (const uint8_t *data, size_t size);
void fuzz_client (const uint8_t *data, size_t size);
void fuzz_pass (const uint8_t *data, size_t size);
void fuzz_class (const uint8_t *data, size_t size);
/* the wishes that they end in (fuzz_wish.c), */
void fuzz_wish (const uint8_t *data, size_t size);
/* what is kept in files (fuzz_state.c), */
void fuzz_journal (const uint8_t *data, size_t size);
void fuzz_pool (const uint8_t *data, size_t size);
void fuzz_rlimits (const uint8_t *data, size_t size);
void fuzz_request (const uint8_t *data, size_t size);
void fuzz_answer (const uint8_t *data, size_t size);
void fuzz_decision (const uint8_t *data, size_t size);
/* and what the kernel says (fuzz_kernel.c). */
void fuzz_kmsg (const uint8_t *data, size_t size);
void fuzz_logfile (const uint8_t *data, size_t size);
void fuzz_cgroup (const uint8_t *data, size_t size);
void fuzz_mounts (const uint8_t *data, size_t size);
void fuzz_meminfo (const uint8_t *data, size_t size);
void fuzz_memcg1 (const uint8_t *data, size_t size);
void fuzz_memcg2 (const uint8_t *data, size_t size);
void fuzz_proc (const uint8_t *data, size_t size);

/* Broken promises stop the fuzzer, also where NDEBUG is defined. */
#define PROMISE(cond) \
    do { \
        if (!(cond)) \
            fuzz_broken (#cond, __FILE__, __LINE__); \
    } while (0)
_Noreturn void fuzz_broken (const char *what, const char *file, int line);

/* [size] bytes [data] as a string, the caller's to free. */
char *fuzz_string (const uint8_t *data, size_t size);

/* A sentence holds no control character but a newline of our own. */
void fuzz_check_sentence (const struct mw_err *err);

/* A directory of the fuzzer's own, made when it is first asked for, as descriptor and
 *   path; removed when the program exits.  It is the sysroot (lib/cgfile.h), too. */
int fuzz_dir (void);
const char *fuzz_path (void);

/* Remove [path] and all that is in it. */
void fuzz_remove (const char *path);

/* Make file [name] there of [size] bytes [data]; directories above it are made. */
void fuzz_file (const char *name, const void *data, size_t size);

/* Make of [data] the files [names] (NULL-terminated) there, as tail(1) shows several:
 *   behind a line "==> NAME <==" is that one's content, up to an empty line before the
 *   next; what is before the first such line is [names]' first one's.  Those that it
 *   does not have are removed. */
void fuzz_files (const uint8_t *data, size_t size, const char *const names[]);

#endif /* !MW_FUZZ_H */
