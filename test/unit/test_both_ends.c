/* What is declared has both ends: an operation that somebody asks for and
 * somebody carries out, a trigger, cause or answer that is given and looked at,
 * an event that is recorded and documented, a message that is sent and answered.
 * Nothing is listed here but where the ends are: the names are read from the
 * declarations, their uses from the sources (what is not used there is no use:
 * the compiler refuses functions that nobody calls). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <dirent.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOURCES_MAX 260
#define NAMES_MAX 64
#define SPACE " \t\n"

static struct source {
    char path[300]; /* "handler/spool/spool.c" */
    char *text;     /* without comments */
} sources[SOURCES_MAX];
static unsigned source_count;

struct names {
    char name[NAMES_MAX][48];
    unsigned count;
};

/* ---- the sources --------------------------------------------------------- */

static void _blank (char *from, const char *to)
{
    for (; from < to; from++) {
        if (*from != '\n')
            *from = ' ';
    }
}

static char *_behind_literal (char *p)
{
    char quote = *p++;

    while (*p && *p != quote)
        p += *p == '\\' && p[1] ? 2 : 1;
    return *p ? p + 1 : p;
}

static void _strip_comments (char *text)
{
    char *p = text, *end;

    while (*p) {
        if (*p == '"' || *p == '\'') {
            p = _behind_literal (p);
        } else if (p[0] == '/' && p[1] == '*') {
            end = strstr (p, "*/");
            end = end ? end + 2 : p + strlen (p);
            _blank (p, end);
            p = end;
        } else {
            p++;
        }
    }
}

static char *_read (const char *path)
{
    char full[600];
    char *text = calloc (1, 1 << 20);
    FILE *f;

    snprintf (full, sizeof (full), "%s/%s", MW_TOP, path);
    f = fopen (full, "r");
    assert_non_null (f);
    assert_non_null (text);
    assert_true (fread (text, 1, (1 << 20) - 1, f) > 0);
    fclose (f);
    return text;
}

/* [dir] and what is below it */
static void _read_dir (const char *dir)
{
    char full[600], path[300];
    const struct dirent *e;
    DIR *d;

    snprintf (full, sizeof (full), "%s/%s", MW_TOP, dir);
    d = opendir (full);
    assert_non_null (d);
    while ((e = readdir (d))) {
        struct source *s;

        snprintf (path, sizeof (path), "%s/%.200s", dir, e->d_name);
        if (e->d_type == DT_DIR && e->d_name[0] != '.')
            _read_dir (path);
        if (fnmatch ("*.c", e->d_name, 0) != 0)
            continue;
        assert_true (source_count < SOURCES_MAX);
        s = &sources[source_count++];
        memcpy (s->path, path, sizeof (path));
        s->text = _read (s->path);
        _strip_comments (s->text);
    }
    closedir (d);
}

static int read_sources (void **state)
{
    (void) state;
    _read_dir ("handler");
    _read_dir ("lib");
    _read_dir ("plugin");
    return 0;
}

static int free_sources (void **state)
{
    (void) state;
    while (source_count > 0)
        free (sources[--source_count].text);
    return 0;
}

/* Is [path] one of [patterns], divided by spaces ("!…": is it none)? */
static bool _among (const char *path, const char *patterns)
{
    char copy[256], *save = NULL;
    bool found = false, not = patterns[0] == '!';

    snprintf (copy, sizeof (copy), "%s", patterns + not );
    for (char *p = strtok_r (copy, " ", &save); p && !found;
         p = strtok_r (NULL, " ", &save))
        found = fnmatch (p, path, 0) == 0;
    return found != not ;
}

/* ---- names --------------------------------------------------------------- */

static bool _is_word (char c)
{
    return isalnum ((unsigned char) c) || c == '_';
}

static void _add (struct names *n, const char *name, size_t len)
{
    for (unsigned i = 0; i < n->count; i++) {
        if (strlen (n->name[i]) == len && !strncmp (n->name[i], name, len))
            return;
    }
    assert_true (n->count < NAMES_MAX && len < sizeof (n->name[0]));
    snprintf (n->name[n->count++], sizeof (n->name[0]), "%.*s", (int) len,
              name);
}

static bool _has (const struct names *n, const char *name)
{
    for (unsigned i = 0; i < n->count; i++) {
        if (!strcmp (n->name[i], name))
            return true;
    }
    return false;
}

/* The names that `enum [name]` in [header] declares, without its count. */
static void _enumerators (const char *header, const char *name,
                          struct names *out)
{
    char *text = _read (header), begin[64], *p, *end;

    _strip_comments (text);
    snprintf (begin, sizeof (begin), "enum %s {", name);
    p = strstr (text, begin);
    assert_non_null (p);
    p += strlen (begin);
    end = strchr (p, '}');
    assert_non_null (end);
    out->count = 0;
    while (p < end) {
        size_t len;

        p += strspn (p, SPACE ",");
        for (len = 0; _is_word (p[len]); len++)
            ;
        if (len > 0 && (len < 6 || strncmp (p + len - 6, "_COUNT", 6) != 0))
            _add (out, p, len);
        p += strcspn (p, ",}");
    }
    free (text);
    assert_true (out->count > 1);
}

/* ---- uses of an enumerator ----------------------------------------------- */

/* Is the word at [p] of [len] letters in [text] compared with, or the place of
 * something in a table?  Otherwise it is given to somebody. */
static bool _is_looked_at (const char *text, const char *p, size_t len)
{
    const char *before = p, *after = p + len + strspn (p + len, SPACE);

    while (before > text && strchr (SPACE, before[-1]))
        before--;
    if (!strncmp (after, "==", 2) || !strncmp (after, "!=", 2) || *after == ']')
        return true;
    if (before - text < 4)
        return false;
    return !strncmp (before - 2, "==", 2) || !strncmp (before - 2, "!=", 2) ||
           !strncmp (before - 4, "case", 4) ||
           (before[-1] == '&' && before[-2] != '&');
}

static void _count (const char *text, const char *name, unsigned *given,
                    unsigned *looked_at)
{
    size_t len = strlen (name);

    for (const char *p = text; (p = strstr (p, name)); p += len) {
        if (_is_word (p[len]) || (p > text && _is_word (p[-1])))
            continue;
        if (_is_looked_at (text, p, len))
            (*looked_at)++;
        else
            (*given)++;
    }
}

/* Where the two ends of each of an enum's names are. */
static const struct pair {
    const char *header, *name;
    const char *givers, *takers; /* patterns of files */
    bool any;                    /* whatever a taker does with it */
} pairs[] = {
    { "handler/spool/spool.h", "spool_op",
      "!handler/courier/*.c handler/spool/spool.c",
      "handler/courier/slurm.c handler/courier/queue.c", false },
    { "handler/job/incident_state.h", "incident_trigger", "handler/*.c",
      "!handler/incident/incident.c", true },
    { "handler/record/report.h", "report_for", "!handler/record/report.c",
      "handler/record/report.c", true },
    { "handler/step/step.h", "step_cause", "handler/incident/incident.c",
      "handler/step/*.c", false },
    { "handler/step/step.h", "step_result", "handler/step/*.c",
      "handler/incident/incident.c handler/step/*.c", false },
    { "handler/courier/courier.h", "courier_verdict",
      "!handler/courier/courier.c", "handler/courier/courier.c", false },
    { "handler/memcg/memcg.h", "memcg_state", "handler/memcg/*.c",
      "!handler/memcg/*.c", false },
    { "handler/policy/kernel_kill.h", "kernel_kill_why",
      "handler/policy/kernel_kill.c", "!handler/kmsg/kmsg.c", false },
};

static void each_name_is_given_and_looked_at (void **state)
{
    unsigned bad = 0;

    (void) state;
    for (size_t i = 0; i < sizeof (pairs) / sizeof (pairs[0]); i++) {
        struct names names;

        _enumerators (pairs[i].header, pairs[i].name, &names);
        for (unsigned n = 0; n < names.count; n++) {
            unsigned given = 0, taken = 0, other = 0;

            for (unsigned s = 0; s < source_count; s++) {
                if (_among (sources[s].path, pairs[i].givers))
                    _count (sources[s].text, names.name[n], &given, &other);
                if (_among (sources[s].path, pairs[i].takers))
                    _count (sources[s].text, names.name[n],
                            pairs[i].any ? &taken : &other, &taken);
            }
            if (given == 0)
                print_error ("%s: nobody gives it\n", names.name[n]);
            if (taken == 0)
                print_error ("%s: nobody does anything with it\n",
                             names.name[n]);
            bad += !given + !taken;
        }
    }
    assert_int_equal (bad, 0);
}

/* ---- records ------------------------------------------------------------- */

/* The string literals of the argument that begins at [p]. */
static void _literals (char *p, struct names *out)
{
    int depth = 0;

    while (*p && !(depth == 0 && (*p == ',' || *p == ')'))) {
        if (*p == '"') {
            char *end = _behind_literal (p);

            _add (out, p + 1, (size_t) (end - p) - 2);
            p = end;
            continue;
        }
        depth += (*p == '(') - (*p == ')');
        p++;
    }
}

/* The beginning of the argument behind [p]'s. */
static char *_next_argument (char *p)
{
    int depth = 0;

    for (; *p && !(depth == 0 && *p == ','); p++)
        depth += (*p == '(') - (*p == ')');
    return *p ? p + 1 : p;
}

static void _recorded (const char *call, unsigned place, struct names *out)
{
    for (unsigned s = 0; s < source_count; s++) {
        for (char *p = sources[s].text; (p = strstr (p, call));) {
            char *argument = p + strlen (call);

            if (p > sources[s].text && _is_word (p[-1])) {
                p = argument;
                continue;
            }
            for (unsigned i = 0; i < place; i++)
                argument = _next_argument (argument);
            _literals (argument, out);
            p += strlen (call);
        }
    }
}

/* record/journal.h has a list of them: "Events: boot, registered (…), … ." */
static void _documented (struct names *out)
{
    char *text = _read ("handler/record/journal.h");
    char *p = strstr (text, "Events: "), *end;

    assert_non_null (p);
    p += strlen ("Events: ");
    end = strchr (p, '/');
    assert_non_null (end);
    while (p < end && *p != '.') {
        size_t len = strcspn (p, " ,.*(\n");

        if (*p == '(') { /* what it means */
            p += strcspn (p, ")") + 1;
            continue;
        }
        if (len > 0)
            _add (out, p, len);
        p += len ? len : 1;
    }
    free (text);
}

static void each_event_is_recorded_and_documented (void **state)
{
    struct names recorded = { .count = 0 }, documented = { .count = 0 };
    unsigned bad = 0;

    (void) state;
    _recorded ("report (", 2, &recorded);
    _recorded ("report_more (", 2, &recorded);
    _recorded ("journal_append (", 1, &recorded);
    _recorded ("_compose (", 1, &recorded);
    _documented (&documented);
    assert_true (recorded.count > 10 && documented.count > 10);
    for (unsigned i = 0; i < recorded.count; i++) {
        if (!_has (&documented, recorded.name[i])) {
            print_error ("journal.h does not name \"%s\"\n", recorded.name[i]);
            bad++;
        }
    }
    for (unsigned i = 0; i < documented.count; i++) {
        if (!_has (&recorded, documented.name[i])) {
            print_error ("nobody records \"%s\"\n", documented.name[i]);
            bad++;
        }
    }
    assert_int_equal (bad, 0);
}

/* ---- messages ------------------------------------------------------------ */

static bool _said (const char *literal, const char *patterns)
{
    char quoted[64];

    snprintf (quoted, sizeof (quoted), "\"%s\"", literal);
    for (unsigned s = 0; s < source_count; s++) {
        if (_among (sources[s].path, patterns) &&
            strstr (sources[s].text, quoted))
            return true;
    }
    return false;
}

/* The first member of each row of the tables of requests. */
static void _answered (struct names *out)
{
    static const struct {
        const char *path, *table;
    } of[] = { { "handler/daemon/control.c", "_requests[] = {" },
               { "handler/desk/answer.c", "answers[] = {" },
               { "handler/pass/pass.c", "kinds[] = {" } };

    for (unsigned s = 0; s < source_count; s++) {
        for (size_t i = 0; i < sizeof (of) / sizeof (of[0]); i++) {
            char *p, *end;

            if (strcmp (sources[s].path, of[i].path) != 0)
                continue;
            p = strstr (sources[s].text, of[i].table);
            assert_non_null (p);
            end = strstr (p, "};");
            for (p += strlen (of[i].table); (p = strchr (p, '{')) && p < end;)
                _literals (++p, out);
        }
    }
}

static void each_message_is_sent_and_answered (void **state)
{
    static const char *const senders =
        "lib/*.c plugin/*.c handler/cli/*.c handler/record/failsafe.c";
    struct names answered = { .count = 0 }, sent = { .count = 0 };
    unsigned bad = 0;

    (void) state;
    _answered (&answered);
    assert_true (answered.count > 5);
    for (unsigned i = 0; i < answered.count; i++) {
        if (!_said (answered.name[i], senders)) {
            print_error ("nobody sends \"%s\"\n", answered.name[i]);
            bad++;
        }
    }
    _recorded ("mw_wire_new (", 0, &sent);
    for (unsigned i = 0; i < sent.count; i++) {
        /* an answer, or a note: somebody compares it */
        if (!_has (&answered, sent.name[i]) &&
            !_said (sent.name[i], "lib/client.c lib/memwarden.c")) {
            print_error ("nobody answers \"%s\"\n", sent.name[i]);
            bad++;
        }
    }
    assert_int_equal (bad, 0);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (each_name_is_given_and_looked_at),
        cmocka_unit_test (each_event_is_recorded_and_documented),
        cmocka_unit_test (each_message_is_sent_and_answered),
    };

    return cmocka_run_group_tests (tests, read_sources, free_sources);
}
