/* test_below.c - memcgs that are made below one that is armed: the kernel gets
 * their OOM, and who has waited there is told */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "handler/watch/below.h"
#include "lib/cleanup.h"
#include "test/unit/fake_warden.h"

static struct warden *const w = &fake.w;

static struct memcg_ops ops; /* the fake's, and: */
static unsigned calls, waiting;
static char below[64]; /* what it was called for; "*" = all */

static void _free_below (struct memcg *m, const char *name,
                         struct memcg_below *found)
{
    (void) m;
    calls++;
    snprintf (below, sizeof (below), "%s", name ? name : "*");
    found->freed += 1;
    found->waiting += waiting;
    snprintf (found->path, sizeof (found->path), "a/b");
}

/* A job below which memcgs are given back. */
static struct job *_job (void)
{
    struct job *job = fake_job ("12", "kill");

    ops = *job->memcg.ops;
    ops.free_below = _free_below;
    job->memcg.ops = &ops;
    calls = waiting = 0;
    below[0] = '\0';
    return job;
}

static void where_nothing_is_inherited_nobody_listens (void **state)
{
    struct job *job = fake_job ("12", "kill");

    (void) state;
    watch_below (w, &job->memcg, &job->below);
    assert_null (job->below);
}

static void what_is_there_is_given_at_once (void **state)
{
    struct job *job = _job ();

    (void) state;
    watch_below (w, &job->memcg, &job->below);
    assert_non_null (job->below);
    assert_string_equal (below, "*");
    assert_int_equal (calls, 1);
    assert_int_equal (fake_recorded ("\"event\":\"nested\""), 0);
    watch_below (w, &job->memcg, &job->below); /* and again */
    assert_int_equal (calls, 2);
}

static void what_is_made_is_given_then (void **state)
{
    struct job *job = _job ();
    cleanup_fd int file = -1;

    (void) state;
    watch_below (w, &job->memcg, &job->below);
    file = openat (job->memcg.dir, "a_file", O_WRONLY | O_CREAT | O_CLOEXEC,
                   0600);
    assert_true (file >= 0);
    fake_loop ();
    assert_int_equal (calls, 1);
    assert_int_equal (mkdirat (job->memcg.dir, "mine", 0700), 0);
    fake_loop ();
    assert_int_equal (calls, 2);
    assert_string_equal (below, "mine");
}

static void who_has_waited_there_is_told (void **state)
{
    struct job *job = _job ();

    (void) state;
    waiting = 1;
    watch_below (w, &job->memcg, &job->below);
    assert_int_equal (fake_recorded ("job 12: below it a memory cgroup was out "
                                     "of memory at a limit of its own (a/b)"),
                      1);
}

static void the_pools_is_no_jobs (void **state)
{
    struct job *job = _job ();
    struct memcg pool = job->memcg;
    sd_event_source *source = NULL;
    char path[] = "/the/pool";

    (void) state;
    waiting = 1;
    pool.path = path;
    watch_below (w, &pool, &source);
    assert_int_equal (fake_recorded ("pool /the/pool: below it"), 1);
    sd_event_source_disable_unref (source);
}

static void where_it_cannot_be_heard_that_is_said_and_it_is_given (void **state)
{
    struct job *job = _job ();
    struct memcg none = job->memcg;
    sd_event_source *source = NULL;

    (void) state;
    none.dir = -1;
    watch_below (w, &none, &source);
    assert_null (source);
    assert_int_equal (calls, 1);
    assert_int_equal (fake_logged ("are not noticed"), 1);
}

#define T(f) cmocka_unit_test_setup_teardown (f, fake_begin, fake_end)

int main (void)
{
    const struct CMUnitTest tests[] = {
        T (where_nothing_is_inherited_nobody_listens),
        T (what_is_there_is_given_at_once),
        T (what_is_made_is_given_then),
        T (who_has_waited_there_is_told),
        T (the_pools_is_no_jobs),
        T (where_it_cannot_be_heard_that_is_said_and_it_is_given),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
