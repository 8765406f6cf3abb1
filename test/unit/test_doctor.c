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
#include "handler/cli/elf_word.h"
#include "lib/wire.h"

static char root[64];

static bool in_shadow;  /* the configuration's word */
static unsigned as_job; /* hooks */

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
    in_shadow = false;
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

static const struct {
    const struct doctor_check *rows;
    const size_t *count;
} tables[] = {
    { doctor_node_checks, &doctor_node_count },
    { doctor_beside_checks, &doctor_beside_count },
    { doctor_warden_checks, &doctor_warden_count },
    { doctor_slurm_checks, &doctor_slurm_count },
    { doctor_plugin_checks, &doctor_plugin_count },
};

static enum doctor_verdict _look_at (const struct doctor_node *n,
                                     const char *item, struct doctor_said *said)
{
    for (size_t t = 0; t < sizeof (tables) / sizeof (*tables); t++)
        for (size_t i = 0; i < *tables[t].count; i++)
            if (strcmp (tables[t].rows[i].item, item) == 0)
                return tables[t].rows[i].look (n, said);
    fail_msg ("no check \"%s\"", item);
    return DOCTOR_NA;
}

/* The doctor, for [item], says [want], with [sentence] in what was found, and [fix] is
 * what is to be done (NULL: whatever it is). */
static void _fixed_by (const char *item, enum doctor_verdict want,
                       const char *sentence, const char *fix)
{
    static struct doctor_node n;
    static struct conf conf;
    struct doctor_said said = { "", "" };
    enum doctor_verdict got;

    memset (&n, 0, sizeof (n));
    conf_defaults (&conf);
    conf.shadow = in_shadow;
    for (; conf.hook_count < as_job; conf.hook_count++)
        conf.hooks[conf.hook_count].as_job = true;
    n.conf = &conf;
    n.conf_trouble = "";
    n.socket = MW_SOCKET_DEFAULT;
    assert_int_equal (memcg_find_mounts (&n.mounts), 0);
    doctor_slurm_read (&n, NULL);
    got = _look_at (&n, item, &said);
    doctor_slurm_free (&n);
    if (got != want || !strstr (said.found, sentence))
        fail_msg ("%s: verdict %d, found \"%s\"", item, got, said.found);
    if (fix && strcmp (said.fix, fix) != 0)
        fail_msg ("%s: \"%s\" is to be done", item, said.fix);
}

static void _is (const char *item, enum doctor_verdict want,
                 const char *sentence)
{
    _fixed_by (item, want, sentence, NULL);
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
    _is ("memory cgroups", DOCTOR_BROKEN,
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
    _is ("memory cgroups", DOCTOR_BROKEN, "no memory controller");
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
    _fixed_by ("PSI", DOCTOR_LACKS, "switched off",
               "on the kernel's command line: psi=1");
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
    _is ("memwarden in Slurm", DOCTOR_BROKEN, "neither");
    _write ("/etc/slurm/plugstack.conf", "# required spank_memwarden.so\n");
    _is ("memwarden in Slurm", DOCTOR_BROKEN, "neither");
    _write ("/etc/slurm/plugstack.conf", "optional spank_memwarden.so\n");
    _is ("memwarden in Slurm", DOCTOR_OK, "spank_memwarden.so");
}

static void each_line_that_lacks_is_told_with_its_file (void **state)
{
    (void) state;
    _write ("/proc/self/mountinfo", "");
    _write ("/etc/slurm/slurm.conf", "ClusterName=c\nTaskPlugin=task/affinity\n"
                                     "SelectType=select/linear\n");
    _fixed_by ("task/cgroup", DOCTOR_LACKS, "TaskPlugin=task/affinity",
               "in /etc/slurm/slurm.conf, line 2: "
               "TaskPlugin=task/affinity,task/cgroup");
    _fixed_by ("PrologFlags=Contain", DOCTOR_LACKS, "not set",
               "in /etc/slurm/slurm.conf: PrologFlags=Contain");
    _fixed_by ("ConstrainRAMSpace", DOCTOR_LACKS, "not set",
               "in /etc/slurm/cgroup.conf: ConstrainRAMSpace=yes");
    _fixed_by ("SelectTypeParameters", DOCTOR_LACKS, "not set",
               "in /etc/slurm/slurm.conf: SelectTypeParameters=CR_Memory");
    _fixed_by ("memwarden in Slurm", DOCTOR_BROKEN, "neither",
               "in /etc/slurm/plugstack.conf: optional spank_memwarden.so "
               "max_priority=500 max_burst=x2");
    _write ("/etc/slurm/plugstack.conf.d/memwarden.conf",
            "optional spank_memwarden.so\n");
    _fixed_by ("memwarden in Slurm", DOCTOR_BROKEN, "neither",
               "in /etc/slurm/plugstack.conf, which does not include "
               "/etc/slurm/plugstack.conf.d/memwarden.conf: include "
               "/etc/slurm/plugstack.conf.d/memwarden.conf");
}

static void includes_are_followed (void **state)
{
    (void) state;
    _write ("/proc/self/mountinfo", "");
    _write ("/etc/slurm/slurm.conf",
            "ClusterName=alps\n include site.conf\nInclude /opt/%c.conf\n");
    _write ("/etc/slurm/site.conf", "TaskPlugin=task/cgroup\n");
    _write ("/opt/alps.conf", "\nPrologFlags=Alloc\n");
    _write ("/etc/slurm/cgroup.conf", "Include ram.conf\n");
    _write ("/etc/slurm/ram.conf", "ConstrainRAMSpace=Yes\n");
    _write ("/etc/slurm/plugstack.conf", "include plugstack.conf.d/*.conf\n");
    _write ("/etc/slurm/plugstack.conf.d/a.conf",
            "optional spank_memwarden.so max_burst=x1\n");
    _is ("Slurm", DOCTOR_OK, "/etc/slurm/slurm.conf");
    _is ("task/cgroup", DOCTOR_OK, "task/cgroup");
    _is ("ConstrainRAMSpace", DOCTOR_OK, "=Yes");
    _is ("memwarden in Slurm", DOCTOR_OK, "spank_memwarden.so");
    _is ("AllowedRAMSpace", DOCTOR_OK, "to x1");
    _fixed_by ("PrologFlags=Contain", DOCTOR_LACKS, "PrologFlags=Alloc",
               "in /opt/alps.conf, line 2: PrologFlags=Alloc,Contain");
}

static void an_include_that_leads_nowhere_is_told (void **state)
{
    (void) state;
    _write ("/proc/self/mountinfo", "");
    _write ("/etc/slurm/slurm.conf", "\nInclude gone.conf\n");
    _is ("Slurm", DOCTOR_BROKEN,
         "/etc/slurm/slurm.conf, line 2: cannot read /etc/slurm/gone.conf");
    _write ("/etc/slurm/slurm.conf", "Include slurm.conf\n");
    _is ("Slurm", DOCTOR_BROKEN, "includes itself");
}

static void a_burst_beyond_allowed_ram_is_told (void **state)
{
    (void) state;
    _write ("/proc/self/mountinfo", "");
    _write ("/etc/slurm/slurm.conf", "TaskPlugin=task/cgroup,task/memwarden\n");
    _write ("/etc/slurm/cgroup.conf", "ConstrainRAMSpace=yes\n");
    _is ("AllowedRAMSpace", DOCTOR_OK, "to x1 of --mem");
    _write ("/etc/slurm/plugstack.conf",
            "optional spank_memwarden.so max_burst=x2.5\n");
    _fixed_by ("AllowedRAMSpace", DOCTOR_LACKS,
               "is 100, as it is not set; jobs may burst to x2.5",
               "in /etc/slurm/cgroup.conf: AllowedRAMSpace=250");
    _write ("/etc/slurm/cgroup.conf",
            "ConstrainRAMSpace=yes AllowedRAMSpace=120\n");
    _fixed_by ("AllowedRAMSpace", DOCTOR_LACKS, "is 120;",
               "in /etc/slurm/cgroup.conf, line 1: AllowedRAMSpace=250");
    _write ("/etc/slurm/plugstack.conf",
            "optional spank_memwarden.so max_burst=x1.2\n");
    _is ("AllowedRAMSpace", DOCTOR_OK, "x1.2");
    _write ("/etc/slurm/plugstack.conf",
            "optional spank_memwarden.so max_burst=64G\n");
    _is ("AllowedRAMSpace", DOCTOR_LACKS, "x4");
    _write ("/etc/slurm/cgroup.conf", "ConstrainRAMSpace=no\n");
    _is ("AllowedRAMSpace", DOCTOR_NA, "no limit");
}

static void in_shadow_nothing_is_allowed_beyond_mem (void **state)
{
    (void) state;
    in_shadow = true;
    _write ("/proc/self/mountinfo", "");
    _write ("/etc/slurm/slurm.conf", "TaskPlugin=task/cgroup\n");
    _write ("/etc/slurm/plugstack.conf",
            "optional spank_memwarden.so max_burst=x2\n");
    _write ("/etc/slurm/cgroup.conf", "ConstrainRAMSpace=yes\n");
    _is ("AllowedRAMSpace", DOCTOR_OK, "in shadow");
    _write ("/etc/slurm/cgroup.conf",
            "ConstrainRAMSpace=yes\nAllowedRAMSpace=200\n");
    _fixed_by ("AllowedRAMSpace", DOCTOR_LACKS, "hardly moves",
               "in /etc/slurm/cgroup.conf, line 2: AllowedRAMSpace=100");
}

static void words_are_read_as_slurm_reads_them (void **state)
{
    (void) state;
    _write ("/proc/self/mountinfo", "");
    _write ("/etc/slurm/slurm.conf",
            "PrologFlags=Alloc\nPrologFlags = \"Alloc,Contain\" # twice\n"
            "TaskPlugin=task/affinity,\\\n"
            "task/cgroup\n"
            "#SelectTypeParameters=CR_Core\n"
            "SelectType=select/cons_tres SelectTypeParameters=CR_Core_Memory");
    _is ("PrologFlags=Contain", DOCTOR_OK, "Alloc,Contain");
    _is ("task/cgroup", DOCTOR_OK, "task/affinity,task/cgroup");
    _is ("SelectTypeParameters", DOCTOR_OK, "=CR_Core_Memory");
    _write ("/etc/slurm/slurm.conf", "TaskPlugin=\033[2Jtask/none\n");
    _is ("task/cgroup", DOCTOR_LACKS, "TaskPlugin=?[2Jtask/none");
}

static void a_configless_node_is_read_where_slurmd_has_it (void **state)
{
    (void) state;
    _write ("/proc/self/mountinfo", "");
    _write ("/run/slurm/conf/slurm.conf", "TaskPlugin=task/cgroup\n");
    _is ("Slurm", DOCTOR_OK, "/run/slurm/conf/slurm.conf");
    _fixed_by ("PrologFlags=Contain", DOCTOR_LACKS, "not set",
               "in /run/slurm/conf/slurm.conf (on the controller's host, which "
               "sends it): PrologFlags=Contain");
}

/* A process of whoever runs the test, of root where that is root. */
static void other_oom_daemons_are_seen (void **state)
{
    (void) state;
    _write ("/proc/self/mountinfo", "");
    _write ("/proc/17/comm", "bash\n");
    _is ("other OOM daemons", DOCTOR_OK, "none");
    _is ("systemd-oomd", DOCTOR_OK, "not run");
    if (geteuid () >= 1000)
        skip ();
    _write ("/proc/18/comm", "earlyoom\n");
    _fixed_by ("other OOM daemons", DOCTOR_BROKEN, "earlyoom runs (process 18)",
               "systemctl disable --now earlyoom");
    _write ("/proc/18/comm", "systemd-oomd\n");
    _is ("other OOM daemons", DOCTOR_OK, "none");
    _fixed_by ("systemd-oomd", DOCTOR_LACKS, "process 18",
               "systemctl disable --now systemd-oomd");
}

/* A user who calls a process earlyoom breaks no node. */
static void a_user_s_process_is_no_oom_daemon (void **state)
{
    char dir[128];

    (void) state;
    if (geteuid () != 0)
        skip ();
    _write ("/proc/self/mountinfo", "");
    _write ("/proc/18/comm", "earlyoom\n");
    snprintf (dir, sizeof (dir), "%s/proc/18", root);
    assert_int_equal (chown (dir, 1000, 1000), 0);
    _is ("other OOM daemons", DOCTOR_OK, "none");
}

static void a_limit_above_slurmd_is_told (void **state)
{
    (void) state;
    _record_v2 ("");
    _is ("limits above slurmd", DOCTOR_NA, "no slurmd");
    if (geteuid () != 0)
        skip ();
    _write ("/proc/9/comm", "slurmd\n");
    _write ("/proc/9/cgroup", "0::/system.slice/slurmd.service\n");
    _write ("/sys/fs/cgroup/system.slice/slurmd.service/memory.max", "max\n");
    _write ("/sys/fs/cgroup/system.slice/memory.max", "max\n");
    _write ("/sys/fs/cgroup/system.slice/cgroup.subtree_control", "memory\n");
    _is ("limits above slurmd", DOCTOR_OK, "none");
    _is ("memory below slurmd", DOCTOR_OK, "all the way");
    _write ("/sys/fs/cgroup/system.slice/memory.max", "1073741824\n");
    _fixed_by ("limits above slurmd", DOCTOR_LACKS,
               "/system.slice has memory.max 1.0 GiB",
               "systemctl set-property system.slice MemoryMax=infinity");
    _write ("/sys/fs/cgroup/system.slice/cgroup.subtree_control", "cpu\n");
    _is ("memory below slurmd", DOCTOR_LACKS,
         "/system.slice does not hand memory down");
}

static void a_plugin_that_is_not_there_is_told (void **state)
{
    (void) state;
    _write ("/proc/self/mountinfo", "");
    _write ("/etc/slurm/slurm.conf", "PluginDir=/opt/a:/opt/b\n"
                                     "TaskPlugin=task/memwarden\n");
    _write ("/etc/slurm/plugstack.conf", "required spank_memwarden.so\n");
    _fixed_by ("spank_memwarden.so", DOCTOR_BROKEN,
               "/etc/slurm/plugstack.conf, line 1, wants spank_memwarden.so, "
               "which is not in /opt/a:/opt/b",
               "make install, of a memwarden configured for this Slurm: its "
               "plugins go to /opt/a:/opt/b");
    _is ("task_memwarden.so", DOCTOR_BROKEN, "wants task_memwarden.so");
    _write ("/opt/b/task_memwarden.so", "\177ELF but no more");
    _is ("task_memwarden.so", DOCTOR_BROKEN,
         "/opt/b/task_memwarden.so is no plugin of Slurm");
}

static void the_plugin_s_socket_is_the_warden_s (void **state)
{
    (void) state;
    _write ("/proc/self/mountinfo", "");
    _write ("/etc/slurm/slurm.conf", "TaskPlugin=task/cgroup\n");
    _write ("/etc/slurm/plugstack.conf", "optional spank_memwarden.so\n");
    _is ("the plugin's socket", DOCTOR_OK, MW_SOCKET_DEFAULT);
    _write ("/etc/slurm/plugstack.conf",
            "\noptional spank_memwarden.so socket=/run/other max_burst=x2\n");
    _fixed_by ("the plugin's socket", DOCTOR_BROKEN,
               "asks at /run/other, the warden is at " MW_SOCKET_DEFAULT,
               "in /etc/slurm/plugstack.conf, line 2, as a word: "
               "socket=" MW_SOCKET_DEFAULT);
    _write ("/etc/slurm/plugstack.conf",
            "optional spank_memwarden.so socket=/run/%n\n");
    _is ("the plugin's socket", DOCTOR_NA, "not known here");
}

static void any_bytes_are_no_plugin (void **state)
{
    char text[4096], path[128];
    uint32_t word;
    FILE *f;

    (void) state;
    snprintf (path, sizeof (path), "%s/x.so", root);
    memset (text, 0xff, sizeof (text));
    memcpy (text, "\177ELF\2\1\1", 7);
    for (size_t n = 0; n < sizeof (text); n += 37) {
        assert_non_null (f = fopen (path, "w+"));
        assert_int_equal (fwrite (text, 1, n, f), n);
        fflush (f);
        assert_int_equal (elf_word_read (fileno (f), "plugin_version", &word),
                          -1);
        fclose (f);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown (f, _setup, _teardown)

static void what_is_run_as_the_job_may_look_into_it (void **state)
{
    (void) state;
    _record_v2 ("");
    _is ("evidence", DOCTOR_NA, "no hook is run as the job");
    as_job = 2;
    _is ("evidence", DOCTOR_OK,
         "2 hooks are run as the job, below /var/lib/memwarden/evidence");
    _write ("/proc/sys/kernel/yama/ptrace_scope", "1\n");
    _is ("evidence", DOCTOR_LACKS, "kernel.yama.ptrace_scope is 1");
    _write ("/proc/sys/kernel/yama/ptrace_scope", "0\n");
    _is ("evidence", DOCTOR_OK, "2 hooks");
    as_job = 0;
}

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
        TEST (each_line_that_lacks_is_told_with_its_file),
        TEST (includes_are_followed),
        TEST (an_include_that_leads_nowhere_is_told),
        TEST (a_burst_beyond_allowed_ram_is_told),
        TEST (in_shadow_nothing_is_allowed_beyond_mem),
        TEST (words_are_read_as_slurm_reads_them),
        TEST (a_configless_node_is_read_where_slurmd_has_it),
        TEST (other_oom_daemons_are_seen),
        TEST (a_user_s_process_is_no_oom_daemon),
        TEST (a_limit_above_slurmd_is_told),
        TEST (a_plugin_that_is_not_there_is_told),
        TEST (the_plugin_s_socket_is_the_warden_s),
        TEST (any_bytes_are_no_plugin),
        TEST (what_is_run_as_the_job_may_look_into_it),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
