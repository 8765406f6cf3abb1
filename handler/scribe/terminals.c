/* terminals.c - whose job is held is told so at his terminals */
#include "handler/scribe/terminals.h"

#include <fcntl.h>
#include <paths.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-login.h>
#include <unistd.h>
#include <utmpx.h>

#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/err.h"
#include "lib/json_get.h"
#include "lib/units.h"

#define NEWS_MS 60000 /* what is older is no news: the story was behind */

/* ---- what ---------------------------------------------------------------- */

/* " for 10m", as the rung that it is on has it. */
static void _terminals_span (const json_t *record, char buf[48])
{
    const json_t *in = json_object_get (json_object_get (record, "st"),
                                        "incident");
    uint64_t from = json_get_number (in, "step_ms");
    uint64_t to = json_get_number (in, "deadline_ms");
    char t[32];

    buf[0] = '\0';
    if (to > from)
        snprintf (buf, 48, " for %s",
                  mw_duration_format (to - from, t, sizeof (t)));
}

/* Somebody holds it who is not its owner: the warden has noted who. */
static bool _terminals_by (const json_t *record, uint64_t *by)
{
    const json_t *who = json_object_get (record, "by");

    if (!json_is_integer (who) ||
        json_integer_value (who) ==
            json_integer_value (json_object_get (record, "uid")))
        return false;
    *by = (uint64_t) json_integer_value (who);
    return true;
}

bool terminals_text (const json_t *record, char *text)
{
    const char *trigger = json_get_text (record, "trigger");
    const char *job = json_get_text (record, "job");
    bool held = !strcmp (json_get_text (record, "event"), "held") &&
                !strcmp (json_get_text (record, "step"), "hold");
    char limit[MW_SIZE_STRLEN], span[48], why[96];
    uint64_t by;
    int n;

    _terminals_span (record, span);
    if (held && strcmp (trigger, "job") == 0)
        snprintf (why, sizeof (why), "has reached its limit of %s and is held",
                  mw_size_format (json_get_number (record, "limit"), limit,
                                  sizeof (limit)));
    else if (held && strcmp (trigger, "node") == 0)
        snprintf (why, sizeof (why),
                  "has to give memory back to the node and is held");
    else if (_terminals_by (record, &by))
        snprintf (why, sizeof (why), "is held by uid %llu",
                  (unsigned long long) by);
    else
        return false;
    n = snprintf (text, TERMINALS_TEXT - 2, /* its end's */
                  "memwarden: job %.64s %s%s; to see more, and decide: "
                  "memwarden look %.64s",
                  job, why, span, job);
    if (n < 0)
        return false;
    mw_tame (text, "");
    strcat (text, "\r\n");
    return true;
}

/* ---- whom ---------------------------------------------------------------- */

bool terminals_due (struct terminals *t, uid_t uid, uint64_t now)
{
    int place = -1;

    for (int i = 0; i < TERMINALS_USERS; i++) {
        bool is = t->told[i].ms > 0 && now - t->told[i].ms < TERMINALS_MS;

        if (is && t->told[i].uid == uid)
            return false;
        if (!is)
            place = i;
    }
    if (place < 0)
        return false;
    t->told[place].uid = uid;
    t->told[place].ms = now;
    return true;
}

bool terminals_is_line (const char *line)
{
    const char *at = line + 4;

    if (strncmp (line, "pts/", 4) == 0)
        return *at && strspn (at, "0123456789") == strlen (at);
    at = line + 3;
    return strncmp (line, "tty", 3) == 0 && *at &&
           strspn (at, "0123456789abcdefghijklmnopqrstuvwxyz"
                       "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == strlen (at);
}

/* ---- where --------------------------------------------------------------- */

/* Terminals to write to: each once. */
struct terminals_list {
    char line[TERMINALS_MAX][__UT_LINESIZE + 1];
    int n;
};

static void _terminals_add (struct terminals_list *l, const char *line)
{
    if (l->n == TERMINALS_MAX || strlen (line) > __UT_LINESIZE ||
        !terminals_is_line (line))
        return;
    for (int i = 0; i < l->n; i++) {
        if (strcmp (l->line[i], line) == 0)
            return;
    }
    strcpy (l->line[l->n++], line);
}

/* Open a terminal of [uid]'s who lets others write there; -1.  Never one that would become
 * ours, nor that is waited for. */
static int _terminals_open (const char *line, uid_t uid)
{
    cleanup_fd int fd = -1;
    char path[sizeof (_PATH_DEV) + __UT_LINESIZE];
    struct stat st;

    snprintf (path, sizeof (path), _PATH_DEV "%s", line);
    if (lstat (path, &st) < 0 || !S_ISCHR (st.st_mode) || st.st_uid != uid)
        return -1; /* opening might do something to what else there is */
    fd = open (path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat (fd, &st) < 0 || !S_ISCHR (st.st_mode) ||
        st.st_uid != uid || !(st.st_mode & S_IWGRP))
        return -1;
    return mw_steal_fd (&fd);
}

/* Those of [uid] that login(1) and the like have put down.  Not by getutxent(3), which
 * waits for whoever has locked the file. */
static void _terminals_of_utmp (struct terminals_list *l, uid_t uid)
{
    cleanup_fd int fd = open (_PATH_UTMP,
                              O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    struct utmpx u;

    for (int i = 0; fd >= 0 && i < TERMINALS_LINES &&
                    read (fd, &u, sizeof (u)) == (ssize_t) sizeof (u);
         i++) {
        cleanup_fd int terminal = -1;
        char line[__UT_LINESIZE + 1];

        if (u.ut_type != USER_PROCESS)
            continue;
        snprintf (line, sizeof (line), "%.*s", __UT_LINESIZE, u.ut_line);
        if (!terminals_is_line (line))
            continue;
        terminal = _terminals_open (line, uid);
        if (terminal >= 0)
            _terminals_add (l, line);
    }
}

/* Those that systemd-logind knows: there is no utmp everywhere any more. */
static void _terminals_of_logind (struct terminals_list *l, uid_t uid)
{
    char **sessions = NULL;

    if (sd_uid_get_sessions (uid, 0, &sessions) < 0)
        return;
    for (char **s = sessions; s && *s; s++) {
        cleanup_free char *line = NULL;

        if (sd_session_get_tty (*s, &line) >= 0)
            _terminals_add (l, line);
        free (*s);
    }
    free (sessions);
}

void terminals_hear (struct terminals *t, const json_t *record)
{
    uid_t uid = (uid_t) json_get_number (record, "uid");
    uint64_t then = json_get_number (record, "ms"), now = clock_ms ();
    struct terminals_list l = { .n = 0 };
    char text[TERMINALS_TEXT + 2] = "\r\n";

    if (then > now || now - then > NEWS_MS ||
        !terminals_text (record, text + 2) || !terminals_due (t, uid, now))
        return;
    _terminals_of_utmp (&l, uid);
    _terminals_of_logind (&l, uid);
    for (int i = 0; i < l.n; i++) {
        cleanup_fd int fd = _terminals_open (l.line[i], uid);

        if (fd >= 0 && write (fd, text, strlen (text)) < 0)
            continue; /* it is stopped (^S), or full: it does without */
    }
}
