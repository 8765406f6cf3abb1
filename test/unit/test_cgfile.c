/* Files of cgroupfs are read by descriptor, whole, and never through links.
 * The tree is recorded: made below a private MEMWARDEN_SYSROOT. */
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
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cgfile.h"
#include "lib/cgmount.h"
#include "lib/cleanup.h"

#define MANY_PIDS 5000 /* several times the buffer they are read by */

static char root[] = "/tmp/mwt.cgfile.XXXXXX";

static void _put (const char *name, const char *text)
{
    char path[256];
    FILE *f;

    snprintf (path, sizeof (path), "%s/cg/%s", root, name);
    f = fopen (path, "w");
    assert_non_null (f);
    fputs (text, f);
    fclose (f);
}

static int make_tree (void **state)
{
    char path[256];
    char *pids = calloc (MANY_PIDS, 8), *p = pids;

    (void) state;
    if (!pids || !mkdtemp (root))
        return -1;
    setenv ("MEMWARDEN_SYSROOT", root, 1);
    for (const char *const *d =
             (const char *const[]) { "cg", "cg/step_0", "cg/step_1",
                                     "cg/.hidden", NULL };
         *d; d++) {
        snprintf (path, sizeof (path), "%s/%s", root, *d);
        if (mkdir (path, 0700) < 0)
            return -1;
    }
    _put ("memory.max", "max\n");
    _put ("memory.current", "4096\n");
    _put ("memory.junk", "12x\n");
    _put ("memory.minus", "-1\n");
    _put ("memory.big", "99999999999999999999\n");
    _put ("memory.stat", "anon 10\nanon_thp 7\nfile 20\nslab 0\nkernel 5");
    _put ("meminfo", "MemTotal:       24684544 kB\nMemFree:  100 kB\n");
    _put ("limit", "old");
    for (int i = 1; i <= MANY_PIDS; i++)
        p += sprintf (p, "%d\n", i);
    _put ("cgroup.procs", pids);
    free (pids);
    snprintf (path, sizeof (path), "%s/cg/link", root);
    return symlink ("limit", path) < 0 ? -1 : 0;
}

static int remove_tree (void **state)
{
    char cmd[300];

    (void) state;
    snprintf (cmd, sizeof (cmd), "rm -rf -- '%s'", root);
    return system (cmd);
}

static int _cg (void)
{
    int fd = sysroot_open ("/cg", O_RDONLY | O_DIRECTORY);

    assert_true (fd >= 0);
    return fd;
}

static void paths_are_below_the_sysroot (void **state)
{
    char longer[8192];

    (void) state;
    memset (longer, 'x', sizeof (longer) - 1);
    longer[sizeof (longer) - 1] = '\0';
    assert_int_equal (sysroot_open (longer, O_RDONLY), -1);
    assert_int_equal (errno, ENAMETOOLONG);
    assert_int_equal (sysroot_open ("/proc/self", O_RDONLY), -1);
    assert_int_equal (errno, ENOENT);
}

static void a_number_is_a_number_or_max_and_nothing_else (void **state)
{
    cleanup_fd int dir = _cg ();
    uint64_t v = 1;

    (void) state;
    assert_int_equal (cg_read_u64 (dir, "memory.max", &v), 0);
    assert_true (v == UINT64_MAX);
    assert_int_equal (cg_read_u64 (dir, "memory.current", &v), 0);
    assert_int_equal (v, 4096);
    assert_int_equal (cg_read_u64 (dir, "memory.junk", &v), -1);
    assert_int_equal (errno, EINVAL);
    assert_int_equal (cg_read_u64 (dir, "memory.minus", &v), -1);
    assert_int_equal (errno, EINVAL);
    assert_int_equal (cg_read_u64 (dir, "memory.big", &v), -1);
    assert_int_equal (errno, ERANGE);
    assert_int_equal (cg_read_u64 (dir, "absent", &v), -1);
    assert_int_equal (errno, ENOENT);
}

static void a_file_longer_than_the_buffer_is_cut (void **state)
{
    cleanup_fd int dir = _cg ();
    char buf[8];

    (void) state;
    assert_int_equal (cg_read (dir, "memory.stat", buf, sizeof (buf)), 7);
    assert_string_equal (buf, "anon 10");
}

static void a_key_is_matched_whole (void **state)
{
    cleanup_fd int dir = _cg ();
    char buf[256];
    uint64_t v;

    (void) state;
    assert_true (cg_read (dir, "memory.stat", buf, sizeof (buf)) > 0);
    assert_true (cg_key (buf, "anon", &v));
    assert_int_equal (v, 10);
    assert_true (cg_key (buf, "kernel", &v)); /* no newline behind it */
    assert_int_equal (v, 5);
    assert_false (cg_key (buf, "ano", &v));
    assert_false (cg_key (buf, "thp", &v));
    assert_true (cg_read (dir, "meminfo", buf, sizeof (buf)) > 0);
    assert_true (cg_key (buf, "MemFree:", &v));
    assert_int_equal (v, 100);
}

static void what_was_written_is_read_back (void **state)
{
    cleanup_fd int dir = _cg ();
    uint64_t v;
    char big[300];

    (void) state;
    assert_int_equal (cg_write_u64 (dir, "limit", 123456), 0);
    assert_int_equal (cg_read_u64 (dir, "limit", &v), 0);
    assert_int_equal (v, 123456);
    memset (big, '1', sizeof (big) - 1);
    big[sizeof (big) - 1] = '\0';
    assert_int_equal (cg_write (dir, "limit", "%s", big), -1);
    assert_int_equal (errno, EMSGSIZE);
}

static void links_are_not_followed (void **state)
{
    cleanup_fd int dir = _cg ();
    char buf[16];

    (void) state;
    assert_int_equal (cg_write_u64 (dir, "link", 1), -1);
    assert_int_equal (errno, ELOOP);
    assert_int_equal (cg_read (dir, "link", buf, sizeof (buf)), -1);
    assert_int_equal (errno, ELOOP);
}

static int _sum (pid_t pid, void *arg)
{
    *(uint64_t *) arg += pid;
    return 0;
}

static int _until_ten (pid_t pid, void *arg)
{
    (void) arg;
    return pid == 10;
}

static void every_pid_of_a_long_list_is_visited_once (void **state)
{
    cleanup_fd int dir = _cg ();
    uint64_t sum = 0;

    (void) state;
    assert_int_equal (cg_each_pid (dir, "cgroup.procs", _sum, &sum), MANY_PIDS);
    assert_int_equal (sum, (uint64_t) MANY_PIDS * (MANY_PIDS + 1) / 2);
    assert_int_equal (cg_each_pid (dir, "cgroup.procs", _until_ten, NULL), 10);
    assert_int_equal (cg_each_pid (dir, "absent", _sum, &sum), -1);
}

static int _collect (int child, const char *name, void *arg)
{
    assert_true (cg_inode (child) != 0);
    strcat (arg, name);
    return 0;
}

static void only_directories_are_children (void **state)
{
    cleanup_fd int dir = _cg ();
    char names[256] = "";

    (void) state;
    assert_int_equal (cg_each_child (dir, _collect, names), 3);
    assert_non_null (strstr (names, "step_0"));
    assert_non_null (strstr (names, "step_1"));
    names[0] = '\0'; /* a second time: the first used up no position */
    assert_int_equal (cg_each_child (dir, _collect, names), 3);
}

static void a_closed_directory_has_no_inode (void **state)
{
    (void) state;
    assert_true (cg_inode (-1) == 0);
}

static int _list (const struct cgmount *m, void *arg)
{
    size_t n = strlen (arg);

    snprintf ((char *) arg + n, 256 - n, "%s%s:%s ", m->v2 ? "v2:" : "",
              m->whole ? "whole" : "part", m->point);
    return cg_among (m->options, "freezer");
}

static void mounts_are_cgroups_whole_or_a_part (void **state)
{
    char path[256], found[256] = "";

    (void) state;
    assert_int_equal (cgmount_each (_list, found), -1);
    assert_int_equal (errno, ENOENT);
    for (const char *const *d =
             (const char *const[]) { "proc", "proc/self", NULL };
         *d; d++) {
        snprintf (path, sizeof (path), "%s/%s", root, *d);
        assert_int_equal (mkdir (path, 0700), 0);
    }
    _put ("../proc/self/mountinfo",
          "22 1 0:21 / /proc rw - proc proc rw\n"
          "nothing - at all\n"
          "30 1 0:26 / /a\\040b rw shared:4 master:1 - cgroup2 x rw\n"
          "31 1 0:27 /docker/1 /memory ro - cgroup cgroup rw,memory\n"
          "32 1 0:28 / /freezer rw - cgroup cgroup rw,freezer\n"
          "33 1 0:28 / /never rw - cgroup cgroup rw,cpu\n");
    assert_int_equal (cgmount_each (_list, found), 1);
    assert_string_equal (found, "v2:whole:/a b part:/memory whole:/freezer ");
}

static void a_process_is_where_its_lines_say (void **state)
{
    const char *text = "4:cpu,memory:/a:b\nno such line\n0::/";
    struct cg_member m;

    (void) state;
    assert_int_equal (cg_next_member (&text, &m), 1);
    assert_false (m.v2);
    assert_true (cg_among (m.controllers, "memory"));
    assert_false (cg_among (m.controllers, "mem"));
    assert_string_equal (m.path, "/a:b");
    assert_int_equal (cg_next_member (&text, &m), -1);
    assert_int_equal (errno, EINVAL);
    assert_string_equal (m.line, "no such line");
    assert_int_equal (cg_next_member (&text, &m), 1);
    assert_true (m.v2);
    assert_string_equal (m.path, "/");
    assert_int_equal (cg_next_member (&text, &m), 0);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (paths_are_below_the_sysroot),
        cmocka_unit_test (a_number_is_a_number_or_max_and_nothing_else),
        cmocka_unit_test (a_file_longer_than_the_buffer_is_cut),
        cmocka_unit_test (a_key_is_matched_whole),
        cmocka_unit_test (what_was_written_is_read_back),
        cmocka_unit_test (links_are_not_followed),
        cmocka_unit_test (every_pid_of_a_long_list_is_visited_once),
        cmocka_unit_test (only_directories_are_children),
        cmocka_unit_test (a_closed_directory_has_no_inode),
        cmocka_unit_test (mounts_are_cgroups_whole_or_a_part),
        cmocka_unit_test (a_process_is_where_its_lines_say),
    };

    return cmocka_run_group_tests (tests, make_tree, remove_tree);
}
