/* courier_hook.c - an admin's program, told of an incident
 *
 * JSON on its standard input; MEMWARDEN_JOB, _HOOK and _REQUEST in its
 * environment.  It runs as the courier's user, in a process group of its own,
 * bounded by its configured time.
 */
#include "handler/courier.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void courier_hook (const struct spool_request *r, const struct conf *conf,
                   struct courier_result *res)
{
    const struct conf_hook *hook = courier_hook_find (conf, r->arg);
    size_t len = strlen (r->text);
    int fd[2];

    if (!hook) {
        courier_say (res, COURIER_REFUSED, ENOENT,
                     "no hook \"%s\" is configured", r->arg);
        return;
    }
    /* SPOOL_TEXT_MAX is less than what a pipe holds: this does not wait */
    if (pipe2 (fd, O_CLOEXEC) < 0 ||
        write (fd[1], r->text, len) != (ssize_t) len ||
        dup2 (fd[0], STDIN_FILENO) < 0 || close (fd[1]) < 0) {
        courier_say (res, COURIER_AGAIN, errno, "cannot feed hook \"%s\": %s",
                     hook->name, strerror (errno));
        return;
    }
    setenv ("MEMWARDEN_JOB", r->job, 1);
    setenv ("MEMWARDEN_HOOK", hook->name, 1);
    setenv ("MEMWARDEN_REQUEST", r->id, 1);
    execl (hook->path, hook->path, (char *) NULL);
    courier_say (res, COURIER_REFUSED, errno, "cannot run hook %s: %s",
                 hook->path, strerror (errno));
}
