/* kmsg.h - kernel OOM kills, put together from what the kernel says
 *
 * The kernel's messages go in, now and then a kill comes out.  Pure; bounded
 * memory; messages about other things in between do no harm.  What a log's
 * keeper put before a message is log.h's; what the kernel says, and how,
 * form.h's.
 */
#ifndef MW_KMSG_H
#define MW_KMSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KMSG_COMM_MAX 32
#define KMSG_PATH_MAX 512
#define KMSG_TIME_MAX 48
#define KMSG_HOST_MAX 128
#define KMSG_FRAMES 64
#define KMSG_FRAME_MAX 64
#define KMSG_NONE INT64_MIN /* a number that the log does not say */

/* One kill. Sizes in KiB as the kernel prints them; text is tamed: printable
 * ASCII only. "" and KMSG_NONE where the log does not say. */
struct kmsg_kill {
    char time[KMSG_TIME_MAX]; /* as the log has it, of the first line */
    char host[KMSG_HOST_MAX]; /* where a log of several tells */
    bool headless;            /* no "invoked oom-killer" line was seen */
    bool killed;              /* false: the report ended without a kill */
    bool global;              /* the node was out of memory */
    bool sysrq;               /* somebody asked for it (order=-1) */
    const char *says;         /* why nobody was killed: "already exiting",
                                       "no killable", "panic"; else NULL */
    uint64_t lost;            /* records of /dev/kmsg that are missing */

    char invoker[KMSG_COMM_MAX]; /* the task that needed memory */
    int64_t invoker_pid, order;
    char gfp[128];
    char constraint[KMSG_COMM_MAX];
    char oom_memcg[KMSG_PATH_MAX];  /* whose limit was hit */
    char task_memcg[KMSG_PATH_MAX]; /* the victim's */
    int64_t memcg_usage, memcg_limit, free_swap, total_swap;
    unsigned frames;
    char trace[KMSG_FRAMES][KMSG_FRAME_MAX];

    char comm[KMSG_COMM_MAX]; /* the victim */
    int64_t pid, uid, oom_score_adj;
    int64_t total_vm, anon_rss, file_rss, shmem_rss;
};

#define KMSG_PART_MAX 2048
#define KMSG_CALLER_MAX 16
#define KMSG_HEADS 10 /* most reports that the kernel begins in 5 s (oom_rs) */
#define KMSG_HEADS_US 5000000

struct kmsg {
    struct kmsg_kill kill; /* the report being put together, if [open] */
    bool open;
    bool tracing;
    bool memcg, node; /* its body tells whose memory it was */
    int64_t victim;   /* its verdict's; KMSG_NONE */
    bool chosen;      /* its "Kill process" was said */
    bool bare;        /* … in 2.6.32's words: its kill has no sizes */

    bool stray;            /* a "Kill process" was said without a report */
    struct kmsg_kill said; /* what the latest message alone says */

    struct kmsg_kill last;           /* the latest kill: the kernel may kill its
                                       whole group behind it (memory.oom.group) */
    bool group;                      /* it is doing so */
    char group_memcg[KMSG_PATH_MAX]; /* the memcg of that group */
    uint64_t group_us;               /* when that was said; 0 = not known */
    bool over;  /* the latest report ended without a kill */
    bool begun; /* a report was seen from its head, or a kill */

    uint64_t head_us[KMSG_HEADS]; /* when the latest heads were said; 0 */
    unsigned heads;

    /* who printed the open report, and who the latest message: "T4242" */
    char reporter[KMSG_CALLER_MAX], caller[KMSG_CALLER_MAX];

    char part[KMSG_PART_MAX]; /* the latest message, which may go on */
    int form;                 /* … its form: form.h's */
    bool torn;                /* it is a kill, and not whole */
    unsigned cut;             /* kills whose line is not whole, but that one */

    uint64_t seq; /* of the last record of /dev/kmsg */
    bool seq_known;
    uint64_t lost; /* records missing altogether */
};

void kmsg_init (struct kmsg *k);

/* Take what the kernel said: [message] of [len] bytes, from its first byte to
 *   its last (any bytes), at [time] as the log has it ("" is unknown).
 * A kill gets of the report before it only what is surely its own: the kernel
 *   limits the rate of its reports, not of its kills.
 * Returns true if it completes a kill, stored in [*out].  A report that ends
 *   otherwise comes out as well, with [killed] false. */
bool kmsg_message (struct kmsg *k, const char *message, size_t len,
                   const char *time, struct kmsg_kill *out);

/* Who prints the messages from now on: "T4242" a task, "C1" a processor
 *   (CONFIG_PRINTK_CALLER), "" where the log does not tell. The lines of
 *   another than the report's are not of it. */
void kmsg_caller (struct kmsg *k, const char *caller);

/* A line that has nothing before it, right behind the latest message: the rest
 *   of it, where a screen or a mail has broken it, which is told in *[rest_of];
 *   else nothing.  As kmsg_message. */
bool kmsg_continued (struct kmsg *k, const char *rest, const char *time,
                     bool *rest_of, struct kmsg_kill *out);

/* How many kills have a line that is not whole, and did not come out. */
unsigned kmsg_cut (const struct kmsg *k);

/* As above, of a record of /dev/kmsg (without its dictionary); one that
 *   somebody else wrote there only counts. Returns false for what is none. */
bool kmsg_record (struct kmsg *k, const char *record, size_t len,
                  struct kmsg_kill *out);

/* The log has ended. Returns true if a report was open, stored in [*out]. */
bool kmsg_end (struct kmsg *k, struct kmsg_kill *out);

/* Does [line] begin as a record of /dev/kmsg does, "6,1234,8545160138,-;"?
 *   Stores its priority, sequence and microseconds. Returns its message, or
 *   NULL. */
const char *kmsg_record_split (const char *line, unsigned *priority,
                               uint64_t *seq, uint64_t *us);

#endif /* !MW_KMSG_H */
