/* Files that a job has left in memory: whose, since when, which are the largest, and how
 * they are told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "handler/record/leftover.h"
#include "lib/units.h"

static char dir[] = "/tmp/mwt.left.XXXXXX";
static int fd = -1;

static int _begin (void **state)
{
    (void) state;
    strcpy (dir + strlen (dir) - 6, "XXXXXX");
    if (!mkdtemp (dir))
        return -1;
    fd = open (dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -1 : 0;
}

static int _end (void **state)
{
    char command[64];

    (void) state;
    close (fd);
    snprintf (command, sizeof (command), "rm -rf %s", dir);
    return system (command);
}

/* Its blocks are there when it is synced. */
static void _file (const char *name, unsigned kib)
{
    int f = openat (fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    char block[1024];

    assert_true (f >= 0);
    memset (block, 'x', sizeof (block));
    for (unsigned i = 0; i < kib; i++)
        assert_int_equal (write (f, block, sizeof (block)), sizeof (block));
    assert_int_equal (fsync (f), 0);
    close (f);
}

static void the_largest_are_named (void **state)
{
    struct leftover l = { 0 };

    (void) state;
    _file ("small", 64);
    _file ("large", 512);
    _file ("tiny", 32);
    _file ("middle", 256);
    leftover_seek (fd, geteuid (), time (NULL) - 60, &l);
    assert_int_equal (l.n, 3);
    assert_string_equal (l.file[0].name, "large");
    assert_string_equal (l.file[1].name, "middle");
    assert_string_equal (l.file[2].name, "small");
    assert_true (l.file[0].bytes >= 512 * MW_KIB);
    assert_true (l.named >= (512 + 256 + 64 + 32) * MW_KIB);
}

static void others_files_and_older_ones_are_not (void **state)
{
    struct leftover l = { 0 };

    (void) state;
    _file ("one", 64);
    leftover_seek (fd, geteuid () + 1, time (NULL) - 60, &l);
    assert_int_equal (l.n, 0);
    lseek (fd, 0, SEEK_SET);
    leftover_seek (fd, geteuid (), time (NULL) + 60, &l);
    assert_int_equal (l.n, 0);
    assert_int_equal (l.named, 0);
}

static void no_link_is_followed (void **state)
{
    struct leftover l = { 0 };

    (void) state;
    _file ("one", 64);
    assert_int_equal (mkdirat (fd, "dir", 0700), 0);
    assert_int_equal (symlinkat ("one", fd, "link"), 0);
    assert_int_equal (mkfifoat (fd, "fifo", 0600), 0);
    leftover_seek (fd, geteuid (), 0, &l);
    assert_int_equal (l.n, 1);
    assert_string_equal (l.file[0].name, "one");
}

static void a_name_steers_no_terminal (void **state)
{
    struct leftover l = { 0 };

    (void) state;
    _file ("a\033[2Jb\nc", 64);
    leftover_seek (fd, geteuid (), 0, &l);
    assert_int_equal (l.n, 1);
    assert_string_equal (l.file[0].name, "a?[2Jb?c");
}

static void what_is_left_is_told_by_name (void **state)
{
    struct leftover l = { .stays = 51 * MW_MIB,
                          .shmem = 50 * MW_MIB,
                          .named = 50 * MW_MIB,
                          .n = 2,
                          .file = { { "a", 40 * MW_MIB },
                                    { "b", 10 * MW_MIB } } };
    char text[LEFTOVER_TEXT];

    (void) state;
    assert_string_equal (leftover_text (&l, text),
                         "but it left 50.0 MiB of files in memory: "
                         "/dev/shm/a (40.0 MiB), /dev/shm/b (10.0 MiB)");
    /* more than is charged to it: some are another job's */
    l.named = 200 * MW_MIB;
    assert_non_null (strstr (leftover_text (&l, text),
                             "in memory: among its user's /dev/shm/a"));
    l.n = 0;
    assert_non_null (strstr (leftover_text (&l, text),
                             "but 51.0 MiB stay: files in /dev/shm"));
}

static void no_names_are_too_long_to_be_told (void **state)
{
    struct leftover l = { .stays = 1, .shmem = 1, .n = LEFTOVER_TOP };
    char text[LEFTOVER_TEXT], more[LEFTOVER_MORE];
    struct json_put p = { .text = more, .size = sizeof (more) };

    (void) state;
    for (unsigned i = 0; i < LEFTOVER_TOP; i++) {
        memset (l.file[i].name, 0xff, sizeof (l.file[i].name) - 1);
        l.file[i].bytes = UINT64_MAX;
    }
    assert_true (strlen (leftover_text (&l, text)) < LEFTOVER_TEXT);
    leftover_put (&p, &l);
    assert_false (p.over);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown (f, _begin, _end)
        T (the_largest_are_named),
        T (others_files_and_older_ones_are_not),
        T (no_link_is_followed),
        T (a_name_steers_no_terminal),
        T (what_is_left_is_told_by_name),
        T (no_names_are_too_long_to_be_told),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
