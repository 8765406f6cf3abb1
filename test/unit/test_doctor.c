/* The doctor names what a recorded node lacks, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "handler/cli/check.h"

static char root[64];

static int _setup (void **state)
{
    (void) state;
    strcpy (root, "/tmp/mwt-doctor.XXXXXX");
    if (!mkdtemp (root))
        return -1;
    unsetenv ("SLURM_CONF");
    return setenv ("MEMWARDEN_SYSROOT", root, 1);
}

static int _rm (const char *path, const struct stat *st, int type,
                struct FTW *ftw)
{
    (void) st;
    (void) type;
    (void) ftw;
    return remove (path);
}

static int _teardown (void **state)
{
    (void) state;
    return nftw (root, _rm, 8, FTW_DEPTH | FTW_PHYS);
}

/* Write [text] to [path] of the recorded node, with its directories. */
static void _write (const char *path, const char *text)
{
    char full[256];
    FILE *f;

    snprintf (full, sizeof (full), "%s%s", root, path);
    for (char *s = full + strlen (root) + 1; (s = strchr (s, '/')); s++) {
        *s = '\0';
        mkdir (full, 0755);
        *s = '/';
    }
    f = fopen (full, "w");
    assert_non_null (f);
    fputs (text, f);
    fclose (f);
}

static enum doctor_verdict _look (const char *item, char *found)
{
    struct memcg_mounts m;

    assert_int_equal (memcg_find_mounts (&m), 0);
    for (size_t i = 0; i < doctor_node_count; i++)
        if (strcmp (doctor_node_checks[i].item, item) == 0)
            return doctor_node_checks[i].look (&m, found, 512);
    for (size_t i = 0; i < doctor_slurm_count; i++)
        if (strcmp (doctor_slurm_checks[i].item, item) == 0)
            return doctor_slurm_checks[i].look (&m, found, 512);
    fail_msg ("no check \"%s\"", item);
    return DOCTOR_NA;
}

static void _is (const char *item, enum doctor_verdict want,
                 const char *sentence)
{
    char found[512] = "";
    enum doctor_verdict got = _look (item, found);

    if (got != want || !strstr (found, sentence))
        fail_msg ("%s: verdict %d, found \"%s\"", item, got, found);
}

static void a_chroot_s_mounts_are_not_the_node_s (void **state)
{
    (void) state;
    _write ("/proc/self/mountinfo",
            "30 1 0:26 / /sys/fs/cgroup/memory rw - cgroup x rw,memory\n"
            "31 1 0:27 / /sys/fs/cgroup/freezer rw - cgroup x rw,freezer\n"
            "40 1 0:26 / /srv/root/memory rw - cgroup x rw,memory\n"
            "41 1 0:27 / /srv/root/freezer rw - cgroup x rw,freezer\n");
    _is ("memory cgroups", DOCTOR_OK, "cgroup v1 at /sys/fs/cgroup/memory");
    _is ("freezer", DOCTOR_OK, "cgroup v1 at /sys/fs/cgroup/freezer");
}

static void _record_v2 (const char *options)
{
    char mounts[256];

    snprintf (mounts, sizeof (mounts),
              "30 1 0:26 / /sys/fs/cgroup "
              "rw,nosuid shared:4 - cgroup2 cgroup2 rw%s\n",
              options);
    _write ("/proc/self/mountinfo", mounts);
    _write ("/sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory pids\n");
    _write ("/sys/fs/cgroup/cgroup.subtree_control", "cpu memory pids\n");
    _write ("/sys/fs/cgroup/system.slice/memory.high", "max\n");
    _write ("/sys/fs/cgroup/system.slice/cgroup.freeze", "0\n");
}

static void a_v2_node_is_asked_for_each_file (void **state)
{
    (void) state;
    _record_v2 (",memory_recursiveprot");
    _is ("memory cgroups", DOCTOR_OK, "cgroup v2 at /sys/fs/cgroup");
    _is ("freezer", DOCTOR_OK, "there");
    _is ("memory.high", DOCTOR_OK, "there");
    _is ("cgroup.kill", DOCTOR_LACKS, "not there");
    _is ("memory.reclaim", DOCTOR_LACKS, "not there");
    _is ("swap accounting", DOCTOR_LACKS, "not there");
    _is ("memory_recursiveprot", DOCTOR_OK, "is mounted");
    _write ("/sys/fs/cgroup/system.slice/cgroup.kill", "");
    _is ("cgroup.kill", DOCTOR_OK, "there");
}

static void v2_that_hands_no_memory_down_is_told (void **state)
{
    (void) state;
    _record_v2 ("");
    _write ("/sys/fs/cgroup/cgroup.subtree_control", "cpu\n");
    _write ("/proc/sys/kernel/osrelease", "5.15.0-91\n");
    _is ("memory cgroups", DOCTOR_LACKS,
         "write \"+memory\" into "
         "/sys/fs/cgroup/cgroup.subtree_control");
    _is ("memory.high", DOCTOR_OK, "there in Linux 5.15.0-91");
    _is ("memory.reclaim", DOCTOR_LACKS, "not there in Linux 5.15.0-91");
    _is ("freezer", DOCTOR_OK, "there");
}

static void v2_without_recursiveprot_is_told (void **state)
{
    (void) state;
    _record_v2 ("");
    _is ("memory_recursiveprot", DOCTOR_LACKS, "is not mounted");
}

static void a_hybrid_node_is_told_what_is_used_from_where (void **state)
{
    (void) state;
    _write ("/proc/self/mountinfo",
            "30 1 0:26 / /sys/fs/cgroup/memory rw - cgroup x rw,memory\n"
            "30 1 0:26 / /sys/fs/cgroup/freezer rw - cgroup x rw,freezer\n"
            "30 1 0:27 / /sys/fs/cgroup/unified rw - cgroup2 x rw\n");
    _write ("/sys/fs/cgroup/unified/cgroup.controllers", "hugetlb\n");
    _is ("memory cgroups", DOCTOR_OK,
         "cgroup v1 at /sys/fs/cgroup/memory, "
         "hybrid with v2 at /sys/fs/cgroup/unified");
    _is ("freezer", DOCTOR_OK, "cgroup v1 at /sys/fs/cgroup/freezer");
    _is ("cgroup.kill", DOCTOR_NA, "not of cgroup v1");
    _is ("memory_recursiveprot", DOCTOR_NA, "not of cgroup v1");
    _is ("swap accounting", DOCTOR_LACKS, "not there");
}

static void a_node_with_nothing_lacks_everything (void **state)
{
    (void) state;
    _write ("/proc/self/mountinfo", "22 1 0:21 / /proc rw - proc proc rw\n");
    _write ("/proc/meminfo", "MemTotal: 100 kB\nSwapTotal:       0 kB\n");
    _write ("/proc/sys/kernel/osrelease", "5.14.0-generic\n");
    _is ("memory cgroups", DOCTOR_LACKS, "no memory controller");
    _is ("freezer", DOCTOR_LACKS, "no freezer controller");
    _is ("swap", DOCTOR_LACKS, "none");
    _is ("PSI", DOCTOR_LACKS, "not in this kernel");
    _is ("process_mrelease", DOCTOR_LACKS, "not in this kernel");
    _is ("/dev/kmsg", DOCTOR_LACKS, "No such file");
    _is ("systemd", DOCTOR_LACKS, "does not run");
    _is ("Slurm", DOCTOR_LACKS, "no /etc/slurm/slurm.conf");
    _is ("memwarden in Slurm", DOCTOR_NA, "no Slurm here");
    _is ("task/cgroup", DOCTOR_NA, "no Slurm here");
}

static void swap_psi_and_systemd_are_found (void **state)
{
    (void) state;
    _write ("/proc/self/mountinfo", "");
    _write ("/proc/meminfo", "MemTotal: 100 kB\nSwapTotal:  2097152 kB\n");
    _write ("/proc/pressure/memory", "some avg10=0.00\n");
    _write ("/proc/sys/kernel/osrelease", "6.1.0-18-amd64\n");
    _write ("/run/systemd/system/x", "");
    _is ("swap", DOCTOR_OK, "2.0 GiB");
    _is ("PSI", DOCTOR_OK, "/proc/pressure/memory");
    _is ("process_mrelease", DOCTOR_OK, "there");
    _is ("systemd", DOCTOR_OK, "runs");
    _write ("/proc/pressure/memory", "");
    _is ("PSI", DOCTOR_LACKS, "switched off");
}

static void slurm_is_read_as_slurm_reads_it (void **state)
{
    (void) state;
    _write ("/proc/self/mountinfo", "");
    _write ("/etc/slurm/slurm.conf",
            "# TaskPlugin=task/none\n"
            " taskplugin = task/affinity,Task/Cgroup # both\n"
            "PrologFlags=Alloc,Contain\n");
    _write ("/etc/slurm/cgroup.conf", "ConstrainRAMSpace=no\n");
    _is ("Slurm", DOCTOR_OK, "/etc/slurm/slurm.conf");
    _is ("task/cgroup", DOCTOR_OK, "TaskPlugin=task/affinity,Task/Cgroup");
    _is ("ConstrainRAMSpace", DOCTOR_LACKS, "ConstrainRAMSpace=no");
    _is ("PrologFlags=Contain", DOCTOR_OK, "Alloc,Contain");
    _is ("memwarden in Slurm", DOCTOR_LACKS, "neither");
    _write ("/etc/slurm/plugstack.conf", "# required spank_memwarden.so\n");
    _is ("memwarden in Slurm", DOCTOR_LACKS, "neither");
    _write ("/etc/slurm/plugstack.conf", "optional spank_memwarden.so\n");
    _is ("memwarden in Slurm", DOCTOR_OK, "spank_memwarden.so");
}

#define TEST(f) cmocka_unit_test_setup_teardown (f, _setup, _teardown)

int main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (a_chroot_s_mounts_are_not_the_node_s),
        TEST (a_v2_node_is_asked_for_each_file),
        TEST (v2_that_hands_no_memory_down_is_told),
        TEST (v2_without_recursiveprot_is_told),
        TEST (a_hybrid_node_is_told_what_is_used_from_where),
        TEST (a_node_with_nothing_lacks_everything),
        TEST (swap_psi_and_systemd_are_found),
        TEST (slurm_is_read_as_slurm_reads_it),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
