/* A tree is walked and removed whole however deep it is, and whatever happens to
 * it meanwhile, with a few descriptors.  Each test makes its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cgfile.h"
#include "lib/cleanup.h"
#include "test/unit/sanitized.h"

#define DEEP (MW_SANITIZED ? 300 : 1500) /* levels of directories "d" */
#define EACH 50  /* levels from one with others beside to the next */
#define CHAIN 40 /* and how deep one of those is */
#define ALL (1 + DEEP + DEEP / EACH * (1 + CHAIN))
#define FILES_MAX 64 /* that the walker may open */

static char root[32];

static int _down (int dir, const char *name)
{
    int fd;

    assert_int_equal (mkdirat (dir, name, 0700), 0);
    fd = openat (dir, name, O_RDONLY | O_DIRECTORY);
    assert_true (fd >= 0);
    return fd;
}

static void _chain (int dir, const char *name, unsigned levels)
{
    int fd = dir;

    for (unsigned i = 0; i < levels; i++) {
        int next = _down (fd, i == 0 ? name : "c");

        if (fd != dir)
            close (fd);
        fd = next;
    }
    close (fd);
}

static int make_tree (void **state)
{
    int fd;

    (void) state;
    strcpy (root, "/tmp/mwt.cgtree.XXXXXX");
    if (!mkdtemp (root) || (fd = open (root, O_RDONLY | O_DIRECTORY)) < 0)
        return -1;
    for (unsigned i = 0; i < DEEP; i++) {
        int next = _down (fd, "d");

        if (i % EACH == 0) {
            _chain (fd, "a", 1);
            _chain (fd, "z", CHAIN);
        }
        close (fd);
        fd = next;
    }
    close (fd);
    return 0;
}

static int remove_tree (void **state)
{
    char cmd[64];

    (void) state;
    snprintf (cmd, sizeof (cmd), "rm -rf -- '%s'", root);
    return system (cmd);
}

static unsigned _open_files (void)
{
    unsigned n = 0;

    for (int fd = 0; fd < 1024; fd++)
        n += fcntl (fd, F_GETFD) >= 0;
    return n;
}

/* What a visit has seen. */
struct seen {
    uint64_t inode[2 * ALL];
    unsigned n, stop;
    const char *skip;
    unsigned removed; /* levels that [_visit] removes at the bottom */
};

static bool _has (const struct seen *s, uint64_t inode)
{
    for (unsigned i = 0; i < s->n; i++) {
        if (s->inode[i] == inode)
            return true;
    }
    return false;
}

/* The bottom, and so many levels above it, go while the walk is there. */
static void _remove_upwards (int dir, unsigned levels)
{
    int fd = dup (dir);

    while (levels-- > 0) {
        int up = openat (fd, "..", O_RDONLY | O_DIRECTORY);

        assert_true (up >= 0);
        if (unlinkat (up, "d", AT_REMOVEDIR) < 0)
            levels = 0; /* one with others in it */
        close (fd);
        fd = up;
    }
    close (fd);
}

static int _visit (int dir, const char *name, void *arg)
{
    cleanup_fd int up = openat (dir, "..", O_RDONLY | O_DIRECTORY);
    struct seen *s = arg;

    assert_true (s->n < 2 * ALL);
    if (!s->removed)
        assert_false (_has (s, cg_inode (dir)));
    assert_true (s->n == 0 || _has (s, cg_inode (up)));
    s->inode[s->n++] = cg_inode (dir);
    if (s->removed && strcmp (name, "d") == 0 &&
        unlinkat (up, "d", AT_REMOVEDIR) == 0)
        _remove_upwards (up, s->removed);
    if (s->skip && strcmp (name, s->skip) == 0)
        return CG_SKIP;
    return s->stop && s->n == s->stop ? 7 : 0;
}

static int _count_dir (int dir, const char *name, void *arg)
{
    (void) dir;
    (void) name;
    ++*(unsigned *) arg;
    return 0;
}

static unsigned _walk (struct seen *s)
{
    cleanup_fd int dir = open (root, O_RDONLY | O_DIRECTORY);
    unsigned files = _open_files ();
    struct rlimit was, few;
    int n;

    assert_int_equal (getrlimit (RLIMIT_NOFILE, &was), 0);
    few = (struct rlimit) { FILES_MAX, was.rlim_max };
    assert_int_equal (setrlimit (RLIMIT_NOFILE, &few), 0);
    n = cg_walk (dir, _visit, s);
    assert_int_equal (setrlimit (RLIMIT_NOFILE, &was), 0);
    assert_int_equal (_open_files (), files);
    assert_int_equal (n, s->n);
    return s->n;
}

static void every_directory_is_visited_once (void **state)
{
    cleanup_free struct seen *s = calloc (1, sizeof (*s));

    (void) state;
    assert_int_equal (_walk (s), ALL);
}

static void a_visit_may_stop_it_anywhere (void **state)
{
    (void) state;
    for (unsigned stop = 1; stop < ALL; stop += 123) {
        cleanup_free struct seen *s = calloc (1, sizeof (*s));

        s->stop = stop;
        assert_int_equal (_walk (s), stop);
    }
}

static void a_visit_may_spare_what_is_below (void **state)
{
    cleanup_free struct seen *s = calloc (1, sizeof (*s));

    (void) state;
    s->skip = "z";
    assert_int_equal (_walk (s), ALL - DEEP / EACH * (CHAIN - 1));
}

/* No more than it had seen is missed: all beside the way that has gone. */
static void what_goes_meanwhile_hides_nothing (void **state)
{
    cleanup_free struct seen *s = calloc (1, sizeof (*s));

    (void) state;
    s->removed = EACH - 1;
    assert_true (_walk (s) >= ALL);
}

static void a_deep_tree_is_removed (void **state)
{
    cleanup_fd int dir = open (root, O_RDONLY | O_DIRECTORY);
    cleanup_free struct seen *s = calloc (1, sizeof (*s));
    unsigned files = _open_files ();

    (void) state;
    assert_int_equal (cg_remove_below (dir), 0);
    assert_int_equal (_open_files (), files);
    assert_int_equal (_walk (s), 1);
    assert_int_equal (cg_remove_below (dir), 0);
}

/* A file in it stands for a task: all else may go. */
static void what_does_not_go_is_told (void **state)
{
    cleanup_fd int dir = open (root, O_RDONLY | O_DIRECTORY);
    unsigned files = _open_files ();

    (void) state;
    close (openat (dir, "d/d/d/file", O_CREAT | O_WRONLY, 0600));
    assert_int_equal (cg_remove_below (dir), -1);
    assert_int_equal (errno, EBUSY);
    assert_int_equal (_open_files (), files);
    assert_int_equal (faccessat (dir, "d/d/d/file", F_OK, 0), 0);
}

/* Of what is not seen nobody may say that it is not there. */
static void what_cannot_be_opened_is_told (void **state)
{
    cleanup_fd int dir = open (root, O_RDONLY | O_DIRECTORY);
    unsigned files = _open_files (), n = 0;
    int next = dup (dir), walked, each, why[2];
    struct rlimit was, few;

    (void) state;
    close (next);
    assert_int_equal (getrlimit (RLIMIT_NOFILE, &was), 0);
    few = (struct rlimit) { (rlim_t) next + 1, was.rlim_max };
    assert_int_equal (setrlimit (RLIMIT_NOFILE, &few), 0);
    walked = cg_walk (dir, _count_dir, &n);
    why[0] = errno;
    each = cg_each_child (dir, _count_dir, &n);
    why[1] = errno;
    assert_int_equal (setrlimit (RLIMIT_NOFILE, &was), 0);
    assert_int_equal (walked, -1);
    assert_int_equal (why[0], EMFILE);
    assert_int_equal (each, -1);
    assert_int_equal (why[1], EMFILE);
    assert_int_equal (n, 1); /* what could be */
    assert_int_equal (_open_files (), files);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
#define ON_TREE(f) cmocka_unit_test_setup_teardown (f, make_tree, remove_tree)
        ON_TREE (every_directory_is_visited_once),
        ON_TREE (a_visit_may_stop_it_anywhere),
        ON_TREE (a_visit_may_spare_what_is_below),
        ON_TREE (what_goes_meanwhile_hides_nothing),
        ON_TREE (what_cannot_be_opened_is_told),
        ON_TREE (a_deep_tree_is_removed),
        ON_TREE (what_does_not_go_is_told),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
