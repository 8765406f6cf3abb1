/* What a memcg's memory is made of, from texts of both versions and several kernels. */
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
#include <unistd.h>

#include "lib/cgfile.h"
#include "lib/memparts.h"

static char dir[] = "/tmp/mwt.parts.XXXXXX";
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

static void _put (const char *name, const char *text)
{
    int f = openat (fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true (f >= 0);
    assert_int_equal (write (f, text, strlen (text)), strlen (text));
    close (f);
}

/* Linux 6.18; what is of the directory alone has other numbers. */
static const char v1[] = "cache 1\nrss 2\nrss_huge 3\nshmem 4\n"
                         "mapped_file 5\nswap 6\ninactive_anon 7\n"
                         "active_anon 8\ninactive_file 9\nactive_file 10\n"
                         "unevictable 11\nhierarchical_memory_limit 12\n"
                         "total_cache 1600\ntotal_rss 1000\n"
                         "total_rss_huge 500\ntotal_shmem 600\n"
                         "total_mapped_file 700\ntotal_swap 800\n"
                         "total_inactive_anon 13\ntotal_active_anon 14\n"
                         "total_inactive_file 300\ntotal_active_file 200\n"
                         "total_unevictable 15\n";

/* Linux 6.12 */
static const char v2[] = "anon 1000\nfile 1100\nkernel 400\n"
                         "kernel_stack 16\npagetables 64\nsec_pagetables 0\n"
                         "percpu 32\nsock 50\nvmalloc 8\nshmem 600\n"
                         "zswap 0\nzswapped 0\nfile_mapped 20\n"
                         "inactive_anon 1\nactive_anon 2\n"
                         "inactive_file 300\nactive_file 200\n"
                         "unevictable 0\nslab_reclaimable 100\n"
                         "slab_unreclaimable 150\nslab 250\n";

static void of_v1_it_is_the_whole_tree (void **state)
{
    struct mw_memparts p = { 0 };

    (void) state;
    mw_memparts_of_v1 (v1, &p);
    assert_int_equal (p.anon, 1000);
    assert_int_equal (p.shmem, 600);
    assert_int_equal (p.cache, 500);
    assert_int_equal (p.swap, 800);
}

static void of_v2_the_kernels_part_is_told_apart (void **state)
{
    struct mw_memparts p = { 0 };

    (void) state;
    mw_memparts_of_v2 (v2, &p);
    assert_int_equal (p.anon, 1000);
    assert_int_equal (p.shmem, 600);
    assert_int_equal (p.cache, 500);
    assert_int_equal (p.kernel, 400);
    assert_int_equal (p.slab, 250);
    assert_int_equal (p.slab_back, 100);
    assert_int_equal (p.page_tables, 64);
    assert_int_equal (p.sockets, 50);
}

static void before_linux_5_18_the_kernels_part_is_a_sum (void **state)
{
    struct mw_memparts p = { 0 };

    (void) state;
    mw_memparts_of_v2 ("anon 1\nfile 2\nkernel_stack 16\npagetables 64\n"
                       "percpu 32\nsock 50\nshmem 1\nslab_reclaimable 100\n"
                       "slab_unreclaimable 150\n",
                       &p);
    assert_int_equal (p.kernel, 16 + 64 + 32 + 250);
}

static void a_v1_directory_is_read (void **state)
{
    struct mw_memparts p;

    (void) state;
    _put ("memory.usage_in_bytes", "2600\n");
    _put ("memory.stat", v1);
    _put ("memory.kmem.usage_in_bytes", "700\n");
    _put ("memory.kmem.tcp.usage_in_bytes", "70\n");
    assert_int_equal (mw_memparts_read (fd, &p), 0);
    assert_int_equal (p.total, 2600);
    assert_int_equal (p.anon, 1000);
    assert_int_equal (p.kernel, 700);
    assert_int_equal (p.sockets, 70);
    assert_int_equal (p.swap, 800);
    assert_int_equal (mw_memparts_used (&p), 2100);
}

static void a_v2_directory_is_read (void **state)
{
    struct mw_memparts p;

    (void) state;
    _put ("memory.current", "2600\n");
    _put ("memory.stat", v2);
    _put ("memory.swap.current", "900\n");
    _put ("hugetlb.2MB.current", "4194304\n");
    _put ("hugetlb.1GB.current", "1073741824\n");
    assert_int_equal (mw_memparts_read (fd, &p), 0);
    assert_int_equal (p.total, 2600);
    assert_int_equal (p.swap, 900);
    assert_int_equal (p.hugetlb, 4194304 + 1073741824);
    /* neither files nor slab that is given back is to be blamed */
    assert_int_equal (mw_memparts_used (&p), 2000);
}

static void what_is_missing_is_nothing (void **state)
{
    struct mw_memparts p;

    (void) state;
    _put ("memory.current", "100\n");
    _put ("memory.stat", "anon 60\ninactive_file 300\n");
    assert_int_equal (mw_memparts_read (fd, &p), 0);
    assert_int_equal (p.anon, 60);
    assert_int_equal (p.kernel + p.swap + p.hugetlb + p.sockets, 0);
    assert_int_equal (p.cache, 100); /* of another moment: not more than all */
    assert_int_equal (mw_memparts_used (&p), 0);
}

static void no_memory_cgroup_is_an_error (void **state)
{
    struct mw_memparts p;

    (void) state;
    errno = 0;
    assert_int_equal (mw_memparts_read (fd, &p), -1);
    assert_int_equal (errno, ENOENT);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown (f, _begin, _end)
        T (of_v1_it_is_the_whole_tree),
        T (of_v2_the_kernels_part_is_told_apart),
        T (before_linux_5_18_the_kernels_part_is_a_sum),
        T (a_v1_directory_is_read),
        T (a_v2_directory_is_read),
        T (what_is_missing_is_nothing),
        T (no_memory_cgroup_is_an_error),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
