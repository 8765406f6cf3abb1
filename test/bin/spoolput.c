/* spoolput.c - a warden's end of the courier's spool, for tests */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "handler/spool/spool.h"
#include "lib/clock.h"

static const char usage
    [] = "Usage: spoolput STATE-DIR init\n"
         "       spoolput STATE-DIR put OP JOB [KEY=VALUE]...   prints the ID\n"
         "       spoolput STATE-DIR take SECONDS   prints the next answer:\n"
         "                                         ID ok|no CODE TEXT\n"
         "Keys: arg, text, uid.  The courier is root's.\n";

static int _die (const char *what)
{
    fprintf (stderr, "spoolput: %s\n", what);
    return 1;
}

static int _set (struct spool_request *r, const char *key, const char *value)
{
    if (!strcmp (key, "uid"))
        r->uid = (uint32_t) strtoul (value, NULL, 10);
    else if (!strcmp (key, "arg"))
        snprintf (r->arg, sizeof (r->arg), "%s", value);
    else if (!strcmp (key, "text"))
        snprintf (r->text, sizeof (r->text), "%s", value);
    else
        return -1;
    return 0;
}

static int _put (struct spool *s, int argc, char **argv)
{
    struct spool_request r = { .op = 0 };
    struct mw_err err;

    while (r.op < SPOOL_OP_COUNT && strcmp (spool_op_name[r.op], argv[0]) != 0)
        r.op++;
    if (r.op == SPOOL_OP_COUNT)
        return _die ("no such operation");
    snprintf (r.job, sizeof (r.job), "%s", argv[1]);
    r.slurm_id = (uint32_t) strtoul (argv[1], NULL, 10);
    for (int i = 2; i < argc; i++) {
        char *value = strchr (argv[i], '=');

        if (!value)
            return _die (usage);
        *value++ = '\0';
        if (_set (&r, argv[i], value) < 0)
            return _die (usage);
    }
    spool_make_id (&r, clock_ms ());
    if (spool_put (s, &r, &err) < 0)
        return _die (err.text);
    puts (r.id);
    return 0;
}

/* The one whose name sorts first, or "". */
static bool _next_answer (struct spool *s, char found[SPOOL_ID_MAX])
{
    struct spool_pass p;
    const char *name;

    found[0] = '\0';
    if (spool_pass_begin (&p, s->ans) < 0)
        return false;
    while ((name = spool_pass_next (&p))) {
        if (spool_id_valid (name) && (!*found || strcmp (name, found) < 0))
            strcpy (found, name);
    }
    return *found != '\0';
}

static int _take (struct spool *s, double seconds)
{
    uint64_t end = clock_ms () + (uint64_t) (seconds * 1000);
    struct timespec pause = { 0, 20 * 1000000 };
    char name[SPOOL_ID_MAX];
    struct spool_answer a;
    struct mw_err err;

    while (!_next_answer (s, name) && clock_ms () < end)
        nanosleep (&pause, NULL);
    if (!*name)
        return _die ("no answer");
    if (spool_take_answer (s, name, &a, &err) < 0)
        return _die (err.text);
    printf ("%s %s %d %s\n", a.id, a.ok ? "ok" : "no", a.code, a.text);
    return 0;
}

int main (int argc, char **argv)
{
    struct spool s;
    struct mw_err err;

    if (argc < 3)
        return _die (usage);
    if (spool_open (&s, argv[1], true, 0, &err) < 0)
        return _die (err.text);
    if (!strcmp (argv[2], "init"))
        return 0;
    if (!strcmp (argv[2], "put") && argc >= 5)
        return _put (&s, argc - 3, argv + 3);
    if (!strcmp (argv[2], "take") && argc == 4)
        return _take (&s, strtod (argv[3], NULL));
    return _die (usage);
}
