/* bench_node.h - what the parts of bench_node_run share */
#ifndef BENCH_NODE_H
#define BENCH_NODE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

/* The comm of a job's processes: the kernel's trace tells them apart by it. */
#define NAME_INNOCENT "mwb-innocent"
#define NAME_HOG "mwb-hog"     /* whose turn it is */
#define NAME_OTHER "mwb-other" /* over its reservation, not in turn */

uint64_t bench_now_us (void); /* CLOCK_MONOTONIC */
void bench_die (const char *fmt, ...)
    __attribute__ ((noreturn, format (printf, 1, 2)));

/* ---- bench_node_watch.c: the observers ----------------------------------- */

/* MemAvailable, each PERIOD at real-time priority, from locked memory. */
struct watch {
    int meminfo;
    uint64_t total;     /* bytes */
    uint64_t available; /* last sample, bytes */
    uint64_t lowest;
    uint64_t sampled_us;
    uint64_t stall_us; /* longest gap between samples, less PERIOD */
    double rate;       /* of its fall to the threshold, bytes a us */
};

/* Lock this process and open what is needed. */
void watch_open (struct watch *w);

/* Begin anew: forget the lowest and the longest. */
void watch_reset (struct watch *w);

/* Wait for the next sample and take it. */
void watch_next (struct watch *w);

/* An ordinary process beside it, neither locked nor of any priority, that wakes
 *   each 10 ms, touches some new memory and reads a file, as a shell or sshd
 *   would.  [*stall_us] (shared) is its longest gap, less the 10 ms. */
pid_t watch_bystander (volatile uint64_t **stall_us);

/* ---- bench_node_trace.c: what was done to whom, by the kernel's trace ---- */

struct deeds {
    uint64_t first_us;      /* first SIGTERM, SIGKILL or freeze of a process
                                   of any job; 0 = none */
    char first_of[16];      /* its name */
    char first_by[16];      /* who did it: a program's name, or "kernel" */
    uint64_t first_gone_us; /* last end of a process of that name */
    uint64_t hog_us;        /* the same of NAME_HOG alone */
    uint64_t hog_gone_us;
    unsigned innocent, other; /* how many of those were signalled */
    unsigned strangers;       /* … and of no job at all */
    char stranger[16];
    unsigned lost; /* records that did not fit */
};

/* Begin to trace; what was traced before is dropped. */
void trace_begin (void);

/* End, and say what was done since [from_us], but not what [self] did. */
void trace_end (uint64_t from_us, pid_t self, struct deeds *d);

/* ---- bench_node_job.c: a job in a memcg of its own ----------------------- */

/* What a job is, before it runs. */
struct plan {
    const char *name;                       /* NAME_… */
    const char *kind, *first, *rate, *most; /* of bench_node_hog, or NULL */
    uint64_t reservation;                   /* bytes */
    unsigned priority;
};

struct where {
    int pool;           /* directory above all jobs */
    const char *hog;    /* program */
    const char *socket; /* of memwardend; NULL = not registered */
    bool low;           /* write the reservation to memory.low */
};

struct runner {
    char key[32]; /* its directory in the pool, and job key */
    int dir, said;
    pid_t pid;
};

/* Make its memcg, register it where there is a warden, start it in it, and wait
 *   until it has its first part. */
void job_start (const struct where *w, const struct plan *p, unsigned run,
                struct runner *r);

/* Has [r] the value "[key] 1" in its cgroup.events? */
bool job_event (const struct runner *r, const char *key);

/* Kill what is left of it, take it out of the warden's hands, remove it. */
void job_stop (const struct where *w, struct runner *r);

#endif /* !BENCH_NODE_H */
