/* target.h - the job at the controller that a request is about
 *
 * Looked at before anything is done to it, so that nothing is done to a later run
 * of the same job id; and the calls that more than one operation makes.
 */
#ifndef MW_TARGET_H
#define MW_TARGET_H

#include <slurm/slurm.h>
#include <stdbool.h>
#include <stdint.h>

#include "handler/courier/courier.h"
#include "handler/courier/rest.h"

/* Clocks tell whole seconds, and a job's start is told a moment late. */
#define TARGET_SLACK_S 2

/* What is known of the job before anything is done to it. */
struct target {
    const struct spool_request *r;
    const struct conf *conf;
    char id[48];    /* "12", or "12_3" of an array */
    char alone[48]; /* a component of a heterogeneous job: "12+1", for
                                   its leader's id means all; else as [id] */
    char whole[48]; /* that leader's id, or as [id] */
    uint32_t state;
    bool finished, pending, suspended, completing;
    bool ends_suspended;     /* it ends, and may have been suspended */
    int64_t asked_s, told_s; /* when it was looked at, by this node's clock */
    int64_t age_s;           /* of its run, by the controller's clock */
    int64_t over_s;          /* since its end; -1 = not known */
    bool batch, requeue;
    uint32_t restarts;
    uint64_t memory; /* MiB a node, or a CPU with MEM_PER_CPU */
    uint32_t cpus;   /* of one node, at least 1 */
    uint32_t all_cpus, uid;
    uint32_t priority;
    uint32_t reason; /* why it waits: enum job_state_reason */
    char *node;      /* of its batch step; all owned by [msg] */
    const char *partition, *account, *qos, *comment, *name, *admin_comment;
    job_info_msg_t *msg;
};

/* Look at the job of [r]; target_free it, whatever comes of it.
 * Returns 0; -1 with [res] filled. */
int target_load (struct target *t, const struct spool_request *r,
                 const struct conf *conf, struct courier_result *res);
void target_free (struct target *t);

/* Look once more. */
int target_reload (struct target *t, struct courier_result *res);

/* Is [code] an error of the way there, not of the request?  Is it one that will
 *   pass by itself? */
bool target_unreachable (int code);
bool target_passing (int code);

/* Fill [res] for a call, [what], that has failed by [code]. Returns its verdict. */
enum courier_verdict target_failed (struct courier_result *res, int code,
                                    const char *what);

/* The code behind a call's return value [rc] and the array answer [resp], which
 *   is freed: calls by name report each task's failure only there. */
int target_code (int rc, job_array_resp_msg_t *resp);

/* Is it still the run of which the request was made?  And has that not ended?
 *   Where not, [res] says so. */
bool target_same_run (const struct target *t, struct courier_result *res);
bool target_goes_on (const struct target *t, struct courier_result *res);

/* Has this run been requeued, by us or by somebody else, and waits? */
bool target_waits_again (const struct target *t);

/* The name of its state, for people. */
const char *target_state (const struct target *t);

/* Change job [id] as [desc] says; let [t] run that has been held. Return 0 or
 *   Slurm's code. */
int target_update (char *id, job_desc_msg_t *desc);
int target_release (struct target *t);

/* This machine's name, as Slurm knows its nodes by. */
void target_host_name (char *host, size_t len);

/* Say in [res] that it was done by libslurm, where slurmrestd was to do it and has
 *   not: [rest]. */
void target_say_not_rest (const struct rest_result *rest,
                          struct courier_result *res);

/* requeue.c: do what a request to requeue says. */
void courier_requeue (struct target *t, struct courier_result *res);

/* What the admin's comment of [t] is to be so that it says [text], and keeps what is
 *   noted there of its requeues. Returns it (the caller's to free); NULL: what others
 *   have written there stays as it is. */
char *courier_admin_comment (const struct target *t, const char *text);

/* Of one that is pending and held by us: give it its memory, let it go. */
void courier_raise_and_release (struct target *t, struct courier_result *res);

#endif /* !MW_TARGET_H */
