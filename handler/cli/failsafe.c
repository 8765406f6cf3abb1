/* failsafe.c - memwarden failsafe */
#include "handler/cli/cli.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "handler/conf/conf.h"
#include "handler/record/failsafe.h"
#include "handler/record/force.h"
#include "lib/cleanup.h"

#define BUSY_MS 5000
#define AGAIN_MS 50

/* Another failsafe, the unit's or that of its guard, may be at it when a warden has just
 * been killed: it is done soon. */
static int _run_failsafe (const char *state_dir, const char *history_dir,
                          bool wait, struct failsafe *done, struct mw_err *err)
{
    int rc = failsafe_run (state_dir, history_dir, done, err);

    for (int ms = 0; wait && rc < 0 && errno == EBUSY && ms < BUSY_MS;
         ms += AGAIN_MS) {
        usleep (AGAIN_MS * 1000);
        rc = failsafe_run (state_dir, history_dir, done, err);
    }
    return rc;
}

int cli_failsafe (const struct cli_command *self, int argc, char **argv)
{
    static const struct option options[] = {
        CLI_COMMON_OPTIONS, { "force", no_argument, NULL, 'f' }, { 0 }
    };
    static struct conf conf;
    struct cli_common common = { 0 };
    struct mw_err err = { "" };
    cleanup_json json_t *j = NULL;
    const char *history_dir;
    struct failsafe done;
    bool force = false;
    int c, rc, killed = 0;

    while ((c = getopt_long (argc, argv, CLI_LETTERS, options, NULL)) != -1) {
        force = force || c == 'f';
        if (c != 'f')
            cli_common_option (self, c, &common);
    }
    if (optind < argc)
        return cli_usage (self, "\"%.40s\" is not understood", argv[optind]);
    if (geteuid () != 0) {
        mw_err_set (&err, "only root may do that");
        return cli_fail (self, &err, EPERM);
    }
    signal (SIGXFSZ, SIG_IGN); /* a journal that may not grow must not end it */
    /* a broken configuration may be why the warden is gone: it must not keep
     * its jobs asleep */
    conf_defaults (&conf);
    if (!common.state_dir && conf_load (&conf, CONF_PATH_DEFAULT, &err) < 0)
        fprintf (stderr, "memwarden failsafe: %s; taking state-dir %s\n",
                 err.text, conf.state_dir);
    history_dir = common.state_dir ? common.state_dir
                                   : conf_history_dir (&conf);
    if (!common.state_dir)
        common.state_dir = conf.state_dir;
    if (force && (killed = force_stop (common.state_dir, &err)) < 0)
        return cli_fail (self, &err, errno);
    rc = _run_failsafe (common.state_dir, history_dir, force, &done, &err);
    if (rc < 0)
        return cli_fail (self, &err, EIO);
    if (common.json) {
        j = json_pack ("{s:i,s:i,s:i,s:i}", "killed", killed, "given_back",
                       done.given, "failed", done.failed, "unread",
                       (int) done.unread);
        c = cli_print_json (j);
        return rc > 0 ? CLI_FAILED : c;
    }
    if (killed > 0)
        puts ("memwardend was killed");
    printf ("%d job%s given back to the kernel\n", done.given,
            done.given == 1 ? "" : "s");
    if (done.failed > 0)
        fprintf (stderr, "memwarden failsafe: %d could not be: %s\n",
                 done.failed, done.first.text);
    if (done.unread > 0)
        fprintf (stderr,
                 "memwarden failsafe: %u records of the journal were not "
                 "understood; what a warden had on this node was looked for "
                 "and given back all the same\n",
                 done.unread);
    return rc > 0 ? CLI_FAILED : CLI_OK;
}
