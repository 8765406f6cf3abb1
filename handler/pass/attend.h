/* attend.h - what the warden and its attendant say to each other
 *
 * The attendant is a process of its own that runs hooks with the identity of a job
 * (hook { as = "job" }): the courier cannot become another user, and the warden does not
 * fork.  Over a pair of SEQPACKET sockets it gets one struct a hook, with a descriptor of
 * the cgroup.procs that the hook is to be in beside it, and answers each with one, in
 * whatever order they end.  The warden waits for none: its rung has a deadline.
 */
#ifndef MW_PASS_ATTEND_H
#define MW_PASS_ATTEND_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "handler/memcg/memcg.h"
#include "handler/spool/spool.h"

struct attend_wish {
    char id[SPOOL_ID_MAX]; /* the request's */
    char job[MW_JOBKEY_MAX];
    char hook[MW_HOOK_MAX];
    char path[PATH_MAX];        /* of its program */
    char dir[PATH_MAX];         /* evidence-dir */
    char memcg[MEMCG_PATH_MAX]; /* the job's */
    char text[SPOOL_TEXT_MAX];  /* JSON for its standard input */
    uint32_t uid, gid;
    int32_t pid;      /* the process that it is about … */
    uint64_t started; /* … in the kernel's ticks after boot */
    uint64_t end_ms;  /* clock_ms: it is over then */
    uint64_t max_size,
        max_dir; /* bytes: of a file, of all that is the user's */
};

struct attend_answer {
    char id[SPOOL_ID_MAX];
    bool ok;
    int32_t code; /* its exit status, or an errno */
    char text[SPOOL_TEXT_MAX];
};

#endif /* !MW_PASS_ATTEND_H */
