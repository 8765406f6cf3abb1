/* A process whose first thread has ended has memory all the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "handler/memcg/hears.h"
#include "handler/memcg/procs.h"
#include "handler/memcg/rlimits.h"
#include "handler/record/journal.h"
#include "lib/cgfile.h"
#include "test/unit/fake_warden.h"
#include "test/unit/sanitized.h"

#define SIZE (64 * MW_MIB)

static struct mw_err err;
static pid_t headless;

static void *_stay (void *arg)
{
    char *p = mmap (NULL, SIZE, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    for (size_t i = 0; p != MAP_FAILED && i < SIZE; i += 4096)
        p[i] = 1;
    if (write (*(int *) arg, "x", 1) == 1)
        for (;;)
            pause ();
    return NULL;
}

/* As [uid]. Returns when its first thread is a zombie. */
static pid_t _start (uid_t uid)
{
    static int ready[2];
    char state[512], path[64], c;
    pthread_t thread;
    pid_t pid;
    int dir;

    assert_int_equal (pipe (ready), 0);
    pid = fork ();
    if (pid == 0) {
        if (uid != geteuid () && setresuid (uid, uid, uid) < 0)
            _exit (1);
        pthread_create (&thread, NULL, _stay, &ready[1]);
        syscall (SYS_exit, 0); /* of this thread alone */
    }
    close (ready[1]);
    assert_int_equal (read (ready[0], &c, 1), 1);
    close (ready[0]);
    snprintf (path, sizeof (path), "/proc/%d", (int) pid);
    dir = open (path, O_RDONLY | O_DIRECTORY);
    do {
        assert_true (cg_read (dir, "status", state, sizeof (state)) > 0);
    } while (!strstr (state, "State:\tZ"));
    close (dir);
    return pid;
}

static int _end (void **state)
{
    if (headless > 0) {
        kill (headless, SIGKILL);
        waitpid (headless, NULL, 0);
    }
    headless = 0;
    return fake_end (state);
}

static struct job *_in_a_job (uid_t uid)
{
    struct job *job = fake_job ("12", "kill");
    char pid[16];
    int fd;

    headless = _start (uid);
    snprintf (pid, sizeof (pid), "%d\n", (int) headless);
    fd = openat (job->memcg.dir, "cgroup.procs", O_WRONLY | O_TRUNC);
    assert_int_equal (write (fd, pid, strlen (pid)), strlen (pid));
    close (fd);
    return job;
}

static void _keep_proc (const struct proc *p, void *arg)
{
    *(struct proc *) arg = *p;
}

static void it_is_shown_with_its_memory (void **state)
{
    struct job *job = _in_a_job (geteuid ());
    struct proc p = { 0 };

    (void) state;
    procs_each (job->memcg.dir, _keep_proc, &p);
    assert_int_equal (p.pid, headless);
    assert_true (p.rss >= SIZE);
    assert_int_not_equal (p.state, 'Z');
    assert_non_null (strstr (p.command, "test_live"));
    assert_true (hears_holds (headless) >= SIZE);
    assert_true (hears_started (headless) > 0);
    assert_false (hears_killed (headless));
}

static void it_can_be_refused_memory (void **state)
{
    struct job *job = _in_a_job (geteuid ());
    struct rlimit l;

    (void) state;
    if (MW_SANITIZED) /* it has terabytes of addresses already */
        skip ();
    assert_int_equal (rlimits_lower (&job->memcg, fake.w.journal->state_dir,
                                     "12", SIZE / 2, NULL, &err),
                      1);
    assert_int_equal (prlimit (headless, RLIMIT_DATA, NULL, &l), 0);
    assert_true (l.rlim_cur >= SIZE && l.rlim_cur < 64 * SIZE);
    assert_int_equal (rlimits_restore (&job->memcg, fake.w.journal->state_dir,
                                       "12", &err),
                      1);
}

/* Lose, or have again, what prlimit(2) on somebody else's process needs. */
static void _may (bool on)
{
    struct __user_cap_header_struct h = {
        .version = _LINUX_CAPABILITY_VERSION_3
    };
    struct __user_cap_data_struct d[2];
    const unsigned bit = 1u << CAP_SYS_RESOURCE;

    assert_int_equal (syscall (SYS_capget, &h, d), 0);
    d[0].effective &= ~bit;
    if (on)
        d[0].effective |= d[0].permitted & bit;
    assert_int_equal (syscall (SYS_capset, &h, d), 0);
}

static void what_is_not_permitted_is_not_nobody (void **state)
{
    struct job *job;
    int rc, why;

    (void) state;
    if (geteuid () != 0)
        skip ();
    job = _in_a_job (65534);
    _may (false);
    rc = rlimits_lower (&job->memcg, fake.w.journal->state_dir, "12", 0, NULL,
                        &err);
    why = errno;
    _may (true);
    assert_int_equal (rc, -1);
    assert_int_equal (why, EPERM);
    assert_non_null (strstr (err.text, "cannot set the limits"));
}

/* That of another version: what they had is not known, and less than they may have
 * is not left to them. */
static void a_record_that_is_not_understood_lifts_the_limits (void **state)
{
    struct job *job = fake_job ("12", "kill");
    struct rlimit l, had;
    char text[64] = "";
    int dir = fake.w.journal->state_dir, fd;

    (void) state;
    assert_int_equal (prlimit (fake.task, RLIMIT_DATA, NULL, &had), 0);
    assert_int_equal (rlimits_lower (&job->memcg, dir, "12", 0, NULL, &err), 1);
    fd = openat (dir, "rlimits/12", O_RDWR);
    assert_true (pread (fd, text, 19, 0) == 19);
    assert_string_equal (text, "memwarden rlimits 1");
    assert_int_equal (pwrite (fd, "memwarden rlimits 9", 19, 0), 19);
    close (fd);
    assert_int_equal (rlimits_lower (&job->memcg, dir, "12", 0, NULL, &err),
                      -1);
    assert_int_equal (errno, EPROTO);
    assert_int_equal (rlimits_restore (&job->memcg, dir, "12", &err), 1);
    assert_int_equal (prlimit (fake.task, RLIMIT_DATA, NULL, &l), 0);
    assert_int_equal (l.rlim_cur, had.rlim_max);
    assert_int_equal (faccessat (dir, "rlimits/12", F_OK, 0), -1);
}

#define T(f) cmocka_unit_test_setup_teardown (f, fake_begin, _end)

int main (void)
{
    const struct CMUnitTest tests[] = {
        T (it_is_shown_with_its_memory),
        T (it_can_be_refused_memory),
        T (what_is_not_permitted_is_not_nobody),
        T (a_record_that_is_not_understood_lifts_the_limits),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
