/* Kernel logs of 3.10 to 6.18, as their keepers write them: each kill,
 * whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handler/kmsg/log.h"

#define MAX_KILLS 5

static struct kmsg_kill kills[MAX_KILLS];

/* Returns how many reports log [name] has, stored in kills. */
static unsigned _read (const char *name)
{
    char path[4096], line[4096];
    struct kmsg_log *log = kmsg_log_new ();
    unsigned n = 0;
    FILE *f;

    snprintf (path, sizeof (path), KMSG_DATA "/%s.log", name);
    f = fopen (path, "r");
    if (!f)
        fail_msg ("no %s", path);
    memset (kills, 0, sizeof (kills));
    while (fgets (line, sizeof (line), f))
        n += kmsg_log_line (log, line, strcspn (line, "\n"), &kills[n]);
    while (kmsg_log_end (log, &kills[n]))
        n++;
    kmsg_log_free (log);
    fclose (f);
    return n;
}

static void linux_3_10_memcg_in_syslog (void **state)
{
    (void) state;
    assert_int_equal (_read ("linux-3.10-syslog"), 1);
    assert_string_equal (kills[0].time, "Mar  3 11:20:01");
    assert_string_equal (kills[0].invoker, "solver");
    assert_int_equal (kills[0].invoker_pid, 20411);
    assert_string_equal (kills[0].gfp, "0xd0");
    assert_string_equal (kills[0].oom_memcg, "/slurm/uid_1001/job_77");
    assert_string_equal (kills[0].task_memcg, "/slurm/uid_1001/job_77/step_0");
    assert_string_equal (kills[0].constraint, "CONSTRAINT_MEMCG");
    assert_int_equal (kills[0].memcg_limit, 2097152);
    assert_int_equal (kills[0].frames, 3);
    assert_string_equal (kills[0].trace[2], "find_lock_task_mm");
    assert_int_equal (kills[0].uid, 1001);
    assert_int_equal (kills[0].anon_rss, 2091000);
    assert_true (kills[0].killed);
    assert_false (kills[0].global);
}

static void linux_4_18_global_with_dmesg_T (void **state)
{
    (void) state;
    assert_int_equal (_read ("linux-4.18-dmesg-T"), 1);
    assert_string_equal (kills[0].time, "Tue Feb  4 08:01:12 2020");
    assert_string_equal (kills[0].gfp, "0x6200ca(GFP_HIGHUSER_MOVABLE)");
    assert_string_equal (kills[0].comm, "my (odd) name");
    assert_int_equal (kills[0].pid, 5100);
    assert_int_equal (kills[0].free_swap, 12);
    assert_int_equal (kills[0].total_swap, 2097148);
    assert_int_equal (kills[0].frames, 3);
    assert_int_equal (kills[0].uid, KMSG_NONE);
    assert_true (kills[0].global);
}

static void linux_5_10_sysrq_is_told_apart (void **state)
{
    (void) state;
    assert_int_equal (_read ("linux-5.10-journalctl"), 1);
    assert_true (kills[0].sysrq);
    assert_true (kills[0].global);
    assert_int_equal (kills[0].order, -1);
    assert_string_equal (kills[0].task_memcg, "/user.slice");
    assert_int_equal (kills[0].uid, 1000);
}

static void linux_5_14_with_nothing_but_kernel_before_it (void **state)
{
    (void) state;
    assert_int_equal (_read ("linux-5.14-journal-short"), 1);
    assert_string_equal (kills[0].time, "");
    assert_string_equal (kills[0].invoker, "cfd_solver");
    assert_int_equal (kills[0].invoker_pid, 71233);
    assert_string_equal (kills[0].oom_memcg,
                         "/system.slice/slurmstepd.scope/job_4711");
    assert_string_equal (kills[0].task_memcg, "/system.slice/slurmstepd.scope/"
                                              "job_4711/step_0/user/task_0");
    assert_int_equal (kills[0].memcg_limit, 8388608);
    assert_int_equal (kills[0].frames, 6);
    assert_int_equal (kills[0].uid, 1042);
    assert_false (kills[0].global);
}

/* Really of that kernel, in a VM of two memory nodes; statistics are cut. */
static void linux_6_1_memcg_policy_and_cpuset (void **state)
{
    (void) state;
    assert_int_equal (_read ("linux-6.1-kmsg"), 3);
    assert_string_equal (kills[0].time, "7.376424");
    assert_string_equal (kills[0].constraint, "CONSTRAINT_MEMCG");
    assert_string_equal (kills[0].oom_memcg, "/slurm/job_7");
    assert_int_equal (kills[0].memcg_limit, 40960);
    assert_int_equal (kills[0].lost, 0);
    assert_string_equal (kills[1].constraint, "CONSTRAINT_MEMORY_POLICY");
    assert_string_equal (kills[1].comm, "python3");
    assert_int_equal (kills[1].oom_score_adj, 1000);
    assert_string_equal (kills[2].constraint, "CONSTRAINT_CPUSET");
    assert_int_equal (kills[2].total_vm, 67111208);
    for (unsigned i = 0; i < 3; i++) {
        assert_false (kills[i].global); /* its global_oom: no memcg's */
        assert_false (kills[i].sysrq);
        assert_true (kills[i].frames > 10);
    }
    assert_string_equal (kills[1].trace[4],
                         "__alloc_pages_slowpath.constprop.0");
}

static void linux_6_1_global_and_sysrq_with_dmesg_T (void **state)
{
    (void) state;
    assert_int_equal (_read ("linux-6.1-dmesg-T"), 2);
    assert_string_equal (kills[0].time, "Sat Nov 21 06:07:03 2026");
    assert_true (kills[0].global);
    assert_false (kills[0].sysrq);
    assert_string_equal (kills[0].task_memcg, "/");
    assert_int_equal (kills[0].total_swap, 0);
    assert_true (kills[1].sysrq);
    assert_string_equal (kills[1].invoker, "kworker/1:2");
}

static void two_times_before_a_line_are_no_part_of_it (void **state)
{
    static const char *const lines[] = {
        "[2026-06-04 17:51:20] [   21.646907] a b invoked oom-killer: "
        "gfp_mask=0xdc0(GFP_KERNEL|__GFP_ZERO), order=0, oom_score_adj=0",
        "[2026-06-04 17:51:20] [   21.646910] Out of memory: Killed process 7 "
        "(a b) total-vm:1kB, anon-rss:2kB, UID:3 oom_score_adj:0",
    };
    struct kmsg_log *log = kmsg_log_new ();

    (void) state;
    assert_false (kmsg_log_line (log, lines[0], strlen (lines[0]), &kills[0]));
    assert_true (kmsg_log_line (log, lines[1], strlen (lines[1]), &kills[0]));
    assert_string_equal (kills[0].invoker, "a b");
    assert_string_equal (kills[0].time, "2026-06-04 17:51:20");
    kmsg_log_free (log);
}

static void linux_6_12_records_with_a_gap_and_a_group (void **state)
{
    (void) state;
    assert_int_equal (_read ("linux-6.12-kmsg"), 3);
    assert_string_equal (kills[0].time, "100.000001");
    assert_int_equal (kills[0].lost, 3);
    assert_int_equal (kills[0].invoker_pid, 431);
    assert_string_equal (kills[0].oom_memcg, "/slurm,a/job_9");
    assert_string_equal (kills[0].task_memcg, "/slurm,a/job_9/step_0");
    assert_int_equal (kills[0].frames, 1);
    assert_int_equal (kills[1].pid, 430);
    assert_string_equal (kills[1].invoker, "leak");
    assert_false (kills[2].killed);
    assert_string_equal (kills[2].invoker, "other");
}

/* Really of that kernel; its group's first victim is in the log twice. */
static void linux_6_12_group_policy_and_global (void **state)
{
    (void) state;
    assert_int_equal (_read ("linux-6.12-dmesg"), 4);
    assert_string_equal (kills[0].time, "15.986588");
    assert_int_equal (kills[0].pid, 197);
    assert_string_equal (kills[0].oom_memcg, "/slurm/job_7");
    assert_int_equal (kills[1].pid, 198);
    assert_string_equal (kills[1].comm, "sleep");
    assert_string_equal (kills[1].oom_memcg, "/slurm/job_7");
    assert_string_equal (kills[2].constraint, "CONSTRAINT_MEMORY_POLICY");
    assert_false (kills[2].global);
    assert_true (kills[3].global);
    assert_string_equal (kills[3].task_memcg, "/cpuset");
    assert_int_equal (kills[3].invoker_pid, 205);
}

static void linux_6_18_of_this_very_kernel (void **state)
{
    (void) state;
    assert_int_equal (_read ("linux-6.18-dmesg"), 1);
    assert_string_equal (kills[0].comm, "touchmem");
    assert_int_equal (kills[0].memcg_limit, 32768);
    assert_int_equal (kills[0].memcg_usage, 32768);
    assert_int_equal (kills[0].anon_rss, 32512);
    assert_int_equal (kills[0].oom_score_adj, 0);
    assert_true (kills[0].frames > 3);
    assert_false (kills[0].global);
}

static void a_kill_without_its_head_is_not_lost (void **state)
{
    static const char line[] = "[1.5] Out of memory: Killed process 7 (a\033b) "
                               "total-vm:1kB, anon-rss:2kB, UID:3 "
                               "oom_score_adj:-5";
    struct kmsg_log *log = kmsg_log_new ();

    (void) state;
    assert_true (kmsg_log_line (log, line, strlen (line), &kills[0]));
    assert_true (kills[0].headless);
    assert_true (kills[0].global);
    assert_string_equal (kills[0].comm, "a?b");
    assert_int_equal (kills[0].oom_score_adj, -5);
    assert_false (kmsg_log_end (log, &kills[0]));
    kmsg_log_free (log);
}

static void other_lines_are_nothing (void **state)
{
    static const char *const lines[] = {
        "",
        "[",
        "[ 1961]     0  1961",
        "4,1",
        "4,1,2",
        ";",
        "<6>",
        "kernel: ",
        "Killed",
        "the user said Killed process 12 (a)",
        "oom-kill:",
    };
    struct kmsg_log *log = kmsg_log_new ();

    (void) state;
    for (unsigned i = 0; i < sizeof (lines) / sizeof (lines[0]); i++)
        assert_false (
            kmsg_log_line (log, lines[i], strlen (lines[i]), &kills[0]));
    kmsg_log_free (log);
}

/* Feed [lines] up to NULL. Returns how many reports they have, in kills. */
static unsigned _lines (const char *const *lines)
{
    struct kmsg_log *log = kmsg_log_new ();
    unsigned n = 0;

    memset (kills, 0, sizeof (kills));
    for (; *lines; lines++)
        n += kmsg_log_line (log, *lines, strlen (*lines), &kills[n]);
    while (kmsg_log_end (log, &kills[n]))
        n++;
    kmsg_log_free (log);
    return n;
}

#define KILL(pid, comm) \
    "Memory cgroup out of memory: Killed process " pid " (" comm \
    ") total-vm:9kB, anon-rss:4kB, file-rss:0kB, shmem-rss:0kB, " \
    "UID:7 pgtables:8kB oom_score_adj:0"
#define HEAD(comm) \
    comm " invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), " \
         "order=0, oom_score_adj=0"
#define VERDICT(cpuset, whose, pid) \
    "oom-kill:constraint=CONSTRAINT_MEMCG," \
    "nodemask=(null),cpuset=" cpuset ",mems_allowed=0-1,3," whose ",task=a," \
    "pid=" pid ",uid=7"

static void what_a_user_says_is_no_kill (void **state)
{
    static const char *const lines[] = {
        "[1.0] Killed process [3002]: segfault at 0 ip 0000000000401136 sp "
        "00007ffd00000000 error 6 in a.out[401000+1000]",
        "[1.0] tmpfs: Unknown parameter '" KILL ("1", "a") "'",
        "[1.0] tmpfs: Unknown parameter '[ 2.0] " KILL ("1", "a"),
        "[1.0] tmpfs: Unknown parameter 'x kernel: " KILL ("1", "a"),
        KILL ("1", "a"), /* the second line of such a message */
        "[1.0] x Memory cgroup out of memory: Killed process 1 (a)",
        "[1.0] Killed process 1 (a) total-vm:1kB",
        "[1.0] " KILL ("99999999999999999999", "a"),
        "[1.0] " KILL ("-1", "a"),
        "[1.0] " KILL ("0", "a"),
        "[1.0] " KILL ("1", "a name of 16 B.!"),
        "[1.0] " KILL ("1", "a") ")}]",
        "[1.0] " HEAD ("who is too long "),
        "user  :info  : [1.0] " KILL ("1", "a"),
        "<12>[1.0] " KILL ("1", "a"),
        "14,7,1,-;" KILL ("1", "a"),
        "Nov 26 09:00:00 cn1 alice: " KILL ("1", "a"),
        "Nov 26 09:00:00 cn1 alice: kernel: " KILL ("1", "a"),
        "Nov 26 09:00:00 cn1 npd[6018]: [ 1.0] " KILL ("1", "a"),
        "<4>1 2026-03-01T10:00:00Z cn1 npd 7 - - " KILL ("1", "a"),
        NULL,
    };

    (void) state;
    for (unsigned i = 0; lines[i]; i++) {
        const char *const one[] = { "[1.0] nothing", lines[i], NULL };

        if (_lines (one) != 0)
            fail_msg ("a kill: %s", lines[i]);
    }
}

static void a_head_is_of_its_own_kill_alone (void **state)
{
    static const char *const late[] = {
        "[1.0] " HEAD ("a"),
        "[1.0] " VERDICT ("/", "oom_memcg=/job_1,task_memcg=/job_1", "501"),
        "[1.0] " KILL ("501", "a"), "[2.0] " KILL ("777", "b"), NULL,
    }, *const other[] = {
        "[1.0] " HEAD ("a"),
        "[1.0] " VERDICT ("/", "oom_memcg=/job_1,task_memcg=/job_1", "501"),
        "[2.0] " KILL ("777", "b"), NULL,
    }, *const old[] = {
        "[1.0] " HEAD ("a"),
        "[1.0] Task in /job_1/s killed as a result of limit of /job_1",
        "[1.0] Memory cgroup out of memory: Kill process 501 (a) score 9 or "
        "sacrifice child",
        "[2.0] Memory cgroup out of memory: Kill process 777 (b) score 9 or "
        "sacrifice child",
        "[2.0] Killed process 777 (b) total-vm:1kB, anon-rss:1kB, file-rss:0kB",
        NULL,
    };

    (void) state;
    assert_int_equal (_lines (late), 2);
    assert_string_equal (kills[0].oom_memcg, "/job_1");
    assert_string_equal (kills[1].comm, "b");
    assert_string_equal (kills[1].task_memcg, "");
    assert_string_equal (kills[1].invoker, "");
    assert_true (kills[1].headless);
    assert_int_equal (_lines (other), 2);
    assert_int_equal (kills[0].pid, 777);
    assert_string_equal (kills[0].task_memcg, "");
    assert_false (kills[1].killed);
    assert_int_equal (_lines (old), 2);
    assert_int_equal (kills[0].pid, 777);
    assert_string_equal (kills[0].task_memcg, "");
    assert_string_equal (kills[0].constraint, "CONSTRAINT_MEMCG");
    assert_false (kills[1].killed);
    assert_string_equal (kills[1].task_memcg, "/job_1/s");
}

/* A kill behind a group's is of the group; unless its head may have been held
 * back. */
static void a_kernel_without_cpusets_says_whose_limit (void **state)
{
    static const char *const own[] = {
        "[1.0] " HEAD ("a"),
        "[1.0] oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),"
        "oom_memcg=/job_1,task_memcg=/job_1/s,task=a,pid=501,uid=7",
        "[1.0] " KILL ("501", "a"), NULL,
    }, *const node[] = {
        "[1.0] " HEAD ("a"),
        "[1.0] oom-kill:constraint=CONSTRAINT_NONE,nodemask=0-1,3,"
        "global_oom,task_memcg=/job_1/s,task=a,pid=501,uid=7",
        "[1.0] " KILL ("501", "a"), NULL,
    };

    (void) state;
    assert_int_equal (_lines (own), 1);
    assert_string_equal (kills[0].oom_memcg, "/job_1");
    assert_string_equal (kills[0].task_memcg, "/job_1/s");
    assert_int_equal (_lines (node), 1);
    assert_true (kills[0].global);
    assert_string_equal (kills[0].task_memcg, "/job_1/s");
}

static void a_group_ends_where_heads_are_held_back (void **state)
{
    static const char *const lines[] = {
        "[1.5] " KILL ("501", "a"),
        "[1.5] Tasks in /job_1 are going to be killed due to memory.oom.group "
        "set",
        "[1.5] " KILL ("501", "a"),
        "[1.5] " KILL ("502", "a"),
        "[9.0] " KILL ("777", "b"),
        NULL,
    };
    struct kmsg_log *log = kmsg_log_new ();
    char line[256];
    unsigned n = 0;

    (void) state;
    for (unsigned i = 0; i < 10; i++) {
        snprintf (line, sizeof (line), "[1.%u] %s", i, HEAD ("a"));
        kmsg_log_line (log, line, strlen (line), &kills[0]);
    }
    assert_true (kmsg_log_line (log, lines[0], strlen (lines[0]), &kills[0]));
    assert_false (kmsg_log_line (log, lines[1], strlen (lines[1]), &kills[0]));
    for (unsigned i = 2; i < 5; i++)
        n += kmsg_log_line (log, lines[i], strlen (lines[i]), &kills[n]);
    assert_int_equal (n, 3);
    for (unsigned i = 0; i < n; i++)
        assert_string_equal (kills[i].task_memcg, "");
    kmsg_log_free (log);
    assert_int_equal (_lines (lines), 3);
    assert_string_equal (kills[1].task_memcg, "/job_1");
    assert_string_equal (kills[2].task_memcg, ""); /* much later */
}

/* Users name cgroups, and nest them. */
static void a_directory_s_name_moves_no_kill (void **state)
{
    static const char *const nested[] = {
        "[1.0] " VERDICT ("/", "oom_memcg=/u1/x,task_memcg=/u2/job_9/y,"
                          "task_memcg=/u1/x,task_memcg=/u2/job_9/y/z", "5"),
        "[1.0] " KILL ("5", "a"), NULL,
    }, *const cpuset[] = {
        "[1.0] " VERDICT ("x,mems_allowed=0,global_oom,task_memcg=",
                          "oom_memcg=/u1,task_memcg=/u1/s", "5"),
        "[1.0] " KILL ("5", "a"), NULL,
    }, *const task[] = {
        "[1.0] " VERDICT ("/", "oom_memcg=/u1,task_memcg=/u1/s,task=,pid=9,"
                          "uid=0", "5"),
        "[1.0] " KILL ("5", "a"), NULL,
    };

    (void) state;
    assert_int_equal (_lines (nested), 1);
    assert_string_equal (kills[0].oom_memcg, "/u1/x,task_memcg=/u2/job_9/y");
    assert_string_equal (kills[0].task_memcg, "/u1/x,task_memcg=/u2/job_9/y/z");
    assert_int_equal (_lines (cpuset), 1);
    assert_string_equal (kills[0].task_memcg, "/u1/s");
    assert_false (kills[0].global);
    assert_int_equal (_lines (task), 1);
    assert_int_equal (kills[0].pid, 5);
}

/* The kernel says who prints a line (CONFIG_PRINTK_CALLER). */
static void what_another_task_prints_is_not_of_the_report (void **state)
{
    static const char *const text[] = {
        "[1.0][ T9] " HEAD ("a"),
        "[1.0][ T9] CPU: 2 PID: 9 Comm: a Not tainted 6.6.30 #1",
        "[1.0][ T7] CPU: 3 PID: 7 Comm: a Not tainted 6.6.30 #1",
        "[1.0][ T7] Call Trace:",
        "[1.0][ T7]  warn_alloc+0x164/0x190",
        "[1.0][ T9] Call Trace:",
        "[1.0][ T9]  dump_header+0x43/0x1aa",
        "[1.0][ T7] Free swap  = 777kB",
        "[1.0][ T9] " KILL ("8", "a"),
        NULL,
    }, *const records[] = {
        "4,1,10,-,caller=T9;" HEAD ("a"),
        "4,2,11,-,caller=T7;memory: usage 1kB, limit 1kB, failcnt 1",
        "4,3,12,-,caller=T9;memory: usage 2kB, limit 2kB, failcnt 1",
        "4,4,13,-,caller=C1;memory: usage 3kB, limit 3kB, failcnt 1",
        "4,5,14,-,caller=T9;" KILL ("8", "a"), NULL,
    }, *const others[] = {
        "[1.0][ T9] " HEAD ("a"),
        "[1.0][ T7] " KILL ("6", "b"), /* its head is held back */
        NULL,
    };

    (void) state;
    assert_int_equal (_lines (text), 1);
    assert_int_equal (kills[0].invoker_pid, 9);
    assert_int_equal (kills[0].frames, 1);
    assert_string_equal (kills[0].trace[0], "dump_header");
    assert_true (kills[0].free_swap == KMSG_NONE);
    assert_int_equal (_lines (records), 1);
    assert_int_equal (kills[0].memcg_limit, 2);
    assert_int_equal (_lines (others), 2);
    assert_string_equal (kills[0].comm, "b");
    assert_true (kills[0].headless);
    assert_string_equal (kills[1].invoker, "a");
    assert_false (kills[1].killed);
}

/* 32 bit arm has a trace without a word before it, where it unwinds. */
static void a_trace_of_arm_begins_with_its_first_frame (void **state)
{
    static const char *const lines[] = {
        "[1.0] " HEAD ("a"),
        "[1.0]  nobody from here+0x1/0x2", /* who invoked it comes first */
        "[1.0] CPU: 2 PID: 9 Comm: a Not tainted 6.1.66-v7l+ #1",
        "[1.0] Hardware name: BCM2711",
        "[1.0]  unwind_backtrace from show_stack+0x18/0x1c",
        "[1.0]  brcmf_attach [brcmfmac] from probe+0x1/0x2 [brcmfmac]",
        "[1.0] Exception stack(0xf0f09fa8 to 0xf0f09ff0)",
        "[1.0]  later from here+0x1/0x2",
        "[1.0] " KILL ("8", "a"),
        NULL,
    };

    (void) state;
    assert_int_equal (_lines (lines), 1);
    assert_int_equal (kills[0].frames, 2);
    assert_string_equal (kills[0].trace[1], "brcmf_attach");
}

/* netconsole has the kernel's release first, and sends long records in
 * pieces; those of one that is not whole are nothing. */
static void records_that_came_in_pieces (void **state)
{
#define RELEASE "6.12.0-1.x86_64,4,"
#define FIRST RELEASE "1,10,-;" HEAD ("a")
#define LAST RELEASE "3,11,-;" KILL ("5", "a")
#define BEGINNING \
    RELEASE "2,10,-,ncfrag=0/168;oom-kill:constraint=CONSTRAINT_MEMCG," \
            "nodemask=(null),cpuset=/,mems_allowed=0,"
#define END(seq) \
    RELEASE seq ",10,-,ncfrag=77/168;oom_memcg=/a.slice/b\\x5cx2dc.scope," \
                "task_memcg=/a.slice/b\\x5cx2dc.scope/s,task=a,pid=5,uid=7"
    static const char *const whole[] = {
        FIRST, BEGINNING, END ("2"), LAST, NULL,
    }, *const missing[] = {
        FIRST, END ("2"), LAST, NULL,
    }, *const another[] = {
        FIRST, BEGINNING, END ("9"), LAST, NULL,
    }, *const forged[] = {
        "6.12.0-1.x86_64,12,1,10,-;" KILL ("5", "a"), NULL,
    };

    (void) state;
    assert_int_equal (_lines (whole), 1);
    assert_string_equal (kills[0].oom_memcg, "/a.slice/b\\x2dc.scope");
    assert_string_equal (kills[0].task_memcg, "/a.slice/b\\x2dc.scope/s");
    assert_int_equal (_lines (missing), 2); /* a record is missing */
    assert_string_equal (kills[0].oom_memcg, "");
    assert_int_equal (kills[1].killed + kills[0].killed, 1);
    assert_int_equal (_lines (another), 2); /* a record is missing */
    assert_string_equal (kills[0].oom_memcg, "");
    assert_int_equal (kills[1].killed + kills[0].killed, 1);
    assert_int_equal (_lines (forged), 0);
}

/* On Google's machines syslog copies to the console what the kernel prints
 * there. */
static void what_syslog_copies_to_the_console_is_no_second_kill (void **state)
{
    static const char *const lines[] = {
        "[    9.000001] " HEAD ("a"),
        "Nov 26 09:00:00 n1 kernel: [    9.000001] " HEAD ("a"),
        "[    9.000002] " KILL ("5", "a"),
        "[    9.000003] " KILL ("6", "a"), /* at once, but its own */
        "Nov 26 09:00:00 n1 kernel: [    9.000002] " KILL ("5", "a"),
        "Nov 26 09:00:00 n1 kernel: [    9.000003] " KILL ("6", "a"),
        NULL,
    }, *const boots[] = {
        "Nov 26 09:00:00 n1 kernel: [    9.000002] " KILL ("5", "a"),
        "Nov 26 10:00:00 n1 kernel: [    9.000002] " KILL ("5", "a"), NULL,
    };

    (void) state;
    assert_int_equal (_lines (lines), 2);
    assert_int_equal (kills[0].pid, 5);
    assert_string_equal (kills[0].invoker, "a");
    assert_int_equal (kills[1].pid, 6);
    assert_int_equal (_lines (boots), 2);
}

/* Words before a message that nobody knows are said, not taken for no kills. */
static void a_report_behind_unknown_words_is_no_known_log (void **state)
{
    static const char *const lines[] = {
        "2026-11-26 09:00:00 | n1 | of the kernel: " HEAD ("a"),
        "Nov 26 09:00:00 n1 kernel: Unknown parameter 'x " HEAD ("a") "'",
        "Nov 26 09:00:00 n1 logger: x " HEAD ("a"),
        "Nov 26 09:00:00 n1 kernel: " HEAD ("a"),
    };

    (void) state;
    for (unsigned i = 0; i < 4; i++) {
        struct kmsg_log *log = kmsg_log_new ();

        kmsg_log_line (log, lines[i], strlen (lines[i]), &kills[0]);
        assert_int_equal (kmsg_log_known (log), i != 0);
        kmsg_log_free (log);
    }
}

/* A line without anything before it belongs to the one before, if that is the
 * kernel's and not whole; it is nobody's where it is not. */
static void the_rest_of_a_line_is_of_the_one_before (void **state)
{
    static const char *const others[] = {
        "Nov 26 09:00:00 n1 kernel: eth0: Link is Up",
        "Nov 26 09:00:00 n1 sshd[7]: x",
        "Memory cgroup out of memory: Killed process 5 (a) total-vm:9kB, anon-"
        "rss:4kB, file-rss:0kB, shmem-rss:0kB",
        "Nov 26 09:00:00 n1 kernel: eth0: Link is Up",
        "Memory cgroup out of memory: Killed process 5 (a) total-vm:9kB, anon-"
        "rss:4kB, file-rss:0kB, shmem-rss:0kB",
        "Nov 26 09:00:00 n1 kernel: Memory cgroup out of memory: Killed",
        "Nov 26 09:00:00 n1 sshd[7]: x",
        " process 5 (a) total-vm:9kB, anon-rss:4kB, file-rss:0kB",
        NULL,
    }, *const whole[] = {
        "Nov 26 09:00:00 n1 kernel: " HEAD ("a"),
        "login: ",
        "Nov 26 09:00:00 n1 kernel: " KILL ("5", "a"),
        "login: 6",
        NULL,
    }, *const broken[] = {
        "> Nov 26 09:00:00 n1 kernel: a invoked oom-killer: gfp_mask=0xcc0",
        "> (GFP_KERNEL), order=0, oom_score_adj=0",
        "> Nov 26 09:00:00 n1 kernel: Out of memory: Killed process 5 (a) to",
        "> tal-vm:9kB, anon-rss:4kB, file-rss:0kB, shmem-rss:0kB, UID:10",
        "> 01 pgtables:8kB oom_score_adj:-5",
        "> Nov 26 09:00:00 n1 kernel: eth0: Link is Up",
        NULL,
    };

    (void) state;
    assert_int_equal (_lines (others), 0);
    assert_int_equal (_lines (whole), 1);
    assert_int_equal (kills[0].pid, 5);
    assert_int_equal (kills[0].oom_score_adj, 0);
    assert_int_equal (_lines (broken), 1);
    assert_string_equal (kills[0].invoker, "a");
    assert_string_equal (kills[0].host, "n1");
    assert_int_equal (kills[0].uid, 1001);
    assert_int_equal (kills[0].oom_score_adj, -5);
}

/* Any bytes: nothing crashes, every text stays terminated and printable. */
static void mutated_lines_stay_in_bounds (void **state)
{
    static const char *const lines[] = {
        "4,7,1,-;leak invoked oom-killer: gfp_mask=0xcc0(GFP), order=0, x",
        "[ 1.0] Call Trace:",
        "[ 1.0]  dump_stack+0x1/0x2",
        "[ 1.0] Task in /a killed as a result of limit of /b",
        "[ 1.0] oom-kill:constraint=C,global_oom,task_memcg=/,task=a,pid=1",
        "Mar  3 11:20:01 n kernel: Killed process 1 (a), UID 1, total-vm:2kB",
        ", anon-rss:1kB, file-rss:0kB",
        "6.12.0,4,7,1,-,ncfrag=0/9;Call ",
        "6.12.0,4,7,1,-,ncfrag=5/9;Tra\\x5c",
        "4,8,1,-,caller=T1;Call Trace:",
    };
    char line[3000];
    struct kmsg_log *log = kmsg_log_new ();
    size_t len;

    (void) state;
    srand (20261121);
    for (int i = 0; i < 200000; i++) {
        len = (size_t) snprintf (line, sizeof (line), "%s", lines[i % 10]);
        for (int m = rand () % 6; m > 0; m--)
            line[(size_t) rand () % len] = (char) rand ();
        if (i % 1000 == 0) {
            memset (line + len, 'x', sizeof (line) - len);
            len = sizeof (line);
        }
        if (!kmsg_log_line (log, line, len, &kills[0]))
            continue;
        assert_true (strlen (kills[0].comm) < KMSG_COMM_MAX);
        assert_true (kills[0].frames <= KMSG_FRAMES);
        for (const char *c = kills[0].task_memcg; *c; c++)
            assert_true (*c >= ' ' && *c <= '~');
    }
    kmsg_log_free (log);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (linux_3_10_memcg_in_syslog),
        cmocka_unit_test (linux_4_18_global_with_dmesg_T),
        cmocka_unit_test (linux_5_10_sysrq_is_told_apart),
        cmocka_unit_test (linux_5_14_with_nothing_but_kernel_before_it),
        cmocka_unit_test (linux_6_1_memcg_policy_and_cpuset),
        cmocka_unit_test (linux_6_1_global_and_sysrq_with_dmesg_T),
        cmocka_unit_test (two_times_before_a_line_are_no_part_of_it),
        cmocka_unit_test (linux_6_12_records_with_a_gap_and_a_group),
        cmocka_unit_test (linux_6_12_group_policy_and_global),
        cmocka_unit_test (linux_6_18_of_this_very_kernel),
        cmocka_unit_test (a_kill_without_its_head_is_not_lost),
        cmocka_unit_test (other_lines_are_nothing),
        cmocka_unit_test (what_a_user_says_is_no_kill),
        cmocka_unit_test (a_head_is_of_its_own_kill_alone),
        cmocka_unit_test (a_kernel_without_cpusets_says_whose_limit),
        cmocka_unit_test (a_group_ends_where_heads_are_held_back),
        cmocka_unit_test (a_directory_s_name_moves_no_kill),
        cmocka_unit_test (what_another_task_prints_is_not_of_the_report),
        cmocka_unit_test (a_trace_of_arm_begins_with_its_first_frame),
        cmocka_unit_test (records_that_came_in_pieces),
        cmocka_unit_test (what_syslog_copies_to_the_console_is_no_second_kill),
        cmocka_unit_test (a_report_behind_unknown_words_is_no_known_log),
        cmocka_unit_test (the_rest_of_a_line_is_of_the_one_before),
        cmocka_unit_test (mutated_lines_stay_in_bounds),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
