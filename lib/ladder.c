/* ladder.c - the grammar of ladders: one table, one parser, one writer */
#include "lib/ladder.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* clang-format off */
const struct mw_step_info mw_steps[MW_STEP_COUNT] = {
    [MW_STEP_HOLD] = { "hold", MW_ARG_WHO, true, 300000,
        "freeze the job until TIME is over or memory is there again" },
    [MW_STEP_GROW] = { "grow", MW_ARG_SIZE, true, 600000,
        "lend the job memory that the node has to spare" },
    [MW_STEP_RECLAIM] = { "reclaim", MW_ARG_SIZE, false, 0,
        "push cold pages of the job out" },
    [MW_STEP_SLOW] = { "slow", MW_ARG_PERCENT, true, 120000,
        "throttle the job to P% of its speed" },
    [MW_STEP_ENOMEM] = { "enomem", MW_ARG_WHO, true, 60000,
        "let further allocations of the job fail with ENOMEM" },
    [MW_STEP_SIGNAL] = { "signal", MW_ARG_SIGNAL, true, 30000,
        "send SIG to the processes that catch it, with the reserve open" },
    [MW_STEP_DUMP] = { "dump", MW_ARG_HOOK, true, 30000,
        "run a hook of the admin's, with the reserve open" },
    [MW_STEP_SUSPEND] = { "suspend", MW_ARG_NONE, true, 1800000,
        "suspend the job at the controller until memory is there again" },
    [MW_STEP_REQUEUE] = { "requeue", MW_ARG_FACTOR, false, 0,
        "requeue the job, with xF raising its --mem to its peak times F" },
    [MW_STEP_HOLD_ONE] = { "hold-one", MW_ARG_WHO, true, 300000,
        "stop one process of the job, the others go on: hold=WHO" },
    [MW_STEP_KILL_ONE] = { "kill-one", MW_ARG_WHO, true, 10000,
        "kill one process of the job, which goes on: kill=WHO" },
    [MW_STEP_KILL] = { "kill", MW_ARG_WHO, false, 0,
        "kill every process of the job" },
};
/* clang-format on */

/* Names instead of sigabbrev_np(3), which glibc before 2.32 has not. */
static const struct {
    const char *name;
    int signo;
} _signals[] = {
    { "HUP", SIGHUP },     { "INT", SIGINT },       { "QUIT", SIGQUIT },
    { "ILL", SIGILL },     { "TRAP", SIGTRAP },     { "ABRT", SIGABRT },
    { "BUS", SIGBUS },     { "FPE", SIGFPE },       { "USR1", SIGUSR1 },
    { "SEGV", SIGSEGV },   { "USR2", SIGUSR2 },     { "PIPE", SIGPIPE },
    { "ALRM", SIGALRM },   { "TERM", SIGTERM },     { "CHLD", SIGCHLD },
    { "CONT", SIGCONT },   { "TSTP", SIGTSTP },     { "TTIN", SIGTTIN },
    { "TTOU", SIGTTOU },   { "URG", SIGURG },       { "XCPU", SIGXCPU },
    { "XFSZ", SIGXFSZ },   { "VTALRM", SIGVTALRM }, { "PROF", SIGPROF },
    { "WINCH", SIGWINCH }, { "IO", SIGIO },         { "PWR", SIGPWR },
    { "SYS", SIGSYS },
};
#define SIGNAL_COUNT (sizeof (_signals) / sizeof (_signals[0]))

static const char *const _targets[] = {
    [MW_TARGET_ALL] = "all",       [MW_TARGET_LARGEST] = "largest",
    [MW_TARGET_GUILTY] = "guilty", [MW_TARGET_LEADER] = "leader",
    [MW_TARGET_PID] = "pid",
};
#define TARGET_COUNT (sizeof (_targets) / sizeof (_targets[0]))

/* What is being parsed, so that errors can point into it. */
struct parser {
    const char *text; /* the whole ladder */
    bool asked;       /* it may name MW_TARGET_PID */
    bool one;         /* its steps are for one process that is known */
    struct mw_err *err;
};

/* How much of a long ladder is shown with its caret. */
#define SHOWN 72

/* Add to the sentence in [p]->err the ladder, and a caret below [at]. */
static int _point (const struct parser *p, const char *at)
{
    size_t pos = (size_t) (at - p->text), from = 0, pad = 0, i;
    char line[SHOWN + 1];
    struct mw_err sentence;

    if (!p->err) {
        errno = EINVAL;
        return -1;
    }
    if (pos > SHOWN - 16)
        from = pos - (SHOWN - 16);
    snprintf (line, sizeof (line), "%s", p->text + from);
    for (i = 0; line[i]; i++) {
        if (line[i] == '\n') /* it would tear the picture */
            line[i] = '?';
        /* the bytes of one UTF-8 character take one column */
        if (i < pos - from && ((unsigned char) line[i] & 0xc0) != 0x80)
            pad++;
    }
    sentence = *p->err;
    return mw_err_code (p->err, EINVAL, "%.300s\n    %s\n    %*s^",
                        sentence.text, line, (int) pad, "");
}

/* Refuse the ladder because of what is at [at]. */
__attribute__ ((format (printf, 3, 4))) static int _ladder_refuse (
    const struct parser *p, const char *at, const char *fmt, ...)
{
    char text[256];
    va_list ap;

    va_start (ap, fmt);
    vsnprintf (text, sizeof (text), fmt, ap);
    va_end (ap);
    for (char *s = text; *s; s++)
        if (*s == '\n')
            *s = '?';
    mw_err_set (p->err, "%s", text);
    return _point (p, at);
}

/* The step as which [kind] is written. */
static enum mw_step_kind _written (enum mw_step_kind kind)
{
    if (kind == MW_STEP_HOLD_ONE)
        return MW_STEP_HOLD;
    return kind == MW_STEP_KILL_ONE ? MW_STEP_KILL : kind;
}

/* Can a step of [kind] be written in what [p] reads? */
static bool _ladder_has (const struct parser *p, int kind)
{
    if (!p->one)
        return _written (kind) == (enum mw_step_kind) kind;
    return kind == MW_STEP_SLOW || kind == MW_STEP_ENOMEM ||
           kind == MW_STEP_SIGNAL || kind == MW_STEP_KILL;
}

static void _list_steps (const struct parser *p, char *buf, size_t len)
{
    size_t used = 0;

    for (int i = 0; i < MW_STEP_COUNT && used < len; i++) {
        if (_ladder_has (p, i))
            used += (size_t) snprintf (buf + used, len - used, "%s%s",
                                       used ? ", " : "", mw_steps[i].name);
    }
}

static int _parse_name (const struct parser *p, const char *at, size_t len,
                        enum mw_step_kind *kind)
{
    char all[128];

    for (int i = 0; i < MW_STEP_COUNT; i++) {
        if (_ladder_has (p, i) && strlen (mw_steps[i].name) == len &&
            memcmp (mw_steps[i].name, at, len) == 0) {
            *kind = (enum mw_step_kind) i;
            return 0;
        }
    }
    _list_steps (p, all, sizeof (all));
    if (len == 0)
        return _ladder_refuse (p, at, "a step is missing; allowed are %s", all);
    return _ladder_refuse (p, at,
                           p->one ? "\"%.*s\" is not done to one process; "
                                    "allowed are %s"
                                  : "unknown step \"%.*s\"; allowed are %s",
                           len < 40 ? (int) len : 40, at, all);
}

static int _parse_amount (const struct parser *p, const char *at,
                          const char *arg, struct mw_ladder_step *s)
{
    if (mw_amount_parse (arg, &s->amount, p->err) < 0)
        return _point (p, at);
    if (s->amount.bytes == 0 && s->amount.ratio <= 0)
        return _ladder_refuse (p, at, "%s of nothing; write an amount above 0",
                               mw_steps[s->kind].name);
    return 0;
}

static int _parse_percent (const struct parser *p, const char *at,
                           const char *arg, struct mw_ladder_step *s)
{
    size_t len = strlen (arg);
    char with_sign[16];

    snprintf (with_sign, sizeof (with_sign), "%.14s%s", arg,
              len > 0 && arg[len - 1] == '%' ? "" : "%");
    if (len > 14 || mw_amount_parse (with_sign, &s->amount, NULL) < 0 ||
        s->amount.kind != MW_AMOUNT_PERCENT || s->amount.ratio <= 0 ||
        s->amount.ratio > 1)
        return _ladder_refuse (p, at,
                               "\"%.40s\" is not a share of the speed; write "
                               "1%% to 100%%",
                               arg);
    return 0;
}

static int _parse_factor (const struct parser *p, const char *at,
                          const char *arg, struct mw_ladder_step *s)
{
    if (mw_amount_parse (arg, &s->amount, NULL) < 0 ||
        s->amount.kind != MW_AMOUNT_FACTOR || s->amount.ratio < 1)
        return _ladder_refuse (p, at,
                               "\"%.40s\" is not a factor; write x1 or more, "
                               "as in x1.5",
                               arg);
    return 0;
}

const char *mw_signal_format (int signo, char *buf, size_t len)
{
    for (size_t i = 0; i < SIGNAL_COUNT; i++)
        if (_signals[i].signo == signo)
            return _signals[i].name;
    snprintf (buf, len, "%d", signo);
    return buf;
}

int mw_signal_parse (const char *arg)
{
    const char *name = strncasecmp (arg, "SIG", 3) == 0 ? arg + 3 : arg;
    char *end;
    long n;

    for (size_t i = 0; i < SIGNAL_COUNT; i++)
        if (strcasecmp (name, _signals[i].name) == 0)
            return _signals[i].signo;
    if (strcasecmp (name, "KILL") == 0)
        return SIGKILL;
    if (strcasecmp (name, "STOP") == 0)
        return SIGSTOP;
    if (arg[0] < '0' || arg[0] > '9')
        return -1;
    n = strtol (arg, &end, 10);
    /* those between are the C library's own */
    if (*end || n < 1 || n > SIGRTMAX || (n > SIGSYS && n < SIGRTMIN))
        return -1;
    return (int) n;
}

enum mw_step_kind mw_step_of_one (enum mw_step_kind kind)
{
    if (kind == MW_STEP_HOLD)
        return MW_STEP_HOLD_ONE;
    return kind == MW_STEP_KILL ? MW_STEP_KILL_ONE : kind;
}

/* ---- to whom ------------------------------------------------------------- */

bool mw_target_is_one (enum mw_target target)
{
    return target >= MW_TARGET_LARGEST;
}

const char *mw_target_name (enum mw_target target)
{
    return target > MW_TARGET_USUAL && target < TARGET_COUNT ? _targets[target]
                                                             : "";
}

static bool _target_named (const struct parser *p, const char *name,
                           enum mw_target *target)
{
    for (size_t i = MW_TARGET_ALL; i < TARGET_COUNT; i++) {
        if (strcmp (name, _targets[i]) == 0 &&
            (p->asked || i != MW_TARGET_PID)) {
            *target = (enum mw_target) i;
            return true;
        }
    }
    return false;
}

/* Cut ":all", or whoever it is, off [arg]. [usual]: for whom it is without. */
static int _parse_whom (const struct parser *p, const char *at, char *arg,
                        const char *usual, struct mw_ladder_step *s)
{
    char *colon = strchr (arg, ':');

    if (!colon)
        return 0;
    if (!_target_named (p, colon + 1, &s->target))
        return _ladder_refuse (p, at + (colon - arg),
                               "\"%.40s\" does not say to whom; "
                               "write :all, :largest, :guilty or :leader, or "
                               "nothing for %s",
                               colon, usual);
    *colon = '\0';
    return 0;
}

/* Of a step that is done to all where nothing is said. */
static int _parse_who (const struct parser *p, const char *at, const char *arg,
                       struct mw_ladder_step *s)
{
    if (!_target_named (p, arg, &s->target))
        return _ladder_refuse (p, at,
                               "\"%.40s\" does not say whom to; %s takes "
                               "largest, guilty, leader or all, or nothing "
                               "for all",
                               arg, mw_steps[s->kind].name);
    if (!mw_target_is_one (s->target))
        s->target = MW_TARGET_USUAL;
    else
        s->kind = mw_step_of_one (s->kind);
    s->deadline_ms = mw_steps[s->kind].default_ms;
    return 0;
}

/* Without a share it is the usual one. */
static int _parse_slow (const struct parser *p, const char *at, char *arg,
                        struct mw_ladder_step *s)
{
    if (_parse_whom (p, at, arg, "the whole job", s) < 0)
        return -1;
    if (!mw_target_is_one (s->target))
        s->target = MW_TARGET_USUAL;
    else if (*arg == '\0')
        return 0;
    return _parse_percent (p, at, arg, s);
}

static int _parse_signal (const struct parser *p, const char *at, char *arg,
                          struct mw_ladder_step *s)
{
    if (_parse_whom (p, at, arg, "those that catch it", s) < 0)
        return -1;
    s->signo = mw_signal_parse (arg);
    if (s->signo == SIGKILL || s->signo == SIGSTOP)
        return _ladder_refuse (p, at,
                               "%.20s cannot be handled by a program; write "
                               "the step \"%s\" instead",
                               arg, s->signo == SIGKILL ? "kill" : "hold");
    if (s->signo < 0)
        return _ladder_refuse (p, at,
                               "unknown signal \"%.40s\"; write a name as USR1 "
                               "or TERM, or a number",
                               arg);
    return 0;
}

/* Cut ":largest", or whichever it is, off [arg]. */
static int _parse_of_whom (const struct parser *p, const char *at, char *arg,
                           struct mw_ladder_step *s)
{
    char *colon = strchr (arg, ':');

    if (!colon)
        return 0;
    if (!_target_named (p, colon + 1, &s->target) ||
        !mw_target_is_one (s->target))
        return _ladder_refuse (p, at + (colon - arg),
                               "\"%.40s\" does not say of which process; write "
                               ":largest, :guilty or :leader, or nothing for "
                               "what the hook does without",
                               colon);
    *colon = '\0';
    return 0;
}

static int _parse_hook (const struct parser *p, const char *at, char *arg,
                        struct mw_ladder_step *s)
{
    static const char allowed
        [] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

    if (_parse_of_whom (p, at, arg, s) < 0)
        return -1;
    if (arg[0] == '\0')
        return _ladder_refuse (p, at,
                               "a hook's name is missing; write dump=HOOK:%s",
                               mw_target_name (s->target));
    if (arg[strspn (arg, allowed)] || strlen (arg) >= sizeof (s->hook))
        return _ladder_refuse (p, at,
                               "\"%.40s\" is not a hook's name; write at most "
                               "%zu letters, digits, _ and -",
                               arg, sizeof (s->hook) - 1);
    snprintf (s->hook, sizeof (s->hook), "%s", arg);
    return 0;
}

static int _parse_arg (const struct parser *p, const char *at, char *arg,
                       struct mw_ladder_step *s)
{
    const struct mw_step_info *info = &mw_steps[s->kind];

    if (info->arg == MW_ARG_NONE)
        return _ladder_refuse (p, at - 1, "%s takes no \"=\"", info->name);
    if (*arg == '\0')
        return _ladder_refuse (p, at - 1, "nothing follows \"%s=\"",
                               info->name);
    switch (info->arg) {
    case MW_ARG_NONE:
        break;
    case MW_ARG_SIZE:
        return _parse_amount (p, at, arg, s);
    case MW_ARG_PERCENT:
        return _parse_slow (p, at, arg, s);
    case MW_ARG_SIGNAL:
        return _parse_signal (p, at, arg, s);
    case MW_ARG_HOOK:
        return _parse_hook (p, at, arg, s);
    case MW_ARG_FACTOR:
        return _parse_factor (p, at, arg, s);
    case MW_ARG_WHO:
        return _parse_who (p, at, arg, s);
    }
    return 0;
}

static int _parse_time (const struct parser *p, const char *at, const char *arg,
                        struct mw_ladder_step *s)
{
    const struct mw_step_info *info = &mw_steps[s->kind];

    if (!info->timed)
        return _ladder_refuse (p, at - 1, "%s takes no \"@\"", info->name);
    if (mw_duration_parse (arg, &s->deadline_ms, p->err) < 0)
        return _point (p, at);
    if (s->deadline_ms == 0)
        return _ladder_refuse (p, at, "%s for no time; write a time above 0",
                               info->name);
    return 0;
}

/* May [s], with what is written behind "=", be done to the one process that has passed
 * its limit? */
static int _parse_for_one (const struct parser *p, const char *at,
                           const char *arg, const struct mw_ladder_step *s)
{
    const char *colon = strchr (arg, ':');

    if (colon || mw_steps[s->kind].arg == MW_ARG_WHO)
        return _ladder_refuse (p, at,
                               "%s is for the process that has passed the "
                               "limit; write it without \"%s%.40s\"",
                               mw_steps[s->kind].name, colon ? "" : "=",
                               colon ? colon : arg);
    return 0;
}

/* Parse one step, the [len] characters at [at]. */
static int _parse_step (const struct parser *p, const char *at, size_t len,
                        struct mw_ladder_step *s)
{
    char word[MW_LADDER_STRLEN];
    char *arg, *time;

    *s = (struct mw_ladder_step) { 0 };
    memcpy (word, at, len);
    word[len] = '\0';
    if ((time = strchr (word, '@')))
        *time++ = '\0';
    if ((arg = strchr (word, '=')))
        *arg++ = '\0';
    if (_parse_name (p, at, strlen (word), &s->kind) < 0)
        return -1;
    s->deadline_ms = mw_steps[s->kind].default_ms;
    if (!arg && mw_steps[s->kind].arg == MW_ARG_SIGNAL)
        return _ladder_refuse (p, at,
                               "signal needs its name; write signal=USR1");
    if ((p->one && arg && _parse_for_one (p, at + (arg - word), arg, s) < 0) ||
        (arg && _parse_arg (p, at + (arg - word), arg, s) < 0))
        return -1;
    return time ? _parse_time (p, at + (time - word), time, s) : 0;
}

static int _parse_steps (const struct parser *p, struct mw_ladder *l)
{
    const char *at = p->text;

    for (;;) {
        size_t len = strcspn (at, ",");

        if (l->count > 0 && l->step[l->count - 1].kind == MW_STEP_KILL)
            return _ladder_refuse (p, at, "nothing can follow kill");
        if (l->count == MW_LADDER_MAX_STEPS)
            return _ladder_refuse (p, at,
                                   "too many steps; at most %d with the kill "
                                   "at the end are allowed",
                                   MW_LADDER_MAX_STEPS);
        if (_parse_step (p, at, len, &l->step[l->count]) < 0)
            return -1;
        l->count++;
        at += len;
        if (*at == '\0')
            break;
        at++;
    }
    if (p->one || l->step[l->count - 1].kind == MW_STEP_KILL)
        return 0;
    if (l->count == MW_LADDER_MAX_STEPS)
        return _ladder_refuse (p, at,
                               "no room for the kill at the end; at most %d "
                               "steps with it are allowed",
                               MW_LADDER_MAX_STEPS);
    l->step[l->count++] = (struct mw_ladder_step) { .kind = MW_STEP_KILL };
    return 0;
}

/* [p]: how. */
static int _parse_ladder (const struct parser *p, struct mw_ladder *ladder,
                          struct mw_err *err)
{
    struct mw_ladder l = { 0 };
    /* default times make what is written longer than what was read */
    char written[2 * MW_LADDER_STRLEN];

    if (strlen (p->text) >= MW_LADDER_STRLEN)
        return mw_err_code (err, EINVAL,
                            "the ladder is too long; at most %d "
                            "characters are allowed",
                            MW_LADDER_STRLEN - 1);
    if (_parse_steps (p, &l) < 0)
        return -1;
    mw_ladder_format (&l, written, sizeof (written));
    if (strlen (written) >= MW_LADDER_STRLEN)
        return mw_err_code (err, EINVAL,
                            "the ladder is too long, with its "
                            "times written out; at most %d characters are "
                            "allowed",
                            MW_LADDER_STRLEN - 1);
    *ladder = l;
    return 0;
}

int mw_ladder_parse (const char *text, struct mw_ladder *ladder,
                     struct mw_err *err)
{
    const struct parser p = { .text = text, .err = err };

    return _parse_ladder (&p, ladder, err);
}

int mw_ladder_parse_asked (const char *text, struct mw_ladder *ladder,
                           struct mw_err *err)
{
    const struct parser p = { .text = text, .asked = true, .err = err };

    return _parse_ladder (&p, ladder, err);
}

int mw_ladder_parse_one (const char *text, struct mw_ladder *ladder,
                         struct mw_err *err)
{
    const struct parser p = { .text = text, .one = true, .err = err };

    if (_parse_ladder (&p, ladder, err) < 0)
        return -1;
    for (unsigned i = 0; i < ladder->count; i++) {
        struct mw_ladder_step *s = &ladder->step[i];

        s->target = MW_TARGET_PID;
        if (s->kind != MW_STEP_KILL)
            continue;
        s->kind = MW_STEP_KILL_ONE;
        s->deadline_ms = mw_steps[MW_STEP_KILL_ONE].default_ms;
    }
    return 0;
}

static void _format_arg (const struct mw_ladder_step *s, char *buf, size_t len)
{
    snprintf (buf, len, "%s", "");
    if (s->kind == MW_STEP_SIGNAL || s->kind == MW_STEP_DUMP) {
        const char *whom = mw_target_name (s->target);
        char number[16];

        snprintf (buf, len, "%s%s%s",
                  s->kind == MW_STEP_DUMP
                      ? s->hook
                      : mw_signal_format (s->signo, number, sizeof (number)),
                  *whom ? ":" : "", whom);
    } else if (s->kind == MW_STEP_SLOW && mw_target_is_one (s->target)) {
        mw_amount_format (&s->amount, buf, len);
        snprintf (buf + strlen (buf), len - strlen (buf), ":%s",
                  mw_target_name (s->target));
    } else if (mw_steps[s->kind].arg == MW_ARG_WHO) {
        snprintf (buf, len, "%s", mw_target_name (s->target));
    } else {
        mw_amount_format (&s->amount, buf, len);
    }
}

char *mw_ladder_step_format (const struct mw_ladder_step *s, char *buf,
                             size_t len)
{
    enum mw_step_kind name = _written (s->kind);
    char arg[MW_HOOK_MAX + 16], time[32] = "";

    _format_arg (s, arg, sizeof (arg));
    if (s->deadline_ms > 0)
        mw_duration_format (s->deadline_ms, time, sizeof (time));
    snprintf (buf, len, "%s%s%s%s%s", mw_steps[name].name, *arg ? "=" : "", arg,
              *time ? "@" : "", time);
    return buf;
}

char *mw_ladder_format (const struct mw_ladder *ladder, char *buf, size_t len)
{
    size_t used = 0;
    char step[96];

    snprintf (buf, len, "%s", "");
    for (unsigned i = 0; i < ladder->count && used < len; i++) {
        mw_ladder_step_format (&ladder->step[i], step, sizeof (step));
        used += (size_t) snprintf (buf + used, len - used, "%s%s", i ? "," : "",
                                   step);
    }
    return buf;
}
