/* Reports of all generations of kernels in every form that logs have, packed
 * and not, with other lines in between: each field is the same as where the
 * kernel's own words are read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <lzma.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include "handler/cli/kmsg_read.h"

#define LOG_BYTES 262144
#define TOLD_BYTES 8192

/* ---- what kernels say ---------------------------------------------------- */

#define SIZES(more) \
    " total-vm:1000kB, anon-rss:900kB, file-rss:4kB, shmem-rss:8kB" more

static const struct generation {
    const char *name;
    const char *lines[24];
    const char *told; /* as _tell has it */
} generations[] = {
    { "2.6.32",
      { "java invoked oom-killer: gfp_mask=0xd0, order=0, oom_adj=0",
        "java cpuset=/ mems_allowed=0",
        "Pid: 2001, comm: java Not tainted 2.6.32-5-amd64 #1",
        "Call Trace:", " [<ffffffff810b6324>] ? oom_kill_process+0x7f/0x23f",
        " [<ffffffff810b6848>] ? __out_of_memory+0x12a/0x141",
        "Mem-Info:", "Free swap  = 0kB", "Total swap = 1951888kB",
        "Out of memory: kill process 2001 (java) score 52911 or a child",
        "Killed process 2002 (java)" },
      "killed java/2001 0 0xd0; java/2002/- -/-/-/- -; node ;  ; -/- "
      "0/1951888; oom_kill_process __out_of_memory |" },
    { "2.6.32 of RHEL 6",
      { "solver invoked oom-killer: gfp_mask=0xd0, order=0, oom_adj=0, "
        "oom_score_adj=0",
        "Pid: 6607, comm: solver Tainted: G           --------------- H  "
        "2.6.32-431.el6.x86_64 #1",
        "Call Trace:", " [<ffffffff81122b50>] ? dump_header+0x90/0x1b0",
        "Task in /slurm/uid_5/job_4/step_0 killed as a result of limit of "
        "/slurm/uid_5/job_4",
        "memory: usage 2048kB, limit 2048kB, failcnt 188",
        "Memory cgroup out of memory: Kill process 6607 (solver) score 985 or "
        "sacrifice child",
        "Killed process 6607, UID 501, (solver) total-vm:9kB, anon-rss:8kB, "
        "file-rss:4kB" },
      "killed solver/6607 0 0xd0; solver/6607/501 9/8/4/- -; memcg "
      "CONSTRAINT_MEMCG; /slurm/uid_5/job_4 /slurm/uid_5/job_4/step_0; "
      "2048/2048 -/-; dump_header |" },
    { "3.10 of RHEL 7",
      { "a b invoked oom-killer: gfp_mask=0xd0, order=0, oom_score_adj=0",
        "CPU: 7 PID: 20411 Comm: a b Kdump: loaded Tainted: G           OE  "
        "------------   3.10.0-1160.el7.x86_64 #1",
        "Hardware name: Dell Inc. PowerEdge R640/0H28RR, BIOS 2.10.0",
        "Call Trace:", " <IRQ>  [<ffffffff81783559>] dump_stack+0x19/0x1b",
        " [<ffffffff8177e5f8>] dump_header+0x90/0x229 [nvidia]",
        "Task in /slurm/uid_5/job_4/step_0 killed as a result of limit of "
        "/slurm/uid_5/job_4",
        "memory: usage 2048kB, limit 2048kB, failcnt 5",
        "Memory cgroup stats for /slurm/uid_5/job_4: cache:0KB rss:0KB",
        "[ pid ]   uid  tgid total_vm      rss nr_ptes swapents oom_score_adj "
        "name",
        "[20411]   501 20411   537570   522678    1040        0             0 "
        "a b",
        "Memory cgroup out of memory: Kill process 20411 (a b) score 985 or "
        "sacrifice child",
        "Killed process 20411 (a b), UID 501," SIZES ("") },
      "killed a b/20411 0 0xd0; a b/20411/501 1000/900/4/8 -; memcg "
      "CONSTRAINT_MEMCG; /slurm/uid_5/job_4 /slurm/uid_5/job_4/step_0; "
      "2048/2048 -/-; dump_stack dump_header |" },
    { "4.12",
      { "p invoked oom-killer: gfp_mask=0x14201ca(GFP_HIGHUSER_MOVABLE|"
        "__GFP_COLD), nodemask=(null),  order=0, oom_score_adj=0",
        "CPU: 1 PID: 88 Comm: p Tainted: P           O    4.12.14-default #1",
        "Call Trace:", " dump_stack+0x5c/0x7c", "Mem-Info:", "Free swap  = 1kB",
        "Total swap = 2kB",
        "Out of memory: Kill process 90 (p) score 985 or sacrifice child",
        "Killed process 90 (p)" SIZES (""),
        "oom_reaper: reaped process 90 (p), now anon-rss:0kB, file-rss:0kB" },
      "killed p/88 0 0x14201ca(GFP_HIGHUSER_MOVABLE|__GFP_COLD); p/90/- "
      "1000/900/4/8 -; node ;  ; -/- 1/2; dump_stack |" },
    { "4.18 of RHEL 8 on ppc64le",
      { "xhpl invoked oom-killer: gfp_mask=0x6000c0(GFP_KERNEL), "
        "nodemask=(null), order=0, oom_score_adj=0",
        "CPU: 12 PID: 51 Comm: xhpl Kdump: loaded Not tainted "
        "4.18.0-305.el8.ppc64le #1",
        "Call Trace:",
        "[c000001ff8a0b7a0] [c000000000d1f2e4] dump_stack+0xb0/0xf4 "
        "(unreliable)",
        "[c000001ff8a0b7e0] [c0000000003b9f60] dump_header+0x70/0x2f0",
        "memory: usage 1024kB, limit 1024kB, failcnt 40",
        "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=step_0,"
        "mems_allowed=0,8,oom_memcg=/slurm/uid_1/job_8,task_memcg=/slurm/uid_1/"
        "job_8/step_0,task=xhpl,pid=51,uid=7",
        "Memory cgroup out of memory: Killed process 51 (xhpl)" SIZES (
            ", UID:7") },
      "killed xhpl/51 0 0x6000c0(GFP_KERNEL); xhpl/51/7 1000/900/4/8 -; memcg "
      "CONSTRAINT_MEMCG; /slurm/uid_1/job_8 /slurm/uid_1/job_8/step_0; "
      "1024/1024 -/-; dump_stack dump_header |" },
    { "5.14 of RHEL 9",
      { "mycode invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, "
        "oom_score_adj=0",
        "CPU: 0 PID: 501 Comm: mycode Not tainted 5.14.0-427.el9.x86_64 #1",
        "Call Trace:", " <TASK>", " dump_header+0x4a/0x201",
        " ? __x64_sys_exit+0x1/0x2", " </TASK>",
        "memory: usage 1024kB, limit 1024kB, failcnt 40",
        "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,"
        "mems_allowed=0,oom_memcg=/job_31,task_memcg=/job_31/step_0,task="
        "mycode,pid=501,uid=7",
        "Memory cgroup out of memory: Killed process 501 (mycode)" SIZES (
            ", UID:7 pgtables:16kB oom_score_adj:0") },
      "killed mycode/501 0 0xcc0(GFP_KERNEL); mycode/501/7 1000/900/4/8 0; "
      "memcg CONSTRAINT_MEMCG; /job_31 /job_31/step_0; 1024/1024 -/-; "
      "dump_header __x64_sys_exit |" },
    { "6.18 on arm64",
      { "p2pd invoked oom-killer: gfp_mask=0x140cca(GFP_HIGHUSER_MOVABLE|"
        "__GFP_COMP), order=0, oom_score_adj=0",
        "CPU: 10 UID: 0 PID: 11 Comm: p2pd Tainted: G        W   E       "
        "6.18.0 #78 PREEMPT(voluntary)",
        "Tainted: [W]=WARN, [E]=UNSIGNED_MODULE",
        "Call trace:", " show_stack+0x24/0x50 (C)", " dump_header+0x48/0x220",
        "Mem-Info:", "Free swap  = 0kB", "Total swap = 0kB",
        "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=user.slice,"
        "mems_allowed=0,global_oom,task_memcg=/user.slice,task=python3,pid=12,"
        "uid=7",
        "Out of memory: Killed process 12 (python3)" SIZES (
            ", UID:7 pgtables:16kB oom_score_adj:-5") },
      "killed p2pd/11 0 0x140cca(GFP_HIGHUSER_MOVABLE|__GFP_COMP); "
      "python3/12/7 1000/900/4/8 -5; node CONSTRAINT_NONE;  /user.slice; -/- "
      "0/0; show_stack dump_header |" },
    { "a group",
      { "s invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, "
        "oom_score_adj=0",
        "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=c,"
        "mems_allowed=0,oom_memcg=/k,task_memcg=/k/p/c,task=s,pid=61,uid=7",
        "Memory cgroup out of memory: Killed process 61 (s)" SIZES (", UID:7"),
        "Tasks in /k/p are going to be killed due to memory.oom.group set",
        "Memory cgroup out of memory: Killed process 60 (sh)" SIZES (", UID:7"),
        "Memory cgroup out of memory: OOM victim 59 (x) is already exiting. "
        "Skip killing the task",
        "Memory cgroup out of memory: Killed process 61 (s)" SIZES (
            ", UID:7") },
      "killed s/- 0 0xcc0(GFP_KERNEL); s/61/7 1000/900/4/8 -; memcg "
      "CONSTRAINT_MEMCG; /k /k/p/c; -/- -/-; |"
      "killed s/- 0 0xcc0(GFP_KERNEL); sh/60/7 1000/900/4/8 -; memcg "
      "CONSTRAINT_MEMCG; /k /k/p; -/- -/-; |" },
    { "nobody: already exiting",
      { "m invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, "
        "oom_score_adj=0",
        "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,"
        "mems_allowed=0,oom_memcg=/j,task_memcg=/j/s,task=m,pid=42,uid=1",
        "Memory cgroup out of memory: OOM victim 42 (m) is already exiting. "
        "Skip killing the task" },
      "already exiting m/- 0 0xcc0(GFP_KERNEL); m/42/1 -/-/-/- -; memcg "
      "CONSTRAINT_MEMCG; /j /j/s; -/- -/-; |" },
    { "nobody: panic_on_oom",
      { "m invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, "
        "oom_score_adj=0",
        "Mem-Info:",
        "Kernel panic - not syncing: Out of memory: system-wide panic_on_oom "
        "is enabled",
        "CPU: 0 PID: 42 Comm: m Not tainted 6.6.0 #1",
        "Call Trace:", " dump_stack+0x1/0x2" },
      "panic m/- 0 0xcc0(GFP_KERNEL); /-/- -/-/-/- -; node ;  ; -/- -/-; |" },
    { "a log whose head is cut off",
      { "CPU: 0 PID: 501 Comm: mycode Not tainted 5.14.0-427.el9.x86_64 #1",
        "Call Trace:", " dump_header+0x4a/0x201",
        "memory: usage 1024kB, limit 1024kB, failcnt 40",
        "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,"
        "mems_allowed=0,oom_memcg=/job_31,task_memcg=/job_31/step_0,task="
        "mycode,pid=501,uid=7",
        "Memory cgroup out of memory: Killed process 501 (mycode)" SIZES (
            ", UID:7") },
      "headless killed mycode/501 - ; mycode/501/7 1000/900/4/8 -; memcg "
      "CONSTRAINT_MEMCG; /job_31 /job_31/step_0; 1024/1024 -/-; dump_header "
      "|" },
};

/* ---- what logs make of it ------------------------------------------------ */

/* A line: %m the message, %h a host, %t seconds since boot, %i a number */
static const char *const forms[] = {
    "[%t] %m",
    "<4>[%t] %m",
    "[Thu Nov 26 09:00:00 2026] %m",
    "[Thu Nov 26 09:00:00 2026 <    0.000010>] %m",
    "[%t <    0.000010>] %m",
    "[  +0.000010] %m",
    "kern  :warn  : [%t] %m",
    "kern  :err   : [Thu Nov 26 09:00:00 2026] %m",
    "kern  :warn  : 2026-11-26T09:00:00,678628+02:00 %m",
    "2026-11-26T09:00:00,678628+02:00 %m",
    "[%t][ T1961] %m",
    "[%t] [   C3] %m",
    "4,%i,9100000,-;%m",
    "4,%i,9100000,-,caller=T501;%m\n SUBSYSTEM=cgroup",
    "6.12.0-55.el10.ppc64le,4,%i,9100000,-;%m",
    "%m",
    "kernel: %m",
    "<4>kernel: %m",
    "Nov 26 09:00:00 %h kernel: %m",
    "Nov  6 09:00:00 %h kernel: [%t] %m",
    "Nov 26 09:00:00 %h kernel:[%t] %m",
    "Nov 26 2026 09:00:00 %h kernel: %m",
    "2026 Nov 26 09:00:00 %h kernel: %m",
    "Nov 26 09:00:00 UTC %h kernel: %m",
    "Nov 26 09:00:00.123400 %h.cluster.example.org kernel: %m",
    "<4>Nov 26 09:00:00 %h kernel: %m",
    "Nov 26 09:00:00 %h <kern.warning> kernel: %m",
    "Nov 26 09:00:00 %h [kern.warning] kernel: [%t] %m",
    "Nov 26 09:00:00 relay Nov 26 08:59:59 %h kernel: %m",
    "2026-11-26T09:00:00.123Z Nov 26 09:00:00 %h kernel: [%t] %m",
    "Nov 26 09:00:00 relay 1 2026-11-26T09:00:00.1Z %h kernel - - - %m",
    "2026-11-26T09:00:00.123456+01:00 %h kernel: [%t] %m",
    "2026-11-26T09:00:00+0100 %h kernel: %m",
    "2026-11-26 09:00:00,123 %h kernel: %m",
    "26.11.2026 09:00:00 %h kernel: %m",
    "Thu 2026-11-26 09:00:00 CET %h kernel: %m",
    "Thu 2026-11-26 09:00:00 +08 %h kernel: %m",
    "1750000000.123456 %h kernel: %m",
    "[%t] %h kernel: %m",
    "[%t <    0.000010 >] %h kernel: %m",
    "<4>1 2026-11-26T09:00:00.1234+01:00 %h kernel - - - [%t] %m",
    "<4>1 2026-11-26T09:00:00Z %h kernel - - [x y=\"a ] b\"][z k=\"\"] %m",
    "<4>1 2026-11-26T09:00:00Z %h kernel: 0 kmsg - \xef\xbb\xbf%m",
    "512 <4>1 2026-11-26T09:00:00Z %h kernel - - - %m",
    "2026-11-26T09:00:00Z %h kernel - - - %m",
    "Thu Nov 26 09:00:00 2026 kern.warn kernel: [%t] %m",
    "Nov 26 09:00:00 %h kern.warn kernel: %m",
    "2026-11-26T09:00:00.1Z stdout F [%t] %m",
    "2026-11-26T09:00:00.1Z stderr F Nov 26 09:00:00 %h kernel: %m",
    "2026-11-26T09:00:00.1Z [%t] %m",
    "[pod/reader-x/reader] [%t] %m",
    "reader-1  | [%t] %m",
    "%h: kern: warning: [2026-11-26T09:00:00.913975630Z]: %m",
    "2026-11-26T09:00:00.1Z In(05) vcpu-5 - Guest: <4>[%t] %m",
    "%h: [%t] %m",
    "Nov 26 09:00:00 %h [%t] %m",
    "2026-11-26 09:00:00\tKernel.Warning\t%h\tNov 26 09:00:00 relay kernel: "
    "%m",
    "[%i] kmsg.0: [1764147600.1, {\"priority\"=>4, \"msg\"=>\"%m\"}]",
    "[0] kmsg.0: [[1764147600.1, {}], {\"host\"=>\"%h\", \"msg\"=>\"%m\"}]",
    "avril 16 09:00:00 %h kernel: %m",
    "f\xc3\xa9vr. 16 09:00:00 %h kernel: [%t] %m",
    "11\xe6\x9c\x88  6 09:00:00 %h kernel: [%t] %m",
    "[Do Nov 26 09:00:00 2026] %m",
    "2026-11-26 09:00:00\tKernel.Error\t%h\t%m",
    "2026-11-26 09:00:00\tKernel.Error\t%h\t[%t] %m",
    "/var/log/kern.log:%i:Nov 26 09:00:00 cn12 kernel: %m",
    "   %i\t[%t] %m",
    "> > [%t] %m",
    "    Nov 26 09:00:00 %h kernel: %m",
    "\x1b[32m[%t] \x1b[0m\x1b[31m%m\x1b[0m",
    "^[[32m[%t] ^[[0m^[[31m%m^[[0m",
    "\x1b(B\x1b[m[%t] %m\x1b(B\x1b[m",
    "Nov 26 09:00:00 %h kernel: \x1b[0;1;38;5;185m%m\x1b[0m",
    "\r[%t] %m",
    "[%t] <4>%m",
    "[Thu Nov 26 09:00:00 UTC 2026] %m",
    "(d12) [%t] %m",
    "11-26 09:00:00.123     0     0 W         : %m",
    "ttyS0 node %i says> %m",
    "\"%i\",\"cn12\",\"kernel\",\"%m\"",
    "{\"MESSAGE\": \"%m\", \"_TRANSPORT\": \"kernel\", \"_HOSTNAME\": \"%h\"}",
    "{\"MESSAGE\": \"[%t] %m\", \"PROGRAM\": \"kernel\", \"FACILITY\": "
    "\"kern\"}",
    "{\n\t\"_TRANSPORT\" : \"kernel\",\n\t\"MESSAGE\" : \"%m\"\n}",
    "data: {\"_TRANSPORT\": \"kernel\", \"MESSAGE\": \"%m\"}\n",
    "\x1e{\"_TRANSPORT\": \"kernel\", \"MESSAGE\": \"%m\"}",
    "{\"log\":\"[%t] %m\\n\",\"stream\":\"stdout\",\"time\":\"x\"}",
    "{\"log\":\"Nov 26 09:00:00 %h kernel: %m\\n\",\"stream\":\"stdout\"}",
    "{\"msg\": \" [%t] %m\", \"syslogtag\": \"kernel:\", \"hostname\": \"%h\"}",
    "{\"message\": \"%m\", \"syslog\": {\"identifier\": \"kernel\"}, \"host\": "
    "{\"name\": \"%h\"}}",
    "[{\"_TRANSPORT\": \"kernel\", \"MESSAGE\": \"%m\"}]",
    "{\"jsonPayload\": {\"_TRANSPORT\": \"kernel\", \"MESSAGE\": \"%m\"}}",
    "{\"dmesg\": [{\"fac\": \"kern\", \"time\": %t, \"msg\": \"%m\"}]}",
    "{\"version\": \"1.1\", \"host\": \"%h\", \"short_message\": \"%m\", "
    "\"facility\": \"kernel\"}",
    "2026-11-26T09:00:00+00:00\tkern.warn\t{\"ident\":\"kernel\",\"host\":\"%h\","
    "\"message\":\"%m\"}",
    "2026-11-26 09:00:00.000000000 +0000 kern.warn: {\"host\":\"%h\","
    "\"message\":\"%m\"}",
    "2026-11-26T09:00:00Z {host=\"%h\", transport=\"kernel\"} %m",
    "2026-11-26T09:00:00Z {host=\"%h\", job=\"a \\\"} b\"} [%t] %m",
    "2026-11-26T09:00:00Z {transport=\"kernel\"} {\"_HOSTNAME\": \"%h\", "
    "\"MESSAGE\": \"%m\"}",
    "__CURSOR=s=a;i=%i\n_TRANSPORT=kernel\n_HOSTNAME=%h\nMESSAGE=%m\n",
    "Thu 2026-11-26 09:00:00.123400 UTC [s=a;i=%i;b=2;m=3;t=4;x=5]\n"
    "    _TRANSPORT=kernel\n    _HOSTNAME=%h\n    MESSAGE=%m",
};

/* Said between the lines of a report; none of it is. */
static const char *const noise = "eth0: Link is Up - 1Gbps/Full";

struct text {
    char bytes[LOG_BYTES];
    size_t len;
    unsigned lines;
};

static void _add (struct text *t, const char *bytes, size_t len)
{
    assert_true (t->len + len < sizeof (t->bytes));
    memcpy (t->bytes + t->len, bytes, len);
    t->len += len;
}

/* A line of [form] that says [message], with [end] at the end of each. */
static void _line (struct text *t, const char *form, const char *host,
                   const char *message, const char *end)
{
    char n[32];

    t->lines++;
    for (; *form; form++) {
        if (*form == '\n') {
            _add (t, end, strlen (end));
        } else if (*form != '%') {
            _add (t, form, 1);
        } else if (*++form == 'm') {
            _add (t, message, strlen (message));
        } else if (*form == 'h') {
            _add (t, host, strlen (host));
        } else {
            snprintf (n, sizeof (n), *form == 't' ? "9.%06u" : "1%03u",
                      t->lines);
            _add (t, n, strlen (n));
        }
    }
    _add (t, end, strlen (end));
}

/* ---- what is read -------------------------------------------------------- */

static char told[TOLD_BYTES];

static void _say (const char *format, ...)
    __attribute__ ((format (printf, 1, 2)));

static void _say (const char *format, ...)
{
    size_t len = strlen (told);
    va_list args;

    va_start (args, format);
    vsnprintf (told + len, sizeof (told) - len, format, args);
    va_end (args);
}

static void _number (int64_t n, const char *behind)
{
    if (n == KMSG_NONE)
        _say ("-%s", behind);
    else
        _say ("%" PRId64 "%s", n, behind);
}

/* All fields but time and host. */
static void _tell (const struct kmsg_kill *o, void *arg)
{
    (void) arg;
    _say ("%s%s%s %s/", o->headless ? "headless " : "",
          o->sysrq ? "sysrq " : "",
          o->killed ? "killed"
          : o->says ? o->says
                    : "?",
          o->invoker);
    _number (o->invoker_pid, " ");
    _number (o->order, " ");
    _say ("%s; %s/", o->gfp, o->comm);
    _number (o->pid, "/");
    _number (o->uid, " ");
    _number (o->total_vm, "/");
    _number (o->anon_rss, "/");
    _number (o->file_rss, "/");
    _number (o->shmem_rss, " ");
    _number (o->oom_score_adj, "; ");
    _say ("%s %s; %s %s; ", o->global ? "node" : "memcg", o->constraint,
          o->oom_memcg, o->task_memcg);
    _number (o->memcg_usage, "/");
    _number (o->memcg_limit, " ");
    _number (o->free_swap, "/");
    _number (o->total_swap, "; ");
    for (unsigned i = 0; i < o->frames; i++)
        _say ("%s ", o->trace[i]);
    _say ("|");
}

enum packing { AS_IT_IS, BY_GZIP, BY_XZ, PACKINGS };

static size_t _pack (enum packing how, const struct text *t, uint8_t *to,
                     size_t size)
{
    size_t n = 0;

    if (how == AS_IT_IS) {
        memcpy (to, t->bytes, n = t->len);
    } else if (how == BY_XZ) {
        assert_int_equal (lzma_easy_buffer_encode (0, LZMA_CHECK_CRC32, NULL,
                                                   (const uint8_t *) t->bytes,
                                                   t->len, to, &n, size),
                          LZMA_OK);
    } else {
        z_stream z = { .next_in = (Bytef *) (uintptr_t) t->bytes,
                       .avail_in = (unsigned) t->len,
                       .next_out = to,
                       .avail_out = (unsigned) size };

        assert_int_equal (deflateInit2 (&z, 1, Z_DEFLATED, 16 + MAX_WBITS, 8,
                                        Z_DEFAULT_STRATEGY),
                          Z_OK);
        assert_int_equal (deflate (&z, Z_FINISH), Z_STREAM_END);
        n = size - z.avail_out;
        deflateEnd (&z);
    }
    return n;
}

/* Read [t], packed like [how]: what it has is in told. */
static void _read (enum packing how, const struct text *t)
{
    static uint8_t packed[LOG_BYTES];
    struct kmsg_log *log = kmsg_log_new ();
    struct kmsg_kill kill;
    struct kmsg_input *in;
    struct mw_err err = { "" };
    int fd = memfd_create ("log", 0);
    size_t len = _pack (how, t, packed, sizeof (packed));

    assert_int_equal (write (fd, packed, len), (ssize_t) len);
    assert_int_equal (lseek (fd, 0, SEEK_SET), 0);
    told[0] = '\0';
    in = kmsg_input_open (fd, "log", &err);
    assert_non_null (in);
    if (kmsg_read (in, log, _tell, NULL, &err) < 0)
        _say ("%s", err.text);
    while (kmsg_log_end (log, &kill))
        _tell (&kill, NULL);
    if (!kmsg_log_known (log))
        _say ("not known");
    if (kmsg_log_cut (log) > 0)
        _say ("cut");
    kmsg_input_close (in);
    kmsg_log_free (log);
}

static unsigned wrong;

static void _is (const struct generation *g, const char *form, const char *way,
                 const char *expected)
{
    if (strcmp (told, expected) == 0)
        return;
    wrong++;
    fprintf (stderr, "%s in \"%s\", %s:\n  read %s\n  not  %s\n", g->name, form,
             way, told, expected);
}

static void _check (const struct generation *g, const char *form)
{
    static struct text plain, cr, crlf, noisy;
    unsigned n;

    plain.len = cr.len = crlf.len = noisy.len = 0;
    plain.lines = cr.lines = crlf.lines = noisy.lines = 0;
    for (n = 0; n < 24 && g->lines[n]; n++) {
        _line (&plain, form, "cn12", g->lines[n], "\n");
        _line (&cr, form, "cn12", g->lines[n], "\r");
        _line (&crlf, form, "cn12", g->lines[n], "\r\n");
        _line (&noisy, form, "cn12", g->lines[n], "\n");
        _line (&noisy, form, "cn12", noise, "\n");
    }
    _read (AS_IT_IS, &plain);
    _is (g, form, "as it is", g->told);
    _read (AS_IT_IS, &cr);
    if (form[0] != '\r' && form[0] != '\n')
        _is (g, form, "carriage returns alone", g->told);
    _read (BY_GZIP, &crlf);
    _is (g, form, "carriage returns, gzip", g->told);
    _read (BY_XZ, &noisy);
    _is (g, form, "others between, xz", g->told);
}

#define COUNT(array) (sizeof (array) / sizeof (array[0]))

static void every_generation_in_every_form (void **state)
{
    (void) state;
    for (unsigned g = 0; g < COUNT (generations); g++) {
        for (unsigned f = 0; f < COUNT (forms); f++)
            _check (&generations[g], forms[f]);
    }
    assert_int_equal (wrong, 0);
}

/* Two hosts of one log report at once. */
static void every_generation_of_two_hosts (void **state)
{
    static struct text t;
    char expected[TOLD_BYTES];

    (void) state;
    for (unsigned g = 0; g < COUNT (generations); g++) {
        const struct generation *one = &generations[g];

        if (strchr (one->told, '|')[1]) /* whose is which, is not told here */
            continue;
        snprintf (expected, sizeof (expected), "%s%s", one->told, one->told);
        for (unsigned f = 0; f < COUNT (forms); f++) {
            if (!strstr (forms[f], "%h"))
                continue;
            t.len = t.lines = 0;
            for (unsigned n = 0; n < 24 && one->lines[n]; n++) {
                _line (&t, forms[f], "cn12", one->lines[n], "\n");
                _line (&t, forms[f], "cn13", one->lines[n], "\n");
            }
            _read (AS_IT_IS, &t);
            _is (one, forms[f], "two hosts", expected);
        }
    }
    assert_int_equal (wrong, 0);
}

/* Put [from] into [to] as a screen of [width] breaks its lines, or a mail that
 * has [quote] before each of its own, at blanks. */
static void _break (struct text *to, const struct text *from, size_t width,
                    const char *quote)
{
    const char *s = from->bytes, *end = s + from->len, *line;

    for (to->len = 0; s < end; s = line + 1) {
        line = memchr (s, '\n', (size_t) (end - s));
        while ((size_t) (line - s) > width) {
            size_t n = width;

            while (quote && n > width / 2 && s[n] != ' ')
                n--;
            if (quote && s[n] != ' ')
                n = width;
            _add (to, quote ? quote : "", quote ? strlen (quote) : 0);
            _add (to, s, n);
            _add (to, "\n", 1);
            s += n + (quote && s[n] == ' ');
        }
        _add (to, quote ? quote : "", quote ? strlen (quote) : 0);
        _add (to, s, (size_t) (line + 1 - s));
    }
}

/* Lines that a screen or a mail has broken, at any place. */
static void every_generation_in_broken_lines (void **state)
{
    static const char *const whole[] = {
        "[%t] %m",
        "<4>[%t] %m",
        "[Thu Nov 26 09:00:00 2026] %m",
        "Nov 26 09:00:00 %h kernel: [%t] %m",
        "2026-11-26T09:00:00.123456+01:00 %h kernel: %m",
    };
    static struct text t, broken;

    (void) state;
    for (unsigned g = 0; g < COUNT (generations); g++) {
        for (unsigned f = 0; f < COUNT (whole); f++) {
            t.len = t.lines = 0;
            for (unsigned n = 0; n < 24 && generations[g].lines[n]; n++)
                _line (&t, whole[f], "cn12", generations[g].lines[n], "\n");
            for (size_t width = 74; width < 150; width++) {
                char way[32];

                _break (&broken, &t, width, NULL);
                _read (AS_IT_IS, &broken);
                snprintf (way, sizeof (way), "broken at %zu", width);
                _is (&generations[g], whole[f], way, generations[g].told);
                _break (&broken, &t, width, "> ");
                _read (AS_IT_IS, &broken);
                snprintf (way, sizeof (way), "mailed at %zu", width);
                _is (&generations[g], whole[f], way, generations[g].told);
            }
        }
    }
    assert_int_equal (wrong, 0);
}

/* What users can bring into a log is no kill in any form of it. */
static void forged_in_every_form (void **state)
{
#define KILL \
    "Memory cgroup out of memory: Killed process 1 (a)" SIZES (", UID:7")
    static const char *const said[] = {
        "Killed process [3002]: segfault at 0 ip 0000000000401136 sp 0 error 6",
        "tmpfs: Unknown parameter 'x kernel: " KILL "'",
        "tmpfs: Unknown parameter '[    1.000000] " KILL "'",
        "EXT4-fs (sda1): Unrecognized mount option \\\\n" KILL,
        "oom_reaper: reaped process 1 (a), now anon-rss:0kB, file-rss:0kB",
        "python3: page allocation failure: order:5, mode:0x40cc0(GFP_KERNEL)",
        "x" KILL,
    };
    static struct text t;
    static const struct generation nobody = { .name = "forged" };

    (void) state;
    for (unsigned f = 0; f < COUNT (forms); f++) {
        t.len = t.lines = 0;
        for (unsigned i = 0; i < COUNT (said); i++)
            _line (&t, forms[f], "cn12", said[i], "\n");
        _read (AS_IT_IS, &t);
        /* what has none of the kernel's forms may be no log at all */
        if (strcmp (told, "not known") != 0)
            _is (&nobody, forms[f], "alone", "");
    }
    assert_int_equal (wrong, 0);
}

/* A whole report, said by somebody else. */
static void echoed_by_another (void **state)
{
    static const char *const by_others[] = {
        "<12>1 2026-11-26T09:00:00Z %h npd 7 - - %m",
        "<12>1 2026-11-26T09:00:00Z %h npd kernel - - %m",
        "[0] x: [[1764147600.1, {}], {\"ident\"=>\"npd\", \"msg\"=>\"%m\"}]",
        "avril 16 09:00:00 %h npd[%i]: %m",
        "avril 16 09:00:00 %h npd[%i]: [%t] %m",
        "avril 16 09:00:00 %h npd: kernel: %m",
        "avril 16 09:00:00 %h kernel[%i]: %m",
        "2026-11-26 09:00:00\tUser.Notice\t%h\tNov 26 09:00:00 %h kernel: %m",
        "2026-11-26 09:00:00\tLocal0.Info\t%h\t%m",
        "Nov 26 09:00:00 %h npd[%i]: %m",
        "Nov 26 09:00:00 %h npd: %m",
        "Nov 26 09:00:00 npd: %m",
        "Nov 26 09:00:00 %h kernel[12]: %m",
        "Nov 26 09:00:00 %h npd: kernel: %m",
        "Nov 26 09:00:00 %h npd: [%t] %m",
        "Nov 26 09:00:00 %h npd: Nov 26 09:00:00 %h kernel: %m",
        "2026-11-26T09:00:00.1+01:00 %h npd[3]: %m",
        "Thu 2026-11-26 09:00:00 UTC %h npd[3]: %m",
        "1750000000.123456 %h npd[3]: %m",
        "[%t] %h npd[3]: %m",
        "user  :info  : [%t] %m",
        "daemon:warn  : %m",
        "<12>[%t] %m",
        "12,%i,1000000,-;%m",
        "10.0.0.1: user: warning: [2026-01-12T20:27:31.913975630Z]: %m",
        "{\"MESSAGE\": \"%m\", \"_TRANSPORT\": \"stdout\"}",
        "{\"MESSAGE\": \"%m\", \"SYSLOG_IDENTIFIER\": \"npd\"}",
        "{\"msg\": \"%m\", \"syslogtag\": \"npd[1]:\"}",
        "{\"message\": \"%m\", \"syslog\": {\"identifier\": \"npd\"}}",
        "{\"short_message\": \"%m\", \"facility\": \"daemon\"}",
        "6.12.0-55,12,%i,1000000,-;%m",
        "2026-11-26T09:00:00+00:00\tx\t{\"ident\":\"npd\",\"message\":\"%m\"}",
        "2026-11-26T09:00:00Z {transport=\"stdout\"} %m",
        "2026-11-26T09:00:00Z {transport=\"x\"} {\"MESSAGE\": \"%m\"}",
        "2026-11-26T09:00:00Z {syslog_identifier=\"npd\"} %m",
        "Nov 26 09:00:00 npd: {\"_TRANSPORT\": \"kernel\", \"MESSAGE\": \"%m\"}",
        "{\"jsonPayload\": {\"_TRANSPORT\": \"stdout\", \"MESSAGE\": \"%m\"}}",
        "__CURSOR=s=a\n_TRANSPORT=syslog\nSYSLOG_IDENTIFIER=kern\nMESSAGE=%m\n",
    };
    static struct text t;

    (void) state;
    for (unsigned g = 0; g < COUNT (generations); g++) {
        for (unsigned f = 0; f < COUNT (by_others); f++) {
            t.len = t.lines = 0;
            for (unsigned n = 0; n < 24 && generations[g].lines[n]; n++)
                _line (&t, by_others[f], "n1", generations[g].lines[n], "\n");
            _read (AS_IT_IS, &t);
            if (strcmp (told, "not known") != 0)
                _is (&generations[g], by_others[f], "by another", "");
        }
    }
    assert_int_equal (wrong, 0);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (every_generation_in_every_form),
        cmocka_unit_test (every_generation_of_two_hosts),
        cmocka_unit_test (every_generation_in_broken_lines),
        cmocka_unit_test (forged_in_every_form),
        cmocka_unit_test (echoed_by_another),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
