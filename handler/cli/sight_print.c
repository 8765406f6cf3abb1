/* sight_print.c - what memwarden look has seen, for people */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "handler/cli/sight.h"
#include "lib/memparts.h"
#include "lib/units.h"

/* ---- what goes on -------------------------------------------------------- */

static const char *_sight_clock (unsigned long long s, char buf[16])
{
    time_t t = (time_t) s;
    struct tm tm;

    localtime_r (&t, &tm);
    strftime (buf, 16, "%H:%M:%S", &tm);
    return buf;
}

static const char *_sight_cause (const json_t *in)
{
    const char *trigger = cli_text (in, "trigger");

    if (strcmp (trigger, "job") == 0)
        return "it has reached its limit";
    if (strcmp (trigger, "node") == 0)
        return "it has to give memory back to the node";
    return "by hand";
}

static const char *_sight_span (unsigned long long s, char buf[48])
{
    if (s >= 3600)
        snprintf (buf, 48, "%llu h %llu min", s / 3600, s % 3600 / 60);
    else if (s >= 60)
        snprintf (buf, 48, "%llu min %llu s", s / 60, s % 60);
    else
        snprintf (buf, 48, "%llu s", s);
    return buf;
}

/* What it is on, until when, and what comes then. */
static void _sight_rung (const json_t *in)
{
    const char *next = cli_text (in, "next"), *rung = cli_text (in, "rung");
    char until[16], t[48];

    printf ("Now: %s", *rung ? rung : cli_text (in, "step"));
    if (cli_number (in, "until") > 0)
        printf (", until %s, in %s",
                _sight_clock (cli_number (in, "until"), until),
                _sight_span (cli_number (in, "left_ms") / 1000, t));
    else if (strcmp (cli_text (in, "step"), "hold") == 0)
        printf (", until it is resumed");
    printf (*next ? "; then: %s\n" : "; then nothing more\n", next);
}

static void _sight_print_incident (const json_t *in)
{
    const json_t *tried = json_object_get (in, "tried"), *one;
    unsigned long long held = cli_number (in, "held_ms") / 1000;
    char t[48];
    size_t i;

    if (!json_is_object (in))
        return;
    printf ("In an incident since %s: %s\n",
            _sight_clock (cli_number (in, "began"), t), _sight_cause (in));
    if (cli_number (in, "held_ms") > 0)
        printf ("It is held, for %s now\n", _sight_span (held, t));
    _sight_rung (in);
    json_array_foreach (tried, i, one) {
        cli_local_time (cli_text (one, "t"), t, sizeof (t));
        printf ("  %s  %s\n", strlen (t) > 11 ? t + 11 : t,
                cli_text (one, "text"));
    }
    putchar ('\n');
}

/* ---- its memory ---------------------------------------------------------- */

static void _sight_print_parts (const json_t *held)
{
    char a[MW_SIZE_STRLEN];

    for (unsigned i = 0; i < MW_MEMPARTS; i++) {
        const char *said = mw_mempart[i].said;

        printf ("  %s%-*s %10s\n", said ? "" : "  ", said ? 20 : 18,
                said ? said : mw_mempart[i].name,
                mw_size_format (cli_number (held, mw_mempart[i].name), a,
                                sizeof (a)));
    }
}

static void _sight_size (const json_t *p, const char *name)
{
    char a[MW_SIZE_STRLEN];

    printf (" %10s", mw_size_format (cli_number (p, name), a, sizeof (a)));
}

static void _sight_print_process (const json_t *p)
{
    static const char *const kinds[] = { "holds", "anon", "shmem", "hugetlb",
                                         "swap" };
    const json_t *grew = json_object_get (p, "grew");
    long long by = json_integer_value (grew);
    char e[MW_SIZE_STRLEN];

    mw_size_format ((uint64_t) (by < 0 ? -by : by), e, sizeof (e));
    printf ("%8llu", cli_number (p, "pid"));
    for (size_t i = 0; i < sizeof (kinds) / sizeof (kinds[0]); i++)
        _sight_size (p, kinds[i]);
    printf (" %1s%9s  %-13s  %s\n", by < 0 ? "-" : "", grew ? e : "new",
            cli_text (p, "does"), cli_text (p, "command"));
}

static void _sight_print_processes (const json_t *processes)
{
    const json_t *one;
    size_t i;

    printf ("\n%8s %10s %10s %10s %10s %10s %10s  %-13s  %s\n", "PID", "HOLDS",
            "ANONYMOUS", "SHARED", "HUGE PAGES", "IN SWAP", "GREW BY", "IS",
            "COMMAND");
    json_array_foreach (processes, i, one) {
        if (i < SIGHT_PROCESSES)
            _sight_print_process (one);
    }
    if (i > SIGHT_PROCESSES)
        printf ("and %zu smaller ones; --json has all\n", i - SIGHT_PROCESSES);
}

static void _sight_print_files (const json_t *files)
{
    const json_t *one;
    char a[MW_SIZE_STRLEN];
    size_t i;

    if (json_array_size (files) > 0)
        printf ("\nThe largest files of its user in memory:\n");
    json_array_foreach (files, i, one)
        printf ("%19s  %s\n",
                mw_size_format (cli_number (one, "bytes"), a, sizeof (a)),
                cli_text (one, "path"));
}

/* ---- where its tasks are ------------------------------------------------- */

static void _sight_print_task (const json_t *t)
{
    const json_t *stack = json_object_get (t, "stack"), *frame;
    unsigned long long n = cli_number (t, "threads");
    size_t i;

    printf ("%8llu  %s: %s", cli_number (t, "first"), cli_text (t, "name"),
            cli_text (t, "does"));
    if (*cli_text (t, "wchan"))
        printf (" in %s", cli_text (t, "wchan"));
    if (n > 1)
        printf (" (%llu threads alike)", n);
    json_array_foreach (stack, i, frame)
        printf ("%s%s", i == 0 ? "\n          " : " < ",
                json_string_value (frame));
    putchar ('\n');
}

static void _sight_print_tasks (const json_t *processes)
{
    const json_t *p, *t;
    bool any = false, stacks = false;
    size_t i, k;

    json_array_foreach (processes, i, p) {
        json_array_foreach (json_object_get (p, "tasks"), k, t) {
            if (!any)
                printf ("\nWhere its tasks are:\n");
            any = true;
            stacks |= json_is_array (json_object_get (t, "stack"));
            _sight_print_task (t);
        }
    }
    if (any && !stacks)
        puts ("The kernel's stacks are for root alone to see.");
    if (any && i > SIGHT_STACKS)
        printf ("These are of its %d largest processes.\n", SIGHT_STACKS);
}

void sight_print (const json_t *seen)
{
    char a[MW_SIZE_STRLEN], b[MW_SIZE_STRLEN], c[MW_SIZE_STRLEN];

    printf ("Job %s: %s in use, its limit is %s, its reservation %s\n",
            cli_text (seen, "job"),
            mw_size_format (cli_number (seen, "used"), a, sizeof (a)),
            mw_size_format (cli_number (seen, "limit"), b, sizeof (b)),
            mw_size_format (cli_number (seen, "reservation"), c, sizeof (c)));
    _sight_print_incident (json_object_get (seen, "incident"));
    _sight_print_parts (json_object_get (seen, "held"));
    _sight_print_processes (json_object_get (seen, "processes"));
    _sight_print_files (json_object_get (seen, "files"));
    _sight_print_tasks (json_object_get (seen, "processes"));
}
