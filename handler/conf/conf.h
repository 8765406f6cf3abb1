/* conf.h - memwarden.conf, read by libconfuse, checked as a whole first */
#ifndef MW_CONF_H
#define MW_CONF_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/err.h"
#include "lib/ladder.h"
#include "lib/retry.h"
#include "lib/units.h"

#define CONF_PATH_DEFAULT SYSCONFDIR "/memwarden/memwarden.conf"
/* What must not wait for a disk is memory; what is kept is on one. */
#define CONF_STATE_DIR_DEFAULT "/run/memwarden/state"
#define CONF_HISTORY_DIR_DEFAULT "/var/lib/memwarden"
#define CONF_MAX_CLASSES 32
#define CONF_MAX_HOOKS 16
#define CONF_MAX_WEBHOOKS 8

enum conf_order {
    CONF_ORDER_OVERAGE = 0, /* over the reservation first (design.md, 4) */
    CONF_ORDER_STRICT_PRIORITY,
};

enum conf_psi_kind { CONF_PSI_OFF = 0, CONF_PSI_SOME, CONF_PSI_FULL };

/* A PSI trigger: stalled that long in a window. */
struct conf_psi {
    enum conf_psi_kind kind;
    uint64_t stall_ms, window_ms;
};

/* A rule for jobs that match: every non-empty pattern must (fnmatch(3)). */
struct conf_class {
    char name[MW_HOOK_MAX];
    char match_qos[64], match_partition[64], match_account[64], match_user[64];
    bool protect;     /* never a victim of a node OOM */
    int max_priority; /* -1 = the general one */
    struct mw_amount burst, max_burst, reserve; /* NONE = the general one */
    struct mw_ladder ladder;                    /* count 0 = the general one */
    struct mw_ladder node_ladder;               /* count 0 = the general one */
    struct mw_retry retry, max_retry;           /* nothing said = the general */
};

struct conf_hook {
    char name[MW_HOOK_MAX];
    char path[PATH_MAX];
    uint64_t timeout_ms;
    bool as_job; /* run with the job's identity (attend/attend.h), not the
                    courier's */
    bool stop;   /* as_job: the process that it is about is stopped
                                  meanwhile */
    struct mw_amount max_size; /* as_job: of a file that it writes, in bytes */
};

/* What a webhook is sent of each transition. */
enum conf_body {
    CONF_BODY_MEMWARDEN = 0, /* the object of doc/schema/incident.json */
    CONF_BODY_CLOUDEVENTS,
    CONF_BODY_ALERTMANAGER,
    CONF_BODY_SLACK, /* Mattermost's, too */
};

enum conf_full { CONF_FULL_DROP_OLDEST = 0, CONF_FULL_DROP_NEWEST };

/* A receiver that is told of each transition of an incident. */
struct conf_webhook {
    char name[MW_HOOK_MAX];
    char url[512];
    enum conf_body body;
    uint32_t events;            /* 1 << its place in conf_events */
    char secret_file[PATH_MAX]; /* "" = not signed */
    char ca_file[PATH_MAX];     /* "" = those that the system trusts */
    char proxy[512];            /* "" = none */
    uint64_t timeout_ms;
    unsigned max_waiting;
    enum conf_full full; /* what is dropped when so many wait */
};

/* The events that a webhook can be told of, as the journal calls them; ends by
 *   NULL. */
extern const char *const conf_events[];
#define CONF_EVENTS_ALL UINT32_MAX

struct conf {
    char socket[PATH_MAX];
    char state_dir[PATH_MAX];
    char history_dir[PATH_MAX];  /* "" = conf_history_dir says */
    char log_file[PATH_MAX];     /* "" = none */
    char metrics_file[PATH_MAX]; /* "" = none */
    uint64_t metrics_ms;
    bool syslog;
    bool tell_terminals; /* of their users, that a job is held */
    bool shadow;         /* decide and record, but do not act */

    struct mw_amount node_reserve; /* of the node's memory */
    struct mw_amount fill_rate;    /* the fall of free memory that is
                                           reckoned with at least, bytes/s */
    struct conf_psi psi;
    struct mw_amount resume_at;        /* headroom at which held jobs return,
                                           of the pool's capacity */
    struct mw_amount no_mem_share;     /* reserved without --mem; NONE =
                                           its CPUs' share of the pool */
    struct mw_amount burst, max_burst; /* limit, of the reservation */
    struct mw_amount reserve;          /* of the reservation */
    unsigned max_priority;             /* users cannot go above */
    struct mw_ladder ladder;           /* job OOM */
    struct mw_ladder node_ladder;      /* node OOM */
    struct mw_retry retry, max_retry;  /* for whom more memory is needed */
    uint64_t strike_half_ms;           /* half-life of strikes; 0 = there are
                                           none (policy/strikes.h) */
    unsigned strikes_burst, strikes_priority; /* so many cost that */
    unsigned strike_max_priority;             /* what is left of priority */
    enum conf_order order;
    unsigned max_bounces; /* how often one job may be suspended
                                           in bounce_window_ms */
    uint64_t bounce_window_ms;
    char pool[PATH_MAX];           /* "" = found: parent of the jobs */
    char evidence_dir[PATH_MAX];   /* what hooks as_job write is below it */
    struct mw_amount evidence_max; /* of each user there, in bytes */
    char post_incident_hook[MW_HOOK_MAX]; /* "" = none */
    unsigned drain_after;                 /* drain the node after so many node
                                           OOMs in drain_window_ms; 0 = never */
    uint64_t drain_window_ms;
    bool drain_stuck; /* drain it where a victim cannot be
                                           killed */

    char slurm_conf[PATH_MAX]; /* "" = Slurm's default */
    uint64_t controller_timeout_ms;
    bool courier_start; /* the warden's keeper starts it */
    char courier_path[PATH_MAX];
    char courier_user[64];
    char rest_url[512];       /* of slurmrestd, or unix:PATH; "" = none */
    char rest_user[64];       /* "" = courier_user */
    uint64_t rest_timeout_ms; /* of one request */
    char rest_token_file[PATH_MAX], rest_token_command[512], /* "" = none */
        rest_ca_file[PATH_MAX];
    bool admin_comment; /* what a comment says is said there, too */
    char webhook[512];  /* "" = none */
    unsigned max_waiting, max_waiting_user; /* requests that nobody waits for:
                                               of all, of each user */

    unsigned class_count;
    struct conf_class classes[CONF_MAX_CLASSES];
    unsigned hook_count;
    struct conf_hook hooks[CONF_MAX_HOOKS];
    unsigned webhook_count;
    struct conf_webhook webhooks[CONF_MAX_WEBHOOKS];
};

/* Where the story is kept: where nothing is said, in the state directory, if one is
 *   named. */
const char *conf_history_dir (const struct conf *conf);

/* Fill [conf] with the defaults that memwarden.conf(5) names. */
void conf_defaults (struct conf *conf);

/* The hook [name] of [conf]; NULL. */
const struct conf_hook *conf_find_hook (const struct conf *conf,
                                        const char *name);

/* Is [hook] to be told of [event]? */
bool conf_wants (const struct conf_webhook *hook, const char *event);

/* What is done to a job of class [c] (NULL = none) for the node's sake. */
const struct mw_ladder *conf_node_ladder (const struct conf *conf,
                                          const struct conf_class *c);

/* Read [path] over the defaults into [conf].
 * Returns 0; -1 with errno and "FILE:LINE: what is wrong; what would be right" in
 *   [err]; [conf] is untouched then, so a broken file keeps the old one. */
int conf_load (struct conf *conf, const char *path, struct mw_err *err);

#endif /* !MW_CONF_H */
