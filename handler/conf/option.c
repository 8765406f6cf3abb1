/* option.c - every option of memwarden.conf: one row, one place */
#include "config.h"

#include "handler/conf/option.h"

#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define SUN_PATH_LEN 107 /* unix(7): sun_path with its NUL */
#define BYTES (1u << MW_AMOUNT_BYTES)
#define FACTOR (1u << MW_AMOUNT_FACTOR)
#define PERCENT (1u << MW_AMOUNT_PERCENT)
#define SECOND UINT64_C (1000)
#define HOUR (3600 * SECOND)

static int _option_refuse (struct mw_err *err, const char *text,
                           const char *right)
{
    return mw_err_code (err, EINVAL, "\"%.80s\" is not allowed; %s", text,
                        right);
}

static int _set_text (const struct conf_option *o, void *field,
                      const char *text, struct mw_err *err)
{
    size_t room = o->max && o->max < o->size ? o->max + 1 : o->size;

    if (strlen (text) >= room)
        return mw_err_code (err, ENAMETOOLONG,
                            "\"%.40s…\" is too long; at "
                            "most %zu bytes are allowed",
                            text, room - 1);
    strcpy (field, text);
    return 0;
}

static int _set_path (const struct conf_option *o, void *field,
                      const char *text, struct mw_err *err)
{
    if (text[0] != '/')
        return _option_refuse (err, text, "write an absolute path");
    return _set_text (o, field, text, err);
}

static int _set_path_or_none (const struct conf_option *o, void *field,
                              const char *text, struct mw_err *err)
{
    if (text[0] != '\0' && text[0] != '/')
        return _option_refuse (err, text,
                               "write an absolute path, or \"\" for none");
    return _set_text (o, field, text, err);
}

/* What is to be signed and would not be is refused at once. */
static int _set_secret (const struct conf_option *o, void *field,
                        const char *text, struct mw_err *err)
{
#ifndef HAVE_OPENSSL
    if (text[0] != '\0')
        return _option_refuse (err, text,
                               "this memwarden was built --without-openssl and "
                               "signs nothing: write no secret-file, or build "
                               "it with libcrypto");
#endif
    return _set_path_or_none (o, field, text, err);
}

/* node_exporter reads the files *.prom of its directory, and no other; while it is
 * written ours is there by another name. */
static int _set_metrics (const struct conf_option *o, void *field,
                         const char *text, struct mw_err *err)
{
    static const char tail[] = ".prom";
    size_t len = strlen (text), n = sizeof (tail) - 1;

    if (len > 0 &&
        (text[0] != '/' || len <= n || strcmp (text + len - n, tail) != 0 ||
         text[len - n - 1] == '/'))
        return _option_refuse (err, text,
                               "write an absolute path that ends in .prom, as "
                               "node_exporter reads no other, or \"\" for "
                               "none");
    return _set_text (o, field, text, err);
}

static int _set_url (const struct conf_option *o, void *field, const char *text,
                     struct mw_err *err)
{
    if (text[0] != '\0' && strncmp (text, "http://", 7) != 0 &&
        strncmp (text, "https://", 8) != 0)
        return _option_refuse (err, text,
                               "write http://… or https://…, or \"\" for none");
    return _set_text (o, field, text, err);
}

static int _set_rest_url (const struct conf_option *o, void *field,
                          const char *text, struct mw_err *err)
{
    if (text[0] != '\0' && strncmp (text, "http://", 7) != 0 &&
        strncmp (text, "https://", 8) != 0 && strncmp (text, "unix:/", 6) != 0)
        return _option_refuse (err, text,
                               "write unix:/PATH, http://HOST:PORT or "
                               "https://HOST:PORT, or \"\" for none");
    if (_set_text (o, field, text, err) < 0)
        return -1;
    if (text[0] && text[strlen (text) - 1] == '/') /* paths begin with one */
        ((char *) field)[strlen (text) - 1] = '\0';
    return 0;
}

static int _set_user (const struct conf_option *o, void *field,
                      const char *text, struct mw_err *err)
{
    if (!getpwnam (text))
        return mw_err_code (err, EINVAL,
                            "there is no user \"%.40s\" on this "
                            "node; name one that `getent passwd` shows",
                            text);
    return _set_text (o, field, text, err);
}

static int _set_bool (const struct conf_option *o, void *field,
                      const char *text, struct mw_err *err)
{
    (void) o;
    if (!strcasecmp (text, "yes") || !strcasecmp (text, "true") ||
        !strcasecmp (text, "on")) {
        *(bool *) field = true;
        return 0;
    }
    if (!strcasecmp (text, "no") || !strcasecmp (text, "false") ||
        !strcasecmp (text, "off")) {
        *(bool *) field = false;
        return 0;
    }
    return _option_refuse (err, text, "write yes or no");
}

static int _set_number (const struct conf_option *o, void *field,
                        const char *text, struct mw_err *err)
{
    uint64_t value = 0;
    const char *p;

    for (p = text; *p >= '0' && *p <= '9' && value <= o->max; p++)
        value = value * 10 + (uint64_t) (*p - '0');
    if (p == text || *p || value < o->min || value > o->max)
        return mw_err_code (err, EINVAL,
                            "\"%.40s\" is not allowed; write a "
                            "whole number from %" PRIu64 " to %" PRIu64,
                            text, o->min, o->max);
    *(unsigned *) field = (unsigned) value;
    return 0;
}

static int _set_time (const struct conf_option *o, void *field,
                      const char *text, struct mw_err *err)
{
    char min[32], max[32];
    uint64_t ms;

    if (mw_duration_parse (text, &ms, err) < 0)
        return -1;
    if (ms < o->min || ms > o->max)
        return mw_err_code (err, ERANGE,
                            "\"%.40s\" is not allowed; write a "
                            "time from %s to %s",
                            text,
                            mw_duration_format (o->min, min, sizeof (min)),
                            mw_duration_format (o->max, max, sizeof (max)));
    *(uint64_t *) field = ms;
    return 0;
}

static int _set_half_life (const struct conf_option *o, void *field,
                           const char *text, struct mw_err *err)
{
    if (strcmp (text, "off") != 0)
        return _set_time (o, field, text, err);
    *(uint64_t *) field = 0;
    return 0;
}

static int _wrong_amount (const struct conf_option *o, const char *text,
                          struct mw_err *err)
{
    char range[96] = "";

    if (o->kinds & FACTOR)
        snprintf (range, sizeof (range),
                  "write a factor from x%g to x%g, or a"
                  " size (\"64G\")",
                  (double) o->min / 100, (double) o->max / 100);
    else if (!(o->kinds & PERCENT))
        snprintf (range, sizeof (range), "write a size (\"1G\")");
    else
        snprintf (range, sizeof (range),
                  "write a share from %" PRIu64 "%% to %" PRIu64
                  "%%, or a size (\"2G\")",
                  o->min, o->max);
    return _option_refuse (err, text, range);
}

/* A factor or a share is checked against the row's range here; a size cannot
 * be, before it is known of how much. */
static int _set_amount (const struct conf_option *o, void *field,
                        const char *text, struct mw_err *err)
{
    struct mw_amount a;

    if (mw_amount_parse (text, &a, err) < 0)
        return -1;
    if (!(o->kinds & (1u << a.kind)))
        return _wrong_amount (o, text, err);
    if (a.kind != MW_AMOUNT_BYTES &&
        (a.ratio * 100 < (double) o->min || a.ratio * 100 > (double) o->max))
        return _wrong_amount (o, text, err);
    if (a.kind == MW_AMOUNT_BYTES && a.bytes == 0 && o->min > 0)
        return _wrong_amount (o, text, err);
    *(struct mw_amount *) field = a;
    return 0;
}

static int _option_set_ladder (const struct conf_option *o, void *field,
                               const char *text, struct mw_err *err)
{
    (void) o;
    return mw_ladder_parse (text, field, err);
}

static int _set_retry (const struct conf_option *o, void *field,
                       const char *text, struct mw_err *err)
{
    (void) o;
    return mw_retry_parse (text, field, err);
}

/* Where in [names], which end with NULL, [text] is; -1. */
static int _option_name (const char *const *names, const char *text)
{
    for (int i = 0; names[i]; i++)
        if (!strcmp (names[i], text))
            return i;
    return -1;
}

static int _set_order (const struct conf_option *o, void *field,
                       const char *text, struct mw_err *err)
{
    static const char *const names[] = {
        [CONF_ORDER_OVERAGE] = "overage",
        [CONF_ORDER_STRICT_PRIORITY] = "strict-priority",
        NULL,
    };
    int i = _option_name (names, text);

    (void) o;
    if (i < 0)
        return _option_refuse (err, text, "write overage or strict-priority");
    *(enum conf_order *) field = (enum conf_order) i;
    return 0;
}

/* "off", or "some 150ms/1s": what the kernel takes as a trigger is a window of
 * 0.5 to 10 s and a stall within it. */
static int _set_psi (const struct conf_option *o, void *field, const char *text,
                     struct mw_err *err)
{
    static const char right
        [] = "write off, or some or full, a space, and"
             " STALL/WINDOW with a window of 500ms to 10s (\"some 150ms/1s\")";
    struct conf_psi psi = { .kind = CONF_PSI_SOME };
    char stall[32], window[32], kind[8];
    int end = 0;

    (void) o;
    if (!strcmp (text, "off")) {
        *(struct conf_psi *) field = (struct conf_psi) { 0 };
        return 0;
    }
    if (strlen (text) >= sizeof (stall) ||
        sscanf (text, "%7s %31[0-9a-z.]/%31[0-9a-z.]%n", kind, stall, window,
                &end) != 3 ||
        text[end] || mw_duration_parse (stall, &psi.stall_ms, NULL) < 0 ||
        mw_duration_parse (window, &psi.window_ms, NULL) < 0)
        return _option_refuse (err, text, right);
    if (!strcmp (kind, "full"))
        psi.kind = CONF_PSI_FULL;
    if ((strcmp (kind, "some") && strcmp (kind, "full")) ||
        psi.window_ms < 500 || psi.window_ms > 10000 || psi.stall_ms == 0 ||
        psi.stall_ms > psi.window_ms)
        return _option_refuse (err, text, right);
    *(struct conf_psi *) field = psi;
    return 0;
}

const char *const conf_events[] = {
    "detected",    "step",     "lent",   "returned", "held",  "thawed",
    "asked",       "answered", "cut",    "dump",     "note",  "nested",
    "kernel-kill", "livelock", "failed", "adopted",  "class", "shadow",
    "released",    "resolved", "uses",   "huge",     NULL,
};

/* Events, with commas between them, or "all". */
static int _set_events (const struct conf_option *o, void *field,
                        const char *text, struct mw_err *err)
{
    char copy[512], *rest = copy, *name;
    uint32_t events = 0;
    int i;

    (void) o;
    if (!strcmp (text, "all")) {
        *(uint32_t *) field = CONF_EVENTS_ALL;
        return 0;
    }
    snprintf (copy, sizeof (copy), "%s", text);
    while ((name = strsep (&rest, ","))) {
        name += strspn (name, " ");
        name[strcspn (name, " ")] = '\0';
        i = _option_name (conf_events, name);
        if (i < 0)
            return _option_refuse (
                err, name,
                "write all, or events with commas between them (\"detected,"
                "step,resolved\"); memwarden.conf(5) has their list");
        events |= 1u << i;
    }
    *(uint32_t *) field = events;
    return 0;
}

static int _set_body (const struct conf_option *o, void *field,
                      const char *text, struct mw_err *err)
{
    static const char *const names[] = {
        [CONF_BODY_MEMWARDEN] = "memwarden",
        [CONF_BODY_CLOUDEVENTS] = "cloudevents",
        [CONF_BODY_ALERTMANAGER] = "alertmanager",
        [CONF_BODY_SLACK] = "slack",
        NULL,
    };
    int i = _option_name (names, text);

    (void) o;
    if (i < 0)
        return _option_refuse (err, text,
                               "write memwarden, cloudevents, alertmanager or "
                               "slack");
    *(enum conf_body *) field = (enum conf_body) i;
    return 0;
}

static int _set_as (const struct conf_option *o, void *field, const char *text,
                    struct mw_err *err)
{
    static const char *const names[] = { "courier", "job", NULL };
    int i = _option_name (names, text);

    (void) o;
    if (i < 0)
        return _option_refuse (err, text, "write courier or job");
    *(bool *) field = i == 1;
    return 0;
}

static int _set_full (const struct conf_option *o, void *field,
                      const char *text, struct mw_err *err)
{
    static const char *const names[] = {
        [CONF_FULL_DROP_OLDEST] = "drop-oldest",
        [CONF_FULL_DROP_NEWEST] = "drop-newest",
        NULL,
    };
    int i = _option_name (names, text);

    (void) o;
    if (i < 0)
        return _option_refuse (err, text, "write drop-oldest or drop-newest");
    *(enum conf_full *) field = (enum conf_full) i;
    return 0;
}

#define CONF(m) offsetof (struct conf, m), sizeof (((struct conf *) 0)->m)
#define CLASS(m) \
    offsetof (struct conf_class, m), sizeof (((struct conf_class *) 0)->m)
#define HOOK(m) \
    offsetof (struct conf_hook, m), sizeof (((struct conf_hook *) 0)->m)

#define WEBHOOK(m) \
    offsetof (struct conf_webhook, m), sizeof (((struct conf_webhook *) 0)->m)

const struct conf_option conf_options[] = {
    /* where things are */
    { "root", "socket", _set_path, CONF (socket), 0, SUN_PATH_LEN, 0 },
    { "root", "state-dir", _set_path, CONF (state_dir), 0, 0, 0 },
    { "root", "history-dir", _set_path, CONF (history_dir), 0, 0, 0 },
    { "root", "log-file", _set_path_or_none, CONF (log_file), 0, 0, 0 },
    { "root", "metrics-file", _set_metrics, CONF (metrics_file), 0, 0, 0 },
    { "root", "metrics-interval", _set_time, CONF (metrics_ms), SECOND, HOUR,
      0 },
    { "root", "syslog", _set_bool, CONF (syslog), 0, 0, 0 },
    { "root", "tell-terminals", _set_bool, CONF (tell_terminals), 0, 0, 0 },
    { "root", "shadow", _set_bool, CONF (shadow), 0, 0, 0 },
    /* the node */
    { "root", "pool", _set_path_or_none, CONF (pool), 0, 0, 0 },
    { "root", "node-reserve", _set_amount, CONF (node_reserve), 0, 90,
      BYTES | PERCENT },
    { "root", "fill-rate", _set_amount, CONF (fill_rate), 1, 0, BYTES },
    { "root", "psi", _set_psi, CONF (psi), 0, 0, 0 },
    { "root", "resume-at", _set_amount, CONF (resume_at), 0, 90,
      BYTES | PERCENT },
    { "root", "node-ladder", _option_set_ladder, CONF (node_ladder), 0, 0, 0 },
    { "root", "order", _set_order, CONF (order), 0, 0, 0 },
    { "root", "max-bounces", _set_number, CONF (max_bounces), 0, 1000, 0 },
    { "root", "bounce-window", _set_time, CONF (bounce_window_ms), SECOND,
      24 * HOUR, 0 },
    /* afterwards */
    { "root", "post-incident-hook", _set_text, CONF (post_incident_hook), 0, 0,
      0 },
    { "root", "evidence-dir", _set_path, CONF (evidence_dir), 0, 0, 0 },
    { "root", "evidence-max", _set_amount, CONF (evidence_max), 1, 0, BYTES },
    { "root", "drain-after", _set_number, CONF (drain_after), 0, 1000, 0 },
    { "root", "drain-window", _set_time, CONF (drain_window_ms), SECOND,
      7 * 24 * HOUR, 0 },
    { "root", "drain-stuck", _set_bool, CONF (drain_stuck), 0, 0, 0 },
    /* the job */
    { "root", "no-mem-share", _set_amount, CONF (no_mem_share), 1, 100,
      BYTES | PERCENT },
    { "root", "burst", _set_amount, CONF (burst), 100, 100000,
      BYTES | FACTOR | PERCENT },
    { "root", "max-burst", _set_amount, CONF (max_burst), 100, 100000,
      BYTES | FACTOR | PERCENT },
    { "root", "reserve", _set_amount, CONF (reserve), 0, 100, BYTES | PERCENT },
    { "root", "max-priority", _set_number, CONF (max_priority), 0,
      MW_PRIORITY_MAX, 0 },
    { "root", "ladder", _option_set_ladder, CONF (ladder), 0, 0, 0 },
    { "root", "strike-half-life", _set_half_life, CONF (strike_half_ms), SECOND,
      365 * 24 * HOUR, 0 },
    { "root", "strikes-burst", _set_number, CONF (strikes_burst), 1, 100, 0 },
    { "root", "strikes-priority", _set_number, CONF (strikes_priority), 1, 100,
      0 },
    { "root", "strike-max-priority", _set_number, CONF (strike_max_priority), 0,
      MW_PRIORITY_MAX, 0 },
    { "root", "mem-retry", _set_retry, CONF (retry), 0, 0, 0 },
    { "root", "max-mem-retry", _set_retry, CONF (max_retry), 0, 0, 0 },
    /* the controller */
    { "root", "controller-timeout", _set_time, CONF (controller_timeout_ms),
      100, HOUR, 0 },
    { "courier", "start", _set_bool, CONF (courier_start), 0, 0, 0 },
    { "courier", "path", _set_path, CONF (courier_path), 0, 0, 0 },
    { "courier", "user", _set_user, CONF (courier_user), 0, 0, 0 },
    { "courier", "slurm-conf", _set_path_or_none, CONF (slurm_conf), 0, 0, 0 },
    { "courier", "slurmrestd", _set_rest_url, CONF (rest_url), 0, 0, 0 },
    { "courier", "slurmrestd-user", _set_text, CONF (rest_user), 0, 0, 0 },
    { "courier", "slurmrestd-token-file", _set_path_or_none,
      CONF (rest_token_file), 0, 0, 0 },
    { "courier", "slurmrestd-token-command", _set_path_or_none,
      CONF (rest_token_command), 0, 0, 0 },
    { "courier", "slurmrestd-ca-file", _set_path_or_none, CONF (rest_ca_file),
      0, 0, 0 },
    { "courier", "slurmrestd-timeout", _set_time, CONF (rest_timeout_ms), 100,
      300 * SECOND, 0 },
    { "courier", "admin-comment", _set_bool, CONF (admin_comment), 0, 0, 0 },
    { "courier", "webhook", _set_url, CONF (webhook), 0, 0, 0 },
    { "courier", "max-waiting", _set_number, CONF (max_waiting), 10, 4000, 0 },
    { "courier", "max-waiting-user", _set_number, CONF (max_waiting_user), 10,
      4000, 0 },

    { "class", "match-qos", _set_text, CLASS (match_qos), 0, 0, 0 },
    { "class", "match-partition", _set_text, CLASS (match_partition), 0, 0, 0 },
    { "class", "match-account", _set_text, CLASS (match_account), 0, 0, 0 },
    { "class", "match-user", _set_text, CLASS (match_user), 0, 0, 0 },
    { "class", "protect", _set_bool, CLASS (protect), 0, 0, 0 },
    { "class", "max-priority", _set_number, CLASS (max_priority), 0,
      MW_PRIORITY_MAX, 0 },
    { "class", "burst", _set_amount, CLASS (burst), 100, 100000,
      BYTES | FACTOR | PERCENT },
    { "class", "max-burst", _set_amount, CLASS (max_burst), 100, 100000,
      BYTES | FACTOR | PERCENT },
    { "class", "reserve", _set_amount, CLASS (reserve), 0, 100,
      BYTES | PERCENT },
    { "class", "ladder", _option_set_ladder, CLASS (ladder), 0, 0, 0 },
    { "class", "node-ladder", _option_set_ladder, CLASS (node_ladder), 0, 0,
      0 },
    { "class", "mem-retry", _set_retry, CLASS (retry), 0, 0, 0 },
    { "class", "max-mem-retry", _set_retry, CLASS (max_retry), 0, 0, 0 },

    { "hook", "path", _set_path, HOOK (path), 0, 0, 0 },
    { "hook", "timeout", _set_time, HOOK (timeout_ms), SECOND, HOUR, 0 },
    { "hook", "as", _set_as, HOOK (as_job), 0, 0, 0 },
    { "hook", "stop", _set_bool, HOOK (stop), 0, 0, 0 },
    { "hook", "max-size", _set_amount, HOOK (max_size), 1, 0, BYTES },

    { "webhook", "url", _set_url, WEBHOOK (url), 0, 0, 0 },
    { "webhook", "body", _set_body, WEBHOOK (body), 0, 0, 0 },
    { "webhook", "events", _set_events, WEBHOOK (events), 0, 0, 0 },
    { "webhook", "secret-file", _set_secret, WEBHOOK (secret_file), 0, 0, 0 },
    { "webhook", "ca-file", _set_path_or_none, WEBHOOK (ca_file), 0, 0, 0 },
    { "webhook", "proxy", _set_text, WEBHOOK (proxy), 0, 0, 0 },
    { "webhook", "timeout", _set_time, WEBHOOK (timeout_ms), SECOND,
      300 * SECOND, 0 },
    { "webhook", "max-waiting", _set_number, WEBHOOK (max_waiting), 1, 100000,
      0 },
    { "webhook", "when-full", _set_full, WEBHOOK (full), 0, 0, 0 },
};
const unsigned conf_option_count = sizeof (conf_options) /
                                   sizeof (conf_options[0]);
_Static_assert(sizeof (conf_options) / sizeof (conf_options[0]) <=
                   CONF_OPTION_MAX,
               "raise CONF_OPTION_MAX");

const struct conf_option *conf_option_find (const char *section,
                                            const char *name)
{
    for (unsigned i = 0; i < conf_option_count; i++) {
        if (!strcmp (conf_options[i].section, section) &&
            !strcmp (conf_options[i].name, name))
            return &conf_options[i];
    }
    return NULL;
}

/* Levenshtein's distance of two short words. */
static unsigned _option_distance (const char *a, const char *b)
{
    unsigned row[32], above, left, n = (unsigned) strlen (b);

    if (n >= sizeof (row) / sizeof (row[0]))
        return n;
    for (unsigned j = 0; j <= n; j++)
        row[j] = j;
    for (unsigned i = 1; a[i - 1] && i < 64; i++) {
        left = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= n; j++) {
            above = row[j];
            left += a[i - 1] != b[j - 1] &&
                    !(a[i - 1] == '_' && b[j - 1] == '-');
            if (above + 1 < left)
                left = above + 1;
            if (row[j - 1] + 1 < left)
                left = row[j - 1] + 1;
            row[j] = left;
            left = above;
        }
    }
    return row[n];
}

const char *conf_option_nearest (const char *section, const char *name)
{
    const char *nearest = NULL;
    unsigned least = (unsigned) strlen (name) / 3 + 2, d;

    for (unsigned i = 0; i < conf_option_count; i++) {
        if (strcmp (conf_options[i].section, section) != 0)
            continue;
        d = _option_distance (name, conf_options[i].name);
        if (d < least) {
            least = d;
            nearest = conf_options[i].name;
        }
    }
    return nearest;
}
