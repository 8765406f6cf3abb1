/* worker.c - one attempt, in a process of its own
 *
 * The courier itself never calls libslurm or libcurl, so it has no threads and
 * may fork freely, and nothing they do can hang or end it.
 */
#include "handler/courier/courier.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "handler/courier/rest.h"
#include "lib/cleanup.h"
#include "lib/clock.h"

/* longer than libslurm takes to find that the controller is down (9 to 18 s), behind
 * two requests to slurmrestd */
#define CONTROLLER_LIMIT_MS 30000
#define WEB_LIMIT_MS 20000
#define HOOK_LIMIT_MS 30000 /* of one that is not configured */
#define HOOK_SPARE_MS 5000  /* its worker sees to its time itself */

_Static_assert(sizeof (struct courier_result) <= PIPE_BUF,
               "a result is written in one piece");

static uint64_t _worker_limit (const struct courier_item *item,
                               const struct conf *conf)
{
    const struct conf_hook *hook;

    switch (item->way) {
    case WAY_HOOK:
        hook = conf_find_hook (conf, item->req.arg);
        return (hook ? hook->timeout_ms : HOOK_LIMIT_MS) + HOOK_SPARE_MS;
    case WAY_WEB:
        return WEB_LIMIT_MS;
    case WAY_OUTBOX:
    case WAY_CONTROLLER:
        return CONTROLLER_LIMIT_MS + 2 * conf->rest_timeout_ms;
    default: /* libcurl sees to its time itself */
        return conf->webhooks[item->way - WAY_SECTION].timeout_ms +
               HOOK_SPARE_MS;
    }
}

/* In the child. The group is killed with it; the courier's end is its end, so
 * that a new courier never works beside a worker of the old one. */
static void _worker (const struct courier_item *item, const struct conf *conf,
                     struct spool *spool, struct outbox *box, pid_t courier,
                     int fd)
{
    const struct spool_request *r = &item->req;
    struct courier_result res = { .verdict = COURIER_AGAIN };
    sigset_t none;

    setpgid (0, 0);
    prctl (PR_SET_PDEATHSIG, SIGKILL);
    if (getppid () != courier)
        _exit (1);
    sigemptyset (&none);
    sigprocmask (SIG_SETMASK, &none, NULL);
    if (conf->slurm_conf[0])
        setenv ("SLURM_CONF", conf->slurm_conf, 1);
    switch (item->way) {
    case WAY_HOOK:
        courier_hook (r, conf, &res);
        break;
    case WAY_WEB:
        courier_story (r, conf, spool, &res);
        break;
    case WAY_CONTROLLER:
        courier_slurm (r, conf, &res);
        res.offer = rest_offer;
        break;
    case WAY_OUTBOX:
        courier_outbox (r, conf, spool, box, &res);
        break;
    default:
        courier_transition (r, &conf->webhooks[item->way - WAY_SECTION], box,
                            item->way - WAY_SECTION, &res);
    }
    if (write (fd, &res, sizeof (res)) != sizeof (res))
        _exit (1);
    /* what a hook or a token's command has left running, with the worker itself */
    if ((item->way == WAY_HOOK || item->way == WAY_CONTROLLER) &&
        getpgrp () == getpid ())
        kill (0, SIGKILL);
    _exit (0);
}

int courier_worker_start (struct courier_item *item, const struct conf *conf,
                          struct spool *spool, struct outbox *box,
                          struct mw_err *err)
{
    cleanup_fd int in = -1, out = -1;
    pid_t self = getpid ();
    int fd[2];

    if (pipe2 (fd, O_CLOEXEC) < 0)
        return mw_err_errno (err, "cannot make a pipe");
    in = fd[0];
    out = fd[1];
    item->pid = fork ();
    if (item->pid < 0) {
        item->pid = 0;
        return mw_err_errno (err, "cannot fork");
    }
    if (item->pid == 0)
        _worker (item, conf, spool, box, self, out);
    /* here too, so that it is true before anyone kills the group */
    setpgid (item->pid, item->pid);
    item->fd = mw_steal_fd (&in);
    item->limit_ms = clock_ms () + _worker_limit (item, conf);
    item->killed = false;
    return 0;
}

void courier_worker_result (struct courier_item *item, int status,
                            struct courier_result *res)
{
    ssize_t n = read (item->fd, res, sizeof (*res));

    close (item->fd);
    item->fd = -1;
    item->pid = 0;
    if (n == sizeof (*res)) {
        if (item->way == WAY_CONTROLLER)
            rest_offer = res->offer; /* for those to come */
        return;
    }
    if (item->way == WAY_HOOK) /* once is enough: it may not be harmless */
        courier_say (res, COURIER_REFUSED, ETIMEDOUT,
                     "hook \"%s\": its worker %s", item->req.arg,
                     item->killed ? "was killed" : "died");
    else if (item->killed)
        courier_say (res, COURIER_UNREACHABLE, ETIMEDOUT,
                     "no end in sight; its worker was killed");
    else
        courier_say (res, COURIER_AGAIN, 0, "its worker died (%s %d)",
                     WIFSIGNALED (status) ? "signal" : "exit status",
                     WIFSIGNALED (status) ? WTERMSIG (status)
                                          : WEXITSTATUS (status));
}
