/* memcg.h - one memory cgroup, v1 or v2, behind one table
 *
 * A `struct memcg` keeps open what an OOM needs, so that from the event to its
 * action nothing is opened by path, allocated or guessed.  doc/design.md,
 * section 3, has the table of what each operation is on v1 and on v2; the kernel's
 * Documentation/admin-guide/cgroup-v1/memory.rst and cgroup-v2.rst are where
 * the files are explained.
 *
 * Every operation returns 0; -1 with errno and a sentence in [err] that names
 * the directory and the file.  errno is ENODEV where the directory has been
 * removed, ENOTSUP where this kernel has no such file.
 */
#ifndef MW_MEMCG_H
#define MW_MEMCG_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/err.h"
#include "lib/jobspec.h"

#define MEMCG_NO_LIMIT UINT64_MAX
#define MEMCG_PATH_MAX 1024

struct memcg_ops;

/* What a job uses, in bytes. */
struct memcg_usage {
    uint64_t total; /* with page cache */
    uint64_t used;  /* anon + shmem + unevictable + kernel: what the
                                   job is blamed for (design.md, 1, overage) */
    uint64_t cache; /* clean page cache, shown apart */
    uint64_t swap;
    uint64_t peak; /* highest total, by the kernel; 0 unknown */
};

/* Which memcgs below a memcg are to be left alone when it is given back to the
 * kernel: those that are armed themselves, as jobs in the pool are. */
struct memcg_spare {
    bool (*is) (uint64_t inode, const void *arg); /* NULL = none */
    const void *arg;
};

struct memcg {
    const struct memcg_ops *ops;
    char *path;     /* for people and recovery only; freed by
                                   memcg_close */
    uint64_t inode; /* of [dir]: is it still the same one? */
    enum mw_layout layout;
    int dir;         /* memory directory */
    int freezer;     /* v1: freezer directory or -1; v2: -1 */
    int event;       /* v1: eventfd; v2: memory.events */
    int limit;       /* v1: memory.limit_in_bytes; v2: memory.high */
    int hard;        /* v1: memory.memsw.limit_in_bytes or -1; v2:
                                   memory.max */
    int usage;       /* memory.usage_in_bytes / memory.current */
    int oom_control; /* v1 only */
    bool armed;
    bool shadow;              /* only listened to: nothing is ever written */
    bool limit_is_low;        /* v1: below [set_limit], where [reclaim] has put
                                   it and could not put it back */
    bool counting;            /* [listen] has begun to count kills */
    struct memcg_spare spare; /* below it; kept by whoever opened it */
    uint64_t set_limit;       /* what was last written, or found, bytes */
    uint64_t set_wall;        /* v2: the same of memory.max */
    struct memcg_usage seen;  /* by [check] when it said MEMCG_OOM; v1:
                                   without swap and peak */
    uint64_t seen_oom_kill;   /* counters when last checked */
    uint64_t seen_high;
    uint64_t seen_oom;    /* v2, [shadow] */
    uint64_t hit_limit;   /* the limit that was hit when [check] last said
                                   MEMCG_OOM, bytes; v2: in [shadow] only */
    bool moved;           /* [check] has found lower limits than were set:
                                   somebody else's */
    uint64_t found;       /* v2, [moved]: they were these; [check] has put */
    uint64_t found_hard;  /* them back (memory.high, memory.max) */
    unsigned hit_kills;   /* [shadow]: how many the kernel killed then */
    unsigned backoff_ms;  /* call [check] again after this time, instead
                                   of at the next event; 0 = at the event */
    unsigned looks;       /* how many looks in a row found nothing */
    uint64_t looked_ms;   /* when the last of those looks was, clock_ms */
    unsigned stuck_looks; /* v2: looks in a row that found usage above
                                   the limit */
};

/* What [free_below] has found. */
struct memcg_below {
    unsigned freed;   /* memcgs given back to the kernel, because
                                   nobody would have answered their OOM */
    unsigned failed;  /* memcgs that stay as they were: see [why] */
    int why;          /* errno */
    unsigned waiting; /* those of them in which tasks waited already,
                                   at a limit of the memcg's own */
    char path[256];   /* end of the first waiting one's path; "" */
};

/* What an event turned out to be. */
enum memcg_state {
    MEMCG_QUIET,       /* nothing: woken by cache reclaim, rmdir, … */
    MEMCG_OOM,         /* at its own limit and cannot get below it */
    MEMCG_PARENT_OOM,  /* asleep at the limit of a parent (the pool) */
    MEMCG_KERNEL_KILL, /* the kernel has killed in it */
    MEMCG_GONE,        /* the directory has been removed */
};

struct memcg_ops {
    const char *name;       /* "v1", "v2" */
    const char *soft_file;  /* where Slurm writes what it allocates to the job:
                                   memory.soft_limit_in_bytes, memory.high */
    uint32_t epoll_events;  /* what to wait for on memcg.event */
    bool soft_is_limit;     /* … and we the limit; else the reservation */
    bool removal_is_silent; /* memcg.event does not tell of an rmdir */
    bool hits_are_silent;   /* memcg.event tells of an OOM, but not of
                                   reaching the limit */
    bool sleeps_at_limit;   /* a task there waits in the kernel for room */

    /* Begin to listen for OOM, and on v1 switch the kernel's killer off
     *   (oom_control 1), so that tasks sleep until somebody answers.  Only to be
     *   called when an answer to the event is certain. */
    int (*arm) (struct memcg *m, struct mw_err *err);
    /* Give OOM back to the kernel, here and below (free_below); the descriptor
     *   [event] is closed. */
    int (*disarm) (struct memcg *m, struct mw_err *err);
    /* v1: a memcg that is made below an armed one inherits that the kernel's
     *   killer is off, but its OOM at a limit of its own is not told to us, so
     *   nobody would answer.  Switch the killer on again in the directory
     *   [name] right below, or in all of them where [name] is NULL, and in
     *   everything deeper; but not in what [m->spare] says is to be left alone.
     *   Adds to [*found].  NULL on v2, where nothing is inherited. */
    void (*free_below) (struct memcg *m, const char *name,
                        struct memcg_below *found);
    /* Only listen, the kernel answers ([shadow] is set): [check] then says
     *   MEMCG_OOM where the kernel has killed at the memcg's own limit or at
     *   one below, MEMCG_KERNEL_KILL where for another's.  Again for
     *   directories that have come since. */
    int (*listen) (struct memcg *m, struct mw_err *err);
    /* Take the event off the descriptor and say what it was.  Cheap; also to be
     *   called without an event (after arming, at deadlines, at recovery).  On
     *   return [m->backoff_ms] > 0 asks to be called again after that long
     *   instead of on the next event. */
    enum memcg_state (*check) (struct memcg *m);
    int (*read_usage) (struct memcg *m, struct memcg_usage *u,
                       struct mw_err *err);
    /* Set where OOM is declared, and on v2 the wall [reserve] bytes above it.
     *   v1: where reclaim does not get below it, at what is used now. */
    int (*set_limit) (struct memcg *m, uint64_t limit, uint64_t reserve,
                      struct mw_err *err);
    /* Set the limit at which the kernel kills, of a memcg that is not armed. */
    int (*set_kernel_limit) (struct memcg *m, uint64_t limit,
                             struct mw_err *err);
    int (*set_reservation) (struct memcg *m, uint64_t bytes,
                            struct mw_err *err);
    /* Push about [bytes] out. [*freed] = by how much usage fell. */
    int (*reclaim) (struct memcg *m, uint64_t bytes, uint64_t *freed,
                    struct mw_err *err);
    /* Stop (thaw) the job's own tasks, never slurmstepd.  Does not wait until
     *   they have stopped. */
    int (*freeze) (struct memcg *m, bool on, struct mw_err *err);
    /* SIGKILL to every task of the job, once; thaws what must be to die.
     *   [*left] = how many were found: call again until 0. */
    int (*kill) (struct memcg *m, unsigned *left, struct mw_err *err);
};

/* Open the job's memcg [dir] (and [freezer], or -1); both are duplicated.  The
 *   file system tells the version.  Checks that it is a cgroup directory and
 *   not a root.  The file [m] may be copied but not be closed twice.
 * Returns 0; -1 with errno ENOTSUP (no memory controller here), EINVAL (not a
 *   cgroup), … */
int memcg_open (struct memcg *m, int dir, int freezer, enum mw_layout layout,
                struct mw_err *err);

/* The same by [path], only if its inode is still [inode] (0: any): recovery.
 *   Fails with ESTALE where another directory has taken the name. */
int memcg_reopen (struct memcg *m, const char *path, const char *freezer_path,
                  uint64_t inode, enum mw_layout layout, struct mw_err *err);

/* Close every descriptor. Does not disarm. */
void memcg_close (struct memcg *m);

/* Send [signo] to the job's tasks, but not to its extern step. Returns to how
 *   many, or -1. */
int memcg_signal (struct memcg *m, int signo, struct mw_err *err);

/* Who was sent a signal: to be asked later whether they are still there. */
#define MEMCG_SENT_MAX 64
struct memcg_sent {
    unsigned n;    /* above MEMCG_SENT_MAX: not all are kept */
    uint64_t held; /* bytes that they held when they were sent it */
    struct {
        pid_t pid;
        uint64_t started; /* hears_started */
    } task[MEMCG_SENT_MAX];
};

/* Send [signo] to those of the job's tasks that can answer it (hears.h), or
 *   [to_all], and write down in [sent] (may be NULL) who they are.  With [look],
 *   nobody gets it: they are only counted.  The extern step's are left alone.
 * Returns to how many; -1 with errno. */
int memcg_ask (struct memcg *m, int signo, bool to_all, bool look,
               struct memcg_sent *sent, struct mw_err *err);

/* How many of [sent] are still there, of those that are kept. */
unsigned memcg_sent_left (const struct memcg_sent *sent);

/* Has each of [sent] ended?  false where there were none or too many. */
bool memcg_sent_ended (const struct memcg_sent *sent);

/* What [sent] hold by now together, in bytes (hears_holds). */
uint64_t memcg_sent_hold (const struct memcg_sent *sent);

/* Open for reading up to [max] of the files by which the job's tasks are frozen,
 *   one a step, into [fd]. Returns how many; 0 where there is no freezer. */
unsigned memcg_freezers (struct memcg *m, int *fd, unsigned max);

/* Is what is below such a file to be frozen (1) or not (0)? -1: it is gone. */
int memcg_freezer_is (int fd);

/* How many processes of the job there are (slurmstepd not counted); -1 with errno
 *   where that could not be seen. */
int memcg_populated (struct memcg *m);

/* Is somebody ending the job: is there a process of it that has been SIGKILLed,
 *   or none at all, beside those of its extern step? */
bool memcg_dying (struct memcg *m);

/* Call [visit] for each process of the job, never for a slurmstepd.
 * Returns how many; -1 with errno where some could not be seen: [visit] was called
 *   for all that could. */
int memcg_each_pid (struct memcg *m, int (*visit) (pid_t pid, void *arg),
                    void *arg);

/* Has the directory been removed? errno is kept. */
bool memcg_gone (const struct memcg *m);

/* Read what it uses, with page cache, into [total], bytes: much cheaper than
 *   memcg_ops.read_usage. Returns 0; -1 with errno. */
int memcg_read_total (const struct memcg *m, uint64_t *total);

/* The same with what of it is in swap, as far as the kernel counts that. */
int memcg_read_both (const struct memcg *m, uint64_t *bytes);

/* The wall above the limit as it is set just now, by whomever, in bytes;
 *   MEMCG_NO_LIMIT where there is none. */
uint64_t memcg_wall (const struct memcg *m);

/* Read what Slurm writes, the allocation into [soft] and the limit at which the kernel
 *   kills into [hard], as the files have them now; bytes, or MEMCG_NO_LIMIT.
 * Returns 0; -1 with errno. */
int memcg_read_limits (const struct memcg *m, uint64_t *soft, uint64_t *hard);

/* Lift the limits of the steps of Slurm's below [m] that are [from] bytes or more,
 *   but not of those that [m->spare] names: OOM is declared at the job. */
void memcg_lift_steps (struct memcg *m, uint64_t from);

/* Is there a limit of memory on the cgroup directory [dir]? */
bool memcg_is_limited (int dir);

/* How often it has been at its limit, ever. */
uint64_t memcg_hits (const struct memcg *m);

/* Read how much it has had to read in again, ever, into [bytes].
 * Returns false where this kernel does not tell. */
bool memcg_refaulted (const struct memcg *m, uint64_t *bytes);

/* Read for how long some task of it has stalled for want of memory, ever, into
 *   [us], µs: 0 where that cannot be read. Returns false, and 0, where only the
 *   whole node's stalls are told. */
bool memcg_stalled (const struct memcg *m, uint64_t *us);

#endif /* !MW_MEMCG_H */
