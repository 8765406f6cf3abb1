/* kmsg.c - kernel OOM kills from the kernel's messages: see kmsg.h
 *
 * The kernel holds oom_lock while it reports a kill (mm/oom_kill.c), so reports
 * do not mix with each other, only with other messages.  A report begins with
 * its head; all of it but the kill itself falls away where too many came.
 */
#include "handler/kmsg/kmsg.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handler/kmsg/form.h"

#define GROUP_US 2000000 /* a log may know whole seconds only */

static void _reset (struct kmsg *k)
{
    kmsg_form_clear (&k->kill);
    k->kill.headless = true;
    k->open = k->tracing = k->memcg = k->node = k->chosen = k->bare = false;
    k->victim = KMSG_NONE;
}

void kmsg_init (struct kmsg *k)
{
    memset (k, 0, sizeof (*k));
    _reset (k);
}

/* The open report ends, for [says], without a kill. Returns whether one was. */
static bool _kmsg_close (struct kmsg *k, const char *says,
                         struct kmsg_kill *out)
{
    bool was = k->open;

    if (was) {
        if (!k->kill.constraint[0])
            k->kill.global = k->node && !k->memcg;
        k->kill.says = says;
        *out = k->kill;
    }
    _reset (k);
    return was;
}

static void _kmsg_begin (struct kmsg *k, const char *time)
{
    k->open = true;
    memcpy (k->reporter, k->caller, sizeof (k->reporter));
    if (time != k->kill.time)
        snprintf (k->kill.time, sizeof (k->kill.time), "%s", time);
}

/* ---- time ---------------------------------------------------------------- */

/* "09:00:00.1" in [time]: the second of its day, *[fraction] behind it */
static bool _clock (const char *time, uint64_t *seconds, const char **fraction)
{
    unsigned h, m, s;
    int len = 0;

    for (; *time; time++) {
        if (sscanf (time, "%2u:%2u:%2u%n", &h, &m, &s, &len) == 3 && len == 8) {
            *seconds = (h * 60 + m) * 60 + s;
            *fraction = time + len;
            return true;
        }
    }
    return false;
}

/* "8545.160138", or any time with a clock's in it, in microseconds; 0 where it
 * is none.  Only good for differences. */
static uint64_t _us (const char *time)
{
    uint64_t seconds = 0, unit = 100000, us;
    size_t digits = strspn (time, "0123456789");

    if (digits > 0 && digits < 12 && time[digits] == '.') {
        seconds = strtoull (time, NULL, 10);
        time += digits;
    } else if (!_clock (time, &seconds, &time)) {
        return 0;
    }
    us = seconds * 1000000;
    if (*time == '.' || *time == ',') {
        for (time++; isdigit ((unsigned char) *time); time++, unit /= 10)
            us += (uint64_t) (*time - '0') * unit;
    }
    return us + 1;
}

/* May the head of what is said at [time] have been held back? */
static bool _limited (const struct kmsg *k, const char *time)
{
    uint64_t now = _us (time), oldest = k->head_us[k->heads % KMSG_HEADS];

    return k->heads >= KMSG_HEADS && now > 0 && oldest > 0 &&
           now - oldest <= KMSG_HEADS_US;
}

/* Is what is said at [time] of the group that is being killed?  All of one is
 * killed at once, but a slow console holds it up. */
static bool _of_group (const struct kmsg *k, const char *time)
{
    uint64_t now = _us (time);

    return k->group && !k->stray && !_limited (k, time) &&
           (now == 0 || k->group_us == 0 || now - k->group_us <= GROUP_US);
}

/* ---- the lines of a report ----------------------------------------------- */

static bool _kmsg_head (struct kmsg *k, const char *time, struct kmsg_kill *out)
{
    bool unfinished = _kmsg_close (k, NULL, out);
    const struct kmsg_kill *said = &k->said;
    struct kmsg_kill *o = &k->kill;

    k->group = k->stray = k->over = false;
    k->begun = true;
    k->head_us[k->heads++ % KMSG_HEADS] = _us (time);
    if (k->heads == 2 * KMSG_HEADS)
        k->heads = KMSG_HEADS;
    _kmsg_begin (k, time);
    o->headless = false;
    memcpy (o->invoker, said->invoker, sizeof (o->invoker));
    memcpy (o->gfp, said->gfp, sizeof (o->gfp));
    o->order = said->order;
    o->sysrq = said->sysrq;
    return unfinished;
}

static void _told_verdict (struct kmsg *k)
{
    const struct kmsg_kill *said = &k->said;
    struct kmsg_kill *o = &k->kill;

    memcpy (o->constraint, said->constraint, sizeof (o->constraint));
    memcpy (o->oom_memcg, said->oom_memcg, sizeof (o->oom_memcg));
    memcpy (o->task_memcg, said->task_memcg, sizeof (o->task_memcg));
    o->global = said->global;
    o->uid = said->uid;
    k->victim = said->pid;
}

/* A log that was cut may begin with one, or with what stands before it. */
static bool _kmsg_verdict (struct kmsg *k, const char *time,
                           struct kmsg_kill *out)
{
    struct kmsg_kill *o = &k->kill;
    bool unfinished = false;

    if (k->open && o->constraint[0])
        unfinished = _kmsg_close (k, NULL, out);
    if (!k->open)
        _kmsg_begin (k, o->time[0] ? o->time : time);
    k->group = k->stray = k->over = false;
    k->begun = true;
    _told_verdict (k);
    return unfinished;
}

static void _kmsg_chosen (struct kmsg *k, bool old)
{
    struct kmsg_kill *o = &k->kill;

    if (!k->open && o->time[0]) /* the head of this one is cut off */
        _kmsg_begin (k, o->time);
    k->group = k->over = false;
    k->begun = true;
    k->bare = old;
    k->stray = !k->open || k->chosen ||
               (k->victim != KMSG_NONE && k->victim != k->said.pid);
    if (k->stray) {
        k->last = k->said;
        return;
    }
    k->chosen = true;
    k->victim = k->said.pid;
    if (!o->constraint[0])
        memcpy (o->constraint, k->said.constraint, sizeof (o->constraint));
    o->global = k->said.global && (!o->constraint[0] || o->global);
}

static void _kmsg_task (struct kmsg *k)
{
    struct kmsg_kill *o = &k->kill;

    if (!k->open) /* its head is cut off */
        memcpy (o->invoker, k->said.invoker, sizeof (o->invoker));
    if (o->invoker_pid != KMSG_NONE || strcmp (o->invoker, k->said.invoker))
        return;
    o->invoker_pid = k->said.invoker_pid;
}

/* Does the trace end with [s], since it goes on in the process? */
static bool _is_below (const char *s)
{
    static const char *const known[] = {
        "RIP: ", "RIP  ", "EIP: ", "--- ", "NIP: ", "Code: ", "Exception stack"
    };

    s += strspn (s, " ");
    for (unsigned i = 0; i < sizeof (known) / sizeof (known[0]); i++) {
        if (strncmp (s, known[i], strlen (known[i])) == 0)
            return true;
    }
    return false;
}

/* A line of the trace, or another message in its midst. */
static void _trace (struct kmsg *k, const char *s)
{
    struct kmsg_kill *o = &k->kill;

    if (o->frames < KMSG_FRAMES && kmsg_form_frame (s, o->trace[o->frames]))
        o->frames++;
    else if (_is_below (s))
        k->tracing = false;
}

/* ---- the kill ------------------------------------------------------------ */

/* Is it the report's, or another task's that prints at the same time? */
static bool _is_of_reporter (const struct kmsg *k)
{
    return !k->open || !k->reporter[0] || !k->caller[0] ||
           strcmp (k->reporter, k->caller) == 0;
}

/* Is the kill that was said the open report's? */
static bool _kmsg_is_own (const struct kmsg *k)
{
    if (!k->open || k->stray || !_is_of_reporter (k))
        return false;
    if (k->chosen) /* or a child of the one that was chosen */
        return true;
    if (k->victim != KMSG_NONE)
        return k->victim == k->said.pid;
    return k->kill.lost == 0;
}

/* Put the victim that was said into [*o]. */
static void _victim (const struct kmsg *k, struct kmsg_kill *o)
{
    const struct kmsg_kill *said = &k->said;

    memcpy (o->comm, said->comm, sizeof (o->comm));
    if (said->uid != KMSG_NONE || k->victim != said->pid)
        o->uid = said->uid;
    o->pid = said->pid;
    o->oom_score_adj = said->oom_score_adj;
    o->total_vm = said->total_vm;
    o->anon_rss = said->anon_rss;
    o->file_rss = said->file_rss;
    o->shmem_rss = said->shmem_rss;
    o->killed = true;
}

static void _kmsg_own (struct kmsg *k)
{
    struct kmsg_kill *o = &k->kill;

    _victim (k, o);
    if (k->chosen || o->constraint[0]) /* it has been told */
        return;
    memcpy (o->constraint, k->said.constraint, sizeof (o->constraint));
    o->global = k->said.global;
}

/* Of a kill without a report nothing is known but what it says itself, and
 * the "Kill process" right before it. */
static void _headless (struct kmsg *k, const char *time, struct kmsg_kill *o)
{
    kmsg_form_clear (o);
    o->headless = true;
    o->lost = k->kill.lost;
    snprintf (o->time, sizeof (o->time), "%s", time);
    memcpy (o->constraint, k->stray ? k->last.constraint : k->said.constraint,
            sizeof (o->constraint));
    o->global = k->stray ? k->last.global : k->said.global;
    _victim (k, o);
}

static bool _kmsg_killed (struct kmsg *k, const char *time,
                          struct kmsg_kill *out)
{
    k->over = k->bare = false;
    k->begun = true;
    if (_kmsg_is_own (k)) {
        _kmsg_own (k);
        k->last = k->kill;
        _reset (k);
    } else if (_of_group (k, time)) {
        k->group_us = _us (time);
        /* the first victim is named once more with its group */
        if (k->last.pid == k->said.pid)
            return false;
        *out = k->last;
        memcpy (out->task_memcg, k->group_memcg, sizeof (out->task_memcg));
        _victim (k, out);
        return true;
    } else {
        struct kmsg_kill o;

        _headless (k, time, &o);
        k->group = k->stray = false;
        k->kill.lost = 0;
        k->last = o;
    }
    *out = k->last;
    return true;
}

/* "Tasks in A are going to be killed": A holds the latest victim. */
static void _kmsg_group (struct kmsg *k, const char *time)
{
    if (!k->open && !k->last.killed)
        return;
    k->group = true;
    k->group_us = _us (time);
    memcpy (k->group_memcg, k->said.task_memcg, sizeof (k->group_memcg));
}

static bool _kmsg_exiting (struct kmsg *k, struct kmsg_kill *out)
{
    struct kmsg_kill *o = &k->kill;

    if (!k->open || (k->victim != KMSG_NONE && k->victim != k->said.pid))
        return false;
    o->pid = k->said.pid;
    memcpy (o->comm, k->said.comm, sizeof (o->comm));
    if (!o->constraint[0]) {
        memcpy (o->constraint, k->said.constraint, sizeof (o->constraint));
        o->global = k->said.global;
    }
    return _kmsg_close (k, "already exiting", out);
}

static bool _no_kill (struct kmsg *k, const char *says, const char *time,
                      struct kmsg_kill *out)
{
    if (!k->open) {
        /* "no killable processes", and then the panic for it */
        if (k->over || strcmp (says, "panic") != 0)
            return false;
        _kmsg_begin (k, time);
        k->node = true;
    }
    k->over = true;
    return _kmsg_close (k, says, out);
}

/* A kill's line that nothing came to complete is cut off. */
static void _settle (struct kmsg *k)
{
    if (!k->torn)
        return;
    k->torn = k->group = k->stray = false;
    k->cut++;
}

/* What is [s]?  The rest of a verdict comes in further messages. */
static enum kmsg_form _kmsg_form_of (struct kmsg *k, const char *s)
{
    bool goes_on = k->form == KMSG_PART &&
                   (*s == ',' || strncmp (s, " killed as ", 11) == 0);
    size_t len = goes_on ? strlen (k->part) : 0;

    snprintf (k->part + len, sizeof (k->part) - len, "%s", s);
    kmsg_form_clear (&k->said);
    k->form = kmsg_form (k->part, &k->said);
    return k->form;
}

/* What a report says of what there was, before who is killed.  A log may begin
 * within it: it is kept until there is a verdict, or a head. */
static void _body (struct kmsg *k, enum kmsg_form form, const char *s,
                   const char *time)
{
    struct kmsg_kill *o = &k->kill;

    if (!k->open && form != KMSG_OTHER && !o->time[0])
        snprintf (o->time, sizeof (o->time), "%s", time);
    /* 32 bit arm says no "Call trace:" before "a from b+0x1/0x2" */
    if (form == KMSG_OTHER && k->open && o->invoker_pid != KMSG_NONE &&
        o->frames == 0 && kmsg_form_from (s))
        k->tracing = true;
    if (form == KMSG_OTHER && k->tracing)
        _trace (k, s);
    else if (form != KMSG_OTHER)
        k->tracing = form == KMSG_TRACE && o->frames == 0;
    if (form == KMSG_TASK)
        _kmsg_task (k);
    k->node |= form == KMSG_MEM_INFO;
    if (form == KMSG_USAGE) {
        k->memcg = true;
        o->memcg_usage = k->said.memcg_usage;
        o->memcg_limit = k->said.memcg_limit;
    }
    if (k->said.free_swap != KMSG_NONE)
        o->free_swap = k->said.free_swap;
    if (k->said.total_swap != KMSG_NONE)
        o->total_swap = k->said.total_swap;
}

static bool _message (struct kmsg *k, enum kmsg_form form, const char *s,
                      const char *time, struct kmsg_kill *out)
{
    switch (form) {
    case KMSG_HEAD:
        return _kmsg_head (k, time, out);
    case KMSG_VERDICT:
        return _kmsg_verdict (k, time, out);
    case KMSG_CHOSEN:
    case KMSG_CHOSEN_OLD:
        _kmsg_chosen (k, form == KMSG_CHOSEN_OLD);
        return false;
    case KMSG_BARE:
        if (k->bare)
            return _kmsg_killed (k, time, out);
        k->torn = true;
        return false;
    case KMSG_KILLED:
        return _kmsg_killed (k, time, out);
    case KMSG_CUT:
        k->torn = true;
        return false;
    case KMSG_GROUP:
        _kmsg_group (k, time);
        return false;
    case KMSG_EXITING:
        return _kmsg_exiting (k, out);
    case KMSG_NO_KILLABLE:
        return _no_kill (k, "no killable", time, out);
    case KMSG_PANIC:
        return _no_kill (k, "panic", time, out);
    default:
        break;
    }
    if ((k->open || !k->begun) && _is_of_reporter (k))
        _body (k, form, s, time);
    return false;
}

bool kmsg_message (struct kmsg *k, const char *message, size_t len,
                   const char *time, struct kmsg_kill *out)
{
    char text[KMSG_PART_MAX];

    /* names in it are anyone's: nothing but printable ASCII gets in */
    if (len >= sizeof (text))
        len = sizeof (text) - 1;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char) message[i];

        text[i] = c == '\t' ? ' ' : c < 0x20 || c > 0x7e ? '?' : (char) c;
    }
    text[len] = '\0';
    _settle (k);
    return _message (k, _kmsg_form_of (k, text), text, time, out);
}

void kmsg_caller (struct kmsg *k, const char *caller)
{
    size_t len = strcspn (caller, ",;");

    snprintf (k->caller, sizeof (k->caller), "%.*s", (int) len, caller);
}

/* ---- broken lines -------------------------------------------------------- */

bool kmsg_continued (struct kmsg *k, const char *rest, const char *time,
                     bool *rest_of, struct kmsg_kill *out)
{
    enum kmsg_form was = (enum kmsg_form) k->form, is;
    char name[KMSG_FRAME_MAX];
    bool was_frame = kmsg_form_frame (k->part, name);

    *rest_of = false;
    if (!kmsg_form_join (k->part, sizeof (k->part), rest, false))
        return false;
    kmsg_form_clear (&k->said);
    k->form = is = kmsg_form (k->part, &k->said);
    *rest_of = kmsg_form_is_whole (is);
    if (*rest_of && kmsg_form_is_whole (was)) {
        *rest_of = was != KMSG_TASK; /* that has anything at its end */
        if (was == KMSG_VERDICT && is == was && k->open)
            _told_verdict (k);
        return false;
    }
    if (!*rest_of) {
        if (k->tracing && !was_frame)
            _trace (k, k->part);
        return false;
    }
    k->torn = false;
    return _message (k, is, k->part, time, out);
}

unsigned kmsg_cut (const struct kmsg *k)
{
    return k->cut + k->torn;
}

/* ---- records of /dev/kmsg ------------------------------------------------ */

static bool _kmsg_digits (const char **s, uint64_t *n)
{
    const char *at = *s;

    for (*n = 0; isdigit ((unsigned char) *at) && *n < UINT64_MAX / 100; at++)
        *n = *n * 10 + (uint64_t) (*at - '0');
    if (at == *s || *at != ',')
        return false;
    *s = at + 1;
    return true;
}

const char *kmsg_record_split (const char *line, unsigned *priority,
                               uint64_t *seq, uint64_t *us)
{
    uint64_t n;

    if (!_kmsg_digits (&line, &n) || n > 0xffff || !_kmsg_digits (&line, seq) ||
        !_kmsg_digits (&line, us) || !(line = strchr (line, ';')))
        return NULL;
    *priority = (unsigned) n;
    return line + 1;
}

/* "caller=T4242" among what is before the message, at [message] */
static void _record_caller (struct kmsg *k, const char *head,
                            const char *message)
{
    const char *caller = strstr (head, ",caller=");

    kmsg_caller (k, caller && caller < message ? caller + strlen (",caller=")
                                               : "");
}

/* A record has "\x5c" for a backslash: systemd's names have many. */
static size_t _unescape (const char *from, size_t len, char to[KMSG_PART_MAX])
{
    size_t n = 0;

    for (size_t i = 0; i < len && n < KMSG_PART_MAX - 1; i++) {
        to[n++] = from[i];
        if (len - i >= 4 && strncmp (from + i, "\\x5c", 4) == 0)
            i += 3;
    }
    return n;
}

bool kmsg_record (struct kmsg *k, const char *record, size_t len,
                  struct kmsg_kill *out)
{
    char head[128], time[KMSG_TIME_MAX], text[KMSG_PART_MAX];
    const char *message;
    uint64_t seq, us;
    unsigned priority;

    snprintf (head, sizeof (head), "%.*s",
              (int) (len < sizeof (head) ? len : sizeof (head)), record);
    message = kmsg_record_split (head, &priority, &seq, &us);
    if (!message)
        return false;
    if (k->seq_known && seq > k->seq + 1) {
        k->lost += seq - k->seq - 1;
        k->kill.lost += seq - k->seq - 1;
        k->chosen = k->stray = k->group = false;
    }
    k->seq = seq;
    k->seq_known = true;
    /* what a process writes to /dev/kmsg, the kernel says to be its own of no
     * process: facility LOG_USER at least */
    if (priority >> 3 != 0)
        return false;
    snprintf (time, sizeof (time), "%" PRIu64 ".%06" PRIu64, us / 1000000,
              us % 1000000);
    _record_caller (k, head, message);
    len = _unescape (record + (message - head), len - (size_t) (message - head),
                     text);
    return kmsg_message (k, text, len, time, out);
}

bool kmsg_end (struct kmsg *k, struct kmsg_kill *out)
{
    return _kmsg_close (k, NULL, out);
}
