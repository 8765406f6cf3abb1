/* doctor.c - memwarden doctor */
#include "handler/cli/cli.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "handler/cli/check.h"
#include "handler/conf/conf.h"
#include "handler/spool/spool.h"
#include "lib/cleanup.h"
#include "lib/client.h"

#define TIMEOUT_MS 2000
/* a courier that is started again that often, each time soon after its end */
#define RESTARTS_MAX 3

static const char *const verdicts[] = {
    [DOCTOR_OK] = "ok",
    [DOCTOR_LACKS] = "lacks",
    [DOCTOR_NA] = "n/a",
};

static int _add (json_t *findings, const char *item, enum doctor_verdict v,
                 const char *found, const char *cost)
{
    return json_array_append_new (findings,
                                  json_pack ("{s:s,s:s,s:s,s:s}", "item", item,
                                             "verdict", verdicts[v], "found",
                                             found, "cost",
                                             v == DOCTOR_LACKS ? cost : ""));
}

static void _doctor_check_all (json_t *findings, const struct memcg_mounts *m,
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

/* ---- the courier --------------------------------------------------------- */

static const char *_doctor_user_name (uid_t uid, char *buf, size_t len)
{
    const struct passwd *pw = getpwuid (uid);

    snprintf (buf, len, "%u", (unsigned) uid);
    return pw ? pw->pw_name : buf;
}

static const char *_local_time (int64_t when, char *buf, size_t len)
{
    time_t t = (time_t) when;
    struct tm tm;

    if (!localtime_r (&t, &tm) || strftime (buf, len, "%F %T", &tm) == 0)
        snprintf (buf, len, "%lld", (long long) when);
    return buf;
}

static unsigned _waiting (struct spool *s)
{
    char (*ids)[SPOOL_ID_MAX];
    int n = spool_list_requests (s, &ids);

    free (ids);
    return n < 0 ? 0 : (unsigned) n;
}

/* How the courier of [s] is, by what it has left there. */
static enum doctor_verdict _courier (struct spool *s, char *found, size_t len)
{
    char name[32], when[64], more[400] = "";
    struct spool_courier c;
    unsigned waiting = _waiting (s);
    pid_t pid = 0;
    uid_t uid = 0;
    bool alive = spool_courier_alive (s, &pid);
    bool known = spool_courier_read (s, &c, &uid) == 0;
    bool again = known && c.restarts >= RESTARTS_MAX;

    if (!alive && !known) {
        snprintf (found, len,
                  "none has ever worked here (%u requests wait); "
                  "see `systemctl status memwarden-courier`",
                  waiting);
        return DOCTOR_LACKS;
    }
    if (!known) {
        snprintf (found, len, "process %d works, but says nothing of itself",
                  (int) pid);
        return DOCTOR_LACKS;
    }
    if (again)
        snprintf (more, sizeof (more),
                  ", after it ended %u times soon after "
                  "its start",
                  c.restarts);
    if (alive)
        snprintf (found, len,
                  "process %d works as %s since %s%s; %u requests "
                  "wait%s%s",
                  (int) pid, _doctor_user_name (uid, name, sizeof (name)),
                  _local_time (c.since, when, sizeof (when)), more, waiting,
                  *c.trouble ? "; " : "", c.trouble);
    else
        snprintf (found, len,
                  "none works; the last one (as %s) started at %s%s;"
                  " %u requests wait; see `systemctl status memwarden-courier`",
                  _doctor_user_name (uid, name, sizeof (name)),
                  _local_time (c.since, when, sizeof (when)), more, waiting);
    return alive && !again && !*c.trouble ? DOCTOR_OK : DOCTOR_LACKS;
}

static enum doctor_verdict _look_at_spool (const struct cli_common *common,
                                           char *found, size_t len)
{
    static struct conf conf; /* too big for the stack */
    enum doctor_verdict v;
    struct mw_err err;
    struct spool s;

    /* one that cannot be read is told by memwardend --check */
    conf_defaults (&conf);
    conf_load (&conf, CONF_PATH_DEFAULT, &err);
    if (spool_open (&s, common->state_dir ? common->state_dir : conf.state_dir,
                    false, 0, &err) == 0) {
        v = _courier (&s, found, len);
        spool_close (&s);
        return v;
    }
    if (errno == EACCES) {
        snprintf (found, len,
                  "unknown: only root and the courier's user may "
                  "look");
        return DOCTOR_NA;
    }
    snprintf (found, len, "%s%s", err.text,
              errno == ENOENT ? "; memwardend makes it when it starts" : "");
    return DOCTOR_LACKS;
}

static void _check_courier (json_t *findings, const struct cli_common *common)
{
    char found[1024];
    enum doctor_verdict v = _look_at_spool (common, found, sizeof (found));

    _add (findings, "courier", v, found,
          "nothing is asked of Slurm's "
          "controller: no suspend, requeue or dump, killed jobs end as FAILED "
          "instead of OUT_OF_MEMORY, and nobody writes the reason into a job's "
          "stderr and comment");
}

static void _doctor_print (const json_t *findings)
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
    struct memcg_mounts mounts;
    struct mw_err err;
    int c;

    while ((c = getopt_long (argc, argv, "", options, NULL)) != -1)
        cli_common_option (self, c, &common);
    if (optind < argc)
        return cli_usage (self, "\"%.40s\" is not understood", argv[optind]);
    if (memcg_find_mounts (&mounts) < 0) {
        mw_err_errno (&err, "cannot read /proc/self/mountinfo");
        return cli_fail (self, &err, EIO);
    }
    _doctor_check_all (findings, &mounts, doctor_node_checks,
                       doctor_node_count);
    _check_warden (findings, &common);
    _check_courier (findings, &common);
    _doctor_check_all (findings, &mounts, doctor_slurm_checks,
                       doctor_slurm_count);
    if (common.json)
        return cli_print_json (findings);
    _doctor_print (findings);
    return CLI_OK;
}
