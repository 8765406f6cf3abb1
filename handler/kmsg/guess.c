/* guess.c - the kernel's words behind an unknown prefix: see guess.h
 *
 * A prefix's shape: '9' is any number, 'a' any letters, ' ' any blanks; a last
 * word with a colon, who spoke, is itself.
 */
#include "handler/kmsg/guess.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "handler/kmsg/form.h"

#define PREFIX_MOST 160

/* Does only a report say [s]? */
static bool _of_report (const char *s)
{
    static const char *const known[] = {
        "CPU: ",          "Pid: ",     "Call ",       "Backtrace:",
        "memory: usage ", "Mem-Info",  "Free swap  ", "Total swap = ",
        "oom-kill:",      "Task in /",
    };
    struct kmsg_kill said;
    unsigned i = 0;

    /* most positions of most lines are no such beginning */
    while (i < sizeof (known) / sizeof (known[0]) &&
           strncmp (s, known[i], strlen (known[i])) != 0)
        i++;
    if (i == sizeof (known) / sizeof (known[0]))
        return false;
    kmsg_form_clear (&said);
    switch (kmsg_form (s, &said)) {
    case KMSG_TASK:
    case KMSG_TRACE:
    case KMSG_USAGE:
    case KMSG_MEM_INFO:
    case KMSG_SWAP:
    case KMSG_VERDICT:
        return true;
    default:
        return false;
    }
}

/* Where does the last word of [s, end) begin, if it has a colon at its end? */
static const char *_speaker (const char *s, const char *end)
{
    const char *at = end;

    while (at > s && at[-1] == ' ')
        at--;
    if (at == s || at[-1] != ':')
        return end;
    while (at > s && at[-1] != ' ')
        at--;
    return at;
}

/* The shape of [s, end). Returns false: too long, or within a sentence. */
static bool _shape (const char *s, const char *end, char *shape)
{
    const char *speaker = _speaker (s, end);
    size_t n = 0;

    while (s < end) {
        unsigned char c = (unsigned char) *s;
        size_t len = 1;

        if (n == KMSG_GUESS_SHAPE - 1 || strchr ("'`=", c))
            return false;
        if (s >= speaker) {
            ;
        } else if (isdigit (c)) {
            len = strspn (s, "0123456789");
            c = '9';
        } else if (isalpha (c)) {
            while (s + len < end && isalpha ((unsigned char) s[len]))
                len++;
            c = 'a';
        } else if (c == ' ') {
            len = strspn (s, " ");
        }
        shape[n++] = (char) c;
        s += len;
    }
    shape[n] = '\0';
    return n > 0;
}

/* Where does a prefix of [shape] end in [s]? Returns NULL: it has another. */
static const char *_behind (const char *shape, const char *s)
{
    const char *words = shape + strlen (shape);

    words = _speaker (shape, words);
    for (; *shape; shape++) {
        size_t len = 1;

        if (shape >= words || !strchr ("9a ", *shape)) {
            if (*s != *shape)
                return NULL;
        } else if (*shape == '9') {
            len = strspn (s, "0123456789");
        } else if (*shape == 'a') {
            for (len = 0; isalpha ((unsigned char) s[len]); len++)
                ;
        } else if (shape[1]) { /* blanks behind the last are the message's */
            len = strspn (s, " ");
        } else if (*s != ' ') {
            return NULL;
        }
        if (len == 0)
            return NULL;
        s += len;
    }
    return s;
}

static const char *_known (const struct kmsg_guess *g, const char *s)
{
    const char *at = NULL;

    for (unsigned i = 0; i < g->count && !at; i++)
        at = _behind (g->shapes[i], s);
    return at;
}

/* Learn the shape of [s, at). */
static bool _learn (struct kmsg_guess *g, const char *s, const char *at)
{
    if (g->count == KMSG_GUESS_SHAPES || !_shape (s, at, g->shapes[g->count]) ||
        _behind (g->shapes[g->count], s) != at)
        return false;
    g->count++;
    return true;
}

const char *kmsg_guess (struct kmsg_guess *g, const char *s, const char **head)
{
    const char *at = _known (g, s);

    *head = NULL;
    if (at)
        return at;
    if (strstr (s, " invoked oom-killer: gfp_mask=0x")) {
        snprintf (g->head, sizeof (g->head), "%s", s);
        return NULL;
    }
    for (at = s + 1; *s && *at && at - s < PREFIX_MOST; at++) {
        if (!strchr (" :|>])\",;", at[-1]) || *at == ' ' || !_of_report (at))
            continue;
        if (!_learn (g, s, at))
            return NULL;
        *head = g->head[0] ? _behind (g->shapes[g->count - 1], g->head) : NULL;
        g->head[0] = *head ? g->head[0] : '\0';
        return at;
    }
    return NULL;
}
