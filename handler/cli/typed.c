/* typed.c - what somebody has typed at the prompt of memwarden look */
#include "handler/cli/typed.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS 3 /* the longest: signal NAME WHO */
#define BLANK " \t\r\n"

/* Commands, in the order in which a letter is understood. */
static const struct {
    const char *name;
    enum typed_kind kind;
    int takes; /* words behind it, at most */
} _typed[] = { { "grow", TYPED_GROW, 1 },    { "let", TYPED_RESUME, 1 },
               { "signal", TYPED_DO, 2 },    { "dump", TYPED_DO, 1 },
               { "kill", TYPED_DO, 1 },      { "requeue", TYPED_DO, 1 },
               { "again", TYPED_AGAIN, 0 },  { "where", TYPED_WHERE, 0 },
               { "help", TYPED_HELP, 0 },    { "quit", TYPED_QUIT, 0 },
               { "exit", TYPED_QUIT, 0 },    { "?", TYPED_HELP, 0 },
               { "resume", TYPED_RESUME, 0 } };
#define COMMANDS (sizeof (_typed) / sizeof (_typed[0]))

/* Cut [line] into [word]. Returns how many there are, at most WORDS + 1. */
static int _typed_words (char *line, char *word[WORDS + 1])
{
    char *rest, *w = strtok_r (line, BLANK, &rest);
    int n = 0;

    for (; w && n <= WORDS; w = strtok_r (NULL, BLANK, &rest))
        word[n++] = w;
    return n;
}

/* Its place in the table, by its name or its first letter; -1. */
static int _typed_command (const char *word)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp (_typed[i].name, word) == 0 ||
            (word[0] == _typed[i].name[0] && word[1] == '\0'))
            return (int) i;
    }
    return -1;
}

static int _typed_grow (int n, char **word, struct typed *t, struct mw_err *err)
{
    if (n < 2)
        return mw_err_code (err, EINVAL,
                            "by how much? write the size behind it: grow 64M");
    if (mw_size_parse (word[1], &t->bytes, err) < 0)
        return mw_err_prefix (err, "grow");
    if (t->bytes == 0)
        return mw_err_code (err, EINVAL, "grow: 0 is no change");
    return 0;
}

/* Is [who] a process's number? Then it is [t]->pid. */
static bool _typed_pid (const char *who, struct typed *t)
{
    char *end;

    t->pid = strtol (who, &end, 10);
    if (*end || end == who || t->pid < 1 || t->pid > INT32_MAX)
        t->pid = 0;
    return t->pid > 0;
}

static const char *_typed_sure (enum mw_step_kind kind, long pid)
{
    if (kind == MW_STEP_REQUEUE)
        return "requeue it, so that it begins anew?";
    if (kind != MW_STEP_KILL && kind != MW_STEP_KILL_ONE)
        return NULL;
    if (pid)
        return "kill process";
    return kind == MW_STEP_KILL_ONE ? "kill that process of it?"
                                    : "kill all of it?";
}

/* A step of a ladder: "signal=USR1:largest" of signal USR1 largest. */
static int _typed_step (int n, char **word, const char *name, struct typed *t,
                        struct mw_err *err)
{
    bool signal = strcmp (name, "signal") == 0;
    char *who = strcmp (name, "kill") == 0 && n > 1 ? word[1]
                : signal && n > 2                   ? word[2]
                                                    : NULL;
    const char *arg = n > 1 && (signal || word[1] != who) ? word[1] : NULL;
    struct mw_ladder l;

    if (signal && !arg)
        return mw_err_code (err, EINVAL,
                            "which signal? write its name behind it: signal "
                            "USR1");
    if (who && _typed_pid (who, t))
        who = NULL;
    snprintf (t->step, sizeof (t->step), "%s%s%s%s%s", name,
              arg || who ? "=" : "", arg ? arg : "", arg && who ? ":" : "",
              who ? who : "");
    if (strchr (t->step, ','))
        return mw_err_code (err, EINVAL, "one step at a time");
    if (mw_ladder_parse (t->step, &l, err) < 0)
        return -1;
    t->sure = _typed_sure (l.step[0].kind, t->pid);
    return 0;
}

int typed_read (char *line, struct typed *t, struct mw_err *err)
{
    char *word[WORDS + 1];
    int n = _typed_words (line, word), i;

    *t = (struct typed) { .kind = TYPED_AGAIN };
    if (n == 0)
        return 0;
    if ((i = _typed_command (word[0])) < 0)
        return mw_err_code (err, EINVAL,
                            "\"%.20s\" is not understood; ? lists what is",
                            word[0]);
    if (n - 1 > _typed[i].takes ||
        (_typed[i].kind == TYPED_RESUME && n == 2 && strcmp (word[1], "go")))
        return mw_err_code (err, EINVAL,
                            "%s: \"%.40s\" is not understood; ? tells more",
                            _typed[i].name, word[n - 1]);
    t->kind = _typed[i].kind;
    if (t->kind == TYPED_GROW)
        return _typed_grow (n, word, t, err);
    if (t->kind == TYPED_DO)
        return _typed_step (n, word, _typed[i].name, t, err);
    return 0;
}
