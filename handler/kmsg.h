/* kmsg.h - kernel OOM kills, put together from the lines of any kernel log
 *
 * Records of /dev/kmsg, dmesg (with and without -T), journalctl -k, syslog
 * files; kernels 3.10 to 6.18.  Pure: a line goes in, now and then a kill comes
 * out.  Bounded memory; lines of others in between do no harm.
 */
#ifndef MW_KMSG_H
#define MW_KMSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KMSG_COMM_MAX 32
#define KMSG_PATH_MAX 512
#define KMSG_TIME_MAX 48
#define KMSG_FRAMES 24
#define KMSG_FRAME_MAX 64
#define KMSG_NONE INT64_MIN     /* a number that the log does not say */

/* One kill. Sizes in KiB as the kernel prints them; text is tamed: printable
 * ASCII only. "" and KMSG_NONE where the log does not say. */
struct kmsg_kill {
    char time[KMSG_TIME_MAX];       /* as the log has it, of the first line */
    bool headless;                  /* no "invoked oom-killer" line was seen */
    bool killed;                    /* false: the report ended without a kill */
    bool global;                    /* the node was out of memory */
    bool sysrq;                     /* somebody asked for it (order=-1) */
    uint64_t lost;                  /* records of /dev/kmsg that are missing */

    char invoker[KMSG_COMM_MAX];    /* the task that needed memory */
    int64_t invoker_pid, order;
    char gfp[128];
    char constraint[KMSG_COMM_MAX];
    char oom_memcg[KMSG_PATH_MAX];  /* whose limit was hit */
    char task_memcg[KMSG_PATH_MAX]; /* the victim's */
    int64_t memcg_usage, memcg_limit, free_swap, total_swap;
    unsigned frames;
    char trace[KMSG_FRAMES][KMSG_FRAME_MAX];

    char comm[KMSG_COMM_MAX];       /* the victim */
    int64_t pid, uid, oom_score_adj;
    int64_t total_vm, anon_rss, file_rss, shmem_rss;
};

struct kmsg {
    struct kmsg_kill kill;          /* being put together */
    bool open;                      /* its head has been seen */
    bool tracing;
    uint64_t seq;                   /* last record of /dev/kmsg … */
    bool seq_known;
    uint64_t lost;                  /* records missing altogether */
};

void kmsg_init (struct kmsg *k);

/* Feed one [line] of [len] bytes (no newline at its end; any bytes).
 * Returns true if it completes a kill, stored in [*out].  Where a new report
 *   begins before the old one came to a kill, the old one comes out, with
 *   [killed] false. */
bool kmsg_line (struct kmsg *k, const char *line, size_t len,
                struct kmsg_kill *out);

/* The log has ended. Returns true if a report was open, stored in [*out]. */
bool kmsg_end (struct kmsg *k, struct kmsg_kill *out);

#endif /* !MW_KMSG_H */
