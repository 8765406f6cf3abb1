/* form.c - the kernel's own forms at an OOM: see form.h
 *
 * mm/oom_kill.c, mm/memcontrol.c, lib/dump_stack.c.  To 4.18 the victim's memcg
 * is in "Task in A killed as a result of limit of B", and "Kill process … or
 * sacrifice child" comes before "Killed process"; from 4.19 (and RHEL 8) on
 * "oom-kill:constraint=…" says it in one line; from 5.3 on there is but one
 * line of the kill.  Red Hat's 2.6.32 and 3.10 have the UID elsewhere; Debian's
 * 2.6.32 says no sizes at all.
 */
#include "handler/kmsg/form.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define NAME_BYTES 15    /* the kernel's TASK_COMM_LEN, less its NUL */
#define PID_MOST 4194304 /* its PID_MAX_LIMIT */
#define UID_MOST 4294967295

/* ---- pieces: each takes its text off [*s], or leaves [*s] as it is ------- */

static bool _form_word (const char **s, const char *word)
{
    size_t len = strlen (word);

    if (strncmp (*s, word, len) != 0)
        return false;
    *s += len;
    return true;
}

/* A decimal number of the kernel's, at most [most] (and at least its negative,
 * where [sign]). */
static bool _form_number (const char **s, bool sign, int64_t most, int64_t *n)
{
    const char *at = *s;
    bool minus = sign && *at == '-';
    int64_t sum = 0;

    at += minus;
    if (!isdigit ((unsigned char) *at))
        return false;
    for (; isdigit ((unsigned char) *at); at++) {
        if (sum > (most - (*at - '0')) / 10)
            return false;
        sum = sum * 10 + (*at - '0');
    }
    *n = minus ? -sum : sum;
    *s = at;
    return true;
}

static bool _kib (const char **s, int64_t *n)
{
    const char *at = *s;

    if (!_form_number (&at, false, INT64_MAX, n) || !_form_word (&at, "kB"))
        return false;
    *s = at;
    return true;
}

static void _form_put (char *to, size_t size, const char *from, const char *end)
{
    size_t len = (size_t) (end - from);

    if (len >= size)
        len = size - 1;
    memcpy (to, from, len);
    to[len] = '\0';
}

/* Is [from, end) a process's name?  Keepers write a byte as "\x1b", "#033". */
static bool _is_name (const char *from, const char *end)
{
    unsigned bytes = 0;

    for (const char *c = from; c < end; bytes++) {
        if (c + 3 < end && c[0] == '\\' && c[1] == 'x')
            c += 4;
        else if (c + 3 < end && c[0] == '#' && isdigit ((unsigned char) c[1]) &&
                 isdigit ((unsigned char) c[2]) &&
                 isdigit ((unsigned char) c[3]))
            c += 4;
        else
            c++;
    }
    return bytes <= NAME_BYTES;
}

static bool _form_name (const char *from, const char *end, char *to)
{
    if (!_is_name (from, end))
        return false;
    _form_put (to, KMSG_COMM_MAX, from, end);
    return true;
}

static const char *_end_of (const char *s)
{
    return s + strlen (s);
}

/* Does [s] end in [tail]? Returns where that begins, or NULL. */
static const char *_ends (const char *s, const char *tail)
{
    size_t len = strlen (s), n = strlen (tail);

    return len >= n && strcmp (s + len - n, tail) == 0 ? s + len - n : NULL;
}

/* ---- the report's lines -------------------------------------------------- */

/* "oom_score_adj=0" and its like, to the end */
static bool _settings (const char *s)
{
    int64_t n;

    while (_form_word (&s, ", ")) {
        size_t key = strspn (s, "abcdefghijklmnopqrstuvwxyz_");

        if (key == 0 || s[key] != '=')
            return false;
        s += key + 1;
        if (!_form_number (&s, true, INT32_MAX, &n))
            return false;
    }
    return *s == '\0';
}

static const char _invoked[] = " invoked oom-killer: gfp_mask=0x";

/* "C invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, …" */
static bool _form_head (const char *s, struct kmsg_kill *o)
{
    const char *at = strstr (s, _invoked), *gfp, *end, *order;
    int64_t n;

    if (!at)
        return false;
    gfp = at + strlen (_invoked) - 2;
    end = strchr (gfp, ','); /* "…, nodemask=(null),  order=0" */
    order = strstr (gfp, " order=");
    if (!order || !end)
        return false;
    order += strlen (" order=");
    if (!_form_number (&order, true, 64, &n) || !_settings (order) ||
        !_form_name (s, at, o->invoker))
        return false;
    _form_put (o->gfp, sizeof (o->gfp), gfp, end);
    o->order = n;
    o->sysrq = n == -1;
    return true;
}

/* "CPU: 0 [UID: 0 ]PID: 501 Comm: C Not tainted …", "Pid: 8911, comm: C …" */
static bool _form_task (const char *s, struct kmsg_kill *o)
{
    static const char *const ends[] = { " Kdump: ", " Not tainted",
                                        " Tainted: " };
    const char *end = NULL, *at;
    int64_t n, pid;

    if (_form_word (&s, "Pid: ")) {
        if (!_form_number (&s, false, PID_MOST, &pid) ||
            !_form_word (&s, ", comm: "))
            return false;
    } else {
        if (!_form_word (&s, "CPU: ") ||
            !_form_number (&s, false, INT32_MAX, &n) ||
            (_form_word (&s, " UID: ") &&
             !_form_number (&s, false, UID_MOST, &n)) ||
            !_form_word (&s, " PID: ") ||
            !_form_number (&s, false, PID_MOST, &pid) ||
            !_form_word (&s, " Comm: "))
            return false;
    }
    for (unsigned i = 0; i < sizeof (ends) / sizeof (ends[0]); i++) {
        at = strstr (s, ends[i]);
        if (at && (!end || at < end))
            end = at;
    }
    if (!end || !_form_name (s, end, o->invoker))
        return false;
    o->invoker_pid = pid;
    return true;
}

static bool _usage (const char *s, struct kmsg_kill *o)
{
    int64_t usage, limit, n;

    if (!_form_word (&s, "memory: usage ") || !_kib (&s, &usage) ||
        !_form_word (&s, ", limit ") || !_kib (&s, &limit) ||
        !_form_word (&s, ", failcnt ") ||
        !_form_number (&s, false, INT64_MAX, &n) || *s)
        return false;
    o->memcg_usage = usage;
    o->memcg_limit = limit;
    return true;
}

static bool _form_swap (const char *s, struct kmsg_kill *o)
{
    bool total = s[0] == 'T';
    int64_t n;

    if (!_form_word (&s, total ? "Total swap = " : "Free swap  = ") ||
        !_kib (&s, &n) || *s)
        return false;
    *(total ? &o->total_swap : &o->free_swap) = n;
    return true;
}

static bool _within (const char *path, const char *path_end, const char *dir,
                     const char *dir_end)
{
    size_t len = (size_t) (dir_end - dir);

    if ((size_t) (path_end - path) < len || memcmp (path, dir, len) != 0)
        return false;
    return path + len == path_end || path[len] == '/' || dir_end[-1] == '/';
}

/* [s, end) is a victim's memcg and the one of the limit, in this or the other
 * order, with [between] in their middle.  Directories' names are users', and
 * may have these words as well: the victim's is within that of the limit. */
static bool _two_paths (const char *s, const char *end, const char *between,
                        bool limit_first, struct kmsg_kill *o)
{
    size_t len = strlen (between);
    const char *found = NULL;

    for (const char *at = s; (at = strstr (at, between)) && at < end; at++) {
        const char *next = at + len;
        bool fits = limit_first ? _within (next, end, s, at)
                                : _within (s, at, next, end);

        if (!fits || *s != '/' || *next != '/')
            continue;
        if (found)
            return false; /* nobody can tell */
        found = at;
    }
    if (!found)
        return false;
    _form_put (limit_first ? o->oom_memcg : o->task_memcg, KMSG_PATH_MAX, s,
               found);
    _form_put (limit_first ? o->task_memcg : o->oom_memcg, KMSG_PATH_MAX,
               found + len, end);
    return true;
}

/* "…,task=T,pid=N,uid=N" at the end of [s]. Returns where it begins. */
static const char *_verdict_task (const char *s, struct kmsg_kill *o)
{
    const char *task = NULL, *pid = NULL, *at;
    int64_t n, uid;

    for (at = s; (at = strstr (at, ",pid=")); at++)
        pid = at;
    if (!pid)
        return NULL;
    at = pid + strlen (",pid=");
    if (!_form_number (&at, false, PID_MOST, &n) ||
        !_form_word (&at, ",uid=") ||
        !_form_number (&at, false, UID_MOST, &uid) || *at)
        return NULL;
    for (at = s; (at = strstr (at, ",task=")) && at < pid; at++) {
        if (_is_name (at + strlen (",task="), pid)) {
            task = at;
            break;
        }
    }
    if (!task || !_form_name (task + strlen (",task="), pid, o->comm))
        return NULL;
    o->pid = n;
    o->uid = uid;
    return task;
}

/* "{(null)|0-1,3},…": behind a list of nodes */
static const char *_behind_nodes (const char *at)
{
    if (_form_word (&at, "(null)"))
        return at;
    at += strspn (at, "0123456789-,");
    return at - (at[-1] == ',');
}

/* "[,global_oom|,oom_memcg=A],task_memcg=B" up to [task], where its ",task=" is.
 * Returns false where it is something else. */
static bool _verdict_memcgs (const char *at, const char *task, bool nobody,
                             struct kmsg_kill *o)
{
    if (_form_word (&at, ",global_oom,task_memcg=") && *at == '/') {
        _form_put (o->task_memcg, KMSG_PATH_MAX, at, task);
        o->global = nobody;
        return true;
    }
    if (at == task) { /* a kernel without memcgs */
        o->global = nobody;
        return true;
    }
    if (!_form_word (&at, ",oom_memcg=") || *at != '/')
        return false;
    if (!_two_paths (at, task, ",task_memcg=", true, o))
        o->oom_memcg[0] = o->task_memcg[0] = '\0';
    return true;
}

/* "oom-kill:constraint=C,nodemask=…[,cpuset=…,mems_allowed=…],
 * {global_oom|oom_memcg=A},task_memcg=B,task=T,pid=N,uid=N".  A cpuset's name
 * is a user's too, but has no '/' in it.  A kernel that is built without cpusets
 * says nothing of them. */
static bool _form_verdict (const char *s, struct kmsg_kill *o)
{
    const char *constraint, *task, *at;
    size_t len;
    bool nobody;

    if (!_form_word (&s, "oom-kill:constraint="))
        return false;
    constraint = s;
    len = strspn (s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_");
    nobody = len > 0 && strncmp (s, "CONSTRAINT_NONE", len) == 0;
    s += len;
    if (len == 0 || !_form_word (&s, ",nodemask="))
        return false;
    s = _behind_nodes (s);
    task = _verdict_task (s, o);
    if (!task)
        return false;
    if (strncmp (s, ",cpuset=", strlen (",cpuset=")) != 0) {
        if (!_verdict_memcgs (s, task, nobody, o))
            return false;
    } else {
        at = s;
        do {
            if (!(at = strstr (at, ",mems_allowed=")))
                return false;
            at = _behind_nodes (at + strlen (",mems_allowed="));
        } while (!_verdict_memcgs (at, task, nobody, o));
    }
    _form_put (o->constraint, sizeof (o->constraint), constraint,
               constraint + len);
    return true;
}

static bool _old_verdict (const char *s, struct kmsg_kill *o)
{
    if (!_form_word (&s, "Task in ") ||
        !_two_paths (s, _end_of (s), " killed as a result of limit of ", false,
                     o))
        return false;
    snprintf (o->constraint, sizeof (o->constraint), "CONSTRAINT_MEMCG");
    return true;
}

/* ---- the kill ------------------------------------------------------------ */

/* What stands before ": Killed process …". [*o] is told what it means. */
static bool _form_why (const char **s, struct kmsg_kill *o)
{
    if (_form_word (s, "Memory cgroup out of memory: ")) {
        o->global = false;
        if (!o->constraint[0])
            snprintf (o->constraint, KMSG_COMM_MAX, "CONSTRAINT_MEMCG");
        return true;
    }
    if (_form_word (s, "Out of memory: ") ||
        _form_word (s, "Out of memory (oom_kill_allocating_task): ")) {
        o->global = !o->constraint[0] ||
                    strcmp (o->constraint, "CONSTRAINT_NONE") == 0;
        return true;
    }
    if (_form_word (s, "No available memory (MPOL_BIND): ")) {
        snprintf (o->constraint, KMSG_COMM_MAX, "CONSTRAINT_MEMORY_POLICY");
        return true;
    }
    if (_form_word (s, "No available memory in cpuset: ")) {
        snprintf (o->constraint, KMSG_COMM_MAX, "CONSTRAINT_CPUSET");
        return true;
    }
    return false;
}

/* "Kill process 1 (C) score 1 or sacrifice child"; to 2.6.35 "… or a child",
 * which is told in *[old] */
static bool _form_chosen (const char *s, struct kmsg_kill *o, bool *old)
{
    const char *close;
    int64_t pid, n;

    if (!_form_why (&s, o) ||
        (!_form_word (&s, "Kill process ") &&
         !_form_word (&s, "kill process ")) ||
        !_form_number (&s, false, PID_MOST, &pid) || !_form_word (&s, " (") ||
        !(close = strrchr (s, ')')) || !_form_name (s, close, o->comm))
        return false;
    s = close + 1;
    if (!_form_word (&s, " score ") || !_form_number (&s, true, INT64_MAX, &n))
        return false;
    *old = strcmp (s, " or a child") == 0;
    if (!*old && strcmp (s, " or sacrifice child") != 0)
        return false;
    o->pid = pid;
    return true;
}

/* "total-vm:1kB, anon-rss:1kB, …, UID:1 pgtables:1kB oom_score_adj:0" */
static bool _sizes (const char *s, struct kmsg_kill *o)
{
    const struct {
        const char *key;
        int64_t *to;
    } known[] = {
        { "total-vm:", &o->total_vm },           { "vsz:", &o->total_vm },
        { "anon-rss:", &o->anon_rss },           { "file-rss:", &o->file_rss },
        { "shmem-rss:", &o->shmem_rss },         { "UID:", &o->uid },
        { "oom_score_adj:", &o->oom_score_adj },
    };
    bool more = true;
    int64_t n;

    while (more) {
        size_t key = strcspn (s, ": ");
        int64_t *to = NULL;

        if (key == 0 || s[key] != ':')
            return false;
        for (unsigned i = 0; i < sizeof (known) / sizeof (known[0]); i++) {
            if (strncmp (s, known[i].key, key + 1) == 0)
                to = known[i].to;
        }
        s += key + 1;
        if (!_form_number (&s, true, INT64_MAX, &n))
            return false;
        if (to)
            *to = n;
        _form_word (&s, "kB");
        more = _form_word (&s, ", ") || _form_word (&s, " ");
    }
    return *s == '\0';
}

/* "Killed process 1 (C) total-vm:…"; "… 1 (C), UID 1, total-vm:…" (RHEL 7);
 * "… 1, UID 1, (C) total-vm:…" (RHEL 6). Without sizes it is *[bare]. */
static bool _form_killed (const char *s, struct kmsg_kill *o, bool *bare)
{
    const char *close;
    int64_t pid;

    _form_why (&s, o);
    *bare = false;
    if (!_form_word (&s, "Killed process ") ||
        !_form_number (&s, false, PID_MOST, &pid) || pid == 0)
        return false;
    o->uid = KMSG_NONE;
    if (_form_word (&s, ", UID ") &&
        (!_form_number (&s, false, UID_MOST, &o->uid) || !_form_word (&s, ",")))
        return false;
    if (!_form_word (&s, " (") || !(close = strrchr (s, ')')) ||
        !_form_name (s, close, o->comm))
        return false;
    s = close + 1;
    o->pid = pid;
    if (*s == '\0')
        return *bare = true;
    if (_form_word (&s, ", UID ") &&
        (!_form_number (&s, false, UID_MOST, &o->uid) || !_form_word (&s, ",")))
        return false;
    return _form_word (&s, " ") && _sizes (s, o) && o->anon_rss != KMSG_NONE &&
           o->total_vm != KMSG_NONE;
}

/* "Killed process 1 (C) total-vm:9kB, anon-" */
static bool _form_cut (const char *s, struct kmsg_kill *o)
{
    int64_t pid;

    _form_why (&s, o);
    return _form_word (&s, "Killed process ") &&
           _form_number (&s, false, PID_MOST, &pid) && pid > 0 &&
           (*s == '\0' || strncmp (s, " (", 2) == 0 ||
            strncmp (s, ", UID ", 6) == 0);
}

/* To 4.18 a line could be torn where another processor spoke. */
static bool _form_part (const char *s)
{
    return _form_word (&s, "oom-kill:constraint=") ||
           _form_word (&s, "Task in /");
}

/* "OOM victim 1 (C) is already exiting. Skip killing the task" */
static bool _form_exiting (const char *s, struct kmsg_kill *o)
{
    const char *end;
    int64_t pid;

    if (!_form_why (&s, o) || !_form_word (&s, "OOM victim ") ||
        !_form_number (&s, false, PID_MOST, &pid) || !_form_word (&s, " (") ||
        !(end = _ends (s, ") is already exiting. Skip killing the task")) ||
        !_form_name (s, end, o->comm))
        return false;
    o->pid = pid;
    return true;
}

static bool _panic (const char *s)
{
    static const char *const whys[] = {
        "System is deadlocked on memory",
        "Out of memory and no killable processes...",
        "out of memory. panic_on_oom is selected",
        "out of memory. Compulsory panic_on_oom is selected.",
        "Out of memory: compulsory panic_on_oom is enabled",
        "Out of memory: system-wide panic_on_oom is enabled",
    };

    if (!_form_word (&s, "Kernel panic - not syncing: "))
        return false;
    for (unsigned i = 0; i < sizeof (whys) / sizeof (whys[0]); i++) {
        if (strcmp (s, whys[i]) == 0)
            return true;
    }
    return false;
}

static bool _form_group (const char *s, struct kmsg_kill *o)
{
    const char *end = _ends (s, " are going to be killed due to "
                                "memory.oom.group set");

    if (!end || !_form_word (&s, "Tasks in ") || *s != '/')
        return false;
    _form_put (o->task_memcg, sizeof (o->task_memcg), s, end);
    return true;
}

/* ---- which --------------------------------------------------------------- */

void kmsg_form_clear (struct kmsg_kill *o)
{
    *o = (struct kmsg_kill) {
        .invoker_pid = KMSG_NONE,
        .order = KMSG_NONE,
        .memcg_usage = KMSG_NONE,
        .memcg_limit = KMSG_NONE,
        .free_swap = KMSG_NONE,
        .total_swap = KMSG_NONE,
        .pid = KMSG_NONE,
        .uid = KMSG_NONE,
        .oom_score_adj = KMSG_NONE,
        .total_vm = KMSG_NONE,
        .anon_rss = KMSG_NONE,
        .file_rss = KMSG_NONE,
        .shmem_rss = KMSG_NONE,
    };
}

static enum kmsg_form _form_of (const char *s, struct kmsg_kill *o)
{
    bool differs;

    if (strcmp (s, "Call Trace:") == 0 || strcmp (s, "Call trace:") == 0 ||
        strcmp (s, "Backtrace:") == 0 || strcmp (s, "Backtrace: ") == 0)
        return KMSG_TRACE;
    if (strcmp (s, "Mem-Info:") == 0)
        return KMSG_MEM_INFO;
    if (strcmp (s, "Out of memory and no killable processes...") == 0)
        return KMSG_NO_KILLABLE;
    if (_form_head (s, o))
        return KMSG_HEAD;
    if (_form_task (s, o))
        return KMSG_TASK;
    if (_usage (s, o))
        return KMSG_USAGE;
    if (_form_swap (s, o))
        return KMSG_SWAP;
    if (_form_verdict (s, o) || _old_verdict (s, o))
        return KMSG_VERDICT;
    if (_form_chosen (s, o, &differs))
        return differs ? KMSG_CHOSEN_OLD : KMSG_CHOSEN;
    if (_form_killed (s, o, &differs))
        return differs ? KMSG_BARE : KMSG_KILLED;
    if (_form_cut (s, o))
        return KMSG_CUT;
    if (_form_part (s))
        return KMSG_PART;
    if (_form_exiting (s, o))
        return KMSG_EXITING;
    if (_panic (s))
        return KMSG_PANIC;
    return _form_group (s, o) ? KMSG_GROUP : KMSG_OTHER;
}

enum kmsg_form kmsg_form (const char *s, struct kmsg_kill *o)
{
    struct kmsg_kill said = *o;
    enum kmsg_form form = _form_of (s, &said);

    if (form != KMSG_OTHER)
        *o = said;
    return form;
}

bool kmsg_form_has_head (const char *line, const char *message)
{
    const char *name = strstr (line, _invoked);
    struct kmsg_kill said;

    if (!name || (message && _form_head (message, &said)))
        return false;
    while (name > line && name[-1] != ' ')
        name--;
    return _form_head (name, &said);
}

bool kmsg_form_is_whole (enum kmsg_form form)
{
    return form != KMSG_OTHER && form != KMSG_PART && form != KMSG_CUT &&
           form != KMSG_BARE;
}

/* " <IRQ>  [<ffffffff81122b50>] …": behind "<IRQ>", "<<EOE>>", "</TASK>" */
static const char *_behind_context (const char *s)
{
    const char *at = s + strspn (s, " ");
    size_t name;

    if (*at != '<')
        return s;
    at += strspn (at, "</");
    name = strspn (at, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    return name > 1 && at[name] == '>' ? at + name + strspn (at + name, ">")
                                       : s;
}

/* Is [s] what stands behind a frame's name? */
static bool _behind_name (const char *s)
{
    const char *module = strncmp (s, " [", 2) == 0 ? strstr (s, "] from ") : s;

    return strncmp (s, "+0x", 3) == 0 ||
           (module > s && !memchr (s + 1, ' ', (size_t) (module - s - 1))) ||
           strncmp (s, " from ", 6) == 0 || strncmp (s, ") from ", 7) == 0 ||
           (strncmp (s, " (", 2) == 0 && _ends (s, ")") && strchr (s, ':'));
}

/* x86 to 4.8 " [<ffffffff81122b50>] ? dump_header+0x90/0x1b0", later without
 * the address; ppc64 "[stack] [address] dump_stack+0xb0/0xf4 (unreliable)"; arm
 * "show_stack from dump_stack_lvl+0x40/0x4c"; and what
 * decode_stacktrace.sh makes of it, "dump_header (mm/oom_kill.c:468)" */
bool kmsg_form_frame (const char *s, char name[KMSG_FRAME_MAX])
{
    size_t len;

    s = _behind_context (s);
    for (;;) {
        size_t hex;

        s += strspn (s, " ?([<");
        hex = strspn (s, "0123456789abcdefx");
        if (hex < 8 || s[hex + strspn (s + hex, ">")] != ']')
            break;
        s += hex + strspn (s + hex, ">])");
    }
    len = strspn (s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                     "0123456789_.$");
    if (len == 0 || !_behind_name (s + len))
        return false;
    _form_put (name, KMSG_FRAME_MAX, s, s + len);
    return true;
}

bool kmsg_form_from (const char *s)
{
    const char *from = strstr (s, " from ");
    char name[KMSG_FRAME_MAX];

    if ((*s != ' ' && *s != '[') || !from || !kmsg_form_frame (s, name))
        return false;
    from += strlen (" from ");
    return strncmp (from, "[<", 2) == 0 || kmsg_form_frame (from, name);
}

/* ---- broken lines -------------------------------------------------------- */

static enum kmsg_form _form_alone (const char *s)
{
    struct kmsg_kill said;

    kmsg_form_clear (&said);
    return kmsg_form (s, &said);
}

/* How much [s] looks like what the kernel says: 2 if it is whole. */
static int _likeness (const char *s)
{
    enum kmsg_form form = _form_alone (s);
    char name[KMSG_FRAME_MAX];
    bool some = form != KMSG_OTHER || kmsg_form_frame (s, name) ||
                strstr (s, _invoked);

    return kmsg_form_is_whole (form) ? 2 : some ? 1 : 0;
}

bool kmsg_form_join (char *message, size_t size, const char *rest, bool blank)
{
    size_t len = strlen (message);
    enum kmsg_form alone = _form_alone (message);
    int like[2];

    if (len > 0 && message[len - 1] == ',')
        blank = true;
    if (len == 0 || *rest == ' ' || strncmp (message, "oom-kill:", 9) == 0)
        blank = false; /* it is there; nor does a verdict have any */
    for (int i = 0; i < 2; i++) {
        snprintf (message + len, size - len, "%s%s", i ? " " : "", rest);
        like[i] = _likeness (message);
    }
    message[len] = '\0';
    if (like[0] < 2 && like[1] < 2 &&
        (kmsg_form_is_whole (alone) ||
         (alone == KMSG_BARE && !strchr (",t", rest[strspn (rest, " ")]))))
        return false;
    if (like[blank] < like[!blank])
        blank = !blank;
    snprintf (message + len, size - len, "%s%s", blank ? " " : "", rest);
    return true;
}
