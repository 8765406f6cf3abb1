/* late_join.c - LD_PRELOAD for slurmd: a fault of slurmstepd's, often
 *
 * In 22.05 and 24.11 step_terminate_monitor_stop tells its thread to end
 * (pthread_cond_signal), unlocks, and only then reads which thread it is to
 * join; 26.05 reads it first. A terminate of slurmd's that comes between these
 * two starts another one, and that is joined: for UnkillableStepTimeout, and
 * then the node is drained. Here those few microseconds take LATE_JOIN_MS:
 * whatever unlocks a mutex after it has told a condition of slurmstepd's own
 * program waits that long behind it. And slurmd takes half of that to ask for
 * each terminate, so that it comes in just then where a step's tasks have been
 * killed by who knew that it was to come.
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <time.h>

static _Thread_local int told;

static long ms;       /* in slurmstepd, else 0 */
static void *program; /* where it is mapped */

static void *_base (const void *address)
{
    Dl_info info;

    return dladdr (address, &info) ? info.dli_fbase : NULL;
}

/* Now: slurmstepd writes its title over its name. */
static void __attribute__ ((constructor)) _begin (void)
{
    const char *var = getenv ("LATE_JOIN_MS");

    if (var && !strncmp (program_invocation_short_name, "slurmstepd", 10))
        ms = strtol (var, NULL, 10);
    program = _base ((const void *) getauxval (AT_PHDR));
}

static void _wait (long for_ms)
{
    struct timespec t = { .tv_sec = for_ms / 1000,
                          .tv_nsec = for_ms % 1000 * 1000000 };

    nanosleep (&t, NULL);
}

/* Slurm's own, which is in none of its headers. */
int stepd_terminate (int fd, unsigned short version);

int stepd_terminate (int fd, unsigned short version)
{
    int (*real) (int, unsigned short) = (int (*) (int, unsigned short))
        dlsym (RTLD_NEXT, "stepd_terminate");
    const char *var = getenv ("LATE_JOIN_MS");

    if (var)
        _wait (strtol (var, NULL, 10) / 2);
    return real (fd, version);
}

int pthread_cond_signal (pthread_cond_t *cond)
{
    static int (*real) (pthread_cond_t *);

    if (!real) /* not the old one of glibc 2.2.5 */
        real = (int (*) (pthread_cond_t *)) dlvsym (RTLD_NEXT,
                                                    "pthread_cond_signal",
                                                    "GLIBC_2.3.2");
    told = ms > 0 && _base (cond) == program;
    return real (cond);
}

int pthread_mutex_unlock (pthread_mutex_t *mutex)
{
    static int (*real) (pthread_mutex_t *);
    int rc;

    if (!real)
        real = (int (*) (pthread_mutex_t *)) dlsym (RTLD_NEXT,
                                                    "pthread_mutex_unlock");
    rc = real (mutex);
    if (told) {
        told = 0;
        _wait (ms);
    }
    return rc;
}
