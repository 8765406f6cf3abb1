/* doctor.c - memwarden doctor: the checks of check.h, and how they are told */
#include "handler/cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handler/cli/check.h"
#include "lib/cleanup.h"
#include "lib/wire.h"

static const char *const verdicts[] = {
    [DOCTOR_OK] = "ok",
    [DOCTOR_LACKS] = "lacks",
    [DOCTOR_BROKEN] = "broken",
    [DOCTOR_NA] = "n/a",
};

struct doctor {
    struct cli_common common;
    bool quiet, slurm_alone;
    const char *slurm_conf; /* --slurm=FILE; NULL */
    json_t *findings;
    bool broken;
};

/* Both texts may have a user's words in them, of any bytes. */
static int _add (struct doctor *d, const struct doctor_check *check,
                 enum doctor_verdict v, const struct doctor_said *said)
{
    bool bad = v == DOCTOR_LACKS || v == DOCTOR_BROKEN;

    d->broken |= v == DOCTOR_BROKEN;
    return json_array_append_new (d->findings,
                                  json_pack ("{s:s,s:s,s:o,s:s,s:o}", "item",
                                             check->item, "verdict",
                                             verdicts[v], "found",
                                             mw_wire_text (said->found), "cost",
                                             bad ? check->cost : "", "fix",
                                             mw_wire_text (bad ? said->fix
                                                               : "")));
}

static void _doctor_look (struct doctor *d, const struct doctor_node *n,
                          const struct doctor_check *checks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct doctor_said said = { "", "" };
        enum doctor_verdict v = checks[i].look (n, &said);

        _add (d, &checks[i], v, &said);
    }
}

static void _doctor_all (struct doctor *d, const struct doctor_node *n)
{
    if (!d->slurm_alone) {
        _doctor_look (d, n, doctor_node_checks, doctor_node_count);
        _doctor_look (d, n, doctor_beside_checks, doctor_beside_count);
        _doctor_look (d, n, doctor_warden_checks, doctor_warden_count);
    }
    _doctor_look (d, n, doctor_slurm_checks, doctor_slurm_count);
    _doctor_look (d, n, doctor_plugin_checks, doctor_plugin_count);
}

/* The socket that the warden is asked at: as for all other commands, but that the
 * configuration is looked at, too. */
static const char *_doctor_socket (const struct doctor *d,
                                   const struct conf *conf)
{
    const char *env = secure_getenv ("MEMWARDEN_SOCKET");

    if (d->common.socket)
        return d->common.socket;
    return env && *env ? env : conf->socket;
}

static void _doctor_print (const struct doctor *d)
{
    size_t i;
    json_t *f;

    json_array_foreach (d->findings, i, f) {
        printf ("%-6s %-22s %s\n", cli_text (f, "verdict"),
                cli_text (f, "item"), cli_text (f, "found"));
        if (*cli_text (f, "cost"))
            printf ("%-6s %-22s -> %s\n", "", "", cli_text (f, "cost"));
        if (*cli_text (f, "fix"))
            printf ("%-6s %-22s => %s\n", "", "", cli_text (f, "fix"));
    }
}

/* For cron and health checks: a line for each that is broken. */
static void _doctor_print_broken (const struct doctor *d)
{
    size_t i;
    json_t *f;

    json_array_foreach (d->findings, i, f)
        if (strcmp (cli_text (f, "verdict"), verdicts[DOCTOR_BROKEN]) == 0)
            printf ("memwarden: %s: %s%s%s\n", cli_text (f, "item"),
                    cli_text (f, "found"), *cli_text (f, "fix") ? " => " : "",
                    cli_text (f, "fix"));
}

/* Returns 0, or the exit code. */
static int _doctor_parse (const struct cli_command *self, int argc, char **argv,
                          struct doctor *d)
{
    static const struct option options[] = {
        { "quiet", no_argument, NULL, 'q' },
        { "slurm", optional_argument, NULL, 's' },
        CLI_COMMON_OPTIONS,
        { 0 }
    };
    int c;

    while ((c = getopt_long (argc, argv, CLI_LETTERS, options, NULL)) != -1) {
        if (c == 'q')
            d->quiet = true;
        else if (c == 's') {
            d->slurm_alone = true;
            d->slurm_conf = optarg;
        } else
            cli_common_option (self, c, &d->common);
    }
    if (optind < argc)
        return cli_usage (self,
                          "\"%.40s\" is not understood; a file is named "
                          "by --slurm=FILE",
                          argv[optind]);
    return 0;
}

int cli_doctor (const struct cli_command *self, int argc, char **argv)
{
    static struct conf conf; /* both too big for the stack */
    static struct doctor_node n;
    cleanup_json json_t *findings = json_array ();
    struct doctor d = { .findings = findings };
    struct mw_err err = { "" };
    int rc = _doctor_parse (self, argc, argv, &d);

    if (rc != 0)
        return rc;
    conf_defaults (&conf);
    if (conf_load (&conf, CONF_PATH_DEFAULT, &err) == 0)
        err.text[0] = '\0'; /* there may be none: the defaults hold */
    n.conf = &conf;
    n.conf_trouble = err.text;
    n.socket = _doctor_socket (&d, &conf);
    n.state_dir = d.common.state_dir ? d.common.state_dir : conf.state_dir;
    n.slurm_alone = d.slurm_alone;
    if (!d.slurm_alone && memcg_find_mounts (&n.mounts) < 0) {
        mw_err_errno (&err, "cannot read /proc/self/mountinfo");
        return cli_fail (self, &err, EIO);
    }
    doctor_slurm_read (&n, d.slurm_conf);
    _doctor_all (&d, &n);
    doctor_slurm_free (&n);
    if (d.common.json)
        rc = cli_print_json (findings);
    else if (d.quiet)
        _doctor_print_broken (&d);
    else
        _doctor_print (&d);
    return rc != 0 || d.broken ? CLI_FAILED : CLI_OK;
}
