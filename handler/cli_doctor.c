/* cli_doctor.c - memwarden doctor */
#include "handler/cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "handler/doctor.h"
#include "lib/cleanup.h"
#include "lib/client.h"

#define TIMEOUT_MS 2000

static const char *const verdicts[] = {
    [DOCTOR_OK] = "ok", [DOCTOR_LACKS] = "lacks", [DOCTOR_NA] = "n/a",
};

static int _add (json_t *findings, const char *item, enum doctor_verdict v,
                 const char *found, const char *cost)
{
    return json_array_append_new (findings,
        json_pack ("{s:s,s:s,s:s,s:s}", "item", item, "verdict", verdicts[v],
                   "found", found, "cost", v == DOCTOR_LACKS ? cost : ""));
}

static void _check (json_t *findings, const struct doctor_mounts *m,
                    const struct doctor_check *checks, size_t count)
{
    char found[512];

    for (size_t i = 0; i < count; i++) {
        enum doctor_verdict v = checks[i].look (m, found, sizeof (found));

        _add (findings, checks[i].item, v, found, checks[i].cost);
    }
}

static void _check_warden (json_t *findings, const struct cli_common *common)
{
    struct mw_err err = { "" };
    cleanup_fd int sock = mw_client_open (common->socket, TIMEOUT_MS, &err);

    _add (findings, "warden", sock >= 0 ? DOCTOR_OK : DOCTOR_LACKS,
          sock >= 0 ? "answers" : err.text,
          "jobs run as under plain Slurm: the kernel kills at their limit");
}

static void _print (const json_t *findings)
{
    size_t i;
    json_t *f;

    json_array_foreach (findings, i, f) {
        printf ("%-6s %-22s %s\n", cli_text (f, "verdict"),
                cli_text (f, "item"), cli_text (f, "found"));
        if (*cli_text (f, "cost"))
            printf ("%-6s %-22s -> %s\n", "", "", cli_text (f, "cost"));
    }
}

int cli_doctor (const struct cli_command *self, int argc, char **argv)
{
    static const struct option options[] = { CLI_COMMON_OPTIONS, { 0 } };
    cleanup_json json_t *findings = json_array ();
    struct cli_common common = { 0 };
    struct doctor_mounts mounts;
    struct mw_err err;
    int c;

    while ((c = getopt_long (argc, argv, "", options, NULL)) != -1)
        cli_common_option (self, c, &common);
    if (optind < argc)
        return cli_usage (self, "\"%.40s\" is not understood", argv[optind]);
    if (doctor_mounts (&mounts) < 0) {
        mw_err_errno (&err, "cannot read /proc/self/mounts");
        return cli_fail (self, &err, EIO);
    }
    _check (findings, &mounts, doctor_node_checks, doctor_node_count);
    _check_warden (findings, &common);
    _check (findings, &mounts, doctor_slurm_checks, doctor_slurm_count);
    if (common.json)
        return cli_print_json (findings);
    _print (findings);
    return CLI_OK;
}
