/* kmsg.c - kernel OOM kills from log lines: see kmsg.h
 *
 * The kernel holds oom_lock while it reports a kill (mm/oom_kill.c), so reports
 * do not mix with each other, only with lines of others.  Formats: to 4.18 the
 * victim's memcg is in "Task in A killed as a result of limit of B", and "Kill
 * process … or sacrifice child" comes before "Killed process"; from 5.0 (and
 * RHEL 8) "oom-kill:constraint=…" says it in one line.
 */
#include "handler/kmsg.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES 2048

static void _copy (char *to, size_t size, const char *from, size_t len)
{
    if (len >= size)
        len = size - 1;
    memcpy (to, from, len);
    to[len] = '\0';
}

static void _copy_between (char *to, size_t size, const char *from,
                           const char *end)
{
    if (end && end >= from)
        _copy (to, size, from, (size_t) (end - from));
}

/* The number behind [key] in [text], or KMSG_NONE. */
static int64_t _number (const char *text, const char *key)
{
    const char *at = strstr (text, key);
    char *end;
    long long n;

    if (!at)
        return KMSG_NONE;
    at += strlen (key);
    while (*at == ' ')
        at++;
    errno = 0;
    n = strtoll (at, &end, 10);
    return end == at || errno ? KMSG_NONE : n;
}

static void _reset (struct kmsg *k)
{
    struct kmsg_kill *o = &k->kill;

    *o = (struct kmsg_kill) {
        .headless = true,
        .invoker_pid = KMSG_NONE, .order = KMSG_NONE,
        .memcg_usage = KMSG_NONE, .memcg_limit = KMSG_NONE,
        .free_swap = KMSG_NONE, .total_swap = KMSG_NONE,
        .pid = KMSG_NONE, .uid = KMSG_NONE, .oom_score_adj = KMSG_NONE,
        .total_vm = KMSG_NONE, .anon_rss = KMSG_NONE,
        .file_rss = KMSG_NONE, .shmem_rss = KMSG_NONE,
    };
    k->open = k->tracing = false;
}

void kmsg_init (struct kmsg *k)
{
    memset (k, 0, sizeof (*k));
    _reset (k);
}

/* ---- what stands before the message -------------------------------------- */

/* "[ 8545.160138]", "[Sat Nov 21 03:37:00 2026]"; not "[  123]" of the task
 * list */
static const char *_bracket (const char *s, char *time)
{
    const char *end;

    if (*s != '[' || !(end = strchr (s, ']')))
        return s;
    for (const char *c = s + 1; c < end; c++) {
        if (*c == '.' || *c == ':') {
            while (*++s == ' ')
                ;
            if (!time[0])
                _copy_between (time, KMSG_TIME_MAX, s, end);
            return end[1] == ' ' ? end + 2 : end + 1;
        }
    }
    return s;
}

/* "[ T1961] ", "[ C0] ": who printed it (CONFIG_PRINTK_CALLER) */
static const char *_caller (const char *s)
{
    const char *c = s;

    if (*c++ != '[')
        return s;
    while (*c == ' ')
        c++;
    if (*c != 'T' && *c != 'C')
        return s;
    while (isdigit ((unsigned char) *++c))
        ;
    if (*c++ != ']')
        return s;
    return *c == ' ' ? c + 1 : c;
}

/* "6,1234,8545160138,-;": level, sequence, microseconds, flags */
static const char *_record (struct kmsg *k, const char *s, char *time)
{
    unsigned long long level, seq, us;
    int n = 0;

    if (sscanf (s, "%llu,%llu,%llu,%n", &level, &seq, &us, &n) != 3 || n == 0)
        return NULL;
    s = strchr (s + n, ';');
    if (!s)
        return NULL;
    if (k->seq_known && seq > k->seq + 1) {
        k->lost += seq - k->seq - 1;
        k->kill.lost += seq - k->seq - 1;
    }
    k->seq = seq;
    k->seq_known = true;
    snprintf (time, KMSG_TIME_MAX, "%llu.%06llu", us / 1000000, us % 1000000);
    return s + 1;
}

/* Strip whatever the log's keeper has put before the kernel's own words. */
static const char *_message (struct kmsg *k, const char *s, char *time)
{
    const char *at;

    time[0] = '\0';
    if (isdigit ((unsigned char) *s) && (at = _record (k, s, time)))
        return _caller (at);
    if (*s == '<' && isdigit ((unsigned char) s[1]) && (at = strchr (s, '>')))
        s = at + 1;
    at = strstr (s, " kernel: ");
    if (at && at - s < 128 && *s != '[') {
        /* "Nov 21 03:37:00 HOST", "2026-11-21T03:37:00.1+00:00 HOST" */
        const char *host = memrchr (s, ' ', (size_t) (at - s));

        _copy_between (time, KMSG_TIME_MAX, s, host ? host : at);
        s = at + strlen (" kernel: ");
    } else if (strncmp (s, "kernel: ", 8) == 0) {
        s += strlen ("kernel: ");
    }
    /* a keeper's own time may stand before the kernel's */
    return _caller (_bracket (_bracket (s, time), time));
}

/* ---- the lines of a report ----------------------------------------------- */

static bool _head (struct kmsg *k, const char *s, const char *time,
                   struct kmsg_kill *out)
{
    const char *at = strstr (s, " invoked oom-killer: "), *gfp, *end;
    struct kmsg_kill *o = &k->kill;
    bool unfinished;

    if (!at)
        return false;
    unfinished = k->open && !o->killed;
    if (unfinished)
        *out = *o;
    _reset (k);
    k->open = true;
    o->headless = false;
    snprintf (o->time, sizeof (o->time), "%s", time);
    _copy_between (o->invoker, sizeof (o->invoker), s, at);
    o->order = _number (at, " order=");
    o->sysrq = o->order == -1;
    if ((gfp = strstr (at, "gfp_mask="))) {
        gfp += strlen ("gfp_mask=");
        end = strstr (gfp, ", ");
        _copy_between (o->gfp, sizeof (o->gfp), gfp,
                       end ? end : gfp + strlen (gfp));
    }
    return unfinished;
}

/* "oom-kill:constraint=C,nodemask=…,global_oom|oom_memcg=A,task_memcg=B,task=T,
 * pid=N,uid=N": paths and names may have commas of their own. */
static void _verdict (struct kmsg_kill *o, const char *s)
{
    const char *c = strstr (s, "constraint="), *limit, *victim, *task;

    if (c) {
        c += strlen ("constraint=");
        _copy (o->constraint, sizeof (o->constraint), c, strcspn (c, ","));
    }
    o->global = strstr (s, ",global_oom") != NULL;
    limit = strstr (s, ",oom_memcg=");
    victim = strstr (s, ",task_memcg=");
    task = strstr (victim ? victim : s, ",task=");
    if (limit)
        _copy_between (o->oom_memcg, sizeof (o->oom_memcg),
                       limit + strlen (",oom_memcg="), victim);
    if (victim)
        _copy_between (o->task_memcg, sizeof (o->task_memcg),
                       victim + strlen (",task_memcg="), task);
}

/* to 4.18: "Task in A killed as a result of limit of B" */
static void _old_verdict (struct kmsg_kill *o, const char *s)
{
    static const char middle[] = " killed as a result of limit of ";
    const char *at = strstr (s, middle);

    if (!at)
        return;
    _copy_between (o->task_memcg, sizeof (o->task_memcg),
                   s + strlen ("Task in "), at);
    at += strlen (middle);
    _copy (o->oom_memcg, sizeof (o->oom_memcg), at, strlen (at));
    snprintf (o->constraint, sizeof (o->constraint), "CONSTRAINT_MEMCG");
}

static void _frame (struct kmsg *k, const char *s)
{
    struct kmsg_kill *o = &k->kill;
    const char *at, *end;

    while (*s == ' ' || *s == '?')
        s++;
    if (*s == '[' && s[1] == '<' && (at = strchr (s, ']')))
        s = at + 1;     /* to 4.8 with the address */
    while (*s == ' ' || *s == '?')
        s++;
    end = strstr (s, "+0x");
    if (!end || memchr (s, ' ', (size_t) (end - s))) {
        k->tracing = *s == '<';         /* <TASK> */
        return;
    }
    if (o->frames < KMSG_FRAMES)
        _copy_between (o->trace[o->frames++], KMSG_FRAME_MAX, s, end);
}

/* "Killed process 12 (a), UID 3, total-vm:…" and "Killed process 12 (a)
 * total-vm:…kB, anon-rss:…, UID:3 … oom_score_adj:0" */
static void _victim (struct kmsg_kill *o, const char *s)
{
    const char *vm = strstr (s, "total-vm:"), *open, *close;

    o->pid = _number (s, "Killed process ");
    open = strchr (s + strlen ("Killed process "), '(');
    close = vm ? memrchr (s, ')', (size_t) (vm - s)) : strrchr (s, ')');
    if (open && close && close > open)
        _copy_between (o->comm, sizeof (o->comm), open + 1, close);
    if (!vm)
        vm = s;
    o->total_vm = _number (vm, "total-vm:");
    o->anon_rss = _number (vm, "anon-rss:");
    o->file_rss = _number (vm, "file-rss:");
    o->shmem_rss = _number (vm, "shmem-rss:");
    o->oom_score_adj = _number (vm, "oom_score_adj:");
    o->uid = _number (vm, "UID:");
    if (o->uid == KMSG_NONE && close)
        o->uid = _number (close, "UID ");
}

static void _body (struct kmsg *k, const char *s)
{
    struct kmsg_kill *o = &k->kill;
    bool trace = k->tracing;

    if (strncmp (s, "CPU: ", 5) == 0 && o->invoker_pid == KMSG_NONE)
        o->invoker_pid = _number (s, " PID: ");
    else if (strncmp (s, "Call Trace:", 11) == 0)
        k->tracing = true;
    else if (strncmp (s, "oom-kill:", 9) == 0)
        _verdict (o, s);
    else if (strncmp (s, "Task in ", 8) == 0)
        _old_verdict (o, s);
    else if (strncmp (s, "memory: usage ", 14) == 0) {
        o->memcg_usage = _number (s, "usage ");
        o->memcg_limit = _number (s, "limit ");
    } else if (strncmp (s, "Free swap ", 10) == 0)
        o->free_swap = _number (s, "= ");
    else if (strncmp (s, "Total swap ", 11) == 0)
        o->total_swap = _number (s, "= ");
    else if (trace)
        _frame (k, s);
}

/* Which of the three: the kernel's own words before "Killed process" tell. */
static void _scope (struct kmsg_kill *o, const char *s, const char *killed)
{
    const char *memcg = strstr (s, "Memory cgroup out of memory:");
    const char *global = strstr (s, "Out of memory");

    if (memcg && memcg < killed) {
        o->global = false;
        if (!o->constraint[0])
            snprintf (o->constraint, sizeof (o->constraint),
                      "CONSTRAINT_MEMCG");
    } else if ((global && global < killed) || o->constraint[0] == '\0')
        o->global = o->constraint[0] == '\0'
                    || strcmp (o->constraint, "CONSTRAINT_NONE") == 0;
}

static bool _at_message (struct kmsg *k, const char *s, const char *time,
                         struct kmsg_kill *out)
{
    const char *killed;

    if (strstr (s, " invoked oom-killer: "))
        return _head (k, s, time, out);
    killed = strstr (s, "Killed process ");
    if (killed && (killed == s || strstr (s, "ut of memory")
                   || strncmp (s, "Memory cgroup", 13) == 0)) {
        /* memory.oom.group: the first victim is named once more with the
         * group */
        if (k->open && k->kill.killed
            && k->kill.pid == _number (killed, "Killed process "))
            return false;
        if (!k->open && !k->kill.time[0])
            snprintf (k->kill.time, KMSG_TIME_MAX, "%s", time);
        _scope (&k->kill, s, killed);
        _victim (&k->kill, killed);
        k->kill.killed = true;
        *out = k->kill;
        /* memory.oom.group: further kills follow with the same head */
        if (!k->open)
            _reset (k);
        return true;
    }
    if (strstr (s, "Memory cgroup out of memory: Kill process ")
        && !k->kill.constraint[0])
        snprintf (k->kill.constraint, sizeof (k->kill.constraint),
                  "CONSTRAINT_MEMCG");
    if (k->open)
        _body (k, s);
    return false;
}

bool kmsg_line (struct kmsg *k, const char *line, size_t len,
                struct kmsg_kill *out)
{
    char text[LINE_MAX_BYTES], time[KMSG_TIME_MAX];

    /* names in it are anyone's: nothing but printable ASCII gets in */
    if (len >= sizeof (text))
        len = sizeof (text) - 1;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char) line[i];

        text[i] = c == '\t' ? ' ' : c < 0x20 || c > 0x7e ? '?' : (char) c;
    }
    text[len] = '\0';
    return _at_message (k, _message (k, text, time), time, out);
}

bool kmsg_end (struct kmsg *k, struct kmsg_kill *out)
{
    bool unfinished = k->open && !k->kill.killed;

    if (unfinished)
        *out = k->kill;
    _reset (k);
    return unfinished;
}
