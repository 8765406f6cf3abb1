/* strikes.c - memwarden strikes: list, and forgive */
#include "handler/cli/cli.h"

#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/client.h"
#include "lib/units.h"
#include "lib/user.h"
#include "lib/wire.h"

/* Put whom [text] names, a login name, a uid or "all", into [req]. Returns 0 or the
 * exit code. */
static int _whom (const struct cli_command *self, const char *text, json_t *req)
{
    const struct passwd *pw = getpwnam (text);
    char *end;
    unsigned long uid;

    if (!strcmp (text, "all"))
        return json_object_set_new (req, "forgive", json_true ());
    errno = 0;
    uid = strtoul (text, &end, 10);
    if (!pw &&
        (text[0] < '0' || text[0] > '9' || *end || errno || uid > UINT32_MAX))
        return cli_usage (self,
                          "there is no user \"%.40s\"; write a login name, a "
                          "uid, or all",
                          text);
    return json_object_set_new (req, "forgive",
                                json_integer (pw ? (json_int_t) pw->pw_uid
                                                 : (json_int_t) uid));
}

static int _by_score (const void *a, const void *b)
{
    double x = json_number_value (
        json_object_get (*(json_t *const *) a, "score"));
    double y = json_number_value (
        json_object_get (*(json_t *const *) b, "score"));

    return x < y ? 1 : x > y ? -1 : 0;
}

static void _strikes_row (const json_t *u)
{
    time_t last = (time_t) cli_number (u, "last");
    char name[64], when[32] = "?";
    struct tm tm;

    if (localtime_r (&last, &tm))
        strftime (when, sizeof (when), "%Y-%m-%d %H:%M", &tm);
    printf ("%-16s %7llu  %-16s  %s\n",
            mw_user_shown ((uid_t) cli_number (u, "uid"), name, sizeof (name)),
            cli_number (u, "strikes"), when, cli_text (u, "loses"));
}

static int _strikes_show (const json_t *reply)
{
    const json_t *users = json_object_get (reply, "users");
    size_t n = json_array_size (users);
    cleanup_free const json_t **order = calloc (n + 1, sizeof (*order));
    char t[32];

    if (cli_number (reply, "half_life_ms") == 0) {
        puts ("nobody counts strikes on this node: strike-half-life in "
              "memwarden.conf is off");
        return CLI_OK;
    }
    if (!order)
        return CLI_FAILED;
    for (size_t i = 0; i < n; i++)
        order[i] = json_array_get (users, i);
    qsort (order, n, sizeof (*order), _by_score);
    if (n > 0)
        printf ("%-16s %7s  %-16s  %s\n", "USER", "STRIKES", "LAST", "LOSES");
    for (size_t i = 0; i < n; i++)
        _strikes_row (order[i]);
    printf ("%s%llu cost a user's jobs their burst, %llu their priority; half "
            "of them is forgotten in %s.\n",
            n == 0 ? "nobody has strikes; " : "", cli_number (reply, "burst"),
            cli_number (reply, "priority"),
            mw_duration_format (cli_number (reply, "half_life_ms"), t,
                                sizeof (t)));
    return CLI_OK;
}

int cli_strikes (const struct cli_command *self, int argc, char **argv)
{
    static const struct option options[] = {
        CLI_COMMON_OPTIONS, { "forgive", required_argument, NULL, 'f' }, { 0 }
    };
    cleanup_json json_t *req = mw_wire_new ("strikes"), *reply = NULL;
    struct cli_common common = { 0 };
    struct mw_err err = { "" };
    cleanup_fd int sock = -1;
    int c, rc = 0;

    while ((c = getopt_long (argc, argv, CLI_LETTERS, options, NULL)) != -1) {
        if (c != 'f')
            cli_common_option (self, c, &common);
        else if ((rc = _whom (self, optarg, req)) != 0)
            return rc;
    }
    if (optind < argc)
        return cli_usage (self, "\"%.40s\" is not understood", argv[optind]);
    if (geteuid () != 0) {
        mw_err_set (&err, "only root may do that; your own are in what "
                          "`memwarden why JOB` says");
        return cli_fail (self, &err, EPERM);
    }
    if ((sock = cli_connect (self, &common, NULL, &rc)) < 0)
        return rc;
    if (mw_client_call (sock, req, NULL, 0, &reply, NULL, &err) < 0)
        return cli_fail (self, &err, errno);
    return common.json ? cli_print_json (reply) : _strikes_show (reply);
}
