/* attend.h - the attendant: hooks that are run as the job (pass/attend.h)
 *
 * For each a visit is forked, which stays root, with the capabilities to become anybody
 * (and no other), sees to the hook's time, and answers the warden itself; of the visit
 * the hook is a child, which gives up all of that and becomes the job: its user, its
 * groups, its memory cgroup, no capability, no way to get one.
 *
 * What is run is root's file, but whose it is run as is hostile: he owns the directory
 * that it writes into, may trace it, stop it, kill it, and through it do whatever he may
 * do anyway.  So what it takes of memory is the job's, and what it leaves behind is ended:
 * no process of it can leave its process group (seccomp), which is killed as one.
 */
#ifndef MW_ATTEND_H
#define MW_ATTEND_H

#include "handler/pass/attend.h"
#include "lib/err.h"

#define ATTEND_WARDEN 3

/* Be the attendant: descriptor 3 is the warden's end.  Returns its exit status, when the
 *   warden is gone. */
int attend_main (void);

/* visit.c: run what [wish] says, put into the cgroup of [procs] (-1: none), and answer;
 *   ended where the pipe [life] is closed at its other end. */
_Noreturn void attend_visit (const struct attend_wish *wish, int procs,
                             int life);
/* Answer [wish]. */
void attend_say (const struct attend_wish *wish, bool ok, int code,
                 const char *fmt, ...) __attribute__ ((format (printf, 4, 5)));

/* guest.c, in the child: become the job of a struct attend_guest and run its hook.  What
 *   it cannot is said on standard output, and it exits with 126. */
struct attend_guest {
    const struct attend_wish *wish;
    int procs;
    const char *path; /* of the program, free of links */
};
_Noreturn void attend_guest (const void *guest);

#define ATTEND_DIR_MAX (PATH_MAX + 16)

/* store.c: set [path] to the directory of [wish]'s user, made where there is none; only
 *   root can put another in its place. Returns 0; -1 with errno and a sentence. */
int attend_store (const struct attend_wish *wish, char path[ATTEND_DIR_MAX],
                  struct mw_err *err);

/* As the user: what is in the working directory, in bytes. Returns 0; -1 with errno and a
 *   sentence: not all could be counted. */
int attend_store_used (uint64_t *bytes, struct mw_err *err);

/* rights.c: give up what the attendant does not need. Returns 0; -1 with errno. */
int attend_rights (struct mw_err *err);

/* As the job, before its hook: give up the rest, and what leaves a process group.
 * Returns 0; -1 with errno. */
int attend_rights_guest (struct mw_err *err);

#endif /* !MW_ATTEND_H */
