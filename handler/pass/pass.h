/* pass.h - what the desk says to the warden, and to its scribe, and they to it
 *
 * The desk is a process of its own, without any right, that has the users' socket:
 * whatever a stranger sends is read, judged and answered there.  Over a pair of
 * SEQPACKET sockets (unix(7)) it passes on what only the warden can do, as structs
 * of one size, one at a time, and hears of it; one packet is one struct.  The warden
 * waits for it no more than for anybody else: what the desk does not read is dropped.
 * For history it asks the scribe (dictate.h), over another pair.
 */
#ifndef MW_PASS_H
#define MW_PASS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/err.h"
#include "lib/jobspec.h"
#include "lib/ladder.h"
#include "lib/proclimit.h"

/* Bytes of a page of jobs, as JSON text. */
#define PASS_PAGE_MAX 57344

enum pass_kind {
    /* from the desk */
    PASS_HOLD = 1,
    PASS_RESUME,
    PASS_SET,
    PASS_DO,
    PASS_GROW,   /* lend it [limit] bytes for [seconds] */
    PASS_RETURN, /* what it was lent is not needed any more */
    PASS_MARK,   /* its work up to now is saved */
    PASS_NOTIFY, /* tell it when it uses [limit] bytes, or [percent] of its limit */
    PASS_PROC,    /* [pid], who asks, may hold [proc_limit]; [clears] */
    PASS_JOBS,    /* [job]: the one to go on behind, "" = from the first */
    PASS_HISTORY, /* of [uid]; [old]; to the scribe */
    PASS_NEW,     /* it has been started; [old]: since that before it hung */
    /* from the warden */
    PASS_DONE,   /* the answer to any of them but PASS_JOBS; to PASS_HISTORY
                      with a descriptor beside it */
    PASS_PAGE,   /* the answer to PASS_JOBS */
    PASS_NOTE,   /* for whoever is attached to [job] of [uid] */
    PASS_LISTEN, /* the users' socket is another, beside it, from now on */
};

/* What a user wants of a job of his. */
struct pass_wish {
    uint32_t kind;
    uint32_t uid;      /* who wants it: by SO_PEERCRED, never by his own word */
    uint64_t id;       /* chosen by the desk, and in the answer again */
    uint64_t limit;    /* bytes, PASS_SET, PASS_GROW, PASS_NOTIFY */
    uint32_t seconds;  /* PASS_GROW */
    uint32_t priority; /* PASS_SET */
    uint32_t percent;  /* PASS_NOTIFY */
    bool has_limit, has_priority, has_ladder, has_proc_limit, old;
    bool clears; /* PASS_PROC: when it executes another program */
    char job[MW_JOBKEY_MAX];
    char ladder[MW_LADDER_STRLEN]; /* PASS_SET, as text; PASS_DO: one step */
    char proc_limit[MW_PROCLIMIT_STRLEN]; /* PASS_SET, PASS_PROC, as text */
    int32_t
        pid; /* PASS_DO, PASS_RESUME: of whom; 0 = as the step says, or all */
};

struct pass_done {
    uint32_t kind;
    int32_t error; /* an errno; 0 = done */
    uint64_t id;
    char text[MW_ERR_MAX]; /* why not */
};

struct pass_page {
    uint32_t kind;
    uint32_t len;
    uint64_t id;
    char text[PASS_PAGE_MAX]; /* of [len] bytes: an answer to `jobs` of root's
                                     (wire.h), and "node": one to `node` */
};

struct pass_listen {
    uint32_t kind;
};

struct pass_note {
    uint32_t kind;
    uint32_t uid; /* the job's owner */
    char job[MW_JOBKEY_MAX];
    char text[MW_ERR_MAX];
};

/* Read what the request [msg] of a peer wants: `hold`, `resume`, `set`, `do`, `grow`,
 *   `return`, `mark`, `notify`, `proc`, `history` (wire.h).  Its form is checked here, who may and how much by the warden.
 * Returns 0; -1 with errno EINVAL, ERANGE, ESRCH (it names no job) and a sentence;
 *   ENOSYS: it is another request. */
int pass_wish_read (const json_t *msg, struct pass_wish *wish,
                    struct mw_err *err);

/* The step that the PASS_DO [wish] is for. Returns 0; -1 with errno EINVAL and a sentence:
 *   none, more than one, or one that is not done by hand, or not to one process. */
int pass_wish_step (const struct pass_wish *wish, struct mw_ladder_step *step,
                    struct mw_err *err);

/* Is [w], of [len] bytes, one that the desk may send?  All its texts
 *   end, and its flags are yes or no. */
bool pass_wish_is_good (const struct pass_wish *w, size_t len);

/* Send [len] bytes [what], one of the structs, with descriptor [fd] (-1: none; it
 *   stays the caller's).  Does not wait.
 * Returns 0; -1 with errno EAGAIN, … */
int pass_send (int sock, const void *what, size_t len, int fd);

/* Receive one packet of at most [room] bytes into [what], and the descriptor beside it
 *   into [*fd] (-1: none; the caller's, CLOEXEC).  Does not wait.
 * Returns its length; 0: the other end is gone; -1 with errno EAGAIN, EMSGSIZE. */
ssize_t pass_receive (int sock, void *what, size_t room, int *fd);

#endif /* !MW_PASS_H */
