/* hook.c - an admin's program, told of an incident
 *
 * JSON on its standard input; MEMWARDEN_JOB, _HOOK, _REQUEST and _MEMCG in its
 * environment, and _PID and _STARTED where its rung names a process.  It runs as the
 * courier's user, in the process group of its worker.
 */
#include "handler/courier/courier.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/user.h"

/* What is to be run, for whom. */
struct hook_run {
    const struct spool_request *r;
    const struct conf_hook *hook;
    const char *path;
};

/* Set [path] to the program of [hook]. Returns false, with [res] filled. */
static bool _program (const struct conf_hook *hook, char path[PATH_MAX],
                      struct courier_result *res)
{
    struct mw_err err;

    if (mw_roots_program (hook->path, path, &err) == 0) {
        if (access (path, X_OK) == 0)
            return true;
        mw_err_errno (&err, "cannot run hook %s", hook->path);
    }
    courier_say (res, COURIER_REFUSED, errno, "%s", err.text);
    return false;
}

static void _hook_env (const char *name, const json_t *number)
{
    char text[24];

    if (!number)
        return;
    snprintf (text, sizeof (text), "%" JSON_INTEGER_FORMAT,
              json_integer_value (number));
    setenv (name, text, 1);
}

/* In the child. */
static void _hook_exec (const void *arg)
{
    const struct hook_run *run = arg;
    cleanup_json json_t *j = json_loads (run->r->text, 0, NULL);
    const char *memcg = json_string_value (json_object_get (j, "memory"));

    setenv ("MEMWARDEN_JOB", run->r->job, 1);
    setenv ("MEMWARDEN_HOOK", run->hook->name, 1);
    setenv ("MEMWARDEN_REQUEST", run->r->id, 1);
    setenv ("MEMWARDEN_MEMCG", memcg ? memcg : "", 1);
    _hook_env ("MEMWARDEN_PID", json_object_get (j, "pid"));
    _hook_env ("MEMWARDEN_STARTED", json_object_get (j, "started"));
    execl (run->path, run->path, (char *) NULL);
    _exit (errno == ENOENT ? 127 : 126);
}

static void _hook_tell (const struct conf_hook *hook, int status,
                        const struct errand *o, struct courier_result *res)
{
    const char *colon = o->len ? ": " : "";

    if (WIFEXITED (status) && WEXITSTATUS (status) == 0)
        courier_say (res, COURIER_DONE, 0, "hook \"%s\" done%s%s", hook->name,
                     colon, o->text);
    else if (WIFEXITED (status))
        courier_say (res, COURIER_REFUSED, WEXITSTATUS (status),
                     "hook \"%s\" failed: exit status %d%s%s", hook->name,
                     WEXITSTATUS (status), colon, o->text);
    else
        courier_say (res, COURIER_REFUSED, 128 + WTERMSIG (status),
                     "hook \"%s\" died of signal %d%s%s", hook->name,
                     WTERMSIG (status), colon, o->text);
}

void courier_hook (const struct spool_request *r, const struct conf *conf,
                   struct courier_result *res)
{
    const struct conf_hook *hook = conf_find_hook (conf, r->arg);
    uint64_t end = clock_ms ();
    char path[PATH_MAX];
    struct hook_run run = { r, hook, path };
    static struct errand o;
    int status;

    if (!r->arg[0]) {
        courier_ps (r, res);
        return;
    }
    if (!hook) {
        courier_say (res, COURIER_REFUSED, ENOENT,
                     "no hook \"%s\" is configured", r->arg);
        return;
    }
    if (hook->as_job) { /* it was another one when it was asked for */
        courier_say (res, COURIER_REFUSED, EPERM,
                     "hook \"%s\" is not run: it is to have the job's rights, "
                     "which the courier has not",
                     hook->name);
        return;
    }
    if (!_program (hook, path, res))
        return;
    if (errand_start (&o, r->text, _hook_exec, &run) < 0) {
        courier_say (res, COURIER_AGAIN, errno, "cannot start hook \"%s\": %s",
                     hook->name, strerror (errno));
        return;
    }
    end += hook->timeout_ms;
    if (r->not_after_ms && r->not_after_ms < end)
        end = r->not_after_ms;
    if (errand_follow (&o, end, -1, -1) == ERRAND_ENDED &&
        waitpid (o.pid, &status, 0) == o.pid)
        _hook_tell (hook, status, &o, res);
    else
        courier_say (res, COURIER_REFUSED, ETIMEDOUT,
                     "hook \"%s\" did not end in its time; killed%s%s",
                     hook->name, o.len ? ": " : "", o.text);
}
